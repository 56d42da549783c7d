//! Texts in the upstream's answers by which an account is marked.

use crate::record::MarkKind;

/// The plan is used up (`reference/messages/errors.md`).
pub const LIMIT_TEXTS: &[&str] = &["trial request limit", "usage limit for free usage"];

/// The credential is not accepted, or the account is blocked.
pub const ABNORMAL_TEXTS: &[&str] = &[
    "not logged in",
    "login expired",
    "user is unauthorized",
    "too many computers",
    "suspicious activity",
];

/// What the operator put in, or else what is built in. Capitals do not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkTexts {
    limit: Vec<String>,
    abnormal: Vec<String>,
    /// Whether each list is the operator's own.
    own_limit: bool,
    own_abnormal: bool,
}

impl Default for MarkTexts {
    fn default() -> Self {
        Self::parse("", "")
    }
}

impl MarkTexts {
    /// One text per line. Blank lines do not count; there are no comments, for an answer may well
    /// have a `#` in it. A list without texts means the built-in one.
    #[must_use]
    pub fn parse(limit: &str, abnormal: &str) -> Self {
        let (limit, own_limit) = lines(limit, LIMIT_TEXTS);
        let (abnormal, own_abnormal) = lines(abnormal, ABNORMAL_TEXTS);
        Self { limit, abnormal, own_limit, own_abnormal }
    }

    /// How an answer with this text marks the account, and whether it is a text of the operator's
    /// own that says so. The operator's texts outweigh the built-in ones; of two alike, *abnormal*
    /// does.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<(MarkKind, bool)> {
        let text = text.to_lowercase();
        let lists = [
            (MarkKind::Abnormal, &self.abnormal, self.own_abnormal),
            (MarkKind::Limit, &self.limit, self.own_limit),
        ];
        lists
            .into_iter()
            .filter(|(_, list, _)| list.iter().any(|line| text.contains(line)))
            .map(|(kind, _, own)| (kind, own))
            .reduce(|first, second| if second.1 && !first.1 { second } else { first })
    }
}

fn lines(text: &str, built_in: &[&str]) -> (Vec<String>, bool) {
    let own: Vec<String> = text
        .lines()
        .map(|line| line.trim().to_lowercase())
        .filter(|line| !line.is_empty())
        .collect();
    if own.is_empty() {
        return (built_in.iter().map(|&line| line.to_owned()).collect(), false);
    }
    (own, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_texts_are_found_whatever_their_capitals() {
        let texts = MarkTexts::default();
        let find = |text: &str| texts.find(text);
        assert_eq!(
            find("You've reached your trial request limit."),
            Some((MarkKind::Limit, false))
        );
        assert_eq!(find("Error\nTOO MANY COMPUTERS"), Some((MarkKind::Abnormal, false)));
        assert_eq!(find("Provider Error"), None);
        assert_eq!(find(""), None);
        for text in LIMIT_TEXTS.iter().chain(ABNORMAL_TEXTS) {
            assert_eq!(*text, text.to_lowercase(), "they are compared in small letters");
        }
    }

    #[test]
    fn the_operators_texts_replace_a_list_and_outweigh_the_other() {
        let texts = MarkTexts::parse("\n  Out Of Coffee \r\n# 7\n\n", " \n");
        assert_eq!(texts.find("we are OUT OF COFFEE"), Some((MarkKind::Limit, true)));
        assert_eq!(texts.find("error # 7"), Some((MarkKind::Limit, true)));
        assert_eq!(texts.find("trial request limit"), None);
        assert_eq!(texts.find("not logged in"), Some((MarkKind::Abnormal, false)));
        let both = "not logged in: out of coffee";
        assert_eq!(texts.find(both), Some((MarkKind::Limit, true)));
        let texts = MarkTexts::parse("coffee", "tea");
        assert_eq!(texts.find("tea or coffee"), Some((MarkKind::Abnormal, true)));
    }
}
