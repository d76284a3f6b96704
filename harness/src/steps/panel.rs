//! Submissions to the CPL with their details for FIR and DZIR, and who may read what.

use crate::runner::{StepError, StepResult};
use crate::world::{Draft, Making, Named, RigScenario, reader};
use cucumber::{given, then, when};
use hanrig_dcc::data::{
    AssuranceCertificate, Baselines, CertificateKind, Code, CplEntry, CplStatus, DzirRecord, FirRecord,
    PhysicalDeviceType,
};
use hanrig_dcc::panel::{AccessError, Authority, DzirDetails, FirDetails, Submission, SubmissionError};
use hanrig_wire::gbcs::SigningKey;
use hanrig_wire::types::{DeviceType, FirmwareVersion};
use time::Date;

/// Size of the images that are submitted, in octets.
const SIZE: usize = 4 * 1024;
/// The number of the CPA certificate that a sound submission has.
const CPA: &str = "CPA-HANRIG-1";

fn cpa(version: FirmwareVersion, expires: Option<Date>) -> AssuranceCertificate {
    let kind = CertificateKind::Cpa;
    AssuranceCertificate { kind, number: CPA.to_owned(), firmware_versions: vec![version], expires }
}

fn zigbee(number: &str) -> AssuranceCertificate {
    AssuranceCertificate {
        kind: CertificateKind::ZigBee,
        number: number.to_owned(),
        firmware_versions: Vec::new(),
        expires: None,
    }
}

/// Whether SEC Schedule 2.1(g) wants a CPA certificate for a Device of this type.
fn needs_cpa(device_type: PhysicalDeviceType) -> bool {
    device_type != PhysicalDeviceType::Ppmid
}

/// Prepares a sound submission of new firmware for a Device of `device_type`. Where the bench has no such Device, the
/// Device Model is another one of the PPMID's maker.
fn prepare(world: &mut RigScenario, device_type: PhysicalDeviceType, version: FirmwareVersion) -> StepResult {
    let ppmid = DeviceType::Ppmid;
    let of_type = world.bench()?.on_han().find(|device| device_type == device.device_type);
    let is_there = of_type.is_some();
    let device = match of_type {
        Some(device) => device,
        None => world.device(Named(ppmid))?,
    };
    let release = world.new_release(device, version, Making::of_size(SIZE))?;
    let mut draft = world.draft_of(&release, device_type, Baselines::NotApplicable)?;
    let entry = &mut draft.submission.entry;
    if !is_there {
        entry.model = Code(entry.model.0 ^ 0x4000);
        entry.model_name = format!("model {}", entry.model);
    }
    entry.certificates = if needs_cpa(device_type) { vec![cpa(version, None)] } else { Vec::new() };
    world.release = Some(release);
    world.desk.draft = Some(draft);
    Ok(())
}

#[given(
    regex = "^the manufacturer has made (ESME|GSME|PPMID|HCALCS|SAPC|CHF|SMETS1 CH) firmware that is not on the CPL$"
)]
fn made(world: &mut RigScenario, device_type: String) -> StepResult {
    let device_type = PhysicalDeviceType::ALL.into_iter().find(|known| known.to_string() == device_type);
    let device_type = device_type.ok_or_else(|| StepError::bench_fault("the CPL has no such type of Device"))?;
    prepare(world, device_type, FirmwareVersion(0x20))
}

fn submission(world: &mut RigScenario) -> Result<&mut Submission, StepError> {
    Ok(&mut world.draft()?.submission)
}

fn fir(world: &mut RigScenario) -> Result<&mut FirDetails, StepError> {
    submission(world)?.fir.as_mut().ok_or_else(|| StepError::bench_fault("the submission has no FIR details"))
}

fn dzir(world: &mut RigScenario) -> Result<&mut DzirDetails, StepError> {
    submission(world)?.dzir.as_mut().ok_or_else(|| StepError::bench_fault("the submission has no DZIR details"))
}

#[given(
    regex = "^the submission lacks the (manufacturer|model|SMETS version|GBCS version|creator|descriptor|certificate number) of the entry$"
)]
fn lacks_of_entry(world: &mut RigScenario, what: String) -> StepResult {
    let entry = &mut submission(world)?.entry;
    match what.as_str() {
        "manufacturer" => entry.manufacturer_name.clear(),
        "model" => entry.model_name.clear(),
        "SMETS version" => entry.smets_version.clear(),
        "GBCS version" => entry.gbcs_version.clear(),
        "creator" => entry.image.creator.clear(),
        "descriptor" => entry.image.descriptor.clear(),
        _ => entry.certificates.iter_mut().for_each(|certificate| certificate.number.clear()),
    }
    Ok(())
}

#[given(regex = "^the submission lacks the (details|email|telephone|address|release notes|baselines) for the FIR$")]
fn lacks_for_fir(world: &mut RigScenario, what: String) -> StepResult {
    match what.as_str() {
        "details" => submission(world)?.fir = None,
        "email" => fir(world)?.contact.email.clear(),
        "telephone" => fir(world)?.contact.telephone.clear(),
        "address" => fir(world)?.contact.address.clear(),
        "release notes" => fir(world)?.release_notes.clear(),
        _ => fir(world)?.baselines = Baselines::Entries(Vec::new()),
    }
    Ok(())
}

#[given(regex = "^the submission lacks the (details|chipset vendor|stack version) for the DZIR$")]
fn lacks_for_dzir(world: &mut RigScenario, what: String) -> StepResult {
    match what.as_str() {
        "details" => submission(world)?.dzir = None,
        "chipset vendor" => dzir(world)?.chipset_vendor.clear(),
        _ => dzir(world)?.stack_version.clear(),
    }
    Ok(())
}

#[given("the submission is signed with another key")]
fn signed_with_another_key(world: &mut RigScenario) -> StepResult {
    let other = SigningKey::from_scalar(&[0x5A; 32]);
    world.draft()?.signer = other.map_err(|error| StepError::bench_fault(format!("another key: {error}")))?;
    Ok(())
}

#[given("the submission is changed after it was signed")]
fn changed_afterwards(world: &mut RigScenario) -> StepResult {
    world.draft()?.changed_afterwards = true;
    Ok(())
}

#[given("the submission names a creator whose key nobody knows")]
fn unknown_creator(world: &mut RigScenario) -> StepResult {
    submission(world)?.entry.image.creator = "a creator whom nobody knows".to_owned();
    Ok(())
}

#[given("the submission has no CPA certificate")]
fn without_cpa(world: &mut RigScenario) -> StepResult {
    submission(world)?.entry.certificates.retain(|certificate| certificate.kind != CertificateKind::Cpa);
    Ok(())
}

#[given("the CPA certificate covers another firmware version")]
fn cpa_of_another_version(world: &mut RigScenario) -> StepResult {
    let entry = &mut submission(world)?.entry;
    entry.certificates = vec![cpa(FirmwareVersion(entry.firmware_version.0 ^ 0x0100), None)];
    Ok(())
}

#[given(regex = "^the last day of the CPA certificate (was yesterday|is today)$")]
fn cpa_expires(world: &mut RigScenario, when: String) -> StepResult {
    let today = world.today()?;
    let day = if when == "is today" { Some(today) } else { today.previous_day() };
    let entry = &mut submission(world)?.entry;
    entry.certificates = vec![cpa(entry.firmware_version, day)];
    Ok(())
}

#[given(
    regex = "^the firmware changes how the Device communicates over ZigBee, and the submission has (no ZigBee certificate|the ZigBee certificate of an earlier entry|a new ZigBee certificate)$"
)]
fn changes_zigbee(world: &mut RigScenario, certificate: String) -> StepResult {
    const EARLIER: &str = "ZIG-HANRIG-1";
    // The Device Model has been on the CPL with an earlier version, and a certificate for that.
    let mut earlier = world.draft()?.clone();
    earlier.submission.entry.firmware_version.0 -= 1;
    earlier.submission.entry.image.hash.0.reverse();
    let version = earlier.submission.entry.firmware_version;
    earlier.submission.entry.certificates = vec![cpa(version, None), zigbee(EARLIER)];
    world.submit(&earlier)?;
    world.submitted()?.result.clone().map_err(|error| StepError::bench_fault(format!("the earlier entry: {error}")))?;
    let submission = submission(world)?;
    submission.changes_zigbee = true;
    match certificate.as_str() {
        "no ZigBee certificate" => {}
        "a new ZigBee certificate" => submission.entry.certificates.push(zigbee("ZIG-HANRIG-2")),
        _ => submission.entry.certificates.push(zigbee(EARLIER)),
    }
    Ok(())
}

#[given(regex = "^the baseline of the submission is (on no CPL entry|the CPL entry of another Device Model)$")]
fn wrong_baseline(world: &mut RigScenario, which: String) -> StepResult {
    let entry = submission(world)?.entry.clone();
    let entries = &world.bench()?.data.cpl.entries;
    let number = if which == "on no CPL entry" {
        entries.iter().map(|entry| entry.number).max().unwrap_or(0) + 100
    } else {
        let other = entries.iter().find(|other| other.device_model() != entry.device_model());
        other.ok_or_else(|| StepError::not_applicable("the bench's CPL has one Device Model only"))?.number
    };
    fir(world)?.baselines = Baselines::Entries(vec![number]);
    Ok(())
}

#[when("the manufacturer submits it to the CPL")]
fn submits(world: &mut RigScenario) -> StepResult {
    let draft: Draft = world.draft()?.clone();
    world.submit(&draft)
}

#[then("CPL, FIR and DZIR have the submitted details under one number")]
fn published(world: &mut RigScenario) -> StepResult {
    let outcome = world.submitted()?;
    let number =
        outcome.result.clone().map_err(|error| StepError::fail(format!("the submission is refused: {error}")))?;
    let data = &world.bench()?.data;
    let Submission { entry, fir, dzir, .. } = outcome.submission.clone();
    let expected = CplEntry { number, status: CplStatus::Active, ..entry };
    let expected_fir = fir.map(|details| FirRecord {
        entry: number,
        contact: details.contact,
        release_notes: details.release_notes,
        baselines: details.baselines,
    });
    let expected_dzir = dzir.map(|details| DzirRecord {
        entry: number,
        chipset_vendor: details.chipset_vendor,
        stack_version: details.stack_version,
        band: details.band,
    });
    for (list, agrees) in [
        ("CPL", data.cpl.numbered(number) == Some(&expected)),
        ("FIR", data.fir.get(&number) == expected_fir.as_ref()),
        ("DZIR", data.dzir.get(&number) == expected_dzir.as_ref()),
    ] {
        if !agrees {
            return Err(StepError::fail(format!("entry {number} of the {list} is not what was submitted")));
        }
    }
    Ok(())
}

/// The reasons by what scenarios call them.
fn is_so(error: &SubmissionError, why: &str) -> bool {
    match error {
        SubmissionError::Missing(field) => {
            // Some name the requirement first.
            let field = field.split_once(": ").map_or(*field, |(_, field)| field);
            why == format!("the {field} is missing")
        }
        SubmissionError::UnknownCreator(_) => why == "nobody knows the creator's key",
        SubmissionError::Signature(_) => why == "the signature is not the creator's",
        SubmissionError::Duplicate(_) => why == "the CPL has the Hash already",
        SubmissionError::NoCpaCertificate => why == "no CPA certificate covers the firmware version",
        SubmissionError::CpaExpired { .. } => why == "the CPA certificate has expired",
        SubmissionError::NoZigbeeCertificate => why == "it needs a new ZigBee certificate",
        SubmissionError::Baseline(_) => why == "the baseline is no CPL entry of the Device Model",
        SubmissionError::NoFirDetails => why == "the details for the FIR are missing",
        SubmissionError::NoDzirDetails => why == "the details for the DZIR are missing",
    }
}

#[then(regex = "^the submission is refused, because (.+), and CPL, FIR and DZIR stay as they were$")]
fn refused(world: &mut RigScenario, why: String) -> StepResult {
    let outcome = world.submitted()?;
    match &outcome.result {
        Ok(number) => return Err(StepError::fail(format!("expected a refusal, observed CPL entry {number}"))),
        Err(error) if !is_so(error, &why) => {
            return Err(StepError::fail(format!("expected a refusal because {why}, observed: {error}")));
        }
        Err(_) => {}
    }
    if outcome.nothing_changed(&world.bench()?.data) {
        return Ok(());
    }
    Err(StepError::fail("the submission is refused, and yet CPL, FIR or DZIR have changed"))
}

fn last_number(world: &RigScenario) -> Result<u32, StepError> {
    let outcome = world.submitted()?;
    outcome.result.clone().map_err(|error| StepError::fail(format!("the submission is refused: {error}")))
}

#[when("the SEC Panel takes the entry off the CPL")]
fn takes_off(world: &mut RigScenario) -> StepResult {
    let number = last_number(world)?;
    let panel = world.panel()?.clone();
    let mut stood = false;
    world.edit_dcc(&mut |data| stood = panel.remove(data, number))?;
    if stood { Ok(()) } else { Err(StepError::bench_fault(format!("entry {number} is not on the CPL"))) }
}

#[then(regex = "^(a SEC Party|somebody who is no SEC Party) (reads the submitted details|is refused) in the FIR$")]
fn reads_fir(world: &mut RigScenario, who: String, outcome: String) -> StepResult {
    let number = last_number(world)?;
    let submitted = world.submitted()?.submission.fir.clone();
    let panel = world.panel()?.clone();
    match (panel.fir(&world.bench()?.data, &reader(who == "a SEC Party"), number), outcome.as_str()) {
        (Err(AccessError::NotSecParty), "is refused") => Ok(()),
        (Ok(Some(record)), "reads the submitted details")
            if submitted.as_ref().is_some_and(|details| {
                details.contact == record.contact
                    && details.release_notes == record.release_notes
                    && details.baselines == record.baselines
            }) =>
        {
            Ok(())
        }
        (read, _) => Err(StepError::fail(format!("expected that {who} {outcome}, observed {read:?}"))),
    }
}

#[when(regex = "^the (SEC Panel|Security Sub-Committee) (grants|takes away) a SEC Party's access to the DZIR$")]
fn dzir_access(world: &mut RigScenario, who: String, what: String) -> StepResult {
    let authority = if who == "SEC Panel" { Authority::Panel } else { Authority::SecuritySubCommittee };
    let access = world.panel()?.set_dzir_access(authority, &reader(true), what == "grants");
    world.desk.access = Some(access);
    Ok(())
}

#[when("the Security Sub-Committee grants access to the DZIR to somebody who is no SEC Party")]
fn dzir_access_for_stranger(world: &mut RigScenario) -> StepResult {
    let access = world.panel()?.set_dzir_access(Authority::SecuritySubCommittee, &reader(false), true);
    world.desk.access = Some(access);
    Ok(())
}

#[then(regex = "^that is refused, because (it is not for the SEC Panel to grant|the DZIR is for SEC Parties only)$")]
fn access_refused(world: &mut RigScenario, why: String) -> StepResult {
    let expected =
        if why.starts_with("it is not") { AccessError::NotSecuritySubCommittee } else { AccessError::NotSecParty };
    match &world.desk.access {
        Some(Err(error)) if *error == expected => Ok(()),
        Some(Err(error)) => Err(StepError::fail(format!("expected a refusal because {why}, observed: {error}"))),
        Some(Ok(())) => Err(StepError::fail(format!("expected a refusal because {why}, observed that it is done"))),
        None => Err(StepError::bench_fault("no step before this one has asked for access to the DZIR")),
    }
}

#[then(regex = "^(a SEC Party|somebody who is no SEC Party) (reads the submitted details|is refused) in the DZIR$")]
fn reads_dzir(world: &mut RigScenario, who: String, outcome: String) -> StepResult {
    let number = last_number(world)?;
    let submitted = world.submitted()?.submission.dzir.clone();
    let panel = world.panel()?.clone();
    match (panel.dzir(&world.bench()?.data, &reader(who == "a SEC Party"), number), outcome.as_str()) {
        (Err(AccessError::NotGranted), "is refused") => Ok(()),
        (Ok(Some(record)), "reads the submitted details")
            if submitted.as_ref().is_some_and(|details| {
                details.chipset_vendor == record.chipset_vendor && details.stack_version == record.stack_version
            }) =>
        {
            Ok(())
        }
        (read, _) => Err(StepError::fail(format!("expected that {who} {outcome}, observed {read:?}"))),
    }
}
