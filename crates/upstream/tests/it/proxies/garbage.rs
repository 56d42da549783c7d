//! Whatever a proxy says, a connection is refused in time and nothing breaks.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use upstream::UpstreamError;
use upstream::transport::TransportOptions;

use super::servers::{Manner, Proxy, Rules};
use super::{origin, via, way};
use crate::support::pool;

const TIMEOUT: Duration = Duration::from_millis(100);

/// Noise, by itself or after the beginning of something sensible.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    let beginnings: [&[u8]; 9] = [
        b"",
        b"HTTP/1.1 ",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"\x05",
        b"\x05\x02\x01\x00",
        b"\x05\x00\x05\x00\x00",
        b"\x05\x00\x05\x00\x00\x03",
        b"\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00",
    ];
    let noise = proptest::collection::vec(any::<u8>(), 0..600);
    (proptest::sample::select(beginnings.to_vec()), noise)
        .prop_map(|(beginning, noise)| [beginning, &noise].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn noise_is_refused_in_time(
        bytes in answers(),
        hangs_up: bool,
        scheme in proptest::sample::select(vec!["http", "https", "socks5", "socks5h"]),
        tls: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let rules = Rules { manner: Manner::Say { bytes, hangs_up }, ..Rules::default() };
            let proxy = Proxy::http(rules).await;
            let via = via(&format!("{scheme}://u:canary@{}", proxy.address));
            let origin = origin(if tls { "https://192.0.2.1" } else { "http://192.0.2.1" });
            let pool = pool(TransportOptions { connect_timeout: TIMEOUT, ..Default::default() });
            let start = Instant::now();
            let error = pool.probe(&way(&origin, &via)).await.expect_err("noise");
            assert!(start.elapsed() < Duration::from_secs(5), "took {:?}", start.elapsed());
            let is_known = matches!(
                error,
                UpstreamError::Proxy(_) | UpstreamError::Connect(_) | UpstreamError::Deadline(_)
            );
            assert!(is_known && !format!("{error:?}").contains("canary"), "{error:?}");
        });
    }
}

/// A head without end is given up by its size, not by the clock.
#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(1 << 20));
    let rules = Rules {
        manner: Manner::Say { bytes: endless.into_bytes(), hangs_up: false },
        ..Rules::default()
    };
    let proxy = Proxy::http(rules).await;
    let via = via(&format!("http://{}", proxy.address));
    let pool = pool(TransportOptions::default());
    let error = pool.probe(&way(&origin("http://192.0.2.1"), &via)).await.expect_err("too long");
    super::assert_blames_proxy(&error);
    assert!(error.to_string().contains("16 KiB"), "{error}");
}
