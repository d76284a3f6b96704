//! Submissions to the CPL: what has to be in them, and who has to have signed them.

use super::Panel;
use super::faults::Fault;
use crate::data::{
    Baselines, CertificateKind, Contact, CplEntry, CplStatus, DccData, DzirRecord, FirRecord, PhysicalDeviceType,
    ZigbeeBand,
};
use hanrig_wire::gbcs::{SIGNATURE_LENGTH, SigningKey};
use serde::Serialize;
use time::Date;

/// What is submitted: a CPL entry with its records for FIR and DZIR. The entry's number is the Panel's to give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Submission {
    /// Whether the firmware changes how the Device communicates over ZigBee.
    pub changes_zigbee: bool,
    /// The CPL entry; its number and status are of no meaning.
    pub entry: CplEntry,
    /// The details for the FIR.
    pub fir: Option<FirDetails>,
    /// The details for the DZIR.
    pub dzir: Option<DzirDetails>,
}

/// The details for the FIR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirDetails {
    /// What the manufacturer says of the release.
    pub release_notes: String,
    /// From which CPL entries the upgrade to this one is possible.
    pub baselines: Baselines,
    /// How to reach the manufacturer.
    pub contact: Contact,
}

/// The details for the DZIR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DzirDetails {
    /// Who makes the ZigBee chipset.
    pub chipset_vendor: String,
    /// The version of the ZigBee stack.
    pub stack_version: String,
    /// How the Device joins the HAN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub band: Option<ZigbeeBand>,
}

impl Submission {
    /// What the creator of the image signs: the details as TOML, in the order of their fields.
    pub fn signed_octets(&self) -> Vec<u8> {
        // None of these types can make TOML fail; what were not written would not be signed.
        toml::to_string(self).unwrap_or_default().into_bytes()
    }

    /// The submission with the signature of the image's creator.
    pub fn sign(self, creator: &SigningKey) -> SignedSubmission {
        let signature = creator.sign(&self.signed_octets());
        SignedSubmission { submission: self, signature }
    }
}

/// A submission as it comes to the Panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedSubmission {
    /// The details.
    pub submission: Submission,
    /// The signature of the image's creator over [`Submission::signed_octets`].
    pub signature: [u8; SIGNATURE_LENGTH],
}

/// Why a submission is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmissionError {
    /// CPL-01, FIR-01, DZIR-01: a field that has to be filled is empty.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// CPL-02: nobody knows the creator's key.
    #[error("CPL-02: no key of the image's creator {0:?} is known")]
    UnknownCreator(String),
    /// CPL-02: the signature is not the creator's.
    #[error("CPL-02: the signature is not that of the image's creator {0:?}")]
    Signature(String),
    /// The Hash is on the CPL for this Device Model.
    #[error("CPL entry {0} has the Hash for this Device Model already")]
    Duplicate(u32),
    /// CPL-03: there is no CPA certificate for the firmware version.
    #[error("CPL-03: no CPA certificate covers the firmware version")]
    NoCpaCertificate,
    /// CPL-03: the CPA certificate has expired.
    #[error("CPL-03: the CPA certificate {number} expired on {expired}")]
    CpaExpired {
        /// Its number.
        number: String,
        /// Its last day.
        expired: Date,
    },
    /// CPL-04: the firmware communicates in another way, and there is no new certificate for that.
    #[error("CPL-04: the firmware changes how the Device communicates over ZigBee and needs a new ZigBee certificate")]
    NoZigbeeCertificate,
    /// FIR-02: a baseline is no CPL entry of the Device Model.
    #[error("FIR-02: baseline {0} is no CPL entry of this Device Model")]
    Baseline(u32),
    /// FIR-03: the details for the FIR are missing.
    #[error("FIR-03: the details for the Firmware Information Repository are missing")]
    NoFirDetails,
    /// DZIR-01: the details for the DZIR are missing.
    #[error("DZIR-01: the details for the Device Zigbee Information Repository are missing")]
    NoDzirDetails,
}

fn filled(fields: &[(&'static str, &str)]) -> Result<(), SubmissionError> {
    match fields.iter().find(|(_, text)| text.trim().is_empty()) {
        Some((field, _)) => Err(SubmissionError::Missing(field)),
        None => Ok(()),
    }
}

impl Panel {
    /// Takes a submission: CPL, FIR and DZIR get their entries together, under a number that is given back.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it; all three stay as they were then.
    pub fn submit(&self, data: &mut DccData, today: Date, signed: &SignedSubmission) -> Result<u32, SubmissionError> {
        let Submission { changes_zigbee, entry, fir, dzir } = &signed.submission;
        self.check_entry(entry)?;
        self.check_signature(signed)?;
        let mut same_model = data.cpl.entries.iter().filter(|other| is_same_model(other, entry));
        let same_image = |other: &&CplEntry| other.status == CplStatus::Active && other.image.hash == entry.image.hash;
        if let Some(other) = same_model.find(same_image) {
            return Err(SubmissionError::Duplicate(other.number));
        }
        self.check_cpa(entry, today)?;
        if *changes_zigbee {
            self.check_zigbee(data, entry)?;
        }
        self.check_fir(data, entry, fir.as_ref())?;
        self.check_dzir(dzir.as_ref())?;
        let number = data.cpl.entries.iter().map(|entry| entry.number).max().unwrap_or(0).saturating_add(1);
        data.cpl.entries.push(CplEntry { number, status: CplStatus::Active, ..entry.clone() });
        if let Some(FirDetails { release_notes, baselines, contact }) = fir.clone() {
            let lost = self.faults.has(Fault::BaselinesUnrecorded);
            let baselines = if lost { Baselines::NotApplicable } else { baselines };
            let key = if self.faults.has(Fault::FirUnderAnotherNumber) { number.saturating_add(1) } else { number };
            data.fir.insert(key, FirRecord { entry: key, contact, release_notes, baselines });
        }
        if let Some(DzirDetails { chipset_vendor, stack_version, band }) = dzir.clone() {
            data.dzir.insert(number, DzirRecord { entry: number, chipset_vendor, stack_version, band });
        }
        Ok(number)
    }

    fn check_entry(&self, entry: &CplEntry) -> Result<(), SubmissionError> {
        if self.faults.has(Fault::FieldsUnchecked) {
            return Ok(());
        }
        filled(&[
            ("manufacturer", &entry.manufacturer_name),
            ("model", &entry.model_name),
            ("SMETS or CHTS version", &entry.smets_version),
            ("GBCS version", &entry.gbcs_version),
            ("creator of the Manufacturer Image", &entry.image.creator),
            ("descriptor of the Manufacturer Image", &entry.image.descriptor),
        ])?;
        let numbers = entry.certificates.iter().map(|certificate| certificate.number.as_str());
        filled(&numbers.map(|number| ("identification number of an Assurance Certificate", number)).collect::<Vec<_>>())
    }

    fn check_signature(&self, signed: &SignedSubmission) -> Result<(), SubmissionError> {
        if self.faults.has(Fault::SignatureUnchecked) {
            return Ok(());
        }
        let creator = &signed.submission.entry.image.creator;
        let key = self.creators.get(creator).ok_or_else(|| SubmissionError::UnknownCreator(creator.clone()))?;
        key.verify(&signed.submission.signed_octets(), &signed.signature)
            .map_err(|_| SubmissionError::Signature(creator.clone()))
    }

    /// A PPMID needs no CPA certificate; the other types do.
    fn check_cpa(&self, entry: &CplEntry, today: Date) -> Result<(), SubmissionError> {
        let exempt = entry.device_type == PhysicalDeviceType::Ppmid && !self.faults.has(Fault::CpaOfPpmid);
        if exempt || self.faults.has(Fault::CpaUnchecked) {
            return Ok(());
        }
        let certificates = entry.certificates.iter().filter(|certificate| certificate.kind == CertificateKind::Cpa);
        let covering =
            certificates.filter(|certificate| certificate.firmware_versions.contains(&entry.firmware_version));
        let mut expired = None;
        for certificate in covering {
            match certificate.expires {
                Some(expires) if expires < today && !self.faults.has(Fault::CpaExpiryUnchecked) => {
                    expired =
                        Some(SubmissionError::CpaExpired { number: certificate.number.clone(), expired: expires });
                }
                _ => return Ok(()),
            }
        }
        Err(expired.unwrap_or(SubmissionError::NoCpaCertificate))
    }

    /// A certificate is new where no earlier entry of the Device Model has it.
    fn check_zigbee(&self, data: &DccData, entry: &CplEntry) -> Result<(), SubmissionError> {
        if self.faults.has(Fault::ZigbeeUnchecked) {
            return Ok(());
        }
        let is_known = |number: &str| {
            let mut earlier = data.cpl.entries.iter().filter(|other| is_same_model(other, entry));
            earlier.any(|other| other.certificates.iter().any(|certificate| certificate.number == number))
                && !self.faults.has(Fault::ZigbeeOfEarlierEntry)
        };
        let mut certificates = entry.certificates.iter();
        let has_new = certificates
            .any(|certificate| certificate.kind == CertificateKind::ZigBee && !is_known(&certificate.number));
        if has_new { Ok(()) } else { Err(SubmissionError::NoZigbeeCertificate) }
    }

    fn check_fir(&self, data: &DccData, entry: &CplEntry, details: Option<&FirDetails>) -> Result<(), SubmissionError> {
        let Some(FirDetails { release_notes, baselines, contact }) = details else {
            let taken = self.faults.has(Fault::TakesWithoutFir);
            return if taken { Ok(()) } else { Err(SubmissionError::NoFirDetails) };
        };
        if !self.faults.has(Fault::ContactUnchecked) {
            filled(&[
                ("FIR-01: email address of the manufacturer", &contact.email),
                ("FIR-01: telephone number of the manufacturer", &contact.telephone),
                ("FIR-01: business address of the manufacturer", &contact.address),
                ("FIR-01: release notes", release_notes),
            ])?;
        }
        if matches!(baselines, Baselines::Entries(entries) if entries.is_empty()) {
            return Err(SubmissionError::Missing("FIR-01: baselines, or N/A"));
        }
        let is_baseline =
            |number: &u32| data.cpl.numbered(*number).is_some_and(|baseline| is_same_model(baseline, entry));
        match baselines.entries().iter().find(|number| !is_baseline(number)) {
            Some(number) if !self.faults.has(Fault::BaselinesUnchecked) => Err(SubmissionError::Baseline(*number)),
            _ => Ok(()),
        }
    }

    fn check_dzir(&self, details: Option<&DzirDetails>) -> Result<(), SubmissionError> {
        if self.faults.has(Fault::DzirUnchecked) {
            return Ok(());
        }
        let details = details.ok_or(SubmissionError::NoDzirDetails)?;
        filled(&[
            ("DZIR-01: ZigBee chipset vendor", &details.chipset_vendor),
            ("DZIR-01: ZigBee stack version", &details.stack_version),
        ])
    }
}

/// Whether two entries are of one Device Model.
fn is_same_model(one: &CplEntry, other: &CplEntry) -> bool {
    one.device_type == other.device_type && one.device_model() == other.device_model()
}
