//! The built-in suite, run by the binary once for all tests.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use hanrig_reports::{RunLog, ScenarioLog, Verdict};

use crate::tools::{HANRIG, hanrig, text};

/// A run of the built-in suite.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) folder: PathBuf,
    pub(crate) log: RunLog,
}

/// The run with seed 1.
pub(crate) fn suite() -> &'static Suite {
    static SUITE: OnceLock<Suite> = OnceLock::new();
    SUITE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("proof-suite");
        run_once(&folder);
        Suite::read(folder)
    })
}

/// Runs the suite into `folder`, unless this very binary already did: some test runners start a process a test.
fn run_once(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let lock = File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let built = fs::metadata(HANRIG).unwrap();
    let stamp = format!("{HANRIG} {} {:?}", built.len(), built.modified().unwrap());
    let done = folder.with_extension("done");
    if fs::read_to_string(&done).is_ok_and(|done| done == stamp) {
        return;
    }
    drop(fs::remove_file(&done));
    fs::remove_dir_all(folder).unwrap();
    hanrig(&["run", "--out", text(folder)]);
    fs::write(done, stamp).unwrap();
}

impl Suite {
    /// What a run left in `folder`.
    pub(crate) fn read(folder: PathBuf) -> Self {
        let log = RunLog::read(&folder.join("run.jsonl")).unwrap();
        assert_eq!(log.verdict(), Verdict::Pass);
        assert_eq!(log.scenarios.len(), hanrig::runner::feature::embedded().unwrap().len());
        Self { folder, log }
    }

    /// The first scenario whose name begins so.
    pub(crate) fn scenario(&self, name: &str) -> &ScenarioLog {
        let scenario = self.log.scenarios.iter().find(|scenario| scenario.started.name.starts_with(name));
        scenario.unwrap_or_else(|| panic!("no scenario is called {name}"))
    }

    /// Where the evidence files of `scenario` are that end with `suffix`, in the order of their names.
    pub(crate) fn evidence(&self, scenario: &ScenarioLog, suffix: &str) -> Vec<PathBuf> {
        let evidence = &scenario.finished.as_ref().unwrap().evidence;
        let mut paths: Vec<_> = evidence
            .iter()
            .filter(|file| file.path.ends_with(suffix))
            .map(|file| self.folder.join(&file.path))
            .collect();
        paths.sort();
        paths
    }

    /// The one evidence file of `scenario` that ends with `suffix`.
    pub(crate) fn file(&self, scenario: &ScenarioLog, suffix: &str) -> PathBuf {
        let paths = self.evidence(scenario, suffix);
        let [path] = paths.as_slice() else { panic!("{}: {paths:?}", scenario.started.name) };
        path.clone()
    }

    /// A counter of `scenario`.
    pub(crate) fn counter(scenario: &ScenarioLog, name: &str) -> u64 {
        scenario.finished.as_ref().unwrap().counters[name]
    }
}
