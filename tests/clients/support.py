"""What the tests share: prompts that direct the simulated backend, and ways to ask the gateway.

The directives of a prompt (`[[sim: …]]`) say what the simulated backend answers; they are
described in `crates/simulator/README.md`.
"""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field

import anthropic
import httpx
import openai

# A request that takes longer has hung.
PATIENCE = 30
# How soon the upstream must know that a client left; the promise is one second.
CANCELLED_WITHIN = 2

MODEL = "gpt-5"
THINKING_MODEL = "claude-4.5-sonnet-thinking"
PLAIN_MODEL = "claude-4.5-sonnet"


def sim(*words):
    """One directive, such as `sim("wait", "5s")`."""
    return f"[[sim: {' '.join(str(word) for word in words)}]]"


def quoted(text):
    """A text as an argument of a directive."""
    return json.dumps(text, ensure_ascii=False)


def say(text):
    return sim("say", quoted(text))


def think(text):
    return sim("think", quoted(text))


def script(*directives):
    return " ".join(directives)


def user(content):
    return {"role": "user", "content": content}


def system_and_user(system, prompt, role="system"):
    return [{"role": role, "content": system}, user(prompt)]


def fresh_tag():
    return f"t{uuid.uuid4().hex}"


def numbered(count):
    """What `chunks N` says."""
    return "".join(f"w{number} " for number in range(1, count + 1))


@dataclass(frozen=True)
class Server:
    """One gateway under test."""

    flow: str
    base_url: str
    key: str
    pid: int | None

    @property
    def origin(self):
        return self.base_url.removesuffix("/v1")

    @property
    def address(self):
        """Host and port, for clients that want a socket."""
        url = httpx.URL(self.base_url)
        return url.host, url.port

    def client(self, **more):
        settings = {"api_key": self.key, "max_retries": 0, "timeout": PATIENCE, **more}
        return openai.OpenAI(base_url=self.base_url, **settings)

    def async_client(self, **more):
        settings = {"api_key": self.key, "max_retries": 0, "timeout": PATIENCE, **more}
        return openai.AsyncOpenAI(base_url=self.base_url, **settings)

    def anthropic(self, **more):
        settings = {"api_key": self.key, "max_retries": 0, "timeout": PATIENCE, **more}
        return anthropic.Anthropic(base_url=self.origin, **settings)

    def async_anthropic(self, **more):
        settings = {"api_key": self.key, "max_retries": 0, "timeout": PATIENCE, **more}
        return anthropic.AsyncAnthropic(base_url=self.origin, **settings)

    def raw(self, **more):
        """A client that adds nothing to what a test sends but the key."""
        headers = more.pop("headers", {"authorization": f"Bearer {self.key}"})
        # Without certificates, whose loading costs more than a request.
        settings = {"timeout": PATIENCE, "trust_env": False, "verify": False, **more}
        return httpx.Client(base_url=self.origin, headers=headers, **settings)


@dataclass(frozen=True)
class Clients:
    """What talks to one gateway, made once: by SDK, and one without."""

    blocking: dict
    asynchronous: dict
    raw: httpx.Client
    loop: asyncio.AbstractEventLoop

    @classmethod
    def of(cls, server, loop):
        return cls(
            {openai: server.client(), anthropic: server.anthropic()},
            {openai: server.async_client(), anthropic: server.async_anthropic()},
            server.raw(),
            loop,
        )

    def close(self):
        for client in self.blocking.values():
            client.close()
        for client in self.asynchronous.values():
            self.loop.run_until_complete(client.close())
        self.raw.close()


@dataclass
class Reply:
    """What an answer came to, whichever way it was asked for."""

    text: str = ""
    reasoning: str = ""
    finish: list = field(default_factory=list)
    usage: object = None
    id: str = ""
    chunks: list = field(default_factory=list)
    headers: object = None
    error: Exception | None = None

    def take_whole(self, completion):
        (choice,) = completion.choices
        self.id, self.usage = completion.id, completion.usage
        self.text = choice.message.content or ""
        self.reasoning = getattr(choice.message, "reasoning_content", None) or ""
        self.finish.append(choice.finish_reason)

    def take_chunk(self, chunk):
        self.chunks.append(chunk)
        self.id = self.id or chunk.id
        for choice in chunk.choices:
            self.text += choice.delta.content or ""
            self.reasoning += getattr(choice.delta, "reasoning_content", None) or ""
            if choice.finish_reason is not None:
                self.finish.append(choice.finish_reason)
        if chunk.usage is not None:
            self.usage = chunk.usage


@dataclass(frozen=True)
class Ask:
    """One way to ask: whole or streamed, with the blocking or the asynchronous SDK."""

    server: Server
    streamed: bool
    blocking: openai.OpenAI | None
    asynchronous: openai.AsyncOpenAI | None
    loop: asyncio.AbstractEventLoop | None

    def __call__(self, messages, **fields):
        """The answer; raises what the SDK raises."""
        reply = self.attempt(messages, **fields)
        if reply.error is not None:
            raise reply.error
        return reply

    def attempt(self, messages, **fields):
        """The answer, or the SDK's error beside what came before it."""
        request = self._request(messages, fields)
        reply = Reply()
        try:
            if self.asynchronous is None:
                self._blocking(request, reply)
            else:
                self.loop.run_until_complete(self._asynchronous(request, reply))
        except openai.OpenAIError as error:
            reply.error = error
        if self.streamed and reply.error is None:
            options = request.get("stream_options") or {}
            check_chunks(reply.chunks, options.get("include_usage", False))
        return reply

    def _request(self, messages, fields):
        if isinstance(messages, str):
            messages = [user(messages)]
        request = {"model": MODEL, "messages": messages, **fields}
        if self.streamed:
            request.setdefault("stream_options", {"include_usage": True})
            if request["stream_options"] is None:
                del request["stream_options"]
            request["stream"] = True
        else:
            request.pop("stream_options", None)
        return request

    def _blocking(self, request, reply):
        answer = self.blocking.chat.completions.with_raw_response.create(**request)
        reply.headers = answer.headers
        parsed = answer.parse()
        if not self.streamed:
            reply.take_whole(parsed)
            return
        for chunk in parsed:
            reply.take_chunk(chunk)

    async def _asynchronous(self, request, reply):
        answer = await self.asynchronous.chat.completions.with_raw_response.create(**request)
        reply.headers = answer.headers
        parsed = answer.parse()
        if not self.streamed:
            reply.take_whole(parsed)
            return
        async for chunk in parsed:
            reply.take_chunk(chunk)


def check_chunks(chunks, with_usage):
    """The shape that validators of OpenAI streams insist on."""
    assert chunks, "a stream without chunks"
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    for name in ("id", "created", "model"):
        assert len({getattr(chunk, name) for chunk in chunks}) == 1, f"{name} changes"
    if with_usage:
        *chunks, last = chunks
        assert last.choices == [], "the usage chunk has choices"
        assert last.usage is not None, "no usage in the last chunk"
    assert all(chunk.usage is None for chunk in chunks), "usage before the end"
    for chunk in chunks:
        assert [choice.index for choice in chunk.choices] == [0]
    first, *rest = [chunk.choices[0] for chunk in chunks]
    assert first.delta.role == "assistant"
    assert not first.delta.content, "the first chunk carries more than the role"
    assert all(choice.delta.role is None for choice in rest), "the role is told again"
    *middle, last = rest
    assert last.finish_reason is not None, "the last chunk does not finish"
    assert not last.delta.content
    assert all(choice.finish_reason is None for choice in [first, *middle])
    assert all(spoken(choice.delta) for choice in middle), "a chunk that says nothing"


def spoken(delta):
    # The details are where the seal of a reasoning block stands.
    reasoning = [getattr(delta, f"reasoning_{name}", None) for name in ("content", "details")]
    return delta.content or any(reasoning) or delta.tool_calls


def report(reply):
    """What the simulated backend saw of the request, from an answer to `report`."""
    return json.loads(reply.text)["sim_report"]


def post(server, body, **headers):
    """A chat request as plain HTTP. `body` is JSON, or bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with server.raw() as client:
        headers = {"content-type": "application/json", **headers}
        return client.post("/v1/chat/completions", content=content, headers=headers)


def ask_raw(server, prompt, **fields):
    """The text of a whole answer, as plain HTTP."""
    answer = post(server, {"model": MODEL, "messages": [user(prompt)], **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def payloads(answer):
    """The chunks of a plain streamed answer that ended well."""
    lines = [line for line in answer.text.split("\n") if line]
    assert all(line.startswith("data: ") for line in lines), lines
    *chunks, done = [line.removeprefix("data: ") for line in lines]
    assert done == "[DONE]"
    return [json.loads(chunk) for chunk in chunks]


def streamed_text(answer):
    choices = [chunk["choices"][0] for chunk in payloads(answer) if chunk["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def error_of(response):
    """The error of a plain answer, whose shape is checked."""
    assert response.headers["content-type"].startswith("application/json"), response.headers
    body = response.json()
    assert list(body) == ["error"], body
    check_error_body(body["error"])
    return body["error"]


def check_error_body(error):
    assert set(error) >= {"message", "type", "param", "code"}, error
    assert isinstance(error["message"], str) and error["message"], error
    assert isinstance(error["type"], str) and error["type"], error


def stats(server, tag):
    """How the upstream calls of that tag ended; `None` if there was none."""
    return json.loads(ask_raw(server, sim("stats", tag)))["sim_stats"]


def eventually(server, tag, within, **expected):
    """Waits until the counters of a tag are as expected."""
    deadline = time.monotonic() + within
    while True:
        counters = stats(server, tag) or {}
        if all(counters.get(name) == value for name, value in expected.items()):
            return counters
        assert time.monotonic() < deadline, f"{counters}, expected {expected} within {within} s"
        time.sleep(0.02)


def expect_cancelled(server, tag):
    """The upstream call of that tag is gone soon after its client."""
    counters = eventually(server, tag, CANCELLED_WITHIN, cancelled=1)
    assert counters["active"] == 0, counters
