//! Entries like those of a busy gateway: a month of requests, two dozen models of which some are
//! seldom, two hundred accounts, fifty keys, one request in twenty a failure.

use std::time::Duration;

use accounts::{AccountId, Alias, KeyId, UnixMs, UpstreamFlow};
use request_log::{
    Attempt, AttemptEnd, Chain, ChainPoint, Close, Dialect, Entry, Fault, Gaps, Status, Timing,
    Usage, UsageSource, Who,
};

/// Milliseconds since 1970.
pub(super) const START: u64 = 1_760_000_000_000;
/// Between two requests, in milliseconds.
pub(super) const PAUSE: u64 = 2600;

/// SplitMix64: the same number, the same entry.
struct Draw(u64);

impl Draw {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }

    /// Mostly near zero.
    fn small(&mut self, bound: u64) -> u64 {
        let bound = 1 + self.below(bound);
        self.below(bound)
    }
}

pub(super) fn entry(id: u64, rows: u64) -> Entry {
    let mut draw = Draw(id);
    let account = 1 + draw.below(200);
    let alias = Alias::new(format!("account-{account}"));
    // The last ones are still being served.
    let pending = id + 20 > rows;
    let fault = (!pending && draw.below(20) == 0).then(|| fault(&mut draw));
    let served = fault.is_none();
    let headers = Duration::from_micros(200_000 + draw.small(2_000_000));
    let total = headers + Duration::from_micros(draw.small(60_000_000));
    let stream = draw.below(5) > 0;
    let model = model(&mut draw);
    Entry {
        id,
        request_id: request_id(id),
        started: UnixMs(START + id * PAUSE + draw.below(PAUSE)),
        dialect: Dialect::ALL[usize::try_from(draw.small(5)).unwrap_or(0)],
        endpoint: "/v1/chat/completions".into(),
        who: match draw.below(10) {
            0 => Who::Operator,
            1 => Who::Shared,
            _ => Who::Key(KeyId::new(format!("key_{:016x}", draw.small(50)))),
        },
        account: Some((AccountId(account), alias.clone())),
        served_model: Some(model.clone()),
        model,
        flow: Some(UpstreamFlow::Agent),
        stream,
        status: match (pending, served) {
            (true, _) => Status::Pending,
            (false, true) => Status::Success,
            (false, false) => Status::Failure,
        },
        http_status: (!pending).then_some(if served { 200 } else { 502 }),
        fault,
        attempts: vec![Attempt {
            account: AccountId(account),
            alias,
            began: Duration::from_micros(80),
            lasted: total,
            end: AttemptEnd::Serving,
        }],
        timing: Timing {
            headers: Some(headers),
            first_token: Some(headers + Duration::from_micros(draw.below(900_000))),
            last_byte: Some(total),
            total,
        },
        chain: if stream && served { chain(&mut draw) } else { Chain::default() },
        usage: (served && draw.below(10) > 0).then(|| Usage {
            input: draw.small(100_000),
            output: draw.small(8000),
            cache_read: Some(draw.small(50_000)),
            cache_write: Some(draw.small(2000)),
            reasoning: None,
            source: UsageSource::Upstream,
        }),
        close: Some(Close::Finished),
        ignored: String::new(),
        content: None,
        gaps: Gaps::default(),
        trace: None,
    }
}

/// As long as a UUID.
pub(super) fn request_id(id: u64) -> String {
    let mut draw = Draw(id ^ u64::MAX);
    format!("{:016x}-0000-{:014x}", draw.number(), draw.number() >> 8)
}

fn model(draw: &mut Draw) -> String {
    match draw.small(24) {
        0 => "claude-4.5-sonnet".to_owned(),
        1 => "gpt-5".to_owned(),
        number => format!("model-{number}-preview"),
    }
}

/// Half of them are alike, the others have a number in them that nobody else has.
fn fault(draw: &mut Draw) -> Fault {
    let (kind, text) = match draw.below(4) {
        0 => ("rate_limited", "The account's limit is reached.".to_owned()),
        1 => ("timeout", "The upstream did not answer in time.".to_owned()),
        2 => ("upstream", format!("The upstream failed (reference {:016x}).", draw.number())),
        _ => ("invalid_request", format!("messages[{}].content: expected text", draw.below(5000))),
    };
    Fault { kind: kind.to_owned(), details: text.clone(), text }
}

fn chain(draw: &mut Draw) -> Chain {
    let points = 1 + draw.below(40);
    let mut at = 500;
    let point = |_| {
        at += u32::try_from(draw.below(400)).unwrap_or(0);
        ChainPoint { characters: 4 + u32::try_from(draw.below(60)).unwrap_or(0), at }
    };
    Chain::restore((0..points).map(point).collect())
}
