//! Outgoing APS messages: acknowledgements, retransmission, and fragments in windows (ZigBee 2.2.8.4).

use super::Node;
use super::build::room;
use super::radio::Job;
use crate::api::{Destination, Event, Handle, Outgoing, Role, SendError};
use alloc::vec::Vec;
use hanrig_wire::aps::{Addressing, ApsHeader, ApsKind, Delivery, Fragment};
use hanrig_wire::nwk;
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;

/// How many messages of the ZDO may be under way beside the application's.
const ZDO_MESSAGES: usize = 16;

/// Whom a message belongs to, and so who is told of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The application: it gets an event.
    Application,
    /// The ZDO server and discovery: nobody waits.
    Zdo,
    /// The end device's question whether its network still answers.
    Confirmation,
}

/// A message under way.
#[derive(Debug)]
pub(super) struct Message {
    owner: Owner,
    pub(super) destination: u16,
    pub(super) destination_eui: Option<Eui64>,
    header: ApsHeader,
    asdu: Vec<u8>,
    /// Octets of a block, when there are several.
    block_size: usize,
    blocks: u8,
    window: u8,
    /// The first block of the window, and which of its blocks are acknowledged.
    window_start: u8,
    acknowledged: u8,
    /// Blocks in the MAC's queue.
    queued: u8,
    retries_left: u8,
    /// The end of the wait for an APS acknowledgement.
    deadline: Option<Instant>,
    failure: Option<SendError>,
}

impl Message {
    /// The header and octets of a block.
    pub(super) fn block(&self, block: u8) -> (ApsHeader, &[u8]) {
        if self.blocks == 1 {
            return (self.header, &self.asdu);
        }
        let fragment = match block {
            0 => Fragment::First { blocks: self.blocks },
            block => Fragment::Part { block },
        };
        let octets = self.asdu.chunks(self.block_size).nth(usize::from(block)).unwrap_or_default();
        (ApsHeader { fragment, ..self.header }, octets)
    }

    /// Whether nothing of it was queued yet, because another message goes first.
    const fn is_waiting(&self) -> bool {
        self.queued == 0 && self.deadline.is_none() && self.failure.is_none()
    }

    /// The blocks of the window that are not acknowledged.
    fn missing(&self) -> impl Iterator<Item = u8> + use<> {
        let (start, acknowledged) = (self.window_start, self.acknowledged);
        let in_window = self.window.min(self.blocks.saturating_sub(start));
        (0..in_window).filter(move |bit| acknowledged & 1 << bit == 0).map(move |bit| start + bit)
    }

    fn is_acknowledged_by(&self, source: Eui64, ack: &ApsHeader) -> bool {
        let (ApsKind::Data(own), ApsKind::Ack(Some(other))) = (&self.header.kind, &ack.kind) else { return false };
        self.header.ack_request
            && self.destination_eui == Some(source)
            && self.header.counter == ack.counter
            && own.cluster == other.cluster
            && own.profile == other.profile
            && own.destination_endpoint == Some(other.source_endpoint)
            && other.destination_endpoint == Some(own.source_endpoint)
    }
}

impl Node {
    pub(super) fn send_message(&mut self, now: Instant, owner: Owner, outgoing: Outgoing) -> Handle {
        let id = self.next_handle;
        self.next_handle = self.next_handle.wrapping_add(1);
        match self.prepare(owner, outgoing) {
            Ok(message) => {
                // One fragmented message at a time to each destination, as its receiver has little room for more.
                let waits = message.blocks > 1 && self.fragmented_to(message.destination).is_some();
                self.messages.insert(id, message);
                if !waits {
                    self.queue_window(id);
                }
            }
            Err(error) => self.ended(now, id, owner, Err(error)),
        }
        Handle(id)
    }

    fn prepare(&mut self, owner: Owner, outgoing: Outgoing) -> Result<Message, SendError> {
        let Outgoing { destination, profile, cluster, source_endpoint, destination_endpoint, asdu, aps_ack, link_key } =
            outgoing;
        if self.network.is_none() || (owner == Owner::Application && !self.is_joined()) {
            return Err(SendError::NotJoined);
        }
        let limit = self.config.aps.queue + if owner == Owner::Application { 0 } else { ZDO_MESSAGES };
        if self.messages.len() >= limit {
            return Err(SendError::QueueFull);
        }
        let (destination, destination_eui) = match destination {
            Destination::Device(eui) => (self.short_of(eui).ok_or(SendError::UnknownDestination)?, Some(eui)),
            Destination::Short(short) => (short, self.eui_of(short)),
        };
        let broadcast = nwk::is_broadcast(destination);
        let reachable = match self.config.role {
            Role::Coordinator { .. } => destination_eui.is_some(),
            Role::EndDevice { .. } => destination == nwk::COORDINATOR,
        };
        if !broadcast && !reachable {
            return Err(SendError::UnknownDestination);
        }
        let partner = destination_eui.and_then(|eui| self.peers.get(&eui));
        if link_key && (broadcast || partner.is_none_or(|peer| peer.link.is_none())) {
            return Err(SendError::NoLinkKey);
        }
        let fragmented = asdu.len() > room(link_key, false);
        let block_size = self.config.aps.fragment_size.clamp(1, room(link_key, true));
        let blocks = if fragmented { asdu.len().div_ceil(block_size) } else { 1 };
        let blocks = u8::try_from(blocks).ok().filter(|_| !(broadcast && fragmented)).ok_or(SendError::TooLong)?;
        self.aps_counter = self.aps_counter.wrapping_add(1);
        let header = ApsHeader {
            kind: ApsKind::Data(Addressing {
                destination_endpoint: Some(destination_endpoint),
                group: None,
                cluster,
                profile,
                source_endpoint,
            }),
            delivery: if broadcast { Delivery::Broadcast } else { Delivery::Unicast },
            security: link_key,
            ack_request: !broadcast && (aps_ack || fragmented),
            counter: self.aps_counter,
            fragment: Fragment::None,
        };
        Ok(Message {
            owner,
            destination,
            destination_eui,
            header,
            asdu,
            block_size,
            blocks,
            window: self.config.aps.window.clamp(1, 8),
            window_start: 0,
            acknowledged: 0,
            queued: 0,
            retries_left: self.config.aps.retries,
            deadline: None,
            failure: None,
        })
    }

    /// The first fragmented message to a destination.
    fn fragmented_to(&self, destination: u16) -> Option<u32> {
        let matching = |m: &Message| m.blocks > 1 && m.destination == destination;
        self.messages.iter().find(|(_, message)| matching(message)).map(|(id, _)| *id)
    }

    /// Queues the blocks of the window that are not acknowledged.
    fn queue_window(&mut self, id: u32) {
        let Some(message) = self.messages.get_mut(&id) else { return };
        message.deadline = None;
        for block in message.missing() {
            message.queued = message.queued.saturating_add(1);
            self.radio.push(Job::Message { id, block });
        }
    }

    /// The MAC is through with a block.
    pub(super) fn block_done(&mut self, now: Instant, id: u32, result: Result<(), SendError>) {
        let Some(message) = self.messages.get_mut(&id) else { return };
        message.queued = message.queued.saturating_sub(1);
        message.failure = result.err();
        if message.queued > 0 {
            return;
        }
        if message.header.ack_request && message.failure != Some(SendError::NetworkLeft) {
            message.deadline = Some(now + self.config.aps.ack_wait);
        } else {
            self.finish(now, id, result);
        }
    }

    /// An APS acknowledgement arrived, authenticated as far as it was secured. Says whether it is to be believed: one
    /// for a message under the link key must be under the link key too.
    pub(super) fn aps_acknowledged(&mut self, now: Instant, source: Eui64, ack: &ApsHeader) -> bool {
        let matching = self.messages.iter_mut().find(|(_, message)| message.is_acknowledged_by(source, ack));
        let Some((&id, message)) = matching else { return true };
        if message.header.security && !ack.security {
            return false;
        }
        if message.blocks == 1 {
            self.finish(now, id, Ok(()));
            return true;
        }
        let Fragment::Ack { first_block, received } = ack.fragment else { return true };
        if first_block != message.window_start {
            return true;
        }
        message.acknowledged |= received;
        message.failure = None;
        if message.missing().next().is_none() {
            message.window_start = message.window_start.saturating_add(message.window);
            message.acknowledged = 0;
            message.retries_left = self.config.aps.retries;
            if message.window_start >= message.blocks {
                self.finish(now, id, Ok(()));
            } else {
                self.queue_window(id);
            }
        } else if message.queued == 0 {
            self.retransmit(now, id);
        }
        true
    }

    fn retransmit(&mut self, now: Instant, id: u32) {
        let Some(message) = self.messages.get_mut(&id) else { return };
        match message.retries_left.checked_sub(1) {
            Some(left) => {
                message.retries_left = left;
                self.counters.aps_retries += message.missing().count() as u64;
                self.queue_window(id);
            }
            None => {
                let error = message.failure.unwrap_or(SendError::NoAck);
                self.finish(now, id, Err(error));
            }
        }
    }

    pub(super) fn messages_poll_at(&self) -> Option<Instant> {
        self.messages.values().filter_map(|message| message.deadline).min()
    }

    pub(super) fn messages_poll(&mut self, now: Instant) {
        while let Some((&id, _)) = self.messages.iter().find(|(_, m)| m.deadline.is_some_and(|d| now >= d)) {
            self.retransmit(now, id);
        }
    }

    /// Ends all messages to `destination`, or all there are.
    pub(super) fn drop_messages(&mut self, now: Instant, destination: Option<u16>) {
        let concerned = |m: &Message| destination.is_none_or(|d| m.destination == d);
        let ended: Vec<(u32, SendError)> = self
            .messages
            .iter()
            .filter(|(_, message)| concerned(message))
            .map(|(id, message)| (*id, message.failure.unwrap_or(SendError::NetworkLeft)))
            .collect();
        for (id, error) in ended {
            self.finish(now, id, Err(error));
        }
    }

    fn finish(&mut self, now: Instant, id: u32, result: Result<(), SendError>) {
        if let Some(message) = self.messages.remove(&id) {
            self.radio.drop_jobs(|job| matches!(job, Job::Message { id: of, .. } if *of == id));
            if message.blocks > 1
                && let Some(next) = self.fragmented_to(message.destination)
                && self.messages.get(&next).is_some_and(Message::is_waiting)
            {
                self.queue_window(next);
            }
            self.ended(now, id, message.owner, result);
        }
    }

    fn ended(&mut self, now: Instant, id: u32, owner: Owner, result: Result<(), SendError>) {
        match owner {
            Owner::Application => self.events.push_back(Event::Sent { handle: Handle(id), result }),
            Owner::Zdo => {}
            Owner::Confirmation => self.confirmation_ended(now, result),
        }
    }
}
