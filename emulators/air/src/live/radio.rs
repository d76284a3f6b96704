//! Radios of software devices.

use super::engine::{Command, StationId};
use crate::frame::RadioId;
use crate::mac::MacSettings;
use hanrig_wire::spinel::host::{TransmitId, TransmitOutcome, TransmitRequest};
use hanrig_wire::time::Instant;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// A frame that a radio received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RadioReception {
    /// When its last octet had arrived.
    pub at: Instant,
    /// MAC header, payload and frame check sequence.
    pub psdu: Arc<[u8]>,
    /// Channel.
    pub channel: u8,
    /// Received signal strength, in dBm.
    pub rssi_dbm: i8,
    /// Link quality indication.
    pub lqi: u8,
}

/// What a radio tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RadioEvent {
    /// A frame was received (and acknowledged, if it was for this radio and asked for it).
    Received(RadioReception),
    /// A transmission has ended. Every one ends with exactly one of these, unless the medium is stopped before.
    TransmitDone {
        /// When.
        at: Instant,
        /// Which.
        id: TransmitId,
        /// How.
        outcome: TransmitOutcome,
    },
    /// Frames were lost because nobody took the events before.
    Dropped {
        /// How many.
        frames: u64,
    },
}

/// The engine's end of a radio's events.
pub(super) struct Sink {
    events: UnboundedSender<RadioEvent>,
    /// Frames received that wait to be taken.
    waiting: Arc<AtomicUsize>,
    limit: usize,
    dropped: u64,
    pub(super) overflowed: bool,
}

impl Sink {
    pub(super) fn received(&mut self, reception: RadioReception) {
        if self.waiting.load(Ordering::Acquire) >= self.limit {
            self.overflowed |= self.dropped == 0;
            self.dropped += 1;
            return;
        }
        self.tell_dropped();
        self.waiting.fetch_add(1, Ordering::AcqRel);
        // Nobody there: the radio is about to be taken off.
        let _ = self.events.send(RadioEvent::Received(reception));
    }

    pub(super) fn done(&mut self, event: RadioEvent) {
        self.tell_dropped();
        let _ = self.events.send(event);
    }

    fn tell_dropped(&mut self) {
        if self.dropped > 0 {
            let _ = self.events.send(RadioEvent::Dropped { frames: std::mem::take(&mut self.dropped) });
        }
    }
}

/// What happens at a radio, in order. Works with and without a tokio runtime.
#[derive(Debug)]
pub struct RadioEvents {
    events: UnboundedReceiver<RadioEvent>,
    waiting: Arc<AtomicUsize>,
}

impl RadioEvents {
    /// The next event, if there is one.
    pub fn try_recv(&mut self) -> Option<RadioEvent> {
        let event = self.events.try_recv().ok();
        self.taken(event)
    }

    /// Waits for the next event; `None` when the medium was stopped or the radio taken off it. Safe to cancel.
    pub async fn recv(&mut self) -> Option<RadioEvent> {
        let event = self.events.recv().await;
        self.taken(event)
    }

    /// As [`Self::recv`], for a thread that is not of a runtime.
    pub fn blocking_recv(&mut self) -> Option<RadioEvent> {
        let event = self.events.blocking_recv();
        self.taken(event)
    }

    fn taken(&self, event: Option<RadioEvent>) -> Option<RadioEvent> {
        if matches!(event, Some(RadioEvent::Received(_))) {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
        }
        event
    }
}

pub(super) fn events(limit: usize) -> (Sink, RadioEvents) {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let sink = Sink { events: sender, waiting: Arc::clone(&waiting), limit, dropped: 0, overflowed: false };
    (sink, RadioEvents { events: receiver, waiting })
}

/// A software device's radio on the medium. It is taken off when this is dropped.
#[derive(Debug)]
pub struct LiveRadio {
    pub(super) station: StationId,
    pub(super) radio: RadioId,
    pub(super) commands: SyncSender<Command>,
    pub(super) next: AtomicU32,
}

impl LiveRadio {
    /// Its identifier on the medium, for [`LiveAir::with_air`](super::LiveAir::with_air).
    pub const fn radio_id(&self) -> RadioId {
        self.radio
    }

    /// Sets its MAC. A change of channel waits for the end of a transmission under way.
    pub fn set(&self, settings: MacSettings) {
        let _ = self.commands.send(Command::Set { station: self.station, settings });
    }

    /// Sends a frame, after those handed over before. Its channel is the radio's from then on.
    pub fn transmit(&self, request: TransmitRequest) -> TransmitId {
        let id = TransmitId(self.next.fetch_add(1, Ordering::Relaxed));
        let _ = self.commands.send(Command::Transmit { station: self.station, id, request });
        id
    }
}

impl Drop for LiveRadio {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Detach { station: self.station });
    }
}
