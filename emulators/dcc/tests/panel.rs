//! MP231 and BR 3.3: CPL-01 to CPL-05, FIR-01 to FIR-04, DZIR-01, DZIR-02, PATH-01, PATH-02.

mod support;

use hanrig_dcc::FirmwareHash;
use hanrig_dcc::data::{
    AssuranceCertificate, Baselines, CertificateKind, Code, Contact, CplEntry, CplImage, CplStatus, DccData,
    PhysicalDeviceType, ZigbeeBand,
};
use hanrig_dcc::panel::pathway::{self, Order, Step};
use hanrig_dcc::panel::{
    AccessError, Authority, DzirDetails, FirDetails, Panel, Reader, SignedSubmission, Submission, SubmissionError,
};
use hanrig_wire::types::FirmwareVersion;
use rstest::rstest;
use std::collections::BTreeMap;
use support::{PPMID, World, signing_key};
use time::Date;
use time::macros::date;

const TODAY: Date = date!(2026 - 11 - 20);
const MAKER: &str = "Test Meters Ltd";

fn panel() -> Panel {
    Panel::new(BTreeMap::from([(MAKER.to_owned(), signing_key(0x33).verifying_key())]))
}

fn certificate(kind: CertificateKind, number: &str, expires: Option<Date>) -> AssuranceCertificate {
    AssuranceCertificate { kind, number: number.to_owned(), firmware_versions: vec![FirmwareVersion(0x20)], expires }
}

/// A submission that is right: an HCALCS with a CPA certificate.
fn submission(device_type: PhysicalDeviceType, image: u8, baselines: Baselines) -> Submission {
    Submission {
        changes_zigbee: false,
        entry: CplEntry {
            number: 0,
            device_type,
            manufacturer: Code(0x12A7),
            manufacturer_name: MAKER.to_owned(),
            model: Code(0x8501),
            model_name: "Switch".to_owned(),
            hardware_version: Code(0x0102),
            firmware_version: FirmwareVersion(0x20),
            smets_version: "5.1".to_owned(),
            gbcs_version: "4.1".to_owned(),
            status: CplStatus::Active,
            image: CplImage {
                creator: MAKER.to_owned(),
                descriptor: "release 2".to_owned(),
                hash: FirmwareHash([image; 32]),
            },
            certificates: vec![certificate(CertificateKind::Cpa, "CPA-1", Some(date!(2027 - 03 - 31)))],
        },
        fir: Some(FirDetails {
            release_notes: "better".to_owned(),
            baselines,
            contact: Contact {
                email: "firmware@example.com".to_owned(),
                telephone: "020 7946 0000".to_owned(),
                address: "1 Meter Street, London".to_owned(),
            },
        }),
        dzir: Some(DzirDetails {
            chipset_vendor: "Chips Ltd".to_owned(),
            stack_version: "7.2".to_owned(),
            band: Some(ZigbeeBand::Dual),
        }),
    }
}

fn right() -> Submission {
    submission(PhysicalDeviceType::Hcalcs, 1, Baselines::NotApplicable)
}

fn submit(data: &mut DccData, submission: Submission) -> Result<u32, SubmissionError> {
    panel().submit(data, TODAY, &submission.sign(&signing_key(0x33)))
}

#[test]
fn cpl_fir_and_dzir_are_updated_together() {
    let mut data = World::new().dsp.data().clone();
    let number = submit(&mut data, right()).unwrap();
    assert_eq!(number, 5, "after the entries that are there");
    assert_eq!(data.cpl.numbered(number).unwrap().image.hash, FirmwareHash([1; 32]));
    assert_eq!(data.fir[&number].entry, number);
    assert_eq!(data.dzir[&number].chipset_vendor, "Chips Ltd");
    // As TOML and back.
    let toml = data.to_toml().unwrap();
    assert!(toml.contains("baselines = \"N/A\""), "{toml}");
    assert_eq!(DccData::read(&[("all.toml", &toml)]).unwrap(), data);
    assert_eq!(submit(&mut data, right()), Err(SubmissionError::Duplicate(number)));
    // Removed, it is off the list, and the repositories still tell of it.
    assert!(panel().remove(&mut data, number));
    assert!(!panel().remove(&mut data, number));
    assert_eq!(data.cpl.active_with_hash(FirmwareHash([1; 32])).count(), 0);
    assert!(data.fir.contains_key(&number));
}

#[rstest]
#[case::manufacturer(|s: &mut Submission| s.entry.manufacturer_name.clear(), "manufacturer is missing")]
#[case::creator(|s: &mut Submission| s.entry.image.creator = "  ".to_owned(), "creator of the Manufacturer Image is missing")]
#[case::descriptor(|s: &mut Submission| s.entry.image.descriptor.clear(), "descriptor of the Manufacturer Image is missing")]
#[case::gbcs(|s: &mut Submission| s.entry.gbcs_version.clear(), "GBCS version is missing")]
#[case::certificate(
    |s: &mut Submission| s.entry.certificates[0].number.clear(),
    "identification number of an Assurance Certificate is missing"
)]
#[case::unknown_creator(
    |s: &mut Submission| s.entry.image.creator = "Nobody".to_owned(),
    "CPL-02: no key of the image's creator \"Nobody\" is known"
)]
#[case::no_cpa(|s: &mut Submission| s.entry.certificates.clear(), "CPL-03: no CPA certificate covers the firmware version")]
#[case::cpa_of_another_version(
    |s: &mut Submission| s.entry.certificates[0].firmware_versions = vec![FirmwareVersion(0x10)],
    "CPL-03: no CPA certificate covers the firmware version"
)]
#[case::cpa_expired(
    |s: &mut Submission| s.entry.certificates[0].expires = Some(date!(2026 - 11 - 19)),
    "CPL-03: the CPA certificate CPA-1 expired on 2026-11-19"
)]
#[case::zigbee(
    |s: &mut Submission| s.changes_zigbee = true,
    "CPL-04: the firmware changes how the Device communicates over ZigBee and needs a new ZigBee certificate"
)]
#[case::no_fir(|s: &mut Submission| s.fir = None, "FIR-03: the details for the Firmware Information Repository are missing")]
#[case::email(|s: &mut Submission| fir(s).contact.email.clear(), "FIR-01: email address of the manufacturer is missing")]
#[case::telephone(|s: &mut Submission| fir(s).contact.telephone.clear(), "FIR-01: telephone number of the manufacturer is missing")]
#[case::address(|s: &mut Submission| fir(s).contact.address.clear(), "FIR-01: business address of the manufacturer is missing")]
#[case::notes(|s: &mut Submission| fir(s).release_notes.clear(), "FIR-01: release notes is missing")]
#[case::no_baselines(|s: &mut Submission| fir(s).baselines = Baselines::Entries(vec![]), "FIR-01: baselines, or N/A is missing")]
#[case::unknown_baseline(
    |s: &mut Submission| fir(s).baselines = Baselines::Entries(vec![99]),
    "FIR-02: baseline 99 is no CPL entry of this Device Model"
)]
#[case::baseline_of_another_model(
    |s: &mut Submission| fir(s).baselines = Baselines::Entries(vec![1]),
    "FIR-02: baseline 1 is no CPL entry of this Device Model"
)]
#[case::no_dzir(
    |s: &mut Submission| s.dzir = None,
    "DZIR-01: the details for the Device Zigbee Information Repository are missing"
)]
#[case::vendor(|s: &mut Submission| dzir(s).chipset_vendor.clear(), "DZIR-01: ZigBee chipset vendor is missing")]
#[case::stack(|s: &mut Submission| dzir(s).stack_version.clear(), "DZIR-01: ZigBee stack version is missing")]
fn what_is_wrong_is_refused(#[case] spoil: fn(&mut Submission), #[case] expected: &str) {
    let mut data = World::new().dsp.data().clone();
    let before = data.clone();
    let mut submission = right();
    spoil(&mut submission);
    assert_eq!(submit(&mut data, submission).unwrap_err().to_string(), expected);
    assert_eq!(data, before, "nothing is updated");
}

fn fir(submission: &mut Submission) -> &mut FirDetails {
    submission.fir.as_mut().unwrap()
}

fn dzir(submission: &mut Submission) -> &mut DzirDetails {
    submission.dzir.as_mut().unwrap()
}

#[test]
fn the_signature_covers_every_detail() {
    let mut data = DccData::default();
    let changes: [fn(&mut Submission); 6] = [
        |s: &mut Submission| s.changes_zigbee = true,
        |s: &mut Submission| s.entry.firmware_version = FirmwareVersion(0x21),
        |s: &mut Submission| s.entry.image.hash = FirmwareHash([2; 32]),
        |s: &mut Submission| fir(s).release_notes.push('!'),
        |s: &mut Submission| fir(s).baselines = Baselines::Entries(vec![1]),
        |s: &mut Submission| dzir(s).stack_version = "8.0".to_owned(),
    ];
    for change in changes {
        let signed = right().sign(&signing_key(0x33));
        let mut submission = signed.submission.clone();
        change(&mut submission);
        let changed = SignedSubmission { submission, ..signed };
        assert_eq!(panel().submit(&mut data, TODAY, &changed), Err(SubmissionError::Signature(MAKER.to_owned())));
    }
    let foreign = right().sign(&signing_key(0x34));
    assert_eq!(panel().submit(&mut data, TODAY, &foreign), Err(SubmissionError::Signature(MAKER.to_owned())));
    assert_eq!(data, DccData::default());
}

#[test]
fn a_ppmid_needs_no_cpa_certificate() {
    let mut data = DccData::default();
    let mut ppmid = submission(PhysicalDeviceType::Ppmid, 1, Baselines::NotApplicable);
    ppmid.entry.certificates.clear();
    assert_eq!(submit(&mut data, ppmid), Ok(1));
}

#[test]
fn a_certificate_is_valid_on_its_last_day_and_for_ever_without_one() {
    for expires in [Some(TODAY), None] {
        let mut submission = right();
        submission.entry.certificates[0].expires = expires;
        assert_eq!(submit(&mut DccData::default(), submission), Ok(1));
    }
}

#[test]
fn a_change_of_zigbee_needs_a_certificate_that_is_new() {
    let mut data = DccData::default();
    let with = |image, number| {
        let mut submission = submission(PhysicalDeviceType::Hcalcs, image, Baselines::NotApplicable);
        submission.changes_zigbee = true;
        submission.entry.certificates.push(certificate(CertificateKind::ZigBee, number, None));
        submission
    };
    assert_eq!(submit(&mut data, with(1, "ZB-1")), Ok(1));
    assert_eq!(submit(&mut data, with(2, "ZB-1")), Err(SubmissionError::NoZigbeeCertificate));
    assert_eq!(submit(&mut data, with(2, "ZB-2")), Ok(2));
}

#[test]
fn every_type_of_device_can_be_submitted() {
    let mut data = DccData::default();
    for (device_type, image) in PhysicalDeviceType::ALL.into_iter().zip(1..) {
        submit(&mut data, submission(device_type, image, Baselines::NotApplicable)).unwrap();
    }
    let toml = data.to_toml().unwrap();
    assert_eq!(DccData::read(&[("all.toml", &toml)]).unwrap(), data);
    assert_eq!(data.fir.len(), 7);
}

#[test]
fn who_may_read() {
    let mut data = DccData::default();
    let number = submit(&mut data, right()).unwrap();
    let mut panel = panel();
    let party = Reader { name: "Power Import Ltd".to_owned(), is_sec_party: true };
    let press = Reader { name: "A newspaper".to_owned(), is_sec_party: false };
    assert!(panel.fir(&data, &party, number).unwrap().is_some());
    assert_eq!(panel.fir(&data, &press, number), Err(AccessError::NotSecParty));
    assert_eq!(panel.dzir(&data, &party, number), Err(AccessError::NotGranted));
    let by_panel = panel.set_dzir_access(Authority::Panel, &party, true);
    assert_eq!(by_panel, Err(AccessError::NotSecuritySubCommittee));
    let committee = Authority::SecuritySubCommittee;
    assert_eq!(panel.set_dzir_access(committee, &press, true), Err(AccessError::NotSecParty));
    panel.set_dzir_access(committee, &party, true).unwrap();
    assert!(panel.dzir(&data, &party, number).unwrap().is_some());
    panel.set_dzir_access(committee, &party, false).unwrap();
    assert_eq!(panel.dzir(&data, &party, number), Err(AccessError::NotGranted));
}

/// Entries of one Device Model, each with its version and baselines.
fn repository(entries: &[(u32, Baselines)]) -> DccData {
    let mut data = DccData::default();
    for ((version, baselines), image) in entries.iter().zip(1..) {
        let mut submission = submission(PhysicalDeviceType::Hcalcs, image, baselines.clone());
        submission.entry.firmware_version = FirmwareVersion(*version);
        submission.entry.certificates[0].firmware_versions = vec![FirmwareVersion(*version)];
        submit(&mut data, submission).unwrap();
    }
    data
}

fn from(entries: &[u32]) -> Baselines {
    Baselines::Entries(entries.to_vec())
}

#[test]
fn pathways() {
    // 1 -> 2 -> 4, 1 -> 3 -> 4, 4 -> 5, and 5 also from 2; 6 from nowhere.
    let mut data = repository(&[
        (0x10, Baselines::NotApplicable),
        (0x20, from(&[1])),
        (0x21, from(&[1])),
        (0x30, from(&[2, 3])),
        (0x40, from(&[4, 2])),
        (0x50, Baselines::NotApplicable),
    ]);
    assert_eq!(pathway::pathway(&data, 1, 5), Some(vec![2, 5]));
    assert_eq!(pathway::pathway(&data, 3, 5), Some(vec![4, 5]));
    assert_eq!(pathway::pathway(&data, 1, 4), Some(vec![2, 4]), "the lower numbers of two that are as short");
    assert_eq!(pathway::pathway(&data, 1, 1), Some(vec![]));
    assert_eq!(pathway::pathway(&data, 1, 6), None);
    assert_eq!(pathway::pathway(&data, 5, 1), None, "there is no way back");
    let step = |from, to| Step { from, to };
    let steps = [step(1, 2), step(1, 3), step(2, 4), step(2, 5), step(3, 4), step(4, 5)];
    assert_eq!(pathway::declared_steps(&data), steps);
    // An entry that is removed is no step of the way.
    panel().remove(&mut data, 2);
    assert_eq!(pathway::pathway(&data, 1, 5), Some(vec![3, 4, 5]));
}

#[test]
fn whether_an_image_is_next() {
    let data = repository(&[
        (0x10, Baselines::NotApplicable),
        (0x20, from(&[1])),
        (0x30, from(&[2])),
        // Another entry with the version of the first, and another Hash.
        (0x10, Baselines::NotApplicable),
        (0x31, from(&[4, 1])),
    ]);
    let mut device = World::new().dsp.data().smi.devices[&PPMID].clone();
    device.device_type = hanrig_wire::types::DeviceType::Hcalcs;
    (device.manufacturer, device.model) = (Code(0x12A7), Code(0x8501));
    device.firmware_version = FirmwareVersion(0x20);
    assert_eq!(pathway::order(&data, &device, 3), Order::InOrder);
    device.firmware_version = FirmwareVersion(0x10);
    assert_eq!(pathway::order(&data, &device, 3), Order::OutOfOrder { pathway: Some(vec![2, 3]) });
    assert_eq!(pathway::order(&data, &device, 2), Order::Ambiguous { entries: vec![1, 4] });
    assert_eq!(pathway::order(&data, &device, 5), Order::InOrder, "whichever of the two it runs");
    assert_eq!(pathway::order(&data, &device, 1), Order::OutOfOrder { pathway: Some(vec![]) });
    assert_eq!(pathway::order(&data, &device, 9), Order::NotInFir);
    device.firmware_version = FirmwareVersion(0x99);
    assert_eq!(pathway::order(&data, &device, 3), Order::UnknownBaseline);
}

#[test]
fn fir_and_dzir_files_are_checked() {
    let cpl = World::new().dsp.data().to_toml().unwrap();
    let fir = "[[fir]]\nentry = 2\nrelease_notes = \"n\"\nbaselines = [77]\n\
               contact = { email = \"e\", telephone = \"t\", address = \"a\" }\n";
    let error = DccData::read(&[("all.toml", &cpl), ("fir.toml", fir)]).unwrap_err();
    insta::assert_snapshot!(error, @"fir.toml:4: field baselines: no [[cpl]] has the number 77");
    let empty = fir.replace("[77]", "[]");
    let error = DccData::read(&[("all.toml", &cpl), ("fir.toml", &empty)]).unwrap_err();
    insta::assert_snapshot!(error, @"fir.toml:4: field baselines: expected \"N/A\" or a list of at least one CPL entry number");
    let dzir = "[[dzir]]\nentry = 2\nchipset_vendor = \"v\"\n";
    let error = DccData::read(&[("all.toml", &cpl), ("dzir.toml", dzir)]).unwrap_err();
    insta::assert_snapshot!(error, @"dzir.toml:1: missing field `stack_version`");
}
