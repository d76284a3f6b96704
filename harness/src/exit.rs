//! How the command ends: exit codes, and errors as people read them.

pub use hanrig_reports::ExitCode;

/// An error with everything that caused it, in one text: `what: why: why that`.
pub fn chain(error: &dyn core::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors print their cause themselves.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// How many problems are told at once. Whoever mends those learns of the rest.
const MOST_PROBLEMS: usize = 50;

/// Writes a line for each problem, up to a number that a person reads, and how many more there are.
pub(crate) fn write_first<P: core::fmt::Display>(
    f: &mut core::fmt::Formatter<'_>,
    problems: &[P],
) -> core::fmt::Result {
    problems.iter().take(MOST_PROBLEMS).try_for_each(|problem| write!(f, "\n  {problem}"))?;
    match problems.len().saturating_sub(MOST_PROBLEMS) {
        0 => Ok(()),
        more => write!(f, "\n  and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the bench file")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("line 3: {0}")]
    struct Middle(#[source] std::io::Error);

    #[test]
    fn chains_are_told_whole_and_once() {
        let error = Outer(Middle(std::io::Error::other("disc on fire")));
        insta::assert_snapshot!(chain(&error), @"cannot read the bench file: line 3: disc on fire");
    }
}
