//! No setting of a lab makes a scenario of the reference implementations fail: what rests on the usual value is not
//! applicable then and says on which, and all else is judged by the lab's.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use cucumber::World as _;
use cucumber::step::Collection;
use hanrig::bench::{Bench, DeviceDeclaration, Planted, PpmidDeclaration};
use hanrig::runner::{Case, Run, feature};
use hanrig::world::RigScenario;
use hanrig_dcc::dsp;
use hanrig_dcc::settings::Settings;
use hanrig_reports::{LogWriter, RunLog, Verdict};
use hanrig_wire::time::Duration;
use rstest::rstest;

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| feature::embedded().unwrap());
static STEPS: LazyLock<Collection<RigScenario>> = LazyLock::new(RigScenario::collection);

/// The built-in bench with these settings of the DCC's side.
fn bench(settings: &str) -> Bench {
    let mut bench = Bench::built_in().unwrap();
    bench.settings = Settings::from_toml(settings).unwrap();
    assert_ne!(bench.settings, Settings::default());
    bench
}

/// Runs the features of these names, or all of them.
fn run(bench: Bench, features: &[&str]) -> RunLog {
    let named = |case: &&Case| features.iter().any(|name| case.feature.ends_with(&format!("/{name}.feature")));
    let cases: Vec<_> = CASES.iter().filter(|case| features.is_empty() || named(case)).cloned().collect();
    let run = Run { jobs: 2, ..Run::of(&cases, Arc::new(bench)) };
    let mut log = Vec::new();
    run.run(&STEPS, &mut LogWriter::new(&mut log)).unwrap();
    RunLog::from_reader(log.as_slice()).unwrap()
}

/// Names and reasons of the scenarios that ended with this verdict, each name once.
fn ended(log: &RunLog, verdict: Verdict) -> BTreeMap<String, String> {
    let scenarios = log.scenarios.iter().filter(|scenario| scenario.verdict() == verdict);
    let told = scenarios.map(|scenario| {
        let message = scenario.deciding_step().and_then(|step| step.message.clone()).unwrap_or_default();
        (scenario.started.scenario.to_string(), message)
    });
    told.collect()
}

/// That every scenario passes but for `not_applicable` ones, each of which says why in these words.
#[track_caller]
fn assert_judged(log: &RunLog, not_applicable: usize, words: &[&str]) {
    for verdict in [Verdict::Fail, Verdict::Error, Verdict::Inconclusive] {
        assert_eq!(ended(log, verdict), BTreeMap::new(), "{verdict}");
    }
    let left_out = ended(log, Verdict::NotApplicable);
    assert_eq!(left_out.len(), not_applicable, "{left_out:#?}");
    for (scenario, reason) in &left_out {
        assert!(words.iter().all(|word| reason.contains(word)), "{scenario}: {reason}");
    }
    assert!(!ended(log, Verdict::Pass).is_empty());
}

/// Features in which several images go to one hub.
const TO_ONE_HUB: &[&str] = &["csp_scheduling", "uc4_01_meter_firmware", "han_failures", "hub_blocks", "every_hub"];

/// I-03, I-11 and I-13 are in the way of nearly every scenario: these are judged by the lab's readings.
const OTHER_READINGS: &str = r#"
transfer_alert_recipients = "responsible_suppliers"
hcalcs_version_read = "device_type"

[rejection_alerts]
image_integrity = "N20"
unknown_device = "N18"
not_reachable = "N19"
service_window = "N22"

[version_alerts]
removed = "N50"
not_listed = "N51"
other_model = "N49"
"#;

#[test]
fn the_whole_suite_is_judged_by_other_readings_of_i_03_i_11_and_i_13() {
    assert_judged(&run(bench(OTHER_READINGS), &[]), 4, &["I-03", "only the sender"]);
}

#[rstest]
#[case::i_01("maximum_image_size = 750000", &["ppmid_image_size", "ppmid_update"], 0, &[])]
#[case::i_03("transfer_alert_recipients = \"responsible_suppliers\"", &["csp_rejections", "hub_retention"], 0, &[])]
#[case::i_06(
    "hcalcs_suppliers = \"import_supplier_and_gas_supplier\"",
    &["dual_supplier", "hcalcs_update", "device_lists", "pics"],
    1,
    &["(I-06)", "hcalcs_suppliers = import_supplier_and_gas_supplier, usually import_supplier"],
)]
#[case::i_07(
    "tracking_timeout = \"3days\"\ntracking_retention = \"2days\"",
    &["delivery_period", "tracking_timeout", "ssi_status", "hub_retention", "change_of_supplier"],
    0,
    &[],
)]
#[case::i_11("hcalcs_version_read = \"device_type\"", &["hcalcs_updates", "hcalcs_activation", "uc13_01_gbcs"], 0, &[])]
#[case::i_13_all_by_one_alert(
    "[rejection_alerts]\n[version_alerts]\nremoved = \"N50\"\nother_model = \"N50\"",
    &["csp_rejections", "csp_scheduling", "ppmid_rejected_by_csp", "version_alerts"],
    0,
    &[],
)]
#[case::i_17(
    "[[anomaly_threshold]]\nuser = \"0A-48-52-47-F0-00-00-01\"\nservice_reference = \"11.4\"\nrequests = 50\nperiod = \"1day\"",
    &["anomaly_detection", "ppmid_update"],
    0,
    &[],
)]
#[case::i_19_shorter(
    "delivery_period = \"4days\"",
    &["delivery_period", "csp_busy"],
    24,
    &["(I-19)", "delivery_period = 4days, usually 5days"],
)]
#[case::i_19_other_retries(
    "[long_retry]\ninterval = \"30min\"\nwindow = \"2days\"",
    &["delivery_period", "csp_busy"],
    12,
    &["(I-19)", "long_retry.interval = 30m, usually 1h; long_retry.window = 2days, usually 4days"],
)]
#[case::the_notice_of_hub_firmware("hub_firmware_notice = \"10days\"", &["uc4_02_hub_firmware", "upgrade_pathways"], 8, &["10days"])]
#[case::the_stages_of_hub_firmware(
    "[hub_firmware_stages]\nmicro_pilot_least = 5",
    &["uc4_02_hub_firmware", "upgrade_pathways"],
    8,
    &["micro_pilot_least = 5, usually 10"],
)]
#[case::fewer_devices("maximum_devices = 1000", &["device_lists", "ppmid_clients"], 2, &["maximum_devices = 1000"])]
#[case::unsigned_requests(
    "unsigned_requests = \"taken\"",
    &["service_request_protection"],
    1,
    &["unsigned_requests = taken, usually refused"],
)]
#[case::i_19_a_csp_with_less_time(
    "[csp]\nservice_window = \"2days\"",
    &["delivery_period", "csp_busy", "hub_blocks"],
    1,
    &["(I-19)", "csp.service_window = 2days, usually 4days"],
)]
#[case::a_csp_that_rejects_a_second_request(
    "[csp]\nsecond_request = \"reject\"",
    TO_ONE_HUB,
    11,
    &["csp.second_request = reject, usually schedule"],
)]
#[case::a_csp_that_takes_long(
    "[csp]\ntransfer_estimate = \"3days\"",
    TO_ONE_HUB,
    11,
    &["csp.transfer_estimate = 3days, usually 12h"],
)]
#[case::a_csp_that_gathers_what_it_tells(
    "[csp]\nnotification_batch = \"30min\"",
    &[
        "csp_rejections",
        "csp_busy",
        "dual_supplier",
        "anomaly_detection",
        "change_of_supplier",
        "ppmid_refused_by_dsp",
        "ppmid_update",
        "han_failures",
    ],
    4,
    &["csp.notification_batch = 30m, usually 0s"],
)]
#[case::csps_with_other_capacity(
    "[csp.north]\njobs = 7\ndevices_per_job = 1\nchannels = 6\n[csp.south_and_central]\ndevices = 7",
    TO_ONE_HUB,
    11,
    &["csp.north.channels = 6, usually 3", "csp.south_and_central.devices = 7"],
)]
#[case::the_rest(
    "meter_version_read = \"cs08\"\nresponse_timeout = \"12h\"",
    &["uc13_01_gbcs", "change_of_mode_and_firmware", "ppmid_older"],
    0,
    &[],
)]
fn no_setting_makes_a_scenario_fail(
    #[case] settings: &str,
    #[case] features: &[&str],
    #[case] not_applicable: usize,
    #[case] words: &[&str],
) {
    assert_judged(&run(bench(settings), features), not_applicable, words);
}

/// I-09, I-10 and how often a hub notifies are declared by its profile.
#[test]
fn no_profile_of_a_hub_makes_a_scenario_fail() {
    let mut bench = Bench::built_in().unwrap();
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let profiles = bench.hub_profiles.iter_mut().map(|named| &mut named.profile);
    for profile in profiles.chain([&mut bench.hub.profile]) {
        (profile.retention, profile.stall, profile.notify_again) = (hours(500), hours(30), hours(3));
    }
    assert_judged(&run(bench, &["hub_retention", "hub_blocks", "every_hub", "ppmid_interrupted", "pics"]), 0, &[]);
}

/// What is judged by a lab's reading fails who does not follow it.
#[rstest]
#[case::hides_failures(dsp::Fault::NoFailureOfMeters, &["han_failures"])]
#[case::tells_of_each_rejection_by_n18(dsp::Fault::RejectionAlwaysN18, &["csp_rejections"])]
fn a_dsp_that_does_not_follow_the_labs_reading_fails(#[case] fault: dsp::Fault, #[case] features: &[&str]) {
    let mut bench = bench(OTHER_READINGS);
    bench.planted.push(Planted::Dsp(fault));
    assert!(!ended(&run(bench, features), Verdict::Fail).is_empty());
}

/// What a maker may declare, and how it is declared of a PPMID and of another Device.
type Variation = (&'static str, fn(&mut PpmidDeclaration), fn(&mut DeviceDeclaration));

const VARIATIONS: &[Variation] = &[
    (
        "slow to verify, and asks for pages",
        |ppmid| (ppmid.verification, ppmid.page_requests) = (Duration::from_secs(1200), true),
        |device| (device.verification, device.page_requests) = (Duration::from_secs(1200), true),
    ),
    (
        "the longest pauses between blocks, and the longest until a Device asks",
        |ppmid| ppmid.block_pause = Duration::from_millis(5625),
        |device| {
            (device.block_size, device.block_pause) = (48, Duration::from_millis(5400));
            (device.follows_notify, device.query_period) = (false, Duration::from_secs(3600));
        },
    ),
    (
        "small blocks, the longest pauses between them, and the shortest time until a Device asks",
        |ppmid| (ppmid.block_size, ppmid.block_pause) = (10, Duration::from_millis(1125)),
        |device| {
            (device.block_size, device.block_pause) = (10, Duration::from_millis(1125));
            device.query_period = Duration::from_secs(300);
        },
    ),
    (
        "knows no CS08, or tells otherwise of what it has got",
        |ppmid| ppmid.predates_gbcs = true,
        |device| device.receipt_alert = !device.receipt_alert,
    ),
    (
        "sends no hardware version, or is impatient",
        |ppmid| ppmid.sends_hardware_version = false,
        |device| (device.answer_timeout, device.repeats) = (Duration::from_millis(700), 9),
    ),
];

#[test]
fn no_declaration_of_a_maker_makes_a_scenario_fail() {
    for (what, of_ppmid, of_device) in VARIATIONS {
        println!("{what}");
        let mut bench = Bench::built_in().unwrap();
        bench.ppmids.iter_mut().for_each(|ppmid| of_ppmid(&mut ppmid.declaration));
        bench.devices.iter_mut().chain(&mut bench.reserve).for_each(|device| of_device(&mut device.declaration));
        assert_judged(&run(bench, &[]), 0, &[]);
    }
}

#[test]
fn a_device_that_sends_no_hardware_version_is_not_one_for_scenarios_of_that() {
    let mut bench = Bench::built_in().unwrap();
    for device in bench.devices.iter_mut().chain(&mut bench.reserve) {
        device.declaration.sends_hardware_version = false;
    }
    assert_judged(&run(bench, &["han_failures", "every_hub", "pics"]), 9, &["is declared to send no hardware version"]);
}

/// A maker may have its PPMID ask less often than daily: what a scenario cannot wait for is not held against it.
#[test]
fn a_ppmid_that_asks_every_36_hours_fails_nothing() {
    let mut bench = Bench::built_in().unwrap();
    for ppmid in &mut bench.ppmids {
        ppmid.declaration.query_period = Duration::from_secs(36 * 3600);
    }
    let features =
        ["ppmid_hardware_version", "ppmid_interrupted", "ppmid_older", "ppmid_update", "ppmid_wrong_signature", "pics"];
    assert_judged(&run(bench, &features), 10, &["the maker declares a question every 36 hours"]);
}
