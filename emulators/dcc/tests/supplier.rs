//! The Supplier's own checks and requests: SUP-01 to SUP-04.

mod support;

use hanrig_dcc::FirmwareHash;
use hanrig_dcc::data::{CplStatus, UserRole};
use hanrig_dcc::duis::{DccAlertCode, Request, ResponsePayload, ServiceRequest};
use hanrig_dcc::supplier::{FirmwarePackage, Supplier, SupplierConfig, SupplierRefusal};
use hanrig_wire::ota_file::{self, OtaHeader, OtaUpgradeImage};
use hanrig_wire::time::Instant;
use hanrig_wire::types::FirmwareVersion;
use rstest::rstest;
use support::*;

const CREATOR: u8 = 0x55;

fn package_of(ota_upgrade_image: Vec<u8>) -> FirmwarePackage {
    FirmwarePackage {
        creator_signature: Some(signing_key(CREATOR).sign(&ota_upgrade_image)),
        creator_key: signing_key(CREATOR).verifying_key(),
        hash: Some(FirmwareHash::of(&ota_upgrade_image[HEADER_LENGTH.min(ota_upgrade_image.len())..])),
        ota_upgrade_image,
    }
}

fn package() -> FirmwarePackage {
    package_of(ota_upgrade_image(0x8401, &manufacturer_image(200)))
}

fn with_header(change: impl Fn(&mut OtaHeader)) -> FirmwarePackage {
    let mut header = header(0x8401);
    change(&mut header);
    let length = usize::from(header.header_length());
    let image = ota_file::build(header, &manufacturer_image(200), None);
    FirmwarePackage { hash: Some(FirmwareHash::of(&image[length..])), ..package_of(image) }
}

fn supplier() -> Supplier {
    Supplier::new(SupplierConfig {
        eui: IMPORT,
        name: "Import".to_owned(),
        role: UserRole::ImportSupplier,
        dcc: DCC,
        signing_key: signing_key(0x77),
        first_counter: 1000,
    })
}

#[test]
fn a_good_package_passes() {
    let world = World::new();
    let image = supplier().prepare(&package(), &world.dsp.data().cpl).unwrap();
    assert_eq!(image.cpl_entries(), [1]);
    assert_eq!((image.firmware_version(), image.hash()), (VERSION, package().hash.unwrap()));
    assert_eq!(image.ota_upgrade_image(), package().ota_upgrade_image);
}

#[rstest]
#[case::no_signature(FirmwarePackage { creator_signature: None, ..package() }, "SUP-01: the package lacks the creator's signature")]
#[case::no_hash(FirmwarePackage { hash: None, ..package() }, "SUP-01: the package lacks the Hash of the Manufacturer Image")]
#[case::no_image(package_of(ota_upgrade_image(0x8401, &[])), "SUP-01: the package lacks the Manufacturer Image")]
#[case::no_header(package_of(vec![1; 100]), "SUP-01: not an OTA Upgrade Image: no OTA file identifier at offset 0: expected 1e f1 ee 0b")]
#[case::signature(FirmwarePackage { creator_key: signing_key(9).verifying_key(), ..package() }, "SUP-02: the signature over OTA Header and Manufacturer Image is not that of the image's creator: the signature does not verify with this key")]
#[case::version(with_header(|h| h.file_version = FirmwareVersion(0x21)), "SUP-04: the OTA Header's manufacturer 1234, model 8401 and firmware version 00000021 match no CPL entry with the Hash")]
#[case::manufacturer(with_header(|h| h.manufacturer_code = 0x4321), "SUP-04: the OTA Header's manufacturer 4321, model 8401 and firmware version 00000020 match no CPL entry with the Hash")]
#[case::no_hardware_versions(with_header(|h| h.hardware_versions = None), "SUP-04: the OTA Header gives no minimum and maximum hardware version")]
#[case::hardware_version_below(with_header(|h| h.hardware_versions = Some(ota_file::HardwareVersions { minimum: 0x0103, maximum: 0x0104 })), "SUP-04: the OTA Header's hardware versions 0103 to 0104 take in no matching CPL entry's")]
fn what_the_supplier_does_not_send(#[case] package: FirmwarePackage, #[case] refusal: &str) {
    let world = World::new();
    assert_eq!(supplier().prepare(&package, &world.dsp.data().cpl).unwrap_err().to_string(), refusal);
}

#[rstest]
#[case::minimum(0x0102, 0x01FF, true)]
#[case::maximum(0x0001, 0x0102, true)]
#[case::above(0x0103, 0x01FF, false)]
fn the_hardware_version_lies_in_the_range_inclusive(#[case] minimum: u16, #[case] maximum: u16, #[case] passes: bool) {
    let world = World::new();
    let package = with_header(|h| h.hardware_versions = Some(ota_file::HardwareVersions { minimum, maximum }));
    assert_eq!(supplier().prepare(&package, &world.dsp.data().cpl).is_ok(), passes);
}

#[test]
fn a_hash_that_differs_from_the_one_provided() {
    let world = World::new();
    let provided = FirmwareHash([7; 32]);
    let package = FirmwarePackage { hash: Some(provided), ..package() };
    let computed = FirmwareHash::of(&manufacturer_image(200));
    let refusal = supplier().prepare(&package, &world.dsp.data().cpl).unwrap_err();
    assert_eq!(refusal, SupplierRefusal::Hash { computed, provided });
}

#[test]
fn a_removed_entry_does_not_count() {
    let mut world = World::new();
    for entry in &mut world.dsp.data_mut().cpl.entries {
        entry.status = CplStatus::Removed;
    }
    let refusal = supplier().prepare(&package(), &world.dsp.data().cpl).unwrap_err();
    assert!(matches!(refusal, SupplierRefusal::NotOnCpl(_)), "{refusal}");
}

#[test]
fn each_request_has_a_request_id_of_its_own() {
    let world = World::new();
    let mut supplier = supplier();
    let image = supplier.prepare(&package(), &world.dsp.data().cpl).unwrap();
    let requests = [
        supplier.read_inventory(PPMID),
        supplier.update_firmware(&image, &[ESME]),
        supplier.read_firmware_version(PPMID),
        supplier.activate_firmware(HCALCS, image.hash(), None),
        supplier.update_ppmid_firmware(&image, &[PPMID]),
    ];
    let text = |request: &Request| {
        format!("{} {} CV {}", request.request_id, request.body.service_reference(), request.command_variant)
    };
    insta::assert_snapshot!(requests.each_ref().map(text).join("\n"), @r"
90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1000 8.2 CV 8
90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1001 11.1 CV 8
90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A4:1002 11.2 CV 1
90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A5:1003 11.3 CV 4
90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1004 11.4 CV 8
");
    let ServiceRequest::UpdateFirmware(update) = &requests[1].body else { panic!() };
    let signed = OtaUpgradeImage::parse_signed(&update.firmware_image).unwrap();
    signed.verify(&signing_key(0x77).verifying_key()).unwrap();
    assert_eq!(signed.manufacturer_image, manufacturer_image(200));
}

#[test]
fn the_inbox_tells_answers_from_alerts() {
    let mut world = World::new();
    let mut supplier = supplier();
    let image = supplier.prepare(&package(), &world.dsp.data().cpl).unwrap();
    let request = supplier.update_ppmid_firmware(&image, &[PPMID, UNKNOWN]);
    let answer = world.dsp.on_request(at(1), supplier.eui(), request.to_xml().as_bytes());
    let received = supplier.receive(at(1), &answer).unwrap();
    assert!(matches!(received.payload(), Some(ResponsePayload::DspUpdatePpmidFirmwareWarning(_))));
    let (region, distribution) = world.distributions().remove(0);
    let rejected = hanrig_dcc::gateway::RejectedDevice {
        device: PPMID,
        reason: hanrig_dcc::gateway::RejectionReason::UnknownDevice,
    };
    world.report(region, &distribution, vec![rejected]);
    for (user, response) in world.drain().0 {
        assert_eq!(user, supplier.eui());
        supplier.receive(at(2), &response.to_xml()).unwrap();
    }
    assert_eq!(supplier.inbox().answers(request.request_id).count(), 1);
    assert_eq!(supplier.inbox().alerts(DccAlertCode::N19).count(), 1);
    assert_eq!(supplier.inbox().messages().len(), 2);
    let error = supplier.receive(Instant::ZERO, &request.to_xml()).unwrap_err();
    insta::assert_snapshot!(error, @"line 2, column 1: unexpected element sr:Request in the document, expected sr:Response");
}
