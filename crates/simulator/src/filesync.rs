//! `aiserver.v1.FileSyncService`: the server's copy of the files that are being edited.
//!
//! Uploads are kept and edits really applied, and every hash is taken of the text that results
//! (`reference/upstream-protocol.md` §11, `reference/messages/filesync.md`). A copy belongs to a
//! user and the client key of the request.

pub(crate) mod cookies;
pub(crate) mod edits;
pub(crate) mod store;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use cursor_proto::Message as _;
use cursor_proto::aiserver::error_details::Error as Kind;
use cursor_proto::aiserver::{
    FSConfigRequest, FSConfigResponse, FSGetFileContentsRequest, FSGetFileContentsResponse,
    FSIsEnabledForUserRequest, FSIsEnabledForUserResponse, FSSyncErrorType, FSSyncFileRequest,
    FSSyncFileResponse, FSUploadErrorType, FSUploadFileRequest, FSUploadFileResponse,
};
use http::{HeaderMap, HeaderValue};
use sha2::{Digest as _, Sha256};

use self::cookies::{Answers, FILESYNC, SentCookies};
use self::edits::{EditError, Versioned};
use self::store::{Files, MAX_FILE, SyncedFile};
use crate::failure::{Code, Failure};
use crate::route::checks;
use crate::state::{Bounded, State};
use crate::tokens;
use crate::unary::decode;

/// The most bytes of a file's name or path.
const MAX_NAME: usize = 4096;
/// Users with client keys whose cookies are remembered.
const BALANCED: usize = 10_000;

/// The calls that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rpc {
    Upload,
    Sync,
    IsEnabled,
    Config,
    GetContents,
}

impl Rpc {
    /// By the method's name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "FSUploadFile" => Self::Upload,
            "FSSyncFile" => Self::Sync,
            "FSIsEnabledForUser" => Self::IsEnabled,
            "FSConfig" => Self::Config,
            "FSGetFileContents" => Self::GetContents,
            _ => return None,
        })
    }
}

/// What is remembered between calls.
#[derive(Debug)]
pub(crate) struct Memory {
    files: Mutex<Files>,
    balancer: Mutex<Bounded<Answers>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { files: Mutex::new(Files::default()), balancer: Mutex::new(Bounded::new(BALANCED)) }
    }
}

impl Memory {
    /// Works on the files.
    pub(crate) fn files(&self) -> MutexGuard<'_, Files> {
        // A panic elsewhere leaves at worst a file that was not replaced.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn balancer(&self) -> MutexGuard<'_, Bounded<Answers>> {
        self.balancer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cookies that came with a request.
    pub(crate) fn sent_cookies(&self, headers: &HeaderMap, user: &str) -> SentCookies {
        let of = balanced(user, headers);
        let answers = self.balancer().get(&of).copied().unwrap_or_default();
        cookies::sent(headers, &of, answers)
    }

    /// The cookies for one more answer.
    fn next_cookies(&self, headers: &HeaderMap, user: &str) -> Vec<HeaderValue> {
        let of = balanced(user, headers);
        let mut balancer = self.balancer();
        let mut answers = balancer.get(&of).copied().unwrap_or_default();
        let lines = answers.next(&of, SystemTime::now());
        balancer.insert(&of, answers);
        lines
    }
}

/// Whom the load balancer knows: a user with a client key.
fn balanced(user: &str, headers: &HeaderMap) -> String {
    let key = checks::header(headers, "x-fs-client-key").unwrap_or_default();
    tokens::fingerprint(&format!("{user} {key}"))
}

/// The fingerprint of the client key, which has to be there, in 64 hex digits.
pub(crate) fn client(headers: &HeaderMap) -> Result<String, Failure> {
    let key = checks::header(headers, "x-fs-client-key").unwrap_or_default();
    if key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(tokens::fingerprint(key))
    } else {
        Err(Failure::invalid("x-fs-client-key must be 64 hex digits"))
    }
}

/// Answers one call: the message and the cookies to set.
pub(crate) fn answer(
    rpc: Rpc,
    user: &str,
    headers: &HeaderMap,
    body: &[u8],
    state: &State,
) -> Result<(Vec<u8>, Vec<HeaderValue>), Failure> {
    let message = match rpc {
        Rpc::Upload => {
            own_cookie(headers, user, state)?;
            upload(user, &client(headers)?, decode(body)?, state)?.encode_to_vec()
        }
        Rpc::Sync => {
            own_cookie(headers, user, state)?;
            sync(user, &client(headers)?, &decode(body)?, state)?.encode_to_vec()
        }
        Rpc::GetContents => {
            contents(user, &client(headers)?, &decode(body)?, state)?.encode_to_vec()
        }
        Rpc::IsEnabled => {
            decode::<FSIsEnabledForUserRequest>(body)?;
            FSIsEnabledForUserResponse { enabled: true, ..Default::default() }.encode_to_vec()
        }
        Rpc::Config => {
            decode::<FSConfigRequest>(body)?;
            config().encode_to_vec()
        }
    };
    let cookies = match rpc {
        Rpc::Upload | Rpc::Sync => state.sync.next_cookies(headers, user),
        Rpc::IsEnabled | Rpc::Config | Rpc::GetContents => Vec::new(),
    };
    Ok((message, cookies))
}

/// The client's own cookie has its form, if it is there.
fn own_cookie(headers: &HeaderMap, user: &str, state: &State) -> Result<(), Failure> {
    let sent = state.sync.sent_cookies(headers, user);
    match sent.values.get(FILESYNC) {
        None if state.config.require_filesync_cookie => {
            Err(Failure::invalid("the cookie FilesyncCookie is required"))
        }
        Some(value) if value.len() != 32 || !value.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Err(Failure::invalid("FilesyncCookie must be 32 hex digits"))
        }
        None | Some(_) => Ok(()),
    }
}

fn upload(
    user: &str,
    client: &str,
    request: FSUploadFileRequest,
    state: &State,
) -> Result<FSUploadFileResponse, Failure> {
    names(&request.uuid, &request.relative_workspace_path)?;
    if request.model_version < 0 {
        return Err(Failure::invalid("model_version is negative"));
    }
    if request.contents.len() > MAX_FILE {
        return Err(too_large());
    }
    if request.sha256_hash.is_some_and(|told| told != hash(&request.contents)) {
        let error = FSUploadErrorType::FS_UPLOAD_ERROR_TYPE_HASH_MISMATCH.into();
        return Ok(FSUploadFileResponse { error, ..Default::default() });
    }
    let file = SyncedFile {
        uuid: request.uuid,
        path: request.relative_workspace_path,
        version: request.model_version,
        text: request.contents.into(),
    };
    state.sync.files().put(user, client, file);
    Ok(FSUploadFileResponse::default())
}

fn sync(
    user: &str,
    client: &str,
    request: &FSSyncFileRequest,
    state: &State,
) -> Result<FSSyncFileResponse, Failure> {
    let path = &request.relative_workspace_path;
    names(&request.uuid, path)?;
    let newest = request.filesync_updates.last().map_or(0, |update| update.model_version);
    if request.model_version < newest {
        return Err(Failure::invalid("model_version is older than the newest update"));
    }
    let refused = |error: FSSyncErrorType| {
        Ok(FSSyncFileResponse { error: error.into(), ..Default::default() })
    };
    // Held throughout, so that two edits of one file follow each other.
    let mut files = state.sync.files();
    let Some(file) = files.get(user, client, &request.uuid) else {
        return refused(FSSyncErrorType::FS_SYNC_ERROR_TYPE_NON_EXISTANT);
    };
    let limit = MAX_FILE;
    match edits::apply(&file.text, file.version, path, &request.filesync_updates, limit) {
        Ok(edited) if edited.text.len() > MAX_FILE => Err(too_large()),
        Ok(Versioned { text, .. }) if is_hash(&request.sha256_hash, &text) => {
            let version = request.model_version.max(file.version);
            let path = path.clone();
            files.put(user, client, SyncedFile { path, version, text: text.into(), ..file });
            Ok(FSSyncFileResponse::default())
        }
        Ok(_) | Err(EditError::Mismatch) => {
            refused(FSSyncErrorType::FS_SYNC_ERROR_TYPE_HASH_MISMATCH)
        }
        Err(EditError::Invalid(text)) => Err(Failure::invalid(text)),
        Err(EditError::TooLarge) => Err(too_large()),
    }
}

/// The text as it is with these edits, which are not kept.
fn contents(
    user: &str,
    client: &str,
    request: &FSGetFileContentsRequest,
    state: &State,
) -> Result<FSGetFileContentsResponse, Failure> {
    names(&request.uuid, &request.relative_workspace_path)?;
    let file = state.sync.files().get(user, client, &request.uuid);
    let file = file.ok_or_else(|| missing("The file was not uploaded"))?;
    let text = with_updates(&file, &request.filesync_updates, request.model_version)?;
    if !is_hash(request.sha256_hash.as_deref().unwrap_or_default(), &text) {
        return Err(missing("The synced copy has another hash"));
    }
    let sha256_hash = Some(hash(&text));
    Ok(FSGetFileContentsResponse { contents: text, sha256_hash, ..Default::default() })
}

/// A copy with edits that are not kept, which has to be at least at `version`.
pub(crate) fn with_updates(
    file: &SyncedFile,
    updates: &[cursor_proto::aiserver::FilesyncUpdateWithModelVersion],
    version: i32,
) -> Result<String, Failure> {
    let edited = edits::apply(&file.text, file.version, &file.path, updates, MAX_FILE);
    match edited {
        Ok(edited) if edited.version < version => Err(missing(&format!(
            "The synced copy is at version {}, not at {version}",
            edited.version
        ))),
        Ok(edited) => Ok(edited.text),
        Err(EditError::Mismatch) => Err(missing("The updates do not fit the synced copy")),
        Err(EditError::Invalid(text)) => Err(Failure::invalid(text)),
        Err(EditError::TooLarge) => Err(too_large()),
    }
}

fn names(uuid: &str, path: &str) -> Result<(), Failure> {
    for (name, value) in [("uuid", uuid), ("relative_workspace_path", path)] {
        if value.is_empty() || value.len() > MAX_NAME {
            return Err(Failure::invalid(format!("{name} must have 1 to {MAX_NAME} bytes")));
        }
    }
    Ok(())
}

/// No such text here.
pub(crate) fn missing(detail: &str) -> Failure {
    Failure::new(Code::NotFound, Kind::ERROR_NOT_FOUND, "Not found", detail).expected()
}

fn too_large() -> Failure {
    let text = format!("file is larger than {MAX_FILE} bytes");
    Failure::transport(Code::ResourceExhausted, text)
}

/// Whether this is the text's hash; clients send one with a share of their requests only.
pub(crate) fn is_hash(told: &str, text: &str) -> bool {
    told.is_empty() || told == hash(text)
}

/// SHA-256 of the UTF-8 text in lower-case hex.
fn hash(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The vector `fs_config`, with the size that is enforced here.
fn config() -> FSConfigResponse {
    FSConfigResponse {
        check_filesync_hash_percent: 0.005,
        rate_limiter_rps: Some(10),
        max_recent_updates_stored: Some(30),
        max_file_size_to_sync_bytes: i32::try_from(MAX_FILE).ok(),
        sync_retry_max_attempts: Some(3),
        successive_syncs_required_for_reliance: Some(2),
        extra_successful_syncs_needed_after_errors: Some(2),
        last_n_updates_to_send: Some(10),
        sync_debounce_ms: Some(250),
        ..Default::default()
    }
}
