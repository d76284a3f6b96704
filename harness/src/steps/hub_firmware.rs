//! Firmware of the Communications Hub itself (SECMP0024): notice, stages, and the Alert when a hub has activated it.

use super::alerts::{dcc_alert, expect_dcc_alert};
use super::clocks::duration;
use super::{DCC, WAN};
use crate::rig::dcc_desk::ScreenUse;
use crate::rig::observe::{GatewayContent, Party, Shown};
use crate::runner::{StepError, StepResult};
use crate::world::{RigScenario, Role, Version};
use cucumber::{given, then, when};
use hanrig_dcc::data::Hub;
use hanrig_dcc::dsp::{Decision, Incident, Stage, Viewer};
use hanrig_dcc::duis::{DccAlert, DccAlertCode};
use hanrig_dcc::gateway::DspToCsp;
use hanrig_wire::time::Instant;
use hanrig_wire::types::{DeviceType, Eui64};

/// More hubs of the maker of the bench's own, in the same region.
#[given(expr = "the DCC has {int} more hubs like this one")]
fn more_hubs(world: &mut RigScenario, count: u64) -> StepResult {
    let hub = world.hub()?;
    let region = world.bench()?.hub.region;
    world.edit_dcc(&mut |data| {
        let like = data.smi.devices.get(&hub).cloned();
        for id in (1..=count).map(|n| Eui64(hub.0 ^ (n << 16))) {
            data.hubs.insert(id, Hub { id, region });
            if let Some(like) = &like {
                let device = hanrig_dcc::data::SmiDevice { id, hub: Some(id), ..like.clone() };
                data.smi.devices.insert(id, device);
            }
        }
    })
}

async fn on_desk(world: &mut RigScenario, action: ScreenUse) -> StepResult {
    world.driver().await?;
    world.stimulus().await?;
    let mut action = Some(action);
    world.in_motion()?.operate_dcc(&mut |now, dcc, taps| {
        if let Some(action) = action.take() {
            dcc.use_screen(now, Viewer::ServiceDesk, action, taps);
        }
    })?;
    Ok(())
}

/// Why the DCC's last action on a release was refused, if it was.
fn refused(world: &mut RigScenario) -> Result<Option<String>, StepError> {
    let last = world.seen()?.screens.last().cloned();
    match last {
        Some(sighting) => {
            world.rests_on(&sighting);
            match sighting.shown {
                Shown::HubFirmware { refused, .. } => Ok(refused),
                other => Err(StepError::bench_fault(format!("the last screen was another: {other:?}"))),
            }
        }
        None => Err(StepError::bench_fault("no step before this one has used a screen")),
    }
}

#[when(expr = "the DCC gives notice that hubs get firmware version {version} in {int} days")]
async fn notice(world: &mut RigScenario, version: Version, days: u64) -> StepResult {
    world.driver().await?;
    // The notice is given a moment after the time that the step sees.
    let at = world.in_motion_at()? + duration(days, "days") + duration(1, "hours");
    let not_before = world.bench()?.epoch.after(at - Instant::ZERO);
    on_desk(world, ScreenUse::AnnounceHubFirmware { version: version.0, not_before }).await
}

fn stage_of(name: &str) -> Result<Stage, StepError> {
    [Stage::MicroPilot, Stage::Pilot, Stage::RollOut]
        .into_iter()
        .find(|stage| stage.to_string() == name)
        .ok_or_else(|| StepError::bench_fault(format!("{name:?} is no stage of a release")))
}

/// The bench's own hub is the first.
#[when(regex = r"^the DCC begins the (micro pilot|pilot|roll-out) of version ([0-9A-F]{8}) with (\d+) hubs?$")]
async fn begins(world: &mut RigScenario, stage: String, version: String, count: usize) -> StepResult {
    let (stage, version) = (stage_of(&stage)?, version.parse::<Version>().map_err(StepError::bench_fault)?);
    let own = world.hub()?;
    let others = world.bench()?.data.hubs.keys().copied().filter(|hub| *hub != own);
    let hubs: Vec<Eui64> = [own].into_iter().chain(others).take(count).collect();
    if hubs.len() < count {
        return Err(StepError::bench_fault(format!("the bench's data have {} hubs", hubs.len())));
    }
    on_desk(world, ScreenUse::BeginStage { version: version.0, stage, hubs }).await
}

#[when(
    regex = r"^the DCC decides to (proceed|stop) after the (micro pilot|pilot) of version ([0-9A-F]{8}), which has raised (\d+) incidents?$"
)]
async fn decides(
    world: &mut RigScenario,
    decision: String,
    stage: String,
    version: String,
    incidents: usize,
) -> StepResult {
    let (stage, version) = (stage_of(&stage)?, version.parse::<Version>().map_err(StepError::bench_fault)?);
    let decision = if decision == "proceed" { Decision::Proceed } else { Decision::Stop };
    let incidents = vec![Incident { category: 3, text: "a hub took longer than expected".to_owned() }; incidents];
    on_desk(world, ScreenUse::DecideStage { version: version.0, stage, incidents, decision }).await
}

#[then("that is refused, because the notice is too short")]
fn too_short(world: &mut RigScenario) -> StepResult {
    is_refused(world, "the notice is")
}

#[then("that is refused, because the time of the notice is not over")]
fn too_early(world: &mut RigScenario) -> StepResult {
    is_refused(world, "the release begins at")
}

#[then("that is refused, because nobody has decided to proceed after the stage before")]
fn undecided(world: &mut RigScenario) -> StepResult {
    is_refused(world, "there is no decision to proceed")
}

#[then("that is refused, because the stage has too many hubs or too few")]
fn wrong_count(world: &mut RigScenario) -> StepResult {
    is_refused(world, "hubs for the")
}

#[then("that is refused, because the hub has an update in progress")]
fn hub_in_progress(world: &mut RigScenario) -> StepResult {
    is_refused(world, "has a firmware update in progress")
}

fn is_refused(world: &mut RigScenario, why: &str) -> StepResult {
    let refused = refused(world)?;
    let since = world.since;
    let seen = world.seen()?;
    let sent = seen.gateway.iter().any(|sighting| {
        sighting.at >= since && matches!(sighting.content, GatewayContent::ToCsp(DspToCsp::HubFirmwareRequest(_)))
    });
    let told = seen.duis.iter().any(|sighting| {
        sighting.at >= since
            && matches!(sighting.to, Party::User(user)
                if dcc_alert(sighting, user).is_some_and(|alert| alert.code == DccAlertCode::N901))
    });
    match refused {
        Some(reason) if reason.contains(why) && !sent && !told => Ok(()),
        Some(reason) if sent => Err(StepError::fail(format!("refused ({reason}), and sent to the CSP all the same"))),
        Some(reason) if told => Err(StepError::fail(format!("refused ({reason}), and Users got N901 all the same"))),
        other => Err(StepError::fail(format!("expected a refusal that says {why:?}, observed {other:?}"))),
    }
}

#[then(expr = "the DSP asks the CSP to bring firmware version {version} to {int} hub(s)")]
async fn asked(world: &mut RigScenario, version: Version, count: usize) -> StepResult {
    if let Some(why) = refused(world)? {
        return Err(StepError::fail(format!("expected that the stage begins, observed a refusal: {why}")));
    }
    world
        .expect_gateway(&format!("a request for firmware {} on {count} hubs", version.0), DCC, |sighting| {
            matches!(&sighting.content, GatewayContent::ToCsp(DspToCsp::HubFirmwareRequest(request))
                if request.firmware_version == version.0 && request.hubs.len() <= count)
        })
        .await?;
    let since = world.since;
    let asked: usize = world
        .seen()?
        .gateway
        .iter()
        .filter(|sighting| sighting.at >= since)
        .filter_map(|sighting| match &sighting.content {
            GatewayContent::ToCsp(DspToCsp::HubFirmwareRequest(request)) => Some(request.hubs.len()),
            _ => None,
        })
        .sum();
    if asked == count { Ok(()) } else { Err(StepError::fail(format!("expected {count} hubs, observed {asked}"))) }
}

#[then(expr = "every User gets N901, the notice of firmware version {version}, at least {int} days before")]
fn every_user(world: &mut RigScenario, version: Version, days: u64) -> StepResult {
    let since = world.since;
    let bench = world.bench()?;
    let mut wrong = String::new();
    for user in bench.data.users.values() {
        let mut notices =
            world.seen()?.duis.iter().filter(|sighting| sighting.at >= since).filter_map(|sighting| match &dcc_alert(
                sighting, user.id,
            )?
            .alert
            {
                DccAlert::CommunicationsHubFirmwareNotice(notice) => Some((sighting.at, notice)),
                _ => None,
            });
        let told = notices.next();
        let in_time = told.is_some_and(|(at, notice)| {
            let earliest = bench.epoch.after(at + duration(days, "days") - Instant::ZERO);
            notice.firmware_version == version.0 && notice.not_before >= earliest
        });
        if !in_time || notices.next().is_some() {
            wrong.push_str(&format!("\n  {}: observed {:?}", user.name, told.map(|(_, notice)| notice)));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(StepError::fail(format!("expected one N901 for each User:{wrong}"))) }
}

#[when(expr = "the hub activates firmware version {version}")]
async fn activates(world: &mut RigScenario, version: Version) -> StepResult {
    world.driver().await?;
    world.stimulus().await?;
    world.in_motion()?.update_hub(version.0)?;
    Ok(())
}

#[then(expr = "the {supplier} gets N902 for the hub with version {version}")]
async fn told_of_activation(world: &mut RigScenario, role: Role, version: Version) -> StepResult {
    let hub = world.hub()?;
    let what = format!("hub {hub} has activated {}", version.0);
    expect_dcc_alert(world, role, DccAlertCode::N902, &what, |alert| {
        matches!(alert, DccAlert::CommunicationsHubFirmwareActivation(told)
            if told.device_id == hub && told.firmware_version == version.0)
    })
    .await
    .map(drop)
}

#[when(expr = "the {supplier} reads the hub's inventory by SRV 8.2")]
async fn reads_inventory(world: &mut RigScenario, role: Role) -> StepResult {
    let hub = world.hub()?;
    let request = world.supplier(role)?.read_inventory(hub);
    super::supplier::send(world, role, request).await?;
    // The hub has told the CSP which firmware it runs as soon as its link was up.
    let is_hub = world.bench()?.data.smi.devices.get(&hub).is_some_and(|hub| hub.device_type == DeviceType::Chf);
    if is_hub { world.let_pass(WAN.min(DCC)).await } else { Err(StepError::bench_fault("the hub is not in the SMI")) }
}
