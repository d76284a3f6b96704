//! SSI and SSMI: the 'Firmware Update Status' screen, its reset, RSAT_004 and the Service Audit Trail.

use super::alerts::dcc_alert;
use super::blocks::{cell, rows};
use super::clocks::{duration, run_to};
use super::readings::told_by;
use super::supplier::device;
use crate::rig::dcc_desk::ScreenUse;
use crate::rig::observe::{ScreenSighting, Shown, Sighting};
use crate::runner::{StepError, StepResult};
use crate::world::{Named, RigScenario, Role, Version};
use cucumber::gherkin::Step;
use cucumber::{then, when};
use hanrig_dcc::dsp::{AuditEvent, FirmwareUpdateStatus, Viewer};
use hanrig_dcc::duis::DccAlertCode;
use hanrig_wire::time::Duration;

/// How old what a screen shows may be.
const FRESH: Duration = Duration::from_secs(15 * 60);

/// Who scenarios say looks.
fn viewer(world: &RigScenario, who: &str) -> Result<Viewer, StepError> {
    match who.strip_prefix("the ").unwrap_or(who) {
        "DCC Service Desk" => Ok(Viewer::ServiceDesk),
        role => Ok(Viewer::User(world.supplier_eui(role.parse::<Role>().map_err(StepError::bench_fault)?)?)),
    }
}

async fn uses(world: &mut RigScenario, who: &str, action: ScreenUse) -> Result<ScreenSighting, StepError> {
    let viewer = viewer(world, who)?;
    let mut action = Some(action);
    world.driver().await?.operate_dcc(&mut |now, dcc, taps| {
        if let Some(action) = action.take() {
            dcc.use_screen(now, viewer, action, taps);
        }
    })?;
    let shown = world.seen()?.screens.last().cloned();
    let shown = shown.ok_or_else(|| StepError::bench_fault("the screen shows nothing at all"))?;
    world.rests_on(&shown);
    Ok(shown)
}

async fn status_of(
    world: &mut RigScenario,
    who: &str,
    named: Named,
) -> Result<Option<FirmwareUpdateStatus>, StepError> {
    let device = world.device(named)?.eui;
    match uses(world, who, ScreenUse::FirmwareUpdateStatus(device)).await?.shown {
        Shown::FirmwareUpdateStatus { status, .. } => Ok(status),
        _ => Err(StepError::bench_fault("another screen has opened")),
    }
}

/// Looks when the screen may be as old as it may be at most.
#[then(
    regex = r"^within 15 minutes the 'Firmware Update Status' screen shows (the DCC Service Desk|the .* Supplier) that the (PPMID|HCALCS|ESME|GSME) is ([A-Z_]+), by the (.* Supplier)'s request for version ([0-9A-F]{8})$"
)]
async fn shows(
    world: &mut RigScenario,
    who: String,
    named: String,
    expected: String,
    sender: String,
    version: String,
) -> StepResult {
    let named: Named = named.parse().map_err(StepError::bench_fault)?;
    let version: Version = version.parse().map_err(StepError::bench_fault)?;
    let sender = world.supplier_eui(sender.parse().map_err(StepError::bench_fault)?)?;
    let device = world.device(named)?.eui;
    world.let_pass(FRESH).await?;
    let Some(status) = status_of(world, &who, named).await? else {
        return Err(StepError::fail(format!("expected {expected} of {device}, observed an empty screen")));
    };
    let record = &status.record;
    let right = record.device == device
        && record.request_id.originator == sender
        && record.firmware_version == version.0
        && record.status.name() == expected
        && status.device_type == named.0;
    if right {
        return Ok(());
    }
    Err(StepError::fail(format!(
        "expected {expected} of {device}, version {}, by a request of {sender}\nobserved {} of {}, version {}, by {}",
        version.0, record.status, record.device, record.firmware_version, record.request_id
    )))
}

/// Shows the time of the DCC Alert by which the status changed, and a reason code where it is a failure.
#[then(
    expr = "the screen shows the {supplier} the reason {string} for the {device}, and the time at which {word} came"
)]
async fn shows_reason(world: &mut RigScenario, role: Role, reason: String, named: Named, code: String) -> StepResult {
    let user = world.supplier_eui(role)?;
    let code: DccAlertCode = code.parse().map_err(|_| StepError::bench_fault(format!("{code} is no DCC Alert")))?;
    let alert = world.seen()?.duis.iter().rev().find(|s| dcc_alert(s, user).is_some_and(|alert| alert.code == code));
    let at = alert.map(Sighting::at).ok_or_else(|| StepError::fail(format!("{code} has not come for the {role}")))?;
    let time = world.bench()?.epoch.after(at - hanrig_wire::time::Instant::ZERO);
    let status = status_of(world, &role.to_string(), named).await?;
    let record = status.map(|status| status.record);
    match &record {
        Some(record) if record.reason.as_deref() == Some(&reason) && record.last_updated == time => Ok(()),
        other => Err(StepError::fail(format!("expected reason {reason:?} since {time}, observed {other:?}"))),
    }
}

#[then(
    regex = r"^the 'Firmware Update Status' screen shows (the .* Supplier|the DCC Service Desk) nothing of the (PPMID|HCALCS|ESME|GSME)$"
)]
async fn shows_nothing(world: &mut RigScenario, who: String, named: String) -> StepResult {
    match status_of(world, &who, named.parse().map_err(StepError::bench_fault)?).await? {
        None => Ok(()),
        Some(status) => Err(StepError::fail(format!("expected an empty screen, observed {:?}", status.record))),
    }
}

#[when(
    regex = r"^(the .* Supplier|the DCC Service Desk) asks for a reset of the (PPMID|HCALCS|ESME|GSME)'s firmware update status$"
)]
async fn asks_for_reset(world: &mut RigScenario, who: String, named: String) -> StepResult {
    let device = world.device(named.parse().map_err(StepError::bench_fault)?)?.eui;
    uses(world, &who, ScreenUse::Reset(device)).await.map(drop)
}

#[then(regex = "^the reset is (done|refused)$")]
fn is_reset(world: &mut RigScenario, what: String) -> StepResult {
    match world.seen()?.screens.last().map(|screen| &screen.shown) {
        Some(Shown::Reset { refused: None, .. }) if what == "done" => Ok(()),
        Some(Shown::Reset { refused: Some(_), .. }) if what == "refused" => Ok(()),
        other => Err(StepError::fail(format!("expected that it is {what}, observed {other:?}"))),
    }
}

#[then(regex = "^the report RSAT_004 lists these activations for (the .* Supplier|the DCC Service Desk):$")]
async fn report(world: &mut RigScenario, step: &Step, who: String) -> StepResult {
    let mut expected = Vec::new();
    for row in rows(step) {
        let name = cell(&row, "Device")?;
        let device_type = cell(&row, "Device Type")?;
        let (outcome, version) = (cell(&row, "Outcome")?, cell(&row, "Firmware Version")?);
        expected.push(format!("{} {device_type} {outcome} {version}", device(world, name)?));
    }
    let Shown::Rsat004 { csv } = uses(world, &who, ScreenUse::Rsat004).await?.shown else {
        return Err(StepError::bench_fault("another screen has opened"));
    };
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let columns: Vec<usize> = ["Device ID", "Device Type", "Outcome", "Firmware Version"]
        .iter()
        .filter_map(|title| header.iter().position(|column| column == title))
        .collect();
    let observed: Vec<String> = lines
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let picked = columns.iter().map(|column| cells.get(*column).copied().unwrap_or_default());
            picked.collect::<Vec<_>>().join(" ")
        })
        .collect();
    if observed == expected {
        return Ok(());
    }
    Err(StepError::fail(format!("expected {expected:?}, observed {observed:?}")))
}

/// One entry for each Device that the CSP has rejected since the last stimulus, which names it and the request.
#[then("the Service Audit Trail has one entry for each of these Devices that the CSP has rejected:")]
async fn audited_rejections(world: &mut RigScenario, step: &Step) -> StepResult {
    let mut expected: Vec<(String, String)> = Vec::new();
    for row in rows(step) {
        let code = cell(&row, "DCC Alert")?;
        let code = code.parse().map_err(|_| StepError::bench_fault(format!("{code} is no DCC Alert")))?;
        expected.push((device(world, cell(&row, "Device")?)?.to_string(), told_by(world, code)?.to_string()));
    }
    expected.sort_unstable();
    let (_, request) = world.request.ok_or_else(|| StepError::bench_fault("no Service Request has been sent"))?;
    let entries = audit_trail(world).await?;
    let rejected =
        entries.iter().filter(|entry| entry.event == AuditEvent::RejectedByCsp && entry.request_id == Some(request));
    let mut observed: Vec<(String, String)> = rejected
        .map(|entry| {
            let device = entry.device.map(|device| device.to_string()).unwrap_or_default();
            (device, entry.detail.split(':').next().unwrap_or_default().to_owned())
        })
        .collect();
    observed.sort_unstable();
    if observed == expected {
        return Ok(());
    }
    Err(StepError::fail(format!("expected {expected:?}, observed {observed:?}")))
}

async fn audit_trail(world: &mut RigScenario) -> Result<Vec<hanrig_dcc::dsp::AuditEntry>, StepError> {
    match uses(world, "DCC Service Desk", ScreenUse::ServiceAuditTrail).await?.shown {
        Shown::ServiceAuditTrail { entries } => Ok(entries),
        _ => Err(StepError::bench_fault("another screen has opened")),
    }
}

/// The Alert Codes of the Device Alerts about a Device, in order, each with the response code where it tells of a failure.
#[then(expr = "the Service Audit Trail has exactly these Device Alerts for the {device}: {string}")]
async fn audited_alerts(world: &mut RigScenario, named: Named, expected: String) -> StepResult {
    let device = world.device(named)?.eui;
    let entries = audit_trail(world).await?;
    let alerts = entries.iter().filter(|entry| entry.event == AuditEvent::DeviceAlert && entry.device == Some(device));
    let told: Vec<String> = alerts
        .map(|entry| {
            let code = entry.alert_code.map_or_else(|| "none".to_owned(), |code| format!("0x{code:04X}"));
            entry.response_code.map_or_else(|| code.clone(), |response| format!("{code} with {response}"))
        })
        .collect();
    let observed = told.join(", ");
    if observed == expected {
        return Ok(());
    }
    Err(StepError::fail(format!("expected {expected}, observed {observed}")))
}

/// The tracking timeout runs from the change of status, which the DCC Alert tells of.
#[when(
    regex = r"^it is one second (before|after) (\d+) (hours?|days?) since the (.* Supplier) got (N6[012]) for the (PPMID|HCALCS|ESME|GSME)$"
)]
async fn since_alert(
    world: &mut RigScenario,
    side: String,
    count: u64,
    of: String,
    role: String,
    code: String,
    named: String,
) -> StepResult {
    let role: Role = role.parse().map_err(StepError::bench_fault)?;
    let named: Named = named.parse().map_err(StepError::bench_fault)?;
    let (user, device) = (world.supplier_eui(role)?, world.device(named)?.eui);
    let code: DccAlertCode = code.parse().map_err(|_| StepError::bench_fault(format!("{code} is no DCC Alert")))?;
    let alert = world.seen()?.duis.iter().rev().find(|sighting| {
        dcc_alert(sighting, user).is_some_and(|alert| alert.code == code && alert.alert.devices().contains(&device))
    });
    let at = alert.map(Sighting::at).ok_or_else(|| StepError::bench_fault(format!("{code} has not come")))?;
    run_to(world, &side, at + duration(count, &of)).await
}
