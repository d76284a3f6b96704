//! A Supplier who goes by the guidance: reads before it sends, waits for what comes of it, and is in no hurry.

use super::clocks::duration;
use crate::rig::observe::{DuisSighting, Party, Sighting};
use crate::runner::{StepError, StepResult};
use crate::world::{Named, RigScenario, Role};
use cucumber::{then, when};
use hanrig_dcc::duis::{DuisMessage, Request};
use hanrig_dcc::supplier::Advice;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;

/// How often the Supplier looks whether something has come, where it has little time and where much.
const LOOK_SOON: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_secs(600);

/// Hands the Supplier's system what has come for it since it last looked.
fn reads_inbox(world: &mut RigScenario, role: Role) -> StepResult {
    let user = world.supplier_eui(role)?;
    let duis = &world.seen()?.duis;
    let (read, length) = (world.read.get(&user).copied().unwrap_or(0), duis.len());
    let new: Vec<(Instant, String)> = duis
        .get(read..)
        .unwrap_or_default()
        .iter()
        .filter(|sighting| sighting.to == Party::User(user))
        .map(|sighting| (sighting.at(), sighting.message.to_xml()))
        .collect();
    world.read.insert(user, length);
    let supplier = world.supplier(role)?;
    for (at, xml) in new {
        supplier
            .receive(at, &xml)
            .map_err(|error| StepError::bench_fault(format!("what came for the {role} does not parse: {error}")))?;
    }
    Ok(())
}

fn sends(world: &mut RigScenario, role: Role, user: Eui64, request: &Request) -> StepResult {
    let now = world.in_motion_at()?;
    world.supplier(role)?.note_sent(now, request);
    world.in_motion()?.send_request(user, request)?;
    Ok(())
}

/// For as long as that, the Supplier does what its guidance has it do so that the Device gets the image released.
#[when(regex = r"^for (\d+) (seconds?|hours?|days?) the (.* Supplier) wants to update the (PPMID|HCALCS|ESME|GSME)$")]
async fn wants_to_update(world: &mut RigScenario, count: u64, of: String, role: String, named: String) -> StepResult {
    let role: Role = role.parse().map_err(StepError::bench_fault)?;
    let named: Named = named.parse().map_err(StepError::bench_fault)?;
    let (user, device) = (world.supplier_eui(role)?, world.device(named)?.eui);
    let package = world.release()?.package.clone();
    let cpl = world.bench()?.data.cpl.clone();
    let image = world
        .supplier(role)?
        .prepare(&package, &cpl)
        .map_err(|refusal| StepError::fail(format!("the {role} should have taken the image, but: {refusal}")))?;
    world.driver().await?;
    world.stimulus().await?;
    let window = duration(count, &of);
    let end = world.in_motion_at()? + window;
    let look = if window > 2 * LOOK { LOOK } else { LOOK_SOON };
    let mut sent = false;
    loop {
        reads_inbox(world, role)?;
        let now = world.in_motion_at()?;
        if now >= end {
            return Ok(());
        }
        let wake = match world.supplier(role)?.advice(now, device) {
            Advice::Send if !sent => {
                let request = world.supplier(role)?.update_devices(named.0, &image, &[device]);
                sends(world, role, user, &request)?;
                world.request = Some((role, request.request_id));
                sent = true;
                now
            }
            Advice::ReadVersion if !sent => {
                let request = world.supplier(role)?.read_firmware_version(device);
                sends(world, role, user, &request)?;
                now
            }
            Advice::Wait(until) if !sent => until.max(now),
            _ => now + look,
        };
        world.let_pass((wake.min(end) - now).max(Duration::from_secs(1))).await?;
    }
}

/// The Service Requests of a User since the last stimulus.
fn requests(world: &RigScenario, user: Eui64) -> Result<Vec<&DuisSighting>, StepError> {
    let since = world.since;
    let all = world.seen()?.duis.iter();
    Ok(all
        .filter(|sighting| {
            sighting.at() >= since
                && sighting.from == Party::User(user)
                && matches!(sighting.message, DuisMessage::Request(_))
        })
        .collect())
}

#[then(expr = "in that time the {supplier} has sent exactly these Service Requests: {string}")]
fn exactly_these(world: &mut RigScenario, role: Role, expected: String) -> StepResult {
    let user = world.supplier_eui(role)?;
    let references = requests(world, user)?.into_iter().filter_map(|sighting| match &sighting.message {
        DuisMessage::Request(request) => Some(request.body.service_reference().to_string()),
        DuisMessage::Response(_) => None,
    });
    let observed: Vec<String> = references.collect();
    let observed = if observed.is_empty() { "none".to_owned() } else { observed.join(", ") };
    if observed == expected {
        return Ok(());
    }
    Err(StepError::fail(format!("expected SRV {expected}, observed SRV {observed}")))
}
