//! Instants as RFC 3339 text.

use accounts::UnixMs;
use jiff::Timestamp;

/// Empty for an instant beyond the calendar, which no clock gives.
pub(super) fn show(at: UnixMs) -> String {
    let at = i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.map(|at| at.to_string()).unwrap_or_default()
}

/// `None` for what is no instant after 1970.
pub(super) fn read(text: &str) -> Option<UnixMs> {
    let at: Timestamp = text.trim().parse().ok()?;
    u64::try_from(at.as_millisecond()).ok().map(UnixMs)
}

/// The same; what was before 1970 is 1970.
pub(super) fn read_any(text: &str) -> Option<UnixMs> {
    let at: Timestamp = text.trim().parse().ok()?;
    Some(UnixMs(u64::try_from(at.as_millisecond()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_survive_being_written() {
        let at = UnixMs(1_769_950_000_123);
        assert_eq!(show(at), "2026-02-01T12:46:40.123Z");
        assert_eq!(read(&show(at)), Some(at));
        assert_eq!(read("2026-02-01T20:46:40.123+08:00"), Some(at));
        assert_eq!(read("tomorrow"), None);
        assert_eq!(read("1960-01-01T00:00:00Z"), None);
        assert_eq!(read_any("1960-01-01T00:00:00Z"), Some(UnixMs(0)));
        assert_eq!(read_any("2026-02-01T12:46:40.123"), None);
        assert_eq!(show(UnixMs(u64::MAX)), "");
    }
}
