//! SRV 11.4 with 50,000 Device IDs on as many hubs: how long the DSP takes to check its signature and all else, to split,
//! track and answer it, and to turn what comes of it into signed Alerts.
//!
//! What comes of it when all goes well is 100,003 Alerts until each Device has its image: an N59 for the other Supplier from
//! each of the three CSPs' reports, and for the sender an N61 and an N62 of each Device. The DSP makes and signs the first two
//! kinds here from what the CSPs report; an N62 costs it the check of the hub's signature besides, which is told apart.

use criterion::{BatchSize, Criterion, Throughput, criterion_group};
use hanrig_dcc::FirmwareHash;
use hanrig_dcc::data::{
    Code, CplEntry, CplImage, CplStatus, CspRegion, DccData, Hub, Premises, SmiDevice, SmiStatus, User, UserRole,
};
use hanrig_dcc::dsp::{DeviceKeys, Dsp, DspConfig, DspOutput};
use hanrig_dcc::duis::{
    DccAlert, DccAlertCode, DccAlertMessage, FirmwareDeliveryStatus, FirmwareTransferStatus, Request, RequestId,
    Response, ResponseBody, SchemaVersion, ServiceRequest, UpdateFirmware,
};
use hanrig_dcc::gateway::{
    CspToDsp, DistributionRequest, DspToCsp, GbcsMessage, TransferNotification, TransferStatus, ValidationReport,
};
use hanrig_dcc::security::{Identity, Period, Pki, Protection, RemotePartyRole, sign_request, sign_written};
use hanrig_wire::gbcs::ccs08::{self, TransferResponseCode};
use hanrig_wire::gbcs::{Cra, Message, MessageCode, SecretKey, SigningKey};
use hanrig_wire::ota_file::{self, HardwareVersions, OtaHeader};
use hanrig_wire::time::{Instant, Utc};
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use std::hint::black_box;
use std::sync::{Arc, LazyLock};

const DCC: Eui64 = Eui64(0x90B3_D51F_3000_0002);
const IMPORT: Eui64 = Eui64(0x90B3_D51F_3001_0000);
const GAS: Eui64 = Eui64(0x90B3_D51F_3002_0000);
const DEVICES: u64 = 50_000;
const CLOCK: Utc = Utc(1_795_176_000_000);

const PERIOD: Period = Period { not_before: Utc(CLOCK.0 - 1_000_000), not_after: Utc(CLOCK.0 + 1_000_000) };

static PKI: LazyLock<Pki> = LazyLock::new(|| Pki::generate([1; 32], PERIOD).expect("a period"));

const fn hub(n: u64) -> Eui64 {
    Eui64(0x00DB_0000_0010_0000 + n)
}

const fn meter(n: u64) -> Eui64 {
    Eui64(0x00DB_0000_0020_0000 + n)
}

const fn ppmid(n: u64) -> Eui64 {
    Eui64(0x00DB_0000_0030_0000 + n)
}

const fn region(n: u64) -> CspRegion {
    match n % 3 {
        0 => CspRegion::North,
        1 => CspRegion::Central,
        _ => CspRegion::South,
    }
}

fn manufacturer_image() -> Vec<u8> {
    (0..350 * 1024).map(|i: u32| (i % 251) as u8).collect()
}

fn ota_upgrade_image() -> Vec<u8> {
    let header = OtaHeader {
        manufacturer_code: 0x1234,
        image_type: 0x8401,
        file_version: FirmwareVersion(0x20),
        header_string: OtaHeader::header_string_from("release 2"),
        hardware_versions: Some(HardwareVersions { minimum: 0x0101, maximum: 0x01FF }),
        ..OtaHeader::default()
    };
    ota_file::build(header, &manufacturer_image(), None)
}

fn device(id: Eui64, device_type: DeviceType, model: u16, hub: Eui64) -> SmiDevice {
    SmiDevice {
        id,
        device_type,
        manufacturer: Code(0x1234),
        model: Code(model),
        hardware_version: Code(0x0102),
        firmware_version: FirmwareVersion(0x10),
        status: SmiStatus::Commissioned,
        hub: Some(hub),
    }
}

/// 50,000 premises of two Suppliers, with an ESME, a GSME and a PPMID each.
fn data() -> DccData {
    let mut data = DccData::default();
    for (id, role) in [(IMPORT, UserRole::ImportSupplier), (GAS, UserRole::GasSupplier)] {
        data.users.insert(id, User { id, name: role.to_string(), role, suspended: false });
    }
    for n in 0..DEVICES {
        let (hub, esme, gsme) = (hub(n), meter(2 * n), meter(2 * n + 1));
        data.hubs.insert(hub, Hub { id: hub, region: region(n) });
        for device in [
            device(esme, DeviceType::Esme, 0x8201, hub),
            device(gsme, DeviceType::Gsme, 0x8301, hub),
            device(ppmid(n), DeviceType::Ppmid, 0x8401, hub),
        ] {
            data.smi.devices.insert(device.id, device);
        }
        data.registration.premises.push(Premises {
            name: String::new(),
            hub,
            import_supplier: Some(IMPORT),
            gas_supplier: Some(GAS),
            devices: vec![esme, gsme, ppmid(n)],
        });
    }
    data.cpl.entries.push(CplEntry {
        number: 1,
        device_type: DeviceType::Ppmid.into(),
        manufacturer: Code(0x1234),
        manufacturer_name: String::new(),
        model: Code(0x8401),
        model_name: String::new(),
        hardware_version: Code(0x0102),
        firmware_version: FirmwareVersion(0x20),
        smets_version: "5.1".to_owned(),
        gbcs_version: "4.1".to_owned(),
        status: CplStatus::Active,
        image: CplImage {
            creator: "Maker".to_owned(),
            descriptor: "release 2".to_owned(),
            hash: FirmwareHash::of(&manufacturer_image()),
        },
        certificates: Vec::new(),
    });
    data
}

fn secret_key(seed: u8) -> SecretKey {
    SecretKey::from_scalar(&[seed; 32]).expect("a scalar in range")
}

fn signing_key() -> SigningKey {
    SigningKey::from_scalar(&[7; 32]).expect("a scalar in range")
}

fn dsp(data: &DccData) -> Dsp {
    let mut config = DspConfig::new(DCC, CLOCK, secret_key(2));
    let trust = PKI.trust([user().certificate().clone()]).expect("no certificate twice");
    let dcc = PKI.issue(RemotePartyRole::DspXmlSign, DCC, PERIOD).expect("a period");
    config.protection = Some(Protection { identity: Arc::new(dcc), trust: Arc::new(trust) });
    let keys = DeviceKeys { signing: signing_key().verifying_key(), key_agreement: secret_key(3).public_key() };
    config.device_keys = (0..DEVICES).map(|n| (hub(n), keys)).collect();
    Dsp::new(config, data.clone())
}

fn request() -> Vec<u8> {
    let id = RequestId { originator: IMPORT, target: DCC, counter: 1 };
    let update = UpdateFirmware {
        firmware_image: ota_upgrade_image(),
        firmware_version: FirmwareVersion(0x20),
        device_id_list: (0..DEVICES).map(ppmid).collect(),
    };
    let request = Request::new(id, ServiceRequest::UpdatePpmidFirmware(update));
    sign_request(request, &user()).expect("a canonical form").to_xml().into_bytes()
}

fn user() -> Identity {
    PKI.issue(RemotePartyRole::XmlSign, IMPORT, PERIOD).expect("a period")
}

/// A DSP whose CSPs have been asked, with what they were asked.
fn distributed(data: &DccData, xml: &[u8]) -> (Dsp, Vec<(CspRegion, DistributionRequest)>) {
    let mut dsp = dsp(data);
    let answer = dsp.on_request(Instant::ZERO, IMPORT, xml);
    assert!(answer.contains(">I0<"), "{answer}");
    let mut requests = Vec::new();
    while let Some(output) = dsp.take_output() {
        if let DspOutput::ToCsp { region, message: DspToCsp::DistributionRequest(request) } = output {
            requests.push((region, request));
        }
    }
    assert_eq!(requests.iter().map(|(_, request)| request.devices.len() as u64).sum::<u64>(), DEVICES);
    (dsp, requests)
}

fn report(dsp: &mut Dsp, region: CspRegion, request: &DistributionRequest) {
    let (request_id, device_type) = (request.request_id, request.device_type);
    let report = ValidationReport { request_id, device_type, rejected: Vec::new() };
    dsp.on_csp(Instant::ZERO, region, CspToDsp::ValidationReport(report));
}

fn delivered(dsp: &mut Dsp, region: CspRegion, request: &DistributionRequest) {
    let notifications = request.devices.iter().map(|target| TransferNotification {
        request_id: request.request_id,
        hub: target.hub,
        devices: vec![target.device],
        status: TransferStatus::Successful,
        reason: None,
    });
    let notifications = notifications.collect();
    dsp.on_csp(Instant::ZERO, region, CspToDsp::TransferNotifications { notifications });
}

fn outputs(dsp: &mut Dsp) -> usize {
    std::iter::from_fn(|| dsp.take_output()).map(black_box).count()
}

/// CCS08 of a hub: the image has reached the PPMID.
fn transfer_alert(n: u64) -> Vec<u8> {
    let content = ccs08::Alert {
        alert_code: 0x8F8A,
        time: CLOCK,
        target: ppmid(n),
        version: FirmwareVersion(0x20),
        transfer_response_code: TransferResponseCode::Success,
    };
    let mut message = Message {
        cra: Cra::Alert,
        counter: 1,
        originator: hub(n),
        recipient: DCC,
        date_time: None,
        message_code: MessageCode::CCS08,
        supplementary: None,
        content: content.encode(),
        signature: None,
    };
    message.sign(&signing_key());
    message.emit()
}

/// N61 and N62 of a Device.
fn delivery_alerts(n: u64, gbcs_payload: &[u8]) -> [Response; 2] {
    let request_id = RequestId { originator: IMPORT, target: DCC, counter: 1 };
    let (device_id, firmware_version) = (ppmid(n), FirmwareVersion(0x20));
    let alert = |code, alert| Response {
        schema_version: SchemaVersion::current(),
        request_id: None,
        response_id: Some(request_id.response()),
        response_code: "I0".parse().expect("a code"),
        response_date_time: CLOCK,
        body: ResponseBody::DccAlertMessage(DccAlertMessage { code, alert }),
        signature: None,
    };
    let delivery = FirmwareDeliveryStatus { request_id, device_id, firmware_version, reason: None };
    let transfer = FirmwareTransferStatus {
        request_id,
        device_id,
        firmware_version,
        device_alert_code: 0x8F8A,
        transfer_response_code: 0,
        gbcs_payload: gbcs_payload.to_vec(),
    };
    [
        alert(DccAlertCode::N61, DccAlert::FirmwareDeliveryStatus(delivery)),
        alert(DccAlertCode::N62, DccAlert::FirmwareTransferStatus(transfer)),
    ]
}

/// Octets of the signed N61 and N62 of these Devices.
fn signed_alerts(devices: std::ops::Range<u64>, dcc: &Identity, gbcs_payload: &[u8]) -> usize {
    let alerts = devices.flat_map(|n| delivery_alerts(n, gbcs_payload));
    alerts.map(|alert| black_box(sign_written(&alert.to_xml(), dcc).expect("a canonical form")).len()).sum()
}

fn update(criterion: &mut Criterion) {
    let (data, xml) = (data(), request());
    let mut group = criterion.benchmark_group("SRV 11.4 for 50,000 PPMIDs");
    group.sample_size(10);
    group.throughput(Throughput::Elements(DEVICES));
    group.bench_function("checked, split, tracked and answered", |bencher| {
        let ask = |mut dsp: Dsp| {
            let answer = dsp.on_request(Instant::ZERO, IMPORT, black_box(&xml));
            (answer, dsp)
        };
        bencher.iter_batched(|| dsp(&data), ask, BatchSize::PerIteration);
    });
    group.bench_function("approved, N59 for the other Suppliers", |bencher| {
        let approve = |(mut dsp, requests): (Dsp, Vec<(CspRegion, DistributionRequest)>)| {
            requests.iter().for_each(|(region, request)| report(&mut dsp, *region, request));
            (outputs(&mut dsp), dsp)
        };
        bencher.iter_batched(|| distributed(&data, &xml), approve, BatchSize::PerIteration);
    });
    group.bench_function("delivered to the hubs, 50,000 N61", |bencher| {
        let approved = || {
            let (mut dsp, requests) = distributed(&data, &xml);
            requests.iter().for_each(|(region, request)| report(&mut dsp, *region, request));
            outputs(&mut dsp);
            (dsp, requests)
        };
        let deliver = |(mut dsp, requests): (Dsp, Vec<(CspRegion, DistributionRequest)>)| {
            requests.iter().for_each(|(region, request)| delivered(&mut dsp, *region, request));
            let alerts = outputs(&mut dsp);
            assert_eq!(alerts as u64, DEVICES);
            dsp
        };
        bencher.iter_batched(approved, deliver, BatchSize::PerIteration);
    });
    group.finish();

    // What comes of such a request: an N61 and an N62 for each Device.
    let mut group = criterion.benchmark_group("DCC Alerts");
    group.sample_size(10);
    group.throughput(Throughput::Elements(2 * DEVICES));
    let payload = transfer_alert(0);
    group.bench_function("100,000 written as XML", |bencher| {
        bencher.iter(|| {
            let alerts = (0..DEVICES).flat_map(|n| delivery_alerts(n, &payload));
            alerts.map(|alert| black_box(alert.to_xml()).len()).sum::<usize>()
        });
    });
    // As the DSP does it: in their order, by all cores.
    let dcc = PKI.issue(RemotePartyRole::DspXmlSign, DCC, PERIOD).expect("a period");
    group.bench_function("100,000 written as XML and signed", |bencher| {
        bencher.iter(|| {
            let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..threads)
                    .map(|thread| (thread * DEVICES / threads..(thread + 1) * DEVICES / threads, &dcc, &payload))
                    .map(|(devices, dcc, payload)| scope.spawn(move || signed_alerts(devices, dcc, payload)))
                    .collect();
                threads.into_iter().map(|thread| thread.join().expect("no panic")).sum::<usize>()
            })
        });
    });
    group.finish();

    // The check of the hub's signature is what an N62 costs.
    const CHECKED: u64 = 500;
    let alerts: Vec<Vec<u8>> = (0..CHECKED).map(transfer_alert).collect();
    let mut group = criterion.benchmark_group("Device Alerts of hubs");
    group.sample_size(10);
    group.throughput(Throughput::Elements(CHECKED));
    group.bench_function("checked, 500 N62", |bencher| {
        let check = |(mut dsp, _): (Dsp, Vec<(CspRegion, DistributionRequest)>)| {
            for (n, octets) in (0..).zip(&alerts) {
                let message = GbcsMessage { hub: hub(n), octets: octets.clone() };
                dsp.on_csp(Instant::ZERO, region(n), CspToDsp::Gbcs(message));
            }
            assert_eq!(outputs(&mut dsp) as u64, CHECKED);
            dsp
        };
        bencher.iter_batched(|| distributed(&data, &xml), check, BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, update);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    // The kernel keeps the peak of this process, which holds a request, its tracking and its Alerts more than once.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
        println!("peak memory of all of this: {}", peak.trim());
    }
}
