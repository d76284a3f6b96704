//! Ways for the DSP to be wrong on purpose. What each of them does is in `spoil`.

use crate::faults::faults;

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
    /// takes every Alert of a hub to be about the latest update of the Device.
    AlertsToLatest: "DSP-23";
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
    /// sends N62 of a transfer that failed to every Responsible Supplier.
    FailureToAll: "ALERT-N62-FAILED";
    /// records another failure of the HAN stage than the one that the hub tells of.
    RecordsAnotherFailure: "ALERT-N62-HW", "ALERT-N62-FAILED", "ALERT-N62-DISCARDED", "DSP-10", "METER-03";
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
    /// does not pass on the Device's response to SRV 1.6.
    PaymentModeNotPassedOn: "METER-01";
    /// makes a Pre-Command for SRV 1.6 with another disablement threshold.
    PreCommandWithAnotherThreshold: "METER-01";
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
    /// refuses a request for as many Devices as it may have at most.
    RefusesLongestList: "SR-02";
    /// tells nobody of an image that is not at its hub in time.
    DeliveryUnwatched: "SR-07";
    /// takes requests of a User whose right to send is suspended.
    SuspensionUnchecked: "SR-08";
    /// reads an update of PPMIDs as one, whatever Service Reference its header names.
    StructureUnchecked: "SR-08";
    /// takes requests without a signature.
    UnsignedTaken: "SR-08";
    /// takes requests that were changed after they were signed, or were signed with another key.
    SignatureUnchecked: "SR-08";
    /// takes requests that another User has signed.
    SignerUnchecked: "SR-08";
    /// takes certificates before and after their period.
    CertificatePeriodUnchecked: "SR-08";
    /// takes certificates for another remote party role.
    CertificateRoleUnchecked: "SR-08";
    /// takes certificates that no authority of the SMKI has issued.
    CertificateChainUnchecked: "SR-08";
    /// takes a RequestID a second time.
    ReplayUnchecked: "SR-08";
    /// signs neither responses nor Alerts.
    SignsNothing: "SR-08";
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
    /// counts SRV 11.1 for each Device type by itself.
    CountsByDeviceType: "DSP-17";
    /// quarantines nothing.
    QuarantinesNothing: "DSP-17";
    /// does not let a quarantined request go on when it is released.
    ReleasesNothing: "DSP-17";
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
    /// lets a release of hub firmware begin before the time that was announced.
    BeginsBeforeNotice: "CHFW-01";
    /// sends the CSP nothing when a stage of a hub firmware release begins.
    HubStageUnsent: "CHFW-02";
    /// lets a stage of a hub firmware release begin without a decision on the one before, on any number of hubs.
    HubStagesUnchecked: "CHFW-02";
    /// lets a hub get new firmware while another update of it is in progress.
    HubProgressUnchecked: "DSP-08";
    /// sends no Alert when a hub has activated new firmware.
    HubActivationUnreported: "CH-21";
    /// tells the version from before when a hub has activated new firmware.
    HubActivationTellsOldVersion: "CH-21";
    /// lets the Gas Supplier update an HCALCS.
    GasSupplierUpdatesHcalcs: "DSP-22";
    /// goes by the registration data as they were at first.
    RegistrationIsStale: "DSP-26";
}
