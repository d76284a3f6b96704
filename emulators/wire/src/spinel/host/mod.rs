//! The host's side: keeps an RCP configured, sends frames through it and takes frames from it.
//!
//! [`RcpHost`] does no I/O. It is told the time and the octets that came from the serial port; it says what octets go there,
//! when it wants to be called, and what happened. It brings the RCP up (reset, protocol version, capabilities, settings), asks
//! again where an answer is lost, starts over when the RCP resets itself or falls silent, and does so for as long as it
//! takes: a dongle may be unplugged and plugged in again.
//!
//! ```
//! # use hanrig_wire::spinel::host::{HostConfig, RadioSettings, RcpHost};
//! # use hanrig_wire::time::Instant;
//! # let (now, serial_port) = (Instant::ZERO, &mut Vec::<u8>::new());
//! # let from_serial_port: &[u8] = &[];
//! let mut host = RcpHost::new(HostConfig::new(RadioSettings::default()));
//! host.start(now);
//! // Whenever octets came, poll_at() has come or another method was called:
//! host.on_octets(now, from_serial_port);
//! host.poll(now);
//! while let Some(octets) = host.take_output() {
//!     serial_port.extend(octets);
//! }
//! while let Some(event) = host.take_event() {
//!     // Received, TransmitDone, Ready, Down ...
//! #   let _ = event;
//! }
//! ```

mod api;
mod session;

pub use api::{
    DownReason, HostConfig, HostCounters, HostEvent, RadioSettings, RcpIdentity, Reception, TransmitId,
    TransmitOutcome, TransmitRequest,
};
pub use session::RcpHost;
