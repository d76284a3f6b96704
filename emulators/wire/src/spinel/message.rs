//! Frames: header and command.

use super::data::{Reader, emit_packed};
use super::error::{SpinelError, SpinelErrorKind};
use super::property::{Property, PropertyId};
use alloc::vec::Vec;

const NOOP: u32 = 0;
const RESET: u32 = 1;
const VALUE_GET: u32 = 2;
const VALUE_SET: u32 = 3;
const VALUE_INSERT: u32 = 4;
const VALUE_REMOVE: u32 = 5;
const VALUE_IS: u32 = 6;
const VALUE_INSERTED: u32 = 7;
const VALUE_REMOVED: u32 = 8;

/// Top two bits of the header.
const FLAG: u8 = 0b10;

/// The first octet of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Interface identifier, 0 to 3. An RCP with one interface has 0.
    pub interface: u8,
    /// Transaction identifier, 0 to 15; 0 belongs to no request.
    pub transaction: u8,
}

impl Header {
    /// Of the first interface.
    pub const fn new(transaction: u8) -> Self {
        Self { interface: 0, transaction }
    }

    const fn octet(self) -> u8 {
        FLAG << 6 | (self.interface & 3) << 4 | self.transaction & 0xF
    }
}

/// How much a reset is to reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetKind {
    /// The chip: a USB dongle may go away and come back.
    Platform,
    /// The radio stack alone. RCPs older than this distinction reset the chip.
    Stack,
    /// The chip, into its boot loader.
    Bootloader,
    /// Another one.
    Other(u8),
}

impl ResetKind {
    const fn code(self) -> u8 {
        match self {
            Self::Platform => 1,
            Self::Stack => 2,
            Self::Bootloader => 3,
            Self::Other(code) => code,
        }
    }

    const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Platform,
            2 => Self::Stack,
            3 => Self::Bootloader,
            other => Self::Other(other),
        }
    }
}

/// A command with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Host: answer with LAST_STATUS OK (CMD_NOOP).
    Noop,
    /// Host: reset (CMD_RESET).
    Reset(Option<ResetKind>),
    /// Host: tell the value (CMD_PROP_VALUE_GET).
    Get(PropertyId),
    /// Host: take the value (CMD_PROP_VALUE_SET).
    Set(Property),
    /// Host: add to the list (CMD_PROP_VALUE_INSERT).
    Insert(Property),
    /// Host: take off the list (CMD_PROP_VALUE_REMOVE).
    Remove(Property),
    /// RCP: this is the value (CMD_PROP_VALUE_IS).
    Is(Property),
    /// RCP: was added (CMD_PROP_VALUE_INSERTED).
    Inserted(Property),
    /// RCP: was taken off (CMD_PROP_VALUE_REMOVED).
    Removed(Property),
    /// Any other command.
    Other {
        /// Its number.
        command: u32,
        /// What follows it.
        payload: Vec<u8>,
    },
}

/// A Spinel frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpinelFrame {
    /// Interface and transaction.
    pub header: Header,
    /// The command.
    pub message: Message,
}

impl SpinelFrame {
    /// A frame of the first interface.
    pub const fn new(transaction: u8, message: Message) -> Self {
        Self { header: Header::new(transaction), message }
    }

    /// Reads the header of a frame, which can be answered even where the rest does not parse.
    ///
    /// # Errors
    /// An empty frame, and one whose first two bits are not 0b10.
    pub fn parse_header(octets: &[u8]) -> Result<Header, SpinelError> {
        header(&mut Reader::new(octets))
    }

    /// Reads a frame as it comes out of HDLC framing.
    ///
    /// # Errors
    /// Where the header, or the value of a property that is known, does not parse. Octets after a known value are passed
    /// over.
    pub fn parse(octets: &[u8]) -> Result<Self, SpinelError> {
        let mut reader = Reader::new(octets);
        let header = header(&mut reader)?;
        let message = match reader.packed("command")? {
            NOOP => Message::Noop,
            RESET => Message::Reset(match reader.is_empty() {
                true => None,
                false => Some(ResetKind::from_code(reader.u8("reset kind")?)),
            }),
            VALUE_GET => Message::Get(PropertyId(reader.packed("property")?)),
            VALUE_SET => Message::Set(Property::parse(&mut reader, false)?),
            VALUE_INSERT => Message::Insert(Property::parse(&mut reader, false)?),
            VALUE_REMOVE => Message::Remove(Property::parse(&mut reader, false)?),
            VALUE_IS => Message::Is(Property::parse(&mut reader, true)?),
            VALUE_INSERTED => Message::Inserted(Property::parse(&mut reader, true)?),
            VALUE_REMOVED => Message::Removed(Property::parse(&mut reader, true)?),
            command => Message::Other { command, payload: reader.rest().to_vec() },
        };
        Ok(Self { header, message })
    }

    /// Appends the frame's octets, to be framed by HDLC.
    pub fn emit(&self, frame: &mut Vec<u8>) {
        frame.push(self.header.octet());
        let (command, property) = match &self.message {
            Message::Noop => (NOOP, None),
            Message::Reset(_) => (RESET, None),
            Message::Get(_) => (VALUE_GET, None),
            Message::Set(property) => (VALUE_SET, Some(property)),
            Message::Insert(property) => (VALUE_INSERT, Some(property)),
            Message::Remove(property) => (VALUE_REMOVE, Some(property)),
            Message::Is(property) => (VALUE_IS, Some(property)),
            Message::Inserted(property) => (VALUE_INSERTED, Some(property)),
            Message::Removed(property) => (VALUE_REMOVED, Some(property)),
            Message::Other { command, .. } => (*command, None),
        };
        emit_packed(command, frame);
        match &self.message {
            Message::Reset(Some(kind)) => frame.push(kind.code()),
            Message::Get(id) => emit_packed(id.0, frame),
            Message::Other { payload, .. } => frame.extend_from_slice(payload),
            _ => {}
        }
        if let Some(property) = property {
            property.emit(frame);
        }
    }

    /// The frame's octets, to be framed by HDLC.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut frame = Vec::new();
        self.emit(&mut frame);
        frame
    }
}

fn header(reader: &mut Reader<'_>) -> Result<Header, SpinelError> {
    let at = reader.clone();
    let octet = reader.u8("header")?;
    if octet >> 6 != FLAG {
        return Err(at.error(SpinelErrorKind::Value {
            field: "flag of the header",
            found: u32::from(octet >> 6),
            expected: "0b10",
        }));
    }
    Ok(Header { interface: octet >> 4 & 3, transaction: octet & 0xF })
}
