//! Which of the loaded scenarios run: tag expressions and shards.

use core::fmt;
use core::str::FromStr;

use cucumber::tag::Ext as _;
use gherkin::tagexpr::TagOperation;

use super::feature::Case;

/// The longest tag expression that is read, in octets: its parser recurses into parentheses.
const MAX_EXPRESSION: usize = 1024;

/// A tag expression, such as `@sit and not @ppmid`.
#[derive(Clone, Debug)]
pub struct Tags {
    text: String,
    operation: TagOperation,
}

/// Why a text is not a tag expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagsError {
    /// It is not one.
    #[error(
        "not a tag expression from column {column} on; expected tags joined by and, or, not and parentheses, such as \"@sit and not @ppmid\""
    )]
    Syntax {
        /// Character, from 1.
        column: usize,
    },
    /// It is longer than is read.
    #[error("a tag expression of {octets} octets; expected at most {MAX_EXPRESSION}")]
    TooLong {
        /// Its length.
        octets: usize,
    },
}

impl FromStr for Tags {
    type Err = TagsError;

    fn from_str(text: &str) -> Result<Self, TagsError> {
        if text.len() > MAX_EXPRESSION {
            return Err(TagsError::TooLong { octets: text.len() });
        }
        let operation = text
            .trim()
            .parse()
            .map_err(|error: <TagOperation as FromStr>::Err| TagsError::Syntax { column: error.location.column })?;
        Ok(Self { text: text.to_owned(), operation })
    }
}

impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Tags {
    /// Whether a scenario with these tags (without `@`) is meant.
    pub fn select(&self, tags: &[String]) -> bool {
        self.operation.eval(tags)
    }
}

/// One of several parts of a run, which run apart from each other: `K/N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which one, from 1.
    part: usize,
    /// Of how many.
    of: usize,
}

/// Why a text is not a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected K/N with K from 1 to N, such as 1/4")]
pub struct ShardError;

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let (part, of) = text.split_once('/').ok_or(ShardError)?;
        let (part, of) = (part.parse().map_err(|_| ShardError)?, of.parse().map_err(|_| ShardError)?);
        if part == 0 || part > of { Err(ShardError) } else { Ok(Self { part, of }) }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

impl Shard {
    /// Whether the scenario at `index` (from 0) among the chosen ones is in this part.
    const fn has(self, index: usize) -> bool {
        index % self.of == self.part - 1
    }
}

/// The scenarios that `tags` mean, of those the ones in `shard`, in the order given.
///
/// Scenarios are dealt to the shards in turn: together the shards have every scenario once.
pub fn select(cases: Vec<Case>, tags: Option<&Tags>, shard: Option<Shard>) -> Vec<Case> {
    let mut index = 0;
    cases
        .into_iter()
        .filter(|case| tags.is_none_or(|tags| tags.select(&case.tags)))
        .filter(|_| {
            let here = shard.is_none_or(|shard| shard.has(index));
            index += 1;
            here
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("@a", &["a"], true)]
    #[case("@a and @b", &["a"], false)]
    #[case("@a or @b", &["b"], true)]
    #[case("not (@a or @b) and @c", &["c"], true)]
    #[case("not @a", &[], true)]
    #[case("@CH-10", &["CH-1"], false)]
    fn tag_expressions(#[case] expression: &str, #[case] tags: &[&str], #[case] expected: bool) {
        let tags: Vec<_> = tags.iter().map(|&tag| tag.to_owned()).collect();
        assert_eq!(expression.parse::<Tags>().unwrap().select(&tags), expected);
    }

    #[rstest]
    #[case("", 1)]
    #[case("sit", 1)]
    #[case("@a nor @b", 4)]
    #[case("(@a and @b", 11)]
    fn wrong_tag_expressions(#[case] expression: &str, #[case] column: usize) {
        assert_eq!(expression.parse::<Tags>().unwrap_err(), TagsError::Syntax { column });
    }

    #[test]
    fn deep_tag_expressions_are_read_or_refused() {
        let deep = format!("{}@a{}", "(".repeat(500), ")".repeat(500));
        assert!(deep.parse::<Tags>().is_ok());
        assert_eq!("(".repeat(2000).parse::<Tags>().unwrap_err(), TagsError::TooLong { octets: 2000 });
    }

    #[rstest]
    #[case("0/2")]
    #[case("3/2")]
    #[case("1")]
    #[case("1/")]
    #[case("a/b")]
    #[case("-1/2")]
    fn wrong_shards(#[case] text: &str) {
        assert_eq!(text.parse::<Shard>(), Err(ShardError));
    }

    proptest! {
        #[test]
        fn shards_partition(count in 0_usize..50, of in 1_usize..9) {
            let mut seen = vec![0; count];
            for part in 1..=of {
                for (index, times) in seen.iter_mut().enumerate() {
                    *times += usize::from(Shard { part, of }.has(index));
                }
            }
            prop_assert!(seen.iter().all(|&times| times == 1));
        }
    }
}
