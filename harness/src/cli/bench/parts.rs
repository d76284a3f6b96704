//! What was found of each part of a bench.

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::cli::{Failure, output};

/// A part of a bench, and what was found of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    name: String,
    found: Found,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    /// It works; with what it said.
    Works(String),
    /// It does not: why, and what to do.
    Fails(String),
    /// It cannot be tried.
    NotTried(String),
}

/// The parts of a bench in the order in which they were tried. Told as they are, unless as JSON at the end.
#[derive(Debug)]
pub(super) struct Parts {
    parts: Vec<Part>,
    as_json: bool,
}

impl Parts {
    pub(super) const fn new(as_json: bool) -> Self {
        Self { parts: Vec::new(), as_json }
    }

    pub(super) fn works(&mut self, name: &str, detail: impl Into<String>) -> Result<(), Failure> {
        self.tell(name, Found::Works(detail.into()))
    }

    pub(super) fn fails(&mut self, name: &str, why: impl Into<String>) -> Result<(), Failure> {
        self.tell(name, Found::Fails(why.into()))
    }

    pub(super) fn not_tried(&mut self, name: &str, why: impl Into<String>) -> Result<(), Failure> {
        self.tell(name, Found::NotTried(why.into()))
    }

    fn tell(&mut self, name: &str, found: Found) -> Result<(), Failure> {
        let part = Part { name: name.to_owned(), found };
        if !self.as_json {
            output::print(&line(&part, output::colour()))?;
        }
        self.parts.push(part);
        Ok(())
    }

    /// Whether every part works, as far as it was tried.
    pub(super) fn all_work(&self) -> bool {
        !self.parts.iter().any(|part| matches!(part.found, Found::Fails(_)))
    }

    /// Tells the whole.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        if self.as_json {
            output::print_json(&self.json())?;
        } else {
            output::print(&format!("{}\n", self.summary()))?;
        }
        Ok(())
    }

    fn summary(&self) -> String {
        let failed = self.parts.iter().filter(|part| matches!(part.found, Found::Fails(_))).count();
        let tried = self.parts.iter().filter(|part| !matches!(part.found, Found::NotTried(_))).count();
        if failed == 0 { format!("all {tried} parts work") } else { format!("{failed} of {tried} parts do not work") }
    }

    fn json(&self) -> Value {
        let parts: Vec<_> = self
            .parts
            .iter()
            .map(|part| {
                let (result, detail) = match &part.found {
                    Found::Works(detail) => ("ok", detail),
                    Found::Fails(detail) => ("failed", detail),
                    Found::NotTried(detail) => ("not tried", detail),
                };
                json!({ "part": part.name, "result": result, "detail": detail })
            })
            .collect();
        json!({ "works": self.all_work(), "parts": parts })
    }
}

fn line(part: &Part, colour: bool) -> String {
    let (word, detail, style) = match &part.found {
        Found::Works(detail) => ("ok", detail, AnsiColor::Green),
        Found::Fails(detail) => ("failed", detail, AnsiColor::Red),
        Found::NotTried(detail) => ("not tried", detail, AnsiColor::Yellow),
    };
    let style = if colour { Style::new().bold().fg_color(Some(style.into())) } else { Style::new() };
    format!("{style}{word:9}{style:#}  {:24}  {detail}\n", part.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told() {
        let mut parts = Parts::new(true);
        parts.works("bench file", "qemu").unwrap();
        parts.fails("hub probe", "there is no probe 1").unwrap();
        parts.not_tried("hub WAN link", "the hub does not run").unwrap();
        let lines: String = parts.parts.iter().map(|part| line(part, false)).collect();
        insta::assert_snapshot!(lines, @r"
        ok         bench file                qemu
        failed     hub probe                 there is no probe 1
        not tried  hub WAN link              the hub does not run
        ");
        assert_eq!(parts.summary(), "1 of 2 parts do not work");
        insta::assert_snapshot!(parts.json(), @r#"{"works":false,"parts":[{"part":"bench file","result":"ok","detail":"qemu"},{"part":"hub probe","result":"failed","detail":"there is no probe 1"},{"part":"hub WAN link","result":"not tried","detail":"the hub does not run"}]}"#);
    }
}
