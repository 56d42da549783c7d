//! The accounts that are declared.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret as _, SecretString};

use super::FLOWS;
use super::reader::Reader;
use crate::raw::{RawAccount, nearest};
use crate::settings::AccountSettings;

/// Keys of an `[[accounts]]` table.
pub(crate) const FIELDS: [&str; 4] = ["alias", "credential", "flow", "timezone"];

impl Reader {
    pub(super) fn accounts(&mut self) -> Vec<AccountSettings> {
        let raw = std::mem::take(&mut self.layers.accounts);
        let mut aliases = BTreeSet::new();
        let mut accounts = Vec::new();
        for (i, account) in raw.into_iter().enumerate() {
            if let Some(account) = self.account(i, &account) {
                if !aliases.insert(account.alias.clone()) {
                    let text = format!("two accounts are called `{}`", account.alias);
                    self.problem(&account.key, &account.origin, text);
                }
                accounts.push(account);
            }
        }
        accounts
    }

    fn account(&mut self, i: usize, raw: &RawAccount) -> Option<AccountSettings> {
        let key = format!("accounts[{i}]");
        for name in raw.fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
            self.problem(&format!("{key}.{name}"), &raw.origin, nearest(name, FIELDS.into_iter()));
        }
        let field = |name: &str| raw.fields.get(name).map(|text| text.expose_secret().trim());
        let flow = match field("flow") {
            None => None,
            Some(word) => match FLOWS.iter().find(|(known, _)| *known == word) {
                Some((_, flow)) => Some(*flow),
                None => {
                    self.problem(
                        &format!("{key}.flow"),
                        &raw.origin,
                        "expected one of: agent, chat",
                    );
                    None
                }
            },
        };
        let Some(credential) = field("credential").filter(|text| !text.is_empty()) else {
            self.problem(&format!("{key}.credential"), &raw.origin, "is missing");
            return None;
        };
        Some(AccountSettings {
            alias: field("alias").map_or_else(|| format!("account-{}", i + 1), str::to_owned),
            credential: SecretString::from(credential),
            flow,
            timezone: field("timezone").map(str::to_owned),
            key,
            origin: raw.origin.clone(),
        })
    }
}
