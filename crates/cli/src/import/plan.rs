//! Under which names accounts are added: every one gets a name of its own before it is sent, so that
//! what is answered about a name is about one row.

use std::collections::{HashMap, HashSet};

use secrecy::ExposeSecret as _;

use super::{Entry, Outcome, Row};

/// An account and the name it is to have.
pub(crate) struct Planned {
    pub(crate) entry: Entry,
    pub(crate) alias: String,
    /// The file gives no name: an account of this name is the same user's.
    pub(crate) is_own_name: bool,
}

impl Planned {
    pub(crate) fn row(&self, outcome: Outcome) -> Row {
        Row { number: self.entry.number, alias: Some(self.alias.clone()), outcome }
    }

    /// What the gateway's refusal of this one means.
    pub(crate) fn refused(&self, reason: &str) -> Row {
        let is_same_token = reason.starts_with("this token is that of ");
        let is_same_user = self.is_own_name && reason.starts_with("there is already an account ");
        self.row(match is_same_token || is_same_user {
            true => Outcome::Skipped(reason.to_owned()),
            false => Outcome::Rejected(reason.to_owned()),
        })
    }
}

/// Gives names, and finds what stands in the file twice. `taken` are names of accounts that are
/// there.
pub(crate) fn plan(entries: Vec<Entry>, taken: &HashSet<String>) -> (Vec<Planned>, Vec<Row>) {
    let given: HashSet<String> = entries.iter().filter_map(|entry| entry.alias.clone()).collect();
    let mut next_key = 1_u64;
    let mut tokens: HashMap<String, usize> = HashMap::new();
    let mut names: HashMap<String, usize> = HashMap::new();
    let (mut planned, mut rows) = (Vec::new(), Vec::new());
    for entry in entries {
        let number = entry.number;
        let is_own_name = entry.alias.is_none() && entry.user.is_some();
        let alias = match (&entry.alias, &entry.user) {
            (Some(name), _) | (None, Some(name)) => name.clone(),
            (None, None) => loop {
                let name = match next_key {
                    1 => "api-key".to_owned(),
                    number => format!("api-key-{number}"),
                };
                if !(taken.contains(&name) || given.contains(&name) || names.contains_key(&name)) {
                    break name;
                }
                next_key += 1;
            },
        };
        let one = Planned { entry, alias, is_own_name };
        let token = one.entry.token.expose_secret();
        if let Some(first) = tokens.get(token) {
            rows.push(one.row(Outcome::Skipped(format!("the same token as in {first}"))));
        } else if let Some(first) = names.get(&one.alias) {
            rows.push(one.row(match is_own_name {
                true => Outcome::Skipped(format!("the same user as in {first}")),
                false => Outcome::Rejected(format!("the same name as in {first}")),
            }));
        } else {
            tokens.insert(token.to_owned(), number);
            names.insert(one.alias.clone(), number);
            planned.push(one);
        }
    }
    (planned, rows)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use simulator::tokens::session_token;

    use super::*;

    fn entry(number: usize, alias: Option<&str>, token: &str) -> Entry {
        let entry = Entry::new(number, alias.map(str::to_owned), token);
        entry.unwrap_or_else(|row| panic!("{row:?}"))
    }

    fn token(user: &str, life: u64) -> String {
        session_token(user, SystemTime::now() + Duration::from_secs(life))
    }

    #[test]
    fn every_account_gets_a_name_of_its_own() {
        let taken = HashSet::from(["api-key".to_owned()]);
        let entries = vec![
            entry(1, None, "key_aaaaaaaaaaaaaaaa"),
            entry(2, Some("api-key-2"), "key_bbbbbbbbbbbbbbbb"),
            entry(3, None, "key_cccccccccccccccc"),
            entry(4, None, &token("user_a", 99)),
        ];
        let (planned, rows) = plan(entries, &taken);
        let names: Vec<_> =
            planned.iter().map(|one| (one.alias.as_str(), one.is_own_name)).collect();
        assert_eq!(
            names,
            [("api-key-3", false), ("api-key-2", false), ("api-key-4", false), ("user_a", true)]
        );
        assert!(rows.is_empty());
    }

    #[test]
    fn what_stands_there_twice_is_told() {
        let same = token("user_a", 99);
        let entries = vec![
            entry(1, Some("x"), &same),
            entry(2, Some("y"), &same),
            entry(3, Some("x"), &token("user_b", 99)),
            entry(4, None, &token("user_c", 99)),
            entry(5, None, &token("user_c", 999)),
        ];
        let (planned, rows) = plan(entries, &HashSet::new());
        assert_eq!(planned.len(), 2);
        let told: Vec<_> = rows.into_iter().map(|row| (row.number, row.outcome)).collect();
        assert_eq!(
            told,
            [
                (2, Outcome::Skipped("the same token as in 1".into())),
                (3, Outcome::Rejected("the same name as in 1".into())),
                (5, Outcome::Skipped("the same user as in 4".into())),
            ]
        );
    }

    #[test]
    fn a_refusal_says_whether_the_account_is_there_already() {
        let one = |alias: Option<&str>| {
            let entry = entry(1, alias, &token("user_a", 99));
            let (mut planned, _) = plan(vec![entry], &HashSet::new());
            planned.pop().expect("one")
        };
        let skipped = |row: Row| matches!(row.outcome, Outcome::Skipped(_));
        assert!(skipped(one(None).refused("this token is that of `b` already")));
        assert!(skipped(one(Some("x")).refused("this token is that of `b` already")));
        assert!(skipped(one(None).refused("there is already an account `user_a`")));
        assert!(!skipped(one(Some("x")).refused("there is already an account `x`")));
        assert!(!skipped(one(None).refused("proxy: there is no proxy `p`")));
    }
}
