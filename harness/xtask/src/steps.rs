//! The steps of a task: a heading and the time of each, and a summary at the end.

use std::fmt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What was done so far. A step that fails does not keep the later ones from being done.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<Step>,
    not_run: Vec<String>,
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    took: Duration,
    /// Why it failed.
    failure: Option<String>,
}

impl Steps {
    /// Does the step `name`. An error is a failure, for people.
    pub(crate) fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<(), String>) {
        println!("\n==> {}. {name}", self.done.len() + 1);
        let begun = Instant::now();
        let failure = work().err();
        let step = Step { name, took: begun.elapsed(), failure };
        println!("==> {step}");
        self.done.push(step);
    }

    /// Notes what was not run, and why.
    pub(crate) fn not_run(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.not_run.contains(&what) {
            self.not_run.push(what);
        }
    }

    /// Prints the summary; success when every step succeeded.
    pub(crate) fn finish(self) -> ExitCode {
        println!("\n==> summary");
        for step in &self.done {
            println!("    {step}");
        }
        let total: Duration = self.done.iter().map(|step| step.took).sum();
        println!("    {:7.1} s  in all", total.as_secs_f64());
        if self.not_run.is_empty() {
            println!("    nothing was left out");
        } else {
            println!("    not run:");
            for what in &self.not_run {
                println!("      {what}");
            }
        }
        let ok = self.done.iter().all(|step| step.failure.is_none());
        println!("==> {}", if ok { "passed" } else { "FAILED" });
        if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:7.1} s  {}: ", self.took.as_secs_f64(), self.name)?;
        match &self.failure {
            None => f.write_str("passed"),
            Some(why) => write!(f, "FAILED: {why}"),
        }
    }
}
