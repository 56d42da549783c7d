//! Which host is asked, with which headers and bytes, and what the answers' cookies become.

use bytes::{Bytes, BytesMut};
use conversation::completion::{CompletionConfigQuery, FileSync, FileSyncOutcome, FileUpload};
use cursor_proto::Message as _;
use cursor_proto::aiserver::{FSSyncFileRequest, FSUploadFileRequest, StreamCppRequest};
use http::{HeaderMap, Response};
use tokio::sync::mpsc;
use upstream::transport::TransportOptions;
use upstream::{Backend, CompletionEndpoints, Endpoints, Region, UpstreamError};

use super::{CANARY, all, complete, editor, key, lines, question};
use crate::peer::{Call, Peer, Rules, end_frame};
use crate::support::{CLIENT_ID, backend_of, caller, origin, pool, soon, stamp};

/// One request as a host got it.
struct Asked {
    host: &'static str,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// Hosts of each kind, and what they were asked.
struct Hosts {
    backend: Backend,
    asked: mpsc::Receiver<Asked>,
    _peers: Vec<Peer>,
}

const BALANCED: &str = "AWSALBAPP-0=new; Expires=Thu, 22 Jan 2026 12:00:00 GMT; Path=/";

impl Hosts {
    /// Unary calls are answered with `body`.
    async fn start(body: &'static [u8]) -> Self {
        let (told, asked) = mpsc::channel(16);
        let mut peers = Vec::new();
        for host in ["api", "asia", "eu", "us", "config", "elsewhere"] {
            let told = told.clone();
            let handle = move |call| answer(host, body, call, told.clone());
            peers.push(Peer::start(Rules::default(), handle).await);
        }
        let at = |i: usize| origin(peers[i].address);
        let completion = CompletionEndpoints { asia: at(1), eu: at(2), us: at(3), config: at(4) };
        let endpoints = Endpoints {
            api: at(0),
            agent: at(5),
            web: at(5),
            completion,
            oauth_client_id: CLIENT_ID.to_owned(),
        };
        let backend = backend_of(endpoints, pool(TransportOptions::default()));
        Self { backend, asked, _peers: peers }
    }

    async fn next(&mut self) -> Asked {
        soon("a request", self.asked.recv()).await.expect("a request")
    }
}

async fn answer(
    host: &'static str,
    body: &'static [u8],
    mut call: Call,
    told: mpsc::Sender<Asked>,
) {
    let mut read = BytesMut::new();
    // Ends only when the client has finished its side.
    while let Some(data) = soon("the request", call.request.body_mut().data()).await {
        read.extend_from_slice(&data.expect("no reset"));
    }
    let (path, headers) = (call.request.uri().path().to_owned(), call.request.headers().clone());
    let stream = headers["content-type"] == "application/connect+proto";
    let asked = Asked { host, path, headers: headers.clone(), body: read.freeze() };
    told.send(asked).await.expect("told");
    let head = Response::builder()
        .header("content-type", &headers["content-type"])
        .header("set-cookie", BALANCED)
        .header("set-cookie", "session=canary")
        .header("set-cookie", "FilesyncCookie=f");
    let data = if stream { end_frame() } else { Bytes::from_static(body) };
    call.answer(head).send_data(data, true).expect("sent");
}

#[tokio::test]
async fn every_call_goes_to_its_host() {
    let mut hosts = Hosts::start(b"").await;
    let caller = caller();
    let query = CompletionConfigQuery::default();
    let config = hosts.backend.completion_config(&caller, stamp(), &query);
    soon("settings", config).await.expect("settings");
    let asked = hosts.next().await;
    assert_eq!((asked.host, &*asked.path), ("config", "/aiserver.v1.AiService/CppConfig"));
    assert!(!asked.headers.contains_key("x-fs-client-key"));
    let models = hosts.backend.completion_models(&caller, stamp());
    soon("models", models).await.expect("models");
    let asked = hosts.next().await;
    assert_eq!((asked.host, &*asked.path), ("api", "/aiserver.v1.CppService/AvailableModels"));

    let editor = editor();
    for (region, host) in [(Region::Asia, "asia"), (Region::Eu, "eu"), (Region::Us, "us")] {
        let upload = FileUpload::default();
        let call = hosts.backend.upload_file(&caller, stamp(), region, &editor, &upload);
        soon("an upload", call).await.expect("uploaded");
        let asked = hosts.next().await;
        let path = "/aiserver.v1.FileSyncService/FSUploadFile";
        assert_eq!((asked.host, &*asked.path), (host, path));
        let changes = FileSync::default();
        let call = hosts.backend.sync_file(&caller, stamp(), region, &editor, &changes);
        soon("a sync", call).await.expect("synced");
        let asked = hosts.next().await;
        assert_eq!((asked.host, &*asked.path), (host, "/aiserver.v1.FileSyncService/FSSyncFile"));
        let question = question("");
        let call = hosts.backend.complete(&caller, stamp(), region, &editor, &question);
        let mut stream = soon("a stream", call).await.expect("opened");
        all(&mut stream).await.1.expect("an orderly end");
        let asked = hosts.next().await;
        assert_eq!((asked.host, &*asked.path), (host, "/aiserver.v1.AiService/StreamCpp"));
    }
}

#[tokio::test]
async fn a_completion_is_one_message_with_the_editors_headers() {
    let mut hosts = Hosts::start(b"").await;
    let long = "let x = 1; ".repeat(1000);
    for contents in ["fn main() {", &long] {
        let mut stream = complete(&hosts.backend, &question(contents)).await;
        assert!(stream.set_cookies().is_empty(), "nothing has come yet");
        assert_eq!(all(&mut stream).await.0, []);
        assert_eq!(lines(&stream.set_cookies()), [BALANCED, "FilesyncCookie=f"]);
        let asked = hosts.next().await;
        check_headers(&asked.headers);
        assert_eq!(asked.headers["content-type"], "application/connect+proto");
        assert_eq!(asked.headers["connect-protocol-version"], "1");
        assert_eq!(asked.headers["connect-accept-encoding"], "gzip");
        let mut decoder = upstream::EnvelopeDecoder::new(1 << 20);
        decoder.push(asked.body);
        let frame = decoder.next_frame().expect("legal").expect("a frame");
        let upstream::Frame::Message(message) = frame else { panic!("{frame:?}") };
        assert_eq!(decoder.next_frame(), Ok(None), "one message is all");
        let request = StreamCppRequest::decode_from_slice(&message).expect("decodes");
        assert_eq!(request.current_file.contents, contents);
    }
}

fn check_headers(headers: &HeaderMap) {
    assert_eq!(headers["x-fs-client-key"], key().as_str());
    // The client's other cookies stay here.
    assert_eq!(headers["cookie"], "FilesyncCookie=0123456789abcdef0123456789abcdef");
    assert_eq!(headers["x-cursor-client-type"], "ide");
    assert_eq!(headers["x-cursor-checksum"].len(), 137);
    assert_eq!(headers["x-request-id"], stamp().request_id.to_string().as_str());
    assert!(headers["authorization"].to_str().expect("text").starts_with("Bearer "));
}

#[tokio::test]
async fn files_go_out_as_in_the_vectors_and_outcomes_come_back() {
    // Field 1 of both answers.
    for (body, outcome) in [
        (&b""[..], FileSyncOutcome::Ok),
        (b"\x08\x01", FileSyncOutcome::NonExistent),
        (b"\x08\x02", FileSyncOutcome::HashMismatch),
    ] {
        let mut hosts = Hosts::start(body).await;
        let (caller, editor) = (caller(), editor());
        let upload = FileUpload {
            uuid: "u".into(),
            relative_workspace_path: "ü/文.py".into(),
            contents: "# 文字 👋\r\n".into(),
            model_version: 2,
            sha256_hash: None,
        };
        let call = hosts.backend.upload_file(&caller, stamp(), Region::Eu, &editor, &upload);
        let (told, cookies) = soon("an upload", call).await.expect("an answer");
        assert_eq!(told, outcome);
        assert_eq!(lines(&cookies), [BALANCED, "FilesyncCookie=f"]);
        let asked = hosts.next().await;
        check_headers(&asked.headers);
        assert_eq!(asked.headers["content-type"], "application/proto");
        let sent = FSUploadFileRequest::decode_from_slice(&asked.body).expect("decodes");
        assert_eq!((sent.contents, sent.sha256_hash), (upload.contents, None));

        let changes = FileSync { uuid: "u".into(), model_version: 3, ..FileSync::default() };
        let call = hosts.backend.sync_file(&caller, stamp(), Region::Eu, &editor, &changes);
        let (told, cookies) = soon("a sync", call).await.expect("an answer");
        assert_eq!((told, lines(&cookies).len()), (outcome, 2));
        let asked = hosts.next().await;
        check_headers(&asked.headers);
        let sent = FSSyncFileRequest::decode_from_slice(&asked.body).expect("decodes");
        assert_eq!((sent.uuid.as_str(), sent.model_version), ("u", 3));
    }
}

#[tokio::test]
async fn no_error_tells_a_secret() {
    let hosts = Hosts::start(b"\x08\x07").await;
    let (caller, mut editor) = (caller(), editor());
    let upload = FileUpload::default();
    let call = hosts.backend.upload_file(&caller, stamp(), Region::Us, &editor, &upload);
    let unknown = soon("an upload", call).await.expect_err("no outcome that we know");
    assert!(matches!(unknown, UpstreamError::Protocol(_)), "{unknown:?}");
    editor.fs_client_key.push('g');
    let call = hosts.backend.complete(&caller, stamp(), Region::Us, &editor, &question("")).await;
    let refused = call.expect_err("no key");
    for error in [&unknown, &refused] {
        let shown = format!("{error} {error:?} {editor:?}");
        assert!(!shown.contains(CANARY) && !shown.contains("0123456789abcdef"), "{shown}");
    }
}
