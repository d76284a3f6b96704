//! The readings of the documents that are in force on the bench, as steps judge by them.
//!
//! Features are written for the readings of the catalogue. Where a lab has one otherwise (`settings` in its bench file),
//! a step expects what that reading gives; a scenario that is about the usual reading itself says so in a step, and is
//! not applicable where another is in force.

use crate::rig::observe::GatewayContent;
use crate::runner::{StepError, StepResult};
use crate::world::{RigScenario, Role};
use cucumber::given;
use hanrig_dcc::duis::DccAlertCode;
use hanrig_dcc::gateway::CspToDsp;
use hanrig_dcc::settings::{AlertRecipients, Settings, VersionAlerts, VersionRead};
use hanrig_wire::gbcs::{cs08, ecs52};
use hanrig_wire::types::{DeviceType, Eui64};
use std::collections::BTreeSet;

/// The DCC Alert that the bench has for what `code` tells by the catalogue's reading of I-13.
///
/// N20 stands for two reasons of a CSP, which the bench may tell apart: the one that the CSP has reported decides.
pub(super) fn told_by(world: &RigScenario, code: DccAlertCode) -> Result<DccAlertCode, StepError> {
    let settings = &world.bench()?.settings;
    let VersionAlerts { removed, not_listed, other_model } = settings.version_alerts;
    match code {
        DccAlertCode::N49 => return Ok(removed),
        DccAlertCode::N50 => return Ok(not_listed),
        DccAlertCode::N51 => return Ok(other_model),
        DccAlertCode::N18 | DccAlertCode::N19 | DccAlertCode::N20 => {}
        _ => return Ok(code),
    }
    let usual = Settings::default().rejection_alerts;
    let reasons: BTreeSet<_> = usual.iter().filter(|(_, usual)| **usual == code).map(|(reason, _)| *reason).collect();
    let reports = world.seen()?.gateway.iter().filter_map(|sighting| match &sighting.content {
        GatewayContent::ToDsp(CspToDsp::ValidationReport(report)) => Some(report),
        _ => None,
    });
    let reported = reports.flat_map(|report| &report.rejected).map(|rejected| rejected.reason);
    let mut of_this: BTreeSet<_> = reported.filter(|reason| reasons.contains(reason)).collect();
    if of_this.is_empty() {
        of_this = reasons;
    }
    let here = |reason| settings.rejection_alerts.get(reason).copied().unwrap_or(DccAlertCode::N18);
    let codes: BTreeSet<_> = of_this.iter().map(here).collect();
    match codes.first() {
        Some(only) if codes.len() == 1 => Ok(*only),
        _ => Err(StepError::not_applicable(format!(
            "the scenario rests on I-13, by which {code} tells of all of these, and the bench tells them apart: {of_this:?}"
        ))),
    }
}

/// Whether N60, N61 and N62 go to every Responsible Supplier, and not to the sender alone (I-03).
///
/// Who was responsible when each of them was sent is not known once there has been a Change of Supplier: what rests on it
/// is then not applicable.
pub(super) fn status_alerts_go_to_all(world: &RigScenario) -> Result<bool, StepError> {
    let to_all = world.bench()?.settings.transfer_alert_recipients == AlertRecipients::ResponsibleSuppliers;
    if to_all && world.change.is_some() {
        return Err(StepError::not_applicable(
            "the scenario rests on I-03, by which only the sender gets N60, N61 and N62, also after a Change of Supplier; \
             on this bench every Responsible Supplier gets them",
        ));
    }
    Ok(to_all)
}

/// Whether CSPs gather their notifications (DSP-13), so that N60 and N61 may come after what came of the image.
pub(super) fn notifications_are_gathered(world: &RigScenario) -> Result<bool, StepError> {
    Ok(!world.bench()?.settings.csp.notification_batch.is_zero())
}

/// The Suppliers that are responsible for the bench's premises, each once.
pub(super) fn responsible(world: &RigScenario) -> Result<Vec<Eui64>, StepError> {
    let mut suppliers = vec![world.supplier_eui(Role::ImportSupplier)?, world.supplier_eui(Role::GasSupplier)?];
    suppliers.dedup();
    Ok(suppliers)
}

/// The DCC Alerts that one Supplier is to get, in order.
pub(super) struct Expected {
    /// Who.
    pub(super) role: Role,
    codes: Vec<DccAlertCode>,
    /// Whether N60 and N61 may come after the others.
    gathered: bool,
    /// What N60, N61 and N62 it is to get where all Responsible Suppliers get them: those of all rows, in no order.
    of_all: Option<Vec<DccAlertCode>>,
}

/// N60, N61 and N62.
const fn is_status(code: DccAlertCode) -> bool {
    matches!(code, DccAlertCode::N60 | DccAlertCode::N61 | DccAlertCode::N62)
}

impl Expected {
    /// From what stands in a table: each Supplier with its Alerts.
    pub(super) fn of(world: &RigScenario, rows: &[(Role, &str)]) -> Result<Vec<Self>, StepError> {
        let to_all = status_alerts_go_to_all(world)?;
        let gathered = notifications_are_gathered(world)?;
        let mut expected = Vec::new();
        let mut status = Vec::new();
        for (role, text) in rows {
            let mut codes = Vec::new();
            for code in text.split(',').map(str::trim).filter(|code| !code.is_empty()) {
                let code = code.parse().map_err(|_| StepError::bench_fault(format!("{code:?} is no DCC Alert")))?;
                codes.push(told_by(world, code)?);
            }
            status.extend(codes.iter().copied().filter(|code| is_status(*code)));
            expected.push(Self { role: *role, codes, gathered, of_all: None });
        }
        status.sort_unstable();
        if to_all {
            let responsible = responsible(world)?;
            for row in &mut expected {
                let is_responsible = responsible.contains(&world.supplier_eui(row.role)?);
                row.of_all = Some(if is_responsible { status.clone() } else { Vec::new() });
            }
        }
        Ok(expected)
    }

    /// The Alerts as they are compared: where notifications are gathered, N60 and N61 in no order among the others.
    fn in_order(&self, codes: &[DccAlertCode]) -> (Vec<DccAlertCode>, Vec<DccAlertCode>) {
        let may_come_late =
            |code: &DccAlertCode| self.gathered && matches!(code, DccAlertCode::N60 | DccAlertCode::N61);
        let (mut late, others): (Vec<_>, Vec<_>) = codes.iter().copied().partition(may_come_late);
        late.sort_unstable();
        (late, others)
    }

    /// What is wrong with what the Supplier has got, if something is.
    pub(super) fn difference(&self, observed: &[DccAlertCode]) -> Option<String> {
        let list = |codes: &[DccAlertCode]| codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let Some(of_all) = &self.of_all else {
            let wrong = self.in_order(&self.codes) != self.in_order(observed);
            return wrong.then(|| format!("expected {}, observed {}", list(&self.codes), list(observed)));
        };
        let others =
            |codes: &[DccAlertCode]| codes.iter().copied().filter(|code| !is_status(*code)).collect::<Vec<_>>();
        let mut status: Vec<_> = observed.iter().copied().filter(|code| is_status(*code)).collect();
        status.sort_unstable();
        let wrong = status != *of_all || others(&self.codes) != others(observed);
        wrong.then(|| {
            let (first, second) = (list(&others(&self.codes)), list(of_all));
            format!("expected {first} and (I-03) {second}, observed {}", list(observed))
        })
    }
}

/// The use case by which SRV 11.2 reads an HCALCS (I-11).
pub(super) fn version_read_of(world: &RigScenario, device_type: DeviceType) -> Result<u16, StepError> {
    let by_type = world.bench()?.settings.hcalcs_version_read == VersionRead::DeviceType;
    Ok(if by_type && device_type == DeviceType::Hcalcs { ecs52::MESSAGE_CODE } else { cs08::MESSAGE_CODE })
}

/// What a scenario is about that cannot be judged by another reading. The name is the beginning of the setting's path.
#[given(expr = "the setting {string} is as usual")]
fn as_usual(world: &mut RigScenario, setting: String) -> StepResult {
    match world.bench()?.unusual(&setting) {
        None => Ok(()),
        Some(unusual) => Err(StepError::not_applicable(format!("the scenario rests on what is usual: {unusual}"))),
    }
}
