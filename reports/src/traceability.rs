//! `traceability.csv`: requirement to scenarios to verdicts, for a test report that has to show what was covered.
//!
//! CSV as in RFC 4180, UTF-8, with a header row; the columns are
//! `requirement,title,subject,level,verdict,scenario,name,scenario_verdict,reason`. Each pair of a requirement and a scenario
//! that shows it has a row; `verdict` is the requirement's: the worst of its scenarios'. A requirement of the suite that no
//! scenario of the run shows has one row, without verdict and scenario. `reason` says why, or what of a requirement no scenario
//! can show.

use std::collections::BTreeSet;

use crate::log::Requirement;
use crate::model::{RunLog, ScenarioLog};
use crate::printable::one_line;
use crate::verdict::Verdict;

/// What a run shows of a requirement.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// Its identifier.
    pub requirement: &'a str,
    /// What the suite's catalogue says of it; `None` when only a scenario's tag knows it.
    pub known: Option<&'a Requirement>,
    /// The scenarios of the run that show it.
    pub scenarios: Vec<&'a ScenarioLog>,
    /// The worst of their verdicts; `None` without scenarios.
    pub verdict: Option<Verdict>,
    /// Why there is no scenario, or what of the requirement no scenario can show.
    pub reason: Option<String>,
}

/// A row for each requirement that the suite or a scenario of the run knows, in the order of their identifiers.
#[must_use]
pub fn matrix(log: &RunLog) -> Vec<Row<'_>> {
    let mut shown = log.requirements();
    let known = log.run.requirements.keys().map(String::as_str);
    let identifiers: BTreeSet<&str> = known.chain(shown.keys().copied()).collect();
    let row = |requirement| {
        let known = log.run.requirements.get(requirement);
        let scenarios = shown.remove(requirement).unwrap_or_default();
        let verdict = scenarios.iter().map(|scenario| scenario.verdict()).max();
        let unshown = known.and_then(|known| known.unshown.clone());
        let reason = unshown.or_else(|| scenarios.is_empty().then(|| "no scenario of this run shows it".to_owned()));
        Row { requirement, known, scenarios, verdict, reason }
    };
    identifiers.into_iter().map(row).collect()
}

/// Renders the matrix of `log` as CSV.
#[must_use]
pub fn render(log: &RunLog) -> String {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let written = write(log, &mut csv);
    debug_assert!(written.is_ok(), "memory takes every write");
    let octets = csv.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&octets).into_owned()
}

fn line(text: &str) -> String {
    one_line(text).into_owned()
}

fn write(log: &RunLog, csv: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
    csv.write_record([
        "requirement",
        "title",
        "subject",
        "level",
        "verdict",
        "scenario",
        "name",
        "scenario_verdict",
        "reason",
    ])?;
    for row in matrix(log) {
        let of = |field: fn(&Requirement) -> &str| row.known.map_or("", field);
        let requirement = [
            row.requirement,
            of(|known| &known.title),
            of(|known| &known.subject),
            of(|known| &known.level),
            row.verdict.map_or("", Verdict::as_str),
        ];
        let reason = row.reason.as_deref().unwrap_or_default();
        if row.scenarios.is_empty() {
            csv.write_record(requirement.into_iter().chain(["", "", "", reason]).map(line))?;
        }
        for scenario in &row.scenarios {
            let started = &scenario.started;
            let scenario = [started.scenario.as_str(), &started.name, scenario.verdict().as_str(), reason];
            csv.write_record(requirement.into_iter().chain(scenario).map(line))?;
        }
    }
    Ok(())
}
