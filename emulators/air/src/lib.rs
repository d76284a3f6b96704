//! The radio medium: airtime, CSMA-CA, collisions, loss and capture.
//!
//! [`Air`] is a discrete-event model of IEEE 802.15.4 radios that share channels. It does no I/O and reads no clock: it is
//! told the time, and says with [`Air::poll_at`] when it next has something to do. The same configuration, the same seed
//! and the same calls give the same events, octet for octet.
//!
//! What it models: the time a frame takes on the air, unslotted CSMA-CA, turnaround, half duplex, collisions (hidden nodes
//! included) and random loss per link. What it does not: signal strength over distance, the capture effect (two frames
//! that overlap at a receiver are both lost there, whichever is stronger), interference between channels, and the
//! interframe spacing of IEEE 802.15.4 (7.5.1.3 in the 2006 edition), which is the MAC's to keep.
//!
//! [`capture`] keeps what the sniffer heard as a pcapng file and reads such files back. [`live`] runs the medium in real time,
//! for boards.

pub mod capture;
mod config;
mod due;
mod frame;
pub mod live;
pub mod mac;
mod medium;
mod phy;
mod radio;

pub use config::{AirConfig, Link};
pub use frame::{AirEvent, AirStats, RadioId, SniffedFrame, TransmitError, TransmitId, TransmitResult, fcs_is_good};
pub use medium::Air;
pub use phy::{Csma, MAX_PSDU, MIN_PSDU, Phy};
