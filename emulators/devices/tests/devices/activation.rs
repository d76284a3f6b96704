//! Activate Firmware: at once, for later, in parts, and what can go wrong with the image.

use crate::support::{Bench, EPOCH, HOUR, MINUTE, Making, NEW, OLD, SUPPLIER, eui, is_signed, new_image};
use embedded_storage::nor_flash::NorFlash;
use hanrig_devices::Kind;
use hanrig_wire::gbcs::cs06::{self, ActivationResult, Outcome, Response};
use hanrig_wire::gbcs::{AlertCode, Cra};
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::FirmwareVersion;
use rstest::rstest;

fn immediate(result: ActivationResult, version: FirmwareVersion) -> Vec<Response> {
    vec![Response::Immediate(Outcome { result, version })]
}

#[rstest]
#[case(Kind::Esme)]
#[case(Kind::Gsme)]
#[case(Kind::Hcalcs)]
fn at_once(#[case] kind: Kind) {
    let mut bench = Bench::of(kind);
    let image = new_image();
    bench.deliver(&image);
    assert_eq!(bench.activate(image.hash), immediate(ActivationResult::Success, NEW));
    assert_eq!(bench.version(), NEW);
    let (_, response) = bench.told.iter().find(|(_, message)| message.message_code == cs06::MESSAGE_CODE).unwrap();
    assert_eq!((response.cra, response.originator, response.recipient), (Cra::Response, eui(kind, 0), SUPPLIER));
    assert!(is_signed(response));
    // The image runs: there is none any more to activate.
    assert_eq!(bench.activate(image.hash), immediate(ActivationResult::NoImageHeld, NEW));
    bench.power_off();
    bench.power_on();
    bench.run(10 * MINUTE);
    assert_eq!(bench.version(), NEW);
    assert!(!bench.alerts().contains(&AlertCode::FIRMWARE_VERIFICATION_FAILED_AT_POWER_ON));
}

#[test]
fn nothing_held() {
    let mut bench = Bench::of(Kind::Hcalcs);
    assert_eq!(bench.activate(new_image().hash), immediate(ActivationResult::NoImageHeld, OLD));
    assert_eq!(bench.version(), OLD);
}

#[test]
fn another_hash() {
    let mut bench = Bench::of(Kind::Hcalcs);
    let image = new_image();
    bench.deliver(&image);
    assert_eq!(bench.activate([0xEE; 32]), immediate(ActivationResult::HashMismatch, OLD));
    assert_eq!(bench.version(), OLD);
    // The image is still held.
    assert_eq!(bench.activate(image.hash), immediate(ActivationResult::Success, NEW));
}

#[test]
fn an_image_that_was_damaged_in_flash() {
    let mut bench = Bench::of(Kind::Hcalcs);
    let image = new_image();
    bench.deliver(&image);
    let held = bench.device().held_image().unwrap();
    bench.power_off();
    bench.flash().write(held.start + 1000, &[0; 4]).unwrap();
    bench.power_on();
    bench.run(10 * MINUTE);
    assert_eq!(bench.alerts(), [], "what is held does not run, and is verified when it is activated");
    assert_eq!(bench.activate(image.hash), immediate(ActivationResult::ActivationFailure, OLD));
    assert_eq!(bench.alerts(), [AlertCode::FIRMWARE_VERIFICATION_FAILED]);
    assert_eq!(bench.version(), OLD);
    // Another delivery mends it.
    bench.deliver(&image);
    assert_eq!(bench.activate(image.hash), immediate(ActivationResult::Success, NEW));
}

#[rstest]
#[case::from_the_factory(false)]
#[case::that_was_installed(true)]
fn running_firmware_that_was_damaged_is_told_of_at_power_on(#[case] installed: bool) {
    let mut bench = Bench::of(Kind::Hcalcs);
    if installed {
        let image = new_image();
        bench.deliver(&image);
        bench.activate(image.hash);
    }
    let running = bench.device().running_firmware();
    bench.power_off();
    bench.flash().write(running.start + 100, &[0; 4]).unwrap();
    bench.power_on();
    bench.run(10 * MINUTE);
    assert_eq!(bench.alerts(), [AlertCode::FIRMWARE_VERIFICATION_FAILED_AT_POWER_ON]);
    let (_, alert) = bench.told.last().unwrap();
    assert_eq!((alert.cra, alert.originator, alert.recipient), (Cra::Alert, eui(Kind::Hcalcs, 0), SUPPLIER));
    assert!(is_signed(alert));
}

/// `EPOCH` is what UTC is when the bench starts.
fn utc(at: Instant) -> Utc {
    EPOCH.after(at - Instant::ZERO)
}

#[rstest]
#[case(Kind::Esme)]
#[case(Kind::Gsme)]
fn for_later(#[case] kind: Kind, #[values(false, true)] off_meanwhile: bool) {
    let mut bench = Bench::of(kind);
    let image = new_image();
    bench.deliver(&image);
    let execution = Utc::from_unix_seconds(utc(bench.now + 6 * HOUR).unix_seconds());
    bench.command(image.hash, Some(execution));
    bench.run(MINUTE);
    assert_eq!(bench.activations(), [Response::FutureDated]);
    if off_meanwhile {
        bench.power_off();
        bench.run(HOUR);
        bench.power_on();
    }
    let told = |bench: &Bench| !bench.future_outcomes().is_empty();
    assert!(bench.run_until(7 * HOUR, told));
    let [alert] = bench.future_outcomes()[..] else { panic!("{:?}", bench.future_outcomes()) };
    let Outcome { result, version } = alert.outcome;
    assert_eq!((alert.alert_code, result, version), (AlertCode::FUTURE_DATED_SUCCESS, ActivationResult::Success, NEW));
    // A clock that the hub has set is right to the second.
    let late = alert.time.0 - execution.0;
    assert!((0..=1000).contains(&late), "{late} ms late");
    bench.run(MINUTE);
    assert_eq!(bench.version(), NEW);
    assert_eq!(bench.activations().len(), 1, "the Alert stands in for a second Response");
}

#[rstest]
#[case::nothing_held(false, [0; 32], ActivationResult::NoImageHeld)]
#[case::another_hash(true, [0; 32], ActivationResult::HashMismatch)]
fn for_later_and_it_fails(#[case] held: bool, #[case] hash: [u8; 32], #[case] expected: ActivationResult) {
    let mut bench = Bench::of(Kind::Esme);
    if held {
        bench.deliver(&new_image());
    }
    bench.command(hash, Some(utc(bench.now + HOUR)));
    bench.run(2 * HOUR);
    let [alert] = bench.future_outcomes()[..] else { panic!("{:?}", bench.future_outcomes()) };
    assert_eq!((alert.alert_code, alert.outcome.result), (AlertCode::FUTURE_DATED_FAILURE, expected));
    assert_eq!(bench.version(), OLD);
}

#[test]
fn a_later_command_takes_the_place_of_one_that_waits() {
    let mut bench = Bench::of(Kind::Esme);
    let image = new_image();
    bench.deliver(&image);
    bench.command(image.hash, Some(utc(bench.now + HOUR)));
    bench.run(MINUTE);
    bench.command(image.hash, Some(utc(bench.now + 3 * HOUR)));
    bench.run(2 * HOUR);
    assert_eq!(bench.future_outcomes(), []);
    bench.run(2 * HOUR);
    assert_eq!(bench.future_outcomes().len(), 1);
}

#[test]
fn a_time_in_the_past_is_the_present() {
    let mut bench = Bench::of(Kind::Gsme);
    let image = new_image();
    bench.deliver(&image);
    bench.command(image.hash, Some(Utc(EPOCH.0 - 1_000_000)));
    bench.run(Duration::from_secs(20));
    assert_eq!(bench.future_outcomes().len(), 1);
    assert_eq!(bench.version(), NEW);
}

fn part(number: u8) -> Making {
    Making { part: (number, 2), ..Making::default() }
}

#[test]
fn firmware_in_two_parts() {
    let mut bench = Bench::of(Kind::Hcalcs);
    let (first, last) = (part(1).make(), part(2).make());
    bench.deliver(&first);
    assert_eq!(bench.activate(first.hash), immediate(ActivationResult::Success, OLD));
    assert_eq!(bench.version(), OLD);
    bench.power_off();
    bench.power_on();
    bench.run(10 * MINUTE);
    bench.deliver(&last);
    assert_eq!(bench.version(), OLD);
    assert_eq!(bench.activate(last.hash), immediate(ActivationResult::Success, NEW));
    assert_eq!(bench.version(), NEW);
}

#[test]
fn the_last_part_alone() {
    let mut bench = Bench::of(Kind::Hcalcs);
    let last = part(2).make();
    bench.deliver(&last);
    assert_eq!(bench.activate(last.hash), immediate(ActivationResult::ActivationFailure, OLD));
    assert_eq!(bench.version(), OLD);
}
