//! What a Supplier does: checks before it sends, SRV 11.1 and SRV 11.4.

use super::DCC;
use crate::rig::observe::{DuisSighting, Party, Sighting};
use crate::runner::{StepError, StepResult};
use crate::world::{Named, RigScenario, Role, Version};
use cucumber::gherkin::Step;
use cucumber::{then, when};
use hanrig_dcc::data::SmiStatus;
use hanrig_dcc::duis::{DuisMessage, Request, ServiceRequest, UpdateFirmware};
use hanrig_dcc::supplier::{PreparedImage, SupplierRefusal};
use hanrig_wire::ota_file::{self, OtaHeader};
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};

/// The Supplier's own checks of the release against the CPL (SUP-01 to SUP-04).
fn check(world: &mut RigScenario, role: Role) -> Result<Result<PreparedImage, SupplierRefusal>, StepError> {
    let package = world.release()?.package.clone();
    let cpl = world.bench()?.data.cpl.clone();
    Ok(world.supplier(role)?.prepare(&package, &cpl))
}

pub(super) async fn send(world: &mut RigScenario, role: Role, request: Request) -> StepResult {
    let user = world.supplier_eui(role)?;
    world.driver().await?;
    world.stimulus().await?;
    world.request = Some((role, request.request_id));
    world.driver().await?.send_request(user, &request)?;
    Ok(())
}

/// SRV 11.4 for `devices` without any check beforehand.
pub(super) fn unchecked_request(
    world: &mut RigScenario,
    role: Role,
    devices: Vec<Eui64>,
) -> Result<Request, StepError> {
    let version = world.release()?.image.file_version;
    request_with_version(world, role, devices, version)
}

/// [`unchecked_request`], which names a version of its own.
fn request_with_version(
    world: &mut RigScenario,
    role: Role,
    device_id_list: Vec<Eui64>,
    firmware_version: FirmwareVersion,
) -> Result<Request, StepError> {
    let firmware_image = world.release()?.octets().to_vec();
    let body = UpdateFirmware { firmware_image, firmware_version, device_id_list };
    let dcc = world.bench()?.access_control_broker.eui;
    Ok(world.supplier(role)?.request(dcc, ServiceRequest::UpdatePpmidFirmware(body)))
}

#[when(expr = "the {supplier} checks the image against the CPL and sends SRV 11.4 for the PPMID")]
async fn checks_and_sends(world: &mut RigScenario, role: Role) -> StepResult {
    let ppmid = world.ppmid()?.eui;
    let image = check(world, role)?
        .map_err(|refusal| StepError::fail(format!("the {role} should have sent the image, but: {refusal}")))?;
    let request = world.supplier(role)?.update_ppmid_firmware(&image, &[ppmid]);
    send(world, role, request).await
}

#[when(expr = "the {supplier} checks the image against the CPL and sends SRV 11.1 for the {device}")]
async fn checks_and_sends_to(world: &mut RigScenario, role: Role, named: Named) -> StepResult {
    let device = world.device(named)?.eui;
    let image = check(world, role)?
        .map_err(|refusal| StepError::fail(format!("the {role} should have sent the image, but: {refusal}")))?;
    let request = world.supplier(role)?.update_firmware(&image, &[device]);
    send(world, role, request).await
}

#[when(expr = "the {supplier} sends SRV 11.1 for the {device} with another Supplier's signature after the image")]
async fn sends_signed_by_another(world: &mut RigScenario, role: Role, named: Named) -> StepResult {
    let (device, user) = (world.device(named)?.eui, world.supplier_eui(role)?);
    let bench = world.bench()?;
    let other = bench.suppliers.iter().find(|supplier| supplier.eui != user);
    let other = other.ok_or_else(|| StepError::not_applicable("the bench has no other Supplier"))?;
    let package = &world.release()?.package.ota_upgrade_image;
    let (header, length) = OtaHeader::parse(package).map_err(|error| StepError::bench_fault(error.to_string()))?;
    let image = package.get(length..).unwrap_or_default();
    let body = UpdateFirmware {
        firmware_image: ota_file::build_signed(header, image, &other.keys.ds),
        firmware_version: world.release()?.image.file_version,
        device_id_list: vec![device],
    };
    let dcc = bench.access_control_broker.eui;
    let request = world.supplier(role)?.request(dcc, ServiceRequest::UpdateFirmware(body));
    send(world, role, request).await
}

#[when(expr = "the {supplier} sends SRV 11.4 for the PPMID without checking the image")]
async fn sends_unchecked(world: &mut RigScenario, role: Role) -> StepResult {
    let ppmid = world.ppmid()?.eui;
    let request = unchecked_request(world, role, vec![ppmid])?;
    send(world, role, request).await
}

#[when(expr = "the {supplier} sends SRV 11.4 for the PPMID, which names firmware version {version}")]
async fn sends_another_version(world: &mut RigScenario, role: Role, version: Version) -> StepResult {
    let ppmid = world.ppmid()?.eui;
    let request = request_with_version(world, role, vec![ppmid], version.0)?;
    send(world, role, request).await
}

/// SRV 11.1 or 11.4, whichever the image released is for, and for any Devices.
#[when(regex = r"^the (.* Supplier) sends SRV (?:11\.1|11\.4) for (the (?:second )?(?:PPMID|HCALCS|ESME|GSME))$")]
async fn sends_for_device(world: &mut RigScenario, role: String, name: String) -> StepResult {
    let role: Role = role.parse().map_err(StepError::bench_fault)?;
    let device = device(world, &name)?;
    send_to(world, role, vec![device]).await
}

#[when(expr = "the {supplier} sends SRV 11.1 for these Devices:")]
async fn sends_update_firmware(world: &mut RigScenario, role: Role, step: &Step) -> StepResult {
    let devices = devices(world, step)?;
    send_to(world, role, devices).await
}

/// The release as SRV 11.4 has it where it is for a PPMID, as SRV 11.1 where not, without any check beforehand.
async fn send_to(world: &mut RigScenario, role: Role, devices: Vec<Eui64>) -> StepResult {
    let release = world.release()?;
    let body = UpdateFirmware {
        firmware_image: release.octets().to_vec(),
        firmware_version: release.image.file_version,
        device_id_list: devices,
    };
    let body = match release.device_type {
        DeviceType::Ppmid => ServiceRequest::UpdatePpmidFirmware(body),
        _ => ServiceRequest::UpdateFirmware(body),
    };
    let dcc = world.bench()?.access_control_broker.eui;
    let request = world.supplier(role)?.request(dcc, body);
    send(world, role, request).await
}

#[when(expr = "the {supplier} sends SRV 11.4 for these Devices:")]
async fn sends_for_devices(world: &mut RigScenario, role: Role, step: &Step) -> StepResult {
    let devices = devices(world, step)?;
    let request = unchecked_request(world, role, devices)?;
    send(world, role, request).await
}

/// The Supplier does as it must: it sends what passes its checks, and nothing else.
#[when(expr = "the {supplier} checks the image against the CPL")]
async fn checks(world: &mut RigScenario, role: Role) -> StepResult {
    let ppmid = world.ppmid()?.eui;
    match check(world, role)? {
        Ok(image) => {
            let request = world.supplier(role)?.update_ppmid_firmware(&image, &[ppmid]);
            send(world, role, request).await
        }
        Err(refusal) => {
            world.refusal = Some(refusal);
            world.driver().await?;
            world.stimulus().await?;
            world.let_pass(DCC).await
        }
    }
}

/// The Service Requests that `role` has sent since the last stimulus.
pub(super) fn requests_of(world: &RigScenario, role: Role) -> Result<Vec<DuisSighting>, StepError> {
    let (user, since) = (world.supplier_eui(role)?, world.since);
    let sent = |sighting: &&DuisSighting| {
        sighting.at() >= since
            && sighting.from == Party::User(user)
            && matches!(sighting.message, DuisMessage::Request(_))
    };
    Ok(world.seen()?.duis.iter().filter(sent).cloned().collect())
}

#[then(expr = "the {supplier} sends SRV 11.4 for the PPMID")]
fn has_sent(world: &mut RigScenario, role: Role) -> StepResult {
    let ppmid = world.ppmid()?.eui;
    let requests = requests_of(world, role)?;
    let wanted = |sighting: &DuisSighting| match &sighting.message {
        DuisMessage::Request(request) => matches!(&request.body, ServiceRequest::UpdatePpmidFirmware(update)
            if update.device_id_list == [ppmid]),
        DuisMessage::Response(_) => false,
    };
    if let [request] = requests.as_slice()
        && wanted(request)
    {
        world.rests_on(request);
        return Ok(());
    }
    let refusal = world.refusal.as_ref().map_or_else(String::new, |refusal| format!("; it says: {refusal}"));
    Err(StepError::fail(format!("expected one SRV 11.4 of the {role}, observed {} requests{refusal}", requests.len())))
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

#[then(expr = "the {supplier} does not send it, because the creator's signature is missing")]
fn not_sent_no_signature(world: &mut RigScenario, role: Role) -> StepResult {
    refused(
        world,
        role,
        "there is no creator's signature",
        |refusal| matches!(refusal, SupplierRefusal::Incomplete(what) if what.contains("signature")),
    )
}

#[then(expr = "the {supplier} does not send it, because the Hash that comes with it is missing")]
fn not_sent_no_hash(world: &mut RigScenario, role: Role) -> StepResult {
    refused(
        world,
        role,
        "there is no Hash",
        |refusal| matches!(refusal, SupplierRefusal::Incomplete(what) if what.contains("Hash")),
    )
}

#[then(expr = "the {supplier} does not send it, because no CPL entry with its Hash agrees with its OTA Header")]
fn not_sent_header(world: &mut RigScenario, role: Role) -> StepResult {
    let why = "the OTA Header agrees with no CPL entry";
    refused(world, role, why, |refusal| matches!(refusal, SupplierRefusal::HeaderMismatch { .. }))
}

#[then(expr = "the {supplier} does not send it, because no CPL entry's hardware version is in the range of the image")]
fn not_sent_hardware(world: &mut RigScenario, role: Role) -> StepResult {
    let why = "no CPL entry's hardware version is in range";
    refused(world, role, why, |refusal| matches!(refusal, SupplierRefusal::HardwareVersion { .. }))
}

fn refused(world: &RigScenario, role: Role, why: &str, expected: fn(&SupplierRefusal) -> bool) -> StepResult {
    if let Some(sent) = requests_of(world, role)?.first() {
        let sent = sent.observation().summary;
        return Err(StepError::fail(format!("expected the {role} to send nothing because {why}; observed {sent}")));
    }
    match &world.refusal {
        Some(refusal) if expected(refusal) => Ok(()),
        Some(refusal) => {
            Err(StepError::fail(format!("expected the {role} to refuse because {why}; it says: {refusal}")))
        }
        None => Err(StepError::fail(format!("expected the {role} to refuse because {why}; its checks passed"))),
    }
}

/// The Devices in the first column of the step's table.
pub(super) fn devices(world: &RigScenario, step: &Step) -> Result<Vec<Eui64>, StepError> {
    let rows = step.table.as_ref().map(|table| table.rows.as_slice()).unwrap_or_default();
    rows.iter().skip(1).map(|row| device(world, row.first().map_or("", String::as_str))).collect()
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
        "the HCALCS" => Some(world.device(Named(DeviceType::Hcalcs))?.eui),
        "the ESME" => Some(world.device(Named(DeviceType::Esme))?.eui),
        "the GSME" => Some(world.device(Named(DeviceType::Gsme))?.eui),
        "the second PPMID" | "the second HCALCS" | "the second ESME" | "the second GSME" => world.second,
        "the third PPMID" | "the third HCALCS" | "the third ESME" | "the third GSME" => world.third,
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
        "a PPMID of another hardware version" => {
            let fits = data.smi.devices.get(&ppmid.eui).map(|device| device.device_model());
            here()
                .filter(|device| is_ppmid(device.device_type) && device.status == SmiStatus::Commissioned)
                .find(|device| device.model.0 == ppmid.model && Some(device.device_model()) != fits)
                .map(|device| device.id)
        }
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
