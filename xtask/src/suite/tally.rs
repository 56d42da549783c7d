//! Closing lines of test runners.
use std::fmt;
use std::ops::Add;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`
pub(crate) fn of_rust(line: &str) -> Option<Tally> {
    let (_verdict, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |name| count(counts, "; ", name);
    Some(Tally { passed: count("passed")?, failed: count("failed")?, skipped: count("ignored")? })
}

/// `3 passed, 0 failed, 1 skipped`
pub(crate) fn of_clients(line: &str) -> Option<Tally> {
    let count = |name| count(line, ", ", name);
    Some(Tally { passed: count("passed")?, failed: count("failed")?, skipped: count("skipped")? })
}

/// The number before `name` in a list such as `3 passed, 0 failed`.
fn count(list: &str, separator: &str, name: &str) -> Option<u64> {
    list.split(separator).find_map(|item| item.strip_suffix(name)?.trim_end().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_counted() {
        let line = "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; \
                    4 filtered out; finished in 0.10s";
        assert_eq!(of_rust(line), Some(Tally { passed: 3, failed: 2, skipped: 1 }));
        let expected = Tally { passed: 12, failed: 0, skipped: 3 };
        assert_eq!(of_clients("12 passed, 0 failed, 3 skipped"), Some(expected));
        assert_eq!(expected.to_string(), "12 passed, 0 failed, 3 skipped");
    }

    #[test]
    fn other_lines_are_not() {
        for line in ["test result_is_ok ... ok", "running 3 tests", "3 passed", ""] {
            assert_eq!((of_rust(line), of_clients(line)), (None, None), "{line}");
        }
    }
}
