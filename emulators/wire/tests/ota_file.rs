//! OTA files of every kind, and the reference Manufacturer Image.

use base64::Engine;
use hanrig_wire::gbcs::{SigningKey, VerifyError, VerifyingKey};
use hanrig_wire::manufacturer_image::{self, ManufacturerImage, ManufacturerImageError, OVERHEAD, Verifier};
use hanrig_wire::ota_file::{
    Contents, Decision, HardwareVersions, OtaFileError, OtaHeader, OtaUpgradeImage, SubElement, build, build_signed,
    emit_sub_elements, inspect, sub_elements,
};
use hanrig_wire::types::{Eui64, FirmwareVersion};
use proptest::prelude::*;
use rstest::rstest;
use std::path::PathBuf;

fn key() -> SigningKey {
    SigningKey::from_scalar(&[0x44; 32]).unwrap()
}

fn supplier() -> SigningKey {
    SigningKey::from_scalar(&[0x55; 32]).unwrap()
}

fn header() -> OtaHeader {
    OtaHeader {
        manufacturer_code: 0x1234,
        image_type: 0x5678,
        file_version: FirmwareVersion(0x0000_0020),
        header_string: OtaHeader::header_string_from("hanrig reference PPMID"),
        hardware_versions: Some(HardwareVersions { minimum: 1, maximum: 3 }),
        ..OtaHeader::default()
    }
}

/// The image within a published DUIS request, where it is there.
fn published(name: &str) -> Option<Vec<u8>> {
    let path = std::env::var_os("HANRIG_VECTORS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")), PathBuf::from)
        .join("duis")
        .join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("not run: no vector {} (set HANRIG_VECTORS)", path.display());
        return None;
    };
    let (_, after) = text.split_once("<sr:FirmwareImage>").unwrap();
    let (image, _) = after.split_once("</sr:FirmwareImage>").unwrap();
    Some(base64::engine::general_purpose::STANDARD.decode(image).unwrap())
}

#[test]
fn published_ppmid_image() {
    let Some(octets) = published("11.4_UPDATE_PPMID_FIRMWARE_REQUEST_DUIS.XML") else { return };
    let image = OtaUpgradeImage::parse_unsigned(&octets).unwrap();
    let expected = OtaHeader {
        manufacturer_code: 0x121D,
        image_type: 0x0084,
        file_version: FirmwareVersion(0xACDC_ACDC),
        header_string: *b"I am a GFI PPMID firmware image ",
        total_image_size: 295,
        hardware_versions: Some(HardwareVersions { minimum: 0x1111, maximum: 0x1211 }),
        ..OtaHeader::default()
    };
    assert_eq!(image.header, expected);
    assert_eq!(image.header.header_text(), "I am a GFI PPMID firmware image ");
    assert_eq!(image.header.emit(), image.header_octets);
    assert_eq!(image.header_octets.len(), 60);
    assert!(image.manufacturer_image.starts_with(b"CriticalSoftware sample firmware image_"));
    assert_eq!(build(image.header.clone(), image.manufacturer_image, None), octets);
    let file = inspect(&octets).unwrap();
    assert_eq!(file.decision, Decision::NoMarker);
    assert_eq!(file.contents, Contents::ManufacturerImage(image));
}

#[test]
fn published_esme_image() {
    let Some(octets) = published("11.1_UPDATE_FIRMWARE_REQUEST_DUIS.XML") else { return };
    let image = OtaUpgradeImage::parse_signed(&octets).unwrap();
    assert_eq!(image.header.total_image_size as usize, octets.len());
    let Some(ppmid) = published("11.4_UPDATE_PPMID_FIRMWARE_REQUEST_DUIS.XML") else { return };
    assert_eq!(image.manufacturer_image, OtaUpgradeImage::parse_unsigned(&ppmid).unwrap().manufacturer_image);
    // The Import Supplier's key for digital signing, of the same test data.
    let supplier = "0430c2ab5a0d131726ffbda80e79294cc37534432a3e424405b97a3aba0ffc79dc\
                    e729b2517563cb7d95827e4c50b48cba3d87d5893c51b96d87c345e3717f8c1e";
    image.verify(&VerifyingKey::from_sec1(&hex::decode(supplier).unwrap()).unwrap()).unwrap();
    assert_eq!(build(image.header.clone(), image.manufacturer_image, image.signature.as_ref()), octets);
    let file = inspect(&octets).unwrap();
    assert_eq!(file.decision, Decision::Marker);
    assert!(!file.decision.is_certain());
    assert_eq!(file.contents, Contents::ManufacturerImage(image));
}

#[test]
fn optional_fields_in_order() {
    let header = OtaHeader {
        security_credential_version: Some(0x02),
        upgrade_file_destination: Some(Eui64(0x00DB_1234_5678_90A4)),
        reserved_field_control: 0x8000,
        unknown: vec![0xEE, 0xEF],
        ..header()
    };
    let octets = header.emit();
    assert_eq!(octets.len(), 56 + 1 + 8 + 4 + 2);
    assert_eq!(hex::encode(&octets[..20]), "1ef1ee0b0001470007803412785620000000 0200".replace(' ', ""));
    assert_eq!(hex::encode(&octets[52..]), "00000000 02 a49078563412db00 0100 0300 eeef".replace(' ', ""));
    assert_eq!(OtaHeader::parse(&octets), Ok((header, octets.len())));
}

#[test]
fn hardware_versions_include_both_ends() {
    let versions = HardwareVersions { minimum: 1, maximum: 3 };
    assert_eq!([0, 1, 3, 4].map(|version| versions.contains(version)), [false, true, true, false]);
}

#[test]
fn header_text_is_cut_at_a_character() {
    let text = "0123456789012345678901234567890é";
    let header = OtaHeader { header_string: OtaHeader::header_string_from(text), ..header() };
    assert_eq!(header.header_text(), &text[..31]);
}

#[test]
fn signed_image() {
    let octets = build_signed(header(), b"an image", &key());
    let image = OtaUpgradeImage::parse_signed(&octets).unwrap();
    assert_eq!(image.manufacturer_image, b"an image");
    assert_eq!(image.header.total_image_size as usize, octets.len());
    image.verify(&key().verifying_key()).unwrap();
    // SHA-256 of the Manufacturer Image alone, as `printf 'an image' | sha256sum` has it.
    insta::assert_snapshot!(hex::encode(image.hash()), @"a5df3fde7b200c3fa2791144c7e05c5c2bced4c6ad863d3a4cf76c972c1712f9");
    let file = inspect(&octets).unwrap();
    assert_eq!(file.decision, Decision::Marker);
    assert_eq!(file.contents, Contents::ManufacturerImage(image));

    let unsigned = build(header(), b"an image", None);
    let image = OtaUpgradeImage::parse_unsigned(&unsigned).unwrap();
    assert_eq!(image.verify(&key().verifying_key()), Err(VerifyError::NotSigned));
    let mut changed = octets.clone();
    changed[60] ^= 1;
    let image = OtaUpgradeImage::parse_signed(&changed).unwrap();
    assert_eq!(image.verify(&key().verifying_key()), Err(VerifyError::Signature));
}

/// 00 40 at the right place does not make a signature out of anything.
#[test]
fn a_marker_before_what_cannot_be_a_signature() {
    for filler in [0x00, 0xFF] {
        let image = [&[1, 2, 3, 0x00, 0x40][..], &[filler; 64]].concat();
        let octets = build(header(), &image, None);
        let file = inspect(&octets).unwrap();
        assert_eq!(file.decision, Decision::NoMarker);
        let Contents::ManufacturerImage(found) = file.contents else { panic!() };
        assert_eq!(found.manufacturer_image, image);
    }
}

/// A reference image says its own length, so that 00 40 within it does not mislead.
#[test]
fn reference_images_are_told_apart_with_certainty() {
    let body = [0x00, 0x40].repeat(250);
    let unsigned = manufacturer_image::build_upgrade_image(header(), 1, 1, &body, &key());
    assert_eq!(inspect(&unsigned).unwrap().decision, Decision::OwnLengthUnsigned);
    let signed = manufacturer_image::build_signed_upgrade_image(header(), 1, 1, &body, &key(), &supplier());
    let file = inspect(&signed).unwrap();
    assert_eq!(file.decision, Decision::OwnLengthSigned);
    let Contents::ManufacturerImage(image) = file.contents else { panic!() };
    image.verify(&supplier().verifying_key()).unwrap();
    assert_eq!(ManufacturerImage::length_of(&signed[60..]), Some(image.manufacturer_image.len()));
    let inner = ManufacturerImage::parse(image.manufacturer_image).unwrap();
    inner.verify(image.header_octets, &key().verifying_key()).unwrap();
    assert_eq!(inner.body, body);
}

#[test]
fn general_file_with_sub_elements() {
    let payload = emit_sub_elements(&[(0x0000, b"firmware"), (0xF001, b""), (0x0003, &[7; 16])]);
    let octets = build(header(), &payload, None);
    let file = inspect(&octets).unwrap();
    assert_eq!(file.decision, Decision::SubElementsFillFile);
    let Contents::SubElements(elements) = file.contents else { panic!() };
    assert_eq!(
        elements,
        [
            SubElement { tag: 0x0000, offset: 66, value: b"firmware" },
            SubElement { tag: 0xF001, offset: 80, value: b"" },
            SubElement { tag: 0x0003, offset: 86, value: &[7; 16] },
        ]
    );
    let names: Vec<&str> = elements.iter().map(SubElement::name).collect();
    assert_eq!(names, ["Upgrade Image", "manufacturer specific", "Image Integrity Code"]);
    assert_eq!(octets[86..102], [7; 16]);
    assert_eq!(sub_elements(&payload).unwrap()[0].offset, 6);
}

#[rstest]
#[case::truncated("0000 04000000 0102", "sub-element value at offset 6 takes 4 octets, but 2 are left")]
#[case::huge("0000 ffffffff", "sub-element value at offset 6 takes 4294967295 octets, but 0 are left")]
#[case::half_header("0000 00000000 0000 00", "sub-element length at offset 8 takes 4 octets, but 1 are left")]
fn sub_elements_that_are_none(#[case] octets: &str, #[case] message: &str) {
    let octets = hex::decode(octets.replace(' ', "")).unwrap();
    assert_eq!(sub_elements(&octets).unwrap_err().to_string(), message);
}

#[test]
fn sub_elements_are_bounded() {
    assert_eq!(sub_elements(&[0; 6 * 64]).unwrap().len(), 64);
    assert_eq!(sub_elements(&[0; 6 * 65]), Err(OtaFileError::TooManySubElements { offset: 384 }));
}

#[test]
fn what_is_wrong_and_where() {
    let good = build(header(), b"image", None);
    let with = |at: usize, octets: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + octets.len()].copy_from_slice(octets);
        changed
    };
    let errors = [
        inspect(b""),
        inspect(b"PK\x03\x04 not an OTA file"),
        inspect(&with(4, &[0, 2])),
        inspect(&with(6, &[59, 0])),
        inspect(&with(6, &[200, 0])),
        inspect(&with(52, &[1, 0, 0, 0])),
        inspect(&good[..40]),
        inspect(&good[..63]),
    ]
    .map(|result| result.unwrap_err().to_string());
    insta::assert_snapshot!(errors.join("\n"), @r"
    no OTA file identifier at offset 0: expected 1e f1 ee 0b
    no OTA file identifier at offset 0: expected 1e f1 ee 0b
    header version at offset 4 is 0x0200, expected 0x0100
    header length at offset 6 is 59, expected at least 60 for the fields that field control announces
    rest of the header at offset 60 takes 140 octets, but 5 are left
    total image size at offset 52 is 1, expected 65, which is the length of the file
    header string at offset 20 takes 32 octets, but 20 are left
    total image size at offset 52 is 65, expected 63, which is the length of the file
    ");

    let wrapped = [&[0xAA; 256][..], &good].concat();
    insta::assert_snapshot!(inspect(&wrapped).unwrap_err(), @"no OTA file identifier at offset 0: expected 1e f1 ee 0b, which follows at offset 256: remove what is before it");
    let far = [&[0xAA; 5000][..], &good].concat();
    assert_eq!(inspect(&far), Err(OtaFileError::NoFileIdentifier { found_at: None }));

    insta::assert_snapshot!(OtaUpgradeImage::parse_signed(&good).unwrap_err(), @"00 40 and the signature at offset 60 takes 66 octets, but 5 are left");
    let long = build(header(), &[7; 100], None);
    insta::assert_snapshot!(OtaUpgradeImage::parse_signed(&long).unwrap_err(), @"marker of the signature at offset 94 is 0x0707, expected 0x0040");
}

#[test]
fn manufacturer_image_is_verified_in_pieces_of_any_size() {
    let body: Vec<u8> = (0..1000u32).map(|i| i as u8).collect();
    let octets = manufacturer_image::build_upgrade_image_on(Some(FirmwareVersion(0x1F)), header(), 2, 2, &body, &key());
    let image = OtaUpgradeImage::parse_unsigned(&octets).unwrap();
    let parsed = ManufacturerImage::parse(image.manufacturer_image).unwrap();
    assert_eq!((parsed.part, parsed.parts, parsed.base_version), (2, 2, Some(FirmwareVersion(0x1F))));
    assert_eq!(parsed.body, body);
    parsed.verify(image.header_octets, &key().verifying_key()).unwrap();
    for size in [1, 2, 19, 20, 21, 50, 63, 64, 65, 100, 127, 128, 2000] {
        let mut verifier = Verifier::new(image.header_octets);
        for chunk in image.manufacturer_image.chunks(size) {
            verifier.update(chunk);
            verifier.update(&[]);
        }
        let info = verifier.finish(&key().verifying_key()).unwrap();
        assert_eq!((info.part, info.parts, info.body_length), (2, 2, 1000), "{size}");
        assert_eq!(info.base_version, Some(FirmwareVersion(0x1F)));
        assert!(info.is_last());
    }
}

fn verify(header_octets: &[u8], image: &[u8]) -> Result<(), ManufacturerImageError> {
    let mut verifier = Verifier::new(header_octets);
    verifier.update(image);
    let streamed = verifier.finish(&key().verifying_key()).map(|_| ());
    let whole = ManufacturerImage::parse(image).and_then(|image| image.verify(header_octets, &key().verifying_key()));
    assert_eq!(streamed, whole, "{} octets", image.len());
    streamed
}

#[test]
fn manufacturer_image_with_any_bit_flipped_is_refused() {
    let octets = manufacturer_image::build_upgrade_image(header(), 1, 1, b"body", &key());
    verify(&octets[..60], &octets[60..]).unwrap();
    for bit in 0..octets.len() * 8 {
        let mut flipped = octets.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&flipped[..60], &flipped[60..]).is_err(), "bit {} of octet {}", bit % 8, bit / 8);
    }
}

#[test]
fn manufacturer_image_of_another_length_is_refused() {
    let octets = manufacturer_image::build_upgrade_image(header(), 1, 1, &[9; 100], &key());
    let (header_octets, image) = octets.split_at(60);
    for length in 0..image.len() {
        assert!(verify(header_octets, &image[..length]).is_err(), "{length}");
    }
    assert!(verify(header_octets, &[image, &[0]].concat()).is_err());
}

#[test]
fn what_is_wrong_with_a_manufacturer_image() {
    let octets = manufacturer_image::build_upgrade_image(header(), 1, 1, b"body", &key());
    let (header_octets, good) = octets.split_at(60);
    let with = |at: usize, octet: u8| {
        let mut changed = good.to_vec();
        changed[at] = octet;
        verify(header_octets, &changed).unwrap_err().to_string()
    };
    let errors = [
        verify(header_octets, &good[..10]).unwrap_err().to_string(),
        verify(header_octets, &good[..OVERHEAD - 1]).unwrap_err().to_string(),
        with(0, b'x'),
        with(8, 2),
        with(9, 2),
        with(10, 0),
        with(11, 1),
        with(16, 5),
        with(20, 0),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r"
    a Manufacturer Image of 10 octets, expected at least 84
    a Manufacturer Image of 83 octets, expected at least 84
    no HANRIGFW at offset 0 of the Manufacturer Image
    layout version at offset 8 of the Manufacturer Image is 2, expected 1
    part number at offset 9 of the Manufacturer Image is 2, expected 1 up to the number of parts
    number of parts at offset 10 of the Manufacturer Image is 0, expected 1 or more
    flags at offset 11 of the Manufacturer Image is 1, expected 0
    body length at offset 16 of the Manufacturer Image is 5, expected 4
    the manufacturer's signature over OTA Header and Manufacturer Image does not verify
    ");
}

fn any_header() -> impl Strategy<Value = OtaHeader> {
    let hardware_versions = proptest::option::of(any::<(u16, u16)>());
    (
        any::<(u16, u16, u32, u16)>(),
        any::<[u8; 32]>(),
        any::<(Option<u8>, Option<u64>)>(),
        hardware_versions,
        any::<u16>(),
        proptest::collection::vec(any::<u8>(), 0..20),
    )
        .prop_map(|(numbers, header_string, (credential, destination), hardware_versions, reserved, unknown)| {
            let (manufacturer_code, image_type, version, stack_version) = numbers;
            OtaHeader {
                header_version: 0x0100,
                manufacturer_code,
                image_type,
                file_version: FirmwareVersion(version),
                stack_version,
                header_string,
                total_image_size: 0,
                security_credential_version: credential,
                upgrade_file_destination: destination.map(Eui64),
                hardware_versions: hardware_versions.map(|(minimum, maximum)| HardwareVersions { minimum, maximum }),
                reserved_field_control: reserved & !0x7,
                unknown,
            }
        })
}

proptest! {
    #[test]
    fn headers_survive_a_round_trip(header in any_header()) {
        let octets = header.emit();
        prop_assert_eq!(octets.len(), usize::from(header.header_length()));
        let _ = header.header_text();
        prop_assert_eq!(OtaHeader::parse(&octets), Ok((header, octets.len())));
    }

    #[test]
    fn images_survive_a_round_trip(
        header in any_header(),
        image in proptest::collection::vec(any::<u8>(), 0..300),
        signature in proptest::option::of(any::<[u8; 32]>()),
    ) {
        let signature = signature.map(|half| <[u8; 64]>::try_from([half, half].concat()).unwrap());
        let octets = build(header, &image, signature.as_ref());
        let parsed = match signature {
            Some(_) => OtaUpgradeImage::parse_signed(&octets),
            None => OtaUpgradeImage::parse_unsigned(&octets),
        }
        .unwrap();
        prop_assert_eq!(parsed.manufacturer_image, &image);
        prop_assert_eq!(parsed.signature, signature);
        prop_assert_eq!(parsed.creator_signed_octets(), &octets[..parsed.header_octets.len() + image.len()]);
        prop_assert!(inspect(&octets).is_ok());
    }

    #[test]
    fn random_octets_do_no_harm(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = inspect(&octets);
        let _ = OtaHeader::parse(&[&0x0BEE_F11Eu32.to_le_bytes()[..], &octets].concat());
        let _ = sub_elements(&octets);
        let _ = ManufacturerImage::parse(&octets);
        let _ = ManufacturerImage::parse(&[&b"HANRIGFW"[..], &octets].concat());
        let _ = inspect(&build(header(), &[&b"HANRIGFW\x01\x01\x01\x00"[..], &octets].concat(), None));
    }

    #[test]
    fn verifier_gives_the_same_for_any_cut(
        image in proptest::collection::vec(any::<u8>(), 0..400),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let octets = manufacturer_image::build_upgrade_image(header(), 1, 1, &image, &key());
        let (header_octets, image) = octets.split_at(60);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(image.len())).collect();
        cuts.sort_unstable();
        let mut verifier = Verifier::new(header_octets);
        let mut from = 0;
        for to in cuts.into_iter().chain([image.len()]) {
            verifier.update(&image[from..to]);
            from = to;
        }
        prop_assert!(verifier.finish(&key().verifying_key()).is_ok());
    }
}
