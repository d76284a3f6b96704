//! The GBCS messages that a Device takes and sends.

use crate::config::{DeviceConfig, Kind};
use crate::faults::{Fault, Faults};
use crate::state::{Report, State};
use alloc::vec::Vec;
use hanrig_wire::gbcs::command::{CommandError, Device, Originator};
use hanrig_wire::gbcs::{
    AlertCode, Content, ContentError, Cra, Envelope, Message, MessageCode, PaymentMode, cosem_date_time, cs06, cs08,
    decode_content, device_alert, ecs52, gcs38, gsme_payment_mode, payment_mode,
};
use hanrig_wire::time::Utc;

/// A Command that passed all checks.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Activate(cs06::Command),
    SetPaymentMode(Message, NewMode),
    ReadVersion(Message),
}

/// The payment mode that a Command is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewMode {
    pub(crate) mode: PaymentMode,
    /// Whether it is to be taken at once, and by such a Device: not later, and by no twin element meter.
    pub(crate) at_once: bool,
}

/// Checks a Command and notes its counter, so that it is not taken again.
pub(crate) fn take(
    config: &DeviceConfig,
    faults: &Faults,
    state: &mut State,
    octets: &[u8],
) -> Result<Command, CommandError> {
    let broker = &config.access_control_broker;
    let supplier = &config.supplier;
    let device = Device { eui64: config.eui64, key_agreement: &config.key_agreement, broker };
    let sets_mode = |message: &Message| MessageCode::sets_payment_mode(message.message_code);
    let takes_any = |message: &Message| sets_mode(message) && faults.has(Fault::TakesAnyPaymentMode);
    let critical = |message: &Message| message.message_code == cs06::MESSAGE_CODE || sets_mode(message);
    let originator = |message: &Message| {
        // The Access Control Broker may ask, for a User that the Device does not know. It may not activate.
        if !critical(message) && message.originator == broker.eui64 {
            return Some(Originator { eui64: broker.eui64, signing_key: None, last_counter: state.broker_counter });
        }
        let anyone = faults.has(Fault::ObeysAnySupplier) || takes_any(message);
        let unsigned = anyone || faults.has(Fault::IgnoresSignature);
        Some(Originator {
            eui64: if anyone { message.originator } else { supplier.eui64 },
            signing_key: Some(&supplier.signing_key).filter(|_| critical(message) && !unsigned),
            last_counter: state.supplier_counter.filter(|last| {
                let alone = faults.has(Fault::RefusesLastCounterAlone) && message.counter != *last;
                !faults.has(Fault::ObeysReplays) && !alone
            }),
        })
    };
    let message = match device.authenticate(octets, originator) {
        Err(CommandError::Mac(error)) => {
            let message = Envelope::parse(octets)?.into_message();
            if !faults.has(Fault::IgnoresMac) && !takes_any(&message) {
                return Err(CommandError::Mac(error));
            }
            message
        }
        other => other?,
    };
    if message.originator == broker.eui64 {
        state.broker_counter = Some(message.counter);
    } else {
        state.supplier_counter = state.supplier_counter.max(Some(message.counter));
    }
    match message.message_code {
        cs06::MESSAGE_CODE => {
            let command = cs06::Command::decode(&message.content)?;
            if command.originator_counter != message.counter {
                return Err(CommandError::Content(ContentError::Value {
                    what: "CS06 command",
                    field: "originator counter",
                    offset: HASH_END,
                    expected: "the counter of the message",
                    found: command.originator_counter,
                }));
            }
            Ok(Command::Activate(command))
        }
        code if MessageCode::sets_payment_mode(code) => {
            let mode = new_mode(config.kind, &message)?;
            Ok(Command::SetPaymentMode(message, mode))
        }
        code if reads_version(config.kind, code) => {
            match code {
                ecs52::MESSAGE_CODE => drop(ecs52::Command::decode(&message.content)?),
                gcs38::MESSAGE_CODE => drop(gcs38::Command::decode(&message.content)?),
                _ => drop(cs08::Command::decode(&message.content)?),
            }
            Ok(Command::ReadVersion(message))
        }
        other => Err(CommandError::UseCase(other)),
    }
}

/// The mode of a Command by one of the use cases of SRV 1.6, that of this kind of Device.
fn new_mode(kind: Kind, message: &Message) -> Result<NewMode, CommandError> {
    match (kind, decode_content(message)?) {
        (Kind::Esme, Content::PaymentModeCommand(command)) if command.is_of(message.counter) => {
            let at_once = command.time == payment_mode::AT_ONCE && !command.twin;
            Ok(NewMode { mode: command.mode, at_once })
        }
        (Kind::Esme, Content::PaymentModeCommand(command)) => {
            let [a, b, c] = command.invoke_id;
            Err(CommandError::Content(ContentError::Value {
                what: "payment mode command",
                field: "invoke identifier",
                offset: ACCESS_REQUEST_TAG,
                expected: "the counter of the message",
                found: u64::from(u32::from_be_bytes([0, a, b, c])),
            }))
        }
        (Kind::Gsme, Content::GsmePaymentModeCommand(command)) => {
            Ok(NewMode { mode: command.mode, at_once: command.time == gsme_payment_mode::AT_ONCE })
        }
        _ => Err(CommandError::UseCase(message.message_code)),
    }
}

/// Whether it is by this use case that a Device of this kind tells its version. Which one the DCC uses is its choice (I-11).
const fn reads_version(kind: Kind, message_code: u16) -> bool {
    match message_code {
        cs08::MESSAGE_CODE => true,
        ecs52::MESSAGE_CODE => matches!(kind, Kind::Esme | Kind::Hcalcs),
        gcs38::MESSAGE_CODE => matches!(kind, Kind::Gsme),
        _ => false,
    }
}

/// Where the counter starts in the content of a CS06 Command: after the SEQUENCE's head and the Hash.
const HASH_END: usize = 36;

/// Where the invoke identifier starts in the content of an ECS02 or ECS03 Command.
const ACCESS_REQUEST_TAG: usize = 2;

/// The answer to a Command that asks for the version: the one that runs.
pub(crate) fn answer_version(config: &DeviceConfig, faults: &Faults, state: &State, command: &Message) -> Vec<u8> {
    let broker = &config.access_control_broker;
    let device = Device { eui64: config.eui64, key_agreement: &config.key_agreement, broker };
    let factory = faults.has(Fault::AnswersFactoryVersion);
    let version = if factory { config.factory_version } else { state.running.version };
    let content = match command.message_code {
        ecs52::MESSAGE_CODE => ecs52::Response::new(command.counter, Some(version)).encode(),
        gcs38::MESSAGE_CODE => gcs38::Response::new(Some(version)).encode(),
        _ => cs08::Response { version, outcome: cs08::ReadOutcome::Success }.encode(),
    };
    device.respond(command, content, &broker.key_agreement)
}

/// A message to the Supplier, signed.
fn to_supplier(config: &DeviceConfig, cra: Cra, counter: u64, message_code: u16, content: Vec<u8>) -> Message {
    Message {
        cra,
        counter,
        originator: config.eui64,
        recipient: config.supplier.eui64,
        date_time: None,
        message_code,
        supplementary: None,
        content,
        signature: None,
    }
}

fn signed(config: &DeviceConfig, mut message: Message) -> Vec<u8> {
    message.sign(&config.signing_key);
    message.emit()
}

/// The answer to CS06; `utc` as far as it is known.
pub(crate) fn answer_activation(
    config: &DeviceConfig,
    command: &cs06::Command,
    response: &cs06::Response,
    utc: Option<Utc>,
) -> Vec<u8> {
    let counter = command.originator_counter;
    let message = to_supplier(config, Cra::Response, counter, cs06::MESSAGE_CODE, response.encode());
    signed(config, Message { date_time: utc.map(cosem_date_time), ..message })
}

/// The answer to a Command of SRV 1.6: whether its mode was taken; `utc` as far as it is known.
pub(crate) fn answer_payment_mode(
    config: &DeviceConfig,
    faults: &Faults,
    command: &Message,
    mode: PaymentMode,
    taken: bool,
    utc: Option<Utc>,
) -> Vec<u8> {
    let content = match config.kind {
        Kind::Gsme => {
            let failure = gsme_payment_mode::Response::HARDWARE_FAILURE;
            let outcome = if taken { Ok(gsme_payment_mode::Terms::default()) } else { Err(failure) };
            gsme_payment_mode::Response { outcome }.encode()
        }
        _ => payment_mode::Response::new(command.counter, mode, taken).encode(),
    };
    let message = to_supplier(config, Cra::Response, command.counter, command.message_code, content);
    let message = Message { date_time: utc.map(cosem_date_time), ..message };
    if faults.has(Fault::AnswersPaymentModeUnsigned) { message.emit() } else { signed(config, message) }
}

/// The Alert that tells what came of a future-dated CS06 Command.
pub(crate) fn future_dated_alert(
    config: &DeviceConfig,
    counter: u64,
    command_counter: u64,
    outcome: cs06::Outcome,
    utc: Utc,
) -> Vec<u8> {
    let done = outcome.result == cs06::ActivationResult::Success;
    let content = cs06::FutureDatedAlert {
        alert_code: if done { AlertCode::FUTURE_DATED_SUCCESS } else { AlertCode::FUTURE_DATED_FAILURE },
        time: utc,
        originator_counter: command_counter,
        outcome,
    };
    let code = cs06::FUTURE_DATED_ALERT_MESSAGE_CODE;
    signed(config, to_supplier(config, Cra::Alert, counter, code, content.encode()))
}

/// Any other Alert.
pub(crate) fn alert(config: &DeviceConfig, counter: u64, report: Report, utc: Utc) -> Vec<u8> {
    let Report { alert_code, hash } = report;
    let content = device_alert::Alert { dialect: config.kind.dialect(), alert_code, time: utc, hash };
    signed(config, to_supplier(config, Cra::Alert, counter, content.message_code(), content.encode()))
}
