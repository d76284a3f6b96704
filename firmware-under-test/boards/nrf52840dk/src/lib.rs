//! The board: Nordic's nRF52840 DK (PCA10056).
//!
//! What of the board is used, and for what:
//!
//! | part | used as |
//! |---|---|
//! | RADIO | IEEE 802.15.4 at 2.4 GHz, with a MAC of its own ([`mac`]) |
//! | QSPI, MX25R6435F on the DK | flash ([`flash`]) |
//! | UARTE0, the DK's first virtual COM port, RTS and CTS | WAN link of the hub, 115200 baud |
//! | RTC1 | clock, 32768 Hz crystal |
//! | last page of the internal flash | provisioning |
//!
//! **This firmware was compiled and not run**: no such board was at hand when it was written.
#![no_std]
extern crate alloc;

pub mod flash;
pub mod mac;
mod panic;
mod run;
mod wan;

pub use run::run;
