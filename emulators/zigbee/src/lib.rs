//! A ZigBee node from MAC to APS, with OTA server and client, without I/O.
//!
//! [`Node`] is a coordinator and trust centre (in a Communications Hub), or an end device whose receiver is always on (a
//! PPMID, an HCALCS), in a star. It reads no clock and touches no radio. Whoever drives it calls
//! [`on_frame`](Node::on_frame) for what the radio receives, [`on_transmit_done`](Node::on_transmit_done) when a frame
//! taken with `csma` set has left, and [`poll`](Node::poll) at [`poll_at`](Node::poll_at); and after each call takes what
//! there is from [`take_transmit`](Node::take_transmit) and [`take_event`](Node::take_event).
//!
//! [`han::HanDevice`] is what the Devices of a hub have in common beyond the node: finding the hub, its clock, the OTA client
//! and the tunnel for GBCS messages. [`ota::slot::Slot`] is where they keep an image.
//!
//! The radio performs CSMA-CA. The node does the rest of IEEE 802.15.4-2006: acknowledgements after the turnaround time,
//! retries, and telling a retry from a replay (the same octets within a quarter of a second are the sender's MAC trying
//! again, and are acknowledged and passed over).
//!
//! # Security
//!
//! Every NWK data and command frame is secured at level 5 under the network key, with the sender's EUI-64 in the auxiliary
//! header; an application's messages under the link key as well, where it asks for that. Frame counters are checked for
//! each sender, NWK and APS apart, and what fails is told as [`Event::Rejected`]. The network key comes by Transport-Key
//! under the key-transport key of the link key that the install code gives, and only to a device that
//! [`Node::permit`] admits.
//!
//! Certificate based key establishment (CBKE) is left out: the link key derived from the install code stays the APS link
//! key for good.
//!
//! After a power cycle a node goes on where its [`PersistentState`] says, with outgoing frame counters that were never used.
//! Incoming counters are stored with every other change and at least every 1024 frames of a sender; what that sender sent
//! since is not recognised as a replay after a power loss.
//!
//! # What it does not do
//!
//! It does not route: the coordinator does not relay between devices, nor repeat broadcasts. It has no sleepy end
//! devices, no groups, no binding, and does not change the network key.
#![no_std]
extern crate alloc;
pub mod api;
pub mod han;
mod laxity;
pub mod node;
pub mod ota;
pub mod state;
pub mod store;

pub use api::{
    ApsConfig, Counters, Destination, Event, Handle, Incoming, JoinError, MacConfig, NodeConfig, Outgoing,
    ReceiveFilter, RejectReason, Rejection, Role, SendError, SimpleDescriptor, Transmit, TransmitResult,
};
#[cfg(feature = "planted-faults")]
pub use laxity::Laxity;
pub use node::Node;
pub use state::{NetworkState, PeerState, PersistentState};
