//! What the software hub and PPMID of a bench are told before they start.

use crate::bench::{Bench, Ppmid};
use crate::runner::BenchFault;
use hanrig_ch::{HubConfig, HubProfile, Network};
use hanrig_ppmid::{AccessControlBroker, Declaration, PpmidConfig};
use sha2::{Digest, Sha256};

/// A seed for one participant, which no other has.
pub fn seed_for(seed: u64, who: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(who.as_bytes());
    hash.finalize().into()
}

/// The hub of `bench`.
pub fn hub_config(bench: &Bench, seed: u64) -> HubConfig {
    let (hub, network) = (&bench.hub, &bench.network);
    HubConfig {
        eui64: hub.eui,
        firmware_version: hub.firmware_version,
        manufacturer_code: hub.manufacturer_code,
        network: Network {
            channel: network.channel,
            pan_id: network.pan_id,
            extended_pan_id: network.extended_pan_id,
            network_key: network.network_key,
        },
        signing_key: hub.keys.ds.clone(),
        access_control_broker: bench.access_control_broker.eui,
        profile: HubProfile {
            retention: hub.profile.retention,
            stall: hub.profile.stall,
            notify_again: hub.profile.notify_again,
        },
        radio_acknowledges: false,
        seed: seed_for(seed, "hub"),
    }
}

/// A PPMID of `bench`.
///
/// # Errors
/// When the bench does not know its manufacturer.
pub fn ppmid_config(bench: &Bench, ppmid: &Ppmid, seed: u64) -> Result<PpmidConfig, BenchFault> {
    let code = ppmid.manufacturer_code;
    let manufacturer = bench.manufacturer(code).ok_or_else(|| {
        BenchFault::new(format!("{} is of manufacturer {code:04X}, which is not on the bench", ppmid.name))
    })?;
    let broker = &bench.access_control_broker;
    let declared = &ppmid.declaration;
    Ok(PpmidConfig {
        eui64: ppmid.eui,
        manufacturer_code: code,
        image_type: ppmid.model,
        hardware_version: ppmid.hardware_version,
        factory_version: ppmid.firmware_version,
        link_key: ppmid.install_code.link_key(),
        channels: vec![bench.network.channel],
        signing_key: ppmid.keys.ds.clone(),
        key_agreement: ppmid.keys.ka.clone(),
        access_control_broker: AccessControlBroker { eui64: broker.eui, key_agreement: broker.keys.ka.public_key() },
        manufacturer_key: manufacturer.signing_key.verifying_key(),
        declaration: Declaration {
            sends_hardware_version: declared.sends_hardware_version,
            block_size: declared.block_size,
            query_period: declared.query_period,
            ..Declaration::default()
        },
        radio_acknowledges: false,
        seed: seed_for(seed, &ppmid.name),
    })
}
