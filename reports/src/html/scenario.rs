//! One scenario of the page: steps, what was observed, evidence.

use core::fmt::{self, Write};

use super::Badge;
use super::escape::{Esc, Line, href};
use crate::human::{BenchTime, Grouped, counted};
use crate::log::{EvidenceFile, StepFinished, StepStatus};
use crate::model::ScenarioLog;
use crate::verdict::Verdict;

/// Writes `scenario`, collapsed unless its verdict is one to look into.
pub(super) fn render(out: &mut impl Write, scenario: &ScenarioLog, anchor: &str) -> fmt::Result {
    let (started, verdict) = (&scenario.started, scenario.verdict());
    let open = matches!(verdict, Verdict::Fail | Verdict::Error | Verdict::Inconclusive);
    writeln!(
        out,
        "<details class=\"scenario {0}\" id=\"{anchor}\" data-verdict=\"{0}\"{1}>",
        verdict.as_str(),
        if open { " open" } else { "" },
    )?;
    writeln!(
        out,
        "<summary>{} <h3>{}</h3> <span class=\"time\">{}</span></summary>",
        Badge(verdict),
        Line(&started.name),
        BenchTime(scenario.duration_us()),
    )?;
    if let Some(reason) = scenario.reason().filter(|_| verdict != Verdict::Pass) {
        writeln!(out, "<p class=\"reason\"><strong>Reason:</strong> {}</p>", Esc(reason))?;
    }
    writeln!(
        out,
        "<p class=\"path\"><code>{}</code>, seed <code>{}</code></p>",
        Line(started.scenario.as_str()),
        started.seed
    )?;
    chips(out, "Requirements", "", &started.requirements)?;
    chips(out, "Tags", "@", &started.tags)?;
    steps(out, scenario)?;
    counters(out, scenario)?;
    evidence(out, scenario)?;
    out.write_str("</details>\n")
}

fn chips(out: &mut impl Write, label: &str, prefix: &str, values: &[String]) -> fmt::Result {
    if values.is_empty() {
        return Ok(());
    }
    write!(out, "<p class=\"chips\">{label}:")?;
    for value in values {
        let value = value.strip_prefix('@').unwrap_or(value);
        write!(out, " <span class=\"chip\">{prefix}{}</span>", Line(value))?;
    }
    out.write_str("</p>\n")
}

fn steps(out: &mut impl Write, scenario: &ScenarioLog) -> fmt::Result {
    let missing = u64::from(scenario.started.steps).saturating_sub(scenario.steps.len() as u64);
    if !scenario.steps.is_empty() {
        out.write_str("<table class=\"steps\">\n<caption>Steps</caption>\n<thead><tr><th scope=\"col\">Step</th>")?;
        out.write_str(
            "<th scope=\"col\">Status</th><th scope=\"col\">Ended at</th><th scope=\"col\">Took</th></tr></thead>\n",
        )?;
        out.write_str("<tbody>\n")?;
        for step in &scenario.steps {
            self::step(out, scenario, step)?;
        }
        out.write_str("</tbody>\n</table>\n")?;
    }
    if missing > 0 {
        writeln!(out, "<p>{} not in the log.</p>", counted(missing, "step"))?;
    }
    Ok(())
}

fn step(out: &mut impl Write, scenario: &ScenarioLog, step: &StepFinished) -> fmt::Result {
    let decides = scenario.deciding_step().is_some_and(|deciding| core::ptr::eq(deciding, step));
    let (class, current) = (step.status.as_str(), if decides { " decides" } else { "" });
    writeln!(
        out,
        "<tr class=\"{class}{current}\"><td><strong>{}</strong> {} <span class=\"line\">line {}</span>",
        Line(&step.keyword),
        Line(&step.text),
        step.line,
    )?;
    if !step.table.is_empty() {
        data_table(out, &step.table)?;
    }
    if let Some(docstring) = &step.docstring {
        writeln!(out, "<pre>{}</pre>", Esc(docstring))?;
    }
    if let Some(message) = &step.message {
        writeln!(out, "<pre class=\"message\">{}</pre>", Esc(message))?;
    }
    if !step.observed.is_empty() {
        observed(out, scenario, step, decides)?;
    }
    let mark = mark(step.status);
    writeln!(
        out,
        "</td><td class=\"status\"><span aria-hidden=\"true\">{mark}</span> {}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
        step.status.words(),
        BenchTime(step.at.end_us),
        BenchTime(step.at.duration_us()),
    )
}

fn data_table(out: &mut impl Write, rows: &[Vec<String>]) -> fmt::Result {
    out.write_str("<table class=\"data\">\n")?;
    for (index, row) in rows.iter().enumerate() {
        out.write_str("<tr>")?;
        for cell in row {
            // A table of one row has no header to speak of.
            if index == 0 && rows.len() > 1 {
                write!(out, "<th scope=\"col\">{}</th>", Line(cell))?;
            } else {
                write!(out, "<td>{}</td>", Line(cell))?;
            }
        }
        out.write_str("</tr>\n")?;
    }
    out.write_str("</table>\n")
}

fn observed(out: &mut impl Write, scenario: &ScenarioLog, step: &StepFinished, open: bool) -> fmt::Result {
    let count = counted(step.observed.len() as u64, "observation");
    writeln!(out, "<details{}>\n<summary>{count}</summary>", if open { " open" } else { "" })?;
    out.write_str("<table class=\"observed\">\n<thead><tr><th scope=\"col\">At</th><th scope=\"col\">Link</th>")?;
    out.write_str("<th scope=\"col\">Observed</th><th scope=\"col\">Where</th></tr></thead>\n<tbody>\n")?;
    for seen in &step.observed {
        write!(
            out,
            "<tr><td class=\"n\">{}</td><td>{}</td><td>{}</td><td>",
            BenchTime(seen.at_us),
            Line(&seen.link),
            Esc(&seen.summary)
        )?;
        if let Some(reference) = &seen.reference {
            match target(scenario, reference) {
                Some(url) => write!(out, "<a href=\"{}\">{}</a>", Esc(&url), Line(reference))?,
                None => write!(out, "{}", Line(reference))?,
            }
        }
        out.write_str("</td></tr>\n")?;
    }
    out.write_str("</tbody>\n</table>\n</details>\n")
}

/// The file of evidence that `reference` begins with, by its path or its name, as a link.
fn target(scenario: &ScenarioLog, reference: &str) -> Option<String> {
    let begins_with = |name: &str| {
        !name.is_empty()
            && reference
                .strip_prefix(name)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '/'))
    };
    let files = &scenario.finished.as_ref()?.evidence;
    let by_path = files.iter().find(|file| begins_with(&file.path));
    let file = by_path.or_else(|| files.iter().find(|file| begins_with(file_name(file))))?;
    href(&file.path)
}

fn counters(out: &mut impl Write, scenario: &ScenarioLog) -> fmt::Result {
    let Some(finished) = scenario.finished.as_ref().filter(|finished| !finished.counters.is_empty()) else {
        return Ok(());
    };
    out.write_str("<table class=\"counters\">\n<caption>Counters</caption>\n")?;
    out.write_str("<thead><tr><th scope=\"col\">What</th><th scope=\"col\">Count</th></tr></thead>\n<tbody>\n")?;
    for (name, count) in &finished.counters {
        writeln!(out, "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td></tr>", Line(name), Grouped(*count))?;
    }
    out.write_str("</tbody>\n</table>\n")
}

fn evidence(out: &mut impl Write, scenario: &ScenarioLog) -> fmt::Result {
    let Some(finished) = scenario.finished.as_ref().filter(|finished| !finished.evidence.is_empty()) else {
        return Ok(());
    };
    out.write_str("<table class=\"evidence\">\n<caption>Evidence</caption>\n<thead><tr><th scope=\"col\">File</th>")?;
    out.write_str("<th scope=\"col\">What it holds</th><th scope=\"col\">Octets</th><th scope=\"col\">SHA-256</th></tr></thead>\n")?;
    out.write_str("<tbody>\n")?;
    for file in &finished.evidence {
        out.write_str("<tr><th scope=\"row\">")?;
        match href(&file.path) {
            Some(url) => write!(out, "<a href=\"{}\">{}</a>", Esc(&url), Line(&file.path))?,
            None => write!(out, "{}", Line(&file.path))?,
        }
        writeln!(
            out,
            "</th><td>{}</td><td class=\"n\">{}</td><td><code class=\"hash\">{}</code></td></tr>",
            Esc(&file.description),
            Grouped(file.octets),
            Line(&file.sha256),
        )?;
    }
    out.write_str("</tbody>\n</table>\n")?;
    let captures = finished.evidence.iter().filter(|file| file.path.ends_with(".pcapng"));
    for capture in captures {
        let keys = finished.evidence.iter().map(file_name).find(|name| name.contains("key"));
        write!(out, "<p class=\"hint\">Open <code>{}</code> in Wireshark. ", Line(file_name(capture)))?;
        write!(out, "Its frames are encrypted: enter the keys from ")?;
        match keys {
            Some(keys) => write!(out, "<code>{}</code>", Line(keys))?,
            None => write!(out, "the keys file in the same folder")?,
        }
        writeln!(out, " under Edit, Preferences, Protocols, ZigBee, Pre-configured Keys.</p>")?;
    }
    Ok(())
}

/// The last segment of a file's path.
fn file_name(file: &EvidenceFile) -> &str {
    file.path.rsplit('/').next().unwrap_or(&file.path)
}

const fn mark(status: StepStatus) -> char {
    match status {
        StepStatus::Passed => '✓',
        StepStatus::Failed => '✗',
        StepStatus::Skipped => '↷',
        StepStatus::Undefined => '∅',
        StepStatus::NotApplicable => '–',
        StepStatus::Inconclusive => '?',
        StepStatus::Error => '!',
    }
}
