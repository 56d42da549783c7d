"""Upstreams that answer with a bare HTTP status, as load balancers and proxies do."""

import openai
import pytest

from errors import class_for
from support import check_error_body, say, script, sim

EXPECTED = {
    # The gateway's own credential failed: no fault of the client.
    401: {401, 403, 500, 502, 503},
    403: {401, 403},
    429: {429},
    500: {500, 502},
    503: {503},
}


def fail(ask, *words):
    reply = ask.attempt(sim("http", *words))
    error = reply.error
    assert isinstance(error, openai.APIStatusError), repr(reply)
    assert type(error) is class_for(error.status_code)
    check_error_body(error.body)
    assert "<html" not in error.message.lower()
    return error


@pytest.mark.parametrize("status", EXPECTED)
def test_a_bare_status(ask, status):
    assert fail(ask, status).status_code in EXPECTED[status]


def test_bare_statuses_are_told_apart(ask):
    words = {}
    for status in EXPECTED:
        error = fail(ask, status)
        words[status] = (error.status_code, error.code)
    assert len(set(words.values())) == len(EXPECTED), words
    assert len({status for status, _ in words.values()}) >= 4, words


@pytest.mark.parametrize(("status", "seconds"), [(429, 7), (503, 30)])
def test_retry_after_is_passed_on(ask, status, seconds):
    error = fail(ask, status, f"retry={seconds}")
    assert error.status_code == status
    assert error.response.headers["retry-after"] == str(seconds)


def test_no_retry_after_is_invented_for_a_failure(ask):
    assert "retry-after" not in fail(ask, 500).response.headers


@pytest.mark.parametrize("status", [200, 204, 302, 404, 418, 502, 504])
def test_other_statuses_are_errors_too(ask, status):
    error = fail(ask, status)
    assert error.status_code >= 400


def test_after_a_pause(ask):
    reply = ask.attempt(script(sim("wait", "300ms"), sim("http", 429, "retry=4")))
    assert isinstance(reply.error, openai.RateLimitError)
    assert reply.error.response.headers["retry-after"] == "4"


def test_the_gateway_serves_on(ask):
    for status in EXPECTED:
        fail(ask, status)
    assert ask(say("still here")).text == "still here"
