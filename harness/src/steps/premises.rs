//! What a scenario starts from: the premises and their PPMID.

use crate::bench::Ppmid;
use crate::runner::{StepError, StepResult};
use crate::world::{Making, Named, Place, RigScenario, Role, Unit, Version};
use cucumber::{given, when};
use hanrig_dcc::data::{Code, SmiDevice};
use hanrig_wire::security::InstallCode;
use hanrig_wire::time::Duration;
use hanrig_wire::types::{DeviceType, Eui64};

#[given(expr = "a dual Supplier premises whose PPMID runs firmware version {version}")]
fn dual_supplier_premises(world: &mut RigScenario, version: Version) -> StepResult {
    let (import, gas) = (world.supplier_eui(Role::ImportSupplier)?, world.supplier_eui(Role::GasSupplier)?);
    if import == gas {
        return Err(StepError::not_applicable(
            "one Supplier is both Import and Gas Supplier of the premises of the bench's hub",
        ));
    }
    let ppmid = world.ppmid()?;
    let (eui, runs) = (ppmid.eui, ppmid.firmware_version);
    let recorded = world.bench()?.data.smi.devices.get(&eui).map(|device| device.firmware_version);
    if runs != version.0 || recorded != Some(version.0) {
        return Err(StepError::not_applicable(format!(
            "the bench's PPMID runs firmware version {runs} and the SMI has {recorded:?}, not {}",
            version.0
        )));
    }
    Ok(())
}

/// Puts a Device that the bench has in reserve on the hub's network.
#[given(expr = "the premises also has a(n) {device} that runs firmware version {version}")]
fn also_has(world: &mut RigScenario, named: Named, version: Version) -> StepResult {
    let bench = world.bench_before_start()?;
    let place = bench.reserve.iter().position(|device| device.kind.device_type() == named.0);
    let Some(place) = place else { return Err(StepError::not_applicable(format!("the bench has no {named}"))) };
    let device = bench.reserve.remove(place);
    let (eui, runs) = (device.eui, device.firmware_version);
    let recorded = bench.data.smi.devices.get(&eui).map(|device| device.firmware_version);
    if runs != version.0 || recorded != Some(version.0) {
        return Err(StepError::not_applicable(format!(
            "the bench's {named} runs firmware version {runs} and the SMI has {recorded:?}, not {}",
            version.0
        )));
    }
    bench.devices.push(device);
    Ok(())
}

#[given(expr = "the {device} sends its hardware version")]
fn sends_hardware_version(world: &mut RigScenario, named: Named) -> StepResult {
    if named.0 == DeviceType::Ppmid {
        return world.make_ppmids(
            "sends its hardware version",
            |ppmid| ppmid.declaration.sends_hardware_version,
            |ppmid| ppmid.declaration.sends_hardware_version = true,
        );
    }
    let mut devices = world.bench()?.devices.iter().filter(|device| device.kind.device_type() == named.0);
    match devices.find(|device| !device.declaration.sends_hardware_version) {
        Some(device) => {
            Err(StepError::not_applicable(format!("{} is declared to send no hardware version", device.name)))
        }
        None => Ok(()),
    }
}

#[given("the PPMID sends no hardware version")]
fn sends_no_hardware_version(world: &mut RigScenario) -> StepResult {
    world.make_ppmids(
        "sends no hardware version",
        |ppmid| !ppmid.declaration.sends_hardware_version,
        |ppmid| ppmid.declaration.sends_hardware_version = false,
    )
}

/// The hardware version at this place beside the range of the image released.
pub(super) fn hardware_version(world: &RigScenario, place: Place) -> Result<u16, StepError> {
    let header = world.release()?.header().map_err(|error| StepError::bench_fault(error.to_string()))?;
    let range = header
        .hardware_versions
        .ok_or_else(|| StepError::bench_fault("the image released has no hardware versions in its header"))?;
    let version = match place {
        Place::AboveMaximum => range.maximum.checked_add(1),
        Place::Maximum => Some(range.maximum),
        Place::Minimum => Some(range.minimum),
        Place::BelowMinimum => range.minimum.checked_sub(1),
    };
    version.ok_or_else(|| StepError::not_applicable("the image's range leaves no such hardware version"))
}

#[given(expr = "the {device}'s real hardware version is {place} of the image")]
fn real_hardware_version(world: &mut RigScenario, named: Named, place: Place) -> StepResult {
    let version = hardware_version(world, place)?;
    if named.0 != DeviceType::Ppmid {
        let bench = world.bench_before_start()?;
        for device in bench.devices.iter_mut().filter(|device| device.kind.device_type() == named.0) {
            device.hardware_version = version;
        }
        return Ok(());
    }
    world.make_ppmids(
        &format!("has hardware version {version:04X}"),
        |ppmid| ppmid.hardware_version == version,
        |ppmid| ppmid.hardware_version = version,
    )
}

#[given(expr = "the PPMID asks for blocks of {int} octets")]
fn asks_for_blocks(world: &mut RigScenario, octets: u8) -> StepResult {
    world.make_ppmids(
        &format!("asks for blocks of {octets} octets"),
        |ppmid| ppmid.declaration.block_size == octets,
        |ppmid| ppmid.declaration.block_size = octets,
    )
}

/// A Device like the first of its type, of the same maker with another serial number, that the bench's data do not have
/// yet.
pub(super) fn like(world: &RigScenario, named: Named) -> Result<SmiDevice, StepError> {
    let devices = &world.bench()?.data.smi.devices;
    let first = world.device(named)?.eui;
    let like = devices.get(&first).ok_or_else(|| StepError::bench_fault(format!("the {named} is not in the SMI")))?;
    let free = (1..=u64::from(u8::MAX)).map(|n| Eui64(first.0 ^ (n << 8))).find(|eui| !devices.contains_key(eui));
    let id =
        free.ok_or_else(|| StepError::bench_fault(format!("the SMI has no identifier left for another {named}")))?;
    Ok(SmiDevice { id, ..like.clone() })
}

fn like_ppmid(world: &RigScenario) -> Result<SmiDevice, StepError> {
    like(world, Named(DeviceType::Ppmid))
}

pub(super) fn add_to_smi(world: &mut RigScenario, device: SmiDevice) -> StepResult {
    world.edit_dcc(&mut |data| {
        data.smi.devices.insert(device.id, device.clone());
    })
}

#[given(regex = "^the SMI has a (second|third) (PPMID|HCALCS|ESME|GSME) on the same hub, which the CSP does not know$")]
fn another_in_smi(world: &mut RigScenario, place: String, named: String) -> StepResult {
    let another = like(world, named.parse().map_err(StepError::bench_fault)?)?;
    if place == "second" {
        world.second = Some(another.id);
    } else {
        world.third = Some(another.id);
    }
    // The CSP knows the Devices of the bench's hub by what it was told to let join.
    add_to_smi(world, another)
}

/// Puts the first Device of a type on the HAN, where it is not there already.
#[given(expr = "the premises has the {device}")]
fn has(world: &mut RigScenario, named: Named) -> StepResult {
    world.bring(Unit { device_type: named.0, place: 0 })
}

#[given("the SMI has a PPMID of the same model with another hardware version")]
fn other_hardware_version_in_smi(world: &mut RigScenario) -> StepResult {
    let like = like_ppmid(world)?;
    let hardware_version = Code(like.hardware_version.0 ^ 0x0100);
    add_to_smi(world, SmiDevice { hardware_version, ..like })
}

#[given("a second PPMID of the same model is on the HAN")]
fn second_on_han(world: &mut RigScenario) -> StepResult {
    let first = world.ppmid()?.clone();
    if let Some(second) = world.bench()?.ppmids.get(1) {
        if (second.manufacturer_code, second.model) != (first.manufacturer_code, first.model) {
            return Err(StepError::not_applicable("the bench's second PPMID is of another model"));
        }
        world.second = Some(second.eui);
        return Ok(());
    }
    if world.bench()?.needs_hardware() {
        return Err(StepError::not_applicable("the bench has no second PPMID of the same model"));
    }
    let second = like_ppmid(world)?;
    let code = second.id.0.to_be_bytes().repeat(2);
    let install_code = [code.as_slice(), &InstallCode::crc(&code)].concat();
    let install_code =
        InstallCode::new(&install_code).map_err(|error| StepError::bench_fault(format!("install code: {error}")))?;
    let (name, eui) = ("second PPMID".to_owned(), second.id);
    world.second = Some(second.id);
    world.bench_before_start()?.ppmids.push(Ppmid { name, eui, install_code, ..first });
    add_to_smi(world, second)
}

#[when(expr = "{int} hours pass")]
async fn hours_pass(world: &mut RigScenario, hours: u64) -> StepResult {
    world.driver().await?;
    world.stimulus().await?;
    world.let_pass(Duration::from_secs(hours.saturating_mul(3600))).await
}

#[when(expr = "the PPMID is set back to firmware version {version} by a local update")]
async fn set_back_locally(world: &mut RigScenario, version: Version) -> StepResult {
    let ppmid = world.ppmid()?.clone();
    let release = world.new_release((&ppmid).into(), version.0, Making::of_size(8 * 1024))?;
    world.driver().await?;
    world.stimulus().await?;
    world.in_motion()?.update_locally(ppmid.eui, release.octets()).await?;
    Ok(())
}
