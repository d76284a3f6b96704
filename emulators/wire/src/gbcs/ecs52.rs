//! ECS52, Read ESME Firmware Version (message code 0x0059): SRV 11.2 to an ESME.
//!
//! The content is a DLMS COSEM access request for the active firmware identifier (class 1, OBIS 0-0:0.2.1.255, attribute
//! 2) and the access response to it. Both carry the last 24 bits of the message's originator counter.

use super::codes::MessageCode;
use super::cs08::ReadOutcome;
use super::fields::{ContentError, Octets, invoke_id};
use crate::types::FirmwareVersion;
use alloc::vec::Vec;
use core::fmt;

/// Message code of Command and Response.
pub const MESSAGE_CODE: u16 = MessageCode::ECS52;

/// Tag of an access request, and the priority bits of its invoke identifier.
const ACCESS_REQUEST: &[u8] = &[0xD9, 0x20];
/// No date-time; one get of class 1, OBIS 0-0:0.2.1.255, attribute 2; one null as its data.
const GET_ACTIVE_FIRMWARE: &[u8] = &[0x00, 0x01, 0x01, 0x00, 0x01, 0, 0, 0, 2, 1, 255, 2, 0x01, 0x00];
/// Tag of an access response, and the priority bits of its invoke identifier.
const ACCESS_RESPONSE: &[u8] = &[0xDA, 0x20];
/// No date-time, no repeated request, one datum: an octet string of four.
const ONE_VERSION: &[u8] = &[0x00, 0x00, 0x01, 0x09, 0x04];
/// One result: of a get, success.
const GET_SUCCEEDED: &[u8] = &[0x01, 0x01, 0x00];
/// No date-time, no repeated request, one datum that is null; one result: of a get.
const NO_VERSION: &[u8] = &[0x00, 0x00, 0x01, 0x00, 0x01, 0x01];
/// The data access result that stands for a failure: hardware fault.
const HARDWARE_FAULT: u8 = 1;

/// Say which firmware version is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// The last 24 bits of the originator counter.
    pub invoke_id: [u8; 3],
}

impl Command {
    /// The Command of a message with this originator counter.
    pub fn new(counter: u64) -> Self {
        Self { invoke_id: invoke_id(counter) }
    }

    /// From a message's content.
    pub fn decode(content: &[u8]) -> Result<Self, ContentError> {
        let mut octets = Octets::open("ECS52 command", content);
        octets.expect("access request", "D9 20", ACCESS_REQUEST)?;
        let invoke_id = octets.take("invoke identifier", "3 octets")?;
        octets.expect("request", "a get of class 1, 0-0:0.2.1.255, attribute 2", GET_ACTIVE_FIRMWARE)?;
        octets.end()?;
        Ok(Self { invoke_id })
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        [ACCESS_REQUEST, &self.invoke_id, GET_ACTIVE_FIRMWARE].concat()
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
    /// The last 24 bits of the Command's originator counter.
    pub invoke_id: [u8; 3],
    /// The active firmware version; `Err` with the data access result where it could not be read.
    pub version: Result<FirmwareVersion, u8>,
}

impl Response {
    /// The answer to a Command with this originator counter; `None` for a version that cannot be read.
    pub fn new(counter: u64, version: Option<FirmwareVersion>) -> Self {
        Self { invoke_id: invoke_id(counter), version: version.ok_or(HARDWARE_FAULT) }
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
        let mut octets = Octets::open("ECS52 response", content);
        octets.expect("access response", "DA 20", ACCESS_RESPONSE)?;
        let invoke_id = octets.take("invoke identifier", "3 octets")?;
        let version = if octets.next_are(NO_VERSION) {
            octets.expect("failure", "a null datum and one result", NO_VERSION)?;
            let [result] = octets.take("data access result", "1 octet")?;
            Err(result)
        } else {
            octets.expect("datum", "an octet string of 4", ONE_VERSION)?;
            let version = octets.take("firmware version", "4 octets")?;
            octets.expect("result", "the success of one get", GET_SUCCEEDED)?;
            Ok(FirmwareVersion(u32::from_be_bytes(version)))
        };
        octets.end()?;
        Ok(Self { invoke_id, version })
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        match self.version {
            Ok(version) => {
                [ACCESS_RESPONSE, &self.invoke_id, ONE_VERSION, &version.0.to_be_bytes(), GET_SUCCEEDED].concat()
            }
            Err(result) => [ACCESS_RESPONSE, &self.invoke_id, NO_VERSION, &[result]].concat(),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Ok(version) => write!(f, "success, version {version}"),
            Err(result) => write!(f, "failure, data access result {result}"),
        }
    }
}
