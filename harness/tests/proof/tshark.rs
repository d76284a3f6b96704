//! tshark decrypts and dissects every frame of every scenario, and counts what the rig counted.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use hanrig::bench::Bench;
use hanrig_reports::ScenarioLog;

use crate::suite::{Suite, suite};
use crate::tools;

/// What tshark tells of a frame, a field a column. Where a field occurs more than once in a frame (the network layer and
/// the application support layer both have a security header) its values are joined by commas.
const FIELDS: [&str; 21] = [
    "frame.protocols",
    "wpan.fcs_ok",
    "wpan.frame_type",
    "zbee_nwk.security",
    "zbee_aps.security",
    "zbee_aps.type",
    "zbee_aps.cluster",
    "zbee_aps.fragmentation",
    "zbee.sec.field",
    "zbee.sec.key",
    "zbee.sec.src64",
    "zbee.sec.counter",
    "zbee_zcl.type",
    "zbee_zcl_general.ota.cmd.srv_tx.id",
    "zbee_zcl_general.ota.cmd.srv_rx.id",
    "zbee_zcl_general.ota.image.data",
    "zbee_zcl_se.tun.cmd.srv_tx.id",
    "zbee_zcl_se.tun.cmd.srv_rx.id",
    "_ws.malformed",
    "_ws.expert.message",
    "_ws.col.Info",
];

/// One frame.
struct Frame<'a> {
    number: usize,
    columns: Vec<&'a str>,
}

impl<'a> Frame<'a> {
    fn new(number: usize, line: &'a str) -> Self {
        Self { number, columns: line.split('\t').collect() }
    }

    fn field(&self, name: &str) -> &'a str {
        self.columns[FIELDS.iter().position(|field| *field == name).unwrap()]
    }

    fn count(&self, name: &str) -> usize {
        self.field(name).split(',').filter(|value| !value.is_empty()).count()
    }

    fn first(&self, name: &str) -> &'a str {
        self.field(name).split(',').next().unwrap()
    }

    fn number(&self, name: &str) -> Option<u16> {
        let text = self.field(name);
        text.strip_prefix("0x").map_or_else(|| text.parse(), |hex| u16::from_str_radix(hex, 16)).ok()
    }

    /// Whether this is a fragment of a message that is told whole with a later fragment.
    fn is_fragment(&self) -> bool {
        self.number("zbee_aps.fragmentation").is_some() && self.field("frame.protocols").ends_with(":data")
    }

    /// Panics unless tshark got to the bottom of it.
    fn check(&self) {
        let told = || format!("frame {}: {:?}", self.number, self.columns);
        assert_eq!(self.field("wpan.fcs_ok"), "1", "{}", told());
        assert_eq!((self.field("_ws.malformed"), self.field("_ws.expert.message")), ("", ""), "{}", told());

        // Every security header has its key. An APS acknowledgement has nothing after its header: there is no payload to
        // decrypt, and tshark does not look for a key.
        const APS_ACK: Option<u16> = Some(2);
        let without_payload = self.number("zbee_aps.type") == APS_ACK && self.field("zbee_aps.security") == "1";
        let headers = self.count("zbee.sec.field");
        assert_eq!(self.count("zbee.sec.key") + usize::from(without_payload), headers, "{}", told());
        let secured = ["zbee_nwk.security", "zbee_aps.security"].iter().filter(|name| self.field(name) == "1").count();
        assert_eq!(headers, secured, "{}", told());

        // Within the network every frame is encrypted, but for the transport of its key, which the link key encrypts.
        if self.field("frame.protocols").contains("zbee_nwk") {
            assert!(headers > 0, "{}", told());
        }

        // Down to the command.
        let command = |names: [&str; 2]| {
            const GLOBAL: Option<u16> = Some(0);
            self.number("zbee_zcl.type") == GLOBAL || names.iter().any(|name| self.number(name).is_some())
        };
        let is_data = self.number("zbee_aps.type") == Some(0);
        match self.number("zbee_aps.cluster").filter(|_| is_data && !self.is_fragment()) {
            Some(0x0019) => assert!(
                command(["zbee_zcl_general.ota.cmd.srv_tx.id", "zbee_zcl_general.ota.cmd.srv_rx.id"]),
                "{}",
                told()
            ),
            Some(0x0704) => {
                assert!(command(["zbee_zcl_se.tun.cmd.srv_tx.id", "zbee_zcl_se.tun.cmd.srv_rx.id"]), "{}", told());
            }
            _ => assert!(!self.field("frame.protocols").ends_with(":data") || self.is_fragment(), "{}", told()),
        }
    }
}

/// tshark on a capture, with the keys beside it.
fn command(capture: &Path) -> Command {
    let mut command = Command::new("tshark");
    // A configuration of its own: the keys are in it, and nobody's preferences change the outcome.
    command.env("WIRESHARK_CONFIG_DIR", capture.parent().unwrap()).args(["-n", "-r"]).arg(capture);
    command
}

/// What tshark tells of a capture, with the keys beside it.
fn tshark(capture: &Path, fields: &[&str], filter: Option<&str>) -> Option<String> {
    let mut command = command(capture);
    command.args(["-T", "fields"]).args(fields.iter().flat_map(|field| ["-e", field]));
    command.args(filter.iter().flat_map(|filter| ["-Y", filter]));
    tools::stdout(&mut command)
}

#[test]
fn every_frame_is_decrypted_and_dissected() {
    let captured = |scenario: &&ScenarioLog| !suite().evidence(scenario, "air.pcapng").is_empty();
    assert!(suite().log.scenarios.iter().filter(captured).count() >= 13);
    for scenario in &suite().log.scenarios {
        if !check(scenario) {
            return;
        }
    }
}

/// Checks a scenario's capture; `false` where there is no tshark.
fn check(scenario: &ScenarioLog) -> bool {
    let name = &scenario.started.name;
    let captures = suite().evidence(scenario, "air.pcapng");
    let Some(capture) = captures.first() else {
        // Where the Supplier itself refuses, nothing is sent and the bench is never started.
        assert!(scenario.finished.as_ref().unwrap().counters.is_empty(), "{name} has counters and no capture");
        return true;
    };
    let Some(told) = tshark(capture, &FIELDS, None) else { return false };
    let (mut frames, mut blocks, mut seen) = (0, 0, BTreeSet::new());
    if Suite::counter(scenario, "frames of the attacker") > 0 {
        // Among them are frames that are none, on purpose, and tshark cannot tell whose they are.
        assert_eq!(told.lines().count() as u64, Suite::counter(scenario, "frames sniffed"), "{name}: frames");
        assert_eq!(Suite::counter(scenario, "frames not decoded"), 0, "{name}");
        return true;
    }
    for (index, line) in told.lines().enumerate() {
        let frame = Frame::new(index + 1, line);
        frame.check();
        frames += 1;
        // A frame whose acknowledgement is lost is sent again, octet for octet: the same NWK frame counter of the same
        // sender. The rig counts it once.
        if frame.field("zbee_zcl_general.ota.cmd.srv_tx.id") == "0x05"
            && !frame.field("zbee_zcl_general.ota.image.data").is_empty()
            && seen.insert((frame.first("zbee.sec.src64").to_owned(), frame.first("zbee.sec.counter").to_owned()))
        {
            blocks += 1;
        }
    }
    assert_eq!(frames, Suite::counter(scenario, "frames sniffed"), "{name}: frames");
    assert_eq!(blocks, Suite::counter(scenario, "image blocks"), "{name}: Image Block Responses");
    assert_eq!(Suite::counter(scenario, "frames not decoded"), 0, "{name}");
    true
}

/// tshark takes the network key from a Transport-Key that it can decrypt, so that with the frames of a whole capture it
/// would not miss one that is wrong in the file of keys. Without those frames it needs the file.
#[test]
fn the_network_key_is_in_the_file_of_keys() {
    const KEYS: &str = "zigbee_pc_keys";
    const TRANSPORT_KEY: &str = "zbee_aps.cmd.id == 0x05";
    let network_key = hex::encode(Bench::built_in().unwrap().network.network_key.0);
    let scenario = suite().scenario("The Import Supplier updates the PPMID");
    let keys = fs::read_to_string(suite().file(scenario, KEYS)).unwrap();
    for other in &suite().log.scenarios {
        for path in suite().evidence(other, KEYS) {
            let keys = fs::read_to_string(path).unwrap();
            assert!(keys.contains(&network_key), "{}", other.started.name);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let later = folder.path().join("later.pcapng");
    let mut cut = command(&suite().file(scenario, "air.pcapng"));
    cut.args(["-Y", &format!("!({TRANSPORT_KEY})"), "-w"]).arg(&later);
    let Some(_) = tools::stdout(&mut cut) else { return };

    fs::write(folder.path().join(KEYS), &keys).unwrap();
    assert_eq!(tshark(&later, &["frame.number"], Some(TRANSPORT_KEY)).unwrap(), "");
    let told = tshark(&later, &FIELDS, None).unwrap();
    let frames: Vec<_> = told.lines().enumerate().map(|(index, line)| Frame::new(index + 1, line)).collect();
    assert!(frames.len() as u64 + 10 > Suite::counter(scenario, "frames sniffed"), "{} frames", frames.len());
    for frame in &frames {
        frame.check();
    }

    // Neither without that key nor with a wrong one.
    let without = keys.lines().filter(|line| !line.contains(&network_key)).collect::<Vec<_>>().join("\n");
    for keys in [without, keys.replace(&network_key, &"a5".repeat(16))] {
        fs::write(folder.path().join(KEYS), keys).unwrap();
        let told = tshark(&later, &FIELDS, None).unwrap();
        let frames: Vec<_> = told.lines().enumerate().map(|(index, line)| Frame::new(index + 1, line)).collect();
        let secured = frames.iter().filter(|frame| frame.field("zbee_nwk.security") == "1");
        assert!(secured.clone().count() > 100, "{} frames", secured.count());
        assert_eq!(secured.filter(|frame| frame.count("zbee.sec.key") > 0).count(), 0);
    }
}

#[test]
fn a_transfer_of_750kb_is_all_there() {
    let scenario = suite().scenario("An image of exactly 750KB");
    // 768,000 octets, 50 to a block.
    assert_eq!(Suite::counter(scenario, "image blocks"), 15_360);
    let capture = suite().file(scenario, "air.pcapng");
    let (offset, size) = ("zbee_zcl_general.ota.file.offset", "zbee_zcl_general.ota.data_size");
    let filter = "zbee_zcl_general.ota.cmd.srv_tx.id == 5";
    let Some(told) = tshark(&capture, &[offset, size], Some(filter)) else { return };
    let blocks: BTreeSet<(u32, u32)> = told
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .map(|(offset, size)| (offset.parse().unwrap(), size.parse().unwrap()))
        .collect();
    let end = blocks.into_iter().fold(0, |end, (offset, size)| {
        assert_eq!(offset, end, "the blocks lie end to end");
        end + size
    });
    assert_eq!(end, 768_000);
}

#[test]
fn gbcs_messages_in_tunnels_are_dissected() {
    let capture = suite().file(suite().scenario("The Import Supplier updates the PPMID"), "air.pcapng");
    let header = |field: &str| format!("gbcs_message.grouping_header.{field}");
    let fields = [
        header("business_originator_id"),
        header("business_target_id"),
        header("cra_flag"),
        header("message_code"),
        header("supplementary_remote_party_id"),
    ];
    let fields: Vec<_> = fields.iter().map(String::as_str).collect();
    let Some(told) = tshark(&capture, &fields, Some("gbcs_message")) else { return };
    // The Alert CS09, then the Command and the Response CS08.
    let lines: Vec<_> = told.lines().map(|line| line.replace('\t', " ").trim_end().to_owned()).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    0a:48:52:47:01:00:00:05 0a:48:52:47:f1:00:00:01 0x03 0x012b
    0a:48:52:47:f1:00:00:01 0a:48:52:47:01:00:00:05 0x01 0x0129 0a:48:52:47:f0:00:00:01
    0a:48:52:47:01:00:00:05 0a:48:52:47:f1:00:00:01 0x02 0x0129 0a:48:52:47:f0:00:00:01
    ");
}
