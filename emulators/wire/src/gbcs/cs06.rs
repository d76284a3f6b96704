//! CS06, Activate Firmware (message code 0x0012): SRV 11.3 to an ESME, a GSME or an HCALCS.
//!
//! A Critical Command: signed by the Supplier, with a MAC by the Access Control Broker. Without an execution date-time
//! the Device activates at once and says the outcome in its Response; with one, the Response is empty and the outcome
//! comes in a future-dated Alert.

use super::codes::MessageCode;
use super::fields::{ContentError, Elements, Fields, is_null, null};
use crate::time::Utc;
use crate::types::FirmwareVersion;
use alloc::vec::Vec;
use core::fmt;

/// Message code of Command and Response.
pub const MESSAGE_CODE: u16 = MessageCode::CS06;
/// Message code of the future-dated Alert.
pub const FUTURE_DATED_ALERT_MESSAGE_CODE: u16 = MessageCode::CS06_FUTURE_DATED_ALERT;

/// Activate the image whose Manufacturer Image has this Hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// SHA-256 of the Manufacturer Image alone.
    pub hash: [u8; 32],
    /// The originator counter of the message that carries this content.
    pub originator_counter: u64,
    /// When to activate, to the second; at once without it.
    pub execution: Option<Utc>,
}

impl Command {
    const WHAT: &'static str = "CS06 command";

    /// From a message's content.
    pub fn decode(content: &[u8]) -> Result<Self, ContentError> {
        let mut fields = Fields::open(Self::WHAT, content)?;
        let hash = fields.octets("hash", "an OCTET STRING of 32 octets, a SHA-256 hash")?;
        let originator_counter = fields.integer("originator counter")?;
        let execution = if fields.more() { Some(fields.time("execution date-time")?) } else { None };
        fields.end()?;
        Ok(Self { hash, originator_counter, execution })
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        let elements = Elements::default().octets(&self.hash).integer(self.originator_counter);
        match self.execution {
            Some(execution) => elements.time(execution),
            None => elements,
        }
        .sequence()
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("activate the image with hash ")?;
        super::write_hex(f, &self.hash)?;
        match self.execution {
            Some(execution) => write!(f, " at {execution}"),
            None => f.write_str(" at once"),
        }
    }
}

/// How the activation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ActivationResult {
    /// The image runs, or will after the restart that goes with activation.
    Success = 0,
    /// The Device holds no image.
    NoImageHeld = 1,
    /// The image that the Device holds has another Hash.
    HashMismatch = 2,
    /// Activation was tried and failed.
    ActivationFailure = 3,
}

impl ActivationResult {
    fn from_integer(value: u64) -> Option<Self> {
        Some(match value {
            0 => Self::Success,
            1 => Self::NoImageHeld,
            2 => Self::HashMismatch,
            3 => Self::ActivationFailure,
            _ => return None,
        })
    }
}

impl fmt::Display for ActivationResult {
    /// As GBCS spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Success => "success",
            Self::NoImageHeld => "noImageHeld",
            Self::HashMismatch => "hashMismatch",
            Self::ActivationFailure => "activationFailure",
        })
    }
}

/// What became of a Command: how it went, and the firmware version that is active after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it went.
    pub result: ActivationResult,
    /// The firmware version now active.
    pub version: FirmwareVersion,
}

impl Outcome {
    fn read(mut fields: Fields<'_>) -> Result<Self, ContentError> {
        let result = fields.known(
            "outcome",
            "an INTEGER: 0 success, 1 noImageHeld, 2 hashMismatch or 3 activationFailure",
            ActivationResult::from_integer,
        )?;
        let version = fields.version()?;
        fields.end()?;
        Ok(Self { result, version })
    }

    fn elements(self) -> Elements {
        Elements::default().integer(self.result as u64).version(self.version)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, active version {}", self.result, self.version)
    }
}

/// The Device's Response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// The Command was for later; an Alert will say how it went.
    FutureDated,
    /// The Command was carried out.
    Immediate(Outcome),
}

impl Response {
    const WHAT: &'static str = "CS06 response";

    /// From a message's content.
    pub fn decode(content: &[u8]) -> Result<Self, ContentError> {
        if is_null(content) {
            return Ok(Self::FutureDated);
        }
        Fields::open(Self::WHAT, content).and_then(Outcome::read).map(Self::Immediate)
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::FutureDated => null(),
            Self::Immediate(outcome) => outcome.elements().sequence(),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FutureDated => f.write_str("future-dated, outcome to follow"),
            Self::Immediate(outcome) => outcome.fmt(f),
        }
    }
}

/// What became of a future-dated Command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FutureDatedAlert {
    /// 0x8F66 where it was carried out, 0x8F67 where it was not.
    pub alert_code: u16,
    /// When, to the second.
    pub time: Utc,
    /// The originator counter of the Command.
    pub originator_counter: u64,
    /// How it went.
    pub outcome: Outcome,
}

impl FutureDatedAlert {
    const WHAT: &'static str = "CS06 future-dated alert";

    /// From a message's content.
    pub fn decode(content: &[u8]) -> Result<Self, ContentError> {
        let mut fields = Fields::open(Self::WHAT, content)?;
        let alert_code = fields.alert_code()?;
        let time = fields.time("alert time")?;
        let originator_counter = fields.integer("originator counter")?;
        let outcome = Outcome::read(fields.nested("outcome")?)?;
        fields.end()?;
        Ok(Self { alert_code, time, originator_counter, outcome })
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        Elements::default()
            .integer(self.alert_code.into())
            .time(self.time)
            .integer(self.originator_counter)
            .nested(self.outcome.elements())
            .sequence()
    }
}

impl fmt::Display for FutureDatedAlert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::write_alert_code(f, self.alert_code)?;
        write!(f, " at {}, command counter {}: {}", self.time, self.originator_counter, self.outcome)
    }
}
