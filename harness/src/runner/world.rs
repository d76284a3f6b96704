//! What the runner and a world tell each other.
//!
//! # For authors of steps
//!
//! A step is a function with cucumber's `#[given]`, `#[when]` or `#[then]` that returns nothing or a [`StepResult`]:
//!
//! - it returns (`Ok`): the step passed;
//! - it returns a [`StepError`]: the step ended with the [`Outcome`] in it, which decides the verdict. Use `?` freely:
//!   anything that knows what its failure means for the verdict can have a `From` into [`StepError`];
//! - it panics in any other way (a failed `assert!`, an `unwrap`): a bug of the rig, hence verdict *error*. What a device
//!   did wrong is therefore never told by `assert!`.
//!
//! Cucumber turns the `Err` of a step into a panic and keeps only its text. The text of a [`StepError`] therefore starts
//! with the kind of its outcome in brackets, and [`Outcome::from_panic_text`] reads it back.

use core::fmt;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hanrig_reports::{EvidenceFile, Observation, ScenarioId, StepStatus};

use crate::bench::Bench;
use crate::progress::ScenarioProgress;

/// What the runner needs of a world beside cucumber's [`World`](cucumber::World).
///
/// Every scenario gets a world of its own, made, used and ended on one thread.
pub trait RigWorld: cucumber::World {
    /// Starts the bench for one scenario.
    ///
    /// # Errors
    ///
    /// When the bench cannot be started: the scenario's verdict is then *error*.
    fn begin(context: &ScenarioContext) -> Result<Self, BenchFault>;

    /// Bench time in microseconds since the scenario began.
    fn now(&self) -> u64;

    /// What the step that just ended rests on; called once after every step, also after one that panicked.
    fn take_step_record(&mut self) -> StepRecord;

    /// Stops the bench and writes the evidence; called once, whatever happened before.
    fn end(&mut self) -> EndOfScenario;
}

/// What a scenario runs in.
#[derive(Clone, Debug)]
pub struct ScenarioContext {
    /// The bench.
    pub bench: Arc<Bench>,
    /// The scenario's own seed: everything random in it derives from this.
    pub seed: u64,
    /// The scenario.
    pub id: ScenarioId,
    /// Its name.
    pub name: String,
    /// Its tags and those it inherits, without `@`.
    pub tags: Vec<String>,
    /// The scenario's own folder for evidence, which exists; `None` when nothing is to be kept.
    pub out_dir: Option<PathBuf>,
    /// Where to tell a person at a terminal how far things are.
    pub progress: ScenarioProgress,
}

/// What a step leaves behind in its world.
#[derive(Clone, Debug, Default)]
pub struct StepRecord {
    /// The observations on which the step's status rests. Their references are relative to the scenario's folder; the
    /// runner makes them relative to the run's.
    pub observed: Vec<Observation>,
    /// An outcome that stands whatever the step returned: for what a step cannot return itself, such as a fault that
    /// the driver met while the step waited. `None` leaves it to what the step returned.
    pub outcome: Option<Outcome>,
}

/// What is left of a scenario when it has ended.
#[derive(Clone, Debug, Default)]
pub struct EndOfScenario {
    /// The files kept of it, their paths relative to the scenario's folder; the runner makes them relative to the run's.
    pub evidence: Vec<EvidenceFile>,
    /// What was counted: frames on the air, blocks, ...
    pub counters: BTreeMap<String, u64>,
    /// What went wrong with the bench, if something did: the verdict is then *error*.
    pub fault: Option<BenchFault>,
}

/// The bench, not the subject, went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BenchFault(String);

impl BenchFault {
    /// A fault that is described by `message`: what, where and what to do.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// From an error with all that caused it.
    pub fn from_error(error: &dyn core::error::Error) -> Self {
        Self(crate::exit::chain(error))
    }
}

/// How a step ended that did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What was observed contradicts what was expected.
    Fail(String),
    /// What was observed permits neither a pass nor a fail.
    Inconclusive(String),
    /// The bench lacks what the scenario needs, or the scenario is not for this subject.
    NotApplicable(String),
    /// The bench went wrong.
    BenchFault(String),
}

impl Outcome {
    const FAIL: &str = "[fail] ";
    const INCONCLUSIVE: &str = "[inconclusive] ";
    const NOT_APPLICABLE: &str = "[not applicable] ";
    const BENCH_FAULT: &str = "[bench fault] ";

    /// What was expected and what was observed, or what the bench lacks.
    pub fn message(&self) -> &str {
        match self {
            Self::Fail(message)
            | Self::Inconclusive(message)
            | Self::NotApplicable(message)
            | Self::BenchFault(message) => message,
        }
    }

    /// The status of a step that ended so.
    pub const fn status(&self) -> StepStatus {
        match self {
            Self::Fail(_) => StepStatus::Failed,
            Self::Inconclusive(_) => StepStatus::Inconclusive,
            Self::NotApplicable(_) => StepStatus::NotApplicable,
            Self::BenchFault(_) => StepStatus::Error,
        }
    }

    /// The outcome that a [`StepError`]'s text carries; `None` for the text of any other panic.
    pub fn from_panic_text(text: &str) -> Option<Self> {
        let after = |mark| text.strip_prefix(mark).map(str::to_owned);
        after(Self::FAIL)
            .map(Self::Fail)
            .or_else(|| after(Self::INCONCLUSIVE).map(Self::Inconclusive))
            .or_else(|| after(Self::NOT_APPLICABLE).map(Self::NotApplicable))
            .or_else(|| after(Self::BENCH_FAULT).map(Self::BenchFault))
    }
}

impl fmt::Display for Outcome {
    /// The kind in brackets, and the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fail(_) => Self::FAIL,
            Self::Inconclusive(_) => Self::INCONCLUSIVE,
            Self::NotApplicable(_) => Self::NOT_APPLICABLE,
            Self::BenchFault(_) => Self::BENCH_FAULT,
        })?;
        f.write_str(self.message())
    }
}

/// What a step returns that can end otherwise than by passing.
pub type StepResult = Result<(), StepError>;

/// Why a step did not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StepError(pub Outcome);

impl StepError {
    /// What was observed contradicts what was expected: say both.
    pub fn fail(message: impl Into<String>) -> Self {
        Self(Outcome::Fail(message.into()))
    }

    /// What was observed permits neither a pass nor a fail: say why.
    pub fn inconclusive(message: impl Into<String>) -> Self {
        Self(Outcome::Inconclusive(message.into()))
    }

    /// The bench lacks what the scenario needs: say what.
    pub fn not_applicable(message: impl Into<String>) -> Self {
        Self(Outcome::NotApplicable(message.into()))
    }

    /// The bench went wrong: say how.
    pub fn bench_fault(message: impl Into<String>) -> Self {
        Self(Outcome::BenchFault(message.into()))
    }
}

impl From<BenchFault> for StepError {
    fn from(fault: BenchFault) -> Self {
        Self(Outcome::BenchFault(fault.0))
    }
}

impl From<Outcome> for StepError {
    fn from(outcome: Outcome) -> Self {
        Self(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_survive_being_text() {
        for outcome in [
            Outcome::Fail("expected N61, observed nothing".to_owned()),
            Outcome::Inconclusive(String::new()),
            Outcome::NotApplicable("the board cannot jump in time".to_owned()),
            Outcome::BenchFault("[fail] in the text\nand a second line".to_owned()),
        ] {
            let text = StepError(outcome.clone()).to_string();
            assert_eq!(Outcome::from_panic_text(&text), Some(outcome));
        }
        assert_eq!(Outcome::from_panic_text("assertion `left == right` failed"), None);
    }
}
