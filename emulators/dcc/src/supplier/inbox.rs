//! What a Supplier gets from the DCC, by kind.

use crate::duis::{DccAlertCode, DccAlertMessage, RequestId, Response, ResponseBody, ResponsePayload};
use hanrig_wire::gbcs::{Content, Envelope, cs08, decode_content};
use hanrig_wire::time::Instant;
use hanrig_wire::types::FirmwareVersion;

/// A message and when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// When it came.
    pub at: Instant,
    /// The message.
    pub response: Response,
}

impl Received {
    /// The DCC Alert, if it is one.
    pub const fn dcc_alert(&self) -> Option<&DccAlertMessage> {
        match &self.response.body {
            ResponseBody::DccAlertMessage(alert) => Some(alert),
            _ => None,
        }
    }

    /// What an answer to a Service Request holds, if it is one.
    pub const fn payload(&self) -> Option<&ResponsePayload> {
        match &self.response.body {
            ResponseBody::ResponseMessage(message) => Some(&message.payload),
            _ => None,
        }
    }

    /// What a Device answered to a Service Request, if this is such an answer and can be read.
    pub fn device_response(&self) -> Option<Content> {
        let ResponsePayload::GbcsPayload(octets) = self.payload()? else { return None };
        decode_content(Envelope::parse(octets).ok()?.message()).ok()
    }

    /// The version that a Device told on SRV 11.2, if this is such an answer: whatever the use case.
    pub fn firmware_version_read(&self) -> Option<FirmwareVersion> {
        match self.device_response()? {
            Content::Cs08Response(response) => {
                (response.outcome == cs08::ReadOutcome::Success).then_some(response.version)
            }
            Content::Ecs52Response(response) => response.version.ok(),
            Content::Gcs38Response(response) => response.version.ok(),
            _ => None,
        }
    }
}

/// What a Supplier got from the DCC.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    messages: Vec<Received>,
}

impl Inbox {
    /// All messages, in the order in which they came.
    pub fn messages(&self) -> &[Received] {
        &self.messages
    }

    /// The answers to a Service Request: the synchronous one first.
    pub fn answers(&self, request: RequestId) -> impl Iterator<Item = &Received> {
        self.messages.iter().filter(move |received| received.response.request_id == Some(request))
    }

    /// The DCC Alerts, in the order in which they came.
    pub fn dcc_alerts(&self) -> impl Iterator<Item = &DccAlertMessage> {
        self.messages.iter().filter_map(Received::dcc_alert)
    }

    /// The DCC Alerts with a code.
    pub fn alerts(&self, code: DccAlertCode) -> impl Iterator<Item = &DccAlertMessage> {
        self.dcc_alerts().filter(move |alert| alert.code == code)
    }

    pub(super) fn receive(&mut self, now: Instant, response: Response) -> &Received {
        self.messages.push_mut(Received { at: now, response })
    }
}
