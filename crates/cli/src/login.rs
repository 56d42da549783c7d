//! `cursor-api login`: an account by a login in the browser.

use std::io::IsTerminal as _;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};

use crate::admin::{AdminClient, CallError};
use crate::args::LoginArgs;
use crate::lifecycle::stop_signal;
use crate::terminal::{complain, plain, say};

/// As shells tell of a program that SIGINT ended.
const INTERRUPTED: u8 = 130;

pub(crate) async fn run(args: LoginArgs) -> Result<ExitCode> {
    let (client, _) = AdminClient::open(&args.settings).await?;
    // Before anybody is told to go to the browser, so that no signal is missed.
    let stop = stop_signal().context("listening for signals")?;
    let result = tokio::select! {
        added = log_in(&client, &args) => added.map(Some),
        () = stop => Ok(None),
    };
    client.close().await;
    match result? {
        Some(alias) => {
            say(&format!("{}: logged in", plain(&alias)));
            Ok(ExitCode::SUCCESS)
        }
        None => {
            complain("stopped; no account was added");
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

async fn log_in(client: &AdminClient, args: &LoginArgs) -> Result<String> {
    let started = client.call("/login/start", &json!({})).await?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (Some(id), Some(url)) = (text(&started["id"]), text(&started["url"])) else {
        bail!("the gateway began no login");
    };
    let url = plain(&url);
    say(&format!("Open this link in a browser and agree to the login:\n\n{url}\n"));
    if !args.no_browser && std::io::stdout().is_terminal() {
        open_browser(&url);
    }
    say("Waiting for it …");
    let body = json!({ "id": id, "alias": args.alias });
    let mut schedule = Schedule::default();
    loop {
        let polled = client.call("/login/finish", &body).await;
        let alias = polled.as_ref().ok().and_then(|answer| text(&answer["alias"]));
        match (schedule.after(&polled), alias, polled) {
            (Step::Done, Some(alias), _) => return Ok(alias),
            (Step::Wait(pause), ..) => tokio::time::sleep(pause).await,
            (Step::GiveUp, _, Err(error)) if error.is_not_found() => {
                bail!("the link has expired; begin anew with `cursor-api login`")
            }
            (Step::GiveUp, _, Err(error)) => return Err(error.into()),
            (Step::Done | Step::GiveUp, ..) => {
                return Err(anyhow!("nobody logged in; begin anew with `cursor-api login`"));
            }
        }
    }
}

/// Best effort: the link is there to be copied.
fn open_browser(url: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let opened = std::process::Command::new(program)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = opened {
        tracing::debug!(%error, program, "no browser was opened");
    }
}

/// When to ask again, as the upstream's own programs do: after one second, then a fifth longer each
/// time up to ten seconds, 150 times at most, and not on after three failures in a row
/// (`reference/upstream-protocol.md` §4.2).
#[derive(Debug, Default)]
struct Schedule {
    tries: u32,
    failures_in_a_row: u32,
}

#[derive(Debug, PartialEq)]
enum Step {
    Done,
    Wait(Duration),
    GiveUp,
}

impl Schedule {
    const TRIES: u32 = 150;
    const FAILURES: u32 = 3;

    fn after(&mut self, polled: &Result<Value, CallError>) -> Step {
        match polled {
            Ok(answer) if answer["status"] == "success" => return Step::Done,
            Ok(_) => self.failures_in_a_row = 0,
            Err(error) if !error.may_pass() => return Step::GiveUp,
            Err(_) => self.failures_in_a_row += 1,
        }
        self.tries += 1;
        if self.tries >= Self::TRIES || self.failures_in_a_row >= Self::FAILURES {
            return Step::GiveUp;
        }
        const FIRST: f64 = 1.0;
        const LONGEST: f64 = 10.0;
        let growth = 1.2_f64.powf(f64::from(self.tries - 1));
        Step::Wait(Duration::from_secs_f64((FIRST * growth).min(LONGEST)))
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn pending() -> Result<Value, CallError> {
        Ok(json!({"status": "pending"}))
    }

    fn refused(status: StatusCode) -> Result<Value, CallError> {
        Err(CallError::Refused { status, text: String::new() })
    }

    #[test]
    fn waits_grow_to_ten_seconds_and_end_after_150_tries() {
        let mut schedule = Schedule::default();
        let mut waits = Vec::new();
        while let Step::Wait(pause) = schedule.after(&pending()) {
            waits.push(pause.as_millis());
        }
        assert_eq!(waits[..4], [1000, 1200, 1440, 1728]);
        assert_eq!(waits.len(), 149);
        assert!(waits[20..].iter().all(|wait| *wait == 10_000));
    }

    #[test]
    fn three_failures_in_a_row_end_it_and_final_ones_at_once() {
        let mut schedule = Schedule::default();
        let bad = || refused(StatusCode::BAD_GATEWAY);
        for answer in [bad(), bad(), pending(), bad(), bad()] {
            assert!(matches!(schedule.after(&answer), Step::Wait(_)));
        }
        assert_eq!(schedule.after(&bad()), Step::GiveUp);
        for status in [StatusCode::NOT_FOUND, StatusCode::CONFLICT, StatusCode::UNAUTHORIZED] {
            assert_eq!(Schedule::default().after(&refused(status)), Step::GiveUp);
        }
        let done = Ok(json!({"status": "success", "alias": "a"}));
        assert_eq!(Schedule::default().after(&done), Step::Done);
    }
}
