//! What became of several images: transfer Alerts, DCC Alerts and blocks, each exactly as often as it must be.

use super::alerts::{dcc_alert, is_at, transfer_alert};
use super::blocks::{cell, covered, rows};
use super::none_of;
use super::readings::{responsible, status_alerts_go_to_all};
use crate::rig::observe::{GatewayContent, Heard, OtaHeard, Party, Sighting};
use crate::runner::{StepError, StepResult};
use crate::world::{RigScenario, Unit, Update};
use cucumber::gherkin::Step;
use cucumber::then;
use hanrig_dcc::duis::{DccAlert, DccAlertCode};
use hanrig_dcc::gateway::DspToCsp;
use hanrig_wire::gbcs::{AlertCode, TransferResponseCode};
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;
use hanrig_wire::zcl::ota::{UPGRADE_NOW, UPGRADE_WAIT};

/// The transfer response codes that the hub has sent of an update, in order and each GBCS message as often as it came on
/// the link, and when the first failure was told. Each is checked as CCS08 has it (CH-16).
fn told(world: &RigScenario, update: &Update) -> Result<(Vec<u8>, Option<Instant>), StepError> {
    let hub = world.hub()?;
    let broker = world.bench()?.access_control_broker.eui;
    let key = world.bench()?.hub.keys.ds.verifying_key();
    let mut codes = Vec::new();
    let mut failed = None;
    let mut counters = Vec::new();
    for sighting in &world.seen()?.wan {
        let Some((envelope, alert)) = transfer_alert(sighting) else { continue };
        if alert.target != update.device || alert.version != update.release.image.file_version {
            continue;
        }
        let message = envelope.message();
        let success = alert.transfer_response_code == TransferResponseCode::Success;
        let code = if success { AlertCode::IMAGE_DELIVERY_SUCCESS } else { AlertCode::IMAGE_DELIVERY_FAILURE };
        if alert.alert_code != code || message.originator != hub || message.recipient != broker {
            return Err(StepError::fail(format!("the transfer Alert is not as it has to be: {message}, {alert}")));
        }
        message.verify(&key).map_err(|error| StepError::fail(format!("the signature is not the CHF's: {error}")))?;
        // What the WAN link repeats after it was away is the same message.
        if counters.contains(&message.counter) {
            continue;
        }
        counters.push(message.counter);
        // One that had to wait for the WAN is of an earlier time.
        if !world.wan_was_cut && !is_at(world, alert.time, sighting.at())? {
            return Err(StepError::fail(format!(
                "the Alert's time {} is not the time at which it was sent",
                alert.time
            )));
        }
        codes.push(alert.transfer_response_code as u8);
        if !success {
            failed.get_or_insert(sighting.at());
        }
    }
    Ok((codes, failed))
}

/// N60, N61 and N62 about an update's Device that `user` has got, of this update's request, by code.
fn statuses(world: &RigScenario, update: &Update, user: Eui64) -> Result<Vec<DccAlertCode>, StepError> {
    let of_status = [DccAlertCode::N60, DccAlertCode::N61, DccAlertCode::N62];
    let mut codes = Vec::new();
    for alert in world.seen()?.duis.iter().filter_map(|sighting| dcc_alert(sighting, user)) {
        if !of_status.contains(&alert.code) || !alert.alert.devices().contains(&update.device) {
            continue;
        }
        let (of, version) = match &alert.alert {
            DccAlert::FirmwareDeliveryStatus(status) => (status.request_id, status.firmware_version),
            DccAlert::FirmwareTransferStatus(status) => (status.request_id, status.firmware_version),
            _ => continue,
        };
        if update.requests.contains(&of) && version == update.release.image.file_version {
            codes.push(alert.code);
        }
    }
    // A refusal is told by the hub's Alert and by the CSP's report, whichever comes first.
    codes.sort_unstable();
    Ok(codes)
}

/// The transfer response codes in the N62 of an update.
fn codes_in_n62(world: &RigScenario, update: &Update, user: Eui64) -> Result<Vec<u8>, StepError> {
    let alerts = world.seen()?.duis.iter().filter_map(|sighting| dcc_alert(sighting, user));
    Ok(alerts
        .filter_map(|alert| match &alert.alert {
            DccAlert::FirmwareTransferStatus(status)
                if status.device_id == update.device
                    && status.firmware_version == update.release.image.file_version =>
            {
                Some(status.transfer_response_code)
            }
            _ => None,
        })
        .collect())
}

/// Whether anybody but `users` has heard of the update's status.
fn overheard(world: &RigScenario, update: &Update, users: &[Eui64]) -> Result<Option<String>, StepError> {
    let strangers = world.seen()?.duis.iter().filter_map(|sighting| match sighting.to {
        Party::User(other) if !users.contains(&other) => Some((other, sighting)),
        _ => None,
    });
    for (other, sighting) in strangers {
        let concerns = dcc_alert(sighting, other).is_some_and(|alert| match &alert.alert {
            DccAlert::FirmwareDeliveryStatus(status) => {
                status.device_id == update.device && update.requests.contains(&status.request_id)
            }
            DccAlert::FirmwareTransferStatus(status) => {
                status.device_id == update.device && update.requests.contains(&status.request_id)
            }
            _ => false,
        });
        if concerns {
            return Ok(Some(sighting.observation().summary));
        }
    }
    Ok(None)
}

/// How often the DSP has asked the CSP to distribute an update.
fn distributions(world: &RigScenario, update: &Update) -> Result<usize, StepError> {
    let asked = world.seen()?.gateway.iter().filter(|sighting| {
        matches!(&sighting.content, GatewayContent::ToCsp(DspToCsp::DistributionRequest(request))
            if update.requests.contains(&request.request_id))
    });
    Ok(asked.count())
}

fn listed<T: ToString>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// How much of its image a Device has got: `all`, `part` or `none`.
fn share(world: &RigScenario, update: &Update, device: Eui64) -> Result<&'static str, StepError> {
    let (image, expected) = (update.release.image, update.release.octets());
    let seen = world.seen()?;
    let octets = covered(seen, device, image);
    let name = image.to_string();
    let agree = seen
        .fetched
        .get(&device)
        .into_iter()
        .flatten()
        .filter(|fetched| fetched.name == name)
        .all(|fetched| !fetched.is_contradictory() && Some(fetched.octets()) == expected.get(..fetched.covered()));
    if !agree {
        return Err(StepError::fail(format!("the octets of {image} on the air are not those of the Supplier's image")));
    }
    Ok(match octets {
        0 => "none",
        octets if octets == expected.len() => "all",
        _ => "part",
    })
}

/// How long after an image was given up a block of it may still come: the hub's radio had it by then.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// The first block of the update's image that went to its Device after `at`.
fn block_after(world: &RigScenario, update: &Update, at: Instant) -> Result<Option<String>, StepError> {
    let image = update.release.image;
    let mut later = world.seen()?.air.iter().filter(|sighting| sighting.at() > at + ON_ITS_WAY);
    let block = later.find(|sighting| {
        sighting.destination == Some(update.device)
            && matches!(&sighting.heard, Heard::Ota(_, OtaHeard::Block { image: of, .. }) if *of == image)
    });
    Ok(block.map(|sighting| sighting.observation().summary))
}

/// Who is told what became of an update, by I-03: its sender, or each Responsible Supplier.
fn recipients(world: &RigScenario, update: &Update) -> Result<Vec<Eui64>, StepError> {
    if status_alerts_go_to_all(world)? { responsible(world) } else { Ok(vec![world.supplier_eui(update.sender)?]) }
}

#[then(expr = "{int} hour(s) later exactly this has come of each image:")]
async fn exactly_this(world: &mut RigScenario, hours: u64, step: &Step) -> StepResult {
    world.let_pass(Duration::from_secs(hours.saturating_mul(3600))).await?;
    let mut wrong = String::new();
    for row in rows(step) {
        let name = cell(&row, "Image for")?;
        let update = world.update(world.update_called(name)?)?;
        let users = recipients(world, update)?;
        let (codes, failed) = told(world, update)?;
        let mut expect = |what: &str, expected: &str, observed: &str| {
            if expected != observed {
                wrong.push_str(&format!("\n  {name}, {what}: expected {expected}, observed {observed}"));
            }
        };
        expect("transfer response codes", cell(&row, "Transfer response codes")?, &listed(&codes));
        for user in &users {
            expect("DCC Alerts", cell(&row, "DCC Alerts")?, &listed(&statuses(world, update, *user)?));
            expect("transfer response codes in N62", &listed(&codes), &listed(&codes_in_n62(world, update, *user)?));
        }
        let (sent, distributed) = (update.requests.len().to_string(), distributions(world, update)?.to_string());
        expect("distribution requests", &sent, &distributed);
        expect("fetched", cell(&row, "Fetched")?, share(world, update, update.device)?);
        if let Some(summary) = overheard(world, update, &users)? {
            let who = if users.len() == 1 { update.sender.to_string() } else { "Responsible Suppliers".to_owned() };
            wrong.push_str(&format!("\n  {name}: only the {who} was to hear of it: {summary}"));
        }
        if let Some(failed) = failed.filter(|_| codes.last() != Some(&0))
            && let Some(block) = block_after(world, update, failed)?
        {
            wrong.push_str(&format!("\n  {name}: the image was given up at {failed} s, and after that: {block}"));
        }
    }
    if !wrong.is_empty() {
        return Err(StepError::fail(format!("what has come of the images:{wrong}")));
    }
    // There was nothing beside it, as far as was seen.
    none_of(world.seen()?, "more", None)
}

#[then(expr = "the hub has sent no transfer Alert for the {unit}")]
fn no_transfer_alert(world: &mut RigScenario, unit: Unit) -> StepResult {
    let update = world.update(world.update_called(&unit.to_string())?)?;
    let (codes, _) = told(world, update)?;
    if codes.is_empty() {
        return none_of(world.seen()?, "transfer Alert", None);
    }
    let codes = listed(&codes);
    Err(StepError::fail(format!("expected none until now, observed transfer response codes {codes} for the {unit}")))
}

#[then(expr = "within {int} minute(s) the hub has sent exactly the transfer response code {int} for the {unit}")]
async fn exactly_one_code(world: &mut RigScenario, minutes: u64, code: u8, unit: Unit) -> StepResult {
    world.let_pass(Duration::from_secs(minutes.saturating_mul(60))).await?;
    let update = world.update(world.update_called(&unit.to_string())?)?;
    let (codes, _) = told(world, update)?;
    if codes == [code] {
        return Ok(());
    }
    Err(StepError::fail(format!("expected {code} once, observed {} for the {unit}", listed(&codes))))
}

#[then(expr = "within {int} minute(s) exactly this has come of the image for the {unit}, Device by Device:")]
async fn exactly_this_by_device(world: &mut RigScenario, minutes: u64, unit: Unit, step: &Step) -> StepResult {
    world.let_pass(Duration::from_secs(minutes.saturating_mul(60))).await?;
    let update = world.update(world.update_called(&unit.to_string())?)?;
    let users = recipients(world, update)?;
    let mut wrong = String::new();
    for row in rows(step) {
        let name = cell(&row, "Device")?;
        let unit: Unit = name.strip_prefix("the ").unwrap_or(name).parse().map_err(StepError::bench_fault)?;
        let of_device = Update { device: world.unit(unit)?.eui, ..update.clone() };
        let (codes, _) = told(world, &of_device)?;
        let codes = listed(&codes);
        let mut expect = |what: &str, expected: &str, observed: &str| {
            if expected != observed {
                wrong.push_str(&format!("\n  {name}, {what}: expected {expected}, observed {observed}"));
            }
        };
        expect("transfer response codes", cell(&row, "Transfer response codes")?, &codes);
        for user in &users {
            expect("transfer response codes in N62", &codes, &listed(&codes_in_n62(world, &of_device, *user)?));
        }
        expect("fetched", cell(&row, "Fetched")?, share(world, &of_device, of_device.device)?);
    }
    if !wrong.is_empty() {
        return Err(StepError::fail(format!("what has come of the image, Device by Device:{wrong}")));
    }
    // There was nothing beside it, as far as was seen.
    none_of(world.seen()?, "more", None)
}

/// When the first and the last block of its type's image went to each Device of a type.
fn downloads(world: &RigScenario, unit: Unit) -> Result<Vec<(Eui64, Instant, Instant)>, StepError> {
    let image = world.update(world.update_called(&unit.to_string())?)?.release.image;
    let devices: Vec<_> =
        world.bench()?.on_han().filter(|d| d.device_type == unit.device_type).map(|d| d.eui).collect();
    let mut spans = Vec::new();
    for device in devices {
        let blocks: Vec<_> = world
            .seen()?
            .air
            .iter()
            .filter(|sighting| {
                sighting.destination == Some(device)
                    && matches!(&sighting.heard, Heard::Ota(_, OtaHeard::Block { image: of, .. }) if *of == image)
            })
            .map(Sighting::at)
            .collect();
        if let (Some(first), Some(last)) = (blocks.first(), blocks.last()) {
            spans.push((device, *first, *last));
        }
    }
    Ok(spans)
}

#[then(expr = "{int} Devices have been fetching the image for the {unit} at the same time")]
fn at_the_same_time(world: &mut RigScenario, expected: usize, unit: Unit) -> StepResult {
    let spans = downloads(world, unit)?;
    let at_once = |at: Instant| spans.iter().filter(|(_, first, last)| (*first..=*last).contains(&at)).count();
    let most = spans.iter().map(|(_, first, _)| at_once(*first)).max().unwrap_or(0);
    if most >= expected {
        return Ok(());
    }
    Err(StepError::fail(format!("expected {expected} downloads at the same time, observed {most} at most")))
}

#[then(
    expr = "every Device of its type has got the image for the {unit}, and the hub has sent one transfer Alert for each"
)]
fn each_has_got(world: &mut RigScenario, unit: Unit) -> StepResult {
    let place = world.update_called(&unit.to_string())?;
    let devices: Vec<_> =
        world.bench()?.on_han().filter(|d| d.device_type == unit.device_type).map(|d| d.eui).collect();
    let mut wrong = String::new();
    for device in devices {
        let update = Update { device, ..world.update(place)?.clone() };
        let (codes, _) = told(world, &update)?;
        let share = share(world, &update, device)?;
        if codes != [0] || share != "all" {
            let codes = listed(&codes);
            wrong.push_str(&format!("\n  {device}: fetched {share}, transfer response codes {codes}"));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(StepError::fail(format!("expected all and 0 for each, observed:{wrong}")))
    }
}

#[then(expr = "the hub's Upgrade End Response has told the {unit} to wait, and never to activate")]
fn told_to_wait(world: &mut RigScenario, unit: Unit) -> StepResult {
    let (hub, device) = (world.hub()?, world.unit(unit)?.eui);
    let responses: Vec<_> = world
        .seen()?
        .air
        .iter()
        .filter(|sighting| sighting.source == hub && sighting.destination == Some(device))
        .filter_map(|sighting| match &sighting.heard {
            Heard::Ota(_, OtaHeard::EndResponse(response)) => Some((sighting, response.upgrade_time)),
            _ => None,
        })
        .collect();
    let waits = responses.iter().all(|(_, upgrade_time)| *upgrade_time == UPGRADE_WAIT);
    match responses.first() {
        Some(_) if waits => Ok(()),
        Some((first, upgrade_time)) => {
            let now = if *upgrade_time == UPGRADE_NOW { ", which means now" } else { "" };
            Err(StepError::fail(format!(
                "expected upgrade time {UPGRADE_WAIT:08X}, observed {upgrade_time:08X}{now}: {}",
                first.observation().summary
            )))
        }
        None => Err(StepError::fail(format!("expected an Upgrade End Response to the {unit}, observed none"))),
    }
}

/// When the hub said that it has the image for a Device, or that Device last asked for a block of it.
pub(super) fn began(world: &RigScenario, unit: Unit, by_request: bool) -> Result<Instant, StepError> {
    let update = world.update(world.update_called(&unit.to_string())?)?;
    let image = update.release.image;
    if !by_request {
        return update.taken.ok_or_else(|| StepError::bench_fault(format!("the hub has no image for the {unit}")));
    }
    let hub = world.hub()?;
    let asked = world.seen()?.air.iter().rev().find(|sighting| {
        sighting.source == update.device
            && sighting.destination == Some(hub)
            && matches!(&sighting.heard, Heard::Ota(_, OtaHeard::BlockRequest(request)) if request.image == image)
    });
    asked.map(Sighting::at).ok_or_else(|| StepError::bench_fault(format!("the {unit} has not asked for a block")))
}
