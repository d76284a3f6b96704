//! Firmware as its manufacturer releases it: the image, and what comes with it.

use crate::bench::{Bench, OnHan};
use crate::rig::participants::own_supplier;
use hanrig_dcc::FirmwareHash;
use hanrig_dcc::data::{Code, CplEntry, CplImage, CplStatus, DccData};
use hanrig_dcc::supplier::FirmwarePackage;
use hanrig_wire::manufacturer_image::{self, OVERHEAD};
use hanrig_wire::ota_file::{self, HardwareVersions, OtaHeader, TRAILER_LENGTH};
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use hanrig_wire::zcl::ota::ImageId;

/// A release of firmware for a Device of the bench.
#[derive(Clone, Debug)]
pub struct Release {
    /// The Device.
    pub device: Eui64,
    /// Its type.
    pub device_type: DeviceType,
    /// What names the image.
    pub image: ImageId,
    /// What the manufacturer hands to a Supplier.
    pub package: FirmwarePackage,
    /// Hash of the Manufacturer Image, as it really is.
    pub hash: FirmwareHash,
    /// The OTA Upgrade Image as it is distributed: by SRV 11.4 as in the package, by SRV 11.1 with the signature of the
    /// Device's own Supplier after it.
    distributed: Vec<u8>,
}

/// What a release is like beside its version.
#[derive(Clone, Copy, Debug)]
pub struct Making {
    /// Octets of the OTA Upgrade Image as it is distributed.
    pub size: usize,
    /// Which part of how many it is.
    pub part: (u8, u8),
    /// What is wrong with the manufacturer's signature in it; everything else is right.
    pub flaw: Option<Flaw>,
}

/// What is wrong with a manufacturer's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It was changed.
    Changed,
    /// It is another's.
    OfAnother,
    /// The firmware was changed after it was signed.
    OfOtherFirmware,
}

impl Making {
    /// A sound image of `size` octets that is whole by itself.
    pub const fn of_size(size: usize) -> Self {
        Self { size, part: (1, 1), flaw: None }
    }
}

/// Why no release could be made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReleaseError {
    /// Smaller than an OTA Header and the least that a Manufacturer Image needs.
    #[error("an image of {0} octets is smaller than its headers and signature")]
    TooSmall(usize),
    /// The bench does not know the key of the Device's manufacturer.
    #[error("manufacturer {0:04X} of the Device is not on the bench")]
    NoManufacturer(u16),
    /// The bench does not know the key of the Device's Supplier.
    #[error("the Supplier of {0} is not on the bench")]
    NoSupplier(Eui64),
    /// What was built does not read back.
    #[error("the image does not read back: {0}")]
    DoesNotReadBack(#[from] hanrig_wire::ota_file::OtaFileError),
}

impl Release {
    /// Firmware of version `version` for `device`.
    ///
    /// # Errors
    /// [`ReleaseError`].
    pub fn new(
        bench: &Bench,
        device: OnHan<'_>,
        version: FirmwareVersion,
        making: Making,
    ) -> Result<Self, ReleaseError> {
        let code = device.manufacturer_code;
        let manufacturer = bench.manufacturer(code).ok_or(ReleaseError::NoManufacturer(code))?;
        // SRV 11.4 is for PPMIDs alone; SRV 11.1 adds the Supplier's signature, and the OTA Header counts it.
        let trailer = if device.device_type == DeviceType::Ppmid { 0 } else { TRAILER_LENGTH };
        let hardware =
            bench.data.smi.devices.get(&device.eui).map_or(device.hardware_version, |d| d.hardware_version.0);
        let header = OtaHeader {
            header_version: 0x0100,
            manufacturer_code: code,
            image_type: device.model,
            file_version: version,
            stack_version: 0x0002,
            header_string: OtaHeader::header_string_from(&format!("hanrig reference {} firmware", device.device_type)),
            hardware_versions: Some(HardwareVersions {
                minimum: hardware.saturating_sub(1),
                maximum: hardware.saturating_add(1),
            }),
            total_image_size: u32::try_from(making.size).unwrap_or(u32::MAX),
            ..OtaHeader::default()
        };
        let key = &manufacturer.signing_key;
        let mut octets = header.emit();
        let length = making.size.checked_sub(octets.len() + OVERHEAD + trailer);
        let length = length.ok_or(ReleaseError::TooSmall(making.size))?;
        let (part, parts) = making.part;
        let another = bench.suppliers.first().map(|supplier| &supplier.keys.ds);
        let signs = another.filter(|_| making.flaw == Some(Flaw::OfAnother)).unwrap_or(key);
        let mut image = manufacturer_image::build(&octets, part, parts, &body(version, part, length), signs);
        let middle = image.len() / 2;
        let changed = match making.flaw {
            Some(Flaw::Changed) => image.last_mut(),
            Some(Flaw::OfOtherFirmware) => image.get_mut(middle),
            Some(Flaw::OfAnother) | None => None,
        };
        if let Some(octet) = changed {
            *octet ^= 0x01;
        }
        octets.extend_from_slice(&image);
        let distributed = if trailer == 0 {
            octets.clone()
        } else {
            let supplier = own_supplier(bench, device.device_type);
            let supplier = bench.suppliers.iter().find(|party| Some(party.eui) == supplier);
            let supplier = supplier.ok_or(ReleaseError::NoSupplier(device.eui))?;
            ota_file::build_signed(header.clone(), &image, &supplier.keys.ds)
        };
        let hash = FirmwareHash(ota_file::hash(&image));
        let image = ImageId { manufacturer_code: code, image_type: device.model, file_version: version };
        let package = FirmwarePackage {
            creator_signature: Some(key.sign(&octets)),
            creator_key: key.verifying_key(),
            hash: Some(hash),
            ota_upgrade_image: octets,
        };
        let (device, device_type) = (device.eui, device.device_type);
        Ok(Self { device, device_type, image, package, hash, distributed })
    }

    /// The OTA Upgrade Image as it is distributed.
    pub fn octets(&self) -> &[u8] {
        &self.distributed
    }

    /// The OTA Header.
    ///
    /// # Errors
    /// None for a release that was made by [`Release::new`].
    pub fn header(&self) -> Result<OtaHeader, ReleaseError> {
        Ok(OtaHeader::parse(self.octets())?.0)
    }

    /// The CPL entry of the release, for the Device's model.
    pub fn cpl_entry(&self, data: &DccData, hardware_version: u16) -> CplEntry {
        let number = data.cpl.entries.iter().map(|entry| entry.number).max().unwrap_or(0) + 1;
        let like = data.cpl.entries.iter().find(|entry| entry.device_type == self.device_type);
        let recorded = data.smi.devices.get(&self.device).map(|device| device.hardware_version);
        let hardware_version = recorded.unwrap_or(Code(hardware_version));
        CplEntry {
            number,
            device_type: self.device_type.into(),
            manufacturer: Code(self.image.manufacturer_code),
            manufacturer_name: like.map(|entry| entry.manufacturer_name.clone()).unwrap_or_default(),
            model: Code(self.image.image_type),
            model_name: like.map(|entry| entry.model_name.clone()).unwrap_or_default(),
            hardware_version,
            firmware_version: self.image.file_version,
            smets_version: like.map_or_else(|| "5.1".to_owned(), |entry| entry.smets_version.clone()),
            gbcs_version: like.map_or_else(|| "4.1".to_owned(), |entry| entry.gbcs_version.clone()),
            status: CplStatus::Active,
            image: CplImage {
                creator: like.map(|entry| entry.image.creator.clone()).unwrap_or_default(),
                descriptor: format!("{} firmware {}", self.device_type, self.image.file_version),
                hash: self.hash,
            },
            certificates: like.map(|entry| entry.certificates.clone()).unwrap_or_default(),
        }
    }
}

/// The firmware proper: octets that differ from version to version and from part to part, and repeat nowhere soon.
fn body(version: FirmwareVersion, part: u8, length: usize) -> Vec<u8> {
    let mut state = u64::from(version.0) | u64::from(part) << 40;
    core::iter::repeat_with(|| {
        // SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)).to_le_bytes()
    })
    .flatten()
    .take(length)
    .collect()
}
