//! What a DSP does that is wrong on purpose. Without a fault, every method here gives back what it is given.

use super::faults::Fault;
use super::tracking::SentUpdate;
use super::update::Service;
use super::{AuditEntry, AuditEvent, Dsp, DspOutput, Outcome, ProcessingStatus, TrackingRecord};
use crate::data::{Cpl, CplEntry, CspRegion, SmiDevice, UserRole};
use crate::duis::{
    DccAlert, DccAlertCode, FirmwareDeliveryStatus, FirmwareWarning, RequestId, ResponsePayload, ServiceRequest,
    UpdateFirmware,
};
use crate::gateway::{
    DistributionRequest, DistributionTarget, DspToCsp, RejectionReason, TransferNotification, ValidationReport,
};
use crate::hash::FirmwareHash;
use crate::security::{CertificateError, ProtectionError};
use crate::settings::{AlertRecipients, CountedService, DAY};
use hanrig_wire::gbcs::{ActivationOutcome, Message, PaymentMode, Prepayment, SecretKey, TransferResponseCode};
use hanrig_wire::time::Duration;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use std::borrow::Cow;
use std::collections::BTreeMap;

impl Dsp {
    /// Makes the DSP wrong in this way from now on.
    #[cfg(feature = "planted-faults")]
    pub fn plant(&mut self, fault: Fault) {
        self.faults.plant(fault);
    }

    pub(super) fn faulty(&self, fault: Fault) -> bool {
        self.faults.has(fault)
    }

    /// The region whose CSP gets a request.
    pub(super) fn spoil_region(&self, region: CspRegion) -> CspRegion {
        match region {
            region if !self.faulty(Fault::RequestsOfAnotherRegion) => region,
            CspRegion::South => CspRegion::North,
            _ => CspRegion::South,
        }
    }

    pub(super) fn spoil_limit(&self, largest: usize) -> usize {
        if self.faulty(Fault::SizeUnchecked) {
            usize::MAX
        } else if self.faulty(Fault::LimitOf750000) {
            750_000
        } else if self.faulty(Fault::RefusesLargestImage) {
            largest - 1
        } else {
            largest
        }
    }

    pub(super) fn spoil_hash(&self, hash: FirmwareHash, octets: &[u8]) -> FirmwareHash {
        if self.faulty(Fault::HashOverOtaHeader) { FirmwareHash::of(octets) } else { hash }
    }

    /// The CPL entries that a Hash is on.
    pub(super) fn entries_with<'a>(&self, cpl: &'a Cpl, hash: FirmwareHash) -> Vec<&'a CplEntry> {
        if self.faulty(Fault::HashUnchecked) {
            return cpl.entries.iter().collect();
        }
        if self.faulty(Fault::TakesRemovedEntries) {
            return cpl.entries.iter().filter(|entry| entry.image.hash == hash).collect();
        }
        cpl.active_with_hash(hash).collect()
    }

    /// Whether the firmware version that a request names need not be the CPL entry's.
    pub(super) fn takes_any_version(&self) -> bool {
        self.faulty(Fault::VersionUnchecked) || self.faulty(Fault::HashUnchecked)
    }

    /// Whether a CPL entry that is not for the Device Model is taken for one that is.
    pub(super) fn takes_entry(&self, entry: &CplEntry, device: &SmiDevice) -> bool {
        self.faulty(Fault::ModelUnchecked)
            || self.faulty(Fault::HardwareVersionUnchecked)
                && entry.manufacturer == device.manufacturer
                && entry.model == device.model
    }

    /// The most Devices of one request.
    pub(super) fn spoil_most(&self, most: usize) -> usize {
        if self.faulty(Fault::RefusesLongestList) { most.saturating_sub(1) } else { most }
    }

    /// Whether an update of a Device is taken to be in progress.
    pub(super) fn is_in_progress(&self, device: Eui64, hub: Eui64) -> bool {
        let of_hub = || self.data.smi.on_hub(hub).any(|device| self.tracking.is_in_progress(device.id, self.now));
        if self.faulty(Fault::ProgressByHub) && of_hub() {
            return true;
        }
        let Some(status) = self.tracking.get(device).map(|record| record.status) else { return false };
        let switched = match status {
            ProcessingStatus::ApprovedForDistribution => self.faulty(Fault::ApprovedNotInProgress),
            ProcessingStatus::SuccessfulChTransfer => self.faulty(Fault::OnHubNotInProgress),
            ProcessingStatus::SuccessfulHanTransfer => self.faulty(Fault::OnDeviceNotInProgress),
            ProcessingStatus::HanRejectedHwMismatch => self.faulty(Fault::MismatchInProgress),
            ProcessingStatus::FailedHanTransfer => self.faulty(Fault::FailureInProgress),
            ProcessingStatus::FirmwareActivated => self.faulty(Fault::ActivatedInProgress),
            _ => false,
        };
        let early = Duration::from_secs(if self.faulty(Fault::ReleasesEarly) { 60 } else { 0 });
        let held = self.tracking.get(device).is_some_and(|record| self.tracking.is_held(record, self.now + early));
        let meter = self.faulty(Fault::MetersNotInProgress)
            && self.data.smi.devices.get(&device).is_some_and(|device| device.device_type != DeviceType::Ppmid);
        !self.faulty(Fault::ProgressUnchecked)
            && !meter
            && status.is_in_progress() != switched
            && (held || self.faulty(Fault::NeverReleases))
    }

    /// Whether a PPMID may not be updated in this role.
    pub(super) fn refuses_role(&self, role: UserRole) -> bool {
        match role {
            UserRole::GasSupplier => self.faulty(Fault::GasSupplierNotResponsible),
            UserRole::ImportSupplier => self.faulty(Fault::ImportSupplierNotResponsible),
            _ => false,
        }
    }

    /// Whether a User that is suspended or has a role that is not eligible is taken all the same.
    pub(super) fn takes_suspended(&self) -> bool {
        self.faulty(Fault::SuspensionUnchecked)
    }

    /// A request with the Service Reference that belongs to its body.
    pub(super) fn mended<'a>(&self, xml: &'a [u8]) -> Cow<'a, [u8]> {
        let text = std::str::from_utf8(xml).ok().filter(|_| self.faulty(Fault::StructureUnchecked));
        match text.filter(|text| text.contains("<sr:UpdatePPMIDFirmware>")) {
            Some(text) => Cow::Owned(text.replace(">11.1</", ">11.4</").into_bytes()),
            None => Cow::Borrowed(xml),
        }
    }

    /// Whether this is overlooked in a request's signature or certificate.
    pub(super) fn overlooks(&self, error: &ProtectionError) -> bool {
        use CertificateError as C;
        match error {
            ProtectionError::Digest | ProtectionError::Signature(_) => self.faulty(Fault::SignatureUnchecked),
            ProtectionError::Certificate(C::NotYetValid { .. } | C::Expired { .. }) => {
                self.faulty(Fault::CertificatePeriodUnchecked)
            }
            ProtectionError::Certificate(C::Role { .. }) => self.faulty(Fault::CertificateRoleUnchecked),
            ProtectionError::Certificate(C::IssuerUnknown { .. } | C::Signature { .. } | C::NoRoot(_)) => {
                self.faulty(Fault::CertificateChainUnchecked)
            }
            _ => false,
        }
    }

    /// Whether the sender's role is refused for this request.
    pub(super) fn refuses_sender(&self, role: UserRole, body: &ServiceRequest) -> bool {
        matches!(body, ServiceRequest::UpdatePpmidFirmware(_))
            && match role {
                UserRole::GasSupplier => self.faulty(Fault::GasSupplierNotEligible),
                UserRole::ImportSupplier => self.faulty(Fault::ImportSupplierNotEligible),
                _ => false,
            }
    }

    /// Distributes an image that was refused.
    pub(super) fn distribute_refused(&mut self, request_id: RequestId, update: &UpdateFirmware) {
        let known = |device: &Eui64| self.data.smi.devices.get(device);
        for device in update.device_id_list.iter().filter_map(known) {
            let Some(hub) = device.hub.and_then(|hub| self.data.hubs.get(&hub)) else { continue };
            let request = DistributionRequest {
                request_id,
                device_type: device.device_type,
                image: update.firmware_image.clone(),
                image_hash: FirmwareHash::of(&update.firmware_image),
                deliver_by: self.utc(self.now + self.config.settings.delivery_period),
                devices: vec![DistributionTarget { device: device.id, hub: hub.id }],
            };
            let message = DspToCsp::DistributionRequest(request);
            self.outputs.push_back(DspOutput::ToCsp { region: hub.region, message });
        }
    }

    /// The requests that a CSP gets instead of this one.
    pub(super) fn spoil_distribution(&self, request: DistributionRequest) -> Vec<DistributionRequest> {
        let mut request = request;
        if self.faulty(Fault::RequestsForAnotherType) {
            request.device_type = DeviceType::Hcalcs;
        }
        if self.faulty(Fault::RequestsForAnotherDevice) {
            let others = request.devices.iter().map(|target| DistributionTarget { device: target.hub, ..*target });
            request.devices = others.collect();
        }
        if self.faulty(Fault::TakesAnotherHub) {
            let others = request.devices.iter().map(|target| DistributionTarget { hub: target.device, ..*target });
            request.devices = others.collect();
        }
        if self.faulty(Fault::RequestsByDevice) {
            let single =
                |target: &DistributionTarget| DistributionRequest { devices: vec![*target], ..request.clone() };
            return request.devices.iter().map(single).collect();
        }
        let times = if self.faulty(Fault::RequestsTwice) { 2 } else { 1 };
        vec![request; times]
    }

    /// How SRV 11.4 is answered instead of so, when nothing was wrong with the image.
    pub(super) fn spoil_update_answer(
        &mut self,
        service: Service,
        request_id: RequestId,
        answer: (Outcome, ResponsePayload),
    ) -> (Outcome, ResponsePayload) {
        if service != Service::UpdatePpmidFirmware {
            return answer;
        }
        if self.faulty(Fault::AnswersTwice) {
            self.answer_update_again(request_id);
        }
        match answer {
            (_, payload) if self.faulty(Fault::AcknowledgesUpdate) => (Outcome::Acknowledged, payload),
            _ if self.faulty(Fault::ListsNothing) => (Outcome::Success, ResponsePayload::None),
            (outcome, ResponsePayload::DspUpdatePpmidFirmwareWarning(warning))
                if self.faulty(Fault::ListsAllAsInvalid) =>
            {
                let invalid = warning.lists().into_iter().flat_map(|(_, list)| list.iter().copied()).collect();
                let warning = FirmwareWarning { invalid, ..FirmwareWarning::default() };
                (outcome, ResponsePayload::DspUpdatePpmidFirmwareWarning(warning))
            }
            answer => answer,
        }
    }

    /// Sends the sender of SRV 11.4 a Service Response more.
    pub(super) fn answer_update_again(&mut self, request_id: RequestId) {
        let reference = crate::duis::ServiceReference::known("11.4");
        let response = self.response(Some(request_id), Some(reference), Outcome::Success, ResponsePayload::None);
        self.outputs.push_back(DspOutput::ToUser { user: request_id.originator, xml: response.to_xml() });
    }

    /// What CS08 is instead of this, and the key under which its MAC verifies.
    pub(super) fn spoil_read(&self, command: &mut Message, sender: Eui64) -> SecretKey {
        if self.faulty(Fault::ReadsWithoutSupplier) {
            command.supplementary = None;
        }
        if self.faulty(Fault::ReadsAsSupplier) {
            command.originator = sender;
        }
        if let Some(party) = &mut command.supplementary
            && self.faulty(Fault::ReadsWithAnotherCounter)
        {
            party.counter += 1;
        }
        let another = SecretKey::from_scalar(&[0x11; 32]).ok().filter(|_| self.faulty(Fault::ReadsWithWrongMac));
        another.unwrap_or_else(|| self.config.key_agreement.clone())
    }

    /// Who gets the Device's response to a Command of `user`.
    pub(super) fn readers(&self, user: Eui64) -> Vec<Eui64> {
        let others = self.data.users.keys().copied().filter(|other| *other != user);
        if self.faulty(Fault::ReadPassedToAll) {
            core::iter::once(user).chain(others).collect()
        } else if self.faulty(Fault::ReadPassedToOther) {
            others.take(1).collect()
        } else if self.faulty(Fault::ReadNotPassedOn) {
            Vec::new()
        } else {
            vec![user]
        }
    }

    /// Who gets the Device's response to CS06.
    pub(super) fn activators(&self, user: Eui64) -> Vec<Eui64> {
        if self.faulty(Fault::ActivationNotPassedOn) { Vec::new() } else { vec![user] }
    }

    /// The Hash in a Pre-Command for this one.
    pub(super) fn transformed(&self, hash: FirmwareHash) -> FirmwareHash {
        if self.faulty(Fault::PreCommandWithAnotherHash) { FirmwareHash::of(&hash.0) } else { hash }
    }

    /// The payment mode in a Pre-Command for this one.
    pub(super) fn transformed_mode(&self, mode: PaymentMode) -> PaymentMode {
        match mode {
            PaymentMode::Prepayment(terms) if self.faulty(Fault::PreCommandWithAnotherThreshold) => {
                let disablement_threshold = terms.disablement_threshold.wrapping_add(1);
                PaymentMode::Prepayment(Prepayment { disablement_threshold, ..terms })
            }
            mode => mode,
        }
    }

    /// The key under which the MAC of CS06 verifies.
    pub(super) fn command_key(&self) -> SecretKey {
        let another = SecretKey::from_scalar(&[0x11; 32]).ok().filter(|_| self.faulty(Fault::ActivatesWithWrongMac));
        another.unwrap_or_else(|| self.config.key_agreement.clone())
    }

    /// Which Alert tells of a version that the CPL does not have for the Device, if any does.
    pub(super) fn version_alert(&self, code: DccAlertCode) -> Option<DccAlertCode> {
        if self.faulty(Fault::NoVersionAlert) {
            return None;
        }
        let all_the_same = self.faulty(Fault::VersionAlertAlwaysN50);
        // Only these have a body that can tell.
        let fits = matches!(code, DccAlertCode::N49 | DccAlertCode::N50 | DccAlertCode::N51);
        Some(if all_the_same || !fits { DccAlertCode::N50 } else { code })
    }

    /// Whether an update request is for this type of Device.
    pub(super) fn is_target(&self, service: Service, device_type: DeviceType) -> bool {
        let switched = match (service, device_type) {
            (Service::UpdateFirmware, DeviceType::Ppmid) => self.faulty(Fault::UpdateFirmwareTakesPpmid),
            (Service::UpdateFirmware, DeviceType::Hcalcs) => self.faulty(Fault::UpdateFirmwareRefusesHcalcs),
            _ => false,
        };
        service.device_types().contains(&device_type) != switched || self.faulty(Fault::DeviceTypeUnchecked)
    }

    /// The version that the inventory shows of a Device.
    pub(super) fn shown_version(&self, device: &SmiDevice) -> FirmwareVersion {
        let first = self.data.cpl.entries.iter().find(|entry| entry.device_model() == device.device_model());
        let stale = first.filter(|_| self.faulty(Fault::InventoryIsStale));
        stale.map_or(device.firmware_version, |entry| entry.firmware_version)
    }

    pub(super) fn is_shown(&self, device: &SmiDevice) -> bool {
        match device.device_type {
            DeviceType::Ppmid => !self.faulty(Fault::InventoryWithoutPpmid),
            DeviceType::Hcalcs => !self.faulty(Fault::InventoryWithoutHcalcs),
            _ => true,
        }
    }

    /// Sends what belongs to a later stage as soon as the CSP has validated.
    pub(super) fn report_too_early(&mut self, report: &ValidationReport, rejected: &BTreeMap<Eui64, RejectionReason>) {
        let request_id = report.request_id;
        if self.faulty(Fault::AnswersAgainLater) {
            self.answer_update_again(request_id);
        }
        if !self.faulty(Fault::N61OnApproval) {
            return;
        }
        let records = self.tracking.records().filter(|record| record.request_id == request_id);
        let approved: Vec<_> = records
            .filter(|record| !rejected.contains_key(&record.device))
            .map(|record| (record.device, record.firmware_version))
            .collect();
        for (device_id, firmware_version) in approved {
            let status = FirmwareDeliveryStatus { request_id, device_id, firmware_version, reason: None };
            self.send_alert(request_id.originator, DccAlertCode::N61, DccAlert::FirmwareDeliveryStatus(status));
        }
    }

    /// The Suppliers that get N59, with the Devices in it.
    pub(super) fn spoil_notified(&self, by_supplier: BTreeMap<Eui64, Vec<Eui64>>) -> Vec<(Eui64, Vec<Eui64>)> {
        if self.faulty(Fault::NoN59) {
            return Vec::new();
        }
        if self.faulty(Fault::N59ByDevice) {
            let single = |(user, devices): (Eui64, Vec<Eui64>)| devices.into_iter().map(move |id| (user, vec![id]));
            return by_supplier.into_iter().flat_map(single).collect();
        }
        by_supplier.into_iter().collect()
    }

    /// Which Alert tells of a transfer to a hub, if any does.
    pub(super) fn delivery_alert(&self, code: DccAlertCode) -> Option<DccAlertCode> {
        match code {
            DccAlertCode::N60 if self.faulty(Fault::NoN60) => None,
            DccAlertCode::N61 if self.faulty(Fault::NoN61) || self.faulty(Fault::N61OnApproval) => None,
            DccAlertCode::N61 if self.faulty(Fault::N60ForN61) => Some(DccAlertCode::N60),
            code => Some(code),
        }
    }

    /// The Users that get N60, N61 or N62 of an update: the sender (interpretation I-03).
    pub(super) fn alerted(&self, code: DccAlertCode, device: Eui64, sender: Eui64, failed: bool) -> Vec<Eui64> {
        let hub = self.data.smi.devices.get(&device).and_then(|device| device.hub);
        let failure = code == DccAlertCode::N60 || failed;
        let of_meter = self
            .data
            .smi
            .devices
            .get(&device)
            .is_some_and(|device| matches!(device.device_type, DeviceType::Esme | DeviceType::Gsme));
        let hidden = if failure { Fault::NoFailureOfMeters } else { Fault::NoSuccessOfMeters };
        if of_meter && self.faulty(hidden) {
            return Vec::new();
        }
        let to_all = self.config.settings.transfer_alert_recipients == AlertRecipients::ResponsibleSuppliers;
        let to_all = to_all
            || match code {
                DccAlertCode::N60 => self.faulty(Fault::N60ToAll),
                DccAlertCode::N61 => self.faulty(Fault::N61ToAll),
                DccAlertCode::N62 => self.faulty(Fault::N62ToAll) || failed && self.faulty(Fault::FailureToAll),
                _ => false,
            };
        if to_all {
            return hub.map(|hub| self.suppliers(hub)).unwrap_or_default();
        }
        let import_supplier = || {
            let responsible = self.data.responsible_suppliers(hub?);
            responsible.into_iter().find(|(_, role)| *role == UserRole::ImportSupplier).map(|(user, _)| user)
        };
        let accepted = || self.audit.iter().filter(|entry| entry.event == AuditEvent::RequestAccepted);
        let instead = if self.faulty(Fault::AlertsImportSupplier) {
            import_supplier()
        } else if self.faulty(Fault::AlertsFirstSender) {
            accepted().next().and_then(|entry| entry.user)
        } else if self.faulty(Fault::AlertsLastAsker) {
            accepted().next_back().and_then(|entry| entry.user)
        } else {
            None
        };
        vec![instead.unwrap_or(sender)]
    }

    /// The Users that get N39.
    pub(super) fn activation_alerted(&self, device: Eui64, hub: Eui64) -> Vec<Eui64> {
        let sender = self.tracking.get(device).map(|record| record.request_id.originator);
        let mut users = self.suppliers(hub);
        if self.faulty(Fault::ForwardsToStrangers) {
            users = self.data.users.keys().copied().collect();
        }
        users.retain(|user| match Some(*user) == sender {
            true => !self.faulty(Fault::N39NotToSender),
            false => !self.faulty(Fault::N39ToSenderOnly),
        });
        users.retain(|_| !self.faulty(Fault::NoN39));
        users
    }

    /// The activation outcome that N39 tells.
    pub(super) fn told_outcome(&self, outcome: ActivationOutcome) -> ActivationOutcome {
        if self.faulty(Fault::N39TellsFailure) { ActivationOutcome::Failure } else { outcome }
    }

    /// The update that a hub's Alert about a version is about.
    pub(super) fn told_update(&self, device: Eui64, version: FirmwareVersion) -> Option<SentUpdate> {
        if self.faulty(Fault::AlertsToLatest) {
            return self.tracking.latest(device);
        }
        self.tracking.latest_to(device, version)
    }

    /// Whether there is no N62 for this response code.
    pub(super) fn hides(&self, code: TransferResponseCode) -> bool {
        match code {
            TransferResponseCode::Success => self.faulty(Fault::SuccessUnreported),
            TransferResponseCode::HardwareVersionMismatch => self.faulty(Fault::MismatchUnreported),
            TransferResponseCode::FileTransferFailure => self.faulty(Fault::FailureUnreported),
            TransferResponseCode::ImageDiscarded => self.faulty(Fault::DiscardUnreported),
        }
    }

    /// The transfer response code that N62 tells.
    pub(super) fn told(&self, code: TransferResponseCode) -> TransferResponseCode {
        match code {
            TransferResponseCode::Success if self.faulty(Fault::N62HasAnotherCode) => {
                TransferResponseCode::FileTransferFailure
            }
            TransferResponseCode::FileTransferFailure if self.faulty(Fault::FailureAsSuccess) => {
                TransferResponseCode::Success
            }
            TransferResponseCode::HardwareVersionMismatch if self.faulty(Fault::MismatchAsDiscarded) => {
                TransferResponseCode::ImageDiscarded
            }
            TransferResponseCode::ImageDiscarded if self.faulty(Fault::DiscardAsFailure) => {
                TransferResponseCode::FileTransferFailure
            }
            code => code,
        }
    }

    /// The Users that get N18, N19, N20 or N22 of an update: the sender.
    pub(super) fn failure_alerted(&self, sender: Eui64) -> Vec<Eui64> {
        if self.faulty(Fault::FailuresToAll) { self.data.users.keys().copied().collect() } else { vec![sender] }
    }

    /// How long a CSP that is busy is tried.
    pub(super) fn spoil_window(&self, window: Duration) -> Duration {
        if self.faulty(Fault::RetriesForOneDay) { window.min(DAY) } else { window }
    }

    /// The notifications of a batch that are taken.
    pub(super) fn taken_of_batch<'a>(&self, batch: &'a [TransferNotification]) -> &'a [TransferNotification] {
        let taken = if self.faulty(Fault::TakesFirstOfBatch) { 1 } else { batch.len() };
        batch.get(..taken).unwrap_or(batch)
    }

    /// Records an Alert of a Device.
    pub(super) fn record_alert(&mut self, entry: AuditEntry) {
        if !self.faulty(Fault::AlertsUnrecorded) {
            self.record(entry);
        }
    }

    /// The status that is recorded of a transfer to a Device.
    pub(super) fn recorded(&self, status: ProcessingStatus) -> ProcessingStatus {
        match status {
            status if !self.faulty(Fault::RecordsAnotherFailure) => status,
            ProcessingStatus::HanDiscarded => ProcessingStatus::FailedHanTransfer,
            ProcessingStatus::FailedHanTransfer | ProcessingStatus::HanRejectedHwMismatch => {
                ProcessingStatus::HanDiscarded
            }
            status => status,
        }
    }

    /// The Device type by which a request is counted apart from others of its service.
    pub(super) fn counted_apart(&self, body: &ServiceRequest) -> Option<DeviceType> {
        match body {
            ServiceRequest::UpdateFirmware(update) if self.faulty(Fault::CountsByDeviceType) => {
                let first = self.data.smi.devices.get(update.device_id_list.first()?)?;
                Some(first.device_type)
            }
            _ => None,
        }
    }

    /// As which service a request is counted.
    pub(super) fn counted_as(&self, service: CountedService) -> CountedService {
        match service {
            CountedService::UpdatePpmidFirmware if self.faulty(Fault::CountsTogether) => CountedService::UpdateFirmware,
            service => service,
        }
    }

    pub(super) fn quarantines_nothing(&self) -> bool {
        self.faulty(Fault::QuarantinesNothing)
    }

    /// Whether no status is shown of Devices of a type.
    pub(super) fn hides_status(&self, device_type: DeviceType) -> bool {
        self.faulty(Fault::StatusOfPpmidOnly) && device_type != DeviceType::Ppmid
    }

    /// The record that is shown for this one.
    pub(super) fn shown_record(&self, mut record: TrackingRecord) -> TrackingRecord {
        if self.faulty(Fault::StatusIsStale) {
            record.status = ProcessingStatus::AwaitingCsp;
        }
        if self.faulty(Fault::ReasonUnrecorded) {
            record.reason = None;
        }
        record
    }

    /// Whether RSAT_004 leaves out Devices of a type.
    pub(super) fn leaves_out(&self, device_type: DeviceType) -> bool {
        self.faulty(Fault::ReportWithoutHcalcs) && device_type == DeviceType::Hcalcs
    }

    /// Sends a request again, though without its image, when it did not get to a hub.
    pub(super) fn redistribute(&mut self, device: Eui64, hub: Eui64, status: ProcessingStatus) {
        let (Some(latest), Some(hub)) = (self.tracking.latest(device), self.data.hubs.get(&hub)) else { return };
        if status != ProcessingStatus::FailedChTransfer || !self.faulty(Fault::RetriesFailedTransfers) {
            return;
        }
        let request = DistributionRequest {
            request_id: latest.request_id,
            device_type: DeviceType::Ppmid,
            image: Vec::new(),
            image_hash: FirmwareHash::of(&[]),
            deliver_by: self.utc(self.now),
            devices: vec![DistributionTarget { device, hub: hub.id }],
        };
        let message = DspToCsp::DistributionRequest(request);
        self.outputs.push_back(DspOutput::ToCsp { region: hub.region, message });
    }

    /// The message of Device and hub as it is put into a DCC Alert.
    pub(super) fn enclosed(&self, octets: &[u8]) -> Vec<u8> {
        let kept = if self.faulty(Fault::N62WithoutDeviceAlert) { octets.len() / 2 } else { octets.len() };
        octets.get(..kept).unwrap_or_default().to_vec()
    }
}
