//! SRV 11.1 and SRV 11.4: checks, the answer, and the batches for the CSPs (BR 4.1.3 to 4.1.5, FIA 3.2.2).

use super::codes::{Outcome, Refusal, UpdateRefusal};
use super::distribution::Distribution;
use super::faults::Fault;
use super::tracking::{ProcessingStatus, TrackingRecord};
use super::{BatchKey, Dsp};
use crate::data::CplEntry;
use crate::duis::{FirmwareWarning, RequestId, ResponsePayload, UpdateFirmware};
use crate::gateway::{DistributionRequest, DistributionTarget};
use crate::hash::FirmwareHash;
use hanrig_wire::ota_file::OtaUpgradeImage;
use hanrig_wire::types::{DeviceType, Eui64};
use std::collections::{BTreeMap, BTreeSet};

/// Which of the two update requests it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// SRV 11.1.
    UpdateFirmware,
    /// SRV 11.4.
    UpdatePpmidFirmware,
}

impl Service {
    /// The types of Device that it is for (SR-01, SR-03).
    pub(super) const fn device_types(self) -> &'static [DeviceType] {
        match self {
            Self::UpdateFirmware => &[DeviceType::Esme, DeviceType::Gsme, DeviceType::Hcalcs],
            Self::UpdatePpmidFirmware => &[DeviceType::Ppmid],
        }
    }

    fn refuse(self, refusal: UpdateRefusal, detail: impl Into<String>) -> Refusal {
        let outcome = match self {
            Self::UpdateFirmware => Outcome::UpdateFirmware(refusal),
            Self::UpdatePpmidFirmware => Outcome::UpdatePpmidFirmware(refusal),
        };
        Refusal::new(outcome, detail)
    }

    fn warn(self, warning: FirmwareWarning) -> (Outcome, ResponsePayload) {
        match self {
            Self::UpdateFirmware => {
                (Outcome::UpdateFirmwareWarning, ResponsePayload::DspUpdateFirmwareWarning(warning))
            }
            Self::UpdatePpmidFirmware => {
                (Outcome::UpdatePpmidFirmwareWarning, ResponsePayload::DspUpdatePpmidFirmwareWarning(warning))
            }
        }
    }
}

impl Dsp {
    /// Checks an update request, and sends what passes on its way.
    pub(super) fn update_firmware(
        &mut self,
        service: Service,
        sender: Eui64,
        request_id: RequestId,
        update: &UpdateFirmware,
    ) -> Result<(Outcome, ResponsePayload), Refusal> {
        let (hash, entries) = match self.check_image(service, update) {
            Ok(checked) => checked,
            Err(refusal) => {
                if self.faulty(Fault::DistributesRefused) {
                    self.distribute_refused(request_id, update);
                }
                return Err(refusal);
            }
        };
        let mut warning = FirmwareWarning::default();
        let mut batches: BTreeMap<BatchKey, Vec<DistributionTarget>> = BTreeMap::new();
        let mut failed = Vec::new();
        let mut listed = BTreeSet::new();
        // A Device ID that is listed twice is one Device.
        for device in update.device_id_list.iter().copied().filter(|device| listed.insert(*device)) {
            if self.faulty(Fault::StopsAtFirstFailure) && !failed.is_empty() {
                break;
            }
            match self.check_device(service, sender, device, &entries) {
                Ok((found, hub)) => {
                    // `check_device` saw to it that the hub is known.
                    if let Some(hub) = self.data.hubs.get(&hub) {
                        let key = (request_id, hub.region, found.device_type);
                        batches.entry(key).or_default().push(DistributionTarget { device, hub: hub.id });
                    }
                }
                Err(_)
                    if self.faulty(Fault::PassesOverUnknownDevices) && !self.data.smi.devices.contains_key(&device) => {
                }
                Err(failure) => {
                    failure.list(&mut warning).push(device);
                    failed.push((device, failure));
                }
            }
        }
        if self.faulty(Fault::OneFailsAll) && !failed.is_empty() {
            batches.clear();
        }
        let record = |device, status, reason| TrackingRecord {
            device,
            request_id,
            firmware_version: update.firmware_version,
            status,
            reason,
            last_updated: self.utc(self.now),
            updated_at: self.now,
        };
        let mut records = Vec::with_capacity(update.device_id_list.len());
        for (device, failure) in failed {
            // The record of the update in progress stands.
            if !self.tracking.is_in_progress(device, self.now) {
                records.push(record(device, ProcessingStatus::RejectedByDsp, Some(failure.reason().to_owned())));
            }
        }
        for target in batches.values().flatten() {
            records.push(record(target.device, ProcessingStatus::AwaitingCsp, None));
        }
        for record in records {
            self.tracking.start(record);
        }
        self.distribute(sender, hash, &update.firmware_image, batches);
        let answer = if warning.is_empty() { (Outcome::Success, ResponsePayload::None) } else { service.warn(warning) };
        Ok(self.spoil_update_answer(service, request_id, answer))
    }

    /// Checks what does not depend on the single Device. Gives the Hash and the CPL entries that it is on.
    fn check_image(
        &self,
        service: Service,
        update: &UpdateFirmware,
    ) -> Result<(FirmwareHash, Vec<&CplEntry>), Refusal> {
        let most = self.spoil_most(self.config.settings.maximum_devices);
        if update.device_id_list.len() > most && !self.faulty(Fault::DevicesUnlimited) {
            let detail = format!("{} Device IDs, at most {most} are allowed", update.device_id_list.len());
            return Err(service.refuse(UpdateRefusal::TooManyDevices, detail));
        }
        let octets = &update.firmware_image;
        let largest = self.spoil_limit(self.config.settings.maximum_image_size);
        if octets.len() > largest {
            let detail = format!("OTA Upgrade Image of {} octets, at most {largest} are allowed", octets.len());
            return Err(service.refuse(UpdateRefusal::ImageTooLarge, detail));
        }
        let image = match service {
            Service::UpdateFirmware => OtaUpgradeImage::parse_signed(octets),
            Service::UpdatePpmidFirmware => OtaUpgradeImage::parse_unsigned(octets),
        }
        .map_err(|e| service.refuse(UpdateRefusal::InvalidImage, e.to_string()))?;
        let hash = self.spoil_hash(FirmwareHash(image.hash()), octets);
        let entries = self.entries_with(&self.data.cpl, hash);
        if entries.is_empty() {
            return Err(service.refuse(UpdateRefusal::HashNotOnCpl, format!("Hash {hash} is on no active CPL entry")));
        }
        let entries: Vec<_> = entries
            .into_iter()
            .filter(|entry| entry.firmware_version == update.firmware_version || self.takes_any_version())
            .collect();
        if entries.is_empty() {
            let detail = format!("Hash {hash} does not belong to firmware version {}", update.firmware_version);
            return Err(service.refuse(UpdateRefusal::VersionMismatch, detail));
        }
        Ok((hash, entries))
    }

    /// One batched request for each region and Device type.
    fn distribute(
        &mut self,
        sender: Eui64,
        hash: FirmwareHash,
        image: &[u8],
        batches: BTreeMap<BatchKey, Vec<DistributionTarget>>,
    ) {
        if batches.is_empty() {
            return;
        }
        let image_hash = FirmwareHash::of(image);
        for (key, devices) in batches {
            let (request_id, region, device_type) = key;
            let region = self.spoil_region(region);
            let hash = if self.faulty(Fault::N59HashOfWholeImage) { image_hash } else { hash };
            let suppliers = devices.iter().map(|target| (target.device, self.suppliers(target.hub))).collect();
            self.distributions.insert((request_id, region, device_type), Distribution { sender, hash, suppliers });
            let deliver_by = self.utc(self.now + self.config.settings.delivery_period);
            let image = image.to_vec();
            let request = DistributionRequest { request_id, device_type, image, image_hash, deliver_by, devices };
            self.deliver((request_id, region, device_type), request);
        }
    }
}
