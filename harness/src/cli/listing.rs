//! JSON values as people read them: one field a line, what is within a field indented below it.
//!
//! What a command prints for people and what it prints with `--json` is one value, so neither can have what the other lacks.

use std::fmt::Write as _;

use serde_json::Value;

/// Characters of a text that are shown.
const LONGEST: usize = 160;

/// Renders `value`.
pub(super) fn render(value: &Value) -> String {
    let mut text = String::new();
    block(&mut text, value, 0);
    text
}

/// Nesting is bounded by the commands' own types.
fn block(text: &mut String, value: &Value, depth: usize) {
    let indent = depth * 2;
    match value {
        Value::Object(fields) => {
            let plain = fields.iter().filter(|(_, value)| is_plain(value));
            let width = plain.map(|(key, _)| key.chars().count()).max().unwrap_or(0);
            for (key, value) in fields {
                let label = key.replace('_', " ");
                // Writing to a String does not fail.
                if is_plain(value) {
                    let _ = writeln!(text, "{:indent$}{label:width$}  {}", "", plain_text(value));
                } else {
                    let _ = writeln!(text, "{:indent$}{label}", "");
                    block(text, value, depth + 1);
                }
            }
        }
        Value::Array(elements) => {
            for element in elements {
                if is_plain(element) {
                    let _ = writeln!(text, "{:indent$}{}", "", plain_text(element));
                } else {
                    let _ = writeln!(text, "{:indent$}-", "");
                    block(text, element, depth + 1);
                }
            }
        }
        plain => {
            let _ = writeln!(text, "{:indent$}{}", "", plain_text(plain));
        }
    }
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        _ => true,
    }
}

fn plain_text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(string) => shown(string),
        Value::Array(_) | Value::Object(_) => "none".to_owned(),
    }
}

/// `string` without control characters, which a terminal might obey, and cut when it is long.
fn shown(string: &str) -> String {
    let mut text: String = string
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { '\u{FFFD}' } else { c })
        .collect();
    let length = string.chars().count();
    if length > LONGEST {
        let _ = write!(text, "... ({length} characters)");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_lines() {
        let value = json!({
            "octets": 7, "header_string": "a\u{1b}[31mb", "hash": null,
            "within": { "certain": true, "list": [1, 2], "none": [] },
            "elements": [{ "tag": "0x0000" }],
            "long": "x".repeat(200),
        });
        insta::assert_snapshot!(render(&value), @r#"
        octets         7
        header string  a�[31mb
        hash           -
        within
          certain  yes
          list
            1
            2
          none     none
        elements
          -
            tag  0x0000
        long           xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx... (200 characters)
        "#);
    }
}
