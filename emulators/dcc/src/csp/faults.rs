//! Ways for a CSP to be wrong on purpose.

use super::Csp;
use super::link::HubLink;
use crate::faults::faults;
use crate::gateway::{BusyReason, CspToDsp, GbcsMessage, RejectionReason, TransferStatus};
use crate::hash::FirmwareHash;
use hanrig_wire::gbcs::{Cra, Envelope};
use std::sync::Arc;

faults! {
    /// does not report on a distribution request.
    ReportsNothing: "CSP-01";
    /// rejects every Device.
    RejectsEveryDevice: "CSP-01";
    /// takes Devices that it does not know.
    TakesUnknownDevices: "CSP-01";
    /// leaves out a Device that it does not know, and does not report it.
    DropsUnknownDevices: "CSP-01";
    /// reports a Device that it does not know with another reason.
    RejectsForAnotherReason: "CSP-01";
    /// does not notify the DSP of transfers.
    NotifiesNothing: "CSP-03";
    /// notifies the DSP of a failure when a transfer has succeeded.
    NotifiesFailure: "CSP-03";
    /// notifies the DSP before the hub has the image.
    NotifiesBeforeDelivery: "CSP-03";
    /// notifies the DSP twice.
    NotifiesTwice: "CSP-03";
    /// brings the hub an image without its last octet, and reports success.
    DeliversTruncated: "CSP-03";
    /// brings the hub an image with one octet changed, and reports success.
    DeliversChanged: "CSP-03";
    /// answers that it is busy, and distributes the image all the same.
    BusyAndTakes: "CSP-02";
    /// takes a request that it cannot serve, and drops it.
    TakesAndDrops: "CSP-02";
    /// stays busy once it was.
    StaysBusy: "CSP-02";
    /// gives another reason code when it is busy.
    BusyForAnotherReason: "CSP-02";
    /// schedules images in the order in which they come.
    MetersNotFirst: "CSP-04";
    /// takes a second request for a hub, and drops it.
    SecondRequestDropped: "CSP-06";
    /// changes an octet of every Alert.
    ChangesAlerts: "CSP-05";
    /// loses the Alert 0x8F8B.
    LosesActivationAlerts: "CSP-05";
    /// loses the Alerts of hubs.
    LosesTransferAlerts: "CSP-05";
}

impl Csp {
    /// Makes the CSP wrong in this way from now on.
    #[cfg(feature = "planted-faults")]
    pub fn plant(&mut self, fault: Fault) {
        self.faults.plant(fault);
    }

    pub(super) fn faulty(&self, fault: Fault) -> bool {
        self.faults.has(fault)
    }

    /// Why a Device is reported as rejected, instead of `reason`.
    pub(super) fn spoil_rejection(&self, reason: Option<RejectionReason>) -> Option<RejectionReason> {
        match reason {
            None if self.faulty(Fault::RejectsEveryDevice) => Some(RejectionReason::ImageIntegrity),
            Some(RejectionReason::UnknownDevice) if self.faulty(Fault::TakesUnknownDevices) => None,
            Some(_) if self.faulty(Fault::RejectsForAnotherReason) => Some(RejectionReason::NotReachable),
            reason => reason,
        }
    }

    /// Why it is busy, instead of so.
    pub(super) fn spoil_busy(&self, busy: Option<(BusyReason, String)>) -> Option<(BusyReason, String)> {
        let busy = busy.filter(|_| !self.faulty(Fault::TakesAndDrops));
        let busy = busy.or_else(|| {
            let stays = self.faulty(Fault::StaysBusy) && self.was_busy;
            stays.then(|| (BusyReason::AdmissionControl, "no request is taken".to_owned()))
        });
        let another = self.faulty(Fault::BusyForAnotherReason);
        busy.map(|(reason_code, reason)| (if another { BusyReason::QueueFull } else { reason_code }, reason))
    }

    /// Whether an image is not brought to a hub that it was taken for.
    pub(super) fn drops(&self, link: Option<&HubLink>) -> bool {
        self.faulty(Fault::SecondRequestDropped) && link.is_some_and(|link| link.transfers() > 0)
    }

    /// The image that the hub gets instead of this one.
    pub(super) fn spoil_image(&self, image: Vec<u8>) -> Arc<[u8]> {
        let mut image = image;
        if self.faulty(Fault::DeliversTruncated) {
            image.pop();
        }
        let middle = image.len() / 2;
        if self.faulty(Fault::DeliversChanged)
            && let Some(octet) = image.get_mut(middle)
        {
            *octet ^= 0x01;
        }
        image.into()
    }

    /// The SHA-256 that the hub is told: that of what it gets.
    pub(super) fn spoil_hash(&self, hash: FirmwareHash, image: &[u8]) -> FirmwareHash {
        let spoilt = self.faulty(Fault::DeliversTruncated) || self.faulty(Fault::DeliversChanged);
        if spoilt { FirmwareHash::of(image) } else { hash }
    }

    /// What the DSP gets instead of this message.
    pub(super) fn spoil_report(&self, message: CspToDsp) -> Vec<CspToDsp> {
        match message {
            CspToDsp::ValidationReport(_) if self.faulty(Fault::ReportsNothing) => Vec::new(),
            CspToDsp::TransferNotification(mut notification) => {
                if self.faulty(Fault::NotifiesNothing) || self.faulty(Fault::NotifiesBeforeDelivery) {
                    return Vec::new();
                }
                if self.faulty(Fault::NotifiesFailure) {
                    notification.status = TransferStatus::Failed;
                }
                let times = if self.faulty(Fault::NotifiesTwice) { 2 } else { 1 };
                vec![CspToDsp::TransferNotification(notification); times]
            }
            CspToDsp::Gbcs(gbcs) => self.spoil_gbcs(gbcs).map(CspToDsp::Gbcs).into_iter().collect(),
            message => vec![message],
        }
    }

    fn spoil_gbcs(&self, gbcs: GbcsMessage) -> Option<GbcsMessage> {
        let GbcsMessage { hub, mut octets } = gbcs;
        let from_hub = match Envelope::parse(&octets) {
            Ok(envelope) if envelope.message().cra == Cra::Alert => envelope.message().originator == hub,
            _ => return Some(GbcsMessage { hub, octets }),
        };
        if from_hub && self.faulty(Fault::LosesTransferAlerts) || !from_hub && self.faulty(Fault::LosesActivationAlerts)
        {
            return None;
        }
        if self.faulty(Fault::ChangesAlerts)
            && let Some(last) = octets.last_mut()
        {
            *last ^= 0x01;
        }
        Some(GbcsMessage { hub, octets })
    }
}
