//! SRV 8.2 'Read Inventory' and SRV 11.2 'Read Firmware Version'.

use super::Dsp;
use super::codes::{Outcome, Refusal};
use crate::data::{CplStatus, SmiDevice};
use crate::duis::{
    DccAlert, DeviceFirmwareVersionMismatch, InventoryDevice, RequestId, ResponsePayload, ServiceRequest,
};
use crate::settings::VersionRead;
use hanrig_wire::gbcs::{self, cs08, ecs52, gcs38};
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};

impl Dsp {
    /// SRV 8.2: a Device, and if it is a CHF, the Devices that are associated with it.
    pub(super) fn read_inventory(&self, device: Eui64) -> Result<(Outcome, ResponsePayload), Refusal> {
        let found = self.data.smi.devices.get(&device);
        let is_hub = self.data.hubs.contains_key(&device);
        if found.is_none() && !is_hub {
            return Err(Refusal::new(Outcome::UnknownDevice, format!("{device} is not in the SMI")));
        }
        let associated = self.data.smi.on_hub(device).filter(|_| is_hub);
        let shown = found.into_iter().chain(associated).filter(|device| self.is_shown(device));
        let devices = shown.map(|device| self.inventory_device(device)).collect();
        Ok((Outcome::Success, ResponsePayload::DspInventory(devices)))
    }

    fn inventory_device(&self, device: &SmiDevice) -> InventoryDevice {
        let entry = self.data.cpl.entry(device.device_model(), device.firmware_version);
        let status = entry.map(|entry| match entry.status {
            CplStatus::Active => "Active".to_owned(),
            CplStatus::Removed => "Removed".to_owned(),
        });
        let hub = device.hub.unwrap_or(device.id);
        InventoryDevice {
            device_id: device.id,
            device_type: device.device_type,
            device_status: device.status,
            device_manufacturer: device.manufacturer.to_string(),
            device_model: format!("{}{}", device.model, device.hardware_version),
            smets_chts_version: entry.map(|entry| entry.smets_version.clone()),
            device_firmware_version: self.shown_version(device).to_string(),
            device_firmware_version_status: status.clone(),
            cpl_status: status,
            import_mpxn: None,
            esme_variant: None,
            uprn: None,
            property_filter: None,
            csp_region: self.data.hubs.get(&hub).map(|hub| hub.region.to_string()),
            device_gbcs_version: entry.map(|entry| entry.gbcs_version.clone()),
            han_variant: None,
        }
    }

    /// SRV 11.2: CS08 to a PPMID or an HCALCS, ECS52 to an ESME, GCS38 to a GSME, by the Unknown Remote Party pattern: the
    /// Access Control Broker is the originator, the User the supplementary remote party, with the RequestID's counter.
    pub(super) fn read_firmware_version(
        &mut self,
        sender: Eui64,
        request_id: RequestId,
    ) -> Result<(Outcome, ResponsePayload), Refusal> {
        let target = request_id.target;
        let (device, route) = self.command_target(sender, target, &ServiceRequest::ReadFirmwareVersion)?;
        let settings = &self.config.settings;
        let device_type = device.device_type;
        let read = match device_type {
            DeviceType::Hcalcs => settings.hcalcs_version_read,
            DeviceType::Esme | DeviceType::Gsme => settings.meter_version_read,
            DeviceType::Ppmid | DeviceType::Chf | DeviceType::Gpf => VersionRead::Cs08,
        };
        let Some(keys) = self.config.device_keys.get(&target).copied() else {
            return Err(Refusal::new(Outcome::DeviceStatus, format!("no key of {target} is held")));
        };
        let mut message = match (read, device_type) {
            (VersionRead::Cs08, _) => {
                self.unknown_remote_party_command(request_id, cs08::MESSAGE_CODE, |_| cs08::Command.encode())
            }
            (VersionRead::DeviceType, DeviceType::Gsme) => {
                self.unknown_remote_party_command(request_id, gcs38::MESSAGE_CODE, |_| gcs38::Command.encode())
            }
            (VersionRead::DeviceType, _) => {
                let content = |counter| ecs52::Command::new(counter).encode();
                self.unknown_remote_party_command(request_id, ecs52::MESSAGE_CODE, content)
            }
        };
        let key_agreement = self.spoil_read(&mut message, sender);
        let octets = gbcs::seal(&message, &key_agreement, &keys.key_agreement);
        self.send_command(route, request_id, ServiceRequest::ReadFirmwareVersion.reference(), &message, octets);
        Ok((Outcome::Acknowledged, ResponsePayload::None))
    }

    /// N49, N50, N51: the version that a PPMID or HCALCS told is not one that the CPL has for it (DSP-18).
    pub(super) fn check_version(&mut self, user: Eui64, device_id: Eui64, firmware_version: FirmwareVersion) {
        let Some(device) = self.data.smi.devices.get(&device_id) else { return };
        if !matches!(device.device_type, DeviceType::Ppmid | DeviceType::Hcalcs) {
            return;
        }
        let (model, device_type) = (device.device_model(), device.device_type);
        let alerts = self.config.settings.version_alerts;
        let code = match self.data.cpl.entry(model, firmware_version) {
            Some(entry) if entry.status == CplStatus::Active => return,
            Some(_) => alerts.removed,
            None => {
                let mut entries = self.data.cpl.entries.iter();
                let listed =
                    entries.any(|entry| entry.device_type == device_type && entry.firmware_version == firmware_version);
                if listed { alerts.other_model } else { alerts.not_listed }
            }
        };
        let body = DeviceFirmwareVersionMismatch { device_id, firmware_version };
        if let Some(code) = self.version_alert(code) {
            self.send_alert(user, code, DccAlert::DeviceFirmwareVersionMismatch(body));
        }
    }
}
