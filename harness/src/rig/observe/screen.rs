//! What Users were shown on SSI, and the DCC Service Desk on SSMI.

use super::Sighting;
use hanrig_dcc::dsp::{AuditEntry, FirmwareUpdateStatus, Viewer};
use hanrig_dcc::duis::RequestId;
use hanrig_reports::Observation;
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;
use serde::Serialize;

/// Somebody used SSI or SSMI, and was shown something.
#[derive(Clone, Debug)]
pub struct ScreenSighting {
    /// When.
    pub at: Instant,
    /// Its line in the transcript, from 1.
    pub line: u64,
    /// Who.
    pub viewer: Viewer,
    /// What the screen said.
    pub shown: Shown,
}

/// What a screen says.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "screen", rename_all = "snake_case")]
pub enum Shown {
    /// 'Firmware Update Status' of a Device; `None` where there is nothing to see.
    FirmwareUpdateStatus {
        /// The Device.
        device: Eui64,
        /// Its last recorded status.
        status: Option<FirmwareUpdateStatus>,
    },
    /// A reset of a Device's status was asked for.
    Reset {
        /// The Device.
        device: Eui64,
        /// Why it was not done, where it was not.
        refused: Option<String>,
    },
    /// RSAT_004 'Firmware Activations Service Request Report'.
    Rsat004 {
        /// As CSV, with a header line.
        csv: String,
    },
    /// The Service Audit Trail.
    ServiceAuditTrail {
        /// Oldest entry first.
        entries: Vec<AuditEntry>,
    },
    /// A request that was quarantined is let go on.
    Quarantine {
        /// The request.
        request_id: RequestId,
        /// Whether it was quarantined.
        released: bool,
    },
    /// A release of hub firmware: its notice, or one of its stages.
    HubFirmware {
        /// What was to be done.
        action: String,
        /// Why it was not done, where it was not.
        refused: Option<String>,
    },
}

impl Sighting for ScreenSighting {
    fn at(&self) -> Instant {
        self.at
    }

    fn observation(&self) -> Observation {
        let viewer = match self.viewer {
            Viewer::User(user) => format!("{user} on SSI"),
            Viewer::ServiceDesk => "DCC Service Desk on SSMI".to_owned(),
        };
        let done = |refused: &Option<String>| {
            refused.as_ref().map_or_else(|| "done".to_owned(), |why| format!("refused: {why}"))
        };
        let what = match &self.shown {
            Shown::FirmwareUpdateStatus { device, status: Some(status) } => format!(
                "{device} is {} since {} (version {})",
                status.record.status, status.record.last_updated, status.record.firmware_version
            ),
            Shown::FirmwareUpdateStatus { device, status: None } => format!("nothing to see of {device}"),
            Shown::Reset { device, refused } => format!("reset of {device} {}", done(refused)),
            Shown::Rsat004 { csv } => format!("RSAT_004 with {} lines", csv.lines().count().saturating_sub(1)),
            Shown::ServiceAuditTrail { entries } => format!("Service Audit Trail with {} entries", entries.len()),
            Shown::Quarantine { request_id, released } => format!("{request_id} released: {released}"),
            Shown::HubFirmware { action, refused } => format!("{action}: {}", done(refused)),
        };
        Observation {
            at_us: self.at.as_micros(),
            link: "screen".to_owned(),
            summary: format!("{viewer}: {what}"),
            reference: Some(format!("screens.jsonl line {}", self.line)),
        }
    }
}
