//! What is due when.

use crate::frame::{RadioId, TransmitId};
use hanrig_wire::time::Instant;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Something that happens on the medium. The generation tells an entry that was called off from the one that counts.
#[derive(Clone, Copy)]
pub(crate) enum What {
    SendEnd(TransmitId),
    SendStart(RadioId, u64),
    CcaEnd(RadioId, u64),
}

impl What {
    /// Ends before starts at the same time: frames that touch do not overlap.
    fn rank(self) -> u8 {
        match self {
            Self::SendEnd(_) => 0,
            Self::SendStart(..) => 1,
            Self::CcaEnd(..) => 2,
        }
    }
}

/// Entries in the order of time, then of rank, then of their coming: the same for the same calls.
#[derive(Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Entry>,
    next: u64,
}

struct Entry {
    at: Instant,
    what: What,
    number: u64,
}

impl Agenda {
    pub(crate) fn push(&mut self, at: Instant, what: What) {
        self.heap.push(Entry { at, what, number: self.next });
        self.next += 1;
    }

    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// The first entry that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(Instant, What)> {
        self.next_at().filter(|at| *at <= now)?;
        self.heap.pop().map(|entry| (entry.at, entry.what))
    }
}

impl Entry {
    fn key(&self) -> (Instant, u8, u64) {
        (self.at, self.what.rank(), self.number)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The earliest is the greatest, which is what the heap gives first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}
