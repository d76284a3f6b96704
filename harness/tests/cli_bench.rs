//! `hanrig bench` as a user meets it.

#[expect(dead_code, reason = "not all of it is used here")]
mod cli_support;

use std::fs;
use std::path::{Path, PathBuf};

use cli_support::{folder, hanrig, hanrig_in, text};
use hanrig_air::live::{LiveAir, LiveConfig};
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
    ok         bench file                built-in: One dual Supplier premises with a Communications Hub and its Devices, all in software
    ok         data files                2 hubs and 11 Devices in the SMI, 3 Users
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
    let check = || {
        let ran = hanrig_in(folder.path(), &["bench", "check", "bench.toml", "--json"], b"");
        assert_eq!((ran.code, ran.err.as_str()), (3, ""));
        json(&ran.out)
    };
    let told = check();
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

    // With a sniffer alone there is nobody whom it could hear.
    let air = LiveAir::start(LiveConfig::default()).unwrap();
    let sniffer = air.sniffer_on_pty("sniffer", None).unwrap();
    let port = example.lines().find(|line| line.starts_with("port = \"/dev/serial")).unwrap();
    let plugged_in = format!("port = \"{}\"", text(sniffer.path().unwrap()));
    fs::write(folder.path().join("bench.toml"), example.replacen(port, &plugged_in, 1)).unwrap();
    let told = check();
    assert_eq!(part(&told, "sniffer").0, "ok");
    let expected = ("not tried".to_owned(), "no board and no radio works that it could hear".to_owned());
    assert_eq!(part(&told, "sniffer hears"), expected);
}

#[test]
fn firmware_that_is_not_there_is_told_before_anything_is_started() {
    let example = fs::read_to_string(benches().join("qemu.toml")).unwrap();
    let example = example.replace("built-in/", &format!("{}/built-in/", benches().display()));
    let (before, rest) = example.split_once("[hub.qemu]\n").unwrap();
    let (_, after) = rest.split_once('\n').unwrap();
    let example = format!("{before}[hub.qemu]\nfirmware = \"no-such-firmware\"\n{after}");
    let example = example.replace("../../firmware-under-test/boards/target/thumbv7em-none-eabihf/release/", "");
    let folder = folder(&[("bench.toml", example.as_bytes()), ("mps2-ppmid", b"")]);
    for args in [&["bench", "check", "bench.toml"][..], &["run", "--bench", "bench.toml", "--out", "out"]] {
        let ran = hanrig_in(folder.path(), args, b"");
        assert_eq!(ran.code, 2, "{args:?}: {}{}", ran.out, ran.err);
        let told = ran.out + &ran.err;
        let line = example.lines().position(|line| line.contains("no-such-firmware")).unwrap() + 1;
        let expected =
            format!("bench.toml:{line}:12: hub.qemu.firmware: there is no file no-such-firmware; is it built?\n");
        assert!(told.contains(&expected), "{told}");
        assert!(!told.contains("emulation"), "{told}");
    }
    assert!(!folder.path().join("out").exists(), "nothing is written");
}
