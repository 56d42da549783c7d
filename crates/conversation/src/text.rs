//! A rough count of tokens in a text, for limits that the upstream does not enforce itself.

/// Estimates the tokens of a text without a tokenizer table: close to what byte-pair encoders
/// give for prose and code, and never zero for a text that is not empty. Good enough for limits
/// and for figures marked as estimates, not for bills.
#[must_use]
pub fn estimate_tokens(text: &str) -> u64 {
    let mut counter = TokenCounter::default();
    counter.push(text);
    counter.count()
}

/// The same estimate for a text that comes in pieces; where it was cut makes no difference.
#[derive(Debug, Clone, Copy)]
pub struct TokenCounter {
    tokens: u64,
    run: Run,
    empty: bool,
}

impl Default for TokenCounter {
    fn default() -> Self {
        Self { tokens: 0, run: Run::Space(0), empty: true }
    }
}

impl TokenCounter {
    /// Takes the next piece.
    pub fn push(&mut self, text: &str) {
        self.empty = self.empty && text.is_empty();
        for c in text.chars() {
            let class = Class::of(c);
            self.run = match (self.run, class) {
                (Run::Word(n), Class::Letter) => Run::Word(n + 1),
                (Run::Digits(n), Class::Digit) => Run::Digits(n + 1),
                (Run::Space(n), Class::Space) => Run::Space(n + 1),
                (Run::Marks(n), Class::Mark) => Run::Marks(n + 1),
                (run, class) => {
                    self.tokens += run.tokens();
                    match class {
                        Class::Letter => Run::Word(1),
                        Class::Digit => Run::Digits(1),
                        Class::Space => Run::Space(1),
                        Class::Mark => Run::Marks(1),
                        Class::Wide => {
                            self.tokens += 1;
                            Run::Space(0)
                        }
                    }
                }
            };
        }
    }

    /// Tokens so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        if self.empty { 0 } else { (self.tokens + self.run.tokens()).max(1) }
    }
}

enum Class {
    Letter,
    Digit,
    Space,
    Mark,
    /// Scripts without blanks between words, and pictographs: about a token each.
    Wide,
}

impl Class {
    fn of(c: char) -> Self {
        match c {
            _ if c.is_ascii_digit() => Self::Digit,
            _ if c.is_whitespace() => Self::Space,
            '\u{2e80}'.. => Self::Wide,
            _ if c.is_alphabetic() => Self::Letter,
            _ => Self::Mark,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Run {
    Word(u64),
    Digits(u64),
    /// A single blank belongs to the word after it; only longer runs cost.
    Space(u64),
    Marks(u64),
}

impl Run {
    fn tokens(self) -> u64 {
        match self {
            Self::Word(n) => n.div_ceil(6),
            Self::Digits(n) => n.div_ceil(3),
            Self::Space(n) => u64::from(n > 1),
            Self::Marks(n) => n.div_ceil(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_zero_and_anything_else_is_not() {
        assert_eq!(estimate_tokens(""), 0);
        assert_eq!(estimate_tokens(" "), 1);
        assert_eq!(estimate_tokens("a"), 1);
    }

    #[test]
    fn prose_is_near_a_token_per_word() {
        let count = estimate_tokens("The quick brown fox jumps over the lazy dog.");
        assert!((9..=12).contains(&count), "{count}");
    }

    #[test]
    fn where_a_text_is_cut_makes_no_difference() {
        let text = "Sphinx of black quartz, 123456 judge\n\n my vow \u{4f60}\u{597d}!";
        let mut counter = TokenCounter::default();
        for c in text.chars() {
            counter.push(c.encode_utf8(&mut [0; 4]));
        }
        assert_eq!(counter.count(), estimate_tokens(text));
    }

    #[test]
    fn wide_scripts_are_near_a_token_per_character() {
        assert_eq!(estimate_tokens("你好世界"), 4);
    }
}
