//! `cucumber.json`: the run in the JSON that Cucumber wrote before Cucumber Messages, which most report tools read.
//!
//! That format knows steps that are passed, failed, skipped, undefined or pending, and takes a scenario for what its steps
//! are. So a step that is not applicable becomes skipped, and one that is inconclusive or in error becomes pending: neither
//! passed nor failed. When no step shows the scenario's verdict, an `after` hook does.

use serde::Serialize;

use crate::human::BenchTime;
use crate::log::{Observation, StepFinished, StepStatus};
use crate::model::{FeatureLog, RunLog, ScenarioLog};
use crate::printable::printable;
use crate::verdict::Verdict;

/// Renders `log` as Cucumber JSON.
#[must_use]
pub fn render(log: &RunLog) -> String {
    let mut features: Vec<Feature> = log.features().iter().map(Feature::of).collect();
    if log.finished.is_none() {
        features.push(cut_short(log));
    }
    let text = serde_json::to_string_pretty(&features);
    debug_assert!(text.is_ok(), "plain structures and string keys always serialise");
    let mut text = text.unwrap_or_default();
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Feature {
    uri: String,
    id: String,
    keyword: &'static str,
    name: String,
    description: &'static str,
    line: u32,
    tags: Vec<Tag>,
    elements: Vec<Element>,
}

#[derive(Serialize)]
struct Element {
    keyword: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    name: String,
    description: &'static str,
    line: u32,
    tags: Vec<Tag>,
    steps: Vec<Step>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    after: Vec<Hook>,
}

#[derive(Serialize)]
struct Tag {
    name: String,
    line: u32,
}

#[derive(Serialize)]
struct Step {
    /// With the space that the format has after it.
    keyword: String,
    name: String,
    line: u32,
    #[serde(rename = "match")]
    place: Match,
    result: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    doc_string: Option<DocString>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rows: Vec<Row>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    output: Vec<String>,
}

#[derive(Serialize)]
struct Hook {
    #[serde(rename = "match")]
    place: Match,
    result: Outcome,
}

#[derive(Serialize)]
struct Match {
    location: String,
}

#[derive(Serialize)]
struct Outcome {
    status: &'static str,
    /// Nanoseconds of bench time.
    duration: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

#[derive(Serialize)]
struct DocString {
    value: String,
    content_type: &'static str,
    line: u32,
}

#[derive(Serialize)]
struct Row {
    cells: Vec<String>,
}

impl Feature {
    fn of(feature: &FeatureLog<'_>) -> Self {
        let id = slug(feature.name);
        Self {
            uri: shown(feature.path),
            keyword: "Feature",
            name: shown(feature.name),
            description: "",
            // The run log keeps no line of the feature itself.
            line: 1,
            tags: Vec::new(),
            elements: feature.scenarios.iter().map(|scenario| Element::of(scenario, &id)).collect(),
            id,
        }
    }
}

impl Element {
    fn of(scenario: &ScenarioLog, feature_id: &str) -> Self {
        let started = &scenario.started;
        let verdict = scenario.verdict();
        let after = if verdict == Verdict::Pass || scenario.deciding_step().is_some() {
            Vec::new()
        } else {
            vec![Hook {
                place: Match { location: shown(started.scenario.as_str()) },
                result: Outcome {
                    status: status_of_verdict(verdict),
                    duration: 0,
                    error_message: scenario.reason().map(|reason| explained(verdict, reason)),
                },
            }]
        };
        Self {
            keyword: "Scenario",
            kind: "scenario",
            // With the line, because the examples of an outline share its name.
            id: format!("{feature_id};{};{}", slug(&started.name), started.line),
            name: shown(&started.name),
            description: "",
            line: started.line,
            tags: started.tags.iter().map(|tag| Tag::of(tag, started.line)).collect(),
            steps: scenario.steps.iter().map(|step| Step::of(step, &started.feature)).collect(),
            after,
        }
    }
}

impl Tag {
    fn of(tag: &str, line: u32) -> Self {
        Self { name: format!("@{}", shown(tag.strip_prefix('@').unwrap_or(tag))), line }
    }
}

impl Step {
    fn of(step: &StepFinished, feature: &str) -> Self {
        let mut output: Vec<String> = step.observed.iter().map(observation).collect();
        let passed = step.status == StepStatus::Passed;
        let error_message = match (&step.message, step.status.verdict()) {
            (Some(message), _) if passed => {
                output.insert(0, shown(message));
                None
            }
            (Some(message), Some(verdict)) => Some(explained(verdict, message)),
            (Some(message), None) => Some(shown(message)),
            (None, _) => None,
        };
        Self {
            keyword: format!("{} ", shown(step.keyword.trim_end())),
            name: shown(&step.text),
            line: step.line,
            place: Match { location: format!("{}:{}", shown(feature), step.line) },
            result: Outcome {
                status: status(step.status),
                duration: step.at.duration_us().saturating_mul(1_000),
                error_message,
            },
            doc_string: step.docstring.as_ref().map(|value| DocString {
                value: shown(value),
                content_type: "",
                line: step.line.saturating_add(1),
            }),
            rows: step
                .table
                .iter()
                .map(|cells| Row { cells: cells.iter().map(|cell| shown(cell)).collect() })
                .collect(),
            output,
        }
    }
}

/// The message with the verdict before it, where the format's own status does not say which it is.
fn explained(verdict: Verdict, message: &str) -> String {
    match verdict {
        Verdict::Pass | Verdict::Fail => shown(message),
        Verdict::Error | Verdict::Inconclusive | Verdict::NotApplicable => format!("{verdict}: {}", shown(message)),
    }
}

fn observation(seen: &Observation) -> String {
    let reference = seen.reference.as_ref().map(|reference| format!(" [{reference}]")).unwrap_or_default();
    shown(&format!("{} {}: {}{reference}", BenchTime(seen.at_us), seen.link, seen.summary))
}

const fn status(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Passed => "passed",
        StepStatus::Failed => "failed",
        StepStatus::Skipped | StepStatus::NotApplicable => "skipped",
        StepStatus::Undefined => "undefined",
        StepStatus::Inconclusive | StepStatus::Error => "pending",
    }
}

const fn status_of_verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "passed",
        Verdict::Fail => "failed",
        Verdict::NotApplicable => "skipped",
        Verdict::Inconclusive | Verdict::Error => "pending",
    }
}

/// A feature that stands for what is missing of a run whose log ends early: otherwise the run would look whole.
fn cut_short(log: &RunLog) -> Feature {
    let name = "the run log ends with the run";
    let message = format!(
        "error: the run log ends before the run does: {} of {} scenarios are in it",
        log.scenarios.len(),
        log.run.scenarios
    );
    Feature {
        uri: "run.jsonl".to_owned(),
        id: "run-log".to_owned(),
        keyword: "Feature",
        name: "Run log".to_owned(),
        description: "",
        line: 1,
        tags: Vec::new(),
        elements: vec![Element {
            keyword: "Scenario",
            kind: "scenario",
            id: format!("run-log;{};1", slug(name)),
            name: name.to_owned(),
            description: "",
            line: 1,
            tags: Vec::new(),
            steps: Vec::new(),
            after: vec![Hook {
                place: Match { location: "run.jsonl:1".to_owned() },
                result: Outcome { status: "pending", duration: 0, error_message: Some(message) },
            }],
        }],
    }
}

/// Other tools show these strings with less care: what drives a terminal or turns a line around stays out here too.
fn shown(text: &str) -> String {
    printable(text).into_owned()
}

/// A name as the format's identifiers have it: lower case, with `-` for what is neither letter nor digit.
fn slug(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).map(|c| if c.is_alphanumeric() { c } else { '-' }).collect()
}
