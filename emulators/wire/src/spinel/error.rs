use core::fmt;

/// Why octets are not a Spinel frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpinelError {
    /// Where, in octets from the start of the frame.
    pub offset: usize,
    /// What.
    pub kind: SpinelErrorKind,
}

impl fmt::Display for SpinelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spinel frame, offset {}: {}", self.offset, self.kind)
    }
}

impl core::error::Error for SpinelError {}

/// What is wrong at a place in a Spinel frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpinelErrorKind {
    /// The frame ends where a field should be.
    #[error("cut short, expected {field}")]
    Truncated {
        /// The field.
        field: &'static str,
    },
    /// A packed unsigned integer is longer than five octets, or more than 32 bits.
    #[error("{field} is not a packed integer of at most 32 bits")]
    PackedInteger {
        /// The field.
        field: &'static str,
    },
    /// A field has a value that it cannot have.
    #[error("{field} is {found}, expected {expected}")]
    Value {
        /// The field.
        field: &'static str,
        /// What it holds.
        found: u32,
        /// What would have been right.
        expected: &'static str,
    },
    /// A text is not UTF-8 that ends with a zero octet.
    #[error("{field} is not UTF-8 text that ends with a zero octet")]
    Text {
        /// The field.
        field: &'static str,
    },
}
