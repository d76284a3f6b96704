//! Writes the renderings of a run beside its log.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::model::RunLog;
use crate::{cucumber_json, html, junit, traceability};

/// Name of the run log within a run's folder.
pub const RUN_LOG: &str = "run.jsonl";
/// Name of the HTML report within a run's folder.
pub const REPORT_HTML: &str = "report.html";
/// Name of the JUnit report within a run's folder.
pub const JUNIT_XML: &str = "junit.xml";
/// Name of the Cucumber report within a run's folder.
pub const CUCUMBER_JSON: &str = "cucumber.json";
/// Name of the traceability matrix within a run's folder.
pub const TRACEABILITY_CSV: &str = "traceability.csv";

/// A report cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot write", path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: io::Error,
}

/// Writes `report.html`, `junit.xml`, `cucumber.json` and `traceability.csv` of `log` into the folder `dir`, over those that
/// are there, and returns their paths.
///
/// # Errors
///
/// When one of them cannot be written; those before it are.
pub fn write_all(log: &RunLog, dir: &Path) -> Result<Vec<PathBuf>, WriteError> {
    let reports = [
        (REPORT_HTML, html::render(log)),
        (JUNIT_XML, junit::render(log)),
        (CUCUMBER_JSON, cucumber_json::render(log)),
        (TRACEABILITY_CSV, traceability::render(log)),
    ];
    let mut paths = Vec::with_capacity(reports.len());
    for (name, text) in reports {
        let path = dir.join(name);
        match fs::write(&path, text) {
            Ok(()) => paths.push(path),
            Err(source) => return Err(WriteError { path, source }),
        }
    }
    Ok(paths)
}
