//! The OTA Header.

use super::sub_elements::MAXIMUM_SUB_ELEMENTS;
use crate::types::{Eui64, FirmwareVersion};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// First four octets of a file, as a little-endian number.
pub const FILE_IDENTIFIER: u32 = 0x0BEE_F11E;
/// The header version that the specification gives.
pub const HEADER_VERSION: u16 = 0x0100;
/// Stack version of ZigBee PRO.
pub const STACK_VERSION_PRO: u16 = 0x0002;
/// Octets of a header without optional fields.
pub const MINIMUM_HEADER_LENGTH: usize = 56;
/// How far [`inspect`] looks for a file identifier that is not where it belongs.
const SEARCH_LENGTH: usize = 4096;

const SECURITY_CREDENTIAL_VERSION: u16 = 1 << 0;
const DEVICE_SPECIFIC_FILE: u16 = 1 << 1;
const HARDWARE_VERSIONS: u16 = 1 << 2;
const KNOWN_FIELD_CONTROL: u16 = SECURITY_CREDENTIAL_VERSION | DEVICE_SPECIFIC_FILE | HARDWARE_VERSIONS;

/// Why octets are not an OTA file of the kind asked for. Offsets count from the first octet given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtaFileError {
    /// The file identifier is missing.
    #[error("no OTA file identifier at offset 0: expected 1e f1 ee 0b{}", Elsewhere(*.found_at))]
    NoFileIdentifier {
        /// Where in the first 4 KiB it is instead, if anywhere.
        found_at: Option<usize>,
    },
    /// The octets end too early.
    #[error("{field} at offset {offset} takes {needed} octets, but {available} are left")]
    Truncated {
        /// What was being read.
        field: &'static str,
        /// Where it starts.
        offset: usize,
        /// Octets it takes.
        needed: usize,
        /// Octets there are.
        available: usize,
    },
    /// A field has a value that it cannot have.
    #[error("{field} at offset {offset} is {found:#06x}, expected {expected}")]
    Unexpected {
        /// What was being read.
        field: &'static str,
        /// Where it is.
        offset: usize,
        /// Its value.
        found: u64,
        /// What would have been right.
        expected: &'static str,
    },
    /// The header length does not take in the fields that field control announces.
    #[error(
        "header length at offset 6 is {found}, expected at least {needed} for the fields that field control announces"
    )]
    HeaderLength {
        /// The length in the header.
        found: usize,
        /// What the fields take.
        needed: usize,
    },
    /// The file is longer or shorter than its header says.
    #[error("total image size at offset 52 is {declared}, expected {actual}, which is the length of the file")]
    TotalImageSize {
        /// The length in the header.
        declared: u32,
        /// The length of the file.
        actual: usize,
    },
    /// The file has more sub-elements than any file needs.
    #[error("more than {MAXIMUM_SUB_ELEMENTS} sub-elements, the next at offset {offset}")]
    TooManySubElements {
        /// Where the first one too many starts.
        offset: usize,
    },
}

/// The end of the message of [`OtaFileError::NoFileIdentifier`].
struct Elsewhere(Option<usize>);

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(offset) => write!(f, ", which follows at offset {offset}: remove what is before it"),
            None => Ok(()),
        }
    }
}

/// The hardware versions that an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HardwareVersions {
    /// The lowest.
    pub minimum: u16,
    /// The highest.
    pub maximum: u16,
}

impl HardwareVersions {
    /// Whether a hardware version is one of these, both ends included.
    pub const fn contains(self, hardware_version: u16) -> bool {
        self.minimum <= hardware_version && hardware_version <= self.maximum
    }
}

/// An OTA Header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtaHeader {
    /// [`HEADER_VERSION`]; the low octet may be higher.
    pub header_version: u16,
    /// The manufacturer, by its ZigBee manufacturer code.
    pub manufacturer_code: u16,
    /// The model, in the GB companion specification.
    pub image_type: u16,
    /// The firmware version.
    pub file_version: FirmwareVersion,
    /// [`STACK_VERSION_PRO`].
    pub stack_version: u16,
    /// A text, zero padded.
    pub header_string: [u8; 32],
    /// Octets of the whole file: header included, and in SRV 11.1 the signature after the Manufacturer Image too.
    pub total_image_size: u32,
    /// Which security credentials the image needs.
    pub security_credential_version: Option<u8>,
    /// The one Device that the file is for.
    pub upgrade_file_destination: Option<Eui64>,
    /// The hardware versions that the file is for.
    pub hardware_versions: Option<HardwareVersions>,
    /// Bits of field control that the specification reserves, as found; 0 in a file of this version.
    pub reserved_field_control: u16,
    /// Octets of a longer header than this version knows, as found.
    pub unknown: Vec<u8>,
}

impl Default for OtaHeader {
    /// A header of this version for ZigBee PRO, zero otherwise and without optional fields.
    fn default() -> Self {
        Self {
            header_version: HEADER_VERSION,
            manufacturer_code: 0,
            image_type: 0,
            file_version: FirmwareVersion(0),
            stack_version: STACK_VERSION_PRO,
            header_string: [0; 32],
            total_image_size: 0,
            security_credential_version: None,
            upgrade_file_destination: None,
            hardware_versions: None,
            reserved_field_control: 0,
            unknown: Vec::new(),
        }
    }
}

/// Takes little-endian fields off the front.
pub(super) struct Reader<'a> {
    pub(super) octets: &'a [u8],
    pub(super) offset: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, field: &'static str, needed: usize) -> Result<&'a [u8], OtaFileError> {
        let Some((taken, rest)) = self.octets.split_at_checked(needed) else {
            return Err(OtaFileError::Truncated { field, offset: self.offset, needed, available: self.octets.len() });
        };
        self.octets = rest;
        self.offset += needed;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], OtaFileError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(field, N)?);
        Ok(array)
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, OtaFileError> {
        self.array(field).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, OtaFileError> {
        self.array(field).map(u32::from_le_bytes)
    }
}

impl OtaHeader {
    /// Reads the header that `octets` start with, and says how many octets it has.
    pub fn parse(octets: &[u8]) -> Result<(Self, usize), OtaFileError> {
        let mut reader = Reader { octets, offset: 0 };
        // Where even the identifier is cut short, "truncated" would say less than "not an OTA file".
        if reader.octets.get(..4) != Some(&FILE_IDENTIFIER.to_le_bytes()) {
            return Err(OtaFileError::NoFileIdentifier { found_at: find_identifier(octets) });
        }
        reader.take("file identifier", 4)?;
        let header_version = reader.u16("header version")?;
        if header_version >> 8 != HEADER_VERSION >> 8 {
            return Err(OtaFileError::Unexpected {
                field: "header version",
                offset: 4,
                found: header_version.into(),
                expected: "0x0100",
            });
        }
        let header_length = usize::from(reader.u16("header length")?);
        let field_control = reader.u16("field control")?;
        let needed = MINIMUM_HEADER_LENGTH + optional_length(field_control);
        if header_length < needed {
            return Err(OtaFileError::HeaderLength { found: header_length, needed });
        }
        let manufacturer_code = reader.u16("manufacturer code")?;
        let image_type = reader.u16("image type")?;
        let file_version = FirmwareVersion(reader.u32("file version")?);
        let stack_version = reader.u16("ZigBee stack version")?;
        let header_string = reader.array("header string")?;
        let total_image_size = reader.u32("total image size")?;
        let security_credential_version = if field_control & SECURITY_CREDENTIAL_VERSION != 0 {
            let [version] = reader.array("security credential version")?;
            Some(version)
        } else {
            None
        };
        let upgrade_file_destination = if field_control & DEVICE_SPECIFIC_FILE != 0 {
            Some(Eui64::from_le_bytes(reader.array("upgrade file destination")?))
        } else {
            None
        };
        let hardware_versions = if field_control & HARDWARE_VERSIONS != 0 {
            Some(HardwareVersions {
                minimum: reader.u16("minimum hardware version")?,
                maximum: reader.u16("maximum hardware version")?,
            })
        } else {
            None
        };
        let unknown = reader.take("rest of the header", header_length.saturating_sub(reader.offset))?.to_vec();
        let header = Self {
            header_version,
            manufacturer_code,
            image_type,
            file_version,
            stack_version,
            header_string,
            total_image_size,
            security_credential_version,
            upgrade_file_destination,
            hardware_versions,
            reserved_field_control: field_control & !KNOWN_FIELD_CONTROL,
            unknown,
        };
        Ok((header, header_length))
    }

    fn field_control(&self) -> u16 {
        let bit = |set, bit| if set { bit } else { 0 };
        bit(self.security_credential_version.is_some(), SECURITY_CREDENTIAL_VERSION)
            | bit(self.upgrade_file_destination.is_some(), DEVICE_SPECIFIC_FILE)
            | bit(self.hardware_versions.is_some(), HARDWARE_VERSIONS)
            | self.reserved_field_control & !KNOWN_FIELD_CONTROL
    }

    /// As much of `unknown` as the header length can count.
    fn unknown_octets(&self) -> &[u8] {
        let room = usize::from(u16::MAX) - MINIMUM_HEADER_LENGTH - optional_length(self.field_control());
        self.unknown.get(..room).unwrap_or(&self.unknown)
    }

    /// Octets of the header.
    pub fn header_length(&self) -> u16 {
        let length = MINIMUM_HEADER_LENGTH + optional_length(self.field_control()) + self.unknown_octets().len();
        u16::try_from(length).unwrap_or(u16::MAX)
    }

    /// The header's octets.
    pub fn emit(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(self.header_length().into());
        octets.extend(FILE_IDENTIFIER.to_le_bytes());
        octets.extend(self.header_version.to_le_bytes());
        octets.extend(self.header_length().to_le_bytes());
        octets.extend(self.field_control().to_le_bytes());
        octets.extend(self.manufacturer_code.to_le_bytes());
        octets.extend(self.image_type.to_le_bytes());
        octets.extend(self.file_version.0.to_le_bytes());
        octets.extend(self.stack_version.to_le_bytes());
        octets.extend(self.header_string);
        octets.extend(self.total_image_size.to_le_bytes());
        octets.extend(self.security_credential_version);
        octets.extend(self.upgrade_file_destination.iter().flat_map(|device| device.to_le_bytes()));
        if let Some(versions) = self.hardware_versions {
            octets.extend(versions.minimum.to_le_bytes());
            octets.extend(versions.maximum.to_le_bytes());
        }
        octets.extend(self.unknown_octets());
        octets
    }

    /// The header string without its padding; what is no UTF-8 shows as U+FFFD.
    pub fn header_text(&self) -> String {
        let end = self.header_string.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
        String::from_utf8_lossy(self.header_string.get(..end).unwrap_or_default()).into_owned()
    }

    /// The header string for a text, cut after 32 octets at a character's end.
    pub fn header_string_from(text: &str) -> [u8; 32] {
        let mut string = [0; 32];
        let mut end = text.len().min(string.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        for (to, from) in string.iter_mut().zip(text.bytes().take(end)) {
            *to = from;
        }
        string
    }
}

const fn optional_length(field_control: u16) -> usize {
    let mut length = 0;
    if field_control & SECURITY_CREDENTIAL_VERSION != 0 {
        length += 1;
    }
    if field_control & DEVICE_SPECIFIC_FILE != 0 {
        length += 8;
    }
    if field_control & HARDWARE_VERSIONS != 0 {
        length += 4;
    }
    length
}

fn find_identifier(octets: &[u8]) -> Option<usize> {
    octets.get(..SEARCH_LENGTH).unwrap_or(octets).windows(4).position(|window| window == FILE_IDENTIFIER.to_le_bytes())
}
