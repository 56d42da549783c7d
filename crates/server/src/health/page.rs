//! The same for people: as lines, and as a page without scripts.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, header};

use crate::markdown::escaped;

use super::Health;

/// Name and figure, in the order of the JSON; absent figures are left out.
fn rows(health: &Health) -> Vec<(&'static str, String)> {
    let Health { status, problems, service, runtime, system, capabilities } = health;
    let mut rows = vec![("status", status.as_str().to_owned())];
    let mut put = |name, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            rows.push((name, value));
        }
    };
    let percent = |share: f64| format!("{share} %");
    let bytes = |bytes: u64| format!("{} MiB", bytes >> 20);
    put("problems", Some(problems.join(", ")));
    put("version", Some(format!("{} {}", service.name, service.version)));
    put("build", service.build.version.map(|number| number.to_string()));
    put("source of", service.build.timestamp.clone());
    put("debug build", service.is_debug.then(|| "yes".to_owned()));
    put("started at", Some(runtime.started_at.clone()));
    put("uptime", Some(format!("{} s", runtime.uptime_seconds)));
    put("requests", Some(runtime.requests.total.to_string()));
    put("in progress", Some(runtime.requests.active.to_string()));
    put("failed", Some(runtime.requests.errors.to_string()));
    put("memory used", system.memory.used_bytes.map(bytes));
    put("of all memory", system.memory.used_percentage.map(percent));
    put("memory available", system.memory.available_bytes.map(bytes));
    put("processor", system.cpu.usage_percentage.map(percent));
    let load = system.cpu.load_average.map(|load| load.map(|figure| figure.to_string()).join(" "));
    put("load", load);
    put("models", Some(capabilities.models.join(", ")));
    put("endpoints", Some(capabilities.endpoints.join(", ")));
    put("features", Some(capabilities.features.join(", ")));
    rows
}

pub(super) fn text(health: &Health) -> String {
    // Names of models are the upstream's.
    let plain = |text: &str| text.replace(char::is_control, " ");
    rows(health).iter().map(|(name, value)| format!("{name}: {}\n", plain(value))).collect()
}

pub(super) fn html(health: &Health) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
        form-action 'none'; frame-ancestors 'none'";
    const NOSNIFF: HeaderName = header::X_CONTENT_TYPE_OPTIONS;
    let row = |(name, value): &(&str, String)| {
        format!("<tr><th>{}</th><td>{}</td></tr>", escaped(name), escaped(value))
    };
    let rows: String = rows(health).iter().map(row).collect();
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>cursor-api: {}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:50em;margin:2em auto;\
         padding:0 1em}}th{{text-align:left;vertical-align:top;padding-right:1em;\
         white-space:nowrap}}td{{overflow-wrap:anywhere}}</style>\
         <h1>cursor-api</h1><table>{rows}</table></html>",
        escaped(health.status.as_str())
    );
    let headers = [(header::CONTENT_SECURITY_POLICY, POLICY), (NOSNIFF, "nosniff")];
    (headers, Html(page)).into_response()
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(escaped("<a b=\"c\">&'"), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;");
    }
}
