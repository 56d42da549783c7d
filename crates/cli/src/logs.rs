//! `cursor-api logs`.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::admin::{AdminClient, CallError};
use crate::args::LogsArgs;
use crate::terminal::{Refused, complain, plain, say};

/// Between two looks at what is new.
const PAUSE: Duration = Duration::from_secs(1);

pub(crate) async fn run(args: LogsArgs) -> Result<ExitCode> {
    let (client, _) = AdminClient::open(&args.settings).await?;
    let shown = show(&client, &args).await;
    client.close().await;
    shown
}

async fn show(client: &AdminClient, args: &LogsArgs) -> Result<ExitCode> {
    if args.follow && !client.gateway_runs() {
        // It would keep the data folder from a gateway that is to start.
        let text = "no gateway runs here, so there is nothing to follow".to_owned();
        return Err(Refused(text).into());
    }
    let mut query = filters(args);
    query["limit"] = args.limit.into();
    query["reverse"] = true.into();
    let mut newest = ask(client, &query).await?.logs;
    newest.reverse();
    if !args.json {
        say(&line(&HEADING.map(str::to_owned)));
    }
    let mut follower = Follower::default();
    for log in &newest {
        let is_over = follower.take(log);
        if is_over || !args.follow {
            print(log, args.json);
        }
    }
    if !args.follow {
        return Ok(ExitCode::SUCCESS);
    }
    let mut is_well = true;
    loop {
        tokio::time::sleep(PAUSE).await;
        match follower.news(client, filters(args)).await {
            Ok(news) => {
                is_well = true;
                news.iter().for_each(|log| print(log, args.json));
            }
            Err(error) if error.may_pass() => {
                if is_well {
                    complain(&format!("{error}; trying again"));
                }
                is_well = false;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn filters(args: &LogsArgs) -> Value {
    let mut query = json!({});
    for (field, value) in [
        ("status", &args.status),
        ("model", &args.model),
        ("error", &args.error),
        ("key", &args.key),
        ("account", &args.account),
        ("dialect", &args.dialect),
        ("request_id", &args.request_id),
        ("from_date", &args.from),
        ("to_date", &args.to),
    ] {
        if let Some(value) = value {
            query[field] = value.as_str().into();
        }
    }
    query
}

struct Found {
    logs: Vec<Value>,
    is_last: bool,
}

async fn ask(client: &AdminClient, query: &Value) -> Result<Found, CallError> {
    let mut answer = client.call("/logs/get", &json!({ "query": query })).await?;
    let is_last = answer["next"].is_null();
    let logs = match answer["logs"].take() {
        Value::Array(logs) => logs,
        _ => Vec::new(),
    };
    Ok(Found { logs, is_last })
}

/// Where in the log its reader is. Requests that are under way are told when they are over.
#[derive(Debug, Default)]
struct Follower {
    /// The greatest id that was seen.
    last: u64,
    pending: BTreeSet<u64>,
}

impl Follower {
    /// More than these under way are not waited for: what a crash left stays so for ever.
    const MOST: usize = 1000;
    /// Further behind than this, it will not end any more, and is not looked for.
    const FAR: u64 = 10_000;

    /// Whether it is to be shown: it is over, and was not seen before, or not as such.
    fn take(&mut self, log: &Value) -> bool {
        let Some(id) = log["id"].as_u64() else { return false };
        let is_new = id > self.last;
        self.last = self.last.max(id);
        if log["status"] == "pending" {
            if is_new && self.pending.len() < Self::MOST {
                self.pending.insert(id);
            }
            return false;
        }
        self.pending.remove(&id) || is_new
    }

    /// The id behind which everything that matters is.
    fn begin(&mut self) -> u64 {
        self.pending = self.pending.split_off(&self.last.saturating_sub(Self::FAR));
        self.pending.first().map_or(self.last, |first| first - 1)
    }

    async fn news(
        &mut self,
        client: &AdminClient,
        mut query: Value,
    ) -> Result<Vec<Value>, CallError> {
        query["limit"] = 1000.into();
        let mut behind = self.begin();
        let mut news = Vec::new();
        loop {
            query["cursor"] = behind.to_string().into();
            let found = ask(client, &query).await?;
            for log in found.logs {
                behind = log["id"].as_u64().unwrap_or(behind).max(behind);
                if self.take(&log) {
                    news.push(log);
                }
            }
            if found.is_last {
                return Ok(news);
            }
        }
    }
}

const HEADING: [&str; 8] =
    ["TIME", "STATUS", "MODEL", "KEY", "ACCOUNT", "SECONDS", "TOKENS", "ERROR"];
const WIDTHS: [usize; 8] = [24, 7, 24, 12, 12, 7, 11, 0];

fn print(log: &Value, as_json: bool) {
    if as_json {
        say(&log.to_string());
    } else {
        say(&line(&cells(log)));
    }
}

/// Columns of fixed width, for more lines may follow.
fn line(cells: &[String; 8]) -> String {
    let shown = |(cell, width): (&String, usize)| {
        let cell = if cell.is_empty() { "-".to_owned() } else { plain(cell) };
        format!("{cell:width$}")
    };
    let cells: Vec<String> = cells.iter().zip(WIDTHS).map(shown).collect();
    cells.join("  ").trim_end().to_owned()
}

fn cells(log: &Value) -> [String; 8] {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let usage = &log["chain"]["usage"];
    let tokens = match (usage["input"].as_u64(), usage["output"].as_u64()) {
        (Some(input), Some(output)) => format!("{input}+{output}"),
        _ => String::new(),
    };
    let seconds = log["timing"]["total"].as_f64();
    [
        text(&log["timestamp"]),
        text(&log["status"]),
        text(&log["model"]),
        text(&log["key"]),
        text(&log["account"]),
        seconds.map(|seconds| format!("{seconds:.2}")).unwrap_or_default(),
        tokens,
        text(&log["error"]["error"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_line_that_steers_no_terminal() {
        let log = json!({"timestamp": "2026-02-01T12:46:47Z", "status": "failure",
            "model": "m\u{1b}[31m", "key": "auth_token", "timing": {"total": 1.256},
            "chain": {"usage": {"input": 10, "output": 2}}, "error": {"error": "It\nbroke."}});
        assert_eq!(
            line(&cells(&log)),
            "2026-02-01T12:46:47Z      failure  m [31m                    auth_token    -             \
             1.26     10+2         It broke."
        );
        assert_eq!(cells(&json!(1)), [""; 8].map(str::to_owned));
    }

    #[test]
    fn what_is_under_way_is_told_once_it_is_over() {
        let log = |id: u64, status: &str| json!({"id": id, "status": status});
        let mut follower = Follower::default();
        assert!(follower.take(&log(1, "success")));
        assert!(!follower.take(&log(2, "pending")));
        assert!(follower.take(&log(3, "failure")));
        assert_eq!(follower.begin(), 1);
        assert!(!follower.take(&log(2, "pending")));
        assert!(!follower.take(&log(3, "failure")));
        assert!(follower.take(&log(2, "success")));
        assert!(!follower.take(&log(2, "success")));
        assert_eq!(follower.begin(), 3);
    }

    /// Defect that must not come: what a crash left pending made every look read the whole log.
    #[test]
    fn what_never_ends_is_forgotten() {
        let mut follower = Follower::default();
        follower.take(&json!({"id": 1, "status": "pending"}));
        follower.take(&json!({"id": 1 + Follower::FAR + 1, "status": "success"}));
        assert_eq!(follower.begin(), 1 + Follower::FAR + 1);
    }
}
