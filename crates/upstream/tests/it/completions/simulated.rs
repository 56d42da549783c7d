//! An editor's day against the simulated backend: upload, a thousand edits, completion.

use std::collections::BTreeMap;

use conversation::completion::{
    CompletionConfigQuery, CompletionEvent, CompletionRequest, CurrentFile, FileSyncOutcome,
    Heuristic, Position,
};
use conversation::{FailureClass, Retry, Scope};
use simulator::{AccountBehaviour, BalancerCookies, Config};
use upstream::{
    Backend, CompletionStream, EditorIdentity, Region, SetCookies, UpstreamError, classify,
};

use super::document::{Document, PATH, UUID};
use super::{all, complete, cookies, key, question};
use crate::support::{Simulated, USER, caller, soon, stamp};

const FILESYNC: &str = "0123456789abcdef0123456789abcdef";

/// What an editor remembers of its server.
struct Editor {
    backend: Backend,
    jar: BTreeMap<String, String>,
}

impl Editor {
    fn new(backend: Backend) -> Self {
        let own = ("FilesyncCookie".to_owned(), FILESYNC.to_owned());
        Self { backend, jar: BTreeMap::from([own]) }
    }

    fn identity(&self) -> EditorIdentity {
        let pairs: Vec<String> =
            self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        EditorIdentity { fs_client_key: key(), cookies: cookies(&pairs.join("; ")) }
    }

    fn keep(&mut self, set: &SetCookies) {
        for line in super::lines(set) {
            let pair = line.split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a pair");
            self.jar.insert(name.to_owned(), value.to_owned());
        }
    }

    async fn upload(&mut self, document: &Document) -> FileSyncOutcome {
        let (caller, editor, upload) = (caller(), self.identity(), document.upload());
        let call = self.backend.upload_file(&caller, stamp(), Region::Us, &editor, &upload);
        let (outcome, set) = soon("an upload", call).await.expect("an answer");
        self.keep(&set);
        outcome
    }

    async fn sync(&mut self, changes: &conversation::completion::FileSync) -> FileSyncOutcome {
        let (caller, editor) = (caller(), self.identity());
        let call = self.backend.sync_file(&caller, stamp(), Region::Us, &editor, changes);
        let (outcome, set) = soon("a sync", call).await.expect("an answer");
        self.keep(&set);
        outcome
    }

    async fn complete(&self, question: &CompletionRequest) -> CompletionStream {
        let (caller, editor) = (caller(), self.identity());
        let call = self.backend.complete(&caller, stamp(), Region::Us, &editor, question);
        soon("a stream", call).await.expect("opened")
    }
}

/// The question of an editor that relies on the copy.
fn synced_question(document: &Document, cursor: Position) -> CompletionRequest {
    CompletionRequest {
        current_file: CurrentFile {
            relative_workspace_path: PATH.into(),
            rely_on_filesync: true,
            sha_256_hash: Some(document.hash()),
            file_version: Some(document.version),
            cursor_position: Some(cursor),
            ..CurrentFile::default()
        },
        ..CompletionRequest::default()
    }
}

#[tokio::test]
async fn a_thousand_edits_are_accepted_and_the_copy_is_completed() {
    let simulated = Simulated::start(Config::default()).await;
    let mut editor = Editor::new(simulated.backend());
    let mut document = Document::new("fn main() {\r\n    let wave = \"👋\";\r\n}\r\n", 6);
    assert_eq!(editor.upload(&document).await, FileSyncOutcome::Ok);
    let (mut edits, mut syncs) = (0, 0);
    while edits < 1000 {
        let batch = (1 + document.random(4)).min(1000 - edits);
        let updates = (0..batch).map(|_| document.edit()).collect();
        let changes = document.sync(updates);
        let outcome = editor.sync(&changes).await;
        assert_eq!(outcome, FileSyncOutcome::Ok, "edit {edits}");
        (edits, syncs) = (edits + batch, syncs + 1);
    }
    assert!(syncs > 250, "{syncs}");
    assert_eq!(document.version, 1001);
    let copy = simulated.control.synced_file(USER, &key(), UUID).expect("a copy");
    assert_eq!((&*copy.text, copy.version), (document.text().as_str(), 1001));
    let call = simulated.control.calls().pop().expect("a call");
    let sent = call.cookies.expect("cookies");
    assert_eq!((sent.balancer, sent.others), (BalancerCookies::Newest, 0));
    assert_eq!(sent.values["FilesyncCookie"], FILESYNC);

    // A line that the simulator completes, part of it synced and part sent along.
    let whole = document.len();
    let typed = document.replace(&[(0, whole, "let x = 1;\nprint")]);
    assert_eq!(editor.sync(&document.sync(vec![typed])).await, FileSyncOutcome::Ok);
    let end = document.len();
    let bracket = document.replace(&[(end, end, "(")]);
    let mut question = synced_question(&document, Position { line: 1, column: 6 });
    question.filesync_updates = vec![bracket];
    let mut stream = editor.complete(&question).await;
    let (events, result) = all(&mut stream).await;
    result.expect("an orderly end");
    assert!(
        matches!(
            events[1],
            CompletionEvent::RangeReplace {
                start_line_number: 2,
                end_line_number_inclusive: 2,
                should_remove_leading_eol: Some(true),
                ..
            }
        ),
        "{events:?}"
    );
    let texts = events.iter().filter_map(|event| match event {
        CompletionEvent::Text(text) => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(texts.collect::<String>(), "\nprint()");
    assert_eq!(events.last(), Some(&CompletionEvent::DoneStream));
}

#[tokio::test]
async fn a_copy_that_is_not_there_or_another_one_is_an_outcome() {
    let simulated = Simulated::start(Config::default()).await;
    let mut editor = Editor::new(simulated.backend());
    let mut document = Document::new("a\n", 1);
    let update = document.edit();
    let changes = document.sync(vec![update]);
    assert_eq!(editor.sync(&changes).await, FileSyncOutcome::NonExistent);
    assert_eq!(editor.upload(&document).await, FileSyncOutcome::Ok);
    let update = document.edit();
    let mut changes = document.sync(vec![update]);
    changes.sha256_hash = "0".repeat(64);
    assert_eq!(editor.sync(&changes).await, FileSyncOutcome::HashMismatch);
    // Sent anew, as the editor does.
    assert_eq!(editor.upload(&document).await, FileSyncOutcome::Ok);
    let update = document.edit();
    assert_eq!(editor.sync(&document.sync(vec![update])).await, FileSyncOutcome::Ok);
}

#[tokio::test]
async fn scripted_answers_keep_their_meaning() {
    let simulated = Simulated::start(Config::default()).await;
    let backend = simulated.backend();
    let ask = async |contents: &str| all(&mut complete(&backend, &question(contents)).await).await;
    let (events, result) = ask("// [[cpp: 204]]").await;
    assert!(events.is_empty() && result.is_ok(), "{result:?}");
    let (events, result) = ask("// [[cpp: none]]").await;
    assert!(result.is_ok(), "{result:?}");
    assert!(!events.iter().any(|event| matches!(event, CompletionEvent::RangeReplace { .. })));
    let two = "// [[cpp: edit 1 \"a\"]] [[cpp: edit 3-4 \"\"]] [[cpp: predict b.rs 7 \"x\"]]";
    let (events, result) = ask(&format!("{two}\n1\n2\n3\n")).await;
    result.expect("an orderly end");
    let count = |wanted: &CompletionEvent| events.iter().filter(|event| *event == wanted).count();
    assert_eq!(count(&CompletionEvent::DoneEdit), 2);
    assert_eq!(count(&CompletionEvent::BeginEdit), 1);
    assert!(
        events.iter().any(|event| matches!(
            event,
            CompletionEvent::CursorPrediction { relative_path, line_number_one_indexed: 7, .. }
                if relative_path == "b.rs"
        )),
        "{events:?}"
    );
    let (events, result) = ask("// [[cpp: edit 1 \"a\"]] [[cpp: debug 2]]").await;
    result.expect("an orderly end");
    assert_eq!(events.iter().filter(|e| matches!(e, CompletionEvent::Debug { .. })).count(), 2);
    let (events, result) = ask("// [[cpp: error debounced]]").await;
    assert!(events.is_empty());
    let failure = classify(&result.expect_err("refused"));
    assert_eq!((failure.class, failure.scope), (FailureClass::Busy, Scope::Request));
    assert_eq!(failure.retry, Retry::Never);
    let (events, result) = ask("// [[cpp: edit 1 \"a\"]] [[cpp: error-after 2 rate_limit]]").await;
    assert_eq!(events.len(), 2);
    assert_eq!(classify(&result.expect_err("refused")).class, FailureClass::Busy);
    let (events, result) = ask("// [[cpp: edit 1 \"a\"]] [[cpp: drop 1]]").await;
    assert_eq!(events.len(), 1);
    assert!(matches!(result, Err(UpstreamError::Lost(_))), "{result:?}");
}

#[tokio::test]
async fn settings_and_models_are_told() {
    let simulated = Simulated::start(Config::default()).await;
    let backend = simulated.backend();
    let query = CompletionConfigQuery { model: "fast".into(), ..Default::default() };
    let call = backend.completion_config(&caller(), stamp(), &query).await;
    let config = call.expect("settings");
    assert_eq!(config.heuristics, Heuristic::ALL);
    assert_eq!(config.geo_cpp_backend_url, format!("http://{}", simulated.address));
    let models = backend.completion_models(&caller(), stamp()).await.expect("models");
    assert_eq!(models.models, ["fast", "advanced"]);
    assert_eq!(models.default_model.as_deref(), Some("fast"));
    let query = CompletionConfigQuery { model: "nonsense".into(), ..Default::default() };
    let error = backend.completion_config(&caller(), stamp(), &query).await.expect_err("no model");
    assert_eq!(classify(&error).class, FailureClass::UnknownModel);
    simulated.control.set_account(USER, AccountBehaviour::LoggedOut);
    let error = backend.completion_models(&caller(), stamp()).await.expect_err("logged out");
    assert_eq!(classify(&error).class, FailureClass::AccountRejected);
}

/// The call is over at the server too, and not when its answer would have been.
#[tokio::test]
async fn a_client_that_leaves_ends_the_call_at_the_server() {
    let simulated = Simulated::start(Config::default()).await;
    let backend = simulated.backend();
    let mut stream =
        complete(&backend, &question("// [[cpp: edit 1 \"a\"]] [[cpp: hang 1]]")).await;
    soon("an event", stream.next()).await.expect("an event").expect("no error");
    assert_eq!(simulated.control.active_completions(), 1);
    drop(stream);
    crate::support::until("the end", || simulated.control.active_completions() == 0).await;
}
