//! What `/tokens/get` tells of accounts, for people and for programs. Secrets are not read from it.

use serde_json::{Value, json};

use crate::table;

/// An account, as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Account {
    pub(super) alias: String,
    shown: Value,
}

/// Fields that are shown under their own name.
const PLAIN: [&str; 6] = ["credential", "expires_at", "proxy", "timezone", "gcpp_host", "flow"];
const STATUS: [&str; 8] =
    ["enabled", "state", "reason", "since", "until", "active", "in_use", "coolings"];

/// Rows of another shape are left out: they are not of this version.
pub(super) fn read(answer: &Value) -> Vec<Account> {
    let rows = answer["tokens"].as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().filter_map(account).collect()
}

fn account(row: &Value) -> Option<Account> {
    let (number, alias, info) = (row.get(0)?, row.get(1)?.as_str()?, row.get(2)?);
    let mut shown = json!({ "number": number, "alias": alias });
    let mut put = |name: &str, value: &Value| {
        if !value.is_null() {
            shown[name] = value.clone();
        }
    };
    for name in PLAIN {
        put(name, &info[name]);
    }
    for name in STATUS {
        put(name, &info["status"][name]);
    }
    put("email", &info["user"]["email"]);
    let membership = [&info["stripe"]["membership_type"], &info["usage"]["membership_type"]];
    if let Some(membership) = membership.into_iter().find(|value| !value.is_null()) {
        put("membership", membership);
    }
    let usage = &info["usage"];
    put("billing_cycle_end", &usage["billing_cycle_end"]);
    put("is_unlimited", &usage["is_unlimited"]);
    put("plan", &usage["individual_usage"]["plan"]);
    put("on_demand", &usage["individual_usage"]["on_demand"]);
    Some(Account { alias: alias.to_owned(), shown })
}

pub(super) fn json(accounts: &[Account]) -> String {
    let list: Vec<&Value> = accounts.iter().map(|account| &account.shown).collect();
    serde_json::to_string_pretty(&list).unwrap_or_default()
}

pub(super) fn table(accounts: &[Account]) -> String {
    let heading = ["ALIAS", "KIND", "STATE", "UNTIL", "EXPIRES", "PLAN", "USED", "PROXY", "REASON"];
    let rows: Vec<[String; 9]> = accounts.iter().map(Account::cells).collect();
    table::table(heading, &rows)
}

impl Account {
    fn text(&self, name: &str) -> String {
        self.shown[name].as_str().unwrap_or_default().to_owned()
    }

    fn cells(&self) -> [String; 9] {
        [
            self.alias.clone(),
            self.text("credential"),
            self.state(),
            minute(&self.text("until")),
            minute(&self.text("expires_at")),
            self.text("membership"),
            self.used(),
            self.text("proxy"),
            self.text("reason"),
        ]
    }

    /// With how many models rest apart, when the account itself does not.
    fn state(&self) -> String {
        let state = self.text("state");
        let active = self.shown["active"].as_bool().unwrap_or(false);
        if state == "ready" && active { "ready, active".to_owned() } else { state }
    }

    /// Of the plan, in the upstream's own unit.
    fn used(&self) -> String {
        if self.shown["is_unlimited"].as_bool().unwrap_or(false) {
            return "unlimited".to_owned();
        }
        let plan = &self.shown["plan"];
        match (plan["used"].as_i64(), plan["limit"].as_i64()) {
            (Some(used), Some(limit)) => format!("{used}/{limit}"),
            (Some(used), None) => used.to_string(),
            (None, _) => String::new(),
        }
    }
}

/// `2026-02-01T12:46:40.123Z` as `2026-02-01 12:46Z`.
fn minute(instant: &str) -> String {
    match (instant.split_once('T'), instant.ends_with('Z')) {
        (Some((day, time)), true) if time.len() >= 6 => {
            format!("{day} {}Z", time.chars().take(5).collect::<String>())
        }
        _ => instant.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Value {
        json!({"status": "success", "tokens_count": 2, "tokens": [
            [1, "ma\u{1b}in", {
                "primary_token": "canary", "secondary_token": "canary", "refresh_token": "canary",
                "checksum": {"first": "canary", "second": "canary"}, "client_key": "canary",
                "session_id": "canary", "config_version": "canary",
                "credential": "session", "expires_at": "2026-03-01T00:00:00Z", "proxy": "office",
                "user": {"user_id": 1, "email": "a@example.com"},
                "status": {"enabled": true, "state": "limit", "reason": "used up",
                    "since": "2026-01-01T00:00:00Z", "until": "2026-02-01T12:46:40.123Z",
                    "active": false, "in_use": 0, "coolings": []},
                "usage": {"membership_type": "pro", "is_unlimited": false,
                    "billing_cycle_end": "2026-02-01T00:00:00Z",
                    "individual_usage": {"plan": {"used": 5, "limit": 20}}},
            }],
            [2, "other", {"credential": "api_key",
                "status": {"enabled": true, "state": "ready", "active": true, "in_use": 1}}],
            "odd",
        ]})
    }

    #[test]
    fn no_secret_is_among_what_is_shown() {
        let accounts = read(&answer());
        assert_eq!(accounts.len(), 2);
        let all = format!("{}\n{}", json(&accounts), table(&accounts));
        assert!(!all.contains("canary"), "{all}");
    }

    #[test]
    fn the_table_tells_state_end_and_use() {
        let table = table(&read(&answer()));
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[0].starts_with("ALIAS"), "{table}");
        let cells: Vec<&str> = lines[1].split("  ").filter(|cell| !cell.is_empty()).collect();
        let cells: Vec<&str> = cells.into_iter().map(str::trim).collect();
        assert_eq!(
            cells,
            [
                "ma in",
                "session",
                "limit",
                "2026-02-01 12:46Z",
                "2026-03-01 00:00Z",
                "pro",
                "5/20",
                "office",
                "used up"
            ]
        );
        assert!(lines[2].contains("ready, active"), "{table}");
    }

    #[test]
    fn the_json_is_one_object_per_account() {
        let list: Value = serde_json::from_str(&json(&read(&answer()))).expect("JSON");
        assert_eq!(list[0]["state"], "limit");
        assert_eq!(list[0]["email"], "a@example.com");
        assert_eq!(list[0]["plan"], json!({"used": 5, "limit": 20}));
        assert_eq!(list[1]["in_use"], 1);
        assert_eq!(list[1].get("reason"), None);
    }

    #[test]
    fn an_empty_pool_has_a_heading_and_an_empty_list() {
        assert!(table(&[]).starts_with("ALIAS"));
        assert_eq!(json(&[]), "[]");
    }
}
