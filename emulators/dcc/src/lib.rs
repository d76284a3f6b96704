//! What stands in for the DCC and its Users: DUIS, DSP, CSPs, SMI, CPL and registration data, without I/O.
//!
//! [`supplier::Supplier`] sends Service Requests as [`duis`] messages to [`dsp::Dsp`], which checks them against
//! [`data::DccData`] and hands distributions to one [`csp::Csp`] per region; that speaks the WAN link to the hubs. Each
//! is a state machine: told the time and what happened, its outputs are taken from a queue. [`panel::Panel`] keeps CPL, FIR
//! and DZIR. What a lab may want otherwise is in [`Settings`].

pub mod csp;
pub mod data;
pub mod dsp;
pub mod duis;
mod excerpt;
mod faults;
pub mod gateway;
mod hash;
pub mod panel;
pub mod security;
pub mod settings;
pub mod supplier;

pub use excerpt::{excerpt, short_message};
pub use hash::FirmwareHash;
pub use settings::Settings;
