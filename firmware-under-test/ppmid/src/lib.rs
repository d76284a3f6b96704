//! The reference PPMID, without I/O.
//!
//! [`Ppmid`] is a state machine like the hub's: it is told the time and what its radio heard, and its owner takes from it
//! what to send. It downloads an image over the OTA Upgrade Cluster into flash, verifies the manufacturer's signature,
//! activates when the Communications Hub says so and only then, and tells of it by the GBCS Alert of use case CS09. It
//! answers CS08 with the version that it runs.
//!
//! Left out, and where it matters: everything that a PPMID shows or sells, certificate based key establishment (the
//! install code's link key stays in use), and running the image for real: the version that it runs is a record in flash.
#![no_std]
extern crate alloc;

mod config;
mod faults;
mod firmware;
mod gbcs;
mod ppmid;
mod state;

pub use config::{Declaration, PpmidConfig};
#[cfg(feature = "planted-faults")]
pub use faults::Fault;
pub use firmware::LocalUpdateError;
pub use hanrig_wire::gbcs::command::AccessControlBroker;
pub use hanrig_zigbee::store::StoreError;
pub use ppmid::{Output, Ppmid, STATE_SIZE, flash_size};
