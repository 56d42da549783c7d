//! What is noted of requests: one entry each, complete however they end.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use accounts::{UnixMs, UpstreamFlow};
use conversation::{Failure, FailureClass, Turn, UsageSource};
use gateway::{Ask, Beginning, ClientId, Grant, Options, Recording, RecordingOptions};
use request_log::{AttemptEnd, Close, Entry, Observer, Page, Query, Retention, Size, Status, Who};
use simulator::{AccountBehaviour, Config};
use store::{RequestLog, StoreError, StoreFuture};
use tokio::time::Instant;
use upstream::Flow;

use crate::rig::{
    ANN, BOB, FLOWS, PATIENCE, Rig, arrival, declared, grant, jump_until, memory, names, options,
    read, session, soon, turn, until, within,
};

/// Keeps what it is told.
#[derive(Debug, Default)]
struct Seen(Mutex<Vec<Entry>>);

impl Seen {
    fn all(&self) -> Vec<Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn only(&self) -> Entry {
        until(PATIENCE, "an entry", || !self.all().is_empty()).await;
        let all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].clone()
    }
}

impl Observer for Seen {
    fn finished(&self, entry: &Entry) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry.clone());
    }
}

/// A log in memory that can be made to fail or to hang.
#[derive(Debug, Default)]
struct Log {
    batches: Mutex<Vec<Vec<Entry>>>,
    is_full: AtomicBool,
    hangs: AtomicBool,
    /// Every write takes so long, in milliseconds.
    slow: AtomicU64,
    prunes: AtomicU64,
}

impl Log {
    fn batches(&self) -> Vec<Vec<Entry>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn entries(&self) -> Vec<Entry> {
        self.batches().concat()
    }
}

impl RequestLog for Log {
    fn put(&self, entries: Vec<Entry>) -> StoreFuture<'_, ()> {
        Box::pin(async {
            if self.hangs.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(self.slow.load(Ordering::SeqCst))).await;
            if self.is_full.load(Ordering::SeqCst) {
                return Err(StoreError::Unavailable("the disk is full".into()));
            }
            self.batches.lock().unwrap_or_else(PoisonError::into_inner).push(entries);
            Ok(())
        })
    }

    fn find(&self, _: Query) -> StoreFuture<'_, Page> {
        Box::pin(async { Ok(Page::default()) })
    }

    fn read(&self, _: Query) -> StoreFuture<'_, Page> {
        Box::pin(async { Ok(Page::default()) })
    }

    fn size(&self) -> StoreFuture<'_, Size> {
        Box::pin(async { Ok(Size { rows: 0, bytes: 0, last_id: 41 }) })
    }

    fn prune(&self, _: Retention, _: UnixMs) -> StoreFuture<'_, u64> {
        self.prunes.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(1) })
    }
}

struct Noted {
    rig: Rig,
    seen: Arc<Seen>,
    log: Arc<Log>,
}

impl Noted {
    async fn new(options: Options) -> Self {
        let (seen, log) = (Arc::<Seen>::default(), Arc::<Log>::default());
        let credentials = [session(ANN), session(BOB)];
        let credentials: Vec<&str> = credentials.iter().map(String::as_str).collect();
        let beginning = Beginning {
            declared: declared(&credentials),
            request_log: Some(log.clone()),
            observer: Some(seen.clone()),
            ..Beginning::default()
        };
        let rig = Rig::beginning(memory(), beginning, options, Config::default()).await;
        Self { rig, seen, log }
    }

    /// Asks as an edge does that hands everything on; gives what was noted.
    async fn entry(&self, prompt: &str) -> Entry {
        let recording = self.rig.gateway.record(arrival(), &grant());
        recording.asked("gpt-5", true);
        self.answered(prompt, recording).await;
        self.seen.only().await
    }

    async fn answered(&self, prompt: &str, recording: Recording) {
        let ask = Ask::new(grant(), turn(prompt)).recorded(recording.clone());
        match soon("the beginning", self.rig.gateway.answer(ask)).await {
            Ok(answer) => {
                recording.answered(200);
                read(answer).await;
            }
            Err(_) => recording.answered(500),
        }
        recording.sent();
    }
}

fn keeping(content: bool) -> Options {
    let recording = RecordingOptions { content, ..options().recording };
    Options { recording, ..options() }
}

#[tokio::test]
async fn an_answer_is_noted_with_all_that_is_known_of_it() {
    for flow in FLOWS {
        let noted = Noted::new(Options { flow, ..options() }).await;
        let entry = noted.entry("[[sim: split 2]] [[sim: say grüne]] [[sim: usage 12 34]]").await;
        assert_eq!(
            (entry.id, entry.status, entry.close),
            (42, Status::Success, Some(Close::Finished))
        );
        assert_eq!(
            (entry.request_id.as_str(), &*entry.endpoint),
            ("req_test", "/v1/chat/completions")
        );
        assert_eq!((entry.who, entry.model.as_str(), entry.stream), (Who::Operator, "gpt-5", true));
        let expected = match flow {
            Flow::Agent => UpstreamFlow::Agent,
            Flow::Chat => UpstreamFlow::Chat,
        };
        assert_eq!((entry.flow, entry.fault, entry.content), (Some(expected), None, None));
        assert!(entry.served_model.is_some());
        assert_eq!(entry.chain.characters(), 5);
        let usage = entry.usage.expect("told");
        assert_eq!((usage.input, usage.output, usage.source), (12, 34, UsageSource::Upstream));
        let (_, alias) = entry.account.expect("somebody");
        assert_eq!(alias.as_str(), "account-0");
        let [attempt] = entry.attempts.as_slice() else { panic!("one attempt") };
        assert_eq!(attempt.end, AttemptEnd::Serving);
        let timing = entry.timing;
        let (first, headers) = (timing.first_token.expect("first"), timing.headers.expect("head"));
        let last = timing.last_byte.expect("last");
        assert!(first <= last && headers <= last && last <= timing.total, "{timing:?}");
        assert!(attempt.lasted <= timing.total);
    }
}

#[tokio::test]
async fn every_attempt_is_noted_with_why_the_next_one_came() {
    let noted = Noted::new(options()).await;
    noted.rig.treat(ANN, AccountBehaviour::RateLimited { retry_after: None });
    let entry = noted.entry("[[sim: say a]]").await;
    assert_eq!(entry.status, Status::Success);
    let [first, second] = entry.attempts.as_slice() else { panic!("{:?}", entry.attempts) };
    assert!(
        matches!(&first.end, AttemptEnd::Failed { kind, again: true, .. } if kind == "busy"),
        "{first:?}"
    );
    assert_eq!((second.alias.as_str(), &second.end), ("account-1", &AttemptEnd::Serving));
    assert!(second.began >= first.began + first.lasted);
}

#[tokio::test]
async fn a_failure_before_and_one_in_the_middle_of_the_answer_are_told_apart() {
    let noted = Noted::new(options()).await;
    let early = noted.entry("[[sim: error context_length]]").await;
    let fault = early.fault.expect("noted");
    assert_eq!((early.status, early.close), (Status::Failure, Some(Close::Finished)));
    assert_eq!(fault.kind, "context_too_long");
    assert_eq!(early.timing.first_token, None);

    let noted = Noted::new(options()).await;
    let late = noted.entry("[[sim: say abc]] [[sim: drop]]").await;
    assert_eq!((late.status, late.close), (Status::Failure, Some(Close::Cut)));
    assert_eq!(late.fault.expect("noted").kind, FailureClass::UpstreamFailed.name());
    assert_eq!(late.chain.characters(), 3);
    assert!(late.usage.is_some_and(|usage| usage.source == UsageSource::Estimate));
}

/// Defect: an answer that broke right behind its first piece, before its head was noted, seemed to
/// have gone out to its end.
#[tokio::test]
async fn an_answer_that_fails_before_its_head_is_noted_is_cut_all_the_same() {
    for (status, close) in [(200, Close::Cut), (502, Close::Finished)] {
        let noted = Noted::new(options()).await;
        let recording = noted.rig.gateway.record(arrival(), &grant());
        recording.failed(&Failure::new(FailureClass::UpstreamFailed, "It broke."));
        recording.answered(status);
        recording.sent();
        drop(recording);
        let entry = noted.seen.only().await;
        assert_eq!((entry.status, entry.close), (Status::Failure, Some(close)));
    }
}

#[tokio::test]
async fn a_deadline_is_noted_as_one() {
    let short = Options { progress_timeout: Duration::from_millis(200), ..options() };
    let noted = Noted::new(short).await;
    let entry = noted.entry("[[sim: say abc]] [[sim: hang]]").await;
    assert_eq!((entry.status, entry.close), (Status::Failure, Some(Close::Timeout)));
}

#[tokio::test]
async fn a_client_that_leaves_is_noted_as_gone() {
    let noted = Noted::new(options()).await;
    let recording = noted.rig.gateway.record(arrival(), &grant());
    let ask = Ask::new(grant(), turn("[[sim: say abc]] [[sim: hang]]")).recorded(recording.clone());
    let mut answer = soon("the beginning", noted.rig.gateway.answer(ask)).await.expect("begun");
    recording.answered(200);
    answer.next().await.expect("a piece").expect("good");
    drop((answer, recording));
    let entry = noted.seen.only().await;
    assert_eq!((entry.status, entry.close), (Status::Failure, Some(Close::ClientGone)));
    assert_eq!(entry.fault, None);
}

#[tokio::test]
async fn what_was_said_is_kept_only_when_wanted_bounded_and_without_secrets() {
    let prompt = "my key is sk-canary0123456789abcdef [[sim: think hmm]] \
                  [[sim: say \"take eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl now\"]]";
    let noted = Noted::new(keeping(false)).await;
    assert_eq!(noted.entry(prompt).await.content, None);

    let noted = Noted::new(keeping(true)).await;
    let content = noted.entry(prompt).await.content.expect("kept");
    assert!(content.prompt.starts_with("user: my key is [redacted]"), "{content:?}");
    assert_eq!(content.answer, "take [redacted] now");
    assert_eq!(content.thinking, "hmm");

    let noted = Noted::new(keeping(true)).await;
    let long = format!("{} [[sim: chunks 900]]", "word ".repeat(1000));
    let content = noted.entry(&long).await.content.expect("kept");
    assert!(content.prompt.len() <= 1030 && content.answer.len() <= 1030, "{content:?}");
    assert!(content.prompt.starts_with('…') && content.answer.ends_with('…'), "{content:?}");
}

#[tokio::test]
async fn entries_are_written_in_batches_and_the_last_ones_at_the_end() {
    let noted = Noted::new(options()).await;
    noted.rig.gateway.start();
    for _ in 0..5 {
        noted.answered("[[sim: say a]]", noted.rig.gateway.record(arrival(), &grant())).await;
    }
    until(PATIENCE, "what is finished to be written", || noted.log.entries().len() == 5).await;
    assert!(noted.log.batches().len() < 5, "one by one");
    let ids: Vec<u64> = noted.log.entries().iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [42, 43, 44, 45, 46]);

    noted.answered("[[sim: say a]]", noted.rig.gateway.record(arrival(), &grant())).await;
    soon("the end", noted.rig.gateway.shut_down(Duration::from_secs(1))).await;
    soon("the last entries", noted.rig.gateway.finish_log()).await;
    assert_eq!(noted.log.entries().len(), 6);
    assert_eq!(noted.rig.gateway.stats().log.written, 6);
}

#[tokio::test]
async fn a_long_request_is_in_the_log_while_it_runs() {
    let noted = Noted::new(options()).await;
    noted.rig.gateway.start();
    let recording = noted.rig.gateway.record(arrival(), &grant());
    recording.asked("gpt-5", true);
    jump_until("it to be written as pending", || !noted.log.entries().is_empty()).await;
    let pending = noted.log.entries();
    assert_eq!(pending[0].status, Status::Pending);
    assert_eq!((pending[0].model.as_str(), pending[0].close), ("gpt-5", None));
    recording.answered(200);
    recording.sent();
    drop(recording);
    jump_until("its end", || noted.log.entries().len() > 1).await;
    let last = noted.log.entries().pop().expect("two");
    assert_eq!((last.id, last.status), (pending[0].id, Status::Success));
    assert_eq!(noted.log.entries().len(), 2, "written as pending once");
}

/// Defect of others: a full disk stopped the requests.
#[tokio::test]
async fn a_log_that_cannot_be_written_is_counted_and_holds_nobody_up() {
    let noted = Noted::new(options()).await;
    noted.rig.gateway.start();
    noted.log.is_full.store(true, Ordering::SeqCst);
    noted.answered("[[sim: say a]]", noted.rig.gateway.record(arrival(), &grant())).await;
    until(PATIENCE, "it to be dropped", || noted.rig.gateway.stats().log.dropped == 1).await;
    assert!(noted.rig.gateway.stats().log.is_failing);
    noted.log.is_full.store(false, Ordering::SeqCst);
    noted.answered("[[sim: say a]]", noted.rig.gateway.record(arrival(), &grant())).await;
    until(PATIENCE, "the next one", || noted.rig.gateway.stats().log.written == 1).await;
    assert!(!noted.rig.gateway.stats().log.is_failing);
}

#[tokio::test]
async fn a_log_that_hangs_drops_what_finds_no_room() {
    let noted = Noted::new(options()).await;
    noted.rig.gateway.start();
    noted.log.hangs.store(true, Ordering::SeqCst);
    for _ in 0..20_000 {
        drop(noted.rig.gateway.record(arrival(), &grant()));
    }
    let stats = noted.rig.gateway.stats().log;
    assert!(stats.dropped > 10_000 && stats.queued <= 8192, "{stats:?}");
    assert_eq!(noted.seen.all().len(), 20_000, "counted all the same");
    let answered = noted.rig.ask("[[sim: say still]]").await.expect("served");
    assert_eq!(answered.stop, conversation::StopReason::EndTurn);
}

#[tokio::test]
async fn a_log_that_is_switched_off_takes_nothing() {
    let noted = Noted::new(options()).await;
    noted.rig.gateway.start();
    let off = RecordingOptions { enabled: false, ..options().recording };
    noted.rig.gateway.set_options(Options { recording: off, ..options() });
    noted.answered("[[sim: say a]]", noted.rig.gateway.record(arrival(), &grant())).await;
    let entry = noted.seen.only().await;
    assert_eq!(entry.status, Status::Success);
    let stats = noted.rig.gateway.stats().log;
    assert_eq!((stats.queued, stats.written, stats.dropped), (0, 0, 0));
}

/// Defect: under steady load long requests were never written, and nothing was ever pruned.
#[tokio::test]
async fn under_load_long_requests_are_seen_and_old_entries_go() {
    let noted = Noted::new(options()).await;
    noted.log.slow.store(20, Ordering::SeqCst);
    noted.rig.gateway.start();
    let long = noted.rig.gateway.record(arrival(), &grant());
    let is_seen = || noted.log.entries().iter().any(|entry| entry.status == Status::Pending);
    within(PATIENCE, "the long one", async {
        while !is_seen() {
            drop(noted.rig.gateway.record(arrival(), &grant()));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    drop(long);
    assert!(noted.log.prunes.load(Ordering::SeqCst) > 0);
}

/// Defect: at most one batch was written in the time that the first entry waits for others.
#[tokio::test]
async fn what_waits_is_written_without_a_pause() {
    let noted = Noted::new(options()).await;
    for _ in 0..8000 {
        drop(noted.rig.gateway.record(arrival(), &grant()));
    }
    noted.rig.gateway.start();
    let begun = Instant::now();
    until(PATIENCE, "all of them", || noted.log.entries().len() == 8000).await;
    assert!(noted.log.batches().len() < 25, "{}", noted.log.batches().len());
    // Two pauses at most: for the first batch, perhaps, and for the last.
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
}

/// Defect: a write that hung held up the stop for ever.
#[tokio::test]
async fn a_log_that_hangs_does_not_hold_up_the_stop() {
    let noted = Noted::new(options()).await;
    noted.log.hangs.store(true, Ordering::SeqCst);
    noted.rig.gateway.start();
    drop(noted.rig.gateway.record(arrival(), &grant()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    within(PATIENCE, "the end", noted.rig.gateway.shut_down(Duration::ZERO)).await;
    within(PATIENCE, "the last entries", noted.rig.gateway.finish_log()).await;
}

/// Defect: a name of megabytes became a row of megabytes.
#[tokio::test]
async fn names_are_bounded() {
    let noted = Noted::new(options()).await;
    let name = "x".repeat(1 << 20);
    let recording = noted.rig.gateway.record(arrival(), &grant());
    recording.asked(&name, false);
    let asked = Turn::of_text(&name, "[[sim: say a]]");
    let ask = Ask::new(grant(), asked).recorded(recording.clone());
    if let Ok(answer) = soon("the beginning", noted.rig.gateway.answer(ask)).await {
        read(answer).await;
    }
    drop(recording);
    let entry = noted.seen.only().await;
    assert!(entry.model.len() <= 256, "{}", entry.model.len());
    let served = entry.served_model.expect("asked for").len();
    assert!(served <= 256, "{served}");
    let fault = entry.fault.map_or(0, |fault| fault.text.len() + fault.details.len());
    assert!(fault <= 4096, "{fault}");
}

/// Defect: the log told a key holder how many accounts there are, which the answer hides.
#[tokio::test]
async fn the_log_tells_strangers_no_more_than_the_answer_does() {
    for (grant, is_told) in
        [(grant(), true), (Arc::new(Grant::shared(ClientId::new("somebody"))), false)]
    {
        let noted = Noted::new(options()).await;
        let both = names(["account-0", "account-1"]);
        noted.rig.gateway.enable_accounts(&both, false).await.expect("off");
        let recording = noted.rig.gateway.record(arrival(), &grant);
        let ask = Ask::new(grant, turn("hello")).recorded(recording.clone());
        noted.rig.gateway.answer(ask).await.expect_err("nobody");
        drop(recording);
        let fault = noted.seen.only().await.fault.expect("noted");
        assert_eq!(fault.text.contains("2 disabled"), is_told, "{fault:?}");
    }
}

/// Defect: an answer that never fitted its format was a success in the log.
#[tokio::test]
async fn a_failure_that_only_the_reader_is_told_is_noted() {
    let noted = Noted::new(options()).await;
    let recording = noted.rig.gateway.record(arrival(), &grant());
    let mut asked = turn("[[sim: say no-json]]");
    asked.output = conversation::OutputShape::Json;
    let ask = Ask::new(grant(), asked).recorded(recording.clone());
    let answer = soon("the beginning", noted.rig.gateway.answer(ask)).await.expect("begun");
    recording.answered(200);
    read(answer).await.result.expect_err("it never fits");
    recording.sent();
    drop(recording);
    let entry = noted.seen.only().await;
    assert_eq!((entry.status, entry.close), (Status::Failure, Some(Close::Cut)));
}
