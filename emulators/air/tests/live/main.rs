//! The medium in real time, through real pseudo-terminals and sockets. Nothing here depends on how fast it goes; waits are
//! bounded so that a failure ends.

mod bench;
mod radios;
mod rcp;
mod sniffer;
