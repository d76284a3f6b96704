//! The SEC Panel: keeps CPL, FIR and DZIR (MP231, BR 3.3). It takes signed submissions, removes entries, and says who may
//! read what; [`pathway`] tells in which order a Device can be upgraded.

mod faults;
pub mod pathway;
mod submission;

#[cfg(feature = "planted-faults")]
pub use faults::Fault;
pub use submission::{DzirDetails, FirDetails, SignedSubmission, Submission, SubmissionError};

use crate::data::{CplStatus, DccData, DzirRecord, FirRecord};
use crate::faults::Faults;
use hanrig_wire::gbcs::VerifyingKey;
use std::collections::{BTreeMap, BTreeSet};

/// Who wants to read a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reader {
    /// What it is called.
    pub name: String,
    /// Whether it is a SEC Party.
    pub is_sec_party: bool,
}

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// The SEC Panel.
    Panel,
    /// The Security Sub-Committee.
    SecuritySubCommittee,
}

/// Why somebody may not do what they want to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// SEC F2.17B.
    #[error("the Firmware Information Repository is for SEC Parties only")]
    NotSecParty,
    /// SEC F2.38.
    #[error("the Security Sub-Committee has not granted access to the Device Zigbee Information Repository")]
    NotGranted,
    /// SEC F2.38.
    #[error("access to the Device Zigbee Information Repository is the Security Sub-Committee's to grant")]
    NotSecuritySubCommittee,
}

/// The Panel.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The keys with which the creators of images sign submissions.
    creators: BTreeMap<String, VerifyingKey>,
    /// Who may read the DZIR.
    dzir_readers: BTreeSet<String>,
    faults: Faults<faults::Fault>,
}

impl Panel {
    /// A Panel that knows these creators of images, by name, and has granted nobody access to the DZIR.
    pub const fn new(creators: BTreeMap<String, VerifyingKey>) -> Self {
        Self { creators, dzir_readers: BTreeSet::new(), faults: Faults::none() }
    }

    /// Removes a CPL entry: its image is not distributed any more. FIR and DZIR keep their records. Says whether it stood.
    pub fn remove(&self, data: &mut DccData, number: u32) -> bool {
        let entry = data.cpl.entries.iter_mut().find(|entry| entry.number == number);
        let Some(entry) = entry.filter(|entry| entry.status == CplStatus::Active) else { return false };
        if !self.faults.has(faults::Fault::RemovalIneffective) {
            entry.status = CplStatus::Removed;
        }
        if self.faults.has(faults::Fault::RemovalForgetsRecords) {
            data.fir.remove(&number);
            data.dzir.remove(&number);
        }
        true
    }

    /// The FIR's record of a CPL entry.
    ///
    /// # Errors
    ///
    /// That the reader is no SEC Party (FIR-04).
    pub fn fir<'a>(
        &self,
        data: &'a DccData,
        reader: &Reader,
        number: u32,
    ) -> Result<Option<&'a FirRecord>, AccessError> {
        if !reader.is_sec_party && !self.faults.has(faults::Fault::FirForAnyone) {
            return Err(AccessError::NotSecParty);
        }
        Ok(data.fir.get(&number))
    }

    /// Lets a SEC Party read the DZIR, or takes that away again.
    ///
    /// # Errors
    ///
    /// That it is not the Security Sub-Committee that decides, or that the reader is no SEC Party (DZIR-02).
    pub fn set_dzir_access(&mut self, authority: Authority, reader: &Reader, granted: bool) -> Result<(), AccessError> {
        if authority != Authority::SecuritySubCommittee && !self.faults.has(faults::Fault::PanelGrantsDzir) {
            return Err(AccessError::NotSecuritySubCommittee);
        }
        if !reader.is_sec_party {
            return Err(AccessError::NotSecParty);
        }
        if granted && !self.faults.has(faults::Fault::GrantIneffective) {
            self.dzir_readers.insert(reader.name.clone());
        } else {
            self.dzir_readers.remove(&reader.name);
        }
        Ok(())
    }

    /// The DZIR's record of a CPL entry.
    ///
    /// # Errors
    ///
    /// That access was not granted (DZIR-02).
    pub fn dzir<'a>(
        &self,
        data: &'a DccData,
        reader: &Reader,
        number: u32,
    ) -> Result<Option<&'a DzirRecord>, AccessError> {
        let granted = self.dzir_readers.contains(&reader.name);
        if granted || reader.is_sec_party && self.faults.has(faults::Fault::DzirForAnyParty) {
            return Ok(data.dzir.get(&number));
        }
        Err(AccessError::NotGranted)
    }
}
