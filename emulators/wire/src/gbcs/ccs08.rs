//! CCS08, Firmware Transfer Alert (message code 0x0128): the Communications Hub Function says what became of an image for
//! one Device. Signed by the Communications Hub Function, addressed to the Access Control Broker.

use super::codes::MessageCode;
use super::fields::{ContentError, Elements, Fields};
use crate::time::Utc;
use crate::types::{Eui64, FirmwareVersion};
use alloc::vec::Vec;
use core::fmt;

/// Message code of the Alert.
pub const MESSAGE_CODE: u16 = MessageCode::CCS08;

/// What became of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TransferResponseCode {
    /// The Device has the image and found it good.
    Success = 0,
    /// The hub discarded the image before the Device had it.
    ImageDiscarded = 1,
    /// The Device's hardware version is outside the image's minimum and maximum.
    HardwareVersionMismatch = 2,
    /// The transfer failed, or the Device found the image bad.
    FileTransferFailure = 3,
}

impl TransferResponseCode {
    fn from_integer(value: u64) -> Option<Self> {
        Some(match value {
            0 => Self::Success,
            1 => Self::ImageDiscarded,
            2 => Self::HardwareVersionMismatch,
            3 => Self::FileTransferFailure,
            _ => return None,
        })
    }
}

impl fmt::Display for TransferResponseCode {
    /// As GBCS spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Success => "success",
            Self::ImageDiscarded => "imageDiscarded",
            Self::HardwareVersionMismatch => "hardwareVersionMismatch",
            Self::FileTransferFailure => "fileTransferFailure",
        })
    }
}

/// The Alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// 0x8F8A where the Device has the image, 0x8F89 where it has not.
    pub alert_code: u16,
    /// When, to the second.
    pub time: Utc,
    /// The Device that the image was for.
    pub target: Eui64,
    /// The file version of the image's OTA Header.
    pub version: FirmwareVersion,
    /// What became of it.
    pub transfer_response_code: TransferResponseCode,
}

impl Alert {
    /// From a message's content.
    pub fn decode(content: &[u8]) -> Result<Self, ContentError> {
        let mut fields = Fields::open("CCS08 alert", content)?;
        let alert_code = fields.alert_code()?;
        let time = fields.time("alert time")?;
        let target = fields.eui("target device")?;
        let version = fields.version()?;
        let transfer_response_code = fields.known(
            "transferResponseCode",
            "an INTEGER: 0 success, 1 imageDiscarded, 2 hardwareVersionMismatch or 3 fileTransferFailure",
            TransferResponseCode::from_integer,
        )?;
        fields.end()?;
        Ok(Self { alert_code, time, target, version, transfer_response_code })
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        Elements::default()
            .integer(self.alert_code.into())
            .time(self.time)
            .octets(&self.target.to_be_bytes())
            .version(self.version)
            .integer(self.transfer_response_code as u64)
            .sequence()
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::write_alert_code(f, self.alert_code)?;
        write!(
            f,
            " at {}, target {}, version {}, {}",
            self.time, self.target, self.version, self.transfer_response_code
        )
    }
}
