//! Spinel frames against octets laid out by hand from the specification, round trips, and garbage.

use hanrig_wire::spinel::{
    Header, LastStatus, Message, PromiscuousMode, Property, PropertyId, ReceiveFlags, ReceivedFrame, ResetKind,
    SpinelFrame, Status, TransmitFrame, TransmitReport,
};
use hanrig_wire::types::Eui64;
use proptest::prelude::*;
use rstest::rstest;

const EUI: Eui64 = Eui64(0x00DB_1234_5678_90A4);

#[rstest]
#[case::noop("81 00", 1, Message::Noop)]
#[case::reset_of_old("80 01", 0, Message::Reset(None))]
#[case::reset_of_the_stack("80 01 02", 0, Message::Reset(Some(ResetKind::Stack)))]
#[case::get("81 02 02", 1, Message::Get(PropertyId::NCP_VERSION))]
#[case::get_of_a_long_identifier("8f 02 82 10", 15, Message::Get(PropertyId::RCP_TIMESTAMP))]
#[case::was_reset("80 06 00 72", 0, Message::Is(Property::LastStatus(LastStatus::new(Status::RESET_SOFTWARE))))]
#[case::version("81 06 01 04 03", 1, Message::Is(Property::ProtocolVersion { major: 4, minor: 3 }))]
#[case::text("82 06 02 52 43 50 00", 2, Message::Is(Property::NcpVersion("RCP".into())))]
#[case::capabilities("83 06 05 18 22 81 04", 3, Message::Is(Property::Caps(vec![24, 34, 513])))]
#[case::eui_in_network_order("84 03 34 00 db 12 34 56 78 90 a4", 4, Message::Set(Property::MacLongAddress(EUI)))]
#[case::short_address("85 03 35 34 12", 5, Message::Set(Property::MacShortAddress(0x1234)))]
#[case::pan("86 03 36 cd ab", 6, Message::Set(Property::MacPanId(0xABCD)))]
#[case::power("87 06 25 f8", 7, Message::Is(Property::PhyTxPower(-8)))]
#[case::promiscuous("88 03 38 02", 8, Message::Set(Property::MacPromiscuousMode(PromiscuousMode::Full)))]
#[case::raw_stream("89 03 37 01", 9, Message::Set(Property::MacRawStreamEnabled(true)))]
#[case::source_match("8a 04 84 26 34 12", 10, Message::Insert(Property::MacSrcMatchShort(vec![0x1234])))]
#[case::timestamp("8b 06 82 10 01 02 00 00 00 00 00 00", 11, Message::Is(Property::RcpTimestamp(0x201)))]
#[case::api_version("8c 06 b0 01 0a", 12, Message::Is(Property::RcpApiVersion(10)))]
#[case::unknown_property("8c 06 b1 01 aa", 12, Message::Is(Property::Other { id: PropertyId(0xB1), value: vec![0xAA] }))]
#[case::unknown_command("80 b9 0a 01 02", 0, Message::Other { command: 1337, payload: vec![1, 2] })]
fn as_laid_out(#[case] octets: &str, #[case] transaction: u8, #[case] message: Message) {
    let octets = hex::decode(octets.replace(' ', "")).unwrap();
    let frame = SpinelFrame::new(transaction, message);
    assert_eq!(SpinelFrame::parse(&octets).as_ref(), Ok(&frame));
    assert_eq!(hex::encode(frame.to_vec()), hex::encode(&octets));
}

#[test]
fn a_frame_to_send() {
    let transmit = TransmitFrame {
        max_frame_retries: 3,
        header_updated: true,
        security_processed: true,
        delay: 0x0102_0304,
        receive_channel: 15,
        ..TransmitFrame::new(vec![0x03, 0x08, 0x01, 0xFF, 0xFF], 11)
    };
    let frame = SpinelFrame::new(5, Message::Set(Property::Transmit(transmit)));
    let expected = concat!(
        "85",
        "03",
        "71",
        "0500",
        "030801ffff",
        "0b",
        "04",
        "03",
        "01",
        "01",
        "00",
        "01",
        "04030201",
        "00000000",
        "0f"
    );
    assert_eq!(hex::encode(frame.to_vec()), expected);
    assert_eq!(SpinelFrame::parse(&hex::decode(expected).unwrap()), Ok(frame));
}

#[test]
fn a_frame_to_send_of_which_only_the_channel_is_said() {
    let octets = hex::decode("8503710500030801ffff0f").unwrap();
    let expected = TransmitFrame::new(vec![0x03, 0x08, 0x01, 0xFF, 0xFF], 15);
    assert_eq!(SpinelFrame::parse(&octets).unwrap().message, Message::Set(Property::Transmit(expected)));
}

fn received() -> ReceivedFrame {
    ReceivedFrame {
        psdu: vec![0x02, 0x00, 0x2A, 0x0B, 0x5C],
        rssi_dbm: -40,
        noise_dbm: -128,
        flags: ReceiveFlags(ReceiveFlags::ACKED_PENDING),
        channel: 11,
        lqi: 200,
        timestamp: 0x0102_0304,
        error: 0,
    }
}

const RECEIVED: &str =
    concat!("0500", "02002a0b5c", "d8", "80", "1000", "0a00", "0b", "c8", "0403020100000000", "0100", "00");
/// Key and frame counter of an acknowledgement with MAC security, which OpenThread adds.
const MAC_DATA: &str = concat!("0500", "01", "0a000000");

#[test]
fn a_frame_received() {
    let octets = format!("800671{RECEIVED}");
    let frame = SpinelFrame::new(0, Message::Is(Property::Received(received())));
    assert_eq!(hex::encode(frame.to_vec()), octets);
    assert_eq!(SpinelFrame::parse(&hex::decode(&octets).unwrap()).as_ref(), Ok(&frame));
    assert_eq!(SpinelFrame::parse(&hex::decode(octets + MAC_DATA).unwrap()), Ok(frame));
}

#[test]
fn the_report_of_a_transmission() {
    let octets = format!("850600{}{}{}{RECEIVED}{MAC_DATA}", "00", "01", "01");
    let report = TransmitReport { frame_pending: true, header_updated: true, acknowledgement: Some(received()) };
    let status = LastStatus { status: Status::OK, report: Some(report) };
    let frame = SpinelFrame::parse(&hex::decode(octets).unwrap()).unwrap();
    assert_eq!(frame, SpinelFrame::new(5, Message::Is(Property::LastStatus(status))));
    // Not acknowledged: no acknowledgement follows, and with an old RCP not even the second flag.
    let report = TransmitReport { frame_pending: false, header_updated: false, acknowledgement: None };
    let status = LastStatus { status: Status::NO_ACK, report: Some(report) };
    let frame = SpinelFrame::parse(&[0x85, 0x06, 0x00, 0x11, 0x00]).unwrap();
    assert_eq!(frame, SpinelFrame::new(5, Message::Is(Property::LastStatus(status))));
}

#[rstest]
#[case::empty("", "Spinel frame, offset 0: cut short, expected header")]
#[case::flag("41 00", "Spinel frame, offset 0: flag of the header is 1, expected 0b10")]
#[case::no_command("80", "Spinel frame, offset 1: cut short, expected command")]
#[case::packed("80 ff ff ff ff ff 01", "Spinel frame, offset 1: command is not a packed integer of at most 32 bits")]
#[case::packed_33_bits(
    "80 06 80 80 80 80 10",
    "Spinel frame, offset 2: property is not a packed integer of at most 32 bits"
)]
#[case::value("80 06 36 cd", "Spinel frame, offset 3: cut short, expected PAN identifier")]
#[case::mode("80 03 38 03", "Spinel frame, offset 3: promiscuous mode is 3, expected 0 (off), 1 (network) or 2 (full)")]
#[case::text("80 06 02 ff 00", "Spinel frame, offset 3: NCP version is not UTF-8 text that ends with a zero octet")]
#[case::psdu("80 06 71 05 00 01", "Spinel frame, offset 5: cut short, expected PSDU")]
fn says_what_is_wrong(#[case] octets: &str, #[case] message: &str) {
    let octets = hex::decode(octets.replace(' ', "")).unwrap();
    assert_eq!(SpinelFrame::parse(&octets).unwrap_err().to_string(), message);
}

#[test]
fn a_header_is_read_though_the_rest_is_wrong() {
    assert_eq!(SpinelFrame::parse_header(&[0x97]), Ok(Header { interface: 1, transaction: 7 }));
}

fn psdu() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..130)
}

fn received_frame() -> impl Strategy<Value = ReceivedFrame> {
    (psdu(), any::<(i8, i8, u16)>(), any::<(u8, u8, u64, u32)>()).prop_map(
        |(psdu, (rssi_dbm, noise_dbm, flags), (channel, lqi, timestamp, error))| ReceivedFrame {
            psdu,
            rssi_dbm,
            noise_dbm,
            flags: ReceiveFlags(flags),
            channel,
            lqi,
            timestamp,
            error,
        },
    )
}

fn transmit_frame() -> impl Strategy<Value = TransmitFrame> {
    (psdu(), any::<(u8, u8, u8, u8)>(), any::<(bool, bool, bool, bool)>(), any::<(u32, u32)>()).prop_map(
        |(psdu, numbers, flags, (delay, delay_base))| TransmitFrame {
            psdu,
            channel: numbers.0,
            max_csma_backoffs: numbers.1,
            max_frame_retries: numbers.2,
            csma: flags.0,
            header_updated: flags.1,
            retransmission: flags.2,
            security_processed: flags.3,
            delay,
            delay_base,
            receive_channel: numbers.3,
        },
    )
}

fn last_status() -> impl Strategy<Value = LastStatus> {
    let report = (any::<(bool, bool)>(), prop::option::of(received_frame()));
    (any::<u32>(), prop::option::of(report)).prop_map(|(status, report)| LastStatus {
        status: Status(status % 3),
        report: report.map(|((frame_pending, header_updated), acknowledgement)| TransmitReport {
            frame_pending,
            header_updated,
            acknowledgement: acknowledgement.filter(|_| status % 3 == 0),
        }),
    })
}

fn property() -> impl Strategy<Value = Property> {
    prop_oneof![
        last_status().prop_map(Property::LastStatus),
        any::<(u32, u32)>().prop_map(|(major, minor)| Property::ProtocolVersion { major, minor }),
        "[^\0]{0,40}".prop_map(Property::NcpVersion),
        any::<u32>().prop_map(Property::InterfaceType),
        any::<Vec<u32>>().prop_map(Property::Caps),
        any::<u64>().prop_map(|eui| Property::HwAddr(Eui64(eui))),
        any::<bool>().prop_map(Property::PhyEnabled),
        any::<u8>().prop_map(Property::PhyChan),
        any::<Vec<u8>>().prop_map(Property::PhyChanSupported),
        any::<i8>().prop_map(Property::PhyTxPower),
        any::<i8>().prop_map(Property::PhyRssi),
        any::<i8>().prop_map(Property::PhyRxSensitivity),
        any::<u64>().prop_map(|eui| Property::MacLongAddress(Eui64(eui))),
        any::<u16>().prop_map(Property::MacShortAddress),
        any::<u16>().prop_map(Property::MacPanId),
        any::<bool>().prop_map(Property::MacRawStreamEnabled),
        Just(Property::MacPromiscuousMode(PromiscuousMode::Network)),
        any::<Vec<u8>>().prop_map(Property::StreamDebug),
        any::<u32>().prop_map(Property::RcpApiVersion),
        any::<u32>().prop_map(Property::RadioCaps),
        any::<bool>().prop_map(Property::MacSrcMatchEnabled),
        any::<Vec<u16>>().prop_map(Property::MacSrcMatchShort),
        any::<Vec<u64>>().prop_map(|list| Property::MacSrcMatchExtended(list.into_iter().map(Eui64).collect())),
        any::<u64>().prop_map(Property::RcpTimestamp),
        (0x2000u32.., any::<Vec<u8>>()).prop_map(|(id, value)| Property::Other { id: PropertyId(id), value }),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        Just(Message::Noop),
        prop::option::of(any::<u8>().prop_map(|code| match code {
            1 => ResetKind::Platform,
            2 => ResetKind::Stack,
            3 => ResetKind::Bootloader,
            code => ResetKind::Other(code),
        }))
        .prop_map(Message::Reset),
        any::<u32>().prop_map(|id| Message::Get(PropertyId(id))),
        property().prop_map(Message::Set),
        transmit_frame().prop_map(|frame| Message::Set(Property::Transmit(frame))),
        property().prop_map(Message::Insert),
        property().prop_map(Message::Remove),
        property().prop_map(Message::Is),
        received_frame().prop_map(|frame| Message::Is(Property::Received(frame))),
        property().prop_map(Message::Inserted),
        property().prop_map(Message::Removed),
        (9u32.., any::<Vec<u8>>()).prop_map(|(command, payload)| Message::Other { command, payload }),
    ]
}

proptest! {
    #[test]
    fn round_trip(interface in 0u8..4, transaction in 0u8..16, message in message()) {
        let frame = SpinelFrame { header: Header { interface, transaction }, message };
        prop_assert_eq!(SpinelFrame::parse(&frame.to_vec()), Ok(frame));
    }

    #[test]
    fn cut_short_anywhere(message in message(), cut in any::<prop::sample::Index>()) {
        let octets = SpinelFrame::new(1, message).to_vec();
        let _ = SpinelFrame::parse(&octets[..cut.index(octets.len())]);
    }

    #[test]
    fn garbage(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(frame) = SpinelFrame::parse(&octets) {
            // What was understood is understood again.
            prop_assert_eq!(SpinelFrame::parse(&frame.to_vec()), Ok(frame));
        }
    }

    #[test]
    fn garbage_after_a_good_start(property in 0u8..0x80, command in 3u8..9, octets in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = SpinelFrame::parse(&[&[0x81, command, property][..], &octets].concat());
        let _ = SpinelFrame::parse(&[&[0x81, command, 0x80 | property, 0x26][..], &octets].concat());
    }
}
