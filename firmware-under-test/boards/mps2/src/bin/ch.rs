//! The Communications Hub's firmware for the MPS2.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use hanrig_device::hub_on;
use hanrig_mps2::run;

#[entry]
fn main() -> ! {
    run("ch", hub_on, true)
}
