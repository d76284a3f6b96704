//! Who has signed in to the pages: a cookie that nobody can guess, kept in memory until it is eight hours old.

use super::Service;
use crate::serve::access::{Party, digest, random_text};
use axum::http::{HeaderMap, header};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq as _;

/// The cookie's name.
const COOKIE: &str = "hanrig-session";
/// How long a session lasts.
const LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);
/// The most sessions; the oldest goes first.
const MOST_SESSIONS: usize = 1000;

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) party: Party,
    /// What the forms of this session's pages carry, so that no other site can send them.
    pub(super) form_token: String,
    began: Instant,
}

impl Session {
    /// Whether a form comes from a page of this session.
    pub(super) fn has_sent(&self, form_token: &str) -> bool {
        digest(&self.form_token).ct_eq(&digest(form_token)).into()
    }
}

/// The sessions, by the digest of their cookie.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<BTreeMap<[u8; 32], Session>>);

impl Sessions {
    fn sessions(&self) -> MutexGuard<'_, BTreeMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session, and gives the header that sets its cookie.
    pub(super) fn begin(&self, party: Party) -> Result<String, getrandom::Error> {
        let (cookie, form_token) = (random_text()?, random_text()?);
        let mut sessions = self.sessions();
        sessions.retain(|_, session| session.began.elapsed() < LIFETIME);
        if sessions.len() >= MOST_SESSIONS {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.began).map(|(digest, _)| *digest);
            oldest.map(|oldest| sessions.remove(&oldest));
        }
        sessions.insert(digest(&cookie), Session { party, form_token, began: Instant::now() });
        Ok(format!("{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}", LIFETIME.as_secs()))
    }

    /// Ends the session of a request, and gives the header that takes its cookie away.
    pub(super) fn end(&self, headers: &HeaderMap) -> String {
        if let Some(cookie) = cookie(headers) {
            self.sessions().remove(&digest(cookie));
        }
        format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
    }
}

impl Service {
    /// The session of a request, while its party is in the access file.
    pub(super) fn session(&self, headers: &HeaderMap) -> Option<Session> {
        let digest = digest(cookie(headers)?);
        let session =
            self.sessions.sessions().get(&digest).filter(|session| session.began.elapsed() < LIFETIME).cloned()?;
        let party = self.access().still(&session.party)?.clone();
        Some(Session { party, ..session })
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == COOKIE).then_some(value))
}
