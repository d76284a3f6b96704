//! The Service Audit Trail.

use super::codes::Outcome;
use crate::duis::RequestId;
use hanrig_wire::time::Utc;
use hanrig_wire::types::Eui64;
use serde::Serialize;

/// One entry of the Service Audit Trail (FIA 3.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When.
    #[serde(serialize_with = "crate::duis::time_text")]
    pub time: Utc,
    /// What happened.
    pub event: AuditEvent,
    /// The Service Request that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// The User that it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Eui64>,
    /// The Device that it concerns: of a hub's Alert the target Device, not the hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Eui64>,
    /// The GBCS Alert Code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_code: Option<u16>,
    /// The response code within an Alert, where it tells of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_code: Option<u8>,
    /// How a Service Request was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Details for a reader.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum AuditEvent {
    /// A Service Request was taken.
    RequestAccepted,
    /// A Service Request was refused whole.
    RequestRefused,
    /// A CSP's validation rejected a Device: one entry per Device.
    RejectedByCsp,
    /// A CSP was busy or not available.
    CspBusy,
    /// A CSP told of a transfer to a hub.
    TransferNotification,
    /// A Device Alert came.
    DeviceAlert,
    /// A GBCS message came that is not what it says, or not protected as it must be. It was dropped.
    GbcsMessageDropped,
    /// A CSP's message fits nothing that is under way. It was dropped.
    CspMessageDropped,
    /// A Device answered SRV 11.2 or 11.3.
    DeviceResponse,
    /// A Device did not answer SRV 11.2 or 11.3 in time.
    NoDeviceResponse,
    /// The firmware version of a Device was changed in the SMI.
    SmiUpdated,
    /// A DCC Alert was sent.
    DccAlertSent,
    /// The DCC Service Desk released a Device.
    StatusReset,
    /// The DCC Service Desk let a quarantined request go on.
    Released,
    /// The DCC Service Desk discarded a quarantined request.
    Discarded,
    /// A hub activated new firmware.
    HubFirmwareActivated,
}

impl AuditEntry {
    /// An entry that says no more than what happened; the DSP fills in the time.
    pub(super) const fn new(event: AuditEvent) -> Self {
        Self {
            time: Utc(0),
            event,
            request_id: None,
            user: None,
            device: None,
            alert_code: None,
            response_code: None,
            outcome: None,
            detail: String::new(),
        }
    }

    pub(super) fn request(self, id: RequestId) -> Self {
        Self { request_id: Some(id), user: Some(id.originator), ..self }
    }

    pub(super) fn user(self, user: Eui64) -> Self {
        Self { user: Some(user), ..self }
    }

    pub(super) fn device(self, device: Eui64) -> Self {
        Self { device: Some(device), ..self }
    }

    pub(super) fn outcome(self, outcome: Outcome) -> Self {
        Self { outcome: Some(outcome), ..self }
    }

    pub(super) fn alert(self, alert_code: u16, failure: Option<u8>) -> Self {
        Self { alert_code: Some(alert_code), response_code: failure, ..self }
    }

    pub(super) fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }
}
