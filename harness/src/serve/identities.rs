//! Who is behind each hub of the DCC's data: a bench of its own for every hub that software plays.
//!
//! A bench file names identities and keys of a few Devices; the DCC's data may hold many more. What the bench has is taken
//! from it. For every other Device, keys and install codes follow from the seed and the Device's identifier, so that they
//! are the same at every start.

use crate::bench::{
    Band, Bands, Bench, Device, DeviceDeclaration, Hub, HubProfile, Keys, Manufacturer, Network, Player, Ppmid,
    PpmidDeclaration, Supplier,
};
use crate::rig::participants::seed_for;
use hanrig_dcc::data::{DccData, SmiDevice, SmiStatus, User};
use hanrig_devices::{Declaration, Kind};
use hanrig_wire::gbcs::{SecretKey, SigningKey};
use hanrig_wire::security::InstallCode;
use hanrig_wire::types::{DeviceType, Eui64, Key128};

/// The bench of the premises behind `hub`, if the DCC's data have that hub.
pub(super) fn premises(base: &Bench, data: &DccData, hub: Eui64, seed: u64) -> Option<Bench> {
    let found = data.hubs.get(&hub)?;
    let mut bench = Bench { data: DccData::default(), ppmids: Vec::new(), ..base.clone() };
    let is_own = base.hub.eui == hub;
    if !is_own {
        bench.network = network(base, hub, seed);
    }
    bench.hub = if is_own { base.hub.clone() } else { hub_of(base, data, hub, seed)? };
    bench.hub.player = Player::Software { radio: None };
    bench.hub.region = found.region;
    bench.devices.clear();
    bench.reserve.clear();
    for device in data.smi.on_hub(hub).filter(|device| is_on_han(device.status)) {
        if let Some(kind) = kind(device.device_type) {
            bench.devices.push(device_of(base, device, kind, seed));
        } else if device.device_type == DeviceType::Ppmid {
            bench.ppmids.push(ppmid_of(base, device, seed));
        }
    }
    // Those who have to be known, so that Devices can tell who commands them and who made their images.
    for device in data.smi.on_hub(hub) {
        let code = device.manufacturer.0;
        if bench.manufacturer(code).is_none() {
            let name = format!("manufacturer {code:04X}");
            let signing_key = signing_key(seed, &name);
            bench.manufacturers.push(Manufacturer { name, code, signing_key });
        }
    }
    for user in data.users.values() {
        if !bench.suppliers.iter().any(|supplier| supplier.eui == user.id) {
            bench.suppliers.push(supplier_of(user, seed));
        }
    }
    bench.data.registration.premises =
        data.registration.premises.iter().filter(|premises| premises.hub == hub).cloned().collect();
    Some(bench)
}

/// Who in the DCC's data has no keys on the bench, so that nobody outside can sign for them: one line each.
pub(super) fn unknown(base: &Bench, data: &DccData) -> Vec<String> {
    let is_known = |user: &&User| base.suppliers.iter().any(|supplier| supplier.eui == user.id);
    let users = data.users.values().filter(|user| user.role.is_supplier() && !is_known(user));
    let users = users.map(|user| {
        let (name, id) = (&user.name, user.id);
        format!("the bench has no keys of {name} ({id}): a Signed Pre-Command of theirs will not verify")
    });
    let mut codes: Vec<u16> = data.smi.devices.values().map(|device| device.manufacturer.0).collect();
    codes.sort_unstable();
    codes.dedup();
    let codes =
        codes.into_iter().filter(|code| base.manufacturer(*code).is_none() && *code != base.hub.manufacturer_code);
    let codes = codes.map(|code| {
        format!("the bench has no key of manufacturer {code:04X}: Devices in software will take no image of theirs")
    });
    users.chain(codes).collect()
}

/// Whether a Device of that status has joined the hub's network or may do so.
const fn is_on_han(status: SmiStatus) -> bool {
    matches!(
        status,
        SmiStatus::Whitelisted | SmiStatus::InstalledNotCommissioned | SmiStatus::Commissioned | SmiStatus::Suspended
    )
}

const fn kind(device_type: DeviceType) -> Option<Kind> {
    match device_type {
        DeviceType::Esme => Some(Kind::Esme),
        DeviceType::Gsme => Some(Kind::Gsme),
        DeviceType::Hcalcs => Some(Kind::Hcalcs),
        _ => None,
    }
}

/// A scalar of P-256 that follows from `seed` and `who`. Of 2^32 digests about one is none; the next one is taken then.
fn scalar<K, E>(seed: u64, who: &str, key: impl Fn(&[u8]) -> Result<K, E>) -> K {
    let mut name = who.to_owned();
    loop {
        if let Ok(key) = key(&seed_for(seed, &name)) {
            return key;
        }
        name.push('+');
    }
}

fn signing_key(seed: u64, who: &str) -> SigningKey {
    scalar(seed, &format!("{who} digital signing"), SigningKey::from_scalar)
}

fn keys(seed: u64, eui: Eui64) -> Keys {
    let ka = scalar(seed, &format!("{eui} key agreement"), SecretKey::from_scalar);
    Keys { ds: signing_key(seed, &eui.to_string()), ka }
}

fn install_code(seed: u64, eui: Eui64) -> Option<InstallCode> {
    let random = seed_for(seed, &format!("{eui} install code"));
    let code = random.first_chunk::<16>()?;
    InstallCode::new(&[code.as_slice(), &InstallCode::crc(code)].concat()).ok()
}

fn network(base: &Bench, hub: Eui64, seed: u64) -> Network {
    let random = seed_for(seed, &format!("{hub} network"));
    let [a, b, key @ ..] = random;
    let mut network_key = [0; 16];
    for (to, from) in network_key.iter_mut().zip(key) {
        *to = from;
    }
    // 0xFFFF is the broadcast PAN, and 0 is left to those who look for it.
    let pan_id = u16::from_be_bytes([a, b]).clamp(1, 0xFFFE);
    Network { pan_id, extended_pan_id: hub.0, network_key: Key128(network_key), ..base.network.clone() }
}

fn hub_of(base: &Bench, data: &DccData, hub: Eui64, seed: u64) -> Option<Hub> {
    let in_smi = data.smi.devices.get(&hub);
    Some(Hub {
        player: Player::Software { radio: None },
        wan: None,
        eui: hub,
        region: data.hubs.get(&hub)?.region,
        manufacturer_code: in_smi.map_or(base.hub.manufacturer_code, |device| device.manufacturer.0),
        firmware_version: in_smi.map_or(base.hub.firmware_version, |device| device.firmware_version),
        profile: HubProfile { maker: String::new(), bands: Bands::Single, ..base.hub.profile.clone() },
        keys: keys(seed, hub),
    })
}

fn ppmid_of(base: &Bench, device: &SmiDevice, seed: u64) -> Ppmid {
    let declared = || PpmidDeclaration {
        sends_hardware_version: true,
        block_size: 50,
        block_pause: std::time::Duration::ZERO,
        page_requests: false,
        query_period: hanrig_ppmid::Declaration::default().query_period,
        verification: std::time::Duration::ZERO,
        predates_gbcs: false,
    };
    let known = base.ppmids.iter().find(|ppmid| ppmid.eui == device.id);
    Ppmid {
        name: device.id.to_string(),
        player: Player::Software { radio: None },
        eui: device.id,
        band: Band::default(),
        install_code: known.map_or_else(|| derived_code(base, seed, device.id), |ppmid| ppmid.install_code.clone()),
        manufacturer_code: device.manufacturer.0,
        model: device.model.0,
        hardware_version: device.hardware_version.0,
        firmware_version: device.firmware_version,
        declaration: known.map_or_else(declared, |ppmid| ppmid.declaration.clone()),
        keys: known.map_or_else(|| keys(seed, device.id), |ppmid| ppmid.keys.clone()),
    }
}

fn device_of(base: &Bench, device: &SmiDevice, kind: Kind, seed: u64) -> Device {
    let common = Declaration::of(kind);
    let declared = || DeviceDeclaration {
        sends_hardware_version: common.sends_hardware_version,
        block_size: common.block_size,
        block_pause: common.block_pause,
        page_requests: common.page_requests,
        answer_timeout: common.answer_timeout,
        repeats: common.repeats,
        query_period: common.query_period,
        follows_notify: common.follows_notify,
        verification: common.verification,
        receipt_alert: common.receipt_alert,
    };
    let known = base.devices.iter().chain(&base.reserve).find(|known| known.eui == device.id);
    Device {
        kind,
        name: device.id.to_string(),
        player: Player::Software { radio: None },
        eui: device.id,
        band: Band::default(),
        install_code: known.map_or_else(|| derived_code(base, seed, device.id), |known| known.install_code.clone()),
        manufacturer_code: device.manufacturer.0,
        model: device.model.0,
        hardware_version: device.hardware_version.0,
        firmware_version: device.firmware_version,
        declaration: known.map_or_else(declared, |known| known.declaration.clone()),
        keys: known.map_or_else(|| keys(seed, device.id), |known| known.keys.clone()),
    }
}

/// A code of 16 octets with its CRC is always one; the bench's first stands in where that should ever change.
fn derived_code(base: &Bench, seed: u64, eui: Eui64) -> InstallCode {
    let first = || base.ppmids.first().map(|ppmid| ppmid.install_code.clone());
    match install_code(seed, eui).or_else(first) {
        Some(code) => code,
        None => unreachable!("a bench has at least one PPMID"),
    }
}

fn supplier_of(user: &User, seed: u64) -> Supplier {
    Supplier { name: user.name.clone(), role: user.role, eui: user.id, keys: keys(seed, user.id) }
}
