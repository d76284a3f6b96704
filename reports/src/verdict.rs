//! Verdicts, how they combine, and the exit code a run ends with.

use core::fmt;
use core::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// The verdict on one scenario or on a whole run, in the terms of ISO/IEC 9646-1 and TTCN-3 (ETSI ES 201 873-1, 24.1).
///
/// TTCN-3's `none` is not used: a scenario that reached no verdict did not end, and that is an [`Verdict::Error`].
///
/// The order is that of the combination rule: of two verdicts, the greater one stands. See [`Verdict::combine`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The bench lacks what the scenario needs, or the scenario is not for this subject. Says nothing of the subject.
    NotApplicable,
    /// What was observed is what was expected.
    Pass,
    /// What was observed permits neither a pass nor a fail.
    Inconclusive,
    /// The bench, not the subject, went wrong. Never counts as a fail, nor as a pass.
    Error,
    /// What was observed contradicts what was expected.
    Fail,
}

impl Verdict {
    /// Every verdict, worst first.
    pub const WORST_FIRST: [Self; 5] = [Self::Fail, Self::Error, Self::Inconclusive, Self::Pass, Self::NotApplicable];

    /// The verdict on two things together: the first in `fail`, `error`, `inconclusive`, `pass`, `not_applicable` that
    /// either of them has.
    ///
    /// A fail stands above an error, unlike in TTCN-3, because here the two come from different scenarios: a nonconformity
    /// that one scenario has shown stays shown when the bench breaks down in another.
    #[must_use]
    pub fn combine(self, other: Self) -> Self {
        self.max(other)
    }

    /// The exit code of a run with this overall verdict.
    #[must_use]
    pub const fn exit_code(self) -> ExitCode {
        match self {
            Self::Pass | Self::NotApplicable => ExitCode::Passed,
            Self::Fail => ExitCode::Failed,
            Self::Error | Self::Inconclusive => ExitCode::Unsettled,
        }
    }

    /// The name in the run log: `pass`, `fail`, `inconclusive`, `error` or `not_applicable`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
            Self::NotApplicable => "not_applicable",
        }
    }

    /// The name as people read it: as [`Verdict::as_str`], but `not applicable`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            other => other.as_str(),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

/// How many scenarios got which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VerdictCounts {
    /// Scenarios with verdict pass.
    pub pass: u32,
    /// Scenarios with verdict fail.
    pub fail: u32,
    /// Scenarios with verdict inconclusive.
    pub inconclusive: u32,
    /// Scenarios with verdict error.
    pub error: u32,
    /// Scenarios that were not applicable.
    pub not_applicable: u32,
}

impl VerdictCounts {
    /// How many scenarios got `verdict`.
    #[must_use]
    pub const fn of(&self, verdict: Verdict) -> u32 {
        match verdict {
            Verdict::Pass => self.pass,
            Verdict::Fail => self.fail,
            Verdict::Inconclusive => self.inconclusive,
            Verdict::Error => self.error,
            Verdict::NotApplicable => self.not_applicable,
        }
    }

    /// Scenarios counted, whatever their verdict.
    #[must_use]
    pub fn total(&self) -> u32 {
        Verdict::WORST_FIRST.into_iter().fold(0, |sum, verdict| sum.saturating_add(self.of(verdict)))
    }

    /// The verdict on all of them together by [`Verdict::combine`]; `not_applicable` when nothing was counted.
    #[must_use]
    pub fn overall(&self) -> Verdict {
        Verdict::WORST_FIRST.into_iter().find(|&verdict| self.of(verdict) > 0).unwrap_or(Verdict::NotApplicable)
    }
}

impl AddAssign<Verdict> for VerdictCounts {
    fn add_assign(&mut self, verdict: Verdict) {
        let count = match verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::Fail => &mut self.fail,
            Verdict::Inconclusive => &mut self.inconclusive,
            Verdict::Error => &mut self.error,
            Verdict::NotApplicable => &mut self.not_applicable,
        };
        *count = count.saturating_add(1);
    }
}

impl FromIterator<Verdict> for VerdictCounts {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts {
            counts += verdict;
        }
        counts
    }
}

/// The exit codes of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// All scenarios passed or were not applicable.
    Passed = 0,
    /// A scenario failed.
    Failed = 1,
    /// Bad usage or input. No verdict leads here.
    Usage = 2,
    /// The bench failed or a verdict is inconclusive, and no scenario failed.
    Unsettled = 3,
}

impl ExitCode {
    /// The number given to the operating system.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing(&[], Verdict::NotApplicable, 0)]
    #[case::all_not_applicable(&[Verdict::NotApplicable], Verdict::NotApplicable, 0)]
    #[case::passed_where_applicable(&[Verdict::Pass, Verdict::NotApplicable], Verdict::Pass, 0)]
    #[case::inconclusive_over_pass(&[Verdict::Inconclusive, Verdict::Pass], Verdict::Inconclusive, 3)]
    #[case::error_over_inconclusive(&[Verdict::Inconclusive, Verdict::Error], Verdict::Error, 3)]
    #[case::fail_over_error(&[Verdict::Error, Verdict::Fail, Verdict::Inconclusive], Verdict::Fail, 1)]
    fn overall(#[case] verdicts: &[Verdict], #[case] expected: Verdict, #[case] code: u8) {
        let counts: VerdictCounts = verdicts.iter().copied().collect();
        assert_eq!(counts.overall(), expected);
        assert_eq!(counts.overall().exit_code().code(), code);
        assert_eq!(verdicts.iter().copied().reduce(Verdict::combine).unwrap_or(Verdict::NotApplicable), expected);
        assert_eq!(counts.total() as usize, verdicts.len());
    }

    #[test]
    fn names_are_those_of_the_log() {
        for verdict in Verdict::WORST_FIRST {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.as_str());
        }
    }
}
