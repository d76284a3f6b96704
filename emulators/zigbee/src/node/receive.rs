//! What comes off the air, from the MAC to the application, and all the reasons not to believe it.

use super::Node;
use super::fragments::MessageId;
use super::join::State;
use super::peer::Peer;
use super::radio::Job;
use crate::api::{Event, Incoming, RejectReason, Rejection, Role};
use crate::laxity::Laxity;
use alloc::vec::Vec;
use core::time::Duration;
use hanrig_wire::aps::{Addressing, ApsFrame, ApsHeader, ApsKind, Fragment};
use hanrig_wire::mac::{Address, Beacon, FrameType, MacCommand, MacError, MacFrame, MacHeader};
use hanrig_wire::nwk::{self, NwkCommand, NwkFrame, NwkFrameType, NwkHeader};
use hanrig_wire::radio::Layer;
use hanrig_wire::security::{AuxHeader, KeyId, SecuredFrame};
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;
use hanrig_wire::zdp;

/// The same octets from the same sender within this time are its MAC sending again, because it missed our
/// acknowledgement: longer than all retries with all their backoffs take.
const MAC_RETRY_SPAN: Duration = Duration::from_millis(250);

/// Senders whose last frame is remembered for that.
const MAX_SENDERS: usize = 64;

/// The last frame of a sender.
#[derive(Clone, Debug)]
pub(super) struct LastFrame {
    at: Instant,
    octets: Vec<u8>,
}

/// Why a frame is not believed, and whom it claims to come from.
pub(super) type Blame = (RejectReason, Option<Eui64>);

/// What an authenticated NWK frame says of itself.
#[derive(Clone, Copy)]
struct Authentic {
    header: NwkHeader,
    source: Eui64,
    frame_counter: u32,
}

impl Node {
    pub(super) fn receive(&mut self, now: Instant, octets: &[u8], lqi: u8) {
        let frame = match MacFrame::parse(octets) {
            Ok(frame) => frame,
            Err(MacError::Fcs { .. }) => {
                self.counters.bad_fcs += 1;
                return;
            }
            Err(MacError::Malformed(_)) => return self.reject(RejectReason::Malformed, None, None),
        };
        self.counters.received += 1;
        self.just_joined = None;
        let header = &frame.header;
        if header.frame_type == FrameType::Ack {
            return self.radio_ack(now, header.sequence);
        }
        if !self.is_for_us(header) {
            return;
        }
        let broadcast = matches!(header.destination, Address::Short(0xFFFF) | Address::None);
        if header.ack_request && !broadcast {
            let pending = self.is_poll_with_data(&frame);
            self.acknowledge(now, header.sequence, pending);
        }
        if self.is_mac_retry(now, header.source, octets) {
            self.counters.mac_duplicates += 1;
            return;
        }
        match header.frame_type {
            FrameType::Ack => {}
            FrameType::Beacon => match Beacon::parse(frame.payload) {
                Ok(beacon) => self.beacon_heard(header, &beacon, lqi),
                Err(_) => self.reject_mac(RejectReason::Malformed, header),
            },
            FrameType::Command => match MacCommand::parse(frame.payload) {
                Ok(command) => self.mac_command(now, header, command),
                Err(_) => self.reject_mac(RejectReason::Malformed, header),
            },
            FrameType::Data => self.nwk_frame(now, frame.payload),
        }
    }

    fn is_for_us(&self, header: &MacHeader) -> bool {
        match (header.destination_pan, header.destination) {
            // Beacons have no destination.
            (_, Address::None) => header.frame_type == FrameType::Beacon,
            (Some(pan), _) if pan != self.pan_id && pan != 0xFFFF => false,
            (_, Address::Short(short)) => short == 0xFFFF || (short == self.short && self.pan_id != 0xFFFF),
            (_, Address::Extended(eui)) => eui == self.config.eui64,
        }
    }

    fn is_poll_with_data(&self, frame: &MacFrame<'_>) -> bool {
        match (MacCommand::parse(frame.payload), frame.header) {
            (
                Ok(MacCommand::DataRequest),
                MacHeader { frame_type: FrameType::Command, source: Address::Extended(eui), .. },
            ) => self.pending.contains_key(&eui),
            _ => false,
        }
    }

    fn is_mac_retry(&mut self, now: Instant, source: Address, octets: &[u8]) -> bool {
        if source == Address::None || self.lax.has(Laxity::Replays) {
            return false;
        }
        if let Some(last) = self.last_frames.get_mut(&source) {
            if last.octets == octets && now.saturating_since(last.at) < MAC_RETRY_SPAN {
                return true;
            }
            last.at = now;
            last.octets.clear();
            last.octets.extend_from_slice(octets);
            return false;
        }
        if self.last_frames.len() >= MAX_SENDERS {
            self.last_frames.clear();
        }
        self.last_frames.insert(source, LastFrame { at: now, octets: octets.to_vec() });
        false
    }

    fn mac_command(&mut self, now: Instant, header: &MacHeader, command: MacCommand) {
        let coordinator = matches!(self.config.role, Role::Coordinator { .. });
        match (command, header.source) {
            (MacCommand::BeaconRequest, _) if coordinator && !self.radio.contains(&Job::Beacon) => {
                self.radio.push(Job::Beacon);
            }
            (MacCommand::AssociationRequest(_), Address::Extended(device)) if coordinator => {
                self.association_requested(now, device);
            }
            (MacCommand::DataRequest, Address::Extended(device)) if coordinator => self.poll_received(device),
            (MacCommand::AssociationResponse { short, status }, _) if !coordinator => {
                self.association_answered(now, short, status);
            }
            _ => {}
        }
    }

    fn nwk_frame(&mut self, now: Instant, octets: &[u8]) {
        let Ok(frame) = NwkFrame::parse(octets) else {
            return self.reject(RejectReason::Malformed, None, None);
        };
        let header = frame.header;
        let for_us = match header.destination {
            nwk::BROADCAST_ROUTERS => matches!(self.config.role, Role::Coordinator { .. }),
            nwk::BROADCAST_ALL | nwk::BROADCAST_RX_ON => true,
            short => short == self.short,
        };
        if !for_us {
            return;
        }
        if !header.security {
            // Only the network key itself comes without NWK security, and only to who waits for it.
            return match self.state {
                State::AwaitKey { .. } if header.frame_type == NwkFrameType::Data => {
                    self.key_frame(now, &header, frame.payload);
                }
                _ if self.lax.has(Laxity::Unsecured) && header.frame_type == NwkFrameType::Data => {
                    self.unsecured_frame(now, header, frame.payload);
                }
                _ => self.reject(RejectReason::NwkUnsecured, Some(header.source), header.source_eui),
            };
        }
        let mut buffer = core::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.extend_from_slice(octets);
        match self.open_nwk(&frame, &mut buffer) {
            Ok(Some((authentic, payload_at))) => {
                let payload = buffer.get(payload_at..).unwrap_or_default();
                match header.frame_type {
                    NwkFrameType::Command => self.nwk_command(now, &authentic, payload),
                    NwkFrameType::Data => self.aps_frame(now, &authentic, payload),
                }
            }
            Ok(None) => {}
            Err((reason, source)) => self.reject(reason, Some(header.source), source),
        }
        self.buffer = buffer;
    }

    /// Takes a frame without security as coming from whom it says.
    fn unsecured_frame(&mut self, now: Instant, header: NwkHeader, payload: &[u8]) {
        if let Some(source) = self.eui_of(header.source) {
            let payload = payload.to_vec();
            self.aps_frame(now, &Authentic { header, source, frame_counter: 0 }, &payload);
        }
    }

    /// Decrypts `buffer` and notes who is heard. None for a frame that is passed over without blame.
    fn open_nwk(&mut self, frame: &NwkFrame<'_>, buffer: &mut Vec<u8>) -> Result<Option<(Authentic, usize)>, Blame> {
        let Some(network) = &self.network else { return Ok(None) };
        let aux = AuxHeader::parse(Layer::Nwk, frame.payload).map_err(|_| (RejectReason::Malformed, None))?;
        let (KeyId::Network, Some(source)) = (aux.key_id, aux.source) else {
            return Err((RejectReason::Malformed, aux.source));
        };
        let blame = |reason| (reason, Some(source));
        if source == self.config.eui64 {
            // Only a replay of our own frames says that.
            return Err(blame(RejectReason::NwkReplay));
        }
        if aux.key_sequence != Some(network.key_sequence) {
            return Err(blame(RejectReason::NwkUnknownKey));
        }
        let coordinator = matches!(self.config.role, Role::Coordinator { .. });
        let known = self.peers.get(&source);
        if coordinator && known.is_none() {
            return Err(blame(RejectReason::UnknownDevice));
        }
        if known.is_some_and(|peer| !peer.nwk_is_fresh(aux.frame_counter)) && !self.lax.has(Laxity::Replays) {
            return Err(blame(RejectReason::NwkReplay));
        }
        let place =
            SecuredFrame { header_at: 0, aux_at: frame.header_len, payload_at: frame.header_len + aux.octets() };
        place.open(&network.key, &aux, source, buffer).map_err(|_| blame(RejectReason::NwkBadMic))?;
        if !self.heard(source, frame.header.source, aux.frame_counter) {
            return Err(blame(RejectReason::UnknownDevice));
        }
        let authentic = Authentic { header: frame.header, source, frame_counter: aux.frame_counter };
        Ok(Some((authentic, place.payload_at)))
    }

    fn nwk_command(&mut self, now: Instant, from: &Authentic, payload: &[u8]) {
        let Ok(command) = NwkCommand::parse(payload) else {
            return self.reject(RejectReason::Malformed, Some(from.header.source), Some(from.source));
        };
        let coordinator = matches!(self.config.role, Role::Coordinator { .. });
        match command {
            NwkCommand::Leave { request: true, .. } if !coordinator && self.is_trust_centre(from.source) => {
                self.told_to_leave(now);
            }
            NwkCommand::Leave { request: false, .. } if coordinator => self.device_left(now, from.source),
            NwkCommand::RejoinRequest(_) if coordinator => self.rejoin_requested(from.source),
            NwkCommand::RejoinResponse { short, status } if !coordinator && self.is_trust_centre(from.source) => {
                self.rejoin_answered(now, short, status);
            }
            _ => {}
        }
    }

    fn aps_frame(&mut self, now: Instant, from: &Authentic, octets: &[u8]) {
        let source_short = Some(from.header.source);
        let Ok(frame) = ApsFrame::parse(octets) else {
            return self.reject(RejectReason::Malformed, source_short, Some(from.source));
        };
        if self.is_trust_centre(from.source) {
            self.confirmed();
        }
        if !frame.header.security {
            return self.aps_payload(now, from, &frame.header, frame.payload);
        }
        let mut buffer = core::mem::take(&mut self.aps_buffer);
        buffer.clear();
        buffer.extend_from_slice(octets);
        match self.open_aps(from.source, &frame, &mut buffer) {
            Ok(payload_at) => {
                self.aps_payload(now, from, &frame.header, buffer.get(payload_at..).unwrap_or_default());
            }
            Err(reason) => self.reject(reason, source_short, Some(from.source)),
        }
        self.aps_buffer = buffer;
    }

    fn open_aps(&mut self, source: Eui64, frame: &ApsFrame<'_>, buffer: &mut Vec<u8>) -> Result<usize, RejectReason> {
        let aux = AuxHeader::parse(Layer::Aps, frame.payload).map_err(|_| RejectReason::Malformed)?;
        let peer = self.peers.get_mut(&source).ok_or(RejectReason::ApsNoKey)?;
        let link = peer.link.as_ref().ok_or(RejectReason::ApsNoKey)?;
        if aux.key_id != KeyId::Data || aux.source.is_some_and(|eui| eui != source) {
            return Err(RejectReason::ApsNoKey);
        }
        if !peer.aps_is_fresh(aux.frame_counter) && !self.lax.has(Laxity::Replays) {
            return Err(RejectReason::ApsReplay);
        }
        let place =
            SecuredFrame { header_at: 0, aux_at: frame.header_len, payload_at: frame.header_len + aux.octets() };
        place.open(&link.data, &aux, source, buffer).map_err(|_| RejectReason::ApsBadMic)?;
        peer.aps_accept(aux.frame_counter);
        Ok(place.payload_at)
    }

    fn aps_payload(&mut self, now: Instant, from: &Authentic, header: &ApsHeader, payload: &[u8]) {
        match &header.kind {
            ApsKind::Ack(_) => {
                if !self.aps_acknowledged(now, from.source, header) {
                    self.reject(RejectReason::ApsUnsecured, Some(from.header.source), Some(from.source));
                }
            }
            // No APS command has a meaning for a node that has the network key already.
            ApsKind::Command if header.security => {}
            ApsKind::Command => self.reject(RejectReason::ApsUnsecured, Some(from.header.source), Some(from.source)),
            ApsKind::Data(addressing) => self.aps_data(now, from, header, addressing, payload),
        }
    }

    fn aps_data(
        &mut self,
        now: Instant,
        from: &Authentic,
        header: &ApsHeader,
        addressing: &Addressing,
        payload: &[u8],
    ) {
        let Some(endpoint) = addressing.destination_endpoint else { return };
        let zdo = endpoint == zdp::ENDPOINT && addressing.profile == zdp::PROFILE;
        if !zdo && endpoint != 0xFF && !self.config.endpoints.iter().any(|own| own.endpoint == endpoint) {
            return;
        }
        let brought_before = |peer: &Peer| peer.is_duplicate(header.counter, header.security, from.frame_counter);
        let duplicate = self.peers.get(&from.source).is_some_and(brought_before) && !self.lax.has(Laxity::Replays);
        let broadcast = nwk::is_broadcast(from.header.destination);
        let (fragment, asdu) = if header.fragment == Fragment::None {
            (Fragment::None, (!duplicate).then(|| payload.to_vec()))
        } else {
            let id = MessageId { source: from.source, counter: header.counter, secured: header.security };
            let outcome = self.fragments.add(now, id, from.frame_counter, header.fragment, payload);
            let Some(fragment) = outcome.ack else { return };
            (fragment, outcome.message.filter(|_| !duplicate))
        };
        if header.ack_request && !broadcast {
            self.radio.push(Job::Ack {
                destination: from.header.source,
                destination_eui: from.source,
                header: ApsHeader { fragment, ..header.acknowledgement() },
            });
        }
        let Some(asdu) = asdu else {
            self.counters.aps_duplicates += u64::from(duplicate);
            return;
        };
        if let Some(peer) = self.peers.get_mut(&from.source) {
            peer.delivered(header.counter, header.security, from.frame_counter);
        }
        if zdo {
            return self.zdo_received(now, from.source, from.header.source, broadcast, addressing.cluster, &asdu);
        }
        self.events.push_back(Event::Data(Incoming {
            source: from.source,
            source_short: from.header.source,
            profile: addressing.profile,
            cluster: addressing.cluster,
            source_endpoint: addressing.source_endpoint,
            destination_endpoint: endpoint,
            asdu,
            secured_with_link_key: header.security,
            broadcast,
        }));
    }

    fn reject_mac(&mut self, reason: RejectReason, header: &MacHeader) {
        match header.source {
            Address::None => self.reject(reason, None, None),
            Address::Short(short) => self.reject(reason, Some(short), None),
            Address::Extended(eui) => self.reject(reason, None, Some(eui)),
        }
    }

    pub(super) fn reject(&mut self, reason: RejectReason, source_short: Option<u16>, source: Option<Eui64>) {
        self.counters.rejected += 1;
        // A flood must not fill the memory; the counter goes on.
        if self.events.len() < super::MAX_REJECTIONS {
            self.events.push_back(Event::Rejected(Rejection { reason, source_short, source }));
        }
    }
}
