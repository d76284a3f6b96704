//! Feature files: where they come from, and the scenarios in them.
//!
//! Without arguments the features are those that the binary carries, so that what runs does not depend on where it is
//! run; files and folders that are named are read instead of them.
//!
//! What is refused here would run without being able to fail: a feature or rule without scenarios, an outline without
//! examples, a scenario without steps or without a `Then`. All that is wrong is told at once.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Component, Path, PathBuf};

use cucumber::feature::Ext as _;
use gherkin::{Feature, GherkinEnv, StepType};
use hanrig_dcc::{excerpt, short_message};
use hanrig_reports::ScenarioId;

use super::{lint, panics};
use crate::exit::write_first;

include!(concat!(env!("OUT_DIR"), "/features.rs"));

/// The largest feature file that is read, in octets.
pub const MAX_FEATURE: u64 = 256 * 1024;

/// What a line of a feature file may be.
const EXPECTED: &str = "a keyword with a colon, a step, a table row or a tag";

/// How deep a folder of features may be.
const MAX_DEPTH: usize = 16;

/// One scenario, ready to run: outlines are expanded, the steps of backgrounds come first.
#[derive(Clone, Debug)]
pub struct Case {
    /// Names it within the run.
    pub id: ScenarioId,
    /// Path of its feature file, relative to the features folder, with `/`.
    pub feature: String,
    /// Name of its feature.
    pub feature_name: String,
    /// Its name.
    pub name: String,
    /// Its tags and those it inherits, without `@`, outermost first.
    pub tags: Vec<String>,
    /// Those of its tags that are identifiers of requirements.
    pub requirements: Vec<String>,
    /// Its line in the feature file, from 1; for an example of an outline the line of the example's row.
    pub line: u32,
    /// Its steps.
    pub steps: Vec<gherkin::Step>,
}

impl Case {
    /// Folder of the scenario's evidence, relative to the run's, with `/`.
    pub fn folder(&self) -> String {
        let feature = self.feature.strip_suffix(".feature").unwrap_or(&self.feature);
        let parts = feature.split('/').map(file_name).collect::<Vec<_>>().join("/");
        format!("scenarios/{parts}/{:03}-{}", self.line, file_name(&self.name))
    }
}

/// `text` as a file name on any system: lower case letters, digits, `-` and `_`, at most 60 octets.
fn file_name(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        match c {
            'a'..='z' | '0'..='9' | '_' => name.push(c),
            'A'..='Z' => name.push(c.to_ascii_lowercase()),
            _ if name.ends_with('-') || name.is_empty() => {}
            _ => name.push('-'),
        }
        if name.len() >= 60 {
            break;
        }
    }
    name.truncate(name.trim_end_matches('-').len());
    if name.is_empty() { "_".to_owned() } else { name }
}

/// The feature files cannot be run as they are.
#[derive(Debug, thiserror::Error)]
#[error("{}", Lines(.problems))]
pub struct FeatureError {
    /// What is wrong, each with its place.
    pub problems: Vec<Problem>,
}

/// One thing wrong with a feature file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named.
    pub file: String,
    /// Line from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        // Names and lines of a feature file may be as long as the file.
        write!(f, ": {}", short_message(&self.message))
    }
}

struct Lines<'a>(&'a [Problem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [problem] = self.0 {
            return problem.fmt(f);
        }
        write!(f, "{} things are wrong with the features", self.0.len())?;
        write_first(f, self.0)
    }
}

/// One feature file's text.
#[derive(Clone, Debug)]
struct Source {
    /// As the user knows it.
    shown: String,
    /// Relative to the features folder, with `/`.
    path: String,
    text: String,
}

/// The scenarios of the features that the binary carries, in the order of their paths and lines.
///
/// # Errors
///
/// When they cannot be run as they are.
pub fn embedded() -> Result<Vec<Case>, FeatureError> {
    let sources = FEATURES
        .iter()
        .map(|&(path, text)| Source { shown: format!("features/{path}"), path: path.to_owned(), text: text.to_owned() })
        .collect();
    cases(sources, Vec::new())
}

/// The scenarios of the feature files in `paths`, which are files or folders, in the order of their paths and lines.
///
/// # Errors
///
/// When they cannot be read, or cannot be run as they are.
pub fn load(paths: &[PathBuf]) -> Result<Vec<Case>, FeatureError> {
    let mut problems = Vec::new();
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        if path.is_dir() {
            walk(path, path, 0, &mut files, &mut problems);
            if files.len() == before && problems.is_empty() {
                problem(&mut problems, path, "no .feature file in this folder");
            }
        } else {
            let root = path.parent().unwrap_or(Path::new(""));
            files.push((path.clone(), relative(path, root)));
        }
    }
    let mut sources = Vec::new();
    let mut seen = BTreeSet::new();
    for (file, path) in files {
        if !seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())) {
            continue;
        }
        match crate::input::read_text(&file, MAX_FEATURE) {
            Ok(text) => sources.push(Source { shown: file.display().to_string(), path, text }),
            Err(error) => problem(&mut problems, &file, &error.why()),
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    cases(sources, problems)
}

fn problem(problems: &mut Vec<Problem>, file: &Path, message: &str) {
    problems.push(Problem { file: file.display().to_string(), line: 0, message: message.to_owned() });
}

fn walk(folder: &Path, root: &Path, depth: usize, files: &mut Vec<(PathBuf, String)>, problems: &mut Vec<Problem>) {
    if depth > MAX_DEPTH {
        return problem(problems, folder, "folders nested too deep; expected at most 16 levels");
    }
    let entries = match std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => return problem(problems, folder, &format!("cannot read the folder: {error}")),
    };
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, root, depth + 1, files, problems);
        } else if path.extension().is_some_and(|extension| extension == "feature") {
            let relative = relative(&path, root);
            files.push((path, relative));
        }
    }
}

/// What names a feature file in the log: its path below the innermost folder called `features`, so that one file has one
/// name however it was reached; without such a folder, its path below `root`.
fn relative(path: &Path, root: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let parts: Vec<_> = absolute.components().collect();
    let features = parts.iter().rposition(|part| part.as_os_str() == "features");
    let below: PathBuf = match features {
        Some(at) if at + 1 < parts.len() => parts.iter().skip(at + 1).collect(),
        _ => path.strip_prefix(root).unwrap_or(path).to_owned(),
    };
    let names: Vec<_> = below
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy()),
            _ => None,
        })
        .collect();
    names.join("/")
}

fn cases(sources: Vec<Source>, mut problems: Vec<Problem>) -> Result<Vec<Case>, FeatureError> {
    let mut cases = Vec::new();
    let mut by_path: BTreeMap<String, String> = BTreeMap::new();
    for source in sources {
        if let Some(other) = by_path.insert(source.path.clone(), source.shown.clone()) {
            problems.push(Problem {
                file: source.shown,
                line: 0,
                message: format!("would be called {} in the run log, and so would {other}", source.path),
            });
            continue;
        }
        match parse(&source) {
            Ok(feature) => add_feature(&source, feature, &mut cases, &mut problems),
            Err(problem) => problems.push(problem),
        }
    }
    let mut folders = BTreeMap::new();
    for case in &cases {
        // Scenarios that run at the same time must not write into one folder.
        if let Some(other) = folders.insert(case.folder(), &case.id) {
            let message = format!("would keep its evidence in the same folder as {other}; rename one of the features");
            problems.push(Problem { file: case.feature.clone(), line: case.line as usize, message });
        }
    }
    if problems.is_empty() { Ok(cases) } else { Err(FeatureError { problems }) }
}

fn parse(source: &Source) -> Result<Feature, Problem> {
    let at = |line, message| Problem { file: source.shown.clone(), line, message };
    // The parser is known to panic on odd input (unbalanced doc strings, for one).
    let parsed =
        panics::quietly(|| catch_unwind(AssertUnwindSafe(|| Feature::parse(&source.text, GherkinEnv::default()))));
    match parsed {
        Ok(Ok(feature)) => Ok(feature),
        Ok(Err(error)) => {
            let english = !source.text.lines().any(|line| line.trim_start().starts_with("# language:"));
            if let Some((line, reason)) = english.then(|| lint::first_wrong_line(&source.text)).flatten() {
                return Err(at(line, format!("not Gherkin: {reason}; expected {EXPECTED}")));
            }
            // The error keeps its place to itself, except in its text: "Error at LINE:COLUMN: ...".
            let text = error.to_string();
            let line = text.strip_prefix("Error at ").and_then(|rest| rest.split(':').next()?.parse().ok());
            Err(at(line.unwrap_or(0), format!("not Gherkin from about here on; expected {EXPECTED}")))
        }
        Err(_) => {
            let (line, reason) = lint::first_wrong_line(&source.text).unwrap_or((0, "the parser gave up".to_owned()));
            Err(at(line, format!("not Gherkin: {reason}; expected {EXPECTED}")))
        }
    }
}

fn add_feature(source: &Source, feature: Feature, cases: &mut Vec<Case>, problems: &mut Vec<Problem>) {
    let mut found = Vec::new();
    let mut complain = |line, message: String| found.push(Problem { file: source.shown.clone(), line, message });
    if feature.scenarios.is_empty() && feature.rules.is_empty() {
        complain(
            feature.position.line,
            format!("feature {} has no scenario, so it shows nothing", quoted(&feature.name)),
        );
    }
    for rule in feature.rules.iter().filter(|rule| rule.scenarios.is_empty()) {
        complain(rule.position.line, format!("rule {} has no scenario, so it shows nothing", quoted(&rule.name)));
    }
    let scenarios = feature.scenarios.iter().chain(feature.rules.iter().flat_map(|rule| &rule.scenarios));
    let mut whole = true;
    for scenario in scenarios {
        for message in cannot_fail(scenario) {
            whole = false;
            complain(scenario.position.line, format!("scenario {} {message}", quoted(&scenario.name)));
        }
    }
    if !whole {
        found.sort_by_key(|problem| problem.line);
        return problems.append(&mut found);
    }
    let feature = match feature.expand_examples() {
        Ok(feature) => feature,
        Err(error) => {
            complain(error.pos.line, format!("no column <{}> in the examples of this outline", error.name));
            return problems.append(&mut found);
        }
    };
    problems.append(&mut found);
    let background = feature.background.as_ref();
    for scenario in &feature.scenarios {
        cases.push(case(source, &feature, scenario, &[&feature.tags, &scenario.tags], [background, None]));
    }
    for rule in &feature.rules {
        for scenario in &rule.scenarios {
            let tags = [&feature.tags, &rule.tags, &scenario.tags];
            cases.push(case(source, &feature, scenario, &tags, [background, rule.background.as_ref()]));
        }
    }
}

/// A name, as a message quotes it.
fn quoted(name: &str) -> String {
    format!("{:?}", excerpt(name))
}

/// Why a scenario as written could not fail, or could not run.
fn cannot_fail(scenario: &gherkin::Scenario) -> Vec<String> {
    let mut reasons = Vec::new();
    if scenario.steps.is_empty() {
        reasons.push("has no steps, so it cannot fail".to_owned());
    } else if !scenario.steps.iter().any(|step| step.ty == StepType::Then) {
        reasons.push("has no Then, so it cannot fail".to_owned());
    }
    let outline = ["Outline", "Template"].iter().any(|word| scenario.keyword.contains(word));
    if outline && scenario.examples.is_empty() {
        reasons.push("is an outline without Examples, so it never runs".to_owned());
    }
    for examples in &scenario.examples {
        let line = examples.position.line;
        let rows = examples.table.as_ref().map_or(&[] as &[_], |table| &table.rows);
        let Some((header, values)) = rows.split_first() else {
            reasons.push(format!("has Examples without a table (line {line}), so it never runs"));
            continue;
        };
        if values.is_empty() {
            reasons.push(format!("has Examples without a row of values (line {line}), so it never runs"));
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = header.iter().find(|name| !names.insert(name.as_str())) {
            reasons.push(format!("has two columns <{twice}> in its Examples (line {line})"));
        }
    }
    reasons
}

fn case(
    source: &Source,
    feature: &Feature,
    scenario: &gherkin::Scenario,
    tags: &[&Vec<String>],
    backgrounds: [Option<&gherkin::Background>; 2],
) -> Case {
    let mut own_tags: Vec<String> = Vec::new();
    for tag in tags.iter().copied().flatten() {
        if !own_tags.contains(tag) {
            own_tags.push(tag.clone());
        }
    }
    let line = u32::try_from(line_of(source, scenario)).unwrap_or(u32::MAX);
    Case {
        id: ScenarioId::new(&source.path, line),
        feature: source.path.clone(),
        feature_name: feature.name.clone(),
        name: scenario.name.clone(),
        requirements: own_tags.iter().filter(|tag| is_requirement(tag)).cloned().collect(),
        tags: own_tags,
        line,
        steps: backgrounds.into_iter().flatten().flat_map(|b| &b.steps).chain(&scenario.steps).cloned().collect(),
    }
}

/// The line of a scenario, or of the row that an expanded outline came from.
///
/// Expansion counts rows from the `Examples` keyword, as if nothing stood between; blank lines and comments may.
fn line_of(source: &Source, scenario: &gherkin::Scenario) -> usize {
    let Some(examples) = scenario.examples.first() else { return scenario.position.line };
    let row = scenario.position.line.saturating_sub(examples.position.line + 2);
    let rows = source.text.lines().enumerate().skip(examples.position.line);
    let mut rows = rows.filter(|(_, line)| line.trim_start().starts_with('|'));
    rows.nth(row + 1).map_or(scenario.position.line, |(index, _)| index + 1)
}

/// Whether a tag is the identifier of a requirement: words of capitals, then of capitals and digits, joined by `-`, such
/// as `CH-10` and `ALERT-N62-HW`.
fn is_requirement(tag: &str) -> bool {
    let mut words = tag.split('-');
    let subject = words.next().is_some_and(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase()));
    let mut numbers = words.peekable();
    subject
        && numbers.peek().is_some()
        && numbers.all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_text(text: &str) -> Result<Vec<Case>, FeatureError> {
        let source = Source { shown: "f.feature".into(), path: "f.feature".into(), text: text.to_owned() };
        cases(vec![source], Vec::new())
    }

    #[test]
    fn backgrounds_rules_and_outlines() {
        let cases = from_text(
            "\
@sit @CH-10
Feature: Updates
  Background:
    Given a bench

  Scenario: Plain
    When it runs
    Then it passes

  @ppmid @sit
  Rule: Devices
    Background:
      Given a device

    @ALERT-N62-HW
    Scenario Outline: Version <v>
      Then it has version <v>

      # the versions
      Examples:

        | v |
        # the first
        | 1 |
        | 2 |

      @late
      Examples:
        | v |
        | 3 |
",
        )
        .unwrap();
        let told: Vec<_> = cases
            .iter()
            .map(|c| {
                let steps: Vec<_> = c.steps.iter().map(|s| s.value.as_str()).collect();
                format!("{} {:?} {:?} {:?} {steps:?} {}", c.id, c.name, c.tags, c.requirements, c.folder())
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        f.feature:6 "Plain" ["sit", "CH-10"] ["CH-10"] ["a bench", "it runs", "it passes"] scenarios/f/006-plain
        f.feature:24 "Version 1" ["sit", "CH-10", "ppmid", "ALERT-N62-HW"] ["CH-10", "ALERT-N62-HW"] ["a bench", "a device", "it has version 1"] scenarios/f/024-version-1
        f.feature:25 "Version 2" ["sit", "CH-10", "ppmid", "ALERT-N62-HW"] ["CH-10", "ALERT-N62-HW"] ["a bench", "a device", "it has version 2"] scenarios/f/025-version-2
        f.feature:30 "Version 3" ["sit", "CH-10", "ppmid", "ALERT-N62-HW", "late"] ["CH-10", "ALERT-N62-HW"] ["a bench", "a device", "it has version 3"] scenarios/f/030-version-3
        "#);
    }

    #[test]
    fn what_cannot_fail_is_refused_with_its_place() {
        let error = from_text(
            "\
Feature: Weak
  Scenario: Nothing
  Scenario: Hopeful
    Given a bench
    When it runs
  Scenario Outline: Empty
    Then <a>
    Examples:
      | a |
  Scenario Outline: Bare
    Then <a>
  Scenario Outline: Twice
    Then <a>
    Examples:
      | a | a |
      | 1 | 2 |
  Rule: None
",
        )
        .unwrap_err();
        insta::assert_snapshot!(error, @r#"
        6 things are wrong with the features
          f.feature:2: scenario "Nothing" has no steps, so it cannot fail
          f.feature:3: scenario "Hopeful" has no Then, so it cannot fail
          f.feature:6: scenario "Empty" has Examples without a row of values (line 8), so it never runs
          f.feature:10: scenario "Bare" is an outline without Examples, so it never runs
          f.feature:12: scenario "Twice" has two columns <a> in its Examples (line 14)
          f.feature:17: rule "None" has no scenario, so it shows nothing
        "#);
        insta::assert_snapshot!(from_text("Feature: Lonely\n").unwrap_err(), @r#"f.feature:1: feature "Lonely" has no scenario, so it shows nothing"#);
        let unknown = "Feature: F\n  Scenario Outline: S\n    Then <b>\n    Examples:\n      | a |\n      | 1 |\n";
        insta::assert_snapshot!(from_text(unknown).unwrap_err(), @"f.feature:3: no column <b> in the examples of this outline");
    }

    #[test]
    fn what_is_not_gherkin_is_told_with_its_line() {
        insta::assert_snapshot!(from_text("Feature: F\n  Scenario: S\n    Given a\n    Thn b\n").unwrap_err(), @r#"f.feature:4: not Gherkin: "Thn b"; expected a keyword with a colon, a step, a table row or a tag"#);
        insta::assert_snapshot!(from_text("").unwrap_err(), @"f.feature:1: not Gherkin: no Feature: in this file; expected a keyword with a colon, a step, a table row or a tag");
        insta::assert_snapshot!(from_text("Feature: F\n Scenario: S\n  Then a\n   | 1 | 2 |\n   | 1 |\n").unwrap_err(), @"f.feature:5: not Gherkin: a table row of 1 cells below one of 2; expected a keyword with a colon, a step, a table row or a tag");
    }

    #[test]
    fn scenarios_do_not_share_a_folder() {
        let sources = ["a-b.feature", "A b.feature"].map(|path| Source {
            shown: path.to_owned(),
            path: path.to_owned(),
            text: "Feature: F\n  Scenario: S\n    Then a\n".to_owned(),
        });
        insta::assert_snapshot!(cases(sources.into(), Vec::new()).unwrap_err(), @"A b.feature:2: would keep its evidence in the same folder as a-b.feature:2; rename one of the features");
    }

    #[test]
    fn the_features_on_board_can_be_run() {
        embedded().unwrap();
    }

    #[rstest::rstest]
    #[case("CH-10", true)]
    #[case("ALERT-N62-HW", true)]
    #[case("ALERT-N18-N20", true)]
    #[case("CH", false)]
    #[case("CH-", false)]
    #[case("-10", false)]
    #[case("sit", false)]
    #[case("subject-ch", false)]
    #[case("N62-HW", false)]
    fn requirement_tags(#[case] tag: &str, #[case] expected: bool) {
        assert_eq!(is_requirement(tag), expected);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_loader_panic(text in "(Feature: F\n)?([ @|#\"A-Za-z:<>*\\\\\n]|Scenario: |Examples:|Given |Then |\"\"\"\n){0,40}") {
            drop(from_text(&text));
        }
    }
}
