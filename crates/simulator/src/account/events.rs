//! Usage events: one per account that used its plan, so that filters and pages have something to
//! work on. The simulator's own streams do not add to them.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::profile::Profile;
use super::time::millis;

const PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;

/// One request that was billed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// Unix milliseconds.
    pub(crate) timestamp: i64,
    pub(crate) model: &'static str,
    pub(crate) input: i32,
    pub(crate) output: i32,
    pub(crate) cache_write: i32,
    pub(crate) cache_read: i32,
    pub(crate) cents: f32,
}

/// Which events are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Unix milliseconds, both ends included.
    pub(crate) start: Option<i64>,
    pub(crate) end: Option<i64>,
    pub(crate) user: Option<i32>,
    pub(crate) model: Option<String>,
    /// From 1.
    pub(crate) page: Option<i32>,
    pub(crate) page_size: Option<i32>,
}

impl Filter {
    /// The filter of a JSON request; an error names the field. Numbers may be texts, as protobuf's
    /// JSON has it.
    pub(crate) fn read(request: &Value) -> Result<Self, &'static str> {
        let model = match &request["modelId"] {
            Value::Null => None,
            Value::String(model) => Some(model.clone()),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                return Err("modelId");
            }
        };
        number::<i32>(request, "teamId")?;
        Ok(Self {
            start: number(request, "startDate")?,
            end: number(request, "endDate")?,
            user: number(request, "userId")?,
            model,
            page: number(request, "page")?,
            page_size: number(request, "pageSize")?,
        })
    }

    /// All events that fit, newest first.
    pub(crate) fn all(&self, profile: &Profile) -> Vec<Event> {
        let fits = |event: &Event| {
            self.start.is_none_or(|start| event.timestamp >= start)
                && self.end.is_none_or(|end| event.timestamp <= end)
                && self.user.is_none_or(|user| user == 0 || user == profile.number)
                && self
                    .model
                    .as_deref()
                    .is_none_or(|model| model.is_empty() || model == event.model)
        };
        of(profile).into_iter().filter(fits).collect()
    }

    /// The page wanted of `all`.
    pub(crate) fn page<'a>(&self, all: &'a [Event]) -> &'a [Event] {
        let positive = |number: Option<i32>| {
            number.and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0)
        };
        let size = positive(self.page_size).unwrap_or(PAGE).min(LARGEST_PAGE);
        let skip = size.saturating_mul(positive(self.page).unwrap_or(1) - 1);
        let rest = all.get(skip..).unwrap_or_default();
        rest.get(..size).unwrap_or(rest)
    }
}

fn number<T: TryFrom<i64>>(
    request: &Value,
    field: &'static str,
) -> Result<Option<T>, &'static str> {
    let number = match &request[field] {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    number.and_then(|number| T::try_from(number).ok()).map(Some).ok_or(field)
}

fn of(profile: &Profile) -> Vec<Event> {
    let hour_ago: SystemTime = profile.started - Duration::from_secs(3600);
    let event = Event {
        timestamp: millis(hour_ago),
        model: "claude-4.5-sonnet",
        input: 1200,
        output: 300,
        cache_write: 10,
        cache_read: 800,
        cents: 1.25,
    };
    let used = profile.plan.is_some_and(|plan| plan.used > 0);
    used.then_some(event).into_iter().collect()
}

/// Events of one model together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sum {
    pub(crate) model: &'static str,
    pub(crate) input: i64,
    pub(crate) output: i64,
    pub(crate) cache_write: i64,
    pub(crate) cache_read: i64,
    pub(crate) cents: f64,
}

impl Sum {
    fn add(&mut self, event: &Event) {
        self.input += i64::from(event.input);
        self.output += i64::from(event.output);
        self.cache_write += i64::from(event.cache_write);
        self.cache_read += i64::from(event.cache_read);
        self.cents += f64::from(event.cents);
    }
}

/// The sums per model, and of all.
pub(crate) fn sums(events: &[Event]) -> (Vec<Sum>, Sum) {
    let (mut models, mut total) = (Vec::<Sum>::new(), Sum::default());
    for event in events {
        total.add(event);
        match models.iter_mut().find(|sum| sum.model == event.model) {
            Some(sum) => sum.add(event),
            None => {
                let mut sum = Sum { model: event.model, ..Sum::default() };
                sum.add(event);
                models.push(sum);
            }
        }
    }
    (models, total)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(timestamp: i64) -> Event {
        Event {
            timestamp,
            model: "m",
            input: 1,
            output: 2,
            cache_write: 3,
            cache_read: 4,
            cents: 0.5,
        }
    }

    #[test]
    fn filters_are_read_as_numbers_or_texts() {
        let read = Filter::read(&json!({"teamId": 0, "startDate": "5", "endDate": 7, "page": 2}));
        let expected = Filter { start: Some(5), end: Some(7), page: Some(2), ..Filter::default() };
        assert_eq!(read, Ok(expected));
        for (request, field) in [
            (json!({"startDate": "x"}), "startDate"),
            (json!({"page": 1_i64 << 40}), "page"),
            (json!({"modelId": 3}), "modelId"),
            (json!({"teamId": []}), "teamId"),
        ] {
            assert_eq!(Filter::read(&request), Err(field));
        }
    }

    #[test]
    fn pages_and_sums() {
        let all: Vec<Event> = (0..5).map(event).collect();
        let page = |page, page_size| Filter { page, page_size, ..Filter::default() };
        assert_eq!(page(Some(2), Some(2)).page(&all), &all[2..4]);
        assert_eq!(page(Some(3), Some(2)).page(&all), &all[4..]);
        assert_eq!(page(Some(i32::MAX), Some(i32::MAX)).page(&all), []);
        assert_eq!(page(Some(-1), Some(0)).page(&all), all);
        let (models, total) = sums(&all);
        assert_eq!((models.len(), models[0].model, total.model), (1, "m", ""));
        assert_eq!((total.input, total.cache_read, total.cents), (5, 20, 2.5));
    }
}
