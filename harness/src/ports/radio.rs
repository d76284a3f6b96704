//! A radio for software devices: any dongle that is a radio co-processor (RCP) and speaks Spinel on a serial port, such as
//! one with OpenThread's RCP firmware.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hanrig_wire::spinel::host::{
    HostConfig, HostCounters, RadioSettings, RcpHost, TransmitId, TransmitOutcome, TransmitRequest,
};
use hanrig_wire::time::Instant as HostInstant;

use super::event::{PortEventKind, PortSender};
use super::serial::{self, Carried, Read, Serial, SerialError, SerialSettings, SerialWriter};
use super::thread::{OwnedThread, Stop};

/// What a radio tells: that it is ready or down, what it received, and what became of what it sent.
pub type RadioEvent = hanrig_wire::spinel::host::HostEvent;

/// A radio. What it tells arrives as [`PortEventKind::Radio`], and that it is gone as [`PortEventKind::Fault`].
pub trait Radio: Send {
    /// Sends a frame. Exactly one [`RadioEvent::TransmitDone`] with the identifier follows.
    fn transmit(&self, request: TransmitRequest) -> TransmitId;

    /// Changes channel, addresses or filter.
    fn set_settings(&self, settings: RadioSettings);
}

/// Why there is no radio.
#[derive(Debug, thiserror::Error)]
pub enum RadioError {
    /// The serial port does not work.
    #[error("the radio for software devices does not work")]
    Serial(#[from] SerialError),
}

/// A radio co-processor on a serial port. The port is closed when this is dropped.
pub struct RcpRadio {
    core: Arc<Mutex<Core>>,
    carried: Arc<Carried>,
    _thread: OwnedThread,
}

impl fmt::Debug for RcpRadio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RcpRadio").field("ready", &lock(&self.core).host.is_ready()).finish_non_exhaustive()
    }
}

impl RcpRadio {
    /// Opens the port and brings the radio up with `settings`, which ends with [`RadioEvent::Ready`] or
    /// [`RadioEvent::Down`].
    ///
    /// # Errors
    ///
    /// When the port cannot be had.
    pub fn open(port: &SerialSettings, settings: RadioSettings, events: PortSender) -> Result<Self, RadioError> {
        let serial = Serial::open(port)?;
        let writer = Some(serial.writer()?);
        let carried = serial.carried();
        let mut core = Core {
            host: RcpHost::new(HostConfig::new(settings)),
            writer,
            events,
            epoch: Instant::now(),
            next: 0,
            underway: BTreeMap::new(),
        };
        let now = core.now();
        core.host.start(now);
        core.flush();
        let core = Arc::new(Mutex::new(core));
        let its = Arc::clone(&core);
        let thread =
            OwnedThread::start(&serial::thread_name("radio", &port.path), move |stop| serve(serial, &its, stop));
        let thread = thread.map_err(|source| SerialError::Thread { path: port.path.clone(), source })?;
        Ok(Self { core, carried, _thread: thread })
    }

    /// What has gone over its port.
    pub fn carried(&self) -> &Carried {
        &self.carried
    }

    /// What was counted.
    pub fn counters(&self) -> HostCounters {
        lock(&self.core).host.counters()
    }
}

impl Radio for RcpRadio {
    fn transmit(&self, request: TransmitRequest) -> TransmitId {
        let mut core = lock(&self.core);
        let id = TransmitId(core.next);
        core.next = core.next.wrapping_add(1);
        if core.writer.is_none() {
            core.tell(RadioEvent::TransmitDone { id, outcome: TransmitOutcome::Unavailable });
            return id;
        }
        let now = core.now();
        let underway = core.host.transmit(now, request);
        core.underway.insert(underway, id);
        core.flush();
        id
    }

    fn set_settings(&self, settings: RadioSettings) {
        let mut core = lock(&self.core);
        let now = core.now();
        core.host.set_settings(now, settings);
        core.flush();
    }
}

/// The host, which both the reading thread and whoever sends drive.
struct Core {
    host: RcpHost,
    /// `None` once the port is gone.
    writer: Option<SerialWriter>,
    events: PortSender,
    epoch: Instant,
    next: u32,
    /// The host's identifier to the one that the sender was given: the host's is told before the sender could know it.
    underway: BTreeMap<TransmitId, TransmitId>,
}

fn lock(core: &Mutex<Core>) -> MutexGuard<'_, Core> {
    core.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    fn now(&self) -> HostInstant {
        HostInstant(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn tell(&self, event: RadioEvent) {
        self.events.send(PortEventKind::Radio(event));
    }

    /// Writes what the host wants written, and tells what it tells.
    fn flush(&mut self) {
        while let Some(octets) = self.host.take_output() {
            if let Some(writer) = &mut self.writer
                && let Err(error) = writer.write(&octets)
            {
                self.gone(&error);
            }
        }
        while let Some(event) = self.host.take_event() {
            match event {
                RadioEvent::TransmitDone { id, outcome } => {
                    if let Some(id) = self.underway.remove(&id) {
                        self.tell(RadioEvent::TransmitDone { id, outcome });
                    }
                }
                event => self.tell(event),
            }
        }
    }

    /// Tells that the port is gone, and what that means for what was to be sent.
    fn gone(&mut self, error: &SerialError) {
        if self.writer.take().is_some() {
            self.events.fault(error);
        }
        for id in std::mem::take(&mut self.underway).into_values() {
            self.tell(RadioEvent::TransmitDone { id, outcome: TransmitOutcome::Unavailable });
        }
    }
}

fn serve(mut serial: Serial, core: &Mutex<Core>, stop: &Stop) {
    let mut buffer = [0; 4096];
    while !stop.is_set() {
        let read = serial.read(&mut buffer);
        let mut core = lock(core);
        let now = core.now();
        match read {
            Read::Nothing => {}
            Read::Octets(octets) => core.host.on_octets(now, octets),
            Read::End(error) => return core.gone(&serial.gone(error)),
        }
        // The host's own waits are far longer than a read.
        core.host.poll(now);
        core.flush();
        if core.writer.is_none() {
            return;
        }
    }
}
