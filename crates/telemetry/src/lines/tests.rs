//! Lines are read back from where they are written.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::subscriber::with_default;
use tracing_subscriber::fmt::MakeWriter;

use super::{LONGEST, LineFormat, LinesError, check, subscriber};

#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Memory {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn a_json_line_is_one_flat_object() {
    let memory = Memory::default();
    let (_control, lines) = subscriber("info", LineFormat::Json, memory.clone(), false).unwrap();
    with_default(lines, || {
        let _span = tracing::info_span!("around", hidden = 1).entered();
        tracing::info!(request = %"req_1", status = 429, "refused\nhere");
    });
    let text = memory.take();
    assert_eq!(text.lines().count(), 1, "{text}");
    let line: Value = serde_json::from_str(&text).unwrap();
    let mut names: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["level", "message", "request", "status", "target", "timestamp"]);
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["message"], "refused\nhere");
    assert_eq!(line["request"], "req_1");
    assert_eq!(line["status"], 429);
    assert!(line["target"].as_str().unwrap().starts_with("telemetry::lines"));
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn the_filter_changes_while_lines_are_written() {
    let memory = Memory::default();
    let (control, lines) = subscriber("warn", LineFormat::Text, memory.clone(), false).unwrap();
    with_default(lines, || {
        tracing::info!("too quiet");
        assert_eq!(memory.take(), "");
        control.set_filter("info,other::module=trace").unwrap();
        tracing::info!("heard");
        tracing::debug!("too quiet");
        assert_eq!(memory.take().lines().count(), 1);
        // A wrong one leaves what was.
        assert!(control.set_filter("info,x=loud").is_err());
        tracing::info!("heard");
        assert_eq!(memory.take().lines().count(), 1);
        control.set_filter("off").unwrap();
        tracing::error!("too quiet");
        assert_eq!(memory.take(), "");
    });
}

#[test]
fn a_wrong_filter_is_named() {
    for (filter, part) in [
        ("loud", "`loud`"),
        ("", "``"),
        ("info,upstream=loud", "`upstream=loud`"),
        ("a[b]=info, server=chatty,info", "`server=chatty`"),
    ] {
        let LinesError::Filter(text) = check(filter).unwrap_err() else { panic!("{filter}") };
        assert!(text.contains(part), "{text}");
        assert!(text.contains("expected error, warn"), "{text}");
    }
    let steering = check("\u{1b}[31m,x=\u{1b}").unwrap_err().to_string();
    assert!(!steering.chars().any(char::is_control), "{steering:?}");
    assert!(check(&"a=info,".repeat(LONGEST)).unwrap_err().to_string().len() < 200);
}

#[test]
fn usual_filters_are_filters() {
    for filter in ["info", "INFO", "off", "info,upstream=debug", "gateway::attempt=trace", "warn,"]
    {
        assert_eq!(check(filter), Ok(()), "{filter}");
    }
}
