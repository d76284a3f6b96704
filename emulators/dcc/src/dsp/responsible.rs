//! Who is responsible for what is behind a hub.

use super::Dsp;
use super::faults::Fault;
use crate::data::{DccData, UserRole};
use crate::duis::ServiceRequest;
use crate::settings::HcalcsSuppliers;
use hanrig_wire::types::{DeviceType, Eui64};
use std::collections::{BTreeMap, BTreeSet};

/// The Responsible Suppliers of the Smart Meters behind each hub (BR 4.1.3 step 4d), found once for all hubs: a request
/// can list 50,000 Devices on as many hubs.
#[derive(Debug)]
pub(super) struct ResponsibleSuppliers(BTreeMap<Eui64, Vec<(Eui64, UserRole)>>);

impl ResponsibleSuppliers {
    pub(super) fn of(data: &DccData) -> Self {
        let mut found: BTreeMap<Eui64, BTreeSet<(Eui64, UserRole)>> = BTreeMap::new();
        for premises in &data.registration.premises {
            let suppliers = premises.responsible_suppliers(&data.smi);
            found.entry(premises.hub).or_default().extend(suppliers);
        }
        Self(found.into_iter().map(|(hub, suppliers)| (hub, suppliers.into_iter().collect())).collect())
    }
}

impl Dsp {
    /// The Responsible Suppliers of the Smart Meters behind a CHF, in order of identifier, each in its role.
    pub(super) fn responsible_suppliers(&self, hub: Eui64) -> &[(Eui64, UserRole)] {
        let all = self.responsible.get_or_init(|| ResponsibleSuppliers::of(&self.data));
        all.0.get(&hub).map(Vec::as_slice).unwrap_or_default()
    }

    /// The Responsible Suppliers of the Smart Meters behind a CHF, each once, in order of identifier.
    pub(super) fn suppliers(&self, hub: Eui64) -> Vec<Eui64> {
        let mut suppliers: Vec<Eui64> = self.responsible_suppliers(hub).iter().map(|(user, _)| *user).collect();
        suppliers.dedup();
        suppliers
    }

    /// Whether a User may update Devices of a type behind a CHF: either Responsible Supplier a PPMID (BR 3.5), the Import
    /// Supplier alone an ESME and an HCALCS (interpretation I-06), the Gas Supplier alone the GSME.
    pub(super) fn may_update(&self, user: Eui64, device_type: DeviceType, hub: Eui64) -> bool {
        let either = self.config.settings.hcalcs_suppliers == HcalcsSuppliers::ImportSupplierAndGasSupplier
            || self.faulty(Fault::GasSupplierUpdatesHcalcs);
        self.supplies(user, hub, |role| match device_type {
            DeviceType::Ppmid => !self.refuses_role(role),
            DeviceType::Hcalcs => role == UserRole::ImportSupplier || either,
            DeviceType::Esme => role == UserRole::ImportSupplier,
            DeviceType::Gsme => role == UserRole::GasSupplier,
            DeviceType::Chf | DeviceType::Gpf => false,
        })
    }

    /// Whether a User may send Commands to Devices of a type behind a CHF: whoever may update them.
    pub(super) fn may_command(&self, user: Eui64, device_type: DeviceType, hub: Eui64) -> bool {
        match device_type {
            DeviceType::Ppmid => self.supplies(user, hub, |_| true),
            other => self.may_update(user, other, hub),
        }
    }

    fn supplies(&self, user: Eui64, hub: Eui64, in_role: impl Fn(UserRole) -> bool) -> bool {
        self.responsible_suppliers(hub).iter().any(|(supplier, role)| *supplier == user && in_role(*role))
    }

    /// Whether a request about a single Device is for this type of Device (SR-04, SR-05); SRV 1.6 is for ESME and
    /// GSME.
    pub(super) fn is_for(&self, request: &ServiceRequest, device_type: DeviceType) -> bool {
        let is_read = matches!(request, ServiceRequest::ReadFirmwareVersion);
        match device_type {
            DeviceType::Esme | DeviceType::Gsme => true,
            _ if request.service_reference() == "1.6" => false,
            DeviceType::Hcalcs if is_read => !self.faulty(Fault::ReadRefusesHcalcs),
            DeviceType::Hcalcs => !self.faulty(Fault::ActivateRefusesHcalcs),
            DeviceType::Ppmid => is_read || self.faulty(Fault::ActivateTakesPpmid),
            DeviceType::Chf | DeviceType::Gpf => false,
        }
    }
}
