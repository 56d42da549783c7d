//! How the edge asks the owner of the settings.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use server::{Applied, ConfigProblem, ConfigText, Configuration, Configured};
use tokio::sync::{mpsc, oneshot};

/// Questions that wait; more than one at a time is rare.
const WAITING: usize = 16;

/// How long an answer may take; a disk may hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the owner can be asked.
pub(super) enum Ask {
    Get,
    Set { hash: String, text: String },
    Reload { hash: String },
}

/// What became of it; the text only for [`Ask::Get`], if it could be read.
type Reply = Result<(Applied, Option<ConfigText>), ConfigProblem>;

pub(super) struct Asked {
    pub(super) ask: Ask,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// Asks the owner. Answers that nobody gives any more become [`ConfigProblem::Unavailable`].
#[derive(Debug, Clone)]
pub(crate) struct Handle(mpsc::Sender<Asked>);

pub(super) fn pair() -> (Handle, mpsc::Receiver<Asked>) {
    let (ask, asked) = mpsc::channel(WAITING);
    (Handle(ask), asked)
}

impl Handle {
    async fn ask(&self, ask: Ask) -> Reply {
        let (reply, answer) = oneshot::channel();
        let asking = async {
            let sent = self.0.send(Asked { ask, reply }).await;
            sent.map_err(|_| ConfigProblem::Unavailable)?;
            answer.await.map_err(|_| ConfigProblem::Unavailable)?
        };
        let answered = tokio::time::timeout(PATIENCE, asking).await;
        answered.unwrap_or_else(|_| {
            let text = format!(
                "The settings file was not read or written within {} s; it may still be",
                PATIENCE.as_secs()
            );
            Err(ConfigProblem::Failed(text))
        })
    }
}

impl Configuration for Handle {
    fn get(&self) -> BoxFuture<'_, Result<ConfigText, ConfigProblem>> {
        async {
            let (_, text) = self.ask(Ask::Get).await?;
            let unread = || ConfigProblem::Failed("The settings file cannot be read".to_owned());
            text.ok_or_else(unread)
        }
        .boxed()
    }

    fn set(&self, hash: String, text: String) -> BoxFuture<'_, Result<Applied, ConfigProblem>> {
        async { Ok(self.ask(Ask::Set { hash, text }).await?.0) }.boxed()
    }

    fn reload(&self, hash: String) -> BoxFuture<'_, Result<Applied, ConfigProblem>> {
        async { Ok(self.ask(Ask::Reload { hash }).await?.0) }.boxed()
    }
}

/// What the edge is given.
pub(crate) fn configured(handle: Option<Handle>) -> Configured {
    Configured {
        owner: handle.map(|handle| Arc::new(handle) as Arc<dyn Configuration>),
        env_example: settings::env_example(),
        config_example: settings::example_file(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_owner_who_hangs_is_not_waited_for() {
        let (handle, _asked) = pair();
        let told = handle.get().await.expect_err("no answer");
        assert!(matches!(told, ConfigProblem::Failed(text) if text.contains("20 s")));
    }
}
