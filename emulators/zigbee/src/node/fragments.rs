//! Incoming fragmented messages: reassembly and window acknowledgements (ZigBee 2.2.8.4.5).

use super::peer::SAME_MESSAGE;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;
use hanrig_wire::aps::Fragment;
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;

/// Messages kept at once: those under reassembly, and complete ones whose last acknowledgement may have been lost.
const MAX_MESSAGES: usize = 16;

/// What a message under reassembly is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MessageId {
    pub(super) source: Eui64,
    pub(super) counter: u8,
    pub(super) secured: bool,
}

#[derive(Debug)]
struct Message {
    first_frame_counter: u32,
    total: Option<u8>,
    blocks: BTreeMap<u8, Vec<u8>>,
    window_start: u8,
    complete: bool,
    last_heard: Instant,
}

/// What comes of a block.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The acknowledgement to send.
    pub(super) ack: Option<Fragment>,
    /// The whole message.
    pub(super) message: Option<Vec<u8>>,
}

/// Messages under reassembly.
#[derive(Debug)]
pub(super) struct Fragments {
    window: u8,
    lifetime: Duration,
    messages: BTreeMap<MessageId, Message>,
}

impl Fragments {
    /// `lifetime` is how long a message is kept after its last fragment.
    pub(super) fn new(window: u8, lifetime: Duration) -> Self {
        Self { window: window.clamp(1, 8), lifetime, messages: BTreeMap::new() }
    }

    pub(super) fn poll_at(&self) -> Option<Instant> {
        self.messages.values().map(|message| message.last_heard + self.lifetime).min()
    }

    pub(super) fn poll(&mut self, now: Instant) {
        self.messages.retain(|_, message| now < message.last_heard + self.lifetime);
    }

    pub(super) fn clear(&mut self) {
        self.messages.clear();
    }

    /// Takes a block that came under `frame_counter` of its sender's NWK. With no room for another message the block is dropped, and its sender tries again.
    pub(super) fn add(
        &mut self,
        now: Instant,
        id: MessageId,
        frame_counter: u32,
        fragment: Fragment,
        octets: &[u8],
    ) -> Outcome {
        let (block, total) = match fragment {
            Fragment::First { blocks } => (0, Some(blocks.max(1))),
            Fragment::Part { block } => (block, None),
            Fragment::None | Fragment::Ack { .. } => return Outcome::default(),
        };
        let another = |message: &Message| frame_counter.saturating_sub(message.first_frame_counter) >= SAME_MESSAGE;
        if self.messages.get(&id).is_some_and(another) {
            self.messages.remove(&id);
        }
        if !self.messages.contains_key(&id) && self.messages.len() >= MAX_MESSAGES {
            let complete = self.messages.iter().filter(|(_, message)| message.complete);
            let Some(oldest) = complete.min_by_key(|(_, message)| message.last_heard).map(|(id, _)| *id) else {
                return Outcome::default();
            };
            self.messages.remove(&oldest);
        }
        let window = self.window;
        let message = self.messages.entry(id).or_insert_with(|| Message {
            first_frame_counter: frame_counter,
            total: None,
            blocks: BTreeMap::new(),
            window_start: 0,
            complete: false,
            last_heard: now,
        });
        message.last_heard = now;
        if block < message.window_start || message.complete {
            // The acknowledgement of that window was lost.
            let start = block - block % window;
            return Outcome { ack: Some(message.ack(start, window)), message: None };
        }
        message.total = message.total.or(total);
        let end = message.window_start.saturating_add(window).min(message.total.unwrap_or(u8::MAX));
        if block >= end {
            return Outcome::default();
        }
        message.blocks.entry(block).or_insert_with(|| octets.to_vec());
        let whole_window =
            message.total.is_some() && (message.window_start..end).all(|n| message.blocks.contains_key(&n));
        if !whole_window && block + 1 != end {
            return Outcome::default();
        }
        let ack = Some(message.ack(message.window_start, window));
        if !whole_window {
            return Outcome { ack, message: None };
        }
        message.window_start = end;
        if message.total != Some(end) {
            return Outcome { ack, message: None };
        }
        message.complete = true;
        let blocks = core::mem::take(&mut message.blocks);
        Outcome { ack, message: Some(blocks.into_values().flatten().collect()) }
    }
}

impl Message {
    fn ack(&self, first_block: u8, window: u8) -> Fragment {
        let end = first_block.saturating_add(window).min(self.total.unwrap_or(u8::MAX));
        let arrived = |n: u8| n < self.window_start || self.complete || self.blocks.contains_key(&n);
        let received = (first_block..end).filter(|n| arrived(*n)).fold(0, |bits, n| bits | 1 << (n - first_block));
        Fragment::Ack { first_block, received }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> MessageId {
        MessageId { source: Eui64(1), counter: 7, secured: true }
    }

    fn part(fragments: &mut Fragments, block: u8) -> Outcome {
        let fragment = if block == 0 { Fragment::First { blocks: 5 } } else { Fragment::Part { block } };
        fragments.add(Instant::ZERO, id(), 0, fragment, &[block])
    }

    fn ack(first_block: u8, received: u8) -> Option<Fragment> {
        Some(Fragment::Ack { first_block, received })
    }

    #[test]
    fn complete_messages_make_room_and_incomplete_ones_do_not() {
        let mut fragments = Fragments::new(3, Duration::from_secs(1));
        let mut add =
            |counter, fragment| fragments.add(Instant::ZERO, MessageId { counter, ..id() }, 0, fragment, &[1]);
        for counter in 0..100 {
            assert!(add(counter, Fragment::First { blocks: 1 }).message.is_some());
        }
        for counter in 100..116 {
            assert_eq!(add(counter, Fragment::First { blocks: 9 }).ack, None);
        }
        assert_eq!(add(116, Fragment::First { blocks: 1 }), Outcome::default());
    }

    #[test]
    fn a_window_is_acknowledged_when_it_is_whole_or_its_last_block_arrives() {
        let mut fragments = Fragments::new(3, Duration::from_secs(1));
        assert_eq!(part(&mut fragments, 0), Outcome::default());
        assert_eq!(part(&mut fragments, 2).ack, ack(0, 0b101), "the last block tells what is missing");
        assert_eq!(part(&mut fragments, 1).ack, ack(0, 0b111));
        assert_eq!(part(&mut fragments, 4).ack, ack(3, 0b10));
        assert_eq!(part(&mut fragments, 2).ack, ack(0, 0b111), "sent again: the acknowledgement was lost");
        assert_eq!(part(&mut fragments, 3), Outcome { ack: ack(3, 0b11), message: Some(alloc::vec![0, 1, 2, 3, 4]) });
        assert_eq!(part(&mut fragments, 4), Outcome { ack: ack(3, 0b11), message: None });
    }
}
