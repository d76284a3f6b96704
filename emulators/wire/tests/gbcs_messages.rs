//! GBCS messages made and checked with keys of these tests' own, and what is refused.

use hanrig_wire::gbcs::device_alert::{self, Dialect};
use hanrig_wire::gbcs::{
    ActivationOutcome, AlertCode, Content, Cra, Envelope, KeyError, MacError, Message, MessageCode, MessageError,
    PublicKey, SecretKey, SigningKey, Supplementary, TransferResponseCode, VerifyError, VerifyingKey, ccs08, check_mac,
    cosem_date_time, cs06, cs08, cs09, decode_content, mac_key, seal, seal_with, utc_from_cosem_date_time,
};
use hanrig_wire::time::Utc;
use hanrig_wire::types::{Eui64, FirmwareVersion};
use proptest::prelude::*;
use rstest::rstest;
use std::process::Command;

const SUPPLIER: Eui64 = Eui64(0x90B3_D51F_3001_0000);
const ACCESS_CONTROL_BROKER: Eui64 = Eui64(0x90B3_D51F_3000_0002);
const ESME: Eui64 = Eui64(0x00DB_1234_5678_90A0);
const CHF: Eui64 = Eui64(0x00DB_1234_5678_90A2);
const PPMID: Eui64 = Eui64(0x00DB_1234_5678_90A4);
const HCALCS: Eui64 = Eui64(0x00DB_1234_5678_90A5);

fn signing_key() -> SigningKey {
    SigningKey::from_scalar(&[0x11; 32]).unwrap()
}

fn broker_ka() -> SecretKey {
    SecretKey::from_scalar(&[0x22; 32]).unwrap()
}

fn device_ka() -> SecretKey {
    SecretKey::from_scalar(&[0x33; 32]).unwrap()
}

fn time() -> Utc {
    Utc::from_generalized_time("20261120093000Z").unwrap()
}

/// One message of each kind, unsigned.
fn messages() -> Vec<Message> {
    let message = |cra, originator, recipient, message_code, content: Vec<u8>| Message {
        cra,
        counter: 0x0102_0304_0506_0708,
        originator,
        recipient,
        date_time: None,
        message_code,
        supplementary: None,
        content,
        signature: None,
    };
    let command =
        cs06::Command { hash: [0xAB; 32], originator_counter: 0x0102_0304_0506_0708, execution: Some(time()) };
    let outcome = cs06::Outcome { result: cs06::ActivationResult::HashMismatch, version: FirmwareVersion(0x20) };
    let future = cs06::FutureDatedAlert {
        alert_code: AlertCode::FUTURE_DATED_FAILURE,
        time: time(),
        originator_counter: u64::MAX,
        outcome,
    };
    let response = cs08::Response { version: FirmwareVersion(0x20), outcome: cs08::ReadOutcome::Success };
    let transfer = ccs08::Alert {
        alert_code: AlertCode::IMAGE_DELIVERY_FAILURE,
        time: time(),
        target: PPMID,
        version: FirmwareVersion(0x21),
        transfer_response_code: TransferResponseCode::HardwareVersionMismatch,
    };
    let activation = cs09::Alert {
        alert_code: AlertCode::FIRMWARE_ACTIVATION,
        time: time(),
        version: FirmwareVersion(0x21),
        outcome: ActivationOutcome::Success,
    };
    let unverified = device_alert::Alert {
        dialect: Dialect::Gbz,
        alert_code: AlertCode::FIRMWARE_VERIFICATION_FAILED_AT_POWER_ON,
        time: time(),
        hash: None,
    };
    let received = device_alert::Alert {
        dialect: Dialect::Dlms,
        alert_code: AlertCode::FIRMWARE_VERIFICATION_SUCCESSFUL,
        time: time(),
        hash: Some([0xCD; 32]),
    };
    let supplementary = Some(Supplementary { remote_party: SUPPLIER, counter: 7 });
    vec![
        message(Cra::Command, SUPPLIER, HCALCS, MessageCode::CS06, command.encode()),
        message(Cra::Response, HCALCS, SUPPLIER, MessageCode::CS06, cs06::Response::FutureDated.encode()),
        Message {
            date_time: Some(cosem_date_time(time())),
            ..message(Cra::Response, HCALCS, SUPPLIER, MessageCode::CS06, cs06::Response::Immediate(outcome).encode())
        },
        message(Cra::Alert, HCALCS, SUPPLIER, MessageCode::CS06_FUTURE_DATED_ALERT, future.encode()),
        Message {
            supplementary,
            ..message(Cra::Command, ACCESS_CONTROL_BROKER, PPMID, MessageCode::CS08, cs08::Command.encode())
        },
        Message {
            supplementary,
            ..message(Cra::Response, PPMID, ACCESS_CONTROL_BROKER, MessageCode::CS08, response.encode())
        },
        message(Cra::Alert, CHF, ACCESS_CONTROL_BROKER, MessageCode::CCS08, transfer.encode()),
        message(Cra::Alert, PPMID, ACCESS_CONTROL_BROKER, MessageCode::CS09, activation.encode()),
        message(Cra::Alert, HCALCS, SUPPLIER, unverified.message_code(), unverified.encode()),
        message(Cra::Alert, ESME, SUPPLIER, received.message_code(), received.encode()),
        message(Cra::Command, SUPPLIER, PPMID, 0x0062, vec![0x30; 300]),
    ]
}

#[rstest]
#[case::dlms(Dialect::Dlms, None, "0f 00000000 00 02 02 12 8f1b 09 0c 07ea0b14ff091e00008000ff")]
#[case::dlms_with_hash(Dialect::Dlms, Some([0xCD; 32]), "0f 00000000 00 02 03 12 8f1b 09 0c 07ea0b14ff091e00008000ff 0920 cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd")]
#[case::gbz(Dialect::Gbz, None, "0109 00 8f1b 3292cf98")]
fn device_alerts(#[case] dialect: Dialect, #[case] hash: Option<[u8; 32]>, #[case] octets: &str) {
    let alert_code = AlertCode::FIRMWARE_VERIFICATION_FAILED_AT_POWER_ON;
    let alert = device_alert::Alert { dialect, alert_code, time: time(), hash };
    let octets = hex::decode(octets.replace(' ', "")).unwrap();
    assert_eq!(alert.encode(), octets);
    assert_eq!(device_alert::Alert::decode(&octets), Ok(alert));
    for length in 0..octets.len() {
        assert!(device_alert::Alert::decode(&octets[..length]).is_err(), "{length}");
    }
}

#[test]
fn one_line_each() {
    let lines: Vec<String> = messages().iter().map(|message| message.to_string()).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    CS06 Activate Firmware command 90-B3-D5-1F-30-01-00-00 -> 00-DB-12-34-56-78-90-A5, counter 72623859790382856: activate the image with hash abababababababababababababababababababababababababababababababab at 2026-11-20T09:30:00.000Z
    CS06 Activate Firmware response 00-DB-12-34-56-78-90-A5 -> 90-B3-D5-1F-30-01-00-00, counter 72623859790382856: future-dated, outcome to follow
    CS06 Activate Firmware response 00-DB-12-34-56-78-90-A5 -> 90-B3-D5-1F-30-01-00-00, counter 72623859790382856: hashMismatch, active version 00000020
    CS06 Activate Firmware (future-dated) alert 00-DB-12-34-56-78-90-A5 -> 90-B3-D5-1F-30-01-00-00, counter 72623859790382856: 0x8F67 (future-dated command not carried out) at 2026-11-20T09:30:00.000Z, command counter 18446744073709551615: hashMismatch, active version 00000020
    CS08 Read PPMID/HCALCS Firmware Version command 90-B3-D5-1F-30-00-00-02 -> 00-DB-12-34-56-78-90-A4, counter 72623859790382856 (for 90-B3-D5-1F-30-01-00-00, counter 7): read the firmware version
    CS08 Read PPMID/HCALCS Firmware Version response 00-DB-12-34-56-78-90-A4 -> 90-B3-D5-1F-30-00-00-02, counter 72623859790382856 (for 90-B3-D5-1F-30-01-00-00, counter 7): success, version 00000020
    CCS08 Firmware Transfer alert 00-DB-12-34-56-78-90-A2 -> 90-B3-D5-1F-30-00-00-02, counter 72623859790382856: 0x8F89 (image not delivered) at 2026-11-20T09:30:00.000Z, target 00-DB-12-34-56-78-90-A4, version 00000021, hardwareVersionMismatch
    CS09 Firmware Activation alert 00-DB-12-34-56-78-90-A4 -> 90-B3-D5-1F-30-00-00-02, counter 72623859790382856: 0x8F8B (firmware activation) at 2026-11-20T09:30:00.000Z, active version 00000021, success
    Generic Critical Alert alert 00-DB-12-34-56-78-90-A5 -> 90-B3-D5-1F-30-01-00-00, counter 72623859790382856: 0x8F1B (firmware verification failed at power on) at 2026-11-20T09:30:00.000Z
    Firmware Distribution Receipt alert 00-DB-12-34-56-78-90-A0 -> 90-B3-D5-1F-30-01-00-00, counter 72623859790382856: 0x8F72 (firmware verification successful) at 2026-11-20T09:30:00.000Z, image with hash cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd
    message code 0x0062 command 90-B3-D5-1F-30-01-00-00 -> 00-DB-12-34-56-78-90-A4, counter 72623859790382856: content of 300 octets
    ");
}

#[test]
fn each_kind_survives_a_round_trip() {
    for mut message in messages() {
        let unsigned = message.emit_pre_command();
        if message.cra == Cra::Command {
            assert_eq!(Envelope::parse(&unsigned).unwrap(), Envelope::PreCommand(message.clone()));
            assert_eq!(Message::parse_pre_command(&unsigned).unwrap(), message);
        } else {
            assert!(matches!(Envelope::parse(&unsigned), Err(MessageError::Truncated { .. })));
            assert!(matches!(Message::parse_pre_command(&unsigned), Err(MessageError::Unexpected { offset: 2, .. })));
        }

        assert_eq!(Message::parse(&message.emit()).unwrap(), message);
        assert_eq!(message.verify(&signing_key().verifying_key()), Err(VerifyError::NotSigned));
        message.sign(&signing_key());
        assert_eq!(Envelope::parse(&message.emit()).unwrap(), Envelope::Plain(message.clone()));
        message.verify(&signing_key().verifying_key()).unwrap();

        let sealed = seal(&message, &broker_ka(), &device_ka().public_key());
        let envelope = Envelope::parse(&sealed).unwrap();
        assert_eq!(envelope.message(), &message);
        assert_eq!(envelope.emit(), sealed);
        // Either side can check.
        check_mac(&envelope, &device_ka(), &broker_ka().public_key()).unwrap();
        check_mac(&envelope, &broker_ka(), &device_ka().public_key()).unwrap();
        assert_eq!(check_mac(&envelope, &broker_ka(), &broker_ka().public_key()), Err(MacError::Mac));
        assert_eq!(
            check_mac(&Envelope::Plain(message.clone()), &device_ka(), &broker_ka().public_key()),
            Err(MacError::NoMac)
        );

        let content = decode_content(&message).unwrap();
        assert_eq!(content.encode(), message.content);
        assert_eq!(matches!(content, Content::Unknown(_)), message.message_code == 0x0062);
    }
}

/// Signatures are deterministic, and the same as other implementations of RFC 6979 make: appendix A.2.5 of it.
#[test]
fn signature_of_rfc_6979() {
    let scalar = hex::decode("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721").unwrap();
    let signature = SigningKey::from_scalar(&scalar).unwrap().sign(b"sample");
    let expected = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
                    f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
    assert_eq!(hex::encode(signature), expected);
}

#[test]
fn a_message_signed_twice_is_the_same() {
    let mut message = messages().remove(6);
    message.sign(&signing_key());
    let first = message.clone();
    message.sign(&signing_key());
    assert_eq!(first, message);
}

/// The MAC of a message, against the values that Python's `cryptography` gives for the same keys.
#[test]
fn mac_of_known_keys() {
    let message = messages().remove(4);
    let secret = broker_ka().agree(&device_ka().public_key());
    let key = mac_key(&secret, message.originator, message.cra, message.counter, message.recipient);
    assert_eq!(hex::encode(key.as_bytes()), "c4dab2781fbc242d8c205dad7ffa73b3");
    let sealed = seal_with(&message, &secret);
    assert_eq!(hex::encode(&sealed[sealed.len() - 12..]), "68095df5b3329bbc450a3456");
}

#[test]
fn openssl_verifies_a_signature() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("not run: no openssl");
        return;
    }
    let mut message = messages().remove(6);
    message.sign(&signing_key());
    let folder = std::env::temp_dir().join(format!("hanrig-gbcs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    // SubjectPublicKeyInfo of a P-256 key: fixed octets, then the point.
    let mut key = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
    key.extend(signing_key().verifying_key().to_sec1());
    std::fs::write(folder.join("key.der"), key).unwrap();
    std::fs::write(folder.join("signature.der"), der_signature(&message.signature.unwrap())).unwrap();
    let verifies = |octets: Vec<u8>| {
        std::fs::write(folder.join("signed"), octets).unwrap();
        let arguments = "dgst -sha256 -keyform DER -verify key.der -signature signature.der signed";
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(&folder).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (success, said) = verifies(message.signed_octets());
    assert!(success, "{said}");
    assert!(said.contains("Verified OK"), "{said}");
    let mut other = message.signed_octets();
    other[20] ^= 1;
    assert!(!verifies(other).0);
    std::fs::remove_dir_all(folder).unwrap();
}

/// `r || s` as SEQUENCE of two INTEGERs.
fn der_signature(signature: &[u8; 64]) -> Vec<u8> {
    let mut integers = Vec::new();
    for scalar in signature.chunks(32) {
        let digits: Vec<u8> = scalar.iter().copied().skip_while(|octet| *octet == 0).collect();
        let pad = digits[0] >= 0x80;
        integers.extend([0x02, digits.len() as u8 + u8::from(pad)]);
        integers.extend(pad.then_some(0));
        integers.extend(digits);
    }
    let mut sequence = vec![0x30, integers.len() as u8];
    sequence.extend(integers);
    sequence
}

#[test]
fn every_flipped_bit_of_a_signed_message_is_refused() {
    let mut message = messages().remove(6);
    message.sign(&signing_key());
    let octets = message.emit();
    for bit in 0..octets.len() * 8 {
        let mut flipped = octets.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let accepted =
            Message::parse(&flipped).is_ok_and(|message| message.verify(&signing_key().verifying_key()).is_ok());
        assert!(!accepted, "bit {} of octet {}", bit % 8, bit / 8);
    }
}

#[test]
fn every_flipped_bit_of_a_maced_message_is_refused() {
    let mut message = messages().remove(0);
    message.sign(&signing_key());
    let secret = device_ka().agree(&broker_ka().public_key());
    let octets = seal_with(&message, &secret);
    for bit in 0..octets.len() * 8 {
        let mut flipped = octets.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let accepted = Envelope::parse(&flipped)
            .is_ok_and(|envelope| hanrig_wire::gbcs::check_mac_with(&envelope, &secret).is_ok());
        assert!(!accepted, "bit {} of octet {}", bit % 8, bit / 8);
    }
}

#[test]
fn truncated_at_every_length_is_an_error() {
    for mut message in messages() {
        message.sign(&signing_key());
        let content_end = message.emit_pre_command().len();
        let plain = message.emit();
        let sealed = seal(&message, &broker_ka(), &device_ka().public_key());
        for length in 0..plain.len() {
            assert!(Message::parse(&plain[..length]).is_err(), "{length}");
            // A Command that ends with its content is a Pre-Command, and nothing else is.
            let pre_command = message.cra == Cra::Command && length == content_end;
            assert_eq!(Envelope::parse(&plain[..length]).is_ok(), pre_command, "{length}");
        }
        for length in 0..sealed.len() {
            assert!(Envelope::parse(&sealed[..length]).is_err(), "{length}");
        }
        for length in 0..message.content.len() {
            let truncated = Message { content: message.content[..length].to_vec(), ..message.clone() };
            assert!(decode_content(&truncated).is_err() || message.message_code == 0x0062, "{length}");
        }
    }
}

#[rstest]
#[case::empty("", "message tag at offset 0 takes 1 octets, but 0 are left")]
#[case::tag("30", "message tag at offset 0 is 0x30, expected 0xDF (general-signing) or 0xDD (general-ciphering)")]
#[case::cra("df0904", "CRA flag at offset 2 is 0x04, expected 1 (command), 2 (response) or 3 (alert)")]
#[case::counter("df090100000000", "originator counter at offset 3 takes 8 octets, but 4 are left")]
#[case::eui("df0901000000000000000107", "originator length at offset 11 is 0x07, expected 0x08, an EUI-64 follows")]
#[case::ciphering("dd0001", "general-ciphering originator length at offset 2 is 0x01, expected 0x00, not used")]
#[case::ciphering_length(
    "dd000000000000821100",
    "general-ciphering content at offset 10 takes 4352 octets, but 0 are left"
)]
#[case::length_form(
    "dd00000000000081051100000000",
    "general-ciphering content length at offset 7 is not a BER length in its shortest form, of at most 4 octets"
)]
fn what_is_wrong_and_where(#[case] octets: &str, #[case] message: &str) {
    let error = Envelope::parse(&hex::decode(octets).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn trailing_octets_are_refused() {
    let message = messages().remove(6);
    let mut octets = message.emit();
    octets.push(0);
    assert_eq!(Message::parse(&octets), Err(MessageError::Trailing { offset: octets.len() - 1, count: 1 }));
    let mut sealed = seal(&message, &broker_ka(), &device_ka().public_key());
    sealed.push(0);
    assert_eq!(Envelope::parse(&sealed), Err(MessageError::Trailing { offset: sealed.len() - 1, count: 1 }));
}

#[rstest]
#[case::not_a_sequence(
    "0500",
    "CCS08 alert: content at content offset 0: expected a SEQUENCE, found: unexpected ASN.1 DER tag: expected SEQUENCE, got NULL"
)]
#[case::alert_code_too_large(
    "30050203018f8a",
    "CCS08 alert: alert code at content offset 2: expected an INTEGER of 16 bits, found 102282"
)]
#[case::alert_code_not_shortest(
    "3006020400008f8a",
    "CCS08 alert: alert code at content offset 2: expected an INTEGER of 16 bits, found: ASN.1 INTEGER not canonically encoded as DER"
)]
#[case::no_time(
    "30050203008f8a",
    "CCS08 alert: alert time is missing at content offset 7: expected a GeneralizedTime YYYYMMDDhhmmssZ"
)]
#[case::day(
    "30160203008f8a180f32303135303233303030303030305a",
    "CCS08 alert: alert time at content offset 7: expected a GeneralizedTime YYYYMMDDhhmmssZ, found: malformed ASN.1 DER value for GeneralizedTime"
)]
#[case::short_target(
    "30190203008f8a180f32303135303130313030303030305a040100",
    "CCS08 alert: target device at content offset 24: expected an OCTET STRING of 8 octets, an EUI-64, found 1"
)]
#[case::code(
    "302902 03008f8a 180f32303135303130313030303030305a 040800db1234567890a4 04040123abcd 020104",
    "CCS08 alert: transferResponseCode at content offset 40: expected an INTEGER: 0 success, 1 imageDiscarded, 2 hardwareVersionMismatch or 3 fileTransferFailure, found 4"
)]
#[case::more(
    "302b02 03008f8a 180f32303135303130313030303030305a 040800db1234567890a4 04040123abcd 020100 0500",
    "CCS08 alert: 2 octets follow the last field, at content offset 43"
)]
fn what_is_wrong_in_content(#[case] content: &str, #[case] message: &str) {
    let content = hex::decode(content.replace(' ', "")).unwrap();
    assert_eq!(ccs08::Alert::decode(&content).unwrap_err().to_string(), message);
}

#[test]
fn a_malformed_content_still_has_a_line() {
    let message = Message { content: vec![5, 0], ..messages().remove(7) };
    insta::assert_snapshot!(message, @"CS09 Firmware Activation alert 00-DB-12-34-56-78-90-A4 -> 90-B3-D5-1F-30-00-00-02, counter 72623859790382856: malformed: CS09 alert: content at content offset 0: expected a SEQUENCE, found: unexpected ASN.1 DER tag: expected SEQUENCE, got NULL");
}

#[test]
fn keys_that_are_none() {
    assert_eq!(SigningKey::from_scalar(&[1; 31]).unwrap_err(), KeyError::Scalar { length: 31 });
    assert_eq!(SigningKey::from_scalar(&[0; 32]).unwrap_err(), KeyError::Scalar { length: 32 });
    assert_eq!(SecretKey::from_scalar(&[1; 31]).unwrap_err(), KeyError::Scalar { length: 31 });
    assert_eq!(SecretKey::from_scalar(&[0xFF; 32]).unwrap_err(), KeyError::Scalar { length: 32 });
    assert_eq!(VerifyingKey::from_sec1(&[4; 65]).unwrap_err(), KeyError::Point { length: 65 });
    assert_eq!(PublicKey::from_sec1(&[]).unwrap_err(), KeyError::Point { length: 0 });
    let point = broker_ka().public_key().to_sec1();
    assert_eq!(PublicKey::from_sec1(&point).unwrap(), broker_ka().public_key());
    // The secret is not in what Debug shows.
    assert!(!format!("{:?} {:?}", broker_ka(), signing_key()).contains("1111111111"));
}

#[test]
fn date_time() {
    let octets = cosem_date_time(Utc::from_generalized_time("20150101000000Z").unwrap());
    assert_eq!(hex::encode(octets), "07df0101ff000000008000ff");
    assert_eq!(utc_from_cosem_date_time(&cosem_date_time(time())), Some(time()));
    assert_eq!(utc_from_cosem_date_time(&[0xFF; 12]), None);
}

fn any_message() -> impl Strategy<Value = Message> {
    let cra = prop_oneof![Just(Cra::Command), Just(Cra::Response), Just(Cra::Alert)];
    let supplementary = proptest::option::of(any::<(u64, u64)>());
    let content = proptest::collection::vec(any::<u8>(), 0..400);
    let signature = proptest::option::of(any::<[u8; 32]>());
    (cra, any::<(u64, u64, u64)>(), any::<Option<[u8; 12]>>(), any::<u16>(), supplementary, content, signature)
        .prop_map(|(cra, (counter, originator, recipient), date_time, message_code, supplementary, content, half)| {
            Message {
                cra,
                counter,
                originator: Eui64(originator),
                recipient: Eui64(recipient),
                date_time,
                message_code,
                supplementary: supplementary
                    .map(|(party, counter)| Supplementary { remote_party: Eui64(party), counter }),
                content,
                signature: half.map(|half| [half, half].concat().try_into().unwrap()),
            }
        })
}

proptest! {
    #[test]
    fn messages_survive_a_round_trip(message in any_message(), mac in any::<[u8; 12]>()) {
        prop_assert_eq!(&Message::parse(&message.emit()).unwrap(), &message);
        let envelope = Envelope::Maced { message_octets: message.emit(), message, mac };
        prop_assert_eq!(&Envelope::parse(&envelope.emit()).unwrap(), &envelope);
        let _ = envelope.to_string();
    }

    /// But for a Command before its signature, which is a Pre-Command, no message that is cut is a message.
    #[test]
    fn what_is_cut_is_refused(message in any_message(), mac in any::<[u8; 12]>()) {
        let whole = message.emit();
        let pre_command = message.emit_pre_command();
        for length in 0..whole.len() {
            let cut = &whole[..length];
            prop_assert!(Message::parse(cut).is_err());
            if message.cra == Cra::Command && length == pre_command.len() {
                let unsigned = Message { signature: None, ..message.clone() };
                prop_assert_eq!(Envelope::parse(cut).unwrap(), Envelope::PreCommand(unsigned));
            } else {
                prop_assert!(Envelope::parse(cut).is_err(), "{} of {} octets", length, whole.len());
                prop_assert!(Message::parse_pre_command(cut).is_err());
            }
        }
        let sealed = Envelope::Maced { message, message_octets: whole, mac }.emit();
        for length in 0..sealed.len() {
            prop_assert!(Envelope::parse(&sealed[..length]).is_err(), "{} of {} octets", length, sealed.len());
        }
    }

    #[test]
    fn random_octets_do_no_harm(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Envelope::parse(&octets);
        let _ = Message::parse(&octets);
    }

    #[test]
    fn what_parses_is_emitted_again(position in 0usize..400, octet in any::<u8>(), which in 0usize..9) {
        let mut octets = seal(&messages()[which], &broker_ka(), &device_ka().public_key());
        let position = position % octets.len();
        octets[position] = octet;
        if let Ok(envelope) = Envelope::parse(&octets) {
            prop_assert_eq!(envelope.emit(), octets);
            let _ = envelope.to_string();
        }
    }

    #[test]
    fn random_contents_do_no_harm(
        octets in proptest::collection::vec(any::<u8>(), 0..100),
        which in 0usize..9,
        position in any::<prop::sample::Index>(),
        octet in any::<u8>(),
    ) {
        let message = messages().remove(which);
        let _ = decode_content(&Message { content: octets, ..message.clone() });
        let mut content = message.content.clone();
        let position = position.index(content.len());
        content[position] = octet;
        // DER has one encoding for each value: what decodes is encoded as it was.
        if let Ok(decoded) = decode_content(&Message { content: content.clone(), ..message }) {
            prop_assert_eq!(decoded.encode(), content);
        }
    }

    #[test]
    fn times_survive_to_the_second(milliseconds in 0i64..253_402_300_800_000) {
        let alert = cs09::Alert {
            alert_code: AlertCode::FIRMWARE_ACTIVATION,
            time: Utc(milliseconds),
            version: FirmwareVersion(1),
            outcome: ActivationOutcome::Failure,
        };
        let decoded = cs09::Alert::decode(&alert.encode()).unwrap();
        prop_assert_eq!(decoded.time, Utc::from_unix_seconds(milliseconds / 1000));
    }
}
