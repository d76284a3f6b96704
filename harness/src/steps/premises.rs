//! What a scenario starts from: the premises and their PPMID.

use crate::runner::{StepError, StepResult};
use crate::world::{RigScenario, Role, Version};
use cucumber::{given, when};

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

#[given("the PPMID sends no hardware version")]
fn sends_no_hardware_version(world: &mut RigScenario) -> StepResult {
    for ppmid in &mut world.bench_before_start()?.ppmids {
        ppmid.declaration.sends_hardware_version = false;
    }
    Ok(())
}

#[given("the PPMID's real hardware version is above the maximum of the image")]
fn hardware_version_above_maximum(world: &mut RigScenario) -> StepResult {
    let header = world.release()?.header().map_err(|error| StepError::bench_fault(error.to_string()))?;
    let range = header
        .hardware_versions
        .ok_or_else(|| StepError::bench_fault("the image released has no hardware versions in its header"))?;
    let above = range.maximum.checked_add(1);
    let above =
        above.ok_or_else(|| StepError::not_applicable("there is no hardware version above the image's maximum"))?;
    if let Some(ppmid) = world.bench_before_start()?.ppmids.first_mut() {
        ppmid.hardware_version = above;
    }
    Ok(())
}

#[when(expr = "the PPMID is set back to firmware version {version} by a local update")]
async fn set_back_locally(world: &mut RigScenario, version: Version) -> StepResult {
    let ppmid = world.ppmid()?.clone();
    let release = world.new_release(&ppmid, version.0, 8 * 1024, true)?;
    world.driver().await?;
    world.stimulus()?;
    world.driver().await?.update_locally(ppmid.eui, release.octets())?;
    Ok(())
}
