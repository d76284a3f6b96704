//! `hanrig bench` as a user meets it.

#[expect(dead_code, reason = "not all of it is used here")]
mod cli_support;

use std::fs;
use std::path::{Path, PathBuf};

use cli_support::{folder, hanrig, hanrig_in, text};
use serde_json::Value;

fn benches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches")
}

fn json(out: &str) -> Value {
    serde_json::from_str(out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// Result and detail of the part `name`.
fn part(told: &Value, name: &str) -> (String, String) {
    let parts = told["parts"].as_array().unwrap();
    let part = parts.iter().find(|part| part["part"] == name).unwrap_or_else(|| panic!("no part {name}: {told:#}"));
    (part["result"].as_str().unwrap().to_owned(), part["detail"].as_str().unwrap().to_owned())
}

#[test]
fn what_is_plugged_in_is_listed() {
    let ran = hanrig(&["bench", "list"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("debug probe") && ran.out.contains("serial port"), "{}", ran.out);
    let ran = hanrig(&["bench", "list", "--json"]);
    let told = json(&ran.out);
    assert!(told["probes"].is_array() && told["ports"].is_array(), "{told:#}");
}

#[test]
fn a_bench_of_software_is_read_and_no_more() {
    let file = benches().join("built-in/bench.toml");
    let ran = hanrig(&["bench", "check", text(&file)]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    insta::assert_snapshot!(ran.out, @r"
    ok         bench file                built-in: One dual Supplier premises with a Communications Hub and a PPMID, all in software
    ok         data files                2 hubs and 10 Devices in the SMI, 3 Users
    all 2 parts work
    ");
}

#[test]
fn a_bench_file_that_cannot_be_used_is_bad_input() {
    let folder = folder(&[("bench.toml", b"name = 1")]);
    let ran = hanrig_in(folder.path(), &["bench", "check", "bench.toml", "--json"], b"");
    assert_eq!(ran.code, 2, "{}", ran.out);
    let told = json(&ran.out);
    assert_eq!(told["works"], false);
    let (result, detail) = part(&told, "bench file");
    assert_eq!(result, "failed");
    assert!(detail.starts_with("bench.toml:1:8: name: invalid type: integer `1`"), "{detail}");
    assert_eq!(hanrig(&["bench", "check", "no-such-bench.toml"]).code, 2);
}

/// The two DKs of the example, with hardware that nobody has.
#[test]
fn what_is_not_plugged_in_is_told_part_by_part() {
    let example = fs::read_to_string(benches().join("nrf52840dk-pair.toml")).unwrap();
    let example = example.replace("built-in/", &format!("{}/built-in/", benches().display()));
    let example = example.replace("../../firmware-under-test/boards/target/thumbv7em-none-eabihf/release/", "");
    let files = [("bench.toml", example.as_bytes()), ("nrf52840dk-ch", b""), ("nrf52840dk-ppmid", b"")];
    let folder = folder(&files);
    let ran = hanrig_in(folder.path(), &["bench", "check", "bench.toml", "--json"], b"");
    assert_eq!((ran.code, ran.err.as_str()), (3, ""));
    let told = json(&ran.out);
    assert_eq!(told["works"], false);
    for (name, start) in [
        ("sniffer", "there is no serial port /dev/serial/by-id/usb-ZEPHYR"),
        ("hub probe", "there is no probe 000683000001; "),
        ("PPMID probe", "there is no probe 000683000002; "),
    ] {
        let (result, detail) = part(&told, name);
        assert!(result == "failed" && detail.starts_with(start), "{name}: {result}: {detail}");
    }
    for name in ["hub firmware", "hub runs", "PPMID firmware", "PPMID runs", "WAN link"] {
        assert_eq!(part(&told, name).0, "not tried", "{name}");
    }
}
