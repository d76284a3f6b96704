//! Runs on boards in which something breaks, seen from outside: by the exit code, the run log and the evidence.
//!
//! The boards are emulated, and everything between them and the rig is what a lab has: the unmodified probe-rs, ports,
//! sockets. What breaks is the bench's; or the Device's, and then the scenario says so.

mod lab;
#[path = "../../../emulators/board/tests/board/tools.rs"]
mod tools;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lab::{Build, Lab, Run, firmware};

/// Two scenarios, the first of which is disturbed. Their lines:
const FIRST: usize = 6;
const SECOND: usize = 12;
const FEATURE: &str = "@sit @ppmid
Feature: Two updates
  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
  @subject-ppmid
  Scenario: The first
    Given the manufacturer has released PPMID firmware version 00000020 of 64 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the PPMID fetches the image from the hub, octet for octet
    And the Import Supplier gets N39 for the PPMID with version 00000020
  @subject-ppmid
  Scenario: The second
    Given the manufacturer has released PPMID firmware version 00000020 of 4 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N39 for the PPMID with version 00000020
";
const DOWNLOAD: &str = "download of";

/// One scenario, in which the PPMID tells its firmware version.
const VERSION: &str = "@sit @ppmid
Feature: One update
  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
  @subject-ppmid
  Scenario: The only one
    Given the manufacturer has released PPMID firmware version 00000020 of 4 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the PPMID sends a Query Next Image Request with its manufacturer code, image type and firmware version 00000010
    And the Import Supplier gets N39 for the PPMID with version 00000020
";

/// The processes that were started by `parent`.
fn children(parent: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let others = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let all: Vec<String> = std::iter::once(list).chain(others).collect();
    let mut pids: Vec<u32> =
        all.iter().flat_map(|list| list.split_whitespace()).map(|pid| pid.parse().unwrap()).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

fn command_line(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().replace('\0', " ")
}

#[test]
fn qemu_that_is_killed_is_an_error_and_the_rest_of_the_run_goes_on() {
    if firmware(Build::Plain).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let bench = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/qemu.toml");
    let mut run = Run::start(&bench, folder.path(), FEATURE);
    run.wait_logged(FIRST, "ppmid", DOWNLOAD);
    let mut boards = children(run.pid());
    boards.retain(|pid| command_line(*pid).contains("qemu-system-arm"));
    let of_hub = boards.iter().find(|pid| command_line(**pid).contains("/hub/")).unwrap();
    assert!(Command::new("kill").args(["-KILL", &of_hub.to_string()]).status().unwrap().success());
    let ended = run.end();
    let (verdict, reason) = ended.verdict(FIRST);
    assert_eq!(verdict, "error", "{reason}");
    assert!(reason.contains("hub"), "{reason}");
    ended.assert_evidence(FIRST);
    assert_eq!(ended.verdict(SECOND).0, "pass", "{}", ended.said);
    assert_eq!(ended.code, 3, "{}", ended.said);
    for pid in boards {
        assert!(!command_line(pid).contains("qemu-system-arm"), "QEMU {pid} was left behind");
    }
}

#[test]
fn a_probe_that_goes_is_an_error_and_works_again_when_it_is_back() {
    let Some(elves) = firmware(Build::Plain) else { return };
    let lab = Lab::new(&elves, None);
    let mut run = lab.run(FEATURE);
    run.wait_logged(FIRST, "ppmid", DOWNLOAD);
    lab.ppmid.unplug_probe();
    // Plugged in again while the rig is still busy with the first scenario's end, or shortly after.
    lab::until("the first scenario has ended", || {
        fs::read_to_string(lab.out().join("run.jsonl")).is_ok_and(|log| log.contains("scenario_finished"))
    });
    lab.ppmid.plug_probe().unwrap();
    let ended = run.end();
    let (verdict, reason) = ended.verdict(FIRST);
    assert_eq!(verdict, "error", "{reason}");
    assert!(reason.contains("probe") && reason.contains("ppmid"), "{reason}");
    ended.assert_evidence(FIRST);
    assert_eq!(ended.code, 3, "{}", ended.said);
}

#[test]
fn a_sniffer_that_is_unplugged_is_an_error() {
    let Some(elves) = firmware(Build::Plain) else { return };
    let mut lab = Lab::new(&elves, None);
    let mut run = lab.run(FEATURE);
    run.wait_logged(FIRST, "ppmid", DOWNLOAD);
    lab.sniffer.unplug();
    let ended = run.end();
    let (verdict, reason) = ended.verdict(FIRST);
    assert_eq!(verdict, "error", "{reason}");
    assert!(reason.contains("was the device unplugged?"), "{reason}");
    ended.assert_evidence(FIRST);
    // Its port is not there any more: no scenario is judged without ears.
    assert_eq!(ended.verdict(SECOND).0, "error");
    assert_eq!(ended.code, 3, "{}", ended.said);
}

#[test]
fn firmware_that_hangs_fails_the_scenario_that_is_about_it() {
    let Some(elves) = firmware(Build::Faulty) else { return };
    // In the minute between the joining and the first step.
    let lab = Lab::new(&elves, Some(Duration::from_secs(45)));
    let ended = lab.run(VERSION).end();
    let (verdict, reason) = ended.verdict(FIRST);
    assert_eq!(verdict, "fail", "{reason}");
    assert!(reason.contains("the firmware of ppmid") && reason.contains("it hangs"), "{reason}");
    ended.assert_evidence(FIRST);
    assert_eq!(ended.code, 1, "{}", ended.said);
}

#[test]
fn a_chip_that_does_not_keep_its_firmware_is_an_error() {
    let Some(elves) = firmware(Build::Plain) else { return };
    let lab = Lab::new(&elves, None);
    lab.ppmid.wear_out(Some(0x8001)).unwrap();
    let ended = lab.run(VERSION).end();
    let (verdict, reason) = ended.verdict(FIRST);
    assert_eq!(verdict, "error", "{reason}");
    assert!(reason.contains("ppmid") && reason.to_lowercase().contains("0x00008001"), "{reason}");
    assert_eq!(ended.code, 3, "{}", ended.said);
}

#[test]
fn the_firmware_file_is_what_runs_and_its_log_has_the_time_of_the_bench() {
    let (Some(plain), Some(newer)) = (firmware(Build::Plain), firmware(Build::Newer)) else { return };
    // The same bench, one file after the other, on a chip that holds the other.
    let lab = Lab::new(&plain, None);
    let ended = lab.run(VERSION).end();
    assert_eq!(ended.verdict(FIRST).0, "pass", "{}", ended.said);
    assert!(ended.log_of(FIRST, "ppmid").contains("firmware ppmid BUILD 00000010"));
    assert_times(&ended.log_of(FIRST, "ppmid"));
    lab.flash_instead(&plain, &newer);
    let ended = lab.run(VERSION).end();
    let (verdict, reason) = ended.verdict(FIRST);
    assert_eq!(verdict, "fail", "{reason}");
    assert!(reason.contains("observed") && reason.contains("version 00000030"), "{reason}");
    assert_eq!(ended.code, 1);
}

#[test]
fn what_needs_a_time_jump_is_not_applicable_to_firmware_that_cannot_jump() {
    const FEATURE: &str = "@sit @ppmid
Feature: A long wait
  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
  @subject-ppmid
  Scenario: Days
    When 80 hours pass
    Then the PPMID has asked unprompted at least 3 times and no more than once a day
  @subject-ppmid
  Scenario: Another PPMID
    Given the PPMID asks for blocks of 20 octets
    When 80 hours pass
    Then the PPMID has asked unprompted at least 3 times and no more than once a day
";
    let Some(elves) = firmware(Build::Plain) else { return };
    // A vendor's board: no symbol for the clock, and nobody tells it who it is but the test.
    let lab = Lab::new(&elves, Some(Duration::MAX));
    lab.edit("clock_offset = \"HANRIG_CLOCK_OFFSET_US\"\n\n", "\n");
    let ended = lab.run(FEATURE).end();
    let (verdict, reason) = ended.verdict(FIRST);
    assert_eq!(verdict, "not_applicable", "{reason}");
    assert!(reason.contains("needs a time jump of 288000 s") && reason.contains("ppmid"), "{reason}");
    let (verdict, reason) = ended.verdict(10);
    assert_eq!(verdict, "not_applicable", "{reason}");
    assert!(reason.contains("asks for blocks of 20 octets"), "{reason}");
    assert_eq!(ended.code, 0, "{}", ended.said);
}

/// Each line has the bench's time and the board's own: they go on together, at most the time of a start apart.
fn assert_times(log: &str) {
    let times: Vec<(f64, f64)> = log
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
        })
        .collect();
    assert!(times.len() > 5, "{log}");
    let apart: Vec<f64> = times.iter().map(|(bench, board)| bench - board).collect();
    // Lines of the start are read when the probe has found the log.
    let later = &apart[times.len() / 2..];
    let (least, most) = later.iter().fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(*x), b.max(*x)));
    // The jumps add up to an hour and more; what a busy machine delays is seconds.
    assert!(most - least < 30.0, "bench and board go {least} to {most} s apart:\n{log}");
}
