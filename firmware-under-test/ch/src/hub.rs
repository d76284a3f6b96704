//! The hub as a whole: its owner's interface, its flash, and what ties WAN and HAN together.

use crate::alerts;
use crate::blocks::{Admission, BlockName, HeldImage, Phase, Target};
use crate::config::HubConfig;
use crate::faults::{Fault, Faults};
use crate::incoming::{Incoming, Recorded};
use crate::state::{LoggedDevice, State, TransferAlert, TransferOutcome};
use crate::tunnels::Tunnels;
use crate::wan::{Heard, Session};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use embedded_storage::nor_flash::NorFlash;
use hanrig_wire::gbcs::Envelope;
use hanrig_wire::ota_file::MAXIMUM_IMAGE_SIZE;
use hanrig_wire::time::{Instant, Utc};
use hanrig_wire::types::{DeviceType, Eui64, Key128};
use hanrig_wire::wan::{ImageStatus, RefusalReason, WanMessage};
use hanrig_zigbee::store::{Region, StateStore, StoreError, flash_error};
use hanrig_zigbee::{
    ApsConfig, MacConfig, Node, NodeConfig, ReceiveFilter, Role, SimpleDescriptor, Transmit, TransmitResult,
};
use sha2::{Digest, Sha256};

/// What the hub wants its owner to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this frame by radio.
    Radio(Transmit),
    /// Send these octets to the CSP.
    Wan(Vec<u8>),
    /// One line for the hub's log.
    Log(String),
}

/// Octets of flash for the state record, from the start on. Erased, they make a Device that is new.
pub const STATE_SIZE: u32 = 128 * 1024;
/// Octets of flash for one block: 750KB in whole erase blocks of up to 4 KiB.
const BLOCK_SIZE: u32 = (MAXIMUM_IMAGE_SIZE as u32).next_multiple_of(4096);
/// How much of an arriving image may have to be sent again after a loss of power.
const PROGRESS_STORED_EVERY: u32 = 32 * 1024;

/// How many octets of flash a hub needs.
pub const fn flash_size() -> u32 {
    STATE_SIZE + 2 * BLOCK_SIZE
}

const fn block_start(block: BlockName) -> u32 {
    match block {
        BlockName::Esme => STATE_SIZE,
        BlockName::Gsme => STATE_SIZE + BLOCK_SIZE,
    }
}

/// The profile of Smart Energy, and the endpoint that the hub's clusters are on.
pub(crate) const PROFILE: u16 = 0x0109;
pub(crate) const ENDPOINT: u8 = 1;

/// A Device's last transfer that ended well, so that a repeated Upgrade End Request is answered without a second Alert.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) image: hanrig_wire::zcl::ota::ImageId,
    pub(crate) device_type: DeviceType,
}

/// The reference Communications Hub Function.
#[derive(Debug)]
pub struct CommunicationsHub<F> {
    pub(crate) config: HubConfig,
    pub(crate) node: Node,
    pub(crate) flash: F,
    store: StateStore,
    pub(crate) state: State,
    /// Whether `state` differs from what is stored.
    pub(crate) unsaved: bool,
    pub(crate) wan: Session,
    incoming: Option<Incoming>,
    /// What UTC is at `Instant::ZERO`, once the WAN has told.
    epoch: Option<Utc>,
    pub(crate) tunnels: Tunnels,
    pub(crate) ended: BTreeMap<Eui64, Ended>,
    /// When to store that a Device has asked for a block: once its download has come to a standstill, so that the clock
    /// of CH-14 goes on from there through a loss of power.
    pub(crate) store_request_at: Option<Instant>,
    /// When to send the next Image Notify to each Device that an image waits for.
    pub(crate) notify_at: BTreeMap<Eui64, Instant>,
    pub(crate) sequence: u8,
    outputs: VecDeque<Output>,
    pub(crate) faults: Faults,
    /// What a fault makes it remember.
    #[cfg(feature = "planted-faults")]
    pub(crate) spoilt: crate::faults::Spoilt,
}

impl<F: NorFlash> CommunicationsHub<F> {
    /// A hub that is switched on with what its flash holds.
    ///
    /// # Errors
    /// When the flash cannot be read or is too small.
    pub fn new(config: HubConfig, mut flash: F) -> Result<Self, StoreError> {
        let (store, record) = StateStore::open(&mut flash, Region { start: 0, size: STATE_SIZE })?;
        let state: State = record.and_then(|record| postcard::from_bytes(&record).ok()).unwrap_or_default();
        let network = &config.network;
        let mut node = Node::new(
            NodeConfig {
                eui64: config.eui64,
                role: Role::Coordinator {
                    channel: network.channel,
                    pan_id: network.pan_id,
                    extended_pan_id: network.extended_pan_id,
                    network_key: network.network_key,
                },
                endpoints: vec![SimpleDescriptor {
                    endpoint: ENDPOINT,
                    profile: PROFILE,
                    // Energy Service Interface.
                    device: 0x0500,
                    version: 0,
                    input_clusters: vec![hanrig_wire::zcl::ota::CLUSTER, hanrig_wire::zcl::time::CLUSTER],
                    output_clusters: vec![hanrig_wire::zcl::tunneling::CLUSTER],
                }],
                mac: MacConfig { radio_acknowledges: config.radio_acknowledges, ..MacConfig::default() },
                aps: ApsConfig::default(),
                seed: config.seed,
                manufacturer_code: config.manufacturer_code,
            },
            state.node.clone(),
        );
        for device in &state.devices {
            node.permit(device.eui, device.link_key);
        }
        Ok(Self {
            config,
            node,
            flash,
            store,
            state,
            unsaved: false,
            wan: Session::new(),
            incoming: None,
            epoch: None,
            tunnels: Tunnels::default(),
            ended: BTreeMap::new(),
            store_request_at: None,
            notify_at: BTreeMap::new(),
            sequence: 0,
            outputs: VecDeque::new(),
            faults: Faults::default(),
            #[cfg(feature = "planted-faults")]
            spoilt: crate::faults::Spoilt::default(),
        })
    }

    /// Forms the network, or goes on with the one that the flash remembers.
    pub fn start(&mut self, now: Instant) {
        self.spoil_start();
        self.node.start(now);
        let held: Vec<_> = self.state.blocks.waiting().map(|(device, _)| device).collect();
        for device in held {
            self.notify_at.insert(device, now);
        }
        self.settle(now);
    }

    /// Gives back the flash, as when the power goes.
    pub fn into_flash(self) -> F {
        self.flash
    }

    /// The next thing to do.
    pub fn take_output(&mut self) -> Option<Output> {
        self.outputs
            .pop_front()
            .or_else(|| self.node.take_transmit().map(Output::Radio))
            .or_else(|| self.wan.take_octets().map(Output::Wan))
    }

    /// What the radio is to receive now: a radio that filters and acknowledges must be told when it changes.
    pub const fn receive_filter(&self) -> ReceiveFilter {
        self.node.receive_filter()
    }

    /// When [`Self::poll`] is next wanted, at `now` or later.
    pub fn poll_at(&self, now: Instant) -> Option<Instant> {
        let expiry = self
            .epoch
            .and_then(|epoch| Some((epoch, self.state.blocks.next_expiry(&self.profile())?)))
            .map(|(epoch, at)| Instant(u64::try_from(at.0.saturating_sub(epoch.0)).unwrap_or(0).saturating_mul(1000)));
        [
            self.node.poll_at(),
            self.wan.poll_at(now),
            self.tunnels.poll_at(now),
            self.notify_at.values().min().copied(),
            self.store_request_at,
            expiry,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due at `now`.
    pub fn poll(&mut self, now: Instant) {
        self.node.poll(now);
        self.wan.poll(now);
        if let Some(utc) = self.utc(now) {
            let alerts = self.state.blocks.expire(utc, &self.profile());
            let alerts = self.spoil_expiry(alerts);
            self.alert_all(now, alerts);
        }
        self.unsaved |= self.store_request_at.take_if(|at| *at <= now).is_some();
        self.notify_due(now);
        self.serve_tunnels(now);
        self.settle(now);
    }

    /// A frame that the radio received, FCS included.
    pub fn on_frame(&mut self, now: Instant, octets: &[u8], lqi: u8) {
        if self.stops_at(octets) {
            return;
        }
        self.node.on_frame(now, octets, lqi);
        self.settle(now);
    }

    /// What became of the frame last handed to the radio.
    pub fn on_transmit_done(&mut self, now: Instant, result: TransmitResult) {
        self.node.on_transmit_done(now, result);
        self.settle(now);
    }

    /// The WAN link came up or went down.
    pub fn on_wan_link(&mut self, now: Instant, up: bool) {
        self.wan.set_up(up);
        self.log(format!("WAN link {}", if up { "up" } else { "down" }));
        if up {
            let hello = WanMessage::Hello { hub: self.config.eui64, firmware_version: self.config.firmware_version };
            self.wan.send_first(hello);
            self.fill_wan();
        }
        self.wan.poll(now);
    }

    /// Octets from the CSP.
    pub fn on_wan_octets(&mut self, now: Instant, octets: &[u8]) {
        for heard in self.wan.on_octets(octets) {
            match heard {
                Heard::Message(message) => self.on_wan_message(now, message),
                Heard::Acknowledged(WanMessage::Gbcs { octets }) => {
                    if let Some(place) = self.state.outbox.iter().position(|waiting| *waiting == octets) {
                        self.state.outbox.remove(place);
                        self.unsaved = true;
                    }
                    self.fill_wan();
                }
                Heard::Acknowledged(_) => {}
                Heard::Noise => self.log("WAN octets that are no frame".into()),
            }
        }
        self.wan.poll(now);
        self.settle(now);
    }

    pub(crate) fn log(&mut self, line: String) {
        self.outputs.push_back(Output::Log(line));
    }

    /// The time of day, once the WAN has told it.
    pub(crate) fn utc(&self, now: Instant) -> Option<Utc> {
        self.epoch.map(|epoch| epoch.after(now - Instant::ZERO))
    }

    /// Takes the node's events, and stores the state when it changed.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.node.take_event() {
            self.on_node_event(now, event);
        }
        if self.unsaved {
            self.unsaved = false;
            self.state.node = Some(self.node.persistent_state());
            let stored = postcard::to_allocvec(&self.state)
                .map_err(|_| StoreError::TooLarge { size: 0, bank: STATE_SIZE / 2 })
                .and_then(|record| self.store.write(&mut self.flash, &record));
            if let Err(error) = stored {
                self.log(format!("state not stored: {error}"));
            }
        }
    }

    /// Hands the first GBCS message that waits to the WAN; the next one follows its acknowledgement.
    fn fill_wan(&mut self) {
        if self.wan.is_up()
            && let Some(octets) = self.state.outbox.front()
        {
            self.wan.send(WanMessage::Gbcs { octets: octets.clone() });
        }
    }

    /// Queues a GBCS message for the WAN: it is kept in flash until the CSP has it.
    pub(crate) fn send_gbcs(&mut self, now: Instant, octets: Vec<u8>) {
        if self.faulty(Fault::BuffersNothing) && !self.wan.is_up() {
            return;
        }
        let first = self.state.outbox.is_empty();
        self.state.outbox.push_back(octets);
        self.unsaved = true;
        if first {
            self.fill_wan();
        }
        self.wan.poll(now);
    }

    /// Reports the end of a transfer, or as soon as the time is known (CH-15, CH-16).
    pub(crate) fn alert_all(&mut self, now: Instant, alerts: impl IntoIterator<Item = TransferAlert>) {
        let before = self.state.alerts.len();
        for alert in alerts {
            let times = if self.faulty(Fault::AlertsTwice) { 2 } else { 1 };
            self.state.alerts.extend(core::iter::repeat_n(alert, times));
        }
        if self.state.alerts.len() == before && before == 0 {
            return;
        }
        self.unsaved = true;
        let Some(utc) = self.utc(now) else { return };
        while let Some(alert) = self.state.alerts.pop_front() {
            self.notify_at.remove(&alert.target);
            self.state.counter += 1;
            self.note_end(&alert);
            let time = self.time_of(&alert, utc);
            let octets = alerts::message(&self.config, &self.faults, &alert, self.state.counter, time);
            self.log(format!("transfer of version {} to {}: {:?}", alert.version, alert.target, alert.outcome));
            if self.faulty(Fault::RepeatsAlert) {
                self.send_gbcs(now, octets.clone());
            }
            self.send_gbcs(now, octets);
        }
    }

    fn on_wan_message(&mut self, now: Instant, message: WanMessage) {
        match message {
            WanMessage::SetTime { utc } => {
                if self.epoch.is_none() {
                    self.spoil_clocks(utc);
                }
                self.epoch = Some(Utc(utc.0.saturating_sub(i64::try_from(now.as_micros() / 1000).unwrap_or(0))));
                self.alert_all(now, []);
            }
            WanMessage::AddDevice { device, device_type, link_key } => self.add_device(device, device_type, link_key),
            WanMessage::RemoveDevice { device } => {
                self.state.devices.retain(|logged| logged.eui != device);
                self.state.blocks.forget(device);
                self.node.forget(device);
                self.tunnels.forget(device);
                self.ended.remove(&device);
                self.notify_at.remove(&device);
                self.unsaved = true;
            }
            WanMessage::Gbcs { octets } => self.on_gbcs_from_wan(now, octets),
            WanMessage::ImageBegin { transfer, device_type, targets, size, sha256 } => {
                self.begin_image(Incoming { transfer, device_type, targets, size, sha256, head: Vec::new() });
            }
            WanMessage::ImageData { transfer, offset, octets } => {
                let status = self.take_image_data(now, transfer, offset, &octets);
                self.wan.send(WanMessage::ImageStatus { transfer, status });
            }
            WanMessage::ImageCancel { transfer } => {
                self.incoming.take_if(|incoming| incoming.transfer == transfer);
                let alerts = self.state.blocks.cancel(transfer);
                self.unsaved = true;
                self.alert_all(now, alerts);
            }
            // From a hub, not to one.
            WanMessage::Ack { .. } | WanMessage::Hello { .. } | WanMessage::ImageStatus { .. } => {}
        }
    }

    fn add_device(&mut self, eui: Eui64, device_type: DeviceType, link_key: Key128) {
        self.state.devices.retain(|logged| logged.eui != eui);
        self.state.devices.push(LoggedDevice { eui, device_type, link_key });
        self.node.permit(eui, link_key);
        self.unsaved = true;
        self.log(format!("{device_type} {eui} added to the Device Log"));
    }

    /// A GBCS message for the hub itself or for a Device on its HAN, by its recipient.
    fn on_gbcs_from_wan(&mut self, now: Instant, octets: Vec<u8>) {
        let recipient = match Envelope::parse(&octets) {
            Ok(envelope) => envelope.message().recipient,
            Err(error) => return self.log(format!("GBCS message from the WAN dropped: {error}")),
        };
        if self.state.device(recipient).is_none() {
            return self.log(format!("GBCS message for {recipient} dropped: not in the Device Log"));
        }
        if !self.tunnels.send(now, recipient, octets) {
            self.log(format!("GBCS message for {recipient} dropped: too many wait"));
        }
        self.serve_tunnels(now);
    }

    fn begin_image(&mut self, incoming: Incoming) {
        let transfer = incoming.transfer;
        let held = self.state.blocks.get(incoming.block()).filter(|held| held.transfer == transfer);
        let known = incoming
            .targets
            .iter()
            .any(|target| self.state.device(*target).is_some_and(|logged| logged.device_type == incoming.device_type));
        let status = match held {
            Some(held) if held.complete => ImageStatus::Complete,
            Some(held) => ImageStatus::Ready { next_offset: held.arrived },
            None if incoming.size as usize > self.largest_image(incoming.block()) => {
                ImageStatus::Refused(RefusalReason::TooLarge)
            }
            None if !known => ImageStatus::Refused(RefusalReason::NoSuchDevice),
            None => {
                self.incoming = Some(incoming);
                ImageStatus::Ready { next_offset: 0 }
            }
        };
        self.wan.send(WanMessage::ImageStatus { transfer, status });
    }

    fn take_image_data(&mut self, now: Instant, transfer: u32, offset: u32, octets: &[u8]) -> ImageStatus {
        if let Some(mut incoming) = self.incoming.take_if(|incoming| incoming.transfer == transfer) {
            let here = incoming.head.len() as u32;
            if offset != here || octets.len() as u32 > incoming.size - here {
                self.incoming = Some(incoming);
                return ImageStatus::Received { next_offset: here };
            }
            incoming.head.extend_from_slice(octets);
            return match incoming.header() {
                Ok(None) => {
                    let next_offset = incoming.head.len() as u32;
                    self.incoming = Some(incoming);
                    ImageStatus::Received { next_offset }
                }
                Ok(Some(recorded)) => self.admit_image(now, incoming, recorded),
                Err(()) => ImageStatus::Refused(RefusalReason::BadHash),
            };
        }
        let arriving = |block: &BlockName| {
            self.state.blocks.get(*block).is_some_and(|held| held.transfer == transfer && !held.complete)
        };
        match BlockName::ALL.into_iter().find(arriving) {
            Some(block) => self.store_image_data(now, block, offset, octets),
            None => ImageStatus::Refused(RefusalReason::UnknownTransfer),
        }
    }

    /// The OTA Header of an arriving image is here: its block is taken, or it is refused (CH-10, CH-11, CH-12).
    fn admit_image(&mut self, now: Instant, incoming: Incoming, recorded: Recorded) -> ImageStatus {
        let Some(utc) = self.utc(now) else {
            // Without the time no retention clock can start: the CSP tries again after SetTime.
            return ImageStatus::Refused(RefusalReason::StoreFailure);
        };
        let (targets, unknown): (Vec<_>, Vec<_>) = incoming.targets.iter().copied().partition(|target| {
            self.state.device(*target).is_some_and(|logged| logged.device_type == incoming.device_type)
        });
        for target in unknown {
            self.log(format!("image for {target}, which is no {} of this HAN", incoming.device_type));
        }
        match self.admit(incoming.device_type, utc) {
            Admission::Refused => {
                let version = recorded.image.file_version;
                let alert = |target| TransferAlert { target, version, outcome: TransferOutcome::Discarded };
                let told = self.spoil_refusal(targets);
                self.alert_all(now, told.into_iter().map(alert));
                ImageStatus::Refused(RefusalReason::BlockBusy)
            }
            Admission::Taken(alerts) => {
                self.alert_all(now, alerts);
                let block = incoming.block();
                let start = block_start(block);
                if let Err(error) = self.flash.erase(start, start + BLOCK_SIZE) {
                    self.log(format!("{}", flash_error("erase", start)(error)));
                    return ImageStatus::Refused(RefusalReason::StoreFailure);
                }
                *self.state.blocks.slot(block) = Some(HeldImage {
                    transfer: incoming.transfer,
                    device_type: incoming.device_type,
                    image: recorded.image,
                    hardware: recorded.hardware,
                    size: incoming.size,
                    sha256: incoming.sha256,
                    arrived: 0,
                    complete: false,
                    since: utc,
                    targets: targets.into_iter().map(|eui| Target { eui, phase: Phase::Waiting }).collect(),
                });
                self.unsaved = true;
                if self.faulty(Fault::NotifiesBeforeArrival) {
                    incoming.targets.iter().for_each(|target| self.send_notify(now, *target, recorded.image));
                }
                self.log(format!("image {} takes the {block:?} block", recorded.image));
                self.store_image_data(now, block, 0, &incoming.head)
            }
        }
    }

    fn store_image_data(&mut self, now: Instant, block: BlockName, offset: u32, octets: &[u8]) -> ImageStatus {
        let Some(held) = self.state.blocks.slot(block) else {
            return ImageStatus::Refused(RefusalReason::UnknownTransfer);
        };
        if offset != held.arrived || octets.len() as u32 > held.size - held.arrived {
            return ImageStatus::Received { next_offset: held.arrived };
        }
        let last = offset + octets.len() as u32 == held.size;
        // Only the last piece may be of a length that the flash does not write at once.
        if !last && !octets.len().is_multiple_of(F::WRITE_SIZE) {
            return ImageStatus::Refused(RefusalReason::StoreFailure);
        }
        let mut padded = octets.to_vec();
        padded.resize(padded.len().next_multiple_of(F::WRITE_SIZE), 0xFF);
        let address = block_start(block) + offset;
        if let Err(error) = self.flash.write(address, &padded) {
            self.log(format!("{}", flash_error("write", address)(error)));
            *self.state.blocks.slot(block) = None;
            self.unsaved = true;
            return ImageStatus::Refused(RefusalReason::StoreFailure);
        }
        let before = held.arrived;
        held.arrived += octets.len() as u32;
        let next_offset = held.arrived;
        self.unsaved |= next_offset / PROGRESS_STORED_EVERY != before / PROGRESS_STORED_EVERY;
        if last { self.complete_image(now, block) } else { ImageStatus::Received { next_offset } }
    }

    /// All of an image is in its block: if its SHA-256 is right, its Devices are told.
    fn complete_image(&mut self, now: Instant, block: BlockName) -> ImageStatus {
        let since = self.utc(now);
        let Some(held) = self.state.blocks.slot(block) else {
            return ImageStatus::Refused(RefusalReason::UnknownTransfer);
        };
        let (size, expected) = (held.size, held.sha256);
        let mut hash = Sha256::new();
        let mut buffer = [0; 512];
        let mut at = 0;
        self.unsaved = true;
        while at < size {
            let Some(piece) = buffer.get_mut(..(size - at).min(512) as usize) else { break };
            if self.flash.read(block_start(block) + at, piece).is_err() {
                break;
            }
            hash.update(&*piece);
            at += piece.len() as u32;
        }
        if hash.finalize()[..] != expected {
            *self.state.blocks.slot(block) = None;
            self.log("image discarded: it is not the one that was announced".into());
            return ImageStatus::Refused(RefusalReason::BadHash);
        }
        if let Some(held) = self.state.blocks.slot(block) {
            held.complete = true;
            held.since = since.unwrap_or(held.since);
            for target in &held.targets {
                self.ended.remove(&target.eui);
                self.notify_at.insert(target.eui, now);
            }
            let (version, since) = (held.image.file_version, held.since);
            self.note_arrival(version, since);
        }
        self.notify_due(now);
        ImageStatus::Complete
    }

    /// Reads octets of the image in `block`.
    pub(crate) fn read_block(&mut self, block: BlockName, offset: u32, octets: &mut [u8]) -> bool {
        let read = self.flash.read(block_start(block) + self.spoil_offset(offset), octets).is_ok();
        self.spoil_octets(offset, octets);
        read
    }
}
