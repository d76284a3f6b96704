//! What a Supplier does: checks before it sends, and SRV 11.4.

use crate::runner::{StepError, StepResult};
use crate::world::{RigScenario, Role};
use cucumber::gherkin::Step;
use cucumber::{then, when};
use hanrig_dcc::data::SmiStatus;
use hanrig_dcc::duis::{Request, ServiceRequest, UpdateFirmware};
use hanrig_dcc::supplier::{PreparedImage, SupplierRefusal};
use hanrig_wire::types::{DeviceType, Eui64};

/// The Supplier's own checks of the release against the CPL (SUP-01 to SUP-04).
fn check(world: &mut RigScenario, role: Role) -> Result<Result<PreparedImage, SupplierRefusal>, StepError> {
    let package = world.release()?.package.clone();
    let cpl = world.bench()?.data.cpl.clone();
    Ok(world.supplier(role)?.prepare(&package, &cpl))
}

async fn send(world: &mut RigScenario, role: Role, request: Request) -> StepResult {
    let user = world.supplier_eui(role)?;
    world.driver().await?;
    world.stimulus()?;
    world.request = Some((role, request.request_id));
    world.driver().await?.send_request(user, &request)?;
    Ok(())
}

/// SRV 11.4 for `devices` without any check beforehand.
async fn send_unchecked(world: &mut RigScenario, role: Role, devices: Vec<Eui64>) -> StepResult {
    let release = world.release()?;
    let body = UpdateFirmware {
        firmware_image: release.octets().to_vec(),
        firmware_version: release.image.file_version,
        device_id_list: devices,
    };
    let dcc = world.bench()?.access_control_broker.eui;
    let request = world.supplier(role)?.request(dcc, ServiceRequest::UpdatePpmidFirmware(body));
    send(world, role, request).await
}

#[when(expr = "the {supplier} checks the image against the CPL and sends SRV 11.4 for the PPMID")]
async fn checks_and_sends(world: &mut RigScenario, role: Role) -> StepResult {
    let ppmid = world.ppmid()?.eui;
    let image = check(world, role)?
        .map_err(|refusal| StepError::fail(format!("the {role} should have sent the image, but: {refusal}")))?;
    let request = world.supplier(role)?.update_ppmid_firmware(&image, &[ppmid]);
    send(world, role, request).await
}

#[when(expr = "the {supplier} sends SRV 11.4 for the PPMID without checking the image")]
async fn sends_unchecked(world: &mut RigScenario, role: Role) -> StepResult {
    let ppmid = world.ppmid()?.eui;
    send_unchecked(world, role, vec![ppmid]).await
}

#[when(expr = "the {supplier} sends SRV 11.4 for these Devices:")]
async fn sends_for_devices(world: &mut RigScenario, role: Role, step: &Step) -> StepResult {
    let rows = step.table.as_ref().map(|table| table.rows.as_slice()).unwrap_or_default();
    let mut devices = Vec::new();
    for row in rows.iter().skip(1) {
        devices.push(device(world, row.first().map_or("", String::as_str))?);
    }
    send_unchecked(world, role, devices).await
}

#[when(expr = "the {supplier} checks the image against the CPL")]
fn checks(world: &mut RigScenario, role: Role) -> StepResult {
    world.refusal = check(world, role)?.err();
    Ok(())
}

#[then(expr = "the {supplier} does not send it, because no CPL entry has its Hash")]
fn not_sent_not_on_cpl(world: &mut RigScenario, role: Role) -> StepResult {
    refused(world, role, "no CPL entry has the Hash", |refusal| matches!(refusal, SupplierRefusal::NotOnCpl(_)))
}

#[then(expr = "the {supplier} does not send it, because the creator's signature is wrong")]
fn not_sent_signature(world: &mut RigScenario, role: Role) -> StepResult {
    refused(world, role, "the signature is wrong", |refusal| matches!(refusal, SupplierRefusal::Signature(_)))
}

#[then(expr = "the {supplier} does not send it, because its Hash is not the one provided")]
fn not_sent_hash(world: &mut RigScenario, role: Role) -> StepResult {
    refused(world, role, "the Hash is another", |refusal| matches!(refusal, SupplierRefusal::Hash { .. }))
}

fn refused(world: &RigScenario, role: Role, why: &str, expected: fn(&SupplierRefusal) -> bool) -> StepResult {
    match &world.refusal {
        Some(refusal) if expected(refusal) => Ok(()),
        Some(refusal) => {
            Err(StepError::fail(format!("expected the {role} to refuse because {why}; it says: {refusal}")))
        }
        None => Err(StepError::fail(format!("expected the {role} to refuse because {why}; its checks passed"))),
    }
}

/// The Device that a scenario calls so.
pub(super) fn device(world: &RigScenario, name: &str) -> Result<Eui64, StepError> {
    let ppmid = world.ppmid()?;
    let data = &world.bench()?.data;
    let hub = world.hub()?;
    let here = || data.smi.on_hub(hub);
    let is_ppmid = |device_type: DeviceType| device_type == DeviceType::Ppmid;
    let found = match name {
        "the PPMID" => Some(ppmid.eui),
        "an unknown Device" => {
            // One of the hub's maker, with a serial number that no Device has.
            (1..=u64::from(u16::MAX)).map(|n| Eui64(hub.0 ^ (n << 16))).find(|eui| !data.smi.devices.contains_key(eui))
        }
        "an ESME" => here().find(|device| device.device_type == DeviceType::Esme).map(|device| device.id),
        "a PPMID that is not commissioned" => here()
            .find(|device| is_ppmid(device.device_type) && device.status != SmiStatus::Commissioned)
            .map(|device| device.id),
        "a PPMID of another model" => here()
            .find(|device| {
                is_ppmid(device.device_type)
                    && device.status == SmiStatus::Commissioned
                    && device.model.0 != ppmid.model
            })
            .map(|device| device.id),
        "a PPMID of another Supplier" => {
            let ours = [world.supplier_eui(Role::ImportSupplier)?, world.supplier_eui(Role::GasSupplier)?];
            data.smi
                .devices
                .values()
                .filter(|device| is_ppmid(device.device_type) && device.model.0 == ppmid.model)
                .filter(|device| device.status == SmiStatus::Commissioned)
                .find(|device| {
                    device.hub.is_some_and(|hub| {
                        let responsible = data.responsible_suppliers(hub);
                        !responsible.is_empty() && responsible.iter().all(|(eui, _)| !ours.contains(eui))
                    })
                })
                .map(|device| device.id)
        }
        _ => return Err(StepError::bench_fault(format!("scenarios have no Device that they call {name:?}"))),
    };
    found.ok_or_else(|| StepError::not_applicable(format!("the bench's data have no Device that is {name}")))
}
