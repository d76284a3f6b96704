//! CS09, Firmware Activation Alert (message code 0x012B): a PPMID says how activation went. Signed by the PPMID,
//! addressed to the Access Control Broker.

use super::codes::MessageCode;
use super::fields::{ContentError, Elements, Fields};
use crate::time::Utc;
use crate::types::FirmwareVersion;
use alloc::vec::Vec;
use core::fmt;

/// Message code of the Alert.
pub const MESSAGE_CODE: u16 = MessageCode::CS09;

/// How activation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ActivationOutcome {
    /// The image runs.
    Success = 0,
    /// It does not; the firmware before it does.
    Failure = 1,
}

impl fmt::Display for ActivationOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Success => "success",
            Self::Failure => "failure",
        })
    }
}

/// The Alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// 0x8F8B.
    pub alert_code: u16,
    /// When, to the second.
    pub time: Utc,
    /// The firmware version now active.
    pub version: FirmwareVersion,
    /// How activation went.
    pub outcome: ActivationOutcome,
}

impl Alert {
    /// From a message's content.
    pub fn decode(content: &[u8]) -> Result<Self, ContentError> {
        let mut fields = Fields::open("CS09 alert", content)?;
        let alert_code = fields.alert_code()?;
        let time = fields.time("alert time")?;
        let version = fields.version()?;
        let outcome =
            fields.known("activation outcome", "an INTEGER: 0 success or 1 failure", |value| match value {
                0 => Some(ActivationOutcome::Success),
                1 => Some(ActivationOutcome::Failure),
                _ => None,
            })?;
        fields.end()?;
        Ok(Self { alert_code, time, version, outcome })
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        Elements::default()
            .integer(self.alert_code.into())
            .time(self.time)
            .version(self.version)
            .integer(self.outcome as u64)
            .sequence()
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::write_alert_code(f, self.alert_code)?;
        write!(f, " at {}, active version {}, {}", self.time, self.version, self.outcome)
    }
}
