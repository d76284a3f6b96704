//! The ports, on pseudo-terminals, sockets and child processes: no hardware is needed.

mod lock;
mod power;
mod probe;
mod probe_thread;
mod radio;
mod sniffer;
mod support;
mod wan;
