//! Which of the upstream's hosts is asked, and as what the gateway calls there.

use accounts::Region;
use serde_json::{Value, json};
use simulator::Control;
use tokio::task::JoinSet;
use upstream::ClientType;

use super::{KNOWN, STREAM, SYNC, UPLOAD, about, events, sync, text, upload};
use crate::rig::{ADMIN, ANN, Rig, session, simulate};

const WORDS: [&str; 3] = ["Asia", "EU", "US"];
const CONFIG: &str = "/aiserver.v1.AiService/CppConfig";

/// A gateway with hosts for each region and for the settings.
struct World {
    rig: Rig,
    /// In the order of [`WORDS`].
    hosts: [Control; 3],
    config: Control,
    _tasks: JoinSet<()>,
}

async fn world(general: Region) -> World {
    let mut tasks = JoinSet::new();
    let (asia, asia_control) = simulate(&mut tasks).await;
    let (eu, eu_control) = simulate(&mut tasks).await;
    let (us, us_control) = simulate(&mut tasks).await;
    let (config, config_control) = simulate(&mut tasks).await;
    let rig = Rig::set_up(|setup| {
        setup.endpoints.completion = upstream::CompletionEndpoints { asia, eu, us, config };
        setup.gateway.completion.region = general;
    });
    let hosts = [asia_control, eu_control, us_control];
    World { rig: rig.await, hosts, config: config_control, _tasks: tasks }
}

impl World {
    /// Works on a file as the holder of a key; gives the region whose host saw all of it.
    async fn works_in(&self, key: &str) -> &'static str {
        let before = self.seen();
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), KNOWN[0]];
        let requests = [
            ("/file/upload", upload("f(", 1)),
            ("/file/sync", sync(2, (0, 0), "a", "af(")),
            ("/cpp/stream", about("f(", 0, 2)),
        ];
        for (path, body) in requests {
            let answer = self.rig.call("POST", path, &headers, &body.to_string()).await;
            assert_eq!(answer.status, 200, "{path} {answer:?}");
            if path != "/cpp/stream" {
                assert_eq!(answer.json(), json!({"error": "unspecified"}));
            }
        }
        let after = self.seen();
        let at = (0..3).find(|at| after[*at].len() > before[*at].len()).expect("one was asked");
        assert_eq!(after[at][before[at].len()..], [UPLOAD, SYNC, STREAM]);
        let others: usize = (0..3).filter(|other| *other != at).map(|at| after[at].len()).sum();
        assert_eq!(others, (0..3).filter(|o| *o != at).map(|at| before[at].len()).sum::<usize>());
        assert!(self.rig.control.calls().iter().all(|call| !call.path.contains("FileSync")));
        WORDS[at]
    }

    fn seen(&self) -> [Vec<String>; 3] {
        self.hosts.each_ref().map(|host| host.calls().into_iter().map(|call| call.path).collect())
    }

    async fn add(&self, region: Option<&str>) {
        let mut account = json!({"alias": "ann", "token": session(ANN)});
        if let Some(region) = region {
            account["gcpp_host"] = json!(region);
        }
        let added = self.rig.post("/tokens/add", &json!({"tokens": [account]})).await;
        assert_eq!(added.json()["tokens_count"], 1, "{added:?}");
    }
}

#[tokio::test]
async fn the_settings_the_account_and_the_key_choose_the_host_in_that_order() {
    let world = world(Region::Eu).await;
    world.add(None).await;
    assert_eq!(world.works_in(ADMIN).await, "EU");
    world.rig.post("/tokens/del", &json!({"aliases": ["ann"]})).await;
    world.add(Some("Asia")).await;
    assert_eq!(world.works_in(ADMIN).await, "Asia");
    for region in WORDS {
        let key = world.rig.key(&json!({"options": {"gcpp_host": region}})).await;
        assert_eq!(world.works_in(&key.forms[0]).await, region);
    }
    let key = world.rig.key(&json!({})).await;
    assert_eq!(world.works_in(&key.forms[0]).await, "Asia");
}

#[tokio::test]
async fn every_region_can_be_the_general_one() {
    for (region, word) in [Region::Asia, Region::Eu, Region::Us].into_iter().zip(WORDS) {
        let world = world(region).await;
        world.add(None).await;
        assert_eq!(world.works_in(ADMIN).await, word);
    }
}

#[tokio::test]
async fn the_settings_of_editors_have_a_host_of_their_own_and_the_models_the_general_one() {
    let world = world(Region::Asia).await;
    world.add(None).await;
    let config = world.rig.post("/cpp/config", &json!({"model": "fast"})).await;
    assert_eq!(config.status, 200, "{config:?}");
    assert_eq!(world.rig.post("/cpp/models", &json!({})).await.status, 200);
    let calls = world.config.calls();
    assert_eq!(calls.iter().map(|call| call.path.as_str()).collect::<Vec<_>>(), [CONFIG]);
    let general = world.rig.control.calls();
    assert!(general.iter().any(|call| call.path == "/aiserver.v1.CppService/AvailableModels"));
    assert!(world.seen().iter().all(Vec::is_empty));
}

/// The upstream gives the command line an empty stream.
#[tokio::test]
async fn a_gateway_that_calls_itself_the_command_line_completes_code() {
    let rig = Rig::set_up(|setup| {
        setup.identity.client_type = ClientType::Cli;
        setup.identity.client_version = "cli-2026.01.09-231024f".into();
    });
    let rig = rig.await.peopled().await;
    let answer = super::complete(&rig, &about("f(", 0, 2)).await;
    assert_eq!(text(&events(&answer)), "\nf()");
    let prompt: Value = json!({"model": "fast", "prompt": "f(", "suffix": "\n"});
    let answer = rig.post("/v1/completions", &prompt).await;
    assert_eq!((answer.status, &answer.json()["choices"][0]["text"]), (200, &json!(")")));
}
