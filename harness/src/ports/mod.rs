//! What a rig reaches real hardware with, one file each, behind a trait: nothing here knows what is at the other end.
//!
//! - [`probe`]: a debug probe and the chip behind it; [`probe_thread`] runs one on a thread of its own;
//! - [`sniffer`]: a radio that tells what it hears;
//! - [`radio`]: a radio for software devices;
//! - [`wan`]: the link to a Communications Hub;
//! - [`power`]: a switch in a board's supply;
//! - [`event`]: what the ports tell, all through one channel;
//! - [`lock`]: a probe or port serves one rig at a time.
//!
//! Whatever a port needs, threads, child processes, open ports, locks, ends when its handle is dropped.

mod alignment;
pub mod event;
mod lines;
pub mod lock;
pub mod power;
pub mod probe;
pub mod probe_thread;
mod process;
pub mod radio;
mod ready;
mod serial;
pub mod sniffer;
mod thread;
pub mod wan;

pub use event::{Events, PortEvent, PortEventKind, PortEvents, PortSender};
pub use lock::{LockError, PortLock};
pub use power::{Power, PowerError, PowerHooks};
pub use probe::{
    Firmware, FirmwareError, FirmwareFormat, Probe, ProbeError, ProbeInfo, ProbeRs, ProbeSettings, Symbol,
};
pub use probe_thread::{ProbeHandle, Reply};
pub use radio::{Radio, RadioError, RcpRadio};
pub use serial::{Carried, SerialError, SerialSettings};
pub use sniffer::{NrfSniffer, Sniffer, SnifferCounters};
pub use wan::{WanError, WanLink, WanPort, WanTarget};
