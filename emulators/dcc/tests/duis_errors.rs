//! What the DUIS reader refuses, and how it says so.

use hanrig_dcc::duis::{self, DuisMessage, MAXIMUM_DOCUMENT, Problem, Request, RequestId, ServiceRequest};
use hanrig_wire::types::Eui64;
use rstest::rstest;
use std::io::Read;

fn read_inventory() -> String {
    let id = RequestId { originator: Eui64(1), target: Eui64(2), counter: 3 };
    Request::new(id, ServiceRequest::ReadInventory { device_id: Eui64(4) }).to_xml()
}

#[rstest]
#[case::no_text("", "", "line 1, column 1: unexpected element")]
#[case::unknown_element(
    "<sr:Body>",
    "<sr:Extra/><sr:Body>",
    "line 9, column 3: unexpected element sr:Extra in sr:Request, expected sr:Body"
)]
#[case::unknown_body(
    "ReadInventory>",
    "Nothing>",
    "line 10, column 5: unexpected element sr:Nothing in sr:Body, expected sr:UpdatePaymentMode, sr:ReadInventory, sr:UpdateFirmware, sr:ReadFirmwareVersion, sr:ActivateFirmware, sr:UpdatePPMIDFirmware or sr:SignedPreCommand"
)]
#[case::twice(
    "<sr:CommandVariant>8</sr:CommandVariant>",
    "<sr:CommandVariant>8</sr:CommandVariant><sr:CommandVariant>8</sr:CommandVariant>",
    "line 5, column 45: element sr:CommandVariant occurs more than once in sr:Header"
)]
#[case::missing(
    "<sr:CommandVariant>8</sr:CommandVariant>",
    "",
    "line 6, column 5: unexpected element sr:ServiceReference in sr:Header, expected sr:CommandVariant"
)]
#[case::ends(
    "<sr:DeviceID>00-00-00-00-00-00-00-04</sr:DeviceID>",
    "",
    "line 12, column 5: element sr:ReadInventory ends without sr:DeviceID"
)]
#[case::text(
    "<sr:Header>",
    "<sr:Header>hello",
    "line 3, column 14: unexpected text \"hello\" in sr:Header, where only elements may be"
)]
#[case::element_in_text(
    "00-00-00-00-00-00-00-04",
    "<sr:X/>",
    "line 11, column 20: unexpected element sr:X in sr:DeviceID, expected text"
)]
#[case::eui(
    "00-00-00-00-00-00-00-04",
    "00-00",
    "line 11, column 20: element sr:DeviceID holds \"00-00\", expected an EUI-64 such as 00-DB-12-34-56-78-90-A4"
)]
#[case::request_id(
    ":3<",
    ":x<",
    "line 4, column 19: element sr:RequestID holds \"00-00-00-00-00-00-00-01:00-00-00-00-00-0…\", expected originator EUI-64, target EUI-64 and counter, parted by colons"
)]
#[case::variant(
    ">8<",
    ">9<",
    "line 5, column 24: element sr:CommandVariant holds \"9\", expected a command variant from 1 to 8"
)]
#[case::reference(
    "ServiceReference>8.2<",
    "ServiceReference>11.4<",
    "line 6, column 26: element sr:ServiceReference holds \"11.4\", expected 8.2, the reference that belongs to the body"
)]
#[case::namespace(
    "xmlns:sr=\"http://www.dccinterface",
    "xmlns:sr=\"http://elsewhere",
    "line 2, column 1: unexpected element {http://elsewhere.co.uk/ServiceUserGatew…"
)]
#[case::prefix("<sr:Body>", "<xx:Body>", "line 9, column 3: prefix xx is not bound to a namespace")]
#[case::attribute("<sr:Body>", "<sr:Body a=\"1\">", "line 9, column 3: unexpected attribute a in sr:Body")]
#[case::no_version(" schemaVersion=\"5.4\"", "", "line 2, column 1: element sr:Request has no attribute schemaVersion")]
#[case::version(
    "\"5.4\"",
    "\"5\"",
    "line 2, column 1: attribute schemaVersion of sr:Request is \"5\", expected a schema version such as 5.4"
)]
#[case::doctype(
    "<sr:Request",
    "<!DOCTYPE a [<!ENTITY b \"c\">]><sr:Request",
    "line 2, column 1: a document type declaration (DOCTYPE) is not accepted"
)]
#[case::entity(
    ">8<",
    ">&eight;<",
    "line 5, column 24: entity &eight; is not accepted, expected lt, gt, amp, apos, quot or a character reference"
)]
#[case::instruction("<sr:Body>", "<?php x?><sr:Body>", "line 9, column 3: a processing instruction is not accepted")]
#[case::late_declaration(
    "<sr:Body>",
    "<?xml version=\"1.0\"?><sr:Body>",
    "line 9, column 3: not well-formed XML: the XML declaration stands at the very start or nowhere"
)]
#[case::encoding(
    "UTF-8",
    "ISO-8859-1",
    "line 1, column 1: the XML declaration says encoding ISO-8859-1, expected UTF-8"
)]
#[case::character(">8<", ">&#1;<", "line 5, column 24: ")]
#[case::after("</sr:Request>\n", "</sr:Request><a/>", "line 14, column 14: unexpected content after the root element")]
#[case::text_after(
    "</sr:Request>\n",
    "</sr:Request>x",
    "line 14, column 14: unexpected content after the root element"
)]
#[case::end_tag("</sr:Body>", "</sr:Bdy>", "line 13, column 3: not well-formed XML: ")]
#[case::cut("</sr:Body>\n</sr:Request>\n", "", "line 13, column 3: the document ends inside element sr:Body")]
fn refusals(#[case] from: &str, #[case] to: &str, #[case] message: &str) {
    let xml = read_inventory();
    let changed = if from.is_empty() { "<a/>".to_owned() } else { xml.replacen(from, to, 1) };
    assert_ne!(changed, xml);
    let error = duis::parse(&changed).unwrap_err().to_string();
    assert!(error.starts_with(message), "{error}\n{changed}");
}

#[test]
fn the_empty_document() {
    assert_eq!(
        duis::parse("").unwrap_err().to_string(),
        "line 1, column 1: the document holds no element, expected sr:Request or sr:Response"
    );
}

#[test]
fn what_xml_allows_is_read() {
    let xml = read_inventory();
    let DuisMessage::Request(expected) = duis::parse(&xml).unwrap() else { panic!() };
    let same = [
        format!("\u{FEFF}{xml}"),
        xml.replace("<sr:Body>", "<!-- a remark --><sr:Body>"),
        xml.replace(">8<", "> &#56;\n<"),
        xml.replace(">8<", "><![CDATA[8]]><"),
        xml.replace("sr:", "x:").replace("xmlns:sr", "xmlns:x"),
        xml.replace("sr:", "").replace("xmlns:sr", "xmlns").replace("xmlns:x=", "xmlns="),
        xml.replace("schemaVersion", "xsi:schemaLocation=\"a b\" schemaVersion"),
    ];
    for xml in same {
        match duis::parse(&xml) {
            Ok(DuisMessage::Request(request)) => assert_eq!(request, expected, "{xml}"),
            other => panic!("{other:?}\n{xml}"),
        }
    }
}

#[rstest]
#[case("not base64!", "base64: ")]
#[case("QUJD=", "base64: ")]
fn base64(#[case] text: &str, #[case] expected: &str) {
    let update = duis::UpdateFirmware {
        firmware_image: b"ABC".to_vec(),
        firmware_version: Default::default(),
        device_id_list: vec![Eui64(1)],
    };
    let id = RequestId { originator: Eui64(1), target: Eui64(2), counter: 3 };
    let xml = Request::new(id, ServiceRequest::UpdatePpmidFirmware(update)).to_xml();
    assert!(duis::parse(&xml.replace("QUJD", " QU\nJD ")).is_ok());
    match duis::parse(&xml.replace("QUJD", text)).unwrap_err().problem {
        Problem::Value { element, expected: found, .. } => {
            assert_eq!(element, "sr:FirmwareImage");
            assert!(found.starts_with(expected), "{found}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_item_of_a_list_that_is_wrong_is_named() {
    let xml = read_inventory()
        .replace("ReadInventory>", "UpdateFirmware>")
        .replace("8.2", "11.1")
        .replace("<sr:DeviceID>00-00-00-00-00-00-00-04</sr:DeviceID>", "<sr:FirmwareImage>QUJD</sr:FirmwareImage><sr:FirmwareVersion>00000020</sr:FirmwareVersion><sr:DeviceIDList>00-00-00-00-00-00-00-04,x</sr:DeviceIDList>");
    let error = duis::parse(&xml).unwrap_err().to_string();
    assert!(
        error.ends_with("expected an EUI-64 such as 00-DB-12-34-56-78-90-A4 in place of \"x\", item 2 of the list"),
        "{error}"
    );
    let error = duis::parse(&xml.replace("00000020", "00:00:00:20")).unwrap_err().to_string();
    assert!(error.ends_with("expected a firmware version of 8 hexadecimal characters, such as 00000020"), "{error}");
}

/// A source that never ends, and counts what is taken of it.
struct Endless(usize);

impl Read for &mut Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        buffer.fill(b' ');
        self.0 += buffer.len();
        Ok(buffer.len())
    }
}

#[test]
fn a_document_beyond_the_limit_is_refused_without_reading_it() {
    let mut source = Endless(0);
    let error = duis::read_from(&mut source, MAXIMUM_DOCUMENT).unwrap_err();
    assert_eq!(error.problem, Problem::TooLong { limit: MAXIMUM_DOCUMENT });
    assert_eq!(error.to_string(), "the document is longer than 8388608 octets, the most that is read");
    assert!(source.0 <= 2 * MAXIMUM_DOCUMENT, "{}", source.0);
    let text = " ".repeat(MAXIMUM_DOCUMENT + 1);
    assert_eq!(duis::parse(&text).unwrap_err().problem, Problem::TooLong { limit: MAXIMUM_DOCUMENT });
}

#[test]
fn what_would_take_long_or_deep_is_refused_early() {
    let start = read_inventory();
    let head = start.split("<sr:Header>").next().unwrap();
    let deep = "<sr:Header>".repeat(100_000);
    assert!(duis::parse(&format!("{head}{deep}")).is_err());
    let attributes: String = (0..300_000).map(|i| format!(" a{i}=''")).collect();
    let error = duis::parse(&format!("{head}<sr:Header{attributes}/>")).unwrap_err();
    assert_eq!(error.problem, Problem::TagTooLong { limit: 4096 });
    let namespaces: String = (0..120_000).map(|i| format!(" xmlns:a{i}='b'")).collect();
    assert!(duis::parse(&format!("{head}<sr:Header{namespaces}/>")).is_err());
    let entities = "&lt;".repeat(1_000_000);
    assert!(duis::parse(&start.replace(">8<", &format!(">{entities}<"))).is_err());
}

#[test]
fn the_largest_request_that_the_dcc_takes_fits() {
    let update = duis::UpdateFirmware {
        firmware_image: vec![0xA5; 768_000],
        firmware_version: Default::default(),
        device_id_list: (0..50_000).map(Eui64).collect(),
    };
    let id = RequestId { originator: Eui64(1), target: Eui64(2), counter: 3 };
    let request = Request::new(id, ServiceRequest::UpdatePpmidFirmware(update));
    let written = request.to_xml();
    assert_eq!(duis::parse(&written), Ok(DuisMessage::Request(request.clone())));
    // As a User's system may lay it out: a line for each Device ID and each 64 characters of base64, well indented.
    let indent = format!("\n{}", " ".repeat(24));
    let image = written.split("FirmwareImage>").nth(1).unwrap().trim_end_matches("</sr:");
    let lines: Vec<_> = image.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let laid_out = written.replace(image, &lines.join(&indent)).replace(',', &format!(",{indent}"));
    assert!(laid_out.len() > 3_500_000, "{}", laid_out.len());
    assert_eq!(duis::parse(&laid_out), Ok(DuisMessage::Request(request)));
}

#[test]
fn octets_that_are_not_utf8() {
    let error = duis::parse_bytes(b"<a>\n\xFF").unwrap_err();
    assert_eq!(error.to_string(), "line 2, column 1: this is not UTF-8 text");
    assert_eq!(error.offset, 4);
}
