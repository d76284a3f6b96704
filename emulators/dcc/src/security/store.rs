//! The certificates that are known, and which of them can be trusted.

use super::certificate::{Certificate, CertificateId, RemotePartyRole};
use super::error::CertificateError;
use hanrig_wire::time::Utc;
use std::collections::BTreeMap;

/// The most authorities between a party's certificate and the root, root included.
const MAXIMUM_CHAIN: usize = 4;

/// Certificates by issuer and serial number. Who issued each is found and verified once, when the store is made; what
/// depends on the time is checked at each use.
#[derive(Clone, Debug, Default)]
pub struct TrustStore {
    certificates: BTreeMap<CertificateId, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    certificate: Certificate,
    /// The authorities from the one that issued it to the root.
    chain: Result<Vec<Certificate>, CertificateError>,
}

impl TrustStore {
    /// A store that trusts `roots` and what they, directly or through authorities among `others`, have issued.
    ///
    /// # Errors
    ///
    /// When two different certificates have the same issuer and serial number.
    pub fn new(
        roots: impl IntoIterator<Item = Certificate>,
        others: impl IntoIterator<Item = Certificate>,
    ) -> Result<Self, CertificateError> {
        let roots: Vec<_> = roots.into_iter().collect();
        let mut known: BTreeMap<CertificateId, Certificate> = BTreeMap::new();
        for certificate in roots.iter().cloned().chain(others) {
            let id = certificate.id().clone();
            if known.get(&id).is_some_and(|other| *other != certificate) {
                return Err(CertificateError::Ambiguous(id));
            }
            known.insert(id, certificate);
        }
        let entry = |certificate: &Certificate| {
            let chain = chain(certificate, &roots, &known);
            (certificate.id().clone(), Entry { certificate: certificate.clone(), chain })
        };
        Ok(Self { certificates: known.values().map(entry).collect() })
    }

    /// The certificate with this issuer and serial number, whether or not it can be trusted.
    pub fn find(&self, id: &CertificateId) -> Option<&Certificate> {
        self.certificates.get(id).map(|entry| &entry.certificate)
    }

    /// All certificates, in order of issuer and serial number.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.certificates.values().map(|entry| &entry.certificate)
    }

    /// The certificate with this issuer and serial number, if at `now` it can be trusted as that of a signer of messages
    /// with this role: chain to a root, role, key usage and the periods of all certificates of the chain.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, in that order.
    pub fn signer(
        &self,
        id: &CertificateId,
        role: RemotePartyRole,
        now: Utc,
    ) -> Result<&Certificate, CertificateError> {
        let entry = self.certificates.get(id).ok_or_else(|| CertificateError::Unknown(id.clone()))?;
        let certificate = &entry.certificate;
        let chain = entry.chain.as_ref().map_err(Clone::clone)?;
        certificate.is_for(role)?;
        certificate.may_sign_messages()?;
        for certificate in std::iter::once(certificate).chain(chain) {
            certificate.is_valid_at(now)?;
        }
        Ok(certificate)
    }
}

/// Who issued `certificate`, up to a root.
fn chain(
    certificate: &Certificate,
    roots: &[Certificate],
    known: &BTreeMap<CertificateId, Certificate>,
) -> Result<Vec<Certificate>, CertificateError> {
    let mut chain: Vec<Certificate> = Vec::new();
    certificate.is_understood()?;
    while chain.len() <= MAXIMUM_CHAIN {
        let last = chain.last().unwrap_or(certificate);
        if roots.contains(last) {
            return Ok(chain);
        }
        let issuer = issuer_of(last, known)?.clone();
        issuer.is_understood()?;
        chain.push(issuer);
    }
    Err(CertificateError::NoRoot(certificate.id().clone()))
}

/// The certificate whose key signed `certificate`. An authority that renewed its certificate has several: the error is
/// that of the last one that was tried.
fn issuer_of<'a>(
    certificate: &Certificate,
    known: &'a BTreeMap<CertificateId, Certificate>,
) -> Result<&'a Certificate, CertificateError> {
    let (id, name) = (certificate.id(), certificate.id().issuer());
    let mut error = CertificateError::IssuerUnknown { certificate: id.clone(), issuer: name.to_owned() };
    for issuer in known.values().filter(|issuer| issuer.subject() == name) {
        // A root that is not trusted would be its own issuer for ever.
        if issuer == certificate {
            error = CertificateError::NoRoot(id.clone());
            continue;
        }
        match certificate.is_issued_by(issuer) {
            Ok(()) => return Ok(issuer),
            Err(e) => error = e,
        }
    }
    Err(error)
}
