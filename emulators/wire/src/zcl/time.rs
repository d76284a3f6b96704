//! The Time cluster (0x000A): only its attribute Time, which Devices read from the Communications Hub.

use super::{Direction, Fields, Status, ZclError, ZclHeader, global};
use crate::time::Utc;
use alloc::vec::Vec;

/// The cluster's identifier.
pub const CLUSTER: u16 = 0x000A;
/// The attribute Time: UTCTime, seconds since 2000.
pub const ATTRIBUTE_TIME: u16 = 0x0000;
/// ZCL's data type for UTCTime.
const TYPE_UTC_TIME: u8 = 0xE2;

/// A whole frame that asks for the attribute Time.
pub fn read_request(sequence: u8) -> Vec<u8> {
    let mut frame = Vec::with_capacity(5);
    ZclHeader::global(Direction::ClientToServer, sequence, global::READ_ATTRIBUTES).emit(&mut frame);
    frame.extend(ATTRIBUTE_TIME.to_le_bytes());
    frame
}

/// A whole frame that answers the Read Attributes command `request` with payload `asked`.
///
/// `utc` is `None` while the server does not know the time: the invalid value 0xFFFFFFFF is sent, as ZCL says.
pub fn read_response(request: &ZclHeader, asked: &[u8], utc: Option<Utc>) -> Vec<u8> {
    let mut frame = Vec::with_capacity(16);
    ZclHeader::global(Direction::ServerToClient, request.sequence, global::READ_ATTRIBUTES_RESPONSE).emit(&mut frame);
    for attribute in asked.chunks_exact(2) {
        frame.extend_from_slice(attribute);
        if attribute == ATTRIBUTE_TIME.to_le_bytes() {
            frame.extend([Status::SUCCESS.0, TYPE_UTC_TIME]);
            frame.extend(utc.map_or(u32::MAX, Utc::to_zigbee).to_le_bytes());
        } else {
            frame.push(Status::UNSUPPORTED_ATTRIBUTE.0);
        }
    }
    frame
}

/// The time in a Read Attributes Response to [`read_request`]; `None` where the server does not know it.
pub fn parse_read_response(payload: &[u8]) -> Result<Option<Utc>, ZclError> {
    const WHAT: &str = "Read Attributes Response";
    let mut fields = Fields::of(WHAT, payload);
    let attribute = fields.u16("attribute identifier")?;
    if attribute != ATTRIBUTE_TIME {
        return Err(ZclError::Undefined { what: WHAT, field: "attribute identifier", value: u32::from(attribute) });
    }
    if Status(fields.u8("status")?) != Status::SUCCESS {
        return Ok(None);
    }
    let kind = fields.u8("data type")?;
    if kind != TYPE_UTC_TIME {
        return Err(ZclError::Undefined { what: WHAT, field: "data type", value: u32::from(kind) });
    }
    let seconds = fields.u32("Time")?;
    fields.end()?;
    Ok((seconds != u32::MAX).then(|| Utc::from_zigbee(seconds)))
}
