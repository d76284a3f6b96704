//! A role that a board plays: flashed, provisioned, watched and moved on in time through its debug probe.

use super::setup::BoardSetup;
use crate::ports::{Firmware, PortSender, Power, ProbeHandle, Symbol};
use crate::runner::BenchFault;
use hanrig_wire::time::Duration;
use std::sync::Arc;

/// How long a probe may take to open, and a chip to be written.
const SLOW: Duration = Duration::from_secs(120);
/// How long a chip may take for anything else.
const QUICK: Duration = Duration::from_secs(10);
/// How often the rig looks whether the firmware has acted on a jump of its clock, or on an image that was handed over, until it
/// is taken to hang, and the time between: 20 s at the least. Looks are counted, so that a machine that stands still meanwhile
/// does not make it one that hangs.
const LOOKS: u32 = 4000;
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Symbols of the firmware that the rig knows. Firmware of a vendor has none of them.
const PROVISIONING: &str = "HANRIG_PROVISIONING";
const LOCAL_UPDATE: &str = "HANRIG_LOCAL_UPDATE";
/// Octets of the local update's head: request, length, done, result.
const LOCAL_UPDATE_HEAD: usize = 16;
/// The result that says that the image was taken.
const TAKEN: u32 = 1;
/// Where the words of the clock's symbol are.
const APPLIED: u64 = 12;
const IDLE: u64 = 16;

/// Why a board did not do what its firmware was asked for.
#[derive(Debug)]
pub(super) enum BoardFailure {
    /// The firmware has stopped working, while probe and chip answer.
    Hangs(String),
    /// Board or probe failed.
    Fault(BenchFault),
}

impl From<BenchFault> for BoardFailure {
    fn from(fault: BenchFault) -> Self {
        Self::Fault(fault)
    }
}

/// A board that plays a role.
#[derive(Debug)]
pub(super) struct Board {
    name: String,
    probe: ProbeHandle,
    clock: Option<Symbol>,
    local_update: Option<Symbol>,
    sequence: u32,
    /// How far the firmware's clock was moved on since it started.
    offset: Duration,
    /// The switch in its supply, where there is one.
    supply: Option<Box<dyn Power>>,
    on: bool,
}

impl Board {
    /// Opens the probe, writes the firmware and `provisioning`, and lets the firmware run.
    ///
    /// # Errors
    /// When probe or chip do not do their part: the message says which.
    pub(super) async fn start(
        name: &str,
        setup: BoardSetup,
        provisioning: Option<Vec<u8>>,
        events: PortSender,
    ) -> Result<Self, BenchFault> {
        let fault =
            |error: &dyn core::error::Error| BenchFault::new(format!("board of {name}: {}", crate::exit::chain(error)));
        let firmware = Arc::new(Firmware::read(&setup.firmware, setup.base).map_err(|error| fault(&error))?);
        let place = provisioning
            .map(|block| firmware.require(PROVISIONING).map(|symbol| (symbol, block)))
            .transpose()
            .map_err(|error| fault(&error))?;
        let (probe, opened) = ProbeHandle::open(setup.probe, events).map_err(|error| fault(&error))?;
        opened.within(SLOW).await.map_err(|error| fault(&error))?;
        probe.load(Arc::clone(&firmware)).within(SLOW).await.map_err(|error| fault(&error))?;
        if let Some((symbol, block)) = place {
            probe.write(symbol.address, block).within(QUICK).await.map_err(|error| fault(&error))?;
        }
        probe.run().within(QUICK).await.map_err(|error| fault(&error))?;
        Ok(Self {
            name: name.to_owned(),
            probe,
            clock: setup.clock_offset.as_deref().and_then(|name| firmware.symbol(name)),
            local_update: firmware.symbol(LOCAL_UPDATE),
            sequence: 0,
            offset: Duration::ZERO,
            supply: setup.power,
            on: true,
        })
    }

    /// Whether it has power.
    pub(super) const fn is_on(&self) -> bool {
        self.on
    }

    /// Gives it power, or takes it: its reset line is held, and its supply switched where there is a switch.
    ///
    /// # Errors
    /// When probe or switch do not do it.
    pub(super) async fn set_power(&mut self, on: bool) -> Result<(), BenchFault> {
        if on == self.on {
            return Ok(());
        }
        if on {
            self.switch_supply(true).await?;
            self.probe.release().within(QUICK).await.map_err(|error| self.fault(&error))?;
            self.offset = Duration::ZERO;
        } else {
            // Held first, so that nobody asks a chip without power for its log.
            self.probe.hold_in_reset().within(QUICK).await.map_err(|error| self.fault(&error))?;
            self.switch_supply(false).await?;
        }
        self.on = on;
        Ok(())
    }

    async fn switch_supply(&mut self, on: bool) -> Result<(), BenchFault> {
        let Some(mut supply) = self.supply.take() else { return Ok(()) };
        let switched = tokio::task::spawn_blocking(move || (supply.set(on), supply)).await;
        let (outcome, supply) = switched.map_err(|error| self.fault(&error))?;
        self.supply = Some(supply);
        outcome.map_err(|error| self.fault(&error))
    }

    /// Resets it: it starts again at once.
    ///
    /// # Errors
    /// When the probe does not do it.
    pub(super) async fn reset(&mut self) -> Result<(), BenchFault> {
        self.probe.reset().within(QUICK).await.map_err(|error| self.fault(&error))?;
        self.offset = Duration::ZERO;
        Ok(())
    }

    /// Whether the rig can move the firmware's clock on.
    pub(super) const fn can_jump(&self) -> bool {
        self.clock.is_some()
    }

    /// What messages call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// For how long the firmware has nothing to do by itself; zero while it is at work, `None` when it does not tell.
    ///
    /// # Errors
    /// When the probe fails.
    pub(super) async fn idle(&self) -> Result<Option<Duration>, BenchFault> {
        if !self.on {
            return Ok(Some(Duration::MAX));
        }
        let Some(clock) = self.clock.filter(|clock| clock.size > IDLE) else { return Ok(None) };
        Ok(Some(match self.word(clock.address + IDLE).await? {
            u32::MAX => Duration::MAX,
            idle => Duration::from_millis(idle.into()),
        }))
    }

    /// Moves the firmware's clock on, by nothing where the firmware is only to go once through all that it was told. Ends
    /// before the firmware has acted on it: see [`Self::clock_is_set`].
    ///
    /// # Errors
    /// When the probe fails.
    pub(super) async fn move_clock(&mut self, by: Duration) -> Result<(), BenchFault> {
        let Some(clock) = self.clock.filter(|_| self.on) else { return Ok(()) };
        self.offset += by;
        let micros = u64::try_from(self.offset.as_micros()).unwrap_or(u64::MAX);
        self.sequence = self.sequence.wrapping_add(1);
        // The sequence comes last, as probes write: the firmware takes the halves only when it has changed.
        let octets = [micros.to_le_bytes().as_slice(), &self.sequence.to_le_bytes()].concat();
        self.write(clock.address, octets).await
    }

    /// Waits until the firmware has acted on the last [`Self::move_clock`].
    ///
    /// # Errors
    /// When the firmware does not take it, or the probe fails.
    pub(super) async fn clock_is_set(&self) -> Result<(), BoardFailure> {
        let Some(clock) = self.clock.filter(|_| self.on) else { return Ok(()) };
        self.wait_for_word(clock.address + APPLIED, self.sequence, "the rig has set its clock").await
    }

    /// Hands an image to the firmware as an engineer's tool does. `None` when the firmware has no way for it.
    ///
    /// # Errors
    /// When the firmware does not take it, or the probe fails.
    pub(super) async fn update_locally(&mut self, image: &[u8]) -> Result<Option<()>, BoardFailure> {
        let Some(place) = self.local_update else { return Ok(None) };
        let mut padded = image.to_vec();
        padded.resize(image.len().next_multiple_of(4), 0xFF);
        self.write(place.address + LOCAL_UPDATE_HEAD as u64, padded).await?;
        let length = u32::try_from(image.len()).unwrap_or(u32::MAX);
        self.write(place.address + 4, length.to_le_bytes().to_vec()).await?;
        let request = self.word(place.address + 8).await?.wrapping_add(1);
        self.write(place.address, request.to_le_bytes().to_vec()).await?;
        self.wait_for_word(place.address + 8, request, "an image was handed over").await?;
        if self.word(place.address + 12).await? == TAKEN {
            return Ok(Some(()));
        }
        let refused = format!("{} refused the image of the local update; its log says why", self.name);
        Err(BenchFault::new(refused).into())
    }

    async fn wait_for_word(&self, address: u64, wanted: u32, what: &str) -> Result<(), BoardFailure> {
        let started = std::time::Instant::now();
        for _ in 0..LOOKS {
            if self.word(address).await? == wanted {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(BoardFailure::Hangs(format!(
            "the firmware of {} has done nothing for {} s since {what}: it hangs",
            self.name,
            started.elapsed().as_secs()
        )))
    }

    async fn word(&self, address: u64) -> Result<u32, BenchFault> {
        let octets = self.probe.read(address, 4).within(QUICK).await.map_err(|error| self.fault(&error))?;
        Ok(octets.first_chunk().copied().map_or(0, u32::from_le_bytes))
    }

    async fn write(&self, address: u64, octets: Vec<u8>) -> Result<(), BenchFault> {
        self.probe.write(address, octets).within(QUICK).await.map_err(|error| self.fault(&error))
    }

    fn fault(&self, error: &dyn core::error::Error) -> BenchFault {
        BenchFault::new(format!("board of {}: {}", self.name, crate::exit::chain(error)))
    }
}
