//! `hanrig serve dcc`: the DCC for a client outside, such as a Supplier's own DUIS adapter.
//!
//! What the DCC does is in [`chain`], without I/O; [`journal`] keeps it over a restart, [`engine`] is the thread that owns
//! both. [`http`] lets clients in, [`push`] posts to Users what they have not asked for, [`access`] says who may do what.
//! The endpoints are in the documentation of [`http`].

pub mod access;
pub mod certificates;
pub mod chain;
pub mod engine;
pub mod http;
mod identities;
pub mod input;
pub mod journal;
pub mod outbox;
mod premises;
pub mod push;
mod server;
pub mod source;

pub use server::{Options, Server};

use crate::ports::WanError;
use crate::runner::BenchFault;
use hanrig_dcc::data::DataError;
use hanrig_wire::time::Utc;
use hanrig_wire::types::Eui64;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the DCC is not served, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum ServeFault {
    /// A software participant does not start.
    #[error(transparent)]
    Bench(#[from] BenchFault),
    /// The software participants never fall silent.
    #[error("the software participants go round in circles at {0}")]
    Circles(Utc),
    /// The state cannot be kept.
    #[error(transparent)]
    Journal(#[from] journal::JournalError),
    /// What happened cannot be repeated.
    #[error(
        "state file {} gives other messages than it did when it was written (entry {number}): it was made by another \
         version of hanrig, or with another bench or other certificates; use those, or begin a new file",
        .file.display()
    )]
    Diverged {
        /// The state file.
        file: PathBuf,
        /// The entry at which it is seen.
        number: i64,
    },
    /// The DCC's data are wrong.
    #[error(transparent)]
    Data(#[from] DataError),
    /// More hubs than software can play.
    #[error(
        "the data have {hubs} hubs, and software plays at most {} with their Devices; leave hubs out of the data, or \
         serve without Devices (--hubs none)",
        chain::MAXIMUM_SOFTWARE_HUBS
    )]
    TooManyHubs {
        /// How many there are.
        hubs: usize,
    },
    /// A hub that is elsewhere, and not in the data.
    #[error("--wan names hub {0}, which the data do not have; add a [[hub]] with that id")]
    UnknownHub(Eui64),
    /// A hub that is elsewhere lives in the time of the machine.
    #[error("a hub that is reached over --wan lives in the machine's time; serve with --clock wall")]
    HubInVirtualTime,
    /// A WAN link is another's.
    #[error(transparent)]
    Wan(#[from] WanError),
    /// Nobody can connect.
    #[error("cannot listen on {address}{}", advice(.source))]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The operating system gives less than it takes to serve.
    #[error("cannot {what}")]
    System {
        /// What it does not do.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The thread that owns the DCC has ended in a way that it never should.
    #[error("the thread of the DCC has panicked")]
    Panicked,
}

fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::AddrInUse => "; is another hanrig serving there? Port 0 takes a free one",
        io::ErrorKind::AddrNotAvailable => "; give an address that this machine has, such as 127.0.0.1",
        io::ErrorKind::PermissionDenied => "; ports below 1024 are for root",
        _ => "",
    }
}

impl ServeFault {
    /// Whether what hanrig was given is wrong, rather than what it needs.
    pub fn is_input(&self) -> bool {
        use journal::JournalError::{InUse, Use};
        match self {
            Self::Journal(error) => !matches!(error, InUse(_) | Use { .. }),
            Self::Diverged { .. }
            | Self::Data(_)
            | Self::TooManyHubs { .. }
            | Self::UnknownHub(_)
            | Self::HubInVirtualTime => true,
            Self::Listen { source, .. } => source.kind() == io::ErrorKind::AddrNotAvailable,
            Self::Bench(_) | Self::Circles(_) | Self::Wan(_) | Self::System { .. } | Self::Panicked => false,
        }
    }
}
