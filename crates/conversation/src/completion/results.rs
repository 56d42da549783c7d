//! Code that a search found for the editor, handed back as context.

use super::Range;

/// One finding and how well it fits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CodeResult {
    pub code_block: Option<CodeBlock>,
    pub score: f32,
}

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CodeBlock {
    pub relative_workspace_path: String,
    /// The whole file.
    pub file_contents: Option<String>,
    pub file_contents_length: Option<i32>,
    pub range: Option<Range>,
    /// The piece itself.
    pub contents: String,
    pub signatures: Option<Signatures>,
    pub override_contents: Option<String>,
    pub original_contents: Option<String>,
    pub detailed_lines: Vec<DetailedLine>,
    pub file_git_context: Option<FileGit>,
}

/// Where the signatures in a piece are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signatures {
    pub ranges: Vec<Range>,
}

/// One line of a piece.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DetailedLine {
    pub text: String,
    /// Not whole for a line that is not in the file.
    pub line_number: f32,
    pub is_signature: bool,
}

/// The history of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileGit {
    pub commits: Vec<GitCommit>,
}

/// One change of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GitCommit {
    /// The hash.
    pub commit: String,
    pub author: String,
    /// As the client words it.
    pub date: String,
    pub message: String,
}
