//! Panics that are caught are not printed, and their messages are kept.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<Caught>> = const { RefCell::new(None) };
}

/// A panic that was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caught {
    /// What it said.
    pub(super) message: String,
    /// Where in the source it arose, as `file:line:column`.
    pub(super) place: String,
}

/// Runs `work` with panics on this thread remembered instead of printed. Other threads keep the hook that was there.
pub(super) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if QUIET.get() {
                let caught = caught(info);
                LAST.with(|last| last.replace(Some(caught)));
            } else {
                before(info);
            }
        }));
    });
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            QUIET.set(self.0);
        }
    }
    let _restore = Restore(QUIET.replace(true));
    work()
}

/// Runs `work` and gives what it returned, or the panic that it ended with.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Caught> {
    LAST.with(|last| last.replace(None));
    quietly(|| panic::catch_unwind(AssertUnwindSafe(work))).map_err(|payload| {
        let heard = LAST.with(|last| last.replace(None));
        // A panic that was resumed passes the hook by.
        heard.unwrap_or_else(|| Caught { message: text(payload.as_ref()), place: "an unknown place".to_owned() })
    })
}

fn caught(info: &PanicHookInfo<'_>) -> Caught {
    Caught {
        message: text(info.payload()),
        place: info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string),
    }
}

fn text(payload: &(dyn core::any::Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_and_place_are_kept() {
        let caught = catch(|| panic!("no such {}", "device")).unwrap_err();
        assert_eq!(caught.message, "no such device");
        assert!(caught.place.contains("panics.rs"), "{}", caught.place);
        assert_eq!(catch(|| 7), Ok(7));
    }
}
