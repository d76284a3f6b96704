//! ZigBee PRO network layer frames (ZigBee specification, 3.3 and 3.4).
//!
//! [`NwkFrame::parse`] reads the header; what follows it (auxiliary header and ciphertext when
//! [`NwkHeader::security`] is set) is [`NwkFrame::payload`], to be opened with [`crate::security`].

use crate::mac::Capability;
use crate::radio::{Layer, Malformed, Reader};
use crate::types::Eui64;
use alloc::vec::Vec;

/// The coordinator's short address.
pub const COORDINATOR: u16 = 0x0000;
/// Broadcast to all devices.
pub const BROADCAST_ALL: u16 = 0xFFFF;
/// Broadcast to all devices whose receiver is on when idle.
pub const BROADCAST_RX_ON: u16 = 0xFFFD;
/// Broadcast to routers and the coordinator.
pub const BROADCAST_ROUTERS: u16 = 0xFFFC;

/// nwkcProtocolVersion of ZigBee PRO.
pub const PROTOCOL_VERSION: u8 = 2;

/// Whether a short address is one of the broadcast addresses (0xFFF8 to 0xFFFF).
pub const fn is_broadcast(short: u16) -> bool {
    short >= 0xFFF8
}

/// Type of a NWK frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum NwkFrameType {
    /// Data: carries an APS frame.
    Data,
    /// NWK command.
    Command,
}

/// The NWK header (3.3.1), without multicast and source route fields, which only routed networks use: they are read
/// over, and never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NwkHeader {
    /// Frame type.
    pub frame_type: NwkFrameType,
    /// Protocol version.
    pub version: u8,
    /// Discover route subfield: 0 suppress, 1 enable.
    pub discover_route: u8,
    /// Whether an auxiliary header and a MIC follow.
    pub security: bool,
    /// End device initiator subfield (revision 21 and later).
    pub end_device_initiator: bool,
    /// Destination short address.
    pub destination: u16,
    /// Source short address.
    pub source: u16,
    /// How many hops the frame may still travel.
    pub radius: u8,
    /// Sequence number.
    pub sequence: u8,
    /// Destination extended address, when the frame carries it.
    pub destination_eui: Option<Eui64>,
    /// Source extended address, when the frame carries it.
    pub source_eui: Option<Eui64>,
}

impl NwkHeader {
    /// Appends the header's octets.
    pub fn emit(&self, frame: &mut Vec<u8>) {
        let control = match self.frame_type {
            NwkFrameType::Data => 0,
            NwkFrameType::Command => 1,
        } | u16::from(self.version & 0xF) << 2
            | u16::from(self.discover_route & 3) << 6
            | u16::from(self.security) << 9
            | u16::from(self.destination_eui.is_some()) << 11
            | u16::from(self.source_eui.is_some()) << 12
            | u16::from(self.end_device_initiator) << 13;
        frame.extend_from_slice(&control.to_le_bytes());
        frame.extend_from_slice(&self.destination.to_le_bytes());
        frame.extend_from_slice(&self.source.to_le_bytes());
        frame.extend_from_slice(&[self.radius, self.sequence]);
        for eui in self.destination_eui.iter().chain(&self.source_eui) {
            frame.extend_from_slice(&eui.to_le_bytes());
        }
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let control = reader.u16("frame control")?;
        let frame_type = match control & 3 {
            0 => NwkFrameType::Data,
            1 => NwkFrameType::Command,
            other => return Err(reader.wrong(2, "frame type", u32::from(other), "0 (data) or 1 (command)")),
        };
        let mut header = Self {
            frame_type,
            version: (control >> 2 & 0xF) as u8,
            discover_route: (control >> 6 & 3) as u8,
            security: control & 0x200 != 0,
            end_device_initiator: control & 0x2000 != 0,
            destination: reader.u16("destination address")?,
            source: reader.u16("source address")?,
            radius: reader.u8("radius")?,
            sequence: reader.u8("sequence number")?,
            destination_eui: None,
            source_eui: None,
        };
        if control & 0x800 != 0 {
            header.destination_eui = Some(reader.eui("destination IEEE address")?);
        }
        if control & 0x1000 != 0 {
            header.source_eui = Some(reader.eui("source IEEE address")?);
        }
        if control & 0x100 != 0 {
            reader.u8("multicast control")?;
        }
        if control & 0x400 != 0 {
            let relays = reader.u8("relay count")?;
            reader.u8("relay index")?;
            reader.take(usize::from(relays) * 2, "relay list")?;
        }
        Ok(header)
    }
}

/// A NWK frame in someone's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NwkFrame<'a> {
    /// The header.
    pub header: NwkHeader,
    /// Octets that the header takes: the auxiliary header or the payload starts there.
    pub header_len: usize,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl<'a> NwkFrame<'a> {
    /// Reads the payload of a MAC data frame.
    ///
    /// # Errors
    /// Where the header is malformed.
    pub fn parse(octets: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(Layer::Nwk, octets);
        let header = NwkHeader::parse(&mut reader)?;
        Ok(Self { header, header_len: reader.offset(), payload: reader.rest() })
    }
}

/// The NWK commands that matter in a star (3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum NwkCommand {
    /// Network status (3.4.3): an error on the way to a device.
    NetworkStatus {
        /// Status code.
        status: u8,
        /// The device that the status is about.
        destination: u16,
    },
    /// Leave (3.4.4).
    Leave {
        /// Whether the device that leaves will rejoin.
        rejoin: bool,
        /// Whether the receiver is asked to leave; else the sender tells that it leaves.
        request: bool,
        /// Whether its children go too.
        remove_children: bool,
    },
    /// Rejoin request (3.4.6).
    RejoinRequest(Capability),
    /// Rejoin response (3.4.7).
    RejoinResponse {
        /// The short address from now on.
        short: u16,
        /// 0 for success, else as in an association response.
        status: u8,
    },
    /// Any other command, by its identifier; its payload is not kept.
    Other(u8),
}

impl NwkCommand {
    /// Reads the payload of a command frame.
    ///
    /// # Errors
    /// Where the command is cut short. Offsets count from the command identifier.
    pub fn parse(payload: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(Layer::Nwk, payload);
        Ok(match reader.u8("command identifier")? {
            3 => Self::NetworkStatus {
                status: reader.u8("status code")?,
                destination: reader.u16("destination address")?,
            },
            4 => {
                let options = reader.u8("leave options")?;
                Self::Leave {
                    rejoin: options & 0x20 != 0,
                    request: options & 0x40 != 0,
                    remove_children: options & 0x80 != 0,
                }
            }
            6 => Self::RejoinRequest(Capability(reader.u8("capability information")?)),
            7 => Self::RejoinResponse { short: reader.u16("network address")?, status: reader.u8("rejoin status")? },
            other => Self::Other(other),
        })
    }

    /// Appends the payload of a command frame.
    pub fn emit(&self, frame: &mut Vec<u8>) {
        match *self {
            Self::NetworkStatus { status, destination } => {
                frame.extend_from_slice(&[3, status]);
                frame.extend_from_slice(&destination.to_le_bytes());
            }
            Self::Leave { rejoin, request, remove_children } => frame.extend_from_slice(&[
                4,
                u8::from(rejoin) << 5 | u8::from(request) << 6 | u8::from(remove_children) << 7,
            ]),
            Self::RejoinRequest(capability) => frame.extend_from_slice(&[6, capability.0]),
            Self::RejoinResponse { short, status } => {
                frame.push(7);
                frame.extend_from_slice(&short.to_le_bytes());
                frame.push(status);
            }
            Self::Other(id) => frame.push(id),
        }
    }
}
