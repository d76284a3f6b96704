//! What went over the SM WAN Gateway between DSP and CSP.

use super::Sighting;
use hanrig_dcc::gateway::{CspToDsp, DspToCsp};
use hanrig_reports::Observation;
use hanrig_wire::time::Instant;

/// A message between DSP and CSP.
#[derive(Clone, Debug)]
pub struct GatewaySighting {
    /// When.
    pub at: Instant,
    /// Its line in the transcript, from 1.
    pub line: u64,
    /// What it said.
    pub content: GatewayContent,
}

/// What a message between DSP and CSP said.
#[derive(Clone, Debug)]
pub enum GatewayContent {
    /// From the DSP. The octets of an image are kept.
    ToCsp(DspToCsp),
    /// From the CSP.
    ToDsp(CspToDsp),
}

impl Sighting for GatewaySighting {
    fn at(&self) -> Instant {
        self.at
    }

    fn observation(&self) -> Observation {
        let summary = match &self.content {
            GatewayContent::ToCsp(DspToCsp::DistributionRequest(request)) => format!(
                "DSP -> CSP: distribution request {} for {} {}, {} octets",
                request.request_id,
                request.devices.len(),
                request.device_type,
                request.image.len()
            ),
            GatewayContent::ToCsp(DspToCsp::HubFirmwareRequest(request)) => {
                format!("DSP -> CSP: hub firmware {} for {} hubs", request.firmware_version, request.hubs.len())
            }
            GatewayContent::ToCsp(DspToCsp::Gbcs(gbcs)) => format!("DSP -> CSP: GBCS message for hub {}", gbcs.hub),
            GatewayContent::ToDsp(CspToDsp::DistributionReply(reply)) => {
                format!("CSP -> DSP: HTTP {} on {}", reply.reply.http_status(), reply.request_id)
            }
            GatewayContent::ToDsp(CspToDsp::HubFirmwareReport(report)) => {
                format!("CSP -> DSP: hub {} runs firmware {}", report.hub, report.firmware_version)
            }
            GatewayContent::ToDsp(CspToDsp::ValidationReport(report)) => format!(
                "CSP -> DSP: validation report on {}, {} Devices rejected",
                report.request_id,
                report.rejected.len()
            ),
            GatewayContent::ToDsp(CspToDsp::TransferNotification(notification)) => format!(
                "CSP -> DSP: transfer of {} to hub {}: {:?}",
                notification.request_id, notification.hub, notification.status
            ),
            GatewayContent::ToDsp(CspToDsp::TransferNotifications { notifications }) => {
                format!("CSP -> DSP: {} transfer notifications", notifications.len())
            }
            GatewayContent::ToDsp(CspToDsp::Gbcs(gbcs)) => format!("CSP -> DSP: GBCS message of hub {}", gbcs.hub),
        };
        Observation {
            at_us: self.at.as_micros(),
            link: "gateway".to_owned(),
            summary,
            reference: Some(format!("gateway.jsonl line {}", self.line)),
        }
    }
}
