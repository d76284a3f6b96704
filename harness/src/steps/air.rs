//! What hub and Devices say to each other over the OTA Upgrade Cluster.

use super::HAN;
use super::pics::{asks_within, follows_notify, query_period};
use crate::bench::Ppmid;
use crate::rig::observe::{AirSighting, Heard, OtaHeard, Sighting};
use crate::runner::{StepError, StepResult};
use crate::world::{Named, RigScenario, Version, readable};
use cucumber::{then, when};
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::{DeviceType, Eui64};
use hanrig_wire::zcl::Status;
use hanrig_wire::zcl::ota::{ImageId, QueryNextImageRequest, QueryNextImageResponse, UPGRADE_NOW, UPGRADE_WAIT};

pub(super) const fn ota(sighting: &AirSighting) -> Option<(u8, &OtaHeard)> {
    match &sighting.heard {
        Heard::Ota(sequence, command) => Some((*sequence, command)),
        _ => None,
    }
}

/// Expects a command of the OTA Upgrade Cluster from one node to another, secured with their link key.
async fn expect_ota(
    world: &mut RigScenario,
    what: &str,
    (from, to): (Eui64, Eui64),
    window: Duration,
    wanted: impl Fn(u8, &OtaHeard) -> bool,
) -> Result<AirSighting, StepError> {
    let found = world
        .expect_air(
            what,
            window,
            |sighting| {
                sighting.source == from
                    && sighting.destination == Some(to)
                    && ota(sighting).is_some_and(|(sequence, command)| wanted(sequence, command))
            },
            |sighting| {
                sighting.source == from
                    && ota(sighting).is_some_and(|(_, command)| {
                        !matches!(command, OtaHeard::Block { .. } | OtaHeard::BlockRequest(_))
                    })
            },
        )
        .await?;
    if !found.link_key {
        return Err(StepError::fail(format!("{what} came without APS encryption by the link key")));
    }
    Ok(found)
}

/// The Device that PPMID scenarios are about.
const PPMID: Named = Named(DeviceType::Ppmid);

/// The hub and the Device.
fn ends(world: &RigScenario, named: Named) -> Result<(Eui64, Eui64), StepError> {
    Ok((world.hub()?, world.device(named)?.eui))
}

#[then(expr = "the hub sends the {device} an Image Notify")]
async fn image_notify(world: &mut RigScenario, named: Named) -> StepResult {
    let (hub, device) = ends(world, named)?;
    let image = world.release()?.image;
    expect_ota(world, &format!("an Image Notify that the {named} has to follow"), (hub, device), HAN, |_, command| {
        matches!(command, OtaHeard::ImageNotify(notify)
            if notify.manufacturer_code.is_none_or(|code| code == image.manufacturer_code)
                && notify.image_type.is_none_or(|kind| kind == image.image_type)
                && notify.file_version.is_none_or(|version| version == image.file_version))
    })
    .await
    .map(drop)
}

/// Image Notify is repeated on the air while nobody answers: what comes within a minute is one.
#[then(expr = "in the next {int} hours the hub notifies the {device} again as often as its maker declares")]
async fn notifies_again(world: &mut RigScenario, hours: u64, named: Named) -> StepResult {
    const ONE: Duration = Duration::from_secs(60);
    let (hub, device) = ends(world, named)?;
    let period = world.bench()?.hub.profile.notify_again;
    let window = Duration::from_secs(hours.saturating_mul(3600));
    if window < period * 2 {
        return Err(StepError::not_applicable(format!(
            "the maker declares an Image Notify every {}, which {hours} hours are too short for",
            readable(period)
        )));
    }
    world.let_pass(window).await?;
    let now = world.in_motion_at()?;
    let mut notified: Vec<Instant> = Vec::new();
    for sighting in world.seen()?.air.iter().filter(|s| s.source == hub && s.destination == Some(device)) {
        let is_new = notified.last().is_none_or(|last| sighting.at() - *last > ONE);
        if is_new && matches!(ota(sighting), Some((_, OtaHeard::ImageNotify(_)))) {
            notified.push(sighting.at());
        }
    }
    // Until now, too: one that is overdue by then is missing.
    let off = notified.windows(2).find_map(|pair| match pair {
        [one, other] if (*other - *one).abs_diff(period) > ONE => Some((*one, readable(*other - *one))),
        _ => None,
    });
    let last = notified.last().copied().unwrap_or_default();
    match off {
        Some((at, apart)) => Err(StepError::fail(format!(
            "the maker declares an Image Notify every {}, observed one at {at} s and the next {apart} later",
            readable(period)
        ))),
        None if now - last > period + ONE => Err(StepError::fail(format!(
            "the maker declares an Image Notify every {}, observed {} of them, the last at {last} s, until {now} s",
            readable(period),
            notified.len()
        ))),
        None => Ok(()),
    }
}

/// Expects a query of a Device and remembers it, so that the hub's answer can be told.
async fn expect_query(
    world: &mut RigScenario,
    named: Named,
    what: &str,
    window: Duration,
    wanted: impl Fn(&QueryNextImageRequest) -> bool,
) -> Result<AirSighting, StepError> {
    let (hub, device) = ends(world, named)?;
    let found = expect_ota(
        world,
        what,
        (device, hub),
        window,
        |_, command| matches!(command, OtaHeard::Query(query) if wanted(query)),
    )
    .await?;
    world.query = ota(&found).map(|(sequence, _)| (found.at(), device, sequence));
    Ok(found)
}

fn runs(world: &RigScenario, named: Named, version: Version) -> Result<ImageId, StepError> {
    let device = world.device(named)?;
    Ok(ImageId { manufacturer_code: device.manufacturer_code, image_type: device.model, file_version: version.0 })
}

#[then(
    expr = "the {device} sends a Query Next Image Request with its manufacturer code, image type and firmware version {version}"
)]
async fn query(world: &mut RigScenario, named: Named, version: Version) -> StepResult {
    let current = runs(world, named, version)?;
    let what = format!("a Query Next Image Request of the {named}: {current}");
    expect_query(world, named, &what, HAN, |query| query.current == current).await.map(drop)
}

/// PPMID-01: on Image Notify, and not by chance some time later.
#[then(expr = "that was because of the hub's first Image Notify")]
fn because_of_notify(world: &mut RigScenario) -> StepResult {
    let (asked, device, _) =
        world.query.ok_or_else(|| StepError::bench_fault("no step before this one saw a Device ask"))?;
    let since = world.since;
    let notified = world.seen()?.air.iter().find(|sighting| {
        sighting.at() >= since
            && sighting.destination == Some(device)
            && matches!(ota(sighting), Some((_, OtaHeard::ImageNotify(_))))
    });
    match notified.map(Sighting::at) {
        Some(at) if at <= asked && asked - at < PROMPTED => Ok(()),
        at => Err(StepError::fail(format!(
            "expected a Query Next Image Request at most {} after the first Image Notify, observed that at {} and the \
             first Query Next Image Request at {asked} s",
            readable(PROMPTED),
            at.map_or_else(|| "no time".to_owned(), |at| format!("{at} s")),
        ))),
    }
}

#[then(expr = "the {device} sends a Query Next Image Request with its hardware version")]
async fn query_with_hardware_version(world: &mut RigScenario, named: Named) -> StepResult {
    let version = world.device(named)?.hardware_version;
    let what = format!("a Query Next Image Request of the {named} with hardware version {version:04X}");
    expect_query(world, named, &what, HAN, |query| query.hardware_version == Some(version)).await.map(drop)
}

#[then(expr = "the {device} sends a Query Next Image Request without a hardware version")]
async fn query_without_hardware_version(world: &mut RigScenario, named: Named) -> StepResult {
    let what = format!("a Query Next Image Request of the {named} without a hardware version");
    expect_query(world, named, &what, HAN, |query| query.hardware_version.is_none()).await.map(drop)
}

#[then(expr = "within {int} hours the {device} asks again with firmware version {version}")]
async fn asks_again(world: &mut RigScenario, hours: u64, named: Named, version: Version) -> StepResult {
    let (current, window) = (runs(world, named, version)?, Duration::from_secs(hours * 3600));
    asks_within(world, world.device(named)?.eui, window)?;
    // From now on: what it asked before does not count.
    world.stimulus().await?;
    let what = format!("a Query Next Image Request of the {named}: {current}");
    expect_query(world, named, &what, window, |query| query.current == current).await.map(drop)
}

/// How long after an Image Notify a question may be an answer to it.
const PROMPTED: Duration = Duration::from_secs(300);

/// When `device` asked without an Image Notify shortly before. A question that is repeated counts once.
pub(super) fn unprompted(world: &RigScenario, device: Eui64) -> Result<Vec<Instant>, StepError> {
    /// How long after a question another may be its repetition.
    const REPEATED: Duration = Duration::from_secs(60);
    let follows_notify = follows_notify(world, device)?;
    let mut asked: Vec<Instant> = Vec::new();
    let mut prompted = None;
    for sighting in &world.seen()?.air {
        let at = sighting.at();
        match ota(sighting) {
            Some((_, OtaHeard::ImageNotify(_))) if follows_notify && sighting.destination == Some(device) => {
                prompted = Some(at);
            }
            Some((_, OtaHeard::Query(_))) if sighting.source == device => {
                let within = |before: Option<Instant>, window| before.is_some_and(|before| at - before < window);
                if !within(prompted, PROMPTED) && !within(asked.last().copied(), REPEATED) {
                    asked.push(at);
                }
            }
            _ => {}
        }
    }
    Ok(asked)
}

#[then(expr = "the {device} has asked unprompted at least {int} times and no more than once a day")]
fn asked_unprompted(world: &mut RigScenario, named: Named, at_least: usize) -> StepResult {
    /// By how much a Device's day may be shorter than the rig's where time is real, and its clock its own.
    const REAL: Duration = Duration::from_secs(60);
    /// And where it is not: a Device that goes by the hub's time through a restart has it in whole seconds.
    const VIRTUAL: Duration = Duration::from_millis(1500);
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let device = world.device(named)?.eui;
    let asked = unprompted(world, device)?;
    let tolerance = if world.bench()?.is_live() { REAL } else { VIRTUAL };
    let often = asked.windows(2).find(|pair| matches!(pair, [first, second] if *second - *first + tolerance < DAY));
    if let Some([first, second]) = often {
        let apart = (*second - *first).as_secs_f64();
        return Err(StepError::fail(format!("it asked at {first} s and {apart:.1} s later, which is within one day")));
    }
    if asked.len() >= at_least {
        return Ok(());
    }
    let (seen, period) = (world.in_motion_at()? - Instant::ZERO, query_period(world, device)?);
    let times = u32::try_from(at_least).unwrap_or(u32::MAX);
    // The Device's clock may be off, and it may have joined late.
    if period.saturating_mul(times) + period / 10 > seen {
        return Err(StepError::not_applicable(format!(
            "the maker declares a question every {}, and the bench was watched for {}: too short for {at_least}",
            readable(period),
            readable(seen)
        )));
    }
    Err(StepError::fail(format!("expected {at_least} times at least, observed {}", asked.len())))
}

/// The hub's answer to the query that a step before this one saw.
async fn expect_answer(
    world: &mut RigScenario,
    what: &str,
    wanted: impl Fn(QueryNextImageResponse) -> bool,
) -> Result<(), StepError> {
    let hub = world.hub()?;
    let (asked, device, sequence) =
        world.query.ok_or_else(|| StepError::bench_fault("no step before this one saw a Device ask"))?;
    let answer = |sighting: &AirSighting| match ota(sighting) {
        Some((answers, OtaHeard::QueryResponse(response))) if answers == sequence && sighting.at() >= asked => {
            Some(*response)
        }
        _ => None,
    };
    let found = world
        .expect_air(
            &format!("the hub's answer to that query: {what}"),
            Duration::from_secs(600),
            |sighting| sighting.source == hub && sighting.destination == Some(device) && answer(sighting).is_some(),
            |sighting| {
                sighting.source == hub && ota(sighting).is_some_and(|(_, c)| !matches!(c, OtaHeard::Block { .. }))
            },
        )
        .await?;
    if answer(&found).is_some_and(wanted) && found.link_key {
        return Ok(());
    }
    Err(StepError::fail(format!("expected {what}\nobserved {}", found.observation().summary)))
}

#[then(expr = "the hub offers firmware version {version} to the {device}")]
async fn offered(world: &mut RigScenario, version: Version, named: Named) -> StepResult {
    let device = world.device(named)?.eui;
    if world.query.is_none_or(|(_, asked, _)| asked != device) {
        return Err(StepError::bench_fault(format!("no step before this one saw the {named} ask")));
    }
    let release = world.release()?;
    let image = ImageId { file_version: version.0, ..release.image };
    let octets = u32::try_from(release.octets().len()).unwrap_or(u32::MAX);
    expect_answer(world, &format!("{image}, {octets} octets"), |response| {
        response == QueryNextImageResponse::Offer { image, size: octets }
    })
    .await
}

#[then("the hub answers that no image is available")]
async fn no_image_available(world: &mut RigScenario) -> StepResult {
    expect_answer(world, "NO_IMAGE_AVAILABLE", |response| {
        response == QueryNextImageResponse::Refused(Status::NO_IMAGE_AVAILABLE)
    })
    .await
}

fn second(world: &RigScenario) -> Result<&Ppmid, StepError> {
    let second = world.bench()?.ppmids.get(1);
    second.ok_or_else(|| StepError::bench_fault("no step before this one has put a second PPMID on the HAN"))
}

/// How long before its next question the second PPMID is about to ask: an image of 64 KB is then at the hub, and not yet
/// with the PPMID that it is for, when the question comes.
const ABOUT_TO_ASK: Duration = Duration::from_secs(7);

#[when("the second PPMID is about to ask for an image unprompted")]
async fn about_to_ask(world: &mut RigScenario) -> StepResult {
    let (eui, period) = (second(world)?.eui, second(world)?.declaration.query_period);
    world.driver().await?;
    world.stimulus().await?;
    let asked = world
        .expect_air(
            "an unprompted Query Next Image Request of the second PPMID",
            period + Duration::from_secs(3600),
            |sighting| sighting.source == eui && matches!(ota(sighting), Some((_, OtaHeard::Query(_)))),
            |sighting| sighting.source == eui,
        )
        .await?;
    let passed = world.in_motion()?.now() - asked.at();
    world.let_pass(period.saturating_sub(passed + ABOUT_TO_ASK)).await
}

#[then("the hub answers the second PPMID, while the PPMID fetches the image, that no image is available")]
async fn second_is_offered_nothing(world: &mut RigScenario) -> StepResult {
    let (hub, ppmid) = ends(world, PPMID)?;
    let second = second(world)?.eui;
    let image = world.release()?.image;
    let found = expect_ota(world, "an answer to the second PPMID's query", (hub, second), HAN, |_, command| {
        matches!(command, OtaHeard::QueryResponse(_))
    })
    .await?;
    let Some((_, OtaHeard::QueryResponse(answer))) = ota(&found) else { return Ok(()) };
    if *answer != QueryNextImageResponse::Refused(Status::NO_IMAGE_AVAILABLE) {
        let observed = found.observation().summary;
        return Err(StepError::fail(format!("expected NO_IMAGE_AVAILABLE for the second PPMID\nobserved {observed}")));
    }
    fetched(world, PPMID).await?;
    // The hub holds the image from the offer at the latest until the last block at the earliest.
    let mut fetching = world.seen()?.air.iter().filter(|sighting| {
        sighting.destination == Some(ppmid)
            && matches!(
                ota(sighting),
                Some((_, OtaHeard::Block { image: of, .. }
                    | OtaHeard::QueryResponse(QueryNextImageResponse::Offer { image: of, .. }))) if *of == image
            )
    });
    let first = fetching.next().map(Sighting::at);
    let last = fetching.next_back().map(Sighting::at);
    if first.is_some_and(|at| at < found.at()) && last.is_some_and(|at| at > found.at()) {
        return Ok(());
    }
    Err(StepError::inconclusive("the second PPMID did not ask while the hub held the image, so nothing was shown"))
}

#[then(expr = "the hub has sent no block larger than the {device} asked for")]
fn no_larger_block(world: &mut RigScenario, named: Named) -> StepResult {
    let most = world.device(named)?.block_size;
    let (hub, device) = ends(world, named)?;
    let larger = world.seen()?.air.iter().find(|sighting| {
        sighting.source == hub
            && sighting.destination == Some(device)
            && matches!(ota(sighting), Some((_, OtaHeard::Block { octets, .. })) if *octets > most)
    });
    match larger.map(Sighting::observation) {
        Some(larger) => Err(StepError::fail(format!("expected at most {most} octets, observed {}", larger.summary))),
        None => Ok(()),
    }
}

#[then(expr = "the {device} fetches the image from the hub, octet for octet")]
async fn fetched(world: &mut RigScenario, named: Named) -> StepResult {
    let (hub, device) = ends(world, named)?;
    let (image, expected) = (world.release()?.image, world.release()?.octets().to_vec());
    let size = expected.len();
    let declared = world.device(named)?;
    let pauses = size.div_ceil(usize::from(declared.block_size.max(1))) as u32;
    let window = HAN + declared.block_pause * pauses;
    expect_ota(world, "the last block of the image", (hub, device), window, |_, command| {
        matches!(command, OtaHeard::Block { image: of, offset, octets }
            if *of == image && *offset as usize + usize::from(*octets) == size)
    })
    .await?;
    let Some(fetched) = world.seen()?.fetched.get(&device).and_then(|images| images.last()) else {
        return Err(StepError::fail(format!("blocks went to the {named} without an offer before them")));
    };
    if fetched.has_gap() {
        return Err(StepError::inconclusive(format!(
            "the sniffer missed a block after offset {}, so it cannot be told what the {named} got",
            fetched.covered()
        )));
    }
    if !fetched.is_whole() || fetched.is_contradictory() || fetched.octets() != expected {
        return Err(StepError::fail(format!(
            "expected the {size} octets of the Supplier's image on the air, observed {} that {}",
            fetched.covered(),
            if fetched.octets() == expected.get(..fetched.covered()).unwrap_or_default() { "agree" } else { "differ" },
        )));
    }
    Ok(())
}

/// Expects an Upgrade End Request for the image released, with such a status.
async fn expect_end_request(
    world: &mut RigScenario,
    named: Named,
    status: &str,
    wanted: impl Fn(Status) -> bool,
) -> StepResult {
    let (hub, device) = ends(world, named)?;
    let image = world.release()?.image;
    let what = format!("an Upgrade End Request of the {named}: {status}, {image}");
    expect_ota(world, &what, (device, hub), HAN, |_, command| {
        matches!(command, OtaHeard::EndRequest(request) if wanted(request.status) && request.image == image)
    })
    .await
    .map(drop)
}

#[then(expr = "the {device} sends an Upgrade End Request with status {word}")]
async fn upgrade_end_request(world: &mut RigScenario, named: Named, status: String) -> StepResult {
    expect_end_request(world, named, &status, |observed| observed.to_string() == status).await
}

/// PPMID-04, HCALCS-03: with an error status, whichever the Device finds fit.
#[then(expr = "the {device} sends an Upgrade End Request that refuses the image")]
async fn refuses_image(world: &mut RigScenario, named: Named) -> StepResult {
    let refuses = |status| !matches!(status, Status::SUCCESS | Status::REQUIRE_MORE_IMAGE);
    expect_end_request(world, named, "an error status", refuses).await
}

#[then(expr = "the hub's Upgrade End Response tells the {device} to activate now")]
async fn activate_now(world: &mut RigScenario, named: Named) -> StepResult {
    let (hub, device) = ends(world, named)?;
    let image = world.release()?.image;
    let what = format!("an Upgrade End Response with upgrade time 0 for {image}");
    expect_ota(world, &what, (hub, device), HAN, |_, command| {
        matches!(command, OtaHeard::EndResponse(response)
            if response.image == image && response.upgrade_time == UPGRADE_NOW)
    })
    .await
    .map(drop)
}

#[then(expr = "the hub's Upgrade End Response tells the {device} to wait for another instruction")]
async fn wait_for_instruction(world: &mut RigScenario, named: Named) -> StepResult {
    let (hub, device) = ends(world, named)?;
    let image = world.release()?.image;
    let what = format!("an Upgrade End Response with upgrade time 0xFFFFFFFF for {image}");
    expect_ota(world, &what, (hub, device), HAN, |_, command| {
        matches!(command, OtaHeard::EndResponse(response)
            if response.image == image && response.upgrade_time == UPGRADE_WAIT)
    })
    .await
    .map(drop)
}

/// What the hub said to a Device since the bench was started.
fn hub_said(world: &RigScenario, named: Named, what: fn(&OtaHeard) -> bool) -> Result<Vec<String>, StepError> {
    let (hub, device) = ends(world, named)?;
    let air = &world.seen()?.air;
    Ok(air
        .iter()
        .filter(|sighting| sighting.source == hub && sighting.destination == Some(device))
        .filter(|sighting| sighting.at() >= Instant::ZERO && ota(sighting).is_some_and(|(_, command)| what(command)))
        .map(|sighting| sighting.observation().summary)
        .collect())
}

fn never(world: &RigScenario, what: &str, heard: &[String]) -> StepResult {
    let Some(first) = heard.first() else {
        let undecoded = &world.seen()?.undecoded;
        if !undecoded.is_none() {
            return Err(StepError::inconclusive(format!("{what} was not heard, but {undecoded}")));
        }
        return Ok(());
    };
    Err(StepError::fail(format!("expected no {what}, observed {} of them, the first: {first}", heard.len())))
}

#[then(expr = "the hub has sent the {device} no block of the image")]
async fn no_block(world: &mut RigScenario, named: Named) -> StepResult {
    let heard = hub_said(world, named, |command| matches!(command, OtaHeard::Block { .. }))?;
    never(world, "block of the image", &heard)
}

#[then(expr = "the hub has not told the {device} to activate")]
async fn not_told_to_activate(world: &mut RigScenario, named: Named) -> StepResult {
    let heard = hub_said(world, named, |command| matches!(command, OtaHeard::EndResponse(_)))?;
    never(world, "Upgrade End Response", &heard)
}

#[then(
    regex = "^the PPMID has asked for each block in order, and again only for one that it had not got(, or from the start after the silence)?$"
)]
fn asked_in_order(world: &mut RigScenario, from_start: String) -> StepResult {
    /// For how long a hub has to be silent for a download to be given up.
    const SILENCE: Duration = Duration::from_secs(30 * 60);
    let ppmid = world.ppmid()?.eui;
    let image = world.release()?.image;
    let mut last: Option<(Instant, u32)> = None;
    let mut pages = false;
    let most = u32::from(world.ppmid()?.declaration.block_size);
    for sighting in world.seen()?.air.iter().filter(|sighting| sighting.source == ppmid) {
        pages |= matches!(ota(sighting), Some((_, OtaHeard::PageRequest)));
        let Some((_, OtaHeard::BlockRequest(request))) = ota(sighting) else { continue };
        if request.image != image {
            continue;
        }
        let in_order = match last {
            None => request.offset == 0,
            Some((at, last)) => {
                let anew = request.offset == 0 && !from_start.is_empty() && sighting.at() - at > SILENCE;
                anew || (last..=last + most).contains(&request.offset)
            }
        };
        if !in_order {
            return Err(StepError::fail(format!(
                "expected a request for offset {} or the block after it, observed {}",
                last.map(|(_, last)| last).unwrap_or_default(),
                sighting.observation().summary
            )));
        }
        last = Some((sighting.at(), request.offset));
    }
    match last {
        Some(_) => Ok(()),
        None if pages => Err(StepError::not_applicable("the PPMID has asked for the image page by page")),
        None => Err(StepError::fail("the PPMID has asked for no block of the image")),
    }
}
