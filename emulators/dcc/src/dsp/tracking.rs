//! Firmware distribution progress tracking (FIA 3.2.2).

use crate::duis::RequestId;
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::{Eui64, FirmwareVersion};
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How many updates of a Device are remembered.
const MAXIMUM_SENT: usize = 8;

/// The tracking record of one Device (FIA Table 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrackingRecord {
    /// The Device.
    pub device: Eui64,
    /// The Service Request; its originator is the destination of the update's DCC Alerts.
    pub request_id: RequestId,
    /// The version that the update brings.
    pub firmware_version: FirmwareVersion,
    /// How far it is.
    pub status: ProcessingStatus,
    /// Why, where the status is a rejection or failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the status last changed.
    #[serde(serialize_with = "crate::duis::time_text")]
    pub last_updated: Utc,
    /// The same on the bench's time line.
    #[serde(skip)]
    pub updated_at: Instant,
}

/// Processing statuses (FIA Table 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProcessingStatus {
    /// The DSP's checks failed.
    RejectedByDsp,
    /// With the CSP, which has not reported yet. Not in Table 3.
    AwaitingCsp,
    /// The CSP's checks failed.
    RejectedByCsp,
    /// The CSP's checks succeeded.
    ApprovedForDistribution,
    /// The hub did not get the image.
    FailedChTransfer,
    /// The hub has the image.
    SuccessfulChTransfer,
    /// The hub could not deliver the image to the Device.
    FailedHanTransfer,
    /// The Device has the image.
    SuccessfulHanTransfer,
    /// The hub discarded the image.
    HanDiscarded,
    /// The hub rejected the image for the Device's hardware version.
    HanRejectedHwMismatch,
    /// The PPMID told of its activation.
    FirmwareActivated,
    /// The DCC Service Desk released the Device.
    ResetByDcc,
}

impl ProcessingStatus {
    /// Whether the Device is refused a further update (DSP-08).
    pub const fn is_in_progress(self) -> bool {
        matches!(
            self,
            Self::AwaitingCsp
                | Self::ApprovedForDistribution
                | Self::SuccessfulChTransfer
                | Self::SuccessfulHanTransfer
        )
    }

    /// The status as FIA Table 3 spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RejectedByDsp => "REJECTED_BY_DSP",
            Self::AwaitingCsp => "AWAITING_CSP",
            Self::RejectedByCsp => "REJECTED_BY_CSP",
            Self::ApprovedForDistribution => "APPROVED_FOR_DISTRIBUTION",
            Self::FailedChTransfer => "FAILED_CH_TRANSFER",
            Self::SuccessfulChTransfer => "SUCCESSFUL_CH_TRANSFER",
            Self::FailedHanTransfer => "FAILED_HAN_TRANSFER",
            Self::SuccessfulHanTransfer => "SUCCESSFUL_HAN_TRANSFER",
            Self::HanDiscarded => "HAN_DISCARDED",
            Self::HanRejectedHwMismatch => "HAN_REJECTED_HW_MISMATCH",
            Self::FirmwareActivated => "FIRMWARE_ACTIVATED",
            Self::ResetByDcc => "RESET_BY_DCC",
        }
    }
}

impl fmt::Display for ProcessingStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for ProcessingStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// An update of a Device that was sent on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SentUpdate {
    /// The Service Request; its originator is the destination of the update's DCC Alerts (DSP-23).
    pub(super) request_id: RequestId,
    /// The version that the update brings.
    pub(super) firmware_version: FirmwareVersion,
}

/// All tracking records, the latest one of each Device.
#[derive(Debug)]
pub(super) struct Tracking {
    records: BTreeMap<Eui64, TrackingRecord>,
    /// The updates of each Device, the latest last. They outlive the records: a hub may tell of an image two weeks after
    /// it got it, and by then another may be on its way.
    sent: BTreeMap<Eui64, Vec<SentUpdate>>,
    /// When each record is forgotten.
    due: BTreeSet<(Instant, Eui64)>,
    timeout: Duration,
    retention: Duration,
}

impl Tracking {
    pub(super) const fn new(timeout: Duration, retention: Duration) -> Self {
        Self { records: BTreeMap::new(), sent: BTreeMap::new(), due: BTreeSet::new(), timeout, retention }
    }

    pub(super) fn get(&self, device: Eui64) -> Option<&TrackingRecord> {
        self.records.get(&device)
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &TrackingRecord> {
        self.records.values()
    }

    /// The latest update of a Device.
    pub(super) fn latest(&self, device: Eui64) -> Option<SentUpdate> {
        self.sent.get(&device)?.last().copied()
    }

    /// The latest update of a Device that brings a version: an Alert names the version that it is about.
    pub(super) fn latest_to(&self, device: Eui64, version: FirmwareVersion) -> Option<SentUpdate> {
        self.sent.get(&device)?.iter().rev().find(|update| update.firmware_version == version).copied()
    }

    /// The update of a Device that a Service Request asked for.
    pub(super) fn of_request(&self, device: Eui64, request_id: RequestId) -> Option<SentUpdate> {
        self.sent.get(&device)?.iter().rev().find(|update| update.request_id == request_id).copied()
    }

    /// Whether the tracking timeout has not passed since the record's last change (DSP-09).
    pub(super) fn is_held(&self, record: &TrackingRecord, now: Instant) -> bool {
        now < record.updated_at + self.timeout
    }

    pub(super) fn is_in_progress(&self, device: Eui64, now: Instant) -> bool {
        self.get(device).is_some_and(|record| record.status.is_in_progress() && self.is_held(record, now))
    }

    /// Starts a new record, in place of the Device's last one.
    pub(super) fn start(&mut self, record: TrackingRecord) {
        let (device, request_id, firmware_version) = (record.device, record.request_id, record.firmware_version);
        if record.status.is_in_progress() {
            let sent = self.sent.entry(device).or_default();
            if sent.len() >= MAXIMUM_SENT {
                sent.remove(0);
            }
            sent.push(SentUpdate { request_id, firmware_version });
        }
        if let Some(before) = self.records.insert(device, record) {
            self.due.remove(&(self.expiry(&before), device));
        }
        self.note(device);
    }

    /// Changes the status of a Device's record, if it has one.
    pub(super) fn set(
        &mut self,
        device: Eui64,
        status: ProcessingStatus,
        reason: Option<String>,
        (now, utc): (Instant, Utc),
    ) {
        let Some(mut record) = self.records.remove(&device) else { return };
        self.due.remove(&(self.expiry(&record), device));
        record.status = status;
        record.reason = reason;
        record.last_updated = utc;
        record.updated_at = now;
        if status == ProcessingStatus::RejectedByCsp {
            // It never reaches the hub: what a hub tells is not about it.
            let rejected = record.request_id;
            if let Some(sent) = self.sent.get_mut(&device) {
                sent.retain(|update| update.request_id != rejected);
            }
        }
        self.records.insert(device, record);
        self.note(device);
    }

    /// Whether a Device's record is of a request and has one of these statuses: what comes late is not about an update that
    /// was reset or followed by another.
    pub(super) fn is(&self, device: Eui64, request_id: RequestId, statuses: &[ProcessingStatus]) -> bool {
        self.get(device).is_some_and(|record| record.request_id == request_id && statuses.contains(&record.status))
    }

    fn note(&mut self, device: Eui64) {
        if let Some(record) = self.records.get(&device) {
            self.due.insert((self.expiry(record), device));
        }
    }

    /// When a record is forgotten: one that is in progress not before the tracking timeout.
    fn expiry(&self, record: &TrackingRecord) -> Instant {
        let kept = if record.status.is_in_progress() { self.retention.max(self.timeout) } else { self.retention };
        record.updated_at + kept
    }

    /// When to look for records to forget.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Forgets the records whose time is over.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((due, device)) = self.due.first().copied()
            && due <= now
        {
            self.due.pop_first();
            self.records.remove(&device);
        }
    }
}
