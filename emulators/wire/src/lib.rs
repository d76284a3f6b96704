//! Byte formats of every link of the GB smart metering firmware update chain.
#![no_std]
extern crate alloc;

pub mod time;
pub mod types;
