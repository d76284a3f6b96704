//! Somebody with a radio near the premises: what they learn by listening, and the frames that they forge.
//!
//! Headers travel in the clear, so whoever listens knows short addresses and NWK frame counters; with the network key, which
//! every node of the network has, APS frame counters too. A forged frame here is the best that can be made with the keys
//! that its [`Protection`] stands for: addresses and counters are those that the receiver expects next.

use super::observe::{ApsAcknowledgement, Overheard};
use hanrig_wire::aps::{Addressing, ApsHeader, ApsKind, Delivery, Fragment};
use hanrig_wire::dissect::{Dissector, KeyRing};
use hanrig_wire::mac::{self, Address, FrameType, MacHeader};
use hanrig_wire::nwk::{self, NwkFrameType, NwkHeader};
use hanrig_wire::security::{AuxHeader, CcmKey, KeyId, SecuredFrame};
use hanrig_wire::types::{Eui64, Key128};
use hanrig_wire::zdp::{self, ZdpMessage, ZdpStatus};
use std::collections::BTreeMap;

/// The attacker's own identity, where they do not claim another's.
const OWN: Eui64 = Eui64(0xFEED_FACE_0000_0001);
const OWN_SHORT: u16 = 0x7A3D;
/// How far a frame may travel.
const RADIUS: u8 = 30;

/// What secures a forged frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Nothing.
    Unsecured,
    /// A network key that is not this network's.
    OtherNetworkKey,
    /// The network key, and no link key.
    NetworkKey,
    /// The network key, and a link key that is not the receiver's.
    OtherLinkKey,
    /// Both right keys: what a wrong hub sends, or one that an attacker has broken into.
    BothKeys,
}

/// Who a forged frame claims to come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guise {
    /// Another node.
    Of(Eui64),
    /// A node of the attacker's own that has got into the network.
    Own,
}

/// What is known of a node from what it sent.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    short: u16,
    /// The counters that it uses next.
    nwk: u32,
    aps: u32,
    /// How far the counter in its APS headers is ahead of that of its NWK frames, both by their last octet.
    ahead: u8,
}

/// A message to forge.
#[derive(Clone, Copy, Debug)]
pub struct Forgery<'a> {
    /// Who it claims to come from.
    pub guise: Guise,
    /// Who it is for.
    pub to: Eui64,
    /// What secures it.
    pub protection: Protection,
    /// The link key of the receiver: made use of with [`Protection::BothKeys`] only.
    pub link_key: Key128,
    /// Profile identifier.
    pub profile: u16,
    /// Cluster identifier.
    pub cluster: u16,
    /// The endpoint that it is from and for.
    pub endpoint: u8,
    /// Whether it asks for an APS acknowledgement.
    pub ack_request: bool,
    /// The ZCL frame, or the message of the ZigBee device profile.
    pub asdu: &'a [u8],
}

/// The attacker.
#[derive(Debug)]
pub struct Attacker {
    network_key: Key128,
    pan_id: u16,
    dissector: Dissector,
    /// How many of the frames overheard were looked at.
    looked_at: usize,
    nodes: BTreeMap<Eui64, Known>,
    /// The last Match_Desc_req of each node, and its sequence number.
    looking: BTreeMap<Eui64, u8>,
    sent: u32,
    /// The messages that ask for an acknowledgement: who each is for, and its APS counter.
    asking: Vec<(Eui64, u8)>,
}

impl Attacker {
    /// An attacker who has the key of this network, whether or not they make use of it.
    pub fn new(network_key: Key128, pan_id: u16) -> Self {
        let mut ring = KeyRing::default();
        ring.add_network_key(network_key, None);
        let dissector = Dissector::new(ring);
        let (nodes, looking) = (BTreeMap::new(), BTreeMap::new());
        Self { network_key, pan_id, dissector, looked_at: 0, nodes, looking, sent: 0, asking: Vec::new() }
    }

    /// Learns from what was overheard since.
    pub fn listen(&mut self, overheard: &[Overheard]) {
        for frame in overheard.get(self.looked_at..).unwrap_or_default() {
            let dissection = self.dissector.dissect(&frame.octets);
            if let (Some((addressing, [sequence, ..])), Some(source)) = (dissection.message(), dissection.source)
                && (addressing.profile, addressing.cluster) == (zdp::PROFILE, zdp::cluster::MATCH_DESC)
            {
                self.looking.insert(source, *sequence);
            }
            let Some(part) = dissection.nwk else { continue };
            let Some((aux, source)) = part.security.and_then(|aux| Some((aux, aux.source?))) else { continue };
            let known = self.nodes.entry(source).or_default();
            let forged = aps_counter(*known);
            known.short = part.header.source;
            known.nwk = aux.frame_counter.saturating_add(1);
            let Some(aps) = dissection.aps else { continue };
            if let Some(security) = aps.security {
                known.aps = security.frame_counter.saturating_add(1);
            }
            // What was forged in its name says nothing of its own counter.
            if matches!(aps.header.kind, ApsKind::Data(_)) && aps.header.counter != forged {
                let [nwk, ..] = aux.frame_counter.to_le_bytes();
                known.ahead = aps.header.counter.wrapping_sub(nwk);
            }
        }
        self.looked_at = overheard.len();
    }

    /// The sequence number of the question that `node` has asked for somebody who serves a cluster, since this was last
    /// called.
    pub fn take_question(&mut self, node: Eui64) -> Option<u8> {
        self.looking.remove(&node)
    }

    /// The answer that the attacker is who serves it, at endpoint 1.
    pub fn claim_to_serve(sequence: u8) -> Vec<u8> {
        ZdpMessage::MatchDescRsp { status: ZdpStatus::Success, short: OWN_SHORT, endpoints: vec![1] }.emit(sequence)
    }

    /// How many of the forged messages that ask for an acknowledgement were taken by whom they were for, of how many.
    pub fn taken(&self, acknowledgements: &[ApsAcknowledgement]) -> (usize, usize) {
        let is_taken =
            |&&(from, counter): &&(Eui64, u8)| acknowledgements.contains(&ApsAcknowledgement { from, counter });
        (self.asking.iter().filter(is_taken).count(), self.asking.len())
    }

    /// The short address of a node that was heard.
    pub fn short_of(&self, node: Eui64) -> Option<u16> {
        self.nodes.get(&node).map(|known| known.short)
    }

    /// The frame; `None` where the receiver, or who it claims to come from, was never heard.
    pub fn forge(&mut self, forgery: &Forgery<'_>) -> Option<Vec<u8>> {
        self.sent = self.sent.wrapping_add(1);
        let [sequence, ..] = self.sent.to_le_bytes();
        let to = self.nodes.get(&forgery.to)?.short;
        let (eui, from) = match forgery.guise {
            Guise::Of(eui) => (eui, *self.nodes.get(&eui)?),
            Guise::Own => (OWN, Known { short: OWN_SHORT, nwk: self.sent, aps: self.sent, ahead: 0 }),
        };
        let mut frame = Vec::with_capacity(mac::MAX_FRAME);
        let (destination, source) = (Address::Short(to), Address::Short(from.short));
        MacHeader::within(FrameType::Data, sequence, self.pan_id, destination, source).emit(&mut frame);
        let header_at = frame.len();
        let security = forgery.protection != Protection::Unsecured;
        NwkHeader {
            frame_type: NwkFrameType::Data,
            version: nwk::PROTOCOL_VERSION,
            discover_route: 0,
            security,
            end_device_initiator: false,
            destination: to,
            source: from.short,
            radius: RADIUS,
            sequence,
            destination_eui: None,
            source_eui: None,
        }
        .emit(&mut frame);
        if security {
            let aux =
                AuxHeader { key_id: KeyId::Network, frame_counter: from.nwk, source: Some(eui), key_sequence: Some(0) };
            let aux_at = frame.len();
            aux.emit(&mut frame);
            let place = SecuredFrame { header_at, aux_at, payload_at: frame.len() };
            Self::aps(&mut frame, forgery, (eui, from));
            let mut key = self.network_key;
            if forgery.protection == Protection::OtherNetworkKey {
                key = other(key);
            }
            place.seal(&CcmKey::new(key), &aux, eui, &mut frame);
        } else {
            Self::aps(&mut frame, forgery, (eui, from));
        }
        mac::append_fcs(&mut frame);
        if forgery.ack_request && frame.len() <= mac::MAX_FRAME {
            self.asking.push((forgery.to, aps_counter(from)));
        }
        (frame.len() <= mac::MAX_FRAME).then_some(frame)
    }

    /// The APS frame, secured where its protection says so.
    fn aps(frame: &mut Vec<u8>, forgery: &Forgery<'_>, (eui, from): (Eui64, Known)) {
        let key = match forgery.protection {
            Protection::OtherLinkKey => Some(other(forgery.link_key)),
            Protection::BothKeys => Some(forgery.link_key),
            Protection::Unsecured | Protection::OtherNetworkKey | Protection::NetworkKey => None,
        };
        let header_at = frame.len();
        ApsHeader {
            kind: ApsKind::Data(Addressing {
                destination_endpoint: Some(forgery.endpoint),
                group: None,
                cluster: forgery.cluster,
                profile: forgery.profile,
                source_endpoint: forgery.endpoint,
            }),
            delivery: Delivery::Unicast,
            security: key.is_some(),
            ack_request: forgery.ack_request,
            counter: aps_counter(from),
            fragment: Fragment::None,
        }
        .emit(frame);
        let Some(key) = key else { return frame.extend_from_slice(forgery.asdu) };
        let aux_at = frame.len();
        let aux = AuxHeader { key_id: KeyId::Data, frame_counter: from.aps, source: None, key_sequence: None };
        aux.emit(frame);
        let place = SecuredFrame { header_at, aux_at, payload_at: frame.len() };
        frame.extend_from_slice(forgery.asdu);
        place.seal(&CcmKey::new(key), &aux, eui, frame);
    }
}

/// The APS counter of what is forged: one that the node whose name is used comes to in half a round only.
const fn aps_counter(from: Known) -> u8 {
    let [counter, ..] = from.nwk.to_le_bytes();
    counter.wrapping_add(from.ahead).wrapping_add(0x80)
}

/// A key that is not this one.
fn other(key: Key128) -> Key128 {
    Key128(key.0.map(|octet| !octet))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hanrig_wire::dissect::{StopReason, Stopped};
    use hanrig_wire::radio::Layer;
    use hanrig_wire::time::Instant;
    use rstest::rstest;
    use std::sync::Arc;

    const NETWORK_KEY: Key128 = Key128([3; 16]);
    const LINK_KEY: Key128 = Key128([9; 16]);
    const HUB: Eui64 = Eui64(1);
    const DEVICE: Eui64 = Eui64(2);

    /// Somebody who has heard hub and Device once each.
    fn attacker() -> Attacker {
        let mut attacker = Attacker::new(NETWORK_KEY, 0x1234);
        attacker.nodes.insert(HUB, Known { short: 0, nwk: 70, aps: 40, ahead: 0 });
        attacker.nodes.insert(DEVICE, Known { short: 0x5678, nwk: 7, aps: 4, ahead: 0 });
        attacker
    }

    fn forgery(guise: Guise, to: Eui64, protection: Protection) -> Forgery<'static> {
        Forgery {
            guise,
            to,
            protection,
            link_key: LINK_KEY,
            profile: 0x0109,
            cluster: 0x0019,
            endpoint: 1,
            ack_request: false,
            asdu: &[],
        }
    }

    fn forged(attacker: &mut Attacker, guise: Guise, protection: Protection) -> Vec<u8> {
        let asdu = [1, 2, 3];
        let forgery = Forgery { asdu: &asdu, ..forgery(guise, DEVICE, protection) };
        attacker.forge(&forgery).unwrap()
    }

    #[rstest]
    #[case::unsecured(Protection::Unsecured, None)]
    #[case::network_key(Protection::NetworkKey, None)]
    #[case::both(Protection::BothKeys, None)]
    #[case::other_network_key(Protection::OtherNetworkKey, Some(Layer::Nwk))]
    #[case::other_link_key(Protection::OtherLinkKey, Some(Layer::Aps))]
    fn the_rig_reads_a_forgery_as_far_as_its_keys_are_right(
        #[case] protection: Protection,
        #[case] stops_at: Option<Layer>,
    ) {
        let mut ring = KeyRing::default();
        ring.add_network_key(NETWORK_KEY, None);
        ring.add_link_key(LINK_KEY, DEVICE, Some(HUB));
        let mut dissector = Dissector::new(ring);
        let mut attacker = attacker();
        // The second tells the dissector who is behind the Device's short address.
        let from_device = forgery(Guise::Of(DEVICE), HUB, Protection::NetworkKey);
        dissector.dissect(&attacker.forge(&from_device).unwrap());
        let dissection = dissector.dissect(&forged(&mut attacker, Guise::Of(HUB), protection));
        let stopped = dissection.stopped.map(|Stopped { layer, reason }| (layer, reason));
        assert_eq!(stopped, stops_at.map(|layer| (layer, StopReason::BadMic)));
        assert_eq!(dissection.payload, if stops_at.is_some() { vec![] } else { vec![1, 2, 3] });
    }

    #[test]
    fn counters_follow_those_that_were_heard() {
        let mut attacker = attacker();
        let octets = forged(&mut attacker, Guise::Of(HUB), Protection::NetworkKey).into();
        attacker.listen(&[Overheard { at: Instant::ZERO, octets }]);
        assert_eq!((attacker.nodes[&HUB].nwk, attacker.nodes[&HUB].aps), (71, 40));
    }

    #[test]
    fn aps_counters_are_far_from_those_that_were_heard() {
        let mut node = attacker();
        // As it comes to half a round later.
        node.nodes.get_mut(&HUB).unwrap().ahead = 0x30 + 0x80;
        let overheard = |octets: Vec<u8>| Overheard { at: Instant::ZERO, octets: octets.into() };
        let genuine = overheard(forged(&mut node, Guise::Of(HUB), Protection::NetworkKey));
        let mut attacker = attacker();
        attacker.listen(std::slice::from_ref(&genuine));
        assert_eq!(aps_counter(attacker.nodes[&HUB]), 71 + 0x30 + 0x80);
        let own = overheard(forged(&mut attacker, Guise::Of(HUB), Protection::NetworkKey));
        attacker.listen(&[genuine, own]);
        assert_eq!(aps_counter(attacker.nodes[&HUB]), 72 + 0x30 + 0x80, "what is forged is not its own");
    }

    #[test]
    fn who_acknowledges_a_forgery_has_taken_it() {
        let mut attacker = attacker();
        let forgery = Forgery { ack_request: true, ..forgery(Guise::Of(HUB), DEVICE, Protection::BothKeys) };
        let octets: Arc<[u8]> = attacker.forge(&forgery).unwrap().into();
        attacker.listen(&[Overheard { at: Instant::ZERO, octets }]);
        attacker.forge(&forgery).unwrap();
        let counter = 70 + 0x80;
        let by = |from, counter| ApsAcknowledgement { from, counter };
        assert_eq!(
            attacker.taken(&[by(HUB, counter), by(DEVICE, counter - 1)]),
            (0, 2),
            "somebody else, something else"
        );
        assert_eq!(attacker.taken(&[by(DEVICE, counter)]), (1, 2));
        assert_eq!(attacker.taken(&[by(DEVICE, counter), by(DEVICE, counter + 1)]), (2, 2));
    }

    #[test]
    fn nobody_is_forged_who_was_never_heard() {
        let mut attacker = Attacker::new(NETWORK_KEY, 0x1234);
        let forgery = forgery(Guise::Own, DEVICE, Protection::NetworkKey);
        assert!(attacker.forge(&forgery).is_none());
    }
}
