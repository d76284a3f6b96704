//! The node: its public face and its clockwork. Each file below does one part of the work.

mod build;
mod counter;
mod fragments;
mod join;
mod messages;
mod peer;
mod radio;
mod receive;
mod trust_centre;
mod zdo;

use crate::api::{
    Counters, Event, Handle, NodeConfig, Outgoing, ReceiveFilter, Role, SendError, Transmit, TransmitResult,
};
use crate::laxity::Laxities;
use crate::state::{NetworkState, PersistentState};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use counter::OutgoingCounter;
use fragments::Fragments;
use hanrig_wire::mac::Address;
use hanrig_wire::nwk;
use hanrig_wire::security::{CcmKey, LinkKey};
use hanrig_wire::time::Instant;
use hanrig_wire::types::{Eui64, Key128};
use join::{Candidate, State};
use messages::{Message, Owner};
use peer::Peer;
use radio::{Job, Radio};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use receive::LastFrame;
use trust_centre::Pending;
use zdo::Discovery;

/// Events waiting to be taken beyond which rejections are counted only.
const MAX_REJECTIONS: usize = 256;
/// Nodes that an end device remembers.
const MAX_PEERS: usize = 256;

/// The network that the node is in, or stores.
#[derive(Debug)]
struct Network {
    channel: u8,
    pan_id: u16,
    extended_pan_id: u64,
    key: CcmKey,
    key_sequence: u8,
    short: u16,
}

/// A ZigBee node. See the [crate's documentation](crate) for what it does and how it is driven.
#[derive(Debug)]
pub struct Node {
    config: NodeConfig,
    rng: ChaCha8Rng,
    state: State,
    network: Option<Network>,
    /// What the MAC filters by; 0xFFFF for none yet.
    channel: u8,
    pan_id: u16,
    short: u16,
    /// The network that an end device is joining.
    candidate: Option<Candidate>,
    attempts: u32,
    parent_failures: u8,
    peers: BTreeMap<Eui64, Peer>,
    shorts: BTreeMap<u16, Eui64>,
    /// The device that the frame being received has made a member.
    just_joined: Option<Eui64>,
    pending: BTreeMap<Eui64, Pending>,
    /// Who gets the network key when.
    keys_due: BTreeMap<Eui64, Instant>,
    last_frames: BTreeMap<Address, LastFrame>,
    nwk_out: OutgoingCounter,
    aps_out: OutgoingCounter,
    mac_sequence: u8,
    nwk_sequence: u8,
    aps_counter: u8,
    zdp_sequence: u8,
    next_handle: u32,
    radio: Radio,
    messages: BTreeMap<u32, Message>,
    fragments: Fragments,
    discoveries: Vec<Discovery>,
    persist_needed: bool,
    events: VecDeque<Event>,
    counters: Counters,
    buffer: Vec<u8>,
    aps_buffer: Vec<u8>,
    lax: Laxities,
}

impl Node {
    /// A node, from nothing or from what it stored. It does nothing until [`Self::start`].
    ///
    /// What is restored wins over the configuration's network; the configuration's link key wins over a stored one.
    pub fn new(config: NodeConfig, restored: Option<PersistentState>) -> Self {
        let mut rng = ChaCha8Rng::from_seed(config.seed);
        let [mac_sequence, nwk_sequence, aps_counter, zdp_sequence] = rng.next_u32().to_le_bytes();
        let restored =
            restored.unwrap_or(PersistentState { network: None, nwk_counter: 0, aps_counter: 0, peers: Vec::new() });
        let mut peers: BTreeMap<Eui64, Peer> =
            restored.peers.iter().map(|state| (state.eui, Peer::restored(state))).collect();
        if let Role::EndDevice { link_key, .. } = config.role {
            let changed = |peer: &&mut Peer| peer.link.as_ref().is_some_and(|link| link.data.key() != link_key);
            for peer in peers.values_mut().filter(changed) {
                peer.set_link_key(LinkKey::new(link_key));
            }
        }
        let shorts = peers.iter().filter_map(|(eui, peer)| Some((peer.short?, *eui))).collect();
        let network = restored.network.map(|network| Network {
            channel: network.channel,
            pan_id: network.pan_id,
            extended_pan_id: network.extended_pan_id,
            key: CcmKey::new(network.network_key),
            key_sequence: network.key_sequence,
            short: network.short_address,
        });
        let lifetime = config.aps.ack_wait * (u32::from(config.aps.retries) + 2);
        let mut node = Self {
            fragments: Fragments::new(config.aps.window, lifetime),
            channel: match &config.role {
                Role::Coordinator { channel, .. } => *channel,
                Role::EndDevice { channels, .. } => channels.first().copied().unwrap_or(11),
            },
            config,
            rng,
            state: State::Off,
            network,
            pan_id: nwk::BROADCAST_ALL,
            short: nwk::BROADCAST_ALL,
            candidate: None,
            attempts: 0,
            parent_failures: 0,
            peers,
            shorts,
            just_joined: None,
            pending: BTreeMap::new(),
            keys_due: BTreeMap::new(),
            last_frames: BTreeMap::new(),
            nwk_out: OutgoingCounter::new(restored.nwk_counter),
            aps_out: OutgoingCounter::new(restored.aps_counter),
            mac_sequence,
            nwk_sequence,
            aps_counter,
            zdp_sequence,
            next_handle: 0,
            radio: Radio::default(),
            messages: BTreeMap::new(),
            discoveries: Vec::new(),
            // The counters just reserved must be stored before they are used.
            persist_needed: true,
            events: VecDeque::new(),
            counters: Counters::default(),
            buffer: Vec::new(),
            aps_buffer: Vec::new(),
            lax: Laxities::new(),
        };
        node.tune();
        node
    }

    /// Forms the network (coordinator), or joins or resumes it (end device). A node that was told to leave can be started
    /// again.
    pub fn start(&mut self, now: Instant) {
        if !matches!(self.state, State::Off) {
            return;
        }
        match self.config.role {
            Role::Coordinator { .. } => self.start_coordinator(),
            Role::EndDevice { .. } => self.start_end_device(now),
        }
        self.pump(now);
    }

    /// A frame came off the air, FCS included. `now` is when its last octet arrived, `lqi` its link quality, 0 to 255.
    pub fn on_frame(&mut self, now: Instant, octets: &[u8], lqi: u8) {
        if matches!(self.state, State::Off) {
            return;
        }
        self.receive(now, octets, lqi);
        self.pump(now);
    }

    /// What became of the last frame taken with `csma` set; `now` is when its last octet left. Not to be called for
    /// acknowledgements, which are taken with `csma` clear.
    pub fn on_transmit_done(&mut self, now: Instant, result: TransmitResult) {
        self.radio_done(now, result);
        self.pump(now);
    }

    /// When [`Self::poll`] is to be called next. Changes with every call of another method.
    pub fn poll_at(&self) -> Option<Instant> {
        [
            self.radio.poll_at(),
            self.join_poll_at(),
            self.messages_poll_at(),
            self.fragments.poll_at(),
            self.pending_poll_at(),
            self.discoveries_poll_at(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due.
    pub fn poll(&mut self, now: Instant) {
        self.radio_poll(now);
        self.join_poll(now);
        self.messages_poll(now);
        self.fragments.poll(now);
        self.pending_poll(now);
        self.discoveries_poll(now);
        self.pump(now);
    }

    /// The next frame for the radio. To be asked for, until there is none, after every call of another method.
    pub fn take_transmit(&mut self) -> Option<Transmit> {
        self.radio_take()
    }

    /// The next event. To be asked for, until there is none, after every call of another method.
    pub fn take_event(&mut self) -> Option<Event> {
        if core::mem::take(&mut self.persist_needed) {
            return Some(Event::PersistNeeded);
        }
        self.events.pop_front()
    }

    /// Sends a message. Always ends with one [`Event::Sent`] with the handle returned, even if it fails at once.
    pub fn send(&mut self, now: Instant, message: Outgoing) -> Handle {
        let handle = self.send_message(now, Owner::Application, message);
        self.pump(now);
        handle
    }

    /// Trust centre: admits a device with the link key derived from its install code.
    ///
    /// Permitting it again with the same key changes nothing. To admit a device that has lost its frame counters (its
    /// frames are rejected as replays), [`forget`](Self::forget) it first.
    pub fn permit(&mut self, device: Eui64, link_key: Key128) {
        if matches!(self.config.role, Role::Coordinator { .. }) {
            self.permit_device(device, link_key);
        }
    }

    /// Trust centre: no longer admits a device, and tells it to leave if it has joined.
    pub fn forget(&mut self, device: Eui64) {
        if matches!(self.config.role, Role::Coordinator { .. }) {
            self.forget_device(device);
            // Sealing a frame takes no time of day: it goes out when the radio is next asked.
            self.pump(Instant::ZERO);
        }
    }

    /// Asks all devices for endpoints of `profile` that serve `cluster` (`server`), or are a client of it. Answers are
    /// [`Event::Discovered`]; [`Event::DiscoveryEnded`] is the last.
    pub fn discover(&mut self, now: Instant, profile: u16, cluster: u16, server: bool) {
        self.start_discovery(now, profile, cluster, server);
        self.pump(now);
    }

    /// What the radio is to receive now. An owner whose radio filters tells it when this changes.
    pub const fn receive_filter(&self) -> ReceiveFilter {
        ReceiveFilter { channel: self.channel, pan_id: self.pan_id, short: self.short, extended: self.config.eui64 }
    }

    /// Whether the node is in a network and, as an end device, was answered there.
    pub fn is_joined(&self) -> bool {
        matches!(self.state, State::Up)
    }

    /// The node's own short address, while it is joined.
    pub fn short_address(&self) -> Option<u16> {
        self.is_joined().then_some(self.short)
    }

    /// The node's own extended address.
    pub const fn eui64(&self) -> Eui64 {
        self.config.eui64
    }

    /// The short address of another node.
    pub fn short_of(&self, eui: Eui64) -> Option<u16> {
        self.peers.get(&eui)?.short
    }

    /// The extended address behind the short address of another node.
    pub fn eui_of(&self, short: u16) -> Option<Eui64> {
        self.shorts.get(&short).copied()
    }

    /// The channel that the receiver is to be tuned to, 11 to 26. An end device changes it while it looks for a network: a
    /// frame taken says the same channel, and the receiver stays there.
    pub const fn channel(&self) -> u8 {
        self.channel
    }

    /// What must outlive a power cycle.
    pub fn persistent_state(&self) -> PersistentState {
        PersistentState {
            network: self.network.as_ref().map(|network| NetworkState {
                channel: network.channel,
                pan_id: network.pan_id,
                extended_pan_id: network.extended_pan_id,
                network_key: network.key.key(),
                key_sequence: network.key_sequence,
                short_address: network.short,
            }),
            nwk_counter: self.nwk_out.reserved(),
            aps_counter: self.aps_out.reserved(),
            peers: self.peers.iter().filter_map(|(eui, peer)| peer.state(*eui)).collect(),
        }
    }

    /// Leaves a check out from now on.
    #[cfg(feature = "planted-faults")]
    pub fn relax(&mut self, laxity: crate::Laxity) {
        self.lax.add(laxity);
    }

    /// Counts of what the node saw.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    fn random_u16(&mut self) -> u16 {
        (self.rng.next_u32() >> 16) as u16
    }

    /// Sets what the MAC filters by to the stored network.
    fn tune(&mut self) {
        if let Some(network) = &self.network {
            self.channel = network.channel;
            self.pan_id = network.pan_id;
            self.short = network.short;
        }
    }

    /// Notes that `source` sent an authentic frame as `short`. False when another node has that address.
    fn heard(&mut self, source: Eui64, short: u16, frame_counter: u32) -> bool {
        let coordinator = matches!(self.config.role, Role::Coordinator { .. });
        if self.shorts.get(&short).is_some_and(|holder| *holder != source) {
            if coordinator {
                return false;
            }
            self.shorts.remove(&short);
        }
        if !self.peers.contains_key(&source) && self.peers.len() >= MAX_PEERS {
            return false;
        }
        let peer = self.peers.entry(source).or_insert_with(|| Peer::new(None, None));
        if let Some(old) = peer.short.replace(short).filter(|old| *old != short) {
            self.shorts.remove(&old);
        }
        self.shorts.insert(short, source);
        self.persist_needed |= peer.nwk_accept(frame_counter);
        if coordinator && !peer.joined {
            peer.joined = true;
            self.just_joined = Some(source);
            self.persist_needed = true;
            self.events.push_back(Event::DeviceJoined { eui: source, short });
        }
        true
    }

    /// The MAC is through with a job.
    fn job_done(&mut self, now: Instant, job: Job, result: Result<(), SendError>) {
        let unicast_to_parent = match (&self.config.role, &job) {
            (Role::EndDevice { .. }, Job::Ack { .. }) => true,
            (Role::EndDevice { .. }, Job::Message { id, .. }) => {
                self.messages.get(id).is_some_and(|message| !nwk::is_broadcast(message.destination))
            }
            _ => false,
        };
        match job {
            Job::Message { id, .. } => self.block_done(now, id, result),
            Job::AssociationResponse { device, status, .. } if result.is_ok() => {
                self.association_done(now, device, status)
            }
            Job::BeaconRequest { .. } | Job::AssociationRequest | Job::DataRequest | Job::Command { .. } => {
                self.join_job_done(now, &job, result);
            }
            Job::AssociationResponse { .. } | Job::Beacon | Job::TransportKey { .. } | Job::Ack { .. } => {}
        }
        if unicast_to_parent {
            self.parent_heard(now, result);
        }
    }
}
