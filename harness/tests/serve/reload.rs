//! Data that are read again.

use crate::support::{DESK_TOKEN, IMPORT_TOKEN, PATIENCE, PPMID, Served, folder, release, update};
use rustix::process::Signal;
use std::time::Instant;

#[test]
fn data_are_read_again_and_wrong_ones_are_told() {
    let (release, mut data) = release(2_000);
    let entry = data.cpl.entries.pop().unwrap();
    let folder = folder(None, &data.to_toml().unwrap());
    let args = ["--clock", "virtual", "--data", "data.toml", "--hubs", "none", "--state", "state.sqlite"];
    let served = Served::start(folder.path(), &args);
    let write = |text: &str| std::fs::write(folder.path().join("data.toml"), text).unwrap();
    let reload = || served.send(DESK_TOKEN, "POST", "/data/reload", b"");
    assert_eq!(served.post(&update(&release, 1000, &[PPMID])), "E110404");
    assert_eq!(reload().json()["changed"], false);
    assert_eq!(served.send(IMPORT_TOKEN, "POST", "/data/reload", b"").status, 403);

    write("[[cpl]]\nnumber = \"one\"\n");
    let answer = reload();
    assert_eq!(answer.status, 422);
    insta::assert_snapshot!(
        answer.json()["error"].as_str().unwrap(),
        @"the data stay as they were: data.toml:2: field number: invalid type: string \"one\", expected u32"
    );
    assert_eq!(served.post(&update(&release, 1001, &[PPMID])), "E110404");

    data.cpl.entries.push(entry);
    write(&data.to_toml().unwrap());
    served.signal(Signal::HUP);
    let began = Instant::now();
    while served.post(&update(&release, 1002 + began.elapsed().as_micros() as u64, &[PPMID])) != "I0" {
        assert!(began.elapsed() < PATIENCE);
    }
    // The data are part of what survives, also where the files have changed since.
    assert_eq!(served.end().code(), Some(0));
    let mut without = data.clone();
    without.cpl.entries.pop();
    write(&without.to_toml().unwrap());
    let served = Served::start(folder.path(), &args);
    assert_eq!(served.status(IMPORT_TOKEN, PPMID).json()["status"], "APPROVED_FOR_DISTRIBUTION");
    assert_eq!(served.post(&update(&release, 900, &[PPMID])), "E110404");
}
