//! The Response Codes, in one table.
//!
//! I0, I99 and the letters (I, W, E) are DUIS's. The DUIS tables of the other codes were not at hand: their numbers are
//! this project's, and their meanings are these.
//!
//! | code | meaning |
//! |---|---|
//! | I0 | success |
//! | I99 | acknowledgement: the answer follows |
//! | W110101, W110401 | nothing is sent to the Devices listed; the others get their update |
//! | E1 | the sender is no User, or not the originator of the RequestID |
//! | E2 | the sender's right to send is suspended |
//! | E3 | the sender's User Role is not eligible for the request |
//! | E4 | the sender is not a Responsible Supplier for the Device |
//! | E5 | the request is not for a Device of this type |
//! | E11 | the Device is unknown |
//! | E12 | the Device's SMI status does not allow the request |
//! | E13 | the execution date-time is not in the future |
//! | E20 | the Device did not answer in time |
//! | E30 | the request is quarantined: an anomaly detection threshold was passed |
//! | E100 | the message is not a Service Request of valid structure |
//! | E101 | the RequestID was used before |
//! | E102 | the command variant or the target does not fit the request |
//! | E103 | the Signed Pre-Command is not the Pre-Command that was made of the request |
//! | E104 | the cryptographic protection or the certificate does not verify |
//! | E1101nn, E1104nn | SRV 11.1 or 11.4 refused whole; nn: 01 too many Devices, 02 image too large, 03 no OTA Upgrade Image, 04 Hash on no active CPL entry, 05 Hash does not belong to the firmware version |

use crate::duis::ResponseCode;
use serde::{Serialize, Serializer};

/// How a Service Request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// All of it was done.
    Success,
    /// It is under way; the answer follows.
    Acknowledged,
    /// SRV 11.1: some Devices get nothing.
    UpdateFirmwareWarning,
    /// SRV 11.4: some Devices get nothing.
    UpdatePpmidFirmwareWarning,
    /// The sender is no User, or another one than the originator.
    UnknownUser,
    /// The sender is suspended.
    UserSuspended,
    /// The sender's role may not send this.
    RoleNotEligible,
    /// The sender is not responsible for the Device.
    NotResponsible,
    /// The request is not for such a Device.
    DeviceTypeNotApplicable,
    /// There is no such Device.
    UnknownDevice,
    /// The Device is not commissioned.
    DeviceStatus,
    /// The Device did not answer.
    NoDeviceResponse,
    /// The message is not a valid Service Request.
    InvalidStructure,
    /// The RequestID was used before.
    DuplicateRequest,
    /// Command variant or target do not fit.
    InvalidVariantOrTarget,
    /// It is for later, and later is not in the future.
    ExecutionTime,
    /// Anomaly detection keeps it.
    Quarantined,
    /// The Signed Pre-Command is not the one that was made of the request.
    SignedPreCommand,
    /// Signature or certificate do not verify.
    ProtectionNotVerified,
    /// SRV 11.1, refused whole.
    UpdateFirmware(UpdateRefusal),
    /// SRV 11.4, refused whole.
    UpdatePpmidFirmware(UpdateRefusal),
}

/// Why an update request is refused whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UpdateRefusal {
    /// More than 50,000 Devices (BR 4.1.2).
    TooManyDevices,
    /// More than 750KB (BR 4.1.3 step 1).
    ImageTooLarge,
    /// What is sent is not an OTA Upgrade Image.
    InvalidImage,
    /// The Hash is on no active CPL entry (BR 4.1.3 step 3).
    HashNotOnCpl,
    /// The Hash is on the CPL, but for other firmware versions than the one that the request names.
    VersionMismatch,
}

impl Outcome {
    /// The Response Code.
    pub fn code(self) -> ResponseCode {
        ResponseCode::known(self.text())
    }

    const fn text(self) -> &'static str {
        use UpdateRefusal::{HashNotOnCpl, ImageTooLarge, InvalidImage, TooManyDevices, VersionMismatch};
        match self {
            Self::Success => "I0",
            Self::Acknowledged => "I99",
            Self::UpdateFirmwareWarning => "W110101",
            Self::UpdatePpmidFirmwareWarning => "W110401",
            Self::UnknownUser => "E1",
            Self::UserSuspended => "E2",
            Self::RoleNotEligible => "E3",
            Self::NotResponsible => "E4",
            Self::DeviceTypeNotApplicable => "E5",
            Self::UnknownDevice => "E11",
            Self::DeviceStatus => "E12",
            Self::NoDeviceResponse => "E20",
            Self::InvalidStructure => "E100",
            Self::DuplicateRequest => "E101",
            Self::InvalidVariantOrTarget => "E102",
            Self::ExecutionTime => "E13",
            Self::Quarantined => "E30",
            Self::SignedPreCommand => "E103",
            Self::ProtectionNotVerified => "E104",
            Self::UpdateFirmware(TooManyDevices) => "E110101",
            Self::UpdateFirmware(ImageTooLarge) => "E110102",
            Self::UpdateFirmware(InvalidImage) => "E110103",
            Self::UpdateFirmware(HashNotOnCpl) => "E110104",
            Self::UpdateFirmware(VersionMismatch) => "E110105",
            Self::UpdatePpmidFirmware(TooManyDevices) => "E110401",
            Self::UpdatePpmidFirmware(ImageTooLarge) => "E110402",
            Self::UpdatePpmidFirmware(InvalidImage) => "E110403",
            Self::UpdatePpmidFirmware(HashNotOnCpl) => "E110404",
            Self::UpdatePpmidFirmware(VersionMismatch) => "E110405",
        }
    }
}

impl Serialize for Outcome {
    /// As its Response Code.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

/// A request refused whole.
pub(super) struct Refusal {
    pub(super) outcome: Outcome,
    pub(super) detail: String,
}

impl Refusal {
    pub(super) fn new(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { outcome, detail: detail.into() }
    }
}
