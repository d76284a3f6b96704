//! What the CSPs can do.

use super::{DAY, HOUR, duration_text};
use hanrig_wire::time::Duration;
use serde::{Deserialize, Deserializer, Serialize};
use std::num::NonZeroUsize;

/// What the CSPs can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CspSettings {
    /// How long a transfer to a hub may take before it has failed (I-19): four days.
    #[serde(with = "duration_text")]
    pub service_window: Duration,
    /// What becomes of a request for a hub that has one being actioned (CSP-06): it is scheduled.
    pub second_request: SecondRequest,
    /// How long the transfer of one image to a hub is taken to last, where a CSP looks whether two fit in the service
    /// window: half a day.
    #[serde(with = "duration_text")]
    pub transfer_estimate: Duration,
    /// How long transfer notifications are gathered, to be sent as one batch (DSP-13); each by itself where it is zero.
    #[serde(with = "duration_text")]
    pub notification_batch: Duration,
    /// CSP South and CSP Central.
    pub south_and_central: SouthAndCentralSettings,
    /// CSP North.
    pub north: NorthSettings,
}

impl Default for CspSettings {
    fn default() -> Self {
        Self {
            service_window: 4 * DAY,
            second_request: SecondRequest::Schedule,
            transfer_estimate: 12 * HOUR,
            notification_batch: Duration::ZERO,
            south_and_central: SouthAndCentralSettings::default(),
            north: NorthSettings::default(),
        }
    }
}

/// What becomes of a request for a hub that has one being actioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondRequest {
    /// It is scheduled if both can be completed within the service window, and rejected otherwise.
    Schedule,
    /// It is rejected.
    Reject,
}

/// CSP South and CSP Central (FIA 3.4.2): admission control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SouthAndCentralSettings {
    /// The most Devices that wait for their image or are getting it; a request that goes beyond is answered with busy
    /// (HTTP 503). The documents give no figure: 100,000, which two full requests fill.
    #[serde(deserialize_with = "one_or_more")]
    pub devices: usize,
}

impl Default for SouthAndCentralSettings {
    fn default() -> Self {
        Self { devices: 100_000 }
    }
}

/// CSP North (FIA Appendix E): firmware jobs on the channels of base stations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NorthSettings {
    /// The most jobs at a time: 400. A request for which there is none left is answered with busy (HTTP 503).
    #[serde(deserialize_with = "one_or_more")]
    pub jobs: usize,
    /// The most Devices of one job: 10,000. A larger request becomes several jobs.
    #[serde(deserialize_with = "one_or_more")]
    pub devices_per_job: usize,
    /// Firmware channels of a base station, each of which carries one job at a time: 3; the modification makes it 6.
    #[serde(deserialize_with = "one_or_more")]
    pub channels: usize,
}

/// With none of these, nothing would ever reach a hub.
fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    NonZeroUsize::deserialize(deserializer).map(NonZeroUsize::get)
}

impl Default for NorthSettings {
    fn default() -> Self {
        Self { jobs: 400, devices_per_job: 10_000, channels: 3 }
    }
}
