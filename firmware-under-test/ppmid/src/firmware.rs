//! The download slot in flash, verification, and activation.

use crate::faults::Fault;
use crate::ppmid::{Ppmid, SLOT_SIZE, SLOT_START};
use crate::state::{ActivationReport, Held, StoredParts};
use alloc::vec::Vec;
use alloc::{format, vec};
use embedded_storage::nor_flash::NorFlash;
use hanrig_wire::manufacturer_image::{ManufacturerImageError, ManufacturerImageInfo, Verifier};
use hanrig_wire::ota_file::OtaHeader;
use hanrig_wire::time::Instant;
use hanrig_wire::zcl::ota::ImageId;
use hanrig_zigbee::ota::client::Transfer;
use hanrig_zigbee::store::{StoreError, flash_error};

/// Octets collected before they are written: a flash page, which no block of an image fills by itself.
const PAGE: usize = 256;
/// How much of a download may have to be done again after a loss of power.
const PROGRESS_STORED_EVERY: u32 = 16 * 1024;

/// Octets of an image on their way into flash.
#[derive(Debug, Default)]
pub(crate) struct PageBuffer {
    /// Where in the slot the octets go.
    start: u32,
    octets: Vec<u8>,
}

/// Why an image was not taken from a local update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalUpdateError {
    /// It is not an image for this PPMID, or its signature is wrong.
    Image(ManufacturerImageError),
    /// It has no OTA Header for this manufacturer and model.
    NotForThisDevice,
}

impl core::fmt::Display for LocalUpdateError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Image(error) => write!(f, "the image was not taken: {error}"),
            Self::NotForThisDevice => f.write_str("the image is not for this manufacturer and model"),
        }
    }
}

impl core::error::Error for LocalUpdateError {}

impl<F: NorFlash> Ppmid<F> {
    /// Makes room for an image.
    pub(crate) fn begin_download(&mut self, transfer: Transfer) {
        self.page = PageBuffer::default();
        self.state.held = None;
        self.state.transfer = Some(transfer);
        self.unsaved = true;
        if let Err(error) = self.flash.erase(SLOT_START, SLOT_START + SLOT_SIZE) {
            self.log(format!("{}", flash_error("erase", SLOT_START)(error)));
        }
        self.log(format!("download of {} begins, {} octets", transfer.image, transfer.size));
    }

    /// Goes on with the download that the flash remembers.
    pub(crate) fn resume_download(&mut self, now: Instant) {
        if let Some(transfer) = self.state.transfer.and_then(|transfer| self.spoil_resumption(transfer)) {
            self.page = PageBuffer { start: transfer.offset, octets: Vec::new() };
            self.log(format!("download of {} goes on at offset {}", transfer.image, transfer.offset));
            self.client.resume(now, transfer);
        }
    }

    /// Stores a block; blocks come in order and without gaps.
    pub(crate) fn store_block(&mut self, octets: &[u8]) {
        self.page.octets.extend_from_slice(octets);
        while self.page.octets.len() >= PAGE {
            let rest = self.page.octets.split_off(PAGE);
            let page = core::mem::replace(&mut self.page.octets, rest);
            self.write_page(&page);
        }
    }

    fn write_page(&mut self, page: &[u8]) {
        let address = SLOT_START + self.page.start;
        if let Err(error) = self.flash.write(address, page) {
            self.log(format!("{}", flash_error("write", address)(error)));
        }
        let before = self.page.start;
        self.page.start += page.len() as u32;
        if self.page.start / PROGRESS_STORED_EVERY != before / PROGRESS_STORED_EVERY
            && let Some(transfer) = &mut self.state.transfer
        {
            transfer.offset = self.page.start;
            self.unsaved = true;
        }
    }

    fn flush(&mut self) {
        let mut page = core::mem::take(&mut self.page.octets);
        if !page.is_empty() {
            page.resize(page.len().next_multiple_of(F::WRITE_SIZE), 0xFF);
            self.write_page(&page);
        }
    }

    /// All of the image has come: verify it, and keep it for activation if it is good (PPMID-03, PPMID-04).
    pub(crate) fn verify_download(&mut self, now: Instant, transfer: Transfer) {
        self.flush();
        let verified = self.verify_slot(transfer);
        let verified = self.spoil_verification(verified);
        self.state.transfer = None;
        self.unsaved = true;
        match verified {
            Ok(info) => {
                self.log(format!("{} verified", transfer.image));
                self.state.held = Some(Held { image: transfer.image, part: info.part, parts: info.parts });
                if self.faulty(Fault::ActivatesOnItsOwn) {
                    return self.activate(now, transfer.image);
                }
                self.client.verified(now, true);
            }
            Err(why) => {
                self.log(format!("{} not taken: {why}", transfer.image));
                if self.faulty(Fault::InstallsRefusedImage) {
                    self.state.running = transfer.image.file_version;
                }
                self.client.verified(now, false);
            }
        }
    }

    fn verify_slot(&mut self, transfer: Transfer) -> Result<ManufacturerImageInfo, alloc::string::String> {
        let mut head = vec![0; 256.min(transfer.size as usize)];
        self.read_slot(0, &mut head).map_err(|error| format!("{error}"))?;
        let (header, length) = OtaHeader::parse(&head).map_err(|error| format!("{error}"))?;
        if header_names(&header) != transfer.image || header.total_image_size != transfer.size {
            return Err("its OTA Header is not of the image that was offered".into());
        }
        let hardware = self.config.hardware_version;
        if header.hardware_versions.is_some_and(|range| !(range.minimum..=range.maximum).contains(&hardware)) {
            return Err(format!("it is not for hardware version {hardware:04X}"));
        }
        let mut verifier = Verifier::new(head.get(..length).unwrap_or_default());
        let mut buffer = [0; 512];
        let mut at = length as u32;
        while at < transfer.size {
            let piece = buffer.get_mut(..(transfer.size - at).min(512) as usize).unwrap_or_default();
            self.read_slot(at, piece).map_err(|error| format!("{error}"))?;
            verifier.update(piece);
            at += piece.len() as u32;
        }
        verifier.finish(&self.config.manufacturer_key).map_err(|error| format!("{error}"))
    }

    fn read_slot(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), StoreError> {
        self.flash.read(SLOT_START + offset, octets).map_err(flash_error("read", SLOT_START + offset))
    }

    /// The hub says: activate now (PPMID-05). The outcome is told after the restart (PPMID-06).
    pub(crate) fn activate(&mut self, now: Instant, image: ImageId) {
        if self.faulty(Fault::NeverActivates) {
            return;
        }
        let Some(held) = self.state.held.take_if(|held| held.image == image) else {
            return self.log(format!("told to activate {image}, which is not held"));
        };
        let stored = self.state.stored_parts.take();
        let in_order = match stored {
            Some(stored) => stored.parts == held.parts && stored.count + 1 == held.part,
            None => held.part == 1,
        };
        let last = held.part == held.parts;
        if in_order && last {
            self.state.running = image.file_version;
        } else if in_order {
            self.state.stored_parts = Some(StoredParts { count: held.part, parts: held.parts });
        } else {
            self.state.stored_parts = stored;
        }
        let report = ActivationReport { version: self.state.running, succeeded: in_order };
        if !self.faulty(Fault::ActivationUnreported) {
            self.state.reports.push_back(report);
        }
        if self.faulty(Fault::AlertsTwice) {
            self.state.reports.push_back(report);
        }
        self.unsaved = true;
        let done = if in_order { "activated" } else { "not activated: an earlier part is missing" };
        self.log(format!("{image} {done}, running version {}", self.state.running));
        self.restart(now);
    }

    /// Installs an image that did not come over the HAN, as an engineer's tool does (PPMID-13).
    ///
    /// # Errors
    /// When the image is not for this Device, or its manufacturer's signature is wrong.
    pub fn update_locally(&mut self, now: Instant, image: &[u8]) -> Result<(), LocalUpdateError> {
        let (header, length) = OtaHeader::parse(image).map_err(|_| LocalUpdateError::NotForThisDevice)?;
        let id = header_names(&header);
        if id.manufacturer_code != self.config.manufacturer_code || id.image_type != self.config.image_type {
            return Err(LocalUpdateError::NotForThisDevice);
        }
        let (head, body) = image.split_at_checked(length).ok_or(LocalUpdateError::NotForThisDevice)?;
        let mut verifier = Verifier::new(head);
        verifier.update(body);
        verifier.finish(&self.config.manufacturer_key).map_err(LocalUpdateError::Image)?;
        if !self.faulty(Fault::ForgetsLocalUpdate) {
            self.state.running = id.file_version;
        }
        self.state.stored_parts = None;
        self.unsaved = true;
        self.log(format!("{id} installed locally"));
        self.restart(now);
        Ok(())
    }
}

const fn header_names(header: &OtaHeader) -> ImageId {
    ImageId {
        manufacturer_code: header.manufacturer_code,
        image_type: header.image_type,
        file_version: header.file_version,
    }
}
