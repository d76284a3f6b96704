//! The medium as a discrete-event simulation.

use crate::config::{AirConfig, Link};
use crate::due::{Agenda, What};
use crate::frame::{AirEvent, AirStats, RadioId, SniffedFrame, TransmitError, TransmitId, TransmitResult, fcs_is_good};
use crate::phy::{Csma, MAX_PSDU, MIN_PSDU, Phy};
use crate::radio::{Contention, Frame, Phase, Radio};
use hanrig_wire::time::Instant;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The radio medium: radios, what is on the air, and what is due next.
///
/// A driver attaches radios, hands frames to [`transmit`](Self::transmit), calls [`poll`](Self::poll) when
/// [`poll_at`](Self::poll_at) has come, and takes the events until there are none. Calls are to be made in the order of
/// time, after what was due before them has been polled.
pub struct Air {
    phy: Phy,
    sub_ghz: Phy,
    csma: Csma,
    default_loss: f64,
    sniffer_loss: f64,
    default_link: Link,
    named_links: BTreeMap<(String, String), Option<Link>>,
    links: BTreeMap<(RadioId, RadioId), Option<Link>>,
    /// The sniffer first, so that an identifier is an index.
    radios: Vec<Radio>,
    /// What is on the air, and what was until at most one CCA ago.
    on_air: Vec<OnAir>,
    agenda: Agenda,
    events: VecDeque<AirEvent>,
    stats: AirStats,
    now: Instant,
    next_transmit: u64,
    /// Rises with every change of who listens where.
    tunings: u64,
    backoff_rng: ChaCha8Rng,
    loss_rng: ChaCha8Rng,
}

struct OnAir {
    frame: Frame,
    from: RadioId,
    /// Channel page and channel.
    channel: (u8, u8),
    start: Instant,
    end: Instant,
    ended: bool,
    /// The sender vanished half-way: nobody receives it.
    cut: bool,
    /// The value of `Air::tunings` at the start.
    tunings: u64,
    /// Who sent at the same time on the channel.
    overlaps: Vec<RadioId>,
}

/// A probability from whatever was given.
fn probability(p: f64) -> f64 {
    if p.is_nan() { 0.0 } else { p.clamp(0.0, 1.0) }
}

fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

impl core::fmt::Debug for Air {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Air").field("stats", &self.stats).finish_non_exhaustive()
    }
}

impl Air {
    /// A medium with no radio but the sniffer. Probabilities outside 0 to 1 are brought to the nearer end.
    pub fn new(config: AirConfig) -> Self {
        let AirConfig { phy, sub_ghz, csma, seed, default_loss, sniffer_loss, default_rssi_dbm, default_lqi, links } =
            config;
        let mut air = Self {
            phy,
            sub_ghz,
            csma,
            default_loss: probability(default_loss),
            sniffer_loss: probability(sniffer_loss),
            default_link: Link { loss: None, rssi_dbm: default_rssi_dbm, lqi: default_lqi },
            named_links: links,
            links: BTreeMap::new(),
            radios: Vec::new(),
            on_air: Vec::new(),
            agenda: Agenda::default(),
            events: VecDeque::new(),
            stats: AirStats::default(),
            now: Instant::ZERO,
            next_transmit: 0,
            tunings: 0,
            // Apart, so that a change of loss does not move the backoffs of frames that come through either way.
            backoff_rng: stream(seed, 0),
            loss_rng: stream(seed, 1),
        };
        // The first radio, RadioId::SNIFFER. Its channel is not looked at.
        air.attach("sniffer", 0);
        air
    }

    /// A new radio that listens on `channel` at 2.4 GHz. Links of the set-up apply to it by its name.
    pub fn attach(&mut self, name: &str, channel: u8) -> RadioId {
        self.attach_on(name, 0, channel)
    }

    /// A new radio that listens on `channel` of a channel page. Frames of two pages do not meet: nobody hears, waits for or
    /// spoils what goes on the other.
    pub fn attach_on(&mut self, name: &str, page: u8, channel: u8) -> RadioId {
        let id = RadioId(u32::try_from(self.radios.len()).unwrap_or(u32::MAX));
        for (other, radio) in (0..).map(RadioId).zip(&self.radios) {
            for (from, to, key) in
                [(id, other, (name.to_owned(), radio.name.clone())), (other, id, (radio.name.clone(), name.to_owned()))]
            {
                if let Some(link) = self.named_links.get(&key) {
                    self.links.insert((from, to), *link);
                }
            }
        }
        self.tunings += 1;
        self.radios.push(Radio::new(name, (page, channel), self.tunings));
        id
    }

    /// Takes a radio away, at once and for good: what it had queued is dropped without an event, and a frame of its that
    /// is on the air is received by nobody, though it keeps the channel busy to its end. The sniffer stays.
    pub fn detach(&mut self, radio: RadioId) {
        if radio == RadioId::SNIFFER {
            return;
        }
        let Some(r) = self.radio_mut(radio) else { return };
        r.silence();
        for frame in self.on_air.iter_mut().filter(|f| f.from == radio && !f.ended) {
            frame.cut = true;
        }
    }

    /// Switches a receiver on or off. A radio that is switched on in the middle of a frame does not receive that frame.
    /// Sending, and listening for CSMA-CA, need no switching.
    pub fn set_receiver(&mut self, radio: RadioId, on: bool) {
        self.tunings += 1;
        let tunings = self.tunings;
        if let Some(r) = self.radio_mut(radio).filter(|r| r.attached && r.listening != on) {
            r.listening = on;
            r.tuned = tunings;
        }
    }

    /// Tunes a radio to another channel. Frames queued go out on the new one; a frame on the air stays on the old one. It
    /// has no effect on the sniffer.
    pub fn set_channel(&mut self, radio: RadioId, channel: u8) {
        self.tunings += 1;
        let tunings = self.tunings;
        if let Some(r) = self.radio_mut(radio).filter(|r| r.channel != channel && radio != RadioId::SNIFFER) {
            r.channel = channel;
            r.tuned = tunings;
        }
    }

    /// The probability that a radio misses a frame where its link says nothing else. The sniffer is not touched.
    pub fn set_default_loss(&mut self, p: f64) {
        self.default_loss = probability(p);
    }

    /// The probability that the sniffer misses a frame where its link says nothing else.
    pub fn set_sniffer_loss(&mut self, p: f64) {
        self.sniffer_loss = probability(p);
    }

    /// The probability that `to` misses a frame of `from`. Where they were out of range they come into range.
    pub fn set_loss(&mut self, from: RadioId, to: RadioId, p: f64) {
        let link = self.link(from, to).unwrap_or(self.default_link);
        self.set_link(from, to, Some(Link { loss: Some(probability(p)), ..link }));
    }

    /// Sets one direction between two radios; `None` puts `to` out of range of `from`.
    pub fn set_link(&mut self, from: RadioId, to: RadioId, link: Option<Link>) {
        self.links.insert((from, to), link);
    }

    /// One direction between two radios, or `None` out of range. No radio is in range of itself.
    pub fn link(&self, from: RadioId, to: RadioId) -> Option<Link> {
        if from == to {
            return None;
        }
        self.links.get(&(from, to)).copied().unwrap_or(Some(self.default_link))
    }

    /// The name a radio was attached with.
    pub fn name(&self, radio: RadioId) -> Option<&str> {
        self.radio(radio).map(|r| r.name.as_str())
    }

    /// Counts since the start.
    pub fn stats(&self) -> AirStats {
        self.stats
    }

    /// Hands a frame to a radio: MAC header, payload and frame check sequence (which is sent as it is, right or wrong).
    ///
    /// With `csma` it goes by unslotted CSMA-CA (IEEE 802.15.4-2006, 7.5.1.4): backoff, clear channel assessment,
    /// turnaround, frame. Without, as acknowledgements do, it starts at `now` whatever is on the air: the MAC has waited
    /// the turnaround. A radio sends one frame at a time; others wait in the order of their coming. A frame without `csma`
    /// goes ahead of all that are not yet on the air, and one that it interrupts draws a backoff again afterwards.
    ///
    /// # Errors
    ///
    /// A PSDU shorter than 3 or longer than 127 octets, and a radio that is not attached.
    pub fn transmit(
        &mut self,
        now: Instant,
        radio: RadioId,
        psdu: impl Into<Arc<[u8]>>,
        csma: bool,
    ) -> Result<TransmitId, TransmitError> {
        let psdu = psdu.into();
        if !(MIN_PSDU..=MAX_PSDU).contains(&psdu.len()) {
            return Err(TransmitError::Length { octets: psdu.len() });
        }
        let id = TransmitId(self.next_transmit);
        let r = self
            .radio_mut(radio)
            .filter(|r| r.attached && radio != RadioId::SNIFFER)
            .ok_or(TransmitError::NotAttached { radio })?;
        let queue = if csma { &mut r.queue } else { &mut r.urgent };
        queue.push_back(Frame { id, psdu, csma });
        self.next_transmit += 1;
        self.send_next(radio, now.max(self.now));
        Ok(id)
    }

    /// When [`poll`](Self::poll) has something to do next; `None` when nothing is queued or on the air.
    pub fn poll_at(&self) -> Option<Instant> {
        self.agenda.next_at()
    }

    /// Does all that is due up to `now`, in the order of time.
    pub fn poll(&mut self, now: Instant) {
        while let Some((at, what)) = self.agenda.pop_due(now) {
            self.now = self.now.max(at);
            match what {
                What::SendEnd(id) => self.send_end(at, id),
                What::SendStart(radio, generation) => self.send_start(at, radio, generation),
                What::CcaEnd(radio, generation) => self.cca_end(at, radio, generation),
            }
        }
        self.now = self.now.max(now);
    }

    /// The next event, in the order they happened. At the end of a frame: sniffed, received (in the order of attaching),
    /// transmission done.
    pub fn take_event(&mut self) -> Option<AirEvent> {
        self.events.pop_front()
    }

    fn radio(&self, radio: RadioId) -> Option<&Radio> {
        self.radios.get(radio.0 as usize)
    }

    fn radio_mut(&mut self, radio: RadioId) -> Option<&mut Radio> {
        self.radios.get_mut(radio.0 as usize)
    }

    /// Sets a radio to work on what it is to send next.
    fn send_next(&mut self, radio: RadioId, now: Instant) {
        let min_be = self.csma.min_be;
        let Some(r) = self.radio_mut(radio) else { return };
        if let Some(frame) = r.interrupt() {
            self.prepare(radio, Phase::Urgent(frame), now);
        } else if let Some(contention) = r.next_contention(min_be) {
            self.back_off(radio, contention, now);
        }
    }

    /// Puts a radio into a phase that ends with sending at `start`.
    fn prepare(&mut self, radio: RadioId, phase: Phase, start: Instant) {
        let Some(r) = self.radio_mut(radio) else { return };
        r.phase = phase;
        r.generation += 1;
        let generation = r.generation;
        self.agenda.push(start, What::SendStart(radio, generation));
    }

    /// Draws a backoff and sets the clear channel assessment after it.
    fn back_off(&mut self, radio: RadioId, contention: Contention, now: Instant) {
        let most = 1u32.checked_shl(contention.exponent.into()).map_or(u32::MAX, |n| n - 1);
        let periods = self.backoff_rng.next_u32() & most;
        let phy = self.phy_of(radio);
        let cca_start = now + phy.unit_backoff_period.saturating_mul(periods);
        let cca_end = cca_start + phy.cca;
        let Some(r) = self.radio_mut(radio) else { return };
        r.phase = Phase::Contending { contention, cca_start };
        r.generation += 1;
        let generation = r.generation;
        self.agenda.push(cca_end, What::CcaEnd(radio, generation));
    }

    /// The PHY of a radio's channel page.
    fn phy_of(&self, radio: RadioId) -> Phy {
        if self.radio(radio).is_some_and(|r| r.page != 0) { self.sub_ghz } else { self.phy }
    }

    fn cca_end(&mut self, now: Instant, radio: RadioId, generation: u64) {
        let turnaround = self.phy_of(radio).turnaround;
        let Some(r) = self.radio_mut(radio).filter(|r| r.generation == generation) else { return };
        let Phase::Contending { mut contention, cca_start } = std::mem::take(&mut r.phase) else { return };
        let channel = (r.page, r.channel);
        let busy = self
            .on_air
            .iter()
            .any(|f| f.channel == channel && f.start < now && f.end > cca_start && self.link(f.from, radio).is_some());
        if !busy {
            self.prepare(radio, Phase::Turnaround(contention), now + turnaround);
            return;
        }
        self.stats.cca_busy += 1;
        if contention.backoffs < self.csma.max_csma_backoffs {
            contention.backoffs += 1;
            contention.exponent = contention.exponent.saturating_add(1).min(self.csma.max_be);
            self.back_off(radio, contention, now);
        } else {
            self.stats.channel_access_failures += 1;
            self.done(radio, &contention.frame, TransmitResult::ChannelAccessFailure);
            self.send_next(radio, now);
        }
    }

    fn done(&mut self, radio: RadioId, frame: &Frame, result: TransmitResult) {
        self.events.push_back(AirEvent::TransmitDone { radio, id: frame.id, csma: frame.csma, result });
    }

    fn send_start(&mut self, now: Instant, radio: RadioId, generation: u64) {
        let tunings = self.tunings;
        let phy = self.phy_of(radio);
        let Some(r) = self.radio_mut(radio).filter(|r| r.generation == generation) else { return };
        let frame = match std::mem::replace(&mut r.phase, Phase::Sending) {
            Phase::Turnaround(contention) => contention.frame,
            Phase::Urgent(frame) => frame,
            other => {
                r.phase = other;
                return;
            }
        };
        let channel = (r.page, r.channel);
        let end = now + phy.airtime(frame.psdu.len());
        let cca = self.phy.cca.max(self.sub_ghz.cca);
        self.on_air.retain(|f| !f.ended || f.end + cca > now);
        let mut overlaps = Vec::new();
        for other in self.on_air.iter_mut().filter(|f| !f.ended && f.channel == channel) {
            other.overlaps.push(radio);
            overlaps.push(other.from);
        }
        let id = frame.id;
        self.on_air.push(OnAir {
            frame,
            from: radio,
            channel,
            start: now,
            end,
            ended: false,
            cut: false,
            tunings,
            overlaps,
        });
        self.agenda.push(end, What::SendEnd(id));
    }

    fn send_end(&mut self, now: Instant, id: TransmitId) {
        let Some(at) = self.on_air.iter().position(|f| f.frame.id == id) else { return };
        let mut sent = self.on_air.swap_remove(at);
        if !sent.cut {
            self.stats.transmitted += 1;
            self.stats.overlapped += u64::from(!sent.overlaps.is_empty());
            self.sniff(&sent);
            for receiver in (1..).map(RadioId).take(self.radios.len().saturating_sub(1)) {
                self.receive(&sent, receiver);
            }
            self.done(sent.from, &sent.frame, TransmitResult::Sent);
        }
        let from = sent.from;
        sent.ended = true;
        sent.overlaps = Vec::new();
        self.on_air.push(sent);
        if let Some(r) = self.radio_mut(from) {
            r.phase = Phase::Free;
            r.last_sent = now;
        }
        self.send_next(from, now);
    }

    fn sniff(&mut self, sent: &OnAir) {
        let sniffer = RadioId::SNIFFER;
        if self.radio(sniffer).is_none_or(|r| !r.listening || r.tuned > sent.tunings) {
            return;
        }
        let Some(link) = self.link(sent.from, sniffer) else { return };
        if sent.overlaps.iter().any(|other| self.link(*other, sniffer).is_some()) {
            self.stats.sniffer_collided += 1;
            return;
        }
        if self.draw_loss(link.loss.unwrap_or(self.sniffer_loss)) {
            self.stats.sniffer_lost += 1;
            return;
        }
        self.stats.sniffed += 1;
        let psdu = Arc::clone(&sent.frame.psdu);
        let fcs_ok = fcs_is_good(&psdu);
        self.events.push_back(AirEvent::Sniffed(SniffedFrame {
            at: sent.start,
            page: sent.channel.0,
            channel: sent.channel.1,
            psdu,
            rssi: link.rssi_dbm,
            lqi: link.lqi,
            fcs_ok,
        }));
    }

    fn receive(&mut self, sent: &OnAir, receiver: RadioId) {
        let Some(r) = self.radio(receiver) else { return };
        if receiver == sent.from || !r.listening || (r.page, r.channel) != sent.channel || r.tuned > sent.tunings {
            return;
        }
        let Some(link) = self.link(sent.from, receiver) else { return };
        if matches!(r.phase, Phase::Sending) || r.last_sent > sent.start {
            self.stats.deaf += 1;
            return;
        }
        if sent.overlaps.iter().any(|other| self.link(*other, receiver).is_some()) {
            self.stats.collided += 1;
            return;
        }
        if self.draw_loss(link.loss.unwrap_or(self.default_loss)) {
            self.stats.lost += 1;
            return;
        }
        self.stats.received += 1;
        self.events.push_back(AirEvent::Received {
            radio: receiver,
            psdu: Arc::clone(&sent.frame.psdu),
            rssi_dbm: link.rssi_dbm,
            lqi: link.lqi,
        });
    }

    /// Whether a frame is lost. Nothing is drawn where the outcome is certain.
    fn draw_loss(&mut self, p: f64) -> bool {
        let p = probability(p);
        p >= 1.0 || p > 0.0 && f64::from(self.loss_rng.next_u32()) < p * 4_294_967_296.0
    }
}
