//! ZigBee Cluster Library frames: the header, the few global commands in use, and one module per cluster.
//!
//! Nothing here panics on any input: a parser returns [`ZclError`] with the offset of what was wrong.

pub mod ota;
pub mod time;
pub mod tunneling;

use alloc::vec::Vec;
use core::fmt;

/// Why octets are not the ZCL frame or command that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZclError {
    /// The octets end inside a field.
    #[error("{what} ends at offset {offset}, inside the field {field}")]
    Truncated {
        /// The frame or command.
        what: &'static str,
        /// The field that is not whole.
        field: &'static str,
        /// Where that field starts.
        offset: usize,
    },
    /// Octets follow where the command is over.
    #[error("{what} has {extra} octets after its end")]
    TrailingOctets {
        /// The frame or command.
        what: &'static str,
        /// How many follow.
        extra: usize,
    },
    /// A field holds a value that the command does not know.
    #[error("{what} has the value {value:#06x} in the field {field}, which is not defined")]
    Undefined {
        /// The frame or command.
        what: &'static str,
        /// The field.
        field: &'static str,
        /// What it holds.
        value: u32,
    },
    /// The command identifier is not one of the cluster's.
    #[error("command {command:#04x} is not a command of the cluster {cluster}")]
    UnknownCommand {
        /// The cluster's name.
        cluster: &'static str,
        /// The command identifier.
        command: u8,
    },
}

/// Takes little-endian fields off the front of a command, and knows where it stands.
pub(crate) struct Fields<'a> {
    what: &'static str,
    octets: &'a [u8],
    offset: usize,
}

impl<'a> Fields<'a> {
    pub(crate) const fn of(what: &'static str, octets: &'a [u8]) -> Self {
        Self { what, octets, offset: 0 }
    }

    pub(crate) fn take(&mut self, field: &'static str, count: usize) -> Result<&'a [u8], ZclError> {
        let rest = self.octets.get(self.offset..).unwrap_or_default();
        let taken = rest.get(..count).ok_or(ZclError::Truncated { what: self.what, field, offset: self.offset })?;
        self.offset += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], ZclError> {
        let taken = self.take(field, N)?;
        Ok(taken.try_into().unwrap_or([0; N]))
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, ZclError> {
        self.array::<1>(field).map(|[octet]| octet)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, ZclError> {
        self.array(field).map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, ZclError> {
        self.array(field).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, ZclError> {
        self.array(field).map(u64::from_le_bytes)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = self.octets.get(self.offset..).unwrap_or_default();
        self.offset = self.octets.len();
        rest
    }

    pub(crate) fn end(&self) -> Result<(), ZclError> {
        match self.octets.len().saturating_sub(self.offset) {
            0 => Ok(()),
            extra => Err(ZclError::TrailingOctets { what: self.what, extra }),
        }
    }
}

/// Who a command goes to (ZCL 2.4.1.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client side of the cluster to its server side.
    ClientToServer,
    /// From the server side of the cluster to its client side.
    ServerToClient,
}

/// Whether a command is general or belongs to the frame's cluster (ZCL 2.4.1.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameType {
    /// A command that every cluster has.
    Global,
    /// A command of the cluster.
    Cluster,
}

/// The ZCL header (ZCL 2.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZclHeader {
    /// Global or of the cluster.
    pub frame_type: FrameType,
    /// From whom to whom.
    pub direction: Direction,
    /// Whether a Default Response is unwanted where nothing else answers.
    pub disable_default_response: bool,
    /// Present on manufacturer-specific commands.
    pub manufacturer_code: Option<u16>,
    /// Ties a response to its request.
    pub sequence: u8,
    /// The command identifier.
    pub command: u8,
}

impl ZclHeader {
    /// A command of a cluster that wants no Default Response.
    pub const fn cluster(direction: Direction, sequence: u8, command: u8) -> Self {
        Self {
            frame_type: FrameType::Cluster,
            direction,
            disable_default_response: true,
            manufacturer_code: None,
            sequence,
            command,
        }
    }

    /// A global command.
    pub const fn global(direction: Direction, sequence: u8, command: u8) -> Self {
        Self {
            frame_type: FrameType::Global,
            direction,
            disable_default_response: true,
            manufacturer_code: None,
            sequence,
            command,
        }
    }

    /// Splits a frame into its header and its command's payload.
    pub fn parse(octets: &[u8]) -> Result<(Self, &[u8]), ZclError> {
        let mut fields = Fields::of("the ZCL header", octets);
        let control = fields.u8("frame control")?;
        let frame_type = match control & 0b11 {
            0 => FrameType::Global,
            1 => FrameType::Cluster,
            other => {
                return Err(ZclError::Undefined {
                    what: "the ZCL header",
                    field: "frame type",
                    value: u32::from(other),
                });
            }
        };
        let manufacturer_code = if control & 0b100 != 0 { Some(fields.u16("manufacturer code")?) } else { None };
        let header = Self {
            frame_type,
            direction: if control & 0b1000 != 0 { Direction::ServerToClient } else { Direction::ClientToServer },
            disable_default_response: control & 0b1_0000 != 0,
            manufacturer_code,
            sequence: fields.u8("transaction sequence number")?,
            command: fields.u8("command identifier")?,
        };
        Ok((header, fields.rest()))
    }

    /// Writes the header.
    pub fn emit(&self, to: &mut Vec<u8>) {
        let mut control = match self.frame_type {
            FrameType::Global => 0,
            FrameType::Cluster => 1,
        };
        control |= u8::from(self.manufacturer_code.is_some()) << 2;
        control |= u8::from(self.direction == Direction::ServerToClient) << 3;
        control |= u8::from(self.disable_default_response) << 4;
        to.push(control);
        if let Some(code) = self.manufacturer_code {
            to.extend(code.to_le_bytes());
        }
        to.extend([self.sequence, self.command]);
    }
}

/// Identifiers of the global commands in use (ZCL 2.5).
pub mod global {
    /// Read Attributes.
    pub const READ_ATTRIBUTES: u8 = 0x00;
    /// Read Attributes Response.
    pub const READ_ATTRIBUTES_RESPONSE: u8 = 0x01;
    /// Default Response.
    pub const DEFAULT_RESPONSE: u8 = 0x0B;
}

/// Status values (ZCL 2.6.3, and the OTA Upgrade Cluster's own, 095264r23 §6.10).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u8);

impl Status {
    /// The command did what it should.
    pub const SUCCESS: Self = Self(0x00);
    /// Something went wrong, without a value of its own.
    pub const FAILURE: Self = Self(0x01);
    /// The sender has no leave to do this.
    pub const NOT_AUTHORIZED: Self = Self(0x7E);
    /// The command's fields are not as they should be.
    pub const MALFORMED_COMMAND: Self = Self(0x80);
    /// The cluster command is not supported.
    pub const UNSUP_COMMAND: Self = Self(0x81);
    /// The attribute is not there.
    pub const UNSUPPORTED_ATTRIBUTE: Self = Self(0x86);
    /// The transfer is over: stop.
    pub const ABORT: Self = Self(0x95);
    /// The image failed its verification.
    pub const INVALID_IMAGE: Self = Self(0x96);
    /// Ask again later.
    pub const WAIT_FOR_DATA: Self = Self(0x97);
    /// There is no image for the client.
    pub const NO_IMAGE_AVAILABLE: Self = Self(0x98);
    /// The client needs more than this image.
    pub const REQUIRE_MORE_IMAGE: Self = Self(0x99);
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::SUCCESS => "SUCCESS",
            Self::FAILURE => "FAILURE",
            Self::NOT_AUTHORIZED => "NOT_AUTHORIZED",
            Self::MALFORMED_COMMAND => "MALFORMED_COMMAND",
            Self::UNSUP_COMMAND => "UNSUP_COMMAND",
            Self::UNSUPPORTED_ATTRIBUTE => "UNSUPPORTED_ATTRIBUTE",
            Self::ABORT => "ABORT",
            Self::INVALID_IMAGE => "INVALID_IMAGE",
            Self::WAIT_FOR_DATA => "WAIT_FOR_DATA",
            Self::NO_IMAGE_AVAILABLE => "NO_IMAGE_AVAILABLE",
            Self::REQUIRE_MORE_IMAGE => "REQUIRE_MORE_IMAGE",
            Self(other) => return write!(f, "status {other:#04x}"),
        };
        f.write_str(name)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The Default Response command (ZCL 2.5.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefaultResponse {
    /// The command that it answers.
    pub command: u8,
    /// What became of it.
    pub status: Status,
}

impl DefaultResponse {
    /// Reads the command's payload.
    pub fn parse(payload: &[u8]) -> Result<Self, ZclError> {
        let mut fields = Fields::of("Default Response", payload);
        let response = Self { command: fields.u8("command identifier")?, status: Status(fields.u8("status")?) };
        fields.end()?;
        Ok(response)
    }

    /// A whole frame that answers `request`.
    pub fn answer(request: &ZclHeader, status: Status) -> Vec<u8> {
        let direction = match request.direction {
            Direction::ClientToServer => Direction::ServerToClient,
            Direction::ServerToClient => Direction::ClientToServer,
        };
        let mut frame = Vec::with_capacity(5);
        ZclHeader::global(direction, request.sequence, global::DEFAULT_RESPONSE).emit(&mut frame);
        frame.extend([request.command, status.0]);
        frame
    }
}
