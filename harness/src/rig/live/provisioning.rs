//! What a board is told to be before its firmware runs, from the bench.

use crate::bench::Bench;
use crate::runner::BenchFault;
use hanrig_ch::HubConfig;
use hanrig_ppmid::PpmidConfig;
use hanrig_provisioning::{Faults, HubProvisioning, PpmidProvisioning, Provisioning, encode};

/// A number that no board was provisioned with before: one that gets it starts as it left the factory.
pub fn new_occasion() -> u64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)
}

/// The provisioning block of the hub.
///
/// # Errors
/// When it does not fit its region.
pub fn hub_block(bench: &Bench, config: &HubConfig, occasion: u64, faults: Faults) -> Result<Vec<u8>, BenchFault> {
    block(&Provisioning::Hub(HubProvisioning {
        eui64: config.eui64,
        firmware_version: Some(config.firmware_version),
        manufacturer_code: config.manufacturer_code,
        channel: config.network.channel,
        pan_id: config.network.pan_id,
        extended_pan_id: config.network.extended_pan_id,
        network_key: config.network.network_key,
        signing_key: bench.hub.keys.ds.to_scalar(),
        access_control_broker: config.access_control_broker,
        retention: config.profile.retention,
        stall: config.profile.stall,
        notify_again: config.profile.notify_again,
        seed: config.seed,
        occasion,
        faults,
    }))
}

/// The provisioning block of a PPMID.
///
/// # Errors
/// When it does not fit its region.
pub fn ppmid_block(config: &PpmidConfig, occasion: u64, faults: Faults) -> Result<Vec<u8>, BenchFault> {
    let declared = &config.declaration;
    block(&Provisioning::Ppmid(PpmidProvisioning {
        eui64: config.eui64,
        manufacturer_code: config.manufacturer_code,
        image_type: config.image_type,
        hardware_version: config.hardware_version,
        // What runs on a board is what was flashed: the firmware says which version it is.
        factory_version: None,
        link_key: config.link_key,
        channels: config.channels.clone(),
        signing_key: config.signing_key.to_scalar(),
        key_agreement: config.key_agreement.to_scalar(),
        access_control_broker: config.access_control_broker.eui64,
        access_control_broker_key: config.access_control_broker.key_agreement.to_sec1(),
        manufacturer_key: config.manufacturer_key.to_sec1(),
        sends_hardware_version: declared.sends_hardware_version,
        block_size: declared.block_size,
        block_pause: declared.block_pause,
        page_requests: declared.page_requests,
        query_period: declared.query_period,
        verification: declared.verification,
        predates_gbcs: declared.predates_gbcs,
        restart: declared.restart,
        seed: config.seed,
        occasion,
        faults,
    }))
}

fn block(provisioning: &Provisioning) -> Result<Vec<u8>, BenchFault> {
    encode(provisioning).map_err(|error| BenchFault::from_error(&error))
}
