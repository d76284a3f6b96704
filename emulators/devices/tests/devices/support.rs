//! A hub with Devices on a simulated air, and the DCC's end of its WAN link.

use hanrig_air::{Air, AirConfig, AirEvent, RadioId, TransmitResult as AirResult};
use hanrig_ch::{CommunicationsHub, HubConfig, HubProfile, Network};
use hanrig_devices::{AccessControlBroker, Declaration, Device, DeviceConfig, Fault, Kind, Output, Supplier};
use hanrig_wire::gbcs::{
    Content, Cra, Envelope, Message, SecretKey, SigningKey, Supplementary, cs06, cs08, decode_content, ecs52, gcs38,
    seal,
};
use hanrig_wire::hdlc::{Decoder, encode};
use hanrig_wire::manufacturer_image::build_signed_upgrade_image;
use hanrig_wire::ota_file::{HardwareVersions, OtaHeader, OtaUpgradeImage};
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::{Eui64, FirmwareVersion, Key128};
use hanrig_wire::wan::{MAXIMUM_FRAME_LENGTH, MAXIMUM_IMAGE_DATA, WanFrame, WanMessage};
use hanrig_zigbee::TransmitResult;
use hanrig_zigbee::store::RamFlash;
use sha2::{Digest, Sha256};

pub(crate) const OLD: FirmwareVersion = FirmwareVersion(0x10);
pub(crate) const NEW: FirmwareVersion = FirmwareVersion(0x20);
pub(crate) const EPOCH: Utc = Utc(1_800_000_000_000);
pub(crate) const BROKER: Eui64 = Eui64(0xB0);
pub(crate) const SUPPLIER: Eui64 = Eui64(0x51);
pub(crate) const OTHER_SUPPLIER: Eui64 = Eui64(0x52);
const HUB: Eui64 = Eui64(0xC0);
const MANUFACTURER: u16 = 0x12A7;
const MODEL: u16 = 0x3001;
const HARDWARE: u16 = 0x0100;
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn signing_key(number: u8) -> SigningKey {
    SigningKey::from_scalar(&[number; 32]).unwrap()
}

fn ka(number: u8) -> SecretKey {
    SecretKey::from_scalar(&[number; 32]).unwrap()
}

pub(crate) const MANUFACTURER_KEY: u8 = 1;
pub(crate) const SUPPLIER_KEY: u8 = 2;
pub(crate) const OTHER_KEY: u8 = 3;
const BROKER_KA: u8 = 4;
const DEVICE_KA: u8 = 5;
const DEVICE_KEY: u8 = 6;

/// An OTA Upgrade Image.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) octets: Vec<u8>,
    pub(crate) hash: [u8; 32],
}

/// How an image is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Making {
    pub(crate) version: FirmwareVersion,
    pub(crate) part: (u8, u8),
    pub(crate) body: usize,
    pub(crate) manufacturer: u8,
    pub(crate) supplier: u8,
}

impl Default for Making {
    fn default() -> Self {
        Self { version: NEW, part: (1, 1), body: 3000, manufacturer: MANUFACTURER_KEY, supplier: SUPPLIER_KEY }
    }
}

impl Making {
    pub(crate) fn make(self) -> Image {
        let header = OtaHeader {
            manufacturer_code: MANUFACTURER,
            image_type: MODEL,
            file_version: self.version,
            hardware_versions: Some(HardwareVersions { minimum: 0, maximum: HARDWARE }),
            ..OtaHeader::default()
        };
        let body: Vec<u8> = (0..self.body).map(|at| (at * 7 + self.version.0 as usize) as u8).collect();
        let (manufacturer, supplier) = (signing_key(self.manufacturer), signing_key(self.supplier));
        let octets = build_signed_upgrade_image(header, self.part.0, self.part.1, &body, &manufacturer, &supplier);
        let hash = OtaUpgradeImage::parse_signed(&octets).unwrap().hash();
        Image { octets, hash }
    }
}

pub(crate) fn new_image() -> Image {
    Making::default().make()
}

/// A Device in its place; `None` while it is switched off.
struct Seat {
    eui: Eui64,
    config: DeviceConfig,
    radio: RadioId,
    device: Option<Device<RamFlash>>,
    flash: Option<RamFlash>,
    log: Vec<String>,
}

pub(crate) struct Bench {
    pub(crate) now: Instant,
    air: Air,
    hub: CommunicationsHub<RamFlash>,
    hub_radio: RadioId,
    seats: Vec<Seat>,
    decoder: Decoder,
    sequence: u16,
    transfer: u32,
    fault: Option<Fault>,
    /// Every GBCS message that came over the WAN, and when.
    pub(crate) told: Vec<(Instant, Message)>,
    counter: u64,
}

pub(crate) fn eui(kind: Kind, number: u64) -> Eui64 {
    Eui64(0x1000 + kind as u64 * 0x100 + number)
}

pub(crate) fn config(kind: Kind, number: u64) -> DeviceConfig {
    DeviceConfig {
        kind,
        eui64: eui(kind, number),
        manufacturer_code: MANUFACTURER,
        image_type: MODEL,
        hardware_version: HARDWARE,
        factory_version: OLD,
        link_key: Key128([number as u8 + 1; 16]),
        channels: vec![11],
        signing_key: signing_key(DEVICE_KEY),
        key_agreement: ka(DEVICE_KA),
        access_control_broker: AccessControlBroker { eui64: BROKER, key_agreement: ka(BROKER_KA).public_key() },
        supplier: Supplier { eui64: SUPPLIER, signing_key: signing_key(SUPPLIER_KEY).verifying_key() },
        manufacturer_key: signing_key(MANUFACTURER_KEY).verifying_key(),
        declaration: Declaration::of(kind),
        radio_acknowledges: false,
        seed: [number as u8 + 10; 32],
    }
}

impl Bench {
    /// A hub with one Device.
    pub(crate) fn of(kind: Kind) -> Self {
        Self::new(vec![config(kind, 0)], 0.0)
    }

    /// A hub with these Devices, all of which have joined.
    pub(crate) fn new(configs: Vec<DeviceConfig>, loss: f64) -> Self {
        Self::with(configs, loss, None)
    }

    /// A hub with these Devices, wrong in this way.
    pub(crate) fn with(configs: Vec<DeviceConfig>, loss: f64, fault: Option<Fault>) -> Self {
        let mut air = Air::new(AirConfig { seed: 7, default_loss: loss, ..AirConfig::default() });
        let hub_radio = air.attach("hub", 11);
        let hub = CommunicationsHub::new(
            HubConfig {
                eui64: HUB,
                firmware_version: FirmwareVersion(1),
                manufacturer_code: 0x10C5,
                network: Network { channel: 11, pan_id: 0x1A2B, extended_pan_id: 99, network_key: Key128([9; 16]) },
                signing_key: signing_key(7),
                access_control_broker: BROKER,
                profile: HubProfile::default(),
                radio_acknowledges: false,
                seed: [1; 32],
            },
            RamFlash::new(hanrig_ch::flash_size()),
        )
        .unwrap();
        let seats = configs
            .into_iter()
            .map(|config| {
                let device = Device::new(config.clone(), RamFlash::new(hanrig_devices::flash_size())).unwrap();
                let radio = air.attach(&config.eui64.to_string(), 11);
                Seat { eui: config.eui64, config, radio, device: Some(device), flash: None, log: Vec::new() }
            })
            .collect();
        let mut bench = Self {
            now: Instant::ZERO,
            air,
            hub,
            hub_radio,
            seats,
            decoder: Decoder::new(MAXIMUM_FRAME_LENGTH),
            sequence: 0,
            transfer: 0,
            fault,
            told: Vec::new(),
            counter: 0,
        };
        bench.hub.start(bench.now);
        bench.hub.on_wan_link(bench.now, true);
        bench.wan(WanMessage::SetTime { utc: EPOCH });
        for index in 0..bench.seats.len() {
            let DeviceConfig { eui64, kind, link_key, .. } = bench.seats[index].config;
            bench.wan(WanMessage::AddDevice { device: eui64, device_type: kind.device_type(), link_key });
            let device = bench.seats[index].device.as_mut().unwrap();
            fault.into_iter().for_each(|fault| device.plant(fault));
            device.start(bench.now);
        }
        bench.settle();
        bench.run(10 * MINUTE);
        bench
    }

    pub(crate) fn wan(&mut self, message: WanMessage) {
        self.sequence += 1;
        let frame = WanFrame { sequence: self.sequence, message };
        self.hub.on_wan_octets(self.now, &encode(&frame.emit().unwrap()));
        self.settle();
    }

    fn on_wan(&mut self, octets: &[u8]) {
        let frames: Vec<_> = self.decoder.push_all(octets).collect();
        for frame in frames {
            let frame = WanFrame::parse(&frame.unwrap()).unwrap();
            let sequence = frame.sequence;
            match frame.message {
                WanMessage::Ack { .. } => continue,
                WanMessage::Gbcs { octets } => {
                    self.told.push((self.now, Envelope::parse(&octets).unwrap().into_message()));
                }
                _ => {}
            }
            let ack = WanFrame { sequence, message: WanMessage::Ack { sequence } };
            self.hub.on_wan_octets(self.now, &encode(&ack.emit().unwrap()));
        }
    }

    fn settle(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.hub.take_output() {
                quiet = false;
                match output {
                    hanrig_ch::Output::Radio(frame) => {
                        self.air.set_channel(self.hub_radio, frame.channel);
                        self.air.transmit(self.now, self.hub_radio, frame.octets, frame.csma).unwrap();
                    }
                    hanrig_ch::Output::Wan(octets) => self.on_wan(&octets),
                    hanrig_ch::Output::Log(_) => {}
                }
            }
            for seat in &mut self.seats {
                while let Some(output) = seat.device.as_mut().and_then(Device::take_output) {
                    quiet = false;
                    match output {
                        Output::Radio(frame) => {
                            self.air.set_channel(seat.radio, frame.channel);
                            self.air.transmit(self.now, seat.radio, frame.octets, frame.csma).unwrap();
                        }
                        Output::Log(line) => seat.log.push(line),
                    }
                }
            }
            while let Some(event) = self.air.take_event() {
                quiet = false;
                self.on_air(event);
            }
            if quiet {
                return;
            }
        }
    }

    fn on_air(&mut self, event: AirEvent) {
        let now = self.now;
        match event {
            AirEvent::Received { radio, psdu, lqi, .. } if radio == self.hub_radio => {
                self.hub.on_frame(now, &psdu, lqi);
            }
            AirEvent::Received { radio, psdu, lqi, .. } => {
                if let Some(device) = self.device_at(radio) {
                    device.on_frame(now, &psdu, lqi);
                }
            }
            AirEvent::TransmitDone { radio, result, csma: true, .. } => {
                let result = match result {
                    AirResult::Sent => TransmitResult::Sent,
                    AirResult::ChannelAccessFailure => TransmitResult::ChannelAccessFailure,
                };
                if radio == self.hub_radio {
                    self.hub.on_transmit_done(now, result);
                } else if let Some(device) = self.device_at(radio) {
                    device.on_transmit_done(now, result);
                }
            }
            AirEvent::TransmitDone { .. } | AirEvent::Sniffed(_) => {}
        }
    }

    fn device_at(&mut self, radio: RadioId) -> Option<&mut Device<RamFlash>> {
        self.seats.iter_mut().find(|seat| seat.radio == radio)?.device.as_mut()
    }

    /// Lets `duration` pass.
    pub(crate) fn run(&mut self, duration: Duration) {
        self.run_until(duration, |_| false);
    }

    /// Lets at most `duration` pass, until `done`. Tells whether it came to that.
    pub(crate) fn run_until(&mut self, duration: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let deadline = self.now + duration;
        loop {
            if done(self) {
                return true;
            }
            let devices = self.seats.iter().filter_map(|seat| seat.device.as_ref().and_then(Device::poll_at)).min();
            let next = [self.air.poll_at(), self.hub.poll_at(self.now), devices].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= deadline) else {
                self.now = deadline;
                return false;
            };
            self.now = self.now.max(next);
            let now = self.now;
            self.air.poll(now);
            self.settle();
            if self.hub.poll_at(now).is_some_and(|at| at <= now) {
                self.hub.poll(now);
            }
            for seat in &mut self.seats {
                if let Some(device) = seat.device.as_mut().filter(|d| d.poll_at().is_some_and(|at| at <= now)) {
                    device.poll(now);
                }
            }
            self.settle();
        }
    }

    /// Hands an image for these Devices to the hub, as the CSP does.
    pub(crate) fn distribute(&mut self, kind: Kind, targets: &[Eui64], image: &Image) {
        self.transfer += 1;
        let transfer = self.transfer;
        self.wan(WanMessage::ImageBegin {
            transfer,
            device_type: kind.device_type(),
            targets: targets.to_vec(),
            size: image.octets.len() as u32,
            sha256: Sha256::digest(&image.octets).into(),
        });
        for (index, octets) in image.octets.chunks(MAXIMUM_IMAGE_DATA).enumerate() {
            let offset = (index * MAXIMUM_IMAGE_DATA) as u32;
            self.wan(WanMessage::ImageData { transfer, offset, octets: octets.to_vec() });
        }
    }

    /// Distributes an image to the first Device, and waits until the hub says how that ended.
    pub(crate) fn deliver(&mut self, image: &Image) -> u8 {
        let (kind, device) = (self.seats[0].config.kind, self.seats[0].eui);
        let before = self.transfers().len();
        self.distribute(kind, &[device], image);
        assert!(self.run_until(2 * HOUR, |bench| bench.transfers().len() > before), "{:#?}", self.seats[0].log);
        self.run(MINUTE);
        self.transfers()[before].1
    }

    /// The transfers that the hub told of: target and transfer response code.
    pub(crate) fn transfers(&self) -> Vec<(Eui64, u8)> {
        self.contents()
            .filter_map(|content| match content {
                Content::Ccs08Alert(alert) => Some((alert.target, alert.transfer_response_code as u8)),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn contents(&self) -> impl Iterator<Item = Content> + '_ {
        self.told.iter().map(|(_, message)| decode_content(message).unwrap())
    }

    /// The Responses to CS06.
    pub(crate) fn activations(&self) -> Vec<cs06::Response> {
        let responses = self.contents().filter_map(|content| match content {
            Content::Cs06Response(response) => Some(response),
            _ => None,
        });
        responses.collect()
    }

    /// The future-dated Alerts.
    pub(crate) fn future_outcomes(&self) -> Vec<cs06::FutureDatedAlert> {
        let alerts = self.contents().filter_map(|content| match content {
            Content::Cs06FutureDatedAlert(alert) => Some(alert),
            _ => None,
        });
        alerts.collect()
    }

    /// The codes of all other Alerts of Devices.
    pub(crate) fn alerts(&self) -> Vec<u16> {
        let alerts = self.contents().filter_map(|content| match content {
            Content::DeviceAlert(alert) => Some(alert.alert_code),
            _ => None,
        });
        alerts.collect()
    }

    pub(crate) fn next_counter(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// A CS06 Command to the first Device, not yet signed.
    pub(crate) fn activate_command(&mut self, hash: [u8; 32], execution: Option<Utc>) -> Message {
        let counter = self.next_counter();
        Message {
            cra: Cra::Command,
            counter,
            originator: SUPPLIER,
            recipient: self.seats[0].eui,
            date_time: None,
            message_code: cs06::MESSAGE_CODE,
            supplementary: None,
            content: cs06::Command { hash, originator_counter: counter, execution }.encode(),
            signature: None,
        }
    }

    /// Has the hub carry a GBCS message to its Device.
    pub(crate) fn send(&mut self, octets: Vec<u8>) {
        self.wan(WanMessage::Gbcs { octets });
    }

    /// Sends a sound CS06 Command, and lets a minute pass.
    pub(crate) fn activate(&mut self, hash: [u8; 32]) -> Vec<cs06::Response> {
        let before = self.activations().len();
        self.command(hash, None);
        self.run(MINUTE);
        self.activations().split_off(before)
    }

    pub(crate) fn command(&mut self, hash: [u8; 32], execution: Option<Utc>) {
        let mut message = self.activate_command(hash, execution);
        message.sign(&signing_key(SUPPLIER_KEY));
        self.send(with_mac(&message));
    }

    /// The version that the first Device says that it runs.
    pub(crate) fn version(&mut self) -> FirmwareVersion {
        let device = self.seats[0].eui;
        self.version_of(device)
    }

    pub(crate) fn version_of(&mut self, device: Eui64) -> FirmwareVersion {
        self.ask_version(device).expect("an answer to CS08")
    }

    /// The version that a Device says that it runs, if it says one: by ECS52, GCS38 or CS08.
    pub(crate) fn ask_version(&mut self, device: Eui64) -> Option<FirmwareVersion> {
        let counter = self.next_counter();
        let kind = self.seats.iter().find(|seat| seat.eui == device).map(|seat| seat.config.kind);
        let (message_code, content) = match kind {
            Some(Kind::Esme) => (ecs52::MESSAGE_CODE, ecs52::Command::new(counter).encode()),
            Some(Kind::Gsme) => (gcs38::MESSAGE_CODE, gcs38::Command.encode()),
            _ => (cs08::MESSAGE_CODE, cs08::Command.encode()),
        };
        let message = Message {
            cra: Cra::Command,
            counter,
            originator: BROKER,
            recipient: device,
            date_time: None,
            message_code,
            supplementary: Some(Supplementary { remote_party: SUPPLIER, counter }),
            content,
            signature: None,
        };
        let before = self.told.len();
        self.send(with_mac(&message));
        self.run(5 * MINUTE);
        let versions = self.contents().skip(before).filter_map(|content| match content {
            Content::Cs08Response(response) => Some(response.version),
            Content::Ecs52Response(response) => response.version.ok(),
            Content::Gcs38Response(response) => response.version.ok(),
            _ => None,
        });
        versions.last()
    }

    /// Takes the power from the first Device.
    pub(crate) fn power_off(&mut self) {
        let seat = &mut self.seats[0];
        seat.flash = seat.device.take().map(Device::into_flash);
        self.air.set_receiver(seat.radio, false);
    }

    /// Gives it back.
    pub(crate) fn power_on(&mut self) {
        let seat = &mut self.seats[0];
        let mut device = Device::new(seat.config.clone(), seat.flash.take().unwrap()).unwrap();
        self.air.set_receiver(seat.radio, true);
        self.fault.into_iter().for_each(|fault| device.plant(fault));
        device.start(self.now);
        seat.device = Some(device);
        self.settle();
    }

    /// What the first Device has in flash, while it is off.
    pub(crate) fn flash(&mut self) -> &mut RamFlash {
        self.seats[0].flash.as_mut().expect("the Device is off")
    }

    pub(crate) fn device(&self) -> &Device<RamFlash> {
        self.seats[0].device.as_ref().expect("the Device is on")
    }

    pub(crate) fn log(&self) -> &[String] {
        &self.seats[0].log
    }
}

/// The message with the Access Control Broker's MAC for a Device.
pub(crate) fn with_mac(message: &Message) -> Vec<u8> {
    seal(message, &ka(BROKER_KA), &ka(DEVICE_KA).public_key())
}

/// The message with a MAC that is not the Access Control Broker's.
pub(crate) fn with_wrong_mac(message: &Message) -> Vec<u8> {
    seal(message, &ka(OTHER_KEY), &ka(DEVICE_KA).public_key())
}

/// Whether a message of a Device is signed by it.
pub(crate) fn is_signed(message: &Message) -> bool {
    message.verify(&signing_key(DEVICE_KEY).verifying_key()).is_ok()
}
