"""Errors after output has begun: the stream must not look finished, a whole answer must fail."""

import json

import openai
import pytest

from errors import EXPECTED, class_for
from support import MODEL, check_error_body, post, quoted, say, script, sim, user

HALF = say("half an ans")


def broken(code):
    return script(HALF, sim("error", code, quoted("boom")))


@pytest.mark.parametrize("code", EXPECTED)
def test_a_stream_breaks_with_the_sdks_error(ask_streamed, code):
    reply = ask_streamed.attempt(broken(code))
    assert reply.text == "half an ans"
    assert reply.finish == []
    assert type(reply.error) is openai.APIError, repr(reply.error)
    check_error_body(reply.error.body)


@pytest.mark.parametrize("code", EXPECTED)
def test_a_whole_answer_is_an_error_status(client, code):
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=MODEL, messages=[user(broken(code))])
    error = caught.value
    assert error.status_code in EXPECTED[code], error
    assert type(error) is class_for(error.status_code)
    assert "half" not in error.response.text


def test_a_whole_answer_passes_retry_after_on(client):
    prompt = script(HALF, sim("error", "rate_limit", "retry=9"))
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model=MODEL, messages=[user(prompt)])
    assert caught.value.response.headers["retry-after"] == "9"


@pytest.mark.parametrize("code", ["internal", "rate_limit", "context_length"])
def test_the_bytes_of_a_broken_stream(server, code):
    body = {"model": MODEL, "stream": True, "messages": [user(broken(code))]}
    body["stream_options"] = {"include_usage": True}
    answer = post(server, body)
    assert answer.status_code == 200
    assert "[DONE]" not in answer.text
    assert answer.text.endswith("}\n\n")
    events = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    *chunks, last = map(json.loads, events)
    assert list(last) == ["error"]
    check_error_body(last["error"])
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in chunks)
    assert all("error" not in chunk for chunk in chunks)


def test_an_error_after_many_chunks(ask_streamed):
    prompt = script(sim("chunks", 500), sim("error", "unavailable"))
    reply = ask_streamed.attempt(prompt)
    assert reply.text.endswith("w500 ")
    assert type(reply.error) is openai.APIError
    assert reply.finish == []


def test_separators_in_an_error_do_not_break_its_line(server):
    text = "a\u2028b\u2029c\u0085d\r\ne"
    prompt = script(HALF, sim("error", "invalid_argument", quoted(text)))
    answer = post(server, {"model": MODEL, "stream": True, "messages": [user(prompt)]})
    for separator in ("\u2028", "\u2029", "\u0085", "\r"):
        assert separator not in answer.text
    last = json.loads(answer.text.strip().split("\n")[-1].removeprefix("data: "))
    assert text in last["error"]["message"]


def test_the_gateway_serves_on(ask):
    for code in EXPECTED:
        ask.attempt(broken(code))
    assert ask(say("still here")).text == "still here"
