//! What a scenario drives and what it believes: the bench in motion, and what was observed on its interfaces.
//!
//! - [`observe`]: what the sniffer heard and what went over the WAN, SM WAN Gateway and DUIS interfaces, decoded by the
//!   rig itself. Verdicts rest on this and on nothing else.
//! - [`evidence`]: the files that a scenario leaves behind.
//! - [`driver`]: what a driver of a bench can do, whatever the bench is made of.
//! - [`virtual_bench`]: the driver that plays every role in software, in virtual time.

pub mod driver;
pub mod evidence;
pub mod observe;
pub mod virtual_bench;
