//! The Manufacturer Image of the reference PPMID and the reference HCALCS.
//!
//! What is in a Manufacturer Image is each manufacturer's own business; this is the layout of ours. It carries the
//! manufacturer's own signature, which the Device checks before it says that it has the image. Numbers are little-endian,
//! as in the OTA Header.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | `HANRIGFW` |
//! | 8 | 1 | layout version, 1 |
//! | 9 | 1 | part number, from 1 |
//! | 10 | 1 | number of parts: firmware may be split into several OTA images |
//! | 11 | 1 | flags, 0 |
//! | 12 | 4 | base version: the firmware version that the part goes on top of; 0 for any |
//! | 16 | 4 | body length |
//! | 20 | .. | body |
//! | .. | 64 | ECDSA P-256 with SHA-256, `r || s`, over the OTA Header's octets and all octets before the signature |
//!
//! [`Verifier`] checks an image that arrives in pieces or lies in flash: it keeps 64 octets and a hash state.

use crate::gbcs::{SIGNATURE_LENGTH, SigningKey, VerifyingKey};
use crate::ota_file::{self, OtaHeader, TRAILER_LENGTH, total_image_size};
use crate::types::FirmwareVersion;
use alloc::vec::Vec;
use sha2::{Digest, Sha256};

/// First octets of an image.
pub const MAGIC: [u8; 8] = *b"HANRIGFW";
/// The layout that this module describes.
pub const LAYOUT_VERSION: u8 = 1;
/// Octets before the body.
pub const HEAD_LENGTH: usize = 20;
/// Octets of an image beside the body.
pub const OVERHEAD: usize = HEAD_LENGTH + SIGNATURE_LENGTH;

/// Why octets are not a Manufacturer Image of this layout, or not one that the manufacturer signed. Offsets count from
/// the Manufacturer Image's first octet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManufacturerImageError {
    /// There are too few octets for head and signature.
    #[error("a Manufacturer Image of {length} octets, expected at least {OVERHEAD}")]
    TooShort {
        /// Octets there are.
        length: u64,
    },
    /// The magic is missing.
    #[error("no HANRIGFW at offset 0 of the Manufacturer Image")]
    Magic,
    /// A field has a value that it cannot have.
    #[error("{field} at offset {offset} of the Manufacturer Image is {found}, expected {expected}")]
    Field {
        /// Which field.
        field: &'static str,
        /// Where it is.
        offset: usize,
        /// Its value.
        found: u8,
        /// What would have been right.
        expected: &'static str,
    },
    /// The body's length is not that of the octets between head and signature.
    #[error("body length at offset 16 of the Manufacturer Image is {declared}, expected {actual}")]
    BodyLength {
        /// The length in the head.
        declared: u32,
        /// The octets between head and signature.
        actual: u64,
    },
    /// The signature is not the manufacturer's over this header and image.
    #[error("the manufacturer's signature over OTA Header and Manufacturer Image does not verify")]
    Signature,
}

/// The head of a Manufacturer Image: all that it says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManufacturerImageInfo {
    /// Which part this is, from 1.
    pub part: u8,
    /// How many parts there are.
    pub parts: u8,
    /// The firmware version that this part goes on top of; `None` for any.
    pub base_version: Option<FirmwareVersion>,
    /// Octets of the body.
    pub body_length: u32,
}

impl ManufacturerImageInfo {
    /// Whether the firmware is complete with this part.
    pub const fn is_last(&self) -> bool {
        self.part == self.parts
    }

    fn parse(head: &[u8; HEAD_LENGTH]) -> Result<Self, ManufacturerImageError> {
        let [magic @ .., layout, part, parts, flags, base0, base1, base2, base3, length0, length1, length2, length3] =
            *head;
        let field =
            |field, offset, found, expected| Err(ManufacturerImageError::Field { field, offset, found, expected });
        if magic != MAGIC {
            return Err(ManufacturerImageError::Magic);
        }
        if layout != LAYOUT_VERSION {
            return field("layout version", 8, layout, "1");
        }
        if parts == 0 {
            return field("number of parts", 10, parts, "1 or more");
        }
        if part == 0 || part > parts {
            return field("part number", 9, part, "1 up to the number of parts");
        }
        if flags != 0 {
            return field("flags", 11, flags, "0");
        }
        let base_version = match u32::from_le_bytes([base0, base1, base2, base3]) {
            0 => None,
            version => Some(FirmwareVersion(version)),
        };
        let body_length = u32::from_le_bytes([length0, length1, length2, length3]);
        Ok(Self { part, parts, base_version, body_length })
    }

    fn emit(&self) -> [u8; HEAD_LENGTH] {
        let mut head = [0; HEAD_LENGTH];
        let base_version = self.base_version.unwrap_or_default().0.to_le_bytes();
        let octets = MAGIC
            .into_iter()
            .chain([LAYOUT_VERSION, self.part, self.parts, 0])
            .chain(base_version)
            .chain(self.body_length.to_le_bytes());
        for (to, from) in head.iter_mut().zip(octets) {
            *to = from;
        }
        head
    }

    /// That the image is as long as its head says.
    fn check_length(&self, image_length: u64) -> Result<(), ManufacturerImageError> {
        let actual = image_length.saturating_sub(OVERHEAD as u64);
        if u64::from(self.body_length) != actual {
            return Err(ManufacturerImageError::BodyLength { declared: self.body_length, actual });
        }
        Ok(())
    }
}

/// A Manufacturer Image, over the octets that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManufacturerImage<'a> {
    /// Which part this is, from 1.
    pub part: u8,
    /// How many parts there are.
    pub parts: u8,
    /// The firmware version that this part goes on top of; `None` for any.
    pub base_version: Option<FirmwareVersion>,
    /// The firmware.
    pub body: &'a [u8],
    /// The manufacturer's signature.
    pub signature: [u8; SIGNATURE_LENGTH],
    /// All before the signature.
    signed: &'a [u8],
}

impl<'a> ManufacturerImage<'a> {
    /// Reads a whole Manufacturer Image. The signature is not checked: see [`ManufacturerImage::verify`].
    pub fn parse(manufacturer_image: &'a [u8]) -> Result<Self, ManufacturerImageError> {
        let length = manufacturer_image.len() as u64;
        let too_short = ManufacturerImageError::TooShort { length };
        let Some((head, _)) = manufacturer_image.split_first_chunk::<HEAD_LENGTH>() else { return Err(too_short) };
        let info = ManufacturerImageInfo::parse(head)?;
        let Some((signed, signature)) = manufacturer_image.split_last_chunk::<SIGNATURE_LENGTH>() else {
            return Err(too_short);
        };
        let Some(body) = signed.get(HEAD_LENGTH..) else { return Err(too_short) };
        info.check_length(length)?;
        let ManufacturerImageInfo { part, parts, base_version, .. } = info;
        Ok(Self { part, parts, base_version, body, signature: *signature, signed })
    }

    /// How long the Manufacturer Image is that `octets` start with, where they start with the head of one. A Device that
    /// has got a file from SRV 11.1 tells by it where the Supplier's signature starts.
    pub fn length_of(octets: &[u8]) -> Option<usize> {
        let info = ManufacturerImageInfo::parse(octets.first_chunk()?).ok()?;
        usize::try_from(info.body_length).ok()?.checked_add(OVERHEAD)
    }

    /// Checks the manufacturer's signature, given the octets of the OTA Header before the image.
    pub fn verify(&self, header_octets: &[u8], key: &VerifyingKey) -> Result<(), ManufacturerImageError> {
        let digest = Sha256::new().chain_update(header_octets).chain_update(self.signed).finalize();
        key.verify_hash(&digest.into(), &self.signature).map_err(|_| ManufacturerImageError::Signature)
    }
}

/// A signed Manufacturer Image that goes on top of any version. `header_octets` are those of the final OTA Header, total
/// image size included: [`build_upgrade_image`] sees to that.
pub fn build(header_octets: &[u8], part: u8, parts: u8, body: &[u8], key: &SigningKey) -> Vec<u8> {
    build_on(None, header_octets, part, parts, body, key)
}

/// As [`build`], on top of one firmware version alone.
pub fn build_on(
    base_version: Option<FirmwareVersion>,
    header_octets: &[u8],
    part: u8,
    parts: u8,
    body: &[u8],
    key: &SigningKey,
) -> Vec<u8> {
    let body_length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let head = ManufacturerImageInfo { part, parts, base_version, body_length }.emit();
    let mut octets = Vec::with_capacity(header_octets.len() + OVERHEAD + body.len());
    octets.extend_from_slice(header_octets);
    octets.extend_from_slice(&head);
    octets.extend_from_slice(body);
    let signature = key.sign(&octets);
    octets.drain(..header_octets.len());
    octets.extend_from_slice(&signature);
    octets
}

/// A whole OTA Upgrade Image as SRV 11.4 carries it, that goes on top of any version. Sets the header's total image size.
pub fn build_upgrade_image(header: OtaHeader, part: u8, parts: u8, body: &[u8], key: &SigningKey) -> Vec<u8> {
    build_upgrade_image_on(None, header, part, parts, body, key)
}

/// As [`build_upgrade_image`], on top of one firmware version alone.
pub fn build_upgrade_image_on(
    base_version: Option<FirmwareVersion>,
    mut header: OtaHeader,
    part: u8,
    parts: u8,
    body: &[u8],
    key: &SigningKey,
) -> Vec<u8> {
    header.total_image_size = total_image_size(&header, OVERHEAD + body.len());
    let mut octets = header.emit();
    let image = build_on(base_version, &octets, part, parts, body, key);
    octets.extend_from_slice(&image);
    octets
}

/// A whole OTA Upgrade Image as SRV 11.1 carries it, that goes on top of any version: the manufacturer's signature within
/// the Manufacturer Image, and the Supplier's after it. Sets the header's total image size.
pub fn build_signed_upgrade_image(
    mut header: OtaHeader,
    part: u8,
    parts: u8,
    body: &[u8],
    manufacturer: &SigningKey,
    supplier: &SigningKey,
) -> Vec<u8> {
    header.total_image_size = total_image_size(&header, OVERHEAD + body.len() + TRAILER_LENGTH);
    let image = build(&header.emit(), part, parts, body, manufacturer);
    ota_file::build_signed(header, &image, supplier)
}

/// Checks a Manufacturer Image piece by piece, in constant memory.
#[derive(Clone, Debug)]
pub struct Verifier {
    hash: Sha256,
    head: [u8; HEAD_LENGTH],
    /// The last octets so far, which may be the signature; flush with the end while there are fewer.
    held: [u8; SIGNATURE_LENGTH],
    length: u64,
}

impl Verifier {
    /// Starts with the octets of the OTA Header before the image.
    pub fn new(header_octets: &[u8]) -> Self {
        let hash = Sha256::new().chain_update(header_octets);
        Self { hash, head: [0; HEAD_LENGTH], held: [0; SIGNATURE_LENGTH], length: 0 }
    }

    /// Takes the Manufacturer Image's next octets.
    pub fn update(&mut self, chunk: &[u8]) {
        // What is held back is hashed when 64 newer octets have come. A long chunk is hashed where it lies.
        let so_far = usize::try_from(self.length).unwrap_or(usize::MAX);
        if let Some(missing) = self.head.get_mut(so_far.min(HEAD_LENGTH)..) {
            for (to, from) in missing.iter_mut().zip(chunk) {
                *to = *from;
            }
        }
        let held = self.held;
        let held = held.get(SIGNATURE_LENGTH.saturating_sub(so_far)..).unwrap_or_default();
        let released = (held.len() + chunk.len()).saturating_sub(SIGNATURE_LENGTH);
        let from_held = released.min(held.len());
        let (oldest, kept) = held.split_at_checked(from_held).unwrap_or((held, &[]));
        let (direct, newest) = chunk.split_at_checked(released - from_held).unwrap_or((chunk, &[]));
        self.hash.update(oldest);
        self.hash.update(direct);
        let mut next = [0; SIGNATURE_LENGTH];
        let start = SIGNATURE_LENGTH.saturating_sub(kept.len() + newest.len());
        for (to, from) in next.iter_mut().skip(start).zip(kept.iter().chain(newest)) {
            *to = *from;
        }
        self.held = next;
        self.length = self.length.saturating_add(chunk.len() as u64);
    }

    /// After the last octet: what the image says about itself, where its signature is the manufacturer's.
    pub fn finish(self, key: &VerifyingKey) -> Result<ManufacturerImageInfo, ManufacturerImageError> {
        if self.length < HEAD_LENGTH as u64 {
            return Err(ManufacturerImageError::TooShort { length: self.length });
        }
        let info = ManufacturerImageInfo::parse(&self.head)?;
        if self.length < OVERHEAD as u64 {
            return Err(ManufacturerImageError::TooShort { length: self.length });
        }
        info.check_length(self.length)?;
        let digest = self.hash.finalize();
        key.verify_hash(&digest.into(), &self.held).map_err(|_| ManufacturerImageError::Signature)?;
        Ok(info)
    }
}
