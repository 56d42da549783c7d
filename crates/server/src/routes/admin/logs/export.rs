//! `/logs/export`: all that a query finds, page by page as the client reads, so that a log of any
//! size is sent from little memory. An export that breaks off does not look like one that ended.

use std::io;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use gateway::{LogProblem, LogQuery, Viewer};
use http::{Uri, header};
use request_log::Page;
use serde::Deserialize;

use super::super::input::{self, Input};
use super::super::{Answered, invalid};
use super::entry_json::Accounts;
use super::parameters::{self, Twice};
use super::query::QueryIn;
use super::{csv, refuse};
use crate::App;
use crate::auth::Caller;
use crate::router::Visit;

/// Entries that are in memory at once.
const PER_PAGE: u64 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Jsonl,
    Csv,
}

#[derive(Debug, Deserialize)]
struct Choice {
    format: Option<Format>,
}

/// `GET /logs/export`.
pub(crate) async fn export(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    uri: Uri,
) -> Answered {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(&uri);
    let Query(pairs) = pairs.map_err(|_| invalid(&visit, "", "the query cannot be read"))?;
    let (chosen, pairs) = pairs.into_iter().partition(|(name, _)| name == "format");
    let read = |pairs: Vec<(String, String)>| {
        let twice = |Twice(name)| invalid(&visit, &short(&name), "stands there twice");
        Ok(parameters::to_json(pairs).map_err(twice)?.to_string())
    };
    let chosen = input::parse::<Choice>(read(chosen)?.as_bytes());
    let Choice { format } = chosen.map_err(|failure| visit.refusal(failure))?.value;
    let asked = input::parse::<QueryIn>(read(pairs)?.as_bytes());
    let Input { value: mut asked, unused } = asked.map_err(|failure| visit.refusal(failure))?;
    let left = asked.limit.take();
    if left == Some(0) {
        return Err(invalid(&visit, "limit", "expected 1 or more"));
    }
    let query = asked.into_query(PER_PAGE);
    let query = query.map_err(|(field, reason)| invalid(&visit, field, reason))?;
    let viewer = Viewer::of(&caller.grant);
    let format = format.unwrap_or_default();
    let mut export = Export { app, visit, viewer, query, left, format, next: Next::End };
    // What is wrong from the beginning is told by the status.
    let first = export.read().await.map_err(|problem| refuse(&export.visit, &problem))?;
    export.next = Next::First(first);
    let mut response = export.into_response();
    unused.write(&mut response);
    Ok(response)
}

/// A name as it is repeated.
fn short(name: &str) -> String {
    const LONGEST: usize = 60;
    name.chars().take(LONGEST).collect()
}

/// One that is under way; whoever reads its body makes it go on.
struct Export {
    app: App,
    visit: Visit,
    viewer: Viewer,
    query: LogQuery,
    /// Entries that may still be sent; `None` for all.
    left: Option<u64>,
    format: Format,
    next: Next,
}

/// What comes next.
enum Next {
    First(Page),
    Read,
    /// It broke off: the connection must say so.
    Break,
    End,
}

impl Export {
    async fn read(&mut self) -> Result<Page, LogProblem> {
        let limit = self.left.unwrap_or(PER_PAGE).min(PER_PAGE);
        self.query.query.limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.app.0.gateway.read_requests(&self.viewer, self.query.clone()).await
    }

    fn into_response(self) -> Response {
        let (kind, disposition) = match self.format {
            Format::Jsonl => {
                ("application/jsonl; charset=utf-8", "attachment; filename=\"request-log.jsonl\"")
            }
            Format::Csv => (
                "text/csv; charset=utf-8; header=present",
                "attachment; filename=\"request-log.csv\"",
            ),
        };
        let headers = [
            (header::CONTENT_TYPE, kind),
            (header::CONTENT_DISPOSITION, disposition),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        let parts = futures::stream::unfold(self, |export| Box::pin(export.step()));
        (headers, Body::from_stream(parts)).into_response()
    }

    async fn step(mut self) -> Option<(io::Result<Bytes>, Self)> {
        let mut out = String::new();
        let page = match std::mem::replace(&mut self.next, Next::End) {
            Next::First(page) => {
                match self.format {
                    Format::Jsonl => {}
                    Format::Csv => csv::heading(&self.viewer, &mut out),
                }
                page
            }
            Next::Read => match self.read().await {
                Ok(page) => page,
                Err(problem) => {
                    self.next = Next::Break;
                    return Some((Ok(self.last_words(&problem)), self));
                }
            },
            Next::Break => return Some((Err(io::Error::other("the export broke off")), self)),
            Next::End => return None,
        };
        self.write(&page, &mut out);
        self.left = self.left.map(|left| left.saturating_sub(page.entries.len() as u64));
        if let Some(id) = page.next
            && self.left != Some(0)
        {
            self.query.query.cursor = Some(id);
            self.query.query.offset = 0;
            self.next = Next::Read;
        }
        Some((Ok(out.into()), self))
    }

    fn write(&self, page: &Page, out: &mut String) {
        match self.format {
            Format::Jsonl => {
                let accounts = Accounts::of(&self.app, &self.viewer, &page.entries);
                for entry in &page.entries {
                    let shown = accounts.show(&self.viewer, entry);
                    // Nothing in it can fail to be written.
                    out.push_str(&serde_json::to_string(&shown).unwrap_or_default());
                    out.push('\n');
                }
            }
            Format::Csv => {
                page.entries.iter().for_each(|entry| csv::row(&self.viewer, entry, out));
            }
        }
    }

    /// A table has no place to say it; there the connection alone does.
    fn last_words(&self, problem: &LogProblem) -> Bytes {
        tracing::error!(request = %self.visit.id, ?problem, "an export of the request log broke off");
        match self.format {
            Format::Jsonl => {
                let error = "The request log cannot be read any further; this is not all of it.";
                format!("{}\n", serde_json::json!({ "error": error })).into()
            }
            Format::Csv => Bytes::new(),
        }
    }
}
