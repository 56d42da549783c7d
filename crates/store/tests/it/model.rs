//! Random lists of changes: the file must hold what a plain map holds.

use accounts::{AccountId, KeyId, ProxyName};
use proptest::prelude::*;
use store::{Change, MemoryStore, Store as _, StoreError};

use crate::rig::{Backend, Draw, facts};

/// Few names and ids, so that they meet often.
fn change() -> impl Strategy<Value = Change> {
    let id = prop_oneof![4 => 0..5_u64, 1 => Just(u64::MAX)];
    let name = "[ab\u{0}é]{1,2}";
    let parts = (0..9_u8, id, name, 0..4_u8, any::<u64>(), any::<String>());
    parts.prop_map(|(kind, id, name, hash, seed, text)| {
        let draw = &mut Draw(seed);
        match kind {
            0 | 1 => Change::PutAccount(Box::new(draw.account(id, &name))),
            2 => Change::RemoveAccount(AccountId(id)),
            3 => Change::PutProfile(AccountId(id), text),
            4 => Change::PutProxy(draw.proxy(&name)),
            5 if seed % 2 == 0 => Change::RemoveProxy(ProxyName::new(name)),
            5 => Change::SetGeneralProxy((seed % 3 == 0).then(|| ProxyName::new(name))),
            6 => Change::PutKey(Box::new(draw.key(&name, hash))),
            7 => Change::RemoveKey(KeyId::new(name)),
            _ => Change::PutKeyUsage(draw.usage(&name)),
        }
    })
}

fn kind(result: &Result<(), StoreError>) -> &'static str {
    match result {
        Ok(()) => "done",
        Err(StoreError::Conflict(_)) => "conflict",
        Err(
            StoreError::Unavailable(_)
            | StoreError::Key(_)
            | StoreError::InUse(_)
            | StoreError::TooBroad,
        ) => "broken",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_file_holds_what_a_map_holds(
        lists in prop::collection::vec(prop::collection::vec(change(), 0..8), 1..12)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut file = Backend::file();
            let model = MemoryStore::new();
            for changes in lists {
                let expected = model.apply(changes.clone()).await;
                prop_assert_ne!(kind(&expected), "broken");
                prop_assert_eq!(kind(&file.apply(changes).await), kind(&expected));
                let kept = file.store().load().await.unwrap();
                prop_assert_eq!(facts(&kept), facts(&model.load().await.unwrap()));
            }
            prop_assert_eq!(facts(&file.kept().await), facts(&model.load().await.unwrap()));
            Ok(())
        })?;
    }
}
