//! The sub-elements of general ZigBee OTA files.

use super::header::{OtaFileError, Reader};
use alloc::vec::Vec;

/// A general ZigBee file has a handful of sub-elements.
pub(super) const MAXIMUM_SUB_ELEMENTS: usize = 64;
/// Tag and length of a sub-element.
const SUB_ELEMENT_HEADER_LENGTH: usize = 6;

/// One sub-element of a general ZigBee OTA file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubElement<'a> {
    /// What it is.
    pub tag: u16,
    /// Where its value starts, counted from where the sub-elements start; [`inspect`](super::inspect) counts from the
    /// file's start.
    pub offset: usize,
    /// Its value.
    pub value: &'a [u8],
}

impl SubElement<'_> {
    /// What the tag stands for in the specification.
    pub const fn name(&self) -> &'static str {
        match self.tag {
            0x0000 => "Upgrade Image",
            0x0001 => "ECDSA Signature (CS1)",
            0x0002 => "ECDSA Signing Certificate (CS1)",
            0x0003 => "Image Integrity Code",
            0x0004 => "Picture Data",
            0x0005 => "ECDSA Signature (CS2)",
            0x0006 => "ECDSA Signing Certificate (CS2)",
            0xF000.. => "manufacturer specific",
            _ => "reserved",
        }
    }

    pub(super) const fn is_defined(tag: u16) -> bool {
        tag <= 0x0006 || tag >= 0xF000
    }
}

/// Reads the sub-elements of a general ZigBee OTA file, given the octets after the header.
pub fn sub_elements(octets: &[u8]) -> Result<Vec<SubElement<'_>>, OtaFileError> {
    sub_elements_at(octets, 0)
}

/// As [`sub_elements`], of octets that start at `offset`.
pub(super) fn sub_elements_at(octets: &[u8], offset: usize) -> Result<Vec<SubElement<'_>>, OtaFileError> {
    let mut reader = Reader { octets, offset };
    let mut elements = Vec::new();
    while !reader.octets.is_empty() {
        if elements.len() == MAXIMUM_SUB_ELEMENTS {
            return Err(OtaFileError::TooManySubElements { offset: reader.offset });
        }
        let tag = reader.u16("sub-element tag")?;
        let length = usize::try_from(reader.u32("sub-element length")?).unwrap_or(usize::MAX);
        let offset = reader.offset;
        let value = reader.take("sub-element value", length)?;
        elements.push(SubElement { tag, offset, value });
    }
    Ok(elements)
}

/// The sub-elements' octets, to follow a header.
pub fn emit_sub_elements(elements: &[(u16, &[u8])]) -> Vec<u8> {
    let length = elements.iter().map(|(_, value)| SUB_ELEMENT_HEADER_LENGTH + value.len()).sum();
    let mut octets = Vec::with_capacity(length);
    for (tag, value) in elements {
        octets.extend(tag.to_le_bytes());
        octets.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
        octets.extend_from_slice(value);
    }
    octets
}
