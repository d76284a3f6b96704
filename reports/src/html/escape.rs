//! Text from a run log as HTML.

use core::fmt::{self, Write};

use crate::printable::{one_line, printable};

/// Text, made printable and escaped, for element content and quoted attributes.
pub(super) struct Esc<'a>(pub(super) &'a str);

/// As [`Esc`], on one line.
pub(super) struct Line<'a>(pub(super) &'a str);

impl fmt::Display for Esc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(f, &printable(self.0))
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(f, &one_line(self.0))
    }
}

fn escape(out: &mut impl Write, text: &str) -> fmt::Result {
    for c in text.chars() {
        match c {
            '&' => out.write_str("&amp;")?,
            '<' => out.write_str("&lt;")?,
            '>' => out.write_str("&gt;")?,
            '"' => out.write_str("&quot;")?,
            '\'' => out.write_str("&#39;")?,
            c => out.write_char(c)?,
        }
    }
    Ok(())
}

/// The path of a file below the run's folder as a relative URL reference; `None` when the path is empty, absolute or
/// leaves the folder, so that a log cannot send its reader elsewhere.
///
/// Everything but the unreserved characters of RFC 3986, 2.3, is percent-encoded: a colon cannot make a scheme.
pub(super) fn href(path: &str) -> Option<String> {
    let mut url = String::with_capacity(path.len());
    for (index, segment) in path.split('/').enumerate() {
        if matches!(segment, "" | "." | "..") || segment.contains('\\') {
            return None;
        }
        if index > 0 {
            url.push('/');
        }
        for octet in segment.bytes() {
            if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
                url.push(char::from(octet));
            } else {
                write!(url, "%{octet:02X}").ok()?;
            }
        }
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("sit/happy_path-12/air.pcapng", Some("sit/happy_path-12/air.pcapng"))]
    #[case("a b/ü#?.xml", Some("a%20b/%C3%BC%23%3F.xml"))]
    #[case("javascript:alert(1)", Some("javascript%3Aalert%281%29"))]
    #[case("", None)]
    #[case("/etc/passwd", None)]
    #[case("a/../../b", None)]
    #[case("..\\b", None)]
    #[case("//host/share", None)]
    fn links(#[case] path: &str, #[case] expected: Option<&str>) {
        assert_eq!(href(path).as_deref(), expected);
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(
            Esc("<script>alert('\"&')</script>\0").to_string(),
            "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;␀"
        );
        assert_eq!(Line("a\nb").to_string(), "a b");
    }
}
