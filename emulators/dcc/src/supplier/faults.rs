//! Ways for a Supplier to be wrong on purpose.

use crate::faults::faults;

faults! {
    /// sends an image that comes without the creator's signature.
    SendsUnsigned: "SUP-01";
    /// sends an image that comes without a Hash.
    SendsWithoutHash: "SUP-01";
    /// does not check the creator's signature.
    SignatureUnchecked: "SUP-02";
    /// checks the creator's signature over the Manufacturer Image without the OTA Header.
    SignatureOverLess: "SUP-02";
    /// does not compare the Hash with the one that came with the image.
    HashUnchecked: "SUP-03";
    /// does not look whether the Hash is on the CPL.
    CplUnchecked: "SUP-04", "CPL-05";
    /// takes a CPL entry that has been removed for one that holds.
    TakesRemovedEntries: "SUP-04", "CPL-05";
    /// does not compare the OTA Header's manufacturer with the CPL entry's.
    ManufacturerUnchecked: "SUP-04";
    /// does not compare the OTA Header's image type with the CPL entry's model.
    ModelUnchecked: "SUP-04";
    /// does not compare the OTA Header's file version with the CPL entry's firmware version.
    VersionUnchecked: "SUP-04";
    /// does not look at hardware versions.
    HardwareUnchecked: "SUP-04";
    /// takes the minimum hardware version as out of range.
    ExcludesHardwareMinimum: "SUP-04";
    /// takes the maximum hardware version as out of range.
    ExcludesHardwareMaximum: "SUP-04";
    /// does not wait for the Alerts on an update before it sends again.
    SendsWithoutWaiting: "SUP-05";
    /// sends again within five days.
    SendsWithinFiveDays: "SUP-05";
    /// does not read the firmware version before it sends.
    SendsWithoutReading: "SUP-06";
    /// does not wait for a month when a Device did not tell its version.
    ReadsAgainAtOnce: "SUP-06";
    /// does not look whether an image is next for a Device.
    OrderUnchecked: "PATH-01";
    /// sends the wanted image without those that come before it.
    SkipsUpgrades: "PATH-01";
    /// signs a Pre-Command that is not what it asked for.
    SignsUnchecked: "SR-05";
}
