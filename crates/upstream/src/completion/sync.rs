//! The copy of a file at the upstream: uploads, updates and what became of them
//! (`reference/messages/filesync.md`).

use conversation::completion::{
    FileSync, FileSyncOutcome, FileSyncUpdate, FileUpdate, FileUpload, UpdateRange,
};
use cursor_proto::EnumValue;
use cursor_proto::aiserver as wire;
use cursor_proto::aiserver::{FSSyncErrorType as SyncError, FSUploadErrorType as UploadError};

use super::all;
use crate::error::UpstreamError;

pub(super) fn upload(upload: &FileUpload) -> wire::FSUploadFileRequest {
    let FileUpload { uuid, relative_workspace_path, contents, model_version, sha256_hash } = upload;
    wire::FSUploadFileRequest {
        uuid: uuid.clone(),
        relative_workspace_path: relative_workspace_path.clone(),
        contents: contents.clone(),
        model_version: *model_version,
        sha256_hash: sha256_hash.clone(),
        ..Default::default()
    }
}

pub(super) fn sync(sync: &FileSync) -> wire::FSSyncFileRequest {
    let FileSync { uuid, relative_workspace_path, model_version, filesync_updates, sha256_hash } =
        sync;
    wire::FSSyncFileRequest {
        uuid: uuid.clone(),
        relative_workspace_path: relative_workspace_path.clone(),
        model_version: *model_version,
        filesync_updates: all(filesync_updates, update),
        sha256_hash: sha256_hash.clone(),
        ..Default::default()
    }
}

pub(super) fn update(update: &FileSyncUpdate) -> wire::FilesyncUpdateWithModelVersion {
    let FileSyncUpdate { model_version, relative_workspace_path, updates, expected_file_length } =
        update;
    wire::FilesyncUpdateWithModelVersion {
        model_version: *model_version,
        relative_workspace_path: relative_workspace_path.clone(),
        updates: all(updates, replacement),
        expected_file_length: *expected_file_length,
        ..Default::default()
    }
}

fn replacement(update: &FileUpdate) -> wire::SingleUpdateRequest {
    let FileUpdate { start_position, end_position, change_length, replaced_string, range } = update;
    let range = range.as_ref().map(|range| {
        let UpdateRange { start_line_number, start_column, end_line_number_inclusive, end_column } =
            *range;
        wire::SimpleRange {
            start_line_number,
            start_column,
            end_line_number_inclusive,
            end_column,
            ..Default::default()
        }
    });
    wire::SingleUpdateRequest {
        start_position: *start_position,
        end_position: *end_position,
        change_length: *change_length,
        replaced_string: replaced_string.clone(),
        range: range.into(),
        ..Default::default()
    }
}

/// # Errors
/// A number that we do not know: whether the copy is good cannot be told.
pub(super) fn uploaded(error: EnumValue<UploadError>) -> Result<FileSyncOutcome, UpstreamError> {
    match error.as_known() {
        Some(UploadError::FS_UPLOAD_ERROR_TYPE_UNSPECIFIED) => Ok(FileSyncOutcome::Ok),
        Some(UploadError::FS_UPLOAD_ERROR_TYPE_NON_EXISTANT) => Ok(FileSyncOutcome::NonExistent),
        Some(UploadError::FS_UPLOAD_ERROR_TYPE_HASH_MISMATCH) => Ok(FileSyncOutcome::HashMismatch),
        None => Err(unknown("FSUploadFile", error.to_i32())),
    }
}

/// # Errors
/// As for [`uploaded`].
pub(super) fn synced(error: EnumValue<SyncError>) -> Result<FileSyncOutcome, UpstreamError> {
    match error.as_known() {
        Some(SyncError::FS_SYNC_ERROR_TYPE_UNSPECIFIED) => Ok(FileSyncOutcome::Ok),
        Some(SyncError::FS_SYNC_ERROR_TYPE_NON_EXISTANT) => Ok(FileSyncOutcome::NonExistent),
        Some(SyncError::FS_SYNC_ERROR_TYPE_HASH_MISMATCH) => Ok(FileSyncOutcome::HashMismatch),
        None => Err(unknown("FSSyncFile", error.to_i32())),
    }
}

fn unknown(call: &str, number: i32) -> UpstreamError {
    UpstreamError::Protocol(format!("{call}: unknown outcome {number}"))
}
