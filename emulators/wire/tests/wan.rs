//! The WAN link: HDLC-lite framing and its messages.

use hanrig_wire::hdlc::{Counters, Decoder, Encoder, FramingError, encode};
use hanrig_wire::time::Utc;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion, Key128};
use hanrig_wire::wan::{
    ImageStatus, MAXIMUM_FRAME_LENGTH, MAXIMUM_GBCS, MAXIMUM_IMAGE_DATA, MAXIMUM_TARGETS, RefusalReason, WanError,
    WanFrame, WanMessage,
};
use proptest::prelude::*;
use rstest::rstest;

type Frames = Vec<Result<Vec<u8>, FramingError>>;

fn decode(maximum: usize, octets: &[u8]) -> (Frames, Counters) {
    let mut decoder = Decoder::new(maximum);
    let frames = decoder.push_all(octets).collect();
    (frames, decoder.counters())
}

/// The check value of CRC-16/X-25 for "123456789" is 0x906E.
#[test]
fn frame_check_sequence() {
    assert_eq!(encode(b"123456789"), b"\x7e123456789\x6e\x90\x7e");
}

#[test]
fn special_octets_are_escaped() {
    let frame = [0x7E, 0x7D, 0x11, 0x13, 0xF8, 0x00];
    let octets = encode(&frame);
    assert_eq!(octets[..12], hex::decode("7e7d5e7d5d7d317d337dd800").unwrap());
    assert_eq!(octets.iter().filter(|octet| **octet == 0x7E).count(), 2);
    assert_eq!(decode(6, &octets).0, [Ok(frame.to_vec())]);
    let mut encoder = Encoder::new(&frame);
    assert_eq!(encoder.by_ref().count(), octets.len());
    assert_eq!(encoder.next(), None);
}

#[test]
fn one_flag_between_frames_is_enough() {
    let (one, two) = (encode(b"one"), encode(b"two"));
    let octets = [&one[..], &two[1..]].concat();
    assert_eq!(decode(10, &octets).0, [Ok(b"one".to_vec()), Ok(b"two".to_vec())]);
    let octets = [&[0x7E; 5][..], &one, &[0x7E; 5], &two].concat();
    assert_eq!(decode(10, &octets).0, [Ok(b"one".to_vec()), Ok(b"two".to_vec())]);
}

#[test]
fn finds_its_way_back() {
    let good = encode(b"good");
    let mut damaged = encode(b"damaged");
    damaged[3] ^= 0x01;
    let long = encode(&[b'x'; 50]);
    let octets = [
        &b"noise"[..],
        &good,
        &damaged,
        &good,
        b"\x7ehalf\x7d\x7e",
        &good,
        b"\x7ex\x7e",
        &good,
        &long,
        &good,
        b"more noise",
        &good,
    ]
    .concat();
    let (frames, counters) = decode(10, &octets);
    let good = || Ok(b"good".to_vec());
    assert!(matches!(frames[1], Err(FramingError::CheckSequence { .. })));
    assert_eq!(
        frames[2..9],
        [
            good(),
            Err(FramingError::Aborted),
            good(),
            Err(FramingError::TooShort { length: 1 }),
            good(),
            Err(FramingError::TooLong { maximum: 10 }),
            good(),
        ]
    );
    assert_eq!((&frames[0], &frames[10]), (&good(), &good()));
    insta::assert_snapshot!(counters, @"6 frames, 2 with a wrong check sequence, 1 too short, 1 too long, 1 aborted, 44 octets skipped");
    assert_eq!(counters.errors(), 5);
}

#[test]
fn longest_frame() {
    let frame = [0x7E; 10];
    assert_eq!(decode(10, &encode(&frame)).0, [Ok(frame.to_vec())]);
    assert_eq!(decode(9, &encode(&frame)).0, [Err(FramingError::TooLong { maximum: 9 })]);
}

const PPMID: Eui64 = Eui64(0x00DB_1234_5678_90A4);

/// One message of each kind.
fn messages() -> Vec<WanMessage> {
    let mut messages = vec![
        WanMessage::Ack { sequence: 0x1234 },
        WanMessage::Gbcs { octets: hex::decode(GBCS).unwrap() },
        WanMessage::SetTime { utc: Utc(1_795_166_000_123) },
        WanMessage::AddDevice { device: PPMID, device_type: DeviceType::Ppmid, link_key: Key128(*b"0123456789abcdef") },
        WanMessage::RemoveDevice { device: PPMID },
        WanMessage::ImageBegin {
            transfer: 3,
            device_type: DeviceType::Hcalcs,
            targets: vec![PPMID, Eui64(1)],
            size: 768_000,
            sha256: [0xAB; 32],
        },
        WanMessage::ImageData { transfer: 3, offset: 1024, octets: vec![0xCD; 4] },
        WanMessage::ImageCancel { transfer: 3 },
        WanMessage::Hello { hub: Eui64(0x00DB_1234_5678_90A2), firmware_version: FirmwareVersion(0x20) },
    ];
    let statuses =
        [ImageStatus::Ready { next_offset: 0 }, ImageStatus::Received { next_offset: 2048 }, ImageStatus::Complete]
            .into_iter()
            .chain(RefusalReason::ALL.map(ImageStatus::Refused));
    messages.extend(statuses.map(|status| WanMessage::ImageStatus { transfer: 3, status }));
    messages
}

/// CS08 Command without a MAC.
const GBCS: &str =
    "df090100000000000005140890b3d51f300000020800db1234567890a40012012990b3d51f3001000000000000000003e802050000";

#[test]
fn layout() {
    let text: Vec<String> = messages()
        .into_iter()
        .map(|message| {
            let frame = WanFrame { sequence: 7, message };
            format!("{}\n  {frame}", hex::encode(frame.emit().unwrap()))
        })
        .collect();
    insta::assert_snapshot!(text.join("\n"), @r"
    010007001234
      Ack #4660
    01000701df090100000000000005140890b3d51f300000020800db1234567890a40012012990b3d51f3001000000000000000003e802050000
      #7 Gbcs CS08 Read PPMID/HCALCS Firmware Version command 90-B3-D5-1F-30-00-00-02 -> 00-DB-12-34-56-78-90-A4, counter 1300 (for 90-B3-D5-1F-30-01-00-00, counter 1000): read the firmware version [neither signature nor MAC]
    01000710000001a1f83b53fb
      #7 SetTime 2026-11-20T09:13:20.123Z
    0100071100db1234567890a40230313233343536373839616263646566
      #7 AddDevice PPMID 00-DB-12-34-56-78-90-A4
    0100071200db1234567890a4
      #7 RemoveDevice 00-DB-12-34-56-78-90-A4
    010007130000000303000bb800abababababababababababababababababababababababababababababababab0200db1234567890a40000000000000001
      #7 ImageBegin transfer 3, 768000 octets, for HCALCS 00-DB-12-34-56-78-90-A4 00-00-00-00-00-00-00-01
    010007140000000300000400cdcdcdcd
      #7 ImageData transfer 3, 4 octets at 1024
    0100071500000003
      #7 ImageCancel transfer 3
    0100072000db1234567890a200000020
      #7 Hello from 00-DB-12-34-56-78-90-A2, firmware version 00000020
    01000721000000030000000000
      #7 ImageStatus transfer 3, ready for offset 0
    01000721000000030100000800
      #7 ImageStatus transfer 3, received up to offset 2048
    010007210000000302
      #7 ImageStatus transfer 3, complete
    01000721000000030300
      #7 ImageStatus transfer 3, refused: too large
    01000721000000030301
      #7 ImageStatus transfer 3, refused: no such device
    01000721000000030302
      #7 ImageStatus transfer 3, refused: block busy
    01000721000000030303
      #7 ImageStatus transfer 3, refused: bad hash
    01000721000000030304
      #7 ImageStatus transfer 3, refused: store failure
    01000721000000030305
      #7 ImageStatus transfer 3, refused: unknown transfer
    ");
}

#[test]
fn each_message_survives_a_round_trip_and_no_truncation() {
    for message in messages() {
        let frame = WanFrame { sequence: 0xFFFE, message };
        let octets = frame.emit().unwrap();
        assert_eq!(WanFrame::parse(&octets), Ok(frame.clone()));
        let open_ended = matches!(frame.message, WanMessage::Gbcs { .. } | WanMessage::ImageData { .. });
        for length in 0..octets.len() {
            let truncated = WanFrame::parse(&octets[..length]);
            assert!(truncated.is_err() || open_ended && truncated != Ok(frame.clone()), "{frame} at {length}");
        }
        if !open_ended {
            let longer = [&octets[..], &[0]].concat();
            assert_eq!(WanFrame::parse(&longer), Err(WanError::Trailing { offset: octets.len(), count: 1 }));
        }
    }
}

#[rstest]
#[case::empty("", "layout version at offset 0 takes 1 octets, but 0 are left")]
#[case::version("02", "layout version at offset 0 is 0x02, expected 1")]
#[case::kind("01000702", "message type at offset 3 is 0x02, expected 0x00, 0x01, 0x10 to 0x15, 0x20 or 0x21")]
#[case::short("0100070012", "acknowledged sequence at offset 4 takes 2 octets, but 1 are left")]
#[case::device_type("01000711 00db1234567890a4 06 00", "device type at offset 12 is 0x06, expected 0 to 5")]
#[case::status("01000721 00000003 04", "image status at offset 8 is 0x04, expected 0 to 3")]
#[case::reason("01000721 00000003 03 06", "refusal reason at offset 9 is 0x06, expected 0 to 5")]
#[case::no_gbcs("01000701", "GBCS message of 0 octets, expected 1 to 4092")]
#[case::no_data("01000714 00000003 00000000", "image data of 0 octets, expected 1 to 1024")]
fn what_is_wrong_and_where(#[case] octets: &str, #[case] message: &str) {
    let octets = hex::decode(octets.replace(' ', "")).unwrap();
    assert_eq!(WanFrame::parse(&octets).unwrap_err().to_string(), message);
}

#[test]
fn sizes_are_bounded() {
    let frame = |message| WanFrame { sequence: 0, message };
    let gbcs = |length| frame(WanMessage::Gbcs { octets: vec![0; length] }).emit();
    assert_eq!(gbcs(MAXIMUM_GBCS).unwrap().len(), MAXIMUM_FRAME_LENGTH);
    let wrong = |field, unit, found, maximum| WanError::Size { field, unit, found, maximum };
    let size = |field, unit, found, maximum| Err(wrong(field, unit, found, maximum));
    assert_eq!(gbcs(MAXIMUM_GBCS + 1), size("GBCS message", "octets", 4093, 4092));
    assert_eq!(WanFrame::parse(&[1; 4097]), Err(wrong("frame", "octets", 4097, 4096)));
    let data = |length| frame(WanMessage::ImageData { transfer: 0, offset: 0, octets: vec![0; length] }).emit();
    assert!(data(MAXIMUM_IMAGE_DATA).is_ok());
    assert_eq!(data(MAXIMUM_IMAGE_DATA + 1), size("image data", "octets", 1025, 1024));
    let begin = |count| {
        let targets = vec![PPMID; count];
        let (transfer, device_type, size, sha256) = (0, DeviceType::Ppmid, 1, [0; 32]);
        frame(WanMessage::ImageBegin { transfer, device_type, targets, size, sha256 }).emit()
    };
    let octets = begin(MAXIMUM_TARGETS).unwrap();
    assert!(octets.len() <= MAXIMUM_FRAME_LENGTH);
    assert!(WanFrame::parse(&octets).is_ok());
    assert_eq!(begin(MAXIMUM_TARGETS + 1), size("image", "targets", 65, 64));
    assert_eq!(begin(0), size("image", "targets", 0, 64));
}

proptest! {
    #[test]
    fn frames_survive_the_line(
        frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..100), 0..10)
    ) {
        let octets: Vec<u8> = frames.iter().flat_map(|frame| encode(frame)).collect();
        let (decoded, counters) = decode(100, &octets);
        prop_assert_eq!(counters.errors() + counters.skipped_octets, 0);
        prop_assert_eq!(decoded, frames.into_iter().map(Ok).collect::<Frames>());
    }

    #[test]
    fn a_frame_after_garbage_gets_through(
        garbage in proptest::collection::vec(any::<u8>(), 0..300),
        frame in proptest::collection::vec(any::<u8>(), 1..100),
    ) {
        let octets = [garbage, encode(&frame)].concat();
        let (decoded, counters) = decode(100, &octets);
        prop_assert_eq!(decoded.last(), Some(&Ok(frame)));
        prop_assert_eq!(decoded.iter().filter(|frame| frame.is_err()).count() as u64, counters.errors());
    }

    #[test]
    fn a_damaged_octet_is_noticed(
        frame in proptest::collection::vec(any::<u8>(), 1..100),
        position in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let mut octets = encode(&frame);
        let position = 1 + position.index(octets.len() - 2);
        octets[position] ^= 1 << bit;
        prop_assert!(!decode(100, &octets).0.contains(&Ok(frame)));
    }

    #[test]
    fn random_frames_do_no_harm(octets in proptest::collection::vec(any::<u8>(), 0..200), kind in 0u8..0x24) {
        let _ = WanFrame::parse(&octets);
        let octets = [&[1, 0, 7, kind][..], &octets].concat();
        // There is one layout for each message: what parses is emitted as it was.
        if let Ok(frame) = WanFrame::parse(&octets) {
            prop_assert_eq!(frame.emit(), Ok(octets));
            let _ = frame.to_string();
        }
    }

    #[test]
    fn image_data_survives_a_round_trip(
        sequence in any::<u16>(),
        transfer in any::<u32>(),
        offset in any::<u32>(),
        octets in proptest::collection::vec(any::<u8>(), 1..=MAXIMUM_IMAGE_DATA),
    ) {
        let frame = WanFrame { sequence, message: WanMessage::ImageData { transfer, offset, octets } };
        prop_assert_eq!(WanFrame::parse(&frame.emit().unwrap()), Ok(frame));
    }
}
