//! What a node must remember through a power cycle.

use alloc::vec::Vec;
use hanrig_wire::types::{Eui64, Key128};
use serde::{Deserialize, Serialize};

/// The non-volatile state of a node.
///
/// Outgoing frame counters are stored as the end of a block reserved ahead, and a restored node starts there. So no
/// counter is ever used twice, provided that the state is stored when
/// [`Event::PersistNeeded`](crate::Event::PersistNeeded) asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersistentState {
    /// The network that the node formed or joined.
    pub network: Option<NetworkState>,
    /// Outgoing NWK frame counter: the first one not reserved.
    pub nwk_counter: u32,
    /// Outgoing APS frame counter: the first one not reserved.
    pub aps_counter: u32,
    /// The devices of a trust centre, or the trust centre of a device, by EUI-64.
    pub peers: Vec<PeerState>,
}

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkState {
    /// Channel, 11 to 26.
    pub channel: u8,
    /// PAN identifier.
    pub pan_id: u16,
    /// Extended PAN identifier.
    pub extended_pan_id: u64,
    /// Network key.
    pub network_key: Key128,
    /// Sequence number of the network key.
    pub key_sequence: u8,
    /// The node's own short address.
    pub short_address: u16,
}

/// What is known of another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerState {
    /// Its EUI-64.
    pub eui: Eui64,
    /// Its short address, once it has one.
    pub short: Option<u16>,
    /// The link key shared with it.
    pub link_key: Key128,
    /// Whether it was heard with the network key.
    pub joined: bool,
    /// The next NWK frame counter that is accepted from it.
    pub nwk_counter: u32,
    /// The next APS frame counter that is accepted from it.
    pub aps_counter: u32,
}
