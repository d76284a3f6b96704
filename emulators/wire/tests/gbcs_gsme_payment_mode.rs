//! GCS02 and GCS03: messages of our own values, their octets written by hand from the layout, and what is wrong with others.

use hanrig_wire::gbcs::gsme_payment_mode::{AT_ONCE, CANCELLED, Command, Response, Terms};
use hanrig_wire::gbcs::{Content, Cra, Message, PaymentMode, Prepayment, decode_content};
use hanrig_wire::time::Utc;
use hanrig_wire::types::{DeviceType, Eui64};
use proptest::prelude::*;
use rstest::rstest;

/// Frame, Change Payment Mode of provider 0, and the issuer event identifier 0x0A0B0C0D.
const CHANGE: &str = "0109 01 01 0705 0015 01 00 06 00000000 0d0c0b0a";

fn octets(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

fn prepayment(suspend_debt_disabled: bool, suspend_debt_emergency: bool, disablement_threshold: i32) -> PaymentMode {
    PaymentMode::Prepayment(Prepayment { suspend_debt_disabled, suspend_debt_emergency, disablement_threshold })
}

fn message(cra: Cra, message_code: u16, content: Vec<u8>) -> Message {
    Message {
        cra,
        counter: 7,
        originator: Eui64(0x90B3_D51F_3001_0000),
        recipient: Eui64(0x00DB_1234_5678_90A1),
        date_time: None,
        message_code,
        supplementary: None,
        content,
        signature: None,
    }
}

#[rstest]
#[case(PaymentMode::Credit, AT_ONCE, 0x006C, "00000000 940c ffffffff")]
#[case(PaymentMode::Credit, CANCELLED, 0x006C, "ffffffff 940c ffffffff")]
#[case(prepayment(false, false, 1500), AT_ONCE, 0x006D, "00000000 9708 dc050000")]
#[case(prepayment(false, true, 0), 0x0102_0304, 0x006D, "04030201 9700 00000000")]
#[case(prepayment(true, false, -2), AT_ONCE, 0x006D, "00000000 970c feffffff")]
#[case(prepayment(true, true, 1), AT_ONCE, 0x006D, "00000000 9704 01000000")]
fn commands(#[case] mode: PaymentMode, #[case] time: u32, #[case] code: u16, #[case] rest: &str) {
    let command = Command { time, ..Command::new(0x0A0B_0C0D, mode) };
    let expected = octets(&format!("{CHANGE} {rest}"));
    assert_eq!(command.encode(), expected);
    assert_eq!(mode.message_code(DeviceType::Gsme), code);
    let content = decode_content(&message(Cra::Command, code, expected));
    assert_eq!(content, Ok(Content::GsmePaymentModeCommand(command)));
}

#[rstest]
#[case(
    Ok(Terms { friendly_credit: 1, friendly_credit_calendar_id: 2, emergency_credit_limit: 3, emergency_credit_threshold: 4 }),
    "0109 01 01 0705 0010 19 00 02 01 02000000 03000000 04000000",
    "success"
)]
#[case(Err(0xC0), "0109 01 01 0705 0005 08 00 0b 06 c0", "failure, ZCL status 0xC0")]
fn responses(#[case] outcome: Result<Terms, u8>, #[case] expected: &str, #[case] line: &str) {
    let response = Response { outcome };
    assert_eq!(response.encode(), octets(expected));
    assert_eq!(response.to_string(), line);
    for mode in [PaymentMode::Credit, prepayment(true, true, 0)] {
        let content = decode_content(&message(Cra::Response, mode.message_code(DeviceType::Gsme), octets(expected)));
        assert_eq!(content, Ok(Content::GsmePaymentModeResponse(response)));
        assert_eq!(content.unwrap().took_payment_mode(), Some(outcome.is_ok()));
    }
}

#[test]
fn the_time_of_making_tells_a_command_from_others() {
    let content = Content::set_payment_mode(DeviceType::Gsme, 9, Utc::from_zigbee(0x0A0B_0C0D), PaymentMode::Credit);
    assert_eq!(content, Content::GsmePaymentModeCommand(Command::new(0x0A0B_0C0D, PaymentMode::Credit)));
}

#[rstest]
// Credit by the message code of prepayment, and the other way round.
#[case(0x006D, "00000000 940c ffffffff")]
#[case(0x006C, "00000000 9708 00000000")]
// A bit that no mode has, and credit that is cut off.
#[case(0x006D, "00000000 9709 00000000")]
#[case(0x006C, "00000000 940c 00000000")]
fn a_configuration_of_another_mode_is_told(#[case] code: u16, #[case] rest: &str) {
    let error = decode_content(&message(Cra::Command, code, octets(&format!("{CHANGE} {rest}")))).unwrap_err();
    assert!(error.to_string().contains("payment control configuration at content offset 23"), "{error}");
}

#[test]
fn lines() {
    let line = |mode: PaymentMode, time| {
        let command = Command { time, ..Command::new(1, mode) };
        message(Cra::Command, mode.message_code(DeviceType::Gsme), command.encode()).to_string()
    };
    let lines = [
        line(prepayment(true, false, 1500), AT_ONCE),
        line(PaymentMode::Credit, CANCELLED),
        line(PaymentMode::Credit, 5),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r"
    GCS03 Set Payment Mode to Prepayment command 90-B3-D5-1F-30-01-00-00 -> 00-DB-12-34-56-78-90-A1, counter 7: set payment mode to prepayment with disablement threshold 1500, debt suspended when disabled at once
    GCS02 Set Payment Mode to Credit command 90-B3-D5-1F-30-01-00-00 -> 00-DB-12-34-56-78-90-A1, counter 7: set payment mode to credit, cancelled
    GCS02 Set Payment Mode to Credit command 90-B3-D5-1F-30-01-00-00 -> 00-DB-12-34-56-78-90-A1, counter 7: set payment mode to credit 5 s after the start of 2000
    ");
}

fn any_mode() -> impl Strategy<Value = PaymentMode> {
    let terms = any::<(bool, bool, i32)>()
        .prop_map(|(disabled, emergency, threshold)| prepayment(disabled, emergency, threshold));
    prop_oneof![Just(PaymentMode::Credit), terms]
}

proptest! {
    #[test]
    fn commands_survive_a_round_trip(issuer_event_id in any::<u32>(), mode in any_mode(), time in any::<u32>()) {
        let command = Command { issuer_event_id, mode, time };
        let (code, content) = (mode.message_code(DeviceType::Gsme), command.encode());
        let read = decode_content(&message(Cra::Command, code, content.clone()));
        prop_assert_eq!(read, Ok(Content::GsmePaymentModeCommand(command)));
        for length in 0..content.len() {
            prop_assert!(decode_content(&message(Cra::Command, code, content[..length].to_vec())).is_err());
        }
    }

    #[test]
    fn what_parses_is_emitted_again(mode in any_mode(), cra in 0..2, position in 0usize..40, octet in any::<u8>()) {
        let (cra, mut content) = match cra {
            0 => (Cra::Command, Command::new(1, mode).encode()),
            _ => (Cra::Response, Response { outcome: Ok(Terms::default()) }.encode()),
        };
        if let Some(changed) = content.get_mut(position) {
            *changed = octet;
        }
        if let Ok(read) = decode_content(&message(cra, mode.message_code(DeviceType::Gsme), content.clone())) {
            prop_assert_eq!(read.encode(), content);
        }
    }
}
