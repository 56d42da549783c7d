//! The binary in a folder of its own, with nothing of the test's environment.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The longest a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const KEY: &str = "sk-synthetic-test-key";

/// How to start the binary.
pub(crate) struct Start {
    command: Command,
    /// Its own one, which goes when it ends; none when it works in another's.
    folder: Option<TempDir>,
    stdin: Option<String>,
    /// Where its standard error goes instead of to the test.
    log: Option<File>,
}

/// `cursor-api` with these arguments.
pub(crate) fn cursor_api(arguments: &[&str]) -> Start {
    let folder = TempDir::new().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cursor-api"));
    command.args(arguments).env_clear().env("LOG_LEVEL", "warn").current_dir(folder.path());
    Start { command, folder: Some(folder), stdin: None, log: None }
}

/// The same in a folder that stays.
pub(crate) fn cursor_api_in(folder: &Path, arguments: &[&str]) -> Start {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cursor-api"));
    command.args(arguments).env_clear().env("LOG_LEVEL", "warn").current_dir(folder);
    Start { command, folder: None, stdin: None, log: None }
}

impl Start {
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Writes `config.toml` beside it.
    pub(crate) fn config(self, content: &str) -> Self {
        let folder = self.folder.as_ref().expect("a folder of its own");
        std::fs::write(folder.path().join("config.toml"), content).expect("written");
        self
    }

    /// What it reads from standard input; otherwise there is nothing.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.to_owned());
        self
    }

    /// Writes what it complains of to a file, where it can be read while it runs.
    pub(crate) fn log_to(mut self, path: &Path) -> Self {
        self.log = Some(File::create(path).expect("a file"));
        self
    }

    /// Lets another program run it, which is given it as its last arguments.
    pub(crate) fn through(mut self, wrapper: &[&str]) -> Self {
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(self.command.get_program()).args(self.command.get_args());
        command.env_clear();
        let variables = self.command.get_envs();
        command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = self.command.get_current_dir() {
            command.current_dir(folder);
        }
        self.command = command;
        self
    }

    pub(crate) fn spawn(mut self) -> Running {
        let mut child = self
            .command
            .stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(self.log.map_or_else(Stdio::piped, Stdio::from))
            .spawn()
            .expect("started");
        if let (Some(text), Some(mut stdin)) = (self.stdin, child.stdin.take()) {
            std::thread::spawn(move || {
                // Who does not want to read it all need not.
                let _ = stdin.write_all(text.as_bytes());
            });
        }
        let (line_in, lines) = mpsc::channel();
        let stdout = child.stdout.take().expect("a pipe");
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A test that has seen enough does not listen any more.
                let _ = line_in.send(line);
            }
        });
        let (errors_in, errors) = mpsc::channel();
        let stderr = child.stderr.take();
        std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.map(|mut stderr| stderr.read_to_string(&mut text));
            let _ = errors_in.send(text);
        });
        Running { child, lines, errors, _folder: self.folder }
    }

    /// Runs to its own end.
    pub(crate) async fn finish(self) -> Finished {
        self.spawn().finish().await
    }
}

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running process; killed when dropped.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    errors: mpsc::Receiver<String>,
    _folder: Option<TempDir>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line of its standard output.
    pub(crate) fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(_) => panic!("no line: {:?}", self.errors.recv_timeout(Duration::from_secs(1))),
        }
    }

    /// The address in the next line that has one after `marker`.
    pub(crate) fn address_after(&mut self, marker: &str) -> SocketAddr {
        loop {
            let line = self.line();
            if let Some((_, rest)) = line.split_once(marker) {
                let address = rest.trim().split('/').next().unwrap_or_default();
                return address.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success());
    }

    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child")
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.has_ended() {
                return status;
            }
            assert!(start.elapsed() < limit, "still running after {limit:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn finish(mut self) -> Finished {
        let code = self.ended(PATIENCE).await.code();
        let stderr = self.errors.recv_timeout(PATIENCE).unwrap_or_default();
        let stdout = self.lines.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{line}");
            text
        });
        Finished { code, stdout, stderr }
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a figure");
        let kilobytes: u64 =
            line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number");
        kilobytes * 1024
    }
}

/// A simulated backend in a process of its own.
pub(crate) struct Backend {
    pub(crate) process: Running,
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

pub(crate) fn simulate() -> Backend {
    let mut process = cursor_api(&["simulate", "--listen", "127.0.0.1:0"]).spawn();
    let address = process.address_after("http://");
    let line = process.line();
    let token = line.rsplit(' ').next().expect("a token").to_owned();
    Backend { process, address, token }
}

impl Backend {
    /// A settings file for a gateway in front of it.
    pub(crate) fn config(&self) -> String {
        let (address, token) = (self.address, &self.token);
        format!(
            "auth_token = \"{KEY}\"\n\
             port = 0\n\
             [upstream]\n\
             api_url = \"http://{address}\"\n\
             agent_url = \"http://{address}\"\n\
             web_url = \"http://{address}\"\n\
             [completion]\n\
             asia_url = \"http://{address}\"\n\
             eu_url = \"http://{address}\"\n\
             us_url = \"http://{address}\"\n\
             config_url = \"http://{address}\"\n\
             [[accounts]]\n\
             alias = \"synthetic\"\n\
             credential = \"{token}\"\n"
        )
    }

    /// A gateway in front of it.
    pub(crate) fn gateway(&self, variables: &[(&str, &str)]) -> (Running, SocketAddr) {
        let mut start = cursor_api(&["serve"]).config(&self.config());
        for (name, value) in variables {
            start = start.env(name, value);
        }
        let mut process = start.spawn();
        let address = process.address_after("listening on http://");
        (process, address)
    }
}
