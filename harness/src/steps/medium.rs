//! What the air does to frames: how many it loses, and whom it does not reach.

use super::disturbance::eui_of;
use crate::bench::{Band, Bands};
use crate::runner::{StepError, StepResult};
use crate::world::{Named, Node, RigScenario};
use cucumber::{given, when};
use hanrig_wire::time::Duration;
use hanrig_wire::types::DeviceType;

#[given(expr = "the air loses {int} % of all frames")]
fn loses(world: &mut RigScenario, percent: u8) -> StepResult {
    let bench = world.bench_before_start()?;
    if bench.needs_hardware() {
        return Err(StepError::not_applicable("the rig cannot make the air of this bench worse than it is"));
    }
    bench.medium.loss = f64::from(percent) / 100.0;
    Ok(())
}

#[given(expr = "the hub repeats an Image Notify that was in vain after {int} hours")]
fn notifies_again_after(world: &mut RigScenario, hours: u64) -> StepResult {
    let bench = world.bench_before_start()?;
    if !bench.hub.player.takes_settings() {
        return Err(StepError::not_applicable(
            "the rig cannot change when the hub of this bench repeats an Image Notify",
        ));
    }
    bench.hub.profile.notify_again = Duration::from_secs(hours.saturating_mul(3600));
    Ok(())
}

#[given(expr = "the {device} joins on the band below 1 GHz")]
fn below_1_ghz(world: &mut RigScenario, named: Named) -> StepResult {
    let bench = world.bench_before_start()?;
    if bench.hub.profile.bands == Bands::Single {
        return Err(StepError::not_applicable("the hub has one band, and does not reach a Device on another"));
    }
    if bench.is_live() {
        return Err(StepError::not_applicable("the rig has no radio below 1 GHz on this bench"));
    }
    if named.0 == DeviceType::Ppmid {
        bench.ppmids.iter_mut().take(1).for_each(|ppmid| ppmid.band = Band::SubGhz);
    } else {
        let device = bench.devices.iter_mut().find(|device| device.kind.device_type() == named.0);
        let device = device.ok_or_else(|| StepError::bench_fault(format!("no step has put the {named} on the HAN")))?;
        device.band = Band::SubGhz;
    }
    Ok(())
}

#[when(expr = "the {node} is out of range")]
async fn out_of_range(world: &mut RigScenario, node: Node) -> StepResult {
    let eui = eui_of(world, node)?;
    world.driver().await?.set_in_range(eui, false)?;
    Ok(())
}

#[when(expr = "the {node} is in range again")]
fn in_range(world: &mut RigScenario, node: Node) -> StepResult {
    let eui = eui_of(world, node)?;
    world.in_motion()?.set_in_range(eui, true)?;
    Ok(())
}
