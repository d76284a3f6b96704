//! A Device as a whole: its owner's interface, its flash, and its clocks.

use crate::config::DeviceConfig;
use crate::faults::{Fault, Faults};
use crate::firmware;
use crate::gbcs::{self, Command, NewMode};
use crate::state::{Planned, SlotName, State};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use embedded_storage::nor_flash::NorFlash;
use hanrig_wire::gbcs::{Message, PaymentMode, cs06};
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::zcl::ota::ImageId;
use hanrig_zigbee::han::{HanConfig, HanDevice, HanEvent};
use hanrig_zigbee::ota::client::{ClientConfig, ClientEvent, Transfer};
use hanrig_zigbee::ota::slot::{SLOT_SIZE, Slot};
use hanrig_zigbee::store::{Region, StateStore, StoreError};
use hanrig_zigbee::{Handle, ReceiveFilter, Transmit, TransmitResult};

/// What a Device wants its owner to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this frame by radio.
    Radio(Transmit),
    /// One line for the Device's log.
    Log(String),
}

/// Octets of flash for the state record.
const STATE_SIZE: u32 = 48 * 1024;
/// The most GBCS messages, and the most Alerts without a time, that wait for the hub.
pub(crate) const OUTBOX: usize = 24;
/// How long after a message that did not arrive it is sent again.
const SEND_AGAIN: Duration = Duration::from_secs(30);
/// How long a Device stays on the air before it restarts, so that what it owes the hub (a Response, acknowledgements) gets
/// out.
const FAREWELL: Duration = Duration::from_secs(2);

/// How many octets of flash a Device needs.
pub const fn flash_size() -> u32 {
    STATE_SIZE + 2 * SLOT_SIZE
}

pub(crate) const fn slot_region(slot: SlotName) -> Region {
    let start = match slot {
        SlotName::A => STATE_SIZE,
        SlotName::B => STATE_SIZE + SLOT_SIZE,
    };
    Region { start, size: SLOT_SIZE }
}

/// A restart into new firmware.
#[derive(Clone, Copy, Debug)]
enum Restart {
    /// Goes down then.
    GoingDown(Instant),
    /// Is back then.
    Down(Instant),
}

/// An ESME, a GSME or an HCALCS.
#[derive(Debug)]
pub struct Device<F> {
    pub(crate) config: DeviceConfig,
    pub(crate) han: HanDevice,
    pub(crate) flash: F,
    store: StateStore,
    pub(crate) state: State,
    /// Whether `state` differs from what is stored.
    pub(crate) unsaved: bool,
    /// Where a download goes.
    pub(crate) slot: Slot,
    /// The download that is being verified, and when that is done.
    pub(crate) verify_at: Option<(Instant, Transfer)>,
    query_at: Option<Instant>,
    restart: Option<Restart>,
    /// The message under way, and when to send it again.
    under_way: Option<Handle>,
    send_at: Option<Instant>,
    outputs: VecDeque<Output>,
    pub(crate) faults: Faults,
}

fn han_of(config: &DeviceConfig, state: &State) -> HanDevice {
    let declaration = &config.declaration;
    let config = HanConfig {
        eui64: config.eui64,
        device_identifier: config.kind.zigbee_device(),
        link_key: config.link_key,
        channels: config.channels.clone(),
        radio_acknowledges: config.radio_acknowledges,
        seed: config.seed,
        client: ClientConfig {
            hardware_version: declaration.sends_hardware_version.then_some(config.hardware_version),
            block_size: declaration.block_size,
            block_pause: declaration.block_pause,
            page_requests: declaration.page_requests,
            answer_timeout: declaration.answer_timeout,
            repeats: declaration.repeats,
            ..ClientConfig::new(config.manufacturer_code, config.image_type)
        },
    };
    HanDevice::new(&config, state.node.clone(), state.running.version)
}

impl<F: NorFlash> Device<F> {
    /// A Device that is switched on with what its flash holds. Blank flash is that of a Device from the factory.
    ///
    /// # Errors
    /// When the flash cannot be read or written, or is too small.
    pub fn new(config: DeviceConfig, mut flash: F) -> Result<Self, StoreError> {
        let (store, record) = StateStore::open(&mut flash, Region { start: 0, size: STATE_SIZE })?;
        let restored = record.and_then(|record| postcard::from_bytes(&record).ok());
        let unsaved = restored.is_none();
        let state = match restored {
            Some(state) => state,
            None => State::new(firmware::install_factory_firmware(&config, &mut flash)?),
        };
        Ok(Self {
            han: han_of(&config, &state),
            slot: Slot::new(slot_region(state.running.slot.other()), 0),
            config,
            flash,
            store,
            state,
            unsaved,
            verify_at: None,
            query_at: None,
            restart: None,
            under_way: None,
            send_at: None,
            outputs: VecDeque::new(),
            faults: Faults::default(),
        })
    }

    /// The power is on: verifies its firmware, and joins the hub's network or goes on in the one that the flash remembers.
    pub fn start(&mut self, now: Instant) {
        self.forget_at_power_on();
        self.log(format!("firmware version {}", self.state.running.version));
        self.verify_running();
        self.relax();
        self.han.start(now);
        self.settle(now);
    }

    /// Gives back the flash, as when the power goes.
    pub fn into_flash(self) -> F {
        self.flash
    }

    /// Where in flash the running firmware is, for whoever models that flash loses what it holds.
    pub const fn running_firmware(&self) -> Region {
        let running = &self.state.running;
        Region { start: slot_region(running.slot).start, size: running.size }
    }

    /// Where in flash the image is that is held, if one is.
    pub fn held_image(&self) -> Option<Region> {
        let start = slot_region(self.state.running.slot.other()).start;
        self.state.held.map(|held| Region { start, size: held.size })
    }

    /// How a meter is paid for; from the factory it is in credit mode.
    pub const fn payment_mode(&self) -> PaymentMode {
        self.state.payment_mode
    }

    /// The next thing to do.
    pub fn take_output(&mut self) -> Option<Output> {
        self.outputs.pop_front().or_else(|| self.han.take_transmit().map(Output::Radio))
    }

    /// What the radio is to receive now: a radio that filters and acknowledges must be told when it changes.
    pub const fn receive_filter(&self) -> ReceiveFilter {
        self.han.receive_filter()
    }

    /// When [`Self::poll`] is next wanted.
    pub fn poll_at(&self) -> Option<Instant> {
        let restart = self.restart.map(|(Restart::GoingDown(at) | Restart::Down(at))| at);
        if matches!(self.restart, Some(Restart::Down(_))) {
            return restart;
        }
        [self.han.poll_at(), self.query_at, self.verify_at.map(|(at, _)| at), self.activate_at(), self.send_at, restart]
            .into_iter()
            .flatten()
            .min()
    }

    /// Does what is due at `now`.
    pub fn poll(&mut self, now: Instant) {
        match self.restart {
            Some(Restart::GoingDown(at)) if at <= now => self.go_down(now),
            Some(Restart::Down(at)) if at <= now => {
                self.restart = None;
                self.start(now);
            }
            _ => {}
        }
        if matches!(self.restart, Some(Restart::Down(_))) {
            return;
        }
        self.han.poll(now);
        if self.query_at.take_if(|at| *at <= now).is_some() {
            self.state.last_query = self.han.utc(now);
            self.unsaved = true;
            self.query_at = Some(now + self.config.declaration.query_period);
            if !self.does_not_ask(now) {
                self.han.client().query(now);
            }
        }
        if let Some((_, transfer)) = self.verify_at.take_if(|(at, _)| *at <= now) {
            self.verify_download(now, transfer);
        }
        if self.activate_at().is_some_and(|at| at <= now)
            && let Some(planned) = self.state.planned.take()
        {
            self.activate_as_planned(now, planned);
        }
        if self.send_at.take_if(|at| *at <= now).is_some() {
            self.send_next(now);
        }
        self.settle(now);
    }

    /// A frame that the radio received, FCS included.
    pub fn on_frame(&mut self, now: Instant, octets: &[u8], lqi: u8) {
        if self.stops_at(octets) {
            self.go_down(now);
            self.restart = Some(Restart::Down(Instant(u64::MAX)));
        }
        if !matches!(self.restart, Some(Restart::Down(_))) {
            self.han.on_frame(now, octets, lqi);
            self.settle(now);
        }
    }

    /// What became of the frame last handed to the radio.
    pub fn on_transmit_done(&mut self, now: Instant, result: TransmitResult) {
        self.han.on_transmit_done(now, result);
        self.settle(now);
    }

    pub(crate) fn log(&mut self, line: String) {
        self.outputs.push_back(Output::Log(line));
    }

    /// Plans the restart into new firmware.
    pub(crate) fn restart(&mut self, now: Instant) {
        self.restart = Some(Restart::GoingDown(now + FAREWELL));
    }

    /// Goes down: everything but the flash is forgotten.
    fn go_down(&mut self, now: Instant) {
        self.state.node = Some(self.han.persistent_state());
        self.han = han_of(&self.config, &self.state);
        self.slot = Slot::new(slot_region(self.state.running.slot.other()), 0);
        self.verify_at = None;
        self.query_at = None;
        self.under_way = None;
        self.send_at = None;
        self.restart = Some(Restart::Down(now + self.config.declaration.restart));
        self.unsaved = true;
        self.save();
    }

    /// When the planned activation is due, as far as the time is known.
    fn activate_at(&self) -> Option<Instant> {
        self.state.planned.and_then(|planned| self.han.instant_of(planned.at))
    }

    /// Takes what there is to know and to do, and stores the state when it changed.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.han.take_event(now) {
            self.on_event(now, event);
        }
        self.tell(now);
        self.save();
    }

    fn save(&mut self) {
        if !core::mem::take(&mut self.unsaved) {
            return;
        }
        self.state.node = Some(self.han.persistent_state());
        let stored = postcard::to_allocvec(&self.state)
            .map_err(|_| StoreError::TooLarge { size: 0, bank: STATE_SIZE / 2 })
            .and_then(|record| self.store.write(&mut self.flash, &record));
        if let Err(error) = stored {
            self.log(format!("state not stored: {error}"));
        }
    }

    fn on_event(&mut self, now: Instant, event: HanEvent) {
        match event {
            HanEvent::Log(line) => self.log(line),
            HanEvent::HubFound => {
                self.query_at = Some(now + self.config.declaration.query_period);
                self.resume_download(now);
            }
            HanEvent::ClockSet { utc, first: true } => self.on_clock_known(now, utc),
            HanEvent::TunnelOpen => self.send_next(now),
            HanEvent::Gbcs(octets) => self.on_gbcs(now, &octets),
            HanEvent::ImageNotify(notify) if self.config.declaration.follows_notify => {
                self.han.follow_notify(now, &notify);
            }
            HanEvent::Client(event) => self.on_client_event(now, event),
            HanEvent::Sent { handle, result } if self.under_way == Some(handle) => {
                self.under_way = None;
                if result.is_ok() {
                    self.state.outbox.pop_front();
                    self.unsaved = true;
                    self.send_next(now);
                } else {
                    self.send_at = Some(now + SEND_AGAIN);
                }
            }
            HanEvent::PersistNeeded => self.unsaved = true,
            HanEvent::ClockSet { .. } | HanEvent::ImageNotify(_) | HanEvent::Sent { .. } => {}
        }
    }

    /// A restart does not make the unprompted queries more frequent.
    fn on_clock_known(&mut self, now: Instant, utc: Utc) {
        if let Some(last) = self.state.last_query {
            let passed = Duration::from_millis(u64::try_from(utc.0.saturating_sub(last.0)).unwrap_or(0));
            self.query_at = Some(now + self.config.declaration.query_period.saturating_sub(passed));
        }
    }

    fn on_client_event(&mut self, now: Instant, event: ClientEvent) {
        match event {
            ClientEvent::Send(frame) => {
                if let Some(frame) = self.spoil_ota(frame) {
                    self.han.send_ota(now, frame);
                }
            }
            ClientEvent::Started(transfer) => self.begin_download(transfer),
            ClientEvent::Block { octets, .. } => self.store_block(&octets),
            ClientEvent::Downloaded(transfer) => self.end_download(now, transfer),
            ClientEvent::Abandoned { transfer, status } => {
                self.log(format!("download of {} ended: {status}", transfer.image));
                self.end_transfer();
            }
            // CH-08: whatever the hub says, only the Supplier's Command activates (HCALCS-02).
            ClientEvent::Activate(image) => self.end_of_transfer(now, image, true),
            ClientEvent::Wait(image) => self.end_of_transfer(now, image, false),
            ClientEvent::NoImage(status) => self.log(format!("no image: {status}")),
        }
    }

    fn end_of_transfer(&mut self, now: Instant, image: ImageId, at_once: bool) {
        self.log(format!("{image} waits for its Activate Firmware Command"));
        self.end_transfer();
        let obeys = self.faulty(Fault::ActivatesForTheHub) || at_once && self.faulty(Fault::ActivatesAtOnceForTheHub);
        if let Some(held) = self.state.held.filter(|_| obeys) {
            self.activate(now, held.hash);
        }
    }

    fn end_transfer(&mut self) {
        self.state.transfer = None;
        self.unsaved = true;
    }

    fn on_gbcs(&mut self, now: Instant, octets: &[u8]) {
        self.unsaved = true;
        match gbcs::take(&self.config, &self.faults, &mut self.state, octets) {
            Ok(Command::ReadVersion(command)) => {
                let response = gbcs::answer_version(&self.config, &self.faults, &self.state, &command);
                if !self.faulty(Fault::NeverAnswersVersion) {
                    self.post(now, response);
                }
            }
            Ok(Command::Activate(command)) => self.on_activate(now, &command),
            Ok(Command::SetPaymentMode(message, mode)) => self.on_payment_mode(now, &message, mode),
            Err(why) => {
                self.log(format!("GBCS message not taken: {why}"));
                if let Some(code) = why.alert_code() {
                    self.report(code, None);
                }
            }
        }
    }

    fn on_activate(&mut self, now: Instant, command: &cs06::Command) {
        let cs06::Command { hash, originator_counter: counter, execution } = *command;
        let execution = execution.filter(|_| !self.faulty(Fault::ActivatesBeforeTime));
        self.state.planned = execution.map(|at| Planned { at, hash, counter });
        let response = match execution {
            Some(at) => {
                self.log(format!("activation planned for {at}"));
                cs06::Response::FutureDated
            }
            None => {
                let outcome = self.activate(now, hash);
                cs06::Response::Immediate(self.spoil_outcome(outcome))
            }
        };
        if !self.faulty(Fault::NeverAnswersActivation) {
            let utc = self.han.utc(now);
            self.post(now, gbcs::answer_activation(&self.config, command, &response, utc));
        }
    }

    /// Takes a payment mode at once. What is for later, or for a twin element meter, it answers with a failure.
    fn on_payment_mode(&mut self, now: Instant, message: &Message, NewMode { mode, at_once }: NewMode) {
        let takes = at_once && !self.faulty(Fault::KeepsPaymentMode);
        if takes {
            self.state.payment_mode = mode;
            self.log(format!("payment mode {mode}"));
        }
        let utc = self.han.utc(now);
        let octets = gbcs::answer_payment_mode(&self.config, &self.faults, message, mode, takes, utc);
        self.post(now, octets);
    }

    fn activate_as_planned(&mut self, now: Instant, planned: Planned) {
        let outcome = self.activate(now, planned.hash);
        if let Some(utc) = self.han.utc(now)
            && !self.faulty(Fault::FutureOutcomeUnreported)
        {
            let counter = self.next_counter();
            let outcome = self.spoil_outcome(outcome);
            self.post(now, gbcs::future_dated_alert(&self.config, counter, planned.counter, outcome, utc));
        }
    }

    fn next_counter(&mut self) -> u64 {
        self.state.counter += 1;
        self.unsaved = true;
        self.state.counter
    }

    /// Makes Alerts of what there is to report, once the time is known.
    fn tell(&mut self, now: Instant) {
        let Some(utc) = self.han.utc(now) else { return };
        while self.state.outbox.len() < OUTBOX
            && let Some(report) = self.state.reports.pop_front()
        {
            let counter = self.next_counter();
            self.post(now, gbcs::alert(&self.config, counter, report, utc));
        }
    }

    /// Queues a message for the hub: it is kept in flash until the hub has it.
    fn post(&mut self, now: Instant, octets: Vec<u8>) {
        if self.state.outbox.len() >= OUTBOX {
            return self.log("GBCS message not sent: too many wait".into());
        }
        self.state.outbox.push_back(octets);
        self.unsaved = true;
        self.send_next(now);
    }

    fn send_next(&mut self, now: Instant) {
        if self.under_way.is_none()
            && self.han.is_tunnel_open()
            && let Some(octets) = self.state.outbox.front()
        {
            self.send_at = None;
            self.under_way = self.han.send_gbcs(now, octets);
        }
    }
}
