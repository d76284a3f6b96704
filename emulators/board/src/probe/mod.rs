//! The virtual debug probe: a server that probe-rs takes for a Glasgow Interface Explorer on a socket.
//!
//! One client at a time. A second one is answered with the identification `probe in use`, which probe-rs shows as
//! `unsupported probe: "probe in use"`. When QEMU is gone the server goes on answering, with protocol errors: probe-rs
//! 0.32 spins forever on a socket that is closed while it waits for an answer.

mod dap;
mod fpb;
mod machine;
mod scs;
mod server;
mod stats;
mod target;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use self::dap::Dap;
pub(crate) use self::machine::QemuMachine;
pub use self::server::NO_PACKET;
pub(crate) use self::server::{Port, ProbeServer};
pub use self::stats::ProbeStats;
pub(crate) use self::target::{CoreState, Target};
