//! From a provisioning block to the Device.

use crate::device::Device;
use crate::factory::renew;
use alloc::boxed::Box;
use alloc::vec::Vec;
use embedded_storage::nor_flash::NorFlash;
use hanrig_ch::{CommunicationsHub, HubConfig, HubProfile, Network, StoreError};
use hanrig_ppmid::{AccessControlBroker, Declaration, Ppmid, PpmidConfig};
use hanrig_provisioning::{BlockError, Faults, Provisioning, Role, decode};
use hanrig_wire::gbcs::{KeyError, PublicKey, SecretKey, SigningKey, VerifyingKey};
use hanrig_wire::types::FirmwareVersion;
use hanrig_zigbee::store::flash_error;

/// The version of this firmware: `HANRIG_FIRMWARE_VERSION` when it was built, eight hexadecimal digits, or 00000010.
pub const FIRMWARE_VERSION: FirmwareVersion = match option_env!("HANRIG_FIRMWARE_VERSION") {
    Some(text) => match u32::from_str_radix(text, 16) {
        Ok(version) if text.len() == 8 => FirmwareVersion(version),
        _ => panic!("HANRIG_FIRMWARE_VERSION: expected 8 hexadecimal digits, such as 00000010"),
    },
    None => FirmwareVersion(0x10),
};

/// Why a board's Device does not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// There is no good block.
    #[error("{0}")]
    Block(#[from] BlockError),
    /// The block is for another firmware.
    #[error("the provisioning is for {found}, this is the firmware of {expected}")]
    Role {
        /// What the firmware is for.
        expected: Role,
        /// What the block is for.
        found: Role,
    },
    /// A key in it is none.
    #[error("{what}: {error}")]
    Key {
        /// Which key.
        what: &'static str,
        /// What is wrong with it.
        error: KeyError,
    },
    /// The flash cannot be used.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// A Device that can be started, and the faults that it is to commit.
pub type Made = Result<(Box<dyn Device>, Faults), StartError>;

/// Makes the hub that `region` describes. Its board's radio acknowledges and repeats frames by itself.
///
/// # Errors
/// When the region holds no provisioning of a hub, or the flash cannot be read.
pub fn hub_on<F: NorFlash + 'static>(region: &[u8], mut flash: F) -> Made {
    let (config, occasion, faults) = hub_config(region)?;
    renew(&mut flash, hanrig_ch::STATE_SIZE, occasion).map_err(flash_error("erase", 0))?;
    Ok((Box::new(CommunicationsHub::new(config, flash)?), faults))
}

/// Makes the PPMID that `region` describes. Its board's radio acknowledges and repeats frames by itself.
///
/// # Errors
/// When the region holds no provisioning of a PPMID, or the flash cannot be read.
pub fn ppmid_on<F: NorFlash + 'static>(region: &[u8], mut flash: F) -> Made {
    let (config, occasion, faults) = ppmid_config(region)?;
    renew(&mut flash, hanrig_ppmid::STATE_SIZE, occasion).map_err(flash_error("erase", 0))?;
    Ok((Box::new(Ppmid::new(config, flash)?), faults))
}

fn key(what: &'static str) -> impl Fn(KeyError) -> StartError {
    move |error| StartError::Key { what, error }
}

fn hub_config(region: &[u8]) -> Result<(HubConfig, u64, Faults), StartError> {
    let hub = match decode(region)? {
        Provisioning::Hub(hub) => hub,
        other => return Err(StartError::Role { expected: Role::Hub, found: other.role() }),
    };
    let config = HubConfig {
        eui64: hub.eui64,
        firmware_version: hub.firmware_version.unwrap_or(FIRMWARE_VERSION),
        manufacturer_code: hub.manufacturer_code,
        network: Network {
            channel: hub.channel,
            pan_id: hub.pan_id,
            extended_pan_id: hub.extended_pan_id,
            network_key: hub.network_key,
        },
        signing_key: SigningKey::from_scalar(&hub.signing_key).map_err(key("signing key"))?,
        access_control_broker: hub.access_control_broker,
        profile: HubProfile { retention: hub.retention, stall: hub.stall, notify_again: hub.notify_again },
        seed: hub.seed,
        radio_acknowledges: true,
    };
    Ok((config, hub.occasion, hub.faults))
}

fn ppmid_config(region: &[u8]) -> Result<(PpmidConfig, u64, Faults), StartError> {
    let ppmid = match decode(region)? {
        Provisioning::Ppmid(ppmid) => ppmid,
        other => return Err(StartError::Role { expected: Role::Ppmid, found: other.role() }),
    };
    let broker_key = PublicKey::from_sec1(&ppmid.access_control_broker_key);
    let config = PpmidConfig {
        eui64: ppmid.eui64,
        manufacturer_code: ppmid.manufacturer_code,
        image_type: ppmid.image_type,
        hardware_version: ppmid.hardware_version,
        factory_version: ppmid.factory_version.unwrap_or(FIRMWARE_VERSION),
        link_key: ppmid.link_key,
        channels: Vec::clone(&ppmid.channels),
        signing_key: SigningKey::from_scalar(&ppmid.signing_key).map_err(key("signing key"))?,
        key_agreement: SecretKey::from_scalar(&ppmid.key_agreement).map_err(key("key agreement key"))?,
        access_control_broker: AccessControlBroker {
            eui64: ppmid.access_control_broker,
            key_agreement: broker_key.map_err(key("Access Control Broker's key agreement key"))?,
        },
        manufacturer_key: VerifyingKey::from_sec1(&ppmid.manufacturer_key).map_err(key("manufacturer's key"))?,
        declaration: Declaration {
            sends_hardware_version: ppmid.sends_hardware_version,
            block_size: ppmid.block_size,
            block_pause: ppmid.block_pause,
            page_requests: ppmid.page_requests,
            query_period: ppmid.query_period,
            verification: ppmid.verification,
            restart: ppmid.restart,
            predates_gbcs: ppmid.predates_gbcs,
        },
        seed: ppmid.seed,
        radio_acknowledges: true,
    };
    Ok((config, ppmid.occasion, ppmid.faults))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;
    use hanrig_provisioning::{HubProvisioning, PpmidProvisioning, encode};
    use hanrig_wire::time::{Duration, Instant};
    use hanrig_wire::types::{Eui64, Key128};
    use hanrig_zigbee::store::RamFlash;

    fn hub() -> HubProvisioning {
        HubProvisioning {
            eui64: Eui64(0x0011_2233_4455_6677),
            firmware_version: None,
            manufacturer_code: 0x10C7,
            channel: 20,
            pan_id: 0x1A62,
            extended_pan_id: 1,
            network_key: Key128([7; 16]),
            signing_key: [1; 32],
            access_control_broker: Eui64(2),
            retention: Duration::from_secs(14 * 86_400),
            stall: Duration::from_secs(86_400),
            notify_again: Duration::from_secs(3600),
            seed: [9; 32],
            occasion: 1,
            faults: Faults { hang_after_boot: Some(Duration::from_secs(1)) },
        }
    }

    fn ppmid() -> PpmidProvisioning {
        let key = SecretKey::from_scalar(&[6; 32]).unwrap().public_key().to_sec1();
        PpmidProvisioning {
            eui64: Eui64(0x0011_2233_4455_6688),
            manufacturer_code: 0x10C7,
            image_type: 0x1234,
            hardware_version: 1,
            factory_version: None,
            link_key: Key128([3; 16]),
            channels: vec![20],
            signing_key: [4; 32],
            key_agreement: [5; 32],
            access_control_broker: Eui64(2),
            access_control_broker_key: key.clone(),
            manufacturer_key: key,
            sends_hardware_version: true,
            block_size: 50,
            block_pause: Duration::ZERO,
            page_requests: false,
            query_period: Duration::from_secs(86_400),
            verification: Duration::ZERO,
            predates_gbcs: false,
            restart: Duration::from_secs(5),
            seed: [8; 32],
            occasion: 1,
            faults: Faults::default(),
        }
    }

    fn refusal(made: Made) -> alloc::string::String {
        made.err().map(|why| why.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_hub_is_made_of_its_provisioning() {
        let region = encode(&Provisioning::Hub(hub())).unwrap();
        let (mut device, faults) = hub_on(&region, RamFlash::new(hanrig_ch::flash_size() + 4096)).unwrap();
        assert_eq!(faults.hang_after_boot, Some(Duration::from_secs(1)));
        device.start(Instant::ZERO);
        let filter = device.receive_filter();
        assert_eq!((filter.channel, filter.pan_id, filter.short), (20, 0x1A62, 0));
        assert_eq!(filter.extended, Eui64(0x0011_2233_4455_6677));
    }

    #[test]
    fn a_ppmid_is_made_of_its_provisioning() {
        let region = encode(&Provisioning::Ppmid(ppmid())).unwrap();
        let (config, ..) = ppmid_config(&region).unwrap();
        assert_eq!(config.factory_version, FIRMWARE_VERSION, "which the provisioning leaves open");
        assert!(ppmid_on(&region, RamFlash::new(hanrig_ppmid::flash_size() + 4096)).is_ok());
    }

    #[test]
    fn what_is_no_provisioning_is_refused_with_the_reason() {
        let flash = || RamFlash::new(hanrig_ch::flash_size() + 4096);
        assert_eq!(refusal(hub_on(&[0xFF; 2048], flash())), "no provisioning block was written");
        let region = encode(&Provisioning::Ppmid(ppmid())).unwrap();
        assert_eq!(
            refusal(hub_on(&region, flash())),
            "the provisioning is for a PPMID, this is the firmware of a Communications Hub"
        );
        let region = encode(&Provisioning::Hub(HubProvisioning { signing_key: [0; 32], ..hub() })).unwrap();
        assert_eq!(
            refusal(hub_on(&region, flash())),
            "signing key: expected a private scalar of P-256 in 32 octets, found 32 octets that are none"
        );
    }
}
