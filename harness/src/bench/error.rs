//! What is wrong with a bench, told with file, line, column and field.

use core::fmt;
use core::ops::Range;

use hanrig_dcc::short_message;

use crate::exit::write_first;

/// A bench cannot be used as it is described.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", Lines(.problems))]
pub struct BenchError {
    /// What is wrong, in the order of files and lines.
    pub problems: Vec<Problem>,
}

/// One thing wrong with a bench.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, as it was named.
    pub file: String,
    /// Line and, where it is known, column, both from 1; `None` for the file as a whole.
    pub place: Option<(usize, Option<usize>)>,
    /// The field, with the tables that it is in; empty where there is none.
    pub field: String,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl Problem {
    /// A problem with a file as a whole.
    pub(super) fn with_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), place: None, field: String::new(), message: message.into() }
    }

    /// A problem with what stands at `span` of `text`.
    pub(crate) fn at(file: &str, text: &str, span: Option<Range<usize>>, message: impl Into<String>) -> Self {
        let message = message.into();
        let Some(span) = span else { return Self::with_file(file, message) };
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Self { file: file.to_owned(), place: Some((line, Some(column))), field: field_at(text, line), message }
    }
}

/// The key on line `line` (from 1), with the table that it is in: `hub.eui`, `ppmid[1].model`.
fn field_at(text: &str, line: usize) -> String {
    let mut table = String::new();
    let mut counts: Vec<(&str, usize)> = Vec::new();
    let mut key = String::new();
    for current in text.lines().take(line).map(str::trim) {
        key.clear();
        if let Some(name) = current.strip_prefix("[[").and_then(|rest| rest.split(']').next()) {
            let name = name.trim();
            let index = match counts.iter_mut().find(|(counted, _)| *counted == name) {
                Some((_, count)) => {
                    *count += 1;
                    *count
                }
                None => {
                    counts.push((name, 0));
                    0
                }
            };
            table = format!("{name}[{index}]");
        } else if let Some(name) = current.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let name = name.trim();
            // A table of the latest element of an array: [ppmid.declaration] below [[ppmid]].
            table = match counts.iter().find(|(array, _)| name.strip_prefix(array).is_some_and(|r| r.starts_with('.')))
            {
                Some((array, index)) => format!("{array}[{index}]{}", name.strip_prefix(array).unwrap_or_default()),
                None => name.to_owned(),
            };
        } else if let Some((name, _)) = current.split_once('=')
            && name.trim().bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        {
            key.push_str(name.trim());
        }
    }
    match (table.is_empty(), key.is_empty()) {
        (false, false) => format!("{table}.{key}"),
        (false, true) => table,
        (true, _) => key,
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}")?;
            column.map_or(Ok(()), |column| write!(f, ":{column}"))?;
        }
        // Keys and values of a file may be as long as the file.
        if !self.field.is_empty() {
            write!(f, ": {}", short_message(&self.field))?;
        }
        write!(f, ": {}", short_message(&self.message))
    }
}

struct Lines<'a>(&'a [Problem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [problem] = self.0 {
            return problem.fmt(f);
        }
        write!(f, "{} things are wrong with the bench", self.0.len())?;
        write_first(f, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_with_their_tables() {
        let text =
            "name = 'a'\n[hub]\neui = 'x'\n[[ppmid]]\nmodel = 1\n[[ppmid]]\n[ppmid.declaration]\nblock_size = 2\n";
        let fields: Vec<_> = (1..=8).map(|line| field_at(text, line)).collect();
        assert_eq!(
            fields,
            [
                "name",
                "hub",
                "hub.eui",
                "ppmid[0]",
                "ppmid[0].model",
                "ppmid[1]",
                "ppmid[1].declaration",
                "ppmid[1].declaration.block_size"
            ]
        );
    }

    #[test]
    fn places_count_characters() {
        let text = "a = 'é' # \nb = 'éé', x";
        let at = text.find('x').unwrap();
        let problem = Problem::at("b.toml", text, Some(at..at + 1), "wrong");
        assert_eq!(problem.to_string(), "b.toml:2:11: b: wrong");
    }
}
