"""What Prometheus reads, by the parsers of its own client library."""

import time

import openai
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as classic

from support import MODEL, PATIENCE, ask_raw, error_of, fresh_tag, post, say, script, sim, user

PATH = "/metrics"
TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def text_of(server):
    with server.raw() as client:
        answer = client.get(PATH)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == TYPE
    return answer.text


def read(server):
    """Every sample by its name and labels."""
    samples = {}
    for family in openmetrics(text_of(server)):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in samples, f"{key} twice"
            samples[key] = sample.value
    return samples


def value(samples, name, **labels):
    return samples.get((name, frozenset(labels.items())), 0)


def rises(server, before, name, by=1, **labels):
    """Until a counter has risen; a request is counted when its answer is over."""
    start = value(before, name, **labels)
    deadline = time.monotonic() + PATIENCE
    while (now := value(read(server), name, **labels)) < start + by:
        assert time.monotonic() < deadline, f"{name} {labels}: {now} after {start}"
        time.sleep(0.02)


@pytest.mark.parametrize("key", [None, "sk-wrong"])
def test_it_is_the_administrators(server, key):
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    with server.raw(headers=headers) as client:
        answer = client.get(PATH)
    assert answer.status_code == 401
    assert "cursor_api_" not in answer.text


def test_both_parsers_take_it(server):
    text = text_of(server)
    assert text.endswith("# EOF\n")
    families = {family.name: family for family in openmetrics(text)}
    assert {sample.name for family in classic(text) for sample in family.samples}
    for name, kind in {
        "cursor_api_build": "info",
        "cursor_api_closes": "counter",
        "cursor_api_attempts": "counter",
        "cursor_api_tokens": "counter",
        "cursor_api_panics": "counter",
        "cursor_api_inter_token_gap_seconds": "histogram",
        "cursor_api_active_requests": "gauge",
        "cursor_api_suspended_streams": "gauge",
        "cursor_api_accounts": "gauge",
        "process_start_time_seconds": "gauge",
    }.items():
        assert families[name].type == kind, name
        assert families[name].documentation, name


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_is_counted(server, streamed):
    before = read(server)
    body = {"model": MODEL, "messages": [user(say("hello"))], "stream": streamed}
    assert post(server, body).status_code == 200
    talk = {"dialect": "openai_chat", "flow": server.flow}
    labels = {"stream": str(streamed).lower(), "status": "success", "model": MODEL}
    rises(server, before, "cursor_api_requests_total", **talk, **labels)
    rises(server, before, "cursor_api_request_duration_seconds_count", **talk)
    rises(server, before, "cursor_api_time_to_first_token_seconds_count", **talk)
    rises(server, before, "cursor_api_closes_total", reason="finished")
    rises(server, before, "cursor_api_attempts_total", outcome="served")


def test_tokens_and_pauses_are_counted(server):
    before = read(server)
    # Pieces that come together have no pause between them.
    prompt = script(sim("usage", 1200, 34), sim("delay", "20ms"), sim("chunks", 5))
    body = {"model": MODEL, "messages": [user(prompt)], "stream": True}
    assert post(server, body).status_code == 200
    deadline = time.monotonic() + PATIENCE
    names = ("cursor_api_tokens_total", "cursor_api_inter_token_gap_seconds_count")
    while True:
        after = read(server)
        totals = [sum(v - before.get(k, 0) for k, v in after.items() if k[0] == n) for n in names]
        if all(total > 0 for total in totals):
            return
        assert time.monotonic() < deadline, dict(zip(names, totals, strict=True))
        time.sleep(0.02)


def test_a_failure_is_counted_by_its_class(server):
    before = read(server)
    with server.client() as client, pytest.raises(openai.APIStatusError):
        prompt = sim("http", 500)
        client.chat.completions.create(model=MODEL, messages=[user(prompt)])
    rises(
        server,
        before,
        "cursor_api_failures_total",
        dialect="openai_chat",
        **{"class": "upstream_failed"},
    )


def test_a_model_that_nobody_knows_is_no_label(server):
    name = f"sk-{fresh_tag()}"
    answer = post(server, {"model": name, "messages": [user("hello")]})
    assert answer.status_code == 404
    error_of(answer)
    assert name not in text_of(server)


def test_labels_are_from_closed_sets(server):
    tag = fresh_tag()
    ask_raw(server, script(sim("tag", tag), say(f"said {tag}")), user=tag)
    with server.raw() as client:
        aliases = [row[1] for row in client.post("/tokens/get", json={}).json()["tokens"]]
    text = text_of(server)
    for secret in (server.key, tag, "user_", "eyJ"):
        assert secret not in text
    values = {
        value
        for family in openmetrics(text)
        for sample in family.samples
        for value in sample.labels.values()
    }
    assert values.isdisjoint(aliases)
