"""The bytes of a streamed answer, read without any SDK."""

import pytest

from support import (
    MODEL,
    numbered,
    payloads,
    post,
    say,
    script,
    sim,
    streamed_text,
    think,
    user,
)

SEPARATORS = "a\u2028b\u2029c\u0085d\re\nf"


def stream(server, prompt, **fields):
    body = {"model": MODEL, "stream": True, "messages": [user(prompt)], **fields}
    answer = post(server, body)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("include_usage", [False, True])
def test_lines(server, include_usage):
    options = {"include_usage": include_usage}
    answer = stream(server, sim("chunks", 200), stream_options=options)
    body = answer.content
    assert b"\r" not in body
    assert body.endswith(b"\n\ndata: [DONE]\n\n")
    assert body.count(b"[DONE]") == 1
    events = body.decode().removesuffix("\n\n").split("\n\n")
    assert all(event.startswith("data: ") and "\n" not in event for event in events)
    assert streamed_text(answer) == numbered(200)


def test_headers(server):
    headers = stream(server, "hello").headers
    content_type, *parameters = [part.strip() for part in headers["content-type"].split(";")]
    assert content_type == "text/event-stream"
    assert parameters in ([], ["charset=utf-8"])
    assert "no-cache" in headers["cache-control"]
    assert headers["x-accel-buffering"] == "no"
    assert headers["x-request-id"]
    assert "content-length" not in headers
    assert "content-encoding" not in headers


def test_headers_of_a_whole_answer(server):
    answer = post(server, {"model": MODEL, "messages": [user("hello")]})
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("kind", [say, think])
def test_what_some_clients_take_for_line_ends_is_escaped(server, kind):
    answer = stream(server, script(kind(SEPARATORS), say("!")))
    for separator in ("\u2028", "\u2029", "\u0085", "\r"):
        assert separator not in answer.text
    text = ""
    for chunk in payloads(answer):
        delta = chunk["choices"][0]["delta"]
        text += delta.get("reasoning_content") or delta.get("content") or ""
    assert text == f"{SEPARATORS}!"


def test_names_with_quotes_do_not_break_a_chunk(server):
    # The model's name is repeated in every chunk; here it becomes an error, as plain JSON.
    name = 'x","choices":[{"index":0}],"y":"\u2028'
    answer = post(server, {"model": name, "stream": True, "messages": [user("hi")]})
    assert answer.status_code == 404
    assert set(answer.json()) == {"error"}


def test_the_fields_of_a_chunk(server):
    first, *_, last = payloads(stream(server, say("hello")))
    assert set(first) == {"id", "object", "created", "model", "choices"}
    assert isinstance(first["created"], int)
    (choice,) = first["choices"]
    assert choice["index"] == 0
    assert choice["delta"]["role"] == "assistant"
    assert choice["finish_reason"] is None
    assert last["choices"][0]["delta"] == {}
    assert last["choices"][0]["finish_reason"] == "stop"


def test_the_usage_chunk(server):
    *chunks, last = payloads(
        stream(server, sim("usage", 12, 3) + say("x"), stream_options={"include_usage": True})
    )
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["choices"] == []
    usage = last["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (12, 3)
    assert usage["total_tokens"] == 15


def test_every_field_without_effect_is_listed_on_streams_too(server):
    answer = stream(server, "hello", frobnicate=1)
    assert answer.headers["x-ignored-fields"] == "frobnicate"
