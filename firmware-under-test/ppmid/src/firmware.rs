//! The download slot in flash, verification, and activation.

use crate::faults::Fault;
use crate::ppmid::{Ppmid, SLOT};
use crate::state::{ActivationReport, Held};
use alloc::format;
use embedded_storage::nor_flash::NorFlash;
use hanrig_wire::manufacturer_image::{ManufacturerImageError, Verifier};
use hanrig_wire::ota_file::OtaHeader;
use hanrig_wire::time::Instant;
use hanrig_wire::zcl::ota::ImageId;
use hanrig_zigbee::ota::client::Transfer;
use hanrig_zigbee::ota::parts::{self, Part, PartActivation};
use hanrig_zigbee::ota::slot::{Slot, image_of};

/// How much of a download may have to be done again after a loss of power.
const PROGRESS_STORED_EVERY: u32 = 16 * 1024;

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
        self.state.held = None;
        self.state.transfer = Some(transfer);
        self.unsaved = true;
        if let Err(error) = self.slot.erase(&mut self.flash) {
            self.log(format!("{error}"));
        }
        self.log(format!("download of {} begins, {} octets", transfer.image, transfer.size));
    }

    /// Goes on with the download that the flash remembers.
    pub(crate) fn resume_download(&mut self, now: Instant) {
        self.spoil_start();
        if let Some(transfer) = self.state.transfer.and_then(|transfer| self.spoil_resumption(transfer)) {
            self.slot = Slot::new(SLOT, transfer.offset);
            self.log(format!("download of {} goes on at offset {}", transfer.image, transfer.offset));
            self.han.client().resume(now, transfer);
        }
    }

    /// Stores a block; blocks come in order and without gaps.
    pub(crate) fn store_block(&mut self, octets: &[u8]) {
        let before = self.slot.stored();
        if let Err(error) = self.slot.push(&mut self.flash, octets) {
            self.log(format!("{error}"));
        }
        let stored = self.slot.stored();
        if stored / PROGRESS_STORED_EVERY != before / PROGRESS_STORED_EVERY
            && let Some(transfer) = &mut self.state.transfer
        {
            transfer.offset = stored;
            self.unsaved = true;
        }
    }

    /// All of the image has come. It is verified when the time that this takes has passed.
    pub(crate) fn end_download(&mut self, now: Instant, transfer: Transfer) {
        if let Err(error) = self.slot.flush(&mut self.flash) {
            self.log(format!("{error}"));
        }
        // Until the hub has answered: a loss of power before that must not leave it without an answer to give.
        self.state.transfer = Some(Transfer { offset: transfer.size, ..transfer });
        self.unsaved = true;
        self.verify_at = Some((now + self.verification(), transfer));
    }

    /// Verifies the image, and keeps it for activation if it is good (PPMID-03, PPMID-04).
    pub(crate) fn verify_download(&mut self, now: Instant, transfer: Transfer) {
        let (hardware, key) = (self.config.hardware_version, &self.config.manufacturer_key);
        let image = self.slot.read_image(&mut self.flash, transfer, hardware);
        let verified = image.and_then(|image| Ok(image.verify_manufacturer(key)?));
        let verified = self.spoil_verification(verified);
        self.unsaved = true;
        match verified {
            Ok(info) => {
                self.log(format!("{} verified", transfer.image));
                self.state.held = Some(Held { image: transfer.image, part: Part::from(&info) });
                if self.faulty(Fault::ActivatesOnItsOwn) {
                    return self.activate(now, transfer.image);
                }
                self.han.client().verified(now, true);
            }
            Err(why) => {
                self.log(format!("{} not taken: {why}", transfer.image));
                if self.faulty(Fault::InstallsRefusedImage) {
                    self.state.running = transfer.image.file_version;
                }
                if self.faulty(Fault::RunsRefusedImageAtStart) {
                    self.state.held = Some(Held { image: transfer.image, part: Part::WHOLE });
                }
                self.note_refusal(now);
                self.han.client().verified(now, false);
            }
        }
    }

    /// The hub says: activate now (PPMID-05). The outcome is told after the restart (PPMID-06).
    pub(crate) fn activate(&mut self, now: Instant, image: ImageId) {
        if self.faulty(Fault::NeverActivates) {
            return;
        }
        self.state.transfer = None;
        self.unsaved = true;
        let Some(held) = self.state.held.take_if(|held| held.image == image) else {
            return self.log(format!("told to activate {image}, which is not held"));
        };
        let knows_gbcs = self.knows_gbcs();
        let activation = self.spoil_activation(parts::activate(self.state.stored_part, held.part), image);
        match activation {
            PartActivation::Runs => {
                self.state.running = image.file_version;
                self.state.stored_part = None;
            }
            PartActivation::Stored(part) => self.state.stored_part = Some(part),
            PartActivation::OutOfOrder => {}
        }
        let succeeded = activation != PartActivation::OutOfOrder;
        let report = ActivationReport { version: self.state.running, succeeded };
        if knows_gbcs && !self.faulty(Fault::ActivationUnreported) {
            self.state.reports.push_back(report);
        }
        if !knows_gbcs && self.faulty(Fault::MistellsFirstUpdate) {
            self.state.reports.push_back(ActivationReport { succeeded: false, ..report });
        }
        if self.faulty(Fault::AlertsTwice) {
            self.state.reports.push_back(report);
        }
        self.unsaved = true;
        let done = if succeeded { "activated" } else { "not activated: an earlier part is missing" };
        self.log(format!("{image} {done}, running version {}", self.state.running));
        self.restart(now);
    }

    /// Installs an image that did not come over the HAN, as an engineer's tool does (PPMID-13).
    ///
    /// # Errors
    /// When the image is not for this Device, or its manufacturer's signature is wrong.
    pub fn update_locally(&mut self, now: Instant, image: &[u8]) -> Result<(), LocalUpdateError> {
        let (header, length) = OtaHeader::parse(image).map_err(|_| LocalUpdateError::NotForThisDevice)?;
        let id = image_of(&header);
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
        self.state.stored_part = None;
        self.unsaved = true;
        self.log(format!("{id} installed locally"));
        self.restart(now);
        Ok(())
    }
}
