//! Child processes and their figures, as the kernel counts them.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// A server that runs until this is dropped.
pub(crate) struct Process {
    child: Child,
    /// What it printed first.
    pub(crate) lines: Vec<String>,
}

impl Process {
    /// Starts a program and waits for `lines` lines of output.
    pub(crate) fn start(
        program: &Path,
        args: &[&str],
        env: &[(&str, &str)],
        lines: usize,
    ) -> Result<Self> {
        let mut child = Command::new(program)
            .args(args)
            .envs(env.iter().copied())
            .env("LOG_LEVEL", "error")
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let stdout = child.stdout.take().context("standard output")?;
        let mut read = Vec::new();
        for line in BufReader::new(stdout).lines().take(lines) {
            read.push(line?);
        }
        if read.len() < lines {
            bail!("{} ended before it was ready", program.display());
        }
        Ok(Self { child, lines: read })
    }

    /// The first `http://…` in what it printed.
    pub(crate) fn address(&self) -> Result<String> {
        self.lines
            .iter()
            .flat_map(|line| line.split_whitespace())
            .find_map(|word| word.strip_prefix("http://"))
            .map(str::to_owned)
            .context("no address printed")
    }

    /// User and system time so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> =
            stat.rsplit_once(')').context("stat")?.1.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Resident memory in bytes.
    pub(crate) fn rss(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
        let kilobytes: u64 = line.split_whitespace().nth(1).context("VmRSS")?.parse()?;
        Ok(kilobytes * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
