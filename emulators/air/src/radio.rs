//! The sending side of one radio.

use crate::frame::TransmitId;
use hanrig_wire::time::Instant;
use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) struct Radio {
    pub(crate) name: String,
    pub(crate) attached: bool,
    pub(crate) listening: bool,
    /// Channel page.
    pub(crate) page: u8,
    pub(crate) channel: u8,
    /// The value of `Air::tunings` when this radio began to listen on its channel.
    pub(crate) tuned: u64,
    /// Frames that go without CSMA-CA, ahead of all others.
    pub(crate) urgent: VecDeque<Frame>,
    pub(crate) queue: VecDeque<Frame>,
    pub(crate) phase: Phase,
    /// A frame whose CSMA-CA an urgent frame has broken off.
    pub(crate) interrupted: Option<Contention>,
    /// End of the last frame sent.
    pub(crate) last_sent: Instant,
    /// Of the entry of the agenda that counts.
    pub(crate) generation: u64,
}

#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) id: TransmitId,
    pub(crate) psdu: Arc<[u8]>,
    pub(crate) csma: bool,
}

/// A frame that CSMA-CA is finding a place for.
pub(crate) struct Contention {
    pub(crate) frame: Frame,
    /// NB: how often the channel was found busy.
    pub(crate) backoffs: u8,
    /// BE.
    pub(crate) exponent: u8,
}

#[derive(Default)]
pub(crate) enum Phase {
    #[default]
    Free,
    /// Backing off, then listening from `cca_start` on.
    Contending {
        contention: Contention,
        cca_start: Instant,
    },
    /// The channel was found idle; turning from receiving to sending.
    Turnaround(Contention),
    /// About to send without CSMA-CA.
    Urgent(Frame),
    Sending,
}

impl Radio {
    pub(crate) fn new(name: &str, (page, channel): (u8, u8), tuned: u64) -> Self {
        Self {
            name: name.to_owned(),
            attached: true,
            listening: true,
            page,
            channel,
            tuned,
            urgent: VecDeque::new(),
            queue: VecDeque::new(),
            phase: Phase::Free,
            interrupted: None,
            last_sent: Instant::ZERO,
            generation: 0,
        }
    }

    /// Drops everything that is not on the air.
    pub(crate) fn silence(&mut self) {
        self.attached = false;
        self.listening = false;
        self.urgent.clear();
        self.queue.clear();
        self.interrupted = None;
        self.generation += 1;
        if !matches!(self.phase, Phase::Sending) {
            self.phase = Phase::Free;
        }
    }

    /// Whether an urgent frame, if there is one, can go now: unless another frame is on its way out it can.
    pub(crate) fn interrupt(&mut self) -> Option<Frame> {
        if matches!(self.phase, Phase::Urgent(_) | Phase::Sending) {
            return None;
        }
        let frame = self.urgent.pop_front()?;
        if let Phase::Contending { contention, .. } | Phase::Turnaround(contention) = std::mem::take(&mut self.phase) {
            self.interrupted = Some(contention);
        }
        Some(frame)
    }

    /// What a free radio has to contend for next.
    pub(crate) fn next_contention(&mut self, min_be: u8) -> Option<Contention> {
        if !matches!(self.phase, Phase::Free) {
            return None;
        }
        self.interrupted
            .take()
            .or_else(|| self.queue.pop_front().map(|frame| Contention { frame, backoffs: 0, exponent: min_be }))
    }
}
