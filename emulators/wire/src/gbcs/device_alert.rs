//! Alerts of ESME, GSME and HCALCS that have no use case of their own, and the Firmware Distribution Receipt Alert.
//!
//! What an Alert says besides its code is written as the Device's other messages are: an ESME speaks DLMS COSEM, a GSME
//! and an HCALCS speak GBZ. Multi-octet numbers are big-endian.
//!
//! ```text
//! DLMS  0F | 00 00 00 00 | 00 | 02 | number of elements | 12 alert code (2) | 09 0C date-time (12) [09 20 hash (32)]
//! GBZ   01 09 | 00 | alert code (2) | UTCTime (4) [09 20 hash (32)]
//! ```
//!
//! The Hash, of the Manufacturer Image that arrived, is in a Firmware Distribution Receipt Alert alone.

use super::codes::MessageCode;
use super::fields::{ContentError, Octets};
use super::{cosem_date_time, utc_from_cosem_date_time};
use crate::time::Utc;
use alloc::vec::Vec;
use core::fmt;

const WHAT: &str = "device alert";
const DLMS_HEAD: [u8; 7] = [0x0F, 0, 0, 0, 0, 0, 0x02];
const DLMS_LONG_UNSIGNED: u8 = 0x12;
const OCTET_STRING: u8 = 0x09;
const GBZ_HEAD: [u8; 3] = [0x01, 0x09, 0x00];
/// Octets without a hash.
const DLMS_LENGTH: usize = 25;
const GBZ_LENGTH: usize = 9;

/// In which of the application layers of GBCS a Device's own messages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// DLMS COSEM: an ESME.
    Dlms,
    /// GBZ: a GSME or an HCALCS.
    Gbz,
}

/// The Alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// How it is written.
    pub dialect: Dialect,
    /// What it tells.
    pub alert_code: u16,
    /// When, to the second.
    pub time: Utc,
    /// SHA-256 of the Manufacturer Image that it is about, in a Firmware Distribution Receipt Alert.
    pub hash: Option<[u8; 32]>,
}

impl Alert {
    /// From a message's content.
    ///
    /// # Errors
    /// When it is neither layout, and where it departs from it.
    pub fn decode(content: &[u8]) -> Result<Self, ContentError> {
        let mut octets = Octets::open(WHAT, content);
        let (dialect, alert_code, time) = if octets.next_are(&DLMS_HEAD[..1]) {
            octets.expect("data notification", "0F 00 00 00 00 00 02, a structure", &DLMS_HEAD)?;
            let elements = if content.len() == DLMS_LENGTH { 2 } else { 3 };
            octets.expect("number of elements", "2, or 3 with a hash", &[elements])?;
            octets.expect("alert code", "12, long-unsigned", &[DLMS_LONG_UNSIGNED])?;
            let code = octets.take("alert code", "2 octets")?;
            octets.expect("alert time", "09 0C, 12 octets", &[OCTET_STRING, 12])?;
            let date_time = octets.take("alert time", "a COSEM date-time")?;
            // What decodes is encoded as it was: a date-time that GBCS would fill otherwise is refused.
            let time = utc_from_cosem_date_time(&date_time).filter(|time| cosem_date_time(*time) == date_time);
            let time = time.ok_or(ContentError::Value {
                what: WHAT,
                field: "alert time",
                offset: DLMS_LENGTH - date_time.len(),
                expected: "a COSEM date-time in UTC, as GBCS fills it",
                found: date_time.first().copied().unwrap_or_default().into(),
            })?;
            (Dialect::Dlms, code, time)
        } else {
            octets.expect("profile and number of components", "01 09 00, or 0F for DLMS", &GBZ_HEAD)?;
            let code = octets.take("alert code", "2 octets")?;
            let time = octets.take("alert time", "UTCTime in 4 octets")?;
            (Dialect::Gbz, code, Utc::from_zigbee(u32::from_be_bytes(time)))
        };
        let length = if dialect == Dialect::Dlms { DLMS_LENGTH } else { GBZ_LENGTH };
        let hash = if content.len() == length {
            None
        } else {
            octets.expect("hash", "09 20, 32 octets", &[OCTET_STRING, 32])?;
            Some(octets.take("hash", "32 octets, a SHA-256 hash")?)
        };
        octets.end()?;
        Ok(Self { dialect, alert_code: u16::from_be_bytes(alert_code), time, hash })
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(64);
        match self.dialect {
            Dialect::Dlms => {
                octets.extend_from_slice(&DLMS_HEAD);
                octets.extend_from_slice(&[if self.hash.is_some() { 3 } else { 2 }, DLMS_LONG_UNSIGNED]);
                octets.extend_from_slice(&self.alert_code.to_be_bytes());
                octets.extend_from_slice(&[OCTET_STRING, 12]);
                octets.extend_from_slice(&cosem_date_time(self.time));
            }
            Dialect::Gbz => {
                octets.extend_from_slice(&GBZ_HEAD);
                octets.extend_from_slice(&self.alert_code.to_be_bytes());
                octets.extend_from_slice(&self.time.to_zigbee().to_be_bytes());
            }
        }
        if let Some(hash) = &self.hash {
            octets.extend_from_slice(&[OCTET_STRING, 32]);
            octets.extend_from_slice(hash);
        }
        octets
    }

    /// The message code that goes with it.
    pub const fn message_code(&self) -> u16 {
        match (self.hash, self.dialect) {
            (None, _) => MessageCode::GENERIC_CRITICAL_ALERT,
            (Some(_), Dialect::Dlms) => MessageCode::ESME_FIRMWARE_RECEIPT,
            (Some(_), Dialect::Gbz) => MessageCode::GSME_FIRMWARE_RECEIPT,
        }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::write_alert_code(f, self.alert_code)?;
        write!(f, " at {}", self.time)?;
        if let Some(hash) = &self.hash {
            f.write_str(", image with hash ")?;
            super::write_hex(f, hash)?;
        }
        Ok(())
    }
}
