//! Everything that is kept, as records again.

use std::fmt::Display;

use accounts::{
    AccountId, AccountRecord, AccountTokens, Alias, Budget, Device, Hex64, KeyHash, KeyId, KeyKind,
    KeyLimits, KeyOptions, KeyRecord, KeyUsage, Mark, MarkKind, Period, ProxyName, ProxyRecord,
    Region, UnixMs, UpstreamFlow, UsageCheck,
};
use rusqlite::Connection;
use rusqlite::types::FromSql;
use secrecy::{ExposeSecret as _, SecretString};

use super::{GENERAL_PROXY, NEXT_ACCOUNT, broken, schema};
use crate::secrets::{Opener, Place};
use crate::{Snapshot, StoreError};

pub(super) fn all(connection: &Connection, opener: &Opener) -> Result<Snapshot, StoreError> {
    let table = |name, id_column, sql| Table { connection, opener, name, id_column, sql };
    // Ids are unsigned; SQLite would sort the upper half of them first.
    let mut accounts = table("accounts", "id", "SELECT * FROM accounts").read(account)?;
    accounts.sort_by_key(|account| account.id);
    let mut profiles = table("profiles", "account", "SELECT * FROM profiles").read(profile)?;
    profiles.sort_by_key(|(id, _)| *id);
    let next: Option<i64> = schema::meta(connection, NEXT_ACCOUNT)?;
    let general: Option<String> = schema::meta(connection, GENERAL_PROXY)?;
    Ok(Snapshot {
        accounts,
        profiles,
        next_account: next.map_or(1, i64::cast_unsigned),
        proxies: table("proxies", "name", "SELECT * FROM proxies ORDER BY name").read(proxy)?,
        general_proxy: general.map(ProxyName::new),
        keys: table("keys", "id", "SELECT * FROM keys ORDER BY id").read(key)?,
        key_usage: table("key_usage", "key", "SELECT * FROM key_usage ORDER BY key").read(usage)?,
    })
}

/// The text a row is known by, in messages and in what is authenticated with its secrets.
pub(super) fn row_name(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<String> {
    Ok(match row.get_ref(column)? {
        rusqlite::types::ValueRef::Integer(number) => number.cast_unsigned().to_string(),
        other => other.as_str()?.to_owned(),
    })
}

struct Table<'a> {
    connection: &'a Connection,
    opener: &'a Opener,
    name: &'static str,
    id_column: &'static str,
    sql: &'static str,
}

impl Table<'_> {
    fn read<T>(
        &self,
        record: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(self.sql).map_err(broken)?;
        let mut rows = statement.query([]).map_err(broken)?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().map_err(broken)? {
            let id = row_name(row, self.id_column).map_err(broken)?;
            records.push(record(&Row { row, opener: self.opener, table: self.name, id })?);
        }
        Ok(records)
    }
}

struct Row<'a> {
    row: &'a rusqlite::Row<'a>,
    opener: &'a Opener,
    table: &'static str,
    id: String,
}

impl Row<'_> {
    fn damaged(&self, column: &str, why: impl Display) -> StoreError {
        let Self { table, id, .. } = self;
        StoreError::Unavailable(format!("it is damaged: {table}.{column} of {id:?}: {why}"))
    }

    fn get<T: FromSql>(&self, column: &str) -> Result<T, StoreError> {
        self.row.get(column).map_err(|error| self.damaged(column, error))
    }

    fn number(&self, column: &str) -> Result<u64, StoreError> {
        self.get(column).map(i64::cast_unsigned)
    }

    fn number_if_any(&self, column: &str) -> Result<Option<u64>, StoreError> {
        Ok(self.get::<Option<i64>>(column)?.map(i64::cast_unsigned))
    }

    fn instant_if_any(&self, column: &str) -> Result<Option<UnixMs>, StoreError> {
        Ok(self.number_if_any(column)?.map(UnixMs))
    }

    /// A text of a closed set.
    fn word<T>(
        &self,
        column: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| parse(&text).ok_or_else(|| self.damaged(column, "not one of its values")))
            .transpose()
    }

    fn present<T>(&self, column: &str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.damaged(column, "missing"))
    }

    fn list(&self, column: &str) -> Result<Vec<String>, StoreError> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(|error| self.damaged(column, error))
    }

    fn secret_if_any(&self, column: &'static str) -> Result<Option<SecretString>, StoreError> {
        let blob: Option<Vec<u8>> = self.get(column)?;
        let place = Place { table: self.table, column, row: &self.id };
        blob.map(|blob| self.opener.open(place, &blob)).transpose()
    }

    fn secret(&self, column: &'static str) -> Result<SecretString, StoreError> {
        let secret = self.secret_if_any(column)?;
        self.present(column, secret)
    }
}

fn account(row: &Row<'_>) -> Result<AccountRecord, StoreError> {
    let hex = |column| row.word(column, Hex64::parse);
    let uuid = |column| row.word(column, |text| uuid::Uuid::parse_str(text).ok());
    Ok(AccountRecord {
        id: AccountId(row.number("id")?),
        alias: Alias::new(row.get::<String>("alias")?),
        tokens: AccountTokens {
            primary: row.secret("primary_token")?,
            secondary: row.secret_if_any("secondary_token")?,
            refresh: row.secret_if_any("refresh_token")?,
        },
        device: Device {
            machine_id: row.present("machine_id", hex("machine_id")?)?,
            mac_machine_id: row.present("mac_machine_id", hex("mac_machine_id")?)?,
            client_key: hex("client_key")?,
            session_id: uuid("session_id")?,
            config_version: uuid("config_version")?,
        },
        proxy: row.get::<Option<String>>("proxy")?.map(ProxyName::new),
        timezone: row.get("timezone")?,
        region: row.word("region", Region::parse)?,
        flow: row.word("flow", UpstreamFlow::parse)?,
        enabled: row.get("enabled")?,
        owner: row.get::<Option<String>>("owner")?.map(KeyId::new),
        declared: row.get("declared")?,
        mark: mark(row)?,
    })
}

fn mark(row: &Row<'_>) -> Result<Option<Mark>, StoreError> {
    let Some(kind) = row.word("mark_kind", MarkKind::parse)? else {
        return Ok(None);
    };
    Ok(Some(Mark {
        kind,
        reason: row.get("mark_reason")?,
        since: UnixMs(row.number("mark_since")?),
        until: row.instant_if_any("mark_until")?,
    }))
}

fn profile(row: &Row<'_>) -> Result<(AccountId, String), StoreError> {
    let body = row.secret("body")?;
    Ok((AccountId(row.number("account")?), body.expose_secret().to_owned()))
}

fn proxy(row: &Row<'_>) -> Result<ProxyRecord, StoreError> {
    Ok(ProxyRecord {
        name: ProxyName::new(row.get::<String>("name")?),
        address: row.secret("address")?,
    })
}

fn key(row: &Row<'_>) -> Result<KeyRecord, StoreError> {
    let previous: Option<[u8; 32]> = row.get("previous_hash")?;
    let previous = previous
        .map(|hash| Ok((KeyHash(hash), UnixMs(row.number("previous_until")?))))
        .transpose()?;
    Ok(KeyRecord {
        id: KeyId::new(row.get::<String>("id")?),
        name: row.get("name")?,
        kind: kind(row)?,
        hash: KeyHash(row.get("hash")?),
        previous,
        created: UnixMs(row.number("created")?),
        expires: row.instant_if_any("expires")?,
        revoked: row.instant_if_any("revoked")?,
        options: KeyOptions {
            proxy: row.get::<Option<String>>("proxy")?.map(ProxyName::new),
            timezone: row.get("timezone")?,
            region: row.word("region", Region::parse)?,
            disable_vision: row.get("disable_vision")?,
            slow_pool: row.get("slow_pool")?,
            web_references: row.get("web_references")?,
            log_content: row.get("log_content")?,
            usage_check: usage_check(row)?,
        },
        limits: KeyLimits {
            models: row.list("models")?,
            accounts: row.list("accounts")?,
            requests_per_minute: row.get("requests_per_minute")?,
            tokens_per_minute: row.number_if_any("tokens_per_minute")?,
            concurrency: row.get("concurrency")?,
            budget: budget(row)?,
        },
    })
}

fn kind(row: &Row<'_>) -> Result<KeyKind, StoreError> {
    match row.get::<String>("kind")?.as_str() {
        "built" => Ok(KeyKind::Built { account: AccountId(row.number("account")?) }),
        "managed" => Ok(KeyKind::Managed),
        _ => Err(row.damaged("kind", "not one of its values")),
    }
}

fn usage_check(row: &Row<'_>) -> Result<UsageCheck, StoreError> {
    match row.get::<String>("usage_check")?.as_str() {
        "default" => Ok(UsageCheck::Default),
        "disabled" => Ok(UsageCheck::Disabled),
        "all" => Ok(UsageCheck::All),
        "models" => row.list("usage_check_models").map(UsageCheck::Models),
        _ => Err(row.damaged("usage_check", "not one of its values")),
    }
}

fn budget(row: &Row<'_>) -> Result<Option<Budget>, StoreError> {
    let period = row.word("budget_period", Period::parse)?;
    period.map(|period| Ok(Budget { tokens: row.number("budget_tokens")?, period })).transpose()
}

fn usage(row: &Row<'_>) -> Result<KeyUsage, StoreError> {
    Ok(KeyUsage {
        key: KeyId::new(row.get::<String>("key")?),
        requests: row.number("requests")?,
        tokens: row.number("tokens")?,
        period_tokens: row.number("period_tokens")?,
        period_start: UnixMs(row.number("period_start")?),
        last_used: row.instant_if_any("last_used")?,
    })
}
