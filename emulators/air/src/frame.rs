//! What goes into the medium and comes out of it.

use hanrig_wire::mac;
use hanrig_wire::time::Instant;
use std::sync::Arc;

/// A radio on the medium. Identifiers are given in the order of attaching and never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RadioId(pub(crate) u32);

impl RadioId {
    /// The sniffer: a receiver that every medium has, tuned to all channels at once, that never sends.
    ///
    /// It stands for one dongle a channel. It is subject to range, collisions and its own loss like any receiver.
    pub const SNIFFER: Self = Self(0);
}

/// One request to transmit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransmitId(pub(crate) u64);

/// Why a frame was not taken for transmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransmitError {
    /// The PSDU has a length that no frame has.
    #[error("a PSDU of {octets} octets, expected {min} to {max} with the FCS", min = crate::MIN_PSDU, max = crate::MAX_PSDU)]
    Length {
        /// Its length.
        octets: usize,
    },
    /// The radio was detached, is the sniffer, or is of another medium.
    #[error("radio {} is not attached", radio.0)]
    NotAttached {
        /// The radio.
        radio: RadioId,
    },
}

/// How a transmission ended, as PD-DATA and CSMA-CA tell it; whether anyone heard the frame is not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransmitResult {
    /// The last symbol has left the antenna.
    Sent,
    /// CSMA-CA found the channel busy macMaxCSMABackoffs + 1 times; nothing was sent.
    ChannelAccessFailure,
}

/// A frame that a sniffer heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SniffedFrame {
    /// When the first symbol of the preamble was on the air.
    pub at: Instant,
    /// Channel page: 0 at 2.4 GHz, 28 to 31 below 1 GHz.
    pub page: u8,
    /// Channel number.
    pub channel: u8,
    /// MAC header, payload and frame check sequence.
    pub psdu: Arc<[u8]>,
    /// Received signal strength at the sniffer, in dBm; -128 where a capture does not say.
    pub rssi: i8,
    /// Link quality indication at the sniffer; 0 where a capture does not say.
    pub lqi: u8,
    /// Whether the frame check sequence is right.
    pub fcs_ok: bool,
}

/// Whether a PSDU ends with the right frame check sequence (IEEE 802.15.4-2006, 7.2.1.9) for the octets before. A PSDU too
/// short to have one is not good.
pub fn fcs_is_good(psdu: &[u8]) -> bool {
    psdu.split_last_chunk().is_some_and(|(octets, check)| u16::from_le_bytes(*check) == mac::fcs(octets))
}

/// What the medium tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AirEvent {
    /// A transmission has ended.
    TransmitDone {
        /// The sender.
        radio: RadioId,
        /// What [`Air::transmit`](crate::Air::transmit) returned.
        id: TransmitId,
        /// Whether it went by CSMA-CA.
        csma: bool,
        /// How.
        result: TransmitResult,
    },
    /// A radio has received a frame; told at the end of the frame. The frame check sequence has not been looked at.
    Received {
        /// The receiver.
        radio: RadioId,
        /// MAC header, payload and frame check sequence.
        psdu: Arc<[u8]>,
        /// Received signal strength, in dBm.
        rssi_dbm: i8,
        /// Link quality indication.
        lqi: u8,
    },
    /// The sniffer has received a frame; told at the end of the frame, before anyone else is told of it.
    Sniffed(SniffedFrame),
}

/// Counts since the medium was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AirStats {
    /// Frames that were on the air to their end.
    pub transmitted: u64,
    /// Frames that overlapped another on their channel, whether or not a receiver heard both.
    pub overlapped: u64,
    /// Receptions by radios.
    pub received: u64,
    /// Receptions spoilt at a radio by another frame.
    pub collided: u64,
    /// Receptions missed at a radio by the draw of loss.
    pub lost: u64,
    /// Receptions missed because the radio itself was sending.
    pub deaf: u64,
    /// Frames that the sniffer heard whole.
    pub sniffed: u64,
    /// Frames spoilt at the sniffer by another frame; these are not told as sniffed.
    pub sniffer_collided: u64,
    /// Frames that the sniffer missed by the draw of loss.
    pub sniffer_lost: u64,
    /// Clear channel assessments that found the channel busy.
    pub cca_busy: u64,
    /// Transmissions given up by CSMA-CA.
    pub channel_access_failures: u64,
}
