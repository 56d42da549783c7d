//! A long run at a steady rate: whether memory stays flat and requests stay well.
//!
//! Requests arrive by the clock, whether earlier ones are done or not, on both flows at once. Most
//! are small; some are long, fail, or are left by their client in the middle, for that is where
//! leaks hide.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use http_body_util::BodyExt as _;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at};

use crate::client::{Connection, Target};
use crate::load::{Bench, build, start};
use crate::report::{Side, say};

/// Connections per flow.
const CLIENTS: u64 = 48;
/// Between two lines of figures.
const LINE: Duration = Duration::from_secs(60);

/// What a request does, by its number.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Small,
    /// Half a second of pieces.
    Long,
    /// 200 KB of prompt.
    Large,
    /// The upstream refuses it.
    Failing,
    /// The client leaves in the middle.
    Left,
}

impl Kind {
    fn of(number: u64) -> Self {
        match number % 100 {
            7 | 27 | 47 | 67 | 87 => Self::Long,
            13 => Self::Large,
            31 | 71 => Self::Failing,
            53 | 93 => Self::Left,
            _ => Self::Small,
        }
    }

    fn prompt(self) -> String {
        match self {
            Self::Small => "Hello there".to_owned(),
            Self::Long | Self::Left => "[[sim: delay 10ms]] [[sim: chunks 50]]".to_owned(),
            Self::Large => format!("{} [[sim: say ok]]", "word ".repeat(40_000)),
            Self::Failing => "[[sim: error invalid_argument]]".to_owned(),
        }
    }
}

/// Since the last line.
#[derive(Debug, Default)]
struct Counts {
    asked: AtomicU64,
    /// Ended otherwise than was to be expected.
    wrong: AtomicU64,
    /// Slowest and all small requests, in microseconds.
    slowest: AtomicU64,
    small: AtomicU64,
    small_time: AtomicU64,
}

impl Counts {
    fn note_small(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.slowest.fetch_max(micros, Ordering::Relaxed);
        self.small.fetch_add(1, Ordering::Relaxed);
        self.small_time.fetch_add(micros, Ordering::Relaxed);
    }
}

/// Prints a line a minute; in the end, how memory developed.
pub(crate) async fn run(minutes: u64, rate: u64) -> Result<()> {
    ensure!(minutes > 0 && rate > 0, "minutes and rate must be more than nothing");
    let bench = start(&build()?)?;
    let counts = Arc::<Counts>::default();
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let mut clients = JoinSet::new();
    for side in [Side::Chat, Side::Agent] {
        for client in 0..CLIENTS {
            let (target, counts) = (bench.target(side).clone(), Arc::clone(&counts));
            let pause = Duration::from_secs_f64(2.0 * CLIENTS as f64 / rate as f64);
            clients.spawn(run_client(target, counts, client, pause, end));
        }
    }
    let memory = watch(&bench, &counts, minutes).await?;
    while let Some(client) = clients.join_next().await {
        client??;
    }
    say(&judged(&memory));
    Ok(())
}

async fn run_client(
    target: Target,
    counts: Arc<Counts>,
    client: u64,
    pause: Duration,
    end: Instant,
) -> Result<()> {
    let begin = tokio::time::Instant::now() + pause.mul_f64(client as f64 / CLIENTS as f64);
    let mut clock = interval_at(begin, pause);
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut connection = Connection::open(&target).await?;
    let mut number = client;
    while Instant::now() < end {
        clock.tick().await;
        number =
            number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let kind = Kind::of(number >> 33);
        counts.asked.fetch_add(1, Ordering::Relaxed);
        if !ask(&mut connection, kind, &counts).await {
            counts.wrong.fetch_add(1, Ordering::Relaxed);
        }
        if matches!(kind, Kind::Left | Kind::Failing) {
            connection = Connection::open(&target).await?;
        }
    }
    Ok(())
}

/// Whether it went as it should.
async fn ask(connection: &mut Connection, kind: Kind, counts: &Counts) -> bool {
    let prompt = kind.prompt();
    match kind {
        Kind::Small => {
            let started = Instant::now();
            let asked = connection.ask(&prompt).await;
            counts.note_small(started.elapsed());
            asked.is_ok()
        }
        Kind::Long | Kind::Large => connection.ask(&prompt).await.is_ok(),
        Kind::Failing => connection.begin(&prompt).await.is_err(),
        // Dropped with its connection after the first bytes.
        Kind::Left => match connection.begin(&prompt).await {
            Ok(mut body) => matches!(body.frame().await, Some(Ok(_))),
            Err(_) => false,
        },
    }
}

/// Memory of both gateways at every line, in megabytes.
async fn watch(bench: &Bench, counts: &Counts, minutes: u64) -> Result<Vec<(f64, f64)>> {
    let sides = [Side::Chat, Side::Agent];
    let mut memory = Vec::new();
    let mut cpu = sides.map(|side| bench.process(side).cpu().unwrap_or_default());
    for minute in 1..=minutes {
        tokio::time::sleep(LINE).await;
        let [chat, agent] = sides.map(|side| bench.process(side).rss());
        let (chat, agent) = (chat? as f64 / 1e6, agent? as f64 / 1e6);
        memory.push((chat, agent));
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        let (asked, wrong, slowest) =
            (take(&counts.asked), take(&counts.wrong), take(&counts.slowest));
        let (small, time) = (take(&counts.small), take(&counts.small_time));
        let mut shares = [0.0; 2];
        for (at, side) in sides.into_iter().enumerate() {
            let now = bench.process(side).cpu()?;
            shares[at] = 100.0 * (now - cpu[at]).as_secs_f64() / LINE.as_secs_f64();
            cpu[at] = now;
        }
        say(&format!(
            "minute {minute:>3}: {:>6.0} requests/s, {wrong} wrong; small ones {:.2} ms on average, \
             {:.0} ms at most; chat {chat:.1} MB, {:.0} % CPU; agent {agent:.1} MB, {:.0} % CPU",
            asked as f64 / LINE.as_secs_f64(),
            time as f64 / 1e3 / small.max(1) as f64,
            slowest as f64 / 1e3,
            shares[0],
            shares[1],
        ));
    }
    Ok(memory)
}

/// The last third against the one before it: by then caches and bounds are full.
fn judged(memory: &[(f64, f64)]) -> String {
    let third = (memory.len() / 3).max(1);
    let mean = |of: &[(f64, f64)], side: fn(&(f64, f64)) -> f64| {
        of.iter().map(side).sum::<f64>() / of.len().max(1) as f64
    };
    let (rest, last) = memory.split_at(memory.len() - third.min(memory.len()));
    let before = &rest[rest.len().saturating_sub(third)..];
    let line = |name: &str, side: fn(&(f64, f64)) -> f64| {
        let (before, last) = (mean(before, side), mean(last, side));
        format!("{name}: {before:.1} MB in the middle third, {last:.1} MB in the last one")
    };
    [line("chat", |(chat, _)| *chat), line("agent", |(_, agent)| *agent)].join("\n")
}

/// `--minutes N` and `--rate N`, in any order.
pub(crate) fn scale(args: &[&str]) -> Result<(u64, u64)> {
    let (mut minutes, mut rate) = (30, 300);
    for pair in args.chunks(2) {
        let [name, value] = pair else { anyhow::bail!("`{}` needs a number", pair[0]) };
        let number = value.parse().with_context(|| format!("`{value}` is no number"))?;
        match *name {
            "--minutes" => minutes = number,
            "--rate" => rate = number,
            other => anyhow::bail!("unknown argument `{other}`"),
        }
    }
    Ok((minutes, rate))
}
