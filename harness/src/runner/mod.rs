//! Runs scenarios and appends what happens to the run log.
//!
//! Features are parsed by the `gherkin` crate and steps are matched by cucumber's step collection; they are executed
//! here, because a verdict is more than passed or failed, and because scenarios run on several threads. Each thread has
//! a single-threaded runtime of its own, so a world never leaves its thread.
//!
//! The log is in the order of the scenarios whatever the number of threads: what a scenario says is held back until all
//! before it have ended. With worlds that are deterministic, one seed gives one log, to the octet.

mod execute;
pub mod feature;
mod lint;
mod panics;
mod queue;
pub mod requirements;
mod select;
mod world;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::SystemTime;

use cucumber::step::Collection;
use hanrig_reports::{
    BenchInfo, Drivers, Event, FORMAT, LogWriter, Requirement, RunFinished, RunStarted, Verdict, VerdictCounts,
};

use hanrig_wire::time::Utc;

pub use self::execute::scenario_seed;
pub use self::feature::{Case, FeatureError};
use self::queue::Queue;
pub use self::select::{Shard, ShardError, Tags, TagsError, select};
pub use self::world::{
    BenchFault, EndOfScenario, Outcome, RigWorld, ScenarioContext, StepError, StepRecord, StepResult,
};
use crate::bench::Bench;
use crate::progress::RunProgress;

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The scenarios, in the order in which the log has them.
    pub cases: &'a [Case],
    /// The bench.
    pub bench: Arc<Bench>,
    /// The seed from which every scenario's own seed derives.
    pub seed: u64,
    /// How many scenarios run at the same time; at least one does.
    pub jobs: usize,
    /// The run's folder, where scenarios keep their evidence; `None` to keep none.
    pub out: Option<&'a Path>,
    /// The filter that chose the scenarios, for the log.
    pub filter: Option<String>,
    /// The arguments that repeat the run, for the log.
    pub repeat: Vec<String>,
    /// Readings chosen where the specifications disagree or are silent, for the log.
    pub interpretations: BTreeMap<String, String>,
    /// The requirements that the suite knows, for the run log.
    pub requirements: BTreeMap<String, Requirement>,
    /// What a person at a terminal sees.
    pub progress: RunProgress,
}

impl<'a> Run<'a> {
    /// A run of `cases` on `bench`, one after another with seed 1, that keeps no evidence and shows nothing.
    pub fn of(cases: &'a [Case], bench: Arc<Bench>) -> Self {
        Self {
            cases,
            bench,
            seed: 1,
            jobs: 1,
            out: None,
            filter: None,
            repeat: Vec::new(),
            interpretations: BTreeMap::new(),
            requirements: BTreeMap::new(),
            progress: RunProgress::hidden(),
        }
    }
}

/// A run could not be carried through.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The log cannot be written.
    #[error("cannot write the run log")]
    Log(#[source] io::Error),
    /// A thread or its runtime cannot be started.
    #[error("cannot start a thread that runs scenarios")]
    Thread(#[source] io::Error),
    /// A thread ended before its scenarios did.
    #[error("a thread that runs scenarios ended early; {missing} scenarios were not run")]
    Lost {
        /// Scenarios without a verdict.
        missing: usize,
    },
}

/// What one scenario came to.
struct Done {
    index: usize,
    verdict: Verdict,
    events: Vec<Event>,
}

/// The time of day, for the log of a run in real time.
fn wall_clock() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Utc(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).to_string()
}

impl Run<'_> {
    /// Runs every scenario in worlds of type `W` with the steps in `steps`, appending to `log`.
    ///
    /// # Errors
    ///
    /// When the log cannot be written or threads cannot be had. What goes wrong in a scenario is in its verdict.
    pub fn run<W: RigWorld>(
        &self,
        steps: &Collection<W>,
        log: &mut LogWriter<impl Write>,
    ) -> Result<VerdictCounts, RunError> {
        log.write(&self.started()).map_err(RunError::Log)?;
        let counts = self.scenarios(steps, log);
        self.progress.finish();
        let counts = counts?;
        let finished = RunFinished { verdicts: counts, verdict: counts.overall() };
        log.write(&Event::RunFinished(finished)).map_err(RunError::Log)?;
        Ok(counts)
    }

    fn started(&self) -> Event {
        Event::RunStarted(Box::new(RunStarted {
            format: FORMAT,
            hanrig: env!("CARGO_PKG_VERSION").to_owned(),
            seed: self.seed,
            bench: BenchInfo {
                name: self.bench.name.clone(),
                description: self.bench.description.clone(),
                drivers: if self.bench.is_live() { Drivers::Live } else { Drivers::Virtual },
                players: self.bench.players(),
            },
            interpretations: self.interpretations.clone(),
            requirements: self.requirements.clone(),
            started_at: self.bench.is_live().then(wall_clock),
            scenarios: u32::try_from(self.cases.len()).unwrap_or(u32::MAX),
            filter: self.filter.clone(),
            repeat: self.repeat.clone(),
        }))
    }

    fn scenarios<W: RigWorld>(
        &self,
        steps: &Collection<W>,
        log: &mut LogWriter<impl Write>,
    ) -> Result<VerdictCounts, RunError> {
        let queue = Queue::new(self.cases, self.jobs > 1 && self.bench.is_live());
        let stop = AtomicBool::new(false);
        let (sender, receiver) = mpsc::channel::<Done>();
        let runtimes = (0..self.jobs.clamp(1, self.cases.len().max(1)))
            .map(|_| tokio::runtime::Builder::new_current_thread().enable_time().build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(RunError::Thread)?;
        thread::scope(|scope| {
            for (job, runtime) in runtimes.into_iter().enumerate() {
                let (sender, queue, stop) = (sender.clone(), &queue, &stop);
                thread::Builder::new()
                    .name(format!("scenarios-{job}"))
                    .spawn_scoped(scope, move || {
                        while !stop.load(Ordering::Relaxed) {
                            let next = queue.take(job).and_then(|index| Some((index, self.cases.get(index)?)));
                            let Some((index, case)) = next else { break };
                            let progress = self.progress.scenario(&case.name);
                            let (verdict, events) =
                                execute::run(case, &self.bench, self.seed, self.out, steps, &runtime, progress.clone());
                            self.progress.scenario_done(&progress);
                            if sender.send(Done { index, verdict, events }).is_err() {
                                break;
                            }
                        }
                    })
                    .map_err(|error| {
                        stop.store(true, Ordering::Relaxed);
                        RunError::Thread(error)
                    })?;
            }
            drop(sender);
            let result = self.write_in_order(&receiver, log);
            stop.store(true, Ordering::Relaxed);
            result
        })
    }

    /// Writes what the threads send, each scenario when all before it were written.
    fn write_in_order(
        &self,
        receiver: &mpsc::Receiver<Done>,
        log: &mut LogWriter<impl Write>,
    ) -> Result<VerdictCounts, RunError> {
        let mut counts = VerdictCounts::default();
        let mut waiting = BTreeMap::new();
        let mut turn = 0;
        for done in receiver {
            waiting.insert(done.index, done);
            while let Some(done) = waiting.remove(&turn) {
                for event in &done.events {
                    log.write(event).map_err(RunError::Log)?;
                }
                counts += done.verdict;
                turn += 1;
            }
        }
        if turn == self.cases.len() { Ok(counts) } else { Err(RunError::Lost { missing: self.cases.len() - turn }) }
    }
}
