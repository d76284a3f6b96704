//! ESME, GSME and HCALCS in software, without I/O.
//!
//! [`Device`] is one of the three: a state machine like the hub, which is told the time and what its radio heard, and from
//! which its owner takes what to send. It downloads an image over the OTA Upgrade Cluster into flash, verifies it, and
//! holds it. Nothing but its Supplier's Activate Firmware Command (CS06) has it run the image: at once, or at the time
//! that the Command names. It verifies its firmware whenever it is switched on and before it activates an image.
//!
//! Flash has a record of the Device's state and two slots: what runs is in one, what was received in the other.
//! Activation is one write of the record, which changes their roles; a loss of power leaves the old firmware or the new.
//!
//! Where the specifications leave a choice, or what they say is not public:
//!
//! - A Command that fails a check is passed over, without a Response, and its Supplier is told by an Alert: 0x8F3D for a
//!   wrong signature or MAC, 0x8F30 for an originator without authority, 0x8F53 for a counter used before, 0x8F1E for
//!   what is malformed ([`CommandError::alert_code`](hanrig_wire::gbcs::command::CommandError::alert_code)). Every Alert
//!   is addressed to the Device's Supplier and sent as a critical one, with a signature.
//! - 0x8F1B, for firmware that fails verification at power-on, is a Generic Critical Alert; 0x8F1C, for an image that fails
//!   it on arrival or before activation, is a Firmware Distribution Receipt Alert with the image's Hash, as 0x8F72 is. A
//!   Device whose running firmware is damaged goes on, since it is not executed here.
//! - A later CS06 takes the place of one that waits for its time; a time in the past is the present.
//! - A meter tells of a download that is verified by a Firmware Distribution Receipt Alert (0x8F72); an HCALCS does not.
//! - A GSME sleeps between its wake-ups; here its receiver stays on, it passes over Image Notify, and asks for an image
//!   on its own schedule, every half hour.
//! - An ESME tells its version by ECS52, a GSME by GCS38 and an HCALCS by CS08. Meters answer CS08 too, and an HCALCS ECS52:
//!   the documents disagree on which of them the DCC uses.
//! - ESME (ECS02, ECS03) and GSME (GCS02, GCS03) take a payment mode at once, and keep it in flash; nothing follows of it,
//!   since nothing is measured. A change for later they answer with a failure.
//!
//! Left out, and where it matters: everything that a meter measures and a switch switches, certificate based key
//! establishment (the install code's link key stays in use), credentials that change (CS02), and running the image: the
//! version that runs is a record in flash, and of split firmware only the last part is kept.
#![no_std]
extern crate alloc;

mod config;
mod device;
mod faults;
mod firmware;
mod gbcs;
mod state;

pub use config::{Declaration, DeviceConfig, Kind, Supplier};
pub use device::{Device, Output, flash_size};
#[cfg(feature = "planted-faults")]
pub use faults::Fault;
pub use hanrig_wire::gbcs::command::AccessControlBroker;
pub use hanrig_zigbee::store::StoreError;
