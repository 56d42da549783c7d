//! What each key was given, to be compared with a later reading.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};

use crate::raw::Layers;
use crate::registry::{self, Key};

/// What each key was given, to be compared with a later reading; prints none of it.
#[derive(Debug, Clone)]
pub struct Written {
    values: BTreeMap<&'static str, SecretString>,
    accounts: Vec<BTreeMap<String, SecretString>>,
}

impl Written {
    /// The keys whose text is another one now, in the registry's order, and `accounts`.
    #[must_use]
    pub fn changed(&self, later: &Self) -> Vec<&'static str> {
        let text = |written: &Self, name: &str| {
            written.values.get(name).map(|text| text.expose_secret().trim().to_owned())
        };
        let keys = registry::keys().map(|key| key.name);
        let mut changed: Vec<&'static str> =
            keys.filter(|name| text(self, name) != text(later, name)).collect();
        let accounts = |written: &Self| -> Vec<Vec<(String, String)>> {
            let table = |fields: &BTreeMap<String, SecretString>| {
                let field = |(name, text): (&String, &SecretString)| {
                    (name.clone(), text.expose_secret().to_owned())
                };
                fields.iter().map(field).collect()
            };
            written.accounts.iter().map(table).collect()
        };
        if accounts(self) != accounts(later) {
            changed.push("accounts");
        }
        changed
    }

    /// Those of the changed keys that only hold after a restart.
    #[must_use]
    pub fn needs_restart(&self, later: &Self) -> Vec<&'static str> {
        let mut changed = self.changed(later);
        changed.retain(|name| registry::find(name).is_some_and(|key| !key.live));
        changed
    }
}

impl Layers {
    /// What holds for each key, defaults included.
    #[must_use]
    pub fn written(&self) -> Written {
        let text = |key: &Key| match self.values.get(key.name) {
            Some(raw) => raw.text.clone(),
            None => SecretString::from(key.default),
        };
        Written {
            values: registry::keys().map(|key| (key.name, text(key))).collect(),
            accounts: self.accounts.iter().map(|account| account.fields.clone()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn written(text: &str) -> Written {
        Layers::default().file(Path::new("config.toml"), text).written()
    }

    #[test]
    fn what_was_written_anew_is_named_and_never_shown() {
        let before = written("auth_token = \"canary\"\nport = 3000\n[log]\nlevel = \"info\"");
        assert_eq!(before.changed(&before), Vec::<&str>::new());
        assert_eq!(before.changed(&written("auth_token = \"canary\"")), Vec::<&str>::new());
        let after = written(
            "auth_token = \"other\"\nhost = \"::1\"\n[[accounts]]\ncredential = \"canary\"",
        );
        assert_eq!(before.changed(&after), ["host", "auth_token", "accounts"]);
        assert!(!format!("{before:?}{after:?}").contains("canary"));
    }

    #[test]
    fn only_what_is_not_live_needs_a_restart() {
        let before = written("port = 1\n[pool]\nactive = 2\nwait = \"1s\"");
        let after = written(
            "port = 2\n[pool]\nactive = 3\nwait = \"2s\"\n[[accounts]]\ncredential = \"key_x\"",
        );
        assert_eq!(before.needs_restart(&after), ["port"]);
        assert!(before.needs_restart(&before).is_empty());
    }
}
