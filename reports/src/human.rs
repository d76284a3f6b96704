//! Figures and commands as people read them.

use core::fmt;

use crate::model::RunLog;

/// Bench time in microseconds as `12.345 s`, from a minute on as `00:02:03.500`, from a day on as `14 d 00:00:00.000`;
/// with microseconds only when there are any.
pub(crate) struct BenchTime(pub(crate) u64);

impl fmt::Display for BenchTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
        if days > 0 {
            write!(f, "{days} d ")?;
        }
        if seconds >= 60 {
            write!(f, "{hours:02}:{minutes:02}:{:02}", seconds % 60)?;
        } else {
            write!(f, "{seconds}")?;
        }
        if micros % 1_000 == 0 {
            write!(f, ".{:03}", micros / 1_000)?
        } else {
            write!(f, ".{micros:06}")?
        }
        if seconds < 60 { f.write_str(" s") } else { Ok(()) }
    }
}

/// A number with its digits in groups of three: `750,000`.
pub(crate) struct Grouped(pub(crate) u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// A count and what it counts, with the plural in `s`: `1 scenario`, `2 scenarios`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", Grouped(count), if count == 1 { "" } else { "s" })
}

/// The command line that repeats the run, quoted for a POSIX shell.
pub(crate) fn repeat_command(log: &RunLog) -> String {
    let mut command = "hanrig".to_owned();
    let mut add = |argument: &str| {
        command.push(' ');
        command.push_str(&quoted(argument));
    };
    if log.run.repeat.is_empty() {
        add("run");
        add("--seed");
        add(&log.run.seed.to_string());
        if let Some(filter) = &log.run.filter {
            add("--tags");
            add(filter);
        }
    } else {
        for argument in &log.run.repeat {
            add(argument);
        }
    }
    command
}

fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0.000 s")]
    #[case(1, "0.000001 s")]
    #[case(12_345_000, "12.345 s")]
    #[case(59_999_999, "59.999999 s")]
    #[case(60_000_000, "00:01:00.000")]
    #[case(14 * 86_400_000_000, "14 d 00:00:00.000")]
    #[case(u64::MAX, "213503982 d 08:01:49.551615")]
    fn bench_time(#[case] us: u64, #[case] expected: &str) {
        assert_eq!(BenchTime(us).to_string(), expected);
    }

    #[rstest]
    #[case(0, "0")]
    #[case(999, "999")]
    #[case(1_000, "1,000")]
    #[case(768_001, "768,001")]
    #[case(u64::MAX, "18,446,744,073,709,551,615")]
    fn grouped(#[case] number: u64, #[case] expected: &str) {
        assert_eq!(Grouped(number).to_string(), expected);
    }

    #[rstest]
    #[case("--seed", "--seed")]
    #[case("", "''")]
    #[case("@sit and not @slow", "'@sit and not @slow'")]
    #[case("it's; rm $HOME", r"'it'\''s; rm $HOME'")]
    fn shell_quoting(#[case] argument: &str, #[case] expected: &str) {
        assert_eq!(quoted(argument), expected);
    }
}
