//! Stores to test, records drawn from a number, and all that can be seen of a snapshot.

use std::path::{Path, PathBuf};

use accounts::{
    AccountId, AccountRecord, AccountTokens, Alias, Budget, Device, Hex64, KeyHash, KeyId, KeyKind,
    KeyLimits, KeyOptions, KeyRecord, KeyUsage, Mark, MarkKind, Period, ProxyName, ProxyRecord,
    Region, UnixMs, UpstreamFlow, UsageCheck,
};
use secrecy::{ExposeSecret as _, SecretString};
use store::{Change, KeySource, MemoryStore, Snapshot, SqliteStore, Store, StoreError};
use tempfile::TempDir;

/// Texts that a database, an encoder or a terminal may stumble over.
pub(crate) const TEXTS: [&str; 14] = [
    "",
    "plain",
    "\0",
    "a\0b",
    "'; DROP TABLE accounts; --",
    "\"quoted\" \\ back",
    "ümläut 🦀 中文",
    "\u{202e}right to left",
    " spaces ",
    "line\r\nline",
    "\u{10ffff}",
    "e\u{301}",
    "é",
    "null",
];

pub(crate) fn random(buffer: &mut [u8]) {
    getrandom::fill(buffer).unwrap();
}

pub(crate) fn open(dir: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(dir, KeySource::default_in(dir), random)
}

/// A store whose content can be looked at before and after the process has ended.
pub(crate) enum Backend {
    Memory(MemoryStore),
    File { dir: TempDir, store: Option<SqliteStore> },
}

impl Backend {
    pub(crate) fn memory() -> Self {
        Self::Memory(MemoryStore::new())
    }

    pub(crate) fn file() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Some(open(dir.path()).unwrap());
        Self::File { dir, store }
    }

    pub(crate) fn store(&self) -> &dyn Store {
        match self {
            Self::Memory(store) => store,
            Self::File { store, .. } => store.as_ref().unwrap(),
        }
    }

    pub(crate) async fn apply(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.store().apply(changes).await
    }

    /// What is kept, which must be the same after a restart.
    pub(crate) async fn kept(&mut self) -> Snapshot {
        let before = self.store().load().await.unwrap();
        if let Self::File { dir, store } = self {
            drop(store.take());
            *store = Some(open(dir.path()).unwrap());
        }
        let after = self.store().load().await.unwrap();
        assert_eq!(facts(&before), facts(&after));
        after
    }
}

/// Everything in a snapshot, also what `Debug` hides.
pub(crate) fn facts(snapshot: &Snapshot) -> Vec<String> {
    let mut facts = vec![
        format!("next {}, general {:?}", snapshot.next_account, snapshot.general_proxy),
        format!("{:?}", snapshot.profiles),
    ];
    for account in &snapshot.accounts {
        let AccountTokens { primary, secondary, refresh } = &account.tokens;
        let shown = |token: &Option<SecretString>| {
            token.as_ref().map(|token| token.expose_secret().to_owned())
        };
        facts.push(format!(
            "{account:?} {:?} {:?} {:?}",
            primary.expose_secret(),
            shown(secondary),
            shown(refresh)
        ));
    }
    for proxy in &snapshot.proxies {
        facts.push(format!("{proxy:?} {:?}", proxy.address.expose_secret()));
    }
    for key in &snapshot.keys {
        let previous = key.previous.map(|(hash, _)| hash.0);
        facts.push(format!("{key:?} {:?} {previous:?}", key.hash.0));
    }
    facts.extend(snapshot.key_usage.iter().map(|usage| format!("{usage:?}")));
    facts
}

/// Draws from a number: the same number, the same records.
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    /// SplitMix64.
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.number() % choices.len() as u64).unwrap()].clone()
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.number() & 1 == 1
    }

    pub(crate) fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| make(self))
    }

    pub(crate) fn text(&mut self) -> String {
        self.of(&TEXTS).to_owned()
    }

    pub(crate) fn texts(&mut self) -> Vec<String> {
        (0..self.number() % 4).map(|_| self.text()).collect()
    }

    fn secret(&mut self) -> SecretString {
        SecretString::from(self.text())
    }

    /// Small, or at an end of what fits.
    pub(crate) fn count(&mut self) -> u64 {
        let any = self.number();
        self.of(&[0, 1, 42, any, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX])
    }

    pub(crate) fn instant(&mut self) -> UnixMs {
        UnixMs(self.count())
    }

    fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&self.number().to_le_bytes());
        }
        bytes
    }

    fn hex(&mut self) -> Hex64 {
        Hex64::of(self.bytes())
    }

    fn uuid(&mut self) -> uuid::Uuid {
        uuid::Uuid::from_u64_pair(self.number(), self.number())
    }

    fn region(&mut self) -> Region {
        self.of(&Region::ALL)
    }

    pub(crate) fn account(&mut self, id: u64, alias: &str) -> AccountRecord {
        AccountRecord {
            id: AccountId(id),
            alias: Alias::new(alias),
            tokens: AccountTokens {
                primary: self.secret(),
                secondary: self.maybe(Self::secret),
                refresh: self.maybe(Self::secret),
            },
            device: Device {
                machine_id: self.hex(),
                mac_machine_id: self.hex(),
                client_key: self.maybe(Self::hex),
                session_id: self.maybe(Self::uuid),
                config_version: self.maybe(Self::uuid),
            },
            proxy: self.maybe(Self::text).map(ProxyName::new),
            timezone: self.maybe(Self::text),
            region: self.maybe(Self::region),
            flow: self.maybe(|draw| draw.of(&[UpstreamFlow::Agent, UpstreamFlow::Chat])),
            enabled: self.flag(),
            owner: self.maybe(Self::text).map(KeyId::new),
            declared: self.maybe(Self::bytes),
            mark: self.maybe(|draw| Mark {
                kind: draw.of(&[MarkKind::Limit, MarkKind::Abnormal]),
                reason: draw.text(),
                since: draw.instant(),
                until: draw.maybe(Self::instant),
            }),
        }
    }

    pub(crate) fn proxy(&mut self, name: &str) -> ProxyRecord {
        ProxyRecord { name: ProxyName::new(name), address: self.secret() }
    }

    pub(crate) fn key(&mut self, id: &str, hash: u8) -> KeyRecord {
        let account = AccountId(self.count());
        let models = self.texts();
        let all = [
            UsageCheck::Default,
            UsageCheck::Disabled,
            UsageCheck::All,
            UsageCheck::Models(models),
        ];
        KeyRecord {
            id: KeyId::new(id),
            name: self.text(),
            kind: self.of(&[KeyKind::Managed, KeyKind::Built { account }]),
            hash: KeyHash([hash; 32]),
            previous: self.maybe(|draw| (KeyHash(draw.bytes()), draw.instant())),
            created: self.instant(),
            expires: self.maybe(Self::instant),
            revoked: self.maybe(Self::instant),
            options: KeyOptions {
                proxy: self.maybe(Self::text).map(ProxyName::new),
                timezone: self.maybe(Self::text),
                region: self.maybe(Self::region),
                disable_vision: self.flag(),
                slow_pool: self.maybe(Self::flag),
                web_references: self.maybe(Self::flag),
                usage_check: self.of(&all),
            },
            limits: KeyLimits {
                models: self.texts(),
                accounts: self.texts(),
                requests_per_minute: self.maybe(|draw| draw.of(&[0, 7, u32::MAX])),
                tokens_per_minute: self.maybe(Self::count),
                concurrency: self.maybe(|draw| draw.of(&[0, 7, u32::MAX])),
                budget: self.maybe(|draw| Budget {
                    tokens: draw.count(),
                    period: draw.of(&[Period::Day, Period::Month, Period::Ever]),
                }),
            },
        }
    }

    pub(crate) fn usage(&mut self, key: &str) -> KeyUsage {
        KeyUsage {
            key: KeyId::new(key),
            requests: self.count(),
            tokens: self.count(),
            period_tokens: self.count(),
            period_start: self.instant(),
            last_used: self.maybe(Self::instant),
        }
    }
}

pub(crate) fn put_account(id: u64, alias: &str) -> Change {
    Change::PutAccount(Box::new(Draw(id).account(id, alias)))
}

pub(crate) fn put_key(id: &str, hash: u8) -> Change {
    Change::PutKey(Box::new(Draw(u64::from(hash)).key(id, hash)))
}

/// Every file in the folder and below.
pub(crate) fn files_in(dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
