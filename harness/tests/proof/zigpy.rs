//! zigpy parses what `ota build` writes.

use std::fs;
use std::path::Path;
use std::process::Command;

use hanrig_wire::ota_file::emit_sub_elements;
use serde_json::{Value, json};

use crate::tools::{self, hanrig, text};

/// Tells as JSON what zigpy makes of the file that it is given: the header's fields, what follows the header, and whether
/// zigpy writes the same header octets again. With `elements`, the file is read as one with sub-elements.
const SCRIPT: &str = r#"
import json, sys
from zigpy.ota.image import OTAImage, OTAImageHeader, parse_ota_image
data = open(sys.argv[1], "rb").read()
header, payload = OTAImageHeader.deserialize(data)
told = {field.name: getattr(header, field.name) for field in OTAImageHeader.fields}
told["header_string"] = bytes(header.header_string).rstrip(b"\0").decode()
told["upgrade_file_destination"] = header.upgrade_file_destination and str(header.upgrade_file_destination)
told["payload"] = payload.hex()
told["same_header"] = data.startswith(header.serialize()) and len(header.serialize()) == header.header_length
if sys.argv[2] == "elements":
    image, rest = parse_ota_image(data)
    assert type(image) is OTAImage and image.serialize() == data
    told["elements"] = [[element.tag_id, bytes(element.data).hex()] for element in image.subelements]
    told["rest"] = rest.hex()
print(json.dumps(told))
"#;

const SCALAR: &str = "39e04543c766e70b18399403c72490c5019c19fb3ab1fd6999ac2c4137797a7a";

/// What zigpy tells of `file`; `None`, with a note, where there is no zigpy.
fn zigpy(file: &Path, kind: &str) -> Option<Value> {
    let python = std::env::var_os("HANRIG_ZIGPY_PYTHON").unwrap_or_else(|| "python3".into());
    let has_zigpy = Command::new(&python).args(["-c", "import zigpy.ota.image"]).output();
    if !has_zigpy.is_ok_and(|output| output.status.success()) {
        tools::missing("no Python with zigpy (HANRIG_ZIGPY_PYTHON names the interpreter)");
        return None;
    }
    let told = tools::stdout(Command::new(&python).args(["-c", SCRIPT, text(file), kind]))?;
    Some(serde_json::from_str(&told).unwrap())
}

/// Builds an OTA file from `payload` with `options`, in which `KEY` is a key file.
fn build(folder: &Path, payload: &[u8], options: &[&str]) -> std::path::PathBuf {
    let (payload_file, file, key) = (folder.join("payload"), folder.join("image.ota"), folder.join("key"));
    fs::write(&payload_file, payload).unwrap();
    fs::write(&key, SCALAR).unwrap();
    let mut args = vec!["ota", "build", text(&payload_file), "-o", text(&file)];
    args.extend(["--manufacturer-code", "12A7", "--image-type", "5001", "--file-version", "00:01:02:20"]);
    args.extend(options.iter().map(|option| if *option == "KEY" { text(&key) } else { option }));
    hanrig(&args);
    file
}

#[rstest::rstest]
#[case::plain(&[], json!({ "field_control": 0, "header_length": 56 }))]
#[case::header_string(&["--header-string", "a PPMID, 32 octets of text in it"], json!({
    "header_string": "a PPMID, 32 octets of text in it"
}))]
#[case::hardware_versions(&["--hardware-min", "0100", "--hardware-max", "01FF"], json!({
    "field_control": 4, "header_length": 60, "minimum_hardware_version": 0x0100, "maximum_hardware_version": 0x01FF
}))]
#[case::security_credential_version(&["--security-credential-version", "2"], json!({
    "field_control": 1, "header_length": 57, "security_credential_version": 2
}))]
#[case::destination(&["--destination", "0A-48-52-47-01-00-00-05"], json!({
    "field_control": 2, "header_length": 64, "upgrade_file_destination": "0a:48:52:47:01:00:00:05"
}))]
#[case::all(
    &["--hardware-min", "0100", "--hardware-max", "01FF", "--security-credential-version", "0", "--stack-version", "0003",
      "--destination", "0A-48-52-47-01-00-00-05", "--reference-image", "KEY", "--sign", "KEY"],
    json!({
        "field_control": 7, "header_length": 69, "minimum_hardware_version": 0x0100, "maximum_hardware_version": 0x01FF,
        "security_credential_version": 0, "upgrade_file_destination": "0a:48:52:47:01:00:00:05", "stack_version": 3
    })
)]
fn headers_are_what_zigpy_reads(#[case] options: &[&str], #[case] expected: Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = build(folder.path(), &[0xAB; 1000], options);
    let Some(told) = zigpy(&file, "opaque") else { return };
    let octets = fs::read(&file).unwrap();
    let mut all = json!({
        "upgrade_file_id": 0x0BEE_F11E, "header_version": 0x0100, "manufacturer_id": 0x12A7, "image_type": 0x5001,
        "file_version": 0x0001_0220, "stack_version": 2, "header_string": "", "image_size": octets.len(), "same_header": true,
        "security_credential_version": null, "upgrade_file_destination": null, "minimum_hardware_version": null,
        "maximum_hardware_version": null
    });
    for (name, value) in expected.as_object().unwrap() {
        all[name] = value.clone();
    }
    for (name, value) in all.as_object().unwrap() {
        assert_eq!(told[name], *value, "{name}");
    }
    let header_length = usize::try_from(told["header_length"].as_u64().unwrap()).unwrap();
    assert_eq!(told["payload"], hex::encode(&octets[header_length..]));
}

/// `ota build` takes any payload: one of sub-elements makes a general ZigBee OTA file, which zigpy reads whole.
#[test]
fn sub_elements_are_what_zigpy_reads() {
    let folder = tempfile::tempdir().unwrap();
    let elements: [(u16, &[u8]); 3] = [(0x0000, &[0xAB; 1000]), (0x0003, &[0x5A; 16]), (0xF00D, b"")];
    let file = build(folder.path(), &emit_sub_elements(&elements), &["--hardware-min", "1", "--hardware-max", "2"]);
    let Some(told) = zigpy(&file, "elements") else { return };
    assert_eq!(told["elements"], json!([[0, "ab".repeat(1000)], [3, "5a".repeat(16)], [0xF00D, ""]]));
    assert_eq!((&told["rest"], &told["same_header"]), (&json!(""), &json!(true)));
}
