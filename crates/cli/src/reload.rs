//! The owner of what is in force: it reads the settings again on SIGHUP, when the file changes and
//! when it is asked to, and puts in force what can change while serving. A bad edit changes nothing.
//!
//! One task does it all, one thing after the other; [`Handle`] is how others ask it. It waits for
//! the disk on threads of their own: a folder that hangs holds up nobody else. What is no regular
//! file, such as a pipe, is read at the start and never again.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use gateway::Gateway;
use server::{App, Applied, ConfigProblem, ConfigText};
use settings::{Layers, Settings, Written};
use telemetry::lines::LineControl;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::args::SettingsArgs;
use crate::compose::{self, options};
use crate::config_file::{Content, NotReplaced, SettingsFile};
use crate::sources;

mod handle;
mod watch;

pub(crate) use handle::{Handle, configured};

use self::handle::{Ask, Asked};
use self::watch::{Seen, Watch};

/// How often the file is looked at.
pub(crate) const INTERVAL: Duration = Duration::from_secs(2);

/// Waits for signals from the moment it is made.
pub(crate) struct Reload {
    hangups: Signal,
    asked: mpsc::Receiver<Asked>,
    args: SettingsArgs,
    file: SettingsFile,
    watch: Watch,
    /// As the process was started: what needs a restart is measured by it.
    started: Written,
    in_force: Written,
    /// Of the file that is in force.
    hash: String,
    /// Accounts that are declared.
    declared: BTreeSet<String>,
}

/// What is changed when settings change.
pub(crate) struct Parts {
    pub(crate) gateway: Gateway,
    pub(crate) app: App,
    pub(crate) lines: LineControl,
}

/// Settings that can be put in force; only the store can still say no.
struct Ready {
    settings: Settings,
    edge: server::Options,
    written: Written,
    overridden: Vec<&'static str>,
    notices: Vec<String>,
}

impl Ready {
    /// Waits for the disk.
    fn of(
        args: &SettingsArgs,
        file: &SettingsFile,
        text: Option<&str>,
        gateway: &Gateway,
    ) -> Result<Self, Vec<String>> {
        let layers = sources::with_file(args, file.path(), text);
        let (written, overridden) = (layers.written(), layers.overridden());
        let notices = layers.notices().iter().map(ToString::to_string).collect();
        let settings = Settings::resolve(layers)
            .map_err(|problems| problems.0.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let edge = compose::check(&settings).map_err(lines)?;
        let declared = compose::declared(&settings).map_err(lines)?;
        gateway
            .check_declared(declared)
            .map_err(|error| vec![compose::place(&settings, &error)])?;
        Ok(Self { settings, edge, written, overridden, notices })
    }
}

impl Reload {
    /// Gives what the process starts with, too.
    ///
    /// # Errors
    /// The system does not let us listen for the signal.
    pub(crate) fn new(
        args: SettingsArgs,
        layers: &Layers,
        interval: Duration,
    ) -> std::io::Result<(Self, Handle)> {
        let hangups = signal(SignalKind::hangup())?;
        let file = SettingsFile::new(sources::path(&args).0);
        let content = file.read().unwrap_or_default();
        let hash = content.hash.clone();
        let (handle, asked) = handle::pair();
        let started = layers.written();
        let in_force = started.clone();
        // What the process starts with was read a moment before: if it is another content by now,
        // it is not known yet.
        let now = sources::with_file(&args, file.path(), content.text.as_deref()).written();
        let is_known = content.text.is_some() && started.changed(&now).is_empty();
        let watch = Watch::new(interval, if is_known { hash.clone() } else { String::new() });
        let declared = BTreeSet::new();
        let this = Self { hangups, asked, args, file, watch, started, in_force, hash, declared };
        Ok((this, handle))
    }

    /// Never ends.
    pub(crate) async fn run(mut self, settings: Settings, parts: Parts) -> Infallible {
        self.declared = aliases(&settings);
        loop {
            tokio::select! {
                Some(()) = self.hangups.recv() => self.hangup(&parts).await,
                Some(asked) = self.asked.recv() => self.answer(asked, &parts).await,
                () = self.watch.due() => self.look(&parts).await,
            }
        }
    }

    async fn hangup(&mut self, parts: &Parts) {
        let (path, must_exist) = sources::path(&self.args);
        let done = match self.content().await {
            Ok(content) if content.text.is_none() && must_exist => {
                Err(vec![format!("{}: it is gone", path.display())])
            }
            Ok(content) => self.apply(content, parts).await,
            Err(error) => Err(vec![format!("{}: {error}", path.display())]),
        };
        if let Err(problems) = done {
            complain(&problems);
        }
    }

    async fn look(&mut self, parts: &Parts) {
        let content = self.content().await.ok().filter(|content| content.text.is_some());
        match self.watch.see(content.as_ref().map(|content| content.hash.as_str())) {
            Seen::Same => {}
            Seen::Gone => tracing::warn!(
                file = %self.file.path().display(),
                "the settings file is gone or cannot be read; what it said still holds"
            ),
            Seen::Other => {
                if let Some(content) = content
                    && let Err(problems) = self.apply(content, parts).await
                {
                    complain(&problems);
                }
            }
        }
    }

    async fn content(&self) -> std::io::Result<Content> {
        let file = self.file.clone();
        tokio::task::spawn_blocking(move || file.read()).await.map_err(std::io::Error::other)?
    }

    async fn answer(&mut self, asked: Asked, parts: &Parts) {
        let Asked { ask, reply } = asked;
        // Whoever has left does not need the answer.
        match ask {
            Ask::Get => {
                let text = self.read().await.map(|Content { text, hash }| {
                    let text = text.unwrap_or_default();
                    (Applied::default(), Some(ConfigText { hash, text }))
                });
                let _ = reply.send(text);
            }
            Ask::Set { hash, text } => {
                let _ = reply.send(self.set(&hash, text, parts).await.map(|done| (done, None)));
            }
            Ask::Reload { hash } => {
                let _ = reply.send(self.reload(&hash, parts).await.map(|done| (done, None)));
            }
        }
    }

    async fn set(
        &mut self,
        hash: &str,
        text: String,
        parts: &Parts,
    ) -> Result<Applied, ConfigProblem> {
        let before = self.read().await?;
        if before.hash != hash {
            return Err(ConfigProblem::Stale { hash: before.hash });
        }
        if before.text.as_deref() == Some(text.as_str()) {
            return self.apply(before, parts).await.map_err(ConfigProblem::Invalid);
        }
        let ready = self.understand(Some(text.clone()), &parts.gateway).await;
        ready.map_err(ConfigProblem::Invalid)?;
        self.replace(hash, &text).await?;
        let after = Content { hash: crate::config_file::hash(&text), text: Some(text) };
        let new = after.hash.clone();
        match self.apply(after, parts).await {
            Ok(applied) => Ok(Applied { changed: true, ..applied }),
            Err(problems) => {
                // Rare: the store does not take an account. The file must not say what is not so.
                let back = before.text.unwrap_or_default();
                let undone = self.replace(&new, &back).await;
                let left = "the file was changed again meanwhile and is left as it is".to_owned();
                Err(ConfigProblem::Failed(match undone {
                    Ok(()) => problems.join("; "),
                    Err(ConfigProblem::Stale { .. }) => [problems, vec![left]].concat().join("; "),
                    Err(problem) => return Err(problem),
                }))
            }
        }
    }

    async fn reload(&mut self, hash: &str, parts: &Parts) -> Result<Applied, ConfigProblem> {
        let content = self.read().await?;
        if content.hash != hash && self.hash != hash {
            return Err(ConfigProblem::Stale { hash: content.hash });
        }
        self.apply(content, parts).await.map_err(ConfigProblem::Invalid)
    }

    async fn read(&self) -> Result<Content, ConfigProblem> {
        self.content().await.map_err(|error| {
            ConfigProblem::Failed(format!("The settings file cannot be read: {error}"))
        })
    }

    /// Waits for the disk off the async threads.
    async fn replace(&self, hash: &str, text: &str) -> Result<(), ConfigProblem> {
        let (file, hash, text) = (self.file.clone(), hash.to_owned(), text.to_owned());
        let done = tokio::task::spawn_blocking(move || file.replace(&hash, &text)).await;
        match done {
            Ok(Ok(())) => Ok(()),
            Ok(Err(NotReplaced::Other(now))) => Err(ConfigProblem::Stale { hash: now.hash }),
            Ok(Err(NotReplaced::Failed(error))) => {
                Err(ConfigProblem::Failed(format!("The settings file cannot be written: {error}")))
            }
            Err(_) => Err(ConfigProblem::Unavailable),
        }
    }

    /// Whether a content could be put in force. It may name files, which are read.
    async fn understand(
        &self,
        text: Option<String>,
        gateway: &Gateway,
    ) -> Result<Ready, Vec<String>> {
        let (args, file, gateway) = (self.args.clone(), self.file.clone(), gateway.clone());
        let look = move || Ready::of(&args, &file, text.as_deref(), &gateway);
        let done = tokio::task::spawn_blocking(look).await;
        done.unwrap_or_else(|error| Err(vec![error.to_string()]))
    }

    /// Puts a content in force.
    async fn apply(&mut self, content: Content, parts: &Parts) -> Result<Applied, Vec<String>> {
        // Bad or good, it is known now.
        self.watch.know(content.text.as_ref().map_or("", |_| content.hash.as_str()));
        let ready = self.understand(content.text.clone(), &parts.gateway).await?;
        let Ready { settings, edge, written, overridden, notices } = ready;
        let changed = self.in_force.changed(&written);
        let restart = self.started.needs_restart(&written);
        if changed.contains(&"accounts") {
            let declared = compose::declared(&settings).map_err(lines)?;
            if let Err(error) = parts.gateway.declare(declared).await {
                // It is the store that has said no.
                self.watch.try_again();
                return Err(vec![compose::place(&settings, &error)]);
            }
        }
        // It was found good; what is declared by now cannot be taken back for it.
        if let Err(error) = parts.lines.set_filter(&settings.log.filter) {
            tracing::error!("log.level: {error}");
        }
        parts.gateway.set_options(options::gateway(&settings));
        parts.app.set_options(edge);
        self.tell(&settings, &changed, &restart, &notices);
        self.in_force = written;
        self.declared = aliases(&settings);
        let changed = self.hash != content.hash || !changed.is_empty();
        self.hash.clone_from(&content.hash);
        let names = |list: Vec<&'static str>| list.into_iter().map(str::to_owned).collect();
        Ok(Applied {
            hash: content.hash,
            changed,
            restart: names(restart),
            overridden: names(overridden),
        })
    }

    fn tell(&self, settings: &Settings, changed: &[&str], restart: &[&str], notices: &[String]) {
        let now = aliases(settings);
        let removed: Vec<&str> = self.declared.difference(&now).map(String::as_str).collect();
        if !removed.is_empty() {
            tracing::warn!(
                accounts = removed.join(", "),
                "no longer declared, but kept: remove them with /tokens/del"
            );
        }
        if changed.is_empty() {
            tracing::info!("settings read again: nothing changed");
            return;
        }
        for notice in notices {
            tracing::warn!("{notice}");
        }
        if !restart.is_empty() {
            let changed = restart.join(", ");
            tracing::warn!(changed, "changed settings that need a restart");
        }
        tracing::info!(changed = changed.join(", "), "settings read again");
    }
}

fn aliases(settings: &Settings) -> BTreeSet<String> {
    settings.accounts.iter().map(|account| account.alias.clone()).collect()
}

fn lines(refused: crate::terminal::Refused) -> Vec<String> {
    refused.0.lines().map(str::to_owned).collect()
}

fn complain(problems: &[String]) {
    for problem in problems.iter().flat_map(|problem| problem.lines()) {
        tracing::error!("{problem}");
    }
    tracing::error!("the settings cannot be used; those from before still hold");
}
