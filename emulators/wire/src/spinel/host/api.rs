//! What a host is told and what it tells.

use crate::hdlc;
use crate::spinel::{PromiscuousMode, PropertyId, Status};
use crate::time::Duration;
use crate::types::Eui64;
use alloc::string::String;
use alloc::vec::Vec;

/// What the radio is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RadioSettings {
    /// Channel, 11 to 26.
    pub channel: u8,
    /// PAN identifier; 0xFFFF while in no network, which lets all beacons through.
    pub pan_id: u16,
    /// Short address; 0xFFFF while there is none.
    pub short_address: u16,
    /// Extended address.
    pub long_address: Eui64,
    /// What frames are received. Only frames for this radio's addresses are acknowledged, in any mode.
    pub promiscuous: PromiscuousMode,
    /// Transmit power in dBm; what the RCP has by itself where `None`.
    pub tx_power_dbm: Option<i8>,
}

impl Default for RadioSettings {
    /// Channel 11, no network, no addresses.
    fn default() -> Self {
        Self {
            channel: 11,
            pan_id: 0xFFFF,
            short_address: 0xFFFF,
            long_address: Eui64(0),
            promiscuous: PromiscuousMode::Off,
            tx_power_dbm: None,
        }
    }
}

/// How a host is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// What the radio is set to at first.
    pub settings: RadioSettings,
    /// How long an answer may take; then the request is sent again, twice at most.
    pub answer_wait: Duration,
    /// How long the report of a transmission may take, retries and all. A frame is not sent again: nobody knows whether it
    /// went out.
    pub transmit_wait: Duration,
    /// How long a reset may take. Then the next is tried.
    pub reset_wait: Duration,
    /// How long to wait after a refusal before the next reset.
    pub retry_wait: Duration,
}

impl HostConfig {
    /// 4 s for an answer, 5 s for a transmission (as OpenThread has it), 2 s for a reset, 1 s between attempts. An RCP that
    /// works needs milliseconds for an answer; but one that a busy machine emulates gets to it late, and has no fault.
    pub const fn new(settings: RadioSettings) -> Self {
        Self {
            settings,
            answer_wait: Duration::from_secs(4),
            transmit_wait: Duration::from_secs(5),
            reset_wait: Duration::from_secs(2),
            retry_wait: Duration::from_secs(1),
        }
    }
}

/// A frame to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransmitRequest {
    /// MAC header, payload and frame check sequence, 3 to 127 octets. The radio computes the frame check sequence anew.
    /// Whether an acknowledgement is waited for is in its acknowledgement request bit.
    pub psdu: Vec<u8>,
    /// Channel to send on, and to listen on from then on.
    pub channel: u8,
    /// Whether to perform CSMA-CA.
    pub csma: bool,
    /// macMaxCSMABackoffs.
    pub max_csma_backoffs: u8,
    /// macMaxFrameRetries.
    pub max_frame_retries: u8,
}

impl TransmitRequest {
    /// With the defaults of IEEE 802.15.4-2006 (7.4.2): CSMA-CA, 4 backoffs, 3 retries.
    pub const fn new(psdu: Vec<u8>, channel: u8) -> Self {
        Self { psdu, channel, csma: true, max_csma_backoffs: 4, max_frame_retries: 3 }
    }

    /// Whether the frame asks for an acknowledgement.
    pub fn wants_acknowledgement(&self) -> bool {
        self.psdu.first().is_some_and(|control| control & 0x20 != 0)
    }
}

/// Identifies a transmission until its [`HostEvent::TransmitDone`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransmitId(pub u32);

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransmitOutcome {
    /// Its last octet has left; no acknowledgement was asked for.
    Sent,
    /// It was acknowledged.
    Acknowledged {
        /// The acknowledgement's frame pending bit.
        pending: bool,
    },
    /// It was sent, retries and all, and not acknowledged.
    NoAck,
    /// CSMA-CA found no idle channel.
    ChannelAccessFailure,
    /// The radio refused it.
    Refused(Status),
    /// The radio was not ready, or was reset or fell silent meanwhile: the frame may or may not have been sent.
    Unavailable,
}

/// A frame received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reception {
    /// MAC header, payload and the right frame check sequence (a wrong one only where the radio says that it was wrong).
    pub psdu: Vec<u8>,
    /// Channel; 0 where the radio does not say.
    pub channel: u8,
    /// Received signal strength, in dBm.
    pub rssi_dbm: i8,
    /// Link quality indication.
    pub lqi: u8,
    /// When the start-of-frame delimiter had ended, in microseconds on the radio's own clock.
    pub timestamp: u64,
}

/// Who the RCP is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RcpIdentity {
    /// Its firmware, as it says.
    pub version: String,
    /// Minor version of the protocol.
    pub protocol_minor: u32,
    /// Its factory-assigned EUI-64.
    pub hw_addr: Eui64,
}

/// Why an RCP is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DownReason {
    /// It has reset itself.
    #[error("the RCP was reset ({0})")]
    Reset(Status),
    /// It does not answer.
    #[error("the RCP does not answer ({waiting_for})")]
    NoAnswer {
        /// The property asked for or set; LAST_STATUS for a reset.
        waiting_for: PropertyId,
    },
    /// It refused what it needs to be set to.
    #[error("the RCP refused {property}: {status}")]
    Refused {
        /// The property asked for or set.
        property: PropertyId,
        /// Its answer.
        status: Status,
    },
    /// It speaks another protocol.
    #[error("the RCP speaks Spinel {major}, expected {expected}", expected = crate::spinel::PROTOCOL_MAJOR)]
    ProtocolVersion {
        /// Its major version.
        major: u32,
    },
    /// It is not a radio for raw MAC frames, but an NCP perhaps.
    #[error("the co-processor does not send raw MAC frames: its firmware is not that of an RCP")]
    NoRawStream,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostEvent {
    /// The RCP is set up and receives.
    Ready(RcpIdentity),
    /// The RCP cannot be used. The host goes on trying to bring it up.
    Down(DownReason),
    /// A frame was received.
    Received(Reception),
    /// A transmission has ended. Every one ends with exactly one of these.
    TransmitDone {
        /// Which.
        id: TransmitId,
        /// How.
        outcome: TransmitOutcome,
    },
    /// The RCP wrote a text for debugging.
    Debug(Vec<u8>),
}

/// Counts since the host was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostCounters {
    /// The framing, of what comes from the RCP.
    pub framing: hdlc::Counters,
    /// Frames that do not parse.
    pub malformed: u64,
    /// Answers to nothing that was asked, such as those that came too late.
    pub stray_answers: u64,
    /// Requests without an answer in time.
    pub timeouts: u64,
    /// Resets that the host did not ask for.
    pub unexpected_resets: u64,
    /// Receptions that the RCP told as failed.
    pub receive_errors: u64,
    /// Frames received that nobody took in time.
    pub dropped: u64,
}
