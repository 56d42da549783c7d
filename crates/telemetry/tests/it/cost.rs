//! What a request costs whoever serves it. Not run by itself, for it is a measurement:
//! `cargo test -p telemetry --config 'profile.dev.package.telemetry.opt-level=3' cost -- --ignored --nocapture`

use std::hint::black_box;
use std::time::Instant;

use request_log::Observer as _;
use telemetry::Telemetry;

use crate::collector::{Collector, start};
use crate::entries::{alone, success};

const ROUNDS: u32 = 200_000;

#[expect(clippy::print_stdout, reason = "a measurement is to be read")]
fn measure(what: &str, telemetry: &Telemetry) -> u128 {
    let entry = success();
    (0..1000).for_each(|_| telemetry.finished(&entry));
    let began = Instant::now();
    for _ in 0..ROUNDS {
        telemetry.finished(black_box(&entry));
    }
    let nanos = began.elapsed().as_nanos() / u128::from(ROUNDS);
    println!("{what}: {nanos} ns per request");
    nanos
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_request_costs_a_few_microseconds() {
    assert!(measure("figures alone", &alone()) < 5_000);
    let collector = Collector::bind().await;
    assert!(measure("with traces and metrics", &start(&collector.url(), |_| ())) < 20_000);
}
