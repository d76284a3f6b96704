//! Captures: written, read back, read by tshark, and read from garbage.

use hanrig_air::SniffedFrame;
use hanrig_air::capture::{CaptureError, CaptureWriter, KEYS_FILE, keys_file, read_capture};
use hanrig_wire::mac;
use hanrig_wire::time::{Instant, Utc};
use hanrig_wire::types::Key128;
use proptest::prelude::*;
use std::process::Command;

/// 2022-08-17T15:45:42.790Z.
const BASE: Utc = Utc(1_660_751_142_790);

fn frame(at: u64, channel: u8, header_and_payload: &[u8]) -> SniffedFrame {
    let check = mac::fcs(header_and_payload).to_le_bytes();
    SniffedFrame {
        at: Instant(at),
        page: 0,
        channel,
        psdu: [header_and_payload, &check].concat().into(),
        rssi: -73,
        lqi: 201,
        fcs_ok: true,
    }
}

/// An acknowledgement, a beacon request, an acknowledgement with a wrong FCS, and one on another channel.
fn frames() -> Vec<SniffedFrame> {
    let mut wrong = frame(2_000_007, 15, &[0x02, 0x00, 0x6b]);
    wrong.psdu = vec![0x02, 0x00, 0x6b, 0, 0].into();
    wrong.fcs_ok = false;
    vec![
        frame(0, 15, &[0x02, 0x00, 0x6a]),
        frame(1_234_567, 15, &[0x03, 0x08, 0x01, 0xff, 0xff, 0xff, 0xff, 0x07]),
        wrong,
        frame(3_000_000, 26, &[0x02, 0x00, 0x6c]),
    ]
}

fn capture(frames: &[SniffedFrame]) -> Vec<u8> {
    let mut writer = CaptureWriter::new(Vec::new(), BASE).unwrap();
    for frame in frames {
        writer.write(frame).unwrap();
    }
    writer.finish().unwrap()
}

fn read(octets: &[u8]) -> Result<Vec<SniffedFrame>, CaptureError> {
    read_capture(octets)?.collect()
}

/// What tshark prints, or `None` (with a word about it) where there is no tshark.
fn tshark(octets: &[u8], arguments: &[&str]) -> Option<String> {
    tshark_with_keys(octets, "", arguments)
}

/// The same with a keys file in the folder of the capture.
fn tshark_with_keys(octets: &[u8], keys: &str, arguments: &[&str]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("air.pcapng");
    std::fs::write(&path, octets).unwrap();
    std::fs::write(folder.path().join(KEYS_FILE), keys).unwrap();
    // A configuration of its own: nobody's preferences change the outcome.
    let mut command = Command::new("tshark");
    let output =
        command.env("WIRESHARK_CONFIG_DIR", folder.path()).args(["-n", "-r"]).arg(&path).args(arguments).output();
    let Ok(output) = output else {
        println!("not run: no tshark");
        return None;
    };
    let complaints: Vec<_> = String::from_utf8(output.stderr)
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with("Running as user"))
        .map(str::to_owned)
        .collect();
    assert_eq!(complaints, Vec::<String>::new());
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap())
}

const FIELDS: [&str; 20] = [
    "-T",
    "fields",
    "-e",
    "frame.time_epoch",
    "-e",
    "frame.interface_name",
    "-e",
    "wpan-tap.ch_num",
    "-e",
    "wpan-tap.rss",
    "-e",
    "wpan-tap.lqi",
    "-e",
    "wpan.frame_type",
    "-e",
    "wpan.seq_no",
    "-e",
    "wpan.fcs_ok",
    "-e",
    "frame.protocols",
];

#[test]
fn tshark_reads_a_capture() {
    let Some(text) = tshark(&capture(&frames()), &FIELDS) else { return };
    insta::assert_snapshot!(text, @r"
    1660751142.790000000	channel 15	15	-73	201	0x0002	106	1	wpan-tap
    1660751144.024567000	channel 15	15	-73	201	0x0003	1	1	wpan-tap
    1660751144.790007000	channel 15	15	-73	201	0x0002	107	0	wpan-tap
    1660751145.790000000	channel 26	26	-73	201	0x0002	108	1	wpan-tap
    ");
}

#[test]
fn tshark_finds_no_fault_but_the_wrong_fcs() {
    let Some(text) =
        tshark(&capture(&frames()), &["-Y", "_ws.malformed || _ws.expert", "-T", "fields", "-e", "frame.number"])
    else {
        return;
    };
    insta::assert_snapshot!(text, @"3");
}

#[test]
fn tshark_decrypts_with_the_keys_file_beside_the_capture() {
    // A NWK data frame from 0x7b01 (01-02-03-04-05-06-07-08) to 0x0000 in PAN 0x1a62, secured at level 5 with the key
    // 00112233445566778899aabbccddeeff and frame counter 77: an Image Block Request.
    let secured = "618805621a0000017b48020000017b1e09284d000000080706050403020100d96e18a6e65f66650d62aa8947fe2017e573cb9911a612d601e4ebdfad";
    let key = Key128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeffu128.to_be_bytes());
    let octets = capture(&[frame(0, 15, &hex(secured))]);
    let keys = keys_file(&[(key, "network key of \"PAN 0x1a62\"")]);
    let fields = ["-T", "fields", "-e", "_ws.col.Info", "-e", "zbee.sec.decryption_key"];
    let Some(text) = tshark_with_keys(&octets, &keys, &fields) else { return };
    insta::assert_snapshot!(text, @r#"ZCL OTA: Image Block Request, Seq: 2	network key of "PAN 0x1a62""#);
}

fn hex(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn what_was_written_is_read() {
    let octets = capture(&frames());
    let mut reader = read_capture(&*octets).unwrap();
    assert_eq!(reader.base(), Some(BASE));
    let got: Vec<_> = reader.by_ref().collect::<Result<_, _>>().unwrap();
    assert_eq!(got, frames());
    assert!(reader.next().is_none());
    assert_eq!(octets, capture(&got), "the same frames give the same octets");
}

#[test]
fn an_empty_capture_is_a_capture() {
    assert_eq!(read(&capture(&[])).unwrap(), []);
}

#[test]
fn a_time_before_1970_is_refused() {
    let mut writer = CaptureWriter::new(Vec::new(), Utc(-1)).unwrap();
    let refused = writer.write(&frame(0, 11, &[0x02, 0x00, 0x00])).unwrap_err();
    insta::assert_snapshot!(refused, @"time -1000 us after 1970-01-01, expected 0 to 18446744073709551615");
    writer.write(&frame(1_000, 11, &[0x02, 0x00, 0x00])).unwrap();
}

/// A little-endian pcapng block.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = (body.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, &body, &length].concat()
}

/// A capture as another sniffer leaves it: no comment, the link type and resolution given, one packet.
fn foreign(link_type: u16, resolution: Option<u8>, ticks: u64, packet: &[u8]) -> Vec<u8> {
    let header = block(0x0a0d_0d0a, &[&0x1a2b_3c4du32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat());
    let mut interface = [&link_type.to_le_bytes()[..], &[0, 0], &[0; 4]].concat();
    if let Some(resolution) = resolution {
        interface.extend([9, 0, 1, 0, resolution, 0, 0, 0, 0, 0, 0, 0]);
    }
    let packets = [0, ticks].map(|ticks| {
        let length = (packet.len() as u32).to_le_bytes();
        let ticks = [(ticks >> 32) as u32, ticks as u32].map(u32::to_le_bytes).concat();
        block(6, &[&[0; 4], &ticks[..], &length, &length, packet].concat())
    });
    [header, block(1, &interface), packets.concat()].concat()
}

#[rstest::rstest]
#[case::default_resolution(None, 1_500_000)]
#[case::milliseconds(Some(3), 1_500)]
#[case::nanoseconds(Some(9), 1_500_000_000)]
#[case::binary(Some(0x80 | 1), 3)]
fn times_of_other_sniffers(#[case] resolution: Option<u8>, #[case] ticks: u64) {
    let got = read(&foreign(195, resolution, ticks, &[0x02, 0x00, 0x6a, 0xe4, 0x79])).unwrap();
    assert_eq!(got.iter().map(|f| f.at).collect::<Vec<_>>(), [Instant(0), Instant(1_500_000)]);
}

#[test]
fn link_types_of_other_sniffers() {
    let with_fcs = read(&foreign(195, None, 1, &[0x02, 0x00, 0x6a, 0xe4, 0x79])).unwrap();
    let without = read(&foreign(230, None, 1, &[0x02, 0x00, 0x6a])).unwrap();
    assert_eq!(with_fcs, without);
    let frame = &with_fcs[0];
    assert!(frame.fcs_ok);
    assert_eq!((frame.channel, frame.rssi, frame.lqi), (0, -128, 0));
    // No FCS, a TLV that is not known, and -60.4 dBm.
    let mut tap = vec![0, 0, 28, 0, 0, 0, 1, 0, 0, 0, 0, 0, 99, 0, 2, 0, 7, 7, 0, 0, 1, 0, 4, 0];
    tap.extend((-60.4f32).to_le_bytes());
    tap.extend([0x02, 0x00, 0x6a]);
    let tapped = read(&foreign(283, None, 1, &tap)).unwrap();
    assert_eq!((&tapped[0].psdu, tapped[0].rssi), (&frame.psdu, -60));
}

#[test]
fn errors_say_where_and_what() {
    let refused = |octets: &[u8]| read(octets).unwrap_err().to_string();
    insta::assert_snapshot!(refused(b"not a capture at all"), @"not a pcapng capture: expected a section header block at the start");
    insta::assert_snapshot!(refused(&foreign(1, None, 1, &[0; 60])), @"block 2 of the capture: link type 1, expected 195, 230 or 283 (IEEE 802.15.4)");
    insta::assert_snapshot!(refused(&foreign(195, None, 1, &[0; 200])), @"block 2 of the capture: a PSDU of 200 octets, expected 3 to 127 with the FCS");
    insta::assert_snapshot!(refused(&foreign(283, None, 1, &[1, 0, 4, 0])), @"block 2 of the capture: TAP header, offset 0: expected version 0");
    insta::assert_snapshot!(refused(&foreign(283, None, 1, &[0, 0, 99, 0])), @"block 2 of the capture: TAP header, offset 2: expected a length of at least 4 and at most that of the packet");
    insta::assert_snapshot!(refused(&foreign(283, None, 1, &[0, 0, 8, 0, 10, 0, 9, 0])), @"block 2 of the capture: TAP header, offset 6: expected a length that the header has room for");
    insta::assert_snapshot!(refused(&foreign(283, None, 1, &[0, 0, 12, 0, 0, 0, 1, 0, 2, 0, 0, 0])), @"block 2 of the capture: TAP header, offset 8: expected FCS type 0 (none) or 1 (16-bit)");
    let mut interface_7 = foreign(195, None, 1, &[0x02, 0x00, 0x6a, 0xe4, 0x79]);
    interface_7.extend(block(6, &[&[7, 0, 0, 0][..], &[0; 16]].concat()));
    insta::assert_snapshot!(refused(&interface_7), @"block 4 of the capture: interface 7, but only 1 are described");
    let mut of_5 = foreign(195, None, 1, &[0x02, 0x00, 0x6a, 0xe4, 0x79]);
    of_5.extend(block(6, &[&[0; 12][..], &[3, 0, 0, 0, 5, 0, 0, 0], &[0x02, 0x00, 0x6a]].concat()));
    insta::assert_snapshot!(refused(&of_5), @"block 4 of the capture: 3 of 5 octets captured, expected all");
    let mut simple = foreign(195, None, 1, &[0x02, 0x00, 0x6a, 0xe4, 0x79]);
    simple.extend(block(3, &[5, 0, 0, 0, 0x02, 0x00, 0x6a, 0xe4, 0x79]));
    insta::assert_snapshot!(refused(&simple), @"block 4 of the capture: a simple packet block, expected enhanced packet blocks only");
    let whole = capture(&frames());
    insta::assert_snapshot!(refused(&whole[..whole.len() - 9]), @"block 6 of the capture: cut short, or over 8 MB; expected a whole block");
}

proptest! {
    #[test]
    fn frames_survive(
        given in proptest::collection::vec(
            (0u64..1 << 50, any::<u8>(), proptest::collection::vec(any::<u8>(), 3..=127), any::<i8>(), any::<u8>()),
            0..20,
        ),
    ) {
        let given: Vec<_> = given
            .into_iter()
            .map(|(at, channel, psdu, rssi, lqi)| {
                let fcs_ok = hanrig_air::fcs_is_good(&psdu);
                SniffedFrame { at: Instant(at), page: 0, channel, psdu: psdu.into(), rssi, lqi, fcs_ok }
            })
            .collect();
        prop_assert_eq!(read(&capture(&given)).unwrap(), given);
    }

    #[test]
    fn garbage_does_not_panic(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&octets);
    }

    #[test]
    fn garbage_blocks_do_not_panic(
        kind in 0u32..12,
        body in proptest::collection::vec(any::<u8>(), 0..100),
        link in prop::sample::select(vec![195u16, 230, 283]),
        packet in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let mut octets = foreign(link, None, 5, &[0x02, 0x00, 0x6a, 0xe4, 0x79]);
        octets.extend(block(kind, &body));
        let _ = read(&octets);
        let _ = read(&foreign(link, Some(body.len() as u8), u64::MAX, &packet));
    }

    #[test]
    fn damage_does_not_panic(damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut: prop::sample::Index) {
        let mut octets = capture(&frames());
        for (at, value) in damage {
            let at = at.index(octets.len());
            octets[at] = value;
        }
        let _ = read(&octets);
        let _ = read(&octets[..cut.index(octets.len())]);
    }
}
