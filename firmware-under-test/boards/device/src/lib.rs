//! What the firmware of every board shares.
//!
//! A board's firmware is a loop around a [`Device`]: it tells the Device the time and what its radio and its WAN link
//! received, does what the Device asks for, and sleeps until [`Device::poll_at`] or an interrupt. The Device itself is the
//! hub or the PPMID of the software bench, made from the provisioning block that the rig wrote ([`hub_on`],
//! [`ppmid_on`]). Beside it there are the [log](mod@log) and the [`clock`], which the rig reaches through the debug probe.
#![no_std]
extern crate alloc;

pub mod clock;
mod device;
mod factory;
pub mod log;
mod provisioned;

pub use device::{Device, Output};
pub use provisioned::{FIRMWARE_VERSION, Made, StartError, hub_on, ppmid_on};
