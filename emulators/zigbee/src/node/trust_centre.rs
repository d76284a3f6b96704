//! The coordinator's side of joining: association of permitted devices, the network key, rejoining and leaving.

use super::peer::Peer;
use super::radio::Job;
use super::{Network, Node};
use crate::api::{Event, RejectReason, Role};
use alloc::vec::Vec;
use core::time::Duration;
use hanrig_wire::mac::AssociationStatus;
use hanrig_wire::nwk::{self, NwkCommand};
use hanrig_wire::security::{CcmKey, LinkKey};
use hanrig_wire::time::Instant;
use hanrig_wire::types::{Eui64, Key128};

/// macTransactionPersistenceTime, 500 base superframe durations: how long a response waits to be fetched.
const PERSISTENCE: Duration = Duration::from_millis(7680);
/// How long after its association response a device gets the network key: its radio has to take its new short address
/// first, and what is sent to it before is repeated in vain.
const KEY_DELAY: Duration = Duration::from_millis(100);
/// Responses that wait at once.
const MAX_PENDING: usize = 16;
/// Devices in the network.
const MAX_DEVICES: usize = 1024;

/// An association response that waits to be fetched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    short: u16,
    status: AssociationStatus,
    until: Instant,
}

impl Node {
    pub(super) fn start_coordinator(&mut self) {
        let Role::Coordinator { channel, pan_id, extended_pan_id, network_key } = self.config.role else { return };
        if self.network.is_none() {
            self.network = Some(Network {
                channel,
                pan_id,
                extended_pan_id,
                key: CcmKey::new(network_key),
                key_sequence: 0,
                short: nwk::COORDINATOR,
            });
            self.tune();
            self.persist_needed = true;
        }
        self.state = super::join::State::Up;
        self.events.push_back(Event::NetworkUp { short: nwk::COORDINATOR });
    }

    pub(super) fn permit_device(&mut self, device: Eui64, link_key: Key128) {
        match self.peers.get_mut(&device) {
            Some(peer) if peer.link.as_ref().is_some_and(|link| link.data.key() == link_key) => return,
            Some(peer) => peer.set_link_key(LinkKey::new(link_key)),
            None => {
                self.peers.insert(device, Peer::new(None, Some(LinkKey::new(link_key))));
            }
        }
        self.persist_needed = true;
    }

    pub(super) fn forget_device(&mut self, device: Eui64) {
        let Some(peer) = self.peers.remove(&device) else { return };
        self.pending.remove(&device);
        self.keys_due.remove(&device);
        if let Some(short) = peer.short {
            self.shorts.remove(&short);
            if peer.joined {
                let command = NwkCommand::Leave { rejoin: false, request: true, remove_children: false };
                self.radio.push(Job::Command { destination: short, destination_eui: device, command });
            }
            self.drop_messages(Instant::ZERO, Some(short));
        }
        if peer.joined {
            self.events.push_back(Event::DeviceLeft { eui: device });
        }
        self.persist_needed = true;
    }

    /// Nothing authenticates an association request, so it changes nothing but that a response waits: only the
    /// device that has the link key gets further.
    pub(super) fn association_requested(&mut self, now: Instant, device: Eui64) {
        if self.network.is_none() {
            return;
        }
        let permitted = self.peers.get(&device).is_some_and(|peer| peer.link.is_some());
        let (short, status) = if !permitted {
            self.reject(RejectReason::NotPermitted, None, Some(device));
            (nwk::BROADCAST_ALL, AssociationStatus::AccessDenied)
        } else {
            match self.short_for(device) {
                Some(short) => (short, AssociationStatus::Success),
                None => (nwk::BROADCAST_ALL, AssociationStatus::AtCapacity),
            }
        };
        if self.pending.len() < MAX_PENDING || self.pending.contains_key(&device) {
            self.pending.insert(device, Pending { short, status, until: now + PERSISTENCE });
        }
    }

    /// The short address that a device has, or a new one.
    fn short_for(&mut self, device: Eui64) -> Option<u16> {
        if let Some(short) = self.peers.get(&device)?.short {
            return Some(short);
        }
        if self.shorts.len() >= MAX_DEVICES {
            return None;
        }
        let short = loop {
            let short = self.random_u16();
            if short != nwk::COORDINATOR && !nwk::is_broadcast(short) && !self.shorts.contains_key(&short) {
                break short;
            }
        };
        self.shorts.insert(short, device);
        self.peers.get_mut(&device)?.short = Some(short);
        self.persist_needed = true;
        Some(short)
    }

    /// A device polls: what waits for it goes out.
    pub(super) fn poll_received(&mut self, device: Eui64) {
        if let Some(Pending { short, status, .. }) = self.pending.get(&device).copied() {
            let job = Job::AssociationResponse { device, short, status };
            if !self.radio.contains(&job) {
                self.radio.push(job);
            }
        }
    }

    /// The device has its association response; if it is admitted the network key follows.
    pub(super) fn association_done(&mut self, now: Instant, device: Eui64, status: AssociationStatus) {
        self.pending.remove(&device);
        if status == AssociationStatus::Success {
            self.keys_due.insert(device, now + KEY_DELAY);
        }
    }

    pub(super) fn rejoin_requested(&mut self, device: Eui64) {
        let permitted = self.peers.get(&device).is_some_and(|peer| peer.link.is_some());
        let Some(short) = self.short_for(device).filter(|_| permitted) else {
            return self.reject(RejectReason::NotPermitted, None, Some(device));
        };
        let command = NwkCommand::RejoinResponse { short, status: 0 };
        self.radio.push(Job::Command { destination: short, destination_eui: device, command });
    }

    pub(super) fn device_left(&mut self, now: Instant, device: Eui64) {
        let Some(peer) = self.peers.get_mut(&device).filter(|peer| peer.joined) else { return };
        peer.joined = false;
        let short = peer.short;
        self.drop_messages(now, short);
        self.events.push_back(Event::DeviceLeft { eui: device });
        self.persist_needed = true;
    }

    pub(super) fn pending_poll_at(&self) -> Option<Instant> {
        let keys = self.keys_due.values().copied();
        self.pending.values().map(|pending| pending.until).chain(keys).min()
    }

    pub(super) fn pending_poll(&mut self, now: Instant) {
        self.pending.retain(|_, pending| now < pending.until);
        let due: Vec<Eui64> = self.keys_due.iter().filter(|(_, at)| **at <= now).map(|(device, _)| *device).collect();
        for device in due {
            self.keys_due.remove(&device);
            self.radio.push(Job::TransportKey { device });
        }
    }
}
