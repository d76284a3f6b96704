//! `hanrig duis`: reads DUIS messages and checks their signatures.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use hanrig_dcc::duis::{self, DccAlert, DuisError, DuisMessage, ResponseBody, ResponsePayload, ServiceRequest};
use hanrig_wire::gbcs::Envelope;
use hanrig_wire::ota_file;
use serde_json::{Value, json};

use super::{Failure, gbcs, listing, ota, output, protection};
use crate::exit::ExitCode;
use crate::input::{MAX_DUIS, Source};

/// Commands on DUIS messages.
#[derive(Debug, Subcommand)]
pub(super) enum DuisCommand {
    /// Show what is in a DUIS message: Service Request, Service Response, Device Alert or DCC Alert
    #[command(after_long_help = JSON)]
    Decode(DecodeArgs),
    /// Check the XML signature of a DUIS message and the certificate that it rests on
    #[command(after_long_help = protection::JSON)]
    Verify(protection::VerifyArgs),
}

const JSON: &str = "\
XML signatures are shown; `hanrig duis verify` checks them.

Fields of --json:
  message        the message, its fields named as in DUIS; octets are in base64
  ota_file       when the message carries an image: as of `hanrig ota inspect --json`, or a problem
  gbcs_message   when the message carries a GBCS message: as of `hanrig gbcs decode --json`, or a problem";

/// Arguments of `hanrig duis decode`.
#[derive(Debug, Args)]
pub(super) struct DecodeArgs {
    /// DUIS message in XML, of at most 8 MiB, or - for standard input
    file: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// A file that is no DUIS message.
#[derive(Debug, thiserror::Error)]
#[error("{name}")]
struct NotDuis {
    name: String,
    #[source]
    source: DuisError,
}

pub(super) fn run(command: &DuisCommand) -> Result<ExitCode, Failure> {
    match command {
        DuisCommand::Decode(args) => decode(args),
        DuisCommand::Verify(args) => protection::run(args),
    }
}

fn decode(args: &DecodeArgs) -> Result<ExitCode, Failure> {
    let source = Source::from(args.file.as_path());
    let document = source.read(MAX_DUIS).map_err(Failure::input)?;
    let limit = usize::try_from(MAX_DUIS).unwrap_or(usize::MAX);
    let message = duis::read_from(document.as_slice(), limit)
        .map_err(|error| Failure::input(NotDuis { name: source.name(), source: error }))?;
    let value = describe(&message).map_err(Failure::rig)?;
    if args.json {
        output::print_json(&value)?
    } else {
        output::print(&listing::render(&value))?
    }
    Ok(ExitCode::Passed)
}

fn describe(message: &DuisMessage) -> serde_json::Result<Value> {
    let mut value = json!({ "message": serde_json::to_value(message)? });
    if let Value::Object(fields) = &mut value {
        if let Some(image) = image(message) {
            let field = match ota_file::inspect(image) {
                Ok(file) => ota::describe(&file, image.len()),
                Err(error) => json!({ "problem": error.to_string() }),
            };
            fields.insert("ota_file".to_owned(), field);
        }
        if let Some(payload) = gbcs_payload(message) {
            let field = match Envelope::parse(payload) {
                Ok(envelope) => gbcs::describe(&envelope, payload.len(), &BTreeMap::new()).0,
                Err(error) => json!({ "problem": error.to_string() }),
            };
            fields.insert("gbcs_message".to_owned(), field);
        }
    }
    Ok(value)
}

/// The image that a message carries.
const fn image(message: &DuisMessage) -> Option<&Vec<u8>> {
    match message {
        DuisMessage::Request(request) => match &request.body {
            ServiceRequest::UpdateFirmware(update) | ServiceRequest::UpdatePpmidFirmware(update) => {
                Some(&update.firmware_image)
            }
            _ => None,
        },
        DuisMessage::Response(_) => None,
    }
}

/// The GBCS message that a message carries.
const fn gbcs_payload(message: &DuisMessage) -> Option<&Vec<u8>> {
    let response = match message {
        DuisMessage::Request(request) => {
            return match &request.body {
                ServiceRequest::SignedPreCommand { gbcs_payload } => Some(gbcs_payload),
                _ => None,
            };
        }
        DuisMessage::Response(response) => response,
    };
    match &response.body {
        ResponseBody::ResponseMessage(response) => match &response.payload {
            ResponsePayload::GbcsPayload(payload) => Some(payload),
            ResponsePayload::PreCommand(pre_command) => Some(&pre_command.gbcs_payload),
            ResponsePayload::FutureDatedDeviceAlertMessage(alert) => Some(&alert.gbcs_payload),
            _ => None,
        },
        ResponseBody::DeviceAlertMessage(alert) => Some(&alert.gbcs_payload),
        ResponseBody::DccAlertMessage(alert) => match &alert.alert {
            DccAlert::PpmidAlert(alert) => Some(&alert.gbcs_payload),
            DccAlert::FirmwareTransferStatus(status) => Some(&status.gbcs_payload),
            _ => None,
        },
    }
}
