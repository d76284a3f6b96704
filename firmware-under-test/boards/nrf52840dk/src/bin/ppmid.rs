//! The PPMID's firmware for the nRF52840 DK.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use hanrig_device::ppmid_on;
use hanrig_nrf52840dk::run;

#[embassy_executor::main]
async fn main(_spawner: Spawner) -> ! {
    run("ppmid", ppmid_on, false).await
}
