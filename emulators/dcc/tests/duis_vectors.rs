//! The published DUIS messages: read, written, read back equal; and found well formed by another parser.

use hanrig_dcc::FirmwareHash;
use hanrig_dcc::duis::{self, DuisMessage, ResponseBody, ResponsePayload, ServiceRequest};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Name and text of each vector; none where the vectors are not at hand.
fn vectors() -> Vec<(String, String)> {
    let folder = std::env::var_os("HANRIG_VECTORS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(folder.join("duis")) else {
        println!("not run: no vectors in {}", folder.display());
        return Vec::new();
    };
    let mut vectors: Vec<_> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()))
        .collect();
    vectors.sort();
    vectors
}

#[test]
fn every_vector_is_read_and_reads_back_equal() {
    for (name, xml) in vectors() {
        let message = duis::parse(&xml).unwrap_or_else(|e| panic!("{name}: {e}"));
        let written = message.to_xml();
        assert_eq!(duis::parse(&written).unwrap_or_else(|e| panic!("{name}: {e}")), message, "{name}");
        assert_well_formed(&written);
    }
}

#[test]
fn what_the_vectors_say() {
    let vectors = vectors();
    let mut known = 0;
    for (name, xml) in &vectors {
        known += 1;
        match (name.as_str(), duis::parse(xml).unwrap()) {
            ("11.4_UPDATE_PPMID_FIRMWARE_REQUEST_DUIS.XML", DuisMessage::Request(request)) => {
                assert_eq!(request.request_id.to_string(), "90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1000");
                assert_eq!(request.signature.unwrap().digest_value, b"default");
                let ServiceRequest::UpdatePpmidFirmware(update) = request.body else { panic!("{name}") };
                assert_eq!(update.firmware_image.get(..4), Some([0x1E, 0xF1, 0xEE, 0x0B].as_slice()));
            }
            ("CS06_11.3_IMMEDIATE_SUCCESS_REQUEST_DUIS.XML", DuisMessage::Request(request)) => {
                let hash: FirmwareHash =
                    "AA758690730934FF0685AA758690730934FF0685657788990011223344556677".parse().unwrap();
                let body = ServiceRequest::ActivateFirmware { execution_date_time: None, hash };
                assert_eq!((request.body, request.command_variant), (body, 4));
            }
            ("ECS52_11.2_signed_response.xml", DuisMessage::Response(response)) => {
                assert_eq!(response.response_date_time.to_string(), "2022-08-17T15:45:42.790Z");
                assert_eq!(response.response_id, response.request_id.map(duis::RequestId::response));
                let signature = response.signature.unwrap();
                assert_eq!((signature.digest_value.len(), signature.signature_value.len()), (32, 64));
                assert_eq!(signature.serial_number, "50669612984035780968362471400449834504");
                let ResponseBody::ResponseMessage(message) = response.body else { panic!("{name}") };
                let ResponsePayload::GbcsPayload(octets) = message.payload else { panic!("{name}") };
                assert_eq!(octets.first(), Some(&0xDD));
            }
            ("E65_response.xml", DuisMessage::Response(response)) => {
                assert!(response.response_code.is_error() && response.response_id.is_none());
            }
            _ => known -= 1,
        }
    }
    assert!(vectors.is_empty() || known == 4, "{known} of 4 vectors are there");
}

/// Asks xmllint, where it is installed.
fn assert_well_formed(xml: &str) {
    let mut child = match Command::new("xmllint").args(["--noout", "-"]).stdin(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            assert!(std::env::var_os("HANRIG_REQUIRE_TOOLS").is_none(), "xmllint: {error}");
            println!("not run: xmllint: {error}");
            return;
        }
    };
    child.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{xml}");
}

#[test]
fn a_message_as_json() {
    let vectors = vectors();
    if vectors.is_empty() {
        return;
    }
    let (_, xml) = vectors.into_iter().find(|(name, _)| name.starts_with("CS08_11.2")).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&duis::parse(&xml).unwrap()).unwrap(), @r#"
{
  "Request": {
    "schemaVersion": "5.4",
    "RequestID": "90-B3-D5-1F-30-00-00-02:00-DB-12-34-56-78-90-A4:1000",
    "CommandVariant": 1,
    "Body": "ReadFirmwareVersion",
    "Signature": {
      "DigestValue": "ZGVmYXVsdA==",
      "SignatureValue": "ZGVmYXVsdA==",
      "X509IssuerName": "CN=U1, OU=07",
      "X509SerialNumber": "1234567890"
    }
  }
}
"#);
}
