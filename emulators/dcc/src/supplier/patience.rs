//! When a Supplier sends again to a Device (FIA 4.13, and the Modification Report's guidance): it reads the firmware version
//! first, waits for the Alerts that an update brings, and leaves five days between attempts (SUP-05, SUP-06).

use super::Supplier;
use super::faults::Fault;
use crate::duis::{
    DccAlert, DccAlertCode, Request, RequestId, Response, ResponseBody, ResponsePayload, ServiceRequest,
};
use crate::settings::DAY;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;
use std::collections::BTreeMap;

/// The least time between two attempts to update a Device.
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(5 * DAY.as_secs());
/// How long a Device that did not tell its version is left alone: a month of 30 days.
const AFTER_NO_ANSWER: Duration = Duration::from_secs(30 * DAY.as_secs());

/// What is to be done about an update of a Device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Send it.
    Send,
    /// Read the firmware version first (SRV 11.2).
    ReadVersion,
    /// An answer to SRV 11.2 is awaited.
    AwaitVersion,
    /// An Alert on the update before is awaited.
    AwaitAlert,
    /// Wait until then: the last attempt is too recent, or the Device did not tell its version.
    Wait(Instant),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    /// N62, or word that nothing was sent, is awaited.
    Transfer,
    /// N39 is awaited.
    Activation,
    /// Nothing is.
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    Asked,
    Answered,
    Unanswered(Instant),
}

/// What a Supplier knows of the Devices that it has sent to.
#[derive(Clone, Debug, Default)]
pub(super) struct Patience {
    attempts: BTreeMap<Eui64, (Instant, Attempt)>,
    reads: BTreeMap<Eui64, Read>,
    /// The Devices of the updates that were sent, and whether they are PPMIDs, which tell of their activation.
    updates: BTreeMap<RequestId, (Vec<Eui64>, bool)>,
}

impl Supplier {
    /// Notes that a request was sent.
    pub fn note_sent(&mut self, now: Instant, request: &Request) {
        let patience = &mut self.patience;
        match &request.body {
            ServiceRequest::UpdateFirmware(update) | ServiceRequest::UpdatePpmidFirmware(update) => {
                for device in &update.device_id_list {
                    patience.attempts.insert(*device, (now, Attempt::Transfer));
                    // The next update wants another look.
                    patience.reads.remove(device);
                }
                let ppmids = matches!(request.body, ServiceRequest::UpdatePpmidFirmware(_));
                patience.updates.insert(request.request_id, (update.device_id_list.clone(), ppmids));
            }
            ServiceRequest::ReadFirmwareVersion => {
                patience.reads.insert(request.request_id.target, Read::Asked);
            }
            ServiceRequest::UpdatePaymentMode(_)
            | ServiceRequest::ReadInventory { .. }
            | ServiceRequest::ActivateFirmware { .. }
            | ServiceRequest::SignedPreCommand { .. } => {}
        }
    }

    /// What is to be done about an update of a Device at `now`.
    pub fn advice(&self, now: Instant, device: Eui64) -> Advice {
        if let Some((sent, attempt)) = self.patience.attempts.get(&device) {
            if *attempt != Attempt::Over && !self.faults.has(Fault::SendsWithoutWaiting) {
                return Advice::AwaitAlert;
            }
            let next = *sent + BETWEEN_ATTEMPTS;
            if now < next && !self.faults.has(Fault::SendsWithinFiveDays) {
                return Advice::Wait(next);
            }
        }
        if self.faults.has(Fault::SendsWithoutReading) {
            return Advice::Send;
        }
        match self.patience.reads.get(&device) {
            None => Advice::ReadVersion,
            Some(Read::Asked) => Advice::AwaitVersion,
            Some(Read::Answered) => Advice::Send,
            Some(Read::Unanswered(at)) => {
                let next = *at + AFTER_NO_ANSWER;
                if now < next && !self.faults.has(Fault::ReadsAgainAtOnce) {
                    Advice::Wait(next)
                } else {
                    Advice::ReadVersion
                }
            }
        }
    }
}

impl Patience {
    /// Takes in what came from the DCC.
    pub(super) fn receive(&mut self, now: Instant, response: &Response) {
        match &response.body {
            ResponseBody::ResponseMessage(message) => {
                let Some(id) = response.request_id else { return };
                let refused = response.response_code.is_error();
                match &message.payload {
                    ResponsePayload::DspUpdateFirmwareWarning(warning)
                    | ResponsePayload::DspUpdatePpmidFirmwareWarning(warning) => {
                        let listed: Vec<Eui64> =
                            warning.lists().iter().flat_map(|(_, list)| list.iter().copied()).collect();
                        self.over(&listed);
                    }
                    ResponsePayload::GbcsPayload(_) if self.reads.get(&id.target) == Some(&Read::Asked) => {
                        self.reads.insert(id.target, Read::Answered);
                    }
                    _ if refused => {
                        if let Some(read) = self.reads.get_mut(&id.target) {
                            *read = Read::Unanswered(now);
                        }
                        let (devices, _) = self.updates.get(&id).cloned().unwrap_or_default();
                        self.over(&devices);
                    }
                    _ => {}
                }
            }
            ResponseBody::DccAlertMessage(alert) => match (&alert.code, &alert.alert) {
                (DccAlertCode::N60, body) | (_, body @ DccAlert::FirmwareDistributionFailure(_)) => {
                    self.over(&body.devices());
                }
                (_, DccAlert::FirmwareTransferStatus(status)) => {
                    let delivered = status.transfer_response_code == 0;
                    let activates = self.updates.get(&status.request_id).is_some_and(|(_, ppmids)| *ppmids);
                    if let Some((_, attempt)) = self.attempts.get_mut(&status.device_id) {
                        let awaits = delivered && activates && *attempt == Attempt::Transfer;
                        *attempt = if awaits { Attempt::Activation } else { Attempt::Over };
                    }
                }
                (_, DccAlert::PpmidAlert(alert)) => self.over(&[alert.device_id]),
                _ => {}
            },
            ResponseBody::DeviceAlertMessage(_) => {}
        }
    }

    fn over(&mut self, devices: &[Eui64]) {
        for device in devices {
            if let Some((_, attempt)) = self.attempts.get_mut(device) {
                *attempt = Attempt::Over;
            }
        }
    }
}
