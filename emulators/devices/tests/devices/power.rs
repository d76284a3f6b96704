//! Power that goes at any point: the old firmware runs or the new, and the update can be completed.

use crate::support::{Bench, HOUR, MINUTE, NEW, OLD, SUPPLIER_KEY, config, new_image, signing_key, with_mac};
use hanrig_devices::Kind;
use hanrig_wire::gbcs::cs06::{ActivationResult, Outcome, Response};
use hanrig_wire::gbcs::{Content, Message, PaymentMode, Prepayment};
use hanrig_wire::time::{Duration, Utc};
use rstest::rstest;

/// Seconds after the hub has got the image.
#[rstest]
fn lost_during_the_download(
    #[values(Kind::Gsme, Kind::Hcalcs)] kind: Kind,
    #[values(0, 1, 2, 5, 1200)] after: u64,
    #[values(1, 3 * 3600)] off: u64,
) {
    let mut bench = Bench::of(kind);
    let image = crate::support::Making { body: 40_000, ..Default::default() }.make();
    bench.distribute(kind, &[crate::support::eui(kind, 0)], &image);
    bench.run(Duration::from_secs(after));
    bench.power_off();
    bench.run(Duration::from_secs(off));
    bench.power_on();
    assert!(bench.run_until(3 * HOUR, |bench| !bench.transfers().is_empty()), "{:#?}", bench.log());
    bench.run(MINUTE);
    assert_eq!(bench.transfers(), [(crate::support::eui(kind, 0), 0)]);
    assert_eq!(bench.version(), OLD);
    bench.activate(image.hash);
    assert_eq!(bench.version(), NEW);
}

#[rstest]
fn a_meter_keeps_its_payment_mode(#[values(Kind::Esme, Kind::Gsme)] kind: Kind) {
    let mode = PaymentMode::Prepayment(Prepayment {
        suspend_debt_disabled: true,
        suspend_debt_emergency: false,
        disablement_threshold: -200,
    });
    let mut bench = Bench::of(kind);
    assert_eq!(bench.device().payment_mode(), PaymentMode::Credit);
    let activate = bench.activate_command([0; 32], None);
    let device_type = kind.device_type();
    let content = Content::set_payment_mode(device_type, activate.counter, Utc(0), mode).encode();
    let mut message = Message { message_code: mode.message_code(device_type), content, ..activate };
    message.sign(&signing_key(SUPPLIER_KEY));
    bench.send(with_mac(&message));
    bench.run(MINUTE);
    assert_eq!(bench.device().payment_mode(), mode);
    bench.power_off();
    bench.run(HOUR);
    bench.power_on();
    bench.run(MINUTE);
    assert_eq!(bench.device().payment_mode(), mode);
}

#[test]
fn a_download_goes_on_where_it_was() {
    let mut bench = Bench::of(Kind::Hcalcs);
    let image = crate::support::Making { body: 100_000, ..Default::default() }.make();
    bench.distribute(Kind::Hcalcs, &[crate::support::eui(Kind::Hcalcs, 0)], &image);
    let half = |bench: &Bench| bench.device().held_image().is_some();
    assert!(!bench.run_until(Duration::from_secs(20), half));
    bench.power_off();
    bench.run(MINUTE);
    bench.power_on();
    bench.run(HOUR);
    let resumed: Vec<_> = bench.log().iter().filter(|line| line.contains("goes on at offset")).collect();
    assert_eq!(resumed.len(), 1);
    assert!(!resumed[0].ends_with("offset 0"), "{}", resumed[0]);
}

#[test]
fn lost_between_download_and_activation() {
    let mut bench = Bench::of(Kind::Hcalcs);
    let image = new_image();
    bench.deliver(&image);
    bench.power_off();
    bench.run(24 * HOUR);
    bench.power_on();
    bench.run(10 * MINUTE);
    assert_eq!(bench.version(), OLD);
    bench.activate(image.hash);
    assert_eq!(bench.version(), NEW);
}

/// Milliseconds after the Command was sent. The Response is not lost; it comes again where the power went before the
/// Device knew that the hub had it.
#[rstest]
fn lost_during_activation(#[values(0, 5, 20, 30, 50, 100, 1000, 2100, 5000, 7500)] after: u64) {
    let mut bench = Bench::of(Kind::Hcalcs);
    let image = new_image();
    bench.deliver(&image);
    bench.command(image.hash, None);
    bench.run(Duration::from_millis(after));
    bench.power_off();
    bench.run(HOUR);
    bench.power_on();
    bench.run(10 * MINUTE);
    let version = bench.version();
    let answers = bench.activations();
    if version == NEW {
        let answer = Response::Immediate(Outcome { result: ActivationResult::Success, version: NEW });
        assert!(answers == [answer] || answers == [answer, answer], "{answers:?}");
    } else {
        assert_eq!((version, answers), (OLD, vec![]), "the Command was lost with the power");
        bench.activate(image.hash);
        assert_eq!(bench.version(), NEW);
    }
}

/// The flash loses its power in the middle of a write or an erasure.
#[rstest]
fn lost_while_the_flash_is_written(#[values(1, 50, 300, 700, 1100, 5000, 400_000, 769_000, 771_000)] octets: u64) {
    let mut bench = Bench::of(Kind::Hcalcs);
    let image = new_image();
    bench.power_off();
    bench.flash().lose_power_after(Some(octets));
    bench.power_on();
    bench.distribute(Kind::Hcalcs, &[crate::support::eui(Kind::Hcalcs, 0)], &image);
    bench.run_until(MINUTE, |bench| bench.log().iter().any(|line| line.contains("refused")));
    bench.power_off();
    bench.flash().lose_power_after(None);
    bench.power_on();
    bench.run(2 * HOUR);
    assert_eq!(bench.version(), OLD);
    if bench.device().held_image().is_none() {
        bench.deliver(&image);
    }
    bench.activate(image.hash);
    assert_eq!(bench.version(), NEW);
}

#[test]
fn restarts_do_not_make_queries_more_frequent() {
    let mut bench = Bench::new(vec![config(Kind::Esme, 0)], 0.0);
    bench.run(25 * HOUR);
    let queries = |bench: &Bench| bench.log().iter().filter(|line| line.starts_with("no image")).count();
    assert_eq!(queries(&bench), 1);
    for _ in 0..5 {
        bench.power_off();
        bench.run(HOUR);
        bench.power_on();
        bench.run(HOUR);
    }
    assert_eq!(queries(&bench), 1);
    bench.run(15 * HOUR);
    assert_eq!(queries(&bench), 2);
}
