//! The run log and its renderings: HTML, JUnit, Cucumber JSON, a traceability matrix and a summary for a terminal.
//!
//! A runner appends [`Event`]s to `run.jsonl` with a [`LogWriter`] as they happen. That file is the one source of truth
//! of a run: everything else here is a pure function of the [`RunLog`] read back from it, so a report can be rendered
//! again at any time, also from the log of a run that was killed half way.
//!
//! This crate knows nothing of benches, frames or devices beyond what the log says of them.

pub mod cucumber_json;
mod files;
pub mod html;
mod human;
pub mod junit;
pub mod log;
mod model;
mod printable;
pub mod text;
pub mod traceability;
mod verdict;

pub use files::{CUCUMBER_JSON, JUNIT_XML, REPORT_HTML, RUN_LOG, TRACEABILITY_CSV, WriteError, write_all};
pub use log::{
    BenchInfo, Drivers, Event, EvidenceFile, FORMAT, LogError, LogReader, LogWriter, Observation, Record, Requirement,
    RunFinished, RunStarted, ScenarioFinished, ScenarioId, ScenarioStarted, Span, StepFinished, StepStatus, Truncated,
};
pub use model::{FeatureLog, RunLog, ScenarioLog, Warning};
pub use verdict::{ExitCode, Verdict, VerdictCounts};
