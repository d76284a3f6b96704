//! The published vectors of the Reference Test Data Set: each decodes, verifies and is emitted as the same octets again.

use hanrig_wire::gbcs::{
    Content, Cra, Envelope, Message, PublicKey, SecretKey, SigningKey, Supplementary, VerifyingKey, ccs08, check_mac,
    cs06, cs08, decode_content, seal, utc_from_cosem_date_time,
};
use hanrig_wire::time::Utc;
use hanrig_wire::types::{Eui64, FirmwareVersion};
use serde::Deserialize;
use std::path::PathBuf;

/// The folder of vectors, where it is there.
fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("HANRIG_VECTORS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")), PathBuf::from)
        .join("gbcs");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("not run: no vectors at {} (set HANRIG_VECTORS)", folder.display());
    None
}

#[derive(Deserialize)]
struct KeyFile {
    party: Vec<Party>,
}

#[derive(Deserialize)]
struct Party {
    eui: String,
    ds_public: String,
    ds_private: Option<String>,
    ka_public: Option<String>,
    ka_private: Option<String>,
}

impl Party {
    fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::from_sec1(&hex::decode(&self.ds_public).unwrap()).unwrap()
    }

    fn signing_key(&self) -> SigningKey {
        SigningKey::from_scalar(&hex::decode(self.ds_private.as_ref().unwrap()).unwrap()).unwrap()
    }

    fn ka_public(&self) -> PublicKey {
        PublicKey::from_sec1(&hex::decode(self.ka_public.as_ref().unwrap()).unwrap()).unwrap()
    }

    fn ka_private(&self) -> SecretKey {
        SecretKey::from_scalar(&hex::decode(self.ka_private.as_ref().unwrap()).unwrap()).unwrap()
    }
}

struct Vectors {
    folder: PathBuf,
    parties: Vec<Party>,
}

impl Vectors {
    fn open() -> Option<Self> {
        let folder = vectors()?;
        let keys = std::fs::read_to_string(folder.join("keys.toml")).unwrap();
        Some(Self { folder, parties: toml::from_str::<KeyFile>(&keys).unwrap().party })
    }

    fn octets(&self, name: &str) -> Vec<u8> {
        let text = std::fs::read_to_string(self.folder.join(format!("{name}_GBCS.HEX"))).unwrap();
        hex::decode(text.trim()).unwrap()
    }

    fn party(&self, eui: &str) -> &Party {
        self.parties.iter().find(|party| party.eui == eui).unwrap()
    }
}

const ESME: &str = "00db1234567890a0";
const CHF: &str = "00db1234567890a2";
const PPMID: &str = "00db1234567890a4";
const ACCESS_CONTROL_BROKER: &str = "90b3d51f30000002";
const SUPPLIER: &str = "90b3d51f30010000";

fn eui(text: &str) -> Eui64 {
    text.parse().unwrap()
}

#[test]
fn every_vector_is_emitted_as_the_same_octets() {
    let Some(folder) = vectors() else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "HEX") {
            continue;
        }
        let octets = hex::decode(std::fs::read_to_string(&path).unwrap().trim()).unwrap();
        let envelope = Envelope::parse(&octets).unwrap();
        assert_eq!(envelope.emit(), octets, "{}", path.display());
        if let Envelope::Maced { message, message_octets, .. } = &envelope {
            assert_eq!(&message.emit(), message_octets);
        }
        let content = decode_content(envelope.message()).unwrap();
        assert!(!matches!(content, Content::Unknown(_)), "{}", path.display());
        assert_eq!(content.encode(), envelope.message().content, "{}", path.display());
        count += 1;
    }
    assert!(count >= 6, "{count} vectors");
}

#[test]
fn cs06_command() {
    let Some(vectors) = Vectors::open() else { return };
    let octets = vectors.octets("CS06_11.3_IMMEDIATE_SUCCESS_COMMAND");
    let envelope = Envelope::parse(&octets).unwrap();
    let message = envelope.message();
    message.verify(&vectors.party(SUPPLIER).verifying_key()).unwrap();
    assert!(message.verify(&vectors.party(ACCESS_CONTROL_BROKER).verifying_key()).is_err());

    // The MAC is made with the Access Control Broker's key, the originator being the Supplier.
    let (own, peer) = (vectors.party(ACCESS_CONTROL_BROKER).ka_private(), vectors.party(ESME).ka_public());
    check_mac(&envelope, &own, &peer).unwrap();
    assert!(check_mac(&envelope, &vectors.party(SUPPLIER).ka_private(), &peer).is_err());
    assert_eq!(seal(message, &own, &peer), octets);

    insta::assert_snapshot!(envelope, @"CS06 Activate Firmware command 90-B3-D5-1F-30-01-00-00 -> 00-DB-12-34-56-78-90-A0, counter 1000: activate the image with hash aa758690730934ff0685aa758690730934ff0685657788990011223344556677 at once [signed, MAC]");
}

#[test]
fn cs06_pre_command_becomes_a_command() {
    let Some(vectors) = Vectors::open() else { return };
    let octets = vectors.octets("CS06_11.3_IMMEDIATE_SUCCESS_PRECOMMAND");
    let envelope = Envelope::parse(&octets).unwrap();
    assert_eq!(Message::parse_pre_command(&octets).unwrap(), *envelope.message());
    insta::assert_snapshot!(envelope, @"CS06 Activate Firmware command 90-B3-D5-1F-30-01-00-00 -> 00-DB-12-34-56-78-90-A0, counter 1000: activate the image with hash aa758690730934ff0685aa758690730934ff0685657788990011223344556677 at once [pre-command]");

    let mut message = envelope.into_message();
    message.sign(&vectors.party(SUPPLIER).signing_key());
    message.verify(&vectors.party(SUPPLIER).verifying_key()).unwrap();
    assert_eq!(message.emit_pre_command(), octets);

    // But for the signature, which is not deterministic there, it is the Command.
    let command = Envelope::parse(&vectors.octets("CS06_11.3_IMMEDIATE_SUCCESS_COMMAND")).unwrap();
    assert_eq!(command.message().signed_octets(), message.signed_octets());
}

#[test]
fn cs06_response() {
    let Some(vectors) = Vectors::open() else { return };
    let message = Message::parse(&vectors.octets("CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE")).unwrap();
    message.verify(&vectors.party(ESME).verifying_key()).unwrap();
    assert_eq!(
        message.date_time.as_ref().and_then(utc_from_cosem_date_time),
        Utc::from_generalized_time("20150101000000Z")
    );
    let outcome = cs06::Outcome { result: cs06::ActivationResult::Success, version: FirmwareVersion(0x0123_ABCE) };
    assert_eq!(decode_content(&message), Ok(Content::Cs06Response(cs06::Response::Immediate(outcome))));
    insta::assert_snapshot!(message, @"CS06 Activate Firmware response 00-DB-12-34-56-78-90-A0 -> 90-B3-D5-1F-30-01-00-00, counter 1000: success, active version 0123ABCE");
}

#[test]
fn cs08_command() {
    let Some(vectors) = Vectors::open() else { return };
    let octets = vectors.octets("CS08_11.2_SUCCESS_COMMAND");
    let envelope = Envelope::parse(&octets).unwrap();
    let (own, peer) = (vectors.party(ACCESS_CONTROL_BROKER).ka_private(), vectors.party(PPMID).ka_public());
    check_mac(&envelope, &own, &peer).unwrap();

    let built = Message {
        cra: Cra::Command,
        counter: 1300,
        originator: eui(ACCESS_CONTROL_BROKER),
        recipient: eui(PPMID),
        date_time: None,
        message_code: cs08::MESSAGE_CODE,
        supplementary: Some(Supplementary { remote_party: eui(SUPPLIER), counter: 1000 }),
        content: cs08::Command.encode(),
        signature: None,
    };
    assert_eq!(seal(&built, &own, &peer), octets);
    insta::assert_snapshot!(envelope, @"CS08 Read PPMID/HCALCS Firmware Version command 90-B3-D5-1F-30-00-00-02 -> 00-DB-12-34-56-78-90-A4, counter 1300 (for 90-B3-D5-1F-30-01-00-00, counter 1000): read the firmware version [MAC]");
}

#[test]
fn cs08_response() {
    let Some(vectors) = Vectors::open() else { return };
    let octets = vectors.octets("CS08_11.2_SUCCESS_RESPONSE");
    let envelope = Envelope::parse(&octets).unwrap();
    let (own, peer) = (vectors.party(ACCESS_CONTROL_BROKER).ka_private(), vectors.party(PPMID).ka_public());
    check_mac(&envelope, &own, &peer).unwrap();
    assert_eq!(seal(envelope.message(), &own, &peer), octets);
    let response = cs08::Response { version: FirmwareVersion(0x0123_ABCD), outcome: cs08::ReadOutcome::Success };
    assert_eq!(decode_content(envelope.message()), Ok(Content::Cs08Response(response)));
    insta::assert_snapshot!(envelope, @"CS08 Read PPMID/HCALCS Firmware Version response 00-DB-12-34-56-78-90-A4 -> 90-B3-D5-1F-30-00-00-02, counter 1300 (for 90-B3-D5-1F-30-01-00-00, counter 1000): success, version 0123ABCD [MAC]");
}

#[test]
fn ccs08_alert() {
    let Some(vectors) = Vectors::open() else { return };
    let message = Message::parse(&vectors.octets("CCS08_NA_NA_ALERT")).unwrap();
    message.verify(&vectors.party(CHF).verifying_key()).unwrap();
    let alert = ccs08::Alert {
        alert_code: 0x8F8A,
        time: Utc::from_generalized_time("20150101000000Z").unwrap(),
        target: eui(PPMID),
        version: FirmwareVersion(0x0123_ABCD),
        transfer_response_code: ccs08::TransferResponseCode::Success,
    };
    assert_eq!(decode_content(&message), Ok(Content::Ccs08Alert(alert)));
    insta::assert_snapshot!(message, @"CCS08 Firmware Transfer alert 00-DB-12-34-56-78-90-A2 -> 90-B3-D5-1F-30-00-00-02, counter 4000: 0x8F8A (image delivered) at 2015-01-01T00:00:00.000Z, target 00-DB-12-34-56-78-90-A4, version 0123ABCD, success");
}

/// Every public key of the file is that of its private key, where there is one.
#[test]
fn key_pairs_belong_together() {
    let Some(vectors) = Vectors::open() else { return };
    for party in &vectors.parties {
        if party.ds_private.is_some() {
            assert_eq!(party.signing_key().verifying_key(), party.verifying_key());
            assert_eq!(hex::encode(party.verifying_key().to_sec1()), party.ds_public);
        }
        if party.ka_private.is_some() {
            assert_eq!(party.ka_private().public_key(), party.ka_public());
            assert_eq!(Some(hex::encode(party.ka_public().to_sec1())), party.ka_public);
        }
    }
}

/// A flipped bit anywhere in a message with a MAC is found out: the message does not parse, or the MAC does not verify.
#[test]
fn every_flipped_bit_of_a_maced_message_is_refused() {
    let Some(vectors) = Vectors::open() else { return };
    let (own, peer) = (vectors.party(ACCESS_CONTROL_BROKER).ka_private(), vectors.party(PPMID).ka_public());
    let secret = own.agree(&peer);
    let octets = vectors.octets("CS08_11.2_SUCCESS_RESPONSE");
    for bit in 0..octets.len() * 8 {
        let mut flipped = octets.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let accepted = Envelope::parse(&flipped)
            .is_ok_and(|envelope| hanrig_wire::gbcs::check_mac_with(&envelope, &secret).is_ok());
        assert!(!accepted, "bit {} of octet {}", bit % 8, bit / 8);
    }
}
