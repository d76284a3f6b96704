//! The GBCS messages that a PPMID answers and sends: CS08 and CS09.

use crate::config::PpmidConfig;
use crate::faults::{Fault, Faults};
use crate::state::ActivationReport;
use alloc::vec::Vec;
use hanrig_wire::gbcs::command::{CommandError, Device, Originator};
use hanrig_wire::gbcs::{AlertCode, Cra, Message, cs08, cs09};
use hanrig_wire::time::Utc;
use hanrig_wire::types::FirmwareVersion;

/// A command that was carried out.
pub(crate) struct Answered {
    /// The broker's counter, which must not come again.
    pub(crate) counter: u64,
    pub(crate) response: Vec<u8>,
}

/// Answers a Command of the Access Control Broker; `last` is the highest of its counters taken before.
pub(crate) fn answer(
    config: &PpmidConfig,
    faults: &Faults,
    octets: &[u8],
    last: Option<u64>,
    running: FirmwareVersion,
) -> Result<Answered, CommandError> {
    let broker = &config.access_control_broker;
    let device = Device { eui64: config.eui64, key_agreement: &config.key_agreement, broker };
    let from = Originator { eui64: broker.eui64, signing_key: None, last_counter: last };
    let mut command = device.authenticate(octets, |_| Some(from))?;
    if command.message_code != cs08::MESSAGE_CODE {
        return Err(CommandError::UseCase(command.message_code));
    }
    cs08::Command::decode(&command.content)?;
    let mut content = cs08::Response { version: running, outcome: cs08::ReadOutcome::Success };
    faults.spoil_answer(&mut content, config.factory_version);
    if faults.has(Fault::AnswersWithoutSupplier) {
        command.supplementary = None;
    }
    let peer = faults.spoil_peer(broker.key_agreement, config.key_agreement.public_key());
    Ok(Answered { counter: command.counter, response: device.respond(&command, content.encode(), &peer) })
}

/// The signed Alert that tells of an activation (PPMID-06).
pub(crate) fn activation_alert(
    config: &PpmidConfig,
    faults: &Faults,
    report: ActivationReport,
    counter: u64,
    utc: Utc,
) -> Vec<u8> {
    let mut content = cs09::Alert {
        alert_code: AlertCode::FIRMWARE_ACTIVATION,
        time: utc,
        version: report.version,
        outcome: report.outcome(),
    };
    faults.spoil_alert(&mut content, config.factory_version);
    let mut message = Message {
        cra: Cra::Alert,
        counter,
        originator: config.eui64,
        recipient: faults.spoil_recipient(config.access_control_broker.eui64, config.eui64),
        date_time: None,
        message_code: cs09::MESSAGE_CODE,
        supplementary: None,
        content: content.encode(),
        signature: None,
    };
    message.sign(&config.signing_key);
    faults.spoil_signature(&mut message);
    message.emit()
}
