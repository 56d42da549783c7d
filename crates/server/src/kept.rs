//! Responses that clients asked to store: in memory, bounded in number, bytes and age, each seen
//! only by the client that made it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use dialects::openai_responses::Record;
use gateway::ClientId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Bounds of what is kept.
#[derive(Debug, Clone, Copy)]
pub struct KeptOptions {
    /// How long a response is kept after it was last written or continued.
    pub timeout: Duration,
    /// Most responses.
    pub most: usize,
    /// Most bytes of all of them.
    pub bytes: usize,
}

/// One response.
#[derive(Debug, Clone)]
pub(crate) struct KeptResponse {
    pub(crate) client: ClientId,
    pub(crate) body: Bytes,
    /// Items of the request, as JSON.
    pub(crate) input: Arc<[String]>,
    /// Items of the answer, as JSON.
    pub(crate) output: Arc<[String]>,
    /// The response it continues.
    pub(crate) previous: Option<String>,
    /// Whether it was made in the background; while it runs, the way to stop it.
    pub(crate) background: Background,
}

#[derive(Debug, Clone)]
pub(crate) enum Background {
    No,
    Running {
        stop: CancellationToken,
        /// The response as it is once it was stopped.
        cancelled: Bytes,
    },
    Over,
}

impl KeptResponse {
    /// The same response at a later stage.
    pub(crate) fn at(self, record: Record, background: Background) -> Self {
        let (body, output) = (record.body.into(), record.output_items.into());
        Self { body, output, background, ..self }
    }

    fn items(&self) -> impl Iterator<Item = &String> {
        self.input.iter().chain(self.output.iter())
    }

    fn bytes(&self) -> usize {
        self.body.len() + self.items().map(String::len).sum::<usize>()
    }
}

/// Why a conversation cannot go on from a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lacking {
    Response,
    Room,
}

/// The id of an item, if it has one.
fn item_id(item: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Item {
        id: Option<String>,
    }
    serde_json::from_str::<Item>(item).ok()?.id
}

#[derive(Debug)]
struct Entry {
    response: KeptResponse,
    bytes: usize,
    at: Instant,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Kept {
    options: ArcSwap<KeptOptions>,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_id: HashMap<String, Entry>,
    /// The response that an item was kept with last.
    by_item: HashMap<String, String>,
    bytes: usize,
}

/// Longest chain of responses that continue each other.
const LONGEST_CHAIN: usize = 10_000;
/// Most items that one request may refer to.
const MOST_REFERENCES: usize = 1024;

impl Kept {
    pub(crate) fn new(options: KeptOptions) -> Self {
        Self { options: ArcSwap::from_pointee(options), entries: Mutex::default() }
    }

    /// What is kept already is held to it when more comes.
    pub(crate) fn set_options(&self, options: KeptOptions) {
        self.options.store(Arc::new(options));
    }

    fn options(&self) -> KeptOptions {
        **self.options.load()
    }

    /// Keeps a response, or its later stage.
    pub(crate) fn put(&self, id: &str, response: KeptResponse) {
        self.lock().put(id, response, self.options());
    }

    /// Replaces a response that is still there; one that was deleted meanwhile stays deleted.
    pub(crate) fn update(&self, id: &str, response: KeptResponse) {
        let mut entries = self.lock();
        if entries.by_id.contains_key(id) {
            entries.put(id, response, self.options());
        }
    }

    pub(crate) fn get(&self, client: &ClientId, id: &str) -> Option<KeptResponse> {
        self.lock().get(client, id, self.options().timeout).cloned()
    }

    pub(crate) fn remove(&self, client: &ClientId, id: &str) -> Option<KeptResponse> {
        let mut entries = self.lock();
        entries.get(client, id, self.options().timeout)?;
        entries.remove(id)
    }

    /// All items of the conversation up to and with this response, oldest first.
    ///
    /// # Errors
    /// It or one that it continues is not there, or all of them are longer than `most` bytes.
    pub(crate) fn chain(
        &self,
        client: &ClientId,
        id: &str,
        most: usize,
    ) -> Result<Vec<String>, Lacking> {
        let mut chain = Vec::new();
        let mut bytes = 0;
        // Only the lists are taken out under the lock, not their texts.
        let mut entries = self.lock();
        let now = Instant::now();
        let mut next = Some(id.to_owned());
        while let Some(id) = next.take() {
            entries.get(client, &id, self.options().timeout).ok_or(Lacking::Response)?;
            let entry = entries.by_id.get_mut(&id).ok_or(Lacking::Response)?;
            // A conversation that goes on keeps its beginning.
            entry.at = now;
            bytes += entry.bytes;
            if bytes > most || chain.len() > LONGEST_CHAIN {
                return Err(Lacking::Room);
            }
            let response = &entry.response;
            chain.push((Arc::clone(&response.input), Arc::clone(&response.output)));
            next.clone_from(&response.previous);
        }
        drop(entries);
        let items = chain.iter().rev().flat_map(|(input, output)| input.iter().chain(&**output));
        Ok(items.cloned().collect())
    }

    /// Kept items with these ids; those that are not there are left out.
    pub(crate) fn items(&self, client: &ClientId, ids: &[String]) -> Vec<String> {
        let entries = self.lock();
        let mut found = Vec::new();
        for id in ids.iter().take(MOST_REFERENCES) {
            let response = entries
                .by_item
                .get(id)
                .and_then(|response| entries.get(client, response, self.options().timeout));
            let mut items = response.into_iter().flat_map(KeptResponse::items);
            found.extend(items.find(|item| item_id(item).as_deref() == Some(id)).cloned());
        }
        found
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn put(&mut self, id: &str, response: KeptResponse, options: KeptOptions) {
        let bytes = response.bytes();
        self.remove(id);
        if options.timeout.is_zero() || bytes > options.bytes {
            return;
        }
        self.bytes += bytes;
        for item in response.items().filter_map(|item| item_id(item)) {
            self.by_item.insert(item, id.to_owned());
        }
        self.by_id.insert(id.to_owned(), Entry { response, bytes, at: Instant::now() });
        if self.by_id.len() > options.most || self.bytes > options.bytes {
            self.make_room(options);
        }
    }

    fn get(&self, client: &ClientId, id: &str, timeout: Duration) -> Option<&KeptResponse> {
        let entry = self.by_id.get(id)?;
        (entry.at.elapsed() < timeout && entry.response.client == *client)
            .then_some(&entry.response)
    }

    fn remove(&mut self, id: &str) -> Option<KeptResponse> {
        let entry = self.by_id.remove(id)?;
        self.bytes -= entry.bytes;
        for item in entry.response.items().filter_map(|item| item_id(item)) {
            if self.by_item.get(&item).is_some_and(|owner| owner == id) {
                self.by_item.remove(&item);
            }
        }
        Some(entry.response)
    }

    /// Drops what is too old, then the oldest down to nine tenths of the bounds, so that this
    /// happens seldom.
    fn make_room(&mut self, options: KeptOptions) {
        let mut ids: Vec<(Instant, String)> =
            self.by_id.iter().map(|(id, entry)| (entry.at, id.clone())).collect();
        ids.sort_unstable();
        let most = options.most - options.most / 10;
        let bytes = options.bytes - options.bytes / 10;
        for (at, id) in ids {
            let fits = self.by_id.len() <= most && self.bytes <= bytes;
            if fits && at.elapsed() < options.timeout {
                break;
            }
            self.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: KeptOptions =
        KeptOptions { timeout: Duration::from_secs(60), most: 3, bytes: 1000 };

    fn client() -> ClientId {
        ClientId::new("a")
    }

    fn response(input: &str, output: &str, previous: Option<&str>) -> KeptResponse {
        KeptResponse {
            client: client(),
            body: Bytes::from_static(b"{}"),
            input: [input.to_owned()].into(),
            output: [output.to_owned()].into(),
            previous: previous.map(str::to_owned),
            background: Background::No,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_chain_gives_all_items_oldest_first() {
        let kept = Kept::new(OPTIONS);
        kept.put("r1", response("q1", "a1", None));
        kept.put("r2", response("q2", "a2", Some("r1")));
        let chain = || kept.chain(&client(), "r2", 1000);
        assert_eq!(chain().expect("a chain"), ["q1", "a1", "q2", "a2"]);
        assert_eq!(kept.chain(&client(), "r2", 10), Err(Lacking::Room));
        assert!(kept.remove(&client(), "r1").is_some());
        assert_eq!(chain(), Err(Lacking::Response), "its beginning is gone");
    }

    /// Defect: answers of others pushed the beginning of a running conversation out.
    #[tokio::test(start_paused = true)]
    async fn a_conversation_that_goes_on_keeps_its_beginning() {
        let kept = Kept::new(OPTIONS);
        kept.put("r1", response("q1", "a1", None));
        for id in ["x", "y", "z"] {
            tokio::time::advance(Duration::from_secs(1)).await;
            assert!(kept.chain(&client(), "r1", 1000).is_ok(), "before {id}");
            kept.put(id, response("q", "a", None));
        }
        assert!(kept.get(&client(), "r1").is_some() && kept.get(&client(), "x").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn items_are_found_by_their_ids() {
        let kept = Kept::new(OPTIONS);
        let (one, two) = (r#"{"type":"x","id":"i1"}"#, r#"{"id":"i2"}"#);
        kept.put("r1", response(one, two, None));
        let ids = ["i2", "i3", "i1"].map(str::to_owned);
        assert_eq!(kept.items(&client(), &ids), [two, one]);
        assert!(kept.items(&ClientId::new("b"), &ids).is_empty());
        kept.remove(&client(), "r1");
        assert!(kept.items(&client(), &ids).is_empty() && kept.lock().by_item.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_sees_what_another_client_stored() {
        let kept = Kept::new(OPTIONS);
        kept.put("r1", response("q1", "a1", None));
        let other = ClientId::new("b");
        assert!(kept.get(&other, "r1").is_none());
        assert_eq!(kept.chain(&other, "r1", 1000), Err(Lacking::Response));
        assert!(kept.remove(&other, "r1").is_none() && kept.get(&client(), "r1").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn age_number_and_bytes_are_bounded() {
        let kept = Kept::new(OPTIONS);
        for id in ["r1", "r2", "r3", "r4"] {
            kept.put(id, response("q", "a", None));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(kept.get(&client(), "r1").is_none() && kept.get(&client(), "r4").is_some());
        kept.put("big", response(&"x".repeat(2000), "a", None));
        assert!(kept.get(&client(), "big").is_none());
        kept.put("r5", response(&"x".repeat(900), "a", None));
        assert!(kept.get(&client(), "r5").is_some() || kept.lock().bytes <= OPTIONS.bytes);
        assert!(kept.lock().bytes <= OPTIONS.bytes);
        kept.put("r6", response("q", "a", None));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(kept.get(&client(), "r6").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_deleted_while_it_ran_stays_deleted() {
        let kept = Kept::new(OPTIONS);
        kept.put("r1", response("q", "", None));
        kept.remove(&client(), "r1");
        kept.update("r1", response("q", "a", None));
        assert!(kept.get(&client(), "r1").is_none());
    }
}
