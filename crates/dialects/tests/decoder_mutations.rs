//! Every request decoder against its seeds and many mutations of them, the same ones each time.
//! The work is bounded by the number of bodies and their length, not by a clock. Seeds are the
//! request fixtures of a dialect and what stands in `fuzz/seeds` besides.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use conversation::Failure;
use dialects::{Decoded, Ignored, ImagePolicy, Images};

/// What a decoder makes of a body, as far as it matters here.
type Outcome = Result<Ignored, Failure>;
type Decoder = fn(&[u8]) -> Outcome;

/// By the name of the fuzz target, which is also that of the folders.
const DECODERS: [(&str, Decoder); 5] = [
    ("anthropic", anthropic),
    ("editor", editor),
    ("openai_chat", openai_chat),
    ("openai_completions", openai_completions),
    ("openai_responses", openai_responses),
];

/// Bodies made of each seed.
const MUTATIONS: usize = 1000;
/// Longest body, in bytes.
const MAX_BODY: usize = 16 << 10;

/// Small pictures: this is about our decoders, not about those of pictures.
fn images() -> Images {
    Images::from(ImagePolicy { max_pixels: 10_000, remote: true, ..ImagePolicy::default() })
}

fn anthropic(body: &[u8]) -> Outcome {
    dialects::anthropic::decode(body, &images()).map(ignored)
}

/// A body of any of the editor's endpoints; the one with most fields tells what is wrong.
fn editor(body: &[u8]) -> Outcome {
    use dialects::editor::{decode_config, decode_stream, decode_sync, decode_upload};
    let others = [
        decode_config(body).map(|decoded| decoded.ignored),
        decode_sync(body).map(|decoded| decoded.ignored),
        decode_upload(body).map(|decoded| decoded.ignored),
    ];
    let stream = decode_stream(body).map(|decoded| decoded.ignored);
    others.into_iter().fold(stream, Result::or)
}

fn openai_chat(body: &[u8]) -> Outcome {
    dialects::openai_chat::decode(body, &images()).map(ignored)
}

fn openai_completions(body: &[u8]) -> Outcome {
    let read = dialects::openai_completions::read;
    let insertion = read(body)?.insertion().map(|insertion| insertion.ignored);
    read(body)?.continuation().map(ignored).or(insertion)
}

fn openai_responses(body: &[u8]) -> Outcome {
    // What `request-sdk-continued` goes on from.
    const EARLIER: &str = r#"{"type":"function_call","id":"fc_0","status":"completed","call_id":"call_9","name":"get_weather","arguments":"{}"}"#;
    let request = dialects::openai_responses::read(body)?;
    let earlier = match request.previous_response_id() {
        Some(_) => vec![EARLIER.to_owned()],
        None => Vec::new(),
    };
    request.decode(&earlier, &images()).map(ignored)
}

fn ignored<F>(decoded: Decoded<F>) -> Ignored {
    decoded.ignored
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of a folder by name; none where the folder is not there.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return BTreeMap::new(),
        Err(error) => panic!("{}: {error}", folder.display()),
    };
    entries
        .map(|entry| {
            let path = entry.expect("readable").path();
            let name = path.file_name().expect("a name").to_str().expect("UTF-8").to_owned();
            (name, fs::read(path).expect("readable"))
        })
        .collect()
}

fn fixtures(target: &str) -> BTreeMap<String, Vec<u8>> {
    let mut fixtures = files(&root().join("fixtures/clients").join(target));
    fixtures.retain(|name, _| name.starts_with("request-") && name.ends_with(".json"));
    assert!(!fixtures.is_empty(), "{target} has no request fixtures");
    fixtures
}

/// What `fuzz/seeds` has for a target; only some need it.
fn extra(target: &str) -> BTreeMap<String, Vec<u8>> {
    files(&root().join("fuzz/seeds").join(target))
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    fixtures(target).into_values().chain(extra(target).into_values()).collect()
}

/// Checks what holds for any body: the decoder returns, and what it says stays short.
fn check(decode: Decoder, body: &[u8]) -> Outcome {
    let outcome = decode(body);
    match &outcome {
        Ok(ignored) => assert!(ignored.to_string().len() < 8 << 10, "{ignored}"),
        Err(failure) => {
            assert!(!failure.client.is_empty(), "{failure:?}");
            assert!(failure.client.len() < 1000 && failure.log.len() < 1500, "{failure:?}");
            assert!(failure.param.as_ref().is_none_or(|param| param.len() < 500), "{failure:?}");
        }
    }
    outcome
}

#[test]
fn every_seed_is_decoded_or_refused() {
    for (target, decode) in DECODERS {
        let seeds = seeds(target);
        let good = seeds.iter().filter(|seed| check(decode, seed).is_ok()).count();
        assert!(good * 2 >= seeds.len(), "{target}: mutations need something good to begin with");
    }
}

#[test]
fn every_mutation_is_decoded_or_refused() {
    for (target, decode) in DECODERS {
        let seeds = seeds(target);
        let mut random = Random(0x0005_eed0);
        let mut accepted = 0;
        for seed in &seeds {
            for _ in 0..MUTATIONS {
                let mut body = seed.clone();
                for _ in 0..=random.below(3) {
                    mutate(&mut body, &seeds, &mut random);
                }
                body.truncate(MAX_BODY);
                accepted += usize::from(check(decode, &body).is_ok());
            }
        }
        let all = seeds.len() * MUTATIONS;
        // Where nothing passed the first step, the later ones were not tried.
        assert!(accepted > all / 50 && accepted < all, "{target}: {accepted} of {all} accepted");
    }
}

#[test]
fn every_seed_is_named_for_a_target_and_copies_nothing() {
    let targets = DECODERS.map(|(name, _)| name);
    for entry in fs::read_dir(root().join("fuzz/seeds")).expect("the seeds") {
        let name = entry.expect("readable").file_name();
        let target = name.to_str().expect("UTF-8");
        assert!(targets.contains(&target), "{target} is no target");
        let fixtures = fixtures(target);
        for (name, seed) in extra(target) {
            assert!(!fixtures.values().any(|fixture| *fixture == seed), "{target}/{name}");
        }
    }
}

#[test]
fn every_fuzz_target_is_run_here() {
    let targets = files(&root().join("fuzz/fuzz_targets"));
    let expected: Vec<String> = DECODERS.iter().map(|(name, _)| format!("{name}.rs")).collect();
    assert_eq!(targets.into_keys().collect::<Vec<_>>(), expected);
}

/// `splitmix64`: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Less than `bound`; zero where that is zero.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).expect("64 bits");
        usize::try_from(self.next() % bound).expect("below a usize")
    }
}

/// Values that may stand where another was.
const VALUES: [&str; 20] = [
    "null",
    "true",
    "0",
    "-1",
    "1e999",
    "0.5",
    "\"\"",
    "\"x\"",
    "[]",
    "{}",
    "[{}]",
    "[null]",
    "[[[[",
    "\"\\ud800\"",
    "18446744073709551616",
    "\"tool\"",
    "{\"type\":\"custom\"}",
    "\"assistant\"",
    "\"data:image/png;base64,iVBORw0KGgo\"",
    "\"https://example.com/a.png\"",
];

fn mutate(body: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(body.len());
    let end = (at + 1 + random.below(40)).min(body.len());
    match random.below(9) {
        0 if !body.is_empty() => body[at] ^= 1 << random.below(8),
        1 => body.truncate(at),
        2 => drop(body.drain(at..end)),
        3 => {
            let piece = body[at..end].to_vec();
            let to = random.below(body.len());
            body.splice(to..to, piece);
        }
        4 => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len());
            body.truncate(at);
            body.extend_from_slice(&other[from..]);
        }
        5 => {
            let open = if random.below(2) == 0 { b'[' } else { b'{' };
            let depth = random.below(300);
            body.splice(at..at, std::iter::repeat_n(open, depth));
        }
        6 => {
            let bytes = random.next().to_le_bytes();
            body.splice(at..at, bytes);
        }
        _ => replace_value(body, at, VALUES[random.below(VALUES.len())]),
    }
}

/// Puts another value after the next colon or comma.
fn replace_value(body: &mut Vec<u8>, at: usize, value: &str) {
    let Some(mark) = body[at..].iter().position(|byte| matches!(byte, b':' | b',' | b'[')) else {
        return;
    };
    let start = at + mark + 1;
    let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']');
    let end = body[start..].iter().position(ends).map_or(body.len(), |length| start + length);
    body.splice(start..end, value.bytes());
}
