//! Who may do what on the served DCC: Users, the DCC Service Desk, and readers of the repositories, each with a token.
//!
//! ```toml
//! [[user]]
//! id = "90-B3-D5-1F-30-01-00-00"
//! token = "5f0c..."                            # 64 hexadecimal digits, as hanrig makes them; at least 32 characters
//! notify = "http://127.0.0.1:9000/duis"        # where Alerts and later responses are posted; polled for without it
//! sec_party = true                             # what a User is; the Firmware Information Repository is for SEC Parties
//! dzir = false                                 # whether the Security Sub-Committee has granted access to the DZIR
//!
//! [[service_desk]]
//! name = "DCC Service Desk"
//! token = "91aa..."
//!
//! [[reader]]
//! name = "Test Meters Ltd"
//! token = "07de..."
//! sec_party = true
//! ```

use axum::http::Uri;
use hanrig_dcc::data::{DccData, User};
use hanrig_dcc::panel::{Authority, Panel, Reader};
use hanrig_dcc::{excerpt, short_message};
use hanrig_wire::types::Eui64;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use subtle::ConstantTimeEq as _;

/// The fewest characters of a token.
const SHORTEST_TOKEN: usize = 32;

/// What a party is on the DCC's interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A Service User.
    User(Eui64),
    /// The DCC Service Desk.
    ServiceDesk,
    /// Somebody who reads the repositories and nothing else.
    Reader,
}

/// Somebody with a token.
#[derive(Clone, Debug)]
pub struct Party {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Whether it is a SEC Party.
    pub sec_party: bool,
    /// Whether it may read the DZIR.
    pub dzir: bool,
    /// Where its messages are posted.
    pub notify: Option<Uri>,
    /// SHA-256 of its token.
    token: [u8; 32],
}

impl Party {
    /// As the Panel knows it.
    pub fn reader(&self) -> Reader {
        Reader { name: self.name.clone(), is_sec_party: self.sec_party }
    }
}

/// What is wrong with an access file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// TOML that does not parse, or a field that is unknown, missing or wrong.
    #[error("line {line}: {message}")]
    Toml {
        /// Line, counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A token that could be guessed.
    #[error("the token of {0} has fewer than {SHORTEST_TOKEN} characters; take 64 random hexadecimal digits")]
    ShortToken(String),
    /// Two parties that could not be told apart.
    #[error("{0} and {1} have the same token")]
    SameToken(String, String),
    /// A User that is there twice.
    #[error("User {0} occurs more than once")]
    Twice(Eui64),
    /// A place to post to that is none.
    #[error("{name}: cannot post to {url:?}, expected an address such as http://127.0.0.1:9000/duis: {why}")]
    Notify {
        /// Whose.
        name: String,
        /// What stands there.
        url: String,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    user: Vec<UserEntry>,
    #[serde(default)]
    service_desk: Vec<DeskEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reader: Vec<ReaderEntry>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct UserEntry {
    id: Eui64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notify: Option<String>,
    #[serde(default = "yes")]
    sec_party: bool,
    #[serde(default)]
    dzir: bool,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct DeskEntry {
    name: String,
    token: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ReaderEntry {
    name: String,
    token: String,
    #[serde(default)]
    sec_party: bool,
    #[serde(default)]
    dzir: bool,
}

const fn yes() -> bool {
    true
}

/// Who may do what.
#[derive(Clone, Debug)]
pub struct Access {
    parties: Vec<Party>,
    panel: Panel,
}

impl Access {
    /// Reads an access file. Messages of Users without an address of their own are posted to `notify`, if there is one.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn read(text: &str, notify: Option<&Uri>) -> Result<Self, AccessError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.as_bytes().get(..span.start)).unwrap_or_default();
            let line = 1 + before.iter().filter(|octet| **octet == b'\n').count();
            AccessError::Toml { line, message: short_message(&error.message().replace('\n', ", ")) }
        })?;
        let mut parties = Vec::new();
        let mut ids = BTreeMap::new();
        for user in file.user {
            if ids.insert(user.id, ()).is_some() {
                return Err(AccessError::Twice(user.id));
            }
            let name = user.name.unwrap_or_else(|| user.id.to_string());
            let own = user.notify.map(|url| address(&name, &url)).transpose()?;
            parties.push(Party {
                role: Role::User(user.id),
                sec_party: user.sec_party,
                dzir: user.dzir,
                notify: own.or_else(|| notify.cloned()),
                token: token(&name, &user.token)?,
                name,
            });
        }
        for DeskEntry { name, token: text } in file.service_desk {
            let token = token(&name, &text)?;
            parties.push(Party { name, role: Role::ServiceDesk, sec_party: true, dzir: true, notify: None, token });
        }
        for ReaderEntry { name, token: text, sec_party, dzir } in file.reader {
            let token = token(&name, &text)?;
            parties.push(Party { name, role: Role::Reader, sec_party, dzir, notify: None, token });
        }
        let mut panel = Panel::new(BTreeMap::new());
        let mut tokens: BTreeMap<[u8; 32], &str> = BTreeMap::new();
        for party in &parties {
            if let Some(other) = tokens.insert(party.token, &party.name) {
                return Err(AccessError::SameToken(other.to_owned(), party.name.clone()));
            }
            // To a reader that is no SEC Party the Panel refuses it.
            let _ = panel.set_dzir_access(Authority::SecuritySubCommittee, &party.reader(), party.dzir);
        }
        Ok(Self { parties, panel })
    }

    /// An access file for all Users of `data` and a Service Desk, with new tokens.
    ///
    /// # Errors
    ///
    /// When the machine gives no random octets.
    pub fn generate(data: &DccData) -> Result<String, getrandom::Error> {
        let user = |user: &User| {
            let name = Some(user.name.clone());
            let token = random_text()?;
            Ok(UserEntry { id: user.id, name, token, notify: None, sec_party: true, dzir: false })
        };
        let file = File {
            user: data.users.values().map(user).collect::<Result<_, getrandom::Error>>()?,
            service_desk: vec![DeskEntry { name: "DCC Service Desk".to_owned(), token: random_text()? }],
            reader: Vec::new(),
        };
        // None of these types can make TOML fail; an empty file would let nobody in.
        Ok(toml::to_string(&file).unwrap_or_default())
    }

    /// All parties.
    pub fn parties(&self) -> &[Party] {
        &self.parties
    }

    /// Who has a token. It takes as long for a token that nobody has.
    pub fn by_token(&self, token: &str) -> Option<&Party> {
        let digest = digest(token);
        let mut found = None;
        for party in &self.parties {
            if bool::from(party.token.ct_eq(&digest)) {
                found = Some(party);
            }
        }
        found
    }

    /// The party that was signed in before, as far as it is still there with the same token.
    pub fn still(&self, party: &Party) -> Option<&Party> {
        self.parties.iter().find(|other| other.role == party.role && other.token == party.token)
    }

    /// The Panel, with who may read what.
    pub const fn panel(&self) -> &Panel {
        &self.panel
    }

    /// Where a User's messages are posted.
    pub fn notify(&self, user: Eui64) -> Option<&Uri> {
        self.parties.iter().find(|party| party.role == Role::User(user))?.notify.as_ref()
    }
}

/// 64 hexadecimal digits that nobody can guess.
///
/// # Errors
///
/// When the machine gives no random octets.
pub fn random_text() -> Result<String, getrandom::Error> {
    let mut octets = [0; 32];
    getrandom::fill(&mut octets)?;
    Ok(hex::encode(octets))
}

/// SHA-256 of a secret.
pub(super) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn token(name: &str, text: &str) -> Result<[u8; 32], AccessError> {
    if text.chars().count() < SHORTEST_TOKEN {
        return Err(AccessError::ShortToken(name.to_owned()));
    }
    Ok(digest(text))
}

/// Reads where to post to.
///
/// # Errors
///
/// When it is no address that hanrig can post to.
pub fn address(name: &str, url: &str) -> Result<Uri, AccessError> {
    let wrong = |why: String| AccessError::Notify { name: name.to_owned(), url: excerpt(url), why };
    let uri: Uri = url.parse().map_err(|error: axum::http::uri::InvalidUri| wrong(error.to_string()))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http"), Some(_)) => Ok(uri),
        (Some("https"), _) => Err(wrong("TLS is not spoken; put a proxy that speaks it in front".to_owned())),
        _ => Err(wrong("it has no http:// or no host".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [[user]]
        id = "90-B3-D5-1F-30-01-00-00"
        token = "0123456789abcdef0123456789abcdef"

        [[reader]]
        name = "somebody"
        token = "0123456789abcdef0123456789abcdeg"
        dzir = true
    "#;

    #[test]
    fn tokens_tell_parties_apart() {
        let access = Access::read(GOOD, Some(&Uri::from_static("http://127.0.0.1/all"))).unwrap();
        let user = access.by_token("0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(user.role, Role::User(Eui64(0x90B3_D51F_3001_0000)));
        assert_eq!(access.notify(Eui64(0x90B3_D51F_3001_0000)).unwrap().to_string(), "http://127.0.0.1/all");
        assert!(access.by_token("0123456789abcdef0123456789abcdeF").is_none());
        assert!(access.by_token("").is_none());
        // Who is no SEC Party is granted nothing.
        let reader = access.by_token("0123456789abcdef0123456789abcdeg").unwrap();
        assert!(access.panel().dzir(&DccData::default(), &reader.reader(), 1).is_err());
    }

    #[test]
    fn what_is_generated_is_read() {
        let data = DccData::read(&[(
            "users",
            "user = [{ id = \"90-B3-D5-1F-30-01-00-00\", name = \"Power\", role = \"Import Supplier\" }]",
        )])
        .unwrap();
        let text = Access::generate(&data).unwrap();
        let access = Access::read(&text, None).unwrap();
        assert_eq!(access.parties().len(), 2);
        assert_ne!(text, Access::generate(&data).unwrap());
    }

    #[rstest::rstest]
    #[case("token = 1", "line 1: unknown field `token`, expected one of `user`, `service_desk`, `reader`")]
    #[case(
        "service_desk = [{ name = \"desk\", token = \"secret\" }]",
        "the token of desk has fewer than 32 characters; take 64 random hexadecimal digits"
    )]
    fn wrong_files_are_refused(#[case] text: &str, #[case] message: &str) {
        assert_eq!(Access::read(text, None).unwrap_err().to_string(), message);
    }

    #[rstest::rstest]
    #[case("ftp://x/")]
    #[case("https://x/")]
    #[case("x")]
    #[case("")]
    fn places_that_cannot_be_posted_to_are_refused(#[case] url: &str) {
        assert!(address("somebody", url).is_err());
    }
}
