//! What lies around the file that is being edited: other files, snippets, language server facts.

use super::{LineRange, LspPosition, LspRange};

/// A snippet that the editor holds to be of interest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContextItem {
    pub contents: String,
    pub symbol: Option<String>,
    pub relative_workspace_path: String,
    pub score: f32,
}

/// What a language server knows about one symbol.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LspContext {
    pub uri: Option<String>,
    pub symbol_name: String,
    pub positions: Vec<LspPosition>,
    pub context_items: Vec<LspContextItem>,
    pub score: f32,
}

/// One finding of a language server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LspContextItem {
    pub uri: Option<String>,
    /// The document's `type`: `definition`, `reference` and the like.
    pub kind: String,
    pub content: String,
    pub range: Option<LspRange>,
}

/// Another file that is open or was viewed lately.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AdditionalFile {
    pub relative_workspace_path: String,
    pub is_open: bool,
    /// The visible parts of it, one text each.
    pub visible_range_content: Vec<String>,
    /// Milliseconds of Unix time.
    pub last_viewed_at: Option<f64>,
    /// First line of each visible part, from 1.
    pub start_line_number_one_indexed: Vec<i32>,
    pub visible_ranges: Vec<LineRange>,
}
