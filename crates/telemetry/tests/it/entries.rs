//! Requests that are over.

use std::sync::Arc;
use std::time::Duration;

use accounts::{AccountId, Alias, KeyId, UnixMs, UpstreamFlow};
use conversation::{Usage, UsageSource};
use request_log::{
    Attempt, AttemptEnd, Chain, Close, Content, Dialect, Entry, Fault, Gaps, Status, Timing, Who,
};
use telemetry::{Options, Telemetry};

/// In none of what leaves.
pub(crate) const CANARY: &str = "canary-7f3a";

pub(crate) const REQUEST_ID: &str = "req_0af7651916cd43dd8448eb211c80319c";

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Knows the models that begin with `gpt-`.
pub(crate) fn knows(name: &str) -> bool {
    name.starts_with("gpt-")
}

/// Without a collector.
pub(crate) fn alone() -> Telemetry {
    let options = Options { otlp: None, version: "1.2.3-test" };
    Telemetry::start(options, Arc::new(knows)).expect("telemetry")
}

pub(crate) fn attempt(alias: &str, began: u64, lasted: u64, end: AttemptEnd) -> Attempt {
    Attempt {
        account: AccountId(7),
        alias: Alias::new(alias),
        began: ms(began),
        lasted: ms(lasted),
        end,
    }
}

/// Answered by the second account.
pub(crate) fn success() -> Entry {
    let mut gaps = Gaps::default();
    for gap in [4, 7, 30, 60_000] {
        gaps.push(ms(gap));
    }
    let mut chain = Chain::default();
    chain.push(12, ms(400));
    let failed = AttemptEnd::Failed {
        kind: "busy".into(),
        details: format!("{CANARY}: too many"),
        again: true,
    };
    Entry {
        id: 1,
        request_id: REQUEST_ID.into(),
        started: UnixMs(1_790_000_000_000),
        dialect: Dialect::Anthropic,
        endpoint: "/v1/messages".into(),
        who: Who::Key(KeyId::new("k_public")),
        account: Some((AccountId(7), Alias::new("second"))),
        model: "gpt-5".into(),
        served_model: Some("gpt-5-high".into()),
        flow: Some(UpstreamFlow::Agent),
        stream: true,
        status: Status::Success,
        http_status: Some(200),
        fault: None,
        attempts: vec![
            attempt("first", 10, 100, failed),
            attempt("second", 110, 0, AttemptEnd::Serving),
        ],
        timing: Timing {
            headers: Some(ms(390)),
            first_token: Some(ms(400)),
            last_byte: Some(ms(2390)),
            total: ms(2400),
        },
        chain,
        usage: Some(Usage {
            input: 1000,
            output: 21,
            cache_read: Some(600),
            cache_write: None,
            reasoning: Some(5),
            source: UsageSource::Upstream,
        }),
        close: Some(Close::Finished),
        ignored: String::new(),
        content: Some(Content {
            prompt: format!("{CANARY} prompt"),
            answer: format!("{CANARY} answer"),
            thinking: format!("{CANARY} thinking"),
        }),
        gaps,
        trace: None,
    }
}

/// Broken off by the upstream while it streamed.
pub(crate) fn failure(kind: &str) -> Entry {
    Entry {
        status: Status::Failure,
        fault: Some(Fault {
            kind: kind.into(),
            text: format!("{CANARY} text"),
            details: format!("{CANARY} details"),
        }),
        close: Some(Close::Cut),
        usage: None,
        ..success()
    }
}
