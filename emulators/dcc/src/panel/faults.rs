//! Ways for the Panel to be wrong on purpose.

use crate::faults::faults;

faults! {
    /// takes a submission that does not say who made the image, or lacks its descriptor or a version.
    FieldsUnchecked: "CPL-01";
    /// does not check the creator's signature.
    SignatureUnchecked: "CPL-02";
    /// takes an HCALCS entry without a CPA certificate that covers its firmware version.
    CpaUnchecked: "CPL-03";
    /// takes a CPA certificate that has expired.
    CpaExpiryUnchecked: "CPL-03";
    /// wants a CPA certificate of a PPMID.
    CpaOfPpmid: "CPL-03";
    /// wants no ZigBee certificate when the Device communicates in another way.
    ZigbeeUnchecked: "CPL-04";
    /// takes the ZigBee certificate of an earlier entry for a new one.
    ZigbeeOfEarlierEntry: "CPL-04";
    /// leaves an entry that is removed on the list.
    RemovalIneffective: "CPL-05";
    /// takes what FIR and DZIR have of an entry out of them when the entry is removed.
    RemovalForgetsRecords: "FIR-01", "DZIR-01";
    /// takes a submission without the manufacturer's contact details or release notes.
    ContactUnchecked: "FIR-01";
    /// takes baselines that are on no CPL entry of the Device Model.
    BaselinesUnchecked: "FIR-02";
    /// records no baselines in the FIR.
    BaselinesUnrecorded: "FIR-01", "FIR-02";
    /// takes a submission that lacks FIR details.
    TakesWithoutFir: "FIR-03";
    /// gives the FIR's record another number than the CPL entry.
    FirUnderAnotherNumber: "FIR-03";
    /// lets anybody read the FIR.
    FirForAnyone: "FIR-04";
    /// takes a submission without chipset vendor or stack version.
    DzirUnchecked: "DZIR-01";
    /// lets every SEC Party read the DZIR.
    DzirForAnyParty: "DZIR-02";
    /// takes the SEC Panel's word for who may read the DZIR.
    PanelGrantsDzir: "DZIR-02";
    /// grants access to the DZIR without effect.
    GrantIneffective: "DZIR-02";
}

impl super::Panel {
    /// Makes the Panel wrong in this way from now on.
    #[cfg(feature = "planted-faults")]
    pub fn plant(&mut self, fault: Fault) {
        self.faults.plant(fault);
    }
}
