//! Shows secrets so that they can be told apart and not used.

/// The first six and last four characters of a long text, nothing of a short one.
pub(super) fn mask(text: &str) -> String {
    const SHORT: usize = 20;
    let count = text.chars().count();
    if count <= SHORT {
        return "***".to_owned();
    }
    let first: String = text.chars().take(6).collect();
    let last: String = text.chars().skip(count - 4).collect();
    format!("{first}***{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_left_of_a_secret() {
        assert_eq!(mask("short"), "***");
        assert_eq!(mask(&"x".repeat(20)), "***");
        assert_eq!(mask("abcdefghijklmnopqrstuvwxyz"), "abcdef***wxyz");
        assert_eq!(mask(&"工".repeat(21)), "工工工工工工***工工工工");
    }
}
