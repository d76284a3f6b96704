//! SRV 11.3 'Activate Firmware': a Critical Command. The request becomes a Pre-Command, which goes back to the sender to
//! be checked and signed; the Signed Pre-Command gets the Access Control Broker's MAC and goes to the Device.

use super::Dsp;
use super::codes::{Outcome, Refusal};
use super::command::Route;
use super::faults::Fault;
use crate::data::{SmiDevice, SmiStatus};
use crate::duis::{PreCommand, RequestId, ResponsePayload, ServiceRequest};
use crate::hash::FirmwareHash;
use hanrig_wire::gbcs::{self, Content, Cra, Envelope, Message, cs06, decode_content};
use hanrig_wire::time::Utc;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use serde::Serialize;

/// The GBCS version of a Pre-Command for a Device whose firmware is not on the CPL.
const GBCS_VERSION: &str = "4.1";

/// One line of RSAT_004 'Firmware Activations Service Request Report'.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Activation {
    /// The Service Request.
    pub request_id: RequestId,
    /// The Device.
    pub device: Eui64,
    /// Its type.
    pub device_type: DeviceType,
    /// Hash of the image that is to be activated.
    pub hash: FirmwareHash,
    /// When the Command was sent to the Device.
    #[serde(serialize_with = "crate::duis::time_text")]
    pub sent: Utc,
    /// When the Device is to activate; at once where there is none.
    #[serde(serialize_with = "crate::duis::optional_time_text")]
    pub execution: Option<Utc>,
    /// What is known of its outcome.
    pub outcome: ActivationState,
    /// The version that the Device runs, where it told.
    pub firmware_version: Option<FirmwareVersion>,
}

/// How far an activation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ActivationState {
    /// The Device has not answered yet.
    Sent,
    /// The Device is going to activate at the time that it was told.
    Scheduled,
    /// The Device did not answer in time.
    NoDeviceResponse,
    /// The Device runs the image.
    Success,
    /// The Device holds no image.
    NoImageHeld,
    /// The Device holds an image with another Hash.
    HashMismatch,
    /// The Device could not install the image.
    ActivationFailure,
}

impl ActivationState {
    /// As GBCS spells the outcome of CS06, and the other states likewise.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Scheduled => "scheduled",
            Self::NoDeviceResponse => "noDeviceResponse",
            Self::Success => "success",
            Self::NoImageHeld => "noImageHeld",
            Self::HashMismatch => "hashMismatch",
            Self::ActivationFailure => "activationFailure",
        }
    }
}

impl From<cs06::ActivationResult> for ActivationState {
    fn from(result: cs06::ActivationResult) -> Self {
        match result {
            cs06::ActivationResult::Success => Self::Success,
            cs06::ActivationResult::NoImageHeld => Self::NoImageHeld,
            cs06::ActivationResult::HashMismatch => Self::HashMismatch,
            cs06::ActivationResult::ActivationFailure => Self::ActivationFailure,
        }
    }
}

impl Dsp {
    /// A Device to which a User wants to send a Command, and the way to it.
    pub(super) fn command_target(
        &self,
        sender: Eui64,
        target: Eui64,
        request: &ServiceRequest,
    ) -> Result<(&SmiDevice, Route), Refusal> {
        let Some(device) = self.data.smi.devices.get(&target) else {
            return Err(Refusal::new(Outcome::UnknownDevice, format!("{target} is not in the SMI")));
        };
        if !self.is_for(request, device.device_type) {
            let (device_type, reference) = (device.device_type, request.service_reference());
            let detail = format!("{target} is of type {device_type}, which SRV {reference} is not for");
            return Err(Refusal::new(Outcome::DeviceTypeNotApplicable, detail));
        }
        if device.status != SmiStatus::Commissioned {
            return Err(Refusal::new(Outcome::DeviceStatus, format!("{target} is {}", device.status)));
        }
        let Some(hub) = device.hub.and_then(|hub| self.data.hubs.get(&hub)) else {
            return Err(Refusal::new(Outcome::DeviceStatus, format!("{target} is associated with no hub")));
        };
        if !self.may_command(sender, device.device_type, hub.id) {
            let detail = format!("{sender} is not the Responsible Supplier of {target} on hub {}", hub.id);
            return Err(Refusal::new(Outcome::NotResponsible, detail));
        }
        Ok((device, Route { hub: hub.id, region: hub.region }))
    }

    /// SRV 11.3, first step: the Pre-Command.
    pub(super) fn activate_firmware(
        &mut self,
        sender: Eui64,
        request_id: RequestId,
        hash: FirmwareHash,
        execution: Option<Utc>,
    ) -> Result<(Outcome, ResponsePayload), Refusal> {
        let request = ServiceRequest::ActivateFirmware { execution_date_time: execution, hash };
        let (device, _) = self.command_target(sender, request_id.target, &request)?;
        if execution.is_some_and(|time| time <= self.utc(self.now)) {
            let detail = "the execution date-time is not in the future";
            return Err(Refusal::new(Outcome::ExecutionTime, detail));
        }
        let gbcs_version = self.gbcs_version(device);
        let counter = request_id.counter;
        let content = cs06::Command { hash: self.transformed(hash).0, originator_counter: counter, execution };
        let message = Message {
            cra: Cra::Command,
            counter,
            originator: sender,
            recipient: request_id.target,
            date_time: None,
            message_code: cs06::MESSAGE_CODE,
            supplementary: None,
            content: content.encode(),
            signature: None,
        };
        Ok(self.pre_command(request_id, gbcs_version, message))
    }

    /// The GBCS version of a Pre-Command for a Device.
    pub(super) fn gbcs_version(&self, device: &SmiDevice) -> String {
        let entry = self.data.cpl.entry(device.device_model(), device.firmware_version);
        let listed = entry.map(|entry| entry.gbcs_version.clone()).filter(|version| !version.is_empty());
        listed.unwrap_or_else(|| GBCS_VERSION.to_owned())
    }

    /// A Critical Command as the Pre-Command that goes back to the User, from now on waited for.
    pub(super) fn pre_command(
        &mut self,
        request_id: RequestId,
        gbcs_version: String,
        message: Message,
    ) -> (Outcome, ResponsePayload) {
        let gbcs_payload = message.emit_pre_command();
        self.pre_commands.insert(request_id, message);
        (Outcome::Success, ResponsePayload::PreCommand(PreCommand { gbcs_version, gbcs_payload }))
    }

    /// SRV 11.3 and SRV 1.6, second step: the Signed Pre-Command gets its MAC and goes to the Device.
    pub(super) fn signed_pre_command(
        &mut self,
        sender: Eui64,
        request_id: RequestId,
        payload: &[u8],
    ) -> Result<(Outcome, ResponsePayload), Refusal> {
        let mismatch = |detail: String| Refusal::new(Outcome::SignedPreCommand, detail);
        let Some(expected) = self.pre_commands.get(&request_id) else {
            let detail = format!("no Pre-Command of {request_id} waits to be signed");
            return Err(Refusal::new(Outcome::SignedPreCommand, detail));
        };
        let message = match Envelope::parse(payload) {
            Ok(Envelope::Plain(message)) => message,
            Ok(_) => return Err(mismatch("not a signed message without a MAC".to_owned())),
            Err(e) => return Err(mismatch(format!("not a GBCS message: {e}"))),
        };
        if message.emit_pre_command() != expected.emit_pre_command() && !self.faulty(Fault::SignedPreCommandUnchecked) {
            return Err(mismatch(format!("not the Pre-Command that was sent: {message}")));
        }
        let content = decode_content(&message).map_err(|e| mismatch(e.to_string()))?;
        if !self.faulty(Fault::SignedPreCommandUnchecked) {
            let unverified = |detail: String| Refusal::new(Outcome::ProtectionNotVerified, detail);
            let key = self.config.user_keys.get(&sender);
            let key = key.ok_or_else(|| unverified(format!("no signing key of {sender} is held")))?;
            message.verify(key).map_err(|e| unverified(format!("Signed Pre-Command of {sender}: {e}")))?;
        }
        // Responsibility and status may have changed since the Pre-Command was made.
        let request = ServiceRequest::SignedPreCommand { gbcs_payload: payload.to_vec() };
        let (device, route) = self.command_target(sender, request_id.target, &request)?;
        let device_type = device.device_type;
        let Some(keys) = self.config.device_keys.get(&request_id.target) else {
            let detail = format!("no key of {} is held", request_id.target);
            return Err(Refusal::new(Outcome::DeviceStatus, detail));
        };
        let octets = gbcs::seal(&message, &self.command_key(), &keys.key_agreement);
        self.pre_commands.remove(&request_id);
        self.send_command(route, request_id, request.reference(), &message, octets);
        if let Content::Cs06Command(command) = content {
            self.activations.push(Activation {
                request_id,
                device: request_id.target,
                device_type,
                hash: FirmwareHash(command.hash),
                sent: self.utc(self.now),
                execution: command.execution,
                outcome: ActivationState::Sent,
                firmware_version: None,
            });
        }
        Ok((Outcome::Acknowledged, ResponsePayload::None))
    }

    /// A Device has said how the activation went, or that it will be later.
    pub(super) fn activation_answered(&mut self, request_id: RequestId, response: cs06::Response) {
        let (state, version) = match response {
            cs06::Response::FutureDated => (ActivationState::Scheduled, None),
            cs06::Response::Immediate(outcome) => (outcome.result.into(), Some(outcome.version)),
        };
        self.set_activation(request_id, state, version);
    }

    pub(super) fn activation_unanswered(&mut self, request_id: RequestId) {
        self.set_activation(request_id, ActivationState::NoDeviceResponse, None);
    }

    fn set_activation(&mut self, request_id: RequestId, state: ActivationState, version: Option<FirmwareVersion>) {
        if let Some(activation) = self.activations.iter_mut().rfind(|activation| activation.request_id == request_id) {
            activation.outcome = state;
            activation.firmware_version = version;
        }
    }
}
