//! What befalls hub and Devices: loss of power, resets, loss of the WAN; and how far they had got by then.

use super::HAN;
use crate::rig::observe::{Heard, Observations, Sighting, WanDirection, WanSighting};
use crate::runner::{StepError, StepResult};
use crate::world::{Named, Node, RigScenario, Unit, readable};
use cucumber::when;
use hanrig_wire::gbcs::Cra;
use hanrig_wire::time::Duration;
use hanrig_wire::types::Eui64;

pub(super) fn eui_of(world: &RigScenario, node: Node) -> Result<Eui64, StepError> {
    match node {
        Node::Hub => world.hub(),
        Node::Device(unit) => Ok(world.unit(unit)?.eui),
    }
}

/// How many octets of the newest image that `device` fetches went over the air, of how many.
fn fetched(seen: &Observations, device: Eui64) -> (usize, usize) {
    let image = seen.fetched.get(&device).and_then(|images| images.last());
    image.map_or((0, 0), |image| (image.covered(), image.size as usize))
}

#[when(expr = "the {unit} has fetched {int} % of the image")]
async fn has_fetched(world: &mut RigScenario, unit: Unit, percent: usize) -> StepResult {
    let (size, block_size) = (world.release()?.octets().len(), world.unit(unit)?.block_size);
    let device = world.unit(unit)?.eui;
    let of_this = |seen: &Observations| {
        let (covered, of) = fetched(seen, device);
        if of == size { covered } else { 0 }
    };
    let driver = world.in_motion()?;
    let octets = (size * percent).div_ceil(100);
    if driver.run_until_fetched(device, driver.now() + HAN, (octets, block_size), &of_this).await? {
        let (covered, of) = fetched(driver.observations(), device);
        if covered == of && percent < 100 {
            return Err(StepError::inconclusive(format!(
                "the {unit} had the whole image before the bench could be halted"
            )));
        }
        return Ok(());
    }
    let (covered, _) = fetched(driver.observations(), device);
    Err(StepError::fail(format!(
        "expected {percent} % of {size} octets on the air within {}, observed {covered} octets",
        readable(HAN)
    )))
}

#[when(expr = "the {node} is switched off")]
async fn switched_off(world: &mut RigScenario, node: Node) -> StepResult {
    let eui = eui_of(world, node)?;
    world.driver().await?.set_power(eui, false).await?;
    Ok(())
}

#[when(expr = "the {node} is switched on again")]
async fn switched_on(world: &mut RigScenario, node: Node) -> StepResult {
    let eui = eui_of(world, node)?;
    world.in_motion()?.set_power(eui, true).await?;
    Ok(())
}

#[when(expr = "the {node} is reset")]
async fn reset(world: &mut RigScenario, node: Node) -> StepResult {
    let eui = eui_of(world, node)?;
    world.driver().await?.reset(eui).await?;
    Ok(())
}

#[when("the WAN link is cut")]
async fn wan_cut(world: &mut RigScenario) -> StepResult {
    world.driver().await?.set_wan(false)?;
    world.wan_was_cut = true;
    Ok(())
}

#[when(expr = "the WAN link is cut as soon as the {device} has a Command")]
async fn wan_cut_after_command(world: &mut RigScenario, named: Named) -> StepResult {
    let (device, since) = (world.device(named)?.eui, world.since);
    let has_command = |seen: &Observations| {
        seen.air.iter().rev().take_while(|sighting| sighting.at() >= since).any(|sighting| {
            sighting.destination == Some(device)
                && matches!(&sighting.heard, Heard::Gbcs(envelope) if envelope.message().cra == Cra::Command)
        })
    };
    let answers = |sighting: &WanSighting| {
        sighting.at() >= since
            && sighting.direction == WanDirection::FromHub
            && sighting.gbcs.as_ref().is_some_and(|envelope| envelope.message().originator == device)
    };
    let driver = world.in_motion()?;
    let deadline = driver.now() + HAN;
    if !driver.run_until(deadline, &mut |seen| has_command(seen)).await? {
        return Err(StepError::inconclusive(format!("no Command reached the {named} within {}", readable(HAN))));
    }
    driver.set_wan(false)?;
    if driver.observations().wan.iter().any(answers) {
        return Err(StepError::inconclusive(format!("the {named} had answered before the WAN link could be cut")));
    }
    world.wan_was_cut = true;
    Ok(())
}

#[when("the WAN link is back")]
fn wan_back(world: &mut RigScenario) -> StepResult {
    world.in_motion()?.set_wan(true)?;
    Ok(())
}

#[when(expr = "{int} minutes go by")]
async fn minutes_go_by(world: &mut RigScenario, minutes: u64) -> StepResult {
    world.let_pass(Duration::from_secs(minutes.saturating_mul(60))).await
}
