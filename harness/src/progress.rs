//! Progress on a terminal: which scenarios run, how many are done, how far a transfer is.
//!
//! Nothing here reaches the run log: what a person watches has no bearing on what is recorded. Where the standard error
//! stream is not a terminal, nothing is shown.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often at most the terminal is redrawn, in times a second.
const REDRAWS_PER_SECOND: u8 = 12;

/// The progress of a run.
#[derive(Clone, Debug)]
pub struct RunProgress {
    bars: MultiProgress,
    total: ProgressBar,
    colour: bool,
}

impl RunProgress {
    /// Progress of `scenarios` scenarios on standard error; hidden when that is not a terminal.
    pub fn on_terminal(scenarios: u64, colour: bool) -> Self {
        Self::with_target(scenarios, colour, ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND))
    }

    /// Progress that nobody sees.
    pub fn hidden() -> Self {
        Self::with_target(0, false, ProgressDrawTarget::hidden())
    }

    fn with_target(scenarios: u64, colour: bool, target: ProgressDrawTarget) -> Self {
        let bars = MultiProgress::with_draw_target(target);
        let total = bars.add(ProgressBar::new(scenarios));
        total.set_style(style(if colour {
            "{bar:28.cyan/dim} {pos}/{len} scenarios {elapsed}"
        } else {
            "{bar:28} {pos}/{len} scenarios {elapsed}"
        }));
        if !bars.is_hidden() {
            total.enable_steady_tick(Duration::from_millis(250));
        }
        Self { bars, total, colour }
    }

    /// A scenario begins: gives it a line of its own.
    pub fn scenario(&self, name: &str) -> ScenarioProgress {
        if self.bars.is_hidden() {
            return ScenarioProgress::hidden();
        }
        let bar = self.bars.insert_before(&self.total, ProgressBar::new(0));
        bar.set_style(style("  {prefix} {msg}"));
        bar.set_prefix(name.to_owned());
        bar.tick();
        ScenarioProgress { bar: Some(bar), colour: self.colour }
    }

    /// A scenario has ended.
    pub fn scenario_done(&self, scenario: &ScenarioProgress) {
        if let Some(bar) = &scenario.bar {
            bar.finish_and_clear();
            self.bars.remove(bar);
        }
        self.total.inc(1);
    }

    /// The run has ended: leaves the terminal as it was.
    pub fn finish(&self) {
        self.total.finish_and_clear();
    }
}

/// The progress of one scenario: what a world tells a person at a terminal. Cheap to clone and to call.
#[derive(Clone, Debug)]
pub struct ScenarioProgress {
    bar: Option<ProgressBar>,
    colour: bool,
}

impl ScenarioProgress {
    /// Progress that nobody sees.
    pub const fn hidden() -> Self {
        Self { bar: None, colour: false }
    }

    /// How far a transfer is: `done` of `total` octets.
    pub fn transfer(&self, done: u64, total: u64) {
        let Some(bar) = &self.bar else { return };
        if bar.length() != Some(total) {
            bar.set_length(total);
            bar.set_style(style(if self.colour {
                "  {prefix} {bar:20.green/dim} {bytes}/{total_bytes} {msg}"
            } else {
                "  {prefix} {bar:20} {bytes}/{total_bytes} {msg}"
            }));
        }
        bar.set_position(done);
    }

    /// What goes on, in a few words.
    pub fn note(&self, text: impl Into<String>) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.into());
        }
    }
}

/// A wrong template shows as a plain bar rather than ending a run.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_progress_takes_everything() {
        let run = RunProgress::hidden();
        let scenario = run.scenario("a scenario");
        scenario.transfer(10, 0);
        scenario.note("image notify");
        run.scenario_done(&scenario);
        run.finish();
    }

    #[test]
    fn templates_are_valid() {
        for template in [
            "{bar:28.cyan/dim} {pos}/{len} scenarios {elapsed}",
            "  {prefix} {bar:20.green/dim} {bytes}/{total_bytes} {msg}",
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
