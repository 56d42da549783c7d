//! The text that a completion is for, and where the cursor stands in it.

use cursor_proto::aiserver::{CurrentFileInfo, StreamCppRequest};
use http::HeaderMap;

use crate::failure::Failure;
use crate::filesync;
use crate::state::State;

/// The file as it is at the moment of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Current {
    pub(crate) path: String,
    pub(crate) text: String,
    /// 0-based number of the first line of `text` in the file.
    pub(crate) first_line: usize,
    /// 0-based line of the cursor in the file.
    pub(crate) line: usize,
    /// 0-based column of the cursor in UTF-16 units.
    pub(crate) column: usize,
    /// What ends a line.
    pub(crate) line_ending: &'static str,
}

impl Current {
    /// The lines without what ends them.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line))
    }

    /// Where the cursor's line is among [`Self::lines`].
    pub(crate) fn cursor_index(&self) -> Option<usize> {
        self.line.checked_sub(self.first_line)
    }
}

/// The text of the request, or the synced copy if the request relies on it.
pub(crate) fn current(
    user: &str,
    headers: &HeaderMap,
    request: &StreamCppRequest,
    state: &State,
) -> Result<Current, Failure> {
    let Some(file) = request.current_file.as_option() else {
        return Err(Failure::invalid("current_file is required"));
    };
    if headers.contains_key("x-fs-client-key") {
        filesync::client(headers)?;
    }
    let number = |name: &str, value: i32| {
        usize::try_from(value).map_err(|_| Failure::invalid(format!("{name} is negative")))
    };
    let (text, first_line) = if file.rely_on_filesync {
        (synced(user, headers, file, request, state)?, 0)
    } else {
        (file.contents.clone(), number("contents_start_at_line", file.contents_start_at_line)?)
    };
    let cursor = file.cursor_position.as_option();
    let line = number("cursor_position.line", cursor.map_or(0, |cursor| cursor.line))?;
    let column = number("cursor_position.column", cursor.map_or(0, |cursor| cursor.column))?;
    let line_ending = line_ending(file.line_ending.as_deref(), &text);
    let path = file.relative_workspace_path.clone();
    Ok(Current { path, text, first_line, line, column, line_ending })
}

fn synced(
    user: &str,
    headers: &HeaderMap,
    file: &CurrentFileInfo,
    request: &StreamCppRequest,
    state: &State,
) -> Result<String, Failure> {
    let client = filesync::client(headers)?;
    let path = &file.relative_workspace_path;
    let copy = state.sync.files().by_path(user, &client, path);
    let copy = copy.ok_or_else(|| filesync::missing("The file was not uploaded"))?;
    let version = file.file_version.unwrap_or(copy.version);
    let text = filesync::with_updates(&copy, &request.filesync_updates, version)?;
    if filesync::is_hash(file.sha_256_hash.as_deref().unwrap_or_default(), &text) {
        Ok(text)
    } else {
        Err(filesync::missing("The synced copy has another hash"))
    }
}

fn line_ending(told: Option<&str>, text: &str) -> &'static str {
    let seen = || text.find('\n').is_some_and(|at| text[..at].ends_with('\r'));
    match told {
        Some("\r\n") => "\r\n",
        Some("\n") => "\n",
        Some(_) | None if seen() => "\r\n",
        Some(_) | None => "\n",
    }
}
