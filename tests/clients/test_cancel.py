"""A client that leaves takes its upstream call with it, wherever it was."""

import asyncio
import socket

import httpx
import openai
import pytest

from support import (
    CANCELLED_WITHIN,
    MODEL,
    eventually,
    expect_cancelled,
    fresh_tag,
    say,
    script,
    sim,
    stats,
    think,
    user,
)

ENDLESS = script(sim("delay", "20ms"), sim("chunks", 3000))
# What the upstream does while the client waits, by what the client has got so far.
WAITS = {
    "before-the-headers-of-the-upstream": sim("silent"),
    "before-the-first-message": sim("hang"),
    "before-the-first-piece": script(sim("wait", "20s"), say("late")),
    "during-keep-alives": script(sim("heartbeats", "20s"), say("late")),
}


def request(tag, then, **fields):
    return {"model": MODEL, "messages": [user(script(sim("tag", tag), then))], **fields}


def test_a_closed_stream(server, client):
    tag = fresh_tag()
    stream = client.chat.completions.create(**request(tag, ENDLESS, stream=True))
    for _ in range(5):
        next(stream)
    assert stats(server, tag)["active"] == 1
    stream.close()
    expect_cancelled(server, tag)
    assert stats(server, tag)["chunks"] < 300


def test_a_closed_stream_of_reasoning(server, client):
    tag = fresh_tag()
    thoughts = script(sim("delay", "20ms"), think("hmm " * 2000))
    stream = client.chat.completions.create(**request(tag, thoughts, stream=True))
    for _ in range(3):
        next(stream)
    stream.close()
    expect_cancelled(server, tag)


def test_a_stream_closed_in_a_pause(server, client):
    tag = fresh_tag()
    pause = script(say("a"), sim("wait", "20s"), say("b"))
    stream = client.chat.completions.create(**request(tag, pause, stream=True))
    while not next(stream).choices[0].delta.content:
        pass
    stream.close()
    expect_cancelled(server, tag)


def test_a_stream_closed_after_the_client_was_slow(server):
    # Nothing is read, so the gateway's buffers are full when the client leaves.
    tag = fresh_tag()
    flood = sim("chunks", 400_000)
    with server.raw() as raw:
        body = request(tag, flood, stream=True)
        with raw.stream("POST", "/v1/chat/completions", json=body) as answer:
            assert answer.status_code == 200
            eventually(server, tag, 5, started=1)
            assert stats(server, tag)["active"] == 1
    expect_cancelled(server, tag)


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_request_given_up(server, loop, wait, stream):
    tag = fresh_tag()

    async def give_up():
        async with server.async_client() as client:
            asked = client.chat.completions.create(**request(tag, wait, stream=stream))
            waiting = asyncio.create_task(asked)
            await asyncio.to_thread(eventually, server, tag, 5, started=1, active=1)
            assert not waiting.done()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    loop.run_until_complete(give_up())
    expect_cancelled(server, tag)


def test_a_whole_answer_given_up_in_its_middle(server, loop):
    tag = fresh_tag()

    async def give_up():
        async with server.async_client() as client:
            waiting = asyncio.create_task(client.chat.completions.create(**request(tag, ENDLESS)))
            await asyncio.to_thread(eventually, server, tag, 5, started=1)
            while stats(server, tag)["chunks"] < 5:
                await asyncio.sleep(0.02)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    loop.run_until_complete(give_up())
    expect_cancelled(server, tag)


def test_an_asynchronous_stream_whose_task_is_cancelled(server, loop):
    tag = fresh_tag()
    seen = []

    async def read():
        async with server.async_client() as client:
            asked = client.chat.completions.create(**request(tag, ENDLESS, stream=True))
            async for chunk in await asked:
                seen.append(chunk)

    async def give_up():
        reading = asyncio.create_task(read())
        while len(seen) < 5:
            await asyncio.sleep(0.02)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    loop.run_until_complete(asyncio.wait_for(give_up(), 20))
    expect_cancelled(server, tag)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_the_sdks_own_timeout(server, stream):
    tag = fresh_tag()
    slow = script(sim("wait", "20s"), say("late"))
    with server.client(timeout=0.5) as client, pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(**request(tag, slow, stream=stream))
    expect_cancelled(server, tag)


def test_a_connection_that_is_reset(server):
    tag = fresh_tag()
    content = httpx.Request("POST", "http://x", json=request(tag, ENDLESS, stream=True)).content
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {server.key}\r\n"
        f"content-length: {len(content)}\r\n\r\n"
    )
    connection = socket.create_connection(server.address, timeout=5)
    connection.sendall(head.encode() + content)
    assert connection.recv(100).startswith(b"HTTP/1.1 200")
    # Without lingering, closing sends a reset instead of an orderly end.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    expect_cancelled(server, tag)


def test_many_that_leave_at_once(server, loop):
    tag = fresh_tag()

    async def leave_early(client):
        stream = await client.chat.completions.create(**request(tag, ENDLESS, stream=True))
        async for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        await stream.close()

    async def everything():
        async with server.async_client() as client:
            await asyncio.gather(*(leave_early(client) for _ in range(30)))

    loop.run_until_complete(everything())
    eventually(server, tag, CANCELLED_WITHIN, cancelled=30, active=0)


def test_an_answer_that_was_read_to_its_end_was_not_cancelled(ask):
    tag = fresh_tag()
    ask(script(sim("tag", tag), sim("chunks", 20)))
    counters = eventually(ask.server, tag, CANCELLED_WITHIN, completed=1)
    assert (counters["cancelled"], counters["failed"], counters["active"]) == (0, 0, 0)
