//! A test PKI: a root, an issuing authority, and certificates for whoever signs, as the SMKI has them.
//!
//! All of it follows from a seed: keys, serial numbers and, since ECDSA is deterministic (RFC 6979), signatures. One seed
//! gives the same octets each time. The keys are as secret as the seed.

use super::certificate::{Certificate, Period, RemotePartyRole};
use super::error::{CertificateError, PkiError};
use super::store::TrustStore;
use hanrig_wire::gbcs::SigningKey;
use hanrig_wire::time::Utc;
use hanrig_wire::types::Eui64;
use p256::pkcs8::EncodePrivateKey as _;
use sha2::{Digest as _, Sha256};
use std::str::FromStr as _;
use std::time::Duration;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder as _, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::{ObjectIdentifier, OctetString};
use x509_cert::der::flagset::FlagSet;
use x509_cert::der::{DateTime, Encode as _, pem};
use x509_cert::ext::pkix::certpolicy::PolicyInformation;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, KeyUsage, KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension as _};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};

/// The policy that certificates of organisations follow in published test certificates.
const ORGANISATION_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.826.0.1.8641679.1.2.1.4");
const ROOT: &str = "CN=hanrig test root,OU=00";
const ISSUING: &str = "CN=hanrig test authority,OU=07";

/// A certificate and the private key that belongs to it.
#[derive(Clone, Debug)]
pub struct Identity {
    certificate: Certificate,
    key: SigningKey,
}

impl Identity {
    /// Puts certificate and key together.
    ///
    /// # Errors
    ///
    /// When they do not belong together.
    pub fn new(certificate: Certificate, key: SigningKey) -> Result<Self, PkiError> {
        if *certificate.key() == key.verifying_key() {
            Ok(Self { certificate, key })
        } else {
            Err(PkiError::Key(format!("it does not belong to certificate {}", certificate.id())))
        }
    }

    /// The certificate.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The private key.
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The private key in PKCS #8 as PEM.
    ///
    /// # Errors
    ///
    /// None that a key can cause; the encoder's own error is passed on.
    pub fn key_to_pem(&self) -> Result<String, PkiError> {
        let key = p256::SecretKey::from_slice(&self.key.to_scalar()).map_err(|e| PkiError::Key(e.to_string()))?;
        let text = key.to_pkcs8_pem(pem::LineEnding::LF).map_err(|e| PkiError::Key(e.to_string()))?;
        Ok(text.as_str().to_owned())
    }
}

/// Root and issuing authority of a test PKI.
#[derive(Clone, Debug)]
pub struct Pki {
    seed: [u8; 32],
    root: Identity,
    issuing: Identity,
}

impl Pki {
    /// A PKI whose root and issuing authority are valid for `period`.
    ///
    /// # Errors
    ///
    /// A period that no certificate can have.
    pub fn generate(seed: [u8; 32], period: Period) -> Result<Self, PkiError> {
        let key = derived_key(&seed, "root");
        let name = name(ROOT)?;
        let template = Template::authority(name.clone(), name.clone(), None);
        let root = build(template, &serial(&seed, "root"), period, &key, &key)?;
        let root = Identity::new(root, key)?;
        let key = derived_key(&seed, "issuing authority");
        let template = Template::authority(name, self::name(ISSUING)?, Some(0));
        let issuing = build(template, &serial(&seed, "issuing authority"), period, &key, &root.key)?;
        Ok(Self { seed, issuing: Identity::new(issuing, key)?, root })
    }

    /// The root's certificate.
    pub const fn root(&self) -> &Certificate {
        &self.root.certificate
    }

    /// The issuing authority's certificate.
    pub const fn issuing(&self) -> &Certificate {
        &self.issuing.certificate
    }

    /// Issues a certificate for signing messages. The same party, role and period give the same certificate again.
    ///
    /// # Errors
    ///
    /// A period that no certificate can have.
    pub fn issue(&self, role: RemotePartyRole, entity: Eui64, period: Period) -> Result<Identity, PkiError> {
        let label = format!("{role} {entity} {} {}", period.not_before, period.not_after);
        // A BIT STRING of eight octets.
        let subject = format!("2.5.4.45=#030900{:016X},OU={:02X}", entity.0, role.code());
        let template = Template {
            issuer: name(ISSUING)?,
            subject: name(&subject)?,
            usages: KeyUsages::DigitalSignature.into(),
            authority: None,
        };
        let key = derived_key(&self.seed, &label);
        let certificate = build(template, &serial(&self.seed, &label), period, &key, &self.issuing.key)?;
        Identity::new(certificate, key)
    }

    /// A store that trusts the root and knows the issuing authority and `others`.
    ///
    /// # Errors
    ///
    /// When two different certificates have the same issuer and serial number.
    pub fn trust(&self, others: impl IntoIterator<Item = Certificate>) -> Result<TrustStore, CertificateError> {
        TrustStore::new([self.root().clone()], std::iter::once(self.issuing().clone()).chain(others))
    }
}

/// What is in a certificate beside number, period and key.
struct Template {
    issuer: Name,
    subject: Name,
    usages: FlagSet<KeyUsages>,
    /// For an authority: how many authorities may stand between it and a party.
    authority: Option<BasicConstraints>,
}

impl Template {
    fn authority(issuer: Name, subject: Name, path_len_constraint: Option<u8>) -> Self {
        Self {
            issuer,
            subject,
            usages: KeyUsages::KeyCertSign | KeyUsages::CRLSign,
            authority: Some(BasicConstraints { ca: true, path_len_constraint }),
        }
    }
}

impl BuilderProfile for Template {
    fn get_issuer(&self, _: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        subject_key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        content: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let policies = CertificatePolicies(vec![PolicyInformation {
            policy_identifier: ORGANISATION_POLICY,
            policy_qualifiers: None,
        }]);
        let mut extensions = vec![
            (&KeyUsage(self.usages)).to_extension(content.subject(), &[])?,
            (&SubjectKeyIdentifier(key_identifier(subject_key)?)).to_extension(content.subject(), &[])?,
            (&AuthorityKeyIdentifier { key_identifier: Some(key_identifier(issuer_key)?), ..Default::default() })
                .to_extension(content.subject(), &[])?,
        ];
        extensions.push(match &self.authority {
            Some(constraints) => (true, constraints).to_extension(content.subject(), &[])?,
            None => (true, &policies).to_extension(content.subject(), &[])?,
        });
        Ok(extensions)
    }
}

/// The key identifier of RFC 5280 4.2.1.2 (2), eight octets: 0100 and the last 60 bits of the key's SHA-1 hash.
fn key_identifier(key: SubjectPublicKeyInfoRef<'_>) -> builder::Result<OctetString> {
    let whole = SubjectKeyIdentifier::try_from(key)?;
    let mut octets: Vec<u8> = whole.0.as_bytes().iter().rev().take(8).rev().copied().collect();
    if let Some(first) = octets.first_mut() {
        *first = (*first & 0x0F) | 0x40;
    }
    Ok(OctetString::new(octets)?)
}

fn name(text: &str) -> Result<Name, PkiError> {
    Name::from_str(text).map_err(|e| PkiError::Build(e.into()))
}

fn build(
    template: Template,
    serial: &[u8],
    period: Period,
    subject_key: &SigningKey,
    issuer_key: &SigningKey,
) -> Result<Certificate, PkiError> {
    let wrong = || PkiError::Period(period.not_before, period.not_after);
    let time = |time: Utc| {
        let seconds = u64::try_from(time.unix_seconds()).map_err(|_| wrong())?;
        DateTime::from_unix_duration(Duration::from_secs(seconds)).map(Time::from).map_err(|_| wrong())
    };
    if period.not_after < period.not_before {
        return Err(wrong());
    }
    let validity = Validity::new(time(period.not_before)?, time(period.not_after)?);
    let serial = SerialNumber::new(serial).map_err(builder::Error::from)?;
    let signer = |key: &SigningKey| {
        p256::ecdsa::SigningKey::from_slice(&key.to_scalar()).map_err(|e| PkiError::Key(e.to_string()))
    };
    let public = SubjectPublicKeyInfo::from_key(signer(subject_key)?.verifying_key()).map_err(builder::Error::from)?;
    let builder = CertificateBuilder::new(template, serial, validity, public)?;
    let built = builder.build::<_, p256::ecdsa::DerSignature>(&signer(issuer_key)?)?;
    Ok(Certificate::from_der(&built.to_der().map_err(builder::Error::from)?)?)
}

fn derived(seed: &[u8; 32], what: &str, label: &str, attempt: u32) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed);
    hash.update(what);
    hash.update([0]);
    hash.update(label);
    hash.update([0]);
    hash.update(attempt.to_be_bytes());
    hash.finalize().into()
}

fn derived_key(seed: &[u8; 32], label: &str) -> SigningKey {
    let mut attempt = 0;
    loop {
        // One hash in 2^32 is no scalar.
        if let Ok(key) = SigningKey::from_scalar(&derived(seed, "key", label, attempt)) {
            return key;
        }
        attempt += 1;
    }
}

/// A serial number of 16 octets that is positive and has no leading zero.
fn serial(seed: &[u8; 32], label: &str) -> [u8; 16] {
    let hash = derived(seed, "serial number", label, 0);
    let mut serial = [0; 16];
    for (octet, from) in serial.iter_mut().zip(hash) {
        *octet = from;
    }
    serial[0] = (serial[0] & 0x3F) | 0x40;
    serial
}
