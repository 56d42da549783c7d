//! New names for accounts, which may swap theirs.

use std::collections::{BTreeSet, HashMap};

use accounts::{AccountId, Alias};
use store::Change;

use super::accounts::find;
use super::{AdminError, Touched, input};
use crate::book::Draft;
use crate::service::Gateway;

impl Gateway {
    /// Pairs of old and new name; two may swap theirs.
    ///
    /// # Errors
    /// The store does not take it.
    pub async fn rename_accounts(
        &self,
        pairs: Vec<(String, String)>,
    ) -> Result<Touched, AdminError> {
        let inner = self.inner();
        // Keys name accounts: they follow in the same transaction.
        let _alone = inner.keys.changing.lock().await;
        let (touched, keys) = inner
            .book
            .change(|draft| {
                let mut touched = Touched::default();
                let mut wanted = Vec::new();
                for (old, new) in pairs {
                    let found = find(draft, &old).and_then(|id| Ok((id, input::alias(&new)?)));
                    match found {
                        Ok((id, new)) => wanted.push(Renaming { old, id, new }),
                        Err(error) => touched.failed(old, error),
                    }
                }
                let mut names = HashMap::new();
                for Renaming { old, id, new } in renamings(draft, wanted, &mut touched) {
                    names.insert(old.clone(), new.as_str().to_owned());
                    let _ = draft.alter(id, |record| record.alias = new);
                    touched.done(old);
                }
                let keys = inner.keys.renamed(&names);
                let changes = keys.iter().cloned().map(|key| Change::PutKey(Box::new(key)));
                let changes = changes.collect();
                Ok::<_, AdminError>(((touched, keys), changes))
            })
            .await?;
        for key in keys {
            inner.keys.ring_mut().put(key);
        }
        Ok(touched)
    }
}

/// One account gets another name.
struct Renaming {
    old: String,
    id: AccountId,
    new: Alias,
}

/// Those that can be, all at once: a name is free when nobody has it or its holder moves away. One
/// that cannot move keeps its name, which may hold up another one.
fn renamings(draft: &Draft, wanted: Vec<Renaming>, touched: &mut Touched) -> Vec<Renaming> {
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut possible = Vec::new();
    for renaming in wanted {
        if !ids.insert(renaming.id) {
            touched.failed(renaming.old, "it is named twice");
        } else if !names.insert(renaming.new.clone()) {
            let reason = format!("another one is to be called `{}`", renaming.new);
            touched.failed(renaming.old, reason);
        } else {
            possible.push(renaming);
        }
    }
    loop {
        let moving: BTreeSet<AccountId> = possible.iter().map(|renaming| renaming.id).collect();
        let is_free = |renaming: &Renaming| {
            draft.find(&renaming.new).is_none_or(|holder| moving.contains(&holder))
        };
        let (free, held): (Vec<_>, Vec<_>) = possible.into_iter().partition(is_free);
        if held.is_empty() {
            return free;
        }
        for Renaming { old, id: _, new } in held {
            touched.failed(old, format!("there is already an account `{new}`"));
        }
        possible = free;
    }
}
