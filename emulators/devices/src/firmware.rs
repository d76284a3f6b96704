//! The two slots in flash, verification, and activation.

use crate::config::DeviceConfig;
use crate::device::{Device, slot_region};
use crate::faults::Fault;
use crate::state::{Held, Report, Running, SlotName};
use alloc::format;
use alloc::vec::Vec;
use embedded_storage::nor_flash::NorFlash;
use hanrig_wire::gbcs::AlertCode;
use hanrig_wire::gbcs::cs06::{ActivationResult, Outcome};
use hanrig_wire::time::Instant;
use hanrig_zigbee::ota::client::Transfer;
use hanrig_zigbee::ota::parts::{self, Part, PartActivation};
use hanrig_zigbee::ota::slot::{Slot, SlotError};
use hanrig_zigbee::store::{Region, StoreError, flash_error};
use sha2::{Digest, Sha256};

/// How much of a download may have to be done again after a loss of power.
const PROGRESS_STORED_EVERY: u32 = 16 * 1024;
/// Octets of what stands in for the firmware from the factory.
const FACTORY_FIRMWARE: u32 = 256;

/// Puts what stands in for the factory's firmware into the first slot.
pub(crate) fn install_factory_firmware<F: NorFlash>(
    config: &DeviceConfig,
    flash: &mut F,
) -> Result<Running, StoreError> {
    let Region { start, .. } = slot_region(SlotName::A);
    let mut firmware = Vec::with_capacity(FACTORY_FIRMWARE as usize);
    while firmware.len() < FACTORY_FIRMWARE as usize {
        let seed = (config.manufacturer_code, config.image_type, config.factory_version.0, firmware.len());
        firmware.extend_from_slice(&Sha256::digest(format!("{seed:?}")));
    }
    flash.erase(start, start + (F::ERASE_SIZE as u32)).map_err(flash_error("erase", start))?;
    flash.write(start, &firmware).map_err(flash_error("write", start))?;
    Ok(Running {
        version: config.factory_version,
        slot: SlotName::A,
        size: FACTORY_FIRMWARE,
        digest: Sha256::digest(&firmware).into(),
    })
}

impl<F: NorFlash> Device<F> {
    /// Verifies that the firmware that runs is as it was when it was installed (HCALCS-05).
    pub(crate) fn verify_running(&mut self) {
        let Running { slot, size, digest, .. } = self.state.running;
        let found = Slot::new(slot_region(slot), size).digest(&mut self.flash, size);
        let is_updated = self.state.running.version != self.config.factory_version;
        if found == Ok(digest)
            || self.faulty(Fault::SkipsVerificationAtPowerOn)
            || is_updated && self.faulty(Fault::VerifiesFactoryFirmwareAlone)
        {
            return;
        }
        self.log("firmware verification failed at power-on".into());
        self.report(AlertCode::FIRMWARE_VERIFICATION_FAILED_AT_POWER_ON, None);
    }

    /// Makes room for an image.
    pub(crate) fn begin_download(&mut self, transfer: Transfer) {
        self.state.held = None;
        self.state.transfer = Some(transfer);
        self.unsaved = true;
        self.slot = Slot::new(slot_region(self.state.running.slot.other()), 0);
        if let Err(error) = self.slot.erase(&mut self.flash) {
            self.log(format!("{error}"));
        }
        self.log(format!("download of {} begins, {} octets", transfer.image, transfer.size));
    }

    /// Goes on with the download that the flash remembers.
    pub(crate) fn resume_download(&mut self, now: Instant) {
        let cut_short = self.faulty(Fault::TakesCutDownloadAsWhole);
        if let Some(mut transfer) = self.state.transfer {
            if cut_short {
                transfer.offset = transfer.size;
            }
            self.slot = Slot::new(slot_region(self.state.running.slot.other()), transfer.offset);
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
        if stored / PROGRESS_STORED_EVERY != before / PROGRESS_STORED_EVERY {
            self.note_progress(stored);
        }
    }

    fn note_progress(&mut self, offset: u32) {
        if let Some(transfer) = &mut self.state.transfer {
            transfer.offset = offset;
            self.unsaved = true;
        }
    }

    /// All of the image has come. It is verified when the time that this takes has passed.
    pub(crate) fn end_download(&mut self, now: Instant, transfer: Transfer) {
        if let Err(error) = self.slot.flush(&mut self.flash) {
            self.log(format!("{error}"));
        }
        self.note_progress(transfer.size);
        self.verify_at = Some((now + self.verification(), transfer));
    }

    /// Verifies the image, and holds it if it is good (HCALCS-01, HCALCS-03).
    pub(crate) fn verify_download(&mut self, now: Instant, transfer: Transfer) {
        let verified = self.verify_slot(transfer);
        self.unsaved = true;
        let good = verified.is_ok();
        match verified {
            Ok(held) => {
                self.log(format!("{} verified, and held", held.image));
                let known = self.state.held.replace(held).is_some_and(|before| before.hash == held.hash);
                if self.tells_of_receipt() && !known {
                    self.report(AlertCode::FIRMWARE_VERIFICATION_SUCCESSFUL, Some(held.hash));
                }
                if self.faulty(Fault::HoldsNothing) {
                    self.state.held = None;
                }
                if self.faulty(Fault::ActivatesOnReceipt) {
                    self.activate(now, held.hash);
                }
            }
            Err(why) => {
                self.log(format!("{} not taken: {why}", transfer.image));
                if self.config.declaration.receipt_alert {
                    let hash = self.hash_of_arrived(transfer);
                    self.report(AlertCode::FIRMWARE_VERIFICATION_FAILED, hash);
                }
            }
        }
        self.han.client().verified(now, good);
    }

    /// The image in the slot that does not run, if it is good.
    fn verify_slot(&mut self, transfer: Transfer) -> Result<Held, SlotError> {
        let slot = Slot::new(slot_region(self.state.running.slot.other()), transfer.size);
        let read = slot.read_image(&mut self.flash, transfer, self.config.hardware_version)?;
        if !self.faulty(Fault::TakesImageOfAnySupplier) {
            read.verify_supplier(&self.config.supplier.signing_key).map_err(SlotError::Supplier)?;
        }
        let hash = read.hash;
        let part = match read.verify_manufacturer(&self.config.manufacturer_key) {
            Err(_) if self.faulty(Fault::TakesImageOfAnyManufacturer) => Part::WHOLE,
            info => Part::from(&info?),
        };
        Ok(Held { image: transfer.image, size: transfer.size, part, hash })
    }

    /// The Hash of a Manufacturer Image that was not taken; of all that came where none can be found in it.
    fn hash_of_arrived(&mut self, transfer: Transfer) -> Option<[u8; 32]> {
        let slot = Slot::new(slot_region(self.state.running.slot.other()), transfer.size);
        match slot.read_image(&mut self.flash, transfer, self.config.hardware_version) {
            Ok(read) => Some(read.hash),
            Err(_) => slot.digest(&mut self.flash, transfer.size).ok(),
        }
    }

    /// Activates the image with this Hash, or tells why not (HCALCS-04).
    pub(crate) fn activate(&mut self, now: Instant, hash: [u8; 32]) -> Outcome {
        let result = match self.state.held {
            None => ActivationResult::NoImageHeld,
            Some(held) if held.hash != hash && !self.faulty(Fault::IgnoresHash) => ActivationResult::HashMismatch,
            Some(held) => self.install(now, held),
        };
        self.unsaved = true;
        self.log(format!("activation: {result}, running version {}", self.state.running.version));
        Outcome { result, version: self.state.running.version }
    }

    fn install(&mut self, now: Instant, held: Held) -> ActivationResult {
        let Held { image, size, .. } = held;
        let verified = self.verify_slot(Transfer { image, size, offset: size });
        let as_received = verified == Ok(held);
        if !as_received && !self.faulty(Fault::SkipsVerificationAtActivation) {
            self.state.held = None;
            self.report(AlertCode::FIRMWARE_VERIFICATION_FAILED, Some(held.hash));
            return ActivationResult::ActivationFailure;
        }
        let slot = self.state.running.slot.other();
        match self.spoil_part(parts::activate(self.state.stored_part, held.part)) {
            PartActivation::OutOfOrder => return ActivationResult::ActivationFailure,
            PartActivation::Stored(part) => self.state.stored_part = Some(part),
            PartActivation::Runs => {
                let Ok(digest) = Slot::new(slot_region(slot), size).digest(&mut self.flash, size) else {
                    return ActivationResult::ActivationFailure;
                };
                if !self.faulty(Fault::KeepsPartOverOtherFirmware) {
                    self.state.stored_part = None;
                }
                self.state.running = Running { version: image.file_version, slot, size, digest };
            }
        }
        self.state.held = None;
        self.state.transfer = None;
        self.restart(now);
        ActivationResult::Success
    }

    pub(crate) fn report(&mut self, alert_code: u16, hash: Option<[u8; 32]>) {
        let of_verification =
            [AlertCode::FIRMWARE_VERIFICATION_FAILED, AlertCode::FIRMWARE_VERIFICATION_FAILED_AT_POWER_ON];
        if self.faulty(Fault::VerificationUnreported) && of_verification.contains(&alert_code) {
            return;
        }
        if self.state.reports.len() < crate::device::OUTBOX {
            self.state.reports.push_back(Report { alert_code, hash });
            self.unsaved = true;
        }
    }
}
