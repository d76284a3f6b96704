//! When a Supplier sends again: SUP-05, SUP-06; and the order of upgrades: PATH-01.

mod support;

use hanrig_dcc::FirmwareHash;
use hanrig_dcc::data::{Baselines, Contact, FirRecord, UserRole};
use hanrig_dcc::duis::{Request, ServiceRequest, UpdateFirmware};
use hanrig_dcc::supplier::{Advice, FirmwarePackage, Supplier, SupplierConfig};
use hanrig_wire::gbcs::TransferResponseCode;
use hanrig_wire::gbcs::cs08::{self, ReadOutcome};
use hanrig_wire::gbcs::cs09::ActivationOutcome;
use hanrig_wire::gbcs::{self, Cra, Envelope, Message};
use hanrig_wire::types::{Eui64, FirmwareVersion};
use support::*;

const DAY: u64 = 24 * 3600;

fn supplier() -> Supplier {
    Supplier::new(SupplierConfig {
        eui: IMPORT,
        name: "Import".to_owned(),
        role: UserRole::ImportSupplier,
        dcc: DCC,
        signing_key: user_key(IMPORT),
        first_counter: 5000,
    })
}

/// Sends what the Supplier sends, and lets it have the answer.
fn send(world: &mut World, supplier: &mut Supplier, seconds: u64, request: &Request) {
    supplier.note_sent(at(seconds), request);
    let answer = world.send_request(IMPORT, request);
    supplier.receive(at(seconds), &answer.to_xml()).unwrap();
}

/// Lets the Supplier have what the DCC sent to it, and the CSPs approve of what is asked.
fn settle(world: &mut World, supplier: &mut Supplier, seconds: u64) {
    loop {
        let (users, csps) = world.drain();
        if users.is_empty() && csps.is_empty() {
            return;
        }
        for (_, response) in users.into_iter().filter(|(user, _)| *user == IMPORT) {
            supplier.receive(at(seconds), &response.to_xml()).unwrap();
        }
        for (region, message) in csps {
            match message {
                hanrig_dcc::gateway::DspToCsp::DistributionRequest(request) => world.report(region, &request, vec![]),
                hanrig_dcc::gateway::DspToCsp::Gbcs(gbcs) => answer_read(world, &gbcs.octets),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn answer_read(world: &mut World, command: &[u8]) {
    let command = Envelope::parse(command).unwrap().into_message();
    let content = cs08::Response { version: OLD_VERSION, outcome: ReadOutcome::Success }.encode();
    let answer = Message {
        cra: Cra::Response,
        originator: command.recipient,
        recipient: command.originator,
        content,
        ..command.clone()
    };
    let device = command.recipient;
    world.gbcs(HUB, gbcs::seal(&answer, &secret_key(seed(device)), &secret_key(2).public_key()));
}

fn update(supplier: &mut Supplier, world: &World, device: Eui64) -> Request {
    let (image, body): (_, fn(UpdateFirmware) -> ServiceRequest) = match type_of(device) {
        hanrig_wire::types::DeviceType::Ppmid => (world.image.clone(), ServiceRequest::UpdatePpmidFirmware),
        _ => (signed_ota_upgrade_image(0x8501, &manufacturer_image(200)), ServiceRequest::UpdateFirmware),
    };
    let update = UpdateFirmware { firmware_image: image, firmware_version: VERSION, device_id_list: vec![device] };
    supplier.request(DCC, body(update))
}

#[test]
fn a_ppmid_is_read_updated_and_left_alone_for_five_days() {
    let (mut world, mut supplier) = (World::new(), supplier());
    assert_eq!(supplier.advice(at(0), PPMID), Advice::ReadVersion);
    let read = supplier.read_firmware_version(PPMID);
    send(&mut world, &mut supplier, 0, &read);
    assert_eq!(supplier.advice(at(1), PPMID), Advice::AwaitVersion);
    settle(&mut world, &mut supplier, 2);
    assert_eq!(supplier.advice(at(3), PPMID), Advice::Send);
    let request = update(&mut supplier, &world, PPMID);
    send(&mut world, &mut supplier, 10, &request);
    settle(&mut world, &mut supplier, 11);
    assert_eq!(supplier.advice(at(20 * DAY), PPMID), Advice::AwaitAlert);
    world.gbcs(HUB, signed(transfer_alert(HUB, PPMID, TransferResponseCode::Success)));
    settle(&mut world, &mut supplier, 12);
    assert_eq!(supplier.advice(at(20 * DAY), PPMID), Advice::AwaitAlert, "for its activation");
    world.gbcs(HUB, signed(activation_alert(PPMID, VERSION, ActivationOutcome::Success)));
    settle(&mut world, &mut supplier, 13);
    assert_eq!(supplier.advice(at(10 + 5 * DAY - 1), PPMID), Advice::Wait(at(10 + 5 * DAY)));
    assert_eq!(supplier.advice(at(10 + 5 * DAY), PPMID), Advice::ReadVersion);
}

#[test]
fn an_hcalcs_tells_of_no_activation() {
    let (mut world, mut supplier) = (World::new(), supplier());
    let request = update(&mut supplier, &world, HCALCS);
    send(&mut world, &mut supplier, 10, &request);
    settle(&mut world, &mut supplier, 11);
    assert_eq!(supplier.advice(at(20 * DAY), HCALCS), Advice::AwaitAlert);
    world.gbcs(HUB, signed(transfer_alert(HUB, HCALCS, TransferResponseCode::ImageDiscarded)));
    settle(&mut world, &mut supplier, 12);
    assert_eq!(supplier.advice(at(20 * DAY), HCALCS), Advice::ReadVersion);
}

#[test]
fn devices_to_which_nothing_was_sent_yield_no_alert() {
    let (mut world, mut supplier) = (World::new(), supplier());
    let request = update(&mut supplier, &world, UNKNOWN);
    send(&mut world, &mut supplier, 0, &request);
    assert_eq!(supplier.advice(at(5 * DAY), UNKNOWN), Advice::ReadVersion);
}

#[test]
fn a_device_that_does_not_tell_its_version_is_left_alone_for_a_month() {
    let (mut world, mut supplier) = (World::new(), supplier());
    let read = supplier.read_firmware_version(PPMID);
    send(&mut world, &mut supplier, 0, &read);
    while world.dsp.take_output().is_some() {}
    world.dsp.poll(at(10 + DAY));
    settle(&mut world, &mut supplier, DAY);
    assert_eq!(supplier.advice(at(2 * DAY), PPMID), Advice::Wait(at(31 * DAY)));
    assert_eq!(supplier.advice(at(31 * DAY), PPMID), Advice::ReadVersion);
}

#[test]
fn an_image_that_is_not_next_is_seen_before_it_is_sent() {
    let world = World::new();
    let mut data = world.dsp.data().clone();
    let package = FirmwarePackage {
        creator_signature: Some(signing_key(3).sign(&world.image)),
        creator_key: signing_key(3).verifying_key(),
        hash: Some(FirmwareHash::of(&manufacturer_image(200))),
        ota_upgrade_image: world.image.clone(),
    };
    let supplier = supplier();
    let image = supplier.prepare(&package, &data.cpl).unwrap();
    let refusal = |data: &_, device| supplier.check_pathway(&image, data, device).unwrap_err().to_string();
    assert_eq!(
        refusal(&data, PPMID),
        "PATH-01: the image is not next for 00-DB-12-34-56-78-90-A4: the FIR has nothing on the image"
    );
    // Entry 1 has version 20, and the PPMID runs version 10: entry 11; 12 lies between.
    for (number, version) in [(11, 0x10), (12, 0x18)] {
        let mut entry = data.cpl.entries[0].clone();
        (entry.number, entry.firmware_version) = (number, FirmwareVersion(version));
        data.cpl.entries.push(entry);
    }
    let mut record = |entry, baselines| {
        let contact = Contact { email: "e".into(), telephone: "t".into(), address: "a".into() };
        data.fir.insert(entry, FirRecord { entry, contact, release_notes: "n".into(), baselines });
    };
    record(11, Baselines::NotApplicable);
    record(12, Baselines::Entries(vec![11]));
    record(1, Baselines::Entries(vec![12]));
    assert_eq!(
        refusal(&data, PPMID),
        "PATH-01: the image is not next for 00-DB-12-34-56-78-90-A4: the way there is by the CPL entries 12, 1"
    );
    assert_eq!(refusal(&data, UNKNOWN), "PATH-01: 00-DB-12-34-56-78-90-FF is not in the SMI");
    assert_eq!(supplier.plan_upgrades(&data, PPMID, 1), Some(vec![12, 1]));
    data.smi.set_firmware_version(PPMID, FirmwareVersion(0x18));
    supplier.check_pathway(&image, &data, PPMID).unwrap();
}
