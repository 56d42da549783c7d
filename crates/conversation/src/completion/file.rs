//! The file that is being edited and what is wrong with it.

use super::{ChunkRange, Position, Range};

/// The file that is being edited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CurrentFile {
    pub relative_workspace_path: String,
    /// Empty when the upstream is to use its copy, see `rely_on_filesync`.
    pub contents: String,
    /// The upstream has a copy of the file that is up to date.
    pub rely_on_filesync: bool,
    /// Lower-case hex SHA-256 of the contents in UTF-8.
    pub sha_256_hash: Option<String>,
    pub top_chunks: Vec<Chunk>,
    /// Line of the file at which `contents` starts, mostly 0.
    pub contents_start_at_line: i32,
    pub cursor_position: Option<Position>,
    pub dataframes: Vec<Dataframe>,
    pub total_number_of_lines: i32,
    /// The editor's name of the language: `python`, `rust`.
    pub language_id: String,
    pub selection: Option<Range>,
    pub alternative_version_id: Option<i32>,
    pub diagnostics: Vec<Diagnostic>,
    /// The version of the upstream's copy that the updates of the request lead to.
    pub file_version: Option<i32>,
    /// Absolute.
    pub workspace_root_path: String,
    /// `"\n"` or `"\r\n"`.
    pub line_ending: Option<String>,
}

/// A piece of code that a keyword search (BM25) found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chunk {
    pub content: String,
    pub range: Option<ChunkRange>,
    pub score: i32,
    pub relative_path: String,
}

/// A table in the memory of a notebook.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dataframe {
    /// The variable.
    pub name: String,
    /// In words: `(100, 5)`.
    pub shape: String,
    pub data_dimensionality: i32,
    pub columns: Vec<DataColumn>,
    pub row_count: i32,
    pub index_column: String,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataColumn {
    pub key: String,
    /// The document's `type`.
    pub kind: String,
}

/// A remark of the editor's about a place in the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostic {
    pub message: String,
    pub range: Option<Range>,
    pub severity: Option<Severity>,
    pub related_information: Vec<RelatedInformation>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    Error,
    Warning,
    Information,
    Hint,
}

impl Severity {
    pub const ALL: [Self; 4] = [Self::Error, Self::Warning, Self::Information, Self::Hint];

    /// The document's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
            Self::Hint => "hint",
        }
    }
}

/// Another place that a remark is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RelatedInformation {
    pub message: String,
    pub range: Option<Range>,
}

/// What linters say about one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinterErrors {
    pub relative_workspace_path: String,
    pub errors: Vec<LinterError>,
    /// The text that the errors are about.
    pub file_contents: String,
}

/// One linter error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinterError {
    pub message: String,
    pub range: Option<Range>,
    /// Which linter: `eslint`, `pyright`.
    pub source: Option<String>,
    pub related_information: Vec<RelatedInformation>,
    pub severity: Option<Severity>,
}
