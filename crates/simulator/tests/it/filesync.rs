//! File sync: uploads, edits, hashes, keys, cookies, bounds.

use cursor_proto::Message as _;
use cursor_proto::aiserver::{
    FSConfigResponse, FSGetFileContentsRequest, FSGetFileContentsResponse,
    FSIsEnabledForUserResponse, FSSyncErrorType as Sync, FSSyncFileRequest,
    FSUploadErrorType as Upload, FSUploadFileRequest,
};
use serde_json::Value;
use simulator::{AccountBehaviour, BalancerCookies, Config};

use super::client::{Server, USER, unary, vector_bytes};
use super::filesync_client::{
    CONTENTS, COOKIE, KEY, Random, SYNC, UPLOAD, call, edit, hash, send_sync, send_upload,
    set_cookies, sync, upload,
};

const OK: Sync = Sync::FS_SYNC_ERROR_TYPE_UNSPECIFIED;
const GONE: Sync = Sync::FS_SYNC_ERROR_TYPE_NON_EXISTANT;
const MISMATCH: Sync = Sync::FS_SYNC_ERROR_TYPE_HASH_MISMATCH;
const UPLOADED: Upload = Upload::FS_UPLOAD_ERROR_TYPE_UNSPECIFIED;

#[tokio::test]
async fn the_vectors_as_requests() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let text = |uuid: &str| server.control.synced_file(USER, KEY, uuid).map(|file| file.text);
    for (name, uuid, contents) in [
        ("fs_upload", "file:///home/demo/a.py", "print(1)\n"),
        ("fs_upload_no_hash", "file:///home/demo/b.py", ""),
        ("fs_upload_unicode", "u", "# 文字 👋\r\n"),
    ] {
        let (status, _, body) = connection.call(call(UPLOAD), vector_bytes("filesync", name)).await;
        assert_eq!((status, body.len()), (200, 0), "{name}");
        assert_eq!(text(uuid).as_deref(), Some(contents), "{name}");
    }
    // Each is for the text that the one before it left; the second repeats the first edit.
    for (name, answer, contents) in [
        ("fs_sync_bad_hash", "fs_sync_response_hash_mismatch", "print(1)\n"),
        ("fs_sync_one", "fs_sync_response_ok", "print(12)\n"),
        ("fs_sync_two", "fs_sync_response_ok", "print(12)\nx\n"),
        ("fs_sync_replace", "fs_sync_response_ok", "log(12)\nx\n"),
    ] {
        let (status, _, body) = connection.call(call(SYNC), vector_bytes("filesync", name)).await;
        assert_eq!((status, body.as_ref()), (200, &vector_bytes("filesync", answer)[..]), "{name}");
        assert_eq!(text("file:///home/demo/a.py").as_deref(), Some(contents), "{name}");
    }
    let fresh = Server::plain().await;
    let mut connection = fresh.connect().await;
    let request = vector_bytes("filesync", "fs_sync_one");
    let (_, _, body) = connection.call(call(SYNC), request).await;
    assert_eq!(body, vector_bytes("filesync", "fs_sync_response_non_existant"));
}

#[tokio::test]
async fn a_wrong_hash_changes_nothing() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut wrong = upload("text", 1);
    wrong.sha256_hash = Some(hash("other"));
    let refused = Upload::FS_UPLOAD_ERROR_TYPE_HASH_MISMATCH;
    assert_eq!(send_upload(&mut connection, &wrong).await, refused);
    assert_eq!(server.control.synced_files(USER), []);
    assert_eq!(send_sync(&mut connection, &sync(vec![], "text")).await, GONE);
    assert_eq!(send_upload(&mut connection, &upload("text", 1)).await, UPLOADED);
    let one = edit(2, &[(4, 4, "s")], 5);
    assert_eq!(send_sync(&mut connection, &sync(vec![one.clone()], "test")).await, MISMATCH);
    let length = edit(2, &[(4, 4, "s")], 6);
    assert_eq!(send_sync(&mut connection, &sync(vec![length], "texts")).await, MISMATCH);
    let beyond = edit(2, &[(5, 5, "s")], 5);
    assert_eq!(send_sync(&mut connection, &sync(vec![beyond], "texts")).await, MISMATCH);
    assert_eq!(send_sync(&mut connection, &sync(vec![one], "texts")).await, OK);
    let file = server.control.synced_file(USER, KEY, "file:///a.rs").unwrap();
    assert_eq!((file.text.as_ref(), file.version, file.path.as_str()), ("texts", 2, "a.rs"));
}

/// Documents with line breaks of both kinds, letters of two, three and four bytes.
const WORDS: [&str; 9] = ["x", "\r\n", "\n", "é", "文字", "👋", "fn f() {\r\n", "🏳️‍🌈", ""];

/// Offsets of a text at which it may be cut, in UTF-16 units, and bytes.
fn cuts(text: &str) -> Vec<(usize, usize)> {
    let mut units = 0;
    let mut all = Vec::new();
    for (at, character) in text.char_indices() {
        all.push((units, at));
        units += character.len_utf16();
    }
    all.push((units, text.len()));
    all
}

#[tokio::test]
async fn a_thousand_random_edits_each_with_its_hash() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut random = Random(7);
    let mut text = "fn main() {\r\n    // 👋 文\n}\n".to_owned();
    assert_eq!(send_upload(&mut connection, &upload(&text, 1)).await, UPLOADED);
    let (mut version, mut waiting) = (1, Vec::new());
    for round in 0..1000 {
        version += 1 + i32::try_from(random.below(3)).unwrap();
        // Up to three places that do not touch, from the bottom up as an editor lists them.
        let all = cuts(&text);
        let mut ends: Vec<usize> =
            (0..2 * (1 + random.below(3))).map(|_| random.below(all.len())).collect();
        ends.sort_unstable();
        ends.dedup();
        let pairs: Vec<_> = ends.chunks_exact(2).collect();
        let mut places = Vec::new();
        for pair in pairs.iter().rev() {
            let ((start, from), (end, to)) = (all[pair[0]], all[pair[1]]);
            // Long texts shrink, short ones grow.
            let new = if text.len() > 2000 { "" } else { WORDS[random.below(WORDS.len())] };
            let (end, to) =
                if random.below(2) == 0 && text.len() < 2000 { (start, from) } else { (end, to) };
            text.replace_range(from..to, new);
            places.push((start, end, new));
        }
        waiting.push(edit(version, &places, text.encode_utf16().count()));
        // Sometimes several versions go together.
        if random.below(4) > 0 || round == 999 {
            let request = sync(std::mem::take(&mut waiting), &text);
            assert_eq!(send_sync(&mut connection, &request).await, OK, "round {round}");
        }
    }
    let file = server.control.synced_file(USER, KEY, "file:///a.rs").unwrap();
    assert_eq!((file.text.as_ref(), file.version), (text.as_str(), version));
    assert!(text.contains('👋') && text.contains("\r\n"), "{text:?}");
}

#[tokio::test]
async fn a_repeated_sync_is_no_mistake() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    send_upload(&mut connection, &upload("a", 1)).await;
    let both = sync(vec![edit(2, &[(1, 1, "b")], 2), edit(3, &[(2, 2, "c")], 3)], "abc");
    assert_eq!(send_sync(&mut connection, &both).await, OK);
    assert_eq!(send_sync(&mut connection, &both).await, OK, "its answer may have been lost");
    let again = sync(vec![edit(3, &[(2, 2, "c")], 3), edit(4, &[(0, 1, "")], 2)], "bc");
    assert_eq!(send_sync(&mut connection, &again).await, OK);
}

#[tokio::test]
async fn what_breaks_the_rules_is_refused() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    send_upload(&mut connection, &upload("abc", 1)).await;
    let valid = sync(vec![edit(2, &[(3, 3, "d")], 4)], "abcd");
    let wrong = |change: &dyn Fn(&mut FSSyncFileRequest)| {
        let mut request = valid.clone();
        change(&mut request);
        request.encode_to_vec()
    };
    for body in [
        wrong(&|request| request.uuid.clear()),
        wrong(&|request| request.relative_workspace_path = "x".repeat(5000)),
        wrong(&|request| request.relative_workspace_path = "b.rs".into()),
        wrong(&|request| request.model_version = 1),
        wrong(&|request| request.filesync_updates.push(edit(2, &[], 4))),
        wrong(&|request| request.filesync_updates[0].updates[0].start_position = 5),
        b"nonsense".to_vec(),
    ] {
        let (status, _, body) = connection.call(call(SYNC), body).await;
        let error: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, error["code"].as_str()), (400, Some("invalid_argument")), "{error}");
    }
    assert_eq!(send_sync(&mut connection, &valid).await, OK);
}

#[tokio::test]
async fn files_belong_to_a_user_and_a_client_key() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    send_upload(&mut connection, &upload("abc", 1)).await;
    let body = || sync(vec![], "abc").encode_to_vec();
    let other = unary(SYNC).header("x-fs-client-key", "f".repeat(64));
    let (_, _, answer) = connection.call(other, body()).await;
    assert_eq!(answer.as_ref(), b"\x08\x01", "non_existant");
    for key in ["", "abc", &"g".repeat(64), &"a".repeat(65)] {
        for path in [UPLOAD, SYNC, CONTENTS] {
            let request = unary(path).header("x-fs-client-key", key);
            let (status, _, answer) = connection.call(request, body()).await;
            let error: Value = serde_json::from_slice(&answer).unwrap();
            assert_eq!((status, error["code"].as_str()), (400, Some("invalid_argument")));
        }
    }
    assert!(server.control.synced_file(USER, &"f".repeat(64), "file:///a.rs").is_none());
    assert!(server.control.synced_files("user_other").is_empty());
}

#[tokio::test]
async fn the_store_is_bounded() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let most = "x".repeat(1_000_000);
    assert_eq!(send_upload(&mut connection, &upload(&most, 1)).await, UPLOADED);
    let more = upload(&format!("{most}x"), 2).encode_to_vec();
    assert_eq!(connection.call(call(UPLOAD), more).await.0, 429);
    let longer = sync(vec![edit(2, &[(0, 0, "y")], 1_000_001)], &format!("y{most}"));
    assert_eq!(connection.call(call(SYNC), longer.encode_to_vec()).await.0, 429);
    for number in 0..1000 {
        let small = FSUploadFileRequest { uuid: number.to_string(), ..upload("small", 1) };
        send_upload(&mut connection, &small).await;
    }
    assert_eq!(server.control.synced_files(USER).len(), 1000);
    assert_eq!(send_sync(&mut connection, &sync(vec![], &most)).await, GONE);
}

#[tokio::test]
async fn contents_come_back_with_edits_that_are_not_kept() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    send_upload(&mut connection, &upload("abc", 1)).await;
    let mut request = FSGetFileContentsRequest {
        uuid: "file:///a.rs".into(),
        relative_workspace_path: "a.rs".into(),
        model_version: 2,
        filesync_updates: vec![edit(2, &[(3, 3, "d")], 4)],
        ..Default::default()
    };
    let (_, _, body) = connection.call(call(CONTENTS), request.encode_to_vec()).await;
    let answer = FSGetFileContentsResponse::decode_from_slice(&body).unwrap();
    assert_eq!((answer.contents.as_str(), answer.sha256_hash), ("abcd", Some(hash("abcd"))));
    assert_eq!(server.control.synced_files(USER)[0].text.as_ref(), "abc");
    request.model_version = 3;
    assert_eq!(connection.call(call(CONTENTS), request.encode_to_vec()).await.0, 404);
    request.uuid = "other".into();
    assert_eq!(connection.call(call(CONTENTS), request.encode_to_vec()).await.0, 404);
}

#[tokio::test]
async fn configuration_says_what_is_enforced() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let path = |name: &str| unary(&format!("/aiserver.v1.FileSyncService/{name}"));
    let (_, headers, body) = connection.call(path("FSConfig"), Vec::new()).await;
    let config = FSConfigResponse::decode_from_slice(&body).unwrap();
    let told = vector_bytes("filesync", "fs_config");
    assert_eq!(config, FSConfigResponse::decode_from_slice(&told).unwrap());
    assert_eq!(set_cookies(&headers), [""; 0]);
    let (_, _, body) = connection.call(path("FSIsEnabledForUser"), Vec::new()).await;
    assert!(FSIsEnabledForUserResponse::decode_from_slice(&body).unwrap().enabled);
    let unknown = path("FSInternalHealthCheck");
    assert_eq!(connection.call(unknown, Vec::new()).await.0, 404);
}

#[tokio::test]
async fn the_load_balancer_sets_cookies_and_sees_which_come_back() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let body = upload("abc", 1).encode_to_vec();
    let worth = || server.control.calls().pop().unwrap().cookies.unwrap();
    let mut given: Vec<Vec<String>> = Vec::new();
    for round in 0..10 {
        let sent = given.last().map_or(COOKIE.to_owned(), |last| last.join("; ") + "; " + COOKIE);
        let request = unary(UPLOAD).header("x-fs-client-key", KEY).header("cookie", sent);
        let (_, headers, _) = connection.call(request, body.clone()).await;
        given.push(set_cookies(&headers));
        let names: Vec<&str> =
            given[round].iter().map(|pair| pair.split_once('=').unwrap().0).collect();
        assert_eq!(names, ["AWSALBAPP-0", "AWSALBAPP-1", "AWSALBAPP-2", "AWSALBAPP-3"]);
        let (values, expected) =
            if round == 0 { (1, BalancerCookies::Absent) } else { (5, BalancerCookies::Newest) };
        assert_eq!((worth().values.len(), worth().balancer), (values, expected), "{round}");
    }
    assert_ne!(given[0], given[9], "the values change now and then");
    assert_eq!(given[0], given[1], "and not each time");
    for (sent, expected) in [
        (given[0].join("; "), BalancerCookies::Older),
        (given[9][..3].join("; "), BalancerCookies::Foreign),
        (given[9].join("; ").replace("AWSALBAPP-3=", "AWSALBAPP-3=x"), BalancerCookies::Foreign),
    ] {
        let request = unary(UPLOAD).header("x-fs-client-key", KEY).header("cookie", sent);
        connection.call(request, body.clone()).await;
        assert_eq!(worth().balancer, expected);
    }
}

#[tokio::test]
async fn foreign_cookies_are_counted_and_not_kept() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let body = upload("abc", 1).encode_to_vec();
    let request = call(UPLOAD).header("cookie", "WorkosCursorSessionToken=secret; AWSALB=x");
    connection.call(request, body.clone()).await;
    let record = server.control.calls().pop().unwrap();
    assert_eq!(record.cookies.as_ref().unwrap().others, 2);
    assert!(!format!("{record:?}").contains("secret") && !format!("{record:?}").contains(KEY));
    let bad = unary(UPLOAD).header("x-fs-client-key", KEY).header("cookie", "FilesyncCookie=xyz");
    assert_eq!(connection.call(bad, body.clone()).await.0, 400);
    let none = || unary(UPLOAD).header("x-fs-client-key", KEY);
    assert_eq!(connection.call(none(), body.clone()).await.0, 200);
    let strict = Server::start(Config { require_filesync_cookie: true, ..Config::default() }).await;
    let mut connection = strict.connect().await;
    assert_eq!(connection.call(none(), body.clone()).await.0, 400);
    assert_eq!(connection.call(call(UPLOAD), body).await.0, 200);
}

#[tokio::test]
async fn accounts_are_treated_as_everywhere() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let body = upload("abc", 1).encode_to_vec();
    for (behaviour, status) in [
        (AccountBehaviour::LoggedOut, 401),
        (AccountBehaviour::Blocked, 403),
        (AccountBehaviour::HttpStatus(503), 503),
        (AccountBehaviour::QuotaReached, 200),
        (AccountBehaviour::RateLimited { retry_after: None }, 200),
    ] {
        server.control.set_account(USER, behaviour);
        assert_eq!(connection.call(call(UPLOAD), body.clone()).await.0, status);
    }
}
