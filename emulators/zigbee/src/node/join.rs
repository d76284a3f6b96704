//! How an end device gets into its network, and back into it.
//!
//! Joining: beacon request on each channel, association with the best beacon's sender, poll for the response, the network
//! key under the key-transport key of the install code's link key, Device_annce, and a node descriptor request whose
//! acknowledgement confirms that both speak with the same keys. A device with a stored network skips to the announcement;
//! if nobody answers it scans for the network and rejoins under the network key; if that fails, too, it joins anew.

use super::messages::Owner;
use super::peer::Peer;
use super::radio::Job;
use super::receive::Blame;
use super::{Network, Node};
use crate::api::{Destination, Event, JoinError, Outgoing, RejectReason, Role, SendError};
use alloc::vec::Vec;
use core::time::Duration;
use hanrig_wire::aps::{ApsCommand, ApsFrame, TransportedKey};
use hanrig_wire::mac::{Address, AssociationStatus, Beacon, Capability, MacHeader};
use hanrig_wire::nwk::{self, NwkCommand, NwkHeader};
use hanrig_wire::radio::Layer;
use hanrig_wire::security::{AuxHeader, CcmKey, KeyId, LinkKey, SecuredFrame};
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;
use hanrig_wire::zdp::{self, ZdpMessage};

/// How long the network key may take after the association.
const KEY_WAIT: Duration = Duration::from_secs(3);
/// How long a rejoin response may take.
const REJOIN_WAIT: Duration = Duration::from_secs(1);
/// The wait after the first failed attempt; it doubles with each more, six times at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How often the pause between attempts is doubled: to 17 minutes.
const MOST_DOUBLINGS: u32 = 10;
/// Messages in a row without a MAC acknowledgement after which the parent counts as lost.
const PARENT_LOST: u8 = 4;
/// Beacons kept of one scan.
const MAX_CANDIDATES: usize = 16;

/// Where the node stands with its network.
#[derive(Debug)]
pub(super) enum State {
    /// Not started, or told to leave.
    Off,
    /// In the network.
    Up,
    /// Collecting beacons: on the channel with this index, until then once the beacon request is sent.
    Scanning { rejoin: bool, channel: usize, until: Option<Instant>, found: Vec<Candidate> },
    /// Association request sent; polls when its time comes. `others` are tried if this coordinator refuses.
    Associating { polled: bool, until: Option<Instant>, others: Vec<Candidate> },
    /// Associated; waiting for the network key.
    AwaitKey { until: Instant, others: Vec<Candidate> },
    /// Announced; waiting to be answered.
    Confirming { resumed: bool },
    /// Rejoin request sent.
    Rejoining { until: Option<Instant> },
    /// Pausing after a failed attempt.
    Pausing { until: Instant },
}

/// A network that a beacon told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    channel: u8,
    pan_id: u16,
    extended_pan_id: u64,
    joinable: bool,
    lqi: u8,
}

impl Node {
    fn channels(&self) -> &[u8] {
        match &self.config.role {
            Role::EndDevice { channels, .. } => channels,
            Role::Coordinator { .. } => &[],
        }
    }

    pub(super) fn start_end_device(&mut self, now: Instant) {
        if self.network.is_some() {
            self.announce(now, true);
        } else {
            self.scan(now, false);
        }
    }

    pub(crate) fn is_trust_centre(&self, eui: Eui64) -> bool {
        matches!(self.config.role, Role::EndDevice { .. })
            && self.peers.get(&eui).is_some_and(|peer| peer.link.is_some())
    }

    fn scan(&mut self, now: Instant, rejoin: bool) {
        // The next state first: what is dropped must not start another attempt.
        self.state = State::Scanning { rejoin, channel: 0, until: None, found: Vec::new() };
        self.drop_messages(now, None);
        self.radio.drop_jobs(|_| true);
        self.fragments.clear();
        match self.channels().first() {
            Some(&channel) => self.radio.push(Job::BeaconRequest { channel }),
            None => self.attempt_failed(now, JoinError::NoNetwork),
        }
    }

    pub(super) fn beacon_heard(&mut self, header: &MacHeader, beacon: &Beacon, lqi: u8) {
        let channel = self.channel;
        let State::Scanning { found, .. } = &mut self.state else { return };
        let (Some(pan_id), Address::Short(nwk::COORDINATOR), Some(zigbee)) =
            (header.source_pan, header.source, beacon.zigbee)
        else {
            return;
        };
        if zigbee.stack_profile != 2 || zigbee.protocol_version != nwk::PROTOCOL_VERSION {
            return;
        }
        let candidate = Candidate {
            channel,
            pan_id,
            extended_pan_id: zigbee.extended_pan_id,
            joinable: beacon.association_permit && zigbee.end_device_capacity,
            lqi,
        };
        let known = |c: &Candidate| c.channel == channel && c.pan_id == pan_id;
        if !found.iter().any(known) && found.len() < MAX_CANDIDATES {
            found.push(candidate);
        }
    }

    fn scanned(&mut self, now: Instant, rejoin: bool, mut found: Vec<Candidate>) {
        let stored = self.network.as_ref().map(|network| network.extended_pan_id);
        found.retain(|c| if rejoin { Some(c.extended_pan_id) == stored } else { c.joinable });
        found.sort_by_key(|c| (core::cmp::Reverse(c.lqi), c.channel, c.pan_id));
        match (rejoin, found.first().copied()) {
            (true, Some(candidate)) => self.rejoin(candidate),
            _ => self.associate_next(now, found, JoinError::NoNetwork),
        }
    }

    /// Associates with the first of the candidates; without any, the attempt has failed for `reason`.
    fn associate_next(&mut self, now: Instant, mut candidates: Vec<Candidate>, reason: JoinError) {
        if candidates.is_empty() {
            return self.attempt_failed(now, reason);
        }
        let candidate = candidates.remove(0);
        self.channel = candidate.channel;
        self.pan_id = candidate.pan_id;
        self.short = nwk::BROADCAST_ALL;
        self.candidate = Some(candidate);
        self.state = State::Associating { polled: false, until: None, others: candidates };
        self.radio.push(Job::AssociationRequest);
    }

    fn rejoin(&mut self, candidate: Candidate) {
        let Some(network) = &mut self.network else { return };
        network.channel = candidate.channel;
        network.pan_id = candidate.pan_id;
        self.channel = candidate.channel;
        self.pan_id = candidate.pan_id;
        self.short = network.short;
        let trust_centre = self.peers.iter().find(|(_, peer)| peer.link.is_some()).map(|(eui, _)| *eui);
        self.state = State::Rejoining { until: None };
        self.radio.push(Job::Command {
            destination: nwk::COORDINATOR,
            destination_eui: trust_centre.unwrap_or_default(),
            command: NwkCommand::RejoinRequest(Capability::END_DEVICE_RX_ON),
        });
    }

    pub(super) fn rejoin_answered(&mut self, now: Instant, short: u16, status: u8) {
        if !matches!(self.state, State::Rejoining { .. }) {
            return;
        }
        if status != 0 || nwk::is_broadcast(short) || short == nwk::COORDINATOR {
            return self.attempt_failed(now, JoinError::AccessDenied);
        }
        if let Some(network) = &mut self.network {
            network.short = short;
        }
        self.short = short;
        self.persist_needed = true;
        self.announce(now, true);
    }

    pub(super) fn association_answered(&mut self, now: Instant, short: u16, status: AssociationStatus) {
        let State::Associating { others, .. } = &mut self.state else { return };
        let others = core::mem::take(others);
        self.radio.drop_jobs(|job| *job == Job::DataRequest);
        match status {
            AssociationStatus::Success if !nwk::is_broadcast(short) && short != nwk::COORDINATOR => {
                self.short = short;
                self.state = State::AwaitKey { until: now + KEY_WAIT, others };
            }
            AssociationStatus::AtCapacity => self.associate_next(now, others, JoinError::AtCapacity),
            _ => self.associate_next(now, others, JoinError::AccessDenied),
        }
    }

    /// A frame without NWK security while the network key is awaited.
    pub(super) fn key_frame(&mut self, now: Instant, header: &NwkHeader, octets: &[u8]) {
        if let Err((reason, source)) = self.take_network_key(now, octets) {
            self.reject(reason, Some(header.source), source);
        }
    }

    fn take_network_key(&mut self, now: Instant, octets: &[u8]) -> Result<(), Blame> {
        let Role::EndDevice { link_key, .. } = self.config.role else { return Ok(()) };
        let frame = ApsFrame::parse(octets).map_err(|_| (RejectReason::Malformed, None))?;
        if !frame.header.security {
            return Err((RejectReason::ApsUnsecured, None));
        }
        let aux = AuxHeader::parse(Layer::Aps, frame.payload).map_err(|_| (RejectReason::Malformed, None))?;
        let (KeyId::KeyTransport, Some(source)) = (aux.key_id, aux.source) else {
            return Err((RejectReason::ApsNoKey, aux.source));
        };
        let blame = |reason| (reason, Some(source));
        let link = LinkKey::new(link_key);
        let mut buffer = octets.to_vec();
        let place =
            SecuredFrame { header_at: 0, aux_at: frame.header_len, payload_at: frame.header_len + aux.octets() };
        place.open(&link.transport, &aux, source, &mut buffer).map_err(|_| blame(RejectReason::ApsBadMic))?;
        if self.peers.get(&source).is_some_and(|peer| peer.link.is_some() && !peer.aps_is_fresh(aux.frame_counter)) {
            return Err(blame(RejectReason::ApsReplay));
        }
        let payload = buffer.get(place.payload_at..).unwrap_or_default();
        match ApsCommand::parse(payload) {
            Ok(ApsCommand::TransportKey(TransportedKey::Network { key, sequence, destination, .. }))
                if destination == self.config.eui64 =>
            {
                let changed = self.network.as_ref().is_none_or(|network| network.key.key() != key);
                self.network = Some(Network {
                    extended_pan_id: self.candidate.map_or(0, |candidate| candidate.extended_pan_id),
                    key: CcmKey::new(key),
                    key_sequence: sequence,
                    channel: self.channel,
                    pan_id: self.pan_id,
                    short: self.short,
                });
                // One trust centre at a time: who had this place before has no say any more.
                self.peers.retain(|eui, _| *eui == source);
                let peer = self.peers.entry(source).or_insert_with(|| Peer::new(None, None));
                if changed {
                    peer.network_key_changed();
                }
                if peer.link.is_none() {
                    peer.set_link_key(link);
                }
                peer.aps_accept(aux.frame_counter);
                peer.short = Some(nwk::COORDINATOR);
                self.shorts.clear();
                self.shorts.insert(nwk::COORDINATOR, source);
                self.persist_needed = true;
                self.announce(now, false);
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(_) => Err(blame(RejectReason::Malformed)),
        }
    }

    fn send_announcement(&mut self, now: Instant) {
        let short = self.short;
        let announcement =
            ZdpMessage::DeviceAnnce { short, eui: self.config.eui64, capability: Capability::END_DEVICE_RX_ON };
        self.send_zdp(now, Owner::Zdo, Destination::BROADCAST, &announcement);
    }

    /// Announces a device that is on the network once more: nobody acknowledges an announcement, so that it may be lost.
    pub fn announce_again(&mut self, now: Instant) {
        if self.is_joined() {
            self.send_announcement(now);
        }
    }

    /// Announces the device, and asks the coordinator something to see whether it answers.
    fn announce(&mut self, now: Instant, resumed: bool) {
        self.state = State::Confirming { resumed };
        self.send_announcement(now);
        let question = ZdpMessage::NodeDescReq { short: nwk::COORDINATOR };
        let sequence = self.next_zdp_sequence();
        self.send_message(
            now,
            Owner::Confirmation,
            Outgoing {
                destination: Destination::Short(nwk::COORDINATOR),
                profile: zdp::PROFILE,
                cluster: question.cluster(),
                source_endpoint: zdp::ENDPOINT,
                destination_endpoint: zdp::ENDPOINT,
                asdu: question.emit(sequence),
                aps_ack: true,
                link_key: false,
            },
        );
    }

    /// The trust centre was heard under the network key.
    pub(super) fn confirmed(&mut self) {
        if matches!(self.state, State::Confirming { .. }) {
            self.state = State::Up;
            self.attempts = 0;
            self.parent_failures = 0;
            self.events.push_back(Event::NetworkUp { short: self.short });
        }
    }

    pub(super) fn confirmation_ended(&mut self, now: Instant, result: Result<(), SendError>) {
        match (&self.state, result) {
            (State::Confirming { .. }, Ok(())) => self.confirmed(),
            (State::Confirming { resumed: true }, Err(_)) => self.scan(now, true),
            (State::Confirming { resumed: false }, Err(_)) => self.attempt_failed(now, JoinError::NoConfirmation),
            _ => {}
        }
    }

    fn attempt_failed(&mut self, now: Instant, reason: JoinError) {
        let pause = FIRST_PAUSE * (1 << self.attempts.min(MOST_DOUBLINGS));
        let jitter = Duration::from_millis(u64::from(self.random_u16() % 1000));
        self.attempts = self.attempts.saturating_add(1);
        self.state = State::Pausing { until: now + pause + jitter };
        self.drop_messages(now, None);
        self.radio.drop_jobs(|_| true);
        self.events.push_back(Event::JoinFailed(reason));
    }

    pub(super) fn told_to_leave(&mut self, now: Instant) {
        self.state = State::Off;
        self.network = None;
        self.pan_id = nwk::BROADCAST_ALL;
        self.short = nwk::BROADCAST_ALL;
        self.drop_messages(now, None);
        self.radio.drop_jobs(|_| true);
        self.end_discoveries();
        self.persist_needed = true;
        self.events.push_back(Event::NetworkDown { told_to_leave: true });
    }

    /// Counts unicasts that the parent does not acknowledge; too many in a row and the device looks for its network.
    pub(super) fn parent_heard(&mut self, now: Instant, result: Result<(), SendError>) {
        match result {
            Ok(()) => self.parent_failures = 0,
            Err(SendError::NoMacAck) if matches!(self.state, State::Up) => {
                self.parent_failures = self.parent_failures.saturating_add(1);
                if self.parent_failures >= PARENT_LOST {
                    self.parent_failures = 0;
                    self.events.push_back(Event::NetworkDown { told_to_leave: false });
                    self.scan(now, true);
                    self.end_discoveries();
                }
            }
            Err(_) => {}
        }
    }

    /// A frame of the joining procedure was sent, or given up.
    pub(super) fn join_job_done(&mut self, now: Instant, job: &Job, result: Result<(), SendError>) {
        let (scan, response_wait) = (self.config.mac.scan, self.config.mac.response_wait);
        match (&mut self.state, job) {
            (State::Scanning { until, .. }, Job::BeaconRequest { .. }) => *until = Some(now + scan),
            (State::Associating { until, others, .. }, Job::AssociationRequest | Job::DataRequest) => match result {
                Ok(()) => *until = Some(now + response_wait),
                Err(_) => {
                    let others = core::mem::take(others);
                    self.associate_next(now, others, JoinError::NoResponse);
                }
            },
            (State::Rejoining { until }, Job::Command { .. }) => match result {
                Ok(()) => *until = Some(now + REJOIN_WAIT),
                Err(_) => self.attempt_failed(now, JoinError::NoResponse),
            },
            _ => {}
        }
    }

    pub(super) fn join_poll_at(&self) -> Option<Instant> {
        match &self.state {
            State::Off | State::Up | State::Confirming { .. } => None,
            State::Scanning { until, .. } | State::Associating { until, .. } | State::Rejoining { until } => *until,
            State::AwaitKey { until, .. } | State::Pausing { until } => Some(*until),
        }
    }

    pub(super) fn join_poll(&mut self, now: Instant) {
        if self.join_poll_at().is_none_or(|at| now < at) {
            return;
        }
        let next_channel = match &self.state {
            State::Scanning { channel, .. } => self.channels().get(channel + 1).copied(),
            _ => None,
        };
        match &mut self.state {
            State::Scanning { rejoin, channel, until, found } => {
                *until = None;
                *channel += 1;
                let (rejoin, found) = (*rejoin, found);
                match next_channel {
                    Some(channel) => self.radio.push(Job::BeaconRequest { channel }),
                    None => {
                        let found = core::mem::take(found);
                        self.scanned(now, rejoin, found);
                    }
                }
            }
            State::Associating { polled: polled @ false, until, .. } => {
                *polled = true;
                *until = None;
                self.radio.push(Job::DataRequest);
            }
            State::Associating { others, .. } => {
                let others = core::mem::take(others);
                self.associate_next(now, others, JoinError::NoResponse);
            }
            State::AwaitKey { others, .. } => {
                let others = core::mem::take(others);
                self.associate_next(now, others, JoinError::NoNetworkKey);
            }
            State::Rejoining { .. } => self.attempt_failed(now, JoinError::NoResponse),
            State::Pausing { .. } => {
                // Every fourth attempt of a device with a stored network is to join anew: the network may have changed.
                let rejoin = self.network.is_some() && !self.attempts.is_multiple_of(4);
                self.scan(now, rejoin);
            }
            State::Off | State::Up | State::Confirming { .. } => {}
        }
    }
}
