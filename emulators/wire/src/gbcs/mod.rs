//! GBCS messages of the firmware update use cases, and of the change of payment mode that goes with some updates.
//!
//! [`Envelope::parse`] reads any GBCS message: signed, with a MAC, or a Pre-Command. [`decode_content`] reads the content
//! of the use cases CS06, CS08, CCS08, CS09, ECS02, ECS03, ECS52, GCS02, GCS03 and GCS38 and of the Alerts that ESME, GSME
//! and HCALCS send beside them.
//! [`Message::sign`], [`Message::verify`], [`seal`] and [`check_mac`] do the cryptography; [`command`] has the checks that
//! a Device makes of a Command. What parses is emitted as the same octets again, and no input makes anything here panic.

pub mod ccs08;
mod codes;
pub mod command;
mod crypto;
pub mod cs06;
pub mod cs08;
pub mod cs09;
mod date_time;
pub mod device_alert;
pub mod ecs52;
mod fields;
pub mod gcs38;
pub mod gsme_payment_mode;
mod message;
pub mod payment_mode;

pub use ccs08::TransferResponseCode;
pub use codes::{AlertCode, MessageCode};
pub use crypto::{
    KeyError, MAC_LENGTH, MacError, MacKey, PublicKey, SIGNATURE_LENGTH, SecretKey, SharedSecret, SigningKey,
    VerifyError, VerifyingKey, check_mac, check_mac_with, mac, mac_key, seal, seal_with,
};
pub use cs09::ActivationOutcome;
pub use date_time::{cosem_date_time, utc_from_cosem_date_time};
pub use fields::ContentError;
pub use message::{Cra, Envelope, GENERAL_CIPHERING, GENERAL_SIGNING, Message, MessageError, Supplementary};
pub use payment_mode::{PaymentMode, Prepayment};

use crate::time::Utc;
use crate::types::DeviceType;
use alloc::vec::Vec;
use core::fmt;

/// The content of a message, read by its message code and CRA flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// CS06 Command.
    Cs06Command(cs06::Command),
    /// CS06 Response.
    Cs06Response(cs06::Response),
    /// CS06 Alert on a future-dated Command.
    Cs06FutureDatedAlert(cs06::FutureDatedAlert),
    /// CS08 Command.
    Cs08Command(cs08::Command),
    /// CS08 Response.
    Cs08Response(cs08::Response),
    /// CCS08 Alert.
    Ccs08Alert(ccs08::Alert),
    /// CS09 Alert.
    Cs09Alert(cs09::Alert),
    /// ECS02 or ECS03 Command.
    PaymentModeCommand(payment_mode::Command),
    /// ECS02 or ECS03 Response.
    PaymentModeResponse(payment_mode::Response),
    /// ECS52 Command.
    Ecs52Command(ecs52::Command),
    /// ECS52 Response.
    Ecs52Response(ecs52::Response),
    /// GCS02 or GCS03 Command.
    GsmePaymentModeCommand(gsme_payment_mode::Command),
    /// GCS02 or GCS03 Response.
    GsmePaymentModeResponse(gsme_payment_mode::Response),
    /// GCS38 Command.
    Gcs38Command(gcs38::Command),
    /// GCS38 Response.
    Gcs38Response(gcs38::Response),
    /// Generic Critical Alert, or Firmware Distribution Receipt Alert.
    DeviceAlert(device_alert::Alert),
    /// Content of a use case that this crate does not know, as it is.
    Unknown(Vec<u8>),
}

/// Reads a message's content. A use case that this crate does not know is no error; content that is not what its use
/// case says is.
pub fn decode_content(message: &Message) -> Result<Content, ContentError> {
    let content = message.content.as_slice();
    match (message.message_code, message.cra) {
        (MessageCode::CS06, Cra::Command) => cs06::Command::decode(content).map(Content::Cs06Command),
        (MessageCode::CS06, Cra::Response) => cs06::Response::decode(content).map(Content::Cs06Response),
        (MessageCode::CS06_FUTURE_DATED_ALERT, Cra::Alert) => {
            cs06::FutureDatedAlert::decode(content).map(Content::Cs06FutureDatedAlert)
        }
        (MessageCode::CS08, Cra::Command) => cs08::Command::decode(content).map(Content::Cs08Command),
        (MessageCode::CS08, Cra::Response) => cs08::Response::decode(content).map(Content::Cs08Response),
        (MessageCode::CCS08, Cra::Alert) => ccs08::Alert::decode(content).map(Content::Ccs08Alert),
        (MessageCode::CS09, Cra::Alert) => cs09::Alert::decode(content).map(Content::Cs09Alert),
        (MessageCode::ECS02, Cra::Command) => {
            payment_mode::Command::decode_credit(content).map(Content::PaymentModeCommand)
        }
        (MessageCode::ECS03, Cra::Command) => {
            payment_mode::Command::decode_prepayment(content).map(Content::PaymentModeCommand)
        }
        (code @ (MessageCode::ECS02 | MessageCode::ECS03), Cra::Response) => {
            payment_mode::Response::decode(code, content).map(Content::PaymentModeResponse)
        }
        (MessageCode::ECS52, Cra::Command) => ecs52::Command::decode(content).map(Content::Ecs52Command),
        (MessageCode::ECS52, Cra::Response) => ecs52::Response::decode(content).map(Content::Ecs52Response),
        (MessageCode::GCS02, Cra::Command) => {
            gsme_payment_mode::Command::decode_credit(content).map(Content::GsmePaymentModeCommand)
        }
        (MessageCode::GCS03, Cra::Command) => {
            gsme_payment_mode::Command::decode_prepayment(content).map(Content::GsmePaymentModeCommand)
        }
        (MessageCode::GCS02 | MessageCode::GCS03, Cra::Response) => {
            gsme_payment_mode::Response::decode(content).map(Content::GsmePaymentModeResponse)
        }
        (MessageCode::GCS38, Cra::Command) => gcs38::Command::decode(content).map(Content::Gcs38Command),
        (MessageCode::GCS38, Cra::Response) => gcs38::Response::decode(content).map(Content::Gcs38Response),
        (
            MessageCode::GENERIC_CRITICAL_ALERT
            | MessageCode::ESME_FIRMWARE_RECEIPT
            | MessageCode::GSME_FIRMWARE_RECEIPT,
            Cra::Alert,
        ) => device_alert::Alert::decode(content).map(Content::DeviceAlert),
        _ => Ok(Content::Unknown(message.content.clone())),
    }
}

impl Content {
    /// The Command that has a GSME, or else an ESME of one element, take a payment mode at once, of a message with this
    /// originator counter that is made now.
    pub fn set_payment_mode(device_type: DeviceType, counter: u64, now: Utc, mode: PaymentMode) -> Self {
        match device_type {
            DeviceType::Gsme => Self::GsmePaymentModeCommand(gsme_payment_mode::Command::new(now.to_zigbee(), mode)),
            _ => Self::PaymentModeCommand(payment_mode::Command::new(counter, mode)),
        }
    }

    /// Whether a Device has taken a payment mode, of a Response that says so or not.
    pub fn took_payment_mode(&self) -> Option<bool> {
        match self {
            Self::PaymentModeResponse(response) => Some(response.is_success()),
            Self::GsmePaymentModeResponse(response) => Some(response.is_success()),
            _ => None,
        }
    }

    /// The content's octets.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Cs06Command(content) => content.encode(),
            Self::Cs06Response(content) => content.encode(),
            Self::Cs06FutureDatedAlert(content) => content.encode(),
            Self::Cs08Command(content) => content.encode(),
            Self::Cs08Response(content) => content.encode(),
            Self::Ccs08Alert(content) => content.encode(),
            Self::Cs09Alert(content) => content.encode(),
            Self::PaymentModeCommand(content) => content.encode(),
            Self::PaymentModeResponse(content) => content.encode(),
            Self::Ecs52Command(content) => content.encode(),
            Self::Ecs52Response(content) => content.encode(),
            Self::GsmePaymentModeCommand(content) => content.encode(),
            Self::GsmePaymentModeResponse(content) => content.encode(),
            Self::Gcs38Command(content) => content.encode(),
            Self::Gcs38Response(content) => content.encode(),
            Self::DeviceAlert(content) => content.encode(),
            Self::Unknown(octets) => octets.clone(),
        }
    }

    /// The alert code, of an Alert.
    pub const fn alert_code(&self) -> Option<u16> {
        match self {
            Self::Cs06FutureDatedAlert(alert) => Some(alert.alert_code),
            Self::Ccs08Alert(alert) => Some(alert.alert_code),
            Self::Cs09Alert(alert) => Some(alert.alert_code),
            Self::DeviceAlert(alert) => Some(alert.alert_code),
            _ => None,
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cs06Command(content) => content.fmt(f),
            Self::Cs06Response(content) => content.fmt(f),
            Self::Cs06FutureDatedAlert(content) => content.fmt(f),
            Self::Cs08Command(content) => content.fmt(f),
            Self::Cs08Response(content) => content.fmt(f),
            Self::Ccs08Alert(content) => content.fmt(f),
            Self::Cs09Alert(content) => content.fmt(f),
            Self::PaymentModeCommand(content) => content.fmt(f),
            Self::PaymentModeResponse(content) => content.fmt(f),
            Self::Ecs52Command(content) => content.fmt(f),
            Self::Ecs52Response(content) => content.fmt(f),
            Self::GsmePaymentModeCommand(content) => content.fmt(f),
            Self::GsmePaymentModeResponse(content) => content.fmt(f),
            Self::Gcs38Command(content) => content.fmt(f),
            Self::Gcs38Response(content) => content.fmt(f),
            Self::DeviceAlert(content) => content.fmt(f),
            Self::Unknown(octets) => write!(f, "content of {} octets", octets.len()),
        }
    }
}

impl fmt::Display for Message {
    /// One line: use case, parties, counter and content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match MessageCode::name(self.message_code) {
            Some(name) => write!(f, "{name} {}", self.cra)?,
            None => write!(f, "message code 0x{:04X} {}", self.message_code, self.cra)?,
        }
        write!(f, " {} -> {}, counter {}", self.originator, self.recipient, self.counter)?;
        if let Some(supplementary) = &self.supplementary {
            write!(f, " (for {}, counter {})", supplementary.remote_party, supplementary.counter)?;
        }
        match decode_content(self) {
            Ok(content) => write!(f, ": {content}"),
            Err(error) => write!(f, ": malformed: {error}"),
        }
    }
}

impl fmt::Display for Envelope {
    /// The line of the message inside, and how it is protected.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)?;
        f.write_str(match (self, self.message().signature.is_some()) {
            (Self::PreCommand(_), _) => " [pre-command]",
            (Self::Plain(_), true) => " [signed]",
            (Self::Plain(_), false) => " [neither signature nor MAC]",
            (Self::Maced { .. }, true) => " [signed, MAC]",
            (Self::Maced { .. }, false) => " [MAC]",
        })
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, octets: &[u8]) -> fmt::Result {
    octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}

fn write_alert_code(f: &mut fmt::Formatter<'_>, code: u16) -> fmt::Result {
    write!(f, "0x{code:04X}")?;
    AlertCode::name(code).map_or(Ok(()), |name| write!(f, " ({name})"))
}
