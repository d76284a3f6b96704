//! Where a client keeps an image: a region of flash, filled in order, and the check that what is in it is the image.

use super::client::Transfer;
use crate::store::{Region, StoreError, flash_error};
use alloc::vec;
use alloc::vec::Vec;
use embedded_storage::nor_flash::NorFlash;
use hanrig_wire::gbcs::{SIGNATURE_LENGTH, VerifyError, VerifyingKey};
use hanrig_wire::manufacturer_image::{
    HEAD_LENGTH, ManufacturerImage, ManufacturerImageError, ManufacturerImageInfo, Verifier,
};
use hanrig_wire::ota_file::{MAXIMUM_IMAGE_SIZE, OtaFileError, OtaHeader, SIGNATURE_MARKER, TRAILER_LENGTH};
use hanrig_wire::zcl::ota::ImageId;
use sha2::{Digest, Sha256};

/// Octets of flash for one OTA Upgrade Image, in whole erase blocks of up to 4 KiB.
pub const SLOT_SIZE: u32 = (MAXIMUM_IMAGE_SIZE as u32).next_multiple_of(4096);
/// Octets collected before they are written: a flash page, which no block of an image fills by itself.
const PAGE: usize = 256;

/// A slot for one image. Blocks come in order and without gaps.
#[derive(Debug)]
pub struct Slot {
    region: Region,
    /// How many octets are in flash.
    stored: u32,
    /// What is on its way there: less than a page.
    page: Vec<u8>,
}

/// An image that was read: its signatures can be checked.
#[derive(Clone, Debug)]
pub struct ReadImage {
    /// SHA-256 of the Manufacturer Image alone.
    pub hash: [u8; 32],
    verifier: Verifier,
    /// The Supplier's signature that follows the Manufacturer Image, where one does (SRV 11.1).
    supplier_signature: Option<[u8; SIGNATURE_LENGTH]>,
}

impl ReadImage {
    /// What the Manufacturer Image says about itself, where the manufacturer with this key has signed it.
    ///
    /// # Errors
    /// When it is no Manufacturer Image, or its signature is another's.
    pub fn verify_manufacturer(self, key: &VerifyingKey) -> Result<ManufacturerImageInfo, ManufacturerImageError> {
        self.verifier.finish(key)
    }

    /// That the Supplier with this key has sent the image.
    ///
    /// # Errors
    /// When the image has no Supplier's signature, or that of another.
    pub fn verify_supplier(&self, key: &VerifyingKey) -> Result<(), VerifyError> {
        let signature = self.supplier_signature.as_ref().ok_or(VerifyError::NotSigned)?;
        key.verify_hash(&self.hash, signature)
    }
}

/// Why what is in a slot is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// The flash refused an access.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It has no OTA Header.
    #[error(transparent)]
    Header(#[from] OtaFileError),
    /// Its OTA Header is that of another image or size.
    #[error("its OTA Header is not of the image that was offered")]
    NotAsOffered,
    /// It is for other hardware.
    #[error("it is not for hardware version {0:04X}")]
    Hardware(u16),
    /// Its Manufacturer Image is none, or not the manufacturer's.
    #[error(transparent)]
    Image(#[from] ManufacturerImageError),
    /// It was not sent by the Device's Supplier.
    #[error("as the Supplier's: {0}")]
    Supplier(VerifyError),
}

impl Slot {
    /// The slot in `region`, of which `stored` octets are filled.
    pub const fn new(region: Region, stored: u32) -> Self {
        Self { region, stored, page: Vec::new() }
    }

    /// Empties the slot.
    ///
    /// # Errors
    /// When the flash refuses.
    pub fn erase<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), StoreError> {
        let Region { start, size } = self.region;
        *self = Self::new(self.region, 0);
        flash.erase(start, start + size).map_err(flash_error("erase", start))
    }

    /// How many octets are in flash, where a loss of power does not touch them: whole pages.
    pub const fn stored(&self) -> u32 {
        self.stored
    }

    /// Takes the next octets.
    ///
    /// # Errors
    /// When the flash refuses.
    pub fn push<F: NorFlash>(&mut self, flash: &mut F, octets: &[u8]) -> Result<(), StoreError> {
        self.page.extend_from_slice(octets);
        while self.page.len() >= PAGE {
            let rest = self.page.split_off(PAGE);
            let page = core::mem::replace(&mut self.page, rest);
            self.write(flash, &page)?;
        }
        Ok(())
    }

    /// Writes what is left of the last page.
    ///
    /// # Errors
    /// When the flash refuses.
    pub fn flush<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), StoreError> {
        let mut page = core::mem::take(&mut self.page);
        if page.is_empty() {
            return Ok(());
        }
        page.resize(page.len().next_multiple_of(F::WRITE_SIZE), 0xFF);
        self.write(flash, &page)
    }

    fn write<F: NorFlash>(&mut self, flash: &mut F, page: &[u8]) -> Result<(), StoreError> {
        let address = self.region.start + self.stored;
        self.stored += page.len() as u32;
        flash.write(address, page).map_err(flash_error("write", address))
    }

    fn read<F: NorFlash>(&self, flash: &mut F, offset: u32, octets: &mut [u8]) -> Result<(), StoreError> {
        let address = self.region.start + offset;
        flash.read(address, octets).map_err(flash_error("read", address))
    }

    /// SHA-256 of the slot's first `size` octets.
    ///
    /// # Errors
    /// When the flash cannot be read.
    pub fn digest<F: NorFlash>(&self, flash: &mut F, size: u32) -> Result<[u8; 32], StoreError> {
        let mut hash = Sha256::new();
        self.read_pieces(flash, 0, size, |piece| hash.update(piece))?;
        Ok(hash.finalize().into())
    }

    fn read_pieces<F: NorFlash>(
        &self,
        flash: &mut F,
        from: u32,
        to: u32,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), StoreError> {
        let mut buffer = [0; 512];
        let mut at = from;
        while at < to {
            let piece = buffer.get_mut(..(to - at).min(512) as usize).unwrap_or_default();
            self.read(flash, at, piece)?;
            take(piece);
            at += piece.len() as u32;
        }
        Ok(())
    }

    /// Reads the image, and checks that it is the one of `transfer` and is for this hardware.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn read_image<F: NorFlash>(
        &self,
        flash: &mut F,
        transfer: Transfer,
        hardware_version: u16,
    ) -> Result<ReadImage, SlotError> {
        let mut head = vec![0; 256.min(transfer.size as usize)];
        self.read(flash, 0, &mut head)?;
        let (header, length) = OtaHeader::parse(&head)?;
        if image_of(&header) != transfer.image || header.total_image_size != transfer.size {
            return Err(SlotError::NotAsOffered);
        }
        let fits = |minimum, maximum| (minimum..=maximum).contains(&hardware_version);
        if header.hardware_versions.is_some_and(|range| !fits(range.minimum, range.maximum)) {
            return Err(SlotError::Hardware(hardware_version));
        }
        let start = length as u32;
        let image = head.get(length..).unwrap_or_default();
        let image = image.get(..HEAD_LENGTH).unwrap_or(image);
        // Nothing but the length in the Manufacturer Image tells whether a Supplier's signature follows it.
        let signed_end = transfer.size.saturating_sub(TRAILER_LENGTH as u32);
        let own_end =
            ManufacturerImage::length_of(image).and_then(|length| start.checked_add(u32::try_from(length).ok()?));
        let end = if own_end == Some(signed_end) { signed_end } else { transfer.size };
        let mut verifier = Verifier::new(head.get(..length).unwrap_or_default());
        let mut hash = Sha256::new();
        self.read_pieces(flash, start, end, |piece| {
            verifier.update(piece);
            hash.update(piece);
        })?;
        let supplier_signature = self.trailer(flash, end, transfer.size)?;
        Ok(ReadImage { hash: hash.finalize().into(), verifier, supplier_signature })
    }

    fn trailer<F: NorFlash>(
        &self,
        flash: &mut F,
        from: u32,
        to: u32,
    ) -> Result<Option<[u8; SIGNATURE_LENGTH]>, StoreError> {
        let mut marker = SIGNATURE_MARKER;
        let mut signature = [0; SIGNATURE_LENGTH];
        if to - from != TRAILER_LENGTH as u32 {
            return Ok(None);
        }
        self.read(flash, from, &mut marker)?;
        self.read(flash, from + marker.len() as u32, &mut signature)?;
        Ok((marker == SIGNATURE_MARKER).then_some(signature))
    }
}

/// What names the image that has this header.
pub const fn image_of(header: &OtaHeader) -> ImageId {
    ImageId {
        manufacturer_code: header.manufacturer_code,
        image_type: header.image_type,
        file_version: header.file_version,
    }
}
