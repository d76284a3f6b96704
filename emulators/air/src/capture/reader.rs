//! Reading a capture back.

use super::CaptureError;
use super::tap::{Fcs, Tap};
use super::writer::BASE_COMMENT;
use crate::frame::{SniffedFrame, fcs_is_good};
use crate::phy::{MAX_PSDU, MIN_PSDU};
use hanrig_wire::mac;
use hanrig_wire::time::{Instant, Utc};
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{Block, PcapNgReader};
use pcap_file::{DataLink, PcapError};
use std::io::{ErrorKind, Read};

/// Reads a pcapng capture of IEEE 802.15.4 frames: of this project, or of another sniffer with link type 195, 230 or 283.
///
/// Frames that were captured without FCS are given the right one. Blocks other than packets and interfaces are passed
/// over, whatever they are; blocks of more than 8 MB are refused.
///
/// # Errors
///
/// The input fails, or does not begin with a section header.
pub fn read_capture<R: Read>(input: R) -> Result<CaptureReader<R>, CaptureError> {
    let reader = PcapNgReader::new(input).map_err(|source| invalid(0, source))?;
    let mut capture = CaptureReader {
        base_us: None,
        interfaces: Vec::new(),
        block: 0,
        failed: false,
        comments: comments(reader.section()),
        reader,
    };
    capture.begin_section();
    Ok(capture)
}

/// The frames of a capture, in the order of the file. After an error there are no more.
pub struct CaptureReader<R: Read> {
    reader: PcapNgReader<R>,
    /// Microseconds since 1970 at `Instant::ZERO`.
    base_us: Option<i128>,
    interfaces: Vec<Interface>,
    /// Number of the block last read.
    block: u64,
    failed: bool,
    comments: Vec<String>,
}

#[derive(Clone, Copy)]
struct Interface {
    link: LinkType,
    /// if_tsresol: a power of ten, or of two with the top bit set.
    resolution: u8,
    /// if_tsoffset, in seconds.
    offset_s: i64,
}

#[derive(Clone, Copy)]
enum LinkType {
    WithFcs,
    NoFcs,
    Tap,
    Other(u32),
}

impl<R: Read> CaptureReader<R> {
    /// The time of day at [`Instant::ZERO`]: as this project's captures tell it, else the time of the first frame read.
    /// `None` before either is known.
    pub fn base(&self) -> Option<Utc> {
        self.base_us.and_then(|us| i64::try_from(us.div_euclid(1000)).ok()).map(Utc)
    }

    fn begin_section(&mut self) {
        self.interfaces.clear();
        let ms = self.comments.iter().find_map(|c| c.strip_prefix(BASE_COMMENT)?.parse::<i64>().ok());
        if let Some(ms) = ms {
            self.base_us = Some(i128::from(ms) * 1000);
        }
    }

    /// The next frame; `None` at the end.
    fn read(&mut self) -> Result<Option<SniffedFrame>, CaptureError> {
        loop {
            let number = self.block + 1;
            let block = match self.reader.next_block() {
                None => return Ok(None),
                Some(block) => block.map_err(|source| invalid(number, source))?,
            };
            self.block = number;
            match block {
                Block::SectionHeader(header) => {
                    self.comments = comments(&header);
                    self.begin_section();
                }
                Block::InterfaceDescription(description) => self.interfaces.push(Interface::new(&description)),
                Block::EnhancedPacket(packet) => {
                    let frame = frame(number, &packet, &self.interfaces, &mut self.base_us)?;
                    return Ok(Some(frame));
                }
                Block::SimplePacket(_) => return Err(packet_kind(number, "simple packet")),
                Block::Packet(_) => return Err(packet_kind(number, "packet")),
                _ => {}
            }
        }
    }
}

impl<R: Read> Iterator for CaptureReader<R> {
    type Item = Result<SniffedFrame, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.read().transpose();
        self.failed = !matches!(next, Some(Ok(_)));
        next
    }
}

impl Interface {
    fn new(description: &InterfaceDescriptionBlock<'_>) -> Self {
        let link = match description.linktype {
            DataLink::IEEE802_15_4 => LinkType::WithFcs,
            DataLink::IEEE802_15_4_NOFCS => LinkType::NoFcs,
            DataLink::IEEE802_15_4_TAP => LinkType::Tap,
            other => LinkType::Other(other.into()),
        };
        let mut interface = Self { link, resolution: 6, offset_s: 0 };
        for option in &description.options {
            match option {
                InterfaceDescriptionOption::IfTsResol(resolution) => interface.resolution = *resolution,
                InterfaceDescriptionOption::IfTsOffset(offset) => interface.offset_s = offset.cast_signed(),
                _ => {}
            }
        }
        interface
    }

    /// Microseconds since 1970, rounded down.
    fn micros(&self, ticks: u64) -> i128 {
        let ticks = i128::from(ticks);
        let micros = match self.resolution {
            binary @ 0x80.. => (ticks * 1_000_000) >> (binary & 0x7f),
            decimal @ ..=6 => ticks * 10i128.pow(u32::from(6 - decimal)),
            decimal => 10i128.checked_pow(u32::from(decimal - 6)).map_or(0, |n| ticks / n),
        };
        micros + i128::from(self.offset_s) * 1_000_000
    }
}

fn frame(
    block: u64,
    packet: &EnhancedPacketBlock<'_>,
    interfaces: &[Interface],
    base_us: &mut Option<i128>,
) -> Result<SniffedFrame, CaptureError> {
    let interface = usize::try_from(packet.interface_id)
        .ok()
        .and_then(|id| interfaces.get(id))
        .ok_or(CaptureError::Interface { block, interface: packet.interface_id, described: interfaces.len() })?;
    if packet.data.len() as u64 != u64::from(packet.original_len) {
        return Err(CaptureError::Cut { block, captured: packet.data.len(), original: packet.original_len });
    }
    // The library gives the number of ticks as a number of nanoseconds, whatever a tick is.
    let ticks = u64::try_from(packet.timestamp.as_nanos()).unwrap_or(u64::MAX);
    let micros = interface.micros(ticks);
    let after_base = micros - *base_us.get_or_insert(micros);
    let at = u64::try_from(after_base.max(0)).map(Instant).map_err(|_| CaptureError::Time { micros })?;

    let bare = |fcs| Tap { fcs, rssi: None, channel: None, lqi: None };
    let (tap, octets) = match interface.link {
        LinkType::WithFcs => (bare(Fcs::Crc16), &*packet.data),
        LinkType::NoFcs => (bare(Fcs::None), &*packet.data),
        LinkType::Tap => {
            Tap::parse(&packet.data).map_err(|(offset, expected)| CaptureError::Tap { block, offset, expected })?
        }
        LinkType::Other(found) => return Err(CaptureError::LinkType { block, found }),
    };
    let check = mac::fcs(octets).to_le_bytes();
    let check: &[u8] = if tap.fcs == Fcs::None { &check } else { &[] };
    let length = octets.len() + check.len();
    if !(MIN_PSDU..=MAX_PSDU).contains(&length) {
        return Err(CaptureError::Length { block, octets: length });
    }
    let psdu = [octets, check].concat();
    Ok(SniffedFrame {
        at,
        page: tap.channel.map_or(0, |(_, page)| page),
        channel: tap.channel.map_or(0, |(channel, _)| channel),
        rssi: tap.rssi.unwrap_or(i8::MIN),
        lqi: tap.lqi.unwrap_or(0),
        fcs_ok: fcs_is_good(&psdu),
        psdu: psdu.into(),
    })
}

fn comments(header: &SectionHeaderBlock<'_>) -> Vec<String> {
    let comment = |option: &SectionHeaderOption<'_>| match option {
        SectionHeaderOption::Comment(text) => Some(text.clone().into_owned()),
        _ => None,
    };
    header.options.iter().filter_map(comment).collect()
}

fn packet_kind(block: u64, found: &'static str) -> CaptureError {
    CaptureError::PacketKind { block, found }
}

fn invalid(block: u64, source: PcapError) -> CaptureError {
    match source {
        PcapError::IoError(e) if e.kind() != ErrorKind::UnexpectedEof => CaptureError::Io(e),
        source if block == 0 => CaptureError::NotPcapng { source },
        PcapError::IoError(_) => CaptureError::Truncated { block },
        source => CaptureError::Block { block, source },
    }
}
