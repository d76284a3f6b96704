//! What the software hub and Devices of a bench are told before they start.

use crate::bench::{Bench, Device, OnHan, Ppmid};
use crate::runner::BenchFault;
use hanrig_ch::{HubConfig, HubProfile, Network};
use hanrig_devices::{DeviceConfig, Supplier};
use hanrig_ppmid::{AccessControlBroker, Declaration, PpmidConfig};
use hanrig_wire::gbcs::VerifyingKey;
use hanrig_wire::types::{DeviceType, Eui64};
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
    let declared = &ppmid.declaration;
    Ok(PpmidConfig {
        eui64: ppmid.eui,
        manufacturer_code: ppmid.manufacturer_code,
        image_type: ppmid.model,
        hardware_version: ppmid.hardware_version,
        factory_version: ppmid.firmware_version,
        link_key: ppmid.install_code.link_key(),
        channels: vec![bench.network.channel],
        signing_key: ppmid.keys.ds.clone(),
        key_agreement: ppmid.keys.ka.clone(),
        access_control_broker: access_control_broker(bench),
        manufacturer_key: manufacturer_key(bench, ppmid.into())?,
        declaration: Declaration {
            sends_hardware_version: declared.sends_hardware_version,
            block_size: declared.block_size,
            block_pause: declared.block_pause,
            page_requests: declared.page_requests,
            query_period: declared.query_period,
            verification: declared.verification,
            predates_gbcs: declared.predates_gbcs,
            ..Declaration::default()
        },
        radio_acknowledges: false,
        seed: seed_for(seed, &ppmid.name),
    })
}

fn access_control_broker(bench: &Bench) -> AccessControlBroker {
    let broker = &bench.access_control_broker;
    AccessControlBroker { eui64: broker.eui, key_agreement: broker.keys.ka.public_key() }
}

fn manufacturer_key(bench: &Bench, device: OnHan<'_>) -> Result<VerifyingKey, BenchFault> {
    let code = device.manufacturer_code;
    let manufacturer = bench.manufacturer(code).ok_or_else(|| {
        BenchFault::new(format!("{} is of manufacturer {code:04X}, which is not on the bench", device.name))
    })?;
    Ok(manufacturer.signing_key.verifying_key())
}

/// The Supplier whose Commands a Device in the premises of the bench's hub carries out: the Gas Supplier for a GSME, and
/// the Import Supplier for all others.
pub fn own_supplier(bench: &Bench, device_type: DeviceType) -> Option<Eui64> {
    let premises = bench.data.registration.premises.iter().find(|premises| premises.hub == bench.hub.eui)?;
    match device_type {
        DeviceType::Gsme => premises.gas_supplier,
        _ => premises.import_supplier,
    }
}

/// An ESME, a GSME or an HCALCS of `bench`.
///
/// # Errors
/// When the bench does not know its manufacturer or its Supplier.
pub fn device_config(bench: &Bench, device: &Device, seed: u64) -> Result<DeviceConfig, BenchFault> {
    let supplier = own_supplier(bench, device.kind.device_type())
        .and_then(|eui| bench.suppliers.iter().find(|supplier| supplier.eui == eui));
    let supplier =
        supplier.ok_or_else(|| BenchFault::new(format!("the Supplier of {} is not on the bench", device.name)))?;
    let declared = &device.declaration;
    Ok(DeviceConfig {
        kind: device.kind,
        eui64: device.eui,
        manufacturer_code: device.manufacturer_code,
        image_type: device.model,
        hardware_version: device.hardware_version,
        factory_version: device.firmware_version,
        link_key: device.install_code.link_key(),
        channels: vec![bench.network.channel],
        signing_key: device.keys.ds.clone(),
        key_agreement: device.keys.ka.clone(),
        access_control_broker: access_control_broker(bench),
        supplier: Supplier { eui64: supplier.eui, signing_key: supplier.keys.ds.verifying_key() },
        manufacturer_key: manufacturer_key(bench, device.into())?,
        declaration: hanrig_devices::Declaration {
            sends_hardware_version: declared.sends_hardware_version,
            block_size: declared.block_size,
            block_pause: declared.block_pause,
            page_requests: declared.page_requests,
            answer_timeout: declared.answer_timeout,
            repeats: declared.repeats,
            query_period: declared.query_period,
            follows_notify: declared.follows_notify,
            verification: declared.verification,
            receipt_alert: declared.receipt_alert,
            ..hanrig_devices::Declaration::of(device.kind)
        },
        radio_acknowledges: false,
        seed: seed_for(seed, &device.name),
    })
}
