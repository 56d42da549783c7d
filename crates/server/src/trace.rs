//! Who served a request, for the administrator: headers of the answer, never sent to others.

use std::sync::OnceLock;

use accounts::{MarkKind, Reason};
use axum::response::Response;
use conversation::Failure;
use gateway::Recording;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::percent::encoded;
use crate::recorded::recorded;

/// All of these headers together, in bytes.
const MOST: usize = 2 << 10;

/// What becomes known of a request while it is served.
#[derive(Default)]
pub(crate) struct Trace {
    shown: OnceLock<()>,
    recording: OnceLock<Recording>,
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trace").finish_non_exhaustive()
    }
}

impl Trace {
    /// Whether the administrator asks.
    pub(crate) fn is_shown(&self) -> bool {
        self.shown.get().is_some()
    }

    /// The administrator asks.
    pub(crate) fn show(&self) {
        let _ = self.shown.set(());
    }

    /// Where it is noted what becomes of the request.
    pub(crate) fn set_recording(&self, recording: Recording) {
        let _ = self.recording.set(recording);
    }

    /// An answer that is given in the place of the handler's.
    pub(crate) fn answered(&self, response: Response) -> Response {
        match self.recording.get() {
            Some(recording) => recorded(response, recording.clone()),
            None => response,
        }
    }

    /// Whether the request will stand in the request log.
    pub(crate) fn is_recorded(&self) -> bool {
        self.recording.get().is_some()
    }

    /// The request has failed.
    pub(crate) fn failed(&self, failure: &Failure) {
        if let Some(recording) = self.recording.get() {
            recording.failed(failure);
        }
    }

    /// What is known when the answer begins.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let (Some(()), Some(recording)) = (self.shown.get(), self.recording.get()) else { return };
        let served = recording.served();
        let mut room = MOST;
        if let Some(alias) = &served {
            put(headers, "x-cursor-account", encoded(alias.as_str()), &mut room);
        }
        let pair =
            |alias: accounts::Alias, word: &str| format!("{}={word}", encoded(alias.as_str()));
        let attempts =
            recording.failed_attempts().into_iter().map(|(alias, class)| pair(alias, &class));
        list(headers, "x-cursor-attempts", attempts, &mut room);
        let passed = recording.passed_over().into_iter();
        let passed = passed.map(|(alias, reason)| pair(alias, word(reason)));
        list(headers, "x-cursor-passed-over", passed, &mut room);
    }
}

/// The word for a reason why an account is not taken.
fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Disabled => "disabled",
        Reason::Marked(MarkKind::Limit) => "limit",
        Reason::Marked(MarkKind::Abnormal) => "abnormal",
        Reason::Cooling { .. } => "cooling",
        Reason::WayDown { .. } => "way_down",
        Reason::Full => "full",
        Reason::Paced { .. } => "paced",
        Reason::Probing => "probing",
        Reason::Tried => "tried",
        Reason::NotChosen => "not_chosen",
        Reason::NotActive => "not_active",
    }
}

/// A list as far as there is room; an ellipsis tells that there is more.
fn list(
    headers: &mut HeaderMap,
    name: &'static str,
    items: impl Iterator<Item = String>,
    room: &mut usize,
) {
    const MORE: &str = ", ...";
    let mut text = String::new();
    for item in items {
        if text.len() + item.len() + name.len() + 2 * MORE.len() > *room {
            text.push_str(if text.is_empty() { "..." } else { MORE });
            break;
        }
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&item);
    }
    if !text.is_empty() {
        put(headers, name, text, room);
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, text: String, room: &mut usize) {
    let length = name.len() + text.len();
    if length <= *room
        && let Ok(value) = HeaderValue::try_from(text)
    {
        *room -= length;
        headers.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end_where_the_room_ends() {
        let mut headers = HeaderMap::new();
        let mut room = MOST;
        let many = |word: &'static str| (0..1000).map(move |n| format!("account-{n}={word}"));
        list(&mut headers, "x-cursor-attempts", many("quota"), &mut room);
        list(&mut headers, "x-cursor-passed-over", many("limit"), &mut room);
        let bytes: usize =
            headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        assert!(bytes <= MOST, "{bytes}");
        let text = headers["x-cursor-attempts"].to_str().expect("text");
        assert!(text.starts_with("account-0=quota, account-1=quota, "));
        assert!(text.ends_with(", ..."));
    }

    #[test]
    fn nothing_to_say_is_no_header() {
        let mut headers = HeaderMap::new();
        list(&mut headers, "x-cursor-attempts", std::iter::empty(), &mut { MOST });
        assert!(headers.is_empty());
    }
}
