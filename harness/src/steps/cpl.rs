//! What a manufacturer releases, and what the CPL says of it.

use super::premises::hardware_version;
use crate::runner::{StepError, StepResult};
use crate::world::{Flaw, Making, Named, Place, Release, RigScenario, Version};
use cucumber::given;
use hanrig_dcc::FirmwareHash;
use hanrig_dcc::data::Code;
use hanrig_wire::ota_file::MAXIMUM_IMAGE_SIZE;
use hanrig_wire::types::FirmwareVersion;

fn release(world: &mut RigScenario, named: Named, version: FirmwareVersion, making: Making) -> StepResult {
    let device = world.device(named)?;
    let hardware_version = device.hardware_version;
    let release = world.new_release(device, version, making)?;
    let entry = release.cpl_entry(&world.bench()?.data, hardware_version);
    world.edit_dcc(&mut |data| data.cpl.entries.push(entry.clone()))?;
    world.release = Some(release);
    Ok(())
}

#[given(expr = "the manufacturer has released {device} firmware version {version} of {int} KB")]
fn released_kb(world: &mut RigScenario, named: Named, version: Version, kilobytes: usize) -> StepResult {
    release(world, named, version.0, Making::of_size(kilobytes.saturating_mul(1024)))
}

/// The largest image by the bench's reading of I-01, or one octet more.
#[given(
    regex = "^the manufacturer has released (PPMID|HCALCS|ESME|GSME) firmware version ([0-9A-F]{8}) of (exactly 750KB|750KB and one octet)$"
)]
fn released_largest(world: &mut RigScenario, named: String, version: String, size: String) -> StepResult {
    let named: Named = named.parse().map_err(StepError::bench_fault)?;
    let version: Version = version.parse().map_err(StepError::bench_fault)?;
    let largest = world.bench()?.settings.maximum_image_size;
    if largest > MAXIMUM_IMAGE_SIZE {
        return Err(StepError::not_applicable(format!(
            "the DSP takes images of {largest} octets (I-01), and hubs no more than {MAXIMUM_IMAGE_SIZE}"
        )));
    }
    release(world, named, version.0, Making::of_size(largest + usize::from(size != "exactly 750KB")))
}

#[given(expr = "the manufacturer has released part {int} of {int} of {device} firmware version {version}, of {int} KB")]
fn released_part(
    world: &mut RigScenario,
    part: u8,
    parts: u8,
    named: Named,
    version: Version,
    kilobytes: usize,
) -> StepResult {
    let making = Making { part: (part, parts), ..Making::of_size(kilobytes.saturating_mul(1024)) };
    release(world, named, version.0, making)
}

/// Changes the CPL entry of the release.
fn change_entry(world: &mut RigScenario, change: impl Fn(&mut Vec<hanrig_dcc::data::CplEntry>, usize)) -> StepResult {
    let hash = world.release()?.hash;
    world.edit_dcc(&mut |data| {
        if let Some(place) = data.cpl.entries.iter().position(|entry| entry.image.hash == hash) {
            change(&mut data.cpl.entries, place);
        }
    })
}

#[given("its Hash is not on the CPL")]
fn hash_not_on_cpl(world: &mut RigScenario) -> StepResult {
    change_entry(world, |entries, place| {
        entries.remove(place);
    })
}

#[given("its CPL entry has been removed")]
fn entry_removed(world: &mut RigScenario) -> StepResult {
    let hash = world.release()?.hash;
    let panel = world.panel()?.clone();
    world.edit_dcc(&mut |data| {
        let number = data.cpl.active_with_hash(hash).next().map(|entry| entry.number);
        if let Some(number) = number {
            panel.remove(data, number);
        }
    })
}

fn change_release(world: &mut RigScenario, change: impl FnOnce(&mut Release)) -> StepResult {
    let missing = StepError::bench_fault("no step before this one has released firmware");
    change(world.release.as_mut().ok_or(missing)?);
    Ok(())
}

/// Changes what the CPL entry of the release says, so that the OTA Header does not agree with it.
#[given(regex = "^its CPL entry names another (manufacturer|model|firmware version)$")]
fn entry_names_another(world: &mut RigScenario, what: String) -> StepResult {
    change_entry(world, |entries, place| {
        let Some(entry) = entries.get_mut(place) else { return };
        match what.as_str() {
            "manufacturer" => entry.manufacturer.0 ^= 0x0001,
            "model" => entry.model.0 ^= 0x0001,
            _ => entry.firmware_version.0 ^= 0x0001,
        }
    })
}

#[given(expr = "its CPL entry is for a hardware version that is {place} of the image")]
fn entry_for_hardware_version(world: &mut RigScenario, at: Place) -> StepResult {
    let version = hardware_version(world, at)?;
    change_entry(world, |entries, place| {
        if let Some(entry) = entries.get_mut(place) {
            entry.hardware_version = Code(version);
        }
    })
}

#[given("the creator's signature is missing")]
fn creator_signature_missing(world: &mut RigScenario) -> StepResult {
    change_release(world, |release| release.package.creator_signature = None)
}

#[given("the Hash that comes with it is missing")]
fn provided_hash_missing(world: &mut RigScenario) -> StepResult {
    change_release(world, |release| release.package.hash = None)
}

#[given("the creator's signature over it is wrong")]
fn creator_signature_wrong(world: &mut RigScenario) -> StepResult {
    change_release(world, |release| {
        if let Some([first, ..]) = &mut release.package.creator_signature {
            *first ^= 0x01;
        }
    })
}

#[given("the Hash that comes with it is another")]
fn other_hash_provided(world: &mut RigScenario) -> StepResult {
    change_release(world, |release| release.package.hash = Some(FirmwareHash([0x5A; 32])))
}

#[given(regex = "^the manufacturer's signature in the image is (wrong|another's|that of other firmware)$")]
fn manufacturer_signature_wrong(world: &mut RigScenario, how: String) -> StepResult {
    let sound = world.release()?;
    let (named, version) = (Named(sound.device_type), sound.image.file_version);
    let flaw = match how.as_str() {
        "wrong" => Flaw::Changed,
        "another's" => Flaw::OfAnother,
        _ => Flaw::OfOtherFirmware,
    };
    let making = Making { flaw: Some(flaw), ..Making::of_size(sound.octets().len()) };
    // The CPL entry of the sound image goes, so that only the one with the wrong signature is listed.
    hash_not_on_cpl(world)?;
    release(world, named, version, making)
}
