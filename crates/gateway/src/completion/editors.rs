//! Which account serves which editor: bounded, and forgotten after a day.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use accounts::AccountId;
use tokio::time::Instant;

/// An editor that was not heard of for so long has to be given an account anew.
const LIFE: Duration = Duration::from_secs(24 * 3600);
/// Most editors whose account is remembered.
const MOST: usize = 10_000;

/// Which account serves which editor.
#[derive(Debug, Default)]
pub(crate) struct Editors(Mutex<HashMap<[u8; 32], (AccountId, Instant)>>);

impl Editors {
    pub(super) fn find(&self, editor: &[u8; 32]) -> Option<AccountId> {
        let editors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (account, seen) = editors.get(editor)?;
        (seen.elapsed() < LIFE).then_some(*account)
    }

    pub(super) fn note(&self, editor: [u8; 32], account: AccountId) {
        let mut editors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if editors.len() >= MOST && !editors.contains_key(&editor) {
            editors.retain(|_, (_, seen)| seen.elapsed() < LIFE);
            // Seldom: a tenth goes at once.
            if editors.len() >= MOST {
                let mut seen: Vec<Instant> = editors.values().map(|(_, seen)| *seen).collect();
                let (_, oldest, _) = seen.select_nth_unstable(MOST / 10);
                let oldest = *oldest;
                editors.retain(|_, (_, seen)| *seen > oldest);
            }
        }
        editors.insert(editor, (account, Instant::now()));
    }
}
