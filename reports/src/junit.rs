//! `junit.xml`: the run as JUnit XML, in the dialect that Jenkins and Surefire share.
//!
//! A suite per feature, a test case per scenario. Times are bench time in seconds with three decimals, since the stricter
//! readers take no more. Verdicts map so:
//!
//! | verdict | in the test case |
//! |---|---|
//! | pass | nothing |
//! | fail | `failure` |
//! | error | `error type="error"` |
//! | inconclusive | `error type="inconclusive"`, since JUnit has no word for it and it must not count as passed |
//! | not applicable | `skipped` with the reason |
//!
//! A log that ends before its run does gets one more suite with a test case in error, so that a CI server does not take
//! the scenarios that are there for all of them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event as Xml};

use crate::human::{BenchTime, counted, repeat_command};
use crate::model::{FeatureLog, RunLog, ScenarioLog};
use crate::printable::{excerpt, one_line, printable};
use crate::verdict::{Verdict, VerdictCounts};

/// Characters of a message that go into an attribute; the element holds all of it.
const MESSAGE: usize = 300;

/// Renders `log` as JUnit XML.
#[must_use]
pub fn render(log: &RunLog) -> String {
    let mut out = Vec::new();
    let written = write(log, &mut out);
    debug_assert!(written.is_ok(), "memory takes every write");
    String::from_utf8_lossy(&out).into_owned()
}

/// Writes `log` to `out` as JUnit XML.
///
/// # Errors
///
/// What `out` says.
pub fn write(log: &RunLog, out: impl Write) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Xml::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut totals = Totals::of(log.counts());
    if log.finished.is_none() {
        totals.tests += 1;
        totals.errors += 1;
    }
    xml.create_element("testsuites")
        .with_attribute(("name", one_line(&format!("hanrig on {}", log.run.bench.name))))
        .with_attribute(("tests", totals.tests.to_string().as_str()))
        .with_attribute(("failures", totals.failures.to_string().as_str()))
        .with_attribute(("errors", totals.errors.to_string().as_str()))
        .with_attribute(("time", seconds(log.duration_us()).as_str()))
        .write_inner_content(|xml| {
            for feature in log.features() {
                suite(xml, log, &feature)?;
            }
            if log.finished.is_none() { cut_short(xml, log) } else { Ok(()) }
        })?;
    xml.get_mut().write_all(b"\n")
}

/// Counts in JUnit's terms.
struct Totals {
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
}

impl Totals {
    fn of(counts: VerdictCounts) -> Self {
        Self {
            tests: counts.total().into(),
            failures: counts.fail.into(),
            errors: u64::from(counts.error) + u64::from(counts.inconclusive),
            skipped: counts.not_applicable.into(),
        }
    }
}

fn suite<W: Write>(xml: &mut Writer<W>, log: &RunLog, feature: &FeatureLog<'_>) -> io::Result<()> {
    let totals = Totals::of(feature.scenarios.iter().map(|scenario| scenario.verdict()).collect());
    let time = feature.scenarios.iter().fold(0_u64, |sum, scenario| sum.saturating_add(scenario.duration_us()));
    let mut element = xml
        .create_element("testsuite")
        .with_attribute(("name", one_line(feature.name)))
        .with_attribute(("tests", totals.tests.to_string().as_str()))
        .with_attribute(("failures", totals.failures.to_string().as_str()))
        .with_attribute(("errors", totals.errors.to_string().as_str()))
        .with_attribute(("skipped", totals.skipped.to_string().as_str()))
        .with_attribute(("time", seconds(time).as_str()));
    if let Some(started_at) = &log.run.started_at {
        element = element.with_attribute(("timestamp", one_line(started_at)));
    }
    let mut uses: BTreeMap<&str, u32> = BTreeMap::new();
    for scenario in &feature.scenarios {
        *uses.entry(&scenario.started.name).or_default() += 1;
    }
    element.write_inner_content(|xml| {
        properties(xml, log)?;
        for scenario in &feature.scenarios {
            // The examples of an outline share its name; readers merge test cases of the same name.
            let shared = uses.get(scenario.started.name.as_str()).is_some_and(|&uses| uses > 1);
            case(xml, scenario, shared)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn properties<W: Write>(xml: &mut Writer<W>, log: &RunLog) -> io::Result<()> {
    let run = &log.run;
    let mut properties = vec![
        ("hanrig".to_owned(), run.hanrig.clone()),
        ("bench".to_owned(), run.bench.name.clone()),
        ("drivers".to_owned(), run.bench.drivers.as_str().to_owned()),
        ("seed".to_owned(), run.seed.to_string()),
        ("repeat".to_owned(), repeat_command(log)),
    ];
    properties.extend(run.bench.players.iter().map(|(role, player)| (format!("player.{role}"), player.clone())));
    properties
        .extend(run.interpretations.iter().map(|(id, reading)| (format!("interpretation.{id}"), reading.clone())));
    xml.create_element("properties").write_inner_content(|xml| {
        for (name, value) in &properties {
            xml.create_element("property")
                .with_attribute(("name", one_line(name)))
                .with_attribute(("value", one_line(value)))
                .write_empty()?;
        }
        Ok(())
    })?;
    Ok(())
}

fn case<W: Write>(xml: &mut Writer<W>, scenario: &ScenarioLog, shared_name: bool) -> io::Result<()> {
    let started = &scenario.started;
    let name = if shared_name { format!("{} (line {})", started.name, started.line) } else { started.name.clone() };
    // Readers split the class name at dots into packages: a folder of features is one.
    let class =
        started.feature.strip_suffix(".feature").unwrap_or(&started.feature).replace('.', "_").replace('/', ".");
    xml.create_element("testcase")
        .with_attribute(("name", one_line(&name)))
        .with_attribute(("classname", one_line(&class)))
        .with_attribute(("time", seconds(scenario.duration_us()).as_str()))
        .write_inner_content(|xml| {
            outcome(xml, scenario)?;
            text(xml, "system-out", &transcript(scenario))
        })?;
    Ok(())
}

fn outcome<W: Write>(xml: &mut Writer<W>, scenario: &ScenarioLog) -> io::Result<()> {
    let verdict = scenario.verdict();
    let element = match verdict {
        Verdict::Pass => return Ok(()),
        Verdict::Fail => "failure",
        Verdict::Error | Verdict::Inconclusive => "error",
        Verdict::NotApplicable => "skipped",
    };
    let reason = scenario.reason().unwrap_or("no reason given");
    let first_line = reason.lines().next().unwrap_or_default();
    let message = one_line(first_line);
    let element = xml.create_element(element).with_attribute(("message", excerpt(&message, MESSAGE)));
    if verdict == Verdict::NotApplicable {
        element.write_empty()?;
        return Ok(());
    }
    let mut detail = String::new();
    if let Some(step) = scenario.deciding_step() {
        detail = format!("{} {}\n({}:{})\n", step.keyword, step.text, scenario.started.feature, step.line);
        if let Some(message) = step.message.as_deref().filter(|message| *message != reason) {
            detail.push_str(message);
            detail.push('\n');
        }
    }
    detail.push_str(reason);
    element.with_attribute(("type", verdict.as_str())).write_text_content(BytesText::new(&printable(&detail)))?;
    Ok(())
}

/// The steps as lines, with what was said and seen under each, and the evidence.
fn transcript(scenario: &ScenarioLog) -> String {
    let mut lines = vec![format!("{}, seed {}", scenario.started.scenario, scenario.started.seed)];
    if !scenario.started.requirements.is_empty() {
        lines.push(format!("requirements: {}", scenario.started.requirements.join(", ")));
    }
    for step in &scenario.steps {
        let time = BenchTime(step.at.end_us).to_string();
        lines.push(format!("{:<14} {time:>12}  {} {}", step.status.words(), step.keyword, step.text));
        lines.extend(step.message.iter().flat_map(|message| message.lines()).map(|line| format!("    {line}")));
        for seen in &step.observed {
            let reference = seen.reference.as_ref().map(|reference| format!(" [{reference}]")).unwrap_or_default();
            lines.push(format!("    {} {}: {}{reference}", BenchTime(seen.at_us), seen.link, seen.summary));
        }
    }
    if let Some(finished) = &scenario.finished {
        lines.extend(finished.counters.iter().map(|(name, count)| format!("{name}: {count}")));
        for file in &finished.evidence {
            lines.push(format!("evidence: {} ({}; {})", file.path, file.description, counted(file.octets, "octet")));
        }
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn cut_short<W: Write>(xml: &mut Writer<W>, log: &RunLog) -> io::Result<()> {
    let message = format!("{} of {} scenarios are in it", log.scenarios.len(), log.run.scenarios);
    xml.create_element("testsuite")
        .with_attribute(("name", "run log"))
        .with_attribute(("tests", "1"))
        .with_attribute(("failures", "0"))
        .with_attribute(("errors", "1"))
        .with_attribute(("skipped", "0"))
        .with_attribute(("time", "0.000"))
        .write_inner_content(|xml| {
            xml.create_element("testcase")
                .with_attribute(("name", "the run log ends with the run"))
                .with_attribute(("classname", "hanrig"))
                .with_attribute(("time", "0.000"))
                .write_inner_content(|xml| {
                    xml.create_element("error")
                        .with_attribute(("message", "the run log ends before the run does"))
                        .with_attribute(("type", Verdict::Error.as_str()))
                        .write_text_content(BytesText::new(&message))?;
                    Ok(())
                })?;
            Ok(())
        })?;
    Ok(())
}

fn text<W: Write>(xml: &mut Writer<W>, element: &'static str, text: &str) -> io::Result<()> {
    xml.create_element(element).write_text_content(BytesText::new(&printable(text)))?;
    Ok(())
}

/// Microseconds as seconds with three decimals, rounded to the nearest.
fn seconds(us: u64) -> String {
    let ms = us / 1_000 + u64::from(us % 1_000 >= 500);
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}
