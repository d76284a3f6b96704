//! Several images in the hub's blocks: how they get there, and whether the hub takes or refuses them.

use super::alerts::ACTIVATION;
use super::{HAN, WAN};
use crate::rig::observe::{GatewayContent, Heard, Observations, OtaHeard, Sighting, WanDirection, WanSighting};
use crate::runner::{StepError, StepResult};
use crate::world::{Making, RigScenario, Role, Unit, Version, readable};
use cucumber::gherkin::Step;
use cucumber::{Parameter, given, then, when};
use hanrig_dcc::duis::RequestId;
use hanrig_dcc::gateway::CspToDsp;
use hanrig_wire::gbcs::cs09;
use hanrig_wire::ota_file::MAXIMUM_IMAGE_SIZE;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::{DeviceType, Eui64};
use hanrig_wire::wan::{ImageStatus, RefusalReason, WanMessage};
use hanrig_wire::zcl::Status;
use hanrig_wire::zcl::ota::ImageId;
use std::str::FromStr;

/// How far an image has got when the scenario goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parameter)]
#[param(name = "stage", regex = "waits|is at \\d+ %|stands at \\d+ %|is through as the power goes|is through")]
pub(super) enum Stage {
    /// It waits in its block for a Device that is off.
    Waits,
    /// The Device has so many per cent of it, and fetches on.
    IsAt(usize),
    /// The Device has been switched off with so many per cent of it.
    StandsAt(usize),
    /// The Device has said that it has all of it.
    IsThrough,
    /// The Device has just said so, and lost its power before it could hear the answer.
    IsThroughAndOff,
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent = |verb| text.strip_prefix(verb).and_then(|rest: &str| rest.strip_suffix(" %"));
        let percent = (percent("is at "), percent("stands at "));
        let number = |percent: &str| percent.parse().map_err(|error| format!("{text:?}: {error}"));
        match (text, percent) {
            ("waits", _) => Ok(Self::Waits),
            ("is through", _) => Ok(Self::IsThrough),
            ("is through as the power goes", _) => Ok(Self::IsThroughAndOff),
            (_, (Some(percent), _)) => number(percent).map(Self::IsAt),
            (_, (_, Some(percent))) => number(percent).map(Self::StandsAt),
            _ => Err(format!("{text:?} is no stage of a transfer")),
        }
    }
}

/// The columns of the row below a table's header, by their titles.
pub(super) fn rows(step: &Step) -> Vec<Vec<(&str, &str)>> {
    let rows = step.table.as_ref().map(|table| table.rows.as_slice()).unwrap_or_default();
    let Some((header, rows)) = rows.split_first() else { return Vec::new() };
    rows.iter().map(|row| header.iter().map(String::as_str).zip(row.iter().map(String::as_str)).collect()).collect()
}

/// What a row has in a column.
pub(super) fn cell<'a>(row: &[(&str, &'a str)], title: &str) -> Result<&'a str, StepError> {
    let found = row.iter().find(|(column, _)| *column == title);
    found.map(|(_, value)| *value).ok_or_else(|| StepError::bench_fault(format!("the table has no column {title}")))
}

/// How long the hub's word may take to the CSP. One that gathers what it tells the DSP has it by then, too.
const HEARD: Duration = Duration::from_secs(2);

fn number<T: FromStr>(text: &str) -> Result<T, StepError> {
    text.parse().map_err(|_| StepError::bench_fault(format!("{text:?} is no number")))
}

#[given("these Devices are on the HAN, and there is new firmware for them:")]
fn new_firmware(world: &mut RigScenario, step: &Step) -> StepResult {
    for row in rows(step) {
        let name = cell(&row, "Device")?;
        let unit: Unit = name.strip_prefix("the ").unwrap_or(name).parse().map_err(StepError::bench_fault)?;
        let version: Version = cell(&row, "Version")?.parse().map_err(StepError::bench_fault)?;
        let sender: Role = cell(&row, "Supplier")?.parse().map_err(StepError::bench_fault)?;
        let size = match cell(&row, "KB")? {
            // By the bench's reading of I-01, and no more than hubs take.
            "the most" => world.bench()?.settings.maximum_image_size.min(MAXIMUM_IMAGE_SIZE),
            kilobytes => number::<usize>(kilobytes)?.saturating_mul(1024),
        };
        let part = match cell(&row, "Part").ok().and_then(|part| part.split_once(" of ")) {
            None => (1, 1),
            Some((part, of)) => (number(part)?, number(of)?),
        };
        world.bring(unit)?;
        world.plan(unit, version.0, Making { part, ..Making::of_size(size) }, sender)?;
    }
    Ok(())
}

/// Who is to get an image beside its own Device.
fn targets(world: &RigScenario, place: usize, everyone: bool) -> Result<Vec<Eui64>, StepError> {
    let update = world.update(place)?;
    if !everyone {
        return Ok(vec![update.device]);
    }
    let of_type = update.unit.device_type;
    Ok(world.bench()?.on_han().filter(|device| device.device_type == of_type).map(|device| device.eui).collect())
}

/// What the hub says of an image at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Complete(Instant),
    Refused(RefusalReason),
}

/// The hub's last word about the delivery for these Devices that began after `sent`.
fn last_word(wan: &[WanSighting], sent: Instant, device: Eui64) -> Option<Word> {
    let after = wan.get(wan.partition_point(|sighting| sighting.at() < sent)..).unwrap_or_default();
    let begun = after.iter().find_map(|sighting| match &sighting.message {
        WanMessage::ImageBegin { transfer, targets, .. } if targets.contains(&device) => Some(*transfer),
        _ => None,
    })?;
    after.iter().filter(|sighting| sighting.direction == WanDirection::FromHub).find_map(|sighting| {
        match sighting.message {
            WanMessage::ImageStatus { transfer, status: ImageStatus::Complete } if transfer == begun => {
                Some(Word::Complete(sighting.at()))
            }
            WanMessage::ImageStatus { transfer, status: ImageStatus::Refused(reason) } if transfer == begun => {
                Some(Word::Refused(reason))
            }
            _ => None,
        }
    })
}

/// Gives the CSP the time to hear the hub's last word about earlier images: until then the next one is a second request.
async fn csp_has_heard(world: &mut RigScenario) -> StepResult {
    let taken = world.updates.iter().filter_map(|update| Some((update.taken?, *update.requests.last()?)));
    let taken: Vec<_> = taken.collect();
    let told = |request: RequestId, content: &GatewayContent| match content {
        GatewayContent::ToDsp(CspToDsp::TransferNotification(notification)) => notification.request_id == request,
        GatewayContent::ToDsp(CspToDsp::TransferNotifications { notifications }) => {
            notifications.iter().any(|notification| notification.request_id == request)
        }
        _ => false,
    };
    let driver = world.in_motion()?;
    let deadline = driver.now() + HEARD;
    let heard = &mut |seen: &Observations| {
        taken.iter().all(|(at, request)| {
            seen.gateway.iter().rev().any(|sighting| sighting.at() >= *at && told(*request, &sighting.content))
        })
    };
    driver.run_until(deadline, heard).await?;
    Ok(())
}

/// Has the Supplier check and send an image; tells when.
async fn send(world: &mut RigScenario, place: usize, everyone: bool) -> Result<Instant, StepError> {
    let devices = targets(world, place, everyone)?;
    let update = world.update(place)?;
    let (sender, release) = (update.sender, update.release.clone());
    let of_type = update.unit.device_type;
    let cpl = world.bench()?.data.cpl.clone();
    let user = world.supplier_eui(sender)?;
    let supplier = world.supplier(sender)?;
    let image = supplier.prepare(&release.package, &cpl).map_err(|refusal| {
        StepError::fail(format!("the {sender} should have sent the image for the {of_type}, but: {refusal}"))
    })?;
    let request = supplier.update_devices(of_type, &image, &devices);
    world.release = Some(release);
    world.driver().await?;
    csp_has_heard(world).await?;
    world.stimulus().await?;
    world.request = Some((sender, request.request_id));
    let driver = world.in_motion()?;
    let sent = driver.now();
    driver.send_request(user, &request)?;
    if let Some(update) = world.updates.get_mut(place) {
        update.requests.push(request.request_id);
        update.sent = Some(sent);
    }
    Ok(sent)
}

#[when(expr = "the image for the {unit} is sent")]
async fn is_sent(world: &mut RigScenario, unit: Unit) -> StepResult {
    let place = world.update_called(&unit.to_string())?;
    send(world, place, false).await.map(drop)
}

#[when(expr = "the image of version {version} is sent")]
async fn version_is_sent(world: &mut RigScenario, version: Version) -> StepResult {
    let place = world.update_called(&format!("version {}", version.0))?;
    send(world, place, false).await.map(drop)
}

/// Has the Supplier check and send an image, and waits for the hub's last word about it.
async fn distribute(world: &mut RigScenario, place: usize, everyone: bool) -> Result<Word, StepError> {
    let sent = send(world, place, everyone).await?;
    let update = world.update(place)?;
    let (device, of_type) = (update.device, update.unit.device_type);
    let driver = world.in_motion()?;
    let deadline = sent + WAN;
    let said =
        driver.run_until(deadline, &mut |seen: &Observations| last_word(&seen.wan, sent, device).is_some()).await?;
    let word = last_word(&driver.observations().wan, sent, device);
    if let Some(update) = world.updates.get_mut(place) {
        update.taken = match word {
            Some(Word::Complete(at)) => Some(at),
            _ => None,
        };
    }
    match word {
        Some(word) if said => Ok(word),
        _ => Err(StepError::fail(format!(
            "expected the hub to take or refuse the image for the {of_type} {device} within {}, observed no word of it",
            readable(WAN)
        ))),
    }
}

/// As [`distribute`], of an image that the hub has room for.
async fn distribute_taken(world: &mut RigScenario, place: usize, everyone: bool) -> StepResult {
    match distribute(world, place, everyone).await? {
        Word::Complete(_) => Ok(()),
        Word::Refused(reason) => {
            let unit = world.update(place)?.unit;
            Err(StepError::fail(format!("expected the hub to take the image for the {unit}, observed: {reason}")))
        }
    }
}

#[when(regex = r"^the image for (the (?:(?:second|third|fourth|fifth) )?(?:PPMID|HCALCS|ESME|GSME)) is distributed$")]
async fn is_distributed(world: &mut RigScenario, name: String) -> StepResult {
    let place = world.update_called(&name)?;
    distribute(world, place, false).await.map(drop)
}

#[when(expr = "the image of version {version} is distributed and {stage}")]
async fn version_is_distributed_until(world: &mut RigScenario, version: Version, stage: Stage) -> StepResult {
    let place = world.update_called(&format!("version {}", version.0))?;
    let device = world.update(place)?.device;
    if stage == Stage::Waits {
        world.driver().await?.set_power(device, false).await?;
    }
    distribute_taken(world, place, false).await?;
    gets_to(world, place, stage).await
}

#[when(expr = "the image for the {unit} is distributed to every Device of its type")]
async fn is_distributed_to_all(world: &mut RigScenario, unit: Unit) -> StepResult {
    let place = world.update_called(&unit.to_string())?;
    distribute(world, place, true).await.map(drop)
}

#[when(expr = "the image for the {unit} is distributed and {stage}")]
async fn is_distributed_until(world: &mut RigScenario, unit: Unit, stage: Stage) -> StepResult {
    let place = world.update_called(&unit.to_string())?;
    let device = world.update(place)?.device;
    if stage == Stage::Waits {
        world.driver().await?.set_power(device, false).await?;
    }
    distribute_taken(world, place, false).await?;
    gets_to(world, place, stage).await
}

#[when(expr = "the transfer to the {unit} goes on and {stage}")]
async fn goes_on_until(world: &mut RigScenario, unit: Unit, stage: Stage) -> StepResult {
    let place = world.update_called(&unit.to_string())?;
    let device = world.update(place)?.device;
    world.driver().await?.set_power(device, true).await?;
    gets_to(world, place, stage).await
}

/// How many octets of `image` went to `device` over the air, and how often from the start.
pub(super) fn covered(seen: &Observations, device: Eui64, image: ImageId) -> usize {
    let name = image.to_string();
    let images = seen.fetched.get(&device).into_iter().flatten();
    images.filter(|fetched| fetched.name == name).map(crate::rig::observe::ImageSeen::covered).max().unwrap_or(0)
}

/// Waits until the transfer of an image is at `stage`, and switches its Device off where it is to stand still.
async fn gets_to(world: &mut RigScenario, place: usize, stage: Stage) -> StepResult {
    let update = world.update(place)?;
    let (device, unit, image, size) = (update.device, update.unit, update.release.image, update.release.octets().len());
    let (hub, sent) = (world.hub()?, update.sent.unwrap_or(Instant::ZERO));
    let is_live = world.bench()?.is_live();
    let block_size = world.unit(unit)?.block_size;
    let deadline = world.in_motion()?.now() + HAN;
    let there = |seen: &Observations| match stage {
        Stage::Waits => true,
        Stage::IsAt(percent) | Stage::StandsAt(percent) => covered(seen, device, image) * 100 >= size * percent,
        Stage::IsThrough | Stage::IsThroughAndOff => seen.air.iter().rev().any(|sighting| {
            sighting.source == device
                && sighting.destination == Some(hub)
                && sighting.at() >= sent
                && matches!(&sighting.heard, Heard::Ota(_, OtaHeard::EndRequest(request))
                    if request.image == image && request.status == Status::SUCCESS)
        }),
    };
    let driver = world.in_motion()?;
    let is_there = if let Stage::StandsAt(percent) = stage {
        let covered = |seen: &Observations| covered(seen, device, image);
        driver.run_until_fetched(device, deadline, ((size * percent).div_ceil(100), block_size), &covered).await?
    } else {
        driver.run_until(deadline, &mut |seen| there(seen)).await?
    };
    if !is_there {
        let octets = covered(driver.observations(), device, image);
        return Err(StepError::fail(format!(
            "expected the image for the {unit} to be on its way or through within {}, observed {octets} of {size} \
             octets on the air",
            readable(HAN)
        )));
    }
    if let Stage::StandsAt(_) = stage {
        driver.set_power(device, false).await?;
        if is_live {
            // What was on the air until then may be read later.
            driver.let_pass(Duration::from_secs(2)).await?;
        }
        if covered(driver.observations(), device, image) == size {
            return Err(StepError::inconclusive(format!("the {unit} had all of it before it could be switched off")));
        }
    }
    if stage == Stage::IsThroughAndOff {
        driver.set_power(device, false).await?;
    }
    if stage == Stage::IsThrough {
        if unit.device_type == DeviceType::Ppmid {
            has_activated(world, device).await?;
        }
        // What the end of a transfer brings with it has come by then: the hub's answer, Alerts.
        world.let_pass(Duration::from_secs(120)).await?;
    }
    Ok(())
}

/// Waits until a PPMID that knows CS09 has told what came of the activation, or has had the time to do so: the DSP takes no
/// other image for it before.
async fn has_activated(world: &mut RigScenario, device: Eui64) -> StepResult {
    let driver = world.in_motion()?;
    let (from, deadline) = (driver.observations().wan.len(), driver.now() + ACTIVATION);
    let tells = |sighting: &WanSighting| {
        sighting
            .gbcs
            .as_ref()
            .map(|envelope| envelope.message())
            .is_some_and(|message| message.originator == device && message.message_code == cs09::MESSAGE_CODE)
    };
    let mut tells = |seen: &Observations| seen.wan.get(from..).unwrap_or_default().iter().any(tells);
    driver.run_until(deadline, &mut tells).await?;
    Ok(())
}

#[when("every Device is switched on again")]
async fn all_on_again(world: &mut RigScenario) -> StepResult {
    let devices: Vec<_> = world.bench()?.on_han().map(|device| device.eui).collect();
    for device in devices {
        world.in_motion()?.set_power(device, true).await?;
    }
    Ok(())
}

#[then(
    regex = r"^the hub (takes|refuses) the image for (the (?:(?:second|third|fourth|fifth) )?(?:PPMID|HCALCS|ESME|GSME))$"
)]
async fn takes_or_refuses(world: &mut RigScenario, what: String, name: String) -> StepResult {
    let update = world.update(world.update_called(&name)?)?;
    let (device, expected) = (update.device, update.release.octets());
    let Some(sent) = update.sent else {
        return Err(StepError::bench_fault(format!("no step before this one has distributed the image for {name}")));
    };
    let seen = world.seen()?;
    match (what.as_str(), last_word(&seen.wan, sent, device)) {
        ("takes", Some(Word::Complete(_))) => {
            let whole = seen.delivered.values().any(|image| image.is_whole() && image.octets() == expected);
            let differs = "the hub has taken an image for it that is not the Supplier's, octet for octet";
            if whole { Ok(()) } else { Err(StepError::fail(differs)) }
        }
        ("refuses", Some(Word::Refused(RefusalReason::BlockBusy))) => Ok(()),
        (_, word) => Err(StepError::fail(format!("expected that the hub {what} the image, observed {word:?}"))),
    }
}
