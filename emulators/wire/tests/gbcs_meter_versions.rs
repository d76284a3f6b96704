//! ECS52 and GCS38: the messages of the Reference Test Data Set 4.5.0 decode and are emitted as the same octets again.

use hanrig_wire::gbcs::cs08::ReadOutcome;
use hanrig_wire::gbcs::{Content, Envelope, decode_content, ecs52, gcs38};
use hanrig_wire::types::FirmwareVersion;
use proptest::prelude::*;
use rstest::rstest;

const VERSION: FirmwareVersion = FirmwareVersion(0x0123_ABCD);

#[rstest]
#[case::ecs52_command(
    "DD000000000000471100000000DF090100000000000003E80890B3D51F300100000800DB1234567890A00002005913D9200003E8000101000100\
     00000201FF02010000A25A51A93BAFA5C9E2B224BD",
    Content::Ecs52Command(ecs52::Command::new(1000))
)]
#[case::ecs52_success(
    "DD000000000000451100000000DF090200000000000003E80800DB1234567890A00890B3D51F300100000002005911DA200003E80000010904\
     0123ABCD010100003BA27AAC07F946BFD463702F",
    Content::Ecs52Response(ecs52::Response::new(1000, Some(VERSION)))
)]
#[case::ecs52_error(
    "DD000000000000401100000000DF090200000000000003EA0800DB1234567890A00890B3D51F30010000000200590CDA200003EA0000010001\
     010100A412EFC0AB8ED9D59DE7425F",
    Content::Ecs52Response(ecs52::Response::new(1002, None))
)]
#[case::gcs38_command(
    "DD000000000000411100000000DF090100000000000003E80890B3D51F300100000800DB1234567890A1000200840D01090101070200050000\
     00060200C26CDDC920A24F352AA2DEA0",
    Content::Gcs38Command(gcs38::Command)
)]
#[case::gcs38_success(
    "DD000000000000481100000000DF090200000000000003E80800DB1234567890A10890B3D51F3001000000020084140109010107\
     02000C08000106020041040123ABCD000040D6C8A9CE73DFDB8845D7",
    Content::Gcs38Response(gcs38::Response::new(Some(VERSION)))
)]
#[case::gcs38_error(
    "DD000000000000421100000000DF090200000000000003EA0800DB1234567890A10890B3D51F30010000000200840E01090101070200060800\
     010602C0007DA6367A6255A663183DEC1C",
    Content::Gcs38Response(gcs38::Response::new(None))
)]
fn vectors(#[case] message: &str, #[case] expected: Content) {
    let octets = hex::decode(message).unwrap();
    let envelope = Envelope::parse(&octets).unwrap();
    assert_eq!(envelope.emit(), octets);
    let content = decode_content(envelope.message()).unwrap();
    assert_eq!(content, expected);
    assert_eq!(content.encode(), envelope.message().content);
}

#[test]
fn outcomes() {
    assert_eq!(ecs52::Response::new(1, Some(VERSION)).outcome(), ReadOutcome::Success);
    assert_eq!(ecs52::Response::new(1, None).outcome(), ReadOutcome::Failure);
    assert_eq!(gcs38::Response::new(Some(VERSION)).outcome(), ReadOutcome::Success);
    assert_eq!(gcs38::Response::new(None).outcome(), ReadOutcome::Failure);
    insta::assert_snapshot!(ecs52::Response::new(1, None), @"failure, data access result 1");
    insta::assert_snapshot!(gcs38::Response::new(Some(VERSION)), @"success, version 0123ABCD");
}

#[test]
fn errors_name_the_place() {
    let wrong = ecs52::Response::decode(&[0xDA, 0x20, 0, 0, 1, 0, 0, 1, 9, 5]).unwrap_err();
    insta::assert_snapshot!(wrong, @"ECS52 response: datum at content offset 9: expected an octet string of 4, found 5");
    let short = gcs38::Response::decode(&[0x01, 0x09, 0x01]).unwrap_err();
    insta::assert_snapshot!(short, @"GCS38 response: frame is missing at content offset 3: expected one component of cluster 0x0702");
    let mut long = gcs38::Command.encode();
    long.push(0);
    insta::assert_snapshot!(gcs38::Command::decode(&long).unwrap_err(), @"GCS38 command: 1 octets follow the last field, at content offset 13");
}

proptest! {
    #[test]
    fn no_input_panics_and_what_decodes_is_emitted_again(octets in proptest::collection::vec(any::<u8>(), 0..24)) {
        if let Ok(command) = ecs52::Command::decode(&octets) {
            prop_assert_eq!(command.encode(), octets.clone());
        }
        if let Ok(response) = ecs52::Response::decode(&octets) {
            prop_assert_eq!(response.encode(), octets.clone());
        }
        if let Ok(response) = gcs38::Response::decode(&octets) {
            prop_assert_eq!(response.encode(), octets.clone());
        }
    }
}
