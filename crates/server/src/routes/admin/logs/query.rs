//! What is asked of the log, as JSON or as parameters of an address.

use std::time::Duration;

use accounts::UnixMs;
use gateway::LogQuery;
use request_log::{Dialect, MOST_PER_PAGE, Order, Query, Status, Who};
use serde::Deserialize;

use super::super::key_json::Wrong;
use super::super::times;

/// Longest text of a filter, in bytes: no name, address or error is longer.
const LONGEST: usize = 4096;
/// Most names in a list.
const MOST_MODELS: usize = 1000;
/// Longer than any request takes.
const LONGEST_TIME: f64 = 1e9;

/// All of it may be left out.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(super) struct QueryIn {
    pub(super) limit: Option<u64>,
    offset: Option<u64>,
    /// Newest first.
    reverse: Option<bool>,
    /// The `next` of an answer; the id of the entry behind which to go on.
    cursor: Option<String>,
    from_date: Option<String>,
    to_date: Option<String>,
    user_id: Option<String>,
    email: Option<String>,
    membership_type: Option<String>,
    status: Option<String>,
    model: Option<String>,
    include_models: Option<Vec<String>>,
    exclude_models: Option<Vec<String>>,
    stream: Option<bool>,
    has_chain: Option<bool>,
    has_usage: Option<bool>,
    has_error: Option<bool>,
    error: Option<String>,
    /// In seconds, as the other one.
    min_total_time: Option<f64>,
    max_total_time: Option<f64>,
    min_tokens: Option<u64>,
    max_tokens: Option<u64>,
    key: Option<String>,
    account: Option<String>,
    dialect: Option<String>,
    request_id: Option<String>,
}

impl QueryIn {
    /// With at most `limit` entries unless it says itself.
    pub(super) fn into_query(self, limit: u64) -> Result<LogQuery, Wrong> {
        self.check_sizes()?;
        let limit = self.limit.unwrap_or(limit);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if !(1..=MOST_PER_PAGE).contains(&limit) {
            return Err(("limit", "expected 1 to 1000"));
        }
        let (status, dialect) = (
            Word::of(self.status.as_deref(), Status::parse),
            Word::of(self.dialect.as_deref(), Dialect::parse),
        );
        // A word that does not exist fits nothing.
        let nothing = status.is_unknown() || dialect.is_unknown();
        let reverse = self.reverse.unwrap_or(false);
        let query = Query {
            limit,
            offset: self.offset.unwrap_or(0),
            order: if reverse { Order::NewestFirst } else { Order::OldestFirst },
            cursor: self.cursor.as_deref().map(cursor).transpose()?,
            from: instant("from_date", self.from_date.as_deref())?,
            to: instant("to_date", self.to_date.as_deref())?,
            status: status.known(),
            model: self.model,
            include_models: self.include_models.unwrap_or_default(),
            exclude_models: self.exclude_models.unwrap_or_default(),
            stream: self.stream,
            has_chain: self.has_chain,
            has_usage: self.has_usage,
            has_error: self.has_error,
            error: self.error,
            min_total: duration("min_total_time", self.min_total_time)?,
            max_total: duration("max_total_time", self.max_total_time)?,
            min_tokens: self.min_tokens,
            max_tokens: self.max_tokens,
            who: self.key.as_deref().map(Who::parse),
            accounts: nothing.then(Vec::new),
            dialect: dialect.known(),
            request_id: self.request_id,
        };
        Ok(LogQuery {
            query,
            user_id: self.user_id,
            email: self.email,
            membership: self.membership_type,
            account: self.account,
        })
    }

    fn check_sizes(&self) -> Result<(), Wrong> {
        let texts = [
            ("user_id", &self.user_id),
            ("email", &self.email),
            ("membership_type", &self.membership_type),
            ("status", &self.status),
            ("model", &self.model),
            ("error", &self.error),
            ("key", &self.key),
            ("account", &self.account),
            ("dialect", &self.dialect),
            ("request_id", &self.request_id),
        ];
        let is_long = |text: &String| text.len() > LONGEST;
        for (field, text) in texts {
            if text.as_ref().is_some_and(is_long) {
                return Err((field, "is too long"));
            }
        }
        for (field, models) in
            [("include_models", &self.include_models), ("exclude_models", &self.exclude_models)]
        {
            let models = models.as_deref().unwrap_or_default();
            if models.len() > MOST_MODELS || models.iter().any(is_long) {
                return Err((field, "is too long"));
            }
        }
        Ok(())
    }
}

/// A filter by a word of a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<T> {
    Any,
    Known(T),
    Unknown,
}

impl<T> Word<T> {
    fn of(text: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Self {
        match text {
            None => Self::Any,
            Some(text) => parse(text).map_or(Self::Unknown, Self::Known),
        }
    }

    fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Any | Self::Known(_) => false,
        }
    }

    fn known(self) -> Option<T> {
        match self {
            Self::Known(word) => Some(word),
            Self::Any | Self::Unknown => None,
        }
    }
}

fn cursor(text: &str) -> Result<u64, Wrong> {
    let id = text.parse().ok().filter(|id: &u64| id.to_string() == text);
    // No id is beyond what the database counts.
    let id = id.filter(|id| i64::try_from(*id).is_ok());
    id.ok_or(("cursor", "expected the next of an answer, or the id of an entry"))
}

fn instant(field: &'static str, text: Option<&str>) -> Result<Option<UnixMs>, Wrong> {
    let Some(text) = text else { return Ok(None) };
    match times::read_any(text) {
        Some(at) => Ok(Some(at)),
        None => Err((field, "expected a time such as 2027-01-31T12:00:00Z")),
    }
}

fn duration(field: &'static str, seconds: Option<f64>) -> Result<Option<Duration>, Wrong> {
    let Some(seconds) = seconds else { return Ok(None) };
    match Duration::try_from_secs_f64(seconds.min(LONGEST_TIME)) {
        Ok(duration) => Ok(Some(duration)),
        Err(_) => Err((field, "expected a number of seconds, 0 or more")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: serde_json::Value) -> Result<LogQuery, Wrong> {
        serde_json::from_value::<QueryIn>(body).expect("a query").into_query(100)
    }

    #[test]
    fn every_field_reaches_the_log() {
        let asked = read(json!({
            "limit": 7, "offset": 8, "reverse": true, "cursor": "9",
            "from_date": "1970-01-01T08:00:01+08:00", "to_date": "1970-01-01T00:00:02Z",
            "user_id": "u", "email": "e", "membership_type": "pro", "status": "failure",
            "model": "m", "include_models": ["a"], "exclude_models": ["b"], "stream": true,
            "has_chain": true, "has_usage": false, "has_error": true, "error": "x",
            "min_total_time": 1.5, "max_total_time": 2, "min_tokens": 3, "max_tokens": 4,
            "key": "shared_token", "account": "ann", "dialect": "anthropic", "request_id": "req_1"
        }));
        let asked = asked.expect("a query");
        let expected = Query {
            limit: 7,
            offset: 8,
            order: Order::NewestFirst,
            cursor: Some(9),
            from: Some(UnixMs(1000)),
            to: Some(UnixMs(2000)),
            status: Some(Status::Failure),
            model: Some("m".into()),
            include_models: vec!["a".into()],
            exclude_models: vec!["b".into()],
            stream: Some(true),
            has_chain: Some(true),
            has_usage: Some(false),
            has_error: Some(true),
            error: Some("x".into()),
            min_total: Some(Duration::from_millis(1500)),
            max_total: Some(Duration::from_secs(2)),
            min_tokens: Some(3),
            max_tokens: Some(4),
            who: Some(Who::Shared),
            accounts: None,
            dialect: Some(Dialect::Anthropic),
            request_id: Some("req_1".into()),
        };
        assert_eq!(asked.query, expected);
        let text = |text: &str| Some(text.to_owned());
        assert_eq!((asked.user_id, asked.email), (text("u"), text("e")));
        assert_eq!((asked.membership, asked.account), (text("pro"), text("ann")));
    }

    #[test]
    fn nothing_asks_for_the_oldest_entries() {
        let query = read(json!({})).expect("a query").query;
        assert_eq!(query, Query { limit: 100, ..Query::default() });
    }

    #[test]
    fn words_that_do_not_exist_fit_nothing() {
        for body in [json!({"status": "broken"}), json!({"status": ""}), json!({"dialect": "x"})] {
            assert_eq!(read(body).expect("a query").query.accounts, Some(Vec::new()));
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (field, value) in [
            ("limit", json!(0)),
            ("limit", json!(1001)),
            ("limit", json!(u64::MAX)),
            ("cursor", json!("")),
            ("cursor", json!("01")),
            ("cursor", json!("-1")),
            ("cursor", json!(u64::MAX.to_string())),
            ("from_date", json!("2024-03-20T15:30:00")),
            ("to_date", json!("tomorrow")),
            ("min_total_time", json!(-1)),
            ("max_total_time", json!(-0.5)),
            ("model", json!("x".repeat(LONGEST + 1))),
            ("include_models", json!(vec!["x"; MOST_MODELS + 1])),
            ("exclude_models", json!(["x".repeat(LONGEST + 1)])),
        ] {
            let (named, _) = read(json!({ field: value })).expect_err(field);
            assert_eq!(named, field);
        }
        assert!(
            read(json!({"max_total_time": 1e300, "from_date": "1960-01-01T00:00:00Z"})).is_ok()
        );
    }
}
