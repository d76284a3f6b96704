//! Ways for the DSP to be wrong on purpose.

use super::update::Service;
use super::{AuditEntry, AuditEvent, Dsp, DspOutput, Outcome, ProcessingStatus, TrackingRecord};
use crate::data::{Cpl, CplEntry, CspRegion, SmiDevice, UserRole};
use crate::duis::{
    DccAlert, DccAlertCode, FirmwareDeliveryStatus, FirmwareWarning, RequestId, ResponsePayload, ServiceRequest,
    UpdateFirmware,
};
use crate::faults::faults;
use crate::gateway::{
    DistributionRequest, DistributionTarget, DspToCsp, RejectionReason, TransferNotification, ValidationReport,
};
use crate::hash::FirmwareHash;
use crate::settings::{AlertRecipients, CountedService, DAY};
use hanrig_wire::gbcs::{ActivationOutcome, Message, SecretKey, TransferResponseCode};
use hanrig_wire::time::Duration;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use std::collections::BTreeMap;

faults! {
    /// has no limit on the size of an image.
    SizeUnchecked: "DSP-01";
    /// takes 750KB for 750,000 octets.
    LimitOf750000: "DSP-01";
    /// refuses an image of exactly 750KB.
    RefusesLargestImage: "DSP-01";
    /// refuses an image, and distributes it all the same.
    DistributesRefused: "DSP-01", "DSP-02", "CPL-05";
    /// does not look whether the Hash is on the CPL.
    HashUnchecked: "DSP-02", "CPL-05";
    /// takes a CPL entry that has been removed for one that holds.
    TakesRemovedEntries: "DSP-02", "CPL-05";
    /// does not compare the firmware version that the request names with the CPL entry's.
    VersionUnchecked: "DSP-02";
    /// computes the Hash over the OTA Header too.
    HashOverOtaHeader: "DSP-02";
    /// does not list a Device that it does not know.
    PassesOverUnknownDevices: "DSP-03";
    /// does not look at the Device type.
    DeviceTypeUnchecked: "DSP-03";
    /// does not look whether a Device is commissioned.
    CommissioningUnchecked: "DSP-04";
    /// does not look whether the CPL entry is for the Device's model.
    ModelUnchecked: "DSP-05";
    /// compares manufacturer and model with the CPL entry's, and not the hardware version.
    HardwareVersionUnchecked: "DSP-05";
    /// does not look whether the sender is a Responsible Supplier.
    ResponsibilityUnchecked: "DSP-06";
    /// sends the request with another hub than the Device's.
    TakesAnotherHub: "DSP-06";
    /// sends nothing to any Device when one of them fails a check.
    OneFailsAll: "DSP-07";
    /// checks no further Device when one has failed.
    StopsAtFirstFailure: "DSP-07";
    /// does not look whether an update is in progress.
    ProgressUnchecked: "DSP-08";
    /// takes an update that is approved for distribution as not in progress.
    ApprovedNotInProgress: "DSP-08", "ALERT-N59";
    /// takes an update that the hub has as not in progress.
    OnHubNotInProgress: "DSP-08", "ALERT-N61";
    /// takes an update that the Device has, and has not activated, as not in progress.
    OnDeviceNotInProgress: "DSP-08", "ALERT-N62-SUCCESS";
    /// takes an update of another Device on the same hub as one in progress.
    ProgressByHub: "DSP-08";
    /// sends the CSP a request for each Device.
    RequestsByDevice: "DSP-11";
    /// sends the CSP the same request twice.
    RequestsTwice: "DSP-11";
    /// sends the request to the CSP of another region.
    RequestsOfAnotherRegion: "DSP-11";
    /// its request names another Device type.
    RequestsForAnotherType: "DSP-11";
    /// its request names another Device.
    RequestsForAnotherDevice: "DSP-11";
    /// passes over what a CSP says of transfers.
    IgnoresNotifications: "DSP-13";
    /// sends one Alert for a transfer that was for several Devices.
    AlertsForFirstDevice: "DSP-13";
    /// leaves the SMI as it is on activation.
    SmiKeptOnActivation: "DSP-15", "SMI-01";
    /// writes the new version to the SMI when the hub has the image.
    SmiWrittenOnDelivery: "DSP-15";
    /// leaves the SMI as it is when SRV 11.2 brings another version.
    SmiKeptOnRead: "DSP-16", "PPMID-13";
    /// does not pass on the Device's response to SRV 11.2.
    ReadNotPassedOn: "DSP-16";
    /// passes the Device's response to SRV 11.2 to the other Supplier.
    ReadPassedToOther: "DSP-16";
    /// passes the Device's response to SRV 11.2 to the other Suppliers too.
    ReadPassedToAll: "DSP-16";
    /// lets the Import Supplier alone update a PPMID.
    GasSupplierNotResponsible: "DSP-22";
    /// lets the Gas Supplier alone update a PPMID.
    ImportSupplierNotResponsible: "DSP-22";
    /// sends the Alerts of an update to the Import Supplier, whoever asked for it.
    AlertsImportSupplier: "DSP-23";
    /// sends the Alerts of an update to whoever first updated the Device.
    AlertsFirstSender: "DSP-23";
    /// sends the Alerts of an update to whoever asked last, even if that was refused.
    AlertsLastAsker: "DSP-23";
    /// forwards the activation Alert to every User.
    ForwardsToStrangers: "DSP-24";
    /// takes no SRV 11.4 of a Gas Supplier.
    GasSupplierNotEligible: "SR-01";
    /// takes no SRV 11.4 of an Import Supplier.
    ImportSupplierNotEligible: "SR-01";
    /// sends CS08 without the Supplier as supplementary remote party.
    ReadsWithoutSupplier: "SR-04";
    /// sends CS08 with the Supplier as originator.
    ReadsAsSupplier: "SR-04";
    /// sends CS08 with a counter that is not the request's.
    ReadsWithAnotherCounter: "SR-04";
    /// sends CS08 under a MAC with another key.
    ReadsWithWrongMac: "SR-04";
    /// acknowledges SRV 11.4.
    AcknowledgesUpdate: "SR-06";
    /// gives two Service Responses to SRV 11.4.
    AnswersTwice: "SR-06";
    /// gives another Service Response to SRV 11.4 when the CSP has reported.
    AnswersAgainLater: "SR-06";
    /// does not list the Devices to which nothing is sent.
    ListsNothing: "SR-06";
    /// lists every Device that fails as invalid.
    ListsAllAsInvalid: "SR-06";
    /// shows the firmware version that the Device had first.
    InventoryIsStale: "SR-09";
    /// shows no PPMIDs.
    InventoryWithoutPpmid: "SR-09";
    /// sends no Alert when the CSP rejects a Device.
    RejectionUnreported: "ALERT-N18-N20";
    /// sends N18 whatever the CSP's reason.
    RejectionAlwaysN18: "ALERT-N18-N20";
    /// sends N59 to the sender too.
    N59ToSender: "ALERT-N59";
    /// sends no N59.
    NoN59: "ALERT-N59";
    /// sends an N59 for each Device.
    N59ByDevice: "ALERT-N59";
    /// N59 has no Hash to speak of.
    N59WithoutHash: "ALERT-N59";
    /// N59 has the Hash of the whole OTA Upgrade Image.
    N59HashOfWholeImage: "ALERT-N59";
    /// N59 lists a Device that the CSP has rejected.
    N59ListsRejected: "ALERT-N59";
    /// sends no N61.
    NoN61: "ALERT-N61";
    /// sends N61 to every Responsible Supplier.
    N61ToAll: "ALERT-N61";
    /// sends N61 when the CSP has validated.
    N61OnApproval: "ALERT-N61";
    /// sends N60 where N61 belongs.
    N60ForN61: "ALERT-N61";
    /// sends N62 to every Responsible Supplier.
    N62ToAll: "ALERT-N62-SUCCESS";
    /// N62 has another transfer response code than the Device Alert.
    N62HasAnotherCode: "ALERT-N62-SUCCESS";
    /// N62 does not have the Device Alert's octets.
    N62WithoutDeviceAlert: "ALERT-N62-SUCCESS";
    /// sends no N62 on success.
    SuccessUnreported: "ALERT-N62-SUCCESS";
    /// sends no N62 when the hardware version does not fit.
    MismatchUnreported: "ALERT-N62-HW";
    /// N62 says "discarded" when the hardware version does not fit.
    MismatchAsDiscarded: "ALERT-N62-HW";
    /// takes an update that is not for the hardware as in progress.
    MismatchInProgress: "ALERT-N62-HW";
    /// sends no N62 when the transfer failed.
    FailureUnreported: "ALERT-N62-FAILED";
    /// N62 says "success" when the transfer failed.
    FailureAsSuccess: "ALERT-N62-FAILED";
    /// takes an update whose transfer failed as in progress.
    FailureInProgress: "ALERT-N62-FAILED";
    /// sends no N39.
    NoN39: "ALERT-N39";
    /// sends N39 to the sender only.
    N39ToSenderOnly: "ALERT-N39";
    /// sends N39 to all but the sender.
    N39NotToSender: "ALERT-N39";
    /// N39 has the version from before.
    N39HasOldVersion: "ALERT-N39";
    /// N39 tells of a failure.
    N39TellsFailure: "ALERT-N39";
    /// takes an update that is activated as in progress.
    ActivatedInProgress: "ALERT-N39";
    /// lists no PPMID as invalid that is the target of SRV 11.1, and sends the image to it.
    UpdateFirmwareTakesPpmid: "SR-03";
    /// lists an HCALCS as invalid that is the target of SRV 11.1.
    UpdateFirmwareRefusesHcalcs: "SR-03";
    /// takes no SRV 11.2 for an HCALCS.
    ReadRefusesHcalcs: "SR-04";
    /// takes no SRV 11.3 for an HCALCS.
    ActivateRefusesHcalcs: "SR-05";
    /// takes SRV 11.3 for a PPMID.
    ActivateTakesPpmid: "SR-05";
    /// makes a Pre-Command with another Hash.
    PreCommandWithAnotherHash: "SR-05";
    /// sends CS06 under a MAC with another key.
    ActivatesWithWrongMac: "SR-05";
    /// does not pass on the Device's response to SRV 11.3.
    ActivationNotPassedOn: "SR-05";
    /// takes a Signed Pre-Command as it comes.
    SignedPreCommandUnchecked: "SR-08";
    /// shows no HCALCS.
    InventoryWithoutHcalcs: "SR-09";
    /// leaves the SMI as it is when SRV 11.3 brings another version.
    SmiKeptOnActivateFirmware: "DSP-16";
    /// sends no Alert when a Device tells a version that the CPL does not have for it.
    NoVersionAlert: "DSP-18";
    /// sends N50 whatever is wrong with the version that a Device tells.
    VersionAlertAlwaysN50: "DSP-18";
    /// takes more Devices of one request than it may.
    DevicesUnlimited: "SR-02";
    /// tells nobody of an image that is not at its hub in time.
    DeliveryUnwatched: "SR-07";
    /// takes requests of a User whose right to send is suspended.
    SuspensionUnchecked: "SR-08";
    /// takes requests of a User whose role is not eligible.
    RoleUnchecked: "SR-08";
    /// takes an update of an ESME, GSME or HCALCS as not in progress.
    MetersNotInProgress: "DSP-08";
    /// keeps a Device in progress after the tracking timeout.
    NeverReleases: "DSP-09";
    /// releases a Device a minute before the tracking timeout.
    ReleasesEarly: "DSP-09";
    /// its records of Devices do not tell why an update failed.
    ReasonUnrecorded: "DSP-10";
    /// does not send again to a CSP that was busy.
    NoRetry: "DSP-12";
    /// sends again to a CSP that was busy after an hour only.
    NoRetryAtOnce: "DSP-12";
    /// sends again to a CSP that was busy for a day only.
    RetriesForOneDay: "DSP-12";
    /// sends no N22.
    NoN22: "ALERT-N22";
    /// sends N18, N19, N20 and N22 to every User.
    FailuresToAll: "ALERT-N18-N20", "ALERT-N22";
    /// takes the first of a batch of notifications only.
    TakesFirstOfBatch: "DSP-13";
    /// does not record the Devices that a CSP rejects.
    RejectionsUnrecorded: "DSP-14";
    /// does not record the Alerts of Devices.
    AlertsUnrecorded: "DSP-14";
    /// counts SRV 11.4 with SRV 11.1.
    CountsTogether: "DSP-17";
    /// quarantines nothing.
    QuarantinesNothing: "DSP-17";
    /// shows no status of ESME, GSME and HCALCS.
    StatusOfPpmidOnly: "DSP-19";
    /// shows the status that a Device had at first.
    StatusIsStale: "DSP-19";
    /// shows the status of any Device to any User.
    StatusForStrangers: "DSP-19";
    /// lets Service Users reset.
    UsersMayReset: "DSP-20";
    /// does nothing on a reset.
    ResetIneffective: "DSP-20";
    /// leaves HCALCS out of RSAT_004.
    ReportWithoutHcalcs: "DSP-21";
    /// sends an image again that did not get to its hub.
    RetriesFailedTransfers: "DSP-25";
    /// sends no N60.
    NoN60: "ALERT-N60";
    /// sends N60 to every Responsible Supplier.
    N60ToAll: "ALERT-N60";
    /// sends no N62 when the hub has discarded the image.
    DiscardUnreported: "ALERT-N62-DISCARDED";
    /// N62 says "failed" when the hub has discarded the image.
    DiscardAsFailure: "ALERT-N62-DISCARDED";
    /// sends no N61 and N62 of ESME and GSME.
    NoSuccessOfMeters: "METER-01";
    /// sends no N60 of ESME and GSME, and no N62 of what failed.
    NoFailureOfMeters: "METER-03";
    /// gives no notice before hubs get new firmware.
    NoHubNotice: "CHFW-01";
    /// lets hubs get new firmware without seven days' notice.
    ShortHubNotice: "CHFW-01";
    /// lets a stage of a hub firmware release begin without a decision on the one before, on any number of hubs.
    HubStagesUnchecked: "CHFW-02";
    /// sends no Alert when a hub has activated new firmware.
    HubActivationUnreported: "CH-21";
    /// tells the version from before when a hub has activated new firmware.
    HubActivationTellsOldVersion: "CH-21";
    /// lets the Gas Supplier update an HCALCS.
    GasSupplierUpdatesHcalcs: "DSP-22";
    /// goes by the registration data as they were at first.
    RegistrationIsStale: "DSP-26";
}

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
                DccAlertCode::N62 => self.faulty(Fault::N62ToAll),
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
