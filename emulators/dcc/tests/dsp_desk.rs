//! What the DCC Service Desk and the screens see and do: DSP-14, DSP-17, DSP-19 to DSP-21, CHFW-01, CHFW-02, CH-21; and
//! the settings.

mod support;

use hanrig_dcc::Settings;
use hanrig_dcc::data::CspRegion;
use hanrig_dcc::dsp::{AuditEvent, Decision, HubFirmwareError, Incident, ResetError, Stage, Viewer};
use hanrig_dcc::duis::{DccAlert, DccAlertCode, RequestId, ServiceRequest, UpdateFirmware};
use hanrig_dcc::gateway::{CspToDsp, DspToCsp, HubFirmwareReport, RejectedDevice, RejectionReason};
use hanrig_dcc::settings::CountedService;
use hanrig_wire::gbcs::ccs08::TransferResponseCode;
use hanrig_wire::time::Utc;
use hanrig_wire::types::{Eui64, FirmwareVersion};
use support::*;

const DAY: u64 = 24 * 3600;

#[test]
fn the_status_of_a_device_is_for_its_suppliers_and_the_service_desk() {
    let mut world = World::new();
    world.approved(GAS, &[PPMID]);
    let seen = |world: &World, viewer, device| world.dsp.firmware_update_status(at(30), viewer, device);
    for viewer in [Viewer::User(IMPORT), Viewer::User(GAS), Viewer::ServiceDesk] {
        let status = seen(&world, viewer, PPMID).unwrap();
        assert!(status.in_progress);
        insta::allow_duplicates! {
            insta::assert_snapshot!(serde_json::to_string_pretty(&status).unwrap(), @r#"
            {
              "device_type": "PPMID",
              "in_progress": true,
              "device": "00-DB-12-34-56-78-90-A4",
              "request_id": "90-B3-D5-1F-30-02-00-00:90-B3-D5-1F-30-00-00-02:1001",
              "firmware_version": "00000020",
              "status": "APPROVED_FOR_DISTRIBUTION",
              "last_updated": "2026-11-20T12:00:20.000Z"
            }
            "#);
        }
    }
    // Another Supplier's Device looks like one that does not exist.
    for device in [PPMID, UNKNOWN, PPMID_2] {
        assert_eq!(seen(&world, Viewer::User(OTHER_IMPORT), device), None);
    }
}

#[test]
fn the_service_desk_releases_a_device() {
    let mut world = World::new();
    world.approved(GAS, &[PPMID]);
    for user in [IMPORT, GAS, OTHER_IMPORT] {
        let result = world.dsp.reset_firmware_update_status(at(30), Viewer::User(user), PPMID);
        assert_eq!(result, Err(ResetError::NotAllowed));
    }
    assert_eq!(world.update(IMPORT, &[PPMID]).response_code, "W110401");
    world.dsp.reset_firmware_update_status(at(30), Viewer::ServiceDesk, PPMID).unwrap();
    assert_eq!(world.status(PPMID), Some("RESET_BY_DCC"));
    assert_eq!(world.alerts(), [], "nobody is told");
    assert_eq!(world.update(IMPORT, &[PPMID]).response_code, "I0");
    let result = world.dsp.reset_firmware_update_status(at(30), Viewer::ServiceDesk, PPMID_2);
    assert_eq!(result, Err(ResetError::NotTracked(PPMID_2)));
}

#[test]
fn what_comes_late_does_not_take_a_released_device_back() {
    let mut world = World::new();
    world.update(GAS, &[PPMID]);
    let requests = world.distributions();
    world.dsp.reset_firmware_update_status(at(15), Viewer::ServiceDesk, PPMID).unwrap();
    world.report(requests[0].0, &requests[0].1, vec![]);
    assert_eq!(world.status(PPMID), Some("RESET_BY_DCC"));
    world.drain();
    world.gbcs(HUB, signed(transfer_alert(HUB, PPMID, TransferResponseCode::Success)));
    assert_eq!(world.status(PPMID), Some("RESET_BY_DCC"));
    let alerts = world.alerts();
    assert!(matches!(alerts.as_slice(), [(GAS, alert)] if alert.code == DccAlertCode::N62), "told all the same");
    // A new request stands for itself, whatever comes of the old one.
    assert_eq!(world.update(IMPORT, &[PPMID]).response_code, "I0");
    world.report(requests[0].0, &requests[0].1, vec![]);
    assert_eq!(world.status(PPMID), Some("AWAITING_CSP"));
}

#[test]
fn rsat_004_has_a_header_at_least() {
    let world = World::new();
    insta::assert_snapshot!(world.dsp.firmware_activations_csv(Viewer::ServiceDesk).trim_end(), @"Service Request ID,Device ID,Device Type,Firmware Hash,Sent,Execution Date Time,Outcome,Firmware Version");
}

#[test]
fn the_audit_trail_has_one_entry_for_each_device_that_n19_rejects() {
    let mut world = World::new();
    world.update(GAS, &[PPMID, PPMID_2]);
    let requests = world.distributions();
    let (region, request) = &requests[0];
    let rejected = [PPMID, PPMID_2].map(|device| RejectedDevice { device, reason: RejectionReason::UnknownDevice });
    world.report(*region, request, rejected.to_vec());
    let entries = world.dsp.audit_trail().filter(|entry| entry.event == AuditEvent::RejectedByCsp);
    let devices: Vec<_> = entries.map(|entry| entry.device.unwrap()).collect();
    assert_eq!(devices, [PPMID, PPMID_2]);
    let alerts = world.alerts();
    assert!(matches!(alerts.as_slice(), [(GAS, alert)] if alert.code == DccAlertCode::N19), "{alerts:?}");
}

const THRESHOLDS: &str = r#"
[[anomaly_threshold]]
user = "90-B3-D5-1F-30-01-00-00"
service_reference = "11.4"
requests = 2
period = "1day"
"#;

fn update_esme(world: &mut World) -> String {
    let body = UpdateFirmware {
        firmware_image: signed_ota_upgrade_image(0x8201, &manufacturer_image(200)),
        firmware_version: VERSION,
        device_id_list: vec![UNKNOWN],
    };
    world.send(IMPORT, DCC, ServiceRequest::UpdateFirmware(body)).response_code.to_string()
}

#[test]
fn srv_11_4_is_counted_apart_and_quarantined() {
    let mut world = World::with_settings(THRESHOLDS);
    for _ in 0..5 {
        assert_eq!(update_esme(&mut world), "W110101", "SRV 11.1 counts for itself");
    }
    assert_eq!(world.update(IMPORT, &[PPMID]).response_code, "I0");
    assert_eq!(world.update(IMPORT, &[PPMID_2]).response_code, "I0");
    world.drain();
    let third = world.update(IMPORT, &[SOUTH_PPMID]);
    assert_eq!(third.response_code, "E30");
    assert_eq!(world.update(GAS, &[OTHER_MODEL]).response_code, "W110401", "others are not concerned");
    assert_eq!(world.drain(), (vec![], vec![]), "nothing is distributed");
    let counts: Vec<_> = world.dsp.anomaly_counts().collect();
    assert_eq!(
        counts,
        [
            (IMPORT, CountedService::UpdateFirmware, 5),
            (IMPORT, CountedService::UpdatePpmidFirmware, 3),
            (GAS, CountedService::UpdatePpmidFirmware, 1),
        ]
    );
    let quarantined: Vec<RequestId> = world.dsp.quarantined().map(|request| request.request_id).collect();
    assert_eq!(quarantined, [third.request_id.unwrap()]);
    // The Service Desk lets it go on.
    assert!(world.dsp.release_quarantined(at(60), quarantined[0]));
    let (users, csps) = world.drain();
    assert!(matches!(users.as_slice(), [(IMPORT, response)] if response.response_code == "I0"), "{users:?}");
    assert_eq!(csps.len(), 1);
    assert!(!world.dsp.release_quarantined(at(60), quarantined[0]));
    assert!(!world.dsp.discard_quarantined(at(60), quarantined[0]));
}

#[test]
fn without_a_threshold_nothing_is_quarantined() {
    let mut world = World::new();
    for _ in 0..50 {
        assert_eq!(world.update(IMPORT, &[UNKNOWN]).response_code, "W110401");
    }
    assert_eq!(world.dsp.anomaly_counts().next(), Some((IMPORT, CountedService::UpdatePpmidFirmware, 50)));
}

fn utc(seconds: u64) -> Utc {
    Utc(1_795_176_000_000 + i64::try_from(seconds * 1000).unwrap())
}

const NEW: FirmwareVersion = FirmwareVersion(0x30);

#[test]
fn service_users_get_seven_days_notice_of_hub_firmware() {
    let mut world = World::new();
    let result = world.dsp.announce_hub_firmware(at(0), NEW, utc(7 * DAY - 1));
    insta::assert_snapshot!(result.unwrap_err(), @"the notice is 6days 23h 59m 59s, at least 7days are required");
    assert_eq!(world.alerts(), []);
    world.dsp.announce_hub_firmware(at(0), NEW, utc(7 * DAY)).unwrap();
    let alerts = world.alerts();
    let users: Vec<Eui64> = alerts.iter().map(|(user, _)| *user).collect();
    assert_eq!(users, [IMPORT, GAS, OTHER_IMPORT, SUSPENDED, NETWORK]);
    assert!(alerts.iter().all(|(_, alert)| alert.code == DccAlertCode::N901));
}

#[test]
fn a_hub_release_goes_through_its_stages() {
    let settings = "[hub_firmware_stages]\nmicro_pilot_least = 1\nmicro_pilot_most = 1\npilot_most = 2";
    let mut world = World::with_settings(settings);
    let begin = |world: &mut World, stage, hubs: &[Eui64]| {
        world.dsp.begin_hub_stage(at(7 * DAY), NEW, stage, hubs).map_err(|e| e.to_string())
    };
    assert_eq!(
        begin(&mut world, Stage::MicroPilot, &[HUB]),
        Err("no release of version 00000030 was announced".into())
    );
    world.dsp.announce_hub_firmware(at(0), NEW, utc(7 * DAY)).unwrap();
    world.drain();
    let early = world.dsp.begin_hub_stage(at(7 * DAY - 1), NEW, Stage::MicroPilot, &[HUB]);
    assert!(matches!(early, Err(HubFirmwareError::TooEarly(_))));
    assert_eq!(
        begin(&mut world, Stage::Pilot, &[HUB]),
        Err("there is no decision to proceed after the micro pilot".into())
    );
    let two = [HUB, SOUTH_HUB];
    assert_eq!(begin(&mut world, Stage::MicroPilot, &two), Err("2 hubs for the micro pilot, expected 1 to 1".into()));
    begin(&mut world, Stage::MicroPilot, &[HUB]).unwrap();
    let (_, csps) = world.drain();
    assert!(matches!(csps.as_slice(), [(CspRegion::North, DspToCsp::HubFirmwareRequest(_))]), "{csps:?}");
    assert_eq!(begin(&mut world, Stage::MicroPilot, &[HUB]), Err("the micro pilot has begun before".into()));
    let incident = Incident { category: 2, text: "a hub restarts".to_owned() };
    world.dsp.decide_hub_stage(NEW, Stage::MicroPilot, vec![incident], Decision::Proceed).unwrap();
    // The hub of the micro pilot has not told of its new firmware yet.
    let busy = Err(format!("hub {HUB} has a firmware update in progress"));
    assert_eq!(begin(&mut world, Stage::Pilot, &two), busy);
    let report = HubFirmwareReport { hub: HUB, firmware_version: NEW };
    world.dsp.on_csp(at(7 * DAY), CspRegion::North, CspToDsp::HubFirmwareReport(report));
    world.drain();
    begin(&mut world, Stage::Pilot, &two).unwrap();
    world.dsp.decide_hub_stage(NEW, Stage::Pilot, vec![], Decision::Stop).unwrap();
    assert_eq!(begin(&mut world, Stage::RollOut, &two), Err("there is no decision to proceed after the pilot".into()));
    assert_eq!(world.dsp.hub_releases().next().unwrap().stages.len(), 2);
}

#[test]
fn the_suppliers_of_a_hub_hear_of_its_new_firmware() {
    let mut world = World::new();
    let report = |world: &mut World, region, version| {
        let report = HubFirmwareReport { hub: HUB, firmware_version: version };
        world.dsp.on_csp(at(20), region, CspToDsp::HubFirmwareReport(report));
        world.alerts()
    };
    assert_eq!(report(&mut world, CspRegion::North, OLD_VERSION), [], "as in the SMI");
    assert_eq!(report(&mut world, CspRegion::South, NEW), [], "not its CSP");
    let alerts = report(&mut world, CspRegion::North, NEW);
    let users: Vec<_> = alerts.iter().map(|(user, alert)| (*user, alert.code)).collect();
    assert_eq!(users, [(IMPORT, DccAlertCode::N902), (GAS, DccAlertCode::N902)]);
    let DccAlert::CommunicationsHubFirmwareActivation(body) = &alerts[0].1.alert else { panic!("{alerts:?}") };
    assert_eq!((body.device_id, body.firmware_version), (HUB, NEW));
    assert_eq!(world.smi_version(HUB), NEW);
    assert_eq!(report(&mut world, CspRegion::North, NEW), [], "once");
}

#[test]
fn settings_read_back_equal_and_name_what_is_wrong() {
    let settings = Settings::from_toml(THRESHOLDS).unwrap();
    assert_eq!(Settings::from_toml(&settings.to_toml().unwrap()).unwrap(), settings);
    insta::assert_snapshot!(Settings::default().to_toml().unwrap(), @r#"
    maximum_image_size = 768000
    maximum_devices = 50000
    transfer_alert_recipients = "sender"
    hcalcs_suppliers = "import_supplier"
    tracking_timeout = "7days"
    tracking_retention = "7days"
    hcalcs_version_read = "cs08"
    meter_version_read = "device_type"
    delivery_period = "5days"
    response_timeout = "1day"
    hub_firmware_notice = "7days"
    unsigned_requests = "refused"

    [rejection_alerts]
    image_integrity = "N18"
    unknown_device = "N19"
    not_reachable = "N20"
    service_window = "N20"

    [version_alerts]
    removed = "N49"
    not_listed = "N50"
    other_model = "N51"

    [long_retry]
    interval = "1h"
    window = "4days"
    answer_timeout = "1m"

    [hub_firmware_stages]
    micro_pilot_least = 10
    micro_pilot_most = 20
    pilot_most = 5000

    [csp]
    service_window = "4days"
    second_request = "schedule"
    transfer_estimate = "12h"
    notification_batch = "0s"

    [csp.south_and_central]
    devices = 100000

    [csp.north]
    jobs = 400
    devices_per_job = 10000
    channels = 3
    "#);
    let wrong = Settings::from_toml("tracking_timeout = \"soon\"").unwrap_err();
    insta::assert_snapshot!(wrong.to_string().trim_end(), @r#"
    TOML parse error at line 1, column 20
      |
    1 | tracking_timeout = "soon"
      |                    ^^^^^^
    "soon" is no length of time such as 4days or 30min: expected number at 0
    "#);
    assert!(Settings::from_toml("trackingtimeout = \"1h\"").is_err());
    for key in ["channels", "devices_per_job"] {
        let wrong = Settings::from_toml(&format!("[csp.north]\n{key} = 0")).unwrap_err().to_string();
        assert!(wrong.contains("line 2") && wrong.contains("nonzero"), "{wrong}");
    }
}
