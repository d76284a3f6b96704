//! What a node knows of another.

use crate::state::PeerState;
use alloc::boxed::Box;
use hanrig_wire::security::LinkKey;
use hanrig_wire::types::Eui64;

/// How many incoming frames may pass before the incoming counters are stored again.
const STEP: u32 = 1024;

/// The APS counter has 8 bits, and a message takes at least one NWK frame: an APS counter that returns within so many NWK
/// frames of its sender belongs to the same message.
pub(super) const SAME_MESSAGE: u32 = 256;

/// Another node.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) short: Option<u16>,
    pub(super) link: Option<LinkKey>,
    /// Trust centre: heard with the network key.
    pub(super) joined: bool,
    nwk_next: u32,
    aps_next: u32,
    nwk_stored: u32,
    /// For each APS counter one more than the NWK frame counter that last brought it; 0 for never. What is secured with the
    /// link key is apart: whoever has the network key alone must not make a message of the peer look like a duplicate.
    seen: Box<[[u32; 256]; 2]>,
}

impl Peer {
    pub(super) fn new(short: Option<u16>, link: Option<LinkKey>) -> Self {
        Self { short, link, joined: false, nwk_next: 0, aps_next: 0, nwk_stored: 0, seen: Box::new([[0; 256]; 2]) }
    }

    pub(super) fn restored(state: &PeerState) -> Self {
        Self {
            joined: state.joined,
            nwk_next: state.nwk_counter,
            aps_next: state.aps_counter,
            nwk_stored: state.nwk_counter,
            ..Self::new(state.short, Some(LinkKey::new(state.link_key)))
        }
    }

    /// What is stored of it: only of those that a link key is shared with.
    pub(super) fn state(&self, eui: Eui64) -> Option<PeerState> {
        Some(PeerState {
            eui,
            short: self.short,
            link_key: self.link.as_ref()?.data.key(),
            joined: self.joined,
            nwk_counter: self.nwk_next,
            aps_counter: self.aps_next,
        })
    }

    pub(super) const fn nwk_is_fresh(&self, counter: u32) -> bool {
        counter >= self.nwk_next && counter < u32::MAX
    }

    /// Notes an authenticated NWK frame counter; says whether the counters should be stored.
    pub(super) const fn nwk_accept(&mut self, counter: u32) -> bool {
        self.nwk_next = counter.saturating_add(1);
        let store = self.nwk_next.saturating_sub(self.nwk_stored) >= STEP;
        if store {
            self.nwk_stored = self.nwk_next;
        }
        store
    }

    pub(super) const fn aps_is_fresh(&self, counter: u32) -> bool {
        counter >= self.aps_next && counter < u32::MAX
    }

    pub(super) const fn aps_accept(&mut self, counter: u32) {
        self.aps_next = counter.saturating_add(1);
    }

    /// A new network key starts new counters.
    pub(super) fn network_key_changed(&mut self) {
        self.nwk_next = 0;
        self.nwk_stored = 0;
        self.seen.fill([0; 256]);
    }

    /// A new link key starts a new counter.
    pub(super) fn set_link_key(&mut self, link: LinkKey) {
        self.link = Some(link);
        self.aps_next = 0;
    }

    /// Whether a message with this APS counter, secured with the link key or not, was delivered before.
    pub(super) fn is_duplicate(&self, aps_counter: u8, secured: bool, nwk_counter: u32) -> bool {
        let seen = self.seen.get(usize::from(secured)).and_then(|seen| seen.get(usize::from(aps_counter)));
        let seen = seen.copied().unwrap_or(0);
        seen != 0 && nwk_counter.saturating_sub(seen - 1) < SAME_MESSAGE
    }

    /// Notes that a message was delivered.
    pub(super) fn delivered(&mut self, aps_counter: u8, secured: bool, nwk_counter: u32) {
        let seen = self.seen.get_mut(usize::from(secured)).and_then(|seen| seen.get_mut(usize::from(aps_counter)));
        if let Some(seen) = seen {
            *seen = nwk_counter.saturating_add(1);
        }
    }
}
