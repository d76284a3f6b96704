//! The OTA Upgrade Cluster's client, where it keeps its image, how split firmware is put together, and the rules that its
//! server answers by, without I/O.

pub mod client;
pub mod parts;
pub mod server;
pub mod slot;
