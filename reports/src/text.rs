//! A summary of a finished run for a terminal.
//!
//! What needs attention comes last, next to the prompt: not applicable scenarios first, then inconclusive ones, errors,
//! fails, and the counts. Scenarios that passed are only counted.

use core::fmt::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::human::{BenchTime, counted, repeat_command};
use crate::log::StepFinished;
use crate::model::{RunLog, ScenarioLog};
use crate::printable::{excerpt, one_line, printable};
use crate::verdict::Verdict;

/// Characters of a message that are shown; the HTML report has all of it.
const MESSAGE: usize = 2_000;
/// Characters of a name, a step or a summary that are shown.
const LINE: usize = 240;
/// Observations that are shown of a step.
const OBSERVATIONS: usize = 8;

/// Renders the summary of `log`, with ANSI escapes for colour when `styled`.
///
/// Whatever the log holds, no other control character than the line feed is in the text besides those escapes.
#[must_use]
pub fn render(log: &RunLog, styled: bool) -> String {
    Summary { log, styled }.to_string()
}

struct Summary<'a> {
    log: &'a RunLog,
    styled: bool,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for verdict in Verdict::WORST_FIRST.into_iter().rev().filter(|&verdict| verdict != Verdict::Pass) {
            for scenario in self.log.scenarios.iter().filter(|scenario| scenario.verdict() == verdict) {
                self.scenario(f, scenario)?;
            }
        }
        self.doubts(f)?;
        self.totals(f)
    }
}

impl Summary<'_> {
    fn scenario(&self, f: &mut fmt::Formatter<'_>, scenario: &ScenarioLog) -> fmt::Result {
        let (verdict, started) = (scenario.verdict(), &scenario.started);
        let label = self.paint(style_of(verdict), &format!("{:>14}", verdict.words().to_uppercase()));
        let place = self.paint(Style::new().dimmed(), &line(started.scenario.as_str()));
        writeln!(f, "{label}  {}  {place}", line(&started.name))?;
        let step = scenario.deciding_step();
        if let Some(step) = step.filter(|_| verdict != Verdict::NotApplicable) {
            let when = format!("(line {}, {})", step.line, BenchTime(step.at.end_us));
            let when = self.paint(Style::new().dimmed(), &when);
            self.field(f, "step", &format!("{} {} {when}", line(&step.keyword), line(&step.text)))?;
        }
        let message = step.and_then(|step| step.message.as_deref());
        let reason = scenario.reason().filter(|&reason| Some(reason) != message);
        if let Some(reason) = reason {
            self.field(f, "reason", &excerpt(&printable(reason), MESSAGE))?;
        }
        if let Some(message) = message {
            self.field(f, if reason.is_some() { "found" } else { "reason" }, &excerpt(&printable(message), MESSAGE))?;
        }
        if verdict != Verdict::NotApplicable {
            step.map_or(Ok(()), |step| self.observed(f, step))?;
            let evidence = scenario.finished.iter().flat_map(|finished| &finished.evidence);
            for file in evidence {
                self.field(f, "evidence", &format!("{}: {}", line(&file.path), line(&file.description)))?;
            }
        }
        writeln!(f)
    }

    fn observed(&self, f: &mut fmt::Formatter<'_>, step: &StepFinished) -> fmt::Result {
        // The last ones: they are the nearest to what went wrong.
        let passed_over = step.observed.len().saturating_sub(OBSERVATIONS);
        if passed_over > 0 {
            self.field(f, "observed", &format!("({} before these)", counted(passed_over as u64, "observation")))?;
        }
        for seen in step.observed.iter().skip(passed_over) {
            let mut text = format!("{}  {}  {}", BenchTime(seen.at_us), line(&seen.link), line(&seen.summary));
            if let Some(reference) = &seen.reference {
                write!(text, "  {}", self.paint(Style::new().dimmed(), &format!("[{}]", line(reference))))?;
            }
            self.field(f, "observed", &text)?;
        }
        Ok(())
    }

    fn doubts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = self.log;
        let warning = self.paint(AnsiColor::Yellow.on_default().bold(), "warning");
        if log.finished.is_none() {
            let (there, all) = (log.scenarios.len(), log.run.scenarios);
            writeln!(f, "{warning}: the run log ends before the run does: {there} of {all} scenarios are in it")?;
        }
        if let Some(cut) = log.truncated {
            writeln!(f, "{warning}: run log line {}: cut after {} octets", cut.line, cut.octets)?;
        }
        for doubt in &log.warnings {
            writeln!(f, "{warning}: run log {}", line(&doubt.to_string()))?;
        }
        Ok(())
    }

    fn totals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (log, counts) = (self.log, self.log.counts());
        let verdict = log.verdict();
        let overall = self.paint(style_of(verdict), &verdict.words().to_uppercase());
        write!(f, "{overall}  {}", counted(counts.total().into(), "scenario"))?;
        for (index, verdict) in Verdict::WORST_FIRST.into_iter().filter(|&verdict| counts.of(verdict) > 0).enumerate() {
            let count = format!("{} {}", counts.of(verdict), in_the_past(verdict));
            write!(f, "{}{}", if index == 0 { ": " } else { ", " }, self.paint(style_of(verdict), &count))?;
        }
        writeln!(f, "; {} of bench time", BenchTime(log.duration_us()))?;
        writeln!(f, "bench {} ({}), seed {}", line(&log.run.bench.name), log.run.bench.drivers.as_str(), log.run.seed)?;
        writeln!(f, "again with: {}", one_line(&repeat_command(log)))
    }

    /// A label and a value of one or more lines, the further ones below the first.
    fn field(&self, f: &mut fmt::Formatter<'_>, label: &str, value: &str) -> fmt::Result {
        for (index, line) in value.lines().enumerate() {
            let label = if index == 0 { label } else { "" };
            writeln!(
                f,
                "{}  {}",
                self.paint(Style::new().dimmed(), &format!("{label:>14}")),
                line.replace('\t', "    ")
            )?;
        }
        Ok(())
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.styled { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

fn line(text: &str) -> String {
    excerpt(&one_line(text), LINE).into_owned()
}

const fn style_of(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Pass => AnsiColor::Green.on_default().bold(),
        Verdict::Fail => AnsiColor::Red.on_default().bold(),
        Verdict::Error => AnsiColor::Magenta.on_default().bold(),
        Verdict::Inconclusive => AnsiColor::Yellow.on_default().bold(),
        Verdict::NotApplicable => AnsiColor::Cyan.on_default(),
    }
}

/// As one counts them: `3 passed, 1 failed`.
const fn in_the_past(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "passed",
        Verdict::Fail => "failed",
        Verdict::Error => "in error",
        Verdict::Inconclusive | Verdict::NotApplicable => verdict.words(),
    }
}
