//! What messages quote of what they were given: never more than a person reads.

/// The longest name or value that a message quotes, in characters.
const LONGEST_QUOTE: usize = 40;
/// The longest word of a message, in characters: a path may well be long.
const LONGEST_WORD: usize = 200;
/// The longest message, in characters.
const LONGEST_MESSAGE: usize = 1000;

/// The start of `text`, which is a name or a value, with an ellipsis where that is not all of it.
pub fn excerpt(text: &str) -> String {
    cut(text, LONGEST_QUOTE)
}

/// `message` with its words and itself cut where they are longer than what a person reads: one of another library may
/// quote all of a file.
pub fn short_message(message: &str) -> String {
    if message.len() <= LONGEST_WORD {
        return message.to_owned();
    }
    let words: String = message.split_inclusive(char::is_whitespace).map(|word| cut(word, LONGEST_WORD)).collect();
    cut(&words, LONGEST_MESSAGE)
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest).and_then(|(end, _)| text.get(..end)) {
        Some(start) => format!("{start}…"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted() {
        assert_eq!(cut("ÄÖÜ", 3), "ÄÖÜ");
        assert_eq!(cut("ÄÖÜ", 2), "ÄÖ…");
        assert_eq!(cut("", 0), "");
    }

    #[test]
    fn what_follows_a_long_word_is_kept() {
        let told = short_message(&format!("unknown field {}, expected a", "k".repeat(2_000_000)));
        assert_eq!(told, format!("unknown field {}…expected a", "k".repeat(200)));
        assert_eq!(short_message(&"word ".repeat(1000)).chars().count(), 1001);
    }
}
