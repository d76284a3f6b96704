//! Power hooks: programs that switch a board, or fail to.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use hanrig::ports::{Power, PowerHooks};

fn hooks(folder: &Path, on: &str, off: &str) -> PowerHooks {
    let words = |script: &str| ["sh", "-c", script].map(str::to_owned).to_vec();
    PowerHooks { on: words(on), off: words(off), folder: Some(folder.to_owned()), limit: Duration::from_secs(30) }
}

#[test]
fn programs_run_in_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut power = hooks(folder.path(), "echo on > state", "echo off > state");
    power.set(true).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("state")).unwrap(), "on\n");
    power.set(false).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("state")).unwrap(), "off\n");
}

#[test]
fn what_a_program_leaves_behind_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    // It leaves the program's group, and keeps its standard error.
    let mut power = hooks(folder.path(), "setsid sleep 20 & exit 0", "setsid sleep 20 & echo no >&2; exit 4");
    let begun = Instant::now();
    power.set(true).unwrap();
    assert!(power.set(false).unwrap_err().to_string().ends_with("exit status: 4: no"));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_program_may_say_much() {
    let folder = tempfile::tempdir().unwrap();
    let mut power = hooks(folder.path(), "yes | head -c 300000 >&2 && echo on >&2 && exit 4", "");
    assert!(power.set(true).unwrap_err().to_string().ends_with(" ended with exit status: 4: on"));
}

#[test]
fn what_failed_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut power = hooks(folder.path(), "echo no such hub >&2; exit 4", "sleep 1000 & sleep 1000");
    insta::assert_snapshot!(power.set(true).unwrap_err(), @"the power hook sh -c 'echo no such hub >&2; exit 4' ended with exit status: 4: no such hub");
    power.limit = Duration::from_millis(1);
    insta::assert_snapshot!(power.set(false).unwrap_err(), @"the power hook sh -c 'sleep 1000 & sleep 1000' did not end within 0.001 s and was killed");
    power.on = vec!["./no-such-program".to_owned()];
    insta::assert_snapshot!(power.set(true).unwrap_err(), @"cannot run the power hook ./no-such-program");
}
