//! Upgrade pathways: what the FIR says of the order of upgrades, and that the Device goes that way.

use super::DCC;
use super::blocks::{cell, rows};
use super::supplier::{requests_of, send};
use crate::rig::observe::{DuisSighting, Sighting};
use crate::runner::{StepError, StepResult};
use crate::world::{Making, Named, RigScenario, Role, Version};
use cucumber::gherkin::Step;
use cucumber::{given, then, when};
use hanrig_dcc::data::{Baselines, DccData, PhysicalDeviceType};
use hanrig_dcc::duis::DccAlert;
use hanrig_dcc::panel::pathway::{Order, current_entries};
use hanrig_dcc::supplier::PathwayRefusal;
use hanrig_wire::gbcs::ActivationOutcome;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};

/// Size of the images that are published, in octets; each release is larger by its place, so that two of one version
/// have different Hashes.
const SIZE: usize = 4 * 1024;

/// The entries that a cell of the table names: `A, B`, `what the PPMID runs`, `N/A`.
fn baselines(world: &RigScenario, cell: &str) -> Result<Baselines, StepError> {
    if cell == "N/A" {
        return Ok(Baselines::NotApplicable);
    }
    let mut entries = Vec::new();
    for name in cell.split(", ") {
        if name == "what the PPMID runs" {
            let data = &world.bench()?.data;
            let ppmid = world.ppmid()?.eui;
            let device = data.smi.devices.get(&ppmid);
            let device = device.ok_or_else(|| StepError::bench_fault(format!("{ppmid} is not in the SMI")))?;
            entries.extend(current_entries(data, device).map(|entry| entry.number));
            if entries.is_empty() {
                return Err(StepError::not_applicable("what the bench's PPMID runs is on no CPL entry"));
            }
        } else {
            entries.push(world.published(name)?.0);
        }
    }
    Ok(Baselines::Entries(entries))
}

#[given("the manufacturer has published these PPMID releases:")]
fn published(world: &mut RigScenario, step: &Step) -> StepResult {
    for row in rows(step) {
        let called = cell(&row, "Release")?;
        let version: Version = cell(&row, "Version")?.parse().map_err(StepError::bench_fault)?;
        let baselines = baselines(world, cell(&row, "Baselines")?)?;
        let making = Making::of_size(SIZE + 64 * world.desk.published.len());
        let release = world.new_release(world.device(Named(DeviceType::Ppmid))?, version.0, making)?;
        let draft = world.draft_of(&release, PhysicalDeviceType::Ppmid, baselines)?;
        world.submit(&draft)?;
        // That submissions are taken is other scenarios' matter.
        let number = world.submitted()?.result.clone();
        let number = number.map_err(|error| StepError::fail(format!("release {called} is refused: {error}")))?;
        world.desk.published.insert(called.to_owned(), (number, release));
    }
    Ok(())
}

/// The version of which `user` has last heard, by N39, that the PPMID runs it.
fn heard_by(world: &RigScenario, user: Eui64) -> Option<FirmwareVersion> {
    let ppmid = world.ppmid().ok()?.eui;
    let told = |sighting: &DuisSighting| match &super::alerts::dcc_alert(sighting, user)?.alert {
        DccAlert::PpmidAlert(status)
            if status.device_id == ppmid && status.activation_response_code == ActivationOutcome::Success as u8 =>
        {
            Some(status.firmware_version)
        }
        _ => None,
    };
    world.seen().ok()?.duis.iter().rev().find_map(told)
}

/// What the published lists say, and of the PPMID the version of which the Supplier has heard last.
fn known_to(world: &RigScenario, role: Role) -> Result<DccData, StepError> {
    let mut data = world.bench()?.data.clone();
    let (ppmid, heard) = (world.ppmid()?.eui, heard_by(world, world.supplier_eui(role)?));
    if let (Some(device), Some(version)) = (data.smi.devices.get_mut(&ppmid), heard) {
        device.firmware_version = version;
    }
    Ok(data)
}

/// The Supplier does as it must: it sends what is next for the PPMID, and nothing else.
#[when(expr = "the {supplier} checks release {word} against the FIR")]
async fn checks(world: &mut RigScenario, role: Role, called: String) -> StepResult {
    let (_, release) = world.published(&called)?;
    let (ppmid, data) = (world.ppmid()?.eui, known_to(world, role)?);
    let supplier = world.supplier(role)?;
    let image = supplier.prepare(&release.package, &data.cpl);
    let image = image.map_err(|refusal| StepError::bench_fault(format!("release {called} is not sound: {refusal}")))?;
    world.release = Some(release);
    world.desk.refusal = None;
    match world.supplier(role)?.check_pathway(&image, &data, ppmid) {
        Ok(()) => {
            let request = world.supplier(role)?.update_ppmid_firmware(&image, &[ppmid]);
            send(world, role, request).await
        }
        Err(refusal) => {
            world.desk.refusal = Some(refusal);
            world.driver().await?;
            world.stimulus().await?;
            world.let_pass(DCC).await
        }
    }
}

/// The numbers of releases, by what scenarios call them.
fn numbers(world: &RigScenario, releases: &str) -> Result<Vec<u32>, StepError> {
    releases.split(", ").map(|called| Ok(world.published(called)?.0)).collect()
}

fn not_sent(
    world: &RigScenario,
    role: Role,
    expected: &str,
    right: impl Fn(&Order) -> Result<bool, StepError>,
) -> StepResult {
    if let Some(sent) = requests_of(world, role)?.first() {
        let sent = sent.observation().summary;
        return Err(StepError::fail(format!("expected the {role} to send nothing, observed {sent}")));
    }
    match &world.desk.refusal {
        Some(PathwayRefusal::Order { order, .. }) if right(order)? => Ok(()),
        Some(refusal) => Err(StepError::fail(format!("expected {expected}; the {role} says: {refusal}"))),
        None => Err(StepError::fail(format!("expected {expected}; the {role}'s checks passed"))),
    }
}

#[then(expr = "the {supplier} does not send it, because the way there is by {string}")]
fn not_sent_out_of_order(world: &mut RigScenario, role: Role, releases: String) -> StepResult {
    let expected = numbers(world, &releases)?;
    not_sent(world, role, &format!("the way by {releases}"), |order| {
        Ok(matches!(order, Order::OutOfOrder { pathway: Some(pathway) } if *pathway == expected))
    })
}

#[then(expr = "the {supplier} does not send it, because no pathway leads there")]
fn not_sent_no_pathway(world: &mut RigScenario, role: Role) -> StepResult {
    not_sent(world, role, "no pathway", |order| Ok(matches!(order, Order::OutOfOrder { pathway: None })))
}

#[then(expr = "the {supplier} does not send it, because the PPMID may run another baseline of the same version")]
fn not_sent_ambiguous(world: &mut RigScenario, role: Role) -> StepResult {
    not_sent(world, role, "two entries of one version", |order| Ok(matches!(order, Order::Ambiguous { .. })))
}

#[then(expr = "the {supplier} plans to bring the PPMID to release {word} by {string}")]
fn plans(world: &mut RigScenario, role: Role, wanted: String, releases: String) -> StepResult {
    let (ppmid, data) = (world.ppmid()?.eui, known_to(world, role)?);
    let (wanted, expected) = (world.published(&wanted)?.0, numbers(world, &releases)?);
    let planned = world.supplier(role)?.plan_upgrades(&data, ppmid, wanted);
    if planned.as_ref() == Some(&expected) {
        return Ok(());
    }
    Err(StepError::fail(format!("expected the CPL entries {expected:?}, observed {planned:?}")))
}
