//! The editor's side of the house: inline completion, its settings, and the copy of a file that
//! the upstream keeps so that an edit need not send the whole text.
//!
//! The fields, their words and their meanings are those of the gateway document's sections
//! `/cpp/config`, `/cpp/models`, `/cpp/stream`, `/file/upload` and `/file/sync`
//! (`spec/v0.4-readme.md`), under the document's own names; where it is silent, from
//! `reference/messages/completion.md` and `filesync.md`. A field that the document marks optional
//! is an `Option`, so is a group of fields that may be absent as a whole, and everything else has
//! the default of its type when the client leaves it out. What no upstream field is known for
//! (`file_git_context` of the current file) is not here.
//!
//! An answer is a stream of `Result<CompletionEvent, Failure>`: a failure is last by construction
//! and the end of the stream is the end of the iterator. A stream without a single edit is a
//! good answer: there is no suggestion.

mod config;
mod event;
mod file;
mod request;
mod results;
mod span;
mod surroundings;
mod sync;

pub use config::{
    CompletionConfig, CompletionConfigQuery, CompletionModels, Heuristic, ImportPrediction,
    MergeBehavior, RejectedEditThresholds, SuggestionHints,
};
pub use event::CompletionEvent;
pub use file::{
    Chunk, CurrentFile, DataColumn, Dataframe, Diagnostic, LinterError, LinterErrors,
    RelatedInformation, Severity,
};
pub use request::{
    BlockChange, BlockDiffPatch, CompletionRequest, ControlToken, FileDiffHistory, IntentInfo,
    IntentSource, LspSuggestedItems, LspSuggestion, ModelWindow, ParameterHint,
};
pub use results::{CodeBlock, CodeResult, DetailedLine, FileGit, GitCommit, Signatures};
pub use span::{ChangeRange, ChunkRange, LineRange, LspPosition, LspRange, Position, Range};
pub use surroundings::{AdditionalFile, ContextItem, LspContext, LspContextItem};
pub use sync::{FileSync, FileSyncOutcome, FileSyncUpdate, FileUpdate, FileUpload, UpdateRange};
