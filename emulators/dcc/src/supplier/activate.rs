//! SRV 11.3 and SRV 1.6: the Supplier checks that the Pre-Command is what it asked for, and signs it.

use super::Supplier;
use super::faults::Fault;
use crate::duis::{Request, RequestId, Response, ResponseBody, ResponsePayload, ServiceRequest};
use crate::hash::FirmwareHash;
use hanrig_wire::gbcs::{
    Content, ContentError, Cra, Message, MessageError, PaymentMode, cs06, decode_content, gsme_payment_mode,
    payment_mode,
};
use hanrig_wire::time::Utc;
use hanrig_wire::types::{DeviceType, Eui64};

/// Why a Supplier does not sign a Pre-Command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreCommandRefusal {
    /// It answers no request of this Supplier that waits for one.
    #[error("{0:?} answers no SRV 11.3 or 1.6 that waits for a Pre-Command")]
    NotAsked(Option<RequestId>),
    /// The response holds no Pre-Command.
    #[error("response code {0}, and no Pre-Command")]
    None(String),
    /// It is no GBCS message.
    #[error("the Pre-Command is no GBCS message: {0}")]
    Message(MessageError),
    /// Its content is not that of its use case.
    #[error("the Pre-Command is not the command that was asked for: {0}")]
    Content(ContentError),
    /// It is not what was asked for.
    #[error("the Pre-Command's {field} is {found}, expected {expected}")]
    Correlation {
        /// What is wrong.
        field: &'static str,
        /// What it says.
        found: String,
        /// What was asked for.
        expected: String,
    },
}

fn same<T: PartialEq + std::fmt::Debug>(field: &'static str, found: T, expected: T) -> Result<(), PreCommandRefusal> {
    if found == expected {
        return Ok(());
    }
    Err(PreCommandRefusal::Correlation { field, found: format!("{found:?}"), expected: format!("{expected:?}") })
}

/// What a Supplier asked a Pre-Command for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    /// SRV 11.3: Hash and execution date-time.
    Activation(FirmwareHash, Option<Utc>),
    /// SRV 1.6, at once.
    PaymentMode(DeviceType, PaymentMode),
}

impl Asked {
    const fn message_code(self) -> u16 {
        match self {
            Self::Activation(..) => cs06::MESSAGE_CODE,
            Self::PaymentMode(device_type, mode) => mode.message_code(device_type),
        }
    }

    /// Compares the content of the Pre-Command, whose message has this counter.
    fn check(self, message: &Message, counter: u64) -> Result<(), PreCommandRefusal> {
        match (self, decode_content(message).map_err(PreCommandRefusal::Content)?) {
            (Self::Activation(hash, at), Content::Cs06Command(command)) => {
                same("hash", FirmwareHash(command.hash), hash)?;
                same("originator counter", command.originator_counter, counter)?;
                // GBCS has whole seconds.
                let seconds = |time: Option<Utc>| time.map(Utc::unix_seconds);
                same("execution date-time", seconds(command.execution), seconds(at))
            }
            // Which event it is, the DCC says.
            (Self::PaymentMode(_, mode), Content::GsmePaymentModeCommand(command)) => {
                same("command", command, gsme_payment_mode::Command::new(command.issuer_event_id, mode))
            }
            (Self::PaymentMode(_, mode), content) => {
                same("command", content, Content::PaymentModeCommand(payment_mode::Command::new(counter, mode)))
            }
            (_, content) => same("command", content.to_string(), "that of SRV 11.3".to_owned()),
        }
    }
}

impl Supplier {
    /// SRV 1.6: have an ESME or a GSME take a payment mode at once. The answer is a Pre-Command, for
    /// [`Supplier::sign_pre_command`].
    pub fn update_payment_mode(&mut self, device: Eui64, device_type: DeviceType, mode: PaymentMode) -> Request {
        let request = self.request(device, ServiceRequest::UpdatePaymentMode(mode));
        self.asked.insert(request.request_id, Asked::PaymentMode(device_type, mode));
        request
    }

    /// SRV 11.3: activate the image with a Hash, at once or later. The answer is a Pre-Command, for
    /// [`Supplier::sign_pre_command`].
    pub fn activate_firmware(&mut self, device: Eui64, hash: FirmwareHash, at: Option<Utc>) -> Request {
        let request = self.request(device, ServiceRequest::ActivateFirmware { execution_date_time: at, hash });
        self.asked.insert(request.request_id, Asked::Activation(hash, at));
        request
    }

    /// Checks the Pre-Command that answers SRV 11.3 or SRV 1.6 against the request, and signs it. What comes of it goes to
    /// the DCC as the second step.
    ///
    /// # Errors
    ///
    /// The first thing that is not as it was asked for; nothing is to be sent then.
    pub fn sign_pre_command(&mut self, response: &Response) -> Result<Request, PreCommandRefusal> {
        let id = response.request_id.ok_or(PreCommandRefusal::NotAsked(None))?;
        let asked = *self.asked.get(&id).ok_or(PreCommandRefusal::NotAsked(Some(id)))?;
        let ResponseBody::ResponseMessage(message) = &response.body else {
            return Err(PreCommandRefusal::None(response.response_code.to_string()));
        };
        let ResponsePayload::PreCommand(pre_command) = &message.payload else {
            return Err(PreCommandRefusal::None(response.response_code.to_string()));
        };
        let mut message = Message::parse_pre_command(&pre_command.gbcs_payload).map_err(PreCommandRefusal::Message)?;
        if !self.faults.has(Fault::SignsUnchecked) {
            same("direction", message.cra, Cra::Command)?;
            same("message code", message.message_code, asked.message_code())?;
            same("originator", message.originator, id.originator)?;
            same("recipient", message.recipient, id.target)?;
            same("counter", message.counter, id.counter)?;
            same("supplementary remote party", message.supplementary, None)?;
            asked.check(&message, id.counter)?;
        }
        message.sign(&self.config.signing_key);
        self.asked.remove(&id);
        Ok(self.signed(Request::new(id, ServiceRequest::SignedPreCommand { gbcs_payload: message.emit() })))
    }
}
