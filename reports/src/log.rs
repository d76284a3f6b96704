//! The run log, `run.jsonl`: one JSON object a line, appended as things happen, never rewritten.
//!
//! # Guarantees
//!
//! - Every line is one [`Event`]. The first is [`RunStarted`]; the last, of a run that was not killed, [`RunFinished`].
//! - Time is bench time: microseconds since the scenario began. Wall time appears in [`RunStarted::started_at`] only, and
//!   there only on a live bench, so that on a virtual bench one seed gives the same bytes.
//! - Events of scenarios that run at the same time may interleave; each names its scenario, and those of one scenario are
//!   in order.
//! - Within a format version fields and events may be added, never changed or taken away: a reader ignores fields that it
//!   does not know and sets unknown events aside.
//!
//! `README.md` of this crate describes every field.

mod reader;
mod writer;

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::reader::{LogError, LogReader, MAX_LINE, Record, Truncated};
pub use self::writer::LogWriter;
use crate::verdict::{Verdict, VerdictCounts};

/// The version of the format that this crate writes, and the only one that it reads.
pub const FORMAT: u32 = 1;

/// One line of the run log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run began: always the first line.
    RunStarted(Box<RunStarted>),
    /// A scenario began.
    ScenarioStarted(ScenarioStarted),
    /// A step ended, or was passed over.
    StepFinished(StepFinished),
    /// A scenario ended with a verdict.
    ScenarioFinished(ScenarioFinished),
    /// The run ended: always the last line of a whole log.
    RunFinished(RunFinished),
}

/// What names a scenario within a run: the feature's path and the scenario's line, such as
/// `sit/ppmid_happy_path.feature:12`. For an example of an outline the line is that of the example's row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScenarioId(pub String);

impl ScenarioId {
    /// The identifier of the scenario at `line` (counted from 1) of the feature file `feature`.
    #[must_use]
    pub fn new(feature: &str, line: u32) -> Self {
        Self(format!("{feature}:{line}"))
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ScenarioId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for ScenarioId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl From<String> for ScenarioId {
    fn from(id: String) -> Self {
        Self(id)
    }
}

/// A run began: what ran, on which bench, and what it takes to repeat it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStarted {
    /// Version of the log's format: [`FORMAT`].
    pub format: u32,
    /// Version of hanrig that ran.
    pub hanrig: String,
    /// The seed from which every scenario's own seed derives.
    pub seed: u64,
    /// The bench.
    pub bench: BenchInfo,
    /// Where the specifications disagree or are silent: identifier of the interpretation to the reading that was chosen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub interpretations: BTreeMap<String, String>,
    /// The requirements that the suite knows, whether or not a scenario of this run shows them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requirements: BTreeMap<String, Requirement>,
    /// Wall time at the start in RFC 3339, on a live bench only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// Scenarios that are to run.
    pub scenarios: u32,
    /// The tag expression or other filter that chose the scenarios; `None` when all were chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The arguments after `hanrig` that repeat this run, without those that change no verdict (`--out`, `--jobs`).
    /// When empty, reports make do with the seed and the filter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeat: Vec<String>,
}

/// A requirement of the suite's catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// A few words.
    pub title: String,
    /// Whose behaviour is judged: `CH`, `PPMID`, `DSP`, ...
    pub subject: String,
    /// How binding it is: `shall`, `should` or `may`.
    pub level: String,
    /// What of it no scenario can show, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unshown: Option<String>,
}

/// The bench that a run was on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BenchInfo {
    /// Name of the bench.
    pub name: String,
    /// What it is, in a sentence.
    #[serde(default)]
    pub description: String,
    /// What drives it.
    pub drivers: Drivers,
    /// Role (`ch`, `ppmid`, `dsp`, ...) to the player that has it (a board, a software participant, something external).
    #[serde(default)]
    pub players: BTreeMap<String, String>,
}

/// What drives a bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drivers {
    /// A discrete-event simulation in virtual time.
    Virtual,
    /// Boards, ports and sockets in wall time.
    Live,
}

impl Drivers {
    /// The name in the run log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Virtual => "virtual",
            Self::Live => "live",
        }
    }
}

/// A scenario began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioStarted {
    /// The scenario.
    pub scenario: ScenarioId,
    /// Path of its feature file, relative to the features folder, with `/`.
    pub feature: String,
    /// Name of the feature.
    pub feature_name: String,
    /// Name of the scenario.
    pub name: String,
    /// Its tags and those it inherits, without `@`.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Identifiers of the requirements that it shows.
    #[serde(default)]
    pub requirements: Vec<String>,
    /// The scenario's own seed.
    pub seed: u64,
    /// Line of the scenario in the feature file, from 1.
    pub line: u32,
    /// Number of its steps, with those of the background.
    pub steps: u32,
}

/// A step ended, or was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFinished {
    /// The scenario.
    pub scenario: ScenarioId,
    /// Position of the step in the scenario, from 0, background first.
    pub index: u32,
    /// `Given`, `When`, `Then`, `And`, `But` or `*`.
    pub keyword: String,
    /// The step without its keyword.
    pub text: String,
    /// Line of the step in the feature file, from 1.
    pub line: u32,
    /// How it ended.
    pub status: StepStatus,
    /// From when to when it ran.
    pub at: Span,
    /// What was expected and what was observed, when that is not simply that it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The step's doc string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docstring: Option<String>,
    /// The rows of the step's data table, the header row first; rows of cells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub table: Vec<Vec<String>>,
    /// The observations on which the step's status rests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed: Vec<Observation>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It did what it says, or observed what it expects.
    Passed,
    /// What was observed contradicts what was expected.
    Failed,
    /// Not run, because of how an earlier step ended.
    Skipped,
    /// Nothing knows how to run it.
    Undefined,
    /// The bench lacks what it needs.
    NotApplicable,
    /// What was observed permits neither a pass nor a fail.
    Inconclusive,
    /// The bench went wrong.
    Error,
}

impl StepStatus {
    /// The name in the run log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Undefined => "undefined",
            Self::NotApplicable => "not_applicable",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
        }
    }

    /// The name as people read it: as [`StepStatus::as_str`], but `not applicable`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            other => other.as_str(),
        }
    }

    /// The verdict that a step with this status gives its scenario; `None` for a skipped step, which gives none.
    ///
    /// An undefined step is an error of the bench: it says nothing of the subject.
    #[must_use]
    pub const fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Passed => Some(Verdict::Pass),
            Self::Failed => Some(Verdict::Fail),
            Self::Skipped => None,
            Self::Undefined | Self::Error => Some(Verdict::Error),
            Self::NotApplicable => Some(Verdict::NotApplicable),
            Self::Inconclusive => Some(Verdict::Inconclusive),
        }
    }
}

/// From when to when, in microseconds of bench time since the scenario began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The start, in microseconds.
    pub start_us: u64,
    /// The end, in microseconds; not before the start.
    pub end_us: u64,
}

impl Span {
    /// How long it took, in microseconds; 0 when the end is before the start.
    #[must_use]
    pub const fn duration_us(self) -> u64 {
        self.end_us.saturating_sub(self.start_us)
    }
}

/// One thing that the rig saw and a step's status rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// When, in microseconds of bench time since the scenario began.
    pub at_us: u64,
    /// Where: `air`, `wan`, `duis`, ...
    pub link: String,
    /// What, in a line.
    pub summary: String,
    /// Where to look it up: a file, or a file and a frame number, relative to the run's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// A scenario ended with a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioFinished {
    /// The scenario.
    pub scenario: ScenarioId,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, when it is not a pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it took, in microseconds of bench time.
    pub duration_us: u64,
    /// The files kept of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceFile>,
    /// What was counted: frames on the air, blocks, ...
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<String, u64>,
}

/// A file kept of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceFile {
    /// Path relative to the run's folder, with `/`.
    pub path: String,
    /// What it holds.
    pub description: String,
    /// SHA-256 of its octets, in lower-case hex.
    pub sha256: String,
    /// Its size in octets.
    pub octets: u64,
}

/// The run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFinished {
    /// How many scenarios got which verdict.
    pub verdicts: VerdictCounts,
    /// The overall verdict: [`VerdictCounts::overall`].
    pub verdict: Verdict,
}
