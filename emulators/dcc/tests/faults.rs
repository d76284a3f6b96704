//! That every planted fault shows: with it, at least one of these scenes goes another way than without.
#![cfg(feature = "planted-faults")]

mod support;

use hanrig_dcc::data::{
    AssuranceCertificate, Baselines, CertificateKind, Code, Contact, CplEntry, CplImage, CplStatus, CspRegion, DccData,
    UserRole,
};
use hanrig_dcc::dsp::{self, Decision, Stage, Viewer};
use hanrig_dcc::duis::{Request, RequestId, ServiceRequest, UpdateFirmware};
use hanrig_dcc::gateway::{
    BusyReason, CspReply, CspToDsp, DistributionReply, DspToCsp, GbcsMessage, HubFirmwareReport, RejectedDevice,
    RejectionReason, TransferNotification, TransferStatus,
};
use hanrig_dcc::panel::{Authority, DzirDetails, FirDetails, Panel, Reader, Submission};
use hanrig_dcc::security::{RemotePartyRole, sign};
use hanrig_dcc::settings::SecondRequest;
use hanrig_dcc::supplier::{FirmwarePackage, Supplier, SupplierConfig};
use hanrig_dcc::{FirmwareHash, csp, panel, supplier};
use hanrig_wire::gbcs::ccs08::TransferResponseCode;
use hanrig_wire::gbcs::cs06::{self, ActivationResult};
use hanrig_wire::gbcs::cs08::{self, ReadOutcome};
use hanrig_wire::gbcs::cs09::ActivationOutcome;
use hanrig_wire::gbcs::{
    self, Content, Cra, Envelope, Message, PaymentMode, Prepayment, decode_content, gsme_payment_mode, payment_mode,
};
use hanrig_wire::time::Utc;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use support::csp_bench::{Bench, request};
use support::protection::{self, dsp as protected_dsp, foreign, identity, request as signed_request, user};
use support::*;
use time::macros::date;

const DAY: u64 = 24 * 3600;

/// What is seen of a DSP: all that it sends, without the octets of images.
struct Play {
    world: World,
    seen: String,
}

impl Play {
    fn note(&mut self, what: impl std::fmt::Debug) {
        writeln!(self.seen, "{what:?}").unwrap();
    }

    fn look(&mut self) -> Vec<DspToCsp> {
        let (users, csps) = self.world.drain();
        self.note(users);
        let mut messages = Vec::new();
        for (region, message) in csps {
            match &message {
                DspToCsp::DistributionRequest(request) => {
                    let (id, device_type) = (request.request_id, request.device_type);
                    self.note((region, id, device_type, request.image_hash, &request.devices));
                }
                other => self.note((region, other)),
            }
            messages.push(message);
        }
        messages
    }

    fn send(&mut self, user: Eui64, target: Eui64, body: ServiceRequest) -> hanrig_dcc::duis::Response {
        let answer = self.world.send(user, target, body);
        self.note(&answer);
        answer
    }

    fn update(&mut self, user: Eui64, devices: &[Eui64]) -> RequestId {
        let answer = self.world.update(user, devices);
        self.note(&answer);
        answer.request_id.unwrap()
    }

    /// SRV 11.1 with an image of so many octets.
    fn update_firmware(&mut self, user: Eui64, devices: &[Eui64]) -> RequestId {
        let body = UpdateFirmware {
            firmware_image: signed_ota_upgrade_image(0x8201, &manufacturer_image(200)),
            firmware_version: VERSION,
            device_id_list: devices.to_vec(),
        };
        self.send(user, DCC, ServiceRequest::UpdateFirmware(body)).request_id.unwrap()
    }

    /// Has the CSPs approve of all but the Devices rejected.
    fn approve(&mut self, rejected: &[RejectedDevice]) {
        for message in self.look() {
            if let DspToCsp::DistributionRequest(request) = message {
                let region = if request.devices.iter().any(|target| target.hub == SOUTH_HUB) {
                    CspRegion::South
                } else {
                    CspRegion::North
                };
                self.world.report(region, &request, rejected.to_vec());
            }
        }
        self.look();
    }

    fn transferred(&mut self, request_id: RequestId, devices: &[Eui64], status: TransferStatus) {
        let reason = (status == TransferStatus::Failed).then(|| "no answer".to_owned());
        let notification = TransferNotification { request_id, hub: HUB, devices: devices.to_vec(), status, reason };
        self.world.dsp.on_csp(at(30), CspRegion::North, CspToDsp::TransferNotification(notification));
        self.look();
    }

    fn alert(&mut self, device: Eui64, code: TransferResponseCode) {
        self.world.gbcs(HUB, signed(transfer_alert(HUB, device, code)));
        self.look();
    }

    /// A Critical Service Request, signed first by another and then by the sender, and answered by the Device.
    fn command(&mut self, user: Eui64, device: Eui64, body: ServiceRequest, answer: impl FnOnce(u64) -> Vec<u8>) {
        let response = self.send(user, device, body);
        let hanrig_dcc::duis::ResponseBody::ResponseMessage(message) = response.body else { return };
        let hanrig_dcc::duis::ResponsePayload::PreCommand(pre_command) = message.payload else { return };
        let mut message = Message::parse_pre_command(&pre_command.gbcs_payload).unwrap();
        let id = response.request_id.unwrap();
        for signer in [OTHER_IMPORT, user] {
            message.sign(&user_key(signer));
            let signed = ServiceRequest::SignedPreCommand { gbcs_payload: message.emit() };
            let response = self.world.send_request(user, &Request::new(id, signed));
            self.note(response);
        }
        let answer = Message {
            cra: Cra::Response,
            originator: device,
            recipient: user,
            content: answer(message.counter),
            signature: None,
            ..message
        };
        self.look();
        self.world.gbcs(HUB, signed(answer));
        self.look();
    }

    fn activate(&mut self, user: Eui64, device: Eui64) {
        let hash = FirmwareHash::of(&manufacturer_image(200));
        let body = ServiceRequest::ActivateFirmware { execution_date_time: None, hash };
        let outcome = cs06::Outcome { result: ActivationResult::Success, version: VERSION };
        self.command(user, device, body, |_| cs06::Response::Immediate(outcome).encode());
        self.note(self.world.smi_version(device));
    }

    fn change_payment_mode(&mut self, user: Eui64, device: Eui64, mode: PaymentMode) {
        self.command(user, device, ServiceRequest::UpdatePaymentMode(mode), |counter| match device {
            GSME => gsme_payment_mode::Response { outcome: Ok(gsme_payment_mode::Terms::default()) }.encode(),
            _ => payment_mode::Response::new(counter, mode, true).encode(),
        });
    }

    fn read(&mut self, user: Eui64, device: Eui64, version: FirmwareVersion) {
        self.send(user, device, ServiceRequest::ReadFirmwareVersion);
        for message in self.look() {
            let DspToCsp::Gbcs(GbcsMessage { octets, .. }) = message else { continue };
            let command = Envelope::parse(&octets).unwrap().into_message();
            let Ok(Content::Cs08Command(_)) = decode_content(&command) else { continue };
            let content = cs08::Response { version, outcome: ReadOutcome::Success }.encode();
            let (originator, recipient) = (command.recipient, command.originator);
            let answer = Message { cra: Cra::Response, originator, recipient, content, ..command };
            self.world.gbcs(HUB, gbcs::seal(&answer, &secret_key(seed(device)), &secret_key(2).public_key()));
        }
        self.look();
        self.note(self.world.smi_version(device));
    }

    fn audit(&mut self) {
        let events: Vec<_> =
            self.world.dsp.audit_trail().map(|entry| (entry.event, entry.device, entry.response_code)).collect();
        self.note(events);
    }
}

/// A scene with a DSP: the settings that it has, and what happens.
type Scene = (&'static str, fn(&mut Play));

const SCENES: &[Scene] = &[
    ("", updates_of_ppmids),
    ("maximum_image_size = 260", images),
    ("", checks),
    ("", updates_of_others),
    ("", failures),
    ("", an_older_image),
    ("", commands),
    ("", payment_modes),
    ("", the_cpl),
    ("maximum_devices = 1", |stage| {
        stage.update(IMPORT, &[PPMID, PPMID_2]);
        stage.update(IMPORT, &[PPMID]);
    }),
    ("", days),
    ("tracking_timeout = \"1day\"", the_tracking_timeout),
    ("", a_busy_csp),
    (
        "[[anomaly_threshold]]\nuser = \"90-B3-D5-1F-30-01-00-00\"\nservice_reference = \"11.4\"\nrequests = 1\nperiod = \"1h\"",
        anomalies,
    ),
    (
        "[[anomaly_threshold]]\nuser = \"90-B3-D5-1F-30-01-00-00\"\nservice_reference = \"11.1\"\nrequests = 1\nperiod = \"1h\"",
        |stage| {
            stage.update_firmware(IMPORT, &[HCALCS]);
            stage.update_firmware(IMPORT, &[ESME]);
        },
    ),
    ("", the_desk),
    ("", change_of_supplier),
    ("[hub_firmware_stages]\nmicro_pilot_least = 1", hub_firmware),
];

fn updates_of_ppmids(stage: &mut Play) {
    for (user, other) in [(IMPORT, GAS), (GAS, IMPORT)] {
        let id = stage.update(user, &[PPMID, PPMID_2]);
        stage.update(other, &[PPMID]);
        stage.approve(&[]);
        stage.update(other, &[PPMID]);
        stage.transferred(id, &[PPMID, PPMID_2], TransferStatus::Successful);
        stage.update(other, &[PPMID]);
        stage.alert(PPMID, TransferResponseCode::Success);
        stage.update(other, &[PPMID]);
        stage.note(stage.world.smi_version(PPMID));
        for ppmid in [PPMID, PPMID_2] {
            stage.world.gbcs(HUB, signed(activation_alert(ppmid, VERSION, ActivationOutcome::Success)));
        }
        stage.look();
        stage.note(stage.world.smi_version(PPMID));
        stage.send(IMPORT, DCC, ServiceRequest::ReadInventory { device_id: PPMID });
    }
    stage.audit();
}

fn images(stage: &mut Play) {
    for octets in [200, 201, 300] {
        let image = ota_upgrade_image(0x8401, &manufacturer_image(octets));
        stage.world.dsp.data_mut().cpl.entries[0].image.hash = FirmwareHash::of(&manufacturer_image(octets));
        let answer = stage.world.update_with(IMPORT, image, VERSION, &[PPMID]);
        stage.note(answer);
        stage.look();
    }
}

fn checks(stage: &mut Play) {
    stage.update(IMPORT, &[UNKNOWN, PENDING, OTHER_MODEL, FOREIGN_PPMID, ESME, PPMID, SOUTH_PPMID]);
    stage.look();
    stage.update(SUSPENDED, &[PPMID_2]);
    stage.update(NETWORK, &[PPMID_2]);
    stage.send(NETWORK, PPMID, ServiceRequest::ReadFirmwareVersion);
    let image = stage.world.image.clone();
    let answer = stage.world.update_with(IMPORT, image, OLD_VERSION, &[PPMID_2]);
    stage.note(answer);
    stage.look();
    stage.world.dsp.data_mut().smi.devices.get_mut(&PPMID_2).unwrap().hardware_version.0 += 1;
    stage.update(IMPORT, &[PPMID_2]);
    stage.world.dsp.data_mut().smi.devices.get_mut(&PPMID_2).unwrap().hardware_version.0 -= 1;
    stage.update(GAS, &[PPMID_2]);
    stage.look();
}

fn updates_of_others(stage: &mut Play) {
    for user in [IMPORT, GAS] {
        let id = stage.update_firmware(user, &[PPMID, ESME, GSME, HCALCS]);
        stage.approve(&[]);
        stage.update_firmware(user, &[ESME, GSME, HCALCS]);
        stage.transferred(id, &[ESME, GSME, HCALCS], TransferStatus::Successful);
        for device in [ESME, GSME, HCALCS] {
            stage.alert(device, TransferResponseCode::Success);
        }
    }
    let world = &mut stage.world;
    world.dsp.reset_firmware_update_status(at(31), Viewer::ServiceDesk, ESME).unwrap();
    let id = stage.update_firmware(IMPORT, &[ESME]);
    stage.approve(&[]);
    stage.transferred(id, &[ESME], TransferStatus::Failed);
}

fn failures(stage: &mut Play) {
    for reason in [RejectionReason::ImageIntegrity, RejectionReason::UnknownDevice] {
        stage.update(IMPORT, &[PPMID, PPMID_2]);
        stage.approve(&[RejectedDevice { device: PPMID, reason }]);
        stage.world.dsp.reset_firmware_update_status(at(31), Viewer::ServiceDesk, PPMID_2).unwrap();
    }
    stage.audit();
    for code in [
        TransferResponseCode::ImageDiscarded,
        TransferResponseCode::HardwareVersionMismatch,
        TransferResponseCode::FileTransferFailure,
    ] {
        let id = stage.update(IMPORT, &[PPMID]);
        stage.approve(&[]);
        stage.transferred(id, &[PPMID], TransferStatus::Successful);
        stage.alert(PPMID, code);
        stage.note(stage.world.dsp.firmware_update_status(at(40), Viewer::ServiceDesk, PPMID));
        stage.update(GAS, &[UNKNOWN]);
    }
    let id = stage.update(IMPORT, &[PPMID]);
    stage.approve(&[]);
    stage.transferred(id, &[PPMID], TransferStatus::Failed);
    stage.note(stage.world.dsp.firmware_update_status(at(40), Viewer::ServiceDesk, PPMID));
    stage.audit();
}

/// A second update follows while the hub still holds the image of the first.
fn an_older_image(stage: &mut Play) {
    stage.update(IMPORT, &[PPMID]);
    stage.approve(&[]);
    stage.world.dsp.reset_firmware_update_status(at(31), Viewer::ServiceDesk, PPMID).unwrap();
    let newer = manufacturer_image(300);
    let version = FirmwareVersion(0x99);
    let listed = &mut stage.world.dsp.data_mut().cpl.entries;
    let mut entry = listed[0].clone();
    (entry.firmware_version, entry.image.hash) = (version, FirmwareHash::of(&newer));
    listed.push(entry);
    let answer = stage.world.update_with(GAS, ota_upgrade_image(0x8401, &newer), version, &[PPMID]);
    stage.note(answer);
    stage.approve(&[]);
    stage.alert(PPMID, TransferResponseCode::ImageDiscarded);
}

fn commands(stage: &mut Play) {
    stage.send(IMPORT, DCC, ServiceRequest::ReadInventory { device_id: PPMID });
    stage.activate(IMPORT, HCALCS);
    stage.activate(GAS, HCALCS);
    stage.activate(IMPORT, PPMID);
    stage.read(GAS, PPMID, VERSION);
    stage.read(IMPORT, HCALCS, FirmwareVersion(0x99));
    stage.world.dsp.data_mut().cpl.entries.iter_mut().for_each(|entry| entry.status = CplStatus::Removed);
    stage.read(IMPORT, HCALCS, VERSION);
    stage.send(IMPORT, DCC, ServiceRequest::ReadInventory { device_id: HCALCS });
    stage.send(IMPORT, DCC, ServiceRequest::ReadInventory { device_id: PPMID });
    let activations: Vec<_> = stage.world.dsp.firmware_activations(Viewer::ServiceDesk).cloned().collect();
    stage.note(activations);
}

fn payment_modes(stage: &mut Play) {
    let prepayment =
        Prepayment { suspend_debt_disabled: true, suspend_debt_emergency: false, disablement_threshold: 1500 };
    stage.change_payment_mode(IMPORT, ESME, PaymentMode::Prepayment(prepayment));
    stage.change_payment_mode(IMPORT, ESME, PaymentMode::Credit);
    stage.change_payment_mode(GAS, ESME, PaymentMode::Credit);
    stage.change_payment_mode(GAS, GSME, PaymentMode::Prepayment(prepayment));
}

fn the_cpl(stage: &mut Play) {
    stage.world.dsp.data_mut().cpl.entries.iter_mut().for_each(|entry| entry.status = CplStatus::Removed);
    stage.update(IMPORT, &[PPMID]);
    stage.look();
    stage.world.dsp.data_mut().cpl.entries.iter_mut().for_each(|entry| {
        entry.status = CplStatus::Active;
        entry.image.hash = FirmwareHash([1; 32]);
    });
    stage.update(IMPORT, &[PPMID]);
    stage.look();
}

fn days(stage: &mut Play) {
    stage.update(IMPORT, &[PPMID]);
    stage.approve(&[]);
    stage.world.dsp.poll(at(10 + 5 * DAY));
    stage.look();
    let id = stage.update(GAS, &[PPMID, PPMID_2]);
    stage.approve(&[]);
    let one =
        |device, status| TransferNotification { request_id: id, hub: HUB, devices: vec![device], status, reason: None };
    let notifications = vec![one(PPMID, TransferStatus::Successful), one(PPMID_2, TransferStatus::Failed)];
    stage.world.dsp.on_csp(at(30), CspRegion::North, CspToDsp::TransferNotifications { notifications });
    stage.look();
}

fn the_tracking_timeout(stage: &mut Play) {
    stage.update(IMPORT, &[PPMID]);
    stage.approve(&[]);
    for seconds in [20 + DAY - 1, 20 + DAY] {
        let request = stage.world.request(GAS, &[PPMID]).to_xml();
        let answer = response(&stage.world.dsp.on_request(at(seconds), GAS, request.as_bytes()));
        stage.note(answer);
    }
}

fn a_busy_csp(stage: &mut Play) {
    stage.update(IMPORT, &[PPMID]);
    let mut now = at(10);
    loop {
        let messages = stage.look();
        for message in &messages {
            let DspToCsp::DistributionRequest(request) = message else { continue };
            stage.note(now);
            let reply = CspReply::Busy { reason_code: BusyReason::NoJob, reason: "busy".to_owned() };
            let reply = DistributionReply { request_id: request.request_id, device_type: request.device_type, reply };
            stage.world.dsp.on_csp(now, CspRegion::North, CspToDsp::DistributionReply(reply));
        }
        match stage.world.dsp.poll_at() {
            _ if !messages.is_empty() => {}
            Some(due) if due < at(5 * DAY) => {
                now = due.max(now);
                stage.world.dsp.poll(now);
            }
            _ => return,
        }
    }
}

fn anomalies(stage: &mut Play) {
    stage.update_firmware(IMPORT, &[UNKNOWN]);
    for device in [PPMID, PPMID_2] {
        stage.update(IMPORT, &[device]);
    }
    let counts: Vec<_> = stage.world.dsp.anomaly_counts().collect();
    stage.note(counts);
    let held: Vec<_> = stage.world.dsp.quarantined().map(|request| request.request_id).collect();
    for id in held {
        let released = stage.world.dsp.release_quarantined(at(50), id);
        stage.note(released);
    }
    stage.look();
}

fn the_desk(stage: &mut Play) {
    stage.update_firmware(IMPORT, &[HCALCS]);
    stage.update(IMPORT, &[PPMID]);
    stage.approve(&[]);
    for viewer in [Viewer::User(IMPORT), Viewer::User(OTHER_IMPORT), Viewer::ServiceDesk] {
        for device in [PPMID, HCALCS] {
            stage.note(stage.world.dsp.firmware_update_status(at(30), viewer, device));
        }
    }
    let by_user = stage.world.dsp.reset_firmware_update_status(at(30), Viewer::User(GAS), HCALCS);
    stage.note(by_user);
    let by_desk = stage.world.dsp.reset_firmware_update_status(at(30), Viewer::ServiceDesk, PPMID);
    stage.note(by_desk);
    stage.update(GAS, &[PPMID]);
}

fn change_of_supplier(stage: &mut Play) {
    stage.update(IMPORT, &[PPMID]);
    let registration = &mut stage.world.dsp.data_mut().registration;
    registration.change_supplier(HUB, UserRole::ImportSupplier, OTHER_IMPORT);
    stage.update(IMPORT, &[PPMID_2]);
}

fn hub_firmware(stage: &mut Play) {
    let new = FirmwareVersion(0x30);
    for days in [6, 7] {
        let not_before = Utc(1_795_176_000_000 + days * 24 * 3_600_000);
        let announced = stage.world.dsp.announce_hub_firmware(at(0), new, not_before);
        stage.note(announced);
    }
    stage.look();
    let early = stage.world.dsp.begin_hub_stage(at(6 * DAY), new, Stage::MicroPilot, &[HUB]);
    stage.note(early);
    for release_stage in [Stage::Pilot, Stage::MicroPilot, Stage::Pilot, Stage::RollOut] {
        let begun = stage.world.dsp.begin_hub_stage(at(7 * DAY), new, release_stage, &[HUB]);
        stage.note(begun);
        let decided = stage.world.dsp.decide_hub_stage(new, release_stage, Vec::new(), Decision::Proceed);
        stage.note(decided);
        stage.look();
    }
    let report = HubFirmwareReport { hub: HUB, firmware_version: new };
    stage.world.dsp.on_csp(at(40), CspRegion::North, CspToDsp::HubFirmwareReport(report));
    stage.look();
}

fn play((settings, scene): Scene, fault: Option<dsp::Fault>) -> String {
    let mut stage = Play { world: World::with_settings(settings), seen: String::new() };
    if let Some(fault) = fault {
        stage.world.dsp.plant(fault);
    }
    scene(&mut stage);
    stage.seen
}

/// What a DSP says to requests whose protection is wrong, one after the other.
fn look_at_protection(fault: Option<dsp::Fault>) -> String {
    let expired = identity(RemotePartyRole::XmlSign, IMPORT, protection::days(-10, -1));
    let commands = identity(RemotePartyRole::Supplier, IMPORT, protection::days(-10, 10));
    let mut dsp = protected_dsp(&[expired.clone(), commands.clone(), foreign()]);
    if let Some(fault) = fault {
        dsp.plant(fault);
    }
    let mut seen = String::new();
    let request = |counter| signed_request(IMPORT, counter);
    let signed = |counter, by: &_| sign(&request(counter), by).unwrap();
    for xml in [
        request(1),
        request(9).replace(">11.4</", ">11.1</"),
        signed(2, &expired),
        signed(3, &commands),
        signed(4, &foreign()),
        signed(5, &user(GAS)),
        signed(6, &user(IMPORT)).replace(":6<", ":7<"),
        signed(8, &user(IMPORT)),
        signed(8, &user(IMPORT)),
    ] {
        writeln!(seen, "{}", dsp.on_request(at(10), IMPORT, xml.as_bytes())).unwrap();
    }
    seen
}

#[test]
fn every_fault_of_the_dsp_shows() {
    let right: Vec<String> = SCENES.iter().map(|scene| play(*scene, None)).collect();
    let protected = look_at_protection(None);
    let hidden: Vec<_> = dsp::Fault::ALL
        .iter()
        .filter(|fault| SCENES.iter().zip(&right).all(|(scene, right)| play(*scene, Some(**fault)) == *right))
        .filter(|fault| look_at_protection(Some(**fault)) == protected)
        .collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

/// What is seen of a CSP.
fn look_at_csp(fault: Option<csp::Fault>) -> String {
    let mut seen = String::new();
    for (region, second_request) in [
        (CspRegion::South, SecondRequest::Schedule),
        (CspRegion::South, SecondRequest::Reject),
        (CspRegion::North, SecondRequest::Schedule),
    ] {
        let mut bench = Bench::in_region(region, &[HUB]);
        if let Some(fault) = fault {
            bench.csp.plant(fault);
        }
        bench.csp.settings_mut().second_request = second_request;
        bench.csp.settings_mut().south_and_central.devices = 3;
        for (device, device_type) in
            [(PPMID, DeviceType::Ppmid), (PPMID_2, DeviceType::Ppmid), (GSME, DeviceType::Gsme)]
        {
            bench.provision(HUB, device, device_type);
        }
        bench.hubs[0].hello();
        bench.settle();
        bench.csp.set_link(bench.now, HUB, false);
        for asked in [
            request(DeviceType::Ppmid, 1000, &[(PPMID, HUB), (UNKNOWN, HUB)]),
            request(DeviceType::Ppmid, 1100, &[(PPMID_2, HUB)]),
            request(DeviceType::Gsme, 1200, &[(GSME, HUB)]),
            request(DeviceType::Ppmid, 1300, &[(PPMID, HUB)]),
        ] {
            let reply = bench.csp.on_dsp(bench.now, DspToCsp::DistributionRequest(asked));
            writeln!(seen, "{reply:?}").unwrap();
        }
        bench.csp.set_link(bench.now, HUB, true);
        bench.settle();
        for octets in [
            signed(transfer_alert(HUB, PPMID, TransferResponseCode::Success)),
            signed(activation_alert(PPMID, VERSION, ActivationOutcome::Success)),
        ] {
            bench.hubs[0].say(hanrig_wire::wan::WanMessage::Gbcs { octets });
            bench.settle();
        }
        // There is room again.
        let asked = request(DeviceType::Ppmid, 1400, &[(PPMID_2, HUB)]);
        let reply = bench.csp.on_dsp(bench.now, DspToCsp::DistributionRequest(asked));
        writeln!(seen, "{reply:?}").unwrap();
        writeln!(seen, "{:?} {:?} {}", bench.reports, bench.hubs[0].stored, bench.hubs[0].received.len()).unwrap();
    }
    seen
}

#[test]
fn every_fault_of_the_csp_shows() {
    let right = look_at_csp(None);
    let hidden: Vec<_> = csp::Fault::ALL.iter().filter(|fault| look_at_csp(Some(**fault)) == right).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

/// A Supplier that signs whatever comes.
#[test]
fn a_supplier_that_signs_unchecked() {
    let mut signed = Vec::new();
    for faulty in [false, true] {
        let mut world = World::new();
        let mut supplier = Supplier::new(SupplierConfig {
            eui: IMPORT,
            name: "Import".to_owned(),
            role: UserRole::ImportSupplier,
            dcc: DCC,
            signing_key: user_key(IMPORT),
            first_counter: 1,
        });
        if faulty {
            supplier.plant(hanrig_dcc::supplier::Fault::SignsUnchecked);
        }
        world.dsp.plant(dsp::Fault::PreCommandWithAnotherHash);
        let request = supplier.activate_firmware(HCALCS, FirmwareHash([9; 32]), None);
        let response = world.send_request(IMPORT, &request);
        signed.push(supplier.sign_pre_command(&response).is_ok());
    }
    assert_eq!(signed, [false, true]);
}

/// What is seen of the Panel.
fn look_at_panel(fault: Option<panel::Fault>) -> String {
    let maker = signing_key(0x33);
    let certificate = |kind, number: &str, version, expires| AssuranceCertificate {
        kind,
        number: number.to_owned(),
        firmware_versions: vec![version],
        expires: Some(expires),
    };
    let valid = date!(2027 - 03 - 31);
    let submission = |image: u8| Submission {
        changes_zigbee: false,
        entry: CplEntry {
            number: 0,
            device_type: DeviceType::Hcalcs.into(),
            manufacturer: Code(0x12A7),
            manufacturer_name: "Maker".to_owned(),
            model: Code(0x8501),
            model_name: "Switch".to_owned(),
            hardware_version: Code(0x0102),
            firmware_version: VERSION,
            smets_version: "5.1".to_owned(),
            gbcs_version: "4.1".to_owned(),
            status: CplStatus::Active,
            image: CplImage {
                creator: "Maker".to_owned(),
                descriptor: "release".to_owned(),
                hash: FirmwareHash([image; 32]),
            },
            certificates: vec![certificate(CertificateKind::Cpa, "CPA-1", VERSION, valid)],
        },
        fir: Some(FirDetails {
            release_notes: "notes".to_owned(),
            baselines: Baselines::NotApplicable,
            contact: Contact { email: "e".to_owned(), telephone: "t".to_owned(), address: "a".to_owned() },
        }),
        dzir: Some(DzirDetails { chipset_vendor: "v".to_owned(), stack_version: "s".to_owned(), band: None }),
    };
    type Spoil<'a> = Box<dyn Fn(&mut Submission) + 'a>;
    let zigbee = |number: &'static str| -> Spoil<'_> {
        Box::new(move |s| {
            s.changes_zigbee = true;
            s.entry.certificates.push(certificate(CertificateKind::ZigBee, number, VERSION, valid));
        })
    };
    let spoils: Vec<Spoil<'_>> = vec![
        Box::new(|_| {}),
        Box::new(|s| s.entry.image.descriptor.clear()),
        Box::new(|s| s.entry.certificates.clear()),
        Box::new(|s| s.entry.certificates[0].expires = Some(date!(2020 - 01 - 01))),
        Box::new(|s| {
            s.entry.device_type = DeviceType::Ppmid.into();
            s.entry.certificates.clear();
        }),
        Box::new(|s| s.changes_zigbee = true),
        zigbee("ZB-1"),
        zigbee("ZB-1"),
        Box::new(|s| s.fir.as_mut().unwrap().release_notes.clear()),
        Box::new(|s| s.fir.as_mut().unwrap().baselines = Baselines::Entries(vec![77])),
        Box::new(|s| s.fir = None),
        Box::new(|s| s.dzir.as_mut().unwrap().stack_version.clear()),
        Box::new(|s| s.fir.as_mut().unwrap().baselines = Baselines::Entries(vec![1])),
    ];
    let mut panel = Panel::new(BTreeMap::from([("Maker".to_owned(), maker.verifying_key())]));
    if let Some(fault) = fault {
        panel.plant(fault);
    }
    let (mut data, mut seen) = (DccData::default(), String::new());
    for (spoil, image) in spoils.iter().zip(1..) {
        let mut submission = submission(image);
        spoil(&mut submission);
        let result = panel.submit(&mut data, date!(2026 - 11 - 20), &submission.sign(&maker));
        writeln!(seen, "{result:?}").unwrap();
    }
    let forged = submission(99).sign(&signing_key(1));
    writeln!(seen, "{:?}", panel.submit(&mut data, date!(2026 - 11 - 20), &forged)).unwrap();
    for is_sec_party in [true, false] {
        let reader = Reader { name: "reader".to_owned(), is_sec_party };
        writeln!(seen, "{:?} {:?}", panel.fir(&data, &reader, 1), panel.dzir(&data, &reader, 1)).unwrap();
    }
    let reader = Reader { name: "reader".to_owned(), is_sec_party: true };
    for authority in [Authority::Panel, Authority::SecuritySubCommittee] {
        writeln!(seen, "{:?}", panel.set_dzir_access(authority, &reader, true)).unwrap();
        writeln!(seen, "{:?}", panel.dzir(&data, &reader, 1)).unwrap();
    }
    panel.remove(&mut data, 1);
    writeln!(seen, "{:?} {:?}", data.cpl, data.fir).unwrap();
    seen
}

#[test]
fn every_fault_of_the_panel_shows() {
    let right = look_at_panel(None);
    let hidden: Vec<_> = panel::Fault::ALL.iter().filter(|fault| look_at_panel(Some(**fault)) == right).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

/// What a Supplier says to do about a Device at some times, and of the order of upgrades.
fn look_at_patience(fault: Option<supplier::Fault>) -> String {
    let mut supplier = Supplier::new(SupplierConfig {
        eui: IMPORT,
        name: "Import".to_owned(),
        role: UserRole::ImportSupplier,
        dcc: DCC,
        signing_key: user_key(IMPORT),
        first_counter: 1,
    });
    if let Some(fault) = fault {
        supplier.plant(fault);
    }
    let mut world = World::new();
    let mut seen = format!("{:?}\n", supplier.advice(at(0), PPMID));
    let request = supplier.read_firmware_version(PPMID);
    supplier.note_sent(at(0), &request);
    world.send_request(IMPORT, &request);
    world.dsp.poll(at(10 + DAY));
    for (_, response) in world.drain().0 {
        supplier.receive(at(DAY), &response.to_xml()).unwrap();
    }
    writeln!(seen, "{:?}", supplier.advice(at(2 * DAY), PPMID)).unwrap();
    let update = |firmware_image: Vec<u8>| UpdateFirmware {
        firmware_image,
        firmware_version: VERSION,
        device_id_list: vec![UNKNOWN],
    };
    let request = supplier.request(DCC, ServiceRequest::UpdatePpmidFirmware(update(world.image.clone())));
    supplier.note_sent(at(3 * DAY), &request);
    writeln!(seen, "{:?}", supplier.advice(at(9 * DAY), UNKNOWN)).unwrap();
    let answer = world.send_request(IMPORT, &request);
    supplier.receive(at(3 * DAY), &answer.to_xml()).unwrap();
    writeln!(seen, "{:?}", supplier.advice(at(4 * DAY), UNKNOWN)).unwrap();
    let package = FirmwarePackage {
        creator_signature: Some(signing_key(3).sign(&world.image)),
        creator_key: signing_key(3).verifying_key(),
        hash: Some(FirmwareHash::of(&manufacturer_image(200))),
        ota_upgrade_image: world.image.clone(),
    };
    let image = supplier.prepare(&package, &world.dsp.data().cpl).unwrap();
    let data = world.dsp.data();
    writeln!(seen, "{:?}", supplier.check_pathway(&image, data, PPMID)).unwrap();
    writeln!(seen, "{:?}", supplier.plan_upgrades(data, PPMID, 1)).unwrap();
    seen
}

#[test]
fn every_fault_in_a_suppliers_patience_shows() {
    let right = look_at_patience(None);
    let concerned = |fault: &&supplier::Fault| {
        fault.requirements().iter().any(|id| ["SUP-05", "SUP-06", "PATH-01", "PATH-02"].contains(id))
    };
    let hidden: Vec<_> = supplier::Fault::ALL
        .iter()
        .filter(concerned)
        .filter(|fault| look_at_patience(Some(**fault)) == right)
        .collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}
