//! Checks that a node can be told to leave out, so that a test can prove that the scenarios see each of them.
//!
//! They come with the cargo feature `planted-faults`, which no build for use has. Without it every check is made.

/// A check that is left out.
#[cfg_attr(not(feature = "planted-faults"), expect(unreachable_pub, reason = "public with the feature only"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Laxity {
    /// Takes what has come before: no frame counter is looked at, NWK or APS.
    Replays,
    /// Takes NWK frames without security.
    Unsecured,
    /// Takes messages that are not secured with the link key.
    WithoutLinkKey,
    /// Goes to whoever says first that it is an OTA server.
    AnyServer,
    /// Takes a block whatever request it answers.
    AnySequence,
    /// Takes a block of whatever place in the image.
    AnyOffset,
    /// Asks by Image Page Request, whatever it is told.
    Pages,
    /// Gives a download up when the server is silent.
    Impatience,
}

/// The checks that are left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Laxities {
    #[cfg(feature = "planted-faults")]
    left_out: alloc::collections::BTreeSet<Laxity>,
}

#[cfg(feature = "planted-faults")]
impl Laxities {
    pub(crate) const fn new() -> Self {
        Self { left_out: alloc::collections::BTreeSet::new() }
    }

    pub(crate) fn add(&mut self, laxity: Laxity) {
        self.left_out.insert(laxity);
    }

    pub(crate) fn has(&self, laxity: Laxity) -> bool {
        self.left_out.contains(&laxity)
    }
}

#[cfg(not(feature = "planted-faults"))]
impl Laxities {
    pub(crate) const fn new() -> Self {
        Self {}
    }

    pub(crate) const fn has(&self, _: Laxity) -> bool {
        false
    }
}
