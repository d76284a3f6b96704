//! What waits to be written to a port, bounded.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What lets only so many long pieces through.
#[derive(Clone, Copy, Debug)]
struct Gate {
    /// From how many octets a piece is long.
    long: usize,
    /// How many of those may still go.
    left: usize,
}

/// Frames or lines on their way to a port. Only whole ones are dropped, so that the reader never sees half of one.
#[derive(Debug)]
pub(super) struct Outbox {
    /// Each with the time at which it may go.
    waiting: VecDeque<(Instant, Vec<u8>)>,
    latency: Duration,
    gate: Option<Gate>,
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
            gate: None,
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

    /// Lets `pieces` of at least `long` octets go from now on, with all that is shorter. The next one waits, and all after it.
    pub(super) const fn let_through(&mut self, pieces: usize, long: usize) {
        self.gate = Some(Gate { long, left: pieces });
    }

    /// Lets everything go.
    pub(super) const fn let_all_through(&mut self) {
        self.gate = None;
    }

    /// Whether the next one waits for [`Self::let_through`].
    pub(super) fn is_held(&self) -> bool {
        let next = self.waiting.front().map_or(0, |(_, octets)| octets.len());
        self.gate.is_some_and(|gate| gate.left == 0 && next >= gate.long)
    }

    /// Takes out what goes next, if it may go by `now`.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.due().filter(|due| *due <= now)?;
        let (_, octets) = self.waiting.pop_front()?;
        self.octets -= octets.len();
        if let Some(gate) = self.gate.as_mut().filter(|gate| octets.len() >= gate.long) {
            gate.left = gate.left.saturating_sub(1);
        }
        Some(octets)
    }

    /// When the next may go; `None` while it is held.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.front().filter(|_| !self.is_held()).map(|(due, _)| *due)
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

    #[test]
    fn long_pieces_wait_for_leave_and_all_that_follows_them() {
        const LONG: usize = 3;
        let mut outbox = Outbox::new(100);
        let next = |outbox: &mut Outbox| outbox.pop(Instant::now()).map(|octets| octets.len());
        for length in [1, 3, 2, 4, 1, 5] {
            outbox.push(vec![0; length], false);
        }
        outbox.let_through(1, LONG);
        assert_eq!([next(&mut outbox), next(&mut outbox), next(&mut outbox)], [Some(1), Some(3), Some(2)]);
        assert_eq!((outbox.is_held(), outbox.due(), next(&mut outbox)), (true, None, None));
        assert!(!outbox.is_empty());
        outbox.let_through(1, LONG);
        assert!(!outbox.is_held());
        assert_eq!([next(&mut outbox), next(&mut outbox), next(&mut outbox)], [Some(4), Some(1), None]);
        outbox.let_all_through();
        assert_eq!([next(&mut outbox), next(&mut outbox)], [Some(5), None]);
        assert!(!outbox.is_held(), "nothing is there that could wait");
    }
}
