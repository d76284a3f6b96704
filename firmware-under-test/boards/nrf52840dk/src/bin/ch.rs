//! The Communications Hub's firmware for the nRF52840 DK.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use hanrig_device::hub_on;
use hanrig_nrf52840dk::run;

#[embassy_executor::main]
async fn main(_spawner: Spawner) -> ! {
    run("ch", hub_on, true).await
}
