//! `cursor-api logs`.

use std::collections::{BTreeSet, VecDeque};
use std::process::ExitCode;
use std::time::{Duration, Instant};

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
    let mut follower = Follower::default();
    if args.follow {
        // Before what is printed: what ends in between is shown once, there.
        follower.begin(client, args).await?;
    }
    let mut query = filters(args);
    query["limit"] = args.limit.into();
    query["reverse"] = true.into();
    let mut newest = ask(client, &query).await?.logs;
    newest.reverse();
    if !args.json {
        say(&line(&HEADING.map(str::to_owned)));
    }
    for log in &newest {
        if !args.follow || log["status"] != "pending" {
            follower.is_news(log);
            print(log, args.json);
        }
    }
    if !args.follow {
        return Ok(ExitCode::SUCCESS);
    }
    let mut is_well = true;
    loop {
        tokio::time::sleep(PAUSE).await;
        match follower.news(client, args).await {
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

/// Where in the log its reader is. Requests are told when they are over, each once.
///
/// Ids count beginnings, while entries come when requests end or have been running for some seconds.
/// So a look begins behind the oldest request that may still come or is under way.
#[derive(Debug, Default)]
struct Follower {
    /// Up to here, every request was in the log at the last look, if only as one under way.
    settled: u64,
    /// The oldest that was under way at the last look.
    pending: Option<u64>,
    /// The greatest ids, and when they were that.
    heads: VecDeque<(Instant, u64)>,
    /// Where the last look began.
    behind: u64,
    /// Over, and told.
    seen: BTreeSet<u64>,
}

impl Follower {
    /// Further behind than this, a request will not end any more, and is not looked for.
    const FAR: u64 = 10_000;
    /// In the beginning nothing is known of times: so many of the newest may have others between.
    const BACK: u64 = 200;
    /// After this long a request is in the log.
    const LATE: Duration = Duration::from_secs(10);

    /// What is over now is no news.
    async fn begin(&mut self, client: &AdminClient, args: &LogsArgs) -> Result<(), CallError> {
        let newest = ask(client, &json!({ "limit": Self::BACK, "reverse": true })).await?.logs;
        let first = newest.iter().filter_map(|log| log["id"].as_u64()).min();
        self.settled = first.map_or(0, |first| first.saturating_sub(1));
        let head = newest.iter().filter_map(|log| log["id"].as_u64()).max();
        self.pending = oldest_pending(client, head.unwrap_or(0)).await?;
        self.news(client, args).await.map(drop)
    }

    async fn news(
        &mut self,
        client: &AdminClient,
        args: &LogsArgs,
    ) -> Result<Vec<Value>, CallError> {
        let now = Instant::now();
        let newest = ask(client, &json!({ "limit": 1, "reverse": true })).await?.logs;
        let head = newest.first().and_then(|log| log["id"].as_u64()).unwrap_or(0);
        let pending = oldest_pending(client, head).await?;
        let mut query = filters(args);
        query["limit"] = 1000.into();
        let mut behind = self.look(head);
        let mut news = Vec::new();
        loop {
            query["cursor"] = behind.to_string().into();
            let found = ask(client, &query).await?;
            for log in found.logs {
                behind = log["id"].as_u64().unwrap_or(behind).max(behind);
                if self.is_news(&log) {
                    news.push(log);
                }
            }
            if found.is_last {
                self.looked(now, head, pending);
                return Ok(news);
            }
        }
    }

    /// The id behind which everything that matters is.
    fn look(&mut self, head: u64) -> u64 {
        let pending = self.pending.map_or(u64::MAX, |id| id.saturating_sub(1));
        let far = head.saturating_sub(Self::FAR);
        self.behind = self.behind.max(self.settled.min(pending).max(far));
        self.seen = self.seen.split_off(&self.behind);
        self.behind
    }

    /// Whether it is over, and was not told.
    fn is_news(&mut self, log: &Value) -> bool {
        let id = log["id"].as_u64().filter(|_| log["status"] != "pending");
        id.is_some_and(|id| self.seen.insert(id))
    }

    /// A look that began at this time has found these, and all that is over.
    fn looked(&mut self, now: Instant, head: u64, pending: Option<u64>) {
        self.heads.push_back((now, head));
        while let Some((at, head)) = self.heads.front()
            && now.duration_since(*at) >= Self::LATE
        {
            self.settled = self.settled.max(*head);
            self.heads.pop_front();
        }
        self.pending = pending;
    }
}

async fn oldest_pending(client: &AdminClient, head: u64) -> Result<Option<u64>, CallError> {
    let far = head.saturating_sub(Follower::FAR).to_string();
    let found = ask(client, &json!({ "status": "pending", "limit": 1, "cursor": far })).await?;
    Ok(found.logs.first().and_then(|log| log["id"].as_u64()))
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

    /// Defect that must not come back: a request that is over after a later one was never told.
    #[test]
    fn requests_are_told_once_in_whatever_order_they_end() {
        let log = |id: u64, status: &str| json!({"id": id, "status": status});
        let start = Instant::now();
        let second = |count| start + Duration::from_secs(count);
        let mut follower = Follower { settled: 1, ..Follower::default() };
        assert_eq!(follower.look(6), 1);
        assert!(follower.is_news(&log(6, "success")));
        follower.looked(second(0), 6, None);
        // 5 was not in the log, not even as one under way; 4 is.
        assert_eq!(follower.look(7), 1);
        assert!(follower.is_news(&log(5, "failure")) && !follower.is_news(&log(6, "success")));
        assert!(!follower.is_news(&log(4, "pending")));
        follower.looked(second(1), 7, Some(4));
        for now in 2..30 {
            assert!(follower.look(7) < 4);
            follower.looked(second(now), 7, Some(4));
        }
        assert!(follower.is_news(&log(4, "success")) && !follower.is_news(&log(4, "success")));
        follower.looked(second(30), 7, None);
        assert_eq!(follower.look(7), 7);
        assert!(follower.seen.is_empty());
    }

    /// Defect that must not come: what a crash left pending made every look read the whole log.
    #[test]
    fn what_never_ends_is_forgotten() {
        let mut follower = Follower { pending: Some(1), ..Follower::default() };
        assert_eq!(follower.look(5 + Follower::FAR), 5);
    }
}
