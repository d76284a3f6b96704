//! The PPMID as a whole: its owner's interface, its HAN and its clocks.

use crate::config::PpmidConfig;
use crate::faults::{Fault, Faults};
use crate::gbcs;
use crate::state::State;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use embedded_storage::nor_flash::NorFlash;
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_zigbee::han::{HanConfig, HanDevice, HanEvent};
use hanrig_zigbee::ota::client::{ClientConfig, ClientEvent, Transfer};
use hanrig_zigbee::ota::slot::{SLOT_SIZE, Slot};
use hanrig_zigbee::store::{Region, StateStore, StoreError};
use hanrig_zigbee::{Handle, ReceiveFilter, Transmit, TransmitResult};

/// What the PPMID wants its owner to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this frame by radio.
    Radio(Transmit),
    /// One line for the PPMID's log.
    Log(String),
}

/// Octets of flash for the state record, from the start on. Erased, they make a Device that is new.
pub const STATE_SIZE: u32 = 32 * 1024;
pub(crate) const SLOT: Region = Region { start: STATE_SIZE, size: SLOT_SIZE };

/// How many octets of flash a PPMID needs.
pub const fn flash_size() -> u32 {
    STATE_SIZE + SLOT_SIZE
}

/// In-Premises Display.
const DEVICE_IDENTIFIER: u16 = 0x0502;
/// How long after an Alert that did not arrive it is sent again.
const SEND_AGAIN: Duration = Duration::from_secs(30);

/// How long the PPMID stays on the air before it restarts, so that what it owes the hub (acknowledgements) gets out.
const FAREWELL: Duration = Duration::from_millis(500);

/// A restart into new firmware.
#[derive(Clone, Copy, Debug)]
enum Restart {
    /// Goes down then.
    GoingDown(Instant),
    /// Is back then.
    Down(Instant),
}

/// The reference PPMID.
#[derive(Debug)]
pub struct Ppmid<F> {
    pub(crate) config: PpmidConfig,
    pub(crate) han: HanDevice,
    pub(crate) flash: F,
    store: StateStore,
    pub(crate) state: State,
    /// Whether `state` differs from what is stored.
    pub(crate) unsaved: bool,
    pub(crate) slot: Slot,
    pub(crate) query_at: Option<Instant>,
    /// When the image that has come is verified.
    pub(crate) verify_at: Option<(Instant, Transfer)>,
    restart: Option<Restart>,
    /// The Alert under way, and when to send it again.
    report: Option<Handle>,
    report_at: Option<Instant>,
    outputs: VecDeque<Output>,
    pub(crate) faults: Faults,
    /// The offset that was asked for last.
    #[cfg(feature = "planted-faults")]
    pub(crate) asked: Option<u32>,
    /// How many times to ask unprompted have come.
    #[cfg(feature = "planted-faults")]
    pub(crate) questions: u32,
    /// Whether it has refused an image.
    #[cfg(feature = "planted-faults")]
    pub(crate) refused: bool,
    /// When it first said that it has the image.
    #[cfg(feature = "planted-faults")]
    pub(crate) ended: Option<Instant>,
}

fn han_of(config: &PpmidConfig, state: &State) -> HanDevice {
    let declaration = &config.declaration;
    let config = HanConfig {
        eui64: config.eui64,
        device_identifier: DEVICE_IDENTIFIER,
        link_key: config.link_key,
        channels: config.channels.clone(),
        radio_acknowledges: config.radio_acknowledges,
        seed: config.seed,
        client: ClientConfig {
            hardware_version: declaration.sends_hardware_version.then_some(config.hardware_version),
            block_size: declaration.block_size,
            block_pause: declaration.block_pause,
            page_requests: declaration.page_requests,
            ..ClientConfig::new(config.manufacturer_code, config.image_type)
        },
    };
    HanDevice::new(&config, state.node.clone(), state.running)
}

impl<F: NorFlash> Ppmid<F> {
    /// A PPMID that is switched on with what its flash holds.
    ///
    /// # Errors
    /// When the flash cannot be read.
    pub fn new(config: PpmidConfig, mut flash: F) -> Result<Self, StoreError> {
        let (store, record) = StateStore::open(&mut flash, Region { start: 0, size: STATE_SIZE })?;
        let state = record
            .and_then(|record| postcard::from_bytes(&record).ok())
            .unwrap_or_else(|| State::new(config.factory_version));
        Ok(Self {
            han: han_of(&config, &state),
            config,
            flash,
            store,
            state,
            unsaved: false,
            slot: Slot::new(SLOT, 0),
            query_at: None,
            verify_at: None,
            restart: None,
            report: None,
            report_at: None,
            outputs: VecDeque::new(),
            faults: Faults::default(),
            #[cfg(feature = "planted-faults")]
            asked: None,
            #[cfg(feature = "planted-faults")]
            questions: 0,
            #[cfg(feature = "planted-faults")]
            refused: false,
            #[cfg(feature = "planted-faults")]
            ended: None,
        })
    }

    /// The power is on: joins the hub's network, or goes on in the one that the flash remembers.
    pub fn start(&mut self, now: Instant) {
        self.forget_at_power_on();
        if self.stays_off() {
            self.restart = Some(Restart::Down(Instant(u64::MAX)));
            return;
        }
        self.boot(now);
    }

    fn boot(&mut self, now: Instant) {
        self.log(format!("firmware version {}", self.state.running));
        self.relax();
        self.han.start(now);
        self.settle(now);
    }

    /// Gives back the flash, as when the power goes.
    pub fn into_flash(self) -> F {
        self.flash
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
        [
            self.han.poll_at(),
            self.query_at,
            self.verify_at.map(|(at, _)| at),
            self.restart.map(|(Restart::GoingDown(at) | Restart::Down(at))| at),
            self.report_at,
        ]
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
                self.boot(now);
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
            self.query_at = Some(now + self.query_period());
            if !self.does_not_ask() {
                self.han.client().query(now);
            }
        }
        if let Some((_, transfer)) = self.verify_at.take_if(|(at, _)| *at <= now) {
            self.verify_download(now, transfer);
        }
        if self.report_at.take_if(|at| *at <= now).is_some() {
            self.send_report(now);
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
        let wait = if self.faulty(Fault::ActivatesLate) { Duration::from_secs(3600) } else { FAREWELL };
        self.restart = Some(Restart::GoingDown(now + wait));
    }

    /// Goes down: everything but the flash is forgotten.
    fn go_down(&mut self, now: Instant) {
        self.state.node = Some(self.han.persistent_state());
        self.han = han_of(&self.config, &self.state);
        self.query_at = None;
        self.verify_at = None;
        self.report = None;
        self.report_at = None;
        self.restart = Some(Restart::Down(now + self.config.declaration.restart));
        self.unsaved = true;
    }

    /// Takes what there is to know and to do, and stores the state when it changed.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.han.take_event(now) {
            self.on_event(now, event);
        }
        if self.unsaved {
            self.unsaved = false;
            self.state.node = Some(self.han.persistent_state());
            let stored = postcard::to_allocvec(&self.state)
                .map_err(|_| StoreError::TooLarge { size: 0, bank: STATE_SIZE / 2 })
                .and_then(|record| self.store.write(&mut self.flash, &record));
            if let Err(error) = stored {
                self.log(format!("state not stored: {error}"));
            }
        }
    }

    fn on_event(&mut self, now: Instant, event: HanEvent) {
        match event {
            HanEvent::Log(line) => self.log(line),
            HanEvent::HubFound => {
                self.query_at = Some(now + self.first_query());
                self.resume_download(now);
            }
            HanEvent::ClockSet { utc, first } => {
                if first {
                    self.on_clock_known(now, utc);
                }
            }
            HanEvent::TunnelOpen => self.send_report(now),
            HanEvent::Gbcs(octets) => self.on_gbcs(now, &octets),
            HanEvent::ImageNotify(notify) => {
                if !self.ignores_notify() {
                    self.han.follow_notify(now, &notify);
                }
            }
            HanEvent::Client(event) => self.on_client_event(now, event),
            HanEvent::Sent { handle, result } => {
                if self.report == Some(handle) {
                    self.report = None;
                    match result {
                        Ok(()) => {
                            self.state.reports.pop_front();
                            self.unsaved = true;
                            self.report_at = (!self.state.reports.is_empty()).then_some(now);
                        }
                        Err(_) => self.report_at = Some(now + SEND_AGAIN),
                    }
                }
            }
            HanEvent::PersistNeeded => self.unsaved = true,
        }
    }

    fn on_client_event(&mut self, now: Instant, event: ClientEvent) {
        match event {
            ClientEvent::Send(frame) => {
                if let Some(transfer) =
                    self.han.client().transfer().filter(|transfer| self.skips_rest(*transfer, &frame))
                {
                    return self.han.client().resume(now, Transfer { offset: transfer.size, ..transfer });
                }
                if self.starts_over(&frame)
                    && let Some(transfer) = self.han.client().transfer()
                {
                    let transfer = Transfer { offset: 0, ..transfer };
                    self.begin_download(transfer);
                    return self.han.client().resume(now, transfer);
                }
                if let Some(image) = self.tires_of_silence(now, &frame) {
                    return self.activate(now, image);
                }
                if let Some(frame) = self.spoil_ota(frame) {
                    self.han.send_ota(now, frame);
                }
            }
            ClientEvent::Started(transfer) => self.begin_download(transfer),
            ClientEvent::Block { octets, .. } => self.store_block(&octets),
            ClientEvent::Downloaded(transfer) => self.end_download(now, transfer),
            ClientEvent::Abandoned { transfer, status } => {
                self.log(format!("download of {} ended: {status}", transfer.image));
                self.state.transfer = None;
                self.unsaved = true;
            }
            ClientEvent::Activate(image) => self.activate(now, image),
            ClientEvent::Wait(image) => {
                self.log(format!("{image} waits for another instruction"));
                if self.faulty(Fault::ActivatesToldToWait) {
                    return self.activate(now, image);
                }
                self.state.transfer = None;
                self.unsaved = true;
            }
            ClientEvent::NoImage(status) => self.log(format!("no image: {status}")),
        }
    }

    fn on_clock_known(&mut self, now: Instant, utc: Utc) {
        // A restart must not make the unprompted queries more frequent than once a day (PPMID-02).
        if let Some(last) = self.state.last_query {
            let period = self.query_period();
            let passed = Duration::from_millis(u64::try_from(utc.0.saturating_sub(last.0)).unwrap_or(0));
            self.query_at = Some(now + period.saturating_sub(passed));
        }
        self.send_report(now);
    }

    /// Whether its firmware knows CS08 and CS09.
    pub(crate) fn knows_gbcs(&self) -> bool {
        !self.config.declaration.predates_gbcs
            || self.state.running != self.config.factory_version
            || self.faulty(Fault::KnowsGbcsThoughOlder)
    }

    fn on_gbcs(&mut self, now: Instant, octets: &[u8]) {
        if !self.knows_gbcs() {
            return self.log("GBCS message not taken: the firmware is from before this use case".into());
        }
        match gbcs::answer(&self.config, &self.faults, octets, self.state.broker_counter, self.state.running) {
            Ok(answered) => {
                self.state.broker_counter = Some(answered.counter);
                self.unsaved = true;
                if !self.faulty(Fault::NeverAnswers) {
                    self.han.send_gbcs(now, &answered.response);
                }
            }
            Err(why) => self.log(format!("GBCS message not taken: {why}")),
        }
    }

    /// Tells of the oldest activation that is still to be told of, when there is a tunnel and the time is known.
    fn send_report(&mut self, now: Instant) {
        let (Some(report), Some(utc), None) = (self.state.reports.front().copied(), self.han.utc(now), self.report)
        else {
            return;
        };
        if !self.han.is_tunnel_open() {
            return;
        }
        self.state.counter += 1;
        self.unsaved = true;
        let octets = gbcs::activation_alert(&self.config, &self.faults, report, self.state.counter, utc);
        self.report = self.han.send_gbcs(now, &octets);
    }
}
