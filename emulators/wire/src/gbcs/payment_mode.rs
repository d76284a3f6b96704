//! ECS02 and ECS03, Set Payment Mode to Credit and to Prepayment (message codes 0x001A and 0x001B): SRV 1.6 to an ESME.
//!
//! Critical Commands, protected as CS06 is. The content is a DLMS COSEM access request that sets the account (class 111,
//! OBIS 0-1:19.0.0.255): payment mode and account status (attribute 2), which charges are collected from which credit
//! (attribute 11), and when that takes effect (attribute 13). ECS03 sets the disablement threshold as well (class 9000,
//! OBIS 0-0:94.44.128.22): its value (attribute 4) and when it takes effect (attribute 6). The access response has one
//! result for each set. Both carry the last 24 bits of the message's originator counter.
//!
//! The layout was worked out from the Reference Test Data Set, RTDS 4.5.0, use cases `1.6_ECS02` and `1.6_ECS03`: Pre-Commands
//! and Responses `IMMEDIATE_SINGLE_SUCCESS` and `IMMEDIATE_SINGLE_ERROR`, Pre-Commands `FUTURE_DATED_TWIN_SUCCESS` and
//! `CANCELLATION_TWIN_SUCCESS`, beside the DUIS requests that they came of. These are three of the four combinations of
//! the two suspensions of debt; the fourth, neither of them, follows here from what each does by itself.

use super::codes::MessageCode;
use super::fields::{ContentError, Octets, invoke_id};
use crate::types::DeviceType;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// Tag of an access request, and the priority bits of its invoke identifier.
const ACCESS_REQUEST: &[u8] = &[0xD9, 0x20];
/// Tag of an access response, and the priority bits of its invoke identifier.
const ACCESS_RESPONSE: &[u8] = &[0xDA, 0x20];
/// No date-time; three sets, of the account's attributes 2, 11 and 13; three data.
const SETS_OF_CREDIT: &[u8] = &[
    0x00, 3, //
    0x02, 0x00, 0x6F, 0, 1, 19, 0, 0, 255, 2, //
    0x02, 0x00, 0x6F, 0, 1, 19, 0, 0, 255, 11, //
    0x02, 0x00, 0x6F, 0, 1, 19, 0, 0, 255, 13, //
    3,
];
/// The same with the threshold's attributes 4 and 6 between those of the account.
const SETS_OF_PREPAYMENT: &[u8] = &[
    0x00, 5, //
    0x02, 0x00, 0x6F, 0, 1, 19, 0, 0, 255, 2, //
    0x02, 0x23, 0x28, 0, 0, 94, 44, 128, 22, 4, //
    0x02, 0x00, 0x6F, 0, 1, 19, 0, 0, 255, 11, //
    0x02, 0x23, 0x28, 0, 0, 94, 44, 128, 22, 6, //
    0x02, 0x00, 0x6F, 0, 1, 19, 0, 0, 255, 13, //
    5,
];
/// A structure of two enumerations: payment mode credit, and an active account.
const CREDIT: &[u8] = &[0x02, 0x02, 0x16, 1, 0x16, 1];
/// The same with payment mode prepayment.
const PREPAYMENT: &[u8] = &[0x02, 0x02, 0x16, 2, 0x16, 1];
/// Tag of a signed integer of 32 bits.
const DOUBLE_LONG: &[u8] = &[0x05];
/// An octet string of twelve: a date-time.
const DATE_TIME: &[u8] = &[0x09, 12];

/// Collected always.
const ALWAYS: u8 = 0xE0;
/// Not collected in one of the periods: so that debt is suspended.
const SUSPENDED: u8 = 0xC0;

/// The date-time that has a set take effect at once.
pub const AT_ONCE: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x00, 0xFF];

/// How a meter is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum PaymentMode {
    /// Afterwards: ECS02.
    Credit,
    /// Beforehand: ECS03.
    Prepayment(Prepayment),
}

/// The terms of prepayment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Prepayment {
    /// No debt is collected while the supply is disabled.
    pub suspend_debt_disabled: bool,
    /// No debt is collected from emergency credit.
    pub suspend_debt_emergency: bool,
    /// The balance at which the supply is disabled.
    pub disablement_threshold: i32,
}

impl PaymentMode {
    /// Message code of the Command that sets it on a GSME, or else on an ESME, and of its Response.
    pub const fn message_code(self, device_type: DeviceType) -> u16 {
        match (self, device_type) {
            (Self::Credit, DeviceType::Gsme) => MessageCode::GCS02,
            (Self::Prepayment(_), DeviceType::Gsme) => MessageCode::GCS03,
            (Self::Credit, _) => MessageCode::ECS02,
            (Self::Prepayment(_), _) => MessageCode::ECS03,
        }
    }

    /// What is collected from which credit, as an array of structures. A twin element meter has a charge more.
    fn configuration(self, twin: bool) -> Vec<u8> {
        let mut links = vec![(0, 0, ALWAYS), (0, 4, ALWAYS)];
        if let Self::Prepayment(terms) = self {
            let debt = if terms.suspend_debt_disabled { SUSPENDED } else { ALWAYS };
            links.extend([(0, 1, debt), (0, 2, debt), (0, 3, ALWAYS), (1, 3, ALWAYS)]);
            links.extend([(1, 0, ALWAYS), (1, 4, ALWAYS), (1, 1, debt), (1, 2, debt)]);
            if terms.suspend_debt_emergency {
                links.extend([(2, 4, ALWAYS), (2, 1, ALWAYS), (2, 2, ALWAYS)]);
            }
        }
        if twin {
            links.push((0, 5, ALWAYS));
            if self != Self::Credit {
                links.push((1, 5, ALWAYS));
            }
        }
        let mut octets = vec![0x01, u8::try_from(links.len()).unwrap_or(u8::MAX)];
        for (credit, charge, collection) in links {
            octets.extend([0x02, 0x03, 0x09, 6, 0, 0, 19, 10, credit, 255, 0x09, 6, 0, 0, 19, 20, charge, 255]);
            octets.extend([0x04, 3, collection]);
        }
        octets
    }
}

impl fmt::Display for PaymentMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Prepayment(terms) = self else { return f.write_str("credit") };
        write!(f, "prepayment with disablement threshold {}", terms.disablement_threshold)?;
        match (terms.suspend_debt_disabled, terms.suspend_debt_emergency) {
            (false, false) => Ok(()),
            (true, false) => f.write_str(", debt suspended when disabled"),
            (false, true) => f.write_str(", debt suspended in emergency credit"),
            (true, true) => f.write_str(", debt suspended when disabled and in emergency credit"),
        }
    }
}

/// Take this payment mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// The last 24 bits of the originator counter.
    pub invoke_id: [u8; 3],
    /// The mode to take.
    pub mode: PaymentMode,
    /// Whether it is for a twin element meter.
    pub twin: bool,
    /// When, as a COSEM date-time: [`AT_ONCE`], or later, or cancelled.
    pub time: [u8; 12],
}

impl Command {
    /// The Command of a message with this originator counter, for a single element meter, to be carried out at once.
    pub fn new(counter: u64, mode: PaymentMode) -> Self {
        Self { invoke_id: invoke_id(counter), mode, twin: false, time: AT_ONCE }
    }

    /// Whether this is the Command of a message with this originator counter.
    pub fn is_of(&self, counter: u64) -> bool {
        self.invoke_id == invoke_id(counter)
    }

    /// From the content of a message of ECS02.
    pub fn decode_credit(content: &[u8]) -> Result<Self, ContentError> {
        let mut octets = Octets::open("ECS02 command", content);
        octets.expect("access request", "D9 20", ACCESS_REQUEST)?;
        let invoke_id = octets.take("invoke identifier", "3 octets")?;
        octets.expect("requests", "sets of the account's attributes 2, 11 and 13", SETS_OF_CREDIT)?;
        octets.expect("payment mode", "credit, and an active account", CREDIT)?;
        let (mode, twin) = configuration(&mut octets, PaymentMode::Credit, &[])?;
        let time = date_time(&mut octets)?;
        octets.end()?;
        Ok(Self { invoke_id, mode, twin, time })
    }

    /// From the content of a message of ECS03.
    pub fn decode_prepayment(content: &[u8]) -> Result<Self, ContentError> {
        const REQUESTS: &str = "sets of the account's attributes 2, 11 and 13, and of the threshold's 4 and 6";
        let mut octets = Octets::open("ECS03 command", content);
        octets.expect("access request", "D9 20", ACCESS_REQUEST)?;
        let invoke_id = octets.take("invoke identifier", "3 octets")?;
        octets.expect("requests", REQUESTS, SETS_OF_PREPAYMENT)?;
        octets.expect("payment mode", "prepayment, and an active account", PREPAYMENT)?;
        octets.expect("disablement threshold", "a signed integer of 32 bits", DOUBLE_LONG)?;
        let disablement_threshold = i32::from_be_bytes(octets.take("disablement threshold", "4 octets")?);
        let terms = |suspend_debt_disabled, suspend_debt_emergency| {
            PaymentMode::Prepayment(Prepayment { suspend_debt_disabled, suspend_debt_emergency, disablement_threshold })
        };
        let others = [terms(true, false), terms(false, true), terms(false, false)];
        let (mode, twin) = configuration(&mut octets, terms(true, true), &others)?;
        let time = date_time(&mut octets)?;
        octets.expect("account activation time", "an octet string of 12", DATE_TIME)?;
        octets.expect("account activation time", "the time of the threshold", &time)?;
        octets.end()?;
        Ok(Self { invoke_id, mode, twin, time })
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        let configuration = self.mode.configuration(self.twin);
        match self.mode {
            PaymentMode::Credit => {
                let head = [ACCESS_REQUEST, &self.invoke_id, SETS_OF_CREDIT, CREDIT].concat();
                [&head, &*configuration, DATE_TIME, &self.time].concat()
            }
            PaymentMode::Prepayment(terms) => {
                let head = [ACCESS_REQUEST, &self.invoke_id, SETS_OF_PREPAYMENT, PREPAYMENT].concat();
                let threshold = terms.disablement_threshold.to_be_bytes();
                let times = [DATE_TIME, &self.time, DATE_TIME, &self.time].concat();
                [&head, DOUBLE_LONG, &threshold, &*configuration, &times].concat()
            }
        }
    }
}

/// Takes what is collected from which credit, and says in which of the modes that is so, and for which meter.
fn configuration(
    octets: &mut Octets<'_>,
    usual: PaymentMode,
    others: &[PaymentMode],
) -> Result<(PaymentMode, bool), ContentError> {
    let modes = core::iter::once(usual).chain(others.iter().copied());
    let mut known = modes.flat_map(|mode| [(mode, false), (mode, true)]);
    let found = known.find(|(mode, twin)| octets.next_are(&mode.configuration(*twin)));
    let (mode, twin) = found.unwrap_or((usual, false));
    octets.expect("credit charge configuration", "that of the payment mode", &mode.configuration(twin))?;
    Ok((mode, twin))
}

fn date_time(octets: &mut Octets<'_>) -> Result<[u8; 12], ContentError> {
    octets.expect("time", "an octet string of 12", DATE_TIME)?;
    octets.take("time", "12 octets")
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "set payment mode to {}", self.mode)?;
        if self.time == AT_ONCE {
            return f.write_str(" at once");
        }
        f.write_str(" at ")?;
        super::write_hex(f, &self.time)
    }
}

/// The Device's answer: a data access result for each set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The last 24 bits of the Command's originator counter.
    pub invoke_id: [u8; 3],
    /// The results in the order of the sets; 0 is success.
    pub results: Vec<u8>,
}

impl Response {
    /// The data access result that stands for a failure: other reason.
    pub const OTHER_REASON: u8 = 250;

    /// The answer to a Command for this mode with this originator counter: whether the mode was taken. It is the last of
    /// the sets, that of the time, which has it take effect or fails.
    pub fn new(counter: u64, mode: PaymentMode, success: bool) -> Self {
        let mut results = vec![0; usize::from(sets(mode.message_code(DeviceType::Esme)))];
        if let Some(last) = results.last_mut().filter(|_| !success) {
            *last = Self::OTHER_REASON;
        }
        Self { invoke_id: invoke_id(counter), results }
    }

    /// Whether every set is a success.
    pub fn is_success(&self) -> bool {
        self.results.iter().all(|result| *result == 0)
    }

    /// From the content of a message with this message code, that of ECS02 or ECS03.
    pub fn decode(message_code: u16, content: &[u8]) -> Result<Self, ContentError> {
        let what = if message_code == MessageCode::ECS03 { "ECS03 response" } else { "ECS02 response" };
        let count = sets(message_code);
        let mut octets = Octets::open(what, content);
        octets.expect("access response", "DA 20", ACCESS_RESPONSE)?;
        let invoke_id = octets.take("invoke identifier", "3 octets")?;
        octets.expect("data", "a null for each set", &nulls(count))?;
        octets.expect("results", "a result for each set", &[count])?;
        let mut results = Vec::new();
        for _ in 0..count {
            octets.expect("result", "that of a set", &[0x02])?;
            let [result] = octets.take("data access result", "1 octet")?;
            results.push(result);
        }
        octets.end()?;
        Ok(Self { invoke_id, results })
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        let count = u8::try_from(self.results.len()).unwrap_or(u8::MAX);
        let mut content = [ACCESS_RESPONSE, &self.invoke_id, &nulls(count), &[count]].concat();
        content.extend(self.results.iter().flat_map(|result| [0x02, *result]));
        content
    }
}

/// How many sets the use case has.
const fn sets(message_code: u16) -> u8 {
    if message_code == MessageCode::ECS03 { 5 } else { 3 }
}

/// No date-time, no repeated request, and a null for each set.
fn nulls(count: u8) -> Vec<u8> {
    let mut octets = vec![0x00, 0x00, count];
    octets.resize(octets.len() + usize::from(count), 0x00);
    octets
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_success() {
            return f.write_str("success");
        }
        f.write_str("failure, data access results")?;
        self.results.iter().try_for_each(|result| write!(f, " {result}"))
    }
}
