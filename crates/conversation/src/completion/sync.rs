//! The copy of a file that the upstream keeps: sent whole once, then changed by updates.

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileUpload {
    /// What the file is called in later updates.
    pub uuid: String,
    pub relative_workspace_path: String,
    pub contents: String,
    /// The editor's version of the document.
    pub model_version: i32,
    /// Lower-case hex SHA-256 of the contents in UTF-8.
    pub sha256_hash: Option<String>,
}

/// Changes of a file that was sent whole before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileSync {
    pub uuid: String,
    pub relative_workspace_path: String,
    /// The version that the last update leads to.
    pub model_version: i32,
    /// In the order in which they apply.
    pub filesync_updates: Vec<FileSyncUpdate>,
    /// Lower-case hex SHA-256 of the text after all updates.
    pub sha256_hash: String,
}

/// The changes that lead to one version of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileSyncUpdate {
    /// The version that these changes lead to.
    pub model_version: i32,
    pub relative_workspace_path: String,
    pub updates: Vec<FileUpdate>,
    /// Length of the text afterwards, in UTF-16 units.
    pub expected_file_length: i32,
}

/// One replacement in a text. Offsets are UTF-16 units from 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileUpdate {
    pub start_position: i32,
    /// Behind the last replaced unit.
    pub end_position: i32,
    /// As the client counts it; clients differ in whether it is the old or the new length.
    pub change_length: i32,
    /// The new text, whatever the name says.
    pub replaced_string: String,
    /// The same place in lines and columns.
    pub range: Option<UpdateRange>,
}

/// The place of an update, lines and columns from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UpdateRange {
    pub start_line_number: i32,
    pub start_column: i32,
    pub end_line_number_inclusive: i32,
    pub end_column: i32,
}

/// What became of an upload or of updates. All three are answers, not failures: on the second
/// and third the editor sends the file anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FileSyncOutcome {
    /// The copy is up to date. The document's word is `unspecified`.
    #[default]
    Ok,
    /// There is no copy to change.
    NonExistent,
    /// The copy does not have the hash that the editor names.
    HashMismatch,
}

impl FileSyncOutcome {
    pub const ALL: [Self; 3] = [Self::Ok, Self::NonExistent, Self::HashMismatch];

    /// The document's word, its spelling included.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "unspecified",
            Self::NonExistent => "non_existant",
            Self::HashMismatch => "hash_mismatch",
        }
    }
}
