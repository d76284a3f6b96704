//! What the lists of faults of DSP, CSP and Supplier have in common: ways to be wrong on purpose, so that a test can prove
//! that the scenarios see each of them.
//!
//! The switches come with the cargo feature `planted-faults`. Without it none can be planted, and [`Faults::has`] is a
//! constant `false`.

pub(crate) use hanrig_wire::fault_list as faults;

/// The faults that were planted in a participant.
#[cfg(feature = "planted-faults")]
#[derive(Clone, Debug)]
pub(crate) struct Faults<T> {
    planted: std::collections::BTreeSet<T>,
}

#[cfg(feature = "planted-faults")]
impl<T: Ord> Faults<T> {
    pub(crate) const fn none() -> Self {
        Self { planted: std::collections::BTreeSet::new() }
    }

    pub(crate) fn plant(&mut self, fault: T) {
        self.planted.insert(fault);
    }

    pub(crate) fn has(&self, fault: T) -> bool {
        self.planted.contains(&fault)
    }
}

/// No fault.
#[cfg(not(feature = "planted-faults"))]
#[derive(Clone, Debug)]
pub(crate) struct Faults<T>(core::marker::PhantomData<T>);

#[cfg(not(feature = "planted-faults"))]
impl<T: Copy> Faults<T> {
    pub(crate) const fn none() -> Self {
        Self(core::marker::PhantomData)
    }

    pub(crate) const fn has(&self, _: T) -> bool {
        false
    }
}
