//! Scenarios about the hub's clocks: so long after an event, to the second.

use super::outcomes::began;
use crate::runner::{StepError, StepResult};
use crate::world::{RigScenario, Unit, readable};
use cucumber::when;
use hanrig_wire::time::Duration;

/// Lets the bench run until `after` that event, a second less or more.
async fn run_to(world: &mut RigScenario, side: &str, after: Duration, unit: &str, by_request: bool) -> StepResult {
    const SECOND: Duration = Duration::from_secs(1);
    let unit: Unit = unit.parse().map_err(StepError::bench_fault)?;
    let exactly = began(world, unit, by_request)? + after;
    let driver = world.in_motion()?;
    let left = if side == "before" { exactly - driver.now() - SECOND } else { exactly + SECOND - driver.now() };
    if left.is_zero() {
        return Err(StepError::bench_fault(format!("{} have long gone by", readable(after))));
    }
    world.let_pass(left).await
}

#[when(
    regex = r"^it is one second (before|after) (\d+) (hours|days) since the hub had the image for the ((?:(?:second|third|fourth|fifth) )?(?:PPMID|HCALCS|ESME|GSME))$"
)]
async fn since_the_image(world: &mut RigScenario, side: String, count: u64, of: String, unit: String) -> StepResult {
    run_to(world, &side, duration(count, &of), &unit, false).await
}

#[when(
    regex = r"^it is one second (before|after) (\d+) (hours|days) since the last block request of the ((?:(?:second|third|fourth|fifth) )?(?:PPMID|HCALCS|ESME|GSME))$"
)]
async fn since_the_request(world: &mut RigScenario, side: String, count: u64, of: String, unit: String) -> StepResult {
    run_to(world, &side, duration(count, &of), &unit, true).await
}

fn duration(count: u64, of: &str) -> Duration {
    let hours = if of == "days" { count.saturating_mul(24) } else { count };
    Duration::from_secs(hours.saturating_mul(3600))
}

#[when(expr = "{int} days go by")]
async fn days_go_by(world: &mut RigScenario, days: u64) -> StepResult {
    world.let_pass(duration(days, "days")).await
}
