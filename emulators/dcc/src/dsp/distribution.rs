//! What the CSPs report of a distribution: N18 to N20, N59, N60 and N61 (FIA Table 3).

use super::Dsp;
use super::audit::{AuditEntry, AuditEvent};
use super::faults::Fault;
use super::tracking::ProcessingStatus;
use crate::data::CspRegion;
use crate::duis::{
    DccAlert, DccAlertCode, FirmwareDeliveryStatus, FirmwareDistributionFailure, FirmwareDistributionNotification,
};
use crate::gateway::{RejectionReason, TransferNotification, TransferStatus, ValidationReport};
use crate::hash::FirmwareHash;
use hanrig_wire::types::Eui64;
use std::collections::BTreeMap;

/// A batch that a CSP has and has not reported on yet.
#[derive(Debug)]
pub(super) struct Distribution {
    /// Who asked for it.
    pub(super) sender: Eui64,
    /// Hash of the Manufacturer Image.
    pub(super) hash: FirmwareHash,
    /// The Devices, each with the Responsible Suppliers at the time of the request (BR 4.1.3).
    pub(super) suppliers: Vec<(Eui64, Vec<Eui64>)>,
}

impl Dsp {
    /// The CSP has validated a batch: what it rejects is rejected, the rest is approved.
    pub(super) fn validation_report(&mut self, region: CspRegion, report: &ValidationReport) {
        let key = (report.request_id, region, report.device_type);
        self.delivered(key);
        let Some(distribution) = self.distributions.remove(&key) else {
            let entry = AuditEntry::new(AuditEvent::CspMessageDropped).request(report.request_id);
            self.record(entry.detail(format!("validation report of CSP {region} for no batch that it has")));
            return;
        };
        let rejected: BTreeMap<Eui64, RejectionReason> =
            report.rejected.iter().map(|rejected| (rejected.device, rejected.reason)).collect();
        let mut by_reason: BTreeMap<RejectionReason, Vec<Eui64>> = BTreeMap::new();
        let mut by_supplier: BTreeMap<Eui64, Vec<Eui64>> = BTreeMap::new();
        let time = (self.now, self.utc(self.now));
        for (device, suppliers) in distribution.suppliers {
            if let Some(reason) = rejected.get(&device) {
                by_reason.entry(*reason).or_default().push(device);
                if self.tracking.is(device, report.request_id, &[ProcessingStatus::AwaitingCsp]) {
                    self.tracking.set(device, ProcessingStatus::RejectedByCsp, Some(reason.to_string()), time);
                }
                let entry = AuditEntry::new(AuditEvent::RejectedByCsp).request(report.request_id).device(device);
                if !self.faulty(Fault::RejectionsUnrecorded) {
                    self.record(entry.detail(format!("{}: {reason}", self.rejection_alert(*reason))));
                }
                if !self.faulty(Fault::N59ListsRejected) {
                    continue;
                }
            }
            if self.tracking.is(device, report.request_id, &[ProcessingStatus::AwaitingCsp]) {
                self.tracking.set(device, ProcessingStatus::ApprovedForDistribution, None, time);
            }
            let all = self.faulty(Fault::N59ToSender);
            for supplier in suppliers.into_iter().filter(|supplier| all || *supplier != distribution.sender) {
                by_supplier.entry(supplier).or_default().push(device);
            }
        }
        by_reason.retain(|_, _| !self.faulty(Fault::RejectionUnreported));
        self.report_too_early(report, &rejected);
        for (reason, device_id_list) in by_reason {
            let failure = FirmwareDistributionFailure {
                request_id: report.request_id,
                device_id_list,
                reason: Some(reason.to_string()),
            };
            let code = self.rejection_alert(reason);
            for user in self.failure_alerted(distribution.sender) {
                let alert = DccAlert::FirmwareDistributionFailure(failure.clone());
                self.send_alert(user, code, alert);
            }
        }
        for (supplier, device_id_list) in self.spoil_notified(by_supplier) {
            let hash = if self.faulty(Fault::N59WithoutHash) { FirmwareHash([0; 32]) } else { distribution.hash };
            let notification = FirmwareDistributionNotification { hash, device_id_list };
            let alert = DccAlert::FirmwareDistributionNotification(notification);
            self.send_alert(supplier, DccAlertCode::N59, alert);
        }
    }

    /// Which Alert tells of a rejection; only N18, N19, N20 and N22 have a body that can.
    fn rejection_alert(&self, reason: RejectionReason) -> DccAlertCode {
        if self.faulty(Fault::RejectionAlwaysN18) {
            return DccAlertCode::N18;
        }
        match self.config.settings.rejection_alerts.get(&reason) {
            Some(code @ (DccAlertCode::N19 | DccAlertCode::N20 | DccAlertCode::N22)) => *code,
            _ => DccAlertCode::N18,
        }
    }

    /// The CSP tells how a transfer to a hub went: one Alert per Device.
    pub(super) fn transfer_notification(&mut self, region: CspRegion, notification: &TransferNotification) {
        if self.faulty(Fault::IgnoresNotifications) {
            return;
        }
        let (status, code) = match notification.status {
            TransferStatus::Successful => (ProcessingStatus::SuccessfulChTransfer, DccAlertCode::N61),
            TransferStatus::Failed => (ProcessingStatus::FailedChTransfer, DccAlertCode::N60),
            TransferStatus::Other => {
                // Neither delivered nor failed: FIA Table 3 has no status and no Alert for it.
                let entry = AuditEntry::new(AuditEvent::TransferNotification).request(notification.request_id);
                let reason = notification.reason.as_deref().unwrap_or("no reason");
                self.record(entry.detail(format!("hub {}: other: {reason}", notification.hub)));
                return;
            }
        };
        let told = if self.faulty(Fault::AlertsForFirstDevice) { 1 } else { notification.devices.len() };
        for device in notification.devices.iter().take(told) {
            self.device_transfer(region, notification, *device, status, code);
        }
    }

    fn device_transfer(
        &mut self,
        region: CspRegion,
        notification: &TransferNotification,
        device: Eui64,
        status: ProcessingStatus,
        code: DccAlertCode,
    ) {
        let request_id = notification.request_id;
        let serves = self.data.hubs.get(&notification.hub).is_some_and(|hub| hub.region == region);
        let on_hub = self.data.smi.devices.get(&device).is_some_and(|found| found.hub == Some(notification.hub));
        let update = self.tracking.of_request(device, request_id).filter(|_| serves && on_hub);
        let Some(update) = update else {
            let entry = AuditEntry::new(AuditEvent::CspMessageDropped).request(request_id).device(device);
            self.record(entry.detail(format!("transfer notification of CSP {region} for an update that it has not")));
            return;
        };
        let firmware_version = update.firmware_version;
        // The record may be of a later update by now.
        let record = self.tracking.get(device).filter(|record| record.request_id == request_id);
        let before = record.map(|record| record.status);
        // The sender was told already that the image was late: it is not told again that it is not there.
        let told = before == Some(ProcessingStatus::FailedChTransfer) && status == ProcessingStatus::FailedChTransfer;
        // A hub's Alert can overtake the CSP's notification; the status does not go back then.
        if before == Some(ProcessingStatus::ApprovedForDistribution) {
            let reason = notification.reason.clone().filter(|_| status == ProcessingStatus::FailedChTransfer);
            let time = (self.now, self.utc(self.now));
            self.tracking.set(device, status, reason, time);
        }
        let entry = AuditEntry::new(AuditEvent::TransferNotification).request(request_id).device(device);
        self.record(entry.detail(match &notification.reason {
            Some(reason) => format!("{status}: {reason}"),
            None => status.to_string(),
        }));
        let alert = FirmwareDeliveryStatus {
            request_id,
            device_id: device,
            firmware_version,
            reason: notification.reason.clone(),
        };
        if self.faulty(Fault::SmiWrittenOnDelivery) {
            self.update_smi(device, firmware_version);
        }
        self.redistribute(device, notification.hub, status);
        let Some(code) = self.delivery_alert(code).filter(|_| !told) else { return };
        for user in self.alerted(code, device, request_id.originator, false) {
            self.send_alert(user, code, DccAlert::FirmwareDeliveryStatus(alert.clone()));
        }
    }
}
