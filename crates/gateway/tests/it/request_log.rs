//! Who sees which entries of the request log, and finding them by what is known of accounts.

use std::sync::Arc;
use std::time::Duration;

use accounts::{AccountId, Alias, KeyId, UnixMs};
use gateway::{AccountInput, Beginning, KeyInput, LogProblem, LogQuery, Viewer};
use request_log::{Chain, Dialect, Entry, Gaps, Query, Status, Timing, Who};
use simulator::Config;
use store::{MemoryRequestLog, MemoryStore, RequestLog as _, StoreError};
use upstream::Flow;

use crate::rig::{ANN, BOB, Rig, begin, declared, options, session, soon};

fn entry(id: u64, who: Who, account: Option<u64>) -> Entry {
    Entry {
        id,
        request_id: format!("req_{id}"),
        started: UnixMs(id * 1000),
        dialect: Dialect::OpenAiChat,
        endpoint: "/v1/chat/completions".into(),
        who,
        account: account.map(|id| (AccountId(id), Alias::new("then"))),
        model: "gpt-5".into(),
        served_model: None,
        flow: None,
        stream: false,
        status: Status::Success,
        http_status: Some(200),
        fault: None,
        attempts: Vec::new(),
        timing: Timing { total: Duration::from_secs(1), ..Timing::default() },
        chain: Chain::default(),
        usage: None,
        close: None,
        ignored: String::new(),
        content: None,
        gaps: Gaps::default(),
        trace: None,
    }
}

/// Ann's account and Bob's, and a log.
async fn rig() -> (Rig, Arc<MemoryRequestLog>) {
    let log = Arc::new(MemoryRequestLog::new());
    let credentials = [session(ANN), session(BOB)];
    let credentials: Vec<&str> = credentials.iter().map(String::as_str).collect();
    let store = Arc::new(MemoryStore::new());
    let mut rig = Rig::start(Flow::Agent, &[], options(), Config::default()).await;
    let request_log: Arc<dyn store::RequestLog> = Arc::<MemoryRequestLog>::clone(&log);
    let declared = declared(&credentials);
    let beginning = Beginning { declared, request_log: Some(request_log), ..Beginning::default() };
    rig.gateway = begin(&rig.url, options(), Arc::clone(&rig.clock), store, beginning).await;
    (rig, log)
}

fn number(rig: &Rig, alias: &str) -> u64 {
    rig.gateway.account(alias).expect("the account").record.id.0
}

async fn ids(rig: &Rig, viewer: &Viewer, mut query: LogQuery) -> Vec<u64> {
    query.query.limit = 100;
    let found = rig.gateway.find_requests(viewer, query.clone()).await.expect("a page");
    let read = rig.gateway.read_requests(viewer, query).await.expect("a page");
    let ids = |entries: &[Entry]| entries.iter().map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(ids(&found.entries), ids(&read.entries));
    assert_eq!(found.total, found.entries.len() as u64);
    ids(&found.entries)
}

fn by(change: impl FnOnce(&mut LogQuery)) -> LogQuery {
    let mut query = LogQuery::default();
    change(&mut query);
    query
}

#[tokio::test]
async fn entries_are_found_by_what_is_known_of_their_account() {
    let (rig, log) = rig().await;
    let aliases = ["account-0".to_owned(), "account-1".to_owned()];
    soon("profiles", rig.gateway.update_profiles(&aliases)).await.expect("profiles");
    let (ann, bob) = (number(&rig, "account-0"), number(&rig, "account-1"));
    let who = Who::Operator;
    let entries = vec![
        entry(1, who.clone(), Some(ann)),
        entry(2, who.clone(), Some(bob)),
        entry(3, who.clone(), Some(999)),
        entry(4, who, None),
    ];
    log.put(entries).await.expect("put");
    let view = rig.gateway.account("account-0").expect("ann");
    let user = view.profile.user.clone().expect("a user");
    let email = user.email.expect("an address");
    let plan = view.profile.stripe.as_ref().expect("stripe").membership_type.to_string();

    let operator = Viewer::Operator;
    let user_number = user.user_id.to_string();
    let found = |query| ids(&rig, &operator, query);
    assert_eq!(found(LogQuery::default()).await, [1, 2, 3, 4]);
    assert_eq!(found(by(|q| q.user_id = Some(ANN.to_owned()))).await, [1]);
    assert!(found(by(|q| q.user_id = Some(user_number))).await.contains(&1));
    assert_eq!(found(by(|q| q.user_id = Some(ANN[..10].to_owned()))).await, [0; 0]);
    assert!(found(by(|q| q.email = Some(email[1..].to_uppercase()))).await.contains(&1));
    assert_eq!(found(by(|q| q.email = Some("%".to_owned()))).await, [0; 0]);
    assert!(found(by(|q| q.membership = Some(plan))).await.contains(&1));
    assert_eq!(found(by(|q| q.membership = Some("gold".to_owned()))).await, [0; 0]);
    assert_eq!(found(by(|q| q.account = Some("account-1".to_owned()))).await, [2]);
    assert_eq!(found(by(|q| q.account = Some(bob.to_string()))).await, [2]);
    assert_eq!(found(by(|q| q.account = Some("999".to_owned()))).await, [3]);
    assert_eq!(found(by(|q| q.account = Some("nobody".to_owned()))).await, [0; 0]);
    let both = by(|q| {
        q.user_id = Some(ANN.to_owned());
        q.account = Some("account-1".to_owned());
    });
    assert_eq!(found(both).await, [0; 0]);
    let none = by(|q| q.query.accounts = Some(Vec::new()));
    assert_eq!(found(none).await, [0; 0]);
}

/// Invariant: a key sees its own requests alone, and learns nothing of accounts by asking.
#[tokio::test]
async fn a_key_sees_its_own_entries_and_its_own_account() {
    let (rig, log) = rig().await;
    let account = AccountInput {
        primary: Some(session("user_01CCCCCCCCCCCCCCCCCCCCCCCC").into()),
        ..AccountInput::default()
    };
    let built = rig.gateway.build_key(account, KeyInput::default()).await.expect("a key").view;
    let key = built.record.id.clone();
    let own = built.account_view.expect("its account").record.id.0;
    let ann = number(&rig, "account-0");
    let other = Who::Key(KeyId::new("key_other"));
    let entries = vec![
        entry(1, Who::Operator, Some(ann)),
        entry(2, Who::Key(key.clone()), Some(own)),
        entry(3, other.clone(), Some(own)),
        entry(4, Who::Shared, Some(ann)),
        entry(5, Who::Key(key.clone()), Some(ann)),
    ];
    log.put(entries).await.expect("put");

    let viewer = Viewer::Caller(Who::Key(key.clone()));
    let found = |query| ids(&rig, &viewer, query);
    assert_eq!(found(LogQuery::default()).await, [2, 5]);
    assert_eq!(found(by(|q| q.query.who = Some(Who::Key(key.clone())))).await, [2, 5]);
    for who in [Who::Operator, Who::Shared, other] {
        assert_eq!(found(by(|q| q.query.who = Some(who.clone()))).await, [0; 0], "{who:?}");
    }
    // Ann's account served it, which is the operator's to know.
    assert_eq!(found(by(|q| q.user_id = Some(ANN.to_owned()))).await, [0; 0]);
    assert_eq!(found(by(|q| q.account = Some("account-0".to_owned()))).await, [0; 0]);
    assert_eq!(found(by(|q| q.account = Some(ann.to_string()))).await, [0; 0]);
    assert_eq!(found(by(|q| q.account = Some(own.to_string()))).await, [2]);
    assert_eq!(found(by(|q| q.account = Some(key.to_string()))).await, [2]);
    let by_token = by(|q| q.user_id = Some("user_01CCCCCCCCCCCCCCCCCCCCCCCC".to_owned()));
    assert_eq!(found(by_token).await, [2]);
    let shared = Viewer::Caller(Who::Shared);
    assert_eq!(ids(&rig, &shared, LogQuery::default()).await, [4]);
    assert!(rig.gateway.logged_account(&viewer, AccountId(own)).is_some());
    assert!(rig.gateway.logged_account(&viewer, AccountId(ann)).is_none());
    assert!(rig.gateway.logged_account(&shared, AccountId(ann)).is_none());
    assert!(rig.gateway.logged_account(&Viewer::Operator, AccountId(ann)).is_some());
}

#[tokio::test]
async fn a_missing_log_and_a_broken_one_are_told_apart() {
    let without = Rig::start(Flow::Agent, &[], options(), Config::default()).await;
    let ask = |rig: Rig| async move {
        let query =
            LogQuery { query: Query { limit: 1, ..Query::default() }, ..LogQuery::default() };
        rig.gateway.find_requests(&Viewer::Operator, query).await.expect_err("a problem")
    };
    assert!(matches!(ask(without).await, LogProblem::Off));
    let (with, log) = rig().await;
    log.fail_next(StoreError::TooBroad);
    assert!(matches!(ask(with).await, LogProblem::TooBroad));
    let (with, log) = rig().await;
    log.fail_next(StoreError::Unavailable("canary".to_owned()));
    let problem = ask(with).await;
    assert!(matches!(problem, LogProblem::Store(_)));
    assert!(!problem.to_string().contains("canary"), "{problem}");
}
