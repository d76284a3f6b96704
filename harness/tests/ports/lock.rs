//! Locks: one rig at a time, who holds it, and nothing left behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use hanrig::ports::lock::{LOCK_FOLDER_VARIABLE, path_identity};
use hanrig::ports::{LockError, PortLock};

/// The test that another process runs to hold a lock, and what tells it so.
const HOLDER: &str = "lock::another_process_holds_it";
const HOLDER_VARIABLE: &str = "HANRIG_TEST_HOLDS_LOCK";

#[test]
fn a_lock_is_held_until_it_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("locks");
    let first = PortLock::take_in(&folder, "probe one", "one").unwrap();
    let other = PortLock::take_in(&folder, "probe two", "two").unwrap();
    assert!(matches!(PortLock::take_in(&folder, "probe one", "one"), Err(LockError::InUse { .. })));
    drop((first, other));
    assert!(!folder.exists(), "nothing is left");
    drop(PortLock::take_in(&folder, "probe one", "one").unwrap());
}

#[test]
fn a_file_that_a_killed_rig_left_locks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lock = PortLock::take_in(folder.path(), "probe", "identity").unwrap();
    let path = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    drop(lock);
    fs::create_dir(folder.path()).unwrap();
    fs::write(&path, r#"{"pid":1,"command":"hanrig run","since":""}"#).unwrap();
    drop(PortLock::take_in(folder.path(), "probe", "identity").unwrap());
}

#[test]
fn the_holder_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", HOLDER, "--nocapture"])
        .env(LOCK_FOLDER_VARIABLE, folder.path())
        .env(HOLDER_VARIABLE, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.find(|line| line.contains("held")).unwrap();
    let error = PortLock::take_in(folder.path(), "probe 0483:374b:066F", "probe").unwrap_err();
    let LockError::InUse { holder: told, .. } = &error else { panic!("{error}") };
    assert_eq!(told.pid, holder.id());
    assert!(told.command.contains(HOLDER) && !told.command.contains('/'), "{}", told.command);
    let text = error.to_string();
    assert!(text.starts_with(&format!("probe 0483:374b:066F is in use by process {} (", holder.id())), "{text}");
    // Killed, so that it tidies nothing up.
    holder.kill().unwrap();
    holder.wait().unwrap();
    drop(PortLock::take_in(folder.path(), "probe 0483:374b:066F", "probe").unwrap());
    assert!(!folder.path().exists(), "nothing is left");
}

#[test]
fn another_process_holds_it() {
    if std::env::var_os(HOLDER_VARIABLE).is_none() {
        return;
    }
    let _lock = PortLock::take("probe", "probe").unwrap();
    println!("held");
    // Until this process is killed or the one that wanted it has ended.
    drop(std::io::stdin().read_line(&mut String::new()));
}

#[test]
fn links_to_one_port_have_one_identity() {
    let folder = tempfile::tempdir().unwrap();
    let port = folder.path().join("ttyACM0");
    fs::write(&port, "").unwrap();
    let link = folder.path().join("by-id");
    std::os::unix::fs::symlink(&port, &link).unwrap();
    assert_eq!(path_identity(&port), path_identity(&link));
    assert_ne!(path_identity(&port), path_identity(&folder.path().join("ttyACM1")));
}
