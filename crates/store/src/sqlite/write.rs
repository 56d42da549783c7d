//! One list of changes, as statements. The caller holds the transaction.

use std::collections::BTreeMap;

use accounts::{
    AccountId, AccountRecord, Hex64, KeyId, KeyKind, KeyRecord, KeyUsage, ProxyName, ProxyRecord,
    Region, UpstreamFlow, UsageCheck,
};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, ToSql, params, params_from_iter};
use secrecy::{ExposeSecret as _, SecretString};

use super::{GENERAL_PROXY, NEXT_ACCOUNT, broken, schema};
use crate::secrets::{Place, Vault};
use crate::{Change, StoreError};

/// Makes the changes in order; after an error the caller rolls back.
pub(super) fn all(
    connection: &Connection,
    vault: &Vault,
    changes: &[Change],
) -> Result<(), StoreError> {
    let mut writer =
        Writer { connection, vault, aliases: BTreeMap::new(), hashes: BTreeMap::new() };
    for change in changes {
        writer.one(change)?;
    }
    writer.settle()
}

struct Writer<'a> {
    connection: &'a Connection,
    vault: &'a Vault,
    /// Accounts whose alias another took: it is theirs again in the end, unless they got a new one.
    aliases: BTreeMap<i64, String>,
    /// The same for the hashes of keys.
    hashes: BTreeMap<String, [u8; 32]>,
}

impl Writer<'_> {
    fn one(&mut self, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::PutAccount(account) => self.put_account(account),
            Change::RemoveAccount(id) => {
                self.run("DELETE FROM accounts WHERE id = ?1", params![id.0.cast_signed()])
            }
            Change::PutProfile(id, body) => self.put_profile(*id, body),
            Change::PutProxy(proxy) => self.put_proxy(proxy),
            Change::RemoveProxy(name) => {
                self.run("DELETE FROM proxies WHERE name = ?1", params![name.as_str()])
            }
            Change::SetGeneralProxy(Some(name)) => {
                schema::put_meta(self.connection, GENERAL_PROXY, name.as_str())
            }
            Change::SetGeneralProxy(None) => {
                self.run("DELETE FROM meta WHERE name = ?1", params![GENERAL_PROXY])
            }
            Change::PutKey(key) => self.put_key(key),
            Change::RemoveKey(id) => {
                self.run("DELETE FROM keys WHERE id = ?1", params![id.as_str()])
            }
            Change::PutKeyUsage(usage) => self.put_usage(usage),
        }
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(broken)?;
        Ok(())
    }

    /// Inserts or replaces; the first column is the id.
    fn put(&self, table: &str, columns: &[(&str, &dyn ToSql)]) -> Result<(), StoreError> {
        let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let updates: Vec<_> =
            names[1..].iter().map(|name| format!("{name} = excluded.{name}")).collect();
        let sql = format!(
            "INSERT INTO {table} ({}) VALUES ({marks}) ON CONFLICT ({}) DO UPDATE SET {}",
            names.join(", "),
            names[0],
            updates.join(", ")
        );
        self.run(&sql, params_from_iter(columns.iter().map(|(_, value)| *value)))
    }

    fn seal(
        &self,
        table: &'static str,
        column: &'static str,
        row: &str,
        text: &str,
    ) -> Result<Vec<u8>, StoreError> {
        self.vault.seal(Place { table, column, row }, text)
    }

    fn put_account(&mut self, account: &AccountRecord) -> Result<(), StoreError> {
        let id = account.id.0.cast_signed();
        let alias = account.alias.as_str();
        let displaced = self
            .connection
            .prepare_cached(
                "UPDATE accounts SET alias = NULL WHERE alias = ?1 AND id <> ?2 RETURNING id",
            )
            .and_then(|mut statement| {
                statement.query_row(params![alias, id], |row| row.get(0)).optional()
            })
            .map_err(broken)?;
        if let Some(other) = displaced {
            self.aliases.insert(other, alias.to_owned());
        }

        let row = account.id.to_string();
        let seal = |column, secret: Option<&SecretString>| {
            secret
                .map(|secret| self.seal("accounts", column, &row, secret.expose_secret()))
                .transpose()
        };
        let tokens = &account.tokens;
        let device = &account.device;
        let mark = account.mark.as_ref();
        self.put(
            "accounts",
            &[
                ("id", &id),
                ("alias", &alias),
                ("primary_token", &seal("primary_token", Some(&tokens.primary))?),
                ("secondary_token", &seal("secondary_token", tokens.secondary.as_ref())?),
                ("refresh_token", &seal("refresh_token", tokens.refresh.as_ref())?),
                ("machine_id", &device.machine_id.as_str()),
                ("mac_machine_id", &device.mac_machine_id.as_str()),
                ("client_key", &device.client_key.as_ref().map(Hex64::as_str)),
                ("session_id", &device.session_id.map(|id| id.to_string())),
                ("config_version", &device.config_version.map(|id| id.to_string())),
                ("proxy", &account.proxy.as_ref().map(ProxyName::as_str)),
                ("timezone", &account.timezone),
                ("region", &account.region.map(Region::as_str)),
                ("flow", &account.flow.map(UpstreamFlow::as_str)),
                ("enabled", &account.enabled),
                ("owner", &account.owner.as_ref().map(KeyId::as_str)),
                ("declared", &account.declared),
                ("mark_kind", &mark.map(|mark| mark.kind.as_str())),
                ("mark_reason", &mark.map(|mark| mark.reason.as_str())),
                ("mark_since", &mark.map(|mark| mark.since.0.cast_signed())),
                ("mark_until", &mark.and_then(|mark| mark.until).map(|at| at.0.cast_signed())),
            ],
        )?;
        self.reserve(account.id)
    }

    /// An id that was given once is never given again, even when its account goes.
    fn reserve(&self, id: AccountId) -> Result<(), StoreError> {
        let next: Option<i64> = schema::meta(self.connection, NEXT_ACCOUNT)?;
        if next.is_some_and(|next| next.cast_unsigned() > id.0) {
            return Ok(());
        }
        schema::put_meta(self.connection, NEXT_ACCOUNT, id.0.saturating_add(1).cast_signed())
    }

    fn put_profile(&self, id: AccountId, body: &str) -> Result<(), StoreError> {
        let sealed = self.seal("profiles", "body", &id.to_string(), body)?;
        self.run(
            "INSERT INTO profiles (account, body) SELECT id, ?2 FROM accounts WHERE id = ?1
             ON CONFLICT (account) DO UPDATE SET body = excluded.body",
            params![id.0.cast_signed(), sealed],
        )
    }

    fn put_proxy(&self, proxy: &ProxyRecord) -> Result<(), StoreError> {
        let name = proxy.name.as_str();
        let address = self.seal("proxies", "address", name, proxy.address.expose_secret())?;
        self.put("proxies", &[("name", &name), ("address", &address)])
    }

    fn put_key(&mut self, key: &KeyRecord) -> Result<(), StoreError> {
        let id = key.id.as_str();
        let displaced = self
            .connection
            .prepare_cached("UPDATE keys SET hash = NULL WHERE hash = ?1 AND id <> ?2 RETURNING id")
            .and_then(|mut statement| {
                statement.query_row(params![key.hash.0, id], |row| row.get(0)).optional()
            })
            .map_err(broken)?;
        if let Some(other) = displaced {
            self.hashes.insert(other, key.hash.0);
        }

        let (kind, account) = match key.kind {
            KeyKind::Built { account } => ("built", Some(account.0.cast_signed())),
            KeyKind::Managed => ("managed", None),
        };
        let options = &key.options;
        let (usage_check, usage_models) = match &options.usage_check {
            UsageCheck::Default => ("default", None),
            UsageCheck::Disabled => ("disabled", None),
            UsageCheck::All => ("all", None),
            UsageCheck::Models(models) => ("models", Some(list(models)?)),
        };
        let limits = &key.limits;
        let previous = key.previous.as_ref();
        self.put(
            "keys",
            &[
                ("id", &id),
                ("name", &key.name),
                ("kind", &kind),
                ("account", &account),
                ("hash", &key.hash.0),
                ("previous_hash", &previous.map(|(hash, _)| hash.0)),
                ("previous_until", &previous.map(|(_, until)| until.0.cast_signed())),
                ("created", &key.created.0.cast_signed()),
                ("expires", &key.expires.map(|at| at.0.cast_signed())),
                ("revoked", &key.revoked.map(|at| at.0.cast_signed())),
                ("proxy", &options.proxy.as_ref().map(ProxyName::as_str)),
                ("timezone", &options.timezone),
                ("region", &options.region.map(Region::as_str)),
                ("disable_vision", &options.disable_vision),
                ("slow_pool", &options.slow_pool),
                ("web_references", &options.web_references),
                ("usage_check", &usage_check),
                ("usage_check_models", &usage_models),
                ("log_content", &options.log_content),
                ("models", &list(&limits.models)?),
                ("accounts", &list(&limits.accounts)?),
                ("requests_per_minute", &limits.requests_per_minute),
                ("tokens_per_minute", &limits.tokens_per_minute.map(u64::cast_signed)),
                ("concurrency", &limits.concurrency),
                ("budget_tokens", &limits.budget.map(|budget| budget.tokens.cast_signed())),
                ("budget_period", &limits.budget.map(|budget| budget.period.as_str())),
            ],
        )
    }

    fn put_usage(&self, usage: &KeyUsage) -> Result<(), StoreError> {
        self.run(
            "INSERT OR REPLACE INTO key_usage
                 (key, requests, tokens, period_tokens, period_start, last_used)
             SELECT id, ?2, ?3, ?4, ?5, ?6 FROM keys WHERE id = ?1",
            params![
                usage.key.as_str(),
                usage.requests.cast_signed(),
                usage.tokens.cast_signed(),
                usage.period_tokens.cast_signed(),
                usage.period_start.0.cast_signed(),
                usage.last_used.map(|at| at.0.cast_signed()),
            ],
        )
    }

    /// Gives names back that were taken only for a moment; the others are held twice.
    fn settle(&self) -> Result<(), StoreError> {
        for (id, alias) in &self.aliases {
            let sql = "UPDATE accounts SET alias = ?2 WHERE id = ?1 AND alias IS NULL";
            self.give_back(sql, params![id, alias], || {
                format!("an account with the alias {alias:?}")
            })?;
        }
        for (id, hash) in &self.hashes {
            let sql = "UPDATE keys SET hash = ?2 WHERE id = ?1 AND hash IS NULL";
            self.give_back(sql, params![id, hash], || format!("a key with the secret of {id}"))?;
        }
        Ok(())
    }

    fn give_back(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        holder: impl Fn() -> String,
    ) -> Result<(), StoreError> {
        let done =
            self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values));
        match done {
            Ok(_) => Ok(()),
            Err(rusqlite::Error::SqliteFailure(error, _))
                if error.code == ErrorCode::ConstraintViolation =>
            {
                Err(StoreError::Conflict(holder()))
            }
            Err(error) => Err(broken(error)),
        }
    }
}

fn list(items: &[String]) -> Result<String, StoreError> {
    serde_json::to_string(items).map_err(|error| StoreError::Unavailable(error.to_string()))
}
