//! Getting distribution requests to the CSPs: the long retry while one is busy or not available (DSP-12), and the watch
//! over the time that an image may take to its hub (SR-07).

use super::audit::{AuditEntry, AuditEvent};
use super::faults::Fault;
use super::tracking::ProcessingStatus;
use super::{BatchKey, Dsp, DspOutput};
use crate::data::CspRegion;
use crate::duis::{DccAlert, DccAlertCode, FirmwareDeliveryStatus, FirmwareDistributionFailure, RequestId};
use crate::gateway::{CspReply, DistributionReply, DistributionRequest, DspToCsp};
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;
use std::collections::{BTreeMap, BTreeSet};

/// A distribution request that its CSP has not taken yet.
#[derive(Debug)]
struct Delivery {
    request: DistributionRequest,
    first_try: Instant,
    /// How often it was sent.
    tries: u32,
    /// When it is sent next, or, while an answer is awaited, when the CSP counts as not available.
    due: Instant,
    awaits_answer: bool,
}

/// What is on its way to CSPs and hubs.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    pending: BTreeMap<BatchKey, Delivery>,
    /// The Devices of each request whose image is to be at its hub by a time.
    watches: BTreeMap<(Instant, RequestId), Vec<Eui64>>,
}

impl Deliveries {
    pub(super) fn next_due(&self) -> Option<Instant> {
        let watch = self.watches.first_key_value().map(|((deadline, _), _)| *deadline);
        self.pending.values().map(|delivery| delivery.due).chain(watch).min()
    }
}

impl Dsp {
    /// Sends a distribution request for the first time.
    pub(super) fn deliver(&mut self, key: BatchKey, request: DistributionRequest) {
        let deadline = self.now + self.config.settings.delivery_period;
        let watched = self.deliveries.watches.entry((deadline, key.0)).or_default();
        watched.extend(request.devices.iter().map(|target| target.device));
        let first_try = self.now;
        let delivery = Delivery { request, first_try, tries: 0, due: first_try, awaits_answer: false };
        self.deliveries.pending.insert(key, delivery);
        self.try_delivery(key);
    }

    fn try_delivery(&mut self, key: BatchKey) {
        let due = self.now + self.config.settings.long_retry.answer_timeout;
        let Some(delivery) = self.deliveries.pending.get_mut(&key) else { return };
        delivery.tries = delivery.tries.saturating_add(1);
        delivery.due = due;
        delivery.awaits_answer = true;
        let request = delivery.request.clone();
        for request in self.spoil_distribution(request) {
            let message = DspToCsp::DistributionRequest(request);
            self.outputs.push_back(DspOutput::ToCsp { region: key.1, message });
        }
    }

    /// A CSP has answered a distribution request.
    pub(super) fn distribution_reply(&mut self, region: CspRegion, answer: &DistributionReply) {
        let key = (answer.request_id, region, answer.device_type);
        if !self.deliveries.pending.get(&key).is_some_and(|delivery| delivery.awaits_answer) {
            let entry = AuditEntry::new(AuditEvent::CspMessageDropped).request(answer.request_id);
            self.record(entry.detail(format!("answer of CSP {region} to no request that waits for one")));
            return;
        }
        match &answer.reply {
            CspReply::Accepted => self.delivered(key),
            CspReply::Busy { reason, .. } => self.undelivered(key, reason),
            CspReply::Refused { reason } => self.give_up(key, reason),
        }
    }

    /// A CSP has a distribution request: it said so, or it reports on it.
    pub(super) fn delivered(&mut self, key: BatchKey) {
        self.deliveries.pending.remove(&key);
    }

    /// A CSP is busy or not available: once at once, then at each interval until the window is over.
    fn undelivered(&mut self, key: BatchKey, reason: &str) {
        let entry = AuditEntry::new(AuditEvent::CspBusy).request(key.0);
        self.record(entry.detail(format!("CSP {}: {reason}", key.1)));
        let retry = self.config.settings.long_retry;
        let window = self.spoil_window(retry.window);
        let never = self.faulty(Fault::NoRetry);
        let at_once = !self.faulty(Fault::NoRetryAtOnce);
        let Some(delivery) = self.deliveries.pending.get_mut(&key) else { return };
        delivery.awaits_answer = false;
        if delivery.tries == 1 && at_once && !never {
            self.try_delivery(key);
            return;
        }
        // The second try was at once, so the third is one interval after the first, or the next one that is still ahead.
        let hours = delivery.tries.saturating_sub(u32::from(at_once)).max(1);
        let mut due = delivery.first_try + retry.interval.saturating_mul(hours);
        while due <= self.now && retry.interval > Duration::ZERO {
            due += retry.interval;
        }
        delivery.due = due;
        if due > delivery.first_try + window || retry.interval.is_zero() || never {
            let reason = format!("not delivered to CSP {} within the retry window: {reason}", key.1);
            self.give_up(key, &reason);
        }
    }

    /// N22: the CSP does not get the request any more.
    fn give_up(&mut self, key: BatchKey, reason: &str) {
        let Some(delivery) = self.deliveries.pending.remove(&key) else { return };
        self.distributions.remove(&key);
        let device_id_list: Vec<_> = delivery.request.devices.iter().map(|target| target.device).collect();
        let time = (self.now, self.utc(self.now));
        for device in &device_id_list {
            if self.tracking.is(*device, key.0, &[ProcessingStatus::AwaitingCsp]) {
                self.tracking.set(*device, ProcessingStatus::RejectedByCsp, Some(reason.to_owned()), time);
            }
        }
        if self.faulty(Fault::NoN22) {
            return;
        }
        let failure =
            FirmwareDistributionFailure { request_id: key.0, device_id_list, reason: Some(reason.to_owned()) };
        for user in self.failure_alerted(key.0.originator) {
            let alert = DccAlert::FirmwareDistributionFailure(failure.clone());
            self.send_alert(user, DccAlertCode::N22, alert);
        }
    }

    /// Sends again what is due, and tells of images that are not at their hubs in time.
    pub(super) fn poll_deliveries(&mut self) {
        let due: Vec<BatchKey> = self
            .deliveries
            .pending
            .iter()
            .filter(|(_, delivery)| delivery.due <= self.now)
            .map(|(key, _)| *key)
            .collect();
        for key in due {
            if self.deliveries.pending.get(&key).is_some_and(|delivery| delivery.awaits_answer) {
                self.undelivered(key, "not available");
            } else {
                self.try_delivery(key);
            }
        }
        while let Some(entry) = self.deliveries.watches.first_entry()
            && entry.key().0 <= self.now
        {
            let ((_, request_id), devices) = entry.remove_entry();
            if !self.faulty(Fault::DeliveryUnwatched) {
                self.late(request_id, devices);
            }
        }
    }

    /// N60: the image of these Devices is not at its hub in time.
    fn late(&mut self, request_id: RequestId, devices: Vec<Eui64>) {
        const REASON: &str = "not delivered to the Communications Hub in time";
        const WAITING: &[ProcessingStatus] =
            &[ProcessingStatus::AwaitingCsp, ProcessingStatus::ApprovedForDistribution];
        let time = (self.now, self.utc(self.now));
        let mut hubless = BTreeSet::new();
        for device_id in devices {
            let waits = self.tracking.is(device_id, request_id, WAITING);
            let Some(record) = self.tracking.get(device_id).filter(|_| waits) else { continue };
            let firmware_version = record.firmware_version;
            self.tracking.set(device_id, ProcessingStatus::FailedChTransfer, Some(REASON.to_owned()), time);
            hubless.insert(device_id);
            let reason = Some(REASON.to_owned());
            let alert = FirmwareDeliveryStatus { request_id, device_id, firmware_version, reason };
            for user in self.alerted(DccAlertCode::N60, device_id, request_id.originator, true) {
                self.send_alert(user, DccAlertCode::N60, DccAlert::FirmwareDeliveryStatus(alert.clone()));
            }
        }
        self.deliveries.pending.retain(|key, delivery| {
            let mut devices = delivery.request.devices.iter();
            key.0 != request_id || devices.any(|target| !hubless.contains(&target.device))
        });
    }
}
