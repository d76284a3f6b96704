//! ECS02 and ECS03: messages of our own values, their octets written by hand from the layout, and what is wrong with others.

use hanrig_wire::gbcs::payment_mode::{Command, Response};
use hanrig_wire::gbcs::{Content, Cra, Message, MessageCode, PaymentMode, Prepayment, decode_content};
use hanrig_wire::types::{DeviceType, Eui64};
use proptest::prelude::*;
use rstest::rstest;

/// The sets of ECS03, and the account's payment mode prepayment.
const PREPAYMENT: &str = "00 05 02006f0001130000ff02 02232800005e2c801604 02006f0001130000ff0b 02232800005e2c801606 \
    02006f0001130000ff0d 05 0202 1602 1601";
/// The sets of ECS02, and the account's payment mode credit.
const CREDIT: &str = "00 03 02006f0001130000ff02 02006f0001130000ff0b 02006f0001130000ff0d 03 0202 1601 1601";
const AT_ONCE: &str = "090c 0000000000000000008000ff";

fn octets(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

fn prepayment(suspend_debt_disabled: bool, suspend_debt_emergency: bool, disablement_threshold: i32) -> PaymentMode {
    PaymentMode::Prepayment(Prepayment { suspend_debt_disabled, suspend_debt_emergency, disablement_threshold })
}

/// Charges of credits, each as the last octets of the two OBIS codes and the collection.
fn links(links: &[(u8, u8, u8)]) -> String {
    let links = links.iter().map(|(credit, charge, collection)| {
        format!("0203 09060000130a{credit:02x}ff 090600001314{charge:02x}ff 0403{collection:02x}")
    });
    links.collect::<Vec<_>>().join(" ")
}

fn message(cra: Cra, message_code: u16, content: Vec<u8>) -> Message {
    Message {
        cra,
        counter: 0x0A_0B0C,
        originator: Eui64(0x90B3_D51F_3001_0000),
        recipient: Eui64(0x00DB_1234_5678_90A0),
        date_time: None,
        message_code,
        supplementary: None,
        content,
        signature: None,
    }
}

#[rstest]
#[case(false, 0xE0, 10)]
#[case(true, 0xC0, 10)]
fn to_prepayment(#[case] suspended: bool, #[case] debt: u8, #[case] count: u8) {
    let command = Command::new(0x0A_0B0C, prepayment(suspended, false, -258));
    let first = links(&[(0, 0, 0xE0), (0, 4, 0xE0), (0, 1, debt), (0, 2, debt), (0, 3, 0xE0)]);
    let second = links(&[(1, 3, 0xE0), (1, 0, 0xE0), (1, 4, 0xE0), (1, 1, debt), (1, 2, debt)]);
    let expected = format!("d920 0a0b0c {PREPAYMENT} 05 fffffefe 01{count:02x} {first} {second} {AT_ONCE} {AT_ONCE}");
    assert_eq!(command.encode(), octets(&expected));
    assert_eq!(Command::decode_prepayment(&octets(&expected)), Ok(command));
    assert!(command.is_of(0x77_000A_0B0C) && !command.is_of(0x0A_0B0D));
}

#[test]
fn debt_suspended_in_emergency_credit() {
    let with = Command::new(1, prepayment(true, true, 7)).encode();
    let third = octets(&links(&[(2, 4, 0xE0), (2, 1, 0xE0), (2, 2, 0xE0)]));
    let without = Command::new(1, prepayment(true, false, 7)).encode();
    let times = octets(&format!("{AT_ONCE}{AT_ONCE}"));
    let mut expected = [without.strip_suffix(&*times).unwrap(), &third, &times].concat();
    let count = octets(&format!("d920 000001 {PREPAYMENT} 05 00000007 01")).len();
    expected[count] = 13;
    assert_eq!(with, expected);
}

#[rstest]
#[case(false, "0102", &[(0, 0, 0xE0), (0, 4, 0xE0)])]
#[case(true, "0103", &[(0, 0, 0xE0), (0, 4, 0xE0), (0, 5, 0xE0)])]
fn to_credit(#[case] twin: bool, #[case] array: &str, #[case] charges: &[(u8, u8, u8)]) {
    let command = Command { twin, ..Command::new(0x0A_0B0C, PaymentMode::Credit) };
    let expected = octets(&format!("d920 0a0b0c {CREDIT} {array} {} {AT_ONCE}", links(charges)));
    assert_eq!(command.encode(), expected);
    assert_eq!(Command::decode_credit(&expected), Ok(command));
}

#[rstest]
#[case(PaymentMode::Credit, true, "da20 0a0b0c 0000 03 000000 03 0200 0200 0200", "success")]
#[case(
    PaymentMode::Credit,
    false,
    "da20 0a0b0c 0000 03 000000 03 0200 0200 02fa",
    "failure, data access results 0 0 250"
)]
#[case(prepayment(true, true, 0), true, "da20 0a0b0c 0000 05 0000000000 05 0200 0200 0200 0200 0200", "success")]
#[case(
    prepayment(true, true, 0),
    false,
    "da20 0a0b0c 0000 05 0000000000 05 0200 0200 0200 0200 02fa",
    "failure, data access results 0 0 0 0 250"
)]
fn responses(#[case] mode: PaymentMode, #[case] success: bool, #[case] expected: &str, #[case] line: &str) {
    let response = Response::new(0x0A_0B0C, mode, success);
    assert_eq!(response.encode(), octets(expected));
    assert_eq!(response.is_success(), success);
    assert_eq!(response.to_string(), line);
    let content = decode_content(&message(Cra::Response, mode.message_code(DeviceType::Esme), octets(expected)));
    assert_eq!(content, Ok(Content::PaymentModeResponse(response)));
}

#[test]
fn lines() {
    let line = |mode: PaymentMode, cra, content| message(cra, mode.message_code(DeviceType::Esme), content).to_string();
    let mode = prepayment(true, true, 1500);
    let later = Command { time: [0xFF; 12], ..Command::new(1, PaymentMode::Credit) };
    let lines = [
        line(mode, Cra::Command, Command::new(1, mode).encode()),
        line(PaymentMode::Credit, Cra::Command, later.encode()),
        line(PaymentMode::Credit, Cra::Response, Response::new(1, PaymentMode::Credit, true).encode()),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r"
    ECS03 Set Payment Mode to Prepayment command 90-B3-D5-1F-30-01-00-00 -> 00-DB-12-34-56-78-90-A0, counter 658188: set payment mode to prepayment with disablement threshold 1500, debt suspended when disabled and in emergency credit at once
    ECS02 Set Payment Mode to Credit command 90-B3-D5-1F-30-01-00-00 -> 00-DB-12-34-56-78-90-A0, counter 658188: set payment mode to credit at ffffffffffffffffffffffff
    ECS02 Set Payment Mode to Credit response 90-B3-D5-1F-30-01-00-00 -> 00-DB-12-34-56-78-90-A0, counter 658188: success
    ");
}

#[test]
fn the_two_times_must_be_the_same() {
    let mut content = Command::new(1, prepayment(true, false, 1)).encode();
    *content.last_mut().unwrap() ^= 1;
    let error = Command::decode_prepayment(&content).unwrap_err();
    assert!(error.to_string().contains("account activation time"), "{error}");
}

fn any_command() -> impl Strategy<Value = Command> {
    let terms = any::<(bool, bool, i32)>()
        .prop_map(|(disabled, emergency, threshold)| prepayment(disabled, emergency, threshold));
    let mode = prop_oneof![Just(PaymentMode::Credit), terms];
    (any::<[u8; 3]>(), mode, any::<bool>(), any::<[u8; 12]>()).prop_map(|(invoke_id, mode, twin, time)| Command {
        invoke_id,
        mode,
        twin,
        time,
    })
}

proptest! {
    #[test]
    fn commands_survive_a_round_trip(command in any_command()) {
        let content = command.encode();
        let read = decode_content(&message(Cra::Command, command.mode.message_code(DeviceType::Esme), content.clone()));
        prop_assert_eq!(read, Ok(Content::PaymentModeCommand(command)));
        for length in 0..content.len() {
            let cut = message(Cra::Command, command.mode.message_code(DeviceType::Esme), content[..length].to_vec());
            prop_assert!(decode_content(&cut).is_err());
        }
    }

    #[test]
    fn what_parses_is_emitted_again(command in any_command(), position in 0usize..400, octet in any::<u8>()) {
        let mut content = command.encode();
        if let Some(changed) = content.get_mut(position) {
            *changed = octet;
        }
        if let Ok(read) = decode_content(&message(Cra::Command, command.mode.message_code(DeviceType::Esme), content.clone())) {
            prop_assert_eq!(read.encode(), content);
        }
    }

    #[test]
    fn random_octets_do_no_harm(
        octets in proptest::collection::vec(any::<u8>(), 0..60),
        code in prop_oneof![Just(MessageCode::ECS02), Just(MessageCode::ECS03)],
        cra in prop_oneof![Just(Cra::Command), Just(Cra::Response)],
    ) {
        if let Ok(read) = decode_content(&message(cra, code, octets.clone())) {
            prop_assert_eq!(read.encode(), octets);
        }
    }
}
