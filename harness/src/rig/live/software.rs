//! The Devices that software plays on a live bench, each over a radio co-processor of its own.

use crate::ports::radio::RadioEvent;
use crate::ports::{Carried, PortEvent, PortEventKind, PortEvents, PortSender, Radio as _, RcpRadio, SerialSettings};
use crate::rig::driver::FlashContent;
use crate::rig::software::{Output, Participant, SoftwareDevice};
use crate::runner::BenchFault;
use hanrig_wire::spinel::PromiscuousMode;
use hanrig_wire::spinel::host::{RadioSettings, TransmitOutcome, TransmitRequest};
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;
use hanrig_zigbee::{ReceiveFilter, Transmit, TransmitResult};
use std::collections::VecDeque;

/// How long a radio may take until it is ready.
const READY: Duration = Duration::from_secs(30);

fn settings(filter: ReceiveFilter) -> RadioSettings {
    RadioSettings {
        channel: filter.channel,
        pan_id: filter.pan_id,
        short_address: filter.short,
        long_address: filter.extended,
        promiscuous: PromiscuousMode::Off,
        tx_power_dbm: None,
    }
}

/// What the radio of a Device without power receives and acknowledges: nothing that is sent to anybody.
const fn deaf(channel: u8) -> ReceiveFilter {
    ReceiveFilter { channel, pan_id: 0xFFFF, short: 0xFFFE, extended: Eui64(0) }
}

const fn result_of(outcome: TransmitOutcome) -> TransmitResult {
    match outcome {
        TransmitOutcome::Sent | TransmitOutcome::Acknowledged { .. } => TransmitResult::Sent,
        TransmitOutcome::NoAck => TransmitResult::NoAck,
        // Nothing left the radio, or nobody knows: the node's upper layers try again.
        TransmitOutcome::ChannelAccessFailure | TransmitOutcome::Refused(_) | TransmitOutcome::Unavailable => {
            TransmitResult::ChannelAccessFailure
        }
    }
}

/// A radio and what it is set to.
#[derive(Debug)]
struct SoftRadio {
    port: RcpRadio,
    filter: ReceiveFilter,
}

impl SoftRadio {
    /// Opens the radio and waits until it is ready. What other ports tell meanwhile goes to `early`.
    async fn open(
        port: &SerialSettings,
        filter: ReceiveFilter,
        sender: PortSender,
        events: &mut PortEvents,
        early: &mut Vec<PortEvent>,
    ) -> Result<Self, BenchFault> {
        let name = sender.name().clone();
        let port = RcpRadio::open(port, settings(filter), sender).map_err(|error| BenchFault::from_error(&error))?;
        let ready = async {
            while let Some(event) = events.recv().await {
                match event.kind {
                    PortEventKind::Radio(RadioEvent::Ready(_)) if event.port == name => return Ok(()),
                    PortEventKind::Radio(RadioEvent::Down(why)) if event.port == name => {
                        return Err(BenchFault::new(format!("the radio of {name} does not work: {why}")));
                    }
                    PortEventKind::Fault(ref fault) => return Err(fault.clone()),
                    _ => early.push(event),
                }
            }
            Err(BenchFault::new("the ports have gone"))
        };
        match tokio::time::timeout(READY, ready).await {
            Ok(outcome) => outcome?,
            Err(_) => {
                let seconds = READY.as_secs();
                return Err(BenchFault::new(format!("the radio of {name} is not ready after {seconds} s")));
            }
        }
        Ok(Self { port, filter })
    }

    fn follow(&mut self, filter: ReceiveFilter) {
        if filter != self.filter {
            self.filter = filter;
            self.port.set_settings(settings(filter));
        }
    }

    fn transmit(&self, transmit: Transmit) {
        self.port.transmit(TransmitRequest {
            csma: transmit.csma,
            ..TransmitRequest::new(transmit.octets, transmit.channel)
        });
    }
}

/// A Device that software plays, over its radio.
#[derive(Debug)]
pub(super) struct SoftwarePlayer {
    device: SoftwareDevice,
    radio: SoftRadio,
    channel: u8,
    said: VecDeque<String>,
    /// Whether it has sent something since that was last asked.
    has_sent: bool,
}

/// What a Device wants beside its radio.
pub(super) enum Said {
    Wan(Vec<u8>),
    Log(String),
}

impl SoftwarePlayer {
    /// What has gone over its radio's port.
    pub(super) fn carried(&self) -> &Carried {
        self.radio.port.carried()
    }

    /// Brings the radio up for `device`, which is switched off still.
    pub(super) async fn open(
        device: SoftwareDevice,
        channel: u8,
        rcp: &SerialSettings,
        sender: PortSender,
        events: &mut PortEvents,
        early: &mut Vec<PortEvent>,
    ) -> Result<Self, BenchFault> {
        let radio = SoftRadio::open(rcp, deaf(channel), sender, events, early).await?;
        Ok(Self { device, radio, channel, said: VecDeque::new(), has_sent: false })
    }

    /// The Device, while it has power.
    pub(super) fn on(&mut self) -> Option<&mut (dyn Participant + 'static)> {
        self.device.on()
    }

    pub(super) fn poll_at(&self, now: Instant) -> Option<Instant> {
        self.device.poll_at(now)
    }

    pub(super) fn poll(&mut self, now: Instant) {
        self.device.poll(now);
    }

    pub(super) fn set_power(&mut self, now: Instant, on: bool) -> Result<(), BenchFault> {
        if !on {
            self.radio.follow(deaf(self.channel));
        }
        self.device.set_power(now, on)
    }

    pub(super) fn damage_flash(&mut self, now: Instant, content: FlashContent) -> Result<(), BenchFault> {
        self.device.damage_flash(now, content)
    }

    pub(super) fn on_radio(&mut self, now: Instant, event: RadioEvent) {
        if let RadioEvent::Debug(text) = &event {
            self.said.push_back(format!("radio: {}", String::from_utf8_lossy(text)));
        }
        let Some(device) = self.device.on() else { return };
        match event {
            RadioEvent::Received(frame) => device.on_frame(now, &frame.psdu, frame.lqi),
            RadioEvent::TransmitDone { outcome, .. } => device.on_transmit_done(now, result_of(outcome)),
            RadioEvent::Ready(_) | RadioEvent::Down(_) | RadioEvent::Debug(_) => {}
        }
    }

    /// Whether it has handed its radio a frame since the last time.
    pub(super) const fn take_has_sent(&mut self) -> bool {
        core::mem::replace(&mut self.has_sent, false)
    }

    /// The next thing that the Device wants, its frames having gone to the radio.
    pub(super) fn take_said(&mut self) -> Option<Said> {
        loop {
            if let Some(line) = self.said.pop_front() {
                return Some(Said::Log(line));
            }
            let device = self.device.on()?;
            self.radio.follow(device.receive_filter());
            match device.take_output()? {
                Output::Radio(transmit) => {
                    self.has_sent = true;
                    self.radio.transmit(transmit);
                }
                Output::Wan(octets) => return Some(Said::Wan(octets)),
                Output::Log(line) => return Some(Said::Log(line)),
            }
        }
    }
}
