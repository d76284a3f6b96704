//! Where a feature file goes wrong.
//!
//! The Gherkin parser tells where it gave up, which is often far behind what is wrong. Once it has refused a file, this
//! looks for the first line that cannot stand where it does. It knows English keywords only.

use hanrig_dcc::excerpt;

/// Words that open a block, with their colon.
const BLOCKS: [&str; 10] = [
    "Feature:",
    "Rule:",
    "Background:",
    "Scenario Outline:",
    "Scenario Template:",
    "Scenario:",
    "Example:",
    "Examples:",
    "Scenarios:",
    "Business Need:",
];

/// Words that open a step.
const STEPS: [&str; 6] = ["Given ", "When ", "Then ", "And ", "But ", "* "];

/// The first line, from 1, that is out of place, and why.
pub(super) fn first_wrong_line(text: &str) -> Option<(usize, String)> {
    let mut state = State { seen_block: false, free_text: false, columns: None };
    let mut docstring: Option<(usize, &str)> = None;
    for (index, line) in text.lines().enumerate() {
        let (number, line) = (index + 1, line.trim());
        let fence = ["\"\"\"", "```"].into_iter().find(|fence| line.starts_with(fence));
        match (docstring, fence) {
            (None, Some(fence)) => docstring = Some((number, fence)),
            (Some((_, open)), Some(fence)) if open == fence => docstring = None,
            (Some(_), _) => {}
            (None, None) => {
                if let Some(reason) = state.line(line) {
                    return Some((number, reason));
                }
            }
        }
    }
    match docstring {
        Some((number, _)) => Some((number, "a doc string that does not end".to_owned())),
        None if !state.seen_block => Some((1, "no Feature: in this file".to_owned())),
        None => None,
    }
}

struct State {
    seen_block: bool,
    /// Whether free text may stand here: after the line that opens a block, before its first step.
    free_text: bool,
    /// Cells of the rows of the table that is being read.
    columns: Option<usize>,
}

impl State {
    /// Why `line` cannot stand here; `None` when it can.
    fn line(&mut self, line: &str) -> Option<String> {
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        if line.starts_with('|') {
            let cells = cells(line);
            let before = *self.columns.get_or_insert(cells);
            let ends = line.ends_with('|') && line.len() > 1;
            return match (ends, before == cells) {
                (false, _) => Some("a table row that does not end with |".to_owned()),
                (true, false) => Some(format!("a table row of {cells} cells below one of {before}")),
                (true, true) => None,
            };
        }
        self.columns = None;
        if line.starts_with('@') {
            let wrong =
                line.split_whitespace().take_while(|word| !word.starts_with('#')).find(|word| !word.starts_with('@'));
            self.free_text = false;
            return wrong.map(|word| format!("{:?} among tags", excerpt(word)));
        }
        if BLOCKS.iter().any(|block| line.starts_with(block)) {
            (self.seen_block, self.free_text) = (true, true);
            return None;
        }
        if STEPS.iter().any(|step| line.starts_with(step)) && self.seen_block {
            self.free_text = false;
            return None;
        }
        if self.free_text { None } else { Some(format!("{:?}", excerpt(line))) }
    }
}

/// Cells of a table row; `\|` parts none.
fn cells(line: &str) -> usize {
    let mut escaped = false;
    let mut bars = 0_usize;
    for c in line.chars() {
        bars += usize::from(c == '|' && !escaped);
        escaped = c == '\\' && !escaped;
    }
    bars.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::misspelt("Feature: F\n  Scenario: S\n    Given a\n    Thn b\n", 4)]
    #[case::table("Feature: F\n Scenario: S\n  Then a\n   | 1 | 2 |\n   | 1 |\n", 5)]
    #[case::open_table("Feature: F\n Scenario: S\n  Then a\n   | 1 | 2\n", 4)]
    #[case::docstring("Feature: F\n Scenario: S\n  Then a\n  \"\"\"\n  text\n", 4)]
    #[case::tags("@a b\nFeature: F\n", 1)]
    #[case::nothing("\n\n", 1)]
    #[case::no_feature("Given a\n", 1)]
    fn wrong_lines(#[case] text: &str, #[case] line: usize) {
        assert_eq!(first_wrong_line(text).map(|(line, _)| line), Some(line));
    }

    #[test]
    fn free_text_may_stand_below_a_keyword() {
        let text = "@a @b # why\nFeature: F\n  Some words.\n  Scenario: S\n    More words.\n    Given a \\| b\n      | a \\| b | c |\n      | d | e |\n";
        assert_eq!(first_wrong_line(text), None);
    }
}
