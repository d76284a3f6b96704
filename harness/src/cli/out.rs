//! The folder that a run writes into.
//!
//! It may be any folder, so nothing in it is removed or written over but what an earlier run put there, and that is known
//! by its run log: the log itself, the reports beside it, and the evidence files that it names.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use hanrig_reports::{CUCUMBER_JSON, JUNIT_XML, LogError, REPORT_HTML, RUN_LOG, RunLog};

/// A folder cannot be written into.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutError {
    /// It cannot be made, or something in it cannot be replaced.
    #[error("cannot write {}", path.display())]
    Write {
        /// What cannot be written.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// It has a file that a run would write over but that no run wrote.
    #[error("{} is in the way and no run log beside it says that hanrig wrote it; name another folder with --out", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// It has a `run.jsonl` that is no run log.
    #[error("{} is no run log of hanrig; name another folder with --out", path.display())]
    NoRunLog {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: LogError,
    },
}

/// Makes `folder` ready for a run and gives its new, empty run log.
pub(super) fn prepare(folder: &Path) -> Result<File, OutError> {
    fs::create_dir_all(folder).map_err(|source| OutError::Write { path: folder.to_owned(), source })?;
    let log = folder.join(RUN_LOG);
    if log.exists() {
        let earlier = RunLog::read(&log).map_err(|source| OutError::NoRunLog { path: log.clone(), source })?;
        remove(folder, &earlier)?;
    } else {
        for name in [REPORT_HTML, JUNIT_XML, CUCUMBER_JSON] {
            let path = folder.join(name);
            if path.exists() {
                return Err(OutError::NotOurs { path });
            }
        }
    }
    File::create(&log).map_err(|source| OutError::Write { path: log, source })
}

/// Removes what `earlier`, a run into `folder`, wrote there, but for its log, which is written over next.
fn remove(folder: &Path, earlier: &RunLog) -> Result<(), OutError> {
    let finished = earlier.scenarios.iter().filter_map(|scenario| scenario.finished.as_ref());
    let evidence = finished.flat_map(|finished| &finished.evidence).map(|file| file.path.as_str());
    for name in [REPORT_HTML, JUNIT_XML, CUCUMBER_JSON].into_iter().chain(evidence) {
        let Some(relative) = inside(name) else { continue };
        let path = folder.join(&relative);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(source) => return Err(OutError::Write { path, source }),
        }
        // Folders go once they are empty; one that is not has something of somebody else's in it.
        for parent in relative.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
            if fs::remove_dir(folder.join(parent)).is_err() {
                break;
            }
        }
    }
    Ok(())
}

/// A path of a run log as one that stays inside the run's folder; `None` when it does not.
fn inside(path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    path.components().all(|part| matches!(part, Component::Normal(_))).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_log_stay_inside() {
        assert!(inside("scenarios/a/air.pcapng").is_some());
        for path in ["../x", "/etc/passwd", "a/../../x"] {
            assert_eq!(inside(path), None, "{path}");
        }
    }
}
