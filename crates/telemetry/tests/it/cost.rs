//! What a request costs whoever serves it. Not run by itself, for it is a measurement:
//! `cargo test -p telemetry --config 'profile.dev.package.telemetry.opt-level=3' cost -- --ignored --nocapture`

use std::hint::black_box;
use std::time::Instant;

use request_log::Observer as _;
use telemetry::Telemetry;

use crate::collector::{Collector, start};
use crate::entries::{alone, success};

const MANY: u32 = 200_000;

/// With those before, fewer than may wait: spans that find no room are not even made.
const FEW: u32 = 1000;

#[expect(clippy::print_stdout, reason = "a measurement is to be read")]
fn measure(what: &str, telemetry: &Telemetry, rounds: u32) -> u128 {
    let entry = success();
    (0..1000).for_each(|_| telemetry.finished(&entry));
    let began = Instant::now();
    for _ in 0..rounds {
        telemetry.finished(black_box(&entry));
    }
    let nanos = began.elapsed().as_nanos() / u128::from(rounds);
    println!("{what}: {nanos} ns per request");
    nanos
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_request_costs_a_few_microseconds() {
    assert!(measure("figures alone", &alone(), MANY) < 5_000);
    let collector = Collector::bind().await;
    let traces = start(&collector.url(), |otlp| otlp.metrics = false);
    assert!(measure("with traces", &traces, FEW) < 20_000);
    let metrics = start(&collector.url(), |otlp| otlp.traces = false);
    assert!(measure("with metrics by OTLP", &metrics, MANY) < 20_000);
}
