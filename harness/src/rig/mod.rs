//! What a scenario drives and what it believes: the bench in motion, and what was observed on its interfaces.
//!
//! - [`observe`]: what the sniffer heard and what went over the WAN, SM WAN Gateway and DUIS interfaces, decoded by the
//!   rig itself. Verdicts rest on this and on nothing else.
//! - [`taps`] and [`evidence`]: where the interfaces are tapped, and the files that a scenario leaves behind.
//! - [`driver`]: what a driver of a bench can do, whatever the bench is made of.
//! - [`attacker`]: somebody with a radio near the premises, and the frames that they forge.
//! - [`virtual_bench`]: the driver that plays every role in software, in virtual time.
//! - [`live`]: the driver of a bench with boards, in real time.
//! - [`transceiver`]: a radio that does its part of the MAC by itself, on one band or two.
//! - [`dcc_side`], [`dcc_desk`], [`participants`], [`software`]: the software roles that drivers share.

pub mod attacker;
pub mod dcc_desk;
pub mod dcc_side;
pub mod driver;
pub mod evidence;
pub mod live;
pub mod observe;
pub mod participants;
pub mod software;
pub mod taps;
pub mod transceiver;
pub mod virtual_bench;
