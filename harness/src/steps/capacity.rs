//! What a CSP can take, and how the DSP tries again: admission control, firmware jobs, the long retry, the delivery period.

use super::DCC;
use super::clocks::duration;
use super::supplier::device;
use crate::rig::observe::{GatewayContent, GatewaySighting, Sighting, WanDirection};
use crate::runner::{StepError, StepResult};
use crate::world::{RigScenario, Role, readable};
use cucumber::{then, when};
use hanrig_dcc::duis::RequestId;
use hanrig_dcc::gateway::{BusyReason, CspReply, CspToDsp, DspToCsp};
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;
use hanrig_wire::wan::WanMessage;

/// How far from its time a try may be: a CSP that does not answer is given up after a minute.
const PUNCTUAL: Duration = Duration::from_secs(120);
const HOUR: Duration = Duration::from_secs(3600);

#[when("the CSP can take no further update")]
async fn full(world: &mut RigScenario) -> StepResult {
    world
        .driver()
        .await?
        .operate_dcc(&mut |_, dcc, _| {
            let csp = dcc.csp_settings_mut();
            (csp.north.jobs, csp.south_and_central.devices) = (0, 0);
        })
        .map_err(StepError::from)
}

#[when("the CSP can take updates again")]
fn not_full(world: &mut RigScenario) -> StepResult {
    let settings = world.bench()?.settings.csp;
    world.in_motion()?.operate_dcc(&mut |_, dcc, _| *dcc.csp_settings_mut() = settings)?;
    Ok(())
}

#[when(regex = "^the SM WAN Gateway between DSP and CSP is (down|up again)$")]
async fn gateway(world: &mut RigScenario, state: String) -> StepResult {
    let up = state == "up again";
    world.driver().await?.operate_dcc(&mut |_, dcc, _| dcc.set_gateway(up))?;
    Ok(())
}

#[when("an octet of the next image changes between DSP and CSP")]
async fn damage(world: &mut RigScenario) -> StepResult {
    world.driver().await?.operate_dcc(&mut |_, dcc, _| dcc.damage_next_image())?;
    Ok(())
}

fn request(world: &RigScenario) -> Result<RequestId, StepError> {
    let request = world.request.map(|(_, request)| request);
    request.ok_or_else(|| StepError::bench_fault("no step before this one has sent a Service Request"))
}

/// When the DSP asked the CSP to distribute for a Service Request.
fn tries(world: &RigScenario, request: RequestId) -> Result<Vec<Instant>, StepError> {
    let asked = world.seen()?.gateway.iter().filter(|sighting| {
        matches!(&sighting.content, GatewayContent::ToCsp(DspToCsp::DistributionRequest(asked))
            if asked.request_id == request)
    });
    Ok(asked.map(Sighting::at).collect())
}

fn reply_to(sighting: &GatewaySighting, request: RequestId) -> Option<&CspReply> {
    match &sighting.content {
        GatewayContent::ToDsp(CspToDsp::DistributionReply(reply)) if reply.request_id == request => Some(&reply.reply),
        _ => None,
    }
}

#[then(
    regex = "^the CSP answers that it is busy, because (its admission control is full|it has no firmware job left)$"
)]
async fn busy(world: &mut RigScenario, why: String) -> StepResult {
    let request = request(world)?;
    let expected = if why.contains("job") { BusyReason::NoJob } else { BusyReason::AdmissionControl };
    let found = world
        .expect_gateway(&format!("an answer of the CSP to {request}"), DCC, |s| reply_to(s, request).is_some())
        .await?;
    match reply_to(&found, request) {
        Some(reply @ CspReply::Busy { reason_code, .. }) if *reason_code == expected && reply.http_status() == 503 => {
            Ok(())
        }
        reply => Err(StepError::fail(format!("expected HTTP 503 with reason {expected:?}, observed {reply:?}"))),
    }
}

/// Expects that the CSP says nothing more of a request, and brings nothing to the hub, until it takes it.
#[then(expr = "for {int} minutes the CSP does nothing about it")]
async fn does_nothing(world: &mut RigScenario, minutes: u64) -> StepResult {
    let request = request(world)?;
    let since = world.since;
    world.let_pass(Duration::from_secs(minutes.saturating_mul(60))).await?;
    let target = world.release()?.device;
    let seen = world.seen()?;
    let reports = seen.gateway.iter().filter(|sighting| {
        matches!(&sighting.content, GatewayContent::ToDsp(CspToDsp::ValidationReport(report))
            if report.request_id == request)
    });
    let transfers = seen.wan.iter().filter(|sighting| {
        sighting.at() >= since
            && matches!(&sighting.message, WanMessage::ImageBegin { targets, .. } if targets.contains(&target))
    });
    let observed = reports.map(Sighting::observation).chain(transfers.map(Sighting::observation)).next();
    match observed {
        Some(observed) => Err(StepError::fail(format!("expected nothing, observed {}", observed.summary))),
        None => Ok(()),
    }
}

#[then(regex = r"^the DSP asks the CSP again at once, and then every hour for (\d+) (hours|days)$")]
async fn asks_again(world: &mut RigScenario, count: u64, of: String) -> StepResult {
    let request = request(world)?;
    let window = duration(count, &of);
    let first = *tries(world, request)?
        .first()
        .ok_or_else(|| StepError::fail(format!("the DSP has not asked the CSP to distribute for {request}")))?;
    let left = first + window + PUNCTUAL - world.in_motion_at()?;
    world.let_pass(left).await?;
    let mut due = vec![first, first];
    due.extend(
        (1..=window.as_secs() / HOUR.as_secs()).map(|hours| first + Duration::from_secs(hours * HOUR.as_secs())),
    );
    let tries = tries(world, request)?;
    let punctual = |(at, due): (&Instant, &Instant)| *due <= *at && *at - *due <= PUNCTUAL;
    if tries.len() == due.len() && tries.iter().zip(&due).all(punctual) {
        return Ok(());
    }
    let late = tries.iter().zip(&due).find(|(at, due)| !punctual((at, due)));
    let instead =
        late.map_or_else(String::new, |(at, due)| format!("; the one that was due at {due} s came at {at} s"));
    Err(StepError::fail(format!("expected {} requests, observed {}{instead}", due.len(), tries.len())))
}

#[then(expr = "within an hour the CSP takes the request")]
async fn takes(world: &mut RigScenario) -> StepResult {
    let request = request(world)?;
    world
        .expect_gateway(&format!("that the CSP accepts {request}"), HOUR + PUNCTUAL, |sighting| {
            matches!(reply_to(sighting, request), Some(CspReply::Accepted))
        })
        .await
        .map(drop)
}

#[then("the DSP has asked the CSP once, and does not ask again in the next 5 days")]
async fn not_again(world: &mut RigScenario) -> StepResult {
    let request = request(world)?;
    world.let_pass(duration(5, "days")).await?;
    match tries(world, request)?.len() {
        1 => Ok(()),
        tries => Err(StepError::fail(format!("expected one distribution request, observed {tries}"))),
    }
}

/// When the image for a Device first began to go to the hub.
fn begun(world: &RigScenario, target: Eui64) -> Result<Option<Instant>, StepError> {
    let seen = world.seen()?;
    let begin = seen.wan.iter().find(|sighting| {
        sighting.direction == WanDirection::ToHub
            && matches!(&sighting.message, WanMessage::ImageBegin { targets, .. } if targets.contains(&target))
    });
    Ok(begin.map(Sighting::at))
}

#[then(regex = "^the CSP brings the hub the image for (the .*) before the one for (the .*)$")]
async fn brings_first(world: &mut RigScenario, first: String, second: String) -> StepResult {
    let (one, other) = (device(world, &first)?, device(world, &second)?);
    world.let_pass(HOUR).await?;
    match (begun(world, one)?, begun(world, other)?) {
        (Some(one), Some(other)) if one < other => Ok(()),
        (one, other) => Err(StepError::fail(format!(
            "expected the image for {first} first, observed that it began at {one:?} and that for {second} at {other:?}"
        ))),
    }
}

/// When the DSP took the last Service Request.
fn asked_at(world: &RigScenario) -> Result<Instant, StepError> {
    let request = request(world)?;
    let sent = world.seen()?.duis.iter().find(|sighting| {
        matches!(&sighting.message, hanrig_dcc::duis::DuisMessage::Request(sent) if sent.request_id == request)
    });
    sent.map(Sighting::at).ok_or_else(|| StepError::bench_fault(format!("{request} has not been sent")))
}

#[then(expr = "the {supplier} has been told by N60 within {int} days that the image for the {unit} is not at its hub")]
async fn told_in_time(world: &mut RigScenario, role: Role, days: u64, unit: crate::world::Unit) -> StepResult {
    let (user, device) = (world.supplier_eui(role)?, world.unit(unit)?.eui);
    let end = asked_at(world)? + duration(days, "days") + PUNCTUAL;
    let now = world.in_motion_at()?;
    if end > now {
        world.let_pass(end - now).await?;
    }
    let request = request(world)?;
    let mut alerts = world.seen()?.duis.iter().filter(|sighting| {
        super::alerts::dcc_alert(sighting, user).is_some_and(|alert| {
            matches!(&alert.alert, hanrig_dcc::duis::DccAlert::FirmwareDeliveryStatus(status)
                if alert.code == hanrig_dcc::duis::DccAlertCode::N60
                    && status.device_id == device && status.request_id == request && status.reason.is_some())
        })
    });
    match (alerts.next(), alerts.next()) {
        (Some(alert), None) if alert.at() <= end => Ok(()),
        (Some(alert), None) => Err(StepError::fail(format!("N60 came at {} s, expected by {end} s", alert.at()))),
        (Some(_), Some(_)) => Err(StepError::fail("N60 came more than once")),
        (None, _) => {
            let limit = readable(duration(days, "days"));
            Err(StepError::fail(format!("expected N60 with a reason for {device} within {limit}, observed none")))
        }
    }
}
