//! An image on its way from the CSP into a block.
//!
//! Whether it may take its block is decided when its OTA Header is here, because an Alert that tells of a refusal names
//! the file version. Until then its octets wait in memory.

use crate::blocks::BlockName;
use alloc::vec::Vec;
use hanrig_wire::ota_file::OtaHeader;
use hanrig_wire::types::{DeviceType, Eui64};
use hanrig_wire::zcl::ota::ImageId;

/// A delivery that has begun and has no block yet.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub(crate) transfer: u32,
    pub(crate) device_type: DeviceType,
    pub(crate) targets: Vec<Eui64>,
    pub(crate) size: u32,
    pub(crate) sha256: [u8; 32],
    /// The octets that have arrived: fewer than an OTA Header has.
    pub(crate) head: Vec<u8>,
}

/// What an OTA Header says that the hub records (CH-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) image: ImageId,
    pub(crate) hardware: Option<(u16, u16)>,
}

/// The longest OTA Header that the hub waits for.
const LONGEST_HEADER: usize = 256;

impl Incoming {
    pub(crate) const fn block(&self) -> BlockName {
        BlockName::of(self.device_type)
    }

    /// What the OTA Header says, once it is here; an error when there is none.
    pub(crate) fn header(&self) -> Result<Option<Recorded>, ()> {
        match OtaHeader::parse(&self.head) {
            Ok((header, _)) => Ok(Some(Recorded {
                image: ImageId {
                    manufacturer_code: header.manufacturer_code,
                    image_type: header.image_type,
                    file_version: header.file_version,
                },
                hardware: header.hardware_versions.map(|versions| (versions.minimum, versions.maximum)),
            })),
            Err(_) if self.head.len() < LONGEST_HEADER && self.head.len() < self.size as usize => Ok(None),
            Err(_) => Err(()),
        }
    }
}
