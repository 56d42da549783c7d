//! Log lines: to standard error, as text or JSON, with a filter that can be changed at any time.
//!
//! Levels: `error` when the operator must act, `warn` when somebody should look, `info` for the
//! life of the service and failed requests, `debug` for the rest.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

/// Bytes of a filter; far more than anybody writes.
const LONGEST: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFormat {
    /// For people.
    Text,
    /// One object per line: `timestamp`, `level`, `target`, `message`, and the line's own fields
    /// beside them.
    Json,
}

/// Why there are no lines, or not those that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinesError {
    /// Names the part that cannot be used.
    #[error("{0}")]
    Filter(String),
    #[error("log lines are set up already")]
    Running,
}

/// Changes what is written while it is.
#[derive(Debug, Clone)]
pub struct LineControl(reload::Handle<EnvFilter, Registry>);

impl LineControl {
    /// Holds at once. A filter that cannot be used leaves the old one.
    ///
    /// # Errors
    /// The filter is no filter, or nothing is written any more.
    pub fn set_filter(&self, filter: &str) -> Result<(), LinesError> {
        let filter = parse(filter)?;
        self.0.reload(filter).map_err(|error| LinesError::Filter(error.to_string()))
    }
}

/// For the whole process, once. The filter is a level, or levels by module:
/// `info,upstream=debug`.
///
/// # Errors
/// The filter is no filter, or lines are set up already.
pub fn start(filter: &str, format: LineFormat) -> Result<LineControl, LinesError> {
    let ansi = std::io::stderr().is_terminal();
    let (control, subscriber) = subscriber(filter, format, std::io::stderr, ansi)?;
    subscriber.try_init().map_err(|_| LinesError::Running)?;
    Ok(control)
}

/// # Errors
/// As [`start`]; nothing is set up by it.
pub fn check(filter: &str) -> Result<(), LinesError> {
    parse(filter).map(drop)
}

fn subscriber<W>(
    filter: &str,
    format: LineFormat,
    writer: W,
    ansi: bool,
) -> Result<(LineControl, impl tracing::Subscriber + Send + Sync), LinesError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(parse(filter)?);
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(ansi);
    let layer = match format {
        LineFormat::Text => layer.boxed(),
        LineFormat::Json => {
            layer.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
    };
    Ok((LineControl(handle), tracing_subscriber::registry().with(filter).with(layer)))
}

fn parse(filter: &str) -> Result<EnvFilter, LinesError> {
    const EXPECTED: &str =
        "expected error, warn, info, debug, trace, or a filter such as info,upstream=debug";
    if filter.len() > LONGEST {
        return Err(LinesError::Filter(format!("longer than {LONGEST} bytes")));
    }
    // A lone word that is no level would be taken for the name of a module and silence the rest;
    // nothing at all would silence everything but errors.
    let lone = !filter.contains(['=', ',', '[']);
    if filter.trim().is_empty() || lone && filter.trim().parse::<LevelFilter>().is_err() {
        return Err(LinesError::Filter(format!("`{}`: {EXPECTED}", shown(filter))));
    }
    EnvFilter::try_new(filter).map_err(|error| {
        let culprit = filter.split(',').find(|part| EnvFilter::try_new(part).is_err());
        let culprit = shown(culprit.unwrap_or(filter));
        LinesError::Filter(format!("`{culprit}`: {error}; {EXPECTED}"))
    })
}

/// Short, and without what would steer a terminal.
fn shown(text: &str) -> String {
    text.trim().chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
