//! One seed gives one run, to the octet; other seeds give other runs, and they pass too: `cargo xtask test` tries twenty.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::suite::{Suite, suite};
use crate::tools::{hanrig, text};

/// The digest of each file below `folder`, by its path there. `report.html` and the like derive from the run log.
fn digests(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut digests = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let digest = hex::encode(Sha256::digest(fs::read(&path).unwrap()));
                digests.insert(path.strip_prefix(folder).unwrap().to_owned(), digest);
            }
        }
    }
    digests
}

/// Runs the suite into a folder of its own.
fn run(seed: &str, jobs: &str) -> (tempfile::TempDir, Suite) {
    let folder = tempfile::tempdir().unwrap();
    hanrig(&["run", "--seed", seed, "--jobs", jobs, "--out", text(folder.path())]);
    let suite = Suite::read(folder.path().to_owned());
    (folder, suite)
}

#[test]
fn one_seed_gives_the_same_octets_in_every_file() {
    let expected = digests(&suite().folder);
    for jobs in ["1", "2"] {
        let (folder, _) = run("1", jobs);
        let digests = digests(folder.path());
        let names = |digests: &BTreeMap<PathBuf, String>| digests.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&digests), names(&expected));
        for (path, digest) in &digests {
            assert_eq!(*digest, expected[path], "--jobs {jobs}: {}", path.display());
        }
    }
    // The run log tells the digest of every evidence file.
    let evidence = suite().log.scenarios.iter().flat_map(|scenario| &scenario.finished.as_ref().unwrap().evidence);
    for file in evidence {
        assert_eq!(file.sha256, expected[Path::new(&file.path)], "{}", file.path);
    }
}

#[test]
fn other_seeds_give_other_runs_that_pass() {
    let name = "The Import Supplier updates the PPMID";
    let mut captures = vec![fs::read(suite().file(suite().scenario(name), "air.pcapng")).unwrap()];
    for seed in ["0", "18446744073709551615"] {
        let (_folder, suite) = run(seed, "2");
        let capture = fs::read(suite.file(suite.scenario(name), "air.pcapng")).unwrap();
        assert!(!captures.contains(&capture), "seed {seed} gives what another seed gave");
        captures.push(capture);
    }
}
