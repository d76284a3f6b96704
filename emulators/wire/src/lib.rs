//! Byte formats of every link of the GB smart metering firmware update chain.
#![no_std]
extern crate alloc;

pub mod aps;
pub mod dissect;
pub mod gbcs;
pub mod hdlc;
pub mod mac;
pub mod manufacturer_image;
pub mod nwk;
pub mod ota_file;
mod planted;
pub mod radio;
pub mod security;
pub mod spinel;
pub mod time;
pub mod types;
pub mod wan;
pub mod zcl;
pub mod zdp;
