//! Code completion: attempts, blame, deadlines, limits, and that everything is given back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use accounts::{KeyLimits, MarkKind};
use conversation::completion::{
    CompletionEvent, CompletionRequest, CurrentFile, FileSyncOutcome, FileUpload, Position,
};
use conversation::{Failure, FailureClass, Retry};
use gateway::{Completion, CompletionOptions, Cookies, Editor, Grant, Options, Recording};
use simulator::{AccountBehaviour, CallOutcome};
use tokio::task::JoinSet;
use upstream::Flow;

use crate::keys::{create, granted, limited};
use crate::rig::{ANN, BOB, PATIENCE, Rig, grant, of_client, options, soon, until, within};

const STREAM: &str = "/aiserver.v1.AiService/StreamCpp";
const UPLOAD: &str = "/aiserver.v1.FileSyncService/FSUploadFile";
const SHORT: Duration = Duration::from_millis(400);
/// Longer than any short wait, shorter than the simulator's silences.
const MODERATE: Duration = Duration::from_secs(8);

fn editor(digit: char) -> Editor {
    Editor::new(&digit.to_string().repeat(64), Cookies::default()).expect("64 digits")
}

/// A request about a text whose cursor is at its end; the text is one line.
fn about(text: &str) -> CompletionRequest {
    let column = i32::try_from(text.encode_utf16().count()).expect("fits");
    let current_file = CurrentFile {
        relative_workspace_path: "a.rs".into(),
        contents: text.into(),
        cursor_position: Some(Position { line: 0, column }),
        ..CurrentFile::default()
    };
    CompletionRequest {
        current_file,
        model_name: Some("fast".into()),
        ..CompletionRequest::default()
    }
}

fn upload(uuid: &str) -> FileUpload {
    FileUpload {
        uuid: uuid.into(),
        relative_workspace_path: "a.rs".into(),
        contents: "f(".into(),
        model_version: 1,
        ..FileUpload::default()
    }
}

async fn begin(rig: &Rig, grant: &Grant, text: &str) -> Result<Completion, Failure> {
    let (editor, request) = (editor('a'), about(text));
    soon("the beginning", rig.gateway.complete(grant, &Recording::none(), &editor, &request)).await
}

/// All texts, or the failure; nothing follows either.
async fn read(mut completion: Completion) -> (String, Result<(), Failure>) {
    let mut text = String::new();
    let result = loop {
        match soon("the next event", completion.next()).await {
            Some(Ok(CompletionEvent::Text(piece))) => text.push_str(&piece),
            Some(Ok(_)) => {}
            Some(Err(failure)) => break Err(failure),
            None => break Ok(()),
        }
    };
    assert!(soon("the end", completion.next()).await.is_none());
    (text, result)
}

async fn ask(rig: &Rig, text: &str) -> Result<String, Failure> {
    let (text, result) = read(begin(rig, &grant(), text).await?).await;
    result.map(|()| text)
}

fn calls(rig: &Rig, path: &str) -> Vec<(String, CallOutcome)> {
    let calls = rig.control.calls().into_iter().filter(|call| call.path == path);
    calls.map(|call| (call.user.unwrap_or_default(), call.outcome)).collect()
}

fn users(rig: &Rig, path: &str) -> Vec<String> {
    calls(rig, path).into_iter().map(|(user, _)| user).collect()
}

async fn with(completion: CompletionOptions) -> Rig {
    Rig::with(Flow::Agent, Options { completion, ..options() }).await
}

#[tokio::test]
async fn another_account_answers_when_the_first_one_cannot() {
    let mut all = vec![
        AccountBehaviour::RateLimited { retry_after: Some(Duration::from_secs(30)) },
        AccountBehaviour::QuotaReached,
        AccountBehaviour::LoggedOut,
        AccountBehaviour::Blocked,
        AccountBehaviour::Down,
    ];
    all.extend([401, 403, 429, 500, 502, 503].map(AccountBehaviour::HttpStatus));
    for behaviour in all {
        let rig = Rig::new(Flow::Agent).await;
        rig.treat(ANN, behaviour.clone());
        let text = ask(&rig, "f(").await;
        let text = text.unwrap_or_else(|failure| panic!("{behaviour:?}: {failure:?}"));
        assert_eq!(text, "\nf()", "{behaviour:?}");
        let mut users = users(&rig, STREAM);
        users.dedup();
        assert_eq!(users, [ANN, BOB], "{behaviour:?}");
        rig.settled().await;
        assert_eq!(rig.gateway.stats().failed, 0, "a cured failure is none");
    }
}

/// Defect: when all had failed, the client was told that there is no account.
#[tokio::test]
async fn when_all_fail_the_failure_of_the_last_is_told() {
    for (code, class) in [
        ("rate_limit \"slow down\"", FailureClass::Busy),
        ("overloaded", FailureClass::Overloaded),
        ("internal", FailureClass::UpstreamFailed),
    ] {
        let rig = Rig::new(Flow::Agent).await;
        let failure = ask(&rig, &format!("// [[cpp: error {code}]]")).await.expect_err(code);
        assert_eq!(failure.class, class, "{failure:?}");
        assert!(!failure.client.contains("no upstream account"), "{failure:?}");
        assert_eq!(users(&rig, STREAM), [ANN, BOB], "{code}");
        rig.settled().await;
        assert_eq!(rig.gateway.stats().failed, 1);
    }
    let rig = Rig::new(Flow::Agent).await;
    for user in [ANN, BOB] {
        let retry_after = Some(Duration::from_secs(9));
        rig.treat(user, AccountBehaviour::RateLimited { retry_after });
    }
    let failure = ask(&rig, "f(").await.expect_err("limited");
    assert_eq!(failure.retry, Retry::After(Duration::from_secs(9)), "{failure:?}");
    let rig = Rig::new(Flow::Agent).await;
    for user in [ANN, BOB] {
        rig.treat(user, AccountBehaviour::HttpStatus(503));
    }
    let uploaded =
        rig.gateway.upload_file(&grant(), &Recording::none(), &editor('a'), &upload("u")).await;
    let failure = uploaded.expect_err("down");
    assert!(!failure.client.contains("no upstream account"), "{failure:?}");
    assert_eq!(users(&rig, UPLOAD), [ANN, BOB]);
    rig.settled().await;
}

/// Defect: an editor was given away for good by a failure that all accounts had.
#[tokio::test]
async fn an_editor_stays_where_its_files_are_when_nobody_could_serve() {
    let rig = Rig::new(Flow::Agent).await;
    let put = async |uuid: &str| {
        let put = rig
            .gateway
            .upload_file(&grant(), &Recording::none(), &editor('a'), &upload(uuid))
            .await;
        assert_eq!(put.expect("taken").0, FileSyncOutcome::Ok);
    };
    put("one").await;
    ask(&rig, "// [[cpp: error internal]]").await.expect_err("fails everywhere");
    assert_eq!(users(&rig, STREAM), [ANN, BOB]);
    put("two").await;
    assert_eq!(users(&rig, UPLOAD), [ANN, ANN]);
}

#[tokio::test]
async fn the_first_requests_of_an_editor_go_together() {
    let rig = Rig::new(Flow::Agent).await;
    let (grant, editor) = (grant(), editor('a'));
    let (one, two, three) = (upload("one"), upload("two"), upload("three"));
    let unrecorded = Recording::none();
    let put = |file| rig.gateway.upload_file(&grant, &unrecorded, &editor, file);
    let (one, two, three) = tokio::join!(put(&one), put(&two), put(&three));
    for put in [one, two, three] {
        assert_eq!(put.expect("taken").0, FileSyncOutcome::Ok);
    }
    assert_eq!(users(&rig, UPLOAD), [ANN, ANN, ANN]);
    // One client's editor is not another's.
    let other = of_client("other");
    rig.gateway
        .upload_file(&other, &Recording::none(), &editor, &upload("one"))
        .await
        .expect("taken");
    assert_eq!(users(&rig, UPLOAD)[3], BOB);
}

#[tokio::test]
async fn a_bad_request_marks_nobody_and_is_not_tried_elsewhere() {
    for (code, class) in [
        ("invalid_argument", FailureClass::Invalid),
        ("context_length", FailureClass::ContextTooLong),
        ("not_found", FailureClass::NotFound),
    ] {
        let rig = Rig::new(Flow::Agent).await;
        let failure = ask(&rig, &format!("// [[cpp: error {code}]]")).await.expect_err(code);
        // Defect: what is not found was always taken for a model.
        assert_eq!(failure.class, class, "{failure:?}");
        rig.settled().await;
        assert_eq!(ask(&rig, "f(").await.expect("answered"), "\nf()");
        assert_eq!(users(&rig, STREAM), [ANN, ANN], "{code}");
        assert_eq!((rig.mark("account-0"), rig.mark("account-1")), (None, None), "{code}");
    }
}

#[tokio::test]
async fn a_used_up_plan_and_a_login_that_ended_are_marked_as_by_turns() {
    for (behaviour, kind) in [
        (AccountBehaviour::QuotaReached, MarkKind::Limit),
        (AccountBehaviour::LoggedOut, MarkKind::Abnormal),
        (AccountBehaviour::Blocked, MarkKind::Abnormal),
    ] {
        let rig = Rig::new(Flow::Agent).await;
        rig.treat(ANN, behaviour.clone());
        ask(&rig, "f(").await.expect("answered by the other");
        let marked = || rig.mark("account-0").is_some();
        until(PATIENCE, "a mark", marked).await;
        assert_eq!(rig.mark("account-0").map(|mark| mark.kind), Some(kind), "{behaviour:?}");
        assert_eq!(rig.mark("account-1"), None);
        rig.settled().await;
    }
}

#[tokio::test]
async fn nothing_is_tried_again_after_the_first_event() {
    for (stop, class) in [
        ("error-after 3 internal", FailureClass::UpstreamFailed),
        ("error-after 3 rate_limit", FailureClass::Busy),
        ("drop 3", FailureClass::UpstreamFailed),
    ] {
        let rig = Rig::new(Flow::Agent).await;
        let file = format!("// [[cpp: edit 1 \"01234567\"]] [[cpp: {stop}]]");
        let (text, result) = read(begin(&rig, &grant(), &file).await.expect(stop)).await;
        assert_eq!(text, "01234567", "{stop}");
        assert_eq!(result.expect_err(stop).class, class);
        rig.settled().await;
        assert_eq!(users(&rig, STREAM), [ANN], "{stop}");
        assert_eq!(rig.gateway.stats().failed, 1, "{stop}: told late, but a failure");
    }
}

#[tokio::test]
async fn the_first_event_has_a_deadline_on_every_account() {
    let rig = with(CompletionOptions { first_event_timeout: SHORT, ..options().completion }).await;
    let start = Instant::now();
    let failure = ask(&rig, "// [[cpp: hang 0]]").await.expect_err("hangs");
    assert!(start.elapsed() < MODERATE, "{:?}", start.elapsed());
    assert_eq!(failure.class, FailureClass::Timeout);
    assert_eq!(users(&rig, STREAM), [ANN, BOB]);
    rig.settled().await;
    assert!(calls(&rig, STREAM).iter().all(|(_, outcome)| *outcome == CallOutcome::Cancelled));
    let text = ask(&rig, "// [[cpp: edit 1 \"0123456789abcdef0123\"]] [[cpp: delay 200ms]]").await;
    assert_eq!(text.expect("only the first event"), "0123456789abcdef0123");
}

/// Defect: before the first event only its own deadline was looked at, once per account.
#[tokio::test]
async fn a_whole_completion_has_a_deadline_before_and_after_its_first_event() {
    let rig = with(CompletionOptions { total_timeout: SHORT, ..options().completion }).await;
    for file in ["// [[cpp: hang 0]]", "// [[cpp: edit 1 \"a\"]] [[cpp: hang 3]]"] {
        let start = Instant::now();
        let failure = ask(&rig, file).await.expect_err("hangs");
        assert!(start.elapsed() < Duration::from_secs(3), "{file} {:?}", start.elapsed());
        assert_eq!(failure.class, FailureClass::Timeout, "{file}");
        rig.settled().await;
    }
    assert_eq!(users(&rig, STREAM), [ANN, ANN], "nobody else is asked when it is over");
    assert_eq!(rig.gateway.stats().failed, 2);
}

#[tokio::test]
async fn a_stopping_gateway_ends_a_completion_with_an_error() {
    let rig = Rig::new(Flow::Agent).await;
    let file = "// [[cpp: edit 1 \"a\"]] [[cpp: hang 3]]";
    let completion = begin(&rig, &grant(), file).await.expect("begun");
    let mut reading = JoinSet::new();
    reading.spawn(read(completion));
    until(PATIENCE, "the stream", || rig.control.active_completions() == 1).await;
    within(MODERATE, "the end", rig.gateway.shut_down(Duration::from_millis(50))).await;
    let (_, result) =
        soon("the reader", reading.join_next()).await.expect("one").expect("no panic");
    let failure = result.expect_err("cut");
    assert!(failure.client.contains("shutting down"), "{failure:?}");
    rig.settled().await;
}

/// Defect: one that had not begun kept its client waiting for the first event.
#[tokio::test]
async fn a_stopping_gateway_ends_a_completion_that_has_not_begun() {
    let rig = Rig::new(Flow::Agent).await;
    let gateway = rig.gateway.clone();
    let mut waiting = JoinSet::new();
    waiting.spawn(async move {
        gateway
            .complete(&grant(), &Recording::none(), &editor('a'), &about("// [[cpp: hang 0]]"))
            .await
            .err()
    });
    until(PATIENCE, "the stream", || rig.control.active_completions() == 1).await;
    within(MODERATE, "the end", rig.gateway.shut_down(Duration::from_millis(50))).await;
    let told = within(Duration::from_secs(2), "the client", waiting.join_next()).await;
    let failure = told.expect("one").expect("no panic");
    assert!(failure.expect("cut").client.contains("shutting down"));
    rig.settled().await;
    assert_eq!(calls(&rig, STREAM), [(ANN.to_owned(), CallOutcome::Cancelled)]);
}

#[tokio::test]
async fn leaving_gives_everything_back_and_blames_nobody() {
    let rig = Rig::new(Flow::Agent).await;
    for file in [
        "// [[cpp: edit 1 \"a\"]] [[cpp: hang 3]]",
        "// [[cpp: edit 1 \"0123456789abcdef\"]] [[cpp: delay 20ms]]",
    ] {
        let mut completion = begin(&rig, &grant(), file).await.expect("begun");
        assert!(completion.next().await.expect("an event").is_ok());
        assert_eq!(rig.gateway.stats().leases, 1);
        drop(completion);
        rig.settled().await;
    }
    let grant = grant();
    tokio::select! {
        _ = begin(&rig, &grant, "// [[cpp: hang 0]]") => panic!("begun"),
        () = until(PATIENCE, "the call", || rig.control.active_completions() == 1) => {}
    }
    rig.settled().await;
    assert!(calls(&rig, STREAM).iter().all(|(_, outcome)| *outcome == CallOutcome::Cancelled));
    assert_eq!(rig.gateway.stats().failed, 0, "leaving is no failure");
    assert_eq!(users(&rig, STREAM), [ANN, ANN, ANN]);
}

#[tokio::test]
async fn the_limits_of_a_key_hold() {
    let rig = Rig::new(Flow::Agent).await;
    let one = KeyLimits { concurrency: Some(1), ..KeyLimits::default() };
    let key = granted(&rig, &create(&rig, limited(one)).await);
    let running = begin(&rig, &key, "// [[cpp: edit 1 \"a\"]] [[cpp: hang 3]]").await;
    let failure = begin(&rig, &key, "f(").await.expect_err("one at a time");
    assert_eq!(failure.class, FailureClass::Busy);
    drop(running.expect("begun"));
    rig.settled().await;
    read(begin(&rig, &key, "f(").await.expect("begun")).await.1.expect("answered");

    let two = KeyLimits { requests_per_minute: Some(2), ..KeyLimits::default() };
    let key = granted(&rig, &create(&rig, limited(two)).await);
    rig.gateway
        .upload_file(&key, &Recording::none(), &editor('b'), &upload("u"))
        .await
        .expect("taken");
    read(begin(&rig, &key, "f(").await.expect("begun")).await.1.expect("answered");
    let failure = begin(&rig, &key, "f(").await.expect_err("too many");
    assert_eq!(failure.class, FailureClass::Busy);
    assert!(failure.retry.after().is_some());
    let failure =
        rig.gateway.completion_models(&key, &Recording::none()).await.expect_err("too many");
    assert_eq!(failure.class, FailureClass::Busy);
    rig.clock.shift(61);
    rig.gateway.completion_models(&key, &Recording::none()).await.expect("a minute later");
    rig.settled().await;
}

#[tokio::test]
async fn a_key_for_some_models_is_for_no_others() {
    let rig = Rig::new(Flow::Agent).await;
    let limits = KeyLimits { models: vec!["gpt-*".into(), "adv*".into()], ..KeyLimits::default() };
    let key: Arc<Grant> = granted(&rig, &create(&rig, limited(limits)).await);
    let failure = begin(&rig, &key, "f(").await.expect_err("fast");
    assert_eq!(failure.class, FailureClass::Forbidden);
    let request = CompletionRequest { model_name: Some("advanced".into()), ..about("f(") };
    let completion = rig
        .gateway
        .complete(&key, &Recording::none(), &editor('a'), &request)
        .await
        .expect("begun");
    assert_eq!(read(completion).await.0, "\nf()");
    assert_eq!(users(&rig, STREAM).len(), 1);
    rig.settled().await;
}

/// Defect: a completion went on after its key was revoked.
#[tokio::test]
async fn a_completion_ends_with_its_key() {
    let rig = Rig::new(Flow::Agent).await;
    let key = create(&rig, limited(KeyLimits::default())).await;
    let text = "// [[cpp: edit 1-1 \"a\"]] [[cpp: hang]]\n";
    let mut completion = begin(&rig, &granted(&rig, &key), text).await.expect("begun");
    let id = key.view.record.id.as_str().to_owned();
    rig.gateway.revoke_keys(&[id]).await.expect("revoked");
    let ended = soon("the end", async {
        loop {
            match completion.next().await {
                Some(Ok(_)) => {}
                ended => return ended,
            }
        }
    });
    let failure = ended.await.expect("an error, not an end").expect_err("revoked");
    assert_eq!(failure.class, FailureClass::Unauthenticated);
    drop(completion);
    rig.settled().await;
}
