//! What waits to be written to a port, bounded.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Frames or lines on their way to a port. Only whole ones are dropped, so that the reader never sees half of one.
#[derive(Debug)]
pub(super) struct Outbox {
    /// Each with the time at which it may go.
    waiting: VecDeque<(Instant, Vec<u8>)>,
    latency: Duration,
    octets: usize,
    limit: usize,
    /// Since the last that was taken in.
    dropping: bool,
    pub(super) queued: u64,
    pub(super) dropped: u64,
}

impl Outbox {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            latency: Duration::ZERO,
            octets: 0,
            limit,
            dropping: false,
            queued: 0,
            dropped: 0,
        }
    }

    /// Adds octets that go to the port in one piece, or drops them when there is no room. What `matters` (an answer that is
    /// waited for) has twice the room. Returns whether this begins a spell of dropping.
    pub(super) fn push(&mut self, octets: Vec<u8>, matters: bool) -> bool {
        let limit = if matters { self.limit.saturating_mul(2) } else { self.limit };
        if self.octets + octets.len() > limit {
            self.dropped += 1;
            return !std::mem::replace(&mut self.dropping, true);
        }
        self.dropping = false;
        self.queued += 1;
        self.octets += octets.len();
        self.waiting.push_back((Instant::now() + self.latency, octets));
        false
    }

    /// How long what is taken in from now on waits before it goes.
    pub(super) const fn set_latency(&mut self, latency: Duration) {
        self.latency = latency;
    }

    /// Takes out what goes next, if it may go by `now`.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.due().filter(|due| *due <= now)?;
        let (_, octets) = self.waiting.pop_front()?;
        self.octets -= octets.len();
        Some(octets)
    }

    /// When the next may go.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.front().map(|(due, _)| *due)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.octets = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_whole_frames_when_full() {
        let mut outbox = Outbox::new(10);
        assert!(!outbox.push(vec![1; 6], false));
        assert!(outbox.push(vec![2; 6], false), "the first drop is told");
        assert!(!outbox.push(vec![3; 6], false), "the second is not");
        assert!(!outbox.push(vec![4; 6], true), "an answer has more room");
        assert_eq!((outbox.queued, outbox.dropped), (2, 2));
        assert_eq!(outbox.pop(Instant::now()), Some(vec![1; 6]));
        assert_eq!(outbox.pop(Instant::now()), Some(vec![4; 6]));
        assert!(outbox.is_empty());
        assert!(!outbox.push(vec![5; 10], false), "there is room again");
    }

    #[test]
    fn what_is_delayed_goes_when_it_may_and_in_order() {
        let mut outbox = Outbox::new(10);
        outbox.set_latency(Duration::from_secs(5));
        outbox.push(vec![1], false);
        let due = outbox.due().unwrap();
        outbox.set_latency(Duration::ZERO);
        outbox.push(vec![2], false);
        assert_eq!(outbox.pop(due.checked_sub(Duration::from_micros(1)).unwrap()), None, "neither before its time");
        assert!(!outbox.is_empty());
        assert_eq!(outbox.pop(due), Some(vec![1]));
        assert_eq!(outbox.pop(due), Some(vec![2]));
        assert_eq!(outbox.due(), None);
    }
}
