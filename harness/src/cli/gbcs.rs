//! `hanrig gbcs`: reads GBCS messages.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use hanrig_wire::gbcs::{
    AlertCode, Content, Cra, Envelope, Message, MessageCode, MessageError, check_mac, cs06, decode_content, ecs52,
    gcs38, gsme_payment_mode, payment_mode, utc_from_cosem_date_time,
};
use hanrig_wire::types::Eui64;
use serde_json::{Value, json};

use super::keys::{self, PartyKeys};
use super::{Failure, listing, output};
use crate::exit::ExitCode;
use crate::input::{MAX_HEX, Source};

/// Commands on GBCS messages.
#[derive(Debug, Subcommand)]
pub(super) enum GbcsCommand {
    /// Show every field of a GBCS message, and check its signature and MAC where the keys allow
    #[command(after_help = EXIT, after_long_help = JSON)]
    Decode(DecodeArgs),
}

const EXIT: &str = "Exits with 2 when the message or its content is malformed, or its signature or MAC is wrong.";

const JSON: &str = "\
Exits with 2 when the message or its content is malformed, or its signature or MAC is wrong.

Fields of --json (texts with 0x are hexadecimal; fields in brackets may be missing):
  octets                length of the message
  form                  pre_command, signed, mac, signed_mac or bare
  cra                   command, response or alert
  originator_counter    number
  originator            entity identifier, [originator_role] as the keys have it
  recipient             entity identifier, [recipient_role]
  [date_time]           octets (COSEM date-time), [utc]
  message_code, [use_case]
  [supplementary]       remote_party, counter
  content               octets (hexadecimal), then the use case's fields, or [problem]
  [signature]           octets, check (verified, wrong or not_checked), [signer], [missing]
  [mac]                 octets, check (as above), [maker], [checker], [missing]

A file of keys is TOML: [[party]] with eui, role, and any of ds_public, ds_private, ka_public and ka_private in hexadecimal
(points in SEC1 form, scalars of 32 octets). The role \"Access Control Broker\" tells whose ka key makes a MAC for Users.";

/// Arguments of `hanrig gbcs decode`.
#[derive(Debug, Args)]
pub(super) struct DecodeArgs {
    /// The message in hexadecimal, of at most 1 MiB; white space is passed over; - for standard input
    hex: String,
    /// Keys of the parties, in TOML
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Input that is no GBCS message.
#[derive(Debug, thiserror::Error)]
enum NotGbcs {
    #[error("{digits} hexadecimal digits; expected an even number, two to an octet")]
    Odd { digits: usize },
    #[error("character {at} is {found:?}; expected a hexadecimal digit")]
    Digit { at: usize, found: char },
    #[error("a message of more than {MAX_HEX} characters; expected at most that many")]
    TooLong,
    #[error("not a GBCS message")]
    Message(#[source] MessageError),
}

/// What in a message that could be read is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("; "))]
struct Wrong(Vec<String>);

pub(super) fn run(command: &GbcsCommand) -> Result<ExitCode, Failure> {
    let GbcsCommand::Decode(args) = command;
    let parties = match &args.keys {
        Some(path) => keys::parties(path).map_err(Failure::input)?,
        None => BTreeMap::new(),
    };
    let text = match args.hex.as_str() {
        "-" => Source::Stdin.read_text(MAX_HEX).map_err(Failure::input)?,
        text if text.len() as u64 > MAX_HEX => return Err(Failure::input(NotGbcs::TooLong)),
        text => text.to_owned(),
    };
    let octets = octets(&text).map_err(Failure::input)?;
    let envelope = Envelope::parse(&octets).map_err(|error| Failure::input(NotGbcs::Message(error)))?;
    let (value, wrong) = describe(&envelope, octets.len(), &parties);
    if args.json {
        output::print_json(&value)?
    } else {
        output::print(&listing::render(&value))?
    }
    if wrong.is_empty() { Ok(ExitCode::Passed) } else { Err(Failure::input(Wrong(wrong))) }
}

fn octets(text: &str) -> Result<Vec<u8>, NotGbcs> {
    let mut digits = Vec::with_capacity(text.len());
    for (index, found) in text.chars().enumerate() {
        match found.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) {
            Some(digit) => digits.push(digit),
            None if found.is_whitespace() => {}
            None => return Err(NotGbcs::Digit { at: index + 1, found }),
        }
    }
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(NotGbcs::Odd { digits: digits.len() });
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// A message of `octets` octets as `gbcs decode` shows it, and what is wrong with it.
pub(super) fn describe(
    envelope: &Envelope,
    octets: usize,
    parties: &BTreeMap<Eui64, PartyKeys>,
) -> (Value, Vec<String>) {
    let message = envelope.message();
    let form = match (envelope, message.signature.is_some()) {
        (Envelope::PreCommand(_), _) => "pre_command",
        (Envelope::Plain(_), true) => "signed",
        (Envelope::Plain(_), false) => "bare",
        (Envelope::Maced { .. }, true) => "signed_mac",
        (Envelope::Maced { .. }, false) => "mac",
    };
    let mut value = json!({
        "octets": octets,
        "form": form,
        "cra": message.cra.to_string(),
        "originator_counter": message.counter,
    });
    let mut wrong = Vec::new();
    let mut put = |key: &str, field: Value| {
        if let Value::Object(fields) = &mut value {
            fields.insert(key.to_owned(), field);
        }
    };
    for (field, eui) in [("originator", message.originator), ("recipient", message.recipient)] {
        put(field, eui.to_string().into());
        if let Some(role) = parties.get(&eui).map(|keys| &keys.role).filter(|role| !role.is_empty()) {
            put(&format!("{field}_role"), role.as_str().into());
        }
    }
    if let Some(date_time) = &message.date_time {
        let mut field = json!({ "octets": hex::encode(date_time) });
        if let (Some(utc), Value::Object(fields)) = (utc_from_cosem_date_time(date_time), &mut field) {
            fields.insert("utc".to_owned(), utc.to_string().into());
        }
        put("date_time", field);
    }
    put("message_code", format!("{:#06x}", message.message_code).into());
    if let Some(name) = MessageCode::name(message.message_code) {
        put("use_case", name.into());
    }
    if let Some(supplementary) = message.supplementary {
        let party = supplementary.remote_party.to_string();
        put("supplementary", json!({ "remote_party": party, "counter": supplementary.counter }));
    }
    put("content", content(message, &mut wrong));
    if let Some(signature) = &message.signature {
        put("signature", check_signature(message, signature, parties, &mut wrong));
    }
    if let Envelope::Maced { mac, .. } = envelope {
        put("mac", check_the_mac(envelope, message, mac, parties, &mut wrong));
    }
    (value, wrong)
}

/// An entity identifier, with its role where that is known.
fn party(eui: Eui64, parties: &BTreeMap<Eui64, PartyKeys>) -> String {
    match parties.get(&eui).map(|keys| keys.role.as_str()) {
        None | Some("") => eui.to_string(),
        Some(role) => format!("{eui} ({role})"),
    }
}

fn content(message: &Message, wrong: &mut Vec<String>) -> Value {
    let mut value = json!({ "octets": hex::encode(&message.content) });
    let fields = match decode_content(message) {
        Ok(content) => content_fields(&content),
        Err(error) => {
            wrong.push(format!("the content is malformed: {error}"));
            json!({ "problem": error.to_string() })
        }
    };
    if let (Value::Object(value), Value::Object(fields)) = (&mut value, fields) {
        value.extend(fields);
    }
    value
}

fn alert_code(code: u16) -> String {
    format!("{code:#06x}")
}

fn content_fields(content: &Content) -> Value {
    match content {
        Content::Cs06Command(command) => json!({
            "firmware_hash": hex::encode(command.hash),
            "originator_counter": command.originator_counter,
            "execution_date_time": command.execution.map_or_else(|| "at once".to_owned(), |time| time.to_string()),
        }),
        Content::Cs06Response(cs06::Response::FutureDated) => {
            json!({ "outcome": "future-dated, to follow in an alert" })
        }
        Content::Cs06Response(cs06::Response::Immediate(outcome)) => json!({
            "outcome": outcome.result.to_string(),
            "firmware_version": outcome.version.to_string(),
        }),
        Content::Cs06FutureDatedAlert(alert) => json!({
            "alert_code": alert_code(alert.alert_code),
            "alert": AlertCode::name(alert.alert_code),
            "time": alert.time.to_string(),
            "originator_counter": alert.originator_counter,
            "outcome": alert.outcome.result.to_string(),
            "firmware_version": alert.outcome.version.to_string(),
        }),
        Content::Cs08Command(_) | Content::Ecs52Command(_) | Content::Gcs38Command(_) => {
            json!({ "asks_for": "the firmware version" })
        }
        Content::Cs08Response(response) => json!({
            "firmware_version": response.version.to_string(),
            "outcome": response.outcome.to_string(),
        }),
        Content::Ecs52Response(ecs52::Response { version, .. }) => match version {
            Ok(version) => json!({ "firmware_version": version.to_string(), "outcome": "success" }),
            Err(result) => json!({ "outcome": "failure", "data_access_result": result }),
        },
        Content::Gcs38Response(gcs38::Response { version }) => match version {
            Ok(version) => json!({ "firmware_version": version.to_string(), "outcome": "success" }),
            Err(status) => json!({ "outcome": "failure", "zcl_status": format!("{status:#04x}") }),
        },
        Content::PaymentModeCommand(command) => json!({
            "payment_mode": command.mode.to_string(),
            "twin_element": command.twin,
            "at_once": command.time == payment_mode::AT_ONCE,
        }),
        Content::GsmePaymentModeCommand(command) => json!({
            "payment_mode": command.mode.to_string(),
            "issuer_event_id": command.issuer_event_id,
            "at_once": command.time == gsme_payment_mode::AT_ONCE,
        }),
        Content::GsmePaymentModeResponse(response) => match response.outcome {
            Ok(terms) => json!({
                "outcome": "success",
                "friendly_credit": terms.friendly_credit,
                "friendly_credit_calendar_id": terms.friendly_credit_calendar_id,
                "emergency_credit_limit": terms.emergency_credit_limit,
                "emergency_credit_threshold": terms.emergency_credit_threshold,
            }),
            Err(status) => json!({ "outcome": "failure", "status": status }),
        },
        Content::PaymentModeResponse(response) => json!({
            "outcome": if response.is_success() { "success" } else { "failure" },
            "data_access_results": response.results,
        }),
        Content::Ccs08Alert(alert) => json!({
            "alert_code": alert_code(alert.alert_code),
            "alert": AlertCode::name(alert.alert_code),
            "time": alert.time.to_string(),
            "target": alert.target.to_string(),
            "firmware_version": alert.version.to_string(),
            "transfer_response_code": alert.transfer_response_code as u8,
            "transfer_response": alert.transfer_response_code.to_string(),
        }),
        Content::Cs09Alert(alert) => json!({
            "alert_code": alert_code(alert.alert_code),
            "alert": AlertCode::name(alert.alert_code),
            "time": alert.time.to_string(),
            "firmware_version": alert.version.to_string(),
            "outcome": alert.outcome.to_string(),
        }),
        Content::DeviceAlert(alert) => {
            let mut fields = json!({
                "alert_code": alert_code(alert.alert_code),
                "alert": AlertCode::name(alert.alert_code),
                "time": alert.time.to_string(),
            });
            if let Some(hash) = alert.hash {
                fields["firmware_hash"] = hex::encode(hash).into();
            }
            fields
        }
        Content::Unknown(_) => json!({}),
    }
}

/// The originator signs, whoever else handles the message.
fn check_signature(
    message: &Message,
    signature: &[u8],
    parties: &BTreeMap<Eui64, PartyKeys>,
    wrong: &mut Vec<String>,
) -> Value {
    let signer = party(message.originator, parties);
    let octets = hex::encode(signature);
    match parties.get(&message.originator).and_then(|keys| keys.ds) {
        None => json!({
            "octets": octets,
            "check": "not_checked",
            "missing": [format!("ds_public of {signer}")],
        }),
        Some(key) => {
            let check = match message.verify(&key) {
                Ok(()) => "verified",
                Err(_) => {
                    wrong.push(format!("the signature is not that of {signer}"));
                    "wrong"
                }
            };
            json!({ "octets": octets, "check": check, "signer": message.originator.to_string() })
        }
    }
}

/// Who may have made the MAC, and who checks it: the Device is one of them, and the other is the party itself or the Access
/// Control Broker in its stead (GBCS 6.2).
fn mac_pairs(message: &Message, parties: &BTreeMap<Eui64, PartyKeys>) -> Vec<(Eui64, Eui64)> {
    let brokers = parties.iter().filter(|(_, keys)| keys.role == "Access Control Broker").map(|(eui, _)| *eui);
    let (originator, recipient) = (message.originator, message.recipient);
    let mut pairs = vec![(originator, recipient)];
    for broker in brokers {
        let pair = match message.cra {
            Cra::Command => (broker, recipient),
            Cra::Response | Cra::Alert => (originator, broker),
        };
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    pairs
}

fn check_the_mac(
    envelope: &Envelope,
    message: &Message,
    mac: &[u8],
    parties: &BTreeMap<Eui64, PartyKeys>,
    wrong: &mut Vec<String>,
) -> Value {
    let octets = hex::encode(mac);
    let mut missing: Vec<String> = Vec::new();
    let mut tried = false;
    for (maker, checker) in mac_pairs(message, parties) {
        let (made, checked) = (parties.get(&maker), parties.get(&checker));
        let private = |keys: Option<&PartyKeys>| keys.and_then(|keys| keys.ka_private.clone());
        let public = |keys: Option<&PartyKeys>| keys.and_then(|keys| keys.ka_public);
        let pair = private(made).zip(public(checked)).or_else(|| private(checked).zip(public(made)));
        let Some((own, peer)) = pair else {
            missing.extend(missing_of(maker, checker, parties));
            continue;
        };
        tried = true;
        if check_mac(envelope, &own, &peer).is_ok() {
            let (maker, checker) = (maker.to_string(), checker.to_string());
            return json!({ "octets": octets, "check": "verified", "maker": maker, "checker": checker });
        }
    }
    missing.dedup();
    if tried && missing.is_empty() {
        wrong.push("the MAC is that of none of the parties whose keys are known".to_owned());
        return json!({ "octets": octets, "check": "wrong" });
    }
    json!({ "octets": octets, "check": "not_checked", "missing": missing })
}

/// The keys without which a MAC between two parties cannot be checked.
fn missing_of(maker: Eui64, checker: Eui64, parties: &BTreeMap<Eui64, PartyKeys>) -> Vec<String> {
    let has_private = |eui| parties.get(&eui).is_some_and(|keys| keys.ka_private.is_some());
    let has_public = |eui| parties.get(&eui).is_some_and(|keys| keys.ka_public.is_some());
    let mut missing: Vec<String> = [maker, checker]
        .into_iter()
        .filter(|&eui| !has_public(eui))
        .map(|eui| format!("ka_public of {}", party(eui, parties)))
        .collect();
    if !has_private(maker) && !has_private(checker) {
        missing.push(format!("ka_private of {} or {}", party(maker, parties), party(checker, parties)));
    }
    missing
}
