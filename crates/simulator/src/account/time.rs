//! Instants as account calls write them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix milliseconds.
pub(crate) fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// RFC 3339 in UTC with milliseconds: `2026-01-05T10:00:00.000Z`.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    // Beyond jiff's range, the year 9999, there is no such text.
    let instant = jiff::Timestamp::from_millisecond(millis(time)).unwrap_or(jiff::Timestamp::MAX);
    format!("{instant:.3}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn instants_as_in_the_vectors() {
        let time = UNIX_EPOCH + Duration::from_secs(1_767_607_200);
        assert_eq!(rfc3339(time), "2026-01-05T10:00:00.000Z");
        assert_eq!(rfc3339(time + Duration::from_micros(1_500)), "2026-01-05T10:00:00.001Z");
        assert_eq!(millis(time), 1_767_607_200_000);
    }
}
