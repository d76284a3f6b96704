//! GBCS messages from hubs: the Alerts of transfer and activation, and where responses go.

use super::audit::{AuditEntry, AuditEvent};
use super::codes::Outcome;
use super::faults::Fault;
use super::tracking::{ProcessingStatus, TrackingRecord};
use super::{Dsp, DspOutput};
use crate::data::CspRegion;
use crate::duis::{
    DccAlert, DccAlertCode, DeviceAlertMessage, FirmwareTransferStatus, PpmidAlert, RequestId, Response, ResponseBody,
    ResponsePayload,
};
use crate::gateway::GbcsMessage;
use hanrig_wire::gbcs::{
    ActivationOutcome, Content, Cra, Envelope, Message, TransferResponseCode, ccs08, cs09, decode_content,
};
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};

impl Dsp {
    /// Takes a GBCS message that a hub sent.
    pub(super) fn gbcs_message(&mut self, region: CspRegion, gbcs: &GbcsMessage) {
        if let Err(detail) = self.try_gbcs_message(region, gbcs) {
            self.record(AuditEntry::new(AuditEvent::GbcsMessageDropped).device(gbcs.hub).detail(detail));
        }
    }

    fn try_gbcs_message(&mut self, region: CspRegion, gbcs: &GbcsMessage) -> Result<(), String> {
        let serves = self.data.hubs.get(&gbcs.hub).is_some_and(|hub| hub.region == region);
        if !serves {
            return Err(format!("CSP {region} does not serve hub {}", gbcs.hub));
        }
        let envelope = Envelope::parse(&gbcs.octets).map_err(|e| format!("not a GBCS message: {e}"))?;
        let message = envelope.message();
        if message.recipient != self.config.eui && !self.data.users.contains_key(&message.recipient) {
            return Err(format!("addressed to {}, expected the Access Control Broker or a User", message.recipient));
        }
        match message.cra {
            Cra::Alert => self.device_alert(gbcs, message),
            Cra::Response => self.device_response(gbcs, &envelope),
            Cra::Command => Err(format!("a command from {}: {message}", message.originator)),
        }
    }

    fn device_alert(&mut self, gbcs: &GbcsMessage, message: &Message) -> Result<(), String> {
        let originator = message.originator;
        let keys = self.config.device_keys.get(&originator).ok_or_else(|| format!("no key of {originator} is held"))?;
        message.verify(&keys.signing).map_err(|e| format!("alert of {originator}: {e}"))?;
        match decode_content(message).map_err(|e| format!("alert of {originator}: {e}"))? {
            Content::Cs06FutureDatedAlert(alert) => self.future_dated_alert(gbcs, message, &alert),
            Content::Ccs08Alert(_) | Content::Cs09Alert(_) if message.recipient != self.config.eui => {
                Err(format!("addressed to {}, expected the Access Control Broker", message.recipient))
            }
            Content::Ccs08Alert(alert) if originator == gbcs.hub => self.transfer_alert(gbcs, &alert),
            Content::Ccs08Alert(_) => {
                Err(format!("transfer alert signed by {originator}, expected the hub {}", gbcs.hub))
            }
            Content::Cs09Alert(alert) => self.activation_alert(gbcs, originator, &alert),
            content => self.other_alert(gbcs, message, content.alert_code()),
        }
    }

    /// Any other Alert of a Device goes to the Supplier to which it is addressed, or where that is the Access Control
    /// Broker to all that are responsible, as the registration data have it (DSP-24). A hub's own are recorded only.
    fn other_alert(&mut self, gbcs: &GbcsMessage, message: &Message, alert_code: Option<u16>) -> Result<(), String> {
        let originator = message.originator;
        let entry = AuditEntry::new(AuditEvent::DeviceAlert).device(originator);
        self.record_alert(AuditEntry { alert_code, ..entry }.detail(message.to_string()));
        let Some(alert_code) = alert_code.filter(|_| originator != gbcs.hub) else { return Ok(()) };
        self.check_on_hub(originator, gbcs.hub)?;
        let mut users = self.suppliers(gbcs.hub);
        if message.recipient != self.config.eui {
            users.retain(|user| *user == message.recipient);
        }
        let counter = message.counter;
        for user in users {
            let response = Response {
                response_id: Some(RequestId { originator, target: user, counter }),
                body: ResponseBody::DeviceAlertMessage(DeviceAlertMessage {
                    alert_code,
                    throttled_alert_sequence_id: None,
                    throttled_alert_count: None,
                    gbcs_payload: gbcs.octets.clone(),
                }),
                ..self.response(None, None, Outcome::Success, ResponsePayload::None)
            };
            self.outputs.push_back(DspOutput::ToUser { user, xml: response.to_xml() });
        }
        Ok(())
    }

    /// Whether a Device is of this hub, by the SMI.
    pub(super) fn check_on_hub(&self, device: Eui64, hub: Eui64) -> Result<DeviceType, String> {
        match self.data.smi.devices.get(&device) {
            Some(found) if found.hub == Some(hub) => Ok(found.device_type),
            Some(_) => Err(format!("{device} is not associated with hub {hub}")),
            None => Err(format!("{device} is not in the SMI")),
        }
    }

    /// 0x8F8A, 0x8F89 (CCS08): the hub tells of the transfer to a Device. N62 goes to the sender (interpretation I-03).
    fn transfer_alert(&mut self, gbcs: &GbcsMessage, alert: &ccs08::Alert) -> Result<(), String> {
        let device = alert.target;
        self.check_on_hub(device, gbcs.hub)?;
        let code = alert.transfer_response_code;
        let status = match code {
            TransferResponseCode::Success => ProcessingStatus::SuccessfulHanTransfer,
            TransferResponseCode::ImageDiscarded => ProcessingStatus::HanDiscarded,
            TransferResponseCode::HardwareVersionMismatch => ProcessingStatus::HanRejectedHwMismatch,
            TransferResponseCode::FileTransferFailure => ProcessingStatus::FailedHanTransfer,
        };
        let status = self.recorded(status);
        let failed = code != TransferResponseCode::Success;
        let entry = AuditEntry::new(AuditEvent::DeviceAlert)
            .device(device)
            .alert(alert.alert_code, failed.then_some(code as u8))
            .detail(format!("from hub {}, version {}: {code}", gbcs.hub, alert.version));
        // An update that was rejected never reached the hub: the Alert is not about it, nor its sender's business. One that
        // went out before the latest may still be what the hub tells of.
        let Some(update) = self.told_update(device, alert.version) else {
            let entry = entry.detail(format!("from hub {}, of an update that is not tracked: {code}", gbcs.hub));
            self.record_alert(entry);
            return Ok(());
        };
        let request_id = update.request_id;
        self.record_alert(entry.request(request_id));
        // The PPMID's own Alert can overtake the hub's; the status does not go back then. A Device that was reset stays
        // free, and a record of a later request that was rejected is not about this update.
        let activated = self.tracking.is(device, request_id, &[ProcessingStatus::FirmwareActivated]);
        let reset = self.tracking.is(device, request_id, &[ProcessingStatus::ResetByDcc]);
        let of_another = self.tracking.get(device).is_some_and(|record| record.request_id != request_id);
        if (failed || !activated) && !reset && !of_another {
            let time = (self.now, self.utc(self.now));
            self.tracking.set(device, status, failed.then(|| code.to_string()), time);
        }
        if self.hides(code) {
            return Ok(());
        }
        let alert = FirmwareTransferStatus {
            request_id,
            device_id: device,
            firmware_version: alert.version,
            device_alert_code: alert.alert_code,
            transfer_response_code: self.told(code) as u8,
            gbcs_payload: self.enclosed(&gbcs.octets),
        };
        for user in self.alerted(DccAlertCode::N62, device, request_id.originator, failed) {
            self.send_alert(user, DccAlertCode::N62, DccAlert::FirmwareTransferStatus(alert.clone()));
        }
        Ok(())
    }

    /// 0x8F8B (CS09): a PPMID tells of its activation. N39 goes to all Responsible Suppliers, and to nobody else.
    fn activation_alert(&mut self, gbcs: &GbcsMessage, device: Eui64, alert: &cs09::Alert) -> Result<(), String> {
        match self.check_on_hub(device, gbcs.hub)? {
            DeviceType::Ppmid => {}
            other => return Err(format!("activation alert of {device}, a {other}, expected a PPMID")),
        }
        let failed = alert.outcome == ActivationOutcome::Failure;
        let entry = AuditEntry::new(AuditEvent::DeviceAlert)
            .device(device)
            .alert(alert.alert_code, failed.then_some(alert.outcome as u8))
            .detail(format!("version {}: {}", alert.version, alert.outcome));
        self.record_alert(entry);
        let reason = failed.then(|| format!("activation {}", alert.outcome));
        if !self.is_of_earlier_update(device, alert) {
            let time = (self.now, self.utc(self.now));
            self.tracking.set(device, ProcessingStatus::FirmwareActivated, reason, time);
        }
        let before = self.data.smi.devices.get(&device).map_or(alert.version, |device| device.firmware_version);
        if !failed && !self.faulty(Fault::SmiKeptOnActivation) {
            self.update_smi(device, alert.version);
        }
        let body = PpmidAlert {
            device_id: device,
            alert_code: alert.alert_code,
            firmware_version: if self.faulty(Fault::N39HasOldVersion) { before } else { alert.version },
            activation_response_code: self.told_outcome(alert.outcome) as u8,
            gbcs_payload: gbcs.octets.clone(),
        };
        for supplier in self.activation_alerted(device, gbcs.hub) {
            self.send_alert(supplier, DccAlertCode::N39, DccAlert::PpmidAlert(body.clone()));
        }
        Ok(())
    }

    /// Whether a PPMID tells that it has activated what an earlier update brought, while the hub does not have the latest
    /// one yet. The version alone does not tell: between two parts a PPMID tells the one from before.
    fn is_of_earlier_update(&self, device: Eui64, alert: &cs09::Alert) -> bool {
        const NOT_AT_HUB: &[ProcessingStatus] =
            &[ProcessingStatus::AwaitingCsp, ProcessingStatus::ApprovedForDistribution];
        let earlier = self.tracking.latest_to(device, alert.version);
        let record = self.tracking.get(device);
        let waits = |record: &TrackingRecord| {
            NOT_AT_HUB.contains(&record.status)
                && earlier.is_some_and(|earlier| earlier.request_id != record.request_id)
        };
        alert.outcome == ActivationOutcome::Success && record.is_some_and(waits)
    }

    /// Writes the version that a Device runs into the SMI, if it is another one (DSP-15, DSP-16).
    pub(super) fn update_smi(&mut self, device: Eui64, version: FirmwareVersion) {
        if self.data.smi.set_firmware_version(device, version) {
            let entry = AuditEntry::new(AuditEvent::SmiUpdated).device(device);
            self.record(entry.detail(format!("firmware version {version}")));
        }
    }
}
