//! What scenarios write in steps, as types.

use super::Unit;
use cucumber::Parameter;
use hanrig_wire::types::{DeviceType, FirmwareVersion};
use std::fmt;
use std::str::FromStr;

/// A Supplier, by the role that it plays for the premises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Parameter)]
#[param(name = "supplier", regex = "Import Supplier|Gas Supplier|other Supplier|gaining Supplier|losing Supplier")]
pub enum Role {
    /// The Import Supplier.
    ImportSupplier,
    /// The Gas Supplier.
    GasSupplier,
    /// One that is responsible for other premises only.
    OtherSupplier,
    /// Who has become Import Supplier by a Change of Supplier.
    GainingSupplier,
    /// Who was Import Supplier before it.
    LosingSupplier,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::ImportSupplier, Self::GasSupplier, Self::OtherSupplier, Self::GainingSupplier, Self::LosingSupplier];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ImportSupplier => "Import Supplier",
            Self::GasSupplier => "Gas Supplier",
            Self::OtherSupplier => "other Supplier",
            Self::GainingSupplier => "gaining Supplier",
            Self::LosingSupplier => "losing Supplier",
        })
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let role = Self::ALL.into_iter().find(|role| role.to_string() == text);
        role.ok_or_else(|| {
            format!("{text:?} is no Supplier that scenarios name, such as Import Supplier or Gas Supplier")
        })
    }
}

/// A Device of the premises, by its type: the first of that type on the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Parameter)]
#[param(name = "device", regex = "PPMID|HCALCS|ESME|GSME")]
pub struct Named(pub DeviceType);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let types = [DeviceType::Ppmid, DeviceType::Hcalcs, DeviceType::Esme, DeviceType::Gsme];
        let found = types.into_iter().find(|device_type| device_type.to_string() == text);
        found.map(Self).ok_or_else(|| format!("{text:?} is no type of Device: PPMID, HCALCS, ESME or GSME"))
    }
}

/// What a step can switch off, or reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parameter)]
#[param(name = "node", regex = "hub|(?:(?:second|third|fourth|fifth) )?(?:PPMID|HCALCS|ESME|GSME)")]
pub enum Node {
    /// The Communications Hub.
    Hub,
    /// A Device.
    Device(Unit),
}

impl FromStr for Node {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "hub" { Ok(Self::Hub) } else { text.parse().map(Self::Device) }
    }
}

/// Why the DCC acts on no Service Request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parameter)]
#[param(
    name = "refusal",
    regex = "its structure is not valid|its protection does not verify|its RequestID was used before|\
             the sender is suspended|the sender's role is not eligible"
)]
pub enum Refusal {
    /// It is no Service Request as DUIS has them.
    Structure,
    /// Signature or certificate do not hold.
    Protection,
    /// The DCC had one with this RequestID.
    Replay,
    /// The sender's right to send is suspended.
    Suspended,
    /// The sender's User Role may not send this.
    UserRole,
}

impl Refusal {
    const ALL: [Self; 5] = [Self::Structure, Self::Protection, Self::Replay, Self::Suspended, Self::UserRole];

    /// How the DCC says so.
    pub const fn response_code(self) -> &'static str {
        match self {
            Self::Structure => "E100",
            Self::Protection => "E104",
            Self::Replay => "E101",
            Self::Suspended => "E2",
            Self::UserRole => "E3",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Structure => "its structure is not valid",
            Self::Protection => "its protection does not verify",
            Self::Replay => "its RequestID was used before",
            Self::Suspended => "the sender is suspended",
            Self::UserRole => "the sender's role is not eligible",
        })
    }
}

impl FromStr for Refusal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|refusal| refusal.to_string() == text);
        found.ok_or_else(|| format!("{text:?} is no reason for which scenarios have the DCC refuse a request"))
    }
}

/// A firmware version as DUIS writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parameter)]
#[param(name = "version", regex = "[0-9A-F]{8}")]
pub struct Version(pub FirmwareVersion);

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error: hanrig_wire::types::ParseIdError| error.to_string())
    }
}

/// A code of 16 bits, as the specifications write it: `0x8F8A`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parameter)]
#[param(name = "hex", regex = "0x[0-9A-F]{4}")]
pub struct Hex(pub u16);

impl FromStr for Hex {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        u16::from_str_radix(digits, 16).map(Self).map_err(|error| format!("{text:?}: {error}"))
    }
}

/// Where a hardware version lies beside the range that an image's OTA Header gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parameter)]
#[param(name = "place", regex = "above the maximum|below the minimum|the maximum|the minimum")]
pub enum Place {
    /// Higher than the maximum.
    AboveMaximum,
    /// The maximum itself.
    Maximum,
    /// The minimum itself.
    Minimum,
    /// Lower than the minimum.
    BelowMinimum,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "above the maximum" => Ok(Self::AboveMaximum),
            "the maximum" => Ok(Self::Maximum),
            "the minimum" => Ok(Self::Minimum),
            "below the minimum" => Ok(Self::BelowMinimum),
            _ => Err(format!("{text:?} is no place beside a range of hardware versions")),
        }
    }
}
