//! The OTA Upgrade Cluster's client and the rules that its server answers by, without I/O.

pub mod client;
pub mod server;
