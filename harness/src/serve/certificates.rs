//! The certificates by which the DSP tells whose Service Requests it takes, and with which it signs: a folder of PEM files.
//!
//! A test PKI lives in the folder: `test-pki.seed`, from which root, issuing authority and all keys follow. For each User
//! there is `<identifier>.pem` and the private key `<identifier>.key`, so that a client can sign at once; `root.pem`,
//! `issuing.pem` and `dcc.pem` are what a client verifies with. Whoever has certificates of their own puts them there as
//! `*.pem`, authorities and roots too.

use super::access::random_text;
use crate::input::{self, InputError};
use crate::rig::participants::seed_for;
use hanrig_dcc::data::DccData;
use hanrig_dcc::security::{
    Certificate, CertificateError, Identity, Period, Pki, PkiError, Protection, RemotePartyRole, TrustStore,
};
use hanrig_wire::time::Utc;
use hanrig_wire::types::Eui64;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most of a file that is read.
const MAX_PEM: u64 = 1 << 20;
const SEED: &str = "test-pki.seed";
/// 2020-01-01 to 2049-12-31, where X.509 changes how it writes years: whatever virtual time it is.
const PERIOD: Period =
    Period { not_before: Utc::from_unix_seconds(1_577_836_800), not_after: Utc::from_unix_seconds(2_524_607_999) };

/// Why there are no certificates to be had.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// The folder cannot be read or written.
    #[error("cannot use certificate folder {}", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    /// A file cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A file is no certificate.
    #[error("{}", .0.display())]
    Certificate(PathBuf, #[source] CertificateError),
    /// Two certificates cannot be told apart.
    #[error("certificate folder {}", .0.display())]
    Trust(PathBuf, #[source] CertificateError),
    /// The test PKI cannot be made.
    #[error("the test PKI cannot be made")]
    Pki(#[from] PkiError),
    /// The machine gives no random octets.
    #[error("the test PKI cannot be made")]
    Random(#[from] getrandom::Error),
}

/// What the DSP with identifier `dcc` signs with and whom it trusts: what is in `folder`, which gets what it lacks.
///
/// # Errors
///
/// When the folder cannot be used, or a file `*.pem` in it is no certificate.
pub fn protection(folder: &Path, data: &DccData, dcc: Eui64) -> Result<Protection, CertificatesError> {
    let failed = |source| CertificatesError::Folder(folder.to_owned(), source);
    fs::create_dir_all(folder).map_err(failed)?;
    let seed_file = folder.join(SEED);
    if !seed_file.exists() {
        let seed = random_text()?;
        write(&seed_file, seed.as_bytes(), 0o600).map_err(failed)?;
    }
    let seed = input::read_text(&seed_file, MAX_PEM)?;
    let pki = Pki::generate(seed_for(0, seed.trim()), PERIOD)?;
    let identity = pki.issue(RemotePartyRole::DspXmlSign, dcc, PERIOD)?;
    for (name, certificate) in
        [("root.pem", pki.root()), ("issuing.pem", pki.issuing()), ("dcc.pem", identity.certificate())]
    {
        write(&folder.join(name), certificate.to_pem().as_bytes(), 0o644).map_err(failed)?;
    }
    for user in data.users.keys() {
        let certificate = folder.join(format!("{user}.pem"));
        if !certificate.exists() {
            let own: Identity = pki.issue(RemotePartyRole::XmlSign, *user, PERIOD)?;
            write(&folder.join(format!("{user}.key")), own.key_to_pem()?.as_bytes(), 0o600).map_err(failed)?;
            write(&certificate, own.certificate().to_pem().as_bytes(), 0o644).map_err(failed)?;
        }
    }
    let (mut roots, mut others) = (Vec::new(), Vec::new());
    for entry in folder.read_dir().map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_none_or(|extension| extension != "pem") {
            continue;
        }
        let found = Certificate::from_pem(&input::read_text(&path, MAX_PEM)?);
        let found = found.map_err(|source| CertificatesError::Certificate(path, source))?;
        let (root, other): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|certificate| certificate.role() == Some(RemotePartyRole::Root));
        roots.extend(root);
        others.extend(other);
    }
    let trust = TrustStore::new(roots, others);
    let trust = trust.map_err(|source| CertificatesError::Trust(folder.to_owned(), source))?;
    Ok(Protection { identity: Arc::new(identity), trust: Arc::new(trust) })
}

fn write(file: &Path, octets: &[u8], mode: u32) -> io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(file)?.write_all(octets)
}
