//! ESME, GSME and HCALCS on the HAN of the reference hub.

mod activation;
mod downloads;
mod faults;
mod power;
mod support;
mod wrong_commands;
