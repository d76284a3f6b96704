//! Firmware in several parts, and PPMIDs from before the use cases that tell of it.

use super::alerts::dcc_alert;
use super::pics::asks_within;
use super::{HAN, did_not_come, none_of};
use crate::rig::observe::{AirSighting, Heard, OtaHeard, Sighting};
use crate::runner::{StepError, StepResult};
use crate::world::{Named, RigScenario, Role, Version};
use cucumber::{given, then};
use hanrig_dcc::duis::DccAlert;
use hanrig_wire::gbcs::{ActivationOutcome, Cra, cs09};
use hanrig_wire::time::Duration;
use hanrig_wire::types::{Eui64, FirmwareVersion};
use hanrig_wire::zcl::ota::UPGRADE_NOW;

#[given("the PPMID was installed with firmware from before CS08 and CS09")]
fn predates(world: &mut RigScenario) -> StepResult {
    world.older_ppmid = true;
    world.make_ppmids(
        "knows neither CS08 nor CS09",
        |ppmid| ppmid.declaration.predates_gbcs,
        |ppmid| ppmid.declaration.predates_gbcs = true,
    )
}

/// The versions in the N39 that a User has got about the PPMID, each with what it tells of the activation.
fn n39(world: &RigScenario, user: Eui64) -> Result<Vec<(FirmwareVersion, bool)>, StepError> {
    let ppmid = world.ppmid()?.eui;
    let alerts = world.seen()?.duis.iter().filter_map(|sighting| dcc_alert(sighting, user));
    Ok(alerts
        .filter_map(|alert| match &alert.alert {
            DccAlert::PpmidAlert(status) if status.device_id == ppmid => {
                Some((status.firmware_version, status.activation_response_code == ActivationOutcome::Success as u8))
            }
            _ => None,
        })
        .collect())
}

/// As steps put them: version, and what came of the activation.
fn in_words(alerts: &[(FirmwareVersion, bool)]) -> Vec<String> {
    let told = |activated: &bool| if *activated { "activated" } else { "failed" };
    alerts.iter().map(|(version, done)| format!("{version} {}", told(done))).collect()
}

#[then(expr = "{int} hour(s) later the {supplier} has got exactly these N39 for the PPMID: {string}")]
async fn exactly_these_n39(world: &mut RigScenario, hours: u64, role: Role, expected: String) -> StepResult {
    world.let_pass(Duration::from_secs(hours.saturating_mul(3600))).await?;
    let alerts = n39(world, world.supplier_eui(role)?)?;
    let observed = in_words(&alerts);
    let observed = if observed.is_empty() { "none".to_owned() } else { observed.join(", ") };
    if observed == expected {
        return Ok(());
    }
    Err(StepError::fail(format!("expected {expected}, observed {observed}")))
}

/// PPMID-11 lets the Device choose whether it activates a part before it is told to, and so how often it tells of it.
#[then(
    expr = "{int} hour(s) later the {supplier} has got these N39 for the PPMID: {string} {int} times or more, and {string} at last"
)]
async fn these_n39(
    world: &mut RigScenario,
    hours: u64,
    role: Role,
    before: String,
    at_least: usize,
    at_last: String,
) -> StepResult {
    world.let_pass(Duration::from_secs(hours.saturating_mul(3600))).await?;
    let observed = in_words(&n39(world, world.supplier_eui(role)?)?);
    match observed.split_last() {
        Some((last, rest)) if *last == at_last && rest.len() >= at_least && rest.iter().all(|n39| *n39 == before) => {
            Ok(())
        }
        _ => Err(StepError::fail(format!(
            "expected {before} {at_least} times or more and {at_last} at last, observed {}",
            observed.join(", ")
        ))),
    }
}

#[then(expr = "in the next {int} hours the {device} does not answer CS08")]
async fn no_answer(world: &mut RigScenario, hours: u64, named: Named) -> StepResult {
    let (device, since) = (world.device(named)?.eui, world.since);
    world.let_pass(Duration::from_secs(hours.saturating_mul(3600))).await?;
    let seen = world.seen()?;
    let answer = seen.air.iter().find(|sighting| {
        sighting.at() >= since
            && sighting.source == device
            && matches!(&sighting.heard, Heard::Gbcs(envelope) if envelope.message().cra == Cra::Response)
    });
    none_of(seen, "answer", answer.map(Sighting::observation))
}

/// PPMID-11 lets the Device choose; what it does and what it says have to agree.
#[then(
    expr = "within {int} hours the PPMID runs {version} and has told the {supplier} so by N39, or it runs {version} and has told nothing"
)]
async fn either(world: &mut RigScenario, hours: u64, new: Version, role: Role, old: Version) -> StepResult {
    let (ppmid, hub) = (world.ppmid()?.eui, world.hub()?);
    let window = Duration::from_secs(hours.saturating_mul(3600));
    asks_within(world, ppmid, window)?;
    // What it said before its power came back tells nothing of what it runs since.
    let back = world.in_motion()?.now();
    world.let_pass(window).await?;
    let mut asked = world.seen()?.air.iter().rev().filter(|sighting| {
        sighting.at() >= back && sighting.source == ppmid && sighting.destination == Some(hub) && sighting.link_key
    });
    let runs = asked.find_map(|sighting| match &sighting.heard {
        Heard::Ota(_, OtaHeard::Query(query)) => Some(query.current.file_version),
        _ => None,
    });
    let alerts = n39(world, world.supplier_eui(role)?)?;
    match (runs, alerts.as_slice()) {
        (Some(version), [(told, true)]) if version == new.0 && *told == new.0 => Ok(()),
        (Some(version), []) if version == old.0 => Ok(()),
        // It may say that the activation has failed.
        (Some(version), [(told, false)]) if version == old.0 && *told == old.0 => Ok(()),
        (None, _) => {
            let what = format!("a Query Next Image Request of the PPMID within {hours} hours");
            did_not_come(world.seen()?, &what)
        }
        (Some(runs), alerts) => Err(StepError::fail(format!(
            "expected one of the two, observed that it asks with {runs} and has told {}",
            in_words(alerts).join(", ")
        ))),
    }
}

/// PPMID-12: the firmware that its first update brings knows CS09, and may tell of that update or not.
#[then(expr = "{int} hours later the {supplier} has got no N39 for the PPMID, or one that it runs {version}")]
async fn none_or_one(world: &mut RigScenario, hours: u64, role: Role, new: Version) -> StepResult {
    world.let_pass(Duration::from_secs(hours.saturating_mul(3600))).await?;
    let alerts = n39(world, world.supplier_eui(role)?)?;
    match alerts.as_slice() {
        [] => Ok(()),
        [(told, true)] if *told == new.0 => Ok(()),
        alerts => Err(StepError::fail(format!(
            "expected none, or {} activated, observed {}",
            new.0,
            in_words(alerts).join(", ")
        ))),
    }
}

/// PPMID-05: what a PPMID says until its hub tells it to activate.
#[then(expr = "the PPMID runs {version} until the hub tells it to activate")]
async fn until_told(world: &mut RigScenario, version: Version) -> StepResult {
    let (ppmid, hub) = (world.ppmid()?.eui, world.hub()?);
    let instruction = |sighting: &&AirSighting| {
        sighting.source == hub
            && sighting.destination == Some(ppmid)
            && matches!(&sighting.heard, Heard::Ota(_, OtaHeard::EndResponse(response))
                if response.upgrade_time == UPGRADE_NOW)
    };
    let driver = world.in_motion()?;
    let deadline = driver.now() + HAN;
    driver.run_until(deadline, &mut |seen| seen.air.iter().rev().any(|sighting| instruction(&sighting))).await?;
    let seen = world.seen()?;
    let Some(told) = seen.air.iter().find(instruction).map(Sighting::at) else {
        return did_not_come(seen, "an Upgrade End Response of the hub with upgrade time 0");
    };
    let runs_another = seen.air.iter().take_while(|sighting| sighting.at() < told).find(|sighting| {
        sighting.source == ppmid
            && match &sighting.heard {
                Heard::Ota(_, OtaHeard::Query(query)) => query.current.file_version != version.0,
                Heard::Gbcs(envelope) => envelope.message().message_code == cs09::MESSAGE_CODE,
                _ => false,
            }
    });
    none_of(seen, "word that it runs another", runs_another.map(Sighting::observation))
}
