//! What Users do on SSI, and the DCC's own people on SSMI: no Service Request, and all the same an interface that can be
//! watched.

use super::dcc_side::DccSide;
use super::observe::Shown;
use super::taps::Taps;
use hanrig_dcc::dsp::{Decision, HubFirmwareError, Incident, Stage, Viewer};
use hanrig_dcc::duis::RequestId;
use hanrig_wire::time::{Instant, Utc};
use hanrig_wire::types::{Eui64, FirmwareVersion};

/// What somebody does on a screen.
#[derive(Clone, Debug)]
pub enum ScreenUse {
    /// Opens 'Firmware Update Status' of a Device.
    FirmwareUpdateStatus(Eui64),
    /// Asks for a reset of a Device's status.
    Reset(Eui64),
    /// Asks for RSAT_004.
    Rsat004,
    /// Opens the Service Audit Trail.
    ServiceAuditTrail,
    /// Lets a quarantined request go on.
    Release(RequestId),
    /// Gives notice of new hub firmware.
    AnnounceHubFirmware {
        /// Its version.
        version: FirmwareVersion,
        /// When the first hub may get it.
        not_before: Utc,
    },
    /// Begins a stage of a release of hub firmware.
    BeginStage {
        /// Its version.
        version: FirmwareVersion,
        /// The stage.
        stage: Stage,
        /// The hubs.
        hubs: Vec<Eui64>,
    },
    /// Decides on the incidents that a stage has raised.
    DecideStage {
        /// Its version.
        version: FirmwareVersion,
        /// The stage.
        stage: Stage,
        /// The incidents.
        incidents: Vec<Incident>,
        /// What is decided.
        decision: Decision,
    },
}

impl DccSide {
    /// `viewer` uses a screen; what it shows is observed.
    pub fn use_screen(&mut self, now: Instant, viewer: Viewer, action: ScreenUse, taps: &mut Taps) {
        let hub_firmware = |action: String, done: Result<(), HubFirmwareError>| Shown::HubFirmware {
            action,
            refused: done.err().map(|error| error.to_string()),
        };
        let dsp = self.dsp();
        let shown = match action {
            ScreenUse::FirmwareUpdateStatus(device) => {
                Shown::FirmwareUpdateStatus { device, status: dsp.firmware_update_status(now, viewer, device) }
            }
            ScreenUse::Reset(device) => {
                let done = dsp.reset_firmware_update_status(now, viewer, device);
                Shown::Reset { device, refused: done.err().map(|error| error.to_string()) }
            }
            ScreenUse::Rsat004 => Shown::Rsat004 { csv: dsp.firmware_activations_csv(viewer) },
            ScreenUse::ServiceAuditTrail => Shown::ServiceAuditTrail { entries: dsp.audit_trail().cloned().collect() },
            ScreenUse::Release(request_id) => {
                Shown::Quarantine { request_id, released: dsp.release_quarantined(now, request_id) }
            }
            ScreenUse::AnnounceHubFirmware { version, not_before } => hub_firmware(
                format!("notice of hub firmware {version}, not before {not_before}"),
                dsp.announce_hub_firmware(now, version, not_before),
            ),
            ScreenUse::BeginStage { version, stage, hubs } => hub_firmware(
                format!("{stage} of hub firmware {version} with {} hubs", hubs.len()),
                dsp.begin_hub_stage(now, version, stage, &hubs),
            ),
            ScreenUse::DecideStage { version, stage, incidents, decision } => hub_firmware(
                format!("decision on {} incidents of the {stage} of hub firmware {version}", incidents.len()),
                dsp.decide_hub_stage(version, stage, incidents, decision),
            ),
        };
        taps.screen(now, viewer, shown);
    }
}
