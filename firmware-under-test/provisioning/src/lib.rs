//! What the rig writes into a board before its firmware runs.
//!
//! One firmware file serves many benches, so a board's identity, keys and choices are not compiled in. The rig resets and
//! halts the board, writes a provisioning block of at most [`REGION_SIZE`] octets through the debug probe to where the
//! firmware keeps it (the symbol [`SYMBOL`], or the address that the board's documentation names), and lets it run. A real
//! Device gets the same in its factory.
//!
//! # Layout
//!
//! All numbers are little-endian.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | [`MAGIC`]: the letters `HRPV` |
//! | 4 | 2 | [`VERSION`] of the layout |
//! | 6 | 2 | zero |
//! | 8 | 4 | length of the payload in octets |
//! | 12 | 4 | CRC-32 (ISO-HDLC) of the payload |
//! | 16 | .. | payload: [`Provisioning`] in postcard's encoding |
//!
//! Zeros follow up to a whole word, so that a probe that writes words can write it.
#![no_std]
extern crate alloc;

mod block;
mod model;

pub use block::{BlockError, HEAD, MAGIC, REGION_SIZE, SYMBOL, VERSION, decode, encode};
pub use model::{Faults, HubProvisioning, PpmidProvisioning, Provisioning, Role};
