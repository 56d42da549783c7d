//! What Prometheus reads.

use request_log::{Close, Dialect, Entry, Observer as _, Status};
use telemetry::{Figures, Telemetry};

use crate::entries::{CANARY, alone, failure, success};
use crate::openmetrics::Page;

fn read(telemetry: &Telemetry) -> Page {
    Page::read(&telemetry.render(&Figures::default()))
}

#[test]
fn before_the_first_request_the_text_is_whole() {
    let page = read(&alone());
    assert_eq!(page.find("cursor_api_build_info", &[("version", "1.2.3-test")]), Some(1.0));
    assert_eq!(page.find("cursor_api_panics_total", &[]), Some(0.0));
    for close in Close::ALL {
        assert_eq!(page.find("cursor_api_closes_total", &[("reason", close.name())]), Some(0.0));
    }
    assert_eq!(page.find("cursor_api_inter_token_gap_seconds_count", &[]), Some(0.0));
}

#[test]
fn a_request_is_counted_everywhere() {
    let telemetry = alone();
    telemetry.finished(&success());
    telemetry.finished(&failure("upstream_failed"));
    let page = read(&telemetry);
    let like = |status| {
        [
            ("dialect", "anthropic"),
            ("flow", "agent"),
            ("stream", "true"),
            ("status", status),
            ("model", "gpt-5"),
        ]
    };
    assert_eq!(page.value("cursor_api_requests_total", &like("success")), 1.0);
    assert_eq!(page.value("cursor_api_requests_total", &like("failure")), 1.0);
    let class = [("dialect", "anthropic"), ("class", "upstream_failed")];
    assert_eq!(page.value("cursor_api_failures_total", &class), 1.0);
    assert_eq!(page.value("cursor_api_closes_total", &[("reason", "finished")]), 1.0);
    assert_eq!(page.value("cursor_api_closes_total", &[("reason", "cut")]), 1.0);
    assert_eq!(page.value("cursor_api_attempts_total", &[("outcome", "failed_over")]), 2.0);
    assert_eq!(page.value("cursor_api_attempts_total", &[("outcome", "served")]), 2.0);
    let talk = [("dialect", "anthropic"), ("flow", "agent")];
    assert_eq!(page.value("cursor_api_request_duration_seconds_count", &talk), 2.0);
    assert_eq!(page.value("cursor_api_request_duration_seconds_sum", &talk), 4.8);
    assert_eq!(page.value("cursor_api_time_to_first_token_seconds_sum", &talk), 0.8);
    let bucket = [("dialect", "anthropic"), ("flow", "agent"), ("le", "0.25")];
    assert_eq!(page.value("cursor_api_time_to_first_token_seconds_bucket", &bucket), 0.0);
    let bucket = [("dialect", "anthropic"), ("flow", "agent"), ("le", "0.5")];
    assert_eq!(page.value("cursor_api_time_to_first_token_seconds_bucket", &bucket), 2.0);
    let tokens =
        |kind| page.value("cursor_api_tokens_total", &[("kind", kind), ("source", "upstream")]);
    let all = ["input", "output", "cache_read", "cache_write", "reasoning"].map(tokens);
    assert_eq!(all, [1000.0, 21.0, 600.0, 0.0, 5.0]);
}

#[test]
fn pauses_keep_their_classes() {
    let telemetry = alone();
    telemetry.finished(&success());
    let page = read(&telemetry);
    let below = |le| page.value("cursor_api_inter_token_gap_seconds_bucket", &[("le", le)]);
    let all = ["0.005", "0.01", "0.02", "0.035", "10.0", "+Inf"].map(below);
    assert_eq!(all, [1.0, 2.0, 2.0, 3.0, 3.0, 4.0]);
    assert_eq!(page.value("cursor_api_inter_token_gap_seconds_sum", &[]), 60.041);
}

#[test]
fn labels_are_from_closed_sets_whatever_clients_send() {
    let telemetry = alone();
    let known = ["gpt-5", "gpt-\"quoted\\\" é"];
    let strange = ["", "o9", CANARY, "gpt-\nline", &format!("gpt-{}", "x".repeat(200))];
    for model in known.iter().chain(&strange) {
        telemetry.finished(&Entry { model: (*model).to_owned(), ..success() });
    }
    telemetry.finished(&failure(CANARY));
    let page = read(&telemetry);
    let mut models: Vec<_> =
        page.values_of("cursor_api_requests_total", "model").into_iter().collect();
    models.sort();
    assert_eq!(models, [known[1], known[0], "other"]);
    let classes = page.values_of("cursor_api_failures_total", "class");
    assert_eq!(classes.into_iter().collect::<Vec<_>>(), ["other"]);
}

#[test]
fn models_with_a_label_of_their_own_are_bounded() {
    let telemetry = alone();
    for number in 0..3000 {
        telemetry.finished(&Entry { model: format!("gpt-{number}"), ..success() });
    }
    let page = read(&telemetry);
    assert_eq!(page.values_of("cursor_api_requests_total", "model").len(), 513);
    let other = [
        ("dialect", "anthropic"),
        ("flow", "agent"),
        ("stream", "true"),
        ("status", "success"),
        ("model", "other"),
    ];
    assert_eq!(page.value("cursor_api_requests_total", &other), 2488.0);
}

#[test]
fn every_dialect_flow_and_status_has_its_own_series() {
    let telemetry = alone();
    let flows = [None, Some(accounts::UpstreamFlow::Agent), Some(accounts::UpstreamFlow::Chat)];
    for dialect in Dialect::ALL {
        for flow in flows {
            for status in Status::ALL {
                for stream in [false, true] {
                    telemetry.finished(&Entry { dialect, flow, status, stream, ..success() });
                }
            }
        }
    }
    let page = read(&telemetry);
    for dialect in Dialect::ALL {
        for flow in ["agent", "chat", "none"] {
            for status in Status::ALL {
                for stream in ["false", "true"] {
                    let labels = [
                        ("dialect", dialect.name()),
                        ("flow", flow),
                        ("stream", stream),
                        ("status", status.name()),
                        ("model", "gpt-5"),
                    ];
                    assert_eq!(page.value("cursor_api_requests_total", &labels), 1.0, "{labels:?}");
                }
            }
        }
    }
}

#[test]
fn nothing_that_was_said_and_no_name_is_in_the_text() {
    let telemetry = alone();
    telemetry.finished(&success());
    telemetry.finished(&failure("internal"));
    telemetry.finished(&Entry { model: format!("sk-{CANARY}"), ..success() });
    let text = telemetry.render(&Figures::default());
    for hidden in [CANARY, "k_public", "first\"", "second\"", "req_"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
}

#[test]
fn figures_of_the_moment_are_as_given() {
    let telemetry = alone();
    telemetry.panicked();
    for status in [401, 404, 503, 302] {
        telemetry.refused(status);
    }
    let figures = Figures {
        active: 1,
        suspended: 2,
        leases: 3,
        accounts: vec![("ready", 4), ("cooling", 5)],
        connections: 6,
        log_queued: 7,
        log_written: 8,
        log_dropped: 9,
        started_unix: 1_790_000_000.5,
        memory_bytes: Some(10),
        cpu_seconds: Some(1.5),
        draining: true,
    };
    let page = Page::read(&telemetry.render(&figures));
    for (name, value) in [
        ("cursor_api_active_requests", 1.0),
        ("cursor_api_suspended_streams", 2.0),
        ("cursor_api_account_leases", 3.0),
        ("cursor_api_upstream_connections", 6.0),
        ("cursor_api_request_log_queue", 7.0),
        ("cursor_api_request_log_written_total", 8.0),
        ("cursor_api_request_log_dropped_total", 9.0),
        ("process_start_time_seconds", 1_790_000_000.5),
        ("process_resident_memory_bytes", 10.0),
        ("process_cpu_seconds_total", 1.5),
        ("cursor_api_draining", 1.0),
        ("cursor_api_panics_total", 1.0),
    ] {
        assert_eq!(page.find(name, &[]), Some(value), "{name}");
    }
    assert_eq!(page.value("cursor_api_accounts", &[("state", "ready")]), 4.0);
    assert_eq!(page.value("cursor_api_accounts", &[("state", "cooling")]), 5.0);
    for (class, count) in [("4xx", 2.0), ("5xx", 1.0), ("other", 1.0)] {
        assert_eq!(page.value("cursor_api_http_refused_total", &[("status", class)]), count);
    }
    let text = telemetry.render(&Figures { memory_bytes: None, cpu_seconds: None, ..figures });
    assert!(!text.contains("process_resident") && !text.contains("process_cpu"), "{text}");
}

#[test]
fn the_text_is_whole_while_others_count() {
    let telemetry = alone();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..500).for_each(|_| telemetry.finished(&success())));
        }
        for _ in 0..50 {
            read(&telemetry);
        }
    });
    let page = read(&telemetry);
    assert_eq!(page.value("cursor_api_inter_token_gap_seconds_count", &[]), 8000.0);
    assert_eq!(page.value("cursor_api_closes_total", &[("reason", "finished")]), 2000.0);
}
