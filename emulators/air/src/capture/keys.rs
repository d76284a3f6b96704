//! Keys beside a capture and inside it.

use hanrig_wire::types::Key128;
use std::fmt::Write;

/// The name that Wireshark looks for its table of ZigBee keys under.
pub const KEYS_FILE: &str = "zigbee_pc_keys";

/// The content of Wireshark's table of ZigBee keys (Preferences, Protocols, ZigBee, Pre-configured Keys): one line a key
/// with its label.
///
/// Network keys and link keys go in alike; Wireshark derives the key-transport and key-load keys itself. Written as
/// [`KEYS_FILE`] beside the capture, it is used by `WIRESHARK_CONFIG_DIR=<that folder> wireshark air.pcapng` (and tshark)
/// without any further set-up. A single key can be given with `-o 'uat:zigbee_pc_keys:"<key>","Normal","<label>"'`.
pub fn keys_file<L: AsRef<str>>(keys: &[(Key128, L)]) -> String {
    let mut text = String::new();
    for (key, label) in keys {
        // Writing to a string does not fail.
        let _ = write!(text, "\"{key}\",\"Normal\",\"");
        for octet in label.as_ref().bytes() {
            match octet {
                b'"' | b'\\' | 0..0x20 | 0x7f.. => {
                    let _ = write!(text, "\\x{octet:02x}");
                }
                _ => text.push(char::from(octet)),
            }
        }
        text.push_str("\"\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key128 = Key128(*b"ZigBeeAlliance09");

    #[test]
    fn keys_as_wireshark_keeps_them() {
        let keys = [(KEY, "network key"), (Key128([0; 16]), "PPMID \"link\" key\n")];
        insta::assert_snapshot!(keys_file(&keys), @r#"
        "5a6967426565416c6c69616e63653039","Normal","network key"
        "00000000000000000000000000000000","Normal","PPMID \x22link\x22 key\x0a"
        "#);
        assert_eq!(keys_file::<&str>(&[]), "");
    }
}
