//! Scenarios about the hub's clocks: so long after an event, to the second.

use super::outcomes::began;
use crate::runner::{StepError, StepResult};
use crate::world::{RigScenario, Unit, readable};
use cucumber::{given, when};
use hanrig_wire::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

pub(super) fn duration(count: u64, of: &str) -> Duration {
    let seconds = match of.trim_end_matches('s') {
        "day" => 24 * 3600,
        "minute" => 60,
        "second" => 1,
        _ => 3600,
    };
    Duration::from_secs(count.saturating_mul(seconds))
}

/// What a maker may choose. A bench with a maker's own hub has the one profile of that hub.
#[given(
    expr = "the hub keeps images for {int} days, waits {int} hours for a Device that has stopped, and notifies again after {int} minutes"
)]
fn hub_profile(world: &mut RigScenario, days: u64, hours: u64, minutes: u64) -> StepResult {
    let bench = world.bench_before_start()?;
    let mut profile = bench.hub.profile.clone();
    profile.retention = duration(days, "days");
    profile.stall = duration(hours, "hours");
    profile.notify_again = Duration::from_secs(minutes.saturating_mul(60));
    if bench.needs_hardware() && profile != bench.hub.profile {
        return Err(StepError::not_applicable("the bench's hub has another profile"));
    }
    bench.hub.profile = profile;
    Ok(())
}

/// Lets the bench run until a second before or after `at`.
pub(super) async fn run_to(world: &mut RigScenario, side: &str, at: Instant) -> StepResult {
    if side == "before" {
        run_until(world, at, SECOND).await
    } else {
        run_until(world, at + SECOND, Duration::ZERO).await
    }
}

/// Lets the bench run until so long before `at`.
async fn run_until(world: &mut RigScenario, at: Instant, before: Duration) -> StepResult {
    let now = world.in_motion_at()?;
    let left = (at - now).saturating_sub(before);
    if left.is_zero() {
        let late = readable(now - at);
        return Err(StepError::bench_fault(format!("the scenario is {late} too late for that")));
    }
    world.let_pass(left).await
}

#[when(
    regex = r"^it is one second (before|after) (\d+) (hours|days) since (the hub had the image for|the last block request of) the ((?:(?:second|third|fourth|fifth) )?(?:PPMID|HCALCS|ESME|GSME))$"
)]
async fn since(
    world: &mut RigScenario,
    side: String,
    count: u64,
    of: String,
    event: String,
    unit: String,
) -> StepResult {
    let unit: Unit = unit.parse().map_err(StepError::bench_fault)?;
    let began = began(world, unit, event.contains("request"))?;
    run_to(world, &side, began + duration(count, &of)).await
}

/// Where what comes next takes its time on a bench in real time.
#[when(
    regex = r"^it is (\d+) minutes? before (\d+) (hours|days) since the hub had the image for the (PPMID|HCALCS|ESME|GSME)$"
)]
async fn minutes_before(world: &mut RigScenario, minutes: u64, count: u64, of: String, unit: String) -> StepResult {
    let unit: Unit = unit.parse().map_err(StepError::bench_fault)?;
    let end = began(world, unit, false)? + duration(count, &of);
    run_until(world, end, duration(minutes, "minutes")).await
}

/// The time that the maker declares: 14 days, or more.
#[when(expr = "it is one second after the hub's time to keep the image for the {unit}")]
async fn after_retention(world: &mut RigScenario, unit: Unit) -> StepResult {
    let end = began(world, unit, false)? + world.bench()?.hub.profile.retention;
    run_to(world, "after", end).await
}

/// As long before the end of that time as is given.
#[when(
    regex = r"^it is (\d+) (hours?|days?) before the end of the hub's time to keep the image for the (PPMID|HCALCS|ESME|GSME)$"
)]
async fn before_retention(world: &mut RigScenario, count: u64, of: String, unit: String) -> StepResult {
    let unit: Unit = unit.parse().map_err(StepError::bench_fault)?;
    let kept = world.bench()?.hub.profile.retention.saturating_sub(duration(count, &of));
    run_to(world, "before", began(world, unit, false)? + kept).await
}

/// The time that the maker declares: 24 hours, or another.
#[when(
    regex = r"^it is one second (before|after) the hub's time to wait for the ((?:(?:second|third|fourth|fifth) )?(?:PPMID|HCALCS|ESME|GSME))$"
)]
async fn around_stall(world: &mut RigScenario, side: String, unit: String) -> StepResult {
    let unit: Unit = unit.parse().map_err(StepError::bench_fault)?;
    let end = began(world, unit, true)? + world.bench()?.hub.profile.stall;
    run_to(world, &side, end).await
}

#[when(expr = "{int} days go by")]
async fn days_go_by(world: &mut RigScenario, days: u64) -> StepResult {
    world.let_pass(duration(days, "days")).await
}
