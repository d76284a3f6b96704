//! The hub's end of the WAN link: framing, acknowledgements and repetition.
//!
//! One frame is under way at a time; it is repeated until the CSP acknowledges it. Nothing is sent while the link is down,
//! and what waits is sent when it is back (CH-18).

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use hanrig_wire::hdlc::{Decoder, encode};
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::wan::{WanFrame, WanMessage};

/// How long an acknowledgement may take at first. While none comes, the wait is doubled, up to the longest: a link without
/// a carrier may be gone for hours.
const REPEAT_AFTER: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// How many of the frames last received are remembered, so that a repeated one is acknowledged and not taken twice.
const REMEMBERED: usize = 16;

/// What [`Session::on_octets`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A message that was not taken before.
    Message(WanMessage),
    /// The message under way has arrived.
    Acknowledged(WanMessage),
    /// Octets that are no frame.
    Noise,
}

/// One end of the link.
#[derive(Debug)]
pub(crate) struct Session {
    decoder: Decoder,
    up: bool,
    sequence: u16,
    under_way: Option<WanFrame>,
    repeat_at: Option<Instant>,
    /// How long the next acknowledgement may take.
    patience: Duration,
    waiting: VecDeque<WanMessage>,
    taken: VecDeque<u16>,
    octets: VecDeque<Vec<u8>>,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self {
            decoder: Decoder::new(hanrig_wire::wan::MAXIMUM_FRAME_LENGTH),
            up: false,
            sequence: 0,
            under_way: None,
            repeat_at: None,
            patience: REPEAT_AFTER,
            waiting: VecDeque::new(),
            taken: VecDeque::new(),
            octets: VecDeque::new(),
        }
    }

    pub(crate) const fn is_up(&self) -> bool {
        self.up
    }

    /// The link came up or went down. What was under way is sent again when it is back.
    pub(crate) fn set_up(&mut self, up: bool) {
        self.up = up;
        self.repeat_at = None;
        self.patience = REPEAT_AFTER;
        if let Some(frame) = self.under_way.take() {
            self.waiting.push_front(frame.message);
        }
        self.octets.clear();
        self.taken.clear();
    }

    /// Sends `message` when its turn comes.
    pub(crate) fn send(&mut self, message: WanMessage) {
        self.waiting.push_back(message);
    }

    /// Sends `message` before all that waits.
    pub(crate) fn send_first(&mut self, message: WanMessage) {
        self.waiting.push_front(message);
    }

    pub(crate) fn on_octets(&mut self, octets: &[u8]) -> Vec<Heard> {
        let mut heard = Vec::new();
        for octet in octets {
            let Some(frame) = self.decoder.push(*octet) else { continue };
            match frame.ok().and_then(|payload| WanFrame::parse(&payload).ok()) {
                Some(frame) => self.on_frame(frame, &mut heard),
                None => heard.push(Heard::Noise),
            }
        }
        heard
    }

    fn on_frame(&mut self, frame: WanFrame, heard: &mut Vec<Heard>) {
        // Somebody is there again: what was repeated in vain need not wait for long.
        if self.patience > REPEAT_AFTER * 2 {
            self.repeat_at = self.under_way.is_some().then_some(Instant::ZERO);
        }
        self.patience = REPEAT_AFTER;
        if let WanMessage::Ack { sequence } = frame.message {
            if let Some(done) = self.under_way.take_if(|under_way| under_way.sequence == sequence) {
                self.repeat_at = None;
                heard.push(Heard::Acknowledged(done.message));
            }
            return;
        }
        self.put(&WanFrame { sequence: frame.sequence, message: WanMessage::Ack { sequence: frame.sequence } });
        if self.taken.contains(&frame.sequence) {
            return;
        }
        if self.taken.len() == REMEMBERED {
            self.taken.pop_front();
        }
        self.taken.push_back(frame.sequence);
        heard.push(Heard::Message(frame.message));
    }

    pub(crate) fn poll_at(&self, now: Instant) -> Option<Instant> {
        if self.up && self.under_way.is_none() && !self.waiting.is_empty() { Some(now) } else { self.repeat_at }
    }

    pub(crate) fn poll(&mut self, now: Instant) {
        if !self.up {
            return;
        }
        if self.under_way.is_none()
            && let Some(message) = self.waiting.pop_front()
        {
            self.sequence = self.sequence.wrapping_add(1);
            self.under_way = Some(WanFrame { sequence: self.sequence, message });
            self.repeat_at = Some(now);
        }
        if self.repeat_at.is_some_and(|at| at <= now)
            && let Some(frame) = self.under_way.take()
        {
            self.put(&frame);
            self.under_way = Some(frame);
            self.repeat_at = Some(now + self.patience);
            self.patience = (self.patience * 2).min(LONGEST_WAIT);
        }
    }

    pub(crate) fn take_octets(&mut self) -> Option<Vec<u8>> {
        self.octets.pop_front()
    }

    fn put(&mut self, frame: &WanFrame) {
        // What cannot be put in a frame (a GBCS message over the limit) was never taken from the HAN.
        if let Ok(octets) = frame.emit() {
            self.octets.push_back(encode(&octets));
        }
    }
}
