//! openssl verifies the signatures that the reference devices made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hanrig_wire::wan::{WanFrame, WanMessage};

use crate::suite::suite;
use crate::tools::{self, text};

/// `r || s` at the end of a signed GBCS message, after the octet that tells its length.
const SIGNATURE: usize = 64;

/// A signed Alert that went over the WAN link of the happy path, and the private scalar in the bench file of who signed it.
#[rstest::rstest]
#[case::ccs08_of_the_hub("CCS08", 0x8F8A, "hub")]
#[case::cs09_of_the_ppmid("CS09", 0x8F8B, "ppmid")]
fn signatures_verify(#[case] use_case: &str, #[case] alert_code: u16, #[case] signer: &str) {
    let message = message_on_the_wan(use_case);
    let code = alert_code.to_be_bytes();
    assert!(message.windows(2).any(|octets| octets == code), "{alert_code:04X} is in the message");

    let folder = tempfile::tempdir().unwrap();
    let Some(key) = public_key(folder.path(), signer) else { return };
    let verify = |message: &[u8]| verified(folder.path(), &key, message);
    assert!(verify(&message), "openssl verifies the signature");

    // Whatever octet is altered, the signature is no longer right: of the header, the content, the signature.
    let content_end = message.len() - SIGNATURE - 1;
    for altered in [1, 10, content_end - 1, content_end + 1, message.len() - 1] {
        let mut other = message.clone();
        other[altered] ^= 1;
        assert!(!verify(&other), "octet {altered} was altered");
    }
    let other = if signer == "hub" { "ppmid" } else { "hub" };
    let other_key = public_key(folder.path(), other).unwrap();
    assert!(!verified(folder.path(), &other_key, &message), "the {other} did not sign it");
}

/// The first GBCS message of `use_case` from the hub to the CSP.
fn message_on_the_wan(use_case: &str) -> Vec<u8> {
    let path = suite().file(suite().scenario("The Import Supplier updates the PPMID"), "wan.jsonl");
    let transcript = fs::read_to_string(path).unwrap();
    let messages = transcript.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let summary = line["summary"].as_str().unwrap();
        let meant = line["direction"] == "hub to CSP" && summary.contains(&format!("Gbcs {use_case} "));
        meant.then(|| hex::decode(line["octets"].as_str().unwrap()).unwrap())
    });
    let frame = messages.into_iter().next().unwrap_or_else(|| panic!("no {use_case} on the WAN link"));
    let WanMessage::Gbcs { octets } = WanFrame::parse(&frame).unwrap().message else { panic!("{use_case}") };
    octets
}

/// Has openssl derive the public key of a party of the built-in bench from the private scalar in the bench file.
fn public_key(folder: &Path, party: &str) -> Option<PathBuf> {
    let bench = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/built-in/bench.toml")).unwrap();
    let bench: toml::Table = bench.parse().unwrap();
    let party_table = bench[party].as_array().map_or(&bench[party], |parties| &parties[0]);
    let scalar = hex::decode(party_table["ds_private"].as_str().unwrap()).unwrap();
    // ECPrivateKey of RFC 5915: version 1, the scalar, and prime256v1 as its curve.
    let der =
        [&[0x30, 0x31, 2, 1, 1, 4, 32], &*scalar, &[0xA0, 10, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7]].concat();
    let (private, public) = (folder.join("private.der"), folder.join(format!("{party}.pem")));
    fs::write(&private, der).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.args(["ec", "-inform", "DER", "-in", text(&private), "-pubout", "-out", text(&public)]);
    tools::stdout(&mut openssl).map(|_| public)
}

/// Whether openssl verifies the signature at the message's end. It is made over everything before it but the first octet.
fn verified(folder: &Path, key: &Path, message: &[u8]) -> bool {
    let (signed, signature) = message.split_at(message.len() - SIGNATURE);
    let (length, signed) = signed.split_last().unwrap();
    assert_eq!(usize::from(*length), SIGNATURE);
    let (data, der) = (folder.join("signed"), folder.join("signature.der"));
    fs::write(&data, &signed[1..]).unwrap();
    fs::write(&der, signature_der(signature)).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", "-sha256", "-verify", text(key), "-signature", text(&der), text(&data)]);
    let output = tools::output(&mut openssl).unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        told == if output.status.success() { "Verified OK\n" } else { "Verification failure\n" },
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.status.success()
}

/// `r || s` as the ECDSA-Sig-Value of RFC 3279.
fn signature_der(signature: &[u8]) -> Vec<u8> {
    let integers = signature.chunks(32).flat_map(|number| {
        let first = number.iter().position(|octet| *octet != 0).unwrap_or(number.len() - 1);
        let digits = &number[first..];
        // A top bit would make it negative.
        let padding: &[u8] = if digits[0] & 0x80 == 0 { &[] } else { &[0] };
        let length = u8::try_from(padding.len() + digits.len()).unwrap();
        [&[2, length], padding, digits].concat()
    });
    let integers: Vec<u8> = integers.collect();
    [&[0x30, u8::try_from(integers.len()).unwrap()], &*integers].concat()
}
