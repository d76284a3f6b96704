//! The driver of a bench with boards, in real time.
//!
//! Boards run their firmware; roles that software plays run here, each over a radio of its own; the DCC's side runs here
//! too. What the sniffer hears and what goes over the WAN and DUIS interfaces passes through the same
//! [taps](super::taps) as in virtual time, and nothing else decides verdicts.
//!
//! Where every player lets the rig move its clock on, long waits are jumped over: when nothing has happened for a while,
//! all clocks move on together, a little at first and more as long as nothing happens. A bench with a player that has no
//! such clock waits in real time, and what would need longer than [`LiveSetup::patience`] is not applicable there.

mod board;
pub mod emulation;
pub(crate) mod provisioning;
mod setup;
mod software;

pub use setup::{BoardSetup, LiveSetup, PlayerSetup};

use super::dcc_side::DccSide;
use super::driver::{Cannot, Driver, Pending};
use super::observe::{Observations, WanDirection};
use super::participants::{hub_config, ppmid_config};
use super::taps::Taps;
use crate::bench::Bench;
use crate::ports::{Events, NrfSniffer, PortEvent, PortEventKind, PortEvents, Sniffer as _, WanLink as _, WanPort};
use crate::runner::{BenchFault, EndOfScenario, ScenarioContext};
use board::Board;
use hanrig_air::{SniffedFrame, fcs_is_good};
use hanrig_dcc::data::DccData;
use hanrig_dcc::duis::Request;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;
use software::{SoftHub, SoftPpmid};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long nothing must have happened before a wait is jumped over.
const QUIET: Duration = Duration::from_millis(2500);
/// How long participants get to react to a jump before the next one.
const BETWEEN_JUMPS: Duration = Duration::from_millis(150);
/// The first jump after something happened, and the longest.
const FIRST_JUMP: Duration = Duration::from_secs(30);
const LONGEST_JUMP: Duration = Duration::from_secs(600);
/// A wait that is over sooner than this is waited for.
const WORTH_A_JUMP: Duration = Duration::from_secs(5);
/// How long the driver sleeps at the most before it looks around.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Who plays the hub.
#[derive(Debug)]
enum Hub {
    Board { board: Box<Board>, wan: WanPort },
    Software(Box<SoftHub>),
}

/// Who plays a PPMID.
#[derive(Debug)]
enum Ppmid {
    Board(Box<Board>),
    Software(Box<SoftPpmid>),
}

/// A PPMID in its place on the bench.
#[derive(Debug)]
struct Seat {
    /// What its log and its ports are called.
    name: Arc<str>,
    eui: Eui64,
    player: Ppmid,
}

/// The bench in motion.
#[derive(Debug)]
pub struct LiveBench {
    started: std::time::Instant,
    /// How far all clocks were moved on.
    jumped: Duration,
    next_jump: Duration,
    last_jump: std::time::Instant,
    last_event: std::time::Instant,
    patience: Duration,
    events: PortEvents,
    hub: Hub,
    seats: Vec<Seat>,
    dcc: DccSide,
    taps: Taps,
    sniffer: NrfSniffer,
    channel: u8,
    garbled: u64,
    fault: Option<BenchFault>,
    /// What emulates the bench's hardware, if something does: it goes when the bench goes.
    emulation: Option<Box<dyn core::fmt::Debug>>,
}

impl LiveBench {
    /// Starts every player of `bench` on the hardware of `setup`.
    ///
    /// # Errors
    /// When a part of the bench does not work: the message says which and what to do.
    pub async fn start(bench: &Bench, setup: LiveSetup, context: &ScenarioContext) -> Result<Self, BenchFault> {
        let seed = context.seed;
        let taps = Taps::new(bench, context)?;
        let dcc = DccSide::new(bench)?;
        let (ends, mut events) = Events::channel();
        // What ports tell while others are still on their way up.
        let mut early = Vec::new();
        let channel = bench.network.channel;
        // The sniffer first: what the boards say on their way up is to be heard.
        let sniffer = NrfSniffer::open(&setup.sniffer, channel, ends.port("sniffer"))
            .map_err(|error| BenchFault::from_error(&error))?;
        let config = hub_config(bench, seed);
        let hub = match setup.hub {
            PlayerSetup::Board(board) => {
                let target = setup.wan.ok_or_else(|| BenchFault::new("the hub's board has no WAN link"))?;
                let wan = WanPort::open(target, ends.port("hub")).map_err(|error| BenchFault::from_error(&error))?;
                let block = board.provision.then(|| provisioning::hub_block(bench, &config)).transpose()?;
                let board = Board::start("hub", board, block, ends.port("hub")).await?;
                Hub::Board { board: Box::new(board), wan }
            }
            PlayerSetup::Software { rcp } => {
                Hub::Software(Box::new(SoftHub::start(config, &rcp, ends.port("hub"), &mut events, &mut early).await?))
            }
        };
        let mut seats = Vec::new();
        for (ppmid, player) in bench.ppmids.iter().zip(setup.ppmids) {
            let name: Arc<str> = ppmid.name.to_lowercase().replace(' ', "-").into();
            let config = ppmid_config(bench, ppmid, seed)?;
            let player = match player {
                PlayerSetup::Board(board) => {
                    let block = board.provision.then(|| provisioning::ppmid_block(&config)).transpose()?;
                    Ppmid::Board(Box::new(Board::start(&name, board, block, ends.port(Arc::clone(&name))).await?))
                }
                PlayerSetup::Software { rcp } => Ppmid::Software(Box::new(
                    SoftPpmid::start(config, &rcp, ends.port(Arc::clone(&name)), &mut events, &mut early).await?,
                )),
            };
            seats.push(Seat { name, eui: ppmid.eui, player });
        }
        let now = std::time::Instant::now();
        let mut live = Self {
            started: now,
            jumped: Duration::ZERO,
            next_jump: FIRST_JUMP,
            last_jump: now,
            last_event: now,
            patience: setup.patience,
            events,
            hub,
            seats,
            dcc,
            taps,
            sniffer,
            channel,
            garbled: 0,
            fault: None,
            emulation: setup.emulation,
        };
        live.switch_on(bench);
        for event in early {
            live.on_event(event);
        }
        Ok(live)
    }

    fn switch_on(&mut self, bench: &Bench) {
        let now = self.now();
        self.dcc.provision(now, bench);
        if let Hub::Software(hub) = &mut self.hub {
            hub.device.start(now);
            hub.device.on_wan_link(now, true);
            self.dcc.set_link(now, true);
        }
        for seat in &mut self.seats {
            if let Ppmid::Software(ppmid) = &mut seat.player {
                ppmid.device.start(now);
            }
        }
        self.settle();
    }

    fn bench_time(&self, at: std::time::Instant) -> Instant {
        Instant::ZERO + (at.saturating_duration_since(self.started) + self.jumped)
    }

    /// Takes everything that the ports have told.
    fn take_events(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.on_event(event);
        }
    }

    fn on_event(&mut self, event: PortEvent) {
        let at = self.bench_time(event.at);
        let now = self.now();
        self.last_event = std::time::Instant::now();
        self.next_jump = FIRST_JUMP;
        match event.kind {
            PortEventKind::Frame { octets, rssi, lqi, .. } => {
                let fcs_ok = fcs_is_good(&octets);
                self.taps.frame(&SniffedFrame { at, channel: self.channel, psdu: octets.into(), rssi, lqi, fcs_ok });
            }
            PortEventKind::Garbled { line, total } => {
                self.garbled = total;
                self.taps.log("bench", at, &format!("{} told what cannot be understood: {line}", event.port));
            }
            PortEventKind::Log { device, line } => self.taps.log(&device, at, &line),
            PortEventKind::Wan { octets } => {
                self.taps.wan(at, WanDirection::FromHub, &octets);
                self.dcc.on_hub_octets(now, &octets);
            }
            PortEventKind::WanLink { up } => {
                self.taps.log("bench", at, if up { "WAN link up" } else { "WAN link down" });
                self.dcc.set_link(now, up);
            }
            PortEventKind::Radio(radio) => {
                if let Hub::Software(hub) = &mut self.hub
                    && *event.port == *"hub"
                {
                    hub.on_radio(now, radio);
                } else if let Some(seat) = self.seats.iter_mut().find(|seat| seat.name == event.port)
                    && let Ppmid::Software(ppmid) = &mut seat.player
                {
                    ppmid.on_radio(now, radio);
                }
            }
            PortEventKind::Fault(fault) => {
                self.taps.log("bench", at, &format!("{}: {fault}", event.port));
                self.fault.get_or_insert(fault);
            }
        }
        self.settle();
    }

    /// Takes and delivers what the software participants have to say, until all are silent.
    fn settle(&mut self) {
        let now = self.now();
        loop {
            let mut quiet = true;
            if let Hub::Software(hub) = &mut self.hub {
                while let Some(output) = hub.take_output() {
                    quiet = false;
                    match output {
                        software::Output::Wan(octets) => {
                            self.taps.wan(now, WanDirection::FromHub, &octets);
                            self.dcc.on_hub_octets(now, &octets);
                        }
                        software::Output::Log(line) => self.taps.log("hub", now, &line),
                    }
                }
            }
            for seat in &mut self.seats {
                let Ppmid::Software(ppmid) = &mut seat.player else { continue };
                while let Some(line) = ppmid.take_log() {
                    quiet = false;
                    self.taps.log(&seat.name, now, &line);
                }
            }
            for octets in self.dcc.settle(now, &mut self.taps) {
                quiet = false;
                match &mut self.hub {
                    Hub::Board { wan, .. } => wan.send(octets),
                    Hub::Software(hub) => hub.device.on_wan_octets(now, &octets),
                }
            }
            if quiet {
                return;
            }
        }
    }

    /// When a software participant next has something to do.
    fn next_due(&self) -> Option<Instant> {
        let hub = match &self.hub {
            Hub::Software(hub) => hub.device.poll_at(self.now()),
            Hub::Board { .. } => None,
        };
        let ppmids = self.seats.iter().filter_map(|seat| match &seat.player {
            Ppmid::Software(ppmid) => ppmid.device.poll_at(),
            Ppmid::Board(_) => None,
        });
        ppmids.chain(hub).chain(self.dcc.poll_at()).min()
    }

    /// Does what is due of the software participants.
    fn poll(&mut self) {
        let now = self.now();
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if let Hub::Software(hub) = &mut self.hub
            && due(hub.device.poll_at(now))
        {
            hub.device.poll(now);
        }
        for seat in &mut self.seats {
            if let Ppmid::Software(ppmid) = &mut seat.player
                && due(ppmid.device.poll_at())
            {
                ppmid.device.poll(now);
            }
        }
        if due(self.dcc.poll_at()) {
            self.dcc.poll(now);
        }
        self.settle();
    }

    fn boards(&mut self) -> impl Iterator<Item = &mut Board> {
        let hub = match &mut self.hub {
            Hub::Board { board, .. } => Some(board.as_mut()),
            Hub::Software(_) => None,
        };
        hub.into_iter().chain(self.seats.iter_mut().filter_map(|seat| match &mut seat.player {
            Ppmid::Board(board) => Some(board.as_mut()),
            Ppmid::Software(_) => None,
        }))
    }

    /// A player whose clock the rig cannot move on.
    fn without_jumps(&mut self) -> Option<String> {
        self.boards().find(|board| !board.can_jump()).map(|board| board.name().to_owned())
    }

    /// Moves all clocks on.
    async fn jump(&mut self, by: Duration) -> Result<(), BenchFault> {
        for board in self.boards() {
            board.jump(by).await?;
        }
        self.jumped += by;
        self.last_jump = std::time::Instant::now();
        self.next_jump = (self.next_jump * 2).min(LONGEST_JUMP);
        Ok(())
    }

    async fn advance(
        &mut self,
        deadline: Instant,
        done: &mut dyn FnMut(&Observations) -> bool,
    ) -> Result<bool, Cannot> {
        let mut looked_at = None;
        let began = std::time::Instant::now();
        let stuck = self.without_jumps();
        loop {
            self.take_events();
            self.poll();
            if let Some(fault) = self.fault.take() {
                return Err(fault.into());
            }
            let revision = self.taps.seen().revision;
            if looked_at != Some(revision) {
                looked_at = Some(revision);
                if done(self.taps.seen()) {
                    return Ok(true);
                }
            }
            let now = self.now();
            let left = deadline.saturating_since(now);
            if left.is_zero() {
                return Ok(false);
            }
            if let Some(player) = &stuck {
                if began.elapsed() > self.patience {
                    return Err(Cannot::CannotWait(format!(
                        "not observed within {} s; the window is longer, and the rig cannot move the clock of {player} on",
                        self.patience.as_secs()
                    )));
                }
            } else if left > WORTH_A_JUMP
                && self.last_event.elapsed() >= QUIET
                && self.last_jump.elapsed() >= BETWEEN_JUMPS
            {
                // Not past what software has to do next: it is to be done in time.
                let due = self.next_due().map_or(Duration::MAX, |due| due.saturating_since(now));
                let by = self.next_jump.min(left).min(due.max(Duration::from_millis(100)));
                self.jump(by).await?;
                continue;
            }
            let due = self.next_due().map_or(LOOK_EVERY, |due| due.saturating_since(now));
            let wait = due.min(left).min(LOOK_EVERY).max(Duration::from_micros(100));
            match tokio::time::timeout(wait, self.events.recv()).await {
                Ok(Some(event)) => self.on_event(event),
                Ok(None) | Err(_) => self.taps.flush(),
            }
        }
    }
}

impl Driver for LiveBench {
    fn now(&self) -> Instant {
        self.bench_time(std::time::Instant::now())
    }

    fn observations(&self) -> &Observations {
        self.taps.seen()
    }

    fn run_until<'a>(
        &'a mut self,
        deadline: Instant,
        done: &'a mut dyn FnMut(&Observations) -> bool,
    ) -> Pending<'a, Result<bool, Cannot>> {
        Box::pin(self.advance(deadline, done))
    }

    fn let_pass(&mut self, duration: Duration) -> Pending<'_, Result<(), Cannot>> {
        Box::pin(async move {
            if duration > self.patience
                && let Some(player) = self.without_jumps()
            {
                return Err(Cannot::NotOnThisBench(format!(
                    "needs a time jump of {} s, and the rig cannot move the clock of {player} on",
                    duration.as_secs()
                )));
            }
            let deadline = self.now() + duration;
            self.advance(deadline, &mut |_| false).await.map(drop)
        })
    }

    fn send_request(&mut self, user: Eui64, request: &Request) -> Result<(), Cannot> {
        self.dcc.on_request(self.now(), user, request, &mut self.taps);
        self.settle();
        Ok(())
    }

    fn edit_dcc(&mut self, edit: &mut dyn FnMut(&mut DccData)) -> Result<(), Cannot> {
        edit(self.dcc.data_mut());
        Ok(())
    }

    fn update_locally<'a>(&'a mut self, device: Eui64, image: &'a [u8]) -> Pending<'a, Result<(), Cannot>> {
        Box::pin(async move {
            let now = self.now();
            let seat = self.seats.iter_mut().find(|seat| seat.eui == device);
            let seat = seat.ok_or_else(|| Cannot::NotOnThisBench(format!("{device} is not a Device of this bench")))?;
            match &mut seat.player {
                Ppmid::Board(board) => board.update_locally(image).await?.ok_or_else(|| {
                    Cannot::NotOnThisBench(format!(
                        "the firmware of {} has no local update that the rig knows",
                        seat.name
                    ))
                }),
                Ppmid::Software(ppmid) => ppmid
                    .device
                    .update_locally(now, image)
                    .map_err(|error| BenchFault::new(format!("the local update failed: {error}")).into()),
            }?;
            self.settle();
            Ok(())
        })
    }

    fn stop(&mut self) -> EndOfScenario {
        self.take_events();
        let heard = self.sniffer.counters();
        let counters = BTreeMap::from([
            ("frames heard by the sniffer".to_owned(), heard.frames),
            ("lines of the sniffer not understood".to_owned(), self.garbled),
        ]);
        let mut end = self.taps.finish(counters);
        end.fault = end.fault.or_else(|| self.fault.take());
        self.emulation = None;
        end
    }
}
