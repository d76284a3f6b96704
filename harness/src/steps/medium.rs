//! What the air does to frames: how many it loses, and whom it does not reach.

use super::disturbance::eui_of;
use crate::runner::{StepError, StepResult};
use crate::world::{Node, RigScenario};
use cucumber::{given, when};
use hanrig_wire::time::Duration;

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
