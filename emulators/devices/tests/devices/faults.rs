//! Each planted fault shows on the WAN: what the DCC hears of some episode is not what it hears without the fault.

use crate::support::{
    Bench, EPOCH, HOUR, MANUFACTURER_KEY, MINUTE, Making, NEW, OTHER_KEY, OTHER_SUPPLIER, SUPPLIER, SUPPLIER_KEY,
    config, eui, new_image, signing_key, with_mac, with_wrong_mac,
};
use embedded_storage::nor_flash::NorFlash;
use hanrig_devices::{Fault, Kind};
use hanrig_wire::gbcs::Message;
use hanrig_wire::types::Eui64;
use std::fmt::Write as _;

fn bench(kind: Kind, fault: Option<Fault>) -> Bench {
    Bench::with(vec![config(kind, 0)], 0.0, fault)
}

/// What the DCC has heard, and what the Device says that it runs.
fn heard(bench: &mut Bench, kind: Kind) -> String {
    bench.run(10 * MINUTE);
    let version = bench.ask_version(eui(kind, 0));
    let mut heard = format!("{version:?}");
    for content in bench.contents() {
        write!(heard, "\n{}: {:?}", content.alert_code().unwrap_or_default(), std::mem::discriminant(&content))
            .unwrap();
    }
    write!(heard, "\n{:?} {:?} {:?}", bench.transfers(), bench.activations(), bench.alerts()).unwrap();
    heard
}

/// Delivers an image.
fn delivered(fault: Option<Fault>, making: Making, kind: Kind) -> Bench {
    let mut bench = bench(kind, fault);
    bench.distribute(kind, &[eui(kind, 0)], &making.make());
    bench.run(HOUR);
    bench
}

fn spoilt(fault: Option<Fault>, spoil: impl Fn(Message) -> Vec<u8>) -> String {
    let kind = Kind::Hcalcs;
    let mut bench = delivered(fault, Making::default(), kind);
    let command = bench.activate_command(new_image().hash, None);
    bench.send(spoil(command));
    heard(&mut bench, kind)
}

fn signed(mut message: Message, key: u8, originator: Eui64) -> Message {
    message.originator = originator;
    message.sign(&signing_key(key));
    message
}

fn replayed(fault: Option<Fault>, power_goes: bool) -> String {
    let mut bench = bench(Kind::Hcalcs, fault);
    let command = signed(bench.activate_command(new_image().hash, None), SUPPLIER_KEY, SUPPLIER);
    bench.send(with_mac(&command));
    bench.run(MINUTE);
    bench.distribute(Kind::Hcalcs, &[eui(Kind::Hcalcs, 0)], &new_image());
    bench.run(HOUR);
    if power_goes {
        bench.power_off();
        bench.power_on();
        bench.run(10 * MINUTE);
    }
    bench.send(with_mac(&command));
    heard(&mut bench, Kind::Hcalcs)
}

fn activated(fault: Option<Fault>, making: Making, kind: Kind) -> String {
    let mut bench = delivered(fault, making, kind);
    bench.activate([0xEE; 32]);
    bench.activate(making.make().hash);
    bench.activate(making.make().hash);
    bench.power_off();
    bench.power_on();
    heard(&mut bench, kind)
}

fn damaged(fault: Option<Fault>, running: bool) -> String {
    let mut bench = delivered(fault, Making::default(), Kind::Hcalcs);
    let held = bench.device().held_image();
    let region = if running { Some(bench.device().running_firmware()) } else { held };
    bench.power_off();
    if let Some(region) = region {
        bench.flash().write(region.start + 200, &[0; 4]).unwrap();
    }
    bench.power_on();
    bench.run(10 * MINUTE);
    bench.activate(new_image().hash);
    heard(&mut bench, Kind::Hcalcs)
}

fn cut_off(fault: Option<Fault>) -> String {
    let kind = Kind::Gsme;
    let mut config = config(kind, 0);
    config.declaration.follows_notify = true;
    let mut bench = Bench::with(vec![config], 0.0, fault);
    bench.distribute(kind, &[eui(kind, 0)], &Making { body: 100_000, ..Making::default() }.make());
    bench.run(std::time::Duration::from_secs(20));
    bench.power_off();
    bench.power_on();
    bench.run(10 * MINUTE);
    heard(&mut bench, kind)
}

fn planned(fault: Option<Fault>) -> String {
    let mut bench = delivered(fault, Making::default(), Kind::Esme);
    let at = EPOCH.after(bench.now - hanrig_wire::time::Instant::ZERO).after(HOUR);
    bench.command(new_image().hash, Some(at));
    let before = heard(&mut bench, Kind::Esme);
    bench.power_off();
    bench.power_on();
    bench.run(HOUR);
    before + &heard(&mut bench, Kind::Esme)
}

const fn part(number: u8) -> Making {
    Making { version: NEW, part: (number, 2), body: 3000, manufacturer: MANUFACTURER_KEY, supplier: SUPPLIER_KEY }
}

const EPISODES: &[fn(Option<Fault>) -> String] = &[
    |fault| heard(&mut delivered(fault, Making::default(), Kind::Hcalcs), Kind::Hcalcs),
    |fault| activated(fault, Making::default(), Kind::Hcalcs),
    |fault| activated(fault, part(1), Kind::Hcalcs),
    |fault| activated(fault, part(2), Kind::Hcalcs),
    |fault| activated(fault, Making { manufacturer: OTHER_KEY, ..Making::default() }, Kind::Gsme),
    |fault| activated(fault, Making { supplier: OTHER_KEY, ..Making::default() }, Kind::Gsme),
    |fault| spoilt(fault, |command| with_mac(&signed(command, OTHER_KEY, SUPPLIER))),
    |fault| spoilt(fault, |command| with_mac(&signed(command, OTHER_KEY, OTHER_SUPPLIER))),
    |fault| spoilt(fault, |command| with_wrong_mac(&signed(command, SUPPLIER_KEY, SUPPLIER))),
    |fault| replayed(fault, false),
    |fault| replayed(fault, true),
    |fault| damaged(fault, true),
    |fault| damaged(fault, false),
    cut_off,
    planned,
];

/// Those that it takes somebody who forges frames to see, a clock, an eye on the air, several parts, or a change of payment
/// mode. The rig's scenarios show them.
const SHOWN_BY_SCENARIOS: &[Fault] = &[
    Fault::ActivatesAtOnceForTheHub,
    Fault::RefusesLastCounterAlone,
    Fault::VerifiesFactoryFirmwareAlone,
    Fault::VerifiesLate,
    Fault::AsksOtherwiseThanDeclared,
    Fault::AsksForSmallerBlocks,
    Fault::AsksForPages,
    Fault::StopsAsking,
    Fault::TakesReplays,
    Fault::TakesUnsecured,
    Fault::TakesWithoutLinkKey,
    Fault::StopsAtMalformedFrame,
    Fault::ForgetsPart,
    Fault::KeepsPartOverOtherFirmware,
    Fault::KeepsPaymentMode,
    Fault::AnswersPaymentModeUnsigned,
    Fault::TakesAnyPaymentMode,
];

#[test]
fn every_fault_shows() {
    let sound: Vec<_> = EPISODES.iter().map(|episode| episode(None)).collect();
    let shows = |fault| EPISODES.iter().zip(&sound).any(|(episode, sound)| episode(Some(fault)) != *sound);
    let unseen: Vec<_> = Fault::ALL.iter().filter(|fault| !shows(**fault)).collect();
    let unseen: Vec<_> = unseen.into_iter().filter(|fault| !SHOWN_BY_SCENARIOS.contains(fault)).collect();
    assert!(unseen.is_empty(), "{unseen:?} show in no episode");
}
