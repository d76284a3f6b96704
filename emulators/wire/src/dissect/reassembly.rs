//! Puts the fragments of APS messages together again.

use crate::aps::Fragment;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Messages kept at once, complete ones included.
const MAX_MESSAGES: usize = 64;

/// The APS counter has 8 bits and each message takes at least one NWK frame. So a sender's NWK frame counter tells a
/// fragment that was sent again (near the first one) from one of a later message with the same APS counter.
const SAME_MESSAGE: u32 = 255;

/// What the fragments of a message have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MessageId {
    pub(super) pan_id: u16,
    pub(super) source: u16,
    pub(super) destination: u16,
    pub(super) counter: u8,
    pub(super) nwk_secured: bool,
    pub(super) aps_secured: bool,
}

#[derive(Clone, Debug)]
struct Message {
    first_frame_counter: u32,
    age: u64,
    total: Option<u8>,
    blocks: BTreeMap<u8, Vec<u8>>,
    complete: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Reassembler {
    messages: BTreeMap<MessageId, Message>,
    started: u64,
}

impl Reassembler {
    pub(super) const fn new() -> Self {
        Self { messages: BTreeMap::new(), started: 0 }
    }

    /// Forgets what came from `source`.
    pub(super) fn forget(&mut self, pan_id: u16, source: u16) {
        self.messages.retain(|id, _| id.pan_id != pan_id || id.source != source);
    }

    /// Adds a fragment; gives the message if this completes it.
    pub(super) fn add(
        &mut self,
        id: MessageId,
        fragment: Fragment,
        frame_counter: u32,
        block: &[u8],
    ) -> Option<Vec<u8>> {
        let (number, total) = match fragment {
            Fragment::First { blocks } => (0, Some(blocks)),
            Fragment::Part { block } => (block, None),
            Fragment::None | Fragment::Ack { .. } => return None,
        };
        if let Some(known) = self.messages.get(&id) {
            if frame_counter.saturating_add(SAME_MESSAGE) < known.first_frame_counter {
                return None;
            }
            if frame_counter.saturating_sub(known.first_frame_counter) >= SAME_MESSAGE {
                self.messages.remove(&id);
            }
        } else if self.messages.len() >= MAX_MESSAGES {
            let oldest = self.messages.iter().min_by_key(|(_, message)| message.age).map(|(id, _)| *id);
            oldest.and_then(|id| self.messages.remove(&id));
        }
        let message = self.messages.entry(id).or_insert_with(|| {
            self.started += 1;
            Message {
                first_frame_counter: frame_counter,
                age: self.started,
                total: None,
                blocks: BTreeMap::new(),
                complete: false,
            }
        });
        if message.complete {
            return None;
        }
        message.total = total.or(message.total);
        message.blocks.entry(number).or_insert_with(|| block.to_vec());
        let total = message.total?;
        if !(0..total).all(|n| message.blocks.contains_key(&n)) {
            return None;
        }
        message.complete = true;
        let blocks = core::mem::take(&mut message.blocks);
        Some(blocks.into_iter().filter(|(n, _)| *n < total).flat_map(|(_, block)| block).collect())
    }
}
