//! The reference Communications Hub Function, without I/O.
//!
//! [`CommunicationsHub`] is a state machine: it is told the time, what its radio heard and what came over the WAN, and its
//! owner takes from it what to send. It never reads a clock. The same code runs as firmware on a board, in virtual time,
//! and beside real boards.
//!
//! What it does for firmware updates: it takes OTA Upgrade Images over the WAN link into its two memory blocks in flash,
//! tells the target Device by an Image Notify, serves the image over the OTA Upgrade Cluster, tells the Device what to do
//! with it, and reports each transfer by the GBCS Alert of use case CCS08. It also carries GBCS messages between the WAN
//! and the Devices' tunnels.
//!
//! Left out, and where it matters: certificate based key establishment (the install code's link key stays in use), the
//! Gas Proxy Function, and every cluster that firmware updates do not need.
#![no_std]
extern crate alloc;

mod alerts;
mod blocks;
mod config;
mod faults;
mod han;
mod hub;
mod incoming;
mod state;
mod tunnels;
mod wan;

pub use config::{HubConfig, HubProfile, Network};
#[cfg(feature = "planted-faults")]
pub use faults::Fault;
pub use hanrig_zigbee::store::StoreError;
pub use hub::{CommunicationsHub, Output, STATE_SIZE, flash_size};
