//! The dissector: what it reports, learns and refuses to believe.

use hanrig_wire::aps::{Addressing, ApsCommand, ApsHeader, ApsKind, Delivery, Fragment, TransportedKey};
use hanrig_wire::dissect::{Dissection, Dissector, KeyRing, MacContent, StopReason};
use hanrig_wire::mac::{self, Address, AssociationStatus, FrameType, MacCommand, MacHeader};
use hanrig_wire::nwk::{NwkCommand, NwkFrameType, NwkHeader};
use hanrig_wire::radio::Layer;
use hanrig_wire::security::{AuxHeader, CcmKey, KeyId, LinkKey, SecuredFrame};
use hanrig_wire::types::{Eui64, Key128};
use proptest::prelude::*;

const PAN: u16 = 0x1A62;
const HUB: Eui64 = Eui64(0x00DB_1234_5678_90A0);
const DEVICE: Eui64 = Eui64(0x00DB_1234_5678_90A4);
const SHORT: u16 = 0x4C94;
const NETWORK_KEY: Key128 = Key128([1; 16]);
const LINK_KEY: Key128 = Key128([2; 16]);

/// What varies between the frames of these tests, all from the device to the hub.
#[derive(Clone)]
struct Frame {
    nwk: Option<(Key128, u32)>,
    aps: Option<(KeyId, Key128, u32)>,
    kind: ApsKind,
    counter: u8,
    fragment: Fragment,
    payload: Vec<u8>,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            nwk: Some((NETWORK_KEY, 1)),
            aps: Some((KeyId::Data, LINK_KEY, 1)),
            kind: ApsKind::Data(Addressing {
                destination_endpoint: Some(1),
                group: None,
                cluster: 0x0019,
                profile: 0x0109,
                source_endpoint: 2,
            }),
            counter: 9,
            fragment: Fragment::None,
            payload: b"payload".to_vec(),
        }
    }
}

impl Frame {
    fn octets(&self) -> Vec<u8> {
        self.between((SHORT, DEVICE), (0, HUB))
    }

    fn between(&self, (source, source_eui): (u16, Eui64), (destination, _): (u16, Eui64)) -> Vec<u8> {
        let mut frame = Vec::new();
        MacHeader::within(FrameType::Data, 1, PAN, Address::Short(destination), Address::Short(source))
            .emit(&mut frame);
        let nwk_at = frame.len();
        NwkHeader {
            frame_type: NwkFrameType::Data,
            version: 2,
            discover_route: 0,
            security: self.nwk.is_some(),
            end_device_initiator: false,
            destination,
            source,
            radius: 30,
            sequence: 1,
            destination_eui: None,
            source_eui: None,
        }
        .emit(&mut frame);
        let nwk_aux_at = frame.len();
        let nwk_aux = self.nwk.map(|(_, frame_counter)| AuxHeader {
            key_id: KeyId::Network,
            frame_counter,
            source: Some(source_eui),
            key_sequence: Some(0),
        });
        if let Some(aux) = &nwk_aux {
            aux.emit(&mut frame);
        }
        let aps_at = frame.len();
        ApsHeader {
            kind: self.kind,
            delivery: Delivery::Unicast,
            security: self.aps.is_some(),
            ack_request: true,
            counter: self.counter,
            fragment: self.fragment,
        }
        .emit(&mut frame);
        let aps_aux_at = frame.len();
        let aps_aux = self.aps.map(|(key_id, _, frame_counter)| AuxHeader {
            key_id,
            frame_counter,
            source: (key_id != KeyId::Data).then_some(source_eui),
            key_sequence: None,
        });
        if let Some(aux) = &aps_aux {
            aux.emit(&mut frame);
        }
        let payload_at = frame.len();
        frame.extend_from_slice(&self.payload);
        if let (Some(aux), Some((id, key, _))) = (&aps_aux, self.aps) {
            let link = LinkKey::new(key);
            SecuredFrame { header_at: aps_at, aux_at: aps_aux_at, payload_at }.seal(
                link.get(id).unwrap(),
                aux,
                source_eui,
                &mut frame,
            );
        }
        if let (Some(aux), Some((key, _))) = (&nwk_aux, self.nwk) {
            SecuredFrame { header_at: nwk_at, aux_at: nwk_aux_at, payload_at: aps_at }.seal(
                &CcmKey::new(key),
                aux,
                source_eui,
                &mut frame,
            );
        }
        mac::append_fcs(&mut frame);
        frame
    }
}

fn ring() -> KeyRing {
    let mut keys = KeyRing::new();
    keys.add_network_key(NETWORK_KEY, Some(0));
    keys.add_link_key(LINK_KEY, DEVICE, Some(HUB));
    keys
}

fn stopped(dissection: &Dissection) -> Option<(Layer, StopReason)> {
    dissection.stopped.map(|s| (s.layer, s.reason))
}

#[test]
fn everything_of_a_secured_frame_is_reported() {
    let dissection = Dissector::new(ring()).dissect(&Frame::default().octets());
    assert_eq!(dissection.stopped, None);
    let nwk = dissection.nwk.unwrap();
    assert_eq!((nwk.header.source, nwk.header.destination), (SHORT, 0));
    let aux = nwk.security.unwrap();
    assert_eq!((aux.key_id, aux.frame_counter, aux.key_sequence), (KeyId::Network, 1, Some(0)));
    let aps = dissection.aps.unwrap();
    assert_eq!((aps.header.counter, aps.header.ack_request), (9, true));
    assert_eq!(aps.security.unwrap().key_id, KeyId::Data);
    assert_eq!(dissection.source, Some(DEVICE));
    assert_eq!(dissection.destination, None, "nobody has heard the hub yet");
    let (addressing, asdu) = dissection.message().unwrap();
    assert_eq!((addressing.cluster, asdu), (0x0019, &b"payload"[..]));
}

#[test]
fn it_stops_where_it_cannot_go_on_and_says_why() {
    let no_keys = Dissector::new(KeyRing::new()).dissect(&Frame::default().octets());
    assert_eq!(stopped(&no_keys), Some((Layer::Nwk, StopReason::NoKey)));
    assert!(no_keys.nwk.unwrap().security.is_some() && no_keys.aps.is_none());

    let mut keys = KeyRing::new();
    keys.add_network_key(NETWORK_KEY, None);
    let no_link_key = Dissector::new(keys.clone()).dissect(&Frame::default().octets());
    assert_eq!(stopped(&no_link_key), Some((Layer::Aps, StopReason::NoKey)));
    assert!(no_link_key.message().is_none() && no_link_key.payload.is_empty());

    keys.add_link_key(LINK_KEY, Eui64(77), Some(HUB));
    let others_key = Dissector::new(keys.clone()).dissect(&Frame::default().octets());
    assert_eq!(stopped(&others_key), Some((Layer::Aps, StopReason::NoKey)));

    keys.add_link_key(Key128([3; 16]), DEVICE, None);
    let wrong_key = Dissector::new(keys).dissect(&Frame::default().octets());
    assert_eq!(stopped(&wrong_key), Some((Layer::Aps, StopReason::BadMic)));

    let mut forged = Frame::default().octets();
    forged[9 + 8 + 14 + 3] ^= 1;
    forged.truncate(forged.len() - 2);
    mac::append_fcs(&mut forged);
    let forged = Dissector::new(ring()).dissect(&forged);
    assert_eq!(stopped(&forged), Some((Layer::Nwk, StopReason::BadMic)));

    let mut damaged = Frame::default().octets();
    damaged[20] ^= 1;
    let damaged = Dissector::new(ring()).dissect(&damaged);
    assert!(matches!(stopped(&damaged), Some((Layer::Mac, StopReason::BadFcs { .. }))));
    assert_eq!(damaged.mac, None);
}

#[test]
fn frames_without_security_are_reported_as_such() {
    let plain = Frame { nwk: None, aps: None, ..Frame::default() };
    let dissection = Dissector::new(ring()).dissect(&plain.octets());
    assert_eq!(dissection.stopped, None);
    assert!(dissection.nwk.unwrap().security.is_none() && dissection.aps.unwrap().security.is_none());
    assert_eq!(dissection.source, None, "and prove nobody's identity");
}

fn transport_key(key: Key128, counter: u32) -> Frame {
    let mut payload = Vec::new();
    let transported = TransportedKey::Network { key, sequence: 0, destination: DEVICE, source: HUB };
    ApsCommand::TransportKey(transported).emit(&mut payload);
    Frame {
        nwk: None,
        aps: Some((KeyId::KeyTransport, LINK_KEY, counter)),
        kind: ApsKind::Command,
        payload,
        ..Frame::default()
    }
}

#[test]
fn the_network_key_is_learned_from_its_transport() {
    let mut keys = KeyRing::new();
    keys.add_link_key(LINK_KEY, DEVICE, Some(HUB));
    let mut dissector = Dissector::new(keys);
    let dissection = dissector.dissect(&transport_key(NETWORK_KEY, 5).between((0, HUB), (SHORT, DEVICE)));
    assert_eq!(dissection.stopped, None);
    assert_eq!((dissection.source, dissection.destination), (Some(HUB), Some(DEVICE)));
    assert!(matches!(dissection.aps.unwrap().command, Some(ApsCommand::TransportKey(_))));
    assert_eq!(dissector.keys().network_keys().len(), 1);
    let dissection = dissector.dissect(&Frame::default().octets());
    assert_eq!((dissection.source, dissection.destination), (Some(DEVICE), Some(HUB)));
    assert_eq!(dissection.stopped, None);

    let in_clear = Frame { aps: None, ..transport_key(Key128([8; 16]), 6) };
    dissector.dissect(&in_clear.between((0, HUB), (SHORT, DEVICE)));
    assert_eq!(dissector.keys().network_keys().len(), 1, "a key in the clear is a forger's");
}

#[test]
fn an_association_response_tells_an_address_but_proves_none() {
    let mut dissector = Dissector::new(ring());
    let response = |short, device| {
        let mut frame = Vec::new();
        MacHeader::within(FrameType::Command, 1, PAN, Address::Extended(device), Address::Extended(HUB))
            .emit(&mut frame);
        MacCommand::AssociationResponse { short, status: AssociationStatus::Success }.emit(&mut frame);
        mac::append_fcs(&mut frame);
        frame
    };
    let dissection = dissector.dissect(&response(SHORT, Eui64(66)));
    assert!(matches!(dissection.mac_content, Some(MacContent::Command(MacCommand::AssociationResponse { .. }))));
    assert_eq!(dissection.source, Some(HUB));
    assert_eq!(dissector.eui_of(PAN, SHORT), Some(Eui64(66)));
    dissector.dissect(&Frame::default().octets());
    assert_eq!(dissector.eui_of(PAN, SHORT), Some(DEVICE));
    dissector.dissect(&response(SHORT, Eui64(66)));
    assert_eq!(dissector.eui_of(PAN, SHORT), Some(DEVICE), "a proof outweighs a claim");
}

fn fragment(counter: u8, frame_counter: u32, fragment: Fragment, payload: &[u8]) -> Vec<u8> {
    Frame {
        nwk: Some((NETWORK_KEY, frame_counter)),
        aps: Some((KeyId::Data, LINK_KEY, frame_counter)),
        counter,
        fragment,
        payload: payload.to_vec(),
        ..Frame::default()
    }
    .octets()
}

#[test]
fn fragments_are_put_together_once_whatever_their_order() {
    let mut dissector = Dissector::new(ring());
    let mut feed = |octets: Vec<u8>| dissector.dissect(&octets).reassembled;
    assert_eq!(feed(fragment(1, 10, Fragment::Part { block: 2 }, b"ghi")), None);
    assert_eq!(feed(fragment(1, 11, Fragment::First { blocks: 3 }, b"abc")), None);
    assert_eq!(feed(fragment(1, 12, Fragment::First { blocks: 3 }, b"abc")), None, "sent again");
    assert_eq!(feed(fragment(1, 13, Fragment::Part { block: 1 }, b"def")), Some(b"abcdefghi".to_vec()));
    assert_eq!(feed(fragment(1, 14, Fragment::Part { block: 1 }, b"def")), None, "the acknowledgement was lost");
    // The APS counter comes round again.
    assert_eq!(feed(fragment(1, 300, Fragment::First { blocks: 2 }, b"xy")), None);
    assert_eq!(feed(fragment(1, 11, Fragment::Part { block: 1 }, b"def")), None, "a replay");
    assert_eq!(feed(fragment(1, 301, Fragment::Part { block: 1 }, b"z")), Some(b"xyz".to_vec()));
}

#[test]
fn nwk_commands_are_reported() {
    let mut frame = Vec::new();
    MacHeader::within(FrameType::Data, 1, PAN, Address::Short(SHORT), Address::Short(0)).emit(&mut frame);
    NwkHeader {
        frame_type: NwkFrameType::Command,
        version: 2,
        discover_route: 0,
        security: false,
        end_device_initiator: false,
        destination: SHORT,
        source: 0,
        radius: 1,
        sequence: 1,
        destination_eui: Some(DEVICE),
        source_eui: Some(HUB),
    }
    .emit(&mut frame);
    NwkCommand::Leave { rejoin: false, request: true, remove_children: false }.emit(&mut frame);
    mac::append_fcs(&mut frame);
    let dissection = Dissector::new(ring()).dissect(&frame);
    assert!(matches!(dissection.nwk.unwrap().command, Some(NwkCommand::Leave { request: true, .. })));
    assert_eq!(dissection.destination, Some(DEVICE));
}

proptest! {
    #[test]
    fn random_octets_are_dissected_or_refused(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..130), 1..20)) {
        let mut dissector = Dissector::new(ring());
        for mut frame in frames {
            let _ = dissector.dissect(&frame);
            mac::append_fcs(&mut frame);
            let _ = dissector.dissect(&frame);
        }
    }

    #[test]
    fn a_changed_frame_is_never_taken_for_genuine(at in any::<prop::sample::Index>(), change in 1..=255u8) {
        let mut frame = Frame::default().octets();
        frame.truncate(frame.len() - 2);
        let at = 9 + at.index(frame.len() - 9);
        frame[at] ^= change;
        mac::append_fcs(&mut frame);
        let dissection = Dissector::new(ring()).dissect(&frame);
        let genuine = dissection.stopped.is_none() && dissection.nwk.is_some_and(|nwk| nwk.security.is_some());
        // The level's three bits on the air mean nothing.
        prop_assert!(!genuine || (at == 9 + 8 && change < 8), "octet {}", at);
    }
}
