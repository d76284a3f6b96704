//! The certificates of a bench: who signs DUIS messages with what.
//!
//! The rig issues them itself, with a test PKI that follows from the bench's name: the same bench has the same
//! certificates each time.

use std::collections::BTreeMap;
use std::sync::Arc;

use hanrig_dcc::security::{
    CertificateError, Identity, Period, Pki, PkiError, Protection, RemotePartyRole, TrustStore,
};
use hanrig_wire::time::Utc;
use hanrig_wire::types::Eui64;
use sha2::{Digest as _, Sha256};

/// What certificates are valid for, before and after the bench's time zero, unless a scenario wants it otherwise.
const YEAR: i64 = 365 * 24 * 3600 * 1000;

/// The certificates of a bench.
#[derive(Clone, Debug)]
pub struct Certificates {
    epoch: Utc,
    pki: Arc<Pki>,
    dcc: Arc<Identity>,
    users: BTreeMap<Eui64, Arc<Identity>>,
    trust: Arc<TrustStore>,
}

/// How a User's certificate is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Its period is over.
    Expired,
    /// Its period has not begun.
    NotYetValid,
    /// It is the one for Commands and images.
    ForCommands,
    /// No authority of the DCC's has issued it.
    Unchained,
}

impl Certificates {
    /// Certificates for the DCC and its Users.
    ///
    /// # Errors
    ///
    /// An epoch that no certificate can be valid at.
    pub fn generate(bench: &str, epoch: Utc, dcc: Eui64, users: impl Iterator<Item = Eui64>) -> Result<Self, PkiError> {
        let period = usual(epoch);
        let pki = Pki::generate(Sha256::digest(format!("test PKI of the bench {bench}")).into(), period)?;
        let dcc = Arc::new(pki.issue(RemotePartyRole::DspXmlSign, dcc, period)?);
        let user = |user| Ok((user, Arc::new(pki.issue(RemotePartyRole::XmlSign, user, period)?)));
        let users = users.map(user).collect::<Result<BTreeMap<_, _>, PkiError>>()?;
        let pki = Arc::new(pki);
        let mut certificates = Self { epoch, pki, dcc, users, trust: Arc::default() };
        certificates.publish()?;
        Ok(certificates)
    }

    /// What the DCC signs with, and whom it trusts.
    pub fn of_dcc(&self) -> Protection {
        Protection { identity: Arc::clone(&self.dcc), trust: Arc::clone(&self.trust) }
    }

    /// What a User signs with, and whom it trusts.
    pub fn of_user(&self, user: Eui64) -> Option<Protection> {
        let identity = Arc::clone(self.users.get(&user)?);
        Some(Protection { identity, trust: Arc::clone(&self.trust) })
    }

    /// The root's certificate in PEM.
    pub fn root_pem(&self) -> String {
        self.pki.root().to_pem()
    }

    /// All certificates but the root's, in PEM.
    pub fn to_pem(&self) -> String {
        let others = self.trust.certificates().filter(|certificate| *certificate != self.pki.root());
        others.map(hanrig_dcc::security::Certificate::to_pem).collect()
    }

    /// Has a User sign with a certificate that is wrong, and lets all know that certificate.
    ///
    /// # Errors
    ///
    /// An epoch that no such certificate can be valid at.
    pub fn spoil(&mut self, user: Eui64, flaw: Flaw) -> Result<(), PkiError> {
        let Period { not_before, not_after } = usual(self.epoch);
        let (usual, role) = (usual(self.epoch), RemotePartyRole::XmlSign);
        let identity = match flaw {
            Flaw::Expired => {
                // An hour before anything happens.
                let not_after = Utc(self.epoch.0 - 3_600_000);
                self.pki.issue(role, user, Period { not_before, not_after })?
            }
            Flaw::NotYetValid => {
                let not_before = Utc(self.epoch.0 + YEAR / 2);
                self.pki.issue(role, user, Period { not_before, not_after })?
            }
            Flaw::ForCommands => self.pki.issue(RemotePartyRole::Supplier, user, usual)?,
            Flaw::Unchained => {
                Pki::generate(Sha256::digest("a PKI of nobody's").into(), usual)?.issue(role, user, usual)?
            }
        };
        self.users.insert(user, Arc::new(identity));
        self.publish()?;
        Ok(())
    }

    /// Has a User sign with another's key and certificate.
    pub fn swap(&mut self, user: Eui64, other: Eui64) {
        if let Some(identity) = self.users.get(&other).map(Arc::clone) {
            self.users.insert(user, identity);
        }
    }

    fn publish(&mut self) -> Result<(), CertificateError> {
        let identities = self.users.values().chain([&self.dcc]);
        let in_use = identities.map(|identity| identity.certificate().clone());
        self.trust = Arc::new(self.pki.trust(in_use)?);
        Ok(())
    }
}

const fn usual(epoch: Utc) -> Period {
    Period { not_before: Utc(epoch.0 - YEAR), not_after: Utc(epoch.0 + 3 * YEAR) }
}
