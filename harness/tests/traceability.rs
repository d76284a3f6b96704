//! A run of the whole suite leaves a traceability matrix in which every requirement of the catalogue is shown, or says why
//! it is not.

use std::collections::{BTreeMap, BTreeSet};

use assert_cmd::Command;
use hanrig::runner::requirements;

/// One row of `traceability.csv`.
#[derive(serde::Deserialize)]
struct Row {
    requirement: String,
    verdict: String,
    scenario: String,
    scenario_verdict: String,
    reason: String,
}

#[test]
fn every_requirement_is_shown_or_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    Command::cargo_bin("hanrig").unwrap().arg("run").arg("--out").arg(folder.path()).assert().success();
    let known = requirements::requirements().unwrap();
    let mut csv = csv::Reader::from_path(folder.path().join("traceability.csv")).unwrap();
    let rows: Vec<Row> = csv.deserialize().collect::<Result<_, _>>().unwrap();
    let mut by_requirement: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        by_requirement.entry(&row.requirement).or_default().push(row);
    }
    let listed: BTreeSet<&str> = by_requirement.keys().copied().collect();
    assert_eq!(listed, known.keys().map(String::as_str).collect(), "the matrix lists the catalogue, and nothing else");
    for (id, rows) in by_requirement {
        if let [row] = rows.as_slice()
            && row.scenario.is_empty()
        {
            let stated = known.get(id).and_then(|requirement| requirement.unshown.as_deref());
            assert_eq!(Some(row.reason.as_str()), stated, "{id} has neither a scenario nor a reason in the catalogue");
            continue;
        }
        for row in rows {
            assert_eq!(
                (row.verdict.as_str(), row.scenario_verdict.as_str()),
                ("pass", "pass"),
                "{id}: {}",
                row.scenario
            );
        }
    }
}
