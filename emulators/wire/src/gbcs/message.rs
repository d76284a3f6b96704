//! The GBCS message: grouping header, message code, content and signature, and the MAC around it.
//!
//! ```text
//! DF 09 | CRA | originator counter (8) | 08 originator (8) | 08 recipient (8) | date-time length, 00 or 0C [date-time]
//!    | length of other information | message code (2) [supplementary party (8), supplementary counter (8)]
//!    | length of content | content | signature length, 00 or 40 [signature (64)]
//! DD 00 00 00 00 00 00 | length of all that follows | 11 00 00 00 00 | DF ... | MAC (12)
//! ```
//!
//! Multi-octet numbers are big-endian, lengths are those of BER in their shortest form. Only what is emitted is accepted,
//! so a message that parses is emitted as the same octets again. A Pre-Command, which the sender of a Critical Command
//! has yet to sign, ends after the content. It is the only message that another one begins
//! with: the same Command, whose signature follows.

use super::crypto::{MAC_LENGTH, SIGNATURE_LENGTH, SigningKey, VerifyError, VerifyingKey};
use crate::types::Eui64;
use alloc::vec::Vec;
use core::fmt;

/// First octet of a message that is signed, or can be: general-signing.
pub const GENERAL_SIGNING: u8 = 0xDF;
/// First octet of a message with a MAC: general-ciphering.
pub const GENERAL_CIPHERING: u8 = 0xDD;

/// Length of CRA flag and originator counter together.
const TRANSACTION_ID_LENGTH: u8 = 9;
/// Where the CRA flag is in a message without a MAC.
const CRA_OFFSET: usize = 2;
const EUI_LENGTH: u8 = 8;
const DATE_TIME_LENGTH: u8 = 12;
/// Other information that is the message code alone.
const OTHER_INFO_LENGTH: usize = 2;
/// Other information with a supplementary remote party and its counter.
const OTHER_INFO_SUPPLEMENTARY_LENGTH: usize = 18;
/// Security control octet and invocation counter.
const SECURITY_HEADER: [u8; 5] = [0x11, 0, 0, 0, 0];

/// Command, Response or Alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Cra {
    /// A Command.
    Command = 1,
    /// A Response.
    Response = 2,
    /// An Alert.
    Alert = 3,
}

impl fmt::Display for Cra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Command => "command",
            Self::Response => "response",
            Self::Alert => "alert",
        })
    }
}

/// The party behind the Access Control Broker in the Unknown Remote Party pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Supplementary {
    /// The party, such as the Supplier that asked.
    pub remote_party: Eui64,
    /// That party's originator counter.
    pub counter: u64,
}

/// A GBCS message without what a MAC adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Command, Response or Alert.
    pub cra: Cra,
    /// The originator's counter; a Response repeats its Command's.
    pub counter: u64,
    /// Business originator.
    pub originator: Eui64,
    /// Business target.
    pub recipient: Eui64,
    /// When the message was made, as a COSEM date-time, where the use case has the Device say so.
    pub date_time: Option<[u8; 12]>,
    /// Which use case: see [`MessageCode`](super::MessageCode).
    pub message_code: u16,
    /// The party that an Access Control Broker acts for.
    pub supplementary: Option<Supplementary>,
    /// The use case's content, DER for the use cases of this crate: see [`decode_content`](super::decode_content).
    pub content: Vec<u8>,
    /// ECDSA P-256 with SHA-256, `r || s`.
    pub signature: Option<[u8; SIGNATURE_LENGTH]>,
}

/// Why octets are not a GBCS message. Offsets count from the first octet given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The octets end too early.
    #[error("{field} at offset {offset} takes {needed} octets, but {available} are left")]
    Truncated {
        /// What was being read.
        field: &'static str,
        /// Where it starts.
        offset: usize,
        /// Octets it takes.
        needed: usize,
        /// Octets there are.
        available: usize,
    },
    /// An octet or a length is none of those that the format knows.
    #[error("{field} at offset {offset} is {found:#04X}, expected {expected}")]
    Unexpected {
        /// What was being read.
        field: &'static str,
        /// Where it is.
        offset: usize,
        /// Its value.
        found: u64,
        /// What would have been right.
        expected: &'static str,
    },
    /// A length is not in the shortest form, or takes more than four octets.
    #[error("{field} at offset {offset} is not a BER length in its shortest form, of at most 4 octets")]
    Length {
        /// Which length.
        field: &'static str,
        /// Where it starts.
        offset: usize,
    },
    /// Octets follow the message.
    #[error("the message ends at offset {offset}, but {count} octets follow")]
    Trailing {
        /// Where the message ends.
        offset: usize,
        /// How many octets there are beyond.
        count: usize,
    },
}

/// Takes fields off the front, and knows the offset for error messages.
struct Reader<'a> {
    octets: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, field: &'static str, needed: usize) -> Result<&'a [u8], MessageError> {
        let Some((taken, rest)) = self.octets.split_at_checked(needed) else {
            return Err(MessageError::Truncated { field, offset: self.offset, needed, available: self.octets.len() });
        };
        self.octets = rest;
        self.offset += needed;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], MessageError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(field, N)?);
        Ok(array)
    }

    fn octet(&mut self, field: &'static str) -> Result<u8, MessageError> {
        self.array(field).map(|[octet]| octet)
    }

    /// The offset of the octet just read.
    fn unexpected(&self, field: &'static str, found: u8, expected: &'static str) -> MessageError {
        MessageError::Unexpected { field, offset: self.offset.saturating_sub(1), found: found.into(), expected }
    }

    fn constant(&mut self, field: &'static str, value: u8, expected: &'static str) -> Result<(), MessageError> {
        match self.octet(field)? {
            found if found == value => Ok(()),
            found => Err(self.unexpected(field, found, expected)),
        }
    }

    fn eui(&mut self, length: &'static str, field: &'static str) -> Result<Eui64, MessageError> {
        self.constant(length, EUI_LENGTH, "0x08, an EUI-64 follows")?;
        self.array(field).map(Eui64::from_be_bytes)
    }

    /// A BER length in its shortest form.
    fn length(&mut self, field: &'static str) -> Result<usize, MessageError> {
        let wrong = MessageError::Length { field, offset: self.offset };
        let first = self.octet(field)?;
        if first < 0x80 {
            return Ok(first.into());
        }
        let count = usize::from(first & 0x7F);
        if count == 0 || count > 4 {
            return Err(wrong);
        }
        let value = self.take(field, count)?.iter().fold(0u64, |value, octet| value << 8 | u64::from(*octet));
        let smallest = if count == 1 { 0x80 } else { 1 << (8 * (count - 1)) };
        if value < smallest {
            return Err(wrong);
        }
        usize::try_from(value).map_err(|_| wrong)
    }

    fn end(&self) -> Result<(), MessageError> {
        match self.octets.len() {
            0 => Ok(()),
            count => Err(MessageError::Trailing { offset: self.offset, count }),
        }
    }
}

/// Appends a BER length in its shortest form.
fn push_length(octets: &mut Vec<u8>, length: usize) {
    if length < 0x80 {
        octets.push(length as u8);
        return;
    }
    let value = length.to_be_bytes();
    let skip = value.iter().take_while(|octet| **octet == 0).count();
    octets.push(0x80 | (value.len() - skip) as u8);
    octets.extend(value.iter().skip(skip));
}

impl Message {
    /// From all the octets of a message without a MAC, its signature length included.
    pub fn parse(octets: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader { octets, offset: 0 };
        let mut message = Self::parse_unsigned(&mut reader)?;
        message.signature = parse_signature(&mut reader)?;
        reader.end()?;
        Ok(message)
    }

    /// From all the octets of a Pre-Command: a Command that ends with its content. A Response or Alert that does is cut.
    pub fn parse_pre_command(octets: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader { octets, offset: 0 };
        let message = Self::parse_unsigned(&mut reader)?;
        if message.cra != Cra::Command {
            return Err(MessageError::Unexpected {
                field: "CRA flag",
                offset: CRA_OFFSET,
                found: message.cra as u64,
                expected: "1 (command), of which alone there are Pre-Commands",
            });
        }
        reader.end()?;
        Ok(message)
    }

    /// All up to the signature.
    fn parse_unsigned(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        reader.constant("message tag", GENERAL_SIGNING, "0xDF, general-signing")?;
        reader.constant("transaction identifier length", TRANSACTION_ID_LENGTH, "0x09")?;
        let cra = match reader.octet("CRA flag")? {
            1 => Cra::Command,
            2 => Cra::Response,
            3 => Cra::Alert,
            found => return Err(reader.unexpected("CRA flag", found, "1 (command), 2 (response) or 3 (alert)")),
        };
        let counter = u64::from_be_bytes(reader.array("originator counter")?);
        let originator = reader.eui("originator length", "originator")?;
        let recipient = reader.eui("recipient length", "recipient")?;
        let date_time = match reader.octet("date-time length")? {
            0 => None,
            DATE_TIME_LENGTH => Some(reader.array("date-time")?),
            found => return Err(reader.unexpected("date-time length", found, "0x00 or 0x0C")),
        };
        let offset = reader.offset;
        let other_info = reader.length("other information length")?;
        if other_info != OTHER_INFO_LENGTH && other_info != OTHER_INFO_SUPPLEMENTARY_LENGTH {
            return Err(MessageError::Unexpected {
                field: "other information length",
                offset,
                found: other_info as u64,
                expected: "0x02 (message code) or 0x12 (message code, supplementary party and counter)",
            });
        }
        let message_code = u16::from_be_bytes(reader.array("message code")?);
        let supplementary = if other_info == OTHER_INFO_SUPPLEMENTARY_LENGTH {
            Some(Supplementary {
                remote_party: Eui64::from_be_bytes(reader.array("supplementary remote party")?),
                counter: u64::from_be_bytes(reader.array("supplementary counter")?),
            })
        } else {
            None
        };
        let length = reader.length("content length")?;
        let content = reader.take("content", length)?.to_vec();
        Ok(Self {
            cra,
            counter,
            originator,
            recipient,
            date_time,
            message_code,
            supplementary,
            content,
            signature: None,
        })
    }

    /// The message's octets, with its signature or the note that there is none.
    pub fn emit(&self) -> Vec<u8> {
        let mut octets = self.emit_pre_command();
        match &self.signature {
            Some(signature) => {
                octets.push(SIGNATURE_LENGTH as u8);
                octets.extend_from_slice(signature);
            }
            None => octets.push(0),
        }
        octets
    }

    /// The message's octets as a Pre-Command: up to its content, whether it is signed or not.
    pub fn emit_pre_command(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(64 + self.content.len() + 1 + SIGNATURE_LENGTH + MAC_LENGTH);
        octets.extend_from_slice(&[GENERAL_SIGNING, TRANSACTION_ID_LENGTH, self.cra as u8]);
        octets.extend_from_slice(&self.counter.to_be_bytes());
        for party in [self.originator, self.recipient] {
            octets.push(EUI_LENGTH);
            octets.extend_from_slice(&party.to_be_bytes());
        }
        match &self.date_time {
            Some(date_time) => {
                octets.push(DATE_TIME_LENGTH);
                octets.extend_from_slice(date_time);
            }
            None => octets.push(0),
        }
        match &self.supplementary {
            Some(supplementary) => {
                push_length(&mut octets, OTHER_INFO_SUPPLEMENTARY_LENGTH);
                octets.extend_from_slice(&self.message_code.to_be_bytes());
                octets.extend_from_slice(&supplementary.remote_party.to_be_bytes());
                octets.extend_from_slice(&supplementary.counter.to_be_bytes());
            }
            None => {
                push_length(&mut octets, OTHER_INFO_LENGTH);
                octets.extend_from_slice(&self.message_code.to_be_bytes());
            }
        }
        push_length(&mut octets, self.content.len());
        octets.extend_from_slice(&self.content);
        octets
    }

    /// What a signature is made over: the message after its first octet, up to the content's end.
    pub fn signed_octets(&self) -> Vec<u8> {
        let mut octets = self.emit_pre_command();
        octets.remove(0);
        octets
    }

    /// Signs the message, in place of any signature it has.
    pub fn sign(&mut self, key: &SigningKey) {
        self.signature = Some(key.sign(&self.signed_octets()));
    }

    /// Checks the message's signature.
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), VerifyError> {
        let signature = self.signature.as_ref().ok_or(VerifyError::NotSigned)?;
        key.verify(&self.signed_octets(), signature)
    }
}

fn parse_signature(reader: &mut Reader<'_>) -> Result<Option<[u8; SIGNATURE_LENGTH]>, MessageError> {
    match reader.octet("signature length")? {
        0 => Ok(None),
        length if usize::from(length) == SIGNATURE_LENGTH => reader.array("signature").map(Some),
        found => Err(reader.unexpected("signature length", found, "0x00 (none) or 0x40")),
    }
}

/// A GBCS message as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// Without a MAC: a signed Response or Alert, or a signed Pre-Command on its way to the Access Control Broker.
    Plain(Message),
    /// With a MAC.
    Maced {
        /// The message inside.
        message: Message,
        /// The octets of the message inside, which the MAC is over.
        message_octets: Vec<u8>,
        /// The MAC.
        mac: [u8; MAC_LENGTH],
    },
    /// A Pre-Command that is not signed yet: a Command that ends with its content.
    PreCommand(Message),
}

impl Envelope {
    /// From all the octets of any GBCS message.
    pub fn parse(octets: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader { octets, offset: 0 };
        match octets.first() {
            Some(&GENERAL_CIPHERING) => Self::parse_maced(&mut reader),
            Some(&GENERAL_SIGNING) | None => {
                let mut message = Message::parse_unsigned(&mut reader)?;
                // Only a Command waits for its signature elsewhere; anything else that ends here is cut.
                if reader.octets.is_empty() && message.cra == Cra::Command {
                    return Ok(Self::PreCommand(message));
                }
                message.signature = parse_signature(&mut reader)?;
                reader.end()?;
                Ok(Self::Plain(message))
            }
            Some(&found) => Err(MessageError::Unexpected {
                field: "message tag",
                offset: 0,
                found: found.into(),
                expected: "0xDF (general-signing) or 0xDD (general-ciphering)",
            }),
        }
    }

    fn parse_maced(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        reader.constant("message tag", GENERAL_CIPHERING, "0xDD, general-ciphering")?;
        for field in [
            "general-ciphering transaction identifier length",
            "general-ciphering originator length",
            "general-ciphering recipient length",
            "general-ciphering date-time length",
            "general-ciphering other information length",
            "general-ciphering key information",
        ] {
            reader.constant(field, 0, "0x00, not used")?;
        }
        let length = reader.length("general-ciphering content length")?;
        if reader.octets.len() > length {
            return Err(MessageError::Trailing {
                offset: reader.offset.saturating_add(length),
                count: reader.octets.len() - length,
            });
        }
        if reader.octets.len() < length {
            return Err(MessageError::Truncated {
                field: "general-ciphering content",
                offset: reader.offset,
                needed: length,
                available: reader.octets.len(),
            });
        }
        for expected in SECURITY_HEADER {
            reader.constant("security header", expected, "0x11 and an invocation counter of zero")?;
        }
        let start = reader.octets;
        let mut message = Message::parse_unsigned(reader)?;
        message.signature = parse_signature(reader)?;
        let message_octets = start.get(..start.len() - reader.octets.len()).unwrap_or_default().to_vec();
        let mac = reader.array("MAC")?;
        reader.end()?;
        Ok(Self::Maced { message, message_octets, mac })
    }

    /// The octets as sent.
    pub fn emit(&self) -> Vec<u8> {
        match self {
            Self::Plain(message) => message.emit(),
            Self::PreCommand(message) => message.emit_pre_command(),
            Self::Maced { message_octets, mac, .. } => {
                let mut octets = Vec::with_capacity(12 + SECURITY_HEADER.len() + message_octets.len() + mac.len());
                octets.extend_from_slice(&[GENERAL_CIPHERING, 0, 0, 0, 0, 0, 0]);
                push_length(&mut octets, SECURITY_HEADER.len() + message_octets.len() + mac.len());
                octets.extend_from_slice(&SECURITY_HEADER);
                octets.extend_from_slice(message_octets);
                octets.extend_from_slice(mac);
                octets
            }
        }
    }

    /// The message inside.
    pub const fn message(&self) -> &Message {
        match self {
            Self::Plain(message) | Self::PreCommand(message) | Self::Maced { message, .. } => message,
        }
    }

    /// The message inside, by value.
    pub fn into_message(self) -> Message {
        match self {
            Self::Plain(message) | Self::PreCommand(message) | Self::Maced { message, .. } => message,
        }
    }
}
