//! Negative DCC Alerts: what a CSP rejects, versions that the CPL does not have, requests that are held or too long.

use super::alerts::{expect_dcc_alert, update_of};
use super::distribution::{payload, refused_whole, request_of, response_to, service_response};
use super::premises::{add_to_smi, like};
use super::readings::told_by;
use super::supplier::{device, send};
use crate::rig::dcc_desk::ScreenUse;
use crate::rig::observe::Party;
use crate::runner::{StepError, StepResult};
use crate::world::{Named, RigScenario, Role, Version};
use cucumber::gherkin::Step;
use cucumber::{given, then, when};
use hanrig_dcc::FirmwareHash;
use hanrig_dcc::data::{CplStatus, Hub, Premises, SmiDevice};
use hanrig_dcc::dsp::Viewer;
use hanrig_dcc::duis::{DccAlert, DccAlertCode, ResponseBody, ResponsePayload, ServiceRequest, UpdateFirmware};
use hanrig_wire::types::{DeviceType, Eui64};

#[then(regex = "^the (.* Supplier) gets (N18|N19|N20|N22) for (the (?:second |third )?(?:PPMID|HCALCS|ESME|GSME))$")]
async fn rejected(world: &mut RigScenario, role: String, code: String, name: String) -> StepResult {
    let device = device(world, &name)?;
    rejection(world, &role, &code, vec![device]).await
}

#[then(regex = "^the (.* Supplier) gets (N18|N19|N20|N22) for these Devices:$")]
async fn rejected_several(world: &mut RigScenario, step: &Step, role: String, code: String) -> StepResult {
    let devices = super::supplier::devices(world, step)?;
    rejection(world, &role, &code, devices).await
}

async fn rejection(world: &mut RigScenario, role: &str, code: &str, mut devices: Vec<Eui64>) -> StepResult {
    let role: Role = role.parse().map_err(StepError::bench_fault)?;
    let code: DccAlertCode = code.parse().map_err(|_| StepError::bench_fault(format!("{code} is no DCC Alert")))?;
    let request = update_of(world, role)?;
    let code = told_by(world, code)?;
    devices.sort_unstable();
    let what = format!("for {devices:?} and request {request}, with a reason");
    expect_dcc_alert(world, role, code, &what, |alert| match alert {
        DccAlert::FirmwareDistributionFailure(failure) => {
            let mut told = failure.device_id_list.clone();
            told.sort_unstable();
            told == devices && failure.request_id == request && failure.reason.is_some()
        }
        _ => false,
    })
    .await
    .map(drop)
}

/// The DCC's data name a hub that its CSP was never told of.
#[when(expr = "the SMI gets a second {device} on a hub that the CSP does not serve")]
async fn on_unserved_hub(world: &mut RigScenario, named: Named) -> StepResult {
    world.driver().await?;
    let hub = world.hub()?;
    let second = like(world, named)?;
    let bench = world.bench()?;
    let other = Eui64(hub.0 ^ 0x00FF_0000);
    let region = bench.hub.region;
    let here = bench.data.registration.premises.iter().find(|premises| premises.hub == hub).cloned();
    let here = here.ok_or_else(|| StepError::bench_fault("the hub has no premises"))?;
    // Whoever is responsible for the meters there, which are like those of the bench's hub.
    let meters: Vec<SmiDevice> = bench
        .data
        .smi
        .on_hub(hub)
        .filter(|device| matches!(device.device_type, DeviceType::Esme | DeviceType::Gsme))
        .map(|meter| SmiDevice { id: Eui64(meter.id.0 ^ 0x00FF_0000), hub: Some(other), ..meter.clone() })
        .collect();
    let second = SmiDevice { hub: Some(other), ..second };
    world.second = Some(second.id);
    world.edit_dcc(&mut |data| {
        data.hubs.insert(other, Hub { id: other, region });
        for meter in &meters {
            data.smi.devices.insert(meter.id, meter.clone());
        }
        let mut devices: Vec<_> = meters.iter().map(|meter| meter.id).collect();
        devices.push(second.id);
        data.registration.premises.push(Premises { hub: other, devices, ..here.clone() });
    })?;
    add_to_smi(world, second)
}

/// A local update or an exchange that nobody told the DCC of: the Device runs another version than the SMI has.
#[given(expr = "the {device} runs firmware version {version}, and the SMI does not know")]
fn really_runs(world: &mut RigScenario, named: Named, version: Version) -> StepResult {
    if named.0 == DeviceType::Ppmid {
        let what = format!("runs firmware version {}", version.0);
        return world.make_ppmids(
            &what,
            |ppmid| ppmid.firmware_version == version.0,
            |ppmid| ppmid.firmware_version = version.0,
        );
    }
    let bench = world.bench_before_start()?;
    let devices = bench.devices.iter_mut().filter(|device| device.kind.device_type() == named.0);
    for device in devices {
        device.firmware_version = version.0;
    }
    Ok(())
}

/// Another entry like that of the Device's model, with a version that it does not list yet.
fn list(world: &mut RigScenario, named: Named, version: Version, removed: bool, other_model: bool) -> StepResult {
    let model = world.device(named)?.model;
    world.edit_dcc(&mut |data| {
        let number = data.cpl.entries.iter().map(|entry| entry.number).max().unwrap_or(0) + 1;
        let like = data.cpl.entries.iter().find(|entry| entry.device_type == named.0 && entry.model.0 == model);
        let Some(mut entry) = like.cloned() else { return };
        (entry.number, entry.firmware_version) = (number, version.0);
        entry.image.hash = FirmwareHash([0xC3; 32]);
        if removed {
            entry.status = CplStatus::Removed;
        }
        if other_model {
            entry.model.0 ^= 0x0800;
        }
        data.cpl.entries.push(entry);
    })
}

#[given(expr = "the CPL entry of {device} firmware version {version} has been removed")]
fn listed_and_removed(world: &mut RigScenario, named: Named, version: Version) -> StepResult {
    list(world, named, version, true, false)
}

#[given(expr = "{device} firmware version {version} is on the CPL for another model only")]
fn listed_for_other_model(world: &mut RigScenario, named: Named, version: Version) -> StepResult {
    list(world, named, version, false, true)
}

#[given(expr = "{device} firmware version {version} is not on the CPL")]
fn not_listed(world: &mut RigScenario, named: Named, version: Version) -> StepResult {
    world.edit_dcc(&mut |data| {
        data.cpl.entries.retain(|entry| entry.device_type != named.0 || entry.firmware_version != version.0);
    })
}

#[then(regex = "^the (.* Supplier) gets (N49|N50|N51) for the (PPMID|HCALCS) with version ([0-9A-F]{8})$")]
async fn version_alert(
    world: &mut RigScenario,
    role: String,
    code: String,
    named: String,
    version: String,
) -> StepResult {
    let role: Role = role.parse().map_err(StepError::bench_fault)?;
    let named: Named = named.parse().map_err(StepError::bench_fault)?;
    let version: Version = version.parse().map_err(StepError::bench_fault)?;
    let code: DccAlertCode = code.parse().map_err(|_| StepError::bench_fault(format!("{code} is no DCC Alert")))?;
    let code = told_by(world, code)?;
    let device = world.device(named)?.eui;
    expect_dcc_alert(world, role, code, &format!("for {device} with version {}", version.0), |alert| {
        matches!(alert, DccAlert::DeviceFirmwareVersionMismatch(told)
            if told.device_id == device && told.firmware_version == version.0)
    })
    .await
    .map(drop)
}

#[then(expr = "the {supplier} gets one Service Response that refuses the request, because it lists too many Devices")]
async fn too_many(world: &mut RigScenario, role: Role) -> StepResult {
    refused_whole(world, role, "E110401").await
}

#[then(expr = "the {supplier} gets one Service Response that says that the request is quarantined")]
async fn quarantined(world: &mut RigScenario, role: Role) -> StepResult {
    refused_whole(world, role, "E30").await
}

#[then(expr = "the {supplier} is refused SRV 11.3, because a PPMID has no such Command")]
async fn not_for_ppmid(world: &mut RigScenario, role: Role) -> StepResult {
    refused_whole(world, role, "E5").await
}

#[then(expr = "the {supplier} gets one Service Response that refuses the request, because it is not responsible")]
async fn not_responsible(world: &mut RigScenario, role: Role) -> StepResult {
    refused_whole(world, role, "E4").await
}

/// One that a careful Supplier would not send: SRV 11.3 for a Device that has no such Command.
#[when(expr = "the {supplier} sends SRV 11.3 for the PPMID")]
async fn activates_ppmid(world: &mut RigScenario, role: Role) -> StepResult {
    let (ppmid, hash) = (world.ppmid()?.eui, world.release()?.hash);
    let request = world.supplier(role)?.activate_firmware(ppmid, hash, None);
    send(world, role, request).await
}

/// SRV 11.1 with an image that is a PPMID's.
#[when(expr = "the {supplier} sends SRV 11.1 instead of SRV 11.4 for the PPMID")]
async fn update_firmware_for_ppmid(world: &mut RigScenario, role: Role) -> StepResult {
    let ppmid = world.ppmid()?.eui;
    let package = world.release()?.package.clone();
    let cpl = world.bench()?.data.cpl.clone();
    let supplier = world.supplier(role)?;
    let image = supplier.prepare(&package, &cpl).map_err(|why| StepError::bench_fault(why.to_string()))?;
    let request = supplier.update_firmware(&image, &[ppmid]);
    send(world, role, request).await
}

/// The PPMID last, after Devices that nobody knows.
#[when(expr = "the {supplier} sends SRV 11.4 that lists {int} Devices, the PPMID among them")]
async fn long_list(world: &mut RigScenario, role: Role, count: usize) -> StepResult {
    let ppmid = world.ppmid()?.eui;
    let release = world.release()?;
    let unknown = (1..).map(|n| Eui64(ppmid.0 ^ (n << 8))).take(count.saturating_sub(1));
    let body = UpdateFirmware {
        firmware_image: release.octets().to_vec(),
        firmware_version: release.image.file_version,
        device_id_list: unknown.chain([ppmid]).collect(),
    };
    let dcc = world.bench()?.access_control_broker.eui;
    let request = world.supplier(role)?.request(dcc, ServiceRequest::UpdatePpmidFirmware(body));
    send(world, role, request).await
}

#[then(expr = "the {supplier} gets one Service Response that lists {int} invalid Devices, and not the PPMID")]
async fn many_invalid(world: &mut RigScenario, role: Role, count: usize) -> StepResult {
    let ppmid = world.ppmid()?.eui;
    let response = service_response(world, role).await?;
    match payload(&response) {
        Some(ResponsePayload::DspUpdatePpmidFirmwareWarning(warning))
            if warning.invalid.len() == count
                && warning.lists().iter().map(|(_, list)| list.len()).sum::<usize>() == count
                && !warning.invalid.contains(&ppmid) =>
        {
            Ok(())
        }
        Some(ResponsePayload::DspUpdatePpmidFirmwareWarning(warning)) => {
            let counts: Vec<_> =
                warning.lists().iter().map(|(name, list)| format!("{name:?}: {}", list.len())).collect();
            Err(StepError::fail(format!("expected {count} invalid Devices, observed {counts:?}")))
        }
        _ => Err(StepError::fail(format!("expected a warning, observed Response Code {}", response.response_code))),
    }
}

#[when("the DCC Service Desk lets the request go on")]
async fn released(world: &mut RigScenario) -> StepResult {
    let (_, request) = world.request.ok_or_else(|| StepError::bench_fault("no Service Request has been sent"))?;
    world.stimulus().await?;
    world.in_motion()?.operate_dcc(&mut |now, dcc, taps| {
        dcc.use_screen(now, Viewer::ServiceDesk, ScreenUse::Release(request), taps);
    })?;
    Ok(())
}

#[then(expr = "the {supplier} gets the Service Response of the request that went on, which lists no failed Device")]
async fn went_on(world: &mut RigScenario, role: Role) -> StepResult {
    let (user, request) = (world.supplier_eui(role)?, request_of(world, role)?);
    world
        .expect_duis(
            &format!("the Service Response to {request}, with Response Code I0"),
            super::DCC,
            |sighting| {
                response_to(sighting, user).is_some_and(|response| {
                    response.request_id == Some(request)
                        && response.response_code == "I0"
                        && matches!(response.body, ResponseBody::ResponseMessage(_))
                })
            },
            |sighting| sighting.to == Party::User(user),
        )
        .await
        .map(drop)
}
