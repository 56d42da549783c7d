//! What was found, and how it is told. Pure.

use serde::Serialize;

use crate::terminal::plain;

/// How bad it is; the order is that of the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Ok,
    /// Worth knowing, nothing to be done.
    Note,
    /// It works, and could fail or harm.
    Warning,
    /// It does not work.
    Failure,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

/// The outcome of one look at one thing. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What was looked at; a stable word, with a name behind a colon where there are several.
    pub(super) check: String,
    pub(super) state: State,
    pub(super) found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cure: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self { check: check.into(), state: State::Ok, found: found.into(), cure: None }
    }

    pub(super) fn note(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self { state: State::Note, ..Self::ok(check, found) }
    }

    pub(super) fn warning(
        check: impl Into<String>,
        found: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self { state: State::Warning, cure: Some(cure.into()), ..Self::ok(check, found) }
    }

    pub(super) fn failure(
        check: impl Into<String>,
        found: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self { state: State::Failure, cure: Some(cure.into()), ..Self::ok(check, found) }
    }
}

/// The worst of them.
pub(super) fn worst(findings: &[Finding]) -> State {
    findings.iter().map(|finding| finding.state).max().unwrap_or(State::Ok)
}

/// One object, for programs.
pub(super) fn json(findings: &[Finding]) -> String {
    #[derive(Serialize)]
    struct Report<'a> {
        state: State,
        findings: &'a [Finding],
    }
    let report = Report { state: worst(findings), findings };
    serde_json::to_string_pretty(&report).unwrap_or_default()
}

/// One line for each, and one for its cure.
pub(super) fn text(findings: &[Finding]) -> String {
    const STATE: usize = 7;
    let width = findings.iter().map(|f| f.check.chars().count()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for Finding { check, state, found, cure } in findings {
        let (check, found) = (plain(check), plain(found));
        lines.push(format!("{:STATE$}  {check:width$}  {found}", state.name()));
        if let Some(cure) = cure {
            lines.push(format!("{:STATE$}  {:width$}  -> {}", "", "", plain(cure)));
        }
    }
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    let (failures, warnings) = (count(State::Failure), count(State::Warning));
    lines.push(format!("{} checks, {failures} failures, {warnings} warnings", findings.len()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn some() -> Vec<Finding> {
        vec![
            Finding::ok("settings", "valid"),
            Finding::warning("account:a\u{1b}", "used\nup", "wait"),
            Finding::note("port", "any"),
        ]
    }

    #[test]
    fn the_worst_decides() {
        assert_eq!(worst(&some()), State::Warning);
        assert_eq!(worst(&[]), State::Ok);
        assert_eq!(worst(&[Finding::failure("x", "y", "z"), some().remove(0)]), State::Failure);
    }

    #[test]
    fn the_json_has_a_cure_only_where_there_is_one() {
        let told: Value = serde_json::from_str(&json(&some())).expect("JSON");
        assert_eq!(told["state"], "warning");
        let first = json!({"check": "settings", "state": "ok", "found": "valid"});
        assert_eq!(told["findings"][0], first);
        assert_eq!(told["findings"][1]["cure"], "wait");
    }

    #[test]
    fn nothing_in_the_text_steers_the_terminal() {
        let text = text(&some());
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "ok       settings    valid",
                "warning  account:a   used up",
                "                     -> wait",
                "note     port        any",
                "3 checks, 0 failures, 1 warnings",
            ]
        );
    }
}
