//! `hanrig duis verify`: whether the signature of a DUIS message holds.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use hanrig_dcc::duis::DuisMessage;
use hanrig_dcc::security::{Certificate, CertificateError, ProtectionError, RemotePartyRole, TrustStore, verify};
use hanrig_wire::time::Utc;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Failure, listing, output};
use crate::exit::ExitCode;
use crate::input::{self, InputError, MAX_DUIS, MAX_KEYS, Source};

pub(super) const JSON: &str = "\
A Service Request must be signed with a certificate for xmlSign, what the DCC sends with one for dSPXmlSign. The
certificates up to a trusted one must be given, and hold at the time.

The exit code is 0 when the signature holds, 1 when it does not, and 2 for what is no DUIS message or certificate.

Fields of --json:
  holds         whether signature and certificate hold
  problem       why not
  signer        the EUI-64 of who signed
  certificate   the certificate's issuer, serial_number, not_before and not_after";

/// Arguments of `hanrig duis verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// DUIS message in XML, of at most 8 MiB, or - for standard input
    file: PathBuf,
    /// Trusted certificates in PEM: the root's
    #[arg(long, value_name = "FILE", required = true)]
    trust: Vec<PathBuf>,
    /// Other certificates in PEM, or a folder of them: the authorities' and the signer's
    #[arg(long, value_name = "FILE|FOLDER")]
    certs: Vec<PathBuf>,
    /// Time at which the certificates must hold, such as 2026-11-20T12:00:00Z; now, unless given
    #[arg(long, value_name = "TIME", value_parser = time_of_day)]
    at: Option<Utc>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Certificates cannot be had from a file.
#[derive(Debug, thiserror::Error)]
enum CertificatesError {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error("cannot read the folder {}", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{file}")]
    Certificate {
        file: String,
        #[source]
        source: CertificateError,
    },
    #[error(transparent)]
    Store(#[from] CertificateError),
}

fn time_of_day(text: &str) -> Result<Utc, String> {
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|error| error.to_string())?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).map(Utc).map_err(|error| error.to_string())
}

/// The certificates of a file, or of the `.pem` and `.crt` files of a folder in the order of their names.
fn certificates(path: &Path) -> Result<Vec<Certificate>, CertificatesError> {
    if path.is_dir() {
        let folder = |source| CertificatesError::Folder { path: path.to_owned(), source };
        let mut files = Vec::new();
        for entry in fs::read_dir(path).map_err(folder)? {
            let file = entry.map_err(folder)?.path();
            if file.extension().is_some_and(|extension| extension == "pem" || extension == "crt") {
                files.push(file);
            }
        }
        files.sort();
        let read = files.iter().map(|file| of_file(file)).collect::<Result<Vec<_>, _>>()?;
        return Ok(read.concat());
    }
    of_file(path)
}

fn of_file(path: &Path) -> Result<Vec<Certificate>, CertificatesError> {
    let text = input::read_text(path, MAX_KEYS)?;
    Certificate::from_pem(&text)
        .map_err(|source| CertificatesError::Certificate { file: path.display().to_string(), source })
}

fn store(args: &VerifyArgs) -> Result<TrustStore, CertificatesError> {
    let all = |paths: &[PathBuf]| {
        let read = paths.iter().map(|path| certificates(path)).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, CertificatesError>(read.concat())
    };
    Ok(TrustStore::new(all(&args.trust)?, all(&args.certs)?)?)
}

/// A file that is no DUIS message.
#[derive(Debug, thiserror::Error)]
#[error("{name}")]
struct NotDuis {
    name: String,
    #[source]
    source: ProtectionError,
}

pub(super) fn run(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let store = store(args).map_err(Failure::input)?;
    let source = Source::from(args.file.as_path());
    let document = source.read(MAX_DUIS).map_err(Failure::input)?;
    let now = args.at.unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Utc(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    });
    let not_duis = |error| Failure::input(NotDuis { name: source.name(), source: error });
    let message = hanrig_dcc::duis::parse_bytes(&document).map_err(|error| not_duis(error.into()))?;
    let role = match message {
        DuisMessage::Request(_) => RemotePartyRole::XmlSign,
        DuisMessage::Response(_) => RemotePartyRole::DspXmlSign,
    };
    let verdict = verify(&document, &store, role, now);
    let value = match &verdict {
        Ok(verified) => {
            let (certificate, period) = (verified.signer.id(), verified.signer.period());
            json!({
                "holds": true,
                "signer": verified.signer.entity().map(|signer| signer.to_string()),
                "certificate": {
                    "issuer": certificate.issuer(),
                    "serial_number": certificate.serial(),
                    "not_before": period.not_before.to_string(),
                    "not_after": period.not_after.to_string(),
                },
            })
        }
        Err(error) => json!({ "holds": false, "problem": error.to_string() }),
    };
    if args.json {
        output::print_json(&value)?
    } else {
        output::print(&listing::render(&value))?
    }
    Ok(if verdict.is_ok() { ExitCode::Passed } else { ExitCode::Failed })
}
