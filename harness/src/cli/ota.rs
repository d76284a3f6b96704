//! `hanrig ota`: reads and writes OTA files.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use hanrig_wire::gbcs::SigningKey;
use hanrig_wire::manufacturer_image::{self, ManufacturerImage};
use hanrig_wire::ota_file::{
    self, Contents, HardwareVersions, MAXIMUM_IMAGE_SIZE, OtaFile, OtaHeader, OtaUpgradeImage, SubElement,
};
use hanrig_wire::types::{Eui64, FirmwareVersion};
use serde_json::{Value, json};

use super::{Failure, keys, listing, output};
use crate::exit::ExitCode;
use crate::input::{MAX_OTA_FILE, Source};

/// Commands on OTA files.
#[derive(Debug, Subcommand)]
pub(super) enum OtaCommand {
    /// Show what is in an OTA file, of the GB companion specification or general ZigBee
    #[command(after_long_help = INSPECT_JSON)]
    Inspect(InspectArgs),
    /// Make an OTA file of the GB companion specification: OTA Header || Manufacturer Image [|| 00 40 || signature]
    Build(BuildArgs),
}

const INSPECT_JSON: &str = "\
Fields of --json (numbers are decimal, texts with 0x are hexadecimal; fields in brackets may be missing):
  octets                 length of the file
  within_750KB           whether the DCC would take it by its size: at most 768000 octets
  header                 header_version, header_length, field_control, manufacturer_code, image_type, file_version,
                         zigbee_stack_version, header_string, total_image_size, [security_credential_version],
                         [upgrade_file_destination], [hardware_versions: minimum, maximum]
  kind                   manufacturer_image, signed_manufacturer_image or sub_elements
  decided_by, certain    how the kind was decided, and whether chance is all but ruled out
  [manufacturer_image]   offset, octets, hash (SHA-256, as on the CPL), [reference_layout: part, parts, base_version,
                         body_octets]
  [signature]            the Supplier's, r || s, of a file as in SRV 11.1
  [sub_elements]         of each: tag, name, offset, octets";

/// Arguments of `hanrig ota inspect`.
#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// OTA file of at most 16 MiB, or - for standard input
    file: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `hanrig ota build`.
#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    /// The Manufacturer Image, of at most 16 MiB; with --reference-image its body; - for standard input
    payload: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Manufacturer code, such as 12A7
    #[arg(long, value_name = "HEX", value_parser = hex_u16)]
    manufacturer_code: u16,
    /// Image type: the model, such as 5001
    #[arg(long, value_name = "HEX", value_parser = hex_u16)]
    image_type: u16,
    /// File version: the firmware version, such as 00000020 or 00:00:00:20
    #[arg(long, value_name = "VERSION")]
    file_version: FirmwareVersion,
    /// ZigBee stack version
    #[arg(long, value_name = "HEX", value_parser = hex_u16, default_value = "0002")]
    stack_version: u16,
    /// Header string: a text of at most 32 octets
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = header_string, hide_default_value = true)]
    header_string: String,
    /// Lowest hardware version that the image is for, such as 0100
    #[arg(long, value_name = "HEX", value_parser = hex_u16, requires = "hardware_max")]
    hardware_min: Option<u16>,
    /// Highest hardware version that the image is for, such as 01FF
    #[arg(long, value_name = "HEX", value_parser = hex_u16, requires = "hardware_min")]
    hardware_max: Option<u16>,
    /// Security credential version
    #[arg(long, value_name = "N")]
    security_credential_version: Option<u8>,
    /// The one Device that the file is for
    #[arg(long, value_name = "EUI")]
    destination: Option<Eui64>,
    /// Append 00 40 and the Supplier's signature over the Manufacturer Image, as SRV 11.1 carries it. The key file holds a
    /// private scalar of P-256 as 64 hexadecimal digits
    #[arg(long, value_name = "KEYFILE")]
    sign: Option<PathBuf>,
    /// Wrap the payload in the Manufacturer Image of the reference devices, signed with this key. The key file is as with
    /// --sign
    #[arg(long, value_name = "KEYFILE")]
    reference_image: Option<PathBuf>,
    /// Which part the image is, where firmware is split
    #[arg(long, value_name = "N", default_value_t = 1, requires = "reference_image")]
    part: u8,
    /// How many parts there are
    #[arg(long, value_name = "N", default_value_t = 1, requires = "reference_image")]
    parts: u8,
    /// The firmware version that the image goes on top of; any, when not given
    #[arg(long, value_name = "VERSION", requires = "reference_image")]
    base_version: Option<FirmwareVersion>,
}

/// What cannot be built.
#[derive(Debug, thiserror::Error)]
enum BuildError {
    #[error(
        "hardware versions {minimum:04X} to {maximum:04X} are none; expected --hardware-min at most --hardware-max"
    )]
    HardwareVersions { minimum: u16, maximum: u16 },
    #[error("part {part} of {parts}; expected --part from 1 to --parts")]
    Part { part: u8, parts: u8 },
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// A file that is no OTA file.
#[derive(Debug, thiserror::Error)]
#[error("{name}")]
struct NotOta {
    name: String,
    #[source]
    source: ota_file::OtaFileError,
}

fn hex_u16(text: &str) -> Result<u16, String> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let parsed = if digits.starts_with('+') { None } else { u16::from_str_radix(digits, 16).ok() };
    parsed.ok_or_else(|| "expected up to 4 hexadecimal digits, such as 12A7".to_owned())
}

fn header_string(text: &str) -> Result<String, String> {
    match text.len() {
        0..=32 => Ok(text.to_owned()),
        octets => Err(format!("{octets} octets; expected at most 32")),
    }
}

pub(super) fn run(command: &OtaCommand) -> Result<ExitCode, Failure> {
    match command {
        OtaCommand::Inspect(args) => inspect(args),
        OtaCommand::Build(args) => build(args),
    }
}

fn inspect(args: &InspectArgs) -> Result<ExitCode, Failure> {
    let source = Source::from(args.file.as_path());
    let octets = source.read(MAX_OTA_FILE).map_err(Failure::input)?;
    let file =
        ota_file::inspect(&octets).map_err(|error| Failure::input(NotOta { name: source.name(), source: error }))?;
    let value = describe(&file, octets.len());
    if args.json {
        output::print_json(&value)?
    } else {
        output::print(&listing::render(&value))?
    }
    Ok(ExitCode::Passed)
}

/// An OTA file of `octets` octets as `ota inspect` shows it.
pub(super) fn describe(file: &OtaFile<'_>, octets: usize) -> Value {
    let mut value = json!({
        "octets": octets,
        "within_750KB": octets <= MAXIMUM_IMAGE_SIZE,
        "header": header(&file.header, file.header_octets),
    });
    let kind = match &file.contents {
        Contents::SubElements(_) => "sub_elements",
        Contents::ManufacturerImage(image) if image.signature.is_some() => "signed_manufacturer_image",
        Contents::ManufacturerImage(_) => "manufacturer_image",
    };
    put(&mut value, "kind", kind);
    put(&mut value, "decided_by", file.decision.to_string());
    put(&mut value, "certain", file.decision.is_certain());
    match &file.contents {
        Contents::SubElements(elements) => {
            put(&mut value, "sub_elements", elements.iter().map(sub_element).collect::<Vec<_>>());
        }
        Contents::ManufacturerImage(image) => {
            put(&mut value, "manufacturer_image", manufacturer_image(image));
            if let Some(signature) = image.signature {
                put(&mut value, "signature", hex::encode(signature));
            }
        }
    }
    value
}

/// Adds a field to what is known to be an object.
fn put(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Value::Object(fields) = object {
        fields.insert(key.to_owned(), value.into());
    }
}

fn header(header: &OtaHeader, octets: &[u8]) -> Value {
    let field_control = match octets.get(8..10) {
        Some(&[low, high]) => u16::from_le_bytes([low, high]),
        _ => 0,
    };
    let mut value = json!({
        "header_version": format!("{:#06x}", header.header_version),
        "header_length": octets.len(),
        "field_control": format!("{field_control:#06x}"),
        "manufacturer_code": format!("{:#06x}", header.manufacturer_code),
        "image_type": format!("{:#06x}", header.image_type),
        "file_version": header.file_version.to_string(),
        "zigbee_stack_version": format!("{:#06x}", header.stack_version),
        "header_string": header.header_text(),
        "total_image_size": header.total_image_size,
    });
    if let Some(version) = header.security_credential_version {
        put(&mut value, "security_credential_version", version);
    }
    if let Some(destination) = header.upgrade_file_destination {
        put(&mut value, "upgrade_file_destination", destination.to_string());
    }
    if let Some(HardwareVersions { minimum, maximum }) = header.hardware_versions {
        let versions = json!({ "minimum": format!("{minimum:#06x}"), "maximum": format!("{maximum:#06x}") });
        put(&mut value, "hardware_versions", versions);
    }
    value
}

fn manufacturer_image(image: &OtaUpgradeImage<'_>) -> Value {
    let mut value = json!({
        "offset": image.header_octets.len(),
        "octets": image.manufacturer_image.len(),
        "hash": hex::encode(image.hash()),
    });
    if let Ok(reference) = ManufacturerImage::parse(image.manufacturer_image) {
        let base_version = reference.base_version.map_or_else(|| "any".to_owned(), |version| version.to_string());
        let layout = json!({
            "part": reference.part,
            "parts": reference.parts,
            "base_version": base_version,
            "body_octets": reference.body.len(),
        });
        put(&mut value, "reference_layout", layout);
    }
    value
}

fn sub_element(element: &SubElement<'_>) -> Value {
    json!({
        "tag": format!("{:#06x}", element.tag),
        "name": element.name(),
        "offset": element.offset,
        "octets": element.value.len(),
    })
}

fn build(args: &BuildArgs) -> Result<ExitCode, Failure> {
    let hardware_versions = match (args.hardware_min, args.hardware_max) {
        (Some(minimum), Some(maximum)) if minimum > maximum => {
            return Err(Failure::input(BuildError::HardwareVersions { minimum, maximum }));
        }
        (Some(minimum), Some(maximum)) => Some(HardwareVersions { minimum, maximum }),
        _ => None,
    };
    if args.part == 0 || args.part > args.parts {
        return Err(Failure::input(BuildError::Part { part: args.part, parts: args.parts }));
    }
    let key = |path: &Option<PathBuf>| -> Result<Option<SigningKey>, Failure> {
        path.as_deref().map(keys::signing_key).transpose().map_err(Failure::input)
    };
    let (supplier, manufacturer) = (key(&args.sign)?, key(&args.reference_image)?);
    let payload = Source::from(args.payload.as_path()).read(MAX_OTA_FILE).map_err(Failure::input)?;
    let header = OtaHeader {
        manufacturer_code: args.manufacturer_code,
        image_type: args.image_type,
        file_version: args.file_version,
        stack_version: args.stack_version,
        header_string: OtaHeader::header_string_from(&args.header_string),
        security_credential_version: args.security_credential_version,
        upgrade_file_destination: args.destination,
        hardware_versions,
        ..OtaHeader::default()
    };
    let image = match &manufacturer {
        Some(key) => reference_image(args, &header, &payload, supplier.is_some(), key),
        None => payload,
    };
    let file = match &supplier {
        Some(key) => ota_file::build_signed(header, &image, key),
        None => ota_file::build(header, &image, None),
    };
    write(&args.output, &file)?;
    let told = json!({ "written": args.output.display().to_string(), "octets": file.len(), "hash": hex::encode(ota_file::hash(&image)) });
    if args.output != Path::new("-") {
        output::print(&listing::render(&told))?;
    }
    Ok(ExitCode::Passed)
}

/// The Manufacturer Image of the reference devices around `body`. Its signature covers the OTA Header as it will be, with
/// the size of the whole file.
fn reference_image(args: &BuildArgs, header: &OtaHeader, body: &[u8], signed: bool, key: &SigningKey) -> Vec<u8> {
    let image_octets = vec![0; manufacturer_image::OVERHEAD + body.len()];
    let no_signature = [0; hanrig_wire::gbcs::SIGNATURE_LENGTH];
    let sized = ota_file::build(header.clone(), &image_octets, signed.then_some(&no_signature));
    let header_octets = sized.get(..header.header_length().into()).unwrap_or_default();
    manufacturer_image::build_on(args.base_version, header_octets, args.part, args.parts, body, key)
}

fn write(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    if path == Path::new("-") {
        return Ok(output::write(octets)?);
    }
    fs::write(path, octets).map_err(|source| Failure::input(BuildError::Write { path: path.to_owned(), source }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("12A7", Some(0x12A7))]
    #[case("0x2", Some(2))]
    #[case("12A70", None)]
    #[case("+1", None)]
    #[case("", None)]
    #[case("xyz", None)]
    fn codes(#[case] text: &str, #[case] expected: Option<u16>) {
        assert_eq!(hex_u16(text).ok(), expected);
    }

    #[test]
    fn the_default_stack_version_is_zigbee_pro() {
        assert_eq!(hex_u16("0002"), Ok(ota_file::STACK_VERSION_PRO));
    }
}
