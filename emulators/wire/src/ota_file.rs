//! OTA files: ZigBee OTA Upgrade Cluster specification, 095264r23 section 6.3.
//!
//! An OTA Header is followed either by sub-elements (general ZigBee files) or directly by the Manufacturer Image (the GB
//! companion specification). A GB file is an *OTA Upgrade Image*: as SRV 11.4 carries it for a PPMID it ends with the
//! Manufacturer Image; as SRV 11.1 carries it for ESME, GSME and HCALCS, the octets 00 40 and the 64 octets of the
//! Supplier's signature over the Manufacturer Image alone follow. (The Reference Test Data Set shows both: the signature in
//! its SRV 11.1 request verifies with the Import Supplier's key over what is before 00 40 and after the OTA Header, which
//! is also the Manufacturer Image of its SRV 11.4 request.) All numbers of the header are little-endian.
//!
//! The signature of the image's creator over OTA Header and Manufacturer Image, which a Supplier holds and checks before
//! it sends anything, is not part of the file: see [`OtaUpgradeImage::creator_signed_octets`].
//!
//! Nothing in a file says which of these it is. Who knows calls [`OtaUpgradeImage::parse_unsigned`],
//! [`OtaUpgradeImage::parse_signed`] or [`sub_elements`]; who does not calls [`inspect`], which says how it decided.

mod header;
mod sub_elements;

pub use header::{
    FILE_IDENTIFIER, HEADER_VERSION, HardwareVersions, MINIMUM_HEADER_LENGTH, OtaFileError, OtaHeader,
    STACK_VERSION_PRO,
};
pub use sub_elements::{SubElement, emit_sub_elements, sub_elements};

use crate::gbcs::{SIGNATURE_LENGTH, SigningKey, VerifyError, VerifyingKey};
use crate::manufacturer_image::ManufacturerImage;
use alloc::vec::Vec;
use core::fmt;
use sha2::{Digest, Sha256};
use sub_elements::sub_elements_at;

/// Most octets of OTA Header and Upgrade Image together that the DCC takes: 750KB.
pub const MAXIMUM_IMAGE_SIZE: usize = 768_000;
/// What SRV 11.1 puts between Manufacturer Image and signature.
pub const SIGNATURE_MARKER: [u8; 2] = [0x00, 0x40];
/// Octets of marker and signature.
pub const TRAILER_LENGTH: usize = SIGNATURE_MARKER.len() + SIGNATURE_LENGTH;

/// An OTA Upgrade Image of the GB companion specification, over the octets that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtaUpgradeImage<'a> {
    /// The OTA Header.
    pub header: OtaHeader,
    /// The OTA Header's octets.
    pub header_octets: &'a [u8],
    /// The Manufacturer Image.
    pub manufacturer_image: &'a [u8],
    /// The Supplier's signature over the Manufacturer Image, as SRV 11.1 carries it.
    pub signature: Option<[u8; SIGNATURE_LENGTH]>,
    /// OTA Header and Manufacturer Image, as they follow each other.
    header_and_image: &'a [u8],
}

impl<'a> OtaUpgradeImage<'a> {
    /// Reads what SRV 11.4 carries: OTA Header and Manufacturer Image.
    pub fn parse_unsigned(octets: &'a [u8]) -> Result<Self, OtaFileError> {
        let (header, header_length) = parse_sized(octets)?;
        Ok(Self::split(header, header_length, octets, None))
    }

    /// Reads what SRV 11.1 carries: OTA Header, Manufacturer Image, 00 40 and a signature.
    pub fn parse_signed(octets: &'a [u8]) -> Result<Self, OtaFileError> {
        let (header, header_length) = parse_sized(octets)?;
        let available = octets.len() - header_length;
        let Some(marker_at) = octets.len().checked_sub(TRAILER_LENGTH).filter(|at| *at >= header_length) else {
            return Err(OtaFileError::Truncated {
                field: "00 40 and the signature",
                offset: header_length,
                needed: TRAILER_LENGTH,
                available,
            });
        };
        match trailing_signature(octets) {
            Ok((header_and_image, signature)) => {
                Ok(Self::split(header, header_length, header_and_image, Some(signature)))
            }
            Err(found) => Err(OtaFileError::Unexpected {
                field: "marker of the signature",
                offset: marker_at,
                found: u16::from_be_bytes(found).into(),
                expected: "0x0040",
            }),
        }
    }

    /// `header_length` is within `header_and_image`: the header was read from it.
    fn split(
        header: OtaHeader,
        header_length: usize,
        header_and_image: &'a [u8],
        signature: Option<[u8; SIGNATURE_LENGTH]>,
    ) -> Self {
        let (header_octets, manufacturer_image) =
            header_and_image.split_at_checked(header_length).unwrap_or((header_and_image, &[]));
        Self { header, header_octets, manufacturer_image, signature, header_and_image }
    }

    /// The Hash as the CPL has it: SHA-256 of the Manufacturer Image alone.
    pub fn hash(&self) -> [u8; 32] {
        hash(self.manufacturer_image)
    }

    /// What the image's creator signs: OTA Header and Manufacturer Image.
    pub const fn creator_signed_octets(&self) -> &'a [u8] {
        self.header_and_image
    }

    /// Checks the Supplier's signature that the file carries.
    pub fn verify(&self, supplier: &VerifyingKey) -> Result<(), VerifyError> {
        let signature = self.signature.as_ref().ok_or(VerifyError::NotSigned)?;
        supplier.verify(self.manufacturer_image, signature)
    }
}

/// The Hash of a Manufacturer Image as the CPL has it: its SHA-256.
pub fn hash(manufacturer_image: &[u8]) -> [u8; 32] {
    Sha256::digest(manufacturer_image).into()
}

/// The header, and that the file is as long as it says.
fn parse_sized(octets: &[u8]) -> Result<(OtaHeader, usize), OtaFileError> {
    let (header, header_length) = OtaHeader::parse(octets)?;
    if usize::try_from(header.total_image_size) != Ok(octets.len()) {
        return Err(OtaFileError::TotalImageSize { declared: header.total_image_size, actual: octets.len() });
    }
    Ok((header, header_length))
}

/// What is before marker and signature, and the signature; otherwise the octets that are in the place of the marker.
fn trailing_signature(octets: &[u8]) -> Result<(&[u8], [u8; SIGNATURE_LENGTH]), [u8; 2]> {
    let (rest, signature) = octets.split_last_chunk::<SIGNATURE_LENGTH>().ok_or([0; 2])?;
    match rest.split_last_chunk() {
        Some((before, &SIGNATURE_MARKER)) => Ok((before, *signature)),
        Some((_, found)) => Err(*found),
        None => Err([0; 2]),
    }
}

/// An OTA file of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtaFile<'a> {
    /// The OTA Header.
    pub header: OtaHeader,
    /// The OTA Header's octets.
    pub header_octets: &'a [u8],
    /// What follows the header.
    pub contents: Contents<'a>,
    /// How the kind of the contents was decided.
    pub decision: Decision,
}

/// What follows an OTA Header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents<'a> {
    /// Sub-elements, in a general ZigBee file. Their offsets count from the file's start.
    SubElements(Vec<SubElement<'a>>),
    /// A Manufacturer Image, with or without a signature after it.
    ManufacturerImage(OtaUpgradeImage<'a>),
}

/// How [`inspect`] decided what follows the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Sub-elements with defined tags fill the file exactly.
    SubElementsFillFile,
    /// The Manufacturer Image has a layout that says its own length, and ends with the file.
    OwnLengthUnsigned,
    /// The Manufacturer Image has a layout that says its own length, and 00 40 and a signature follow it.
    OwnLengthSigned,
    /// 00 40 is 66 octets before the end, and what follows it can be a signature: two numbers below the order of P-256,
    /// neither short. An unsigned image of random octets has this by chance in one of 65,536.
    Marker,
    /// None of the others: a Manufacturer Image that ends with the file.
    NoMarker,
}

impl Decision {
    /// Whether chance is all but ruled out as the reason for what was found.
    pub const fn is_certain(self) -> bool {
        !matches!(self, Self::Marker)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SubElementsFillFile => "sub-elements with defined tags fill the file exactly",
            Self::OwnLengthUnsigned => "the Manufacturer Image says its own length and ends with the file",
            Self::OwnLengthSigned => {
                "the Manufacturer Image says its own length, and 00 40 and a signature follow where it ends"
            }
            Self::Marker => {
                "no sub-elements; 00 40 is 66 octets before the end and what follows can be a signature (likely, not certain)"
            }
            Self::NoMarker => "no sub-elements, and no 00 40 and signature at the end",
        })
    }
}

/// Reads an OTA file of any kind, and says which kind it is and how that was decided.
pub fn inspect(octets: &[u8]) -> Result<OtaFile<'_>, OtaFileError> {
    let (header, header_length) = parse_sized(octets)?;
    let (header_octets, payload) = octets.split_at_checked(header_length).unwrap_or((octets, &[]));

    if let Ok(elements) = sub_elements_at(payload, header_length)
        && !elements.is_empty()
        && elements.iter().all(|element| SubElement::is_defined(element.tag))
    {
        let decision = Decision::SubElementsFillFile;
        return Ok(OtaFile { header, header_octets, contents: Contents::SubElements(elements), decision });
    }

    let trailing = trailing_signature(payload).ok().map(|(image, signature)| (image.len(), signature));
    let (signature, decision) = match (ManufacturerImage::length_of(payload), trailing) {
        (Some(length), _) if length == payload.len() => (None, Decision::OwnLengthUnsigned),
        (Some(length), Some((image, signature))) if length == image => (Some(signature), Decision::OwnLengthSigned),
        (_, Some((_, signature))) if can_be_signature(&signature) => (Some(signature), Decision::Marker),
        _ => (None, Decision::NoMarker),
    };
    let end = if signature.is_some() { octets.len().saturating_sub(TRAILER_LENGTH) } else { octets.len() };
    let header_and_image = octets.get(..end).unwrap_or(octets);
    let image = OtaUpgradeImage::split(header.clone(), header_length, header_and_image, signature);
    Ok(OtaFile { header, header_octets, contents: Contents::ManufacturerImage(image), decision })
}

/// Whether 64 octets look like `r || s`: both in range for P-256, and neither so short that chance would not bring it
/// about in 2^32 signatures.
fn can_be_signature(signature: &[u8; SIGNATURE_LENGTH]) -> bool {
    p256::ecdsa::Signature::from_slice(signature).is_ok()
        && signature.chunks(32).all(|scalar| scalar.iter().take(4).any(|octet| *octet != 0))
}

/// An OTA Upgrade Image: header, Manufacturer Image, and for SRV 11.1 the signature. Sets the header's total image size.
pub fn build(mut header: OtaHeader, manufacturer_image: &[u8], signature: Option<&[u8; SIGNATURE_LENGTH]>) -> Vec<u8> {
    let trailer = if signature.is_some() { TRAILER_LENGTH } else { 0 };
    header.total_image_size = total_image_size(&header, manufacturer_image.len() + trailer);
    let mut octets = header.emit();
    octets.reserve(manufacturer_image.len() + trailer);
    octets.extend_from_slice(manufacturer_image);
    if let Some(signature) = signature {
        octets.extend_from_slice(&SIGNATURE_MARKER);
        octets.extend_from_slice(signature);
    }
    octets
}

/// As [`build`] for SRV 11.1, with the signature made by the Supplier's key.
pub fn build_signed(header: OtaHeader, manufacturer_image: &[u8], supplier: &SigningKey) -> Vec<u8> {
    build(header, manufacturer_image, Some(&supplier.sign(manufacturer_image)))
}

/// What the total image size of a file is, of which `payload` octets follow the header.
pub(crate) fn total_image_size(header: &OtaHeader, payload: usize) -> u32 {
    u32::try_from(usize::from(header.header_length()).saturating_add(payload)).unwrap_or(u32::MAX)
}
