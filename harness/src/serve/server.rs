//! Starts the served DCC, lets clients in, and ends it in good order.

use super::access::{Access, Role};
use super::chain::{ChainConfig, MAXIMUM_SOFTWARE_HUBS};
use super::engine::{Clock, Engine, EngineThread};
use super::http::{self, Service};
use super::input::Input;
use super::journal::Journal;
use super::{ServeFault, identities, push};
use crate::bench::Bench;
use crate::ports::{Events, PortEvent, PortEventKind, PortEvents, WanLink as _, WanPort, WanTarget};
use axum::Router;
use axum::http::Uri;
use hanrig_dcc::Settings;
use hanrig_dcc::data::DccData;
use hanrig_dcc::security::Protection;
use hanrig_wire::time::Utc;
use hanrig_wire::types::Eui64;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

/// Connections at the same time; the next ones wait to be accepted.
const CONNECTIONS: usize = 1024;
/// How long the head of a request may take to come, and a connection may lie idle.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// How long clients have to hear their answers when the server ends.
const GRACE: Duration = Duration::from_secs(10);
/// How long it takes until connections are accepted again where the system has no more of them.
const PAUSE: Duration = Duration::from_millis(100);

/// What is served, and how.
#[derive(Debug)]
pub struct Options {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Identities and keys.
    pub bench: Bench,
    /// The DCC's data as they are now.
    pub data: DccData,
    /// Where they come from, to be read again; `None` for those of the bench.
    pub data_path: Option<PathBuf>,
    /// Which reading of the documents holds.
    pub settings: Settings,
    /// What the DSP signs with, and whose requests it takes; without it no signature is made or checked.
    pub protection: Option<Protection>,
    /// Who may do what.
    pub access: Access,
    /// Where the access file is, to be read again.
    pub access_path: Option<PathBuf>,
    /// Where Users without an address of their own get their messages.
    pub notify: Option<Uri>,
    /// What survives a restart; `None` where nothing does.
    pub state: Option<PathBuf>,
    /// By which clock the DCC lives.
    pub clock: Clock,
    /// The seed of everything random.
    pub seed: u64,
    /// Whether software plays the hubs of the data and the Devices behind them.
    pub software_hubs: bool,
    /// The WAN links to hubs that are elsewhere.
    pub wan: BTreeMap<Eui64, WanTarget>,
    /// Tells whoever watches the server.
    pub tell: fn(&str),
}

/// The served DCC.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    service: Arc<Service>,
    thread: EngineThread,
    access_path: Option<PathBuf>,
    notify: Option<Uri>,
    pushers: BTreeMap<Eui64, JoinHandle<()>>,
    poster: push::Poster,
}

impl Server {
    /// Starts it: what happened before a restart has happened again, and clients can connect, when this returns.
    ///
    /// # Errors
    ///
    /// When the state cannot be used, a participant does not start, or nobody could connect.
    pub async fn start(options: Options) -> Result<Self, ServeFault> {
        let Options { listen, bench, data, settings, clock, seed, software_hubs, tell, .. } = options;
        let hubs = data.hubs.keys().filter(|hub| !options.wan.contains_key(hub)).count();
        if software_hubs && hubs > MAXIMUM_SOFTWARE_HUBS {
            return Err(ServeFault::TooManyHubs { hubs });
        }
        if let Some(hub) = options.wan.keys().find(|hub| !data.hubs.contains_key(hub)) {
            return Err(ServeFault::UnknownHub(*hub));
        }
        if clock == Clock::Virtual && !options.wan.is_empty() {
            return Err(ServeFault::HubInVirtualTime);
        }
        // Before the state is touched: the address may well be wrong.
        let listener = TcpListener::bind(listen).await;
        let listener = listener.map_err(|source| ServeFault::Listen { address: listen, source })?;
        let journal = Journal::open(options.state.as_deref())?;
        journal.same("clock", clock.name())?;
        journal.same("seed", &seed.to_string())?;
        journal.same("hubs", if software_hubs { "software" } else { "none" })?;
        journal.same("settings", &settings.to_toml().unwrap_or_default())?;
        let epoch = match clock {
            Clock::Virtual => bench.epoch,
            Clock::Wall => super::engine::now(),
        };
        let epoch = journal.made_with("epoch", || epoch.0.to_string())?;
        let epoch = Utc(epoch.parse().unwrap_or_default());
        if software_hubs {
            identities::unknown(&bench, &data).iter().for_each(|line| tell(line));
        }
        let external_hubs: BTreeSet<Eui64> = options.wan.keys().copied().collect();
        let names: Vec<String> = external_hubs.iter().map(Eui64::to_string).collect();
        journal.same("hubs elsewhere", &names.join(" "))?;
        let protection = options.protection;
        let config = ChainConfig { bench, epoch, seed, settings, protection, software_hubs, external_hubs };
        let toml = data.to_toml().unwrap_or_default();
        let (links, events) = links(options.wan)?;
        let to_hubs = move |hub, octets| {
            if let Some(link) = links.get(&hub) {
                link.send(octets);
            }
        };
        let started = Engine::start(config, clock, journal, toml, Box::new(to_hubs));
        let system = |what| move |source| ServeFault::System { what, source };
        let (engine, ready, thread) = started.map_err(system("start the thread of the DCC"))?;
        if ready.await.is_err() {
            return Err(match tokio::task::spawn_blocking(|| thread.join()).await {
                Ok(Ok(Err(fault))) => fault,
                _ => ServeFault::Panicked,
            });
        }
        tokio::spawn(from_hubs(engine.clone(), events, tell));
        let service = Arc::new(Service::new(engine, clock, options.access, options.data_path, tell));
        let mut server = Self {
            listener,
            service,
            thread,
            access_path: options.access_path,
            notify: options.notify,
            pushers: BTreeMap::new(),
            poster: push::poster(),
        };
        server.start_pushers();
        Ok(server)
    }

    /// Where clients connect.
    ///
    /// # Errors
    ///
    /// When the operating system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Posts to all Users that have an address and are not posted to yet.
    fn start_pushers(&mut self) {
        let access = self.service.access();
        for party in access.parties() {
            let Role::User(user) = party.role else { continue };
            if party.notify.is_some() && self.pushers.get(&user).is_none_or(JoinHandle::is_finished) {
                let push = push::push(Arc::clone(&self.service), self.poster.clone(), user);
                self.pushers.insert(user, tokio::spawn(push));
            }
        }
    }

    /// Reads data and access file again; what is wrong is told, and stays as it was.
    async fn reload(&mut self) {
        let tell = |what: &str| self.service.tell(what);
        match self.service.reload().await {
            Ok(true) => tell("the data were read again"),
            Ok(false) => tell("the data are as they were"),
            Err(why) => tell(&format!("the data stay as they were: {why}")),
        }
        let Some(path) = &self.access_path else { return };
        let text = crate::input::read_text(path, crate::input::MAX_KEYS).map_err(|error| crate::exit::chain(&error));
        let read = text.and_then(|text| {
            Access::read(&text, self.notify.as_ref()).map_err(|error| format!("{}: {error}", path.display()))
        });
        match read {
            Ok(access) => {
                self.service.set_access(access);
                tell("the access file was read again");
                self.start_pushers();
            }
            Err(why) => tell(&format!("access stays as it was: {why}")),
        }
    }

    /// Serves until `end` comes, or the DCC fails; `reload` has data and access file read again.
    ///
    /// # Errors
    ///
    /// When the DCC fails.
    pub async fn run(mut self, end: impl Future<Output = ()>, mut reload: impl AsyncFnMut()) -> Result<(), ServeFault> {
        let router = http::router(Arc::clone(&self.service));
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        let mut end = std::pin::pin!(end);
        let mut health = tokio::time::interval(PAUSE);
        loop {
            let place = Arc::clone(&places);
            let accept = async {
                // Nobody closes the semaphore.
                let place = place.acquire_owned().await.ok();
                (self.listener.accept().await, place)
            };
            tokio::select! {
                (accepted, place) = accept => match accepted {
                    Ok((stream, _)) => {
                        let connection = graceful.watch(connection(stream, router.clone()));
                        connections.spawn(async move {
                            // Clients go away as they like.
                            drop(connection.await);
                            drop(place);
                        });
                    }
                    // The system has no more connections for now.
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                () = &mut end => break,
                () = reload() => self.reload().await,
                _ = health.tick() => {
                    while connections.try_join_next().is_some() {}
                    if self.thread.is_finished() {
                        break;
                    }
                }
            }
        }
        drop(self.listener);
        drop(tokio::time::timeout(GRACE, graceful.shutdown()).await);
        connections.shutdown().await;
        for (_, pusher) in self.pushers {
            pusher.abort();
        }
        self.service.engine().stop();
        let thread = self.thread;
        match tokio::task::spawn_blocking(|| thread.join()).await {
            Ok(Ok(done)) => done,
            _ => Err(ServeFault::Panicked),
        }
    }
}

/// Opens the WAN links, each of which comes up by itself.
fn links(targets: BTreeMap<Eui64, WanTarget>) -> Result<(BTreeMap<Eui64, WanPort>, PortEvents), ServeFault> {
    let (events, told) = Events::channel();
    let mut links = BTreeMap::new();
    for (hub, target) in targets {
        links.insert(hub, WanPort::open(target, events.port(hub.to_string()))?);
    }
    Ok((links, told))
}

/// Has the DCC know what comes over the WAN links.
async fn from_hubs(engine: Engine, mut events: PortEvents, tell: fn(&str)) {
    while let Some(PortEvent { port, kind, .. }) = events.recv().await {
        let Ok(hub) = port.parse::<Eui64>() else { continue };
        match kind {
            PortEventKind::WanLink { up } => engine.tell(Input::HubLink { hub, up }),
            PortEventKind::Wan { octets } => engine.tell(Input::HubOctets { hub, octets }),
            PortEventKind::Fault(fault) => tell(&format!("hub {hub}: {fault}")),
            _ => {}
        }
    }
}

type Connection = http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>>;

fn connection(stream: TcpStream, router: Router) -> Connection {
    // Answers are small, and clients wait for them.
    drop(stream.set_nodelay(true));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}
