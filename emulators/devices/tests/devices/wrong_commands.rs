//! Commands that are not carried out.

use crate::support::{
    Bench, MINUTE, NEW, OLD, OTHER_KEY, OTHER_SUPPLIER, SUPPLIER_KEY, new_image, signing_key, with_mac, with_wrong_mac,
};
use hanrig_devices::Kind;
use hanrig_wire::gbcs::{AlertCode, Message};
use proptest::prelude::*;
use rstest::rstest;

fn signed(mut message: Message, key: u8) -> Message {
    message.sign(&signing_key(key));
    message
}

fn wrong_signature(message: Message) -> Vec<u8> {
    with_mac(&signed(message, OTHER_KEY))
}

fn unsigned(message: Message) -> Vec<u8> {
    with_mac(&message)
}

fn wrong_mac(message: Message) -> Vec<u8> {
    with_wrong_mac(&signed(message, SUPPLIER_KEY))
}

fn no_mac(message: Message) -> Vec<u8> {
    signed(message, SUPPLIER_KEY).emit()
}

fn other_supplier(message: Message) -> Vec<u8> {
    with_mac(&signed(Message { originator: OTHER_SUPPLIER, ..message }, OTHER_KEY))
}

fn broker(message: Message) -> Vec<u8> {
    with_mac(&signed(Message { originator: crate::support::BROKER, ..message }, SUPPLIER_KEY))
}

fn another_counter_within(message: Message) -> Vec<u8> {
    with_mac(&signed(Message { counter: message.counter + 1, ..message }, SUPPLIER_KEY))
}

fn malformed(message: Message) -> Vec<u8> {
    with_mac(&signed(Message { content: vec![0x30, 0x00], ..message }, SUPPLIER_KEY))
}

fn another_use_case(message: Message) -> Vec<u8> {
    with_mac(&signed(Message { message_code: 0x0062, ..message }, SUPPLIER_KEY))
}

#[rstest]
#[case(wrong_signature, AlertCode::TRUSTED_SOURCE_AUTHENTICATION_FAILURE)]
#[case(unsigned, AlertCode::TRUSTED_SOURCE_AUTHENTICATION_FAILURE)]
#[case(wrong_mac, AlertCode::TRUSTED_SOURCE_AUTHENTICATION_FAILURE)]
#[case(no_mac, AlertCode::TRUSTED_SOURCE_AUTHENTICATION_FAILURE)]
#[case(other_supplier, AlertCode::SOURCE_WITHOUT_AUTHORITY)]
#[case(broker, AlertCode::SOURCE_WITHOUT_AUTHORITY)]
#[case(another_counter_within, AlertCode::COMMAND_INTEGRITY_FAILED)]
#[case(malformed, AlertCode::COMMAND_INTEGRITY_FAILED)]
#[case(another_use_case, AlertCode::COMMAND_INTEGRITY_FAILED)]
fn change_nothing(#[case] spoil: fn(Message) -> Vec<u8>, #[case] code: u16) {
    let mut bench = Bench::of(Kind::Hcalcs);
    let image = new_image();
    bench.deliver(&image);
    let message = bench.activate_command(image.hash, None);
    bench.send(spoil(message));
    bench.run(10 * MINUTE);
    assert_eq!(bench.activations(), []);
    assert_eq!(bench.alerts(), [code]);
    assert_eq!(bench.version(), OLD);
    // The image is still held, and what is sound is still obeyed.
    bench.next_counter();
    bench.activate(image.hash);
    assert_eq!(bench.version(), NEW);
}

#[rstest]
fn a_command_is_carried_out_once(#[values(false, true)] off_meanwhile: bool) {
    let mut bench = Bench::of(Kind::Hcalcs);
    let image = new_image();
    let message = bench.activate_command(image.hash, None);
    let octets = with_mac(&signed(message, SUPPLIER_KEY));
    bench.send(octets.clone());
    bench.run(10 * MINUTE);
    assert_eq!(bench.activations().len(), 1, "noImageHeld");
    bench.deliver(&image);
    if off_meanwhile {
        bench.power_off();
        bench.power_on();
        bench.run(10 * MINUTE);
    }
    bench.send(octets);
    bench.run(10 * MINUTE);
    assert_eq!(bench.activations().len(), 1);
    assert_eq!(bench.alerts(), [AlertCode::AUTHENTICATION_FAILED]);
    assert_eq!(bench.version(), OLD);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// One changed octet of a sound Command, wherever it is, and nothing happens.
    #[test]
    fn changed_octets_do_no_harm(at in 0_usize..1000, bit in 0_u8..8) {
        let mut bench = Bench::of(Kind::Hcalcs);
        let image = new_image();
        bench.deliver(&image);
        let message = bench.activate_command(image.hash, None);
        let mut octets = with_mac(&signed(message, SUPPLIER_KEY));
        let at = at % octets.len();
        octets[at] ^= 1 << bit;
        bench.send(octets);
        bench.run(10 * MINUTE);
        prop_assert_eq!(bench.activations(), []);
        prop_assert_eq!(bench.version(), OLD);
    }
}
