//! Code completion and file sync: calls and streams against a peer that tests write by hand, and
//! an editor's whole day against the simulated backend.

mod calls;
mod document;
mod endings;
mod leaving;
mod simulated;

use conversation::completion::{CompletionEvent, CompletionRequest, CurrentFile};
use http::{HeaderMap, HeaderValue, header};
use upstream::{
    Backend, CompletionStream, Cookies, EditorIdentity, Region, SetCookies, UpstreamError,
};

use crate::support::{caller, soon, stamp};

/// Stands in every secret of these tests, and may come out nowhere.
const CANARY: &str = "cafebabe";

/// 64 hex characters.
fn key() -> String {
    CANARY.repeat(8)
}

fn cookies(line: &str) -> Cookies {
    let value = HeaderValue::from_str(line).expect("a value");
    Cookies::read(&HeaderMap::from_iter([(header::COOKIE, value)])).expect("legal")
}

fn editor() -> EditorIdentity {
    let cookies = cookies("FilesyncCookie=0123456789abcdef0123456789abcdef; session=cafebabe");
    EditorIdentity { fs_client_key: key(), cookies }
}

/// A file with the cursor behind its first line.
fn question(contents: &str) -> CompletionRequest {
    CompletionRequest {
        current_file: CurrentFile {
            relative_workspace_path: "src/a.rs".into(),
            contents: contents.into(),
            cursor_position: Some(conversation::completion::Position::default()),
            ..CurrentFile::default()
        },
        ..CompletionRequest::default()
    }
}

async fn complete(backend: &Backend, question: &CompletionRequest) -> CompletionStream {
    let (caller, editor) = (caller(), editor());
    let opening = backend.complete(&caller, stamp(), Region::Us, &editor, question);
    soon("the stream", opening).await.expect("opened")
}

/// Everything the stream brings.
async fn all(stream: &mut CompletionStream) -> (Vec<CompletionEvent>, Result<(), UpstreamError>) {
    let mut events = Vec::new();
    loop {
        match soon("the next event", stream.next()).await {
            Some(Ok(event)) => events.push(event),
            Some(Err(error)) => {
                assert!(soon("after the end", stream.next()).await.is_none());
                return (events, Err(error));
            }
            None => {
                assert!(soon("after the end", stream.next()).await.is_none());
                return (events, Ok(()));
            }
        }
    }
}

fn lines(cookies: &SetCookies) -> Vec<&str> {
    cookies.lines().map(|line| line.to_str().expect("text")).collect()
}
