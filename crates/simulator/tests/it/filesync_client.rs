//! A client of file sync: an editor's document, its edits, and the calls that send them.

use cursor_proto::Message as _;
use cursor_proto::aiserver::{
    FSSyncErrorType, FSSyncFileRequest, FSSyncFileResponse, FSUploadErrorType, FSUploadFileRequest,
    FSUploadFileResponse, FilesyncUpdateWithModelVersion, SingleUpdateRequest,
};
use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::client::{Connection, unary};

pub(crate) const UPLOAD: &str = "/aiserver.v1.FileSyncService/FSUploadFile";
pub(crate) const SYNC: &str = "/aiserver.v1.FileSyncService/FSSyncFile";
pub(crate) const CONTENTS: &str = "/aiserver.v1.FileSyncService/FSGetFileContents";
pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
pub(crate) const COOKIE: &str = "FilesyncCookie=0123456789abcdef0123456789abcdef";

/// A request that passes every check.
pub(crate) fn call(path: &str) -> http::request::Builder {
    unary(path).header("x-fs-client-key", KEY).header("cookie", COOKIE)
}

pub(crate) fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// An upload of `text` as `a.rs` with the right hash.
pub(crate) fn upload(text: &str, version: i32) -> FSUploadFileRequest {
    FSUploadFileRequest {
        uuid: "file:///a.rs".into(),
        relative_workspace_path: "a.rs".into(),
        contents: text.into(),
        model_version: version,
        sha256_hash: Some(hash(text)),
        ..Default::default()
    }
}

/// One edit of one version of `a.rs`; the offsets are UTF-16 units.
pub(crate) fn edit(
    version: i32,
    places: &[(usize, usize, &str)],
    length: usize,
) -> FilesyncUpdateWithModelVersion {
    let single = |&(start, end, text): &(usize, usize, &str)| SingleUpdateRequest {
        start_position: i32::try_from(start).unwrap(),
        end_position: i32::try_from(end).unwrap(),
        change_length: i32::try_from(end - start).unwrap(),
        replaced_string: text.into(),
        ..Default::default()
    };
    FilesyncUpdateWithModelVersion {
        model_version: version,
        relative_workspace_path: "a.rs".into(),
        updates: places.iter().map(single).collect(),
        expected_file_length: i32::try_from(length).unwrap(),
        ..Default::default()
    }
}

/// The edits of `a.rs`, and the hash of what they lead to.
pub(crate) fn sync(updates: Vec<FilesyncUpdateWithModelVersion>, after: &str) -> FSSyncFileRequest {
    FSSyncFileRequest {
        uuid: "file:///a.rs".into(),
        relative_workspace_path: "a.rs".into(),
        model_version: updates.last().map_or(0, |update| update.model_version),
        filesync_updates: updates,
        sha256_hash: hash(after),
        ..Default::default()
    }
}

pub(crate) async fn send_upload(
    connection: &mut Connection,
    request: &FSUploadFileRequest,
) -> FSUploadErrorType {
    let (status, _, body) = connection.call(call(UPLOAD), request.encode_to_vec()).await;
    assert_eq!(status, 200, "{body:?}");
    FSUploadFileResponse::decode_from_slice(&body).unwrap().error.as_known().unwrap()
}

pub(crate) async fn send_sync(
    connection: &mut Connection,
    request: &FSSyncFileRequest,
) -> FSSyncErrorType {
    let (status, _, body) = connection.call(call(SYNC), request.encode_to_vec()).await;
    assert_eq!(status, 200, "{body:?}");
    FSSyncFileResponse::decode_from_slice(&body).unwrap().error.as_known().unwrap()
}

/// `name=value` of every cookie that an answer sets.
pub(crate) fn set_cookies(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    lines.map(|line| line.split(';').next().unwrap().to_owned()).collect()
}

/// Random numbers that are the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}
