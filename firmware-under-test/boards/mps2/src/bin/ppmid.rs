//! The PPMID's firmware for the MPS2.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use hanrig_device::ppmid_on;
use hanrig_mps2::run;

#[entry]
fn main() -> ! {
    run("ppmid", ppmid_on, false)
}
