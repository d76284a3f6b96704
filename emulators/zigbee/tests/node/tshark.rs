//! Wireshark decodes and decrypts every frame, and finds fault with none.

use crate::medium::*;
use hanrig_wire::time::Duration;
use std::path::Path;
use std::process::Command;

const LINKTYPE_IEEE802_15_4_WITHFCS: u32 = 195;

fn write_pcap(path: &Path, frames: &[(hanrig_wire::time::Instant, Vec<u8>)]) {
    let mut out = Vec::new();
    for word in [0xA1B2_C3D4, 0x0004_0002, 0, 0, 65535, LINKTYPE_IEEE802_15_4_WITHFCS] {
        out.extend_from_slice(&u32::to_le_bytes(word));
    }
    for (at, octets) in frames {
        let (micros, length) = (at.as_micros(), octets.len() as u32);
        for word in [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32, length, length] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(octets);
    }
    std::fs::write(path, out).expect("the capture is written");
}

/// The output of tshark on the capture, or none where tshark is not installed.
fn tshark(path: &Path, arguments: &[&str]) -> Option<String> {
    let key = format!("uat:zigbee_pc_keys:\"{LINK_KEY}\",\"Normal\",\"link\"");
    let out = Command::new("tshark").arg("-r").arg(path).args(["-o", &key]).args(arguments).output();
    match out {
        Ok(out) if !out.status.success() => panic!("tshark: {}", String::from_utf8_lossy(&out.stderr)),
        Ok(out) => Some(String::from_utf8_lossy(&out.stdout).into_owned()),
        Err(error) => {
            eprintln!("not run: tshark: {error}");
            None
        }
    }
}

#[test]
fn tshark_decrypts_all_and_finds_nothing_malformed() {
    let mut medium = Medium::joined();
    let now = medium.now;
    medium.node(P).discover(now, 0x0109, OTA, true);
    medium.run(Duration::from_secs(2));
    // Read Attributes, so that the ZCL layer is sound, too.
    let zcl = |length: usize| {
        let mut asdu = vec![0x00, 0x42, 0x00];
        asdu.resize(length, 0x00);
        asdu
    };
    for length in [5, 67, 71, 73, 75, 301, 1501] {
        assert_eq!(medium.send(H, message(PPMID, zcl(length))), Ok(()));
        assert_eq!(medium.send(P, message(HUB, zcl(length))), Ok(()));
    }
    // One window with a lost fragment.
    let mut sent = 0;
    medium.reaches = Box::new(move |_, octets, at| {
        sent += i32::from(octets.len() > 100 && at == H);
        !(2..6).contains(&sent) || octets.len() <= 100
    });
    assert_eq!(medium.send(P, message(HUB, zcl(301))), Ok(()));
    medium.reaches = Box::new(|_, _, _| true);
    // Power off and on, another channel, rejoining; and leaving in the end.
    let mut stored = medium.power_off(H);
    stored.network.as_mut().expect("formed").channel = 20;
    medium.power_on(H, hanrig_zigbee::Node::new(hub_config(), Some(stored)));
    let stored = medium.power_off(P);
    medium.power_on(P, hanrig_zigbee::Node::new(ppmid_config(), Some(stored)));
    medium.run_until(|m| m.node(P).is_joined());
    medium.node(H).forget(PPMID);
    medium.run(Duration::from_secs(1));

    let path = std::env::temp_dir().join(format!("hanrig-zigbee-{}.pcap", std::process::id()));
    write_pcap(&path, &medium.captured);
    let Some(fields) = tshark(
        &path,
        &[
            "-T",
            "fields",
            "-E",
            "separator=|",
            "-e",
            "frame.protocols",
            "-e",
            "wpan.fcs_ok",
            "-e",
            "_ws.malformed",
            "-e",
            "_ws.expert.message",
        ],
    ) else {
        return;
    };
    let verbose = tshark(&path, &["-V"]).expect("tshark ran before");
    std::fs::remove_file(&path).expect("the capture is removed");
    assert_eq!(fields.lines().count(), medium.captured.len());
    for (n, line) in fields.lines().enumerate() {
        let columns: Vec<&str> = line.split('|').collect();
        assert_eq!(columns[1], "1", "frame {}: FCS", n + 1);
        assert_eq!((columns[2], columns[3]), ("", ""), "frame {}: {line}", n + 1);
    }
    for trouble in ["Malformed", "Encrypted Payload", "Decryption failed", "Unknown", "Expert Info"] {
        let lines: Vec<_> = verbose.lines().filter(|line| line.contains(trouble)).collect();
        assert!(lines.is_empty(), "{trouble}: {lines:?}");
    }
    for seen in [
        "Command Frame: Transport Key",
        "Device Announcement",
        "Match Descriptor Request",
        "Match Descriptor Response",
        "Node Descriptor Response",
        "Rejoin Request",
        "Rejoin Response",
        "Command Frame: Leave",
        "Association Request",
        "Association Response",
        "Reassembled ZigBee APS",
    ] {
        assert!(verbose.contains(seen), "{seen} is not in tshark's output");
    }
}
