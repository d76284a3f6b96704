//! Whatever reaches DSP and CSP from outside, they answer or pass it over, and go on.

mod support;

use hanrig_dcc::csp::{Csp, CspConfig, CspOutput};
use hanrig_dcc::data::CspRegion;
use hanrig_dcc::duis::{Request, RequestId, ServiceRequest};
use hanrig_wire::gbcs::ccs08::TransferResponseCode;
use hanrig_wire::hdlc::Encoder;
use hanrig_wire::time::{Instant, Utc};
use proptest::collection::vec;
use proptest::prelude::*;
use support::{DCC, HUB, IMPORT, PPMID, World, signed, transfer_alert};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_request_gets_an_answer(
        octets in vec(any::<u8>(), 0..100),
        index in any::<proptest::sample::Index>(),
        octet in any::<u8>(),
    ) {
        let mut world = World::new();
        let answer = world.send_xml(IMPORT, &octets);
        prop_assert_eq!(answer.response_code.as_str(), "E100");
        let id = RequestId { originator: IMPORT, target: DCC, counter: 1 };
        let mut xml = Request::new(id, ServiceRequest::ReadInventory { device_id: PPMID }).to_xml().into_bytes();
        let at = index.index(xml.len());
        xml[at] = octet;
        world.send_xml(IMPORT, &xml);
    }

    #[test]
    fn gbcs_messages_that_are_changed_change_nothing(
        octets in vec(any::<u8>(), 0..100),
        index in any::<proptest::sample::Index>(),
        bit in 0..8u8,
    ) {
        let mut world = World::new();
        world.approved(IMPORT, &[PPMID]);
        world.gbcs(HUB, octets);
        let mut alert = signed(transfer_alert(HUB, PPMID, TransferResponseCode::Success));
        let at = index.index(alert.len());
        alert[at] ^= 1 << bit;
        world.gbcs(HUB, alert);
        prop_assert_eq!(world.status(PPMID), Some("APPROVED_FOR_DISTRIBUTION"));
        prop_assert!(world.alerts().is_empty());
    }

    #[test]
    fn octets_on_a_wan_link(frames in vec(vec(any::<u8>(), 0..60), 0..20), framed in any::<bool>()) {
        let mut csp = Csp::new(CspConfig::new(CspRegion::North, Utc(0)));
        csp.add_hub(HUB);
        csp.set_link(Instant::ZERO, HUB, true);
        for mut frame in frames {
            // A version octet that is right gets random frames past the first check.
            if let Some(first) = frame.first_mut() {
                *first = 1;
            }
            let octets: Vec<u8> = if framed { Encoder::new(&frame).collect() } else { frame };
            csp.on_hub_octets(Instant::ZERO, HUB, &octets);
        }
        let mut outputs = 0;
        while let Some(output) = csp.take_output() {
            let elsewhere = matches!(output, CspOutput::ToHub { hub, .. } if hub != HUB);
            prop_assert!(!elsewhere);
            outputs += 1;
        }
        prop_assert!(outputs <= 60);
    }
}
