"""Who may come in, and what a request that leads nowhere is told."""

import socket
import time

import httpx
import openai
import pytest

from support import MODEL, error_of, say, user

BODY = {"model": MODEL, "messages": [user("hello")]}
CHAT = "/v1/chat/completions"


def without_key(server):
    return httpx.Client(base_url=server.origin, timeout=10, trust_env=False, verify=False)


@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_key(server, stream):
    with server.client(api_key="sk-wrong") as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            client.chat.completions.create(**BODY, stream=stream)
        assert caught.value.code == "invalid_api_key"
        with pytest.raises(openai.AuthenticationError):
            client.models.list()


def test_a_wrong_key_asynchronously(server, loop):
    async def call():
        async with server.async_client(api_key="sk-wrong") as client:
            await client.chat.completions.create(**BODY)

    with pytest.raises(openai.AuthenticationError):
        loop.run_until_complete(call())


@pytest.mark.parametrize("change", [lambda k: k[:-1], lambda k: k + "x", str.upper, lambda k: ""])
def test_almost_the_key(server, change):
    with without_key(server) as raw:
        headers = {"authorization": f"Bearer {change(server.key)}".strip()}
        assert raw.get("/v1/models", headers=headers).status_code == 401


def test_a_wrong_key_with_a_large_body_can_be_read(server):
    # The answer comes before the body was read; it must not be lost with it.
    large = {"model": MODEL, "messages": [user("x" * 3_000_000)]}
    with server.client(api_key="sk-wrong") as client:
        for _ in range(5):
            with pytest.raises(openai.AuthenticationError):
                client.chat.completions.create(**large)


def test_no_key_comes_before_the_body(server):
    with without_key(server) as raw:
        answer = raw.post(CHAT, content=b"\xff{{{ garbage")
        assert answer.status_code == 401
        error = error_of(answer)
        assert error["code"] == "invalid_api_key"
        assert server.key not in answer.text


def test_no_key_is_told_while_the_body_has_not_even_come(server):
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"
    with socket.create_connection(server.address, timeout=5) as connection:
        connection.sendall(head.encode())
        start = time.monotonic()
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")
        assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", CHAT), ("GET", CHAT), ("GET", "/v1/models"), ("GET", f"/v1/models/{MODEL}")],
)
def test_nothing_is_open_that_should_not_be(server, method, path):
    with without_key(server) as raw:
        answer = raw.request(method, path)
        assert answer.status_code == 401
        error_of(answer)
        assert "gpt" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": "KEY"},
        {"X-API-KEY": "KEY"},
        {"authorization": "bearer KEY"},
        {"authorization": "Bearer KEY", "x-api-key": "KEY"},
    ],
)
def test_ways_to_show_the_key(server, headers):
    headers = {name: value.replace("KEY", server.key) for name, value in headers.items()}
    with without_key(server) as raw:
        assert raw.get("/v1/models", headers=headers).status_code == 200
        answer = raw.post(CHAT, json={**BODY, "messages": [user(say("in"))]}, headers=headers)
        assert answer.json()["choices"][0]["message"]["content"] == "in"


@pytest.mark.parametrize("scheme", ["Basic", "Token", ""])
def test_other_schemes_do_not_count(server, scheme):
    with without_key(server) as raw:
        headers = {"authorization": f"{scheme} {server.key}".strip()}
        assert raw.get("/v1/models", headers=headers).status_code == 401


def test_a_key_in_the_address_does_not_count(server):
    with without_key(server) as raw:
        for name in ("key", "api_key", "token"):
            assert raw.get("/v1/models", params={name: server.key}).status_code == 401


def test_health_is_open(server):
    with without_key(server) as raw:
        answer = raw.get("/health")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    body = answer.json()
    assert body["status"] == "success"
    assert body["service"]["version"]
    assert server.key not in answer.text


def test_the_landing_page_is_open(server):
    with without_key(server) as raw:
        answer = raw.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert server.key not in answer.text


@pytest.mark.parametrize("path", ["/v1/nothing", "/v2/models", "/v1/chat/completions/x", "/x/y"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path(server, method, path):
    with server.raw() as raw:
        answer = raw.request(method, path)
    assert answer.status_code == 404
    error_of(answer)
    with without_key(server) as raw:
        assert raw.request(method, path).status_code in (401, 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", CHAT, "POST"),
        ("PUT", CHAT, "POST"),
        ("DELETE", CHAT, "POST"),
        ("POST", "/v1/models", "GET"),
        ("DELETE", f"/v1/models/{MODEL}", "GET"),
        ("POST", "/health", "GET"),
        ("POST", "/", "GET"),
    ],
)
def test_a_wrong_method(server, method, path, allowed):
    with server.raw() as raw:
        answer = raw.request(method, path)
    assert answer.status_code == 405
    assert allowed in [word.strip() for word in answer.headers["allow"].split(",")]
    error_of(answer)


def test_the_sdk_knows_an_unknown_path(client):
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model=MODEL, input="x")
