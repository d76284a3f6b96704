//! SRV 8.2 'Read Inventory' and SRV 11.2 'Read Firmware Version'.

use super::audit::{AuditEntry, AuditEvent};
use super::codes::{Outcome, Refusal};
use super::faults::Fault;
use super::{Dsp, DspOutput};
use crate::data::{CplStatus, SmiDevice, SmiStatus};
use crate::duis::{InventoryDevice, RequestId, ResponsePayload, ServiceRequest};
use crate::gateway::{DspToCsp, GbcsMessage};
use hanrig_wire::gbcs::cs08::{self, ReadOutcome};
use hanrig_wire::gbcs::{self, Cra, Envelope, Message, Supplementary};
use hanrig_wire::time::Instant;
use hanrig_wire::types::{DeviceType, Eui64};

/// A Command that a Device has not answered yet.
#[derive(Debug)]
pub(super) struct PendingRead {
    pub(super) request_id: RequestId,
    pub(super) deadline: Instant,
}

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

    /// SRV 11.2 to a PPMID: CS08 by the Unknown Remote Party pattern (FIA 3.2.3). The Access Control Broker is the
    /// originator, the User the supplementary remote party, with the RequestID's counter.
    pub(super) fn read_firmware_version(
        &mut self,
        sender: Eui64,
        request_id: RequestId,
    ) -> Result<(Outcome, ResponsePayload), Refusal> {
        let target = request_id.target;
        let Some(device) = self.data.smi.devices.get(&target) else {
            return Err(Refusal::new(Outcome::UnknownDevice, format!("{target} is not in the SMI")));
        };
        if device.device_type != DeviceType::Ppmid {
            let detail = format!("{target} is of type {}, this DSP reads the version of a PPMID", device.device_type);
            return Err(Refusal::new(Outcome::DeviceTypeNotApplicable, detail));
        }
        if device.status != SmiStatus::Commissioned {
            return Err(Refusal::new(Outcome::DeviceStatus, format!("{target} is {}", device.status)));
        }
        let Some(hub) = device.hub.and_then(|hub| self.data.hubs.get(&hub)) else {
            return Err(Refusal::new(Outcome::DeviceStatus, format!("{target} is associated with no hub")));
        };
        let (hub, region) = (hub.id, hub.region);
        if !self.suppliers(hub).contains(&sender) {
            let detail = format!("{sender} is no Responsible Supplier of a Smart Meter on hub {hub}");
            return Err(Refusal::new(Outcome::NotResponsible, detail));
        }
        let Some(keys) = self.config.device_keys.get(&target).copied() else {
            return Err(Refusal::new(Outcome::DeviceStatus, format!("no key of {target} is held")));
        };
        let counter = self.next_counter();
        let mut message = Message {
            cra: Cra::Command,
            counter,
            originator: self.config.eui,
            recipient: target,
            date_time: None,
            message_code: cs08::MESSAGE_CODE,
            supplementary: Some(Supplementary { remote_party: sender, counter: request_id.counter }),
            content: cs08::Command.encode(),
            signature: None,
        };
        let key_agreement = self.spoil_read(&mut message, sender);
        let octets = gbcs::seal(&message, &key_agreement, &keys.key_agreement);
        let deadline = self.now + self.config.response_timeout;
        self.reads.insert((target, counter), PendingRead { request_id, deadline });
        self.outputs.push_back(DspOutput::ToCsp { region, message: DspToCsp::Gbcs(GbcsMessage { hub, octets }) });
        Ok((Outcome::Acknowledged, ResponsePayload::None))
    }

    /// A Device's response to CS08: checked, written to the SMI, passed to the User.
    pub(super) fn device_response(&mut self, gbcs: &GbcsMessage, envelope: &Envelope) -> Result<(), String> {
        let message = envelope.message();
        let device = message.originator;
        self.check_on_hub(device, gbcs.hub)?;
        let key = (device, message.counter);
        let Some(request_id) = self.reads.get(&key).map(|read| read.request_id) else {
            return Err(format!("response of {device} to no command that waits for one: {message}"));
        };
        let expected = Supplementary { remote_party: request_id.originator, counter: request_id.counter };
        if message.message_code != cs08::MESSAGE_CODE || message.supplementary != Some(expected) {
            return Err(format!("response of {device} that does not fit its command: {message}"));
        }
        let keys = self.config.device_keys.get(&device).ok_or_else(|| format!("no key of {device} is held"))?;
        gbcs::check_mac(envelope, &self.config.key_agreement, &keys.key_agreement)
            .map_err(|e| format!("response of {device}: {e}"))?;
        let response = cs08::Response::decode(&message.content).map_err(|e| format!("response of {device}: {e}"))?;
        self.reads.remove(&key);
        let entry = AuditEntry::new(AuditEvent::DeviceResponse).request(request_id).device(device);
        self.record(entry.detail(message.to_string()));
        if response.outcome == ReadOutcome::Success && !self.faulty(Fault::SmiKeptOnRead) {
            self.update_smi(device, response.version);
        }
        self.answer_read(request_id, Outcome::Success, ResponsePayload::GbcsPayload(gbcs.octets.clone()));
        Ok(())
    }

    fn answer_read(&mut self, request_id: RequestId, outcome: Outcome, payload: ResponsePayload) {
        let reference = ServiceRequest::ReadFirmwareVersion.reference();
        let response = self.response(Some(request_id), Some(reference), outcome, payload);
        for user in self.readers(request_id.originator) {
            self.outputs.push_back(DspOutput::ToUser { user, xml: response.to_xml() });
        }
    }

    /// Tells the Users whose Devices did not answer in time.
    pub(super) fn expire_reads(&mut self) {
        let now = self.now;
        let late: Vec<(Eui64, u64)> =
            self.reads.iter().filter(|(_, read)| read.deadline <= now).map(|(key, _)| *key).collect();
        for key in late {
            if let Some(read) = self.reads.remove(&key) {
                let entry = AuditEntry::new(AuditEvent::NoDeviceResponse).request(read.request_id).device(key.0);
                self.record(entry);
                self.answer_read(read.request_id, Outcome::NoDeviceResponse, ResponsePayload::None);
            }
        }
    }
}
