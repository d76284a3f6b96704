//! Ways for a participant to be wrong on purpose, so that a test can prove that the scenarios see each of them.

/// Declares a participant's `Fault`: each with what it does and the requirements that it breaks.
#[macro_export]
macro_rules! fault_list {
    ($(#[doc = $what:literal] $fault:ident: $($requirement:literal),+;)+) => {
        /// A way to be wrong. Each names the requirements that it breaks.
        #[cfg_attr(not(feature = "planted-faults"), expect(unreachable_pub, reason = "public with the feature only"))]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $(#[doc = concat!("Breaks", $(" ", $requirement),+, ":", $what)] $fault,)+
        }

        #[cfg(feature = "planted-faults")]
        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$fault),+];

            /// The identifiers of the requirements that it breaks.
            pub const fn requirements(self) -> &'static [&'static str] {
                match self {
                    $(Self::$fault => &[$($requirement),+],)+
                }
            }
        }
    };
}

/// Declares a participant's `Fault` by [`fault_list`](crate::fault_list), and `Faults`, the set of those that were planted.
///
/// The switches come with the cargo feature `planted-faults` of the crate that declares them, which needs `alloc`. Without
/// the feature none can be planted, and `Faults::has` is a constant `false`.
#[macro_export]
macro_rules! planted_faults {
    ($($list:tt)+) => {
        $crate::fault_list! { $($list)+ }

        /// The faults that were planted.
        #[derive(Debug, Default)]
        pub(crate) struct Faults {
            #[cfg(feature = "planted-faults")]
            planted: alloc::collections::BTreeSet<Fault>,
        }

        #[cfg(feature = "planted-faults")]
        impl Faults {
            pub(crate) fn plant(&mut self, fault: Fault) {
                self.planted.insert(fault);
            }

            pub(crate) fn has(&self, fault: Fault) -> bool {
                self.planted.contains(&fault)
            }
        }

        #[cfg(not(feature = "planted-faults"))]
        impl Faults {
            pub(crate) const fn has(&self, _: Fault) -> bool {
                false
            }
        }
    };
}
