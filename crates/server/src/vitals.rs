//! Figures of the machine and of this process, read from `/proc`. Where there is none, the
//! figures are left out rather than invented.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The figures are read at most this often, however often they are asked for.
const FRESH: Duration = Duration::from_secs(1);

/// The figures of a process that runs.
#[derive(Debug)]
pub(crate) struct Watch(Mutex<Seen>);

#[derive(Debug)]
struct Seen {
    vitals: Vitals,
    at: Instant,
    /// Of one processor, between the last two looks.
    cpu_share: Option<f64>,
    looks: u64,
}

impl Watch {
    pub(crate) fn start() -> Self {
        let (vitals, at) = (Vitals::read(), Instant::now());
        Self(Mutex::new(Seen { vitals, at, cpu_share: None, looks: 1 }))
    }

    /// The figures, and the share of one processor that was used between the last two looks; before
    /// the second look, since the first.
    pub(crate) fn figures(&self) -> (Vitals, Option<f64>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let since = now.duration_since(seen.at);
        if since >= FRESH || seen.looks == 1 {
            let vitals = Vitals::read();
            seen.cpu_share = share(seen.vitals.cpu_time, vitals.cpu_time, since);
            seen.looks += 1;
            seen.at = now;
            seen.vitals = vitals;
        }
        (seen.vitals.clone(), seen.cpu_share)
    }
}

fn share(before: Option<Duration>, after: Option<Duration>, since: Duration) -> Option<f64> {
    let used = after?.saturating_sub(before?);
    (!since.is_zero()).then(|| used.as_secs_f64() / since.as_secs_f64())
}

/// What `/health` shows of the system.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Vitals {
    /// Resident memory of this process.
    pub(crate) used_bytes: Option<u64>,
    pub(crate) total_bytes: Option<u64>,
    pub(crate) available_bytes: Option<u64>,
    pub(crate) cpu_time: Option<Duration>,
    pub(crate) load_average: Option<[f64; 3]>,
}

impl Vitals {
    pub(crate) fn read() -> Self {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        Self::parse(
            &text("/proc/self/status"),
            &text("/proc/self/stat"),
            &text("/proc/meminfo"),
            &text("/proc/loadavg"),
        )
    }

    fn parse(status: &str, stat: &str, meminfo: &str, loadavg: &str) -> Self {
        Self {
            used_bytes: kilobytes(status, "VmRSS:"),
            total_bytes: kilobytes(meminfo, "MemTotal:"),
            available_bytes: kilobytes(meminfo, "MemAvailable:"),
            cpu_time: cpu_time(stat),
            load_average: load_average(loadavg),
        }
    }
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    let number: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    number.checked_mul(1024)
}

/// User and system time, fields 14 and 15, in ticks of which Linux has 100 a second. The second
/// field may hold blanks and ends with the last parenthesis.
fn cpu_time(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 10))
}

fn load_average(text: &str) -> Option<[f64; 3]> {
    let mut fields = text.split_whitespace().map(|field| field.parse().ok());
    Some([fields.next()??, fields.next()??, fields.next()??])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_the_text() {
        let stat = "7 (a b) c) S 1 1 1 0 -1 4 1 0 0 0 150 50 0 0 20 0";
        let vitals = Vitals::parse(
            "Name:\tx\nVmRSS:\t  2048 kB\n",
            stat,
            "MemTotal: 4096 kB\nMemAvailable: 1024 kB\n",
            "0.50 1.25 2.00 1/100 5\n",
        );
        assert_eq!(vitals.used_bytes, Some(2 << 20));
        assert_eq!(vitals.available_bytes, Some(1 << 20));
        assert_eq!(vitals.cpu_time, Some(Duration::from_secs(2)));
        assert_eq!(vitals.load_average, Some([0.5, 1.25, 2.0]));
    }

    #[test]
    fn the_processor_is_measured_between_two_looks() {
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(share(seconds(10), seconds(11), Duration::from_secs(4)), Some(0.25));
        assert_eq!(share(seconds(10), seconds(10), Duration::from_secs(4)), Some(0.0));
        assert_eq!(share(None, seconds(1), Duration::from_secs(4)), None);
        assert_eq!(share(seconds(1), seconds(2), Duration::ZERO), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_figures_are_read_once_a_second() {
        let watch = Watch::start();
        let looks = || watch.0.lock().expect("lock").looks;
        for _ in 0..100 {
            watch.figures();
        }
        assert_eq!(looks(), 2);
        tokio::time::advance(FRESH).await;
        watch.figures();
        assert_eq!(looks(), 3);
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        assert_eq!(Vitals::parse("", "", "", ""), Vitals::default());
    }
}
