//! The measurements. Gateway and proxy are driven in turns, so that a machine whose speed drifts
//! does not favour one of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use http_body_util::BodyExt as _;
use tokio::task::JoinSet;

use crate::client::{Connection, Target};
use crate::completion;
use crate::process::Process;
use crate::report::{Side, Table, complain, say};

/// How long to measure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Quick,
    Full,
}

impl Scale {
    fn rounds(self) -> usize {
        match self {
            Self::Quick => 1,
            Self::Full => 3,
        }
    }

    pub(crate) fn seconds(self) -> u64 {
        match self {
            Self::Quick => 2,
            Self::Full => 5,
        }
    }
}

pub(crate) const KEY: &str = "bench-key";
const SMALL: &str = "Hello there";

/// The servers under test.
pub(crate) struct Bench {
    simulator: Process,
    /// Of the simulator's account.
    token: String,
    /// What the gateways keep.
    _folder: tempfile::TempDir,
    proxy: Process,
    agent: Process,
    chat: Process,
    targets: [(Side, Target); 3],
}

impl Bench {
    pub(crate) fn target(&self, side: Side) -> &Target {
        let [(_, proxy), (_, chat), (_, agent)] = &self.targets;
        match side {
            Side::Proxy => proxy,
            Side::Chat => chat,
            Side::Agent => agent,
        }
    }

    pub(crate) fn process(&self, side: Side) -> &Process {
        match side {
            Side::Proxy => &self.proxy,
            Side::Agent => &self.agent,
            Side::Chat => &self.chat,
        }
    }

    /// Code completion has one protocol, so one of the gateways stands for both.
    async fn completion(&self) -> Result<completion::Ends> {
        let (backend, gateway) = (self.simulator.address()?, self.chat.address()?);
        completion::Ends::open(&backend, &self.token, &gateway).await
    }
}

/// Code completion alone.
pub(crate) async fn run_completion(scale: Scale) -> Result<()> {
    let bench = start(&build()?)?;
    let mut figures = completion::Figures::default();
    let mut ends = bench.completion().await?;
    for _ in 0..scale.rounds() {
        ends.measure(scale, &mut figures).await?;
    }
    say(&figures.to_string());
    Ok(())
}

pub(crate) async fn run(scale: Scale) -> Result<()> {
    let binary = build()?;
    let bench = start(&binary)?;
    warm_up(&bench).await?;
    let mut table = Table::default();
    footprint(&bench, &binary, &mut table)?;
    // First, while the processes are fresh: what a flood has freed would hide the streams' memory.
    for (side, target) in &bench.targets {
        idle_streams(&bench, *side, target, &mut table).await?;
    }
    let mut completions = completion::Figures::default();
    for _ in 0..scale.rounds() {
        bench.completion().await?.measure(scale, &mut completions).await?;
        for (side, target) in &bench.targets {
            first_byte(*side, target, scale, &mut table).await?;
            small(&bench, *side, target, scale, &mut table).await?;
            paced(&bench, *side, target, scale, &mut table).await?;
            flood(&bench, *side, target, scale, &mut table).await?;
        }
    }
    say(&table.to_string());
    say(&completions.to_string());
    Ok(())
}

/// Builds the gateway in the profile of this program, and so beside it.
pub(crate) fn build() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("workspace root")?;
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let mut command = std::process::Command::new(cargo);
    command.current_dir(root).args(["build", "--quiet", "--package", "cli"]);
    if cfg!(debug_assertions) {
        complain("a debug build: the figures are no measurements");
    } else {
        command.arg("--release");
    }
    anyhow::ensure!(command.status()?.success(), "the build failed");
    Ok(std::env::current_exe()?.with_file_name("cursor-api"))
}

pub(crate) fn start(binary: &Path) -> Result<Bench> {
    let simulator = Process::start(binary, &["simulate", "--listen", "127.0.0.1:0"], &[], 2)?;
    let upstream = simulator.address()?;
    let token = simulator.lines[1]
        .rsplit_once(' ')
        .map(|(_, token)| token.to_owned())
        .context("the simulator's token")?;
    let url = format!("http://{upstream}");
    let account = format!("bench={token}");
    let folder = tempfile::tempdir()?;
    let gateway = |flow: &str| {
        let data = folder.path().join(flow).display().to_string();
        let env = [
            ("DATA_DIR", data.as_str()),
            ("AUTH_TOKEN", KEY),
            ("PORT", "0"),
            ("UPSTREAM_API_URL", &url),
            ("UPSTREAM_AGENT_URL", &url),
            ("UPSTREAM_WEB_URL", &url),
            ("COMPLETION_ASIA_URL", &url),
            ("COMPLETION_EU_URL", &url),
            ("COMPLETION_US_URL", &url),
            ("COMPLETION_CONFIG_URL", &url),
            ("UPSTREAM_FLOW", flow),
            ("UPSTREAM_USAGE_LOOKUP", "false"),
            ("CURSOR_ACCOUNTS", &account),
        ];
        Process::start(binary, &["serve"], &env, 1)
    };
    let proxy = Process::start(&std::env::current_exe()?, &["proxy", &upstream], &[], 1)?;
    let (agent, chat) = (gateway("agent")?, gateway("chat")?);
    let to = |process: &Process| {
        Ok::<_, anyhow::Error>(Target::Gateway { address: process.address()?, key: KEY.to_owned() })
    };
    let targets = [
        (Side::Proxy, Target::Proxy { address: proxy.address()?, token: token.clone() }),
        (Side::Chat, to(&chat)?),
        (Side::Agent, to(&agent)?),
    ];
    Ok(Bench { simulator, token, _folder: folder, proxy, agent, chat, targets })
}

async fn warm_up(bench: &Bench) -> Result<()> {
    for (_, target) in &bench.targets {
        let mut connection = Connection::open(target).await?;
        for _ in 0..50 {
            connection.ask(SMALL).await?;
        }
    }
    Ok(())
}

fn footprint(bench: &Bench, binary: &Path, table: &mut Table) -> Result<()> {
    for (side, _) in &bench.targets {
        let megabytes = bench.process(*side).rss()? as f64 / 1e6;
        table.add("idle RSS, MB", *side, megabytes);
    }
    let megabytes = std::fs::metadata(binary)?.len() as f64 / 1e6;
    table.add("binary size, MB", Side::Agent, megabytes);
    let started = Instant::now();
    let folder = tempfile::tempdir()?;
    let data = folder.path().display().to_string();
    let env = [
        ("AUTH_TOKEN", KEY),
        ("PORT", "0"),
        ("DATA_DIR", data.as_str()),
        ("UPSTREAM_API_URL", "http://127.0.0.1:9"),
    ];
    drop(Process::start(binary, &["serve"], &env, 1)?);
    table.add("start-up, ms", Side::Agent, started.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

/// Latency without load: one request after the other.
async fn first_byte(side: Side, target: &Target, scale: Scale, table: &mut Table) -> Result<()> {
    let mut connection = Connection::open(target).await?;
    let mut times = Vec::new();
    let until = Instant::now() + Duration::from_secs(scale.seconds()) / 2;
    while Instant::now() < until {
        times.push(connection.ask(SMALL).await?.first_byte);
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    table.add("first byte p50, ms", side, at(0.5));
    table.add("first byte p99, ms", side, at(0.99));
    Ok(())
}

/// Small whole requests from a few connections at once.
async fn small(
    bench: &Bench,
    side: Side,
    target: &Target,
    scale: Scale,
    table: &mut Table,
) -> Result<()> {
    let process = bench.process(side);
    let (cpu, started) = (process.cpu()?, Instant::now());
    let until = started + Duration::from_secs(scale.seconds());
    let mut clients = JoinSet::new();
    for _ in 0..16 {
        let mut connection = Connection::open(target).await?;
        clients.spawn(async move {
            let mut count = 0_u64;
            while Instant::now() < until {
                connection.ask(SMALL).await?;
                count += 1;
            }
            Ok::<_, anyhow::Error>(count)
        });
    }
    let mut requests = 0;
    while let Some(count) = clients.join_next().await {
        requests += count??;
    }
    let cpu = (process.cpu()? - cpu).as_secs_f64();
    table.add("CPU per small request, µs", side, cpu * 1e6 / requests as f64);
    table.add("requests per second and core", side, requests as f64 / cpu);
    Ok(())
}

/// Many streams, each with a chunk every 10 ms.
async fn paced(
    bench: &Bench,
    side: Side,
    target: &Target,
    scale: Scale,
    table: &mut Table,
) -> Result<()> {
    const STREAMS: usize = 100;
    let chunks = 100 * scale.seconds() as usize;
    let prompt = format!("[[sim: delay 10ms]] [[sim: chunks {chunks}]]");
    let process = bench.process(side);
    let mut connections = Vec::new();
    for _ in 0..STREAMS {
        connections.push(Connection::open(target).await?);
    }
    let cpu = process.cpu()?;
    all(connections, &prompt).await?;
    let cpu = (process.cpu()? - cpu).as_secs_f64();
    table.add("CPU per paced chunk, µs", side, cpu * 1e6 / (STREAMS * chunks) as f64);
    Ok(())
}

/// A few streams as fast as they go.
async fn flood(
    bench: &Bench,
    side: Side,
    target: &Target,
    scale: Scale,
    table: &mut Table,
) -> Result<()> {
    const STREAMS: usize = 4;
    let chunks = 100_000 * scale.seconds() as usize;
    let prompt = format!("[[sim: chunks {chunks}]]");
    let mut connections = Vec::new();
    for _ in 0..STREAMS {
        connections.push(Connection::open(target).await?);
    }
    let process = bench.process(side);
    let (cpu, started) = (process.cpu()?, Instant::now());
    let bytes = all(connections, &prompt).await?;
    let count = (STREAMS * chunks) as f64;
    let cpu = (process.cpu()? - cpu).as_secs_f64();
    table.add("flood, chunks per ms", side, count / started.elapsed().as_secs_f64() / 1e3);
    table.add("CPU per flood chunk, µs", side, cpu * 1e6 / count);
    anyhow::ensure!(bytes > STREAMS * chunks, "the flood was cut short");
    Ok(())
}

async fn all(connections: Vec<Connection>, prompt: &str) -> Result<usize> {
    let mut clients = JoinSet::new();
    for mut connection in connections {
        let prompt = prompt.to_owned();
        clients.spawn(async move { connection.ask(&prompt).await });
    }
    let mut bytes = 0;
    while let Some(taken) = clients.join_next().await {
        bytes += taken??.bytes;
    }
    Ok(bytes)
}

/// Memory of streams in which nothing happens.
async fn idle_streams(bench: &Bench, side: Side, target: &Target, table: &mut Table) -> Result<()> {
    const STREAMS: usize = 1000;
    let process = bench.process(side);
    let before = process.rss()?;
    let mut open = Vec::new();
    for _ in 0..STREAMS {
        let mut connection = Connection::open(target).await?;
        let mut body = connection.begin("[[sim: say x]] [[sim: wait 30s]]").await?;
        // The proxy sends its head at once; the stream is open when bytes come.
        let _ = body.frame().await;
        open.push((connection, body));
    }
    let per_stream = process.rss()?.saturating_sub(before) as f64 / STREAMS as f64 / 1e3;
    table.add("memory per idle stream, KB", side, per_stream);
    Ok(())
}
