//! Makes text from a run log fit to be shown.
//!
//! Names, messages and summaries may quote what a device sent. Control characters in them could drive a terminal, are
//! forbidden in XML 1.0, and the bidirectional controls make a line read differently from what it says; so none of them
//! reaches a report. Escaping for HTML or XML comes after this.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` with line feeds and tabs kept, CR LF made LF, other C0 controls as their control pictures (U+2400 and up), and
/// what else cannot or should not be shown as `\u{...}`.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\0'..='\x1f' if is_hidden(c) => out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')),
            '\x7f' => out.push('\u{2421}'),
            c if is_hidden(c) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// As [`printable`], with line feeds and tabs made spaces: for what must stay on a line.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    let text = printable(text);
    if text.contains(['\n', '\t']) { Cow::Owned(text.replace(['\n', '\t'], " ")) } else { text }
}

/// The first `max` characters of `text`, and how many more there are when there are.
pub(crate) fn excerpt(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max).and_then(|(end, _)| text.split_at_checked(end)) {
        Some((head, rest)) => Cow::Owned(format!("{head}… ({} more characters)", rest.chars().count())),
        None => Cow::Borrowed(text),
    }
}

const fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // C0, DEL and C1 controls.
        '\0'..='\x1f' | '\x7f'..='\u{9f}' => true,
        // Marks, embeddings, overrides and isolates of the bidirectional algorithm (UAX #9).
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        // Line and paragraph separators, the byte order mark, and what XML 1.0 (2.2, Char) leaves out.
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("Then N61 reaches the DSP: 750 kB, ÄΩ漢", "Then N61 reaches the DSP: 750 kB, ÄΩ漢")]
    #[case::lines("a\r\nb\tc\n", "a\nb\tc\n")]
    #[case::escape_sequence("\x1b[31mred\x07\r", "␛[31mred␇␍")]
    #[case::nul_del_c1("\0\x7f\u{9b}", "␀␡\\u{9b}")]
    #[case::bidi("user\u{202e}txt.exe", "user\\u{202e}txt.exe")]
    #[case::not_in_xml("\u{fffe}\u{ffff}", "\\u{fffe}\\u{ffff}")]
    fn shown(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(printable(text), expected);
    }

    #[test]
    fn lines_are_joined() {
        assert_eq!(one_line("a\r\nb\tc"), "a b c");
    }

    #[test]
    fn excerpts_count_characters() {
        assert_eq!(excerpt("ÄΩ漢", 3), "ÄΩ漢");
        assert_eq!(excerpt("ÄΩ漢x", 2), "ÄΩ… (2 more characters)");
    }
}
