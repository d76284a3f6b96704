//! The ZDO: answers others' questions about this node, and asks who serves a cluster (ZigBee 2.4).

use super::Node;
use super::messages::Owner;
use crate::api::{Destination, Event, Outgoing, Role};
use alloc::vec::Vec;
use core::time::Duration;
use hanrig_wire::mac::Capability;
use hanrig_wire::nwk;
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;
use hanrig_wire::zdp::{self, NodeDescriptor, ZdpMessage, ZdpStatus};

/// How long answers to a Match_Desc_req are collected.
const DISCOVERY_WAIT: Duration = Duration::from_secs(1);
/// How often a Match_Desc_req is sent until somebody answers: it is a broadcast, which nobody acknowledges.
const DISCOVERY_ATTEMPTS: u8 = 3;
/// Discoveries at once.
const MAX_DISCOVERIES: usize = 8;

/// Stack compliance revision 21, as the server mask has it.
const REVISION_21: u16 = 21 << 9;
/// Primary trust centre, in the server mask.
const TRUST_CENTRE: u16 = 1;

/// A discovery under way.
#[derive(Debug)]
pub(super) struct Discovery {
    profile: u16,
    cluster: u16,
    server: bool,
    sequences: Vec<u8>,
    attempts_left: u8,
    until: Instant,
    found: Vec<Eui64>,
}

impl Node {
    pub(super) fn next_zdp_sequence(&mut self) -> u8 {
        self.zdp_sequence = self.zdp_sequence.wrapping_add(1);
        self.zdp_sequence
    }

    /// Sends a question or announcement under a new transaction sequence number, which is returned.
    pub(super) fn send_zdp(
        &mut self,
        now: Instant,
        owner: Owner,
        destination: Destination,
        message: &ZdpMessage,
    ) -> u8 {
        let sequence = self.next_zdp_sequence();
        self.send_zdp_as(now, owner, destination, message, sequence);
        sequence
    }

    fn send_zdp_as(
        &mut self,
        now: Instant,
        owner: Owner,
        destination: Destination,
        message: &ZdpMessage,
        sequence: u8,
    ) {
        self.send_message(
            now,
            owner,
            Outgoing {
                destination,
                profile: zdp::PROFILE,
                cluster: message.cluster(),
                source_endpoint: zdp::ENDPOINT,
                destination_endpoint: zdp::ENDPOINT,
                asdu: message.emit(sequence),
                aps_ack: false,
                link_key: false,
            },
        );
    }

    pub(super) fn zdo_received(
        &mut self,
        now: Instant,
        source: Eui64,
        source_short: u16,
        broadcast: bool,
        cluster: u16,
        asdu: &[u8],
    ) {
        let Ok((sequence, message)) = ZdpMessage::parse(cluster, asdu) else {
            return self.reject(crate::api::RejectReason::Malformed, Some(source_short), Some(source));
        };
        match message {
            ZdpMessage::DeviceAnnce { eui, .. } => self.announced(source, eui),
            ZdpMessage::MatchDescRsp { status: ZdpStatus::Success, endpoints, .. } if !endpoints.is_empty() => {
                self.matched(sequence, source, source_short, endpoints);
            }
            question => {
                if let Some(answer) = self.answer(&question, broadcast) {
                    self.send_zdp_as(now, Owner::Zdo, Destination::Short(source_short), &answer, sequence);
                }
            }
        }
    }

    /// A device that was joined already announces itself: it was off, or away.
    fn announced(&mut self, source: Eui64, eui: Eui64) {
        if source != eui || !matches!(self.config.role, Role::Coordinator { .. }) || self.just_joined == Some(eui) {
            return;
        }
        if let Some(short) = self.peers.get(&eui).filter(|peer| peer.joined).and_then(|peer| peer.short) {
            self.events.push_back(Event::DeviceJoined { eui, short });
        }
    }

    /// The answer to a question; none to what is no question, or to a broadcast that concerns others.
    fn answer(&self, question: &ZdpMessage, broadcast: bool) -> Option<ZdpMessage> {
        let own = self.short;
        let status = |short: u16| {
            if short == own {
                Some(ZdpStatus::Success)
            } else if broadcast {
                None
            } else {
                Some(ZdpStatus::DeviceNotFound)
            }
        };
        let success = |status: ZdpStatus| status == ZdpStatus::Success;
        Some(match *question {
            ZdpMessage::NwkAddrReq { eui } => {
                let short = if eui == self.config.eui64 { Some(own) } else { self.short_of(eui) };
                match short {
                    Some(short) if short == own || !broadcast => {
                        ZdpMessage::AddrRsp { ieee: false, status: ZdpStatus::Success, eui, short }
                    }
                    _ if broadcast => return None,
                    _ => ZdpMessage::AddrRsp {
                        ieee: false,
                        status: ZdpStatus::DeviceNotFound,
                        eui,
                        short: nwk::BROADCAST_ALL,
                    },
                }
            }
            ZdpMessage::IeeeAddrReq { short } => {
                let eui = if short == own { Some(self.config.eui64) } else { self.eui_of(short) };
                let status = if eui.is_some() { ZdpStatus::Success } else { ZdpStatus::DeviceNotFound };
                ZdpMessage::AddrRsp { ieee: true, status, eui: eui.unwrap_or_default(), short }
            }
            ZdpMessage::NodeDescReq { short } => {
                let status = status(short)?;
                ZdpMessage::NodeDescRsp { status, short, descriptor: success(status).then(|| self.node_descriptor()) }
            }
            ZdpMessage::ActiveEpReq { short } => {
                let status = status(short)?;
                let endpoints = self.config.endpoints.iter().filter(|_| success(status)).map(|e| e.endpoint).collect();
                ZdpMessage::ActiveEpRsp { status, short, endpoints }
            }
            ZdpMessage::SimpleDescReq { short, endpoint } => {
                let known = self.config.endpoints.iter().find(|own| own.endpoint == endpoint);
                let status = match (status(short)?, known) {
                    (ZdpStatus::Success, None) if matches!(endpoint, 1..=240) => ZdpStatus::NotActive,
                    (ZdpStatus::Success, None) => ZdpStatus::InvalidEndpoint,
                    (status, _) => status,
                };
                ZdpMessage::SimpleDescRsp { status, short, descriptor: known.filter(|_| success(status)).cloned() }
            }
            ZdpMessage::MatchDescReq { short, profile, ref input_clusters, ref output_clusters } => {
                let status = if nwk::is_broadcast(short) { ZdpStatus::Success } else { status(short)? };
                let matching = |own: &&crate::api::SimpleDescriptor| {
                    (own.profile == profile || profile == 0xFFFF)
                        && (input_clusters.iter().any(|c| own.input_clusters.contains(c))
                            || output_clusters.iter().any(|c| own.output_clusters.contains(c)))
                };
                let endpoints: Vec<u8> = self
                    .config
                    .endpoints
                    .iter()
                    .filter(|_| success(status))
                    .filter(matching)
                    .map(|own| own.endpoint)
                    .collect();
                if endpoints.is_empty() && (broadcast || nwk::is_broadcast(short)) {
                    return None;
                }
                ZdpMessage::MatchDescRsp { status, short: own, endpoints }
            }
            _ => return None,
        })
    }

    fn node_descriptor(&self) -> NodeDescriptor {
        let coordinator = matches!(self.config.role, Role::Coordinator { .. });
        // What 255 fragments carry, in either direction.
        let maximum = (self.config.aps.fragment_size.clamp(1, super::build::room(true, true)) * 255) as u16;
        NodeDescriptor {
            logical_type: if coordinator { 0 } else { 2 },
            capability: if coordinator { Capability::FULL_FUNCTION } else { Capability::END_DEVICE_RX_ON },
            manufacturer_code: self.config.manufacturer_code,
            maximum_buffer: super::build::room(false, false) as u8,
            maximum_incoming: maximum,
            server_mask: REVISION_21 | if coordinator { TRUST_CENTRE } else { 0 },
            maximum_outgoing: maximum,
        }
    }

    pub(super) fn start_discovery(&mut self, now: Instant, profile: u16, cluster: u16, server: bool) {
        if !self.is_joined() || self.discoveries.len() >= MAX_DISCOVERIES {
            self.events.push_back(Event::DiscoveryEnded { profile, cluster, found: 0 });
            return;
        }
        let mut discovery = Discovery {
            profile,
            cluster,
            server,
            sequences: Vec::new(),
            attempts_left: DISCOVERY_ATTEMPTS,
            until: now,
            found: Vec::new(),
        };
        self.ask(now, &mut discovery);
        self.discoveries.push(discovery);
    }

    fn ask(&mut self, now: Instant, discovery: &mut Discovery) {
        let clusters = alloc::vec![discovery.cluster];
        let (input_clusters, output_clusters) =
            if discovery.server { (clusters, Vec::new()) } else { (Vec::new(), clusters) };
        let question = ZdpMessage::MatchDescReq {
            short: nwk::BROADCAST_RX_ON,
            profile: discovery.profile,
            input_clusters,
            output_clusters,
        };
        let sequence = self.send_zdp(now, Owner::Zdo, Destination::BROADCAST, &question);
        discovery.sequences.push(sequence);
        discovery.attempts_left = discovery.attempts_left.saturating_sub(1);
        discovery.until = now + DISCOVERY_WAIT;
    }

    fn matched(&mut self, sequence: u8, eui: Eui64, short: u16, endpoints: Vec<u8>) {
        let asked = |d: &&mut Discovery| d.sequences.contains(&sequence) && !d.found.contains(&eui);
        if let Some(discovery) = self.discoveries.iter_mut().find(asked) {
            discovery.found.push(eui);
            let (profile, cluster) = (discovery.profile, discovery.cluster);
            self.events.push_back(Event::Discovered { profile, cluster, eui, short, endpoints });
        }
    }

    pub(super) fn discoveries_poll_at(&self) -> Option<Instant> {
        self.discoveries.iter().map(|discovery| discovery.until).min()
    }

    pub(super) fn discoveries_poll(&mut self, now: Instant) {
        let due = |d: &Discovery| now >= d.until;
        while let Some(at) = self.discoveries.iter().position(due) {
            let mut discovery = self.discoveries.remove(at);
            if discovery.found.is_empty() && discovery.attempts_left > 0 {
                self.ask(now, &mut discovery);
                self.discoveries.push(discovery);
            } else {
                self.discovery_ended(&discovery);
            }
        }
    }

    /// The network is gone, and nobody will answer.
    pub(super) fn end_discoveries(&mut self) {
        for discovery in core::mem::take(&mut self.discoveries) {
            self.discovery_ended(&discovery);
        }
    }

    fn discovery_ended(&mut self, discovery: &Discovery) {
        let Discovery { profile, cluster, ref found, .. } = *discovery;
        self.events.push_back(Event::DiscoveryEnded { profile, cluster, found: found.len() });
    }
}
