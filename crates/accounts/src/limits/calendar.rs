//! Where periods begin, in the Gregorian calendar and UTC.

use crate::id::UnixMs;
use crate::record::Period;

const DAY_MS: u64 = 86_400_000;
/// After 400 years the calendar repeats itself, to the day.
const CYCLE_DAYS: u64 = 400 * 365 + 97;

/// When the period that `now` is in began.
pub(super) fn period_start(period: Period, now: UnixMs) -> UnixMs {
    let day = now.0 / DAY_MS;
    match period {
        Period::Day => UnixMs(day * DAY_MS),
        Period::Month => UnixMs((day - month(day).0) * DAY_MS),
        Period::Ever => UnixMs(0),
    }
}

/// When the next one begins.
pub(super) fn next_period(period: Period, now: UnixMs) -> Option<UnixMs> {
    let start = period_start(period, now);
    let days = match period {
        Period::Day => 1,
        Period::Month => month(start.0 / DAY_MS).1,
        Period::Ever => return None,
    };
    Some(UnixMs(start.0.saturating_add(days * DAY_MS)))
}

/// How many days of its month have passed before this day, counted from 1970-01-01, and how many
/// days that month has.
fn month(day: u64) -> (u64, u64) {
    let mut left = day % CYCLE_DAYS;
    let mut year = 1970;
    loop {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = if leap { 29 } else { 28 };
        for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            if left < length {
                return (left, length);
            }
            left -= length;
        }
        year += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Now, and where the day, the month and the next month begin.
    const KNOWN: [(u64, u64, u64, u64); 8] = [
        // 1970-01-01 00:00:00
        (0, 0, 0, 2_678_400),
        // 2000-02-29 12:30:00
        (951_827_400, 951_782_400, 949_363_200, 951_868_800),
        // 2023-02-28 23:59:59
        (1_677_628_799, 1_677_542_400, 1_675_209_600, 1_677_628_800),
        // 2024-02-29 00:00:00
        (1_709_164_800, 1_709_164_800, 1_706_745_600, 1_709_251_200),
        // 2024-12-31 23:59:59
        (1_735_689_599, 1_735_603_200, 1_733_011_200, 1_735_689_600),
        // 2026-11-21 18:07:29
        (1_795_284_449, 1_795_219_200, 1_793_491_200, 1_796_083_200),
        // 2100-02-28 05:00:00
        (4_107_474_000, 4_107_456_000, 4_105_123_200, 4_107_542_400),
        // 2100-03-01 00:00:00
        (4_107_542_400, 4_107_542_400, 4_107_542_400, 4_110_220_800),
    ];

    fn starts(seconds: u64) -> (u64, u64, u64) {
        let now = UnixMs(seconds * 1000 + 999);
        (
            period_start(Period::Day, now).seconds(),
            period_start(Period::Month, now).seconds(),
            next_period(Period::Month, now).expect("a month").seconds(),
        )
    }

    /// Computed with another language's calendar.
    #[test]
    fn known_dates_have_known_beginnings() {
        for (now, day, month, next) in KNOWN {
            assert_eq!(starts(now), (day, month, next), "{now}");
        }
    }

    #[test]
    fn months_follow_each_other_without_a_gap() {
        let mut start = UnixMs(0);
        for _ in 0..12 * 800 {
            let next = next_period(Period::Month, start).expect("a month");
            let days = (next.0 - start.0) / DAY_MS;
            assert!((28..=31).contains(&days));
            assert_eq!(period_start(Period::Month, UnixMs(next.0 - 1)), start);
            assert_eq!(period_start(Period::Month, next), next);
            start = next;
        }
        // 800 years are two whole cycles.
        assert_eq!(start.0 / DAY_MS, 2 * CYCLE_DAYS);
    }

    #[test]
    fn the_end_of_time_does_no_harm() {
        let end = UnixMs(u64::MAX);
        assert!(period_start(Period::Month, end) <= end);
        assert!(next_period(Period::Day, end).expect("a day") <= end);
        assert_eq!(next_period(Period::Ever, end), None);
        assert_eq!(period_start(Period::Ever, end), UnixMs(0));
    }
}
