//! Checks that every Service Request goes through (SEC Appendix AB 6.1), and the checks of single Devices.

use super::Dsp;
use super::codes::{Outcome, Refusal};
use super::faults::Fault;
use super::update::Service;
use crate::data::{CplEntry, SmiDevice, SmiStatus};
use crate::duis::{FirmwareWarning, Request, ServiceRequest};
use hanrig_wire::types::Eui64;

/// Why a Device of an update request gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeviceFailure {
    Invalid,
    NotCommissioned,
    NotApplicable,
    NotResponsible,
    InProgress,
}

impl DeviceFailure {
    pub(super) fn list(self, warning: &mut FirmwareWarning) -> &mut Vec<Eui64> {
        match self {
            Self::Invalid => &mut warning.invalid,
            Self::NotCommissioned => &mut warning.not_commissioned,
            Self::NotApplicable => &mut warning.not_applicable,
            Self::NotResponsible => &mut warning.not_responsible,
            Self::InProgress => &mut warning.in_progress,
        }
    }

    /// The reason code of the tracking record.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Invalid => "invalid device",
            Self::NotCommissioned => "not commissioned",
            Self::NotApplicable => "firmware not applicable",
            Self::NotResponsible => "sender not responsible",
            Self::InProgress => "firmware update in progress",
        }
    }
}

impl Dsp {
    /// Who sends, in which role, with which identifiers.
    pub(super) fn check_sender(&self, sender: Eui64, request: &Request) -> Result<(), Refusal> {
        let id = request.request_id;
        if id.originator != sender {
            let detail = format!("sent by {sender}, but the RequestID names {} as originator", id.originator);
            return Err(Refusal::new(Outcome::UnknownUser, detail));
        }
        let Some(user) = self.data.users.get(&sender) else {
            return Err(Refusal::new(Outcome::UnknownUser, format!("{sender} is no User")));
        };
        if user.suspended && !self.takes_suspended() {
            return Err(Refusal::new(Outcome::UserSuspended, format!("{} ({sender}) is suspended", user.name)));
        }
        let eligible = matches!(request.body, ServiceRequest::ReadInventory { .. })
            || user.role.is_supplier()
            || self.faulty(Fault::RoleUnchecked);
        if !eligible || self.refuses_sender(user.role, &request.body) {
            let detail = format!("{} may not send SRV {}", user.role, request.body.service_reference());
            return Err(Refusal::new(Outcome::RoleNotEligible, detail));
        }
        if request.command_variant != request.body.usual_command_variant() {
            let detail = format!(
                "command variant {} with SRV {}, expected {}",
                request.command_variant,
                request.body.service_reference(),
                request.body.usual_command_variant()
            );
            return Err(Refusal::new(Outcome::InvalidVariantOrTarget, detail));
        }
        if request.body.is_non_device() && id.target != self.config.eui {
            let detail = format!("target {} of a Non-Device request, expected {}", id.target, self.config.eui);
            return Err(Refusal::new(Outcome::InvalidVariantOrTarget, detail));
        }
        // The Signed Pre-Command comes with the RequestID of the request that the Pre-Command was made of, once.
        let signed = matches!(request.body, ServiceRequest::SignedPreCommand { .. });
        let follows = signed && self.pre_commands.contains_key(&id);
        if self.used_request_ids.contains(&id) && !follows && !self.faulty(Fault::ReplayUnchecked) {
            return Err(Refusal::new(Outcome::DuplicateRequest, format!("{id} was used before")));
        }
        Ok(())
    }

    /// Checks one Device of an update request, in the order of BR 4.1.3 step 4 and FIA 3.2.2. Gives the Device and the
    /// CHF that it is associated with.
    pub(super) fn check_device(
        &self,
        service: Service,
        sender: Eui64,
        device: Eui64,
        entries: &[&CplEntry],
    ) -> Result<(&SmiDevice, Eui64), DeviceFailure> {
        let device = self.data.smi.devices.get(&device).ok_or(DeviceFailure::Invalid)?;
        if !self.is_target(service, device.device_type) {
            return Err(DeviceFailure::Invalid);
        }
        if device.status != SmiStatus::Commissioned && !self.faulty(Fault::CommissioningUnchecked) {
            return Err(DeviceFailure::NotCommissioned);
        }
        let fits = |entry: &&CplEntry| {
            entry.device_type == device.device_type
                && (entry.device_model() == device.device_model() || self.takes_entry(entry, device))
        };
        if !entries.iter().any(fits) {
            return Err(DeviceFailure::NotApplicable);
        }
        let hub = device.hub.filter(|hub| self.data.hubs.contains_key(hub)).ok_or(DeviceFailure::Invalid)?;
        if !self.may_update(sender, device.device_type, hub) && !self.faulty(Fault::ResponsibilityUnchecked) {
            return Err(DeviceFailure::NotResponsible);
        }
        if self.is_in_progress(device.id, hub) {
            return Err(DeviceFailure::InProgress);
        }
        Ok((device, hub))
    }
}
