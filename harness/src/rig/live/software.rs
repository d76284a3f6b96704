//! Hub and PPMID in software on a live bench, each over a radio co-processor of its own.

use crate::ports::radio::RadioEvent;
use crate::ports::{PortEvent, PortEventKind, PortEvents, PortSender, Radio as _, RcpRadio, SerialSettings};
use crate::runner::BenchFault;
use hanrig_ch::{CommunicationsHub, HubConfig};
use hanrig_ppmid::{Ppmid, PpmidConfig};
use hanrig_wire::spinel::PromiscuousMode;
use hanrig_wire::spinel::host::{RadioSettings, TransmitOutcome, TransmitRequest};
use hanrig_wire::time::{Duration, Instant};
use hanrig_zigbee::store::RamFlash;
use hanrig_zigbee::{ReceiveFilter, Transmit, TransmitResult};
use std::collections::VecDeque;

/// How long a radio may take until it is ready.
const READY: Duration = Duration::from_secs(10);

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

/// What a software hub wants beside its radio.
pub(super) enum Output {
    Wan(Vec<u8>),
    Log(String),
}

/// The reference hub over a radio.
#[derive(Debug)]
pub(super) struct SoftHub {
    pub(super) device: CommunicationsHub<RamFlash>,
    radio: SoftRadio,
}

impl SoftHub {
    pub(super) async fn start(
        mut config: HubConfig,
        rcp: &SerialSettings,
        sender: PortSender,
        events: &mut PortEvents,
        early: &mut Vec<PortEvent>,
    ) -> Result<Self, BenchFault> {
        config.radio_acknowledges = true;
        let device = CommunicationsHub::new(config, RamFlash::new(hanrig_ch::flash_size()))
            .map_err(|error| BenchFault::from_error(&error))?;
        let radio = SoftRadio::open(rcp, device.receive_filter(), sender, events, early).await?;
        Ok(Self { device, radio })
    }

    pub(super) fn on_radio(&mut self, now: Instant, event: RadioEvent) {
        match event {
            RadioEvent::Received(frame) => self.device.on_frame(now, &frame.psdu, frame.lqi),
            RadioEvent::TransmitDone { outcome, .. } => self.device.on_transmit_done(now, result_of(outcome)),
            RadioEvent::Ready(_) | RadioEvent::Down(_) | RadioEvent::Debug(_) => {}
        }
    }

    pub(super) fn take_output(&mut self) -> Option<Output> {
        loop {
            self.radio.follow(self.device.receive_filter());
            match self.device.take_output()? {
                hanrig_ch::Output::Radio(transmit) => self.radio.transmit(transmit),
                hanrig_ch::Output::Wan(octets) => return Some(Output::Wan(octets)),
                hanrig_ch::Output::Log(line) => return Some(Output::Log(line)),
            }
        }
    }
}

/// The reference PPMID over a radio.
#[derive(Debug)]
pub(super) struct SoftPpmid {
    pub(super) device: Ppmid<RamFlash>,
    radio: SoftRadio,
    logged: VecDeque<String>,
}

impl SoftPpmid {
    pub(super) async fn start(
        mut config: PpmidConfig,
        rcp: &SerialSettings,
        sender: PortSender,
        events: &mut PortEvents,
        early: &mut Vec<PortEvent>,
    ) -> Result<Self, BenchFault> {
        config.radio_acknowledges = true;
        let device = Ppmid::new(config, RamFlash::new(hanrig_ppmid::flash_size()))
            .map_err(|error| BenchFault::from_error(&error))?;
        let radio = SoftRadio::open(rcp, device.receive_filter(), sender, events, early).await?;
        Ok(Self { device, radio, logged: VecDeque::new() })
    }

    pub(super) fn on_radio(&mut self, now: Instant, event: RadioEvent) {
        match event {
            RadioEvent::Received(frame) => self.device.on_frame(now, &frame.psdu, frame.lqi),
            RadioEvent::TransmitDone { outcome, .. } => self.device.on_transmit_done(now, result_of(outcome)),
            RadioEvent::Ready(_) | RadioEvent::Down(_) => {}
            RadioEvent::Debug(text) => self.logged.push_back(format!("radio: {}", String::from_utf8_lossy(&text))),
        }
    }

    pub(super) fn take_log(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.logged.pop_front() {
                return Some(line);
            }
            self.radio.follow(self.device.receive_filter());
            match self.device.take_output()? {
                hanrig_ppmid::Output::Radio(transmit) => self.radio.transmit(transmit),
                hanrig_ppmid::Output::Log(line) => return Some(line),
            }
        }
    }
}
