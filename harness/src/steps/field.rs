//! What is known to go wrong between OTA clients and servers of different makers, and what the air does to bring it about.

use super::hostile::{block_request, next_request};
use super::{HAN, none_of};
use crate::rig::observe::{AirSighting, Observations, OtaHeard, Sighting};
use crate::runner::{StepError, StepResult};
use crate::steps::air::ota;
use crate::world::{Named, RigScenario, Unit};
use cucumber::{then, when};
use hanrig_wire::mac::{FrameType, MacFrame};
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;
use hanrig_wire::zcl::ota::ImageBlockRequest;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longer than a MAC tries to get a frame through, and shorter than a Device waits before it asks again.
const OUT_OF_RANGE: Duration = Duration::from_secs(2);

/// How much later the hub gets what the Device asks for, on a bench that runs in real time: so long does the rig have to put
/// the Device out of range before the answer.
const HEARD_LATE: Duration = Duration::from_millis(250);
/// How often a Device that was put out of range too late, or too early, gets another try.
const TRIES: usize = 10;

/// The block that `device` has asked for last, and when it has asked for it first.
fn asked_last(seen: &Observations, device: Eui64) -> Option<(Instant, ImageBlockRequest)> {
    let mut last: Option<(Instant, ImageBlockRequest)> = None;
    for sighting in seen.air.iter().filter(|sighting| sighting.source == device) {
        if let Some((_, OtaHeard::BlockRequest(request))) = ota(sighting)
            && last.is_none_or(|(_, before)| before.offset != request.offset || before.image != request.image)
        {
            last = Some((sighting.at(), *request));
        }
    }
    last
}

#[when(expr = "the {device} misses one Image Block Response")]
async fn misses_one(world: &mut RigScenario, named: Named) -> StepResult {
    let (device, hub) = (world.device(named)?.eui, world.hub()?);
    for _ in 0..TRIES {
        world.in_motion()?.slow_down(hub, HEARD_LATE)?;
        let request = next_request(world, device, HAN, block_request).await?;
        request.ok_or_else(|| StepError::fail(format!("expected the {named} to ask for a block, observed none")))?;
        let driver = world.in_motion()?;
        driver.set_in_range(device, false)?;
        let since = driver.now();
        world.let_pass(OUT_OF_RANGE).await?;
        let driver = world.in_motion()?;
        driver.slow_down(hub, Duration::ZERO)?;
        driver.set_in_range(device, true)?;
        // The hub had the request by then, and the Device has asked for no other: so it has got no answer.
        if let Some((asked, request)) = asked_last(world.seen()?, device)
            && asked <= since
        {
            world.missed = Some((since, request));
            return Ok(());
        }
    }
    Err(StepError::inconclusive(format!("the {named} could not be put out of range between a request and its answer")))
}

/// From one repeated frame to the next.
const BETWEEN: Duration = Duration::from_millis(1);

/// The first sighting after the block was missed that `wanted` picks.
async fn after_miss(
    world: &mut RigScenario,
    what: &str,
    wanted: impl Fn(&AirSighting) -> Option<u32>,
) -> Result<(AirSighting, u32, u32), StepError> {
    let (at, request) =
        world.missed.ok_or_else(|| StepError::bench_fault("no step before this one has had a block missed"))?;
    let later = |sighting: &AirSighting| sighting.at() > at + OUT_OF_RANGE;
    let found = world.expect_air(what, HAN, |sighting| later(sighting) && wanted(sighting).is_some(), later).await?;
    let offset = wanted(&found).unwrap_or_default();
    Ok((found, offset, request.offset))
}

#[then(expr = "the {device} asks for the block that it has missed, and not from the start")]
async fn asks_again(world: &mut RigScenario, named: Named) -> StepResult {
    let device = world.device(named)?.eui;
    let (found, asked, missed) = after_miss(world, "an Image Block Request", |sighting| match ota(sighting) {
        Some((_, OtaHeard::BlockRequest(request))) if sighting.source == device => Some(request.offset),
        _ => None,
    })
    .await?;
    if asked == missed {
        return Ok(());
    }
    let observed = found.observation().summary;
    Err(StepError::fail(format!("expected a request for offset {missed}, observed {observed}")))
}

#[then(expr = "the hub answers the {device} with the block that it has missed")]
async fn answered_again(world: &mut RigScenario, named: Named) -> StepResult {
    let (hub, device) = (world.hub()?, world.device(named)?.eui);
    let (found, sent, missed) = after_miss(world, "an Image Block Response", |sighting| match ota(sighting) {
        Some((_, OtaHeard::Block { offset, .. })) if sighting.source == hub && sighting.destination == Some(device) => {
            Some(*offset)
        }
        _ => None,
    })
    .await?;
    if sent == missed {
        return Ok(());
    }
    Err(StepError::fail(format!("expected offset {missed}, observed {}", found.observation().summary)))
}

#[when(expr = "the {unit} and the {unit} do not hear each other")]
async fn hidden(world: &mut RigScenario, one: Unit, other: Unit) -> StepResult {
    let (one, other) = (world.unit(one)?.eui, world.unit(other)?.eui);
    world.driver().await?.hide(one, other)?;
    Ok(())
}

/// As a bridge between two networks does, or a repeater that nobody has asked for.
#[when(expr = "every frame comes a second time until the {device} has its image")]
async fn twice(world: &mut RigScenario, named: Named) -> StepResult {
    let (device, since) = (world.device(named)?.eui, world.since);
    let mut heard = world.seen()?.overheard.len();
    let ended =
        |seen: &Observations| {
            seen.air.iter().rev().take_while(|sighting| sighting.at() >= since).any(|sighting| {
                sighting.source == device && matches!(ota(sighting), Some((_, OtaHeard::EndRequest(_))))
            })
        };
    let deadline = world.in_motion()?.now() + HAN;
    loop {
        let driver = world.in_motion()?;
        if !driver.run_until(deadline, &mut |seen| seen.overheard.len() > heard || ended(seen)).await? {
            return Err(StepError::fail(format!("expected the {named} to end its transfer, observed none that ended")));
        }
        let seen = driver.observations();
        let new: Vec<Arc<[u8]>> =
            seen.overheard.get(heard..).unwrap_or_default().iter().map(|frame| Arc::clone(&frame.octets)).collect();
        heard = seen.overheard.len();
        let done = ended(seen);
        let is_data =
            |octets: &[u8]| MacFrame::parse(octets).is_ok_and(|frame| frame.header.frame_type == FrameType::Data);
        for octets in new.iter().filter(|octets| is_data(octets)) {
            world.in_motion()?.inject(octets.to_vec(), true)?;
            world.let_pass(BETWEEN).await?;
        }
        if done {
            return Ok(());
        }
    }
}

#[then(expr = "the hub has answered no Image Block Request of the {device} more than once")]
fn answered_once(world: &mut RigScenario, named: Named) -> StepResult {
    let (hub, device) = (world.hub()?, world.device(named)?.eui);
    let mut requests = BTreeMap::<(u8, u32), i64>::new();
    for sighting in &world.seen()?.air {
        match ota(sighting) {
            Some((sequence, OtaHeard::BlockRequest(request))) if sighting.source == device => {
                *requests.entry((sequence, request.offset)).or_default() += 1;
            }
            Some((sequence, OtaHeard::Block { offset, .. }))
                if sighting.source == hub && sighting.destination == Some(device) =>
            {
                let open = requests.entry((sequence, *offset)).or_default();
                *open -= 1;
                if *open < 0 {
                    let observed = sighting.observation().summary;
                    return Err(StepError::fail(format!(
                        "expected one answer to each request, observed {observed} again"
                    )));
                }
            }
            _ => {}
        }
    }
    if requests.is_empty() {
        return Err(StepError::inconclusive(format!("the {named} has asked for no block")));
    }
    none_of(world.seen()?, "second answer", None)
}
