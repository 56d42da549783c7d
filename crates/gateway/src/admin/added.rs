//! A new account among those that are there: no credential twice, and a name for each.

use std::collections::HashMap;

use accounts::{Alias, Credential};
use secrecy::ExposeSecret as _;

use super::AdminError;
use super::accounts::{identity, put_new};
use super::input::Understood;
use crate::book::Draft;
use crate::service::Inner;

/// Digests of the primary tokens of the pool.
pub(super) fn known_credentials(draft: &Draft) -> HashMap<[u8; 32], Alias> {
    let records = draft.pooled().into_iter().filter_map(|id| draft.record(id));
    records
        .filter_map(|record| {
            let credential = Credential::parse(record.tokens.primary.expose_secret()).ok()?;
            Some((identity(&credential), record.alias))
        })
        .collect()
}

pub(super) fn add_one(
    inner: &Inner,
    draft: &mut Draft,
    credentials: &mut HashMap<[u8; 32], Alias>,
    understood: Understood,
    enabled: bool,
) -> Result<Alias, AdminError> {
    let Some((_, credential)) = &understood.primary else {
        return Err(AdminError::invalid("token", "is missing"));
    };
    let digest = identity(credential);
    if let Some(known) = credentials.get(&digest) {
        return Err(AdminError::Conflict(format!("this token is that of `{known}` already")));
    }
    let alias = match &understood.alias {
        Some(alias) if draft.find(alias).is_some() => {
            return Err(AdminError::Conflict(format!("there is already an account `{alias}`")));
        }
        Some(alias) => alias.clone(),
        None => fresh_alias(draft, credential),
    };
    let id = draft.new_id();
    put_new(inner, draft, id, alias.clone(), understood, enabled)?;
    credentials.insert(digest, alias.clone());
    Ok(alias)
}

/// After the user where the credential tells, with a number where that is taken.
fn fresh_alias(draft: &Draft, credential: &Credential) -> Alias {
    let stem = match credential {
        Credential::Session(token) | Credential::Web(token) => token.claims().user_id.clone(),
        Credential::ApiKey(_) => "api-key".to_owned(),
    };
    let first = Alias::new(stem.clone());
    if draft.find(&first).is_none() {
        return first;
    }
    (2_u64..)
        .map(|number| Alias::new(format!("{stem}-{number}")))
        .find(|alias| draft.find(alias).is_none())
        .unwrap_or(first)
}
