//! Notices that the file has another content, whatever was done to it: written in place, renamed
//! over, or reached through a link that points elsewhere now. It is small, so it is read each time.

use std::time::Duration;

use tokio::time::Instant;

/// How long whatever stood in the way has to pass.
const AGAIN: Duration = Duration::from_secs(30);

/// What a look has shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing new, or not for long enough.
    Same,
    Other,
    /// Told once.
    Gone,
}

#[derive(Debug)]
pub(super) struct Watch {
    interval: Duration,
    next: Instant,
    /// What was looked into; empty when there was nothing to be seen.
    known: String,
    /// Seen once: perhaps it is still being written.
    fresh: Option<String>,
}

impl Watch {
    pub(super) fn new(interval: Duration, known: String) -> Self {
        Self { interval, next: Instant::now() + interval, known, fresh: None }
    }

    /// When it is time to look.
    pub(super) async fn due(&self) {
        tokio::time::sleep_until(self.next).await;
    }

    /// A content that was looked into, on whatever occasion.
    pub(super) fn know(&mut self, hash: &str) {
        hash.clone_into(&mut self.known);
        self.fresh = None;
    }

    /// What was looked into last could not be put in force, though there is nothing wrong with it:
    /// after a while it counts as new.
    pub(super) fn try_again(&mut self) {
        self.know("");
        self.next = Instant::now() + AGAIN;
    }

    /// Takes in what the file holds now. A new content counts once it was seen twice.
    pub(super) fn see(&mut self, hash: Option<&str>) -> Seen {
        let hash = hash.unwrap_or_default();
        self.next = Instant::now() + self.interval;
        if hash == self.known {
            self.fresh = None;
            return Seen::Same;
        }
        if self.fresh.as_deref() != Some(hash) {
            self.fresh = Some(hash.to_owned());
            self.next = Instant::now() + self.interval / 8;
            return Seen::Same;
        }
        self.know(hash);
        if hash.is_empty() { Seen::Gone } else { Seen::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_new_content_counts_when_it_was_seen_twice_and_only_once() {
        let mut watch = Watch::new(Duration::from_secs(2), "a".to_owned());
        let seen: Vec<Seen> =
            [Some("a"), Some("b"), Some("c"), Some("c"), Some("c"), None, None, None]
                .into_iter()
                .map(|hash| watch.see(hash))
                .collect();
        let (same, other, gone) = (|| Seen::Same, Seen::Other, Seen::Gone);
        assert_eq!(seen, [same(), same(), same(), other, same(), same(), gone, same()]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_still_be_written_is_looked_at_again_soon() {
        let start = Instant::now();
        let mut watch = Watch::new(Duration::from_secs(2), "a".to_owned());
        watch.due().await;
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        watch.see(Some("b"));
        watch.due().await;
        assert_eq!(start.elapsed(), Duration::from_millis(2250));
    }
    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_put_in_force_is_tried_again_later() {
        let start = Instant::now();
        let mut watch = Watch::new(Duration::from_secs(2), "a".to_owned());
        watch.know("b");
        watch.try_again();
        watch.due().await;
        assert_eq!(start.elapsed(), AGAIN);
        assert_eq!(
            [Some("b"); 3].map(|hash| watch.see(hash)),
            [Seen::Same, Seen::Other, Seen::Same]
        );
    }
}
