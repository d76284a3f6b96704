//! The board: Arm MPS2 with FPGA image AN386, a Cortex-M4F, as `qemu-system-arm -M mps2-an386` emulates it.
//!
//! What of the board is used, and for what:
//!
//! | part | used as |
//! |---|---|
//! | UART 0 | text of a panic |
//! | UART 1 | radio: a Spinel radio co-processor, HDLC-lite |
//! | UART 2 | WAN link of the hub |
//! | timer 0 | clock |
//! | timer 1 | alarm that ends a sleep |
//! | PSRAM | flash ([`flash`]), provisioning and local update ([`rig`]) |
//!
//! The core sleeps in WFI whenever there is nothing to do.
#![no_std]
extern crate alloc;

mod clock;
pub mod flash;
mod panic;
mod radio;
mod registers;
pub mod rig;
mod run;
mod uart;
mod vectors;

pub use run::run;
