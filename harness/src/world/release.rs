//! Firmware as its manufacturer releases it: the image, and what comes with it.

use crate::bench::{Bench, Ppmid};
use hanrig_dcc::FirmwareHash;
use hanrig_dcc::data::{Code, CplEntry, CplImage, CplStatus, DccData};
use hanrig_dcc::supplier::FirmwarePackage;
use hanrig_wire::manufacturer_image::build_upgrade_image;
use hanrig_wire::ota_file::{HardwareVersions, OtaHeader, OtaUpgradeImage};
use hanrig_wire::types::{DeviceType, FirmwareVersion};
use hanrig_wire::zcl::ota::ImageId;

/// A release of firmware for the PPMID of the bench.
#[derive(Clone, Debug)]
pub struct Release {
    /// What names the image.
    pub image: ImageId,
    /// What the manufacturer hands to a Supplier.
    pub package: FirmwarePackage,
    /// Hash of the Manufacturer Image, as it really is.
    pub hash: FirmwareHash,
}

/// Why no release could be made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReleaseError {
    /// Smaller than an OTA Header and the least that a Manufacturer Image needs.
    #[error("an image of {0} octets is smaller than its headers and signature")]
    TooSmall(usize),
    /// The bench does not know the key of the PPMID's manufacturer.
    #[error("manufacturer {0:04X} of the PPMID is not on the bench")]
    NoManufacturer(u16),
    /// What was built does not read back.
    #[error("the image does not read back: {0}")]
    DoesNotReadBack(#[from] hanrig_wire::ota_file::OtaFileError),
}

impl Release {
    /// Firmware of version `version` for `ppmid`, whose OTA Upgrade Image has exactly `size` octets. With `sound` false the
    /// manufacturer's signature inside it is wrong, and everything else is right.
    ///
    /// # Errors
    /// [`ReleaseError`].
    pub fn new(
        bench: &Bench,
        ppmid: &Ppmid,
        version: FirmwareVersion,
        size: usize,
        sound: bool,
    ) -> Result<Self, ReleaseError> {
        let manufacturer =
            bench.manufacturer(ppmid.manufacturer_code).ok_or(ReleaseError::NoManufacturer(ppmid.manufacturer_code))?;
        let model = bench.data.smi.devices.get(&ppmid.eui).map_or(ppmid.hardware_version, |d| d.hardware_version.0);
        let header = OtaHeader {
            header_version: 0x0100,
            manufacturer_code: ppmid.manufacturer_code,
            image_type: ppmid.model,
            file_version: version,
            stack_version: 0x0002,
            header_string: OtaHeader::header_string_from("hanrig reference PPMID firmware"),
            hardware_versions: Some(HardwareVersions {
                minimum: model.saturating_sub(1),
                maximum: model.saturating_add(1),
            }),
            ..OtaHeader::default()
        };
        let key = &manufacturer.signing_key;
        let overhead = build_upgrade_image(header.clone(), 1, 1, &[], key).len();
        let length = size.checked_sub(overhead).ok_or(ReleaseError::TooSmall(size))?;
        let mut octets = build_upgrade_image(header, 1, 1, &body(version, length), key);
        if !sound && let Some(last) = octets.last_mut() {
            *last ^= 0x01;
        }
        let image = OtaUpgradeImage::parse_unsigned(&octets)?;
        let hash = FirmwareHash(image.hash());
        let image = ImageId {
            manufacturer_code: image.header.manufacturer_code,
            image_type: image.header.image_type,
            file_version: image.header.file_version,
        };
        let package = FirmwarePackage {
            creator_signature: Some(key.sign(&octets)),
            creator_key: key.verifying_key(),
            hash: Some(hash),
            ota_upgrade_image: octets,
        };
        Ok(Self { image, package, hash })
    }

    /// The OTA Upgrade Image.
    pub fn octets(&self) -> &[u8] {
        &self.package.ota_upgrade_image
    }

    /// The OTA Header.
    ///
    /// # Errors
    /// None for a release that was made by [`Release::new`].
    pub fn header(&self) -> Result<OtaHeader, ReleaseError> {
        Ok(OtaHeader::parse(self.octets())?.0)
    }

    /// The CPL entry of the release, for the PPMID's Device Model.
    pub fn cpl_entry(&self, data: &DccData, ppmid: &Ppmid) -> CplEntry {
        let number = data.cpl.entries.iter().map(|entry| entry.number).max().unwrap_or(0) + 1;
        let like = data.cpl.entries.iter().find(|entry| entry.device_type == DeviceType::Ppmid);
        let hardware_version =
            data.smi.devices.get(&ppmid.eui).map_or(Code(ppmid.hardware_version), |device| device.hardware_version);
        CplEntry {
            number,
            device_type: DeviceType::Ppmid,
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
                descriptor: format!("PPMID firmware {}", self.image.file_version),
                hash: self.hash,
            },
            certificates: like.map(|entry| entry.certificates.clone()).unwrap_or_default(),
        }
    }
}

/// The firmware proper: octets that differ from version to version and repeat nowhere soon.
fn body(version: FirmwareVersion, length: usize) -> Vec<u8> {
    let mut state = u64::from(version.0) | 1 << 40;
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
