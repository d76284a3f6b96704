//! Lines out of octets that come in pieces.

/// The longest line that is kept whole, in octets; what is longer is cut into several.
const LONGEST: usize = 4096;

/// Collects octets until a line is whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Takes octets, and gives the lines that they complete, without their ends. Empty lines are left out, and octets that
    /// are not UTF-8 replaced.
    pub(super) fn push(&mut self, octets: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for &octet in octets {
            match octet {
                b'\n' => lines.extend(self.take()),
                b'\r' => {}
                octet => {
                    self.partial.push(octet);
                    if self.partial.len() >= LONGEST {
                        lines.extend(self.take());
                    }
                }
            }
        }
        lines
    }

    /// What came of a line that was never ended.
    pub(super) fn take(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.partial);
        (!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_put_together() {
        let mut lines = Lines::default();
        assert!(lines.push(b"one").is_empty());
        assert_eq!(lines.push(b" two\r\n\n\xFFthree\nfo"), ["one two", "\u{FFFD}three"]);
        assert_eq!(lines.take().as_deref(), Some("fo"));
        assert_eq!(lines.take(), None);
    }

    proptest! {
        #[test]
        fn no_line_is_longer_than_the_longest(octets: Vec<u8>, times in 1_usize..100) {
            let mut lines = Lines::default();
            for _ in 0..times {
                for line in lines.push(&octets) {
                    // Each octet that is not UTF-8 becomes a character of three.
                    prop_assert!(!line.is_empty() && line.len() <= 3 * LONGEST);
                }
            }
            prop_assert!(lines.partial.len() < LONGEST);
        }
    }
}
