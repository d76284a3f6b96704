//! XML signatures and certificates, without an outside tool: `harness/tests/proof` has those.

use hanrig_dcc::duis::{self, DuisMessage, Request, RequestId, ServiceRequest, UpdateFirmware};
use hanrig_dcc::security::{
    Certificate, CertificateError, CertificateId, Identity, Period, Pki, ProtectionError, RemotePartyRole, SignError,
    TrustStore, sign, verify,
};
use hanrig_wire::time::Utc;
use hanrig_wire::types::{Eui64, FirmwareVersion};
use proptest::prelude::*;
use proptest::sample::Index;
use rstest::rstest;
use std::sync::LazyLock;

const USER: Eui64 = Eui64(0x90B3_D51F_3001_0000);
const DCC: Eui64 = Eui64(0x90B3_D51F_3000_0002);
const DAY: i64 = 86_400_000;
/// 2026-11-20.
const NOW: Utc = Utc(1_795_176_000_000);

const fn days(from: i64, to: i64) -> Period {
    Period { not_before: Utc(NOW.0 + from * DAY), not_after: Utc(NOW.0 + to * DAY) }
}

/// A PKI, one User, and a store that knows both.
struct Bench {
    pki: Pki,
    user: Identity,
    store: TrustStore,
}

impl Bench {
    fn new() -> Self {
        let pki = Pki::generate([7; 32], days(-100, 1000)).unwrap();
        let user = pki.issue(RemotePartyRole::XmlSign, USER, days(-10, 10)).unwrap();
        let store = pki.trust([user.certificate().clone()]).unwrap();
        Self { pki, user, store }
    }

    /// The error of checking a request that another identity signed, whose certificate the store has.
    fn refusal_of(&self, identity: &Identity) -> String {
        let store = self.pki.trust([identity.certificate().clone()]).unwrap();
        refusal(&sign(&request(), identity).unwrap(), &store)
    }
}

static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);

fn id(counter: u64) -> RequestId {
    RequestId { originator: USER, target: DCC, counter }
}

fn request() -> String {
    Request::new(id(1000), ServiceRequest::ReadInventory { device_id: Eui64(0x00DB_1234_5678_90A4) }).to_xml()
}

fn signed() -> String {
    sign(&request(), &BENCH.user).unwrap()
}

fn refusal(xml: &str, store: &TrustStore) -> String {
    verify(xml.as_bytes(), store, RemotePartyRole::XmlSign, NOW).unwrap_err().to_string()
}

#[test]
fn a_signed_message_verifies_and_says_what_it_said() {
    let verified = verify(signed().as_bytes(), &BENCH.store, RemotePartyRole::XmlSign, NOW).unwrap();
    assert_eq!(verified.signer.entity(), Some(USER));
    assert_eq!(verified.signer, *BENCH.user.certificate());
    let DuisMessage::Request(mut read) = verified.message else { panic!("no request") };
    assert!(read.signature.take().is_some());
    assert_eq!(read.to_xml(), request());
}

#[test]
fn one_seed_gives_the_same_octets_each_time() {
    let again = Bench::new();
    assert_eq!(again.pki.root(), BENCH.pki.root());
    assert_eq!(sign(&request(), &again.user).unwrap(), signed());
    let other = Pki::generate([8; 32], days(-100, 1000)).unwrap();
    assert_ne!(other.root(), BENCH.pki.root());
}

#[test]
fn a_signature_looks_like_this() {
    let xml = signed();
    let element = &xml[xml.find("<ds:Signature").unwrap()..];
    insta::assert_snapshot!(element, @r#"
<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
  <ds:SignedInfo>
    <ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
    <ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>
    <ds:Reference URI="">
      <ds:Transforms>
        <ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
      </ds:Transforms>
      <ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
      <ds:DigestValue>HY3clXGMi1nK4hkyvKEu34sfLa9hkrqIV2hawpBb5Jk=</ds:DigestValue>
    </ds:Reference>
  </ds:SignedInfo>
  <ds:SignatureValue>t2Hq1UmjkW8WPR4JE3w3IfwGo1/n5NXC6/BQK2TtSazMiUu9MHOdyM8eMgcYlp5VuUefJQ7JLxjluefjXp6wBg==</ds:SignatureValue>
  <ds:KeyInfo>
    <ds:X509Data>
      <ds:X509IssuerSerial>
        <ds:X509IssuerName>CN=hanrig test authority,OU=07</ds:X509IssuerName>
        <ds:X509SerialNumber>142152950478896886473564092681893987523</ds:X509SerialNumber>
      </ds:X509IssuerSerial>
    </ds:X509Data>
  </ds:KeyInfo>
</ds:Signature></sr:Request>
"#);
}

#[test]
fn what_is_signed_is_not_signed_again() {
    assert!(matches!(sign(&signed(), &BENCH.user), Err(SignError::AlreadySigned)));
    assert!(matches!(sign("<a/>", &BENCH.user), Err(SignError::NotDuis(_))));
}

#[test]
fn what_is_not_signed_does_not_verify() {
    let error = verify(request().as_bytes(), &BENCH.store, RemotePartyRole::XmlSign, NOW).unwrap_err();
    assert!(matches!(error, ProtectionError::Unsigned));
}

/// What a certificate must be, one thing wrong at a time.
#[rstest]
#[case::expired(BENCH.pki.issue(RemotePartyRole::XmlSign, USER, days(-10, -1)), "was valid until")]
#[case::not_yet_valid(BENCH.pki.issue(RemotePartyRole::XmlSign, USER, days(1, 10)), "is valid from")]
#[case::role(BENCH.pki.issue(RemotePartyRole::Supplier, USER, days(-10, 10)), "is for supplier (02), expected xmlSign (87)")]
#[case::role_of_the_dcc(BENCH.pki.issue(RemotePartyRole::DspXmlSign, DCC, days(-10, 10)), "is for dSPXmlSign (89)")]
#[case::chain(
    Pki::generate([9; 32], days(-100, 1000)).unwrap().issue(RemotePartyRole::XmlSign, USER, days(-10, 10)),
    "is not that of its issuer CN=hanrig test authority,OU=07"
)]
fn a_certificate_must_hold(#[case] identity: Result<Identity, hanrig_dcc::security::PkiError>, #[case] expected: &str) {
    let error = BENCH.refusal_of(&identity.unwrap());
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_certificate_holds_for_the_whole_of_its_last_second_and_no_longer() {
    let Period { not_before, not_after } = BENCH.user.certificate().period();
    let at = |now| verify(signed().as_bytes(), &BENCH.store, RemotePartyRole::XmlSign, now);
    assert!(at(not_before).is_ok());
    assert!(at(Utc(not_before.0 - 1)).is_err());
    assert!(at(Utc(not_after.0 + 999)).is_ok());
    assert!(at(Utc(not_after.0 + 1000)).is_err());
}

#[test]
fn an_authority_that_has_expired_invalidates_what_it_issued() {
    let pki = Pki::generate([7; 32], days(-100, -1)).unwrap();
    let user = pki.issue(RemotePartyRole::XmlSign, USER, days(-10, 10)).unwrap();
    let store = pki.trust([user.certificate().clone()]).unwrap();
    let error = refusal(&sign(&request(), &user).unwrap(), &store);
    assert!(error.contains("CN=hanrig test root,OU=00 was valid until"), "{error}");
}

#[test]
fn a_certificate_that_the_store_does_not_have_is_unknown() {
    let store = BENCH.pki.trust([]).unwrap();
    let error = verify(signed().as_bytes(), &store, RemotePartyRole::XmlSign, NOW).unwrap_err();
    assert!(matches!(error, ProtectionError::Certificate(CertificateError::Unknown(_))), "{error}");
}

#[test]
fn without_a_trusted_root_no_chain_ends() {
    let all = [BENCH.pki.root(), BENCH.pki.issuing(), BENCH.user.certificate()].map(Clone::clone);
    let store = TrustStore::new([], all).unwrap();
    let error = refusal(&signed(), &store);
    assert!(error.contains("does not end at a trusted root"), "{error}");
    let store = TrustStore::new([BENCH.pki.root().clone()], [BENCH.user.certificate().clone()]).unwrap();
    let error = refusal(&signed(), &store);
    assert!(error.contains("of whom no certificate is in the store"), "{error}");
}

#[test]
fn a_party_cannot_issue_certificates() {
    // A User that uses its signing key as if it were an authority's.
    let store = TrustStore::new([BENCH.user.certificate().clone()], []).unwrap();
    // It is trusted as a root here, and holds for itself alone.
    assert!(verify(signed().as_bytes(), &store, RemotePartyRole::XmlSign, NOW).is_ok());
    let error = refusal(
        &sign(&request(), &BENCH.pki.issue(RemotePartyRole::XmlSign, DCC, days(-1, 1)).unwrap()).unwrap(),
        &store,
    );
    assert!(error.contains("is not in the store"), "{error}");
}

#[test]
fn two_certificates_of_one_number_are_refused() {
    let pki = Pki::generate([7; 32], days(-100, 999)).unwrap();
    let error = TrustStore::new([BENCH.pki.root().clone()], [pki.root().clone()]).unwrap_err();
    assert!(matches!(error, CertificateError::Ambiguous(_)), "{error}");
}

#[test]
fn pem_round_trips() {
    let text = format!("{}\n{}", BENCH.pki.root().to_pem(), BENCH.user.certificate().to_pem());
    let text = format!("before\n{}{text}", BENCH.user.key_to_pem().unwrap());
    let read = Certificate::from_pem(&text).unwrap();
    assert_eq!(read, [BENCH.pki.root().clone(), BENCH.user.certificate().clone()]);
    assert!(Certificate::from_pem("").is_err());
    assert!(Certificate::from_pem("-----BEGIN CERTIFICATE-----\nAAAA").is_err());
    assert!(Certificate::from_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----").is_err());
}

#[rstest]
#[case("CN=Z1,OU=07", "CN=Z1, OU=07")]
#[case("cn=Z1,ou=07", " CN = Z1 , OU = 07 ")]
#[case(r"CN=a\,b,OU=07", r"CN=a\,b, OU=07")]
fn names_are_compared_without_their_spaces(#[case] one: &str, #[case] other: &str) {
    assert_eq!(CertificateId::new(one, "12"), CertificateId::new(other, "012"));
    assert_ne!(CertificateId::new(one, "12"), CertificateId::new(one, "13"));
}

/// Where a signature could be wrapped, moved or doubled.
#[rstest]
#[case::twice(|xml: &str, element: &str| xml.replace("</sr:Request>", &format!("{element}</sr:Request>")))]
#[case::in_the_body(|xml: &str, element: &str| xml.replace(element, "").replace("</sr:Body>", &format!("{element}</sr:Body>")))]
#[case::first(|xml: &str, element: &str| xml.replace(element, "").replace("<sr:Header>", &format!("{element}<sr:Header>")))]
#[case::signed_request_within_another(|xml: &str, _: &str| {
    let inner = &xml[xml.find("<sr:Request").unwrap()..];
    xml.replace("</sr:Body>", &format!("{inner}</sr:Body>"))
})]
#[case::reference_to_a_part(|xml: &str, _: &str| xml.replace("URI=\"\"", "URI=\"#body\"").replace("<sr:Body>", "<sr:Body Id=\"body\">"))]
#[case::object(|xml: &str, _: &str| xml.replace("</ds:Signature>", "<ds:Object>x</ds:Object></ds:Signature>"))]
#[case::another_digest_method(|xml: &str, _: &str| xml.replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"))]
#[case::second_reference(|xml: &str, _: &str| {
    let (start, end) = (xml.find("<ds:Reference").unwrap(), xml.find("</ds:Reference>").unwrap() + "</ds:Reference>".len());
    format!("{}{}{}", &xml[..end], &xml[start..end], &xml[end..])
})]
#[case::document_type(|xml: &str, _: &str| xml.replace("?>\n", "?>\n<!DOCTYPE a [<!ENTITY b \"c\">]>\n"))]
#[case::certificate_of_the_attacker(|xml: &str, _: &str| xml.replace("<ds:X509IssuerSerial>", "<ds:X509Certificate>AAAA</ds:X509Certificate><ds:X509IssuerSerial>"))]
fn a_wrapped_signature_is_refused(#[case] attack: fn(&str, &str) -> String) {
    let xml = signed();
    let element = &xml[xml.find("<ds:Signature").unwrap()..xml.find("</sr:Request>").unwrap()];
    let attacked = attack(&xml, element);
    assert_ne!(attacked, xml, "the attack changed nothing");
    let error = verify(attacked.as_bytes(), &BENCH.store, RemotePartyRole::XmlSign, NOW).unwrap_err();
    assert!(matches!(error, ProtectionError::NotDuis(_)), "{error}");
}

/// What does not change the canonical form does not change the verdict.
#[rstest]
#[case::comment(|xml: &str| xml.replace("<sr:Body>", "<sr:Body><!-- a comment -->"), true)]
#[case::comment_within_text(|xml: &str| xml.replace(":1000<", ":10<!-- -->00<"), true)]
#[case::comment_in_signed_info(|xml: &str| xml.replace("<ds:SignedInfo>", "<ds:SignedInfo><!-- -->"), true)]
#[case::quotes(|xml: &str| xml.replace("schemaVersion=\"5.4\"", "schemaVersion='5.4'"), true)]
#[case::character_reference(|xml: &str| xml.replace(":1000<", ":1&#48;00<"), true)]
#[case::cdata(|xml: &str| xml.replace(":1000<", ":1<![CDATA[000]]><"), true)]
#[case::line_ends(|xml: &str| xml.replace('\n', "\r\n"), true)]
#[case::attribute_order(|xml: &str| xml.replace("xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" xmlns:sr=\"http://www.dccinterface.co.uk/ServiceUserGateway\"", "xmlns:sr=\"http://www.dccinterface.co.uk/ServiceUserGateway\"  xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\""), true)]
#[case::after_the_root(|xml: &str| format!("{xml}\n\n<!-- the end -->\n"), true)]
#[case::byte_order_mark(|xml: &str| format!("\u{FEFF}{xml}"), true)]
#[case::space_in_content(|xml: &str| xml.replace("<sr:Body>", "<sr:Body> "), false)]
#[case::space_in_signed_info(|xml: &str| xml.replace("<ds:SignedInfo>", "<ds:SignedInfo> "), false)]
#[case::space_within_a_value(|xml: &str| xml.replace(":1000<", ":1000 <"), false)]
#[case::namespace(|xml: &str| xml.replace("<sr:Request ", "<sr:Request xmlns:x=\"urn:x\" "), false)]
#[case::value(|xml: &str| xml.replace(":1000<", ":1001<"), false)]
#[case::schema_version(|xml: &str| xml.replace("\"5.4\"", "\"5.3\""), false)]
fn only_the_canonical_form_counts(#[case] change: fn(&str) -> String, #[case] holds: bool) {
    let changed = change(&signed());
    assert_ne!(changed, signed(), "nothing was changed");
    let verified = verify(changed.as_bytes(), &BENCH.store, RemotePartyRole::XmlSign, NOW);
    assert_eq!(verified.is_ok(), holds, "{verified:?}");
}

#[test]
fn a_request_for_50_000_devices_is_signed_and_verified() {
    let update = UpdateFirmware {
        firmware_image: vec![0x5A; 750_000],
        firmware_version: FirmwareVersion(0x20),
        device_id_list: (0..50_000).map(|n| Eui64(0x00DB_0000_0030_0000 + n)).collect(),
    };
    let xml = Request::new(id(1), ServiceRequest::UpdatePpmidFirmware(update)).to_xml();
    let xml = sign(&xml, &BENCH.user).unwrap();
    let verified = verify(xml.as_bytes(), &BENCH.store, RemotePartyRole::XmlSign, NOW).unwrap();
    assert_eq!(verified.message, duis::parse(&xml).unwrap());
}

proptest! {
    /// Whatever octet is changed: it is refused, or it is the same message still.
    #[test]
    fn a_changed_octet_is_noticed(at in any::<Index>(), octet in any::<u8>()) {
        let xml = signed();
        let mut changed = xml.clone().into_bytes();
        let at = at.index(changed.len());
        changed[at] = octet;
        if let Ok(verified) = verify(&changed, &BENCH.store, RemotePartyRole::XmlSign, NOW) {
            prop_assert_eq!(verified.message, duis::parse(&xml).unwrap());
        }
    }

    /// The same for pieces that are left out or doubled.
    #[test]
    fn a_changed_piece_is_noticed(from in any::<Index>(), to in any::<Index>(), twice in any::<bool>()) {
        let xml = signed().into_bytes();
        let (a, b) = (from.index(xml.len()), to.index(xml.len()));
        let (start, end) = (a.min(b), a.max(b));
        let piece = if twice { &xml[start..end] } else { &[][..] };
        let changed = [&xml[..start], piece, piece, &xml[end..]].concat();
        if let Ok(verified) = verify(&changed, &BENCH.store, RemotePartyRole::XmlSign, NOW) {
            prop_assert_eq!(verified.message, duis::parse_bytes(&xml).unwrap());
        }
    }

    #[test]
    fn no_octets_make_the_reader_of_certificates_panic(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Certificate::from_der(&octets);
        let _ = Certificate::from_pem(&String::from_utf8_lossy(&octets));
    }

    #[test]
    fn a_changed_certificate_is_not_trusted(at in any::<Index>(), octet in any::<u8>()) {
        let der = BENCH.user.certificate().to_der();
        let mut changed = der.to_vec();
        let at = at.index(changed.len());
        changed[at] = octet;
        if let Ok(certificate) = Certificate::from_der(&changed) {
            let id = certificate.id().clone();
            let store = BENCH.pki.trust([certificate]).unwrap();
            let trusted = store.signer(&id, RemotePartyRole::XmlSign, NOW).is_ok();
            prop_assert!(!trusted || changed == der);
        }
    }
}
