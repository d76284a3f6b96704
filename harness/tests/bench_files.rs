//! Bench files: the examples are whole, and what is wrong with one is told with line and field.

use std::fs;
use std::path::{Path, PathBuf};

use hanrig::bench::{Band, Bands, Bench, Board, CLOCK_OFFSET, Player};
use hanrig::ports::WanTarget;
use hanrig_dcc::settings::{SecondRequest, Settings};
use rstest::rstest;
use tempfile::TempDir;

fn benches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches")
}

/// An example, edited, in a folder of its own with files in the place of firmware.
fn example(name: &str, edits: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let mut text = fs::read_to_string(benches().join(name)).unwrap();
    text = text.replace("built-in/", &format!("{}/built-in/", benches().display()));
    text = text.replace("../../firmware-under-test/boards/target/thumbv7em-none-eabihf/release/", "firmware/");
    for (from, to) in edits {
        assert!(text.contains(from), "{from:?} is not in {name}");
        text = text.replacen(from, to, 1);
    }
    for file in ["mps2-ch", "mps2-ppmid", "nrf52840dk-ch", "nrf52840dk-ppmid"] {
        fs::create_dir_all(folder.path().join("firmware")).unwrap();
        fs::write(folder.path().join("firmware").join(file), "").unwrap();
    }
    fs::create_dir_all(folder.path().join("vendor-ppmid")).unwrap();
    fs::write(folder.path().join("vendor-ppmid/application.hex"), "").unwrap();
    let path = folder.path().join("bench.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn load(name: &str) -> Bench {
    let (_folder, path) = example(name, &[]);
    Bench::load(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What is wrong with an example, edited; its folder left out.
fn wrong(name: &str, edits: &[(&str, &str)]) -> String {
    let (folder, path) = example(name, edits);
    let text = Bench::load(&path).expect_err("it is whole").to_string();
    text.replace(&format!("{}/", folder.path().display()), "")
}

fn board(player: &Player) -> &Board {
    match player {
        Player::Board(board) => board,
        other => panic!("no board: {other:?}"),
    }
}

#[rstest]
#[case::both("qemu.toml", ["qemu", "qemu"])]
#[case::hub("qemu-hub.toml", ["qemu", "software"])]
#[case::ppmid("qemu-ppmid.toml", ["software", "qemu"])]
#[case::boards("nrf52840dk-pair.toml", ["board", "board"])]
#[case::vendor("vendor-ppmid.toml", ["software", "board"])]
fn examples_are_whole(#[case] name: &str, #[case] players: [&str; 2]) {
    let bench = load(name);
    assert_eq!([bench.hub.player.as_str(), bench.ppmids[0].player.as_str()], players);
    assert!(bench.is_live());
    assert_eq!(bench.name, name.trim_end_matches(".toml"));
    assert_eq!(bench.emulation.is_some(), name.starts_with("qemu"));
    assert_eq!(bench.sniffer.is_none(), name.starts_with("qemu"));
}

#[test]
fn the_built_in_bench_is_not_live() {
    let bench = Bench::built_in().unwrap();
    assert!(!bench.is_live());
    assert_eq!(bench.hub.player, Player::Software { radio: None });
}

#[test]
fn boards_are_as_they_are_described() {
    let bench = load("nrf52840dk-pair.toml");
    let hub = board(&bench.hub.player);
    assert_eq!((hub.probe.probe.as_str(), hub.probe.chip.as_str()), ("000683000001", "nRF52840_xxAA"));
    assert!(hub.provisioning && hub.firmware.ends_with("firmware/nrf52840dk-ch"));
    assert_eq!(hub.clock_offset.as_deref(), Some(CLOCK_OFFSET));
    assert!(matches!(&bench.hub.wan, Some(WanTarget::Serial(port)) if port.baud == 115_200));

    let bench = load("vendor-ppmid.toml");
    let ppmid = board(&bench.ppmids[0].player);
    assert!(!ppmid.provisioning && ppmid.clock_offset.is_none());
    let power = ppmid.power.as_ref().unwrap();
    assert_eq!((power.on[0].as_str(), power.limit.as_secs()), ("uhubctl", 10));
    assert!(matches!(&bench.hub.player, Player::Software { radio: Some(_) }));
    assert_eq!(bench.patience.as_secs(), 900);
}

#[test]
fn an_adapter_runs_in_the_folder_of_the_bench_file() {
    let serial = "serial = { port = \"/dev/serial/by-id/usb-SEGGER_J-Link_000683000001-if00\", baud = 115200 }";
    let (folder, path) = example("nrf52840dk-pair.toml", &[(serial, "exec = [\"./adapter\", \"--hub\"]")]);
    let bench = Bench::load(&path).unwrap();
    let expected = WanTarget::Exec {
        command: vec!["./adapter".to_owned(), "--hub".to_owned()],
        folder: Some(folder.path().join("")),
    };
    assert_eq!(bench.hub.wan, Some(expected));
}

/// A software HCALCS, as it stands in the built-in bench, before what comes after it.
fn hcalcs() -> String {
    let built_in = fs::read_to_string(benches().join("built-in/bench.toml")).unwrap();
    let from = built_in.find("[[hcalcs]]").unwrap();
    let to = built_in.find("[hcalcs.declaration]").unwrap();
    format!("{}\n[access_control_broker]", &built_in[from..to])
}

#[test]
fn devices_wait_in_reserve_and_are_as_they_are_declared() {
    let bench = Bench::built_in().unwrap();
    assert!(bench.devices.is_empty());
    let names: Vec<_> = bench.reserve.iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["HCALCS", "ESME", "GSME"]);
    let declared = "[hcalcs.declaration]\nblock_size = 20\nblock_pause_milliseconds = 300\nverification_seconds = 60";
    let (_folder, path) = example("qemu.toml", &[("[hcalcs.declaration]\nblock_size = 48", declared)]);
    let bench = Bench::load(&path).unwrap();
    let declaration = &bench.reserve[0].declaration;
    assert_eq!((declaration.block_size, declaration.block_pause.as_millis()), (20, 300));
    assert_eq!((declaration.verification.as_secs(), declaration.repeats), (60, 4));
}

#[test]
fn a_bench_has_settings_for_its_dcc_and_hubs_that_scenarios_name() {
    let bench = Bench::built_in().unwrap();
    assert_eq!(bench.settings, Settings::default());
    let names: Vec<_> = bench.hub_profiles.iter().map(|named| named.name.as_str()).collect();
    assert_eq!(names.len(), 6);
    assert!(
        ["North", "South", "Central"].iter().all(|region| names.contains(&format!("{region}, dual band").as_str()))
    );

    let (folder, path) = example("qemu.toml", &[("[data]", "[data]\nsettings = \"dcc.toml\"")]);
    fs::write(folder.path().join("dcc.toml"), "tracking_timeout = \"3days\"\n[csp]\nsecond_request = \"reject\"\n")
        .unwrap();
    let bench = Bench::load(&path).unwrap();
    assert_eq!(bench.settings.tracking_timeout.as_secs(), 3 * 24 * 3600);
    assert_eq!(bench.settings.csp.second_request, SecondRequest::Reject);
    assert_eq!(bench.settings.delivery_period, Settings::default().delivery_period);

    let told = |text: &str| {
        fs::write(folder.path().join("dcc.toml"), text).unwrap();
        let error = Bench::load(&path).expect_err("it is whole").to_string();
        error.replace(&format!("{}/", folder.path().display()), "")
    };
    insta::assert_snapshot!(told("tracking_timeout = \"soon\"\n"), @r#"dcc.toml:1:20: tracking_timeout: "soon" is no length of time such as 4days or 30min: expected number at 0"#);
    insta::assert_snapshot!(told("[csp.north]\nlanes = 3\n"), @"dcc.toml:2:1: csp.north.lanes: unknown field `lanes`, expected one of `jobs`, `devices_per_job`, `channels`");
    let profile = "[[hub_profile]]\nname = \"PPMID\"\nregion = \"North\"\nmaker = \"M\"\nbands = \"dual\"\nstall_hours = 0\n\n[hub]\nplayer";
    insta::assert_snapshot!(wrong("qemu.toml", &[("[hub]\nplayer", profile)]), @r#"
2 things are wrong with the bench
  bench.toml:39:15: hub_profile[0].stall_hours: 0 is out of range; expected hours from a day (CH-14, I-10) to a year, 24 to 8784
  bench.toml:112:8: ppmid[0].name: the name "PPMID" is used twice
"#);
}

#[test]
fn what_no_bench_can_do_with_a_device_is_told() {
    let hcalcs_is = "name = \"HCALCS\"\nplayer = \"software\"";
    insta::assert_snapshot!(wrong("qemu.toml", &[(hcalcs_is, "name = \"HCALCS\"\nplayer = \"qemu\"")]), @r#"bench.toml:134:10: hcalcs[0].player: no board can play hcalcs yet; expected "software""#);
    insta::assert_snapshot!(wrong("nrf52840dk-pair.toml", &[("[access_control_broker]", &hcalcs())]), @r#"bench.toml:115:10: hcalcs[0].player: the player is "software", and there is no [hcalcs.radio], the radio co-processor over which it reaches the boards"#);
    insta::assert_snapshot!(wrong("qemu.toml", &[("block_size = 48", "block_size = 51")]), @r#"bench.toml:145:14: hcalcs[0].declaration.block_size: 51 is out of range; expected image octets that fit in a frame, 1 to 50"#);
}

#[test]
fn what_the_documents_do_not_leave_to_makers_cannot_be_declared() {
    let profile = [("retention_hours = 336", "retention_hours = 335"), ("stall_hours = 24", "stall_hours = 23")];
    insta::assert_snapshot!(wrong("vendor-ppmid.toml", &profile), @"
2 things are wrong with the bench
  bench.toml:55:19: hub.profile.retention_hours: 335 is out of range; expected hours from 14 days (CH-13, I-09) to a year, 336 to 8784
  bench.toml:57:15: hub.profile.stall_hours: 23 is out of range; expected hours from a day (CH-14, I-10) to a year, 24 to 8784
");
    let daily = "query_period_minutes = 1440";
    insta::assert_snapshot!(wrong("qemu.toml", &[(daily, "query_period_minutes = 60")]), @"bench.toml:128:24: ppmid[0].declaration.query_period_minutes: 60 is out of range; expected minutes from a day (PPMID-02) to a year, 1440 to 527040");
}

#[test]
fn what_scenarios_cannot_wait_for_cannot_be_declared() {
    let declared = |text: &str| wrong("qemu.toml", &[("block_size = 48", text)]);
    insta::assert_snapshot!(declared("block_size = 48\nblock_pause_milliseconds = 5401"), @"bench.toml:146:28: hcalcs[0].declaration.block_pause_milliseconds: 5401 is out of range; expected milliseconds with which the largest image of 16000 blocks is through within a day, 0 to 5400");
    insta::assert_snapshot!(declared("block_size = 1\nblock_pause_milliseconds = 113"), @"bench.toml:146:28: hcalcs[0].declaration.block_pause_milliseconds: 113 is out of range; expected milliseconds with which the largest image of 768000 blocks is through within a day, 0 to 112");
    insta::assert_snapshot!(declared("query_period_minutes = 4"), @"bench.toml:145:24: hcalcs[0].declaration.query_period_minutes: 4 is out of range; expected minutes up to a year, 5 to 527040");
    insta::assert_snapshot!(declared("follows_notify = false"), @"bench.toml:145:18: hcalcs[0].declaration.follows_notify: a Device that asks on its own alone; expected query_period_minutes, 5 to 60");
    insta::assert_snapshot!(declared("follows_notify = false\nquery_period_minutes = 61"), @"bench.toml:146:24: hcalcs[0].declaration.query_period_minutes: 61 is out of range; expected minutes up to an hour, for no Image Notify has it ask sooner, 5 to 60");
    insta::assert_snapshot!(declared("verification_seconds = 1201"), @"bench.toml:145:24: hcalcs[0].declaration.verification_seconds: 1201 is out of range; expected seconds up to 20 minutes, 0 to 1200");
}

#[test]
fn a_dcc_that_takes_too_little_for_the_scenarios_is_told() {
    let (folder, path) = example("qemu.toml", &[("[data]", "[data]\nsettings = \"dcc.toml\"")]);
    let small =
        "maximum_devices = 6\n[csp.north]\njobs = 6\ndevices_per_job = 1\n[csp.south_and_central]\ndevices = 6\n";
    fs::write(folder.path().join("dcc.toml"), small).unwrap();
    let told = Bench::load(&path).expect_err("it is enough").to_string();
    insta::assert_snapshot!(told.replace(&format!("{}/", folder.path().display()), ""), @"
3 things are wrong with the bench
  dcc.toml: csp.north.jobs times csp.north.devices_per_job is 6; expected 7 or more, for scenarios send requests for so many Devices
  dcc.toml: csp.south_and_central.devices is 6; expected 7 or more, for scenarios send requests for so many Devices
  dcc.toml: maximum_devices is 6; expected 7 or more, for scenarios send requests for so many Devices
");
    fs::write(folder.path().join("dcc.toml"), small.replace('6', "7")).unwrap();
    Bench::load(&path).unwrap();
}

#[test]
fn a_device_below_1_ghz_takes_a_hub_with_two_bands() {
    let hcalcs_is = "name = \"HCALCS\"\nplayer = \"software\"";
    let below = format!("{hcalcs_is}\nband = \"sub-GHz\"");
    let data = ["smi", "cpl", "registration"];
    let from = data.map(|name| format!("{name} = \"{name}.toml\""));
    let to = data.map(|name| format!("{name} = \"{}/built-in/{name}.toml\"", benches().display()));
    let in_place: Vec<_> = from.iter().zip(&to).map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let built_in = |edits: &[(_, _)]| [in_place.as_slice(), edits].concat();
    let below = (hcalcs_is, below.as_str());
    insta::assert_snapshot!(wrong("built-in/bench.toml", &built_in(&[below])), @r#"bench.toml:157:8: hcalcs[0].band: below 1 GHz, where a hub with one band does not reach it; expected [hub.profile] with bands = "dual""#);
    let two = [below, ("bands = \"single\"", "bands = \"dual\"")];
    insta::assert_snapshot!(wrong("qemu.toml", &two), @"bench.toml:135:8: hcalcs[0].band: below 1 GHz, and the rig has a radio for that band where all is software only");
    let (_folder, path) = example("built-in/bench.toml", &built_in(&two));
    let bench = Bench::load(&path).unwrap();
    assert_eq!((bench.reserve[0].band, bench.hub.profile.bands), (Band::SubGhz, Bands::Dual));
    let none = [two[1], ("[network.sub_ghz]\npage = 28\nchannel = 12", "")];
    insta::assert_snapshot!(wrong("built-in/bench.toml", &built_in(&none)), @"bench.toml: a hub with two bands, and no channel for the second; expected [network.sub_ghz]");
}

#[test]
fn what_is_wrong_is_told_with_line_and_field() {
    insta::assert_snapshot!(wrong("qemu.toml", &[("firmware/mps2-ch", "firmware/mps2-hub")]), @"bench.toml:44:12: hub.qemu.firmware: there is no file firmware/mps2-hub; is it built?");
    insta::assert_snapshot!(wrong("qemu.toml", &[("[emulation]", ""), ("throttled = false", "")]), @"bench.toml:35:10: hub.player: an emulated board, and no [emulation] that says how");
    insta::assert_snapshot!(wrong("qemu-hub.toml", &[("player = \"software\"", "player = \"qemu\"")]), @r#"bench.toml:106:10: ppmid[0].player: the player is "qemu", and there is no [ppmid.qemu]"#);
    insta::assert_snapshot!(wrong("qemu.toml", &[("throttled = false", "throttled = false\nspeed = 2")]), @"bench.toml:31:1: emulation.speed: unknown field `speed`, expected `throttled`");
    insta::assert_snapshot!(wrong("qemu.toml", &[("[hub.qemu]", "[hub.wan]\ntcp = \"h:1\"\n[hub.qemu]")]), @r#"bench.toml:43:1: hub.wan: expected [hub.wan] only with the player "board""#);
    insta::assert_snapshot!(wrong("nrf52840dk-pair.toml", &[("probe = \"000683000002\"", "probe = \"000683000001\"")]), @"bench.toml:94:9: ppmid[0].board.probe: it is used by hub.board.probe already");
    insta::assert_snapshot!(wrong("nrf52840dk-pair.toml", &[("[hub.wan]", "[hub.wan]\ntcp = \"hub\"")]), @"bench.toml:62:1: hub.wan: expected exactly one of serial, tcp, unix and exec");
    insta::assert_snapshot!(wrong("nrf52840dk-pair.toml", &[("[hub.wan]\nserial", "#")]), @r#"bench.toml:36:10: hub.player: the player is "board", and there is no [hub.wan], the link between it and the rig"#);
    insta::assert_snapshot!(wrong("nrf52840dk-pair.toml", &[("[sniffer]\nport", "#"), ("\nbaud = 115200", "")]), @"bench.toml:34:10: hub.player: a board, and no [sniffer]; expected the port of a sniffer that hears the air");
    insta::assert_snapshot!(wrong("vendor-ppmid.toml", &[("[hub.radio]\nport", "#"), ("-if00\"\nbaud = 115200\n\n# In", "\n# In")]), @r#"bench.toml:37:10: hub.player: the player is "software", and there is no [hub.radio], the radio co-processor over which it reaches the boards"#);
    insta::assert_snapshot!(wrong("vendor-ppmid.toml", &[("off = [\"uhubctl\", \"-l\", \"1-1\", \"-p\", \"2\", \"-a\", \"off\"]", "off = []")]), @"bench.toml:89:7: ppmid[0].board.power.off: no program; expected a program and its arguments");
}
