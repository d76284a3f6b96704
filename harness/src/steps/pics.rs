//! What a maker declares of a Device (its PICS, in the terms of ISO/IEC 9646) beside what the Device does.
//!
//! No step here asks whether the Device is declared so that a step applies: what is claimed and lacking fails, and so does
//! what is there and not claimed.

use super::HAN;
use super::air::{ota, unprompted};
use crate::bench::Device;
use crate::rig::observe::{AirSighting, Heard, OtaHeard, Sighting};
use crate::runner::{StepError, StepResult};
use crate::world::{Named, RigScenario, Unit, readable};
use cucumber::{given, then};
use hanrig_wire::gbcs::{AlertCode, Content, Cra, decode_content};
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::{DeviceType, Eui64};
use hanrig_wire::zcl::ota::ImageBlockRequest;

/// What is declared of any Device.
struct Declared {
    eui: Eui64,
    sends_hardware_version: bool,
    block_size: u8,
    page_requests: bool,
    query_period: Duration,
    follows_notify: bool,
    verification: Duration,
    receipt_alert: bool,
}

fn declared(world: &RigScenario, unit: Unit) -> Result<Declared, StepError> {
    declared_of(world, world.unit(unit)?.eui)
}

fn declared_of(world: &RigScenario, eui: Eui64) -> Result<Declared, StepError> {
    let bench = world.bench()?;
    if let Some(ppmid) = bench.ppmids.iter().find(|ppmid| ppmid.eui == eui) {
        let declaration = &ppmid.declaration;
        return Ok(Declared {
            eui,
            sends_hardware_version: declaration.sends_hardware_version,
            block_size: declaration.block_size,
            page_requests: declaration.page_requests,
            query_period: declaration.query_period,
            follows_notify: true,
            verification: declaration.verification,
            receipt_alert: false,
        });
    }
    let device = bench.devices.iter().find(|device| device.eui == eui);
    let device = device.ok_or_else(|| StepError::bench_fault(format!("{eui} is not on the bench")))?;
    let declaration = &device.declaration;
    Ok(Declared {
        eui,
        sends_hardware_version: declaration.sends_hardware_version,
        block_size: declaration.block_size,
        page_requests: declaration.page_requests,
        query_period: declaration.query_period,
        follows_notify: declaration.follows_notify,
        verification: declaration.verification,
        receipt_alert: declaration.receipt_alert,
    })
}

/// How often a Device asks for an image without having been notified.
pub(super) fn query_period(world: &RigScenario, device: Eui64) -> Result<Duration, StepError> {
    Ok(declared_of(world, device)?.query_period)
}

/// Whether a Device asks when it is notified, or on its own schedule alone.
pub(super) fn follows_notify(world: &RigScenario, device: Eui64) -> Result<bool, StepError> {
    Ok(declared_of(world, device)?.follows_notify)
}

/// That a Device asks of its own accord within `window`, whenever that begins. Its maker may declare that it takes longer.
pub(super) fn asks_within(world: &RigScenario, device: Eui64, window: Duration) -> StepResult {
    let period = query_period(world, device)?;
    if period <= window {
        return Ok(());
    }
    Err(StepError::not_applicable(format!(
        "the maker declares a question every {}, and this step needs one within {}",
        readable(period),
        readable(window)
    )))
}

/// Whether a question comes when its Device asks of its own accord: one of its periods after one before, or so many after
/// it joined, which Devices do when a scenario begins.
pub(super) fn is_due(world: &RigScenario, question: &AirSighting) -> Result<bool, StepError> {
    let period = query_period(world, question.source)?;
    let tolerance = tolerance(period);
    let age = question.at() - Instant::ZERO;
    let periods = (age + tolerance).as_micros() / period.as_micros().max(1);
    if periods > 0 && age.as_micros().abs_diff(periods * period.as_micros()) <= tolerance.as_micros() {
        return Ok(true);
    }
    Ok(world.seen()?.air.iter().any(|sighting| {
        sighting.source == question.source
            && (question.at() - sighting.at()).abs_diff(period) <= tolerance
            && matches!(ota(sighting), Some((_, OtaHeard::Query(_))))
    }))
}

/// A Device's clock may be off, and what it does may make it late; a tenth is more than that.
fn tolerance(period: Duration) -> Duration {
    period / 10
}

/// What the Device has said on the OTA Upgrade Cluster, as `pick` puts it.
fn said<T>(
    world: &RigScenario,
    device: Eui64,
    pick: impl Fn(&OtaHeard) -> Option<T>,
) -> Result<Vec<(&AirSighting, T)>, StepError> {
    let own = world.seen()?.air.iter().filter(|sighting| sighting.source == device);
    Ok(own.filter_map(|sighting| ota(sighting).and_then(|(_, command)| Some((sighting, pick(command)?)))).collect())
}

/// What is claimed beside what is there.
fn compare(what: &str, claimed: bool, there: Option<&AirSighting>) -> StepResult {
    match (claimed, there) {
        (true, Some(_)) | (false, None) => Ok(()),
        (true, None) => Err(StepError::fail(format!("the maker declares {what}, and none was observed"))),
        (false, Some(there)) => {
            let observed = there.observation().summary;
            Err(StepError::fail(format!("the maker declares no {what}, observed {observed}")))
        }
    }
}

#[then(expr = "the {unit} gives its hardware version when it asks if its maker declares so, and not otherwise")]
fn hardware_version(world: &mut RigScenario, unit: Unit) -> StepResult {
    let Declared { eui, sends_hardware_version: claimed, .. } = declared(world, unit)?;
    let queries = said(world, eui, |command| match command {
        OtaHeard::Query(query) => Some(query.hardware_version.is_some()),
        _ => None,
    })?;
    if queries.is_empty() {
        return Err(StepError::inconclusive(format!("the {unit} has not asked for an image")));
    }
    match queries.iter().find(|(_, given)| *given != claimed) {
        None => Ok(()),
        Some((query, given)) => {
            compare("hardware version in its Query Next Image Requests", claimed, given.then_some(*query))
        }
    }
}

#[then(expr = "the {unit} asks for blocks of the size that its maker declares")]
fn block_size(world: &mut RigScenario, unit: Unit) -> StepResult {
    let Declared { eui, block_size, .. } = declared(world, unit)?;
    let requests = said(world, eui, |command| match command {
        OtaHeard::BlockRequest(request) => Some(*request),
        _ => None,
    })?;
    if requests.is_empty() {
        return Err(StepError::inconclusive(format!("the {unit} has asked for no block")));
    }
    let images = world.seen()?.fetched.get(&eui).map(Vec::as_slice).unwrap_or_default();
    // A client may ask for no more than what is left of the image.
    let is_rest = |request: &ImageBlockRequest| {
        let name = request.image.to_string();
        let end = u64::from(request.offset) + u64::from(request.maximum_data_size);
        request.maximum_data_size < block_size
            && images.iter().any(|image| image.name == name && u64::from(image.size) == end)
    };
    match requests.iter().find(|(_, request)| request.maximum_data_size != block_size && !is_rest(request)) {
        None => Ok(()),
        Some((request, _)) => Err(StepError::fail(format!(
            "the maker declares blocks of {block_size} octets, observed {}",
            request.observation().summary
        ))),
    }
}

#[then(expr = "the {unit} asks by Image Page Request if its maker declares so, and not otherwise")]
fn page_requests(world: &mut RigScenario, unit: Unit) -> StepResult {
    let Declared { eui, page_requests: claimed, .. } = declared(world, unit)?;
    let pages = said(world, eui, |command| matches!(command, OtaHeard::PageRequest).then_some(()))?;
    compare("Image Page Requests", claimed, pages.first().map(|(page, ())| *page))
}

#[then(expr = "the {unit} asks unprompted as often as its maker declares")]
fn as_often(world: &mut RigScenario, unit: Unit) -> StepResult {
    let Declared { eui, query_period, .. } = declared(world, unit)?;
    let asked = unprompted(world, eui)?;
    let tolerance = tolerance(query_period);
    let now = world.in_motion_at()?;
    let (seen, declared) = (now - Instant::ZERO, readable(query_period));
    let off = asked.windows(2).find_map(|pair| match pair {
        [first, second] if (*second - *first).abs_diff(query_period) > tolerance => Some((*first, *second)),
        _ => None,
    });
    if let Some((first, second)) = off {
        return Err(StepError::fail(format!(
            "the maker declares a question every {declared}, observed one at {first} s and the next {} later",
            readable(second - first)
        )));
    }
    let silence = asked.last().map_or(seen, |last| now - *last);
    // The first question comes a period after the Device has joined, or sooner.
    let longest = if asked.is_empty() { query_period * 2 } else { query_period + tolerance };
    if silence > longest {
        return Err(StepError::fail(format!(
            "the maker declares a question every {declared}, observed {} within {}, and none in the last {}",
            asked.len(),
            readable(seen),
            readable(silence)
        )));
    }
    if asked.len() < 2 {
        return Err(StepError::not_applicable(format!(
            "the maker declares a question every {declared}, and the bench was watched for {}: too short to tell",
            readable(seen)
        )));
    }
    Ok(())
}

#[then(expr = "the {unit} says how a transfer ended as long after its last block as its maker declares")]
fn as_late(world: &mut RigScenario, unit: Unit) -> StepResult {
    /// What the transfer of the last block and of the Upgrade End Request may take, and a Device's clock be off.
    const TOLERANCE: Duration = Duration::from_secs(30);
    let Declared { eui, verification, .. } = declared(world, unit)?;
    let mut last = None;
    for sighting in &world.seen()?.air {
        match ota(sighting) {
            Some((_, OtaHeard::Block { .. })) if sighting.destination == Some(eui) => last = Some(sighting.at()),
            Some((_, OtaHeard::EndRequest(_))) if sighting.source == eui => {
                let Some(last) = last else { continue };
                let took = sighting.at() - last;
                if took.abs_diff(verification) <= TOLERANCE {
                    return Ok(());
                }
                let (declared, took) = (readable(verification), readable(took));
                return Err(StepError::fail(format!("the maker declares {declared}, observed {took}")));
            }
            _ => {}
        }
    }
    Err(StepError::inconclusive(format!("the {unit} has not said how a transfer ended")))
}

#[then(expr = "the {unit} tells of the image that it has got by an Alert if its maker declares so, and not otherwise")]
fn receipt_alert(world: &mut RigScenario, unit: Unit) -> StepResult {
    let Declared { eui, receipt_alert: claimed, .. } = declared(world, unit)?;
    let alert = world.seen()?.air.iter().find(|sighting| {
        sighting.source == eui
            && matches!(&sighting.heard, Heard::Gbcs(envelope)
                if matches!(decode_content(envelope.message()), Ok(Content::DeviceAlert(alert))
                    if alert.alert_code == AlertCode::FIRMWARE_VERIFICATION_SUCCESSFUL))
    });
    compare("Alert 0x8F72", claimed, alert)
}

/// To be used before the first update, which brings CS08 to a PPMID that was installed without it.
#[then("the PPMID answers CS08 if its maker declares that it can, and not otherwise")]
async fn answers_cs08(world: &mut RigScenario) -> StepResult {
    let (eui, claimed) = (world.ppmid()?.eui, !world.ppmid()?.declaration.predates_gbcs);
    let answered = world
        .heard(HAN, |sighting| {
            sighting.source == eui
                && matches!(&sighting.heard, Heard::Gbcs(envelope) if envelope.message().cra == Cra::Response)
        })
        .await?;
    if let Some(answer) = &answered {
        world.rests_on(answer);
    }
    compare("answer to CS08", claimed, answered.as_ref())
}

#[given(expr = "the {device} asks by Image Page Request first")]
fn asks_for_pages(world: &mut RigScenario, named: Named) -> StepResult {
    if named.0 == DeviceType::Ppmid {
        return world.make_ppmids(
            "asks by Image Page Request",
            |ppmid| ppmid.declaration.page_requests,
            |ppmid| ppmid.declaration.page_requests = true,
        );
    }
    device(world, named)?.declaration.page_requests = true;
    Ok(())
}

/// A Device that no board plays.
fn device(world: &mut RigScenario, named: Named) -> Result<&mut Device, StepError> {
    let mut devices = world.bench_before_start()?.devices.iter_mut();
    let device = devices.find(|device| device.kind.device_type() == named.0);
    device.ok_or_else(|| StepError::bench_fault(format!("no step has put the {named} on the HAN")))
}

#[given(
    expr = "the {device} asks for blocks of {int} octets, {int} ms after one another, and says {int} seconds after the last how it ended"
)]
fn timing(world: &mut RigScenario, named: Named, octets: u8, milliseconds: u64, seconds: u64) -> StepResult {
    let (pause, verification) = (Duration::from_millis(milliseconds), Duration::from_secs(seconds));
    if named.0 == DeviceType::Ppmid {
        return world.make_ppmids(
            &format!("asks for blocks of {octets} octets every {milliseconds} ms and takes {seconds} s to verify them"),
            |ppmid| {
                let declared = &ppmid.declaration;
                (declared.block_size, declared.block_pause, declared.verification) == (octets, pause, verification)
            },
            |ppmid| {
                ppmid.declaration.block_size = octets;
                ppmid.declaration.block_pause = pause;
                ppmid.declaration.verification = verification;
            },
        );
    }
    let declaration = &mut device(world, named)?.declaration;
    declaration.block_size = octets;
    declaration.block_pause = pause;
    declaration.verification = verification;
    Ok(())
}
