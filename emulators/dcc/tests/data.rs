//! Data files: round trip, and errors that name file, line and field (CPL-01).

mod support;

use hanrig_dcc::data::{Code, CspRegion, DccData, PhysicalDeviceType};
use rstest::rstest;
use support::*;

const CPL: &str = r#"
[[cpl]]
number = 7
device_type = "HCALCS"
manufacturer = "12AB"
manufacturer_name = "Maker Ltd"
model = "8501"
model_name = "Switch"
hardware_version = "0102"
firmware_version = "00:00:00:20"
smets_version = "5.1"
gbcs_version = "4.1"
status = "removed"

[cpl.image]
creator = "Maker Ltd"
descriptor = "release 2"
hash = "AA758690730934FF0685AA758690730934FF0685657788990011223344556677"

[[cpl.certificate]]
kind = "CPA"
number = "CPA-1"
expires = 2027-03-31

[[cpl.certificate]]
kind = "ZigBee"
number = "ZB-2"
"#;

#[test]
fn a_cpl_entry_holds_what_the_requirements_list() {
    let data = DccData::read(&[("cpl.toml", CPL)]).unwrap();
    let entry = &data.cpl.entries[0];
    assert_eq!((entry.number, entry.device_type, entry.manufacturer), (7, PhysicalDeviceType::Hcalcs, Code(0x12AB)));
    assert_eq!(entry.firmware_version, VERSION);
    assert_eq!(entry.certificates[0].expires.unwrap().to_string(), "2027-03-31");
    assert_eq!(entry.certificates[1].expires, None);
    assert_eq!(data.cpl.active_with_hash(entry.image.hash).count(), 0);
}

#[test]
fn what_is_written_reads_back_equal() {
    let world = World::new();
    let mut data = world.dsp.data().clone();
    data.cpl.entries.extend(DccData::read(&[("cpl.toml", CPL)]).unwrap().cpl.entries);
    let toml = data.to_toml().unwrap();
    assert!(toml.contains("firmware_version = \"00:00:00:20\""), "{toml}");
    assert_eq!(DccData::read(&[("all.toml", &toml)]).unwrap(), data);
}

#[test]
fn hubs_and_responsible_suppliers() {
    let world = World::new();
    let data = world.dsp.data();
    assert_eq!(data.hubs[&SOUTH_HUB].region, CspRegion::South);
    let suppliers: Vec<_> = data.responsible_suppliers(HUB).into_iter().map(|(user, _)| user).collect();
    assert_eq!(suppliers, [IMPORT, GAS]);
    let suppliers: Vec<_> = data.responsible_suppliers(SOUTH_HUB).into_iter().map(|(user, _)| user).collect();
    assert_eq!(suppliers, [IMPORT], "no GSME there");
}

#[rstest]
#[case::no_toml("[[cpl]\n", "cpl.toml:1: ")]
#[case::unknown_table("\n[[cpls]]\n", "cpl.toml:2: unknown field `cpls`")]
#[case::unknown_field(&CPL.replace("model_name", "modelname"), "cpl.toml:8: field modelname: unknown field `modelname`")]
#[case::missing(&CPL.replace("gbcs_version = \"4.1\"\n", ""), "cpl.toml:2: missing field `gbcs_version`")]
#[case::code(&CPL.replace("12AB", "12A"), "cpl.toml:5: field manufacturer: expected a code of 4 hexadecimal digits, such as 12AB")]
#[case::version(&CPL.replace("00:00:00:20", "0:0:0:20"), "cpl.toml:10: field firmware_version: expected a firmware version of 8 hexadecimal digits, such as 00000020 or 00:00:00:20")]
#[case::hash(&CPL.replace("AA75", "XX75"), "cpl.toml:18: field hash: expected a Hash of 64 hexadecimal digits")]
#[case::date(&CPL.replace("2027-03-31", "2027-03-31T10:00:00Z"), "cpl.toml:23: field expires: expected a date without time, such as 2027-03-31")]
#[case::kind(&CPL.replace("\"CPA\"", "\"XYZ\""), "cpl.toml:21: field kind: unknown variant `XYZ`, expected one of `CPA`, `ZigBee`, `DLMS`")]
#[case::twice(&format!("{CPL}{CPL}"), "cpl.toml:30: field number: 7 occurs more than once")]
fn errors_in_one_file(#[case] toml: &str, #[case] message: &str) {
    let error = DccData::read(&[("cpl.toml", toml)]).unwrap_err().to_string();
    assert!(error.starts_with(message), "{error}");
}

/// However much stands in the wrong place, what is told of it can be read.
#[rstest]
#[case::dotted_key(&format!("a{} = 1\n", ".a".repeat(1_000_000)))]
#[case::key(&format!("{} = 1\n", "k".repeat(2_000_000)))]
#[case::value(&CPL.replace("HCALCS", &"H".repeat(2_000_000)))]
#[case::no_toml(&format!("[[{}\n", "t".repeat(2_000_000)))]
fn messages_are_short(#[case] toml: &str) {
    let error = DccData::read(&[("cpl.toml", toml)]).unwrap_err().to_string();
    assert!(error.starts_with("cpl.toml:") && error.len() < 1000, "{} octets", error.len());
}

const HUBS: &str = "[[hub]]\nid = \"00-DB-12-34-56-78-90-A2\"\nregion = \"North\"\n";
const DEVICE: &str = "[[device]]\nid = \"00-DB-12-34-56-78-90-A4\"\ntype = \"PPMID\"\nmanufacturer = \"1234\"\n\
    model = \"8401\"\nhardware_version = \"0102\"\nfirmware_version = \"00000010\"\nstatus = \"Commissioned\"\n\
    hub = \"00-DB-12-34-56-78-90-A2\"\n";

#[rstest]
#[case::region(&HUBS.replace("North", "East"), DEVICE, "a.toml:3: field region: unknown variant `East`")]
#[case::no_hub("", DEVICE, "b.toml:9: field hub: no [[hub]] has the id 00-DB-12-34-56-78-90-A2")]
#[case::type_of_device(HUBS, &DEVICE.replace("PPMID", "IHD"), "b.toml:3: field type: unknown variant `IHD`")]
#[case::status(HUBS, &DEVICE.replace("Commissioned", "Lost"), "b.toml:8: field status: unknown variant `Lost`")]
#[case::eui(HUBS, &DEVICE.replace("90-A4", "90"), "b.toml:2: field id: expected an EUI-64")]
#[case::twice(HUBS, &format!("{DEVICE}{DEVICE}"), "b.toml:11: field id: 00-DB-12-34-56-78-90-A4 occurs more than once")]
#[case::premises_hub(
    HUBS,
    "[[premises]]\nhub = \"00-DB-12-34-56-78-90-B2\"\ndevices = []\n",
    "b.toml:2: field hub: no [[hub]] has the id"
)]
#[case::supplier(
    HUBS,
    "[[premises]]\nhub = \"00-DB-12-34-56-78-90-A2\"\ngas_supplier = \"90-B3-D5-1F-30-02-00-00\"\ndevices = []\n",
    "b.toml:3: field gas_supplier: no [[user]] has the id"
)]
#[case::device(
    HUBS,
    "[[premises]]\nhub = \"00-DB-12-34-56-78-90-A2\"\ndevices = [\"00-DB-12-34-56-78-90-A4\"]\n",
    "b.toml:3: field devices: no [[device]] has the id"
)]
#[case::chf(HUBS, &DEVICE.replace("PPMID", "CHF"), "b.toml:2: field id: no [[hub]] has the id 00-DB-12-34-56-78-90-A4 of this CHF")]
fn errors_between_files(#[case] hubs: &str, #[case] other: &str, #[case] message: &str) {
    let error = DccData::read(&[("a.toml", hubs), ("b.toml", other)]).unwrap_err().to_string();
    assert!(error.starts_with(message), "{error}");
}
