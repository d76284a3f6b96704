//! A dual Supplier premises in CSP North, a second one in CSP South, and their keys, for the tests of DSP and Supplier.
#![expect(dead_code, reason = "each test binary uses a part of it")]

use hanrig_dcc::data::{CspRegion, DccData};
use hanrig_dcc::dsp::{DeviceKeys, Dsp, DspConfig, DspOutput};
use hanrig_dcc::duis::{
    self, DccAlertMessage, DuisMessage, Request, RequestId, Response, ResponseBody, ServiceRequest, UpdateFirmware,
};
use hanrig_dcc::gateway::{CspToDsp, DistributionRequest, DspToCsp, GbcsMessage, RejectedDevice, ValidationReport};
pub(crate) mod csp_bench;
pub(crate) mod protection;

use hanrig_dcc::settings::UnsignedRequests;
use hanrig_dcc::{FirmwareHash, Settings};
use hanrig_wire::gbcs::{Cra, Message, MessageCode, SecretKey, SigningKey, ccs08, cs09};
use hanrig_wire::ota_file::{self, HardwareVersions, OtaHeader};
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};

pub(crate) const DCC: Eui64 = Eui64(0x90B3_D51F_3000_0002);
pub(crate) const IMPORT: Eui64 = Eui64(0x90B3_D51F_3001_0000);
pub(crate) const GAS: Eui64 = Eui64(0x90B3_D51F_3002_0000);
pub(crate) const OTHER_IMPORT: Eui64 = Eui64(0x90B3_D51F_3003_0000);
pub(crate) const SUSPENDED: Eui64 = Eui64(0x90B3_D51F_3004_0000);
pub(crate) const NETWORK: Eui64 = Eui64(0x90B3_D51F_3005_0000);

pub(crate) const ESME: Eui64 = Eui64(0x00DB_1234_5678_90A0);
pub(crate) const GSME: Eui64 = Eui64(0x00DB_1234_5678_90A1);
pub(crate) const HUB: Eui64 = Eui64(0x00DB_1234_5678_90A2);
pub(crate) const PPMID: Eui64 = Eui64(0x00DB_1234_5678_90A4);
pub(crate) const HCALCS: Eui64 = Eui64(0x00DB_1234_5678_90A5);
/// A PPMID on the same hub, of another model.
pub(crate) const OTHER_MODEL: Eui64 = Eui64(0x00DB_1234_5678_90A6);
/// A PPMID on the same hub that is not commissioned.
pub(crate) const PENDING: Eui64 = Eui64(0x00DB_1234_5678_90A7);
/// A second PPMID of the same model on the same hub.
pub(crate) const PPMID_2: Eui64 = Eui64(0x00DB_1234_5678_90A8);

pub(crate) const SOUTH_HUB: Eui64 = Eui64(0x00DB_1234_5678_90B2);
pub(crate) const SOUTH_ESME: Eui64 = Eui64(0x00DB_1234_5678_90B0);
pub(crate) const SOUTH_PPMID: Eui64 = Eui64(0x00DB_1234_5678_90B4);
/// A PPMID where another Supplier is responsible.
pub(crate) const FOREIGN_PPMID: Eui64 = Eui64(0x00DB_1234_5678_90C4);

pub(crate) const UNKNOWN: Eui64 = Eui64(0x00DB_1234_5678_90FF);

pub(crate) const VERSION: FirmwareVersion = FirmwareVersion(0x20);
pub(crate) const OLD_VERSION: FirmwareVersion = FirmwareVersion(0x10);

/// The premises, without the CPL.
pub(crate) const PREMISES: &str = r#"
user = [
    { id = "90-B3-D5-1F-30-01-00-00", name = "Import", role = "Import Supplier" },
    { id = "90-B3-D5-1F-30-02-00-00", name = "Gas", role = "Gas Supplier" },
    { id = "90-B3-D5-1F-30-03-00-00", name = "Other", role = "Import Supplier" },
    { id = "90-B3-D5-1F-30-04-00-00", name = "Suspended", role = "Import Supplier", suspended = true },
    { id = "90-B3-D5-1F-30-05-00-00", name = "Network", role = "Network Operator" },
]
hub = [
    { id = "00-DB-12-34-56-78-90-A2", region = "North" },
    { id = "00-DB-12-34-56-78-90-B2", region = "South" },
    { id = "00-DB-12-34-56-78-90-C2", region = "North" },
]

[[premises]]
name = "dual Supplier"
hub = "00-DB-12-34-56-78-90-A2"
import_supplier = "90-B3-D5-1F-30-01-00-00"
gas_supplier = "90-B3-D5-1F-30-02-00-00"
devices = ["00-DB-12-34-56-78-90-A0", "00-DB-12-34-56-78-90-A1", "00-DB-12-34-56-78-90-A4"]

[[premises]]
name = "electricity only, with a Gas Supplier left in the registration data"
hub = "00-DB-12-34-56-78-90-B2"
import_supplier = "90-B3-D5-1F-30-01-00-00"
gas_supplier = "90-B3-D5-1F-30-02-00-00"
devices = ["00-DB-12-34-56-78-90-B0", "00-DB-12-34-56-78-90-B4"]

[[premises]]
name = "another Supplier's"
hub = "00-DB-12-34-56-78-90-C2"
import_supplier = "90-B3-D5-1F-30-03-00-00"
devices = ["00-DB-12-34-56-78-90-C0", "00-DB-12-34-56-78-90-C4"]
"#;

fn device_toml(id: Eui64, device_type: &str, model: &str, status: &str, hub: Eui64) -> String {
    format!(
        "[[device]]\nid = \"{id}\"\ntype = \"{device_type}\"\nmanufacturer = \"1234\"\nmodel = \"{model}\"\n\
         hardware_version = \"0102\"\nfirmware_version = \"00:00:00:10\"\nstatus = \"{status}\"\nhub = \"{hub}\"\n\n"
    )
}

fn cpl_toml(number: u32, device_type: &str, model: &str, hash: FirmwareHash) -> String {
    format!(
        "[[cpl]]\nnumber = {number}\ndevice_type = \"{device_type}\"\nmanufacturer = \"1234\"\nmodel = \"{model}\"\n\
         hardware_version = \"0102\"\nfirmware_version = \"00:00:00:20\"\nsmets_version = \"5.1\"\n\
         gbcs_version = \"4.1\"\nimage = {{ creator = \"Maker\", descriptor = \"release 2\", hash = \"{hash}\" }}\n\n"
    )
}

/// The Manufacturer Image of model `8401`, with as many octets as wanted.
pub(crate) fn manufacturer_image(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

pub(crate) fn header(model: u16) -> OtaHeader {
    OtaHeader {
        manufacturer_code: 0x1234,
        image_type: model,
        file_version: VERSION,
        header_string: OtaHeader::header_string_from("release 2"),
        hardware_versions: Some(HardwareVersions { minimum: 0x0101, maximum: 0x01FF }),
        ..OtaHeader::default()
    }
}

/// Octets of the OTA Header that the images here have.
pub(crate) const HEADER_LENGTH: usize = 60;

/// OTA Header || Manufacturer Image.
pub(crate) fn ota_upgrade_image(model: u16, manufacturer_image: &[u8]) -> Vec<u8> {
    ota_file::build(header(model), manufacturer_image, None)
}

/// OTA Header || Manufacturer Image || 0x0040 || signature.
pub(crate) fn signed_ota_upgrade_image(model: u16, manufacturer_image: &[u8]) -> Vec<u8> {
    ota_file::build_signed(header(model), manufacturer_image, &signing_key(0x77))
}

pub(crate) fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_scalar(&[seed; 32]).unwrap()
}

pub(crate) fn secret_key(seed: u8) -> SecretKey {
    SecretKey::from_scalar(&[seed; 32]).unwrap()
}

/// The key with which a User signs.
pub(crate) fn user_key(user: Eui64) -> SigningKey {
    signing_key(user.to_be_bytes()[5])
}

/// The seed of a Device's keys.
pub(crate) fn seed(device: Eui64) -> u8 {
    device.to_be_bytes()[7]
}

pub(crate) fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

/// What went to Users.
pub(crate) type ToUsers = Vec<(Eui64, Response)>;
/// What went to CSPs.
pub(crate) type ToCsps = Vec<(CspRegion, DspToCsp)>;

pub(crate) struct World {
    pub(crate) dsp: Dsp,
    pub(crate) image: Vec<u8>,
    pub(crate) counter: u64,
    /// What went to Users while a test let time pass.
    pub(crate) kept: ToUsers,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_image(&manufacturer_image(200))
    }

    pub(crate) fn with_image(manufacturer_image: &[u8]) -> Self {
        Self::with(manufacturer_image, Settings::default())
    }

    pub(crate) fn with_settings(settings: &str) -> Self {
        Self::with(&manufacturer_image(200), Settings::from_toml(settings).unwrap())
    }

    fn with(manufacturer_image: &[u8], settings: Settings) -> Self {
        let hash = FirmwareHash::of(manufacturer_image);
        let foreign_hub = Eui64(0x00DB_1234_5678_90C2);
        let mut devices = String::new();
        for (id, device_type, model, status, hub) in [
            (HUB, "CHF", "8001", "Commissioned", HUB),
            (ESME, "ESME", "8201", "Commissioned", HUB),
            (GSME, "GSME", "8301", "Commissioned", HUB),
            (PPMID, "PPMID", "8401", "Commissioned", HUB),
            (HCALCS, "HCALCS", "8501", "Commissioned", HUB),
            (OTHER_MODEL, "PPMID", "8402", "Commissioned", HUB),
            (PENDING, "PPMID", "8401", "InstalledNotCommissioned", HUB),
            (PPMID_2, "PPMID", "8401", "Commissioned", HUB),
            (SOUTH_ESME, "ESME", "8201", "Commissioned", SOUTH_HUB),
            (SOUTH_PPMID, "PPMID", "8401", "Commissioned", SOUTH_HUB),
            (Eui64(0x00DB_1234_5678_90C0), "ESME", "8201", "Commissioned", foreign_hub),
            (FOREIGN_PPMID, "PPMID", "8401", "Commissioned", foreign_hub),
        ] {
            devices.push_str(&device_toml(id, device_type, model, status, hub));
        }
        let cpl: String = [(1, "PPMID", "8401"), (2, "ESME", "8201"), (3, "GSME", "8301"), (4, "HCALCS", "8501")]
            .into_iter()
            .map(|(number, device_type, model)| cpl_toml(number, device_type, model, hash))
            .collect();
        let data = DccData::read(&[("premises.toml", PREMISES), ("smi.toml", &devices), ("cpl.toml", &cpl)]).unwrap();
        // 2026-11-20T12:00:00Z
        let mut config = DspConfig::new(DCC, Utc(1_795_176_000_000), secret_key(2));
        for device in [ESME, GSME, HUB, PPMID, HCALCS, PPMID_2, SOUTH_HUB, SOUTH_PPMID] {
            let keys = DeviceKeys {
                signing: signing_key(seed(device)).verifying_key(),
                key_agreement: secret_key(seed(device)).public_key(),
            };
            config.device_keys.insert(device, keys);
        }
        for user in [IMPORT, GAS, OTHER_IMPORT] {
            config.user_keys.insert(user, user_key(user).verifying_key());
        }
        // What is signed and what is not, `dsp_protection.rs` tests.
        let settings = Settings { unsigned_requests: UnsignedRequests::Taken, ..settings };
        let config = DspConfig { settings, ..config };
        let image = ota_upgrade_image(0x8401, manufacturer_image);
        Self { dsp: Dsp::new(config, data), image, counter: 1000, kept: Vec::new() }
    }

    /// Sends a request and gives the answer.
    pub(crate) fn send(&mut self, sender: Eui64, target: Eui64, body: ServiceRequest) -> Response {
        self.counter += 1;
        let id = RequestId { originator: sender, target, counter: self.counter };
        self.send_request(sender, &Request::new(id, body))
    }

    pub(crate) fn send_request(&mut self, sender: Eui64, request: &Request) -> Response {
        self.send_xml(sender, request.to_xml().as_bytes())
    }

    pub(crate) fn send_xml(&mut self, sender: Eui64, xml: &[u8]) -> Response {
        response(&self.dsp.on_request(at(10), sender, xml))
    }

    /// SRV 11.4 with the world's image.
    pub(crate) fn update(&mut self, sender: Eui64, devices: &[Eui64]) -> Response {
        let image = self.image.clone();
        self.update_with(sender, image, VERSION, devices)
    }

    /// SRV 11.4 with the world's image, which is not sent yet.
    pub(crate) fn request(&mut self, sender: Eui64, devices: &[Eui64]) -> Request {
        self.counter += 1;
        let body = UpdateFirmware {
            firmware_image: self.image.clone(),
            firmware_version: VERSION,
            device_id_list: devices.to_vec(),
        };
        let id = RequestId { originator: sender, target: DCC, counter: self.counter };
        Request::new(id, ServiceRequest::UpdatePpmidFirmware(body))
    }

    pub(crate) fn update_with(
        &mut self,
        sender: Eui64,
        firmware_image: Vec<u8>,
        firmware_version: FirmwareVersion,
        devices: &[Eui64],
    ) -> Response {
        let body = UpdateFirmware { firmware_image, firmware_version, device_id_list: devices.to_vec() };
        self.send(sender, DCC, ServiceRequest::UpdatePpmidFirmware(body))
    }

    /// Has an update of `devices` accepted by the DSP and approved by the CSPs.
    pub(crate) fn approved(&mut self, sender: Eui64, devices: &[Eui64]) -> RequestId {
        let response = self.update(sender, devices);
        assert_eq!(response.response_code, "I0", "{response:?}");
        for (region, request) in self.distributions() {
            self.report(region, &request, vec![]);
        }
        self.drain();
        response.request_id.unwrap()
    }

    pub(crate) fn report(&mut self, region: CspRegion, request: &DistributionRequest, rejected: Vec<RejectedDevice>) {
        let report = ValidationReport { request_id: request.request_id, device_type: request.device_type, rejected };
        self.dsp.on_csp(at(20), region, CspToDsp::ValidationReport(report));
    }

    /// Takes all outputs: what went to Users, and what went to CSPs.
    pub(crate) fn drain(&mut self) -> (ToUsers, ToCsps) {
        let (mut users, mut csps) = (Vec::new(), Vec::new());
        while let Some(output) = self.dsp.take_output() {
            match output {
                DspOutput::ToUser { user, xml } => users.push((user, response(&xml))),
                DspOutput::ToCsp { region, message } => csps.push((region, message)),
            }
        }
        (users, csps)
    }

    /// The distribution requests that were sent.
    pub(crate) fn distributions(&mut self) -> Vec<(CspRegion, DistributionRequest)> {
        let (users, csps) = self.drain();
        assert_eq!(users, []);
        csps.into_iter()
            .map(|(region, message)| match message {
                DspToCsp::DistributionRequest(request) => (region, request),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    /// The DCC Alerts that were sent.
    pub(crate) fn alerts(&mut self) -> Vec<(Eui64, DccAlertMessage)> {
        let (users, csps) = self.drain();
        assert_eq!(csps, []);
        users
            .into_iter()
            .map(|(user, response)| match response.body {
                ResponseBody::DccAlertMessage(alert) => (user, alert),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    pub(crate) fn gbcs(&mut self, hub: Eui64, octets: Vec<u8>) {
        self.dsp.on_csp(at(40), CspRegion::North, CspToDsp::Gbcs(GbcsMessage { hub, octets }));
    }

    pub(crate) fn status(&self, device: Eui64) -> Option<&'static str> {
        self.dsp.tracking(device).map(|record| record.status.name())
    }

    pub(crate) fn smi_version(&self, device: Eui64) -> FirmwareVersion {
        self.dsp.data().smi.devices[&device].firmware_version
    }
}

pub(crate) fn response(xml: &str) -> Response {
    match duis::parse(xml) {
        Ok(DuisMessage::Response(response)) => response,
        other => panic!("{other:?} from {xml}"),
    }
}

fn alert(originator: Eui64, message_code: u16, content: Vec<u8>) -> Message {
    Message {
        cra: Cra::Alert,
        counter: 4000,
        originator,
        recipient: DCC,
        date_time: None,
        message_code,
        supplementary: None,
        content,
        signature: None,
    }
}

/// CCS08 of a hub, not yet signed.
pub(crate) fn transfer_alert(hub: Eui64, target: Eui64, code: ccs08::TransferResponseCode) -> Message {
    let alert_code = if code == ccs08::TransferResponseCode::Success { 0x8F8A } else { 0x8F89 };
    let time = Utc::from_unix_seconds(1_795_176_040);
    let content = ccs08::Alert { alert_code, time, target, version: VERSION, transfer_response_code: code };
    alert(hub, MessageCode::CCS08, content.encode())
}

/// CS09 of a PPMID, not yet signed.
pub(crate) fn activation_alert(ppmid: Eui64, version: FirmwareVersion, outcome: cs09::ActivationOutcome) -> Message {
    let time = Utc::from_unix_seconds(1_795_176_050);
    alert(ppmid, MessageCode::CS09, cs09::Alert { alert_code: 0x8F8B, time, version, outcome }.encode())
}

/// Signs with the originator's key.
pub(crate) fn signed(mut message: Message) -> Vec<u8> {
    message.sign(&signing_key(seed(message.originator)));
    message.emit()
}

pub(crate) fn type_of(device: Eui64) -> DeviceType {
    match device {
        ESME | SOUTH_ESME => DeviceType::Esme,
        GSME => DeviceType::Gsme,
        HCALCS => DeviceType::Hcalcs,
        _ => DeviceType::Ppmid,
    }
}
