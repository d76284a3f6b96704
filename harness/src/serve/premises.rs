//! A hub and its Devices in software on an air of their own, in whatever time their owner tells them.

use super::ServeFault;
use crate::bench::Bench;
use crate::rig::participants::{own_supplier, seed_for};
use crate::rig::software::{Output, SoftwareDevice};
use hanrig_air::{Air, AirConfig, AirEvent, RadioId};
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::Eui64;
use hanrig_zigbee::Transmit;
use std::collections::VecDeque;

/// How long octets take over the WAN, either way.
const WAN_LATENCY: Duration = Duration::from_millis(50);

/// A Device in its place.
#[derive(Debug)]
struct Seat {
    eui: Eui64,
    radio: RadioId,
    device: SoftwareDevice,
}

/// The premises behind one hub.
#[derive(Debug)]
pub(super) struct Premises {
    air: Air,
    channel: u8,
    /// The hub first.
    seats: Vec<Seat>,
    to_hub: VecDeque<(Instant, Vec<u8>)>,
    from_hub: VecDeque<(Instant, Vec<u8>)>,
}

impl Premises {
    /// Switches on the hub of `bench` and its Devices. Their link to the CSP is up.
    pub(super) fn start(now: Instant, bench: &Bench, seed: u64) -> Result<Self, ServeFault> {
        let who = format!("{} air", bench.hub.eui);
        let air_seed = u64::from_be_bytes(*seed_for(seed, &who).first_chunk().unwrap_or(&[0; 8]));
        let air = Air::new(AirConfig { seed: air_seed, default_loss: bench.medium.loss, ..AirConfig::default() });
        let channel = bench.network.channel;
        let mut premises = Self { air, channel, seats: Vec::new(), to_hub: VecDeque::new(), from_hub: VecDeque::new() };
        premises.seat(now, bench.hub.eui, SoftwareDevice::hub(bench, seed, false))?;
        premises.add(now, bench, seed, |_| true)?;
        if let Some(hub) = premises.seats.first_mut().and_then(|seat| seat.device.on()) {
            hub.on_wan_link(now, true);
        }
        premises.settle(now);
        Ok(premises)
    }

    /// Switches on those Devices of `bench` that `wanted` says. An ESME, a GSME or an HCALCS whose Supplier nobody knows
    /// would obey nobody, and is left out.
    pub(super) fn add(
        &mut self,
        now: Instant,
        bench: &Bench,
        seed: u64,
        wanted: impl Fn(Eui64) -> bool,
    ) -> Result<(), ServeFault> {
        for ppmid in bench.ppmids.iter().filter(|ppmid| wanted(ppmid.eui)) {
            self.seat(now, ppmid.eui, SoftwareDevice::ppmid(bench, ppmid, seed, false)?)?;
        }
        for device in bench.devices.iter().filter(|device| wanted(device.eui)) {
            if own_supplier(bench, device.kind.device_type()).is_some() {
                self.seat(now, device.eui, SoftwareDevice::device(bench, device, seed, false)?)?;
            }
        }
        self.settle(now);
        Ok(())
    }

    /// Takes a Device away.
    pub(super) fn remove(&mut self, device: Eui64) {
        if let Some(place) = self.seats.iter().position(|seat| seat.eui == device) {
            let seat = self.seats.remove(place);
            self.air.detach(seat.radio);
        }
    }

    fn seat(&mut self, now: Instant, eui: Eui64, mut device: SoftwareDevice) -> Result<(), ServeFault> {
        let radio = self.air.attach(device.name(), self.channel);
        device.set_power(now, true)?;
        self.seats.push(Seat { eui, radio, device });
        Ok(())
    }

    /// Octets from the CSP.
    pub(super) fn send_to_hub(&mut self, now: Instant, octets: Vec<u8>) {
        self.to_hub.push_back((now + WAN_LATENCY, octets));
    }

    /// Octets of the hub that have reached the CSP.
    pub(super) fn take_from_hub(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.from_hub.pop_front_if(|(due, _)| *due <= now).map(|(_, octets)| octets)
    }

    /// When [`Self::poll`] or [`Self::take_from_hub`] is next wanted.
    pub(super) fn poll_at(&self, now: Instant) -> Option<Instant> {
        let wan = [&self.to_hub, &self.from_hub].into_iter().filter_map(|queue| queue.front().map(|(due, _)| *due));
        let seats = self.seats.iter().filter_map(|seat| seat.device.poll_at(now));
        seats.chain(wan).chain(self.air.poll_at()).min()
    }

    /// Does what is due.
    pub(super) fn poll(&mut self, now: Instant) {
        if self.air.poll_at().is_some_and(|at| at <= now) {
            self.air.poll(now);
            self.settle(now);
        }
        while let Some((_, octets)) = self.to_hub.pop_front_if(|(due, _)| *due <= now) {
            if let Some(hub) = self.seats.first_mut().and_then(|seat| seat.device.on()) {
                hub.on_wan_octets(now, &octets);
            }
            self.settle(now);
        }
        for seat in &mut self.seats {
            seat.device.poll(now);
        }
        self.settle(now);
    }

    /// Takes and delivers what the Devices have to say, until all are silent.
    fn settle(&mut self, now: Instant) {
        loop {
            let mut quiet = true;
            for seat in &mut self.seats {
                while let Some(output) = seat.device.on().and_then(|device| device.take_output()) {
                    quiet = false;
                    match output {
                        Output::Radio(Transmit { channel, octets, csma, .. }) => {
                            self.air.set_channel(seat.radio, channel);
                            // A frame that the air does not take is lost, as on any air; the node repeats it.
                            let _ = self.air.transmit(now, seat.radio, octets, csma);
                        }
                        Output::Wan(octets) => self.from_hub.push_back((now + WAN_LATENCY, octets)),
                        Output::Log(_) => {}
                    }
                }
            }
            while let Some(event) = self.air.take_event() {
                quiet = false;
                self.on_air_event(now, event);
            }
            if quiet {
                return;
            }
        }
    }

    fn on_air_event(&mut self, now: Instant, event: AirEvent) {
        let (AirEvent::Received { radio, .. } | AirEvent::TransmitDone { radio, .. }) = event else { return };
        let seat = self.seats.iter_mut().find(|seat| seat.radio == radio);
        if let Some(device) = seat.and_then(|seat| seat.device.on()) {
            device.on_air_event(now, event);
        }
    }
}
