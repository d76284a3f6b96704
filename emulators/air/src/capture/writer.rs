//! Writing a capture.

use super::CaptureError;
use super::tap::{Fcs, Tap};
use crate::frame::SniffedFrame;
use hanrig_wire::time::{Duration, Utc};
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{Block, PcapNgWriter};
use pcap_file::{DataLink, Endianness, PcapError};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

/// Writes frames as pcapng. See the [module](super) for what the file is like.
pub struct CaptureWriter<W: Write> {
    writer: PcapNgWriter<BufWriter<W>>,
    /// Time zero of the bench, in microseconds since 1970.
    base_us: i128,
    /// Interface number by channel page and channel.
    interfaces: BTreeMap<(u8, u8), u32>,
    packet: Vec<u8>,
}

/// The comment of the section header that tells time zero of the bench, so that a reader can give instants again.
pub(super) const BASE_COMMENT: &str = "bench time zero, ms since 1970-01-01T00:00:00Z: ";

impl<W: Write> core::fmt::Debug for CaptureWriter<W> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CaptureWriter").field("interfaces", &self.interfaces).finish_non_exhaustive()
    }
}

impl<W: Write> CaptureWriter<W> {
    /// Writes the section header. `base` is the time of day at [`Instant::ZERO`](hanrig_wire::time::Instant::ZERO).
    ///
    /// # Errors
    ///
    /// The output fails.
    pub fn new(output: W, base: Utc) -> Result<Self, CaptureError> {
        let header = SectionHeaderBlock {
            // Not that of the machine: the same run leaves the same octets everywhere.
            endianness: Endianness::Little,
            options: vec![
                SectionHeaderOption::Comment(Cow::Owned(format!("{BASE_COMMENT}{}", base.0))),
                SectionHeaderOption::UserApplication(Cow::Borrowed("hanrig")),
            ],
            ..SectionHeaderBlock::default()
        };
        let writer = PcapNgWriter::with_section_header(BufWriter::new(output), header).map_err(output_failed)?;
        Ok(Self { writer, base_us: i128::from(base.0) * 1000, interfaces: BTreeMap::new(), packet: Vec::new() })
    }

    /// Writes a frame, and before the first frame of a channel of a page the description of that channel's interface.
    ///
    /// # Errors
    ///
    /// The output fails, or the frame's time of day is before 1970.
    pub fn write(&mut self, frame: &SniffedFrame) -> Result<(), CaptureError> {
        let micros = self.base_us + i128::from(frame.at.as_micros());
        let timestamp = u64::try_from(micros).map_err(|_| CaptureError::Time { micros })?;
        let interface_id = self.interface((frame.page, frame.channel))?;
        let mut packet = std::mem::take(&mut self.packet);
        packet.clear();
        Tap {
            fcs: Fcs::Crc16,
            rssi: Some(frame.rssi),
            channel: Some((frame.channel, frame.page)),
            lqi: Some(frame.lqi),
        }
        .emit(&mut packet);
        packet.extend_from_slice(&frame.psdu);
        let result = self.block(&Block::EnhancedPacket(EnhancedPacketBlock {
            interface_id,
            // The library writes the number of nanoseconds as the number of ticks, whatever a tick is.
            timestamp: Duration::from_nanos(timestamp),
            original_len: u32::try_from(packet.len()).unwrap_or(u32::MAX),
            data: Cow::Borrowed(&packet),
            options: Vec::new(),
        }));
        self.packet = packet;
        result
    }

    /// Writes out what is buffered and gives the output back. A writer that is dropped instead writes out too, but cannot
    /// tell that it failed.
    ///
    /// # Errors
    ///
    /// The output fails.
    pub fn finish(self) -> Result<W, CaptureError> {
        self.writer.into_inner().into_inner().map_err(|e| CaptureError::Io(e.into_error()))
    }

    fn interface(&mut self, channel: (u8, u8)) -> Result<u32, CaptureError> {
        if let Some(id) = self.interfaces.get(&channel) {
            return Ok(*id);
        }
        let id = self.interfaces.len() as u32;
        self.block(&Block::InterfaceDescription(InterfaceDescriptionBlock {
            linktype: DataLink::IEEE802_15_4_TAP,
            snaplen: 0,
            options: vec![
                InterfaceDescriptionOption::IfName(Cow::Owned(match channel {
                    (0, channel) => format!("channel {channel}"),
                    (page, channel) => format!("channel {channel} of page {page}"),
                })),
                // Microseconds.
                InterfaceDescriptionOption::IfTsResol(6),
            ],
        }))?;
        self.interfaces.insert(channel, id);
        Ok(id)
    }

    fn block(&mut self, block: &Block<'_>) -> Result<(), CaptureError> {
        self.writer.write_block(block).map(|_| ()).map_err(output_failed)
    }
}

/// When writing, nothing but the output can fail.
fn output_failed(error: PcapError) -> CaptureError {
    CaptureError::Io(match error {
        PcapError::IoError(e) => e,
        other => std::io::Error::other(other),
    })
}
