//! The two layouts of STREAM_RAW: a frame to send, and a frame received.

use super::data::{Reader, emit_block, emit_packed};
use super::error::SpinelError;
use alloc::vec::Vec;

/// A frame to send: the value that a host sets STREAM_RAW to.
///
/// Packed as `dCCCbbbbLLC`. All after the channel may be missing, from the end on: then it is as in [`Self::new`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransmitFrame {
    /// The frame, with two octets for the frame check sequence, which the radio fills in.
    pub psdu: Vec<u8>,
    /// Channel to send on.
    pub channel: u8,
    /// macMaxCSMABackoffs for this frame.
    pub max_csma_backoffs: u8,
    /// macMaxFrameRetries for this frame.
    pub max_frame_retries: u8,
    /// Whether to perform CSMA-CA.
    pub csma: bool,
    /// Whether the header is final already. Matters to MAC security and header IEs, which ZigBee does not have: true.
    pub header_updated: bool,
    /// Whether the host sent this frame before.
    pub retransmission: bool,
    /// Whether MAC security was applied already, or there is none to apply.
    pub security_processed: bool,
    /// Sends at `delay_base + delay` on the RCP's clock, in microseconds (low 32 bits); at once when both are 0.
    pub delay: u32,
    /// See `delay`.
    pub delay_base: u32,
    /// Channel to listen on afterwards.
    pub receive_channel: u8,
}

impl TransmitFrame {
    /// A frame with what OpenThread does where the request does not say: 4 backoffs, 15 retries, CSMA-CA, the same channel
    /// afterwards.
    pub const fn new(psdu: Vec<u8>, channel: u8) -> Self {
        Self {
            psdu,
            channel,
            max_csma_backoffs: 4,
            max_frame_retries: 15,
            csma: true,
            header_updated: false,
            retransmission: false,
            security_processed: false,
            delay: 0,
            delay_base: 0,
            receive_channel: channel,
        }
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, SpinelError> {
        let psdu = reader.block("PSDU")?.rest().to_vec();
        let mut frame = Self::new(psdu, reader.u8("transmit channel")?);
        // The first that is missing ends it: nothing can follow.
        let _ = frame.parse_options(reader);
        Ok(frame)
    }

    fn parse_options(&mut self, reader: &mut Reader<'_>) -> Result<(), SpinelError> {
        self.max_csma_backoffs = reader.u8("CSMA backoffs")?;
        self.max_frame_retries = reader.u8("frame retries")?;
        self.csma = reader.bool("CSMA-CA enabled")?;
        self.header_updated = reader.bool("header updated")?;
        self.retransmission = reader.bool("retransmission")?;
        self.security_processed = reader.bool("security processed")?;
        self.delay = reader.u32("transmit delay")?;
        self.delay_base = reader.u32("transmit delay base")?;
        self.receive_channel = reader.u8("receive channel")?;
        Ok(())
    }

    pub(super) fn emit(&self, frame: &mut Vec<u8>) {
        emit_block(frame, |frame| frame.extend_from_slice(&self.psdu));
        frame.extend_from_slice(&[
            self.channel,
            self.max_csma_backoffs,
            self.max_frame_retries,
            u8::from(self.csma),
            u8::from(self.header_updated),
            u8::from(self.retransmission),
            u8::from(self.security_processed),
        ]);
        frame.extend_from_slice(&self.delay.to_le_bytes());
        frame.extend_from_slice(&self.delay_base.to_le_bytes());
        frame.push(self.receive_channel);
    }
}

/// Flags of a frame received (SPINEL_MD_FLAG).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveFlags(pub u16);

impl ReceiveFlags {
    /// The frame was sent by the RCP itself.
    pub const TX: u16 = 0x0001;
    /// The frame check sequence is wrong.
    pub const BAD_FCS: u16 = 0x0004;
    /// The frame seems to be a duplicate.
    pub const DUPLICATE: u16 = 0x0008;
    /// It was acknowledged with the frame pending bit set.
    pub const ACKED_PENDING: u16 = 0x0010;

    /// Whether all of `flags` are set.
    pub const fn has(self, flags: u16) -> bool {
        self.0 & flags == flags
    }
}

/// A frame received: a value of STREAM_RAW that an RCP tells.
///
/// Packed as `dccSt(CCX)t(i)`. All after the PSDU may be missing, from the end on; OpenThread adds `t(CL)`, the key and
/// frame counter of an acknowledgement with MAC security, which is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedFrame {
    /// The frame, with two octets that may or may not be the frame check sequence. Empty where `error` is not 0.
    pub psdu: Vec<u8>,
    /// Received signal strength, in dBm.
    pub rssi_dbm: i8,
    /// Noise floor, in dBm; -128 for unknown.
    pub noise_dbm: i8,
    /// Flags.
    pub flags: ReceiveFlags,
    /// Channel; 0 for unknown.
    pub channel: u8,
    /// Link quality indication.
    pub lqi: u8,
    /// When the start-of-frame delimiter had ended, in microseconds on the RCP's clock.
    pub timestamp: u64,
    /// 0, or the error of the RCP's stack (`otError`) that the reception ended with.
    pub error: u32,
}

impl ReceivedFrame {
    /// What stands for an acknowledgement in the report of a frame that asked for none.
    pub const fn none() -> Self {
        Self {
            psdu: Vec::new(),
            rssi_dbm: 0,
            noise_dbm: -128,
            flags: ReceiveFlags(0),
            channel: 0,
            lqi: 0,
            timestamp: 0,
            error: 0,
        }
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, SpinelError> {
        let mut frame = Self { psdu: reader.block("PSDU")?.rest().to_vec(), ..Self::none() };
        // The first that is missing ends it: nothing can follow.
        let _ = frame.parse_metadata(reader);
        Ok(frame)
    }

    fn parse_metadata(&mut self, reader: &mut Reader<'_>) -> Result<(), SpinelError> {
        self.rssi_dbm = reader.i8("RSSI")?;
        self.noise_dbm = reader.i8("noise floor")?;
        self.flags = ReceiveFlags(reader.u16("flags")?);
        let mut phy = reader.block("PHY data")?;
        self.channel = phy.u8("receive channel")?;
        self.lqi = phy.u8("LQI")?;
        self.timestamp = phy.u64("timestamp")?;
        self.error = reader.block("vendor data")?.packed("receive error")?;
        Ok(())
    }

    pub(super) fn emit(&self, frame: &mut Vec<u8>) {
        emit_block(frame, |frame| frame.extend_from_slice(&self.psdu));
        frame.extend_from_slice(&self.rssi_dbm.to_le_bytes());
        frame.extend_from_slice(&self.noise_dbm.to_le_bytes());
        frame.extend_from_slice(&self.flags.0.to_le_bytes());
        emit_block(frame, |frame| {
            frame.extend_from_slice(&[self.channel, self.lqi]);
            frame.extend_from_slice(&self.timestamp.to_le_bytes());
        });
        emit_block(frame, |frame| emit_packed(self.error, frame));
    }
}
