//! Keys of parties, from files.

use std::collections::BTreeMap;
use std::path::Path;

use hanrig_wire::gbcs::{KeyError, PublicKey, SecretKey, SigningKey, VerifyingKey};
use hanrig_wire::types::Eui64;
use serde::Deserialize;

use crate::bench::Problem;
use crate::input::{self, InputError, MAX_KEYS};

/// Keys cannot be had from a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeysError {
    /// The file cannot be read.
    #[error("cannot use the keys")]
    Input(#[from] InputError),
    /// A key file does not hold a private scalar.
    #[error("{file}: expected a private scalar of P-256 as 64 hexadecimal digits, above zero and below the order")]
    Scalar {
        /// The file.
        file: String,
    },
    /// A file of parties is not TOML with the fields that are expected.
    #[error("{0}")]
    Toml(Problem),
    /// A key of a party is not one.
    #[error("{file}: party {eui}: {field} is no key")]
    Key {
        /// The file.
        file: String,
        /// The party.
        eui: Eui64,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// A party occurs twice.
    #[error("{file}: party {eui} occurs more than once")]
    Twice {
        /// The file.
        file: String,
        /// The party.
        eui: Eui64,
    },
}

/// The signing key in the file at `path`: a private scalar in hexadecimal.
pub(super) fn signing_key(path: &Path) -> Result<SigningKey, KeysError> {
    let text = input::read_text(path, MAX_KEYS)?;
    let key = hex::decode(text.trim()).ok().and_then(|octets| SigningKey::from_scalar(&octets).ok());
    key.ok_or_else(|| KeysError::Scalar { file: path.display().to_string() })
}

/// The keys that are known of one party.
#[derive(Clone, Debug)]
pub(super) struct PartyKeys {
    /// What the party is.
    pub(super) role: String,
    /// For checking its signatures.
    pub(super) ds: Option<VerifyingKey>,
    /// For key agreement with it.
    pub(super) ka_public: Option<PublicKey>,
    /// For key agreement in its name.
    pub(super) ka_private: Option<SecretKey>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysFile {
    #[serde(default)]
    party: Vec<PartyTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartyTable {
    eui: Eui64,
    #[serde(default)]
    role: String,
    ds_public: Option<String>,
    ds_private: Option<String>,
    ka_public: Option<String>,
    ka_private: Option<String>,
}

/// The parties in the file at `path`: TOML with `[[party]]`, each with `eui`, `role` and any of `ds_public`, `ds_private`,
/// `ka_public` and `ka_private`.
pub(super) fn parties(path: &Path) -> Result<BTreeMap<Eui64, PartyKeys>, KeysError> {
    let file = path.display().to_string();
    let text = input::read_text(path, MAX_KEYS)?;
    let tables: KeysFile = toml::from_str(&text)
        .map_err(|error| KeysError::Toml(Problem::at(&file, &text, error.span(), error.message().trim())))?;
    let mut parties = BTreeMap::new();
    for table in tables.party {
        let eui = table.eui;
        let keys = table.keys().map_err(|(field, source)| KeysError::Key { file: file.clone(), eui, field, source })?;
        if parties.insert(eui, keys).is_some() {
            return Err(KeysError::Twice { file, eui });
        }
    }
    Ok(parties)
}

impl PartyTable {
    /// Public keys that are not given derive from private ones.
    fn keys(&self) -> Result<PartyKeys, (&'static str, KeyError)> {
        let ds_private = key("ds_private", &self.ds_private, SigningKey::from_scalar)?;
        let ka_private = key("ka_private", &self.ka_private, SecretKey::from_scalar)?;
        let ds = key("ds_public", &self.ds_public, VerifyingKey::from_sec1)?;
        let ka_public = key("ka_public", &self.ka_public, PublicKey::from_sec1)?;
        Ok(PartyKeys {
            role: self.role.clone(),
            ds: ds.or_else(|| ds_private.map(|key| key.verifying_key())),
            ka_public: ka_public.or_else(|| ka_private.as_ref().map(SecretKey::public_key)),
            ka_private,
        })
    }
}

fn key<T>(
    field: &'static str,
    text: &Option<String>,
    from: fn(&[u8]) -> Result<T, KeyError>,
) -> Result<Option<T>, (&'static str, KeyError)> {
    // What is no hexadecimal is no key of any length.
    let octets = text.as_ref().map(|text| hex::decode(text).unwrap_or_default());
    octets.map(|octets| from(&octets)).transpose().map_err(|error| (field, error))
}
