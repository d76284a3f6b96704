//! What the DSP asks of the protection of Service Requests (SR-08), and how it protects what it sends.

mod support;

use hanrig_dcc::data::UserRole;
use hanrig_dcc::dsp::{AuditEvent, Dsp, DspConfig, DspOutput};
use hanrig_dcc::duis::DuisMessage;
use hanrig_dcc::security::{Identity, Period, Protection, RemotePartyRole, Verified, sign, verify};
use hanrig_dcc::settings::UnsignedRequests;
use hanrig_dcc::supplier::{Supplier, SupplierConfig};
use hanrig_wire::gbcs::SecretKey;
use hanrig_wire::types::{Eui64, FirmwareVersion};
use rstest::rstest;
use std::sync::Arc;
use support::protection::{CLOCK, PKI, days, dsp, foreign, identity, request, user};
use support::{DCC, GAS, IMPORT, NETWORK, PPMID, SUSPENDED, UNKNOWN, World, at, signing_key};

/// What the DCC signed, if it is what a User takes.
fn from_dcc(xml: &str) -> Verified {
    let store = PKI.trust([identity(RemotePartyRole::DspXmlSign, DCC, days(-10, 10)).certificate().clone()]).unwrap();
    verify(xml.as_bytes(), &store, RemotePartyRole::DspXmlSign, CLOCK).unwrap_or_else(|e| panic!("{e}\n{xml}"))
}

fn code(xml: &str) -> String {
    let DuisMessage::Response(response) = from_dcc(xml).message else { panic!("{xml}") };
    response.response_code.to_string()
}

fn distributes(dsp: &mut Dsp) -> bool {
    std::iter::from_fn(|| dsp.take_output()).any(|output| matches!(output, DspOutput::ToCsp { .. }))
}

#[test]
fn a_signed_request_is_taken_and_its_answer_signed() {
    let mut dsp = dsp(&[]);
    let answer = dsp.on_request(at(10), IMPORT, sign(&request(IMPORT, 1), &user(IMPORT)).unwrap().as_bytes());
    assert_eq!(code(&answer), "I0");
    assert_eq!(from_dcc(&answer).signer.entity(), Some(DCC));
    assert!(distributes(&mut dsp));
}

/// One thing wrong at a time, and what the Service Audit Trail says of it.
#[rstest]
#[case::unsigned(request(IMPORT, 1), user(IMPORT), "the message is not signed")]
#[case::changed(
    sign(&request(IMPORT, 1), &user(IMPORT)).unwrap().replace(">00000020<", ">00000021<"),
    user(IMPORT),
    "the message was changed"
)]
#[case::expired_signer(signed_by(days(-10, -1)).0, signed_by(days(-10, -1)).1, "was valid until")]
#[case::signer_of_tomorrow(signed_by(days(1, 10)).0, signed_by(days(1, 10)).1, "is valid from")]
#[case::role(
    sign(&request(IMPORT, 1), &identity(RemotePartyRole::Supplier, IMPORT, days(-10, 10))).unwrap(),
    identity(RemotePartyRole::Supplier, IMPORT, days(-10, 10)),
    "is for supplier (02), expected xmlSign (87)"
)]
#[case::chain(sign(&request(IMPORT, 1), &foreign()).unwrap(), foreign(), "is not that of its issuer")]
#[case::another_user(sign(&request(IMPORT, 1), &user(GAS)).unwrap(), user(GAS), "is the originator")]
fn a_request_that_does_not_verify_is_refused(#[case] xml: String, #[case] signer: Identity, #[case] why: &str) {
    // A certificate that was replaced keeps its number where it was issued for the same period.
    let mut dsp = dsp(&[signer]);
    let answer = dsp.on_request(at(10), IMPORT, xml.as_bytes());
    assert_eq!(code(&answer), "E104");
    assert!(!distributes(&mut dsp), "nothing is distributed");
    assert!(dsp.tracking(PPMID).is_none());
    let entry = dsp.audit_trail().last().unwrap();
    assert_eq!(entry.event, AuditEvent::RequestRefused);
    assert!(entry.detail.contains(why), "{}", entry.detail);
}

fn signed_by(period: Period) -> (String, Identity) {
    let identity = identity(RemotePartyRole::XmlSign, IMPORT, period);
    (sign(&request(IMPORT, 1), &identity).unwrap(), identity)
}

#[test]
fn a_certificate_that_nobody_knows_is_refused() {
    let mut dsp = dsp(&[]);
    let unknown = user(UNKNOWN);
    let answer = dsp.on_request(at(10), UNKNOWN, sign(&request(UNKNOWN, 1), &unknown).unwrap().as_bytes());
    assert_eq!(code(&answer), "E104");
    assert!(dsp.audit_trail().last().unwrap().detail.contains("is not in the store"));
}

#[rstest]
#[case::suspended(SUSPENDED, "E2")]
#[case::role(NETWORK, "E3")]
fn a_signature_is_not_all(#[case] sender: Eui64, #[case] expected: &str) {
    let mut dsp = dsp(&[]);
    let answer = dsp.on_request(at(10), sender, sign(&request(sender, 1), &user(sender)).unwrap().as_bytes());
    assert_eq!(code(&answer), expected);
    assert!(!distributes(&mut dsp));
}

#[test]
fn the_same_request_is_not_taken_twice() {
    let mut dsp = dsp(&[]);
    let xml = sign(&request(IMPORT, 1), &user(IMPORT)).unwrap();
    assert_eq!(code(&dsp.on_request(at(10), IMPORT, xml.as_bytes())), "I0");
    assert!(distributes(&mut dsp));
    assert_eq!(code(&dsp.on_request(at(20), IMPORT, xml.as_bytes())), "E101");
    assert!(!distributes(&mut dsp));
}

#[test]
fn a_lab_without_signatures_says_so() {
    let mut config = DspConfig::new(DCC, CLOCK, SecretKey::from_scalar(&[2; 32]).unwrap());
    let data = World::new().dsp.data().clone();
    let mut strict = Dsp::new(config.clone(), data.clone());
    let answer = strict.on_request(at(10), IMPORT, request(IMPORT, 1).as_bytes());
    assert!(answer.contains(">E104<"), "{answer}");
    config.settings.unsigned_requests = UnsignedRequests::Taken;
    let mut lax = Dsp::new(config.clone(), data.clone());
    let answer = lax.on_request(at(10), IMPORT, request(IMPORT, 1).as_bytes());
    assert!(answer.contains(">I0<"), "{answer}");
    // What is signed must be right all the same.
    let mut lax = Dsp::new(config, data);
    let answer = lax.on_request(at(10), IMPORT, sign(&request(IMPORT, 1), &user(IMPORT)).unwrap().as_bytes());
    assert!(answer.contains(">E104<"), "{answer}");
}

#[test]
fn alerts_are_signed_in_the_order_in_which_they_were_made() {
    let mut dsp = dsp(&[]);
    // More than are signed at a time by one thread.
    for n in 0..100 {
        let version = FirmwareVersion(0x100 + n);
        dsp.announce_hub_firmware(at(u64::from(n)), version, days(0, 30).not_after).unwrap();
    }
    let mut alerts = Vec::new();
    while let Some(output) = dsp.take_output() {
        let DspOutput::ToUser { user, xml } = output else { panic!("{output:?}") };
        let DuisMessage::Response(response) = from_dcc(&xml).message else { panic!("{xml}") };
        let id = response.response_id.unwrap();
        assert_eq!(id.target, user);
        alerts.push(id.counter);
    }
    assert_eq!(alerts.len(), 500);
    assert!(alerts.is_sorted());
}

fn supplier() -> Supplier {
    let mut supplier = Supplier::new(SupplierConfig {
        eui: IMPORT,
        name: "Import".to_owned(),
        role: UserRole::ImportSupplier,
        dcc: DCC,
        signing_key: signing_key(9),
        first_counter: 1000,
    });
    let dcc = identity(RemotePartyRole::DspXmlSign, DCC, days(-10, 10));
    let protection = Protection {
        identity: Arc::new(user(IMPORT)),
        trust: Arc::new(PKI.trust([dcc.certificate().clone()]).unwrap()),
    };
    supplier.protect(protection, CLOCK);
    supplier
}

#[test]
fn a_supplier_signs_and_takes_only_what_the_dcc_signed() {
    let (mut dsp, mut supplier) = (dsp(&[]), supplier());
    let request = supplier.read_inventory(PPMID);
    let answer = dsp.on_request(at(10), IMPORT, request.to_xml().as_bytes());
    let received = supplier.receive(at(10), &answer).unwrap();
    assert_eq!(received.response.response_code, "I0");
    let changed = answer.replace(">I0<", ">I99<");
    insta::assert_snapshot!(
        supplier.receive(at(10), &changed).unwrap_err(),
        @"the digest of the message is not the one that was signed: the message was changed, or signed in another form"
    );
    let unsigned = from_dcc(&answer);
    let DuisMessage::Response(mut unsigned) = unsigned.message else { panic!() };
    unsigned.signature = None;
    insta::assert_snapshot!(supplier.receive(at(10), &unsigned.to_xml()).unwrap_err(), @"the message is not signed");
    let late = at(11 * 24 * 3600);
    assert!(supplier.receive(late, &answer).unwrap_err().to_string().contains("was valid until"));
    assert_eq!(supplier.inbox().messages().len(), 1);
}
