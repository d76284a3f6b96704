//! What xmlsec1 and openssl say of our signatures and certificates, and what ours says of xmlsec1's.

use hanrig_dcc::duis::{
    DccAlert, DccAlertCode, DccAlertMessage, DeviceFirmwareVersionMismatch, Request, RequestId, Response, ResponseBody,
    SchemaVersion, ServiceRequest,
};
use hanrig_dcc::security::{Identity, Period, Pki, RemotePartyRole, TrustStore, sign, verify, verify_with_key};
use hanrig_wire::gbcs::VerifyingKey;
use hanrig_wire::time::Utc;
use hanrig_wire::types::{Eui64, FirmwareVersion};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const USER: Eui64 = Eui64(0x90B3_D51F_3001_0000);
const DCC: Eui64 = Eui64(0x90B3_D51F_3000_0002);
/// 2026-11-20.
const NOW: Utc = Utc(1_795_176_000_000);
const ALWAYS: Period = Period { not_before: Utc(1_577_836_800_000), not_after: Utc(4_102_444_800_000) };

/// What a program writes; `None`, with a note, where there is no such program.
fn output(command: &mut Command) -> Option<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            assert!(std::env::var_os("HANRIG_REQUIRE_TOOLS").is_none(), "{name}: {error}");
            println!("not run: {name}: {error}");
            None
        }
    }
}

struct Bench {
    folder: tempfile::TempDir,
    pki: Pki,
    user: Identity,
    dcc: Identity,
    store: TrustStore,
}

impl Bench {
    fn new() -> Self {
        let pki = Pki::generate([3; 32], ALWAYS).unwrap();
        let user = pki.issue(RemotePartyRole::XmlSign, USER, ALWAYS).unwrap();
        let dcc = pki.issue(RemotePartyRole::DspXmlSign, DCC, ALWAYS).unwrap();
        let store = pki.trust([user.certificate().clone(), dcc.certificate().clone()]).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), pki, user, dcc, store }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Whether xmlsec1 verifies a document with a certificate's key.
    fn xmlsec1_verifies(&self, xml: &str, identity: &Identity) -> Option<bool> {
        let certificate = self.file("certificate.pem", &identity.certificate().to_pem());
        let document = self.file("document.xml", xml);
        let mut xmlsec1 = Command::new("xmlsec1");
        xmlsec1.arg("--verify").arg("--pubkey-cert-pem").arg(certificate).arg(document);
        Some(output(&mut xmlsec1)?.status.success())
    }
}

fn request() -> String {
    let id = RequestId { originator: USER, target: DCC, counter: 1000 };
    Request::new(id, ServiceRequest::ReadInventory { device_id: Eui64(0x00DB_1234_5678_90A4) }).to_xml()
}

fn response() -> Response {
    let alert = DccAlertMessage {
        code: DccAlertCode::N50,
        alert: DccAlert::DeviceFirmwareVersionMismatch(DeviceFirmwareVersionMismatch {
            device_id: Eui64(0x00DB_1234_5678_90A4),
            firmware_version: FirmwareVersion(0x20),
        }),
    };
    Response {
        schema_version: SchemaVersion::current(),
        request_id: None,
        response_id: Some(RequestId { originator: DCC, target: USER, counter: 7 }),
        response_code: "I0".parse().unwrap(),
        response_date_time: NOW,
        body: ResponseBody::DccAlertMessage(alert),
        signature: None,
    }
}

#[test]
fn xmlsec1_verifies_what_we_sign() {
    let bench = Bench::new();
    for (document, identity, other) in
        [(request(), &bench.user, &bench.dcc), (response().to_xml(), &bench.dcc, &bench.user)]
    {
        let signed = sign(&document, identity).unwrap();
        let Some(verifies) = bench.xmlsec1_verifies(&signed, identity) else { return };
        assert!(verifies, "{signed}");
        assert_eq!(bench.xmlsec1_verifies(&signed, other), Some(false));
        let tampered = signed.replace("78-90-A4", "78-90-A5");
        assert_eq!(bench.xmlsec1_verifies(&tampered, identity), Some(false));
    }
}

#[test]
fn we_verify_what_xmlsec1_signs() {
    let bench = Bench::new();
    // What xmlsec1 is to fill in is left empty.
    let signed = sign(&request(), &bench.user).unwrap();
    let mut template = signed.clone();
    for element in ["DigestValue", "SignatureValue", "X509IssuerSerial"] {
        let start = template.find(&format!("<ds:{element}>")).unwrap();
        let end = template.find(&format!("</ds:{element}>")).unwrap() + format!("</ds:{element}>").len();
        template.replace_range(start..end, &format!("<ds:{element}/>"));
    }
    let template = bench.file("template.xml", &template);
    let key = bench.file("key.pem", &bench.user.key_to_pem().unwrap());
    let certificate = bench.file("user.pem", &bench.user.certificate().to_pem());
    let mut xmlsec1 = Command::new("xmlsec1");
    xmlsec1.arg("--sign").arg("--privkey-pem").arg(format!("{},{}", key.display(), certificate.display()));
    let Some(output) = output(xmlsec1.arg(template)) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = String::from_utf8(output.stdout).unwrap();
    let verified = verify(theirs.as_bytes(), &bench.store, RemotePartyRole::XmlSign, NOW);
    let verified = verified.unwrap_or_else(|e| panic!("{e}\n{theirs}"));
    assert_eq!(verified.signer, *bench.user.certificate());
    let tampered = theirs.replace("78-90-A4", "78-90-A5");
    assert!(verify(tampered.as_bytes(), &bench.store, RemotePartyRole::XmlSign, NOW).is_err());
}

#[test]
fn openssl_verifies_the_chain() {
    let bench = Bench::new();
    let root = bench.file("root.pem", &bench.pki.root().to_pem());
    let issuing = bench.file("issuing.pem", &bench.pki.issuing().to_pem());
    let verifies = |root: &Path, certificate: &Path| {
        let mut openssl = Command::new("openssl");
        openssl.args(["verify", "-x509_strict", "-policy_check", "-CAfile"]).arg(root);
        Some(output(openssl.arg("-untrusted").arg(&issuing).arg(certificate))?.status.success())
    };
    for identity in [&bench.user, &bench.dcc] {
        let certificate = bench.file("party.pem", &identity.certificate().to_pem());
        let Some(verified) = verifies(&root, &certificate) else { return };
        assert!(verified);
        let other = Pki::generate([4; 32], ALWAYS).unwrap();
        let other = bench.file("other.pem", &other.root().to_pem());
        assert_eq!(verifies(&other, &certificate), Some(false));
    }
}

#[test]
fn openssl_reads_what_a_certificate_says() {
    let bench = Bench::new();
    let certificate = bench.file("user.pem", &bench.user.certificate().to_pem());
    let mut openssl = Command::new("openssl");
    openssl.args(["x509", "-noout", "-issuer", "-subject", "-serial", "-dates", "-ext", "keyUsage"]);
    let Some(output) = output(openssl.args(["-nameopt", "RFC2253", "-in"]).arg(certificate)) else { return };
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @"
issuer=CN=hanrig test authority,OU=07
subject=x500UniqueIdentifier=#03090090B3D51F30010000,OU=87
serial=7111FF0151931F4DB36C1098AA8A4B53
notBefore=Jan  1 00:00:00 2020 GMT
notAfter=Jan  1 00:00:00 2100 GMT
X509v3 Key Usage: critical
    Digital Signature
");
}

/// A response of a published test system, and the key of the certificate that it names.
#[test]
fn the_signature_of_a_published_response_verifies() {
    let folder = std::env::var_os("HANRIG_VECTORS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")), PathBuf::from);
    let folder = folder.join("duis");
    if !folder.is_dir() {
        println!("not run: no vectors in {}", folder.display());
        return;
    }
    let xml = fs::read(folder.join("ECS52_11.2_signed_response.xml")).unwrap();
    // Of the test certificate 50669612984035780968362471400449834504 of CN=Z1,OU=07, which the vectors do not hold.
    let key = hex::decode(
        "04cba2ff92e35d7a823d778138d241bca4526653b4b14a34f442eb0f531fee6e1b\
         dfe7c60f2dde16e8a3bf03f2bbaea356f8d836b89244b939205eb24974071aae",
    );
    let key = VerifyingKey::from_sec1(&key.unwrap()).unwrap();
    verify_with_key(&xml, &key).unwrap();
    let tampered = String::from_utf8(xml).unwrap().replace("<sr:ResponseCode>I0<", "<sr:ResponseCode>I1<");
    assert!(verify_with_key(tampered.as_bytes(), &key).is_err());
}
