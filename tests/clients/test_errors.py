"""Errors before any output are HTTP statuses, which the SDK knows as its own exceptions."""

import time

import openai
import pytest

from errors import EXPECTED, class_for
from support import (
    MODEL,
    check_error_body,
    fresh_tag,
    post,
    quoted,
    say,
    script,
    sim,
    stats,
    think,
    user,
)


def fail(ask, prompt, **fields):
    """The error of an answer that never began."""
    reply = ask.attempt(prompt, **fields)
    assert reply.error is not None, f"no error but {reply.text!r} {reply.finish}"
    assert (reply.text, reply.chunks, reply.finish) == ("", [], [])
    assert isinstance(reply.error, openai.APIStatusError), repr(reply.error)
    check_error_body(reply.error.body)
    assert reply.error.request_id
    return reply.error


@pytest.mark.parametrize("text", [None, "boom"], ids=["own-text", "given-text"])
@pytest.mark.parametrize("code", EXPECTED)
def test_every_kind_has_its_status_and_class(ask, code, text):
    words = [code] if text is None else [code, quoted(text)]
    error = fail(ask, sim("error", *words))
    assert error.status_code in EXPECTED[code], error
    assert type(error) is class_for(error.status_code)


def test_kinds_are_told_apart(ask):
    words = {}
    for code in ("rate_limit", "overloaded", "internal", "invalid_argument", "context_length"):
        error = fail(ask, sim("error", code))
        words[code] = (error.status_code, error.type, error.code)
    assert len(set(words.values())) == len(words), words


def test_too_long_a_conversation_is_named_as_the_api_names_it(ask):
    error = fail(ask, sim("error", "context_length"))
    assert error.code == "context_length_exceeded"


def test_what_the_upstream_says_about_a_bad_request_reaches_the_client(ask):
    error = fail(ask, sim("error", "invalid_argument", quoted("the frobs are wrong")))
    assert "the frobs are wrong" in error.message


@pytest.mark.parametrize(("code", "seconds"), [("rate_limit", 7), ("rate_limit", 120)])
def test_retry_after_is_passed_on(ask, code, seconds):
    error = fail(ask, sim("error", code, quoted("slow down"), f"retry={seconds}"))
    assert isinstance(error, openai.RateLimitError)
    assert error.response.headers["retry-after"] == str(seconds)


def test_retry_after_of_an_overload_is_passed_on(ask):
    error = fail(ask, sim("error", "unavailable", "retry=3"))
    assert error.status_code == 503
    assert error.response.headers["retry-after"] == "3"


def test_no_retry_after_is_invented(ask):
    error = fail(ask, sim("error", "invalid_argument"))
    assert "retry-after" not in error.response.headers


def test_an_error_after_a_pause(ask):
    error = fail(ask, script(sim("wait", "300ms"), sim("error", "overloaded")))
    assert error.status_code == 503


def test_an_error_in_fragments_and_compressed_frames(ask):
    prompt = script(sim("gzip"), sim("fragment", 2), sim("error", "not_found", quoted("gone")))
    assert fail(ask, prompt).status_code in EXPECTED["not_found"]


def test_unicode_in_an_error(ask):
    text = 'schief gegangen – 失败 😀 "quoted"\nline'
    error = fail(ask, sim("error", "invalid_argument", quoted(text)))
    assert text in error.message


def test_the_sdk_tries_again_after_as_long_as_it_is_told(server):
    tag = fresh_tag()
    prompt = script(sim("tag", tag), sim("error", "rate_limit", "retry=2"))
    start = time.monotonic()
    with server.client(max_retries=1) as client, pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model=MODEL, messages=[user(prompt)])
    # Without the header the SDK waits for half a second.
    assert time.monotonic() - start >= 1.9
    assert stats(server, tag)["failed"] == 2


def test_one_failed_answer_does_not_close_the_gateway(ask):
    for code in EXPECTED:
        fail(ask, sim("error", code))
    assert ask(say("still here")).text == "still here"


def test_an_error_is_never_an_answer(server):
    for code in EXPECTED:
        for stream in (False, True):
            body = {"model": MODEL, "stream": stream, "messages": [user(sim("error", code))]}
            answer = post(server, body)
            assert answer.status_code >= 400, (code, answer.text)
            assert answer.headers["content-type"].startswith("application/json")
            assert "choices" not in answer.json()


def test_reasoning_that_was_never_followed_by_text(ask):
    reply = ask.attempt(script(think("hm"), sim("error", "overloaded")))
    assert isinstance(reply.error, openai.APIError)
    assert reply.finish == []
