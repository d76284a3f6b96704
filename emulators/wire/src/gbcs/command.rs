//! What a Device checks of a Command before it carries it out.
//!
//! The Access Control Broker's MAC is on every Command that reaches a Device, whoever is its originator; a Critical
//! Command has the originator's signature as well. [`Device::authenticate`] checks what does not depend on the use case:
//! format, recipient, originator, signature, MAC and, last, the counter, so that nobody but the originator can use up its
//! counters.

use super::{AlertCode, ContentError, check_mac, seal};
use super::{Cra, Envelope, MacError, Message, MessageError, PublicKey, SecretKey, VerifyError, VerifyingKey};
use crate::types::Eui64;
use alloc::vec::Vec;

/// The Access Control Broker, as a Device knows it from its certificate.
#[derive(Clone, Debug)]
pub struct AccessControlBroker {
    /// Entity identifier.
    pub eui64: Eui64,
    /// Key agreement key.
    pub key_agreement: PublicKey,
}

/// Who may have originated a Command.
#[derive(Clone, Copy, Debug)]
pub struct Originator<'a> {
    /// Entity identifier.
    pub eui64: Eui64,
    /// The key that its signature has to verify with, where the Command has to be signed.
    pub signing_key: Option<&'a VerifyingKey>,
    /// The highest of its counters that was taken.
    pub last_counter: Option<u64>,
}

/// Why a Command is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// It is no GBCS message.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// It is for somebody else.
    #[error("it is for {0}")]
    Recipient(Eui64),
    /// It is a Response or an Alert.
    #[error("it is no command, but a {0}")]
    NoCommand(Cra),
    /// Its originator is none of those whose Commands the Device takes.
    #[error("{0} has no authority for it")]
    Originator(Eui64),
    /// Its signature is not the originator's.
    #[error(transparent)]
    Signature(#[from] VerifyError),
    /// Its MAC is not the Access Control Broker's.
    #[error(transparent)]
    Mac(#[from] MacError),
    /// Its counter was taken before.
    #[error("its counter {0} was used before")]
    Counter(u64),
    /// The Device does not support the use case.
    #[error("use case {0:04X} is not supported")]
    UseCase(u16),
    /// Its content is not that of its use case.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl CommandError {
    /// The code of the Alert that tells of it; `None` where it is no business of the Device's, and is passed over.
    pub const fn alert_code(&self) -> Option<u16> {
        match self {
            Self::Recipient(_) | Self::NoCommand(_) => None,
            Self::Message(_) | Self::UseCase(_) | Self::Content(_) => Some(AlertCode::COMMAND_INTEGRITY_FAILED),
            Self::Originator(_) => Some(AlertCode::SOURCE_WITHOUT_AUTHORITY),
            Self::Signature(_) | Self::Mac(_) => Some(AlertCode::TRUSTED_SOURCE_AUTHENTICATION_FAILURE),
            Self::Counter(_) => Some(AlertCode::AUTHENTICATION_FAILED),
        }
    }
}

/// A Device, as the recipient of Commands.
#[derive(Clone, Copy, Debug)]
pub struct Device<'a> {
    /// Entity identifier.
    pub eui64: Eui64,
    /// Key agreement key.
    pub key_agreement: &'a SecretKey,
    /// Whose MAC is on Commands.
    pub broker: &'a AccessControlBroker,
}

impl Device<'_> {
    /// Checks the Command in `octets`. `originator` says of the message whether its originator may send it, and what of
    /// it has to be checked.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn authenticate<'o>(
        &self,
        octets: &[u8],
        originator: impl FnOnce(&Message) -> Option<Originator<'o>>,
    ) -> Result<Message, CommandError> {
        let envelope = Envelope::parse(octets)?;
        let command = envelope.message();
        if command.recipient != self.eui64 {
            return Err(CommandError::Recipient(command.recipient));
        }
        if command.cra != Cra::Command {
            return Err(CommandError::NoCommand(command.cra));
        }
        let from = originator(command).filter(|from| from.eui64 == command.originator);
        let from = from.ok_or(CommandError::Originator(command.originator))?;
        if let Some(key) = from.signing_key {
            command.verify(key)?;
        }
        check_mac(&envelope, self.key_agreement, &self.broker.key_agreement)?;
        if from.last_counter.is_some_and(|last| command.counter <= last) {
            return Err(CommandError::Counter(command.counter));
        }
        Ok(envelope.into_message())
    }

    /// The Response to a Command that is not critical: to whoever sent it, with a MAC for the holder of the key `peer`, who
    /// is the Access Control Broker.
    pub fn respond(&self, command: &Message, content: Vec<u8>, peer: &PublicKey) -> Vec<u8> {
        let response = Message {
            cra: Cra::Response,
            counter: command.counter,
            originator: self.eui64,
            recipient: command.originator,
            date_time: None,
            message_code: command.message_code,
            supplementary: command.supplementary,
            content,
            signature: None,
        };
        seal(&response, self.key_agreement, peer)
    }
}
