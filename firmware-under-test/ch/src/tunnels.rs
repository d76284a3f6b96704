//! The tunnels to the Devices, in which GBCS messages travel. The hub is the cluster's client.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;

/// How long after a request that got no answer the next one follows.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// The most GBCS messages that wait for one Device.
const QUEUE: usize = 8;

#[derive(Debug, Default)]
struct Tunnel {
    id: Option<u16>,
    ask_at: Option<Instant>,
    waiting: VecDeque<Vec<u8>>,
    /// The message last sent, in case the Device does not take it.
    sent: Option<Vec<u8>>,
}

/// What a tunnel wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Ask the Device for a tunnel.
    Open(Eui64),
    /// Send this message in the tunnel.
    Transfer(Eui64, u16, Vec<u8>),
}

/// The tunnels, by Device.
#[derive(Debug, Default)]
pub(crate) struct Tunnels {
    tunnels: BTreeMap<Eui64, Tunnel>,
}

impl Tunnels {
    /// The Device is on the HAN (again): whatever tunnel there was is gone.
    pub(crate) fn reset(&mut self, now: Instant, device: Eui64) {
        let tunnel = self.tunnels.entry(device).or_default();
        tunnel.id = None;
        tunnel.ask_at = Some(now);
    }

    /// The Device did not take what was sent, since the tunnel is not open at its end: it is sent again in another one.
    pub(crate) fn refused(&mut self, now: Instant, device: Eui64) {
        self.reset(now, device);
        if let Some(tunnel) = self.tunnels.get_mut(&device)
            && let Some(message) = tunnel.sent.take()
        {
            tunnel.waiting.push_front(message);
        }
    }

    pub(crate) fn forget(&mut self, device: Eui64) {
        self.tunnels.remove(&device);
    }

    pub(crate) fn opened(&mut self, device: Eui64, id: u16) {
        let tunnel = self.tunnels.entry(device).or_default();
        tunnel.id = Some(id);
        tunnel.ask_at = None;
    }

    /// Whether the tunnel `id` to `device` is open.
    pub(crate) fn is_open(&self, device: Eui64, id: u16) -> bool {
        self.tunnels.get(&device).is_some_and(|tunnel| tunnel.id == Some(id))
    }

    /// Queues a message; `false` when too many wait already.
    pub(crate) fn send(&mut self, now: Instant, device: Eui64, message: Vec<u8>) -> bool {
        let tunnel = self.tunnels.entry(device).or_default();
        if tunnel.waiting.len() >= QUEUE {
            return false;
        }
        tunnel.waiting.push_back(message);
        if tunnel.id.is_none() && tunnel.ask_at.is_none() {
            tunnel.ask_at = Some(now);
        }
        true
    }

    pub(crate) fn poll_at(&self, now: Instant) -> Option<Instant> {
        self.tunnels
            .values()
            .filter_map(|tunnel| match tunnel.id {
                Some(_) => (!tunnel.waiting.is_empty()).then_some(now),
                None => tunnel.ask_at,
            })
            .min()
    }

    pub(crate) fn poll(&mut self, now: Instant) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for (device, tunnel) in &mut self.tunnels {
            match tunnel.id {
                Some(id) => {
                    tunnel.sent = tunnel.waiting.back().cloned().or(tunnel.sent.take());
                    wanted.extend(tunnel.waiting.drain(..).map(|m| Wanted::Transfer(*device, id, m)));
                }
                None if tunnel.ask_at.is_some_and(|at| at <= now) => {
                    tunnel.ask_at = Some(now + ASK_AGAIN);
                    wanted.push(Wanted::Open(*device));
                }
                None => {}
            }
        }
        wanted
    }
}
