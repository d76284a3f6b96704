//! The state that survives a restart: a journal of what was told to the DCC, in SQLite.
//!
//! The DCC is a deterministic machine, so its state is what it was told and when. An input is in the journal, on the disc,
//! before the machine takes it and before anybody gets an answer to it: what was acknowledged is never lost, be the process
//! killed or the power cut. At the next start the machine takes the journal again. That gives every message for a User
//! again, with the same number; how many of them each User has taken is kept beside the journal, and those are not sent
//! again.
//!
//! | table | holds |
//! |---|---|
//! | `journal` | `number`, `at` (microseconds since the state was made), `kind`, `subject`, `body`; of the first entry of a transaction, `digest`: what the machine had said until then |
//! | `delivered` | `user`, `number`: the last message that the User has taken |
//! | `made_with` | `name`, `value`: what the state was made with, and so has to go on with |
//!
//! SQLite writes a write-ahead log (WAL) and waits for the disc at each transaction (`synchronous = FULL`: `NORMAL` would
//! survive a killed process, not a cut in power). Inputs that wait at the same time go in one transaction, so many clients
//! share one wait. The file is one process's alone.
//!
//! The journal is not cut: it grows by the size of each Service Request and about 100 octets, by what hubs that are elsewhere
//! send, and by all data each time that they have changed. A start takes as long as the machine needs for all of it.
//! Whoever wants to begin anew gives another file.

use super::input::{Input, UnknownEntry};
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Marks a SQLite file as a state of this program: `hnrg`.
const APPLICATION_ID: i32 = 0x686E_7267;
/// The layout of the tables.
const LAYOUT: i32 = 1;

const TABLES: &str = "
    CREATE TABLE journal (
        number INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, body BLOB NOT NULL,
        digest BLOB
    ) STRICT;
    CREATE TABLE delivered (user TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT;
    CREATE TABLE made_with (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
";

/// What is wrong with a state file.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be opened.
    #[error("cannot open state file {}", .file.display())]
    Open {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// Another process has it.
    #[error("state file {} is in use; is another hanrig serving with it?", .0.display())]
    InUse(PathBuf),
    /// It is a file of something else.
    #[error("{} is no state file of hanrig; give the name of one, or of a file that is not there yet", .0.display())]
    NotOurs(PathBuf),
    /// It was made by another hanrig.
    #[error("state file {} has layout {found}, expected {LAYOUT}; use the hanrig that made it, or begin a new file", .file.display())]
    Layout {
        /// The file.
        file: PathBuf,
        /// The layout that it has.
        found: i32,
    },
    /// It is damaged.
    #[error("state file {} is damaged: {what}; put a copy of it in its place, or begin a new file", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What SQLite says.
        what: String,
    },
    /// It was made with other settings.
    #[error(
        "state file {} was made with another {name}, and what happened cannot be repeated with this one; go on with the \
         one it was made with, or begin a new file\n  then: {then}\n  now:  {now}",
        .file.display()
    )]
    MadeWith {
        /// The file.
        file: PathBuf,
        /// What differs.
        name: &'static str,
        /// What it was.
        then: String,
        /// What it is.
        now: String,
    },
    /// An entry is none.
    #[error("state file {}, entry {number}", .file.display())]
    Entry {
        /// The file.
        file: PathBuf,
        /// The entry.
        number: i64,
        /// Why.
        #[source]
        source: UnknownEntry,
    },
    /// It cannot be written or read while it is in use.
    #[error("state file {} cannot be used any more", .file.display())]
    Use {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1.
    pub number: i64,
    /// When it happened.
    pub at: Instant,
    /// What happened.
    pub input: Input,
    /// What the machine had said until then, where that was noted.
    pub digest: Option<Vec<u8>>,
}

/// The journal.
#[derive(Debug)]
pub struct Journal {
    file: PathBuf,
    database: Connection,
}

impl Journal {
    /// Opens the journal in `file`, or begins it; without a file, one in memory that nothing outlives.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, is in use, is not a state file or is damaged.
    pub fn open(file: Option<&Path>) -> Result<Self, JournalError> {
        let (name, opened) = match file {
            Some(file) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
                    | OpenFlags::SQLITE_OPEN_CREATE
                    | OpenFlags::SQLITE_OPEN_NO_MUTEX
                    | OpenFlags::SQLITE_OPEN_EXRESCODE;
                (file.to_owned(), Connection::open_with_flags(file, flags))
            }
            None => (PathBuf::from(":memory:"), Connection::open_in_memory()),
        };
        let error = |source| opening(&name, source);
        let database = opened.map_err(error)?;
        database.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(error)?;
        let pragma = |what: &str| database.pragma_query_value(None, what, |row| row.get::<_, i32>(0)).map_err(error);
        let (id, layout) = (pragma("application_id")?, pragma("user_version")?);
        let tables: i64 =
            database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(error)?;
        let is_new = tables == 0 && id == 0;
        if !is_new && id != APPLICATION_ID {
            return Err(JournalError::NotOurs(name));
        }
        if !is_new && layout != LAYOUT {
            return Err(JournalError::Layout { file: name, found: layout });
        }
        database.pragma_update(None, "journal_mode", "WAL").map_err(error)?;
        database.pragma_update(None, "synchronous", "FULL").map_err(error)?;
        if is_new {
            // All of it or nothing, should it end here.
            let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {LAYOUT};");
            database.execute_batch(&format!("BEGIN IMMEDIATE; {TABLES} {marks} COMMIT;")).map_err(error)?;
        }
        let found: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(error)?;
        if found != "ok" {
            return Err(JournalError::Damaged { file: name, what: found });
        }
        Ok(Self { file: name, database })
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    fn failed(&self, source: rusqlite::Error) -> JournalError {
        opening_or(&self.file, source, |file, source| JournalError::Use { file, source })
    }

    /// What the state was made with by that name; `value` if it is new.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written.
    pub fn made_with(&self, name: &'static str, value: impl FnOnce() -> String) -> Result<String, JournalError> {
        let sql = "SELECT value FROM made_with WHERE name = ?1";
        let found = self.database.query_row(sql, [name], |row| row.get(0)).optional();
        if let Some(found) = found.map_err(|source| self.failed(source))? {
            return Ok(found);
        }
        let value = value();
        let sql = "INSERT INTO made_with (name, value) VALUES (?1, ?2)";
        self.database.execute(sql, [name, &value]).map_err(|source| self.failed(source))?;
        Ok(value)
    }

    /// Says that the state goes on with what it was made with.
    ///
    /// # Errors
    ///
    /// When it was made with something else.
    pub fn same(&self, name: &'static str, now: &str) -> Result<(), JournalError> {
        let then = self.made_with(name, || now.to_owned())?;
        if then == now {
            return Ok(());
        }
        // Of many lines only those that differ.
        let own = |text: &str, other: &str| {
            text.lines().filter(|line| !other.lines().any(|other| other == *line)).collect::<Vec<_>>().join("; ")
        };
        let (then, now) = (own(&then, now), own(now, &then));
        Err(JournalError::MadeWith { file: self.file.clone(), name, then, now })
    }

    /// Calls `with` for each entry, in order.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, an entry is none, or `with` fails.
    pub fn replay<E: From<JournalError>>(&self, mut with: impl FnMut(Entry) -> Result<(), E>) -> Result<(), E> {
        let failed = |source| E::from(self.failed(source));
        let sql = "SELECT number, at, kind, subject, body, digest FROM journal ORDER BY number";
        let mut statement = self.database.prepare(sql).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let read = || -> rusqlite::Result<_> {
                let (kind, subject): (String, String) = (row.get(2)?, row.get(3)?);
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, kind, subject, row.get(4)?, row.get(5)?))
            };
            let (number, at, kind, subject, body, digest) = read().map_err(failed)?;
            let input = Input::from_row(&kind, &subject, body).map_err(|source| JournalError::Entry {
                file: self.file.clone(),
                number,
                source,
            })?;
            with(Entry { number, at: Instant(u64::try_from(at).unwrap_or(0)), input, digest })?;
        }
        Ok(())
    }

    /// Writes inputs that happen at `at`, and what Users have taken, in one transaction: all are on the disc when this
    /// returns, or none. `digest` is what the machine has said until then.
    ///
    /// # Errors
    ///
    /// When the file cannot be written; nothing of it was then.
    pub fn append<'a>(
        &mut self,
        at: Instant,
        digest: &[u8],
        inputs: impl IntoIterator<Item = &'a Input>,
        delivered: &BTreeMap<Eui64, u64>,
    ) -> Result<(), JournalError> {
        let write = || -> rusqlite::Result<()> {
            let transaction = self.database.transaction()?;
            {
                let sql = "INSERT INTO journal (at, kind, subject, body, digest) VALUES (?1, ?2, ?3, ?4, ?5)";
                let mut insert = transaction.prepare(sql)?;
                let mut digest = Some(digest);
                for input in inputs {
                    let (kind, subject, body) = input.to_row();
                    let at = i64::try_from(at.0).unwrap_or(i64::MAX);
                    insert.execute(params![at, kind, subject, body, digest.take()])?;
                }
                let sql = "INSERT OR REPLACE INTO delivered (user, number) VALUES (?1, ?2)";
                let mut replace = transaction.prepare(sql)?;
                for (user, number) in delivered {
                    replace.execute(params![user.to_string(), i64::try_from(*number).unwrap_or(i64::MAX)])?;
                }
            }
            transaction.commit()
        };
        write().map_err(|source| self.failed(source))
    }

    /// The number of the last message that each User has taken.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn delivered(&self) -> Result<BTreeMap<Eui64, u64>, JournalError> {
        let read = || -> rusqlite::Result<BTreeMap<Eui64, u64>> {
            let mut statement = self.database.prepare("SELECT user, number FROM delivered")?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
            let mut delivered = BTreeMap::new();
            for row in rows {
                let (user, number) = row?;
                if let Ok(user) = user.parse() {
                    delivered.insert(user, u64::try_from(number).unwrap_or(0));
                }
            }
            Ok(delivered)
        };
        read().map_err(|source| self.failed(source))
    }

    /// Closes the file, with all of it in one piece again.
    ///
    /// # Errors
    ///
    /// When SQLite cannot put it in one piece. What was written is safe all the same.
    pub fn close(self) -> Result<(), JournalError> {
        let file = self.file;
        self.database.close().map_err(|(_, source)| JournalError::Use { file, source })
    }
}

fn opening(file: &Path, source: rusqlite::Error) -> JournalError {
    opening_or(file, source, |file, source| JournalError::Open { file, source })
}

fn opening_or(
    file: &Path,
    source: rusqlite::Error,
    or: impl FnOnce(PathBuf, rusqlite::Error) -> JournalError,
) -> JournalError {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseCorrupt, DatabaseLocked, NotADatabase};
    let file = file.to_owned();
    match source.sqlite_error_code() {
        Some(DatabaseBusy | DatabaseLocked) => JournalError::InUse(file),
        Some(NotADatabase) => JournalError::NotOurs(file),
        Some(DatabaseCorrupt) => JournalError::Damaged { file, what: source.to_string() },
        _ => or(file, source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Eui64 = Eui64(7);

    fn request(document: &str) -> Input {
        Input::Request { user: USER, document: document.as_bytes().to_vec() }
    }

    fn entries(journal: &Journal) -> Vec<Entry> {
        let mut entries = Vec::new();
        journal
            .replay::<JournalError>(|entry| {
                entries.push(entry);
                Ok(())
            })
            .unwrap();
        entries
    }

    #[test]
    fn what_was_written_is_there_after_it_was_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.sqlite");
        let mut journal = Journal::open(Some(&file)).unwrap();
        assert_eq!(journal.made_with("epoch", || "5".to_owned()).unwrap(), "5");
        let both = [request("one"), request("two")];
        journal.append(Instant(3), b"so far", &both, &BTreeMap::from([(USER, 1)])).unwrap();
        journal.append(Instant(4), b"more", &[], &BTreeMap::from([(USER, 2)])).unwrap();
        // Not closed, as when the process is killed.
        drop(journal);
        let journal = Journal::open(Some(&file)).unwrap();
        assert_eq!(journal.made_with("epoch", || "6".to_owned()).unwrap(), "5");
        let [one, two] = both;
        let first = Entry { number: 1, at: Instant(3), input: one, digest: Some(b"so far".to_vec()) };
        let second = Entry { number: 2, at: Instant(3), input: two, digest: None };
        assert_eq!(entries(&journal), [first, second]);
        assert_eq!(journal.delivered().unwrap(), BTreeMap::from([(USER, 2)]));
        journal.close().unwrap();
    }

    #[test]
    fn one_process_alone_has_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.sqlite");
        let mut journal = Journal::open(Some(&file)).unwrap();
        journal.append(Instant(3), b"", &[request("one")], &BTreeMap::new()).unwrap();
        assert!(matches!(Journal::open(Some(&file)), Err(JournalError::InUse(_))));
    }

    #[test]
    fn files_of_something_else_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("notes.txt");
        std::fs::write(&text, "not a database, but notes that somebody may want to keep").unwrap();
        assert!(matches!(Journal::open(Some(&text)), Err(JournalError::NotOurs(_))));
        assert_eq!(std::fs::read(&text).unwrap().len(), 56);
        let other = folder.path().join("other.sqlite");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
        assert!(matches!(Journal::open(Some(&other)), Err(JournalError::NotOurs(_))));
        let nowhere = folder.path().join("nowhere/state.sqlite");
        assert!(matches!(Journal::open(Some(&nowhere)), Err(JournalError::Open { .. })));
    }

    #[test]
    fn damage_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.sqlite");
        let mut journal = Journal::open(Some(&file)).unwrap();
        let large = request(&"x".repeat(100_000));
        journal.append(Instant(3), b"", &[large], &BTreeMap::new()).unwrap();
        journal.close().unwrap();
        let mut octets = std::fs::read(&file).unwrap();
        for octet in octets.iter_mut().skip(4096).take(40) {
            *octet = 0xA5;
        }
        std::fs::write(&file, octets).unwrap();
        let error = Journal::open(Some(&file)).unwrap_err();
        assert!(matches!(error, JournalError::Damaged { .. }), "{error:?}");
    }

    #[test]
    fn other_settings_are_refused() {
        let journal = Journal::open(None).unwrap();
        journal.same("seed", "1").unwrap();
        journal.same("seed", "1").unwrap();
        insta::assert_snapshot!(journal.same("seed", "2").unwrap_err(), @r"
        state file :memory: was made with another seed, and what happened cannot be repeated with this one; go on with the one it was made with, or begin a new file
          then: 1
          now:  2
        ");
    }
}
