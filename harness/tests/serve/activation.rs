//! Critical and read Service Requests of an external client, to the end of an HCALCS's update and into RSAT_004.

use crate::support::{DCC, IMPORT, IMPORT_TOKEN, OTHER_TOKEN, Served, VERSION, folder, http, response};
use hanrig::bench::{Bench, OnHan};
use hanrig::world::{Making, Release};
use hanrig_dcc::data::DccData;
use hanrig_dcc::duis::{DccAlertCode, Request, Response, ResponseBody, ResponsePayload};
use hanrig_dcc::supplier::{Received, Supplier, SupplierConfig};
use hanrig_wire::gbcs::Content;
use hanrig_wire::gbcs::cs06::{self, ActivationResult};
use hanrig_wire::time::Instant;
use hanrig_wire::types::{Eui64, FirmwareVersion};
use tempfile::TempDir;

/// The HCALCS of the built-in bench.
pub(crate) const HCALCS: Eui64 = Eui64(0x0A48_5247_0100_0008);

/// The client's own system, and the DCC that it speaks with.
struct Client {
    supplier: Supplier,
    served: Served,
}

impl Client {
    /// Sends a Service Request to one of the services of DUIS, and gives the synchronous response.
    fn send(&mut self, service: &str, request: &Request) -> Response {
        let answer = self.served.send(IMPORT_TOKEN, "POST", service, request.to_xml().as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
        self.supplier.receive(Instant::ZERO, &answer.body).unwrap();
        response(&answer.body)
    }

    /// What came later, once a day has gone by.
    fn a_day_later(&mut self) -> Vec<Received> {
        self.served.advance("1day");
        let messages = self.served.messages(IMPORT_TOKEN);
        let mut take = |xml: &String| self.supplier.receive(Instant::ZERO, xml).unwrap().clone();
        messages.iter().map(&mut take).collect()
    }

    /// The firmware version that SRV 11.2 brings.
    fn version_read(&mut self) -> Option<FirmwareVersion> {
        let read = self.supplier.read_firmware_version(HCALCS);
        assert!(self.send("/duis/send-command", &read).response_code.as_str().starts_with('I'));
        self.a_day_later().iter().find_map(Received::firmware_version_read)
    }

    /// The firmware version that SRV 8.2 shows.
    fn version_shown(&mut self) -> String {
        let read = self.supplier.read_inventory(HCALCS);
        match self.send("/duis/non-device", &read).body {
            ResponseBody::ResponseMessage(message) => match message.payload {
                ResponsePayload::DspInventory(devices) => devices[0].device_firmware_version.clone(),
                payload => panic!("no inventory: {payload:?}"),
            },
            body => panic!("no inventory: {body:?}"),
        }
    }
}

fn hcalcs(bench: &Bench) -> OnHan<'_> {
    bench.reserve.iter().find(|device| device.eui == HCALCS).unwrap().into()
}

/// New firmware for the HCALCS of the built-in bench, and the bench's data with its CPL entry.
fn release(bench: &Bench) -> (Release, DccData) {
    let release = Release::new(bench, hcalcs(bench), VERSION, Making::of_size(2_000)).unwrap();
    let mut data = bench.data.clone();
    let entry = release.cpl_entry(&data, hcalcs(bench).hardware_version);
    data.cpl.entries.push(entry);
    (release, data)
}

/// Updates and activates the HCALCS over HTTP. Gives the folder, the client and what it was told of the activation.
fn activate() -> (TempDir, Client, Vec<Received>) {
    let bench = Bench::built_in().unwrap();
    let (release, data) = release(&bench);
    let folder = folder(None, &data.to_toml().unwrap());
    let served = Served::start(folder.path(), &["--clock", "virtual", "--data", "data.toml"]);
    let party = bench.suppliers.iter().find(|party| party.eui == IMPORT).unwrap();
    let supplier = Supplier::new(SupplierConfig {
        eui: IMPORT,
        name: party.name.clone(),
        role: party.role,
        dcc: DCC,
        signing_key: party.keys.ds.clone(),
        first_counter: 1000,
    });
    let mut client = Client { supplier, served };
    // A while for the Devices to join.
    client.served.advance("1h");
    let image = client.supplier.prepare(&release.package, &data.cpl).unwrap();
    let update = client.supplier.update_firmware(&image, &[HCALCS]);
    assert_eq!(client.send("/duis/non-device", &update).response_code.as_str(), "I0");
    let alerts: Vec<_> = client.a_day_later().iter().filter_map(|it| Some(it.dcc_alert()?.code)).collect();
    assert_eq!(alerts, [DccAlertCode::N61, DccAlertCode::N62]);
    // Nothing runs it yet.
    assert_ne!(client.version_read(), Some(VERSION));
    assert_ne!(client.version_shown(), VERSION.to_string());
    let activation = client.supplier.activate_firmware(HCALCS, release.hash, None);
    let pre_command = client.send("/duis/transform", &activation);
    let signed = client.supplier.sign_pre_command(&pre_command).unwrap();
    assert!(client.send("/duis/send-command", &signed).response_code.as_str().starts_with('I'));
    let told = client.a_day_later();
    (folder, client, told)
}

/// A DCC that has the activation of the HCALCS in its report.
pub(crate) fn served_with_an_activation() -> (TempDir, Served) {
    let (folder, client, _) = activate();
    (folder, client.served)
}

#[test]
fn a_client_activates_an_hcalcs_and_reads_it() {
    let (_folder, mut client, told) = activate();
    let outcome = told.iter().find_map(|received| match received.device_response()? {
        Content::Cs06Response(cs06::Response::Immediate(outcome)) => Some(outcome),
        _ => None,
    });
    let success = cs06::Outcome { result: ActivationResult::Success, version: VERSION };
    assert_eq!(outcome, Some(success), "{told:?}");
    assert_eq!(client.version_read(), Some(VERSION));
    assert_eq!(client.version_shown(), VERSION.to_string());
}

#[test]
fn the_report_has_the_activation_as_csv_as_json_and_on_its_page() {
    let (_folder, served) = served_with_an_activation();
    let report = served.send(IMPORT_TOKEN, "GET", "/api/ssi/reports/RSAT_004", b"").json();
    let rows = report.as_array().unwrap();
    assert_eq!(rows.len(), 1, "{report}");
    let shown = [&rows[0]["device"], &rows[0]["device_type"], &rows[0]["outcome"], &rows[0]["firmware_version"]];
    assert_eq!(shown.map(|value| value.as_str().unwrap()), [&HCALCS.to_string(), "HCALCS", "success", "00000020"]);
    let sent = rows[0]["sent"].as_str().unwrap();
    let csv = served.send(IMPORT_TOKEN, "GET", "/api/ssi/reports/RSAT_004.csv", b"").body;
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 2, "{csv}");
    assert!(lines[1].contains(&format!(",{HCALCS},HCALCS,")), "{csv}");
    assert!(lines[1].ends_with(&format!(",{sent},,success,00000020")), "{csv}");
    // As a browser without scripts gets it.
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let token = format!("token={IMPORT_TOKEN}");
    let signed_in = http(served.address, "POST", "/sign-in", &form, token.as_bytes()).unwrap();
    let cookie = signed_in.headers["set-cookie"].split(';').next().unwrap().to_owned();
    let page = http(served.address, "GET", "/rsat-004", &[("Cookie", &cookie)], b"").unwrap();
    assert_eq!(page.status, 200, "{page:?}");
    let row = page.body.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap();
    assert_eq!(row.matches("<tr>").count(), 1, "{row}");
    for cell in [HCALCS.to_string().as_str(), ">HCALCS<", "at once", ">success<", "00000020"] {
        assert!(row.contains(cell), "{cell} in {row}");
    }
    // Another Supplier has nothing to see of it.
    let other = served.send(OTHER_TOKEN, "GET", "/api/ssi/reports/RSAT_004", b"").json();
    assert_eq!(other.as_array().unwrap().len(), 0, "{other}");
}
