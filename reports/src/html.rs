//! `report.html`: the run as one self-contained page.
//!
//! Nothing is fetched from anywhere; the policy in the page's head forbids it. Without JavaScript everything is there and
//! only the filter is missing. Whatever a log holds is made printable and escaped; paths become links only when they
//! stay below the run's folder.

mod escape;
mod scenario;

use core::fmt::{self, Write};
use std::collections::BTreeMap;

use self::escape::{Esc, Line};
use crate::human::{BenchTime, counted, repeat_command};
use crate::model::{RunLog, ScenarioLog};
use crate::traceability;
use crate::verdict::Verdict;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/filter.js");

/// Renders `log` as a page of HTML.
#[must_use]
pub fn render(log: &RunLog) -> String {
    Page(log).to_string()
}

struct Page<'a>(&'a RunLog);

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = self.0;
        let anchors = Anchors::of(log);
        head(f, log)?;
        f.write_str("<body>\n")?;
        header(f, log)?;
        f.write_str("<main>\n")?;
        doubts(f, log)?;
        totals(f, log)?;
        requirements(f, log, &anchors)?;
        filter(f)?;
        features(f, log, &anchors)?;
        f.write_str("</main>\n")?;
        writeln!(f, "<footer><p>Rendered from <code>run.jsonl</code> by hanrig.</p></footer>")?;
        write!(f, "<script>\n{SCRIPT}</script>\n</body>\n</html>\n")
    }
}

fn head(out: &mut impl Write, log: &RunLog) -> fmt::Result {
    out.write_str("<!DOCTYPE html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n")?;
    out.write_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")?;
    out.write_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n",
    )?;
    writeln!(out, "<title>{}: hanrig on {}</title>", log.verdict(), Line(&log.run.bench.name))?;
    write!(out, "<style>\n{STYLE}</style>\n</head>\n")
}

fn header(out: &mut impl Write, log: &RunLog) -> fmt::Result {
    let run = &log.run;
    writeln!(out, "<header>\n<h1>hanrig run {}</h1>\n<dl class=\"facts\">", Badge(log.verdict()))?;
    writeln!(
        out,
        "<dt>Bench</dt><dd><strong>{}</strong>, {} drivers{}{}</dd>",
        Line(&run.bench.name),
        run.bench.drivers.as_str(),
        if run.bench.description.is_empty() { "" } else { "<br>" },
        Esc(&run.bench.description),
    )?;
    if let Some(started_at) = &run.started_at {
        writeln!(out, "<dt>Started</dt><dd>{}</dd>", Line(started_at))?;
    }
    writeln!(out, "<dt>Bench time</dt><dd>{}</dd>", BenchTime(log.duration_us()))?;
    writeln!(out, "<dt>Seed</dt><dd><code>{}</code></dd>", run.seed)?;
    if let Some(filter) = &run.filter {
        writeln!(out, "<dt>Filter</dt><dd><code>{}</code></dd>", Line(filter))?;
    }
    writeln!(out, "<dt>Version</dt><dd>hanrig {}, run log format {}</dd>", Line(&run.hanrig), run.format)?;
    writeln!(out, "<dt>To repeat</dt><dd><code>{}</code></dd>\n</dl>", Line(&repeat_command(log)))?;
    if !run.bench.players.is_empty() {
        out.write_str("<details>\n<summary>Players</summary>\n<table>\n<caption>Who plays which role</caption>\n")?;
        out.write_str("<thead><tr><th scope=\"col\">Role</th><th scope=\"col\">Player</th></tr></thead>\n<tbody>\n")?;
        for (role, player) in &run.bench.players {
            writeln!(out, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", Line(role), Esc(player))?;
        }
        out.write_str("</tbody>\n</table>\n</details>\n")?;
    }
    if !run.interpretations.is_empty() {
        out.write_str("<details>\n<summary>Interpretations</summary>\n<table>\n")?;
        out.write_str("<caption>Readings chosen where the specifications disagree or are silent</caption>\n")?;
        out.write_str(
            "<thead><tr><th scope=\"col\">Question</th><th scope=\"col\">Reading</th></tr></thead>\n<tbody>\n",
        )?;
        for (id, reading) in &run.interpretations {
            writeln!(out, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", Line(id), Esc(reading))?;
        }
        out.write_str("</tbody>\n</table>\n</details>\n")?;
    }
    out.write_str("</header>\n")
}

/// What the log says of itself that a reader must know before believing the rest.
fn doubts(out: &mut impl Write, log: &RunLog) -> fmt::Result {
    if log.finished.is_some() && log.truncated.is_none() && log.warnings.is_empty() {
        return Ok(());
    }
    out.write_str(
        "<section class=\"doubts\" aria-labelledby=\"doubts\">\n<h2 id=\"doubts\">About this log</h2>\n<ul>\n",
    )?;
    if log.finished.is_none() {
        let (there, all) = (log.scenarios.len(), log.run.scenarios);
        writeln!(out, "<li>It ends before the run does: {there} of {all} scenarios are in it.</li>")?;
    }
    if let Some(cut) = log.truncated {
        writeln!(out, "<li>Its line {} is cut after {} octets.</li>", cut.line, cut.octets)?;
    }
    for warning in &log.warnings {
        writeln!(out, "<li>{}</li>", Line(&warning.to_string()))?;
    }
    out.write_str("</ul>\n</section>\n")
}

fn totals(out: &mut impl Write, log: &RunLog) -> fmt::Result {
    let counts = log.counts();
    out.write_str("<section aria-labelledby=\"totals\">\n<h2 id=\"totals\">Totals</h2>\n<table class=\"totals\">\n")?;
    out.write_str("<thead><tr><th scope=\"col\">Verdict</th><th scope=\"col\">Scenarios</th></tr></thead>\n<tbody>\n")?;
    for verdict in Verdict::WORST_FIRST {
        writeln!(out, "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td></tr>", Badge(verdict), counts.of(verdict))?;
    }
    writeln!(
        out,
        "</tbody>\n<tfoot><tr><th scope=\"row\">all</th><td class=\"n\">{}</td></tr></tfoot>",
        counts.total()
    )?;
    out.write_str("</table>\n</section>\n")
}

fn requirements(out: &mut impl Write, log: &RunLog, anchors: &Anchors) -> fmt::Result {
    let requirements = log.requirements();
    if requirements.is_empty() {
        return Ok(());
    }
    out.write_str("<section aria-labelledby=\"requirements\">\n<h2 id=\"requirements\">Requirements</h2>\n<table>\n")?;
    out.write_str(
        "<caption>Each requirement with the scenarios that show it and the worst of their verdicts</caption>\n",
    )?;
    out.write_str("<thead><tr><th scope=\"col\">Requirement</th><th scope=\"col\">Verdict</th>")?;
    out.write_str("<th scope=\"col\">Scenarios</th></tr></thead>\n<tbody>\n")?;
    for (requirement, scenarios) in requirements {
        let worst = scenarios.iter().map(|scenario| scenario.verdict()).max().unwrap_or(Verdict::NotApplicable);
        writeln!(out, "<tr><th scope=\"row\">{}</th><td>{}</td><td>\n<ul>", Line(requirement), Badge(worst))?;
        for scenario in scenarios {
            let name = Line(&scenario.started.name);
            let anchor = anchors.get(scenario);
            writeln!(out, "<li><a href=\"#{anchor}\">{name}</a> {}</li>", Badge(scenario.verdict()))?;
        }
        out.write_str("</ul>\n</td></tr>\n")?;
    }
    out.write_str("</tbody>\n</table>\n")?;
    not_shown(out, log)?;
    out.write_str("</section>\n")
}

/// The requirements that this run shows nothing of, or not all.
fn not_shown(out: &mut impl Write, log: &RunLog) -> fmt::Result {
    let gaps: Vec<_> =
        traceability::matrix(log).into_iter().filter_map(|row| Some((row.requirement, row.reason?))).collect();
    if gaps.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<details>\n<summary>{} not shown here, or not in full</summary>",
        counted(gaps.len() as u64, "requirement")
    )?;
    out.write_str("<table>\n<caption>Why this run does not show them, or not all of them</caption>\n")?;
    out.write_str("<thead><tr><th scope=\"col\">Requirement</th><th scope=\"col\">Why</th></tr></thead>\n<tbody>\n")?;
    for (requirement, reason) in gaps {
        writeln!(out, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", Line(requirement), Esc(&reason))?;
    }
    out.write_str("</tbody>\n</table>\n</details>\n")
}

/// The filter; hidden until the script that works it has started.
fn filter(out: &mut impl Write) -> fmt::Result {
    out.write_str("<form id=\"filter\" role=\"search\" aria-label=\"Filter scenarios\" hidden>\n")?;
    out.write_str("<fieldset>\n<legend>Show scenarios that are</legend>\n")?;
    for verdict in Verdict::WORST_FIRST {
        writeln!(
            out,
            "<label><input type=\"checkbox\" name=\"verdict\" value=\"{}\" checked> {}</label>",
            verdict.as_str(),
            Badge(verdict),
        )?;
    }
    out.write_str("</fieldset>\n")?;
    out.write_str(
        "<label>and mention <input type=\"search\" name=\"text\" placeholder=\"name, tag, requirement\"></label>\n",
    )?;
    out.write_str("<button type=\"button\" name=\"open\">Open all</button>\n")?;
    out.write_str("<button type=\"button\" name=\"close\">Close all</button>\n")?;
    out.write_str("<output aria-live=\"polite\"></output>\n</form>\n")
}

fn features(out: &mut impl Write, log: &RunLog, anchors: &Anchors) -> fmt::Result {
    for (index, feature) in log.features().iter().enumerate() {
        writeln!(out, "<section class=\"feature\" aria-labelledby=\"f{index}\">")?;
        writeln!(out, "<h2 id=\"f{index}\">{}</h2>", Line(feature.name))?;
        let scenarios = counted(feature.scenarios.len() as u64, "scenario");
        writeln!(out, "<p class=\"path\"><code>{}</code>, {scenarios}</p>", Line(feature.path))?;
        for scenario in &feature.scenarios {
            scenario::render(out, scenario, &anchors.get(scenario))?;
        }
        out.write_str("</section>\n")?;
    }
    Ok(())
}

/// The identifier of each scenario within the page, which is its position: names from the log may hold anything.
struct Anchors(BTreeMap<*const ScenarioLog, usize>);

impl Anchors {
    fn of(log: &RunLog) -> Self {
        Self(log.scenarios.iter().enumerate().map(|(index, scenario)| (core::ptr::from_ref(scenario), index)).collect())
    }

    fn get(&self, scenario: &ScenarioLog) -> String {
        self.0.get(&core::ptr::from_ref(scenario)).map(|index| format!("s{index}")).unwrap_or_default()
    }
}

/// A verdict as a mark, a word and a colour, so that none of them has to be seen.
struct Badge(Verdict);

impl fmt::Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.0 {
            Verdict::Pass => '✓',
            Verdict::Fail => '✗',
            Verdict::Error => '!',
            Verdict::Inconclusive => '?',
            Verdict::NotApplicable => '–',
        };
        let (class, words) = (self.0.as_str(), self.0.words());
        write!(f, "<span class=\"badge {class}\"><span aria-hidden=\"true\">{mark}</span> {words}</span>")
    }
}
