//! No secret is ever seen in a log, an error or a debug text.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway::{AccountInput, KeyInput};
use secrecy::{ExposeSecret as _, SecretString};
use simulator::{AccountBehaviour, Config, tokens};
use store::Store as _;
use tracing_subscriber::fmt::MakeWriter;

use crate::rig::{
    ANN, BOB, FLOWS, Rig, asked, grant, input, memory, names, options, session_for, turn,
};

/// What was logged.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

const PASSWORD: &str = "canary-proxy-password";
const DAYS: Duration = Duration::from_secs(30 * 24 * 3600);

fn text(secret: &SecretString) -> String {
    secret.expose_secret().to_owned()
}

#[tokio::test]
async fn no_secret_is_seen_anywhere() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    // Of this thread, on which all of this test runs.
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut seen = String::new();
    let mut secrets = vec![PASSWORD.to_owned()];
    for flow in FLOWS {
        let (more, texts) = busy(flow).await;
        secrets.extend(more);
        seen += &texts;
    }
    let logged = String::from_utf8(log.0.lock().expect("lock").clone()).expect("text");
    assert!(logged.contains("gateway::") && logged.contains("TRACE"), "it was listened to");
    assert!(secrets.len() > 30, "{}", secrets.len());
    for secret in &secrets {
        assert!(secret.len() >= 16);
        for (place, text) in [("log", &logged), ("texts", &seen)] {
            if let Some(at) = text.find(secret.as_str()) {
                let from = text[..at].rfind('\n').unwrap_or(0);
                panic!("{place}: {}", &text[from..at + secret.len()]);
            }
        }
    }
}

/// Everything happens once; gives the secrets, and all that could be printed.
async fn busy(flow: upstream::Flow) -> (Vec<String>, String) {
    let store = memory();
    let config = Config { refresh_lifetime: Some(2 * DAYS), ..Config::default() };
    let mut secrets = Vec::new();
    let mut seen = String::new();
    let ann = AccountInput {
        refresh: Some(session_for(ANN, 2 * DAYS).into()),
        secondary: Some(tokens::web_token(ANN, std::time::SystemTime::now() + DAYS).into()),
        ..input("ann", &session_for(ANN, DAYS))
    };
    let api = input("api", "key_canary0123456789");
    for row in [&ann, &api] {
        let all = [&row.primary, &row.secondary, &row.refresh];
        secrets.extend(all.into_iter().flatten().map(text));
    }
    writeln!(seen, "{ann:?} {api:?}").expect("text");
    let options = gateway::Options { flow, ..options() };
    let mut rig = Rig::over(store.clone(), vec![ann.clone(), api], options.clone(), config).await;
    let gateway = rig.gateway.clone();
    gateway.start();
    let proxy = format!("http://user:{PASSWORD}@127.0.0.1:9");
    let mut note = |what: &dyn std::fmt::Debug| writeln!(seen, "{what:?}").expect("text");
    note(&gateway.add_proxies(vec![("dead".into(), proxy.into())]).await);
    let bad = format!("ftp://user:{PASSWORD}@nowhere");
    note(&gateway.add_proxies(vec![("bad".into(), bad.into())]).await);
    note(&gateway.test_proxy("dead").await);
    note(&gateway.proxies());
    let broken = format!("{}x", session_for(BOB, DAYS));
    let spoilt = format!("user_01CCCCCCCCCCCCCCCCCCCCCCCC::{}", session_for(BOB, DAYS));
    secrets.extend([broken.clone(), spoilt.clone()]);
    let rows = vec![
        input("bob", &session_for(BOB, DAYS)),
        input("dup", ann.primary.as_ref().expect("there").expose_secret()),
        input("spoilt", &spoilt),
        AccountInput { timezone: Some("no".into()), ..input("broken", &broken) },
    ];
    note(&gateway.add_accounts(rows.clone(), true).await);
    note(&gateway.set_accounts(rows).await);
    let mut keys = Vec::new();
    let built = AccountInput { alias: None, ..input("", &session_for(BOB, 2 * DAYS)) };
    secrets.extend(built.primary.iter().map(text));
    keys.push(gateway.create_key(KeyInput::default()).await.expect("made"));
    keys.push(gateway.build_key(built, KeyInput::default()).await.expect("built"));
    let id = keys[0].view.record.id.clone();
    keys.push(gateway.rotate_key(&id, Duration::from_secs(60)).await.expect("rotated"));
    for key in &keys {
        note(key);
        let forms = [&key.text, &key.number_base64, &key.number].map(text);
        for form in &forms {
            let grant = gateway.authenticate(form);
            note(&grant);
            note(&rig.ask_as(&Arc::new(grant.expect("opens")), turn("[[sim: say a]]")).await);
            note(&gateway.authenticate(&form[..form.len() - 1]));
        }
        secrets.extend(forms);
    }
    note(&gateway.authenticate(ann.primary.as_ref().expect("there").expose_secret()));
    note(&gateway.rename_accounts(vec![("bob".into(), "ann".into())]).await);
    let everybody = names(["ann", "api", "bob"]);
    note(&gateway.refresh_accounts(&everybody).await);
    note(&gateway.update_profiles(&everybody).await);
    note(&gateway.update_config_versions(&everybody).await);
    note(&gateway.test_accounts(&everybody).await);
    let login = gateway.begin_login();
    note(&login);
    note(&gateway.finish_login(login.id, None).await);
    let web = tokens::web_token(BOB, std::time::SystemTime::now() + 2 * DAYS);
    match gateway.upgrade_token(web.as_str().into()).await {
        Ok(token) => secrets.push(text(&token)),
        Err(error) => panic!("{error}"),
    }
    note(&gateway.token_profile(web.as_str().into(), "".into(), None, true).await);
    note(&gateway.config_version_of(ann.clone()).await);
    secrets.push(web);
    for behaviour in [
        AccountBehaviour::LoggedOut,
        AccountBehaviour::QuotaReached,
        AccountBehaviour::RateLimited { retry_after: None },
        AccountBehaviour::Down,
        AccountBehaviour::Healthy,
    ] {
        rig.treat(ANN, behaviour.clone());
        rig.treat(BOB, behaviour);
        let ask = asked("[[sim: say a]]");
        note(&ask);
        note(&gateway.answer(ask).await);
        note(&rig.ask_as(&grant(), turn("[[sim: error unauthenticated]]")).await);
        note(&gateway.clear_marks(&everybody).await);
        note(&gateway.refresh_accounts(&everybody).await);
    }
    gateway.set_account_proxy(&everybody, Some("dead".into())).await.expect("told");
    note(&rig.ask_as(&grant(), turn("[[sim: say a]]")).await);
    note(&gateway.refresh_accounts(&everybody).await);
    store.fail_next(store::StoreError::Unavailable("the disk is full".into()));
    note(&gateway.enable_accounts(&everybody, true).await);
    rig.restart(store.clone(), vec![ann], options).await;
    note(&rig.gateway);
    note(&(rig.gateway.accounts(), rig.gateway.keys(), rig.gateway.proxies()));
    note(&gateway.revoke_keys(&[id.as_str().to_owned()]).await);
    let kept = store.load().await.expect("loaded");
    for account in &kept.accounts {
        let tokens = &account.tokens;
        secrets.push(text(&tokens.primary));
        secrets.extend([&tokens.secondary, &tokens.refresh].into_iter().flatten().map(text));
    }
    note(&kept);
    (secrets, seen)
}
