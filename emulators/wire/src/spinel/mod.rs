//! Spinel: the protocol between a host and a radio co-processor (RCP) such as OpenThread makes for many dongles.
//!
//! An RCP is an IEEE 802.15.4 radio with the time-critical part of a MAC, behind a serial port. The host reads and writes
//! its *properties*; frames go out by setting [`PropertyId::STREAM_RAW`] and come in as that property's value. On a serial
//! port every Spinel frame travels in one frame of [`crate::hdlc`].
//!
//! Facts are from *Spinel Host-Controller Protocol* (draft-rquattle-spinel-unified-00) and, where OpenThread has moved on,
//! from the comments on the properties in its `spinel.h` and from the pack formats in `radio_spinel.cpp` (host) and
//! `ncp_base_radio.cpp` (RCP).
//!
//! # Frame
//!
//! | octets | field |
//! |---|---|
//! | 1 | header: flag 0b10 (2 bits), interface (2 bits), transaction (4 bits) |
//! | 1 to 5 | command, packed unsigned integer |
//! | .. | for the commands on properties: property, packed unsigned integer, then its value |
//!
//! A packed unsigned integer has seven bits an octet, the least significant first, and the top bit set in all octets but
//! the last. Other integers are little-endian, an EUI-64 is in network order (most significant octet first). A reader
//! passes over octets that follow a value it knows: that is how the protocol grows.
//!
//! A host numbers its requests with transactions 1 to 15, and the answer carries the same; transaction 0 is for what
//! nobody asked for. The answer to a request is the property's value, or [`Property::LastStatus`] where it failed.
//!
//! # Who does what of the MAC
//!
//! The turnaround time of 192 µs leaves no time for a serial port, so the work is divided:
//!
//! - The RCP filters by PAN identifier, short and extended address; acknowledges what is for it and asks for it, with the
//!   frame pending bit in the acknowledgement of a data request (all of them, unless source matching is switched on); checks
//!   frame check sequences and computes those of frames sent; performs CSMA-CA; waits for acknowledgements and sends again,
//!   as often as the request says; and tells the outcome, which is [`Status::NO_ACK`] where no acknowledgement came.
//! - The host does the rest: sequence numbers, duplicate rejection, scanning, association, and all above the MAC. It never
//!   sends an acknowledgement, is never handed one, and does not repeat a frame.
//!
//! A PSDU has its two octets of frame check sequence in both directions, but their value is not to be relied on: some radios
//! put other things there. [`host::RcpHost`] restores it.

mod data;
mod error;
pub mod host;
mod message;
mod property;
mod raw;
mod status;

pub use error::{SpinelError, SpinelErrorKind};
pub use message::{Header, Message, ResetKind, SpinelFrame};
pub use property::{LastStatus, PromiscuousMode, Property, PropertyId, TransmitReport};
pub use raw::{ReceiveFlags, ReceivedFrame, TransmitFrame};
pub use status::Status;

/// The most octets of a Spinel frame, framing not counted, as OpenThread bounds it.
pub const MAXIMUM_FRAME_LENGTH: usize = 1300;

/// The major version of the protocol; another one is another protocol.
pub const PROTOCOL_MAJOR: u32 = 4;

/// Capabilities an RCP lists in [`Property::Caps`].
pub mod capability {
    /// 2.4 GHz O-QPSK (SPINEL_CAP_802_15_4_2450MHZ_OQPSK).
    pub const PHY_2450_OQPSK: u32 = 24;
    /// Is a radio only (SPINEL_CAP_CONFIG_RADIO).
    pub const CONFIG_RADIO: u32 = 34;
    /// Sends and receives raw MAC frames (SPINEL_CAP_MAC_RAW).
    pub const MAC_RAW: u32 = 513;
}
