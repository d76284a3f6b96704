//! IEEE 802.15.4-2006 MAC frames.
//!
//! [`MacFrame::parse`] borrows; [`MacHeader::emit`] appends to a buffer that the upper layers then extend, and
//! [`append_fcs`] closes the frame. MAC security is not read (ZigBee does not use it): the payload of a frame that has it
//! is left alone.

use crate::radio::{Layer, Malformed, MalformedKind, Reader};
use crate::types::Eui64;
use alloc::vec::Vec;

/// aMaxPHYPacketSize: the most octets of a frame, FCS included.
pub const MAX_FRAME: usize = 127;
/// Octets of the FCS.
pub const FCS_LEN: usize = 2;
/// The broadcast short address and the broadcast PAN identifier.
pub const BROADCAST: u16 = 0xFFFF;

const FCS: crc::Crc<u16> = crc::Crc::<u16>::new(&crc::CRC_16_KERMIT);

/// The frame check sequence over `octets` (7.2.1.9): ITU-T CRC-16, reflected, from zero.
pub fn fcs(octets: &[u8]) -> u16 {
    FCS.checksum(octets)
}

/// Appends the FCS over all of `frame`.
pub fn append_fcs(frame: &mut Vec<u8>) {
    let fcs = fcs(frame);
    frame.extend_from_slice(&fcs.to_le_bytes());
}

/// Why octets off the air are not a MAC frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MacError {
    /// The frame check sequence is wrong: the frame was damaged on the air.
    #[error("MAC frame: FCS is {found:#06x}, expected {expected:#06x}")]
    Fcs {
        /// As the frame holds it.
        found: u16,
        /// As computed.
        expected: u16,
    },
    /// A header or command does not parse.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Type of a MAC frame (7.2.1.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum FrameType {
    /// Beacon.
    Beacon,
    /// Data.
    Data,
    /// Acknowledgement.
    Ack,
    /// MAC command.
    Command,
}

/// A MAC address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Address {
    /// No address: the PAN coordinator, or nobody in particular.
    #[default]
    None,
    /// 16-bit short address.
    Short(u16),
    /// 64-bit extended address.
    Extended(Eui64),
}

impl Address {
    const fn mode(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Short(_) => 2,
            Self::Extended(_) => 3,
        }
    }

    fn emit(self, frame: &mut Vec<u8>) {
        match self {
            Self::None => {}
            Self::Short(short) => frame.extend_from_slice(&short.to_le_bytes()),
            Self::Extended(eui) => frame.extend_from_slice(&eui.to_le_bytes()),
        }
    }

    fn parse(reader: &mut Reader<'_>, mode: u16, field: &'static str) -> Result<Self, Malformed> {
        match mode {
            0 => Ok(Self::None),
            2 => reader.u16(field).map(Self::Short),
            3 => reader.eui(field).map(Self::Extended),
            _ => Err(Malformed {
                layer: Layer::Mac,
                offset: 1,
                kind: MalformedKind::Value {
                    field: "addressing mode",
                    found: u32::from(mode),
                    expected: "0 (none), 2 (short) or 3 (extended)",
                },
            }),
        }
    }
}

/// The MAC header (7.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MacHeader {
    /// Frame type.
    pub frame_type: FrameType,
    /// Security enabled subfield.
    pub security: bool,
    /// Frame pending subfield.
    pub pending: bool,
    /// Acknowledgement request subfield.
    pub ack_request: bool,
    /// PAN ID compression subfield. Only where both addresses are present.
    pub pan_id_compression: bool,
    /// Frame version subfield, 0 (2003) or 1 (2006).
    pub version: u8,
    /// Sequence number.
    pub sequence: u8,
    /// Destination PAN identifier, when there is a destination address.
    pub destination_pan: Option<u16>,
    /// Destination address.
    pub destination: Address,
    /// Source PAN identifier; with PAN ID compression the destination's.
    pub source_pan: Option<u16>,
    /// Source address.
    pub source: Address,
}

impl MacHeader {
    /// The header of an acknowledgement (7.2.2.3).
    pub const fn ack(sequence: u8, pending: bool) -> Self {
        Self {
            frame_type: FrameType::Ack,
            security: false,
            pending,
            ack_request: false,
            pan_id_compression: false,
            version: 0,
            sequence,
            destination_pan: None,
            destination: Address::None,
            source_pan: None,
            source: Address::None,
        }
    }

    /// A header within one PAN, compressed, with acknowledgement request unless it is a broadcast.
    pub const fn within(
        frame_type: FrameType,
        sequence: u8,
        pan_id: u16,
        destination: Address,
        source: Address,
    ) -> Self {
        Self {
            frame_type,
            security: false,
            pending: false,
            ack_request: !matches!(destination, Address::Short(BROADCAST)),
            pan_id_compression: true,
            version: 0,
            sequence,
            destination_pan: Some(pan_id),
            destination,
            source_pan: Some(pan_id),
            source,
        }
    }

    /// Appends the header's octets.
    pub fn emit(&self, frame: &mut Vec<u8>) {
        let kind = match self.frame_type {
            FrameType::Beacon => 0,
            FrameType::Data => 1,
            FrameType::Ack => 2,
            FrameType::Command => 3,
        };
        let compressed = self.pan_id_compression && self.destination != Address::None && self.source != Address::None;
        let control = kind
            | u16::from(self.security) << 3
            | u16::from(self.pending) << 4
            | u16::from(self.ack_request) << 5
            | u16::from(compressed) << 6
            | self.destination.mode() << 10
            | u16::from(self.version & 3) << 12
            | self.source.mode() << 14;
        frame.extend_from_slice(&control.to_le_bytes());
        frame.push(self.sequence);
        if self.destination != Address::None {
            frame.extend_from_slice(&self.destination_pan.unwrap_or(BROADCAST).to_le_bytes());
        }
        self.destination.emit(frame);
        if self.source != Address::None && !compressed {
            frame.extend_from_slice(&self.source_pan.unwrap_or(BROADCAST).to_le_bytes());
        }
        self.source.emit(frame);
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let control = reader.u16("frame control")?;
        let frame_type = match control & 7 {
            0 => FrameType::Beacon,
            1 => FrameType::Data,
            2 => FrameType::Ack,
            3 => FrameType::Command,
            other => {
                return Err(reader.wrong(2, "frame type", u32::from(other), "0 to 3 (beacon, data, ack, command)"));
            }
        };
        let version = (control >> 12 & 3) as u8;
        if version > 1 {
            return Err(reader.wrong(1, "frame version", u32::from(version), "0 or 1"));
        }
        let pan_id_compression = control & 0x40 != 0;
        let sequence = reader.u8("sequence number")?;
        let destination_mode = control >> 10 & 3;
        let source_mode = control >> 14;
        let destination_pan =
            if destination_mode == 0 { None } else { Some(reader.u16("destination PAN identifier")?) };
        let destination = Address::parse(reader, destination_mode, "destination address")?;
        let source_pan = match source_mode {
            0 => None,
            _ if pan_id_compression && destination_pan.is_some() => destination_pan,
            _ => Some(reader.u16("source PAN identifier")?),
        };
        let source = Address::parse(reader, source_mode, "source address")?;
        Ok(Self {
            frame_type,
            security: control & 8 != 0,
            pending: control & 0x10 != 0,
            ack_request: control & 0x20 != 0,
            pan_id_compression,
            version,
            sequence,
            destination_pan,
            destination,
            source_pan,
            source,
        })
    }
}

/// A MAC frame in someone's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacFrame<'a> {
    /// The header.
    pub header: MacHeader,
    /// What follows the header, without the FCS.
    pub payload: &'a [u8],
}

impl<'a> MacFrame<'a> {
    /// Reads a frame that ends with its FCS, and checks it.
    ///
    /// # Errors
    /// [`MacError::Fcs`] when the FCS is wrong, else where the frame is malformed.
    pub fn parse(octets: &'a [u8]) -> Result<Self, MacError> {
        let Some((body, tail)) = octets.split_last_chunk::<FCS_LEN>() else {
            let kind = MalformedKind::Truncated("frame check sequence");
            return Err(Malformed { layer: Layer::Mac, offset: 0, kind }.into());
        };
        let (found, expected) = (u16::from_le_bytes(*tail), fcs(body));
        if found != expected {
            return Err(MacError::Fcs { found, expected });
        }
        Ok(Self::parse_without_fcs(body)?)
    }

    /// Reads a frame whose FCS was taken off.
    ///
    /// # Errors
    /// Where the header is malformed.
    pub fn parse_without_fcs(octets: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(Layer::Mac, octets);
        let header = MacHeader::parse(&mut reader)?;
        Ok(Self { header, payload: reader.rest() })
    }
}

/// Capability information of a device that associates (7.3.1.2); ZigBee uses the same octet in Device_annce and rejoin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Capability(pub u8);

impl Capability {
    /// A mains powered end device whose receiver is on when idle and that wants a short address.
    pub const END_DEVICE_RX_ON: Self = Self(0x8C);
    /// A mains powered router or coordinator.
    pub const FULL_FUNCTION: Self = Self(0x8E);

    /// Whether it is a full-function device (a router).
    pub const fn full_function(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// Whether its receiver is on when idle.
    pub const fn receiver_on_when_idle(self) -> bool {
        self.0 & 0x08 != 0
    }
}

/// Status of an association response (7.3.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum AssociationStatus {
    /// Association successful.
    Success,
    /// PAN at capacity.
    AtCapacity,
    /// PAN access denied.
    AccessDenied,
    /// A reserved value.
    Other(u8),
}

impl AssociationStatus {
    /// The octet.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::AtCapacity => 1,
            Self::AccessDenied => 2,
            Self::Other(code) => code,
        }
    }

    /// From the octet.
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Success,
            1 => Self::AtCapacity,
            2 => Self::AccessDenied,
            other => Self::Other(other),
        }
    }
}

/// The MAC commands that a ZigBee network uses (7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum MacCommand {
    /// A device asks to associate.
    AssociationRequest(Capability),
    /// The coordinator's answer.
    AssociationResponse {
        /// The short address assigned; 0xFFFF when refused.
        short: u16,
        /// The outcome.
        status: AssociationStatus,
    },
    /// Disassociation, with its reason.
    Disassociation(u8),
    /// A device asks for what the coordinator holds for it.
    DataRequest,
    /// A device asks who is here.
    BeaconRequest,
    /// Any other command, by its identifier; its payload is not kept.
    Other(u8),
}

impl MacCommand {
    /// Reads the payload of a command frame.
    ///
    /// # Errors
    /// Where the command is cut short. Offsets count from the command identifier.
    pub fn parse(payload: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(Layer::Mac, payload);
        Ok(match reader.u8("command identifier")? {
            1 => Self::AssociationRequest(Capability(reader.u8("capability information")?)),
            2 => Self::AssociationResponse {
                short: reader.u16("short address")?,
                status: AssociationStatus::from_code(reader.u8("association status")?),
            },
            3 => Self::Disassociation(reader.u8("disassociation reason")?),
            4 => Self::DataRequest,
            7 => Self::BeaconRequest,
            other => Self::Other(other),
        })
    }

    /// Appends the payload of a command frame.
    pub fn emit(&self, frame: &mut Vec<u8>) {
        match *self {
            Self::AssociationRequest(capability) => frame.extend_from_slice(&[1, capability.0]),
            Self::AssociationResponse { short, status } => {
                frame.push(2);
                frame.extend_from_slice(&short.to_le_bytes());
                frame.push(status.code());
            }
            Self::Disassociation(reason) => frame.extend_from_slice(&[3, reason]),
            Self::DataRequest => frame.push(4),
            Self::BeaconRequest => frame.push(7),
            Self::Other(id) => frame.push(id),
        }
    }
}

/// The payload of a beacon in a beaconless ZigBee PRO network (802.15.4 7.2.2.1, ZigBee 3.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Beacon {
    /// Whether the sender is the PAN coordinator.
    pub pan_coordinator: bool,
    /// Whether the sender takes association requests.
    pub association_permit: bool,
    /// The ZigBee part, when the protocol identifier is ZigBee's.
    pub zigbee: Option<ZigbeeBeacon>,
}

/// The ZigBee part of a beacon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ZigbeeBeacon {
    /// Stack profile, 2 for ZigBee PRO.
    pub stack_profile: u8,
    /// nwkcProtocolVersion, 2.
    pub protocol_version: u8,
    /// Whether routers may join here.
    pub router_capacity: bool,
    /// Hops from the coordinator, at most 15.
    pub depth: u8,
    /// Whether end devices may join here.
    pub end_device_capacity: bool,
    /// Extended PAN identifier.
    pub extended_pan_id: u64,
    /// nwkUpdateId.
    pub update_id: u8,
}

impl Beacon {
    /// Reads the payload of a beacon frame.
    ///
    /// # Errors
    /// Where it is cut short. Offsets count from the superframe specification.
    pub fn parse(payload: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(Layer::Mac, payload);
        let superframe = reader.u16("superframe specification")?;
        let gts = reader.u8("GTS specification")?;
        if gts & 7 > 0 {
            reader.u8("GTS directions")?;
            reader.take(usize::from(gts & 7) * 3, "GTS list")?;
        }
        let pending = reader.u8("pending address specification")?;
        reader.take(usize::from(pending & 7) * 2 + usize::from(pending >> 4 & 7) * 8, "pending addresses")?;
        let zigbee = match reader.rest() {
            [0, ..] => {
                reader.u8("protocol identifier")?;
                let profile = reader.u8("stack profile")?;
                let capacity = reader.u8("capacity")?;
                let extended_pan_id = reader.u64("extended PAN identifier")?;
                reader.take(3, "tx offset")?;
                Some(ZigbeeBeacon {
                    stack_profile: profile & 0xF,
                    protocol_version: profile >> 4,
                    router_capacity: capacity & 4 != 0,
                    depth: capacity >> 3 & 0xF,
                    end_device_capacity: capacity & 0x80 != 0,
                    extended_pan_id,
                    update_id: reader.u8("update identifier")?,
                })
            }
            _ => None,
        };
        Ok(Self { pan_coordinator: superframe & 0x4000 != 0, association_permit: superframe & 0x8000 != 0, zigbee })
    }

    /// Appends the payload of a beacon frame, without superframe structure (beacon and superframe order 15).
    pub fn emit(&self, frame: &mut Vec<u8>) {
        let superframe = 0x0FFF | u16::from(self.pan_coordinator) << 14 | u16::from(self.association_permit) << 15;
        frame.extend_from_slice(&superframe.to_le_bytes());
        frame.extend_from_slice(&[0, 0]);
        if let Some(zigbee) = &self.zigbee {
            frame.extend_from_slice(&[
                0,
                zigbee.stack_profile & 0xF | zigbee.protocol_version << 4,
                u8::from(zigbee.router_capacity) << 2
                    | (zigbee.depth & 0xF) << 3
                    | u8::from(zigbee.end_device_capacity) << 7,
            ]);
            frame.extend_from_slice(&zigbee.extended_pan_id.to_le_bytes());
            frame.extend_from_slice(&[0xFF, 0xFF, 0xFF, zigbee.update_id]);
        }
    }
}
