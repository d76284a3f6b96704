//! The thread that owns the DCC: it takes what others send it, one thing after the other, writes it down and lets the DCC
//! have it, and wakes the DCC when anything is due.
//!
//! Everybody else holds an [`Engine`] and waits. What reaches the thread at the same time is written in one transaction.

use super::ServeFault;
use super::chain::{Applied, Chain, ChainConfig};
use super::input::Input;
use super::journal::{Journal, JournalError};
use super::outbox::Outbox;
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::Eui64;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::SystemTime;
use tokio::sync::oneshot;

/// The most inputs that go in one transaction.
const MOST_AT_ONCE: usize = 256;
/// How long the thread sleeps at most, so that a clock that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// By which clock the DCC lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// That of the machine.
    Wall,
    /// Time stands still until somebody lets it pass.
    Virtual,
}

impl Clock {
    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wall => "wall",
            Self::Virtual => "virtual",
        }
    }
}

/// Why an input was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It could not be written down, and so did not happen.
    #[error("the state file cannot be written; the request was not taken, send it again later")]
    NotWritten,
    /// The server is about to end.
    #[error("the server is stopping; the request was not taken")]
    Stopping,
}

type Look = Box<dyn FnOnce(&Chain) + Send>;
type Answer = Result<Applied, NotTaken>;

enum Job {
    Input { input: Input, reply: oneshot::Sender<Answer> },
    Look(Look),
    Delivered { user: Eui64, number: u64 },
    Stop,
}

/// Where octets for hubs go that are not software.
pub type ToHubs = Box<dyn Fn(Eui64, Vec<u8>) + Send>;

/// A way to the thread. A clone leads to the same.
#[derive(Clone)]
pub struct Engine {
    jobs: Sender<Job>,
    outbox: Arc<Outbox>,
}

impl core::fmt::Debug for Engine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// The thread itself.
pub type EngineThread = JoinHandle<Result<(), ServeFault>>;

impl Engine {
    /// Starts the thread. The DCC takes its journal first, and then `data`, if it does not hold those yet. Gives what was
    /// told of the journal to whoever waits, when it is done.
    ///
    /// # Errors
    ///
    /// When a thread cannot be had.
    pub fn start(
        config: ChainConfig,
        clock: Clock,
        journal: Journal,
        data: String,
        to_hubs: ToHubs,
    ) -> std::io::Result<(Self, oneshot::Receiver<()>, EngineThread)> {
        let (jobs, queue) = mpsc::channel();
        let (ready, is_ready) = oneshot::channel();
        let (made, its) = mpsc::channel();
        let thread = thread::Builder::new().name("DCC".to_owned()).spawn(move || {
            let taken = journal.delivered()?;
            let outbox = Arc::new(Outbox::new(&taken));
            drop(made.send(Arc::clone(&outbox)));
            let mut worker =
                Worker { chain: Chain::new(config), clock, journal, outbox, to_hubs, delivered: BTreeMap::new() };
            worker.replay(&taken)?;
            worker.load(data)?;
            let _ = ready.send(());
            let done = worker.work(&queue);
            done.and(worker.journal.close().map_err(ServeFault::from))
        })?;
        // Without it the thread has ended at once, and tells why when it is joined.
        let outbox = its.recv().unwrap_or_else(|_| Arc::new(Outbox::new(&BTreeMap::new())));
        Ok((Self { jobs, outbox }, is_ready, thread))
    }

    /// The messages that wait for their Users.
    pub const fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// Has the DCC take an input. When this gives a result, the input is on the disc.
    ///
    /// # Errors
    ///
    /// When it could not be written down, or the server is about to end. It has not happened then.
    pub async fn apply(&self, input: Input) -> Result<Applied, NotTaken> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Input { input, reply }).map_err(|_| NotTaken::Stopping)?;
        answer.await.unwrap_or(Err(NotTaken::Stopping))
    }

    /// Has the DCC take an input that nobody waits for the end of.
    pub fn tell(&self, input: Input) {
        let (reply, _) = oneshot::channel();
        drop(self.jobs.send(Job::Input { input, reply }));
    }

    /// Looks at the DCC as it is now.
    ///
    /// # Errors
    ///
    /// When the server is about to end.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Chain) -> T + Send + 'static,
    ) -> Result<T, NotTaken> {
        let (reply, answer) = oneshot::channel();
        let look: Look = Box::new(move |chain| drop(reply.send(look(chain))));
        self.jobs.send(Job::Look(look)).map_err(|_| NotTaken::Stopping)?;
        answer.await.map_err(|_| NotTaken::Stopping)
    }

    /// A User has taken its messages up to `number`. Says whether there was such a message.
    pub fn taken(&self, user: Eui64, number: u64) -> bool {
        let Some(number) = self.outbox.take(user, number) else { return false };
        drop(self.jobs.send(Job::Delivered { user, number }));
        true
    }

    /// Has the thread end after what it was sent before.
    pub fn stop(&self) {
        drop(self.jobs.send(Job::Stop));
    }
}

struct Worker {
    chain: Chain,
    clock: Clock,
    journal: Journal,
    outbox: Arc<Outbox>,
    to_hubs: ToHubs,
    /// What Users have taken and the journal does not have yet.
    delivered: BTreeMap<Eui64, u64>,
}

impl Worker {
    /// Takes the journal again.
    fn replay(&mut self, taken: &BTreeMap<Eui64, u64>) -> Result<(), ServeFault> {
        let Self { chain, journal, outbox, .. } = self;
        let diverged = |number| ServeFault::Diverged { file: journal.file().to_owned(), number };
        let mut last = 0;
        journal.replay(|entry| {
            chain.advance(entry.at)?;
            if entry.digest.is_some_and(|digest| digest != chain.digest()) {
                return Err(diverged(entry.number));
            }
            chain.apply(&entry.input)?;
            // What was sent to hubs is sent again by the protocol of the link.
            while chain.take_octets().is_some() {}
            while let Some(message) = chain.take_message() {
                outbox.push(message.user, &message.xml);
            }
            last = entry.number;
            Ok(())
        })?;
        self.pass_time()?;
        for (user, taken) in taken {
            if self.outbox.take(*user, *taken).is_none() {
                return Err(ServeFault::Diverged { file: self.journal.file().to_owned(), number: last });
            }
        }
        let up: Vec<Input> = self.chain.links_up().iter().map(|hub| Input::HubLink { hub: *hub, up: false }).collect();
        if !up.is_empty() {
            self.write(&up)?;
            for input in &up {
                self.chain.apply(input)?;
            }
        }
        Ok(())
    }

    /// Has the DCC hold the data that the files have.
    fn load(&mut self, toml: String) -> Result<(), ServeFault> {
        let data = hanrig_dcc::data::DccData::read(&[("data", &toml)])?;
        if data != *self.chain.loaded() {
            let input = Input::Data { toml };
            self.write(core::slice::from_ref(&input))?;
            self.chain.apply(&input)?;
            self.hand_out();
        }
        Ok(())
    }

    /// The time on the DCC's time line that the clock shows.
    fn clock_time(&self) -> Instant {
        match self.clock {
            Clock::Virtual => self.chain.now(),
            Clock::Wall => {
                let since = u64::try_from(now().0.saturating_sub(self.chain.epoch().0)).unwrap_or(0);
                // Time does not go back, though the machine's clock may.
                self.chain.now().max(Instant::ZERO + Duration::from_millis(since))
            }
        }
    }

    fn pass_time(&mut self) -> Result<(), ServeFault> {
        let now = self.clock_time();
        self.chain.advance(now)?;
        self.hand_out();
        Ok(())
    }

    /// Hands out what the DCC has said.
    fn hand_out(&mut self) {
        while let Some(message) = self.chain.take_message() {
            self.outbox.push(message.user, &message.xml);
        }
        while let Some((hub, octets)) = self.chain.take_octets() {
            (self.to_hubs)(hub, octets);
        }
    }

    fn write(&mut self, inputs: &[Input]) -> Result<(), JournalError> {
        self.journal.append(self.chain.now(), &self.chain.digest(), inputs, &self.delivered)?;
        self.delivered.clear();
        Ok(())
    }

    fn sleep(&self) -> Duration {
        let next = match self.clock {
            Clock::Virtual => None,
            Clock::Wall => self.chain.next_event(),
        };
        let next = next.map_or(LONGEST_SLEEP, |next| next.saturating_since(self.clock_time()));
        // The clock has milliseconds.
        next.clamp(Duration::from_millis(1), LONGEST_SLEEP)
    }

    /// Does what is sent and what is due, until it is to stop.
    fn work(&mut self, queue: &Receiver<Job>) -> Result<(), ServeFault> {
        loop {
            self.pass_time()?;
            let first = match queue.recv_timeout(self.sleep()) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => {
                    self.note_delivered();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => Job::Stop,
            };
            let jobs = core::iter::once(first).chain(queue.try_iter()).take(MOST_AT_ONCE).collect();
            self.pass_time()?;
            if self.do_all(jobs)? {
                self.note_delivered();
                return Ok(());
            }
        }
    }

    /// Writes what Users have taken. Where that fails it is tried again; a User would get a message twice at worst.
    fn note_delivered(&mut self) {
        if !self.delivered.is_empty() {
            drop(self.write(&[]));
        }
    }

    /// Says whether one of the jobs is to stop.
    fn do_all(&mut self, jobs: Vec<Job>) -> Result<bool, ServeFault> {
        let mut inputs = Vec::new();
        let mut rest = Vec::new();
        for job in jobs {
            rest.push(match job {
                Job::Input { input, reply } => {
                    inputs.push(input);
                    Step::Apply(reply)
                }
                Job::Look(look) => Step::Look(look),
                Job::Delivered { user, number } => {
                    self.delivered.insert(user, number);
                    continue;
                }
                Job::Stop => Step::Stop,
            });
        }
        if inputs.is_empty() {
            self.note_delivered();
        }
        let written = inputs.is_empty() || self.write(&inputs).is_ok();
        let mut stop = false;
        let mut inputs = inputs.into_iter();
        for step in rest {
            match step {
                Step::Apply(reply) => {
                    let Some(input) = inputs.next() else { continue };
                    let answer = if written { Ok(self.chain.apply(&input)?) } else { Err(NotTaken::NotWritten) };
                    self.hand_out();
                    // Who does not wait any more gets its answer from the journal's effects.
                    drop(reply.send(answer));
                }
                Step::Look(look) => look(&self.chain),
                // What was written with it is taken all the same.
                Step::Stop => stop = true,
            }
        }
        Ok(stop)
    }
}

enum Step {
    Apply(oneshot::Sender<Answer>),
    Look(Look),
    Stop,
}

/// The time of day by the machine's clock.
pub fn now() -> Utc {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Utc(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
