//! What somebody with a radio near the premises does, and what hub and Devices make of it.

use super::pics::is_due;
use super::{HAN, did_not_come, none_of};
use crate::rig::attacker::{Attacker, Forgery, Guise, Protection};
use crate::rig::observe::{AirSighting, Heard, Observations, OtaHeard, Sighting};
use crate::runner::{StepError, StepResult};
use crate::steps::air::ota;
use crate::world::{Named, RigScenario, Unit, Version};
use cucumber::{Parameter, given, then, when};
use hanrig_wire::aps::PROFILE_SMART_ENERGY;
use hanrig_wire::mac::{Address, FrameType, MacFrame};
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::{DeviceType, Eui64, Key128};
use hanrig_wire::zcl::Status;
use hanrig_wire::zcl::ota::{
    CLUSTER, ImageBlockRequest, ImageBlockResponse, ImageId, ImageNotify, OtaCommand, QueryNextImageRequest,
    QueryNextImageResponse, UPGRADE_NOW, UPGRADE_WAIT, UpgradeEndRequest, UpgradeEndResponse,
};
use hanrig_wire::zdp;
use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

/// From the end of a request to its acknowledgement's end: who answers then comes before the hub, more often than not.
const AFTER_ACKNOWLEDGEMENT: Duration = Duration::from_micros(600);
/// The endpoint of every node of the premises.
const ENDPOINT: u8 = 1;
/// What a frame and all that it brings about take.
const REACTION: Duration = Duration::from_millis(40);
/// How much later the hub gets a request, on a bench that runs in real time: so long does the rig have to be first.
const HEARD_LATE: Duration = Duration::from_millis(100);
/// How long requests to forge answers to are waited for.
pub(super) const REQUESTS: Duration = Duration::from_secs(6 * 3600);

/// Which keys somebody makes use of, and whose name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parameter)]
#[param(
    name = "how",
    regex = "without security|under another network key|under the network key alone|under another link key|as a node of their own|with the right keys"
)]
pub(super) struct How {
    protection: Protection,
    /// Whether in their own name; in another's else.
    own: bool,
}

impl FromStr for How {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (protection, own) = match text {
            "without security" => (Protection::Unsecured, false),
            "under another network key" => (Protection::OtherNetworkKey, false),
            "under the network key alone" => (Protection::NetworkKey, false),
            "under another link key" => (Protection::OtherLinkKey, false),
            "as a node of their own" => (Protection::NetworkKey, true),
            "with the right keys" => (Protection::BothKeys, false),
            _ => return Err(format!("{text:?} is no way to secure a forged frame")),
        };
        Ok(Self { protection, own })
    }
}

impl How {
    /// In another's name, with all keys that this takes.
    pub(super) const RIGHT_KEYS: Self = Self { protection: Protection::BothKeys, own: false };

    /// Who a frame is from that is to be taken for one of `node`.
    const fn guise(self, node: Eui64) -> Guise {
        if self.own { Guise::Own } else { Guise::Of(node) }
    }
}

#[given("somebody with a radio listens in")]
fn listens_in(world: &mut RigScenario) -> StepResult {
    world.bench_before_start()?;
    world.eavesdrops = true;
    Ok(())
}

/// What the attacker knows, brought up to date.
pub(super) fn attacker(world: &mut RigScenario) -> Result<Attacker, StepError> {
    if !world.eavesdrops {
        return Err(StepError::bench_fault("no step before this one has somebody listen in"));
    }
    let mut attacker = match world.attacker.take() {
        Some(attacker) => attacker,
        None => {
            let network = &world.bench()?.network;
            Attacker::new(network.network_key, network.pan_id)
        }
    };
    attacker.listen(&world.seen()?.overheard);
    Ok(attacker)
}

/// The link key that a Device shares with the hub.
fn link_key(world: &RigScenario, device: Eui64) -> Result<Key128, StepError> {
    let found = world.bench()?.on_han().find(|known| known.eui == device);
    let found = found.ok_or_else(|| StepError::bench_fault(format!("{device} is not on the HAN")))?;
    Ok(found.install_code.link_key())
}

/// A message of the OTA Upgrade Cluster, forged for a Device or, in its name, for the hub.
pub(super) fn forge(
    world: &mut RigScenario,
    how: How,
    device: Eui64,
    to_hub: bool,
    asdu: &[u8],
) -> Result<Vec<u8>, StepError> {
    let (hub, link_key) = (world.hub()?, link_key(world, device)?);
    let (from, to) = if to_hub { (device, hub) } else { (hub, device) };
    let mut attacker = attacker(world)?;
    let forgery = Forgery {
        guise: how.guise(from),
        to,
        protection: how.protection,
        link_key,
        profile: PROFILE_SMART_ENERGY,
        cluster: CLUSTER,
        endpoint: ENDPOINT,
        // With the right keys it can be taken, and who takes it says so.
        ack_request: how == How::RIGHT_KEYS,
        asdu,
    };
    let frame = attacker.forge(&forgery);
    world.attacker = Some(attacker);
    frame.ok_or_else(|| StepError::inconclusive("hub or Device was not heard, or the message does not fit a frame"))
}

/// Sends it, and lets what it brings about happen.
pub(super) async fn send(world: &mut RigScenario, frame: Vec<u8>, csma: bool) -> StepResult {
    world.in_motion()?.inject(frame, csma)?;
    world.let_pass(REACTION).await
}

/// Looks whether most messages forged with the right keys were taken by whom they were for: the others show nothing of it.
pub(super) async fn were_taken(world: &mut RigScenario) -> StepResult {
    if world.bench()?.is_live() {
        // What was on the air until now may be read later.
        world.let_pass(Duration::from_secs(2)).await?;
    }
    let attacker = attacker(world)?;
    let (taken, of) = attacker.taken(&world.seen()?.acknowledgements);
    world.attacker = Some(attacker);
    if taken * 2 < of {
        return Err(StepError::inconclusive(format!(
            "{taken} of {of} forged messages were acknowledged: with the others somebody came too late, as on a busy machine"
        )));
    }
    Ok(())
}

#[when("all that was heard until now is sent again")]
async fn sent_again(world: &mut RigScenario) -> StepResult {
    let is_data = |octets: &[u8]| {
        MacFrame::parse(octets).is_ok_and(|frame| {
            // A beacon request, repeated, is answered by every hub: it is no secret.
            frame.header.frame_type != FrameType::Command || frame.header.source != Address::None
        })
    };
    let heard: Vec<Arc<[u8]>> = world.seen()?.overheard.iter().map(|frame| Arc::clone(&frame.octets)).collect();
    if heard.is_empty() {
        return Err(StepError::bench_fault("nothing was heard that could be sent again"));
    }
    world.stimulus().await?;
    for octets in heard.iter().filter(|octets| is_data(octets)) {
        send(world, octets.to_vec(), true).await?;
    }
    Ok(())
}

#[then(expr = "for {int} minutes hub and Devices answer none of it")]
async fn answered_nothing(world: &mut RigScenario, minutes: u64) -> StepResult {
    world.let_pass(Duration::from_secs(minutes.saturating_mul(60))).await?;
    let (hub, since) = (world.hub()?, world.since);
    let seen = world.seen()?;
    let mut of_their_own = BTreeSet::new();
    let mut answer = None;
    for sighting in seen.air.iter().filter(|sighting| sighting.at() >= since) {
        match &sighting.heard {
            Heard::Ota(sequence, OtaHeard::Query(_)) if is_due(world, sighting)? => {
                of_their_own.insert((Some(sighting.source), *sequence));
            }
            Heard::Ota(sequence, OtaHeard::QueryResponse(_))
                if sighting.source == hub && of_their_own.contains(&(sighting.destination, *sequence)) => {}
            Heard::Ota(..) | Heard::OtaDefaultResponse(_) | Heard::Gbcs(_) => {
                answer = Some(sighting.observation());
                break;
            }
            Heard::TunnelOpen | Heard::Garbled(_) => {}
        }
    }
    none_of(seen, "answer", answer)
}

/// The next request of `device` to the hub that `wanted` picks, from now on.
pub(super) async fn next_request<T>(
    world: &mut RigScenario,
    device: Eui64,
    window: Duration,
    wanted: impl Fn(u8, &OtaHeard) -> Option<T>,
) -> Result<Option<T>, StepError> {
    let hub = world.hub()?;
    let mut looked = world.seen()?.air.len();
    let driver = world.in_motion()?;
    let deadline = driver.now() + window;
    let mut found = None;
    driver
        .run_until(deadline, &mut |seen: &Observations| {
            let new = seen.air.get(looked..).unwrap_or_default();
            looked += new.len();
            found = new
                .iter()
                .filter(|sighting| sighting.source == device && sighting.destination == Some(hub))
                .find_map(|sighting| ota(sighting).and_then(|(sequence, command)| wanted(sequence, command)));
            found.is_some()
        })
        .await?;
    Ok(found)
}

pub(super) const fn block_request(sequence: u8, command: &OtaHeard) -> Option<(u8, ImageBlockRequest)> {
    match command {
        OtaHeard::BlockRequest(request) => Some((sequence, *request)),
        _ => None,
    }
}

/// Answers so many Image Block Requests of a Device in the hub's stead; `answer` says what with.
pub(super) async fn answer_requests(
    world: &mut RigScenario,
    (how, named, count): (How, Named, usize),
    answer: impl Fn(u8, &ImageBlockRequest) -> Vec<u8>,
) -> StepResult {
    let (device, hub) = (world.device(named)?.eui, world.hub()?);
    world.in_motion()?.slow_down(hub, HEARD_LATE)?;
    for answered in 0..count {
        // The forged answer may have cost the hub's own: the Device asks for the block again.
        let Some((sequence, request)) = next_request(world, device, REQUESTS, block_request).await? else {
            if is_through(world, device)? {
                return Err(StepError::inconclusive(format!(
                    "the {named} had the whole image after {answered} of {count} such answers: the rig came too late with \
                     the others, as on a busy machine"
                )));
            }
            return Err(StepError::fail(format!(
                "expected the {named} to ask on, observed that it has asked for {answered} blocks and for no more"
            )));
        };
        let frame = forge(world, how, device, false, &answer(sequence, &request))?;
        world.let_pass(AFTER_ACKNOWLEDGEMENT).await?;
        send(world, frame, false).await?;
    }
    Ok(world.in_motion()?.slow_down(hub, Duration::ZERO)?)
}

/// Whether a Device has said since the last stimulus that it has all of an image.
pub(super) fn is_through(world: &RigScenario, device: Eui64) -> Result<bool, StepError> {
    let since = world.since;
    Ok(world.seen()?.air.iter().rev().take_while(|sighting| sighting.at() >= since).any(|sighting| {
        sighting.source == device
            && matches!(ota(sighting), Some((_, OtaHeard::EndRequest(request))) if request.status == Status::SUCCESS)
    }))
}

/// Octets that are in no image.
fn foreign(request: &ImageBlockRequest) -> Vec<u8> {
    vec![0xA5; usize::from(request.maximum_data_size)]
}

/// An Image Block Response.
pub(super) fn block(sequence: u8, image: ImageId, offset: u32, data: &[u8]) -> Vec<u8> {
    OtaCommand::ImageBlockResponse(ImageBlockResponse::Block { image, offset, data }).frame(sequence)
}

#[when(expr = "somebody answers {int} Image Block Requests of the {device} {how} with octets of their own")]
async fn answers_blocks(world: &mut RigScenario, count: usize, named: Named, how: How) -> StepResult {
    answer_requests(world, (how, named, count), |sequence, request| {
        block(sequence, request.image, request.offset, &foreign(request))
    })
    .await
}

/// What the hub has sent before, or for another request: secured as it ought to be, and not what was asked for.
#[when(
    regex = "^(\\d+) Image Block Responses with (another sequence number|another offset|another image) reach the (PPMID|HCALCS|ESME|GSME) in the hub's name$"
)]
async fn wrong_responses(world: &mut RigScenario, count: usize, what: String, named: Named) -> StepResult {
    answer_requests(world, (How::RIGHT_KEYS, named, count), |sequence, request| {
        let ImageBlockRequest { mut image, offset, maximum_data_size, .. } = *request;
        let data = foreign(request);
        match what.as_str() {
            "another sequence number" => block(sequence.wrapping_add(0x40), image, offset, &data),
            "another offset" => block(sequence, image, offset.saturating_add(u32::from(maximum_data_size)), &data),
            _ => {
                image.file_version.0 ^= 0x0000_0100;
                block(sequence, image, offset, &data)
            }
        }
    })
    .await
}

/// The image of that version, which a step before has had the manufacturer release.
fn released(world: &RigScenario, version: Version) -> Result<(ImageId, Vec<u8>), StepError> {
    let release = &world.update(world.update_called(&format!("version {}", version.0))?)?.release;
    Ok((release.image, release.octets().to_vec()))
}

#[when(
    expr = "for {int} hours somebody plays the hub for the {unit} {how}, and offers it the image of version {version}"
)]
async fn plays_hub(world: &mut RigScenario, hours: u64, unit: Unit, how: How, version: Version) -> StepResult {
    let (image, octets) = released(world, version)?;
    world.driver().await?;
    world.stimulus().await?;
    let device = world.unit(unit)?.eui;
    let notify = ImageNotify {
        query_jitter: 100,
        manufacturer_code: Some(image.manufacturer_code),
        image_type: Some(image.image_type),
        file_version: Some(image.file_version),
    };
    let until = world.in_motion()?.now() + Duration::from_secs(hours.saturating_mul(3600));
    let mut answer = Some(OtaCommand::ImageNotify(notify).frame(1));
    loop {
        if let Some(answer) = answer.take() {
            let frame = forge(world, how, device, false, &answer)?;
            world.let_pass(AFTER_ACKNOWLEDGEMENT).await?;
            send(world, frame, false).await?;
        }
        let left = until.saturating_since(world.in_motion()?.now());
        let asked = next_request(world, device, left, |sequence, command| Some((sequence, *command))).await?;
        let Some((sequence, asked)) = asked else { return Ok(()) };
        let size = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        answer = match asked {
            OtaHeard::Query(_) => {
                let offer = QueryNextImageResponse::Offer { image, size };
                Some(OtaCommand::QueryNextImageResponse(offer).frame(sequence))
            }
            OtaHeard::BlockRequest(request) => {
                let from = request.offset as usize;
                let to = (from + usize::from(request.maximum_data_size)).min(octets.len());
                octets.get(from..to).map(|data| block(sequence, image, request.offset, data))
            }
            OtaHeard::EndRequest(_) => Some(instructs(image, UPGRADE_NOW).frame(sequence)),
            _ => None,
        };
    }
}

#[when("the PPMID is reset, and somebody says first that they are its OTA server")]
async fn says_first(world: &mut RigScenario) -> StepResult {
    /// How long after its start a Device may look for its OTA server.
    const LOOKS: Duration = Duration::from_secs(600);
    let device = world.ppmid()?.eui;
    world.driver().await?;
    let mut known = attacker(world)?;
    known.take_question(device);
    let mut heard = world.seen()?.overheard.len();
    world.stimulus().await?;
    world.in_motion()?.reset(device).await?;
    let deadline = world.in_motion()?.now() + LOOKS;
    loop {
        let driver = world.in_motion()?;
        if !driver.run_until(deadline, &mut |seen| seen.overheard.len() > heard).await? {
            return Err(StepError::inconclusive("the PPMID has not looked for its OTA server"));
        }
        heard = world.seen()?.overheard.len();
        known.listen(&world.seen()?.overheard);
        let Some(sequence) = known.take_question(device) else { continue };
        let forgery = Forgery {
            guise: Guise::Own,
            to: device,
            protection: Protection::NetworkKey,
            link_key: link_key(world, device)?,
            profile: zdp::PROFILE,
            cluster: zdp::cluster::MATCH_DESC | zdp::cluster::RESPONSE,
            endpoint: zdp::ENDPOINT,
            ack_request: false,
            asdu: &Attacker::claim_to_serve(sequence),
        };
        let frame = known.forge(&forgery);
        let frame = frame.ok_or_else(|| StepError::inconclusive("the PPMID was never heard"))?;
        world.attacker = Some(known);
        return send(world, frame, false).await;
    }
}

const fn instructs(image: ImageId, upgrade_time: u32) -> OtaCommand<'static> {
    OtaCommand::UpgradeEndResponse(UpgradeEndResponse { image, current_time: 0, upgrade_time })
}

/// The sequence number of the last Upgrade End Request of `device`.
fn last_end_request(seen: &Observations, device: Eui64) -> Option<u8> {
    seen.air.iter().rev().filter(|sighting| sighting.source == device).find_map(|sighting| match ota(sighting) {
        Some((sequence, OtaHeard::EndRequest(_))) => Some(sequence),
        _ => None,
    })
}

#[then(expr = "the {unit} has asked for nothing of the image of version {version}, nor said that it has it")]
fn asked_for_nothing(world: &mut RigScenario, unit: Unit, version: Version) -> StepResult {
    let (image, _) = released(world, version)?;
    let device = world.unit(unit)?.eui;
    let about_it = |sighting: &&AirSighting| match ota(sighting) {
        Some((_, OtaHeard::BlockRequest(request))) => request.image == image,
        Some((_, OtaHeard::EndRequest(request))) => request.image == image,
        _ => false,
    };
    let seen = world.seen()?;
    let asked = seen.air.iter().filter(|sighting| sighting.source == device).find(about_it);
    none_of(seen, "word of the image", asked.map(Sighting::observation))
}

/// Looks whether a Device has taken an answer to its Upgrade End Request of that time: it acknowledges that, or says no more
/// that it has the image.
async fn was_taken(world: &mut RigScenario, device: Eui64, asked: Instant) -> StepResult {
    /// When it has had its answer for certain, and how long after that it would have asked once more without one.
    const ANSWERED: Duration = Duration::from_secs(60);
    const AGAIN: Duration = Duration::from_secs(600);
    world.let_pass(AGAIN).await?;
    let attacker = attacker(world)?;
    let seen = world.seen()?;
    let (acknowledged, _) = attacker.taken(&seen.acknowledgements);
    let asks_on = seen.air.iter().any(|sighting| {
        sighting.at() > asked + ANSWERED
            && sighting.source == device
            && matches!(ota(sighting), Some((_, OtaHeard::EndRequest(_))))
    });
    world.attacker = Some(attacker);
    if acknowledged == 0 && asks_on {
        return Err(StepError::inconclusive("no forged answer was taken, as on a busy machine: the Device asks on"));
    }
    Ok(())
}

/// Answers a Device that has said that it has the image, and has had no answer of the hub.
#[when(
    regex = "^somebody tells the (PPMID|HCALCS|ESME|GSME) (\\d+) times (without security|under another network key|under the network key alone|under another link key|as a node of their own|with the right keys) to (activate the image|wait with the image)$"
)]
async fn tells_to_activate(world: &mut RigScenario, named: Named, times: usize, how: How, what: String) -> StepResult {
    let (device, image) = (world.device(named)?.eui, world.release()?.image);
    let asks = |sequence, command: &OtaHeard| matches!(command, OtaHeard::EndRequest(_)).then_some(sequence);
    let asked = next_request(world, device, HAN, asks).await?.map(|_| world.in_motion_at()).transpose()?;
    let Some(asked) = asked else {
        let seen = world.seen()?;
        if last_end_request(seen, device).is_some() {
            let why = format!("the {named} has said that it has the image before the hub was off, and not again");
            return Err(StepError::inconclusive(why));
        }
        return did_not_come(seen, &format!("an Upgrade End Request of the {named}"));
    };
    let upgrade_time = if what == "activate the image" { UPGRADE_NOW } else { UPGRADE_WAIT };
    let response = instructs(image, upgrade_time);
    for _ in 0..times {
        let sequence = last_end_request(world.seen()?, device).unwrap_or_default();
        let frame = forge(world, how, device, false, &response.frame(sequence))?;
        send(world, frame, true).await?;
        world.let_pass(Duration::from_secs(10)).await?;
    }
    if how == How::RIGHT_KEYS { was_taken(world, device, asked).await } else { Ok(()) }
}

#[when(
    regex = "^somebody tells the hub (without security|under another network key|under the network key alone|under another link key|as a node of their own) that the PPMID has (got|refused) the image of version ([0-9A-F]{8})$"
)]
async fn tells_hub(world: &mut RigScenario, how: How, what: String, version: Version) -> StepResult {
    let (image, _) = released(world, version)?;
    let device = world.device(Named(DeviceType::Ppmid))?.eui;
    world.stimulus().await?;
    let status = if what == "got" { Status::SUCCESS } else { Status::INVALID_IMAGE };
    for sequence in 0..3 {
        let request = OtaCommand::UpgradeEndRequest(UpgradeEndRequest { status, image });
        let frame = forge(world, how, device, true, &request.frame(sequence))?;
        send(world, frame, true).await?;
    }
    Ok(())
}

/// A ZCL sequence number that the Device, which is fetching an image, is not about to use.
pub(super) fn free_sequence(world: &RigScenario, device: Eui64) -> Result<u8, StepError> {
    let answered = world.seen()?.air.iter().rev().find_map(|sighting| match ota(sighting) {
        Some((sequence, OtaHeard::Block { .. })) if sighting.destination == Some(device) => Some(sequence),
        _ => None,
    });
    Ok(answered.unwrap_or_default().wrapping_add(0x40))
}

/// Sends the hub a message in the name of a Device that pauses between two requests, until the hub has taken it.
async fn until_taken(world: &mut RigScenario, named: Named, zcl: &[u8]) -> StepResult {
    /// After an answer of the hub's the air is free again, and the Device has acknowledged what it got.
    const PAUSE: Duration = Duration::from_millis(20);
    const TRIES: usize = 5;
    let device = world.device(named)?.eui;
    for _ in 0..TRIES {
        world.let_pass(PAUSE).await?;
        let frame = forge(world, How::RIGHT_KEYS, device, true, zcl)?;
        send(world, frame, true).await?;
        if world.bench()?.is_live() {
            // What was on the air until now may be read later.
            world.let_pass(Duration::from_secs(1)).await?;
        }
        let attacker = attacker(world)?;
        let (taken, _) = attacker.taken(&world.seen()?.acknowledgements);
        world.attacker = Some(attacker);
        if taken > 0 {
            return Ok(());
        }
    }
    Err(StepError::inconclusive(format!(
        "the hub has acknowledged none of {TRIES} messages in the name of the {named}"
    )))
}

#[when(
    regex = "^somebody asks the hub in the (PPMID|HCALCS|ESME|GSME)'s name with the right keys for an image of another (manufacturer|type)$"
)]
async fn asks_for_another(world: &mut RigScenario, named: Named, what: String) -> StepResult {
    let (device, runs) = (world.device(named)?.eui, world.device(named)?.firmware_version);
    let mut current = ImageId { file_version: runs, ..world.release()?.image };
    if what == "manufacturer" {
        current.manufacturer_code ^= 0x0100;
    } else {
        current.image_type ^= 0x0100;
    }
    let sequence = free_sequence(world, device)?;
    let query = OtaCommand::QueryNextImageRequest(QueryNextImageRequest { current, hardware_version: None });
    let asked = world.in_motion()?.now();
    until_taken(world, named, &query.frame(sequence)).await?;
    world.query = Some((asked, device, sequence));
    Ok(())
}

#[when(
    regex = "^somebody tells the hub in the (PPMID|HCALCS|ESME|GSME)'s name with the right keys that the transfer has ended with (ABORT|REQUIRE_MORE_IMAGE)$"
)]
async fn tells_end(world: &mut RigScenario, named: Named, status: String) -> StepResult {
    let (device, image) = (world.device(named)?.eui, world.release()?.image);
    let status = if status == "ABORT" { Status::ABORT } else { Status::REQUIRE_MORE_IMAGE };
    let request = OtaCommand::UpgradeEndRequest(UpgradeEndRequest { status, image });
    let sequence = free_sequence(world, device)?;
    until_taken(world, named, &request.frame(sequence)).await
}
