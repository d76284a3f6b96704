//! A run log read whole: what the renderers work on.

use core::fmt;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crate::log::{
    Event, LogError, LogReader, Record, RunFinished, RunStarted, ScenarioFinished, ScenarioId, ScenarioStarted,
    StepFinished, Truncated,
};
use crate::printable::excerpt;
use crate::verdict::{Verdict, VerdictCounts};

/// What a scenario is given as a reason when the log ends before the scenario does.
const CUT_SHORT: &str = "the run log ends before the scenario does";

/// A run as its log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLog {
    /// How it began.
    pub run: RunStarted,
    /// Its scenarios in the order in which they began.
    pub scenarios: Vec<ScenarioLog>,
    /// How it ended; `None` when the log ends before the run does.
    pub finished: Option<RunFinished>,
    /// Where the file ends within a line.
    pub truncated: Option<Truncated>,
    /// What in the log was passed over or does not add up, in the order of its lines.
    pub warnings: Vec<Warning>,
}

/// Something in a run log that was passed over or does not add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Line of the log, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// A scenario as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioLog {
    /// How it began.
    pub started: ScenarioStarted,
    /// Its steps in order; fewer than [`ScenarioStarted::steps`] when the log ends before the scenario does.
    pub steps: Vec<StepFinished>,
    /// How it ended; `None` when the log ends before the scenario does.
    pub finished: Option<ScenarioFinished>,
}

/// The scenarios of one feature file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureLog<'a> {
    /// Path of the feature file.
    pub path: &'a str,
    /// Name of the feature.
    pub name: &'a str,
    /// Its scenarios in the order in which they began.
    pub scenarios: Vec<&'a ScenarioLog>,
}

impl RunLog {
    /// Reads the log in the file at `path`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not a run log or is one of another format version. A log that was cut within its
    /// last line is no error: see [`RunLog::truncated`].
    pub fn read(path: &Path) -> Result<Self, LogError> {
        let file = File::open(path).map_err(|source| LogError::Open { path: path.to_owned(), source })?;
        Self::from_reader(BufReader::new(file))
    }

    /// Reads the log in `input`; otherwise as [`RunLog::read`].
    ///
    /// # Errors
    ///
    /// As [`RunLog::read`].
    pub fn from_reader(input: impl BufRead) -> Result<Self, LogError> {
        let mut reader = LogReader::new(input);
        let run = match reader.next().transpose()? {
            Some(Record::Event(Event::RunStarted(run))) => *run,
            other => {
                let found = match other {
                    None => "the file is empty",
                    Some(Record::Truncated(_)) => "the file ends within its first event",
                    Some(Record::Event(_) | Record::Unknown(_)) => "another event",
                };
                return Err(LogError::NotStarted { line: reader.line(), found });
            }
        };
        let mut builder = Builder {
            log: Self { run, scenarios: Vec::new(), finished: None, truncated: None, warnings: Vec::new() },
            by_id: BTreeMap::new(),
            line: reader.line(),
        };
        while let Some(record) = reader.next() {
            builder.line = reader.line();
            builder.add(record?)?;
        }
        Ok(builder.log)
    }

    /// How many scenarios got which verdict, counted from the scenarios themselves.
    #[must_use]
    pub fn counts(&self) -> VerdictCounts {
        self.scenarios.iter().map(ScenarioLog::verdict).collect()
    }

    /// The overall verdict: that of all scenarios together, and at least an error when the log ends before the run does.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let verdict = self.counts().overall();
        if self.finished.is_some() { verdict } else { verdict.combine(Verdict::Error) }
    }

    /// How long the scenarios took together, in microseconds of bench time.
    #[must_use]
    pub fn duration_us(&self) -> u64 {
        self.scenarios.iter().fold(0, |sum, scenario| sum.saturating_add(scenario.duration_us()))
    }

    /// The scenarios by feature file, the features in the order in which their first scenarios began.
    #[must_use]
    pub fn features(&self) -> Vec<FeatureLog<'_>> {
        let mut features: Vec<FeatureLog<'_>> = Vec::new();
        let mut by_path = BTreeMap::new();
        for scenario in &self.scenarios {
            let path = scenario.started.feature.as_str();
            let index = *by_path.entry(path).or_insert_with(|| {
                features.push(FeatureLog { path, name: &scenario.started.feature_name, scenarios: Vec::new() });
                features.len() - 1
            });
            if let Some(feature) = features.get_mut(index) {
                feature.scenarios.push(scenario);
            }
        }
        features
    }

    /// The scenarios by the requirement that they show, in the order of the requirements' identifiers.
    #[must_use]
    pub fn requirements(&self) -> BTreeMap<&str, Vec<&ScenarioLog>> {
        let mut requirements: BTreeMap<&str, Vec<&ScenarioLog>> = BTreeMap::new();
        for scenario in &self.scenarios {
            for requirement in &scenario.started.requirements {
                let scenarios = requirements.entry(requirement).or_default();
                if !scenarios.last().is_some_and(|last| core::ptr::eq(*last, scenario)) {
                    scenarios.push(scenario);
                }
            }
        }
        requirements
    }
}

impl ScenarioLog {
    /// The verdict. When the log ends before the scenario does, that of the steps so far, and at least an error.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match &self.finished {
            Some(finished) => finished.verdict,
            None => {
                let steps = self.steps.iter().filter_map(|step| step.status.verdict());
                steps.fold(Verdict::Error, Verdict::combine)
            }
        }
    }

    /// Why the verdict is what it is: the log's reason, or else what the deciding step says.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        let given = match &self.finished {
            Some(finished) => finished.reason.as_deref(),
            None => None,
        };
        given.or_else(|| self.deciding_step().and_then(|step| step.message.as_deref())).or(if self.finished.is_none() {
            Some(CUT_SHORT)
        } else {
            None
        })
    }

    /// How long it took, in microseconds of bench time; to the end of its last step when it did not end itself.
    #[must_use]
    pub fn duration_us(&self) -> u64 {
        match &self.finished {
            Some(finished) => finished.duration_us,
            None => self.steps.iter().map(|step| step.at.end_us).max().unwrap_or(0),
        }
    }

    /// The step on which the verdict rests: the first that gives the scenario's verdict, when that is not a pass.
    #[must_use]
    pub fn deciding_step(&self) -> Option<&StepFinished> {
        let verdict = self.verdict();
        if verdict == Verdict::Pass {
            return None;
        }
        self.steps.iter().find(|step| step.status.verdict() == Some(verdict))
    }
}

/// Puts a log together, record by record.
struct Builder {
    log: RunLog,
    /// Position in `log.scenarios` of each scenario.
    by_id: BTreeMap<ScenarioId, usize>,
    line: u64,
}

impl Builder {
    fn add(&mut self, record: Record) -> Result<(), LogError> {
        match record {
            Record::Unknown(name) => self.warn(format!("unknown event {:?} passed over", excerpt(&name, 40))),
            Record::Truncated(truncated) => self.log.truncated = Some(truncated),
            Record::Event(Event::RunStarted(_)) => return Err(LogError::SecondRun { line: self.line }),
            Record::Event(Event::ScenarioStarted(started)) => self.scenario_started(started),
            Record::Event(Event::StepFinished(step)) => self.step_finished(step),
            Record::Event(Event::ScenarioFinished(finished)) => self.scenario_finished(finished),
            Record::Event(Event::RunFinished(finished)) => self.run_finished(finished),
        }
        Ok(())
    }

    fn scenario_started(&mut self, started: ScenarioStarted) {
        if self.by_id.insert(started.scenario.clone(), self.log.scenarios.len()).is_some() {
            self.warn(format!("scenario {:?} starts a second time", started.scenario.as_str()));
        }
        self.log.scenarios.push(ScenarioLog { started, steps: Vec::new(), finished: None });
    }

    fn step_finished(&mut self, step: StepFinished) {
        match self.by_id.get(&step.scenario).and_then(|&at| self.log.scenarios.get_mut(at)) {
            Some(scenario) if scenario.finished.is_none() => scenario.steps.push(step),
            Some(_) => self.warn(format!("step after the end of scenario {:?} passed over", step.scenario.as_str())),
            None => {
                self.warn(format!("step of scenario {:?}, which has not started, passed over", step.scenario.as_str()))
            }
        }
    }

    fn scenario_finished(&mut self, finished: ScenarioFinished) {
        match self.by_id.get(&finished.scenario).and_then(|&at| self.log.scenarios.get_mut(at)) {
            Some(scenario) if scenario.finished.is_none() => scenario.finished = Some(finished),
            Some(_) => self.warn(format!("second end of scenario {:?} passed over", finished.scenario.as_str())),
            None => {
                self.warn(format!(
                    "end of scenario {:?}, which has not started, passed over",
                    finished.scenario.as_str()
                ));
            }
        }
    }

    fn run_finished(&mut self, finished: RunFinished) {
        if self.log.finished.is_some() {
            self.warn("second end of the run passed over".to_owned());
            return;
        }
        let counted = self.log.counts();
        if finished.verdicts != counted || finished.verdict != counted.overall() {
            let (says, is) = (finished.verdict, counted.overall());
            self.warn(format!(
                "the end of the run says {says} of {} scenarios, its scenarios say {is} of {}; the scenarios are believed",
                finished.verdicts.total(),
                counted.total(),
            ));
        }
        let announced = self.log.run.scenarios;
        if announced != counted.total() {
            self.warn(format!("the run was to have {announced} scenarios and has {}", counted.total()));
        }
        self.log.finished = Some(finished);
    }

    fn warn(&mut self, what: String) {
        self.log.warnings.push(Warning { line: self.line, what });
    }
}

/// So that a log held in memory reads as simply as a file.
impl TryFrom<&[u8]> for RunLog {
    type Error = LogError;

    fn try_from(bytes: &[u8]) -> Result<Self, LogError> {
        Self::from_reader(io::Cursor::new(bytes))
    }
}
