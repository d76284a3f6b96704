//! What the sniffer heard, kept as pcapng (draft-ietf-opsawg-pcapng).
//!
//! A capture has one interface a channel, of link type 283: IEEE 802.15.4 with the TAP header that tells FCS type, signal
//! strength, channel and LQI. Timestamps are UTC in microseconds. The octets depend on nothing but what was given to the
//! writer: two runs that are the same leave files that are the same.
//!
//! The keys go into a file beside it: [`keys_file`] gives Wireshark's table of ZigBee keys, with which Wireshark and tshark
//! decrypt. The pcapng draft also lays out Decryption Secrets Blocks for ZigBee, but tshark 4.0 does not take keys from
//! there.

mod keys;
mod reader;
mod tap;
mod writer;

pub use keys::{KEYS_FILE, keys_file};
pub use reader::{CaptureReader, read_capture};
pub use writer::CaptureWriter;

use pcap_file::PcapError;

/// Why a capture could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file could not be written or read.
    #[error("capture file: {0}")]
    Io(#[from] std::io::Error),
    /// The time of a frame is before 1970 or beyond what 64 bits of microseconds hold.
    #[error("time {micros} us after 1970-01-01, expected 0 to {max}", max = u64::MAX)]
    Time {
        /// The time, in microseconds since 1970-01-01T00:00:00Z.
        micros: i128,
    },
    /// The file does not begin as pcapng does.
    #[error("not a pcapng capture: expected a section header block at the start")]
    NotPcapng {
        /// What is wrong.
        source: PcapError,
    },
    /// The file ends in the middle of a block, or the block is too long to be one of a capture.
    #[error("block {block} of the capture: cut short, or over 8 MB; expected a whole block")]
    Truncated {
        /// Its number.
        block: u64,
    },
    /// A block is not valid pcapng. Blocks are counted from 0, the section header.
    #[error("block {block} of the capture: not valid pcapng: {source}")]
    Block {
        /// Its number.
        block: u64,
        /// What is wrong.
        source: PcapError,
    },
    /// A packet block is of a kind that carries no time or is obsolete.
    #[error("block {block} of the capture: a {found} block, expected enhanced packet blocks only")]
    PacketKind {
        /// The number of the block.
        block: u64,
        /// What it is.
        found: &'static str,
    },
    /// A packet names an interface that was not described.
    #[error("block {block} of the capture: interface {interface}, but only {described} are described")]
    Interface {
        /// The number of the block.
        block: u64,
        /// The interface named.
        interface: u32,
        /// How many there are.
        described: usize,
    },
    /// An interface has a link type that is not IEEE 802.15.4.
    #[error("block {block} of the capture: link type {found}, expected 195, 230 or 283 (IEEE 802.15.4)")]
    LinkType {
        /// The number of the block.
        block: u64,
        /// The link type.
        found: u32,
    },
    /// A packet was cut short when it was captured.
    #[error("block {block} of the capture: {captured} of {original} octets captured, expected all")]
    Cut {
        /// The number of the block.
        block: u64,
        /// Octets there are.
        captured: usize,
        /// Octets there were.
        original: u32,
    },
    /// A TAP header is wrong.
    #[error("block {block} of the capture: TAP header, offset {offset}: expected {expected}")]
    Tap {
        /// The number of the block.
        block: u64,
        /// Where in the packet.
        offset: usize,
        /// What would have been right.
        expected: &'static str,
    },
    /// A frame has a length that no PSDU has.
    #[error("block {block} of the capture: a PSDU of {octets} octets, expected {min} to {max} with the FCS", min = crate::MIN_PSDU, max = crate::MAX_PSDU)]
    Length {
        /// The number of the block.
        block: u64,
        /// Its length.
        octets: usize,
    },
}
