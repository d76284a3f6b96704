//! Frames of the radio layers: known octets, round trips, and what is refused.

use hanrig_wire::aps::{Addressing, ApsCommand, ApsFrame, ApsHeader, ApsKind, Delivery, Fragment, TransportedKey};
use hanrig_wire::mac::{
    self, Address, AssociationStatus, Beacon, Capability, FrameType, MacCommand, MacError, MacFrame, MacHeader,
    ZigbeeBeacon,
};
use hanrig_wire::nwk::{NwkCommand, NwkFrame, NwkFrameType, NwkHeader};
use hanrig_wire::types::{Eui64, Key128};
use hanrig_wire::zdp::{NodeDescriptor, SimpleDescriptor, ZdpMessage, ZdpStatus};
use proptest::option;
use proptest::prelude::*;
use rstest::rstest;

fn emitted(emit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut octets = Vec::new();
    emit(&mut octets);
    octets
}

#[test]
fn fcs_is_the_one_of_the_standard() {
    // The check value of CRC-16/KERMIT, and the acknowledgement that 7.2.1.9 takes as its example.
    assert_eq!(mac::fcs(b"123456789"), 0x2189);
    let mut ack = emitted(|out| MacHeader::ack(0x6A, false).emit(out));
    mac::append_fcs(&mut ack);
    assert_eq!(hex::encode(ack), "02006ae479");
}

#[rstest]
#[case::beacon_request(
    |out: &mut Vec<u8>| {
        let header = MacHeader::within(FrameType::Command, 1, 0xFFFF, Address::Short(0xFFFF), Address::None);
        MacHeader { pan_id_compression: false, ..header }.emit(out);
        MacCommand::BeaconRequest.emit(out);
    },
    "030801ffffffff07"
)]
#[case::association_request(
    |out: &mut Vec<u8>| {
        MacHeader {
            pan_id_compression: false,
            source_pan: Some(0xFFFF),
            ..MacHeader::within(
                FrameType::Command, 2, 0x1A62, Address::Short(0), Address::Extended(Eui64(0x1122_3344_5566_7788)),
            )
        }
        .emit(out);
        MacCommand::AssociationRequest(Capability::END_DEVICE_RX_ON).emit(out);
    },
    "23c802621a0000ffff8877665544332211018c"
)]
#[case::data(
    |out: &mut Vec<u8>| {
        MacHeader::within(FrameType::Data, 3, 0x1A62, Address::Short(0), Address::Short(0x4C94)).emit(out);
    },
    "618803621a0000944c"
)]
#[case::transport_key(
    |out: &mut Vec<u8>| {
        ApsCommand::TransportKey(TransportedKey::Network {
            key: Key128([0xAB; 16]),
            sequence: 1,
            destination: Eui64(0x0102_0304_0506_0708),
            source: Eui64(0x1112_1314_1516_1718),
        })
        .emit(out);
    },
    "0501abababababababababababababababab0108070605040302011817161514131211"
)]
fn frames_have_the_octets_of_the_standard(#[case] emit: fn(&mut Vec<u8>), #[case] octets: &str) {
    assert_eq!(hex::encode(emitted(emit)), octets);
}

#[rstest]
#[case::empty("", "MAC frame, octet 0: the frame ends inside the frame check sequence")]
#[case::wrong_fcs("02006a0000", "MAC frame: FCS is 0x0000, expected 0x79e4")]
fn a_frame_that_is_not_whole_is_refused(#[case] octets: &str, #[case] message: &str) {
    let octets = hex::decode(octets).unwrap();
    assert_eq!(MacFrame::parse(&octets).unwrap_err().to_string(), message);
}

#[rstest]
#[case::type_4("040056", "MAC frame, octet 0: frame type is 0x4, expected 0 to 3 (beacon, data, ack, command)")]
#[case::mode_1(
    "010456621a",
    "MAC frame, octet 1: addressing mode is 0x1, expected 0 (none), 2 (short) or 3 (extended)"
)]
#[case::version("0120560000", "MAC frame, octet 1: frame version is 0x2, expected 0 or 1")]
#[case::short("618803621a00", "MAC frame, octet 5: the frame ends inside the destination address")]
fn a_malformed_mac_header_is_told(#[case] octets: &str, #[case] message: &str) {
    let octets = hex::decode(octets).unwrap();
    match MacFrame::parse_without_fcs(&octets) {
        Err(error) => assert_eq!(MacError::from(error).to_string(), message),
        Ok(frame) => panic!("{frame:?}"),
    }
}

#[rstest]
#[case::nwk(NwkFrame::parse(&[0x02]).unwrap_err().to_string(), "NWK frame, octet 0: the frame ends inside the frame control")]
#[case::aps(ApsFrame::parse(&[0x04]).unwrap_err().to_string(), "APS frame, octet 0: delivery mode is 0x1, expected 0 (unicast), 2 (broadcast) or 3 (group)")]
#[case::zdp(
    ZdpMessage::parse(0x8004, &[1, 0, 0, 0, 3, 1, 9, 1]).unwrap_err().to_string(),
    "ZDP frame, octet 8: the frame ends inside the device identifier"
)]
fn other_layers_tell_where_too(#[case] told: String, #[case] message: &str) {
    assert_eq!(told, message);
}

fn eui() -> impl Strategy<Value = Eui64> {
    any::<u64>().prop_map(Eui64)
}

fn key() -> impl Strategy<Value = Key128> {
    any::<[u8; 16]>().prop_map(Key128)
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![Just(Address::None), any::<u16>().prop_map(Address::Short), eui().prop_map(Address::Extended)]
}

prop_compose! {
    fn mac_header()(
        frame_type in prop_oneof![
            Just(FrameType::Beacon), Just(FrameType::Data), Just(FrameType::Ack), Just(FrameType::Command)
        ],
        (security, pending, ack_request, compress) in any::<(bool, bool, bool, bool)>(),
        version in 0..2u8,
        sequence: u8,
        (to_pan, from_pan) in any::<(u16, u16)>(),
        destination in address(),
        source in address(),
    ) -> MacHeader {
        let pan_id_compression = compress && destination != Address::None && source != Address::None;
        MacHeader {
            frame_type, security, pending, ack_request, pan_id_compression, version, sequence,
            destination_pan: (destination != Address::None).then_some(to_pan),
            destination,
            source_pan: (source != Address::None).then_some(if pan_id_compression { to_pan } else { from_pan }),
            source,
        }
    }
}

fn mac_command() -> impl Strategy<Value = MacCommand> {
    prop_oneof![
        any::<u8>().prop_map(|c| MacCommand::AssociationRequest(Capability(c))),
        any::<(u16, u8)>().prop_map(|(short, status)| MacCommand::AssociationResponse {
            short,
            status: AssociationStatus::from_code(status)
        }),
        any::<u8>().prop_map(MacCommand::Disassociation),
        Just(MacCommand::DataRequest),
        Just(MacCommand::BeaconRequest),
    ]
}

prop_compose! {
    fn beacon()(
        (pan_coordinator, association_permit) in any::<(bool, bool)>(),
        zigbee in option::of((0..16u8, 0..16u8, any::<bool>(), 0..16u8, any::<bool>(), any::<u64>(), any::<u8>())),
    ) -> Beacon {
        Beacon {
            pan_coordinator,
            association_permit,
            zigbee: zigbee.map(
                |(stack_profile, protocol_version, router_capacity, depth, end_device_capacity, id, update_id)| {
                    ZigbeeBeacon {
                        stack_profile, protocol_version, router_capacity, depth, end_device_capacity,
                        extended_pan_id: id, update_id,
                    }
                },
            ),
        }
    }
}

prop_compose! {
    fn nwk_header()(
        command: bool,
        version in 0..16u8,
        discover_route in 0..4u8,
        (security, end_device_initiator) in any::<(bool, bool)>(),
        (destination, source) in any::<(u16, u16)>(),
        (radius, sequence) in any::<(u8, u8)>(),
        destination_eui in option::of(eui()),
        source_eui in option::of(eui()),
    ) -> NwkHeader {
        let frame_type = if command { NwkFrameType::Command } else { NwkFrameType::Data };
        NwkHeader {
            frame_type, version, discover_route, security, end_device_initiator, destination, source, radius, sequence,
            destination_eui, source_eui,
        }
    }
}

fn nwk_command() -> impl Strategy<Value = NwkCommand> {
    prop_oneof![
        any::<(u8, u16)>().prop_map(|(status, destination)| NwkCommand::NetworkStatus { status, destination }),
        any::<(bool, bool, bool)>().prop_map(|(rejoin, request, remove_children)| NwkCommand::Leave {
            rejoin,
            request,
            remove_children
        }),
        any::<u8>().prop_map(|c| NwkCommand::RejoinRequest(Capability(c))),
        any::<(u16, u8)>().prop_map(|(short, status)| NwkCommand::RejoinResponse { short, status }),
    ]
}

prop_compose! {
    fn aps_header()(
        kind in 0..4,
        delivery in prop_oneof![Just(Delivery::Unicast), Just(Delivery::Broadcast), Just(Delivery::Group)],
        (security, ack_request) in any::<(bool, bool)>(),
        (destination, source_endpoint, counter) in any::<(u16, u8, u8)>(),
        (cluster, profile) in any::<(u16, u16)>(),
        fragment in 0..3,
        (block, received) in any::<(u8, u8)>(),
    ) -> ApsHeader {
        let group = delivery == Delivery::Group;
        let addressing = Addressing {
            destination_endpoint: (!group).then_some(destination as u8),
            group: group.then_some(destination),
            cluster,
            profile,
            source_endpoint,
        };
        let kind = match kind {
            0 => ApsKind::Data(addressing),
            1 => ApsKind::Command,
            2 => ApsKind::Ack(Some(addressing)),
            _ => ApsKind::Ack(None),
        };
        let fragment = match (fragment, matches!(kind, ApsKind::Ack(_))) {
            (0, _) => Fragment::None,
            (_, true) => Fragment::Ack { first_block: block, received },
            (1, false) => Fragment::First { blocks: block },
            (_, false) => Fragment::Part { block },
        };
        ApsHeader { kind, delivery, security, ack_request, counter, fragment }
    }
}

fn aps_command() -> impl Strategy<Value = ApsCommand> {
    prop_oneof![
        (key(), any::<u8>(), eui(), eui()).prop_map(|(key, sequence, destination, source)| {
            ApsCommand::TransportKey(TransportedKey::Network { key, sequence, destination, source })
        }),
        (key(), eui(), eui()).prop_map(|(key, destination, source)| {
            ApsCommand::TransportKey(TransportedKey::TrustCentreLink { key, destination, source })
        }),
        (key(), eui(), any::<bool>()).prop_map(|(key, partner, initiator)| {
            ApsCommand::TransportKey(TransportedKey::ApplicationLink { key, partner, initiator })
        }),
        (eui(), any::<u16>(), any::<u8>()).prop_map(|(device, short, status)| ApsCommand::UpdateDevice {
            device,
            short,
            status
        }),
        eui().prop_map(ApsCommand::RemoveDevice),
        (any::<u8>(), eui(), any::<[u8; 16]>()).prop_map(|(key_type, source, hash)| ApsCommand::VerifyKey {
            key_type,
            source,
            hash
        }),
        (any::<u8>(), any::<u8>(), eui()).prop_map(|(status, key_type, destination)| ApsCommand::ConfirmKey {
            status,
            key_type,
            destination
        }),
    ]
}

fn clusters() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 0..20)
}

fn zdp_message() -> impl Strategy<Value = ZdpMessage> {
    let status = || any::<u8>().prop_map(ZdpStatus::from_code);
    let endpoints = || prop::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        eui().prop_map(|eui| ZdpMessage::NwkAddrReq { eui }),
        any::<u16>().prop_map(|short| ZdpMessage::IeeeAddrReq { short }),
        (any::<bool>(), status(), eui(), any::<u16>()).prop_map(|(ieee, status, eui, short)| ZdpMessage::AddrRsp {
            ieee,
            status,
            eui,
            short
        }),
        any::<u16>().prop_map(|short| ZdpMessage::NodeDescReq { short }),
        (any::<(u16, u8, u16)>(), any::<(u8, u16, u16, u16)>()).prop_map(
            |((short, capability, code), (b, i, s, o))| {
                ZdpMessage::NodeDescRsp {
                    status: ZdpStatus::Success,
                    short,
                    descriptor: Some(NodeDescriptor {
                        logical_type: b & 7,
                        capability: Capability(capability),
                        manufacturer_code: code,
                        maximum_buffer: b,
                        maximum_incoming: i,
                        server_mask: s,
                        maximum_outgoing: o,
                    }),
                }
            }
        ),
        any::<u16>().prop_map(|short| ZdpMessage::NodeDescRsp {
            status: ZdpStatus::DeviceNotFound,
            short,
            descriptor: None
        }),
        any::<(u16, u8)>().prop_map(|(short, endpoint)| ZdpMessage::SimpleDescReq { short, endpoint }),
        (any::<(u16, u8, u16, u16)>(), 0..16u8, clusters(), clusters()).prop_map(
            |((short, endpoint, profile, device), version, input_clusters, output_clusters)| {
                ZdpMessage::SimpleDescRsp {
                    status: ZdpStatus::Success,
                    short,
                    descriptor: Some(SimpleDescriptor {
                        endpoint,
                        profile,
                        device,
                        version,
                        input_clusters,
                        output_clusters,
                    }),
                }
            }
        ),
        any::<u16>().prop_map(|short| ZdpMessage::ActiveEpReq { short }),
        (status(), any::<u16>(), endpoints()).prop_map(|(status, short, endpoints)| ZdpMessage::ActiveEpRsp {
            status,
            short,
            endpoints
        }),
        (any::<(u16, u16)>(), clusters(), clusters()).prop_map(
            |((short, profile), input_clusters, output_clusters)| ZdpMessage::MatchDescReq {
                short,
                profile,
                input_clusters,
                output_clusters
            }
        ),
        (status(), any::<u16>(), endpoints()).prop_map(|(status, short, endpoints)| ZdpMessage::MatchDescRsp {
            status,
            short,
            endpoints
        }),
        (any::<u16>(), eui(), any::<u8>()).prop_map(|(short, eui, capability)| ZdpMessage::DeviceAnnce {
            short,
            eui,
            capability: Capability(capability)
        }),
    ]
}

proptest! {
    #[test]
    fn mac_frames_survive_a_round_trip(header in mac_header(), payload in prop::collection::vec(any::<u8>(), 0..100)) {
        let mut octets = emitted(|out| header.emit(out));
        octets.extend_from_slice(&payload);
        mac::append_fcs(&mut octets);
        prop_assert_eq!(MacFrame::parse(&octets).unwrap(), MacFrame { header, payload: &payload });
    }

    #[test]
    fn a_flipped_bit_breaks_the_fcs(header in mac_header(), bit in any::<prop::sample::Index>()) {
        let mut octets = emitted(|out| header.emit(out));
        mac::append_fcs(&mut octets);
        let bit = bit.index(octets.len() * 8);
        octets[bit / 8] ^= 1 << (bit % 8);
        let is_fcs = matches!(MacFrame::parse(&octets), Err(MacError::Fcs { .. }));
        prop_assert!(is_fcs);
    }

    #[test]
    fn mac_commands_survive_a_round_trip(command in mac_command()) {
        prop_assert_eq!(MacCommand::parse(&emitted(|out| command.emit(out))), Ok(command));
    }

    #[test]
    fn beacons_survive_a_round_trip(beacon in beacon()) {
        prop_assert_eq!(Beacon::parse(&emitted(|out| beacon.emit(out))), Ok(beacon));
    }

    #[test]
    fn nwk_frames_survive_a_round_trip(header in nwk_header(), payload in prop::collection::vec(any::<u8>(), 0..100)) {
        let mut octets = emitted(|out| header.emit(out));
        let header_len = octets.len();
        octets.extend_from_slice(&payload);
        prop_assert_eq!(NwkFrame::parse(&octets), Ok(NwkFrame { header, header_len, payload: &payload }));
    }

    #[test]
    fn nwk_commands_survive_a_round_trip(command in nwk_command()) {
        prop_assert_eq!(NwkCommand::parse(&emitted(|out| command.emit(out))), Ok(command));
    }

    #[test]
    fn aps_frames_survive_a_round_trip(header in aps_header(), payload in prop::collection::vec(any::<u8>(), 0..100)) {
        let mut octets = emitted(|out| header.emit(out));
        let header_len = octets.len();
        octets.extend_from_slice(&payload);
        prop_assert_eq!(ApsFrame::parse(&octets), Ok(ApsFrame { header, header_len, payload: &payload }));
    }

    #[test]
    fn aps_commands_survive_a_round_trip(command in aps_command()) {
        prop_assert_eq!(ApsCommand::parse(&emitted(|out| command.emit(out))), Ok(command));
    }

    #[test]
    fn zdp_messages_survive_a_round_trip(message in zdp_message(), sequence: u8) {
        prop_assert_eq!(ZdpMessage::parse(message.cluster(), &message.emit(sequence)), Ok((sequence, message)));
    }

    #[test]
    fn random_octets_are_parsed_or_refused(octets in prop::collection::vec(any::<u8>(), 0..140), cluster: u16) {
        let _ = MacFrame::parse(&octets);
        let _ = MacFrame::parse_without_fcs(&octets);
        let _ = MacCommand::parse(&octets);
        let _ = Beacon::parse(&octets);
        let _ = NwkFrame::parse(&octets);
        let _ = NwkCommand::parse(&octets);
        let _ = ApsFrame::parse(&octets);
        let _ = ApsCommand::parse(&octets);
        for cluster in [cluster, cluster & 0x801F] {
            let _ = ZdpMessage::parse(cluster, &octets);
        }
    }
}
