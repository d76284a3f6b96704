//! `ota inspect` reads images that others made: those inside the published requests, and a general ZigBee OTA file.

use std::fs;

use hanrig_dcc::duis::{self, DuisMessage, ServiceRequest};

use crate::tools::{hanrig, text, vectors};

/// The image in the published request whose name begins so.
fn published_image(service_reference: &str) -> Option<Vec<u8>> {
    let folder = vectors("duis")?;
    let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let file = files.find(|file| file.file_name().to_string_lossy().starts_with(service_reference)).unwrap();
    let DuisMessage::Request(request) = duis::parse_bytes(&fs::read(file.path()).unwrap()).unwrap() else {
        panic!("{service_reference}")
    };
    Some(match request.body {
        ServiceRequest::UpdateFirmware(update) => update.firmware_image,
        ServiceRequest::UpdatePpmidFirmware(update) => update.firmware_image,
        other => panic!("{other:?}"),
    })
}

/// What `ota inspect` shows, less blanks at the ends of lines.
fn inspect(octets: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("image.ota");
    fs::write(&file, octets).unwrap();
    let shown = hanrig(&["ota", "inspect", text(&file)]);
    shown.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_published_image_for_a_meter() {
    let Some(image) = published_image("11.1") else { return };
    insta::assert_snapshot!(inspect(&image), @r"
    octets        361
    within 750KB  yes
    header
      header version        0x0100
      header length         60
      field control         0x0004
      manufacturer code     0x121d
      image type            0x0000
      file version          ACDCACDC
      zigbee stack version  0x0002
      header string         I am a GFI ESME[] firmware image
      total image size      361
      hardware versions
        minimum  0x1111
        maximum  0x1211
    kind          signed_manufacturer_image
    decided by    no sub-elements; 00 40 is 66 octets before the end and what follows can be a signature (likely, not certain)
    certain       no
    manufacturer image
      offset  60
      octets  235
      hash    7542f475e3f12eae887d81e32c46d313741d67076b13caec2f82e00ba5e1bb36
    signature     0eb4a9c72102790d5692ec352bfcb497df520613fe1dae484165d92071b52a1cc9b469f51c3c94931aff4bac8d402f89c141390cd1fbd0b941aa4e13b25fbe22
    ");
}

#[test]
fn the_published_image_for_a_ppmid() {
    let Some(image) = published_image("11.4") else { return };
    insta::assert_snapshot!(inspect(&image), @r"
    octets        295
    within 750KB  yes
    header
      header version        0x0100
      header length         60
      field control         0x0004
      manufacturer code     0x121d
      image type            0x0084
      file version          ACDCACDC
      zigbee stack version  0x0002
      header string         I am a GFI PPMID firmware image
      total image size      295
      hardware versions
        minimum  0x1111
        maximum  0x1211
    kind          manufacturer_image
    decided by    no sub-elements, and no 00 40 and signature at the end
    certain       yes
    manufacturer image
      offset  60
      octets  235
      hash    7542f475e3f12eae887d81e32c46d313741d67076b13caec2f82e00ba5e1bb36
    ");
}

/// Written octet by octet from clause 11.4 of the ZigBee Cluster Library, not by the code that reads it.
#[test]
fn a_general_zigbee_file_with_sub_elements() {
    let elements: [(u16, Vec<u8>); 4] = [
        (0x0000, vec![0xC3; 300]),
        (0x0002, vec![0x11; 48]),
        (0x0001, vec![0x22; 50]),
        (0xF123, b"of the manufacturer's own".to_vec()),
    ];
    let mut payload = Vec::new();
    for (tag, value) in elements {
        payload.extend(tag.to_le_bytes());
        payload.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        payload.extend(value);
    }
    let mut file = Vec::new();
    file.extend(0x0BEE_F11E_u32.to_le_bytes()); // identifier
    file.extend(0x0100_u16.to_le_bytes()); // header version
    file.extend(69_u16.to_le_bytes()); // header length
    file.extend(0x0007_u16.to_le_bytes()); // field control: everything is there
    file.extend(0x1234_u16.to_le_bytes()); // manufacturer code
    file.extend(0x5678_u16.to_le_bytes()); // image type
    file.extend(0x9ABC_DEF0_u32.to_le_bytes()); // file version
    file.extend(0x0002_u16.to_le_bytes()); // ZigBee stack version
    file.extend(b"a bulb of no meter at all\0\0\0\0\0\0\0"); // header string
    file.extend(u32::try_from(69 + payload.len()).unwrap().to_le_bytes()); // total image size
    file.push(2); // security credential version
    file.extend(0x0A48_5247_0100_0005_u64.to_le_bytes()); // upgrade file destination
    file.extend(0x0001_u16.to_le_bytes()); // minimum hardware version
    file.extend(0x00FF_u16.to_le_bytes()); // maximum hardware version
    file.extend(payload);
    insta::assert_snapshot!(inspect(&file), @r"
    octets        516
    within 750KB  yes
    header
      header version               0x0100
      header length                69
      field control                0x0007
      manufacturer code            0x1234
      image type                   0x5678
      file version                 9ABCDEF0
      zigbee stack version         0x0002
      header string                a bulb of no meter at all
      total image size             516
      security credential version  2
      upgrade file destination     0A-48-52-47-01-00-00-05
      hardware versions
        minimum  0x0001
        maximum  0x00ff
    kind          sub_elements
    decided by    sub-elements with defined tags fill the file exactly
    certain       yes
    sub elements
      -
        tag     0x0000
        name    Upgrade Image
        offset  75
        octets  300
      -
        tag     0x0002
        name    ECDSA Signing Certificate (CS1)
        offset  381
        octets  48
      -
        tag     0x0001
        name    ECDSA Signature (CS1)
        offset  435
        octets  50
      -
        tag     0xf123
        name    manufacturer specific
        offset  491
        octets  25
    ");
}
