"""Requests that cannot be read, that are too large, or that ask for what cannot be done."""

import http.client
import json
import socket

import openai
import pytest

from support import MODEL, error_of, post, say, sim, user

CHAT = "/v1/chat/completions"
HI = [user("hi")]
OVER_THE_LIMIT = 40_000_000
PIECE = 64 * 1024

NOT_JSON = {
    "empty": b"",
    "garbage": b"\xff\xfe{{{",
    "cut off": b'{"model":"gpt-5","messages":[{"role":"user"',
    "array": b"[]",
    "string": b'"hello"',
    "null": b"null",
    "two values": b'{"model":"gpt-5"} {}',
    "broken utf-8": b'{"model":"gpt-5","messages":[{"role":"user","content":"\xc3\x28"}]}',
    "lone surrogate": b'{"model":"gpt-5","messages":[{"role":"user","content":"\\ud800"}]}',
    "deep": b'{"model":"gpt-5","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}
WRONG = {
    "no messages": ({"model": MODEL}, "messages"),
    "null messages": ({"model": MODEL, "messages": None}, "messages"),
    "messages are text": ({"model": MODEL, "messages": "hi"}, "messages"),
    "no message": ({"model": MODEL, "messages": []}, "messages"),
    "no model": ({"messages": HI}, "model"),
    "model is a number": ({"model": 5, "messages": HI}, "model"),
    "message is text": ({"model": MODEL, "messages": ["hi"]}, "messages[0]"),
    "no role": ({"model": MODEL, "messages": [{"content": "hi"}]}, "messages[0].role"),
    "content is a number": (
        {"model": MODEL, "messages": [user("a"), user(5)]},
        "messages[1].content",
    ),
    "no content": ({"model": MODEL, "messages": [{"role": "user"}]}, "messages[0].content"),
    "part without type": (
        {"model": MODEL, "messages": [user([{"text": "a"}])]},
        "messages[0].content[0].type",
    ),
    "unknown part": (
        {"model": MODEL, "messages": [user([{"type": "smell"}])]},
        "messages[0].content[0].type",
    ),
    "stream is text": ({"model": MODEL, "messages": HI, "stream": "yes"}, "stream"),
    "max_tokens is zero": ({"model": MODEL, "messages": HI, "max_tokens": 0}, "max_tokens"),
    "max_tokens is negative": ({"model": MODEL, "messages": HI, "max_tokens": -5}, "max_tokens"),
    "max_tokens is text": ({"model": MODEL, "messages": HI, "max_tokens": "5"}, "max_tokens"),
    "stop is a number": ({"model": MODEL, "messages": HI, "stop": 5}, "stop"),
    "two choices": ({"model": MODEL, "messages": HI, "n": 2}, "n"),
    "stream options without a stream": (
        {"model": MODEL, "messages": HI, "stream_options": {"include_usage": True}},
        "stream_options",
    ),
}


def named(cases):
    return [pytest.param(*value, id=name.replace(" ", "-")) for name, value in cases.items()]


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=[n.replace(" ", "-") for n in NOT_JSON])
def test_what_is_not_json(server, body):
    answer = post(server, body)
    assert answer.status_code == 400, answer.text
    error = error_of(answer)
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(("body", "param"), named(WRONG))
@pytest.mark.parametrize("stream", [None, True], ids=["whole", "streamed"])
def test_a_wrong_field_is_named(server, body, param, stream):
    if stream and param not in ("stream", "stream_options"):
        body = {**body, "stream": True}
    answer = post(server, body)
    assert answer.status_code == 400, answer.text
    error = error_of(answer)
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param


def test_the_sdk_shows_the_field(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=MODEL, messages=[user(5)])
    assert caught.value.param == "messages[0].content"
    assert "messages[0].content" in caught.value.message


def test_the_content_type_does_not_matter(server):
    body = {"model": MODEL, "messages": [user(say("fine"))]}
    for content_type in ("text/plain", "application/json; charset=utf-8", ""):
        answer = post(server, body, **{"content-type": content_type})
        assert answer.status_code == 200, (content_type, answer.text)


def test_fields_without_effect_are_listed(ask):
    reply = ask(
        [{"role": "user", "content": "hi", "name": "Ann"}],
        temperature=0.5,
        seed=7,
        extra_body={"frobnicate": {"deep": True}, "top_k": 5},
    )
    listed = [name.strip() for name in reply.headers["x-ignored-fields"].split(",")]
    expected = {"temperature", "seed", "frobnicate", "top_k", "messages[].name"}
    assert set(listed) == expected


def test_nothing_is_listed_when_everything_has_an_effect(ask):
    reply = ask("hi", max_tokens=100, stop=["x"])
    assert "x-ignored-fields" not in reply.headers


def test_a_hostile_field_name_stays_within_its_header(server):
    name = "a\r\nset-cookie: evil=1\r\n\r\n é\u2028" + "x" * 100_000
    answer = post(server, {"model": MODEL, "messages": HI, name: 1, "b": 2})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert "b" in answer.headers["x-ignored-fields"]
    assert len(answer.headers["x-ignored-fields"]) < 8192


def pieces(total):
    """A request that never ends its text, in pieces."""
    yield b'{"model":"gpt-5","messages":[{"role":"user","content":"'
    for _ in range(total // PIECE):
        yield b"x" * PIECE


@pytest.mark.parametrize("way", ["announced", "chunked"])
def test_a_body_over_the_limit_is_told_while_it_is_sent(server, way):
    headers = {"authorization": f"Bearer {server.key}", "content-type": "application/json"}
    body = pieces(OVER_THE_LIMIT)
    if way == "announced":
        body = b"".join(body)
    connection = http.client.HTTPConnection(*server.address, timeout=30)
    try:
        connection.request("POST", CHAT, body, headers, encode_chunked=way == "chunked")
        answer = connection.getresponse()
        assert answer.status == 413
        assert answer.headers["content-type"].startswith("application/json")
        error = json.loads(answer.read())["error"]
    finally:
        connection.close()
    assert error["code"] == "request_too_large"
    assert error["message"]


def test_the_sdk_knows_a_body_over_the_limit(server):
    with server.client() as client, pytest.raises(openai.APIStatusError) as caught:
        messages = [user("x" * OVER_THE_LIMIT)]
        client.chat.completions.create(model=MODEL, messages=messages)
    assert caught.value.status_code == 413
    assert caught.value.code == "request_too_large"


def test_a_body_below_the_limit_is_read(server):
    answer = post(server, {"model": MODEL, "messages": HI, "padding": "x" * 20_000_000})
    assert answer.status_code == 200


def test_a_client_that_stops_in_the_middle_of_its_body_harms_nobody(server):
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {server.key}\r\n"
    for _ in range(20):
        with socket.create_connection(server.address, timeout=5) as connection:
            connection.sendall(f"{head}content-length: 1000\r\n\r\n{{".encode())
    assert post(server, {"model": MODEL, "messages": [user(sim("say", "on"))]}).status_code == 200
