//! Registration data, and the Users.

use super::Smi;
use hanrig_wire::types::{DeviceType, Eui64};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Who is responsible for which premises.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// The premises.
    pub premises: Vec<Premises>,
}

impl Registration {
    /// See [`DccData::responsible_suppliers`](super::DccData::responsible_suppliers).
    pub(super) fn responsible_suppliers(&self, hub: Eui64, smi: &Smi) -> Vec<(Eui64, UserRole)> {
        let premises = self.premises.iter().filter(|premises| premises.hub == hub);
        let found: BTreeSet<_> = premises.flat_map(|premises| premises.responsible_suppliers(smi)).collect();
        found.into_iter().collect()
    }

    /// Change of Supplier: another Supplier becomes responsible for the meter of a role behind a CHF. Says for how many
    /// premises.
    pub fn change_supplier(&mut self, hub: Eui64, role: UserRole, supplier: Eui64) -> usize {
        let mut changed = 0;
        for premises in self.premises.iter_mut().filter(|premises| premises.hub == hub) {
            let of_role = match role {
                UserRole::ImportSupplier => &mut premises.import_supplier,
                UserRole::GasSupplier => &mut premises.gas_supplier,
                _ => continue,
            };
            if of_role.is_some_and(|before| before != supplier) {
                *of_role = Some(supplier);
                changed += 1;
            }
        }
        changed
    }
}

/// One premises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Premises {
    /// What a reader calls it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The CHF.
    pub hub: Eui64,
    /// The Import Supplier: the Lead Supplier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import_supplier: Option<Eui64>,
    /// The Gas Supplier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gas_supplier: Option<Eui64>,
    /// The Devices there; of these the Smart Meters make a Supplier a Responsible Supplier.
    pub devices: Vec<Eui64>,
}

impl Premises {
    /// The Import Supplier where there is an ESME, the Gas Supplier where there is a GSME.
    pub(crate) fn responsible_suppliers(&self, smi: &Smi) -> impl Iterator<Item = (Eui64, UserRole)> {
        let suppliers = [
            (DeviceType::Esme, self.import_supplier, UserRole::ImportSupplier),
            (DeviceType::Gsme, self.gas_supplier, UserRole::GasSupplier),
        ];
        suppliers.into_iter().filter_map(|(meter, supplier, role)| {
            let mut devices = self.devices.iter().filter_map(|id| smi.devices.get(id));
            let has_meter = devices.any(|device| device.device_type == meter && device.hub == Some(self.hub));
            supplier.filter(|_| has_meter).map(|supplier| (supplier, role))
        })
    }
}

/// A Service User, in one User Role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The User's identifier.
    pub id: Eui64,
    /// What the User is called.
    pub name: String,
    /// The User Role.
    pub role: UserRole,
    /// Whether the right to send Service Requests is suspended.
    #[serde(default)]
    pub suspended: bool,
}

/// User Roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum UserRole {
    /// Import Supplier.
    #[serde(rename = "Import Supplier")]
    ImportSupplier,
    /// Gas Supplier.
    #[serde(rename = "Gas Supplier")]
    GasSupplier,
    /// Export Supplier.
    #[serde(rename = "Export Supplier")]
    ExportSupplier,
    /// Electricity Distributor or Gas Transporter.
    #[serde(rename = "Network Operator")]
    NetworkOperator,
    /// Registered Supplier Agent.
    #[serde(rename = "Registered Supplier Agent")]
    RegisteredSupplierAgent,
    /// Other User.
    #[serde(rename = "Other User")]
    OtherUser,
}

impl UserRole {
    /// Whether the User is a Supplier that can be a Responsible Supplier.
    pub const fn is_supplier(self) -> bool {
        matches!(self, Self::ImportSupplier | Self::GasSupplier)
    }
}

impl fmt::Display for UserRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ImportSupplier => "Import Supplier",
            Self::GasSupplier => "Gas Supplier",
            Self::ExportSupplier => "Export Supplier",
            Self::NetworkOperator => "Network Operator",
            Self::RegisteredSupplierAgent => "Registered Supplier Agent",
            Self::OtherUser => "Other User",
        })
    }
}
