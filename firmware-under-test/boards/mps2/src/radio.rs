//! The radio: a Spinel radio co-processor on UART 1.
//!
//! It does its own channel access, acknowledgements and repetitions, so the Device's MAC does none. It is told the time of
//! the board's oscillator, which no time jump of the rig moves: the co-processor's answers take as long as they take.

use crate::{clock, uart};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use hanrig_device::{Device, log};
use hanrig_wire::spinel::PromiscuousMode;
use hanrig_wire::spinel::host::{
    HostConfig, HostEvent, RadioSettings, RcpHost, TransmitId, TransmitOutcome, TransmitRequest,
};
use hanrig_wire::time::Instant;
use hanrig_zigbee::{ReceiveFilter, Transmit, TransmitResult};

/// The radio, as the main loop sees it.
#[derive(Debug)]
pub(crate) struct Radio {
    host: RcpHost,
    /// Frames for a co-processor that is not set up yet.
    waiting: VecDeque<Transmit>,
    /// Frames whose end the Device waits for.
    under_way: Vec<TransmitId>,
    received: Vec<u8>,
}

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

impl Radio {
    /// Switches the radio on.
    pub(crate) fn start(filter: ReceiveFilter) -> Self {
        uart::RADIO.start();
        let mut host = RcpHost::new(HostConfig::new(settings(filter)));
        host.start(clock::uptime());
        Self { host, waiting: VecDeque::new(), under_way: Vec::new(), received: Vec::new() }
    }

    /// When [`Self::serve`] is next wanted, on the oscillator's time line.
    pub(crate) fn poll_at(&self) -> Option<Instant> {
        self.host.poll_at()
    }

    /// Takes a frame to send.
    pub(crate) fn transmit(&mut self, transmit: Transmit) {
        self.waiting.push_back(transmit);
    }

    /// Carries octets to and from the co-processor, and tells the Device what happened.
    pub(crate) fn serve(&mut self, device: &mut dyn Device) {
        let uptime = clock::uptime();
        let lost = uart::RADIO.take_received(&mut self.received);
        if lost > 0 {
            log!("{lost} octets of the radio lost");
        }
        self.host.on_octets(uptime, &self.received);
        self.received.clear();
        if self.host.poll_at().is_some_and(|at| at <= uptime) {
            self.host.poll(uptime);
        }
        while let Some(event) = self.host.take_event() {
            self.on_event(device, event);
        }
        self.flush(device.receive_filter());
    }

    /// Hands over what is to be sent, and the addresses that the node has come to have.
    pub(crate) fn flush(&mut self, filter: ReceiveFilter) {
        let uptime = clock::uptime();
        let settings = settings(filter);
        if self.host.settings() != settings {
            self.host.set_settings(uptime, settings);
        }
        while self.host.is_ready()
            && let Some(Transmit { octets, csma, channel }) = self.waiting.pop_front()
        {
            let request = TransmitRequest { csma, ..TransmitRequest::new(octets, channel) };
            let id = self.host.transmit(uptime, request);
            if csma {
                self.under_way.push(id);
            }
        }
        while let Some(octets) = self.host.take_output() {
            uart::RADIO.send(&octets);
        }
    }

    fn on_event(&mut self, device: &mut dyn Device, event: HostEvent) {
        match event {
            HostEvent::Ready(identity) => log!("radio ready: {}", identity.version),
            HostEvent::Down(reason) => log!("radio down: {reason}"),
            HostEvent::Received(frame) => device.on_frame(clock::now(), &frame.psdu, frame.lqi),
            HostEvent::TransmitDone { id, outcome } => {
                let Some(place) = self.under_way.iter().position(|waiting| *waiting == id) else { return };
                self.under_way.swap_remove(place);
                let result = match outcome {
                    TransmitOutcome::Sent | TransmitOutcome::Acknowledged { .. } => TransmitResult::Sent,
                    TransmitOutcome::NoAck => TransmitResult::NoAck,
                    TransmitOutcome::ChannelAccessFailure | TransmitOutcome::Unavailable => {
                        TransmitResult::ChannelAccessFailure
                    }
                    TransmitOutcome::Refused(status) => {
                        log!("the radio refused a frame: {status}");
                        TransmitResult::ChannelAccessFailure
                    }
                };
                device.on_transmit_done(clock::now(), result);
            }
            HostEvent::Debug(_) => {}
        }
    }
}
