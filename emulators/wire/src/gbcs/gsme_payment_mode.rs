//! GCS02 and GCS03, Set Payment Mode to Credit and to Prepayment (message codes 0x006C and 0x006D): SRV 1.6 to a GSME.
//!
//! Critical Commands, protected as CS06 is. The content is one ZCL command of the Prepayment cluster (0x0705) in its GBCS
//! frame: Change Payment Mode, and the Change Payment Mode Response to it, or the ZCL Default Response where the GSME does
//! not take the mode.
//!
//! The layout was worked out from the Reference Test Data Set, RTDS 4.5.0, use cases `1.6_GCS02` and `1.6_GCS03`: Pre-Commands
//! and Responses `IMMEDIATE_SUCCESS` and `IMMEDIATE_ERROR`, Pre-Commands `FUTURE_DATED_SUCCESS` and `CANCELLATION_SUCCESS`,
//! beside the DUIS requests that they came of. These are three of the four combinations of the two suspensions of debt; the
//! fourth, both of them, follows here from what each does by itself. The issuer event identifier is 2015-01-01 in all of
//! them: this crate takes it for the time at which the Command was made.

use super::fields::{ContentError, Octets};
use super::payment_mode::{PaymentMode, Prepayment};
use alloc::vec::Vec;
use core::fmt;

/// Profile 0x0109, one component, which is the last, of cluster 0x0705.
const FRAME: &[u8] = &[0x01, 0x09, 0x01, 0x01, 0x07, 0x05];
/// 21 octets: Change Payment Mode, of provider 0.
const CHANGE: &[u8] = &[0x00, 0x15, 0x01, 0x00, 0x06, 0x00, 0x00, 0x00, 0x00];
/// 16 octets: Change Payment Mode Response.
const CHANGED: &[u8] = &[0x00, 0x10, 0x19, 0x00, 0x02];
/// 5 octets: Default Response to Change Payment Mode.
const NOT_CHANGED: &[u8] = &[0x00, 0x05, 0x08, 0x00, 0x0B, 0x06];

/// Payment Control Configuration of credit.
const CREDIT: u16 = 0x0C94;
/// Payment Control Configuration of prepayment, but for the debt.
const PREPAYMENT: u16 = 0x0097;
/// No debt is collected while the supply is disabled.
const SUSPEND_DEBT_DISABLED: u16 = 0x0400;
/// Debt is collected from emergency credit.
const DEBT_IN_EMERGENCY: u16 = 0x0800;
/// The cut-off value of a meter that is never cut off.
const NO_CUT_OFF: i32 = -1;

/// The implementation time that has the mode take effect at once.
pub const AT_ONCE: u32 = 0;
/// The implementation time that cancels a change for later.
pub const CANCELLED: u32 = 0xFFFF_FFFF;

/// Payment Control Configuration and cut-off value.
const fn configuration(mode: PaymentMode) -> (u16, i32) {
    match mode {
        PaymentMode::Credit => (CREDIT, NO_CUT_OFF),
        PaymentMode::Prepayment(terms) => {
            let disabled = if terms.suspend_debt_disabled { SUSPEND_DEBT_DISABLED } else { 0 };
            let emergency = if terms.suspend_debt_emergency { 0 } else { DEBT_IN_EMERGENCY };
            (PREPAYMENT | disabled | emergency, terms.disablement_threshold)
        }
    }
}

/// Take this payment mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// Tells this change from earlier ones: the UTC time at which it was made, in seconds since 2000.
    pub issuer_event_id: u32,
    /// The mode to take.
    pub mode: PaymentMode,
    /// When, as UTC time in seconds since 2000: [`AT_ONCE`], or later, or [`CANCELLED`].
    pub time: u32,
}

impl Command {
    /// The Command to take a mode at once.
    pub const fn new(issuer_event_id: u32, mode: PaymentMode) -> Self {
        Self { issuer_event_id, mode, time: AT_ONCE }
    }

    /// From the content of a message of GCS02.
    pub fn decode_credit(content: &[u8]) -> Result<Self, ContentError> {
        Self::decode("GCS02 command", content, |configuration, cut_off| {
            ((configuration, cut_off) == (CREDIT, NO_CUT_OFF)).then_some(PaymentMode::Credit)
        })
    }

    /// From the content of a message of GCS03.
    pub fn decode_prepayment(content: &[u8]) -> Result<Self, ContentError> {
        Self::decode("GCS03 command", content, |configuration, disablement_threshold| {
            let terms = Prepayment {
                suspend_debt_disabled: configuration & SUSPEND_DEBT_DISABLED != 0,
                suspend_debt_emergency: configuration & DEBT_IN_EMERGENCY == 0,
                disablement_threshold,
            };
            let known = configuration & !(SUSPEND_DEBT_DISABLED | DEBT_IN_EMERGENCY) == PREPAYMENT;
            known.then_some(PaymentMode::Prepayment(terms))
        })
    }

    fn decode(
        what: &'static str,
        content: &[u8],
        mode: impl FnOnce(u16, i32) -> Option<PaymentMode>,
    ) -> Result<Self, ContentError> {
        let mut octets = Octets::open(what, content);
        octets.expect("frame", "one component of cluster 0x0705", FRAME)?;
        octets.expect("request", "Change Payment Mode of provider 0", CHANGE)?;
        let issuer_event_id = u32::from_le_bytes(octets.take("issuer event identifier", "4 octets")?);
        let time = u32::from_le_bytes(octets.take("implementation time", "4 octets")?);
        let offset = octets.offset();
        let configuration = u16::from_le_bytes(octets.take("payment control configuration", "2 octets")?);
        let cut_off = i32::from_le_bytes(octets.take("cut-off value", "4 octets")?);
        octets.end()?;
        let mode = mode(configuration, cut_off).ok_or(ContentError::Value {
            what,
            field: "payment control configuration",
            offset,
            expected: "that of the payment mode",
            found: u64::from(configuration),
        })?;
        Ok(Self { issuer_event_id, mode, time })
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        let (configuration, cut_off) = configuration(self.mode);
        let times = [self.issuer_event_id.to_le_bytes(), self.time.to_le_bytes()].concat();
        [FRAME, CHANGE, &times, &configuration.to_le_bytes(), &cut_off.to_le_bytes()].concat()
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "set payment mode to {}", self.mode)?;
        match self.time {
            AT_ONCE => f.write_str(" at once"),
            CANCELLED => f.write_str(", cancelled"),
            seconds => write!(f, " {seconds} s after the start of 2000"),
        }
    }
}

/// What goes with a payment mode that was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Whether friendly credit is on.
    pub friendly_credit: u8,
    /// The calendar of the friendly credit.
    pub friendly_credit_calendar_id: u32,
    /// How much emergency credit there is.
    pub emergency_credit_limit: u32,
    /// The balance at which emergency credit can be had.
    pub emergency_credit_threshold: u32,
}

/// The GSME's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// What goes with the mode; `Err` with the ZCL status where it was not taken.
    pub outcome: Result<Terms, u8>,
}

impl Response {
    /// The ZCL status that stands for a failure: hardware failure.
    pub const HARDWARE_FAILURE: u8 = 0xC0;

    /// Whether the mode was taken.
    pub const fn is_success(&self) -> bool {
        self.outcome.is_ok()
    }

    /// From a message's content.
    pub fn decode(content: &[u8]) -> Result<Self, ContentError> {
        let mut octets = Octets::open("GCS02 or GCS03 response", content);
        octets.expect("frame", "one component of cluster 0x0705", FRAME)?;
        let outcome = if octets.next_are(NOT_CHANGED) {
            octets.expect("failure", "Default Response to Change Payment Mode", NOT_CHANGED)?;
            let [status] = octets.take("status", "1 octet")?;
            Err(status)
        } else {
            octets.expect("response", "Change Payment Mode Response", CHANGED)?;
            let [friendly_credit] = octets.take("friendly credit", "1 octet")?;
            let mut number = |field| octets.take(field, "4 octets").map(u32::from_le_bytes);
            Ok(Terms {
                friendly_credit,
                friendly_credit_calendar_id: number("friendly credit calendar")?,
                emergency_credit_limit: number("emergency credit limit")?,
                emergency_credit_threshold: number("emergency credit threshold")?,
            })
        };
        octets.end()?;
        Ok(Self { outcome })
    }

    /// A message's content.
    pub fn encode(&self) -> Vec<u8> {
        match self.outcome {
            Ok(terms) => {
                let numbers =
                    [terms.friendly_credit_calendar_id, terms.emergency_credit_limit, terms.emergency_credit_threshold];
                [FRAME, CHANGED, &[terms.friendly_credit], &numbers.map(u32::to_le_bytes).concat()].concat()
            }
            Err(status) => [FRAME, NOT_CHANGED, &[status]].concat(),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outcome {
            Ok(_) => f.write_str("success"),
            Err(status) => write!(f, "failure, ZCL status 0x{status:02X}"),
        }
    }
}
