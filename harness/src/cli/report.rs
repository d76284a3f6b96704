//! `hanrig report`: renders the reports of a run again.

use std::path::{Path, PathBuf};

use clap::Args;
use hanrig_reports::{REPORT_HTML, RUN_LOG, RunLog, text, write_all};

use super::{Failure, output};
use crate::exit::ExitCode;

/// Arguments of `hanrig report`.
#[derive(Debug, Args)]
#[command(after_help = "Exits with the code of the run that the log tells of.")]
pub(super) struct ReportArgs {
    /// Folder of the run, with its run.jsonl
    dir: PathBuf,
}

/// A run log cannot be rendered.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("{} has no {RUN_LOG}; expected the folder of a run", dir.display())]
    Missing { dir: PathBuf },
    #[error("cannot read the run log {}", path.display())]
    Log {
        path: PathBuf,
        #[source]
        source: hanrig_reports::LogError,
    },
}

/// Renders the reports of a run from its log, and tells its summary and where the report is.
pub(super) fn run(args: &ReportArgs) -> Result<ExitCode, Failure> {
    render(&args.dir, Failure::input)
}

/// As [`run`]; `unreadable` says what it means that the log cannot be read.
pub(super) fn render(
    dir: &Path,
    unreadable: impl Fn(Box<dyn std::error::Error>) -> Failure,
) -> Result<ExitCode, Failure> {
    let path = dir.join(RUN_LOG);
    if !path.exists() {
        return Err(unreadable(Box::new(ReadError::Missing { dir: dir.to_owned() })));
    }
    let log = RunLog::read(&path).map_err(|source| unreadable(Box::new(ReadError::Log { path, source })))?;
    write_all(&log, dir).map_err(Failure::rig)?;
    let code = log.verdict().exit_code();
    let summary = text::render(&log, output::colour());
    match output::print(&format!("{summary}report: {}\n", dir.join(REPORT_HTML).display())) {
        // The verdict stands whether or not somebody reads the summary to its end.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(code),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(code),
    }
}
