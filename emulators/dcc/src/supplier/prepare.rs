//! The checks that a Supplier makes before SRV 11.1 and SRV 11.4 (SEC Appendix AB 2.2, BR 4.1.1).

use super::faults::Fault;
use crate::data::{Code, Cpl, CplEntry};
use crate::faults::Faults;
use crate::hash::FirmwareHash;
use hanrig_wire::gbcs::{SIGNATURE_LENGTH, SigningKey, VerifyError, VerifyingKey};
use hanrig_wire::ota_file::{self, OtaFileError, OtaHeader, OtaUpgradeImage, SIGNATURE_MARKER};
use hanrig_wire::types::FirmwareVersion;

/// What the creator of an image hands over.
#[derive(Clone, Debug)]
pub struct FirmwarePackage {
    /// OTA Header || Manufacturer Image.
    pub ota_upgrade_image: Vec<u8>,
    /// The creator's signature over OTA Header || Manufacturer Image.
    pub creator_signature: Option<[u8; SIGNATURE_LENGTH]>,
    /// The creator's public key, which the Supplier knows beforehand.
    pub creator_key: VerifyingKey,
    /// The Hash that the creator says the Manufacturer Image has.
    pub hash: Option<FirmwareHash>,
}

/// Why a Supplier does not send an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SupplierRefusal {
    /// SUP-01: something is missing.
    #[error("SUP-01: the package lacks {0}")]
    Incomplete(&'static str),
    /// SUP-01: what is there is not an OTA Header and a Manufacturer Image.
    #[error("SUP-01: not an OTA Upgrade Image: {0}")]
    InvalidImage(OtaFileError),
    /// SUP-02: the signature is not the creator's.
    #[error("SUP-02: the signature over OTA Header and Manufacturer Image is not that of the image's creator: {0}")]
    Signature(VerifyError),
    /// SUP-03: the Hash is not the one provided.
    #[error("SUP-03: the Manufacturer Image has the Hash {computed}, but {provided} was provided")]
    Hash {
        /// Over the Manufacturer Image.
        computed: FirmwareHash,
        /// From the creator.
        provided: FirmwareHash,
    },
    /// SUP-04: the Hash is on no active entry.
    #[error("SUP-04: Hash {0} is on no active CPL entry")]
    NotOnCpl(FirmwareHash),
    /// SUP-04: the OTA Header names another manufacturer, model or firmware version than each entry with the Hash.
    #[error(
        "SUP-04: the OTA Header's manufacturer {manufacturer}, model {model} and firmware version {version} match no \
         CPL entry with the Hash"
    )]
    HeaderMismatch {
        /// Of the OTA Header.
        manufacturer: Code,
        /// Of the OTA Header.
        model: Code,
        /// Of the OTA Header.
        version: FirmwareVersion,
    },
    /// SUP-04: the OTA Header gives no hardware versions.
    #[error("SUP-04: the OTA Header gives no minimum and maximum hardware version")]
    NoHardwareVersions,
    /// SUP-04: no matching entry's hardware version is in the OTA Header's range.
    #[error("SUP-04: the OTA Header's hardware versions {minimum} to {maximum} take in no matching CPL entry's")]
    HardwareVersion {
        /// Of the OTA Header.
        minimum: Code,
        /// Of the OTA Header.
        maximum: Code,
    },
}

/// An image that passed the Supplier's checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedImage {
    header: OtaHeader,
    manufacturer_image: Vec<u8>,
    hash: FirmwareHash,
    entries: Vec<u32>,
}

impl PreparedImage {
    /// The OTA Header.
    pub const fn header(&self) -> &OtaHeader {
        &self.header
    }

    /// OTA Header || Manufacturer Image, as SRV 11.4 carries it.
    pub fn ota_upgrade_image(&self) -> Vec<u8> {
        ota_file::build(self.header.clone(), &self.manufacturer_image, None)
    }

    /// OTA Header || Manufacturer Image || 0x0040 || the Supplier's signature over the Manufacturer Image, as SRV 11.1
    /// carries it. The header's total image size takes in the signature there.
    pub fn signed_ota_upgrade_image(&self, supplier: &SigningKey) -> Vec<u8> {
        ota_file::build_signed(self.header.clone(), &self.manufacturer_image, supplier)
    }

    /// Hash of the Manufacturer Image.
    pub const fn hash(&self) -> FirmwareHash {
        self.hash
    }

    /// The version that the image brings.
    pub const fn firmware_version(&self) -> FirmwareVersion {
        self.header.file_version
    }

    /// The numbers of the CPL entries that the image is for.
    pub fn cpl_entries(&self) -> &[u32] {
        &self.entries
    }
}

/// Makes the checks SUP-01 to SUP-04, in that order.
///
/// A package for SRV 11.1 has a header whose total image size counts the signature that SRV 11.1 appends; one for SRV
/// 11.4 has a header whose total image size does not. Either is taken.
///
/// # Errors
///
/// The first check that fails; nothing is to be sent then.
pub fn prepare(package: &FirmwarePackage, cpl: &Cpl) -> Result<PreparedImage, SupplierRefusal> {
    checked(package, cpl, &Faults::none())
}

/// [`prepare`], by a Supplier that may be wrong.
pub(super) fn checked(
    package: &FirmwarePackage,
    cpl: &Cpl,
    faults: &Faults<Fault>,
) -> Result<PreparedImage, SupplierRefusal> {
    if package.creator_signature.is_none() && !faults.has(Fault::SendsUnsigned) {
        return Err(SupplierRefusal::Incomplete("the creator's signature"));
    }
    if package.hash.is_none() && !faults.has(Fault::SendsWithoutHash) {
        return Err(SupplierRefusal::Incomplete("the Hash of the Manufacturer Image"));
    }
    let octets = &package.ota_upgrade_image;
    // A header for SRV 11.1 counts octets that are not there yet.
    let mut signed = octets.clone();
    signed.extend_from_slice(&SIGNATURE_MARKER);
    signed.extend_from_slice(&[0; SIGNATURE_LENGTH]);
    let image = OtaUpgradeImage::parse_unsigned(octets)
        .or_else(|e| OtaUpgradeImage::parse_signed(&signed).map_err(|_| e))
        .map_err(SupplierRefusal::InvalidImage)?;
    if image.manufacturer_image.is_empty() {
        return Err(SupplierRefusal::Incomplete("the Manufacturer Image"));
    }
    let signed = if faults.has(Fault::SignatureOverLess) { image.manufacturer_image } else { octets };
    if let Some(signature) = package.creator_signature
        && !faults.has(Fault::SignatureUnchecked)
    {
        package.creator_key.verify(signed, &signature).map_err(SupplierRefusal::Signature)?;
    }
    let computed = FirmwareHash(image.hash());
    if let Some(provided) = package.hash
        && computed != provided
        && !faults.has(Fault::HashUnchecked)
    {
        return Err(SupplierRefusal::Hash { computed, provided });
    }
    let entries = check_cpl(&image.header, computed, cpl, faults)?;
    Ok(PreparedImage {
        header: image.header.clone(),
        manufacturer_image: image.manufacturer_image.to_vec(),
        hash: computed,
        entries,
    })
}

/// SUP-04.
fn check_cpl(
    header: &OtaHeader,
    hash: FirmwareHash,
    cpl: &Cpl,
    faults: &Faults<Fault>,
) -> Result<Vec<u32>, SupplierRefusal> {
    if faults.has(Fault::CplUnchecked) {
        return Ok(Vec::new());
    }
    let mut entries: Vec<&CplEntry> = cpl.active_with_hash(hash).collect();
    if faults.has(Fault::TakesRemovedEntries) {
        entries = cpl.entries.iter().filter(|entry| entry.image.hash == hash).collect();
    }
    if entries.is_empty() {
        return Err(SupplierRefusal::NotOnCpl(hash));
    }
    let (manufacturer, model, version) = (Code(header.manufacturer_code), Code(header.image_type), header.file_version);
    let matching: Vec<&CplEntry> = entries
        .into_iter()
        .filter(|entry| entry.manufacturer == manufacturer || faults.has(Fault::ManufacturerUnchecked))
        .filter(|entry| entry.model == model || faults.has(Fault::ModelUnchecked))
        .filter(|entry| entry.firmware_version == version || faults.has(Fault::VersionUnchecked))
        .collect();
    if matching.is_empty() {
        return Err(SupplierRefusal::HeaderMismatch { manufacturer, model, version });
    }
    let range = header.hardware_versions.ok_or(SupplierRefusal::NoHardwareVersions)?;
    let fitting: Vec<u32> = matching
        .into_iter()
        .filter(|entry| range.contains(entry.hardware_version.0) || faults.has(Fault::HardwareUnchecked))
        .filter(|entry| entry.hardware_version.0 != range.minimum || !faults.has(Fault::ExcludesHardwareMinimum))
        .filter(|entry| entry.hardware_version.0 != range.maximum || !faults.has(Fault::ExcludesHardwareMaximum))
        .map(|entry| entry.number)
        .collect();
    if fitting.is_empty() {
        return Err(SupplierRefusal::HardwareVersion { minimum: Code(range.minimum), maximum: Code(range.maximum) });
    }
    Ok(fitting)
}
