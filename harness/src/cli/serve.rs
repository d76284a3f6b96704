//! `hanrig serve`: plays a part for a client outside.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use axum::http::Uri;
use clap::{Args, Subcommand, ValueEnum};
use hanrig_dcc::Settings;
use hanrig_dcc::data::DccData;
use hanrig_dcc::settings::UnsignedRequests;
use hanrig_wire::types::Eui64;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, output};
use crate::bench::{Bench, unusual_settings};
use crate::exit::ExitCode;
use crate::input::{self, MAX_KEYS};
use crate::ports::WanTarget;
use crate::serve::access::{self, Access};
use crate::serve::engine::Clock;
use crate::serve::{Options, ServeFault, Server, certificates, source};

/// Commands of `hanrig serve`.
#[derive(Debug, Subcommand)]
pub(super) enum ServeCommand {
    /// Serve the DCC emulator: DUIS over HTTP, Alerts to a URL, SSI and SSMI as JSON and as pages
    #[command(after_help = HELP)]
    Dcc(DccArgs),
}

const HELP: &str = "\
Clients name themselves by the tokens of the access file. POST a Service Request to
/duis/non-device, /duis/transform or /duis/send-command; GET /duis/messages gives what came later,
where no URL takes it. Open / in a browser for the pages.

SIGHUP reads data and access file again, SIGTERM and ctrl-c end the server.
Exits with 0 when it was ended, 2 when an option or a file is wrong, 3 when it cannot listen or
cannot go on.";

/// Arguments of `hanrig serve dcc`.
#[derive(Debug, Args)]
pub(super) struct DccArgs {
    /// Address and port to listen on, such as 127.0.0.1:8079; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// What the DCC holds (SMI, CPL, FIR, DZIR, registration, Users): a TOML file or a folder of them; without it, the
    /// bench's
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Bench file with identities and keys; without it, the built-in bench
    #[arg(long, value_name = "FILE")]
    bench: Option<PathBuf>,
    /// Settings of the DCC: which reading of the documents holds; without them, the bench's
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Folder of PEM certificates, by which Service Requests are checked and with which answers are signed; what it lacks
    /// is made, with keys for all Users. Without it, requests need no signature
    #[arg(long, value_name = "DIR")]
    certificates: Option<PathBuf>,
    /// Users, Service Desk and their tokens; one that is not there is made, with new tokens. Without it, new tokens are
    /// told at each start
    #[arg(long, value_name = "FILE")]
    access: Option<PathBuf>,
    /// SQLite file with what survives a restart; one that is not there is made. Without it, nothing survives
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Where messages are posted for Users to whom the access file gives no URL
    #[arg(long, value_name = "URL")]
    notify: Option<String>,
    /// Time of the machine, or virtual time that stands still until POST /clock lets it pass
    #[arg(long, value_name = "CLOCK", default_value = "wall")]
    clock: ClockArg,
    /// Who plays the hubs of the data and the Devices behind them
    #[arg(long, value_name = "WHO", default_value = "software")]
    hubs: Hubs,
    /// A hub that is elsewhere, and the TCP server at which its WAN link is reached; may be given for several hubs
    #[arg(long, value_name = "HUB=HOST:PORT", value_parser = wan)]
    wan: Vec<(Eui64, WanTarget)>,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ClockArg {
    /// The machine's
    Wall,
    /// Stands still until it is told
    Virtual,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Hubs {
    /// Software, at most 64 of them
    Software,
    /// Nobody: no hub ever answers
    None,
}

fn wan(text: &str) -> Result<(Eui64, WanTarget), String> {
    let (hub, address) = text.split_once('=').ok_or("expected HUB=HOST:PORT")?;
    let hub = hub.parse().map_err(|wrong| format!("hub: {wrong}"))?;
    if !address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
        return Err("expected HOST:PORT after the hub, such as 127.0.0.1:4000".to_owned());
    }
    Ok((hub, WanTarget::Tcp(address.to_owned())))
}

/// A file that is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("{}", .file.display())]
struct Wrong<E: std::error::Error + 'static> {
    file: PathBuf,
    #[source]
    source: E,
}

/// An access file that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make access file {}", .0.display())]
struct CannotMake(PathBuf, #[source] std::io::Error);

pub(super) fn run(command: ServeCommand) -> Result<ExitCode, Failure> {
    let ServeCommand::Dcc(args) = command;
    let options = options(&args)?;
    let system = |what| move |source| failure(ServeFault::System { what, source });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(system("start the threads that serve"))?;
    runtime.block_on(async {
        let signal = |kind| signal(kind).map_err(system("take signals"));
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut hangup = signal(SignalKind::hangup())?;
        let readings = readings(&options);
        let server = Server::start(options).await.map_err(failure)?;
        readings.iter().for_each(|reading| output::note(reading));
        let address = server.address().map_err(system("tell the address"))?;
        output::print(&format!("serving the DCC on http://{address}\n"))?;
        let end = async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        let hung_up = async move || {
            hangup.recv().await;
        };
        server.run(end, hung_up).await.map_err(failure)?;
        Ok(ExitCode::Passed)
    })
}

/// What a client can expect otherwise than usual.
fn readings(options: &Options) -> Vec<String> {
    let mut readings = unusual_settings(&options.settings);
    if options.settings.unsigned_requests == UnsignedRequests::Taken {
        readings.push(match options.protection {
            Some(_) => "requests without a signature are taken, as the settings have it".to_owned(),
            None => "requests without a signature are taken; give --certificates to have them refused".to_owned(),
        });
    }
    readings
}

fn failure(fault: ServeFault) -> Failure {
    if fault.is_input() { Failure::input(fault) } else { Failure::rig(fault) }
}

fn options(args: &DccArgs) -> Result<Options, Failure> {
    let bench = match &args.bench {
        Some(path) => Bench::load(path),
        None => Bench::built_in(),
    };
    let bench = bench.map_err(Failure::input)?;
    let data = match &args.data {
        Some(path) => source::read(path).map_err(Failure::input)?,
        None => bench.data.clone(),
    };
    let mut settings = match &args.settings {
        Some(file) => settings(file)?,
        None => bench.settings.clone(),
    };
    let dcc = bench.access_control_broker.eui;
    let protection = args.certificates.as_deref().map(|folder| certificates::protection(folder, &data, dcc));
    let protection = protection.transpose().map_err(Failure::input)?;
    if protection.is_none() {
        settings.unsigned_requests = UnsignedRequests::Taken;
    }
    let notify = args.notify.as_deref().map(|url| access::address("--notify", url));
    let notify = notify.transpose().map_err(Failure::input)?;
    let access = access(args.access.as_deref(), &data, notify.as_ref())?;
    Ok(Options {
        listen: args.listen,
        bench,
        data,
        data_path: args.data.clone(),
        settings,
        protection,
        access,
        access_path: args.access.clone(),
        notify,
        state: args.state.clone(),
        clock: match args.clock {
            ClockArg::Wall => Clock::Wall,
            ClockArg::Virtual => Clock::Virtual,
        },
        seed: args.seed,
        software_hubs: matches!(args.hubs, Hubs::Software),
        wan: args.wan.iter().cloned().collect(),
        tell: output::note,
    })
}

fn settings(file: &Path) -> Result<Settings, Failure> {
    let text = input::read_text(file, MAX_KEYS).map_err(Failure::input)?;
    let read = Settings::from_toml(&text);
    read.map_err(|source| Failure::input(Wrong { file: file.to_owned(), source }))
}

/// Reads the access file, or makes one.
fn access(file: Option<&Path>, data: &DccData, notify: Option<&Uri>) -> Result<Access, Failure> {
    let generate = || Access::generate(data).map_err(Failure::rig);
    let (file, text) = match file {
        Some(file) if file.exists() => (file, input::read_text(file, MAX_KEYS).map_err(Failure::input)?),
        Some(file) => {
            let text = generate()?;
            // The tokens are nobody else's business.
            let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
            let written = made.and_then(|mut made| made.write_all(text.as_bytes()));
            written.map_err(|source| Failure::input(CannotMake(file.to_owned(), source)))?;
            output::note(&format!("made access file {}", file.display()));
            (file, text)
        }
        None => {
            let text = generate()?;
            output::print(&format!("{text}\n"))?;
            (Path::new("access"), text)
        }
    };
    Access::read(&text, notify).map_err(|source| Failure::input(Wrong { file: file.to_owned(), source }))
}
