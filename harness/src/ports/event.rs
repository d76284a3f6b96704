//! What ports tell, in one channel: who, when, what.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use crate::runner::BenchFault;

/// What a port told.
#[derive(Clone, Debug)]
pub struct PortEvent {
    /// When the rig received it; of a frame, when the sniffer heard it.
    pub at: Instant,
    /// The port's name, as its opener gave it.
    pub port: Arc<str>,
    /// What it is.
    pub kind: PortEventKind,
}

/// What there is to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortEventKind {
    /// A sniffer heard a frame.
    Frame {
        /// The frame of IEEE 802.15.4 with its FCS.
        octets: Vec<u8>,
        /// Signal strength in dBm.
        rssi: i8,
        /// Link quality, 0 to 255.
        lqi: u8,
    },
    /// A sniffer told what cannot be understood.
    Garbled {
        /// What it told, shortened to what a person wants to see.
        line: String,
        /// How many such lines there were since the port was opened, this one included.
        total: u64,
    },
    /// A line of a device's log, or of the standard error of a program that the rig runs for a port.
    Log {
        /// The device or program.
        device: Arc<str>,
        /// The line, without its end.
        line: String,
    },
    /// Octets from a hub over its WAN link, as they came: a frame may be in several, or several in one.
    Wan {
        /// The octets.
        octets: Vec<u8>,
    },
    /// A WAN link came up or went down. It is down until the first of these.
    WanLink {
        /// Whether octets can be exchanged now.
        up: bool,
    },
    /// What the radio for software devices told.
    Radio(super::radio::RadioEvent),
    /// A port, or what is behind it, does not work. Told once until it works again.
    Fault(BenchFault),
}

/// Where events come out.
pub type PortEvents = mpsc::UnboundedReceiver<PortEvent>;

/// Where events go in. A clone is the same channel.
#[derive(Clone, Debug)]
pub struct Events(mpsc::UnboundedSender<PortEvent>);

impl Events {
    /// A channel of events.
    pub fn channel() -> (Self, PortEvents) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// The end for the port that is called `name`.
    pub fn port(&self, name: impl Into<Arc<str>>) -> PortSender {
        PortSender { name: name.into(), sender: self.0.clone() }
    }
}

/// A port's end of the channel: it stamps what it sends with the time and the port's name.
#[derive(Clone)]
pub struct PortSender {
    name: Arc<str>,
    sender: mpsc::UnboundedSender<PortEvent>,
}

impl PortSender {
    /// The port's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Sends what happened now. That nobody listens any more is no error: the rig is stopping.
    pub fn send(&self, kind: PortEventKind) {
        self.send_at(Instant::now(), kind);
    }

    /// Sends what happened at `at`.
    pub fn send_at(&self, at: Instant, kind: PortEventKind) {
        drop(self.sender.send(PortEvent { at, port: Arc::clone(&self.name), kind }));
    }

    /// Tells that the port does not work.
    pub fn fault(&self, error: &dyn std::error::Error) {
        self.send(PortEventKind::Fault(BenchFault::from_error(error)));
    }
}

impl fmt::Debug for PortSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PortSender").field(&self.name).finish()
    }
}
