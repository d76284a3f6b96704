//! Fetching, verifying and holding an image.

use crate::support::{Bench, HOUR, MINUTE, Making, NEW, OLD, OTHER_KEY, config, eui, new_image};
use hanrig_devices::{Declaration, Kind};
use hanrig_wire::gbcs::{AlertCode, Content};
use hanrig_wire::time::Duration;
use rstest::rstest;

const SUCCESS: u8 = 0;
const FAILURE: u8 = 3;

#[rstest]
#[case(Kind::Esme)]
#[case(Kind::Gsme)]
#[case(Kind::Hcalcs)]
fn an_image_is_held_and_not_activated(#[case] kind: Kind) {
    let mut bench = Bench::of(kind);
    assert_eq!(bench.deliver(&new_image()), SUCCESS);
    assert!(bench.device().held_image().is_some());
    bench.run(24 * HOUR);
    assert_eq!(bench.version(), OLD);
    // A meter tells of a download that is verified, an HCALCS does not.
    let told = if kind == Kind::Hcalcs { vec![] } else { vec![AlertCode::FIRMWARE_VERIFICATION_SUCCESSFUL] };
    assert_eq!(bench.alerts(), told);
}

#[rstest]
#[case::manufacturer(Making { manufacturer: OTHER_KEY, ..Making::default() })]
#[case::supplier(Making { supplier: OTHER_KEY, ..Making::default() })]
fn an_image_with_a_wrong_signature_is_refused(
    #[case] making: Making,
    #[values(Kind::Esme, Kind::Gsme, Kind::Hcalcs)] kind: Kind,
) {
    let mut bench = Bench::of(kind);
    let image = making.make();
    assert_eq!(bench.deliver(&image), FAILURE);
    assert_eq!(bench.device().held_image(), None);
    let told = if kind == Kind::Hcalcs { vec![] } else { vec![AlertCode::FIRMWARE_VERIFICATION_FAILED] };
    assert_eq!(bench.alerts(), told);
    // The next one is taken.
    assert_eq!(bench.deliver(&new_image()), SUCCESS);
}

#[test]
fn an_image_without_the_suppliers_signature_is_refused() {
    let mut bench = Bench::of(Kind::Hcalcs);
    let mut image = new_image();
    let end = image.octets.len() - 66;
    image.octets.truncate(end);
    image.octets[52..56].copy_from_slice(&(end as u32).to_le_bytes());
    assert_eq!(bench.deliver(&image), FAILURE);
}

#[rstest]
fn four_esmes_fetch_one_image_at_once(#[values(0.0, 0.1)] loss: f64) {
    let configs: Vec<_> = (0..4).map(|number| config(Kind::Esme, number)).collect();
    let targets: Vec<_> = (0..4).map(|number| eui(Kind::Esme, number)).collect();
    let mut bench = Bench::new(configs, loss);
    bench.distribute(Kind::Esme, &targets, &new_image());
    bench.run(2 * HOUR);
    let mut transfers = bench.transfers();
    transfers.sort_unstable();
    assert_eq!(transfers, targets.iter().map(|target| (*target, SUCCESS)).collect::<Vec<_>>());
    for target in targets {
        assert_eq!(bench.version_of(target), OLD);
    }
}

#[test]
fn a_gsme_asks_on_its_own_schedule() {
    let mut bench = Bench::of(Kind::Gsme);
    let gsme = eui(Kind::Gsme, 0);
    bench.distribute(Kind::Gsme, &[gsme], &new_image());
    let begun = |bench: &Bench| bench.log().iter().any(|line| line.starts_with("download"));
    // The bench has run for ten minutes since the GSME found its hub.
    assert!(!bench.run_until(18 * MINUTE, begun));
    assert!(bench.run_until(4 * MINUTE, begun));
}

/// What a Device may be like without being wrong.
#[rstest]
#[case::no_hardware_version(Declaration { sends_hardware_version: false, ..Declaration::of(Kind::Hcalcs) })]
#[case::small_blocks(Declaration { block_size: 13, ..Declaration::of(Kind::Hcalcs) })]
#[case::pauses(Declaration { block_pause: Duration::from_millis(400), ..Declaration::of(Kind::Hcalcs) })]
#[case::pages(Declaration { page_requests: true, ..Declaration::of(Kind::Hcalcs) })]
#[case::late_end(Declaration { verification: Duration::from_secs(1200), ..Declaration::of(Kind::Hcalcs) })]
#[case::never_follows(Declaration { follows_notify: false, query_period: Duration::from_secs(3600), ..Declaration::of(Kind::Hcalcs) })]
#[case::impatient(Declaration { answer_timeout: Duration::from_millis(700), repeats: 9, ..Declaration::of(Kind::Hcalcs) })]
fn variations(#[case] declaration: Declaration) {
    let mut config = config(Kind::Hcalcs, 0);
    config.declaration = declaration;
    let mut bench = Bench::new(vec![config], 0.02);
    let image = new_image();
    assert_eq!(bench.deliver(&image), SUCCESS);
    bench.activate(image.hash);
    assert_eq!(bench.version(), NEW);
}

#[test]
fn the_receipt_names_the_hash() {
    let mut bench = Bench::of(Kind::Esme);
    let image = new_image();
    bench.deliver(&image);
    let hashes: Vec<_> = bench
        .contents()
        .filter_map(|content| match content {
            Content::DeviceAlert(alert) => Some(alert.hash),
            _ => None,
        })
        .collect();
    assert_eq!(hashes, [Some(image.hash)]);
}
