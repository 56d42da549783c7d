//! A prompt and a suffix as an editor's completion: one file, and the cursor between the two.
//!
//! A client may say more in two fields of our own, named as in the editor's API:
//! `relative_workspace_path` and `language_id`. What it does not say is guessed: the language by
//! the ending of the path or by the text, the path as `main` with the language's ending.

mod language;

use conversation::Limits;
use conversation::completion::{
    CompletionRequest, ControlToken, CurrentFile, IntentInfo, IntentSource, Position, Range,
};

use super::{ReplyForm, Splice};
use crate::Ignored;

/// A text to be inserted, as the completion service is asked for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Insertion {
    /// It has no times, for there is no clock here.
    pub request: CompletionRequest,
    pub form: ReplyForm,
    pub limits: Limits,
    pub ignored: Ignored,
    /// Bytes of the file before the cursor.
    cursor: usize,
}

/// What the client says about the place.
pub(super) struct Place {
    pub(super) prompt: String,
    pub(super) suffix: String,
    pub(super) path: Option<String>,
    pub(super) language: Option<String>,
}

impl Insertion {
    pub(super) fn new(place: Place, form: ReplyForm, limits: Limits, ignored: Ignored) -> Self {
        let Place { prompt, suffix, path, language } = place;
        let cursor = prompt.len();
        let position = position(&prompt);
        let contents = prompt + &suffix;
        let language = language
            .or_else(|| path.as_deref().and_then(language::of_path).map(str::to_owned))
            .unwrap_or_else(|| language::guess(&contents).to_owned());
        let path = path.unwrap_or_else(|| match language::ending(&language) {
            Some(ending) => format!("main.{ending}"),
            None => "main".to_owned(),
        });
        let line_ending = if contents.contains("\r\n") { "\r\n" } else { "\n" };
        let current_file = CurrentFile {
            relative_workspace_path: path,
            cursor_position: Some(position),
            selection: Some(Range { start_position: position, end_position: position }),
            total_number_of_lines: number(contents.matches('\n').count() + 1),
            language_id: language,
            line_ending: Some(line_ending.to_owned()),
            contents,
            ..CurrentFile::default()
        };
        let request = CompletionRequest {
            current_file,
            model_name: Some(form.model.clone()),
            // Whoever calls this wants a text, and does not merely type.
            cpp_intent_info: Some(IntentInfo { source: Some(IntentSource::ManualTrigger) }),
            control_token: Some(ControlToken::Op),
            ..CompletionRequest::default()
        };
        Self { request, form, limits, ignored, cursor }
    }

    /// What makes an answer of the edits, for this request's text and limits.
    #[must_use]
    pub fn splice(&self) -> Splice {
        Splice::new(&self.request.current_file.contents, self.cursor, &self.limits)
    }
}

/// The place behind the text.
fn position(text: &str) -> Position {
    let last = text.rsplit('\n').next().unwrap_or_default();
    Position {
        line: number(text.matches('\n').count()),
        column: number(last.encode_utf16().count()),
    }
}

/// Bodies are far smaller than what would not fit.
fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
