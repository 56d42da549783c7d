"""Many answers at once: each complete, with its own text, and none behind the others."""

import asyncio
import json
import time

import httpx

from support import MODEL, PATIENCE, numbered, quoted, say, script, sim, user


def request(*directives, **fields):
    return {"model": MODEL, "messages": [user(script(*directives))], **fields}


def test_sixty_streams_each_with_its_own_text(server, loop):
    async def one(client, number):
        own = f"this is stream {number} – 世界"
        body = request(sim("delay", "5ms"), sim("chunks", 30), say(own), stream=True)
        text, finish = "", []
        async for chunk in await client.chat.completions.create(**body):
            (choice,) = chunk.choices
            text += choice.delta.content or ""
            finish += [choice.finish_reason] if choice.finish_reason else []
        assert text == f"{numbered(30)}{own}"
        assert finish == ["stop"]
        return number

    async def everything():
        async with server.async_client() as client:
            return await asyncio.gather(*(one(client, number) for number in range(60)))

    assert loop.run_until_complete(everything()) == list(range(60))


def test_sixty_whole_answers_among_failing_ones(server, loop):
    async def one(client, number):
        if number % 3 == 0:
            try:
                await client.chat.completions.create(**request(sim("error", "overloaded")))
            except Exception as error:
                return type(error).__name__
        answer = await client.chat.completions.create(**request(say(f"answer {number}")))
        return answer.choices[0].message.content

    async def everything():
        async with server.async_client() as client:
            return await asyncio.gather(*(one(client, number) for number in range(90)))

    for number, result in enumerate(loop.run_until_complete(everything())):
        expected = "InternalServerError" if number % 3 == 0 else f"answer {number}"
        assert result == expected


def test_two_hundred_streams_have_their_first_piece_before_any_ends(server, loop):
    """The backend allows 128 streams on one connection; nobody waits behind those."""
    body = request(say("first"), sim("wait", "6s"), say(" last"), stream=True)

    async def one(client):
        text, first = "", None
        async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            assert answer.status_code == 200, await answer.aread()
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    delta = json.loads(line[6:])["choices"][0]["delta"]
                    text += delta.get("content") or ""
                if text and first is None:
                    first = time.monotonic()
        assert text == "first last"
        return first, time.monotonic()

    async def everything():
        unlimited = httpx.Limits(max_connections=None)
        headers = {"authorization": f"Bearer {server.key}"}
        async with httpx.AsyncClient(
            base_url=server.origin,
            headers=headers,
            limits=unlimited,
            timeout=PATIENCE,
            trust_env=False,
            verify=False,
        ) as client:
            return await asyncio.gather(*(one(client) for _ in range(200)))

    times = loop.run_until_complete(everything())
    assert max(first for first, _ in times) < min(end for _, end in times)


def test_one_connection_serves_many_requests(server):
    with server.raw() as raw:
        for number in range(50):
            answer = raw.post("/v1/chat/completions", json=request(say(f"answer {number}")))
            content = answer.json()["choices"][0]["message"]["content"]
            assert content == f"answer {number}", quoted(content)
