//! CS08, Read PPMID/HCALCS Firmware Version (message code 0x0129): SRV 11.2 to a PPMID or an HCALCS.
//!
//! Command and Response carry a MAC between the Access Control Broker and the Device, and no signature; the User that
//! asked is the supplementary remote party.

use super::codes::MessageCode;
use super::fields::{ContentError, Elements, Fields, expect_null, null};
use crate::types::FirmwareVersion;
use alloc::vec::Vec;
use core::fmt;

/// Message code of Command and Response.
pub const MESSAGE_CODE: u16 = MessageCode::CS08;

/// Say which firmware version is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command;

impl Command {
    /// From a message's content.
    pub fn decode(content: &[u8]) -> Result<Self, ContentError> {
        expect_null("CS08 command", content).map(|()| Self)
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        null()
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("read the firmware version")
    }
}

/// Whether the version could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ReadOutcome {
    /// It could.
    Success = 0,
    /// It could not.
    Failure = 1,
}

impl fmt::Display for ReadOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Success => "success",
            Self::Failure => "failure",
        })
    }
}

/// The Device's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// The active firmware version.
    pub version: FirmwareVersion,
    /// Whether it could be read.
    pub outcome: ReadOutcome,
}

impl Response {
    /// From a message's content.
    pub fn decode(content: &[u8]) -> Result<Self, ContentError> {
        let mut fields = Fields::open("CS08 response", content)?;
        let version = fields.version()?;
        let outcome = fields.known("outcome", "an INTEGER: 0 success or 1 failure", |value| match value {
            0 => Some(ReadOutcome::Success),
            1 => Some(ReadOutcome::Failure),
            _ => None,
        })?;
        fields.end()?;
        Ok(Self { version, outcome })
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        Elements::default().version(self.version).integer(self.outcome as u64).sequence()
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, version {}", self.outcome, self.version)
    }
}
