//! A radio that does its part of the MAC by itself, on one band or on two.
//!
//! A Communications Hub with two bands has one node above two of these MACs. What it sends goes out on the band on which the
//! receiver was heard, and on both where nobody in particular is meant, or one who was never heard.

use hanrig_air::mac::{Heard, MacEvent, MacRadio, MacSettings};
use hanrig_air::{Air, AirEvent, Csma, Phy, RadioId};
use hanrig_wire::mac::{Address, BROADCAST, MacFrame};
use hanrig_wire::spinel::host::{TransmitOutcome, TransmitRequest};
use hanrig_wire::time::Instant;
use hanrig_zigbee::{ReceiveFilter, Transmit, TransmitResult};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A channel of a channel page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuned {
    /// Channel page: 0 at 2.4 GHz.
    pub page: u8,
    /// Channel.
    pub channel: u8,
}

/// What the radio tells its owner.
#[derive(Clone, Debug)]
pub enum Told {
    /// A frame came in.
    Received(Arc<[u8]>, u8),
    /// What became of the frame last handed over.
    Done(TransmitResult),
}

#[derive(Debug)]
struct Band {
    tuned: Tuned,
    mac: MacRadio,
}

/// The radio.
#[derive(Debug)]
pub struct Transceiver {
    bands: Vec<Band>,
    filter: Option<ReceiveFilter>,
    /// The band on which each neighbour was last heard.
    neighbours: BTreeMap<Address, usize>,
    /// On how many bands the frame that was handed over is still under way.
    under_way: usize,
    /// The best that has become of it on a band.
    result: TransmitResult,
}

impl Transceiver {
    /// A radio on these bands.
    pub fn attach(air: &mut Air, name: &str, tuned: &[Tuned]) -> Self {
        let bands = tuned.iter().map(|&tuned| {
            let radio = air.attach_on(name, tuned.page, tuned.channel);
            let settings = MacSettings { channel: tuned.channel, ..MacSettings::default() };
            let phy = if tuned.page == 0 { Phy::O_QPSK_2450 } else { Phy::FSK_SUB_GHZ };
            Band { tuned, mac: MacRadio::new(radio, settings, Csma::default().max_csma_backoffs, phy) }
        });
        let bands = bands.collect();
        Self { bands, filter: None, neighbours: BTreeMap::new(), under_way: 0, result: TransmitResult::NoAck }
    }

    /// Its radios on the medium.
    pub fn radios(&self) -> impl Iterator<Item = RadioId> {
        self.bands.iter().map(|band| band.mac.id())
    }

    /// Sets what is received.
    pub fn set_filter(&mut self, air: &mut Air, filter: ReceiveFilter) {
        if self.filter == Some(filter) {
            return;
        }
        self.filter = Some(filter);
        for band in &mut self.bands {
            let settings = MacSettings {
                channel: band.tuned.channel,
                pan_id: filter.pan_id,
                short_address: filter.short,
                long_address: filter.extended,
                ..MacSettings::default()
            };
            band.mac.set(air, settings);
        }
    }

    /// Sends a frame.
    pub fn transmit(&mut self, air: &mut Air, now: Instant, transmit: &Transmit) -> Vec<Told> {
        let destination = MacFrame::parse(&transmit.octets).map_or(Address::None, |frame| frame.header.destination);
        let one = match destination {
            Address::None | Address::Short(BROADCAST) => None,
            unicast => self.neighbours.get(&unicast).copied(),
        };
        let mut events = Vec::new();
        self.under_way = 0;
        self.result = TransmitResult::NoAck;
        for (place, band) in self.bands.iter_mut().enumerate() {
            if one.is_none_or(|one| one == place) {
                self.under_way += 1;
                let request = TransmitRequest::new(transmit.octets.clone(), band.tuned.channel);
                band.mac.transmit(air, now, 0, request, &mut events);
            }
        }
        events.into_iter().filter_map(|event| self.told(0, event)).collect()
    }

    /// What the medium tells, if it concerns one of its radios.
    pub fn on_event(&mut self, air: &mut Air, now: Instant, event: &AirEvent) -> Vec<Told> {
        let (AirEvent::Received { radio, .. } | AirEvent::TransmitDone { radio, .. }) = event else {
            return Vec::new();
        };
        let mut events = Vec::new();
        let place = self.bands.iter().position(|band| band.mac.id() == *radio);
        let Some((place, band)) = place.and_then(|place| Some((place, self.bands.get_mut(place)?))) else {
            return Vec::new();
        };
        match event {
            AirEvent::Received { psdu, rssi_dbm, lqi, .. } => {
                let heard = Heard {
                    psdu: Arc::clone(psdu),
                    channel: band.tuned.channel,
                    rssi_dbm: *rssi_dbm,
                    lqi: *lqi,
                    at: now,
                    acked_pending: false,
                };
                band.mac.on_received(air, heard, &mut events);
            }
            AirEvent::TransmitDone { id, result, .. } => {
                band.mac.on_transmit_done(air, now, *id, *result, &mut events);
            }
            AirEvent::Sniffed(_) => {}
        }
        events.into_iter().filter_map(|event| self.told(place, event)).collect()
    }

    /// When [`Self::poll`] has something to do next.
    pub fn poll_at(&self) -> Option<Instant> {
        self.bands.iter().filter_map(|band| band.mac.poll_at()).min()
    }

    /// Does what is due.
    pub fn poll(&mut self, air: &mut Air, now: Instant) -> Vec<Told> {
        let mut told = Vec::new();
        for place in 0..self.bands.len() {
            let mut events = Vec::new();
            if let Some(band) = self.bands.get_mut(place) {
                band.mac.poll(air, now, &mut events);
            }
            told.extend(events.into_iter().filter_map(|event| self.told(place, event)));
        }
        told
    }

    fn told(&mut self, place: usize, event: MacEvent) -> Option<Told> {
        match event {
            MacEvent::Received(heard) => {
                if let Ok(frame) = MacFrame::parse(&heard.psdu)
                    && frame.header.source != Address::None
                {
                    self.neighbours.insert(frame.header.source, place);
                }
                Some(Told::Received(heard.psdu, heard.lqi))
            }
            MacEvent::Done { outcome, .. } => {
                match outcome {
                    TransmitOutcome::Sent | TransmitOutcome::Acknowledged { .. } => self.result = TransmitResult::Sent,
                    TransmitOutcome::ChannelAccessFailure if self.result != TransmitResult::Sent => {
                        self.result = TransmitResult::ChannelAccessFailure;
                    }
                    _ => {}
                }
                self.under_way = self.under_way.saturating_sub(1);
                (self.under_way == 0).then_some(Told::Done(self.result))
            }
        }
    }
}
