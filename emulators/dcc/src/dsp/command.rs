//! Commands on their way to Devices, and what Devices answer to them.

use super::audit::{AuditEntry, AuditEvent};
use super::codes::Outcome;
use super::faults::Fault;
use super::{Dsp, DspOutput};
use crate::data::CspRegion;
use crate::duis::{FutureDatedDeviceAlert, RequestId, ResponsePayload, ServiceReference};
use crate::gateway::{DspToCsp, GbcsMessage};
use hanrig_wire::gbcs::{self, Content, Cra, Envelope, Message, MessageCode, Supplementary, cs06, decode_content};
use hanrig_wire::time::Instant;
use hanrig_wire::types::{Eui64, FirmwareVersion};
use std::collections::{BTreeMap, BTreeSet};

/// What tells one Command from another: the Device, the originator and the originator's counter.
pub(super) type CommandKey = (Eui64, Eui64, u64);

/// A Command that a Device has not answered yet.
#[derive(Clone, Debug)]
pub(super) struct PendingCommand {
    pub(super) request_id: RequestId,
    pub(super) message_code: u16,
    /// Which Service Request it came of.
    pub(super) reference: ServiceReference,
    deadline: Instant,
}

/// The Commands without an answer.
#[derive(Debug, Default)]
pub(super) struct Commands {
    pending: BTreeMap<CommandKey, PendingCommand>,
    deadlines: BTreeSet<(Instant, CommandKey)>,
    /// Commands that Devices are to carry out later.
    future_dated: BTreeMap<CommandKey, PendingCommand>,
}

impl Commands {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    fn add(&mut self, key: CommandKey, command: PendingCommand) {
        self.deadlines.insert((command.deadline, key));
        self.pending.insert(key, command);
    }

    fn take(&mut self, key: CommandKey) -> Option<PendingCommand> {
        let command = self.pending.remove(&key)?;
        self.deadlines.remove(&(command.deadline, key));
        Some(command)
    }
}

/// The hub that a Command goes through, and whose CSP.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) hub: Eui64,
    pub(super) region: CspRegion,
}

impl Dsp {
    /// Sends a Command, and waits for its answer.
    pub(super) fn send_command(
        &mut self,
        route: Route,
        request_id: RequestId,
        reference: ServiceReference,
        message: &Message,
        octets: Vec<u8>,
    ) {
        let key = (message.recipient, message.originator, message.counter);
        let deadline = self.now + self.config.settings.response_timeout;
        let message_code = message.message_code;
        self.commands.add(key, PendingCommand { request_id, message_code, reference, deadline });
        let message = DspToCsp::Gbcs(GbcsMessage { hub: route.hub, octets });
        self.outputs.push_back(DspOutput::ToCsp { region: route.region, message });
    }

    /// A Device's response: checked, written to the SMI, passed to the User.
    pub(super) fn device_response(&mut self, gbcs: &GbcsMessage, envelope: &Envelope) -> Result<(), String> {
        let message = envelope.message();
        let device = message.originator;
        self.check_on_hub(device, gbcs.hub)?;
        let key = (device, message.recipient, message.counter);
        let Some(command) = self.commands.pending.get(&key).cloned() else {
            return Err(format!("response of {device} to no command that waits for one: {message}"));
        };
        let request_id = command.request_id;
        let critical =
            command.message_code == MessageCode::CS06 || MessageCode::sets_payment_mode(command.message_code);
        let party = Supplementary { remote_party: request_id.originator, counter: request_id.counter };
        let fits = message.supplementary == Some(party).filter(|_| !critical);
        if message.message_code != command.message_code || !fits {
            return Err(format!("response of {device} that does not fit its command: {message}"));
        }
        let keys = self.config.device_keys.get(&device).ok_or_else(|| format!("no key of {device} is held"))?;
        if critical {
            message.verify(&keys.signing).map_err(|e| format!("response of {device}: {e}"))?;
        } else {
            gbcs::check_mac(envelope, &self.config.key_agreement, &keys.key_agreement)
                .map_err(|e| format!("response of {device}: {e}"))?;
        }
        let content = decode_content(message).map_err(|e| format!("response of {device}: {e}"))?;
        self.commands.take(key);
        let entry = AuditEntry::new(AuditEvent::DeviceResponse).request(request_id).device(device);
        self.record(entry.detail(message.to_string()));
        let (version, is_read) = match content {
            Content::Cs06Response(response) => {
                self.activation_answered(request_id, response);
                match response {
                    cs06::Response::FutureDated => {
                        self.commands.future_dated.insert(key, command.clone());
                        (None, false)
                    }
                    cs06::Response::Immediate(outcome) => (Some(outcome.version), false),
                }
            }
            content if content.took_payment_mode().is_some() => {
                if self.faulty(Fault::PaymentModeNotPassedOn) {
                    return Ok(());
                }
                (None, false)
            }
            content => (read_version(&content), true),
        };
        if let Some(version) = version {
            let kept = if is_read { Fault::SmiKeptOnRead } else { Fault::SmiKeptOnActivateFirmware };
            if !self.faulty(kept) {
                self.update_smi(device, version);
            }
        }
        let users = if is_read { self.readers(request_id.originator) } else { self.activators(request_id.originator) };
        self.answer(users, &command, Outcome::Success, ResponsePayload::GbcsPayload(gbcs.octets.clone()));
        if let Some(version) = version.filter(|_| is_read) {
            self.check_version(request_id.originator, device, version);
        }
        Ok(())
    }

    /// 0x8F66, 0x8F67: what became of a Command that a Device was to carry out later.
    pub(super) fn future_dated_alert(
        &mut self,
        gbcs: &GbcsMessage,
        message: &Message,
        alert: &cs06::FutureDatedAlert,
    ) -> Result<(), String> {
        let device = message.originator;
        self.check_on_hub(device, gbcs.hub)?;
        let key = (device, message.recipient, alert.originator_counter);
        let Some(command) = self.commands.future_dated.remove(&key) else {
            return Err(format!("alert of {device} on no command that it was to carry out later: {message}"));
        };
        let entry = AuditEntry::new(AuditEvent::DeviceAlert).request(command.request_id).device(device);
        let failed = alert.outcome.result != cs06::ActivationResult::Success;
        let entry = entry.alert(alert.alert_code, failed.then_some(alert.outcome.result as u8));
        self.record(entry.detail(message.to_string()));
        self.activation_answered(command.request_id, cs06::Response::Immediate(alert.outcome));
        if !self.faulty(Fault::SmiKeptOnActivateFirmware) {
            self.update_smi(device, alert.outcome.version);
        }
        let payload = ResponsePayload::FutureDatedDeviceAlertMessage(FutureDatedDeviceAlert {
            alert_code: alert.alert_code,
            gbcs_payload: gbcs.octets.clone(),
            instruction_number: 1,
            total_command_instructions: 1,
        });
        let users = self.activators(command.request_id.originator);
        self.answer(users, &command, Outcome::Success, payload);
        Ok(())
    }

    fn answer(&mut self, users: Vec<Eui64>, command: &PendingCommand, outcome: Outcome, payload: ResponsePayload) {
        let response = self.response(Some(command.request_id), Some(command.reference.clone()), outcome, payload);
        for user in users {
            self.outputs.push_back(DspOutput::ToUser { user, xml: response.to_xml() });
        }
    }

    /// Tells the Users whose Devices did not answer in time.
    pub(super) fn expire_commands(&mut self) {
        while let Some((deadline, key)) = self.commands.deadlines.first().copied()
            && deadline <= self.now
        {
            let Some(command) = self.commands.take(key) else { return };
            let entry = AuditEntry::new(AuditEvent::NoDeviceResponse).request(command.request_id).device(key.0);
            self.record(entry);
            self.activation_unanswered(command.request_id);
            let users = self.readers(command.request_id.originator);
            self.answer(users, &command, Outcome::NoDeviceResponse, ResponsePayload::None);
        }
    }

    /// A Command of the Access Control Broker in the name of a User, by the Unknown Remote Party pattern (FIA 3.2.3).
    pub(super) fn unknown_remote_party_command(
        &mut self,
        request_id: RequestId,
        message_code: u16,
        content: impl FnOnce(u64) -> Vec<u8>,
    ) -> Message {
        let counter = self.next_counter();
        Message {
            cra: Cra::Command,
            counter,
            originator: self.config.eui,
            recipient: request_id.target,
            date_time: None,
            message_code,
            supplementary: Some(Supplementary { remote_party: request_id.originator, counter: request_id.counter }),
            content: content(counter),
            signature: None,
        }
    }
}

/// The version that a response to a read tells, if it does.
fn read_version(content: &Content) -> Option<FirmwareVersion> {
    match content {
        Content::Cs08Response(response) if response.outcome == gbcs::cs08::ReadOutcome::Success => {
            Some(response.version)
        }
        Content::Ecs52Response(response) => response.version.ok(),
        Content::Gcs38Response(response) => response.version.ok(),
        _ => None,
    }
}
