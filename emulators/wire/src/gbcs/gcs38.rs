//! GCS38, Read GSME Firmware Version (message code 0x0084): SRV 11.2 to a GSME.
//!
//! The content is one ZCL command of the Metering cluster in its GBCS frame: Read Attributes of attribute 0x0206 of
//! profile 0x0109, and the Read Attributes Response to it.

use super::codes::MessageCode;
use super::cs08::ReadOutcome;
use super::fields::{ContentError, Octets};
use crate::types::FirmwareVersion;
use alloc::vec::Vec;
use core::fmt;

/// Message code of Command and Response.
pub const MESSAGE_CODE: u16 = MessageCode::GCS38;

/// Profile 0x0109, one component, which is the last, of cluster 0x0702 with 5 octets: Read Attributes of 0x0206.
const READ: &[u8] = &[0x01, 0x09, 0x01, 0x01, 0x07, 0x02, 0x00, 0x05, 0x00, 0x00, 0x00, 0x06, 0x02];
/// Profile 0x0109, one component, which is the last, of cluster 0x0702.
const FRAME: &[u8] = &[0x01, 0x09, 0x01, 0x01, 0x07, 0x02];
/// 12 octets: Read Attributes Response, 0x0206, success, an octet string of 4.
const VERSION: &[u8] = &[0x00, 0x0C, 0x08, 0x00, 0x01, 0x06, 0x02, 0x00, 0x41, 0x04];
/// 6 octets: Read Attributes Response, 0x0206.
const FAILURE: &[u8] = &[0x00, 0x06, 0x08, 0x00, 0x01, 0x06, 0x02];
/// The ZCL status that stands for a failure.
const HARDWARE_FAILURE: u8 = 0xC0;

/// Say which firmware version is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command;

impl Command {
    /// From a message's content.
    pub fn decode(content: &[u8]) -> Result<Self, ContentError> {
        let mut octets = Octets::open("GCS38 command", content);
        octets.expect("request", "Read Attributes of 0x0206 of cluster 0x0702", READ)?;
        octets.end()?;
        Ok(Self)
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        READ.to_vec()
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("read the firmware version")
    }
}

/// The Device's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// The active firmware version; `Err` with the ZCL status where it could not be read.
    pub version: Result<FirmwareVersion, u8>,
}

impl Response {
    /// The answer with a version; `None` for one that cannot be read.
    pub fn new(version: Option<FirmwareVersion>) -> Self {
        Self { version: version.ok_or(HARDWARE_FAILURE) }
    }

    /// Whether the version could be read.
    pub const fn outcome(&self) -> ReadOutcome {
        match self.version {
            Ok(_) => ReadOutcome::Success,
            Err(_) => ReadOutcome::Failure,
        }
    }

    /// From a message's content.
    pub fn decode(content: &[u8]) -> Result<Self, ContentError> {
        let mut octets = Octets::open("GCS38 response", content);
        octets.expect("frame", "one component of cluster 0x0702", FRAME)?;
        let version = if octets.next_are(FAILURE) {
            octets.expect("failure", "Read Attributes Response for 0x0206", FAILURE)?;
            let [status] = octets.take("status", "1 octet")?;
            Err(status)
        } else {
            octets.expect("response", "0x0206 with success and an octet string of 4", VERSION)?;
            Ok(FirmwareVersion(u32::from_be_bytes(octets.take("firmware version", "4 octets")?)))
        };
        octets.end()?;
        Ok(Self { version })
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        match self.version {
            Ok(version) => [FRAME, VERSION, &version.0.to_be_bytes()].concat(),
            Err(status) => [FRAME, FAILURE, &[status]].concat(),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Ok(version) => write!(f, "success, version {version}"),
            Err(status) => write!(f, "failure, ZCL status 0x{status:02X}"),
        }
    }
}
