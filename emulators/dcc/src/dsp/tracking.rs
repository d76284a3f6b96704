//! Firmware distribution progress tracking (FIA 3.2.2).

use crate::duis::RequestId;
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::{Eui64, FirmwareVersion};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

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

/// All tracking records, the latest one of each Device.
#[derive(Debug, Default)]
pub(super) struct Tracking {
    records: BTreeMap<Eui64, TrackingRecord>,
    /// No record whose update is over is older than this. There may be none as old.
    oldest: Option<Instant>,
}

impl Tracking {
    pub(super) fn get(&self, device: Eui64) -> Option<&TrackingRecord> {
        self.records.get(&device)
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &TrackingRecord> {
        self.records.values()
    }

    pub(super) fn is_in_progress(&self, device: Eui64) -> bool {
        self.get(device).is_some_and(|record| record.status.is_in_progress())
    }

    /// Starts a new record, in place of the Device's last one.
    pub(super) fn start(&mut self, record: TrackingRecord) {
        self.note(record.status, record.updated_at);
        self.records.insert(record.device, record);
    }

    /// Changes the status of a Device's record, if it has one.
    pub(super) fn set(
        &mut self,
        device: Eui64,
        status: ProcessingStatus,
        reason: Option<String>,
        (now, utc): (Instant, Utc),
    ) {
        if let Some(record) = self.records.get_mut(&device) {
            record.status = status;
            record.reason = reason;
            record.last_updated = utc;
            record.updated_at = now;
            self.note(status, now);
        }
    }

    fn note(&mut self, status: ProcessingStatus, now: Instant) {
        if !status.is_in_progress() {
            self.oldest = Some(self.oldest.map_or(now, |oldest| oldest.min(now)));
        }
    }

    /// When to look for records to forget. One that is in progress is kept.
    pub(super) fn next_expiry(&self, retention: Duration) -> Option<Instant> {
        self.oldest.map(|oldest| oldest + retention)
    }

    /// Forgets what is older than `retention`.
    pub(super) fn expire(&mut self, now: Instant, retention: Duration) {
        if self.next_expiry(retention).is_some_and(|due| due <= now) {
            let in_progress = |record: &TrackingRecord| record.status.is_in_progress();
            self.records.retain(|_, record| in_progress(record) || record.updated_at + retention > now);
            let over = self.records.values().filter(|record| !in_progress(record));
            self.oldest = over.map(|record| record.updated_at).min();
        }
    }
}
