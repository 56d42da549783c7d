"""Token usage: the upstream's own figures."""

import asyncio

from support import MODEL, THINKING_MODEL, numbered, say, script, sim, think, user


def test_figures_of_the_upstream(ask):
    usage = ask(script(sim("usage", 1200, 30), say("counted"))).usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (1200, 30)
    assert usage.total_tokens == 1230
    assert not is_estimated(usage)


def test_figures_after_reasoning(ask):
    prompt = script(sim("usage", 77, 8), think("hm"), say("yes"))
    usage = ask(prompt, model=THINKING_MODEL).usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (77, 8)


def test_large_figures(ask):
    usage = ask(script(sim("usage", 1_900_000, 64_000), say("much"))).usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (1_900_000, 64_000)


def test_figures_that_the_upstream_makes_itself(ask):
    usage = ask(sim("chunks", 100)).usage
    assert 5 <= usage.prompt_tokens <= 100
    assert len(numbered(100)) / 8 <= usage.completion_tokens <= len(numbered(100))
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert not is_estimated(usage)


def test_usage_grows_with_the_prompt(ask):
    short, long = ask("a few words").usage, ask("a few words " * 500).usage
    assert long.prompt_tokens > short.prompt_tokens + 500


def test_cached_tokens_when_the_upstream_tells_them(ask):
    details = ask(script(sim("usage", 1200, 30), say("counted"))).usage.prompt_tokens_details
    # Only agent.v1 tells; nothing is invented for the other flow.
    expected = 0 if ask.server.flow == "agent" else None
    assert (details.cached_tokens if details else None) == expected


def test_answers_at_the_same_time_have_their_own_figures(server, loop):
    async def one(client, number):
        prompt = script(sim("usage", 1000 + number, number), sim("wait", "50ms"), say("x"))
        answer = await client.chat.completions.create(model=MODEL, messages=[user(prompt)])
        return answer.usage.prompt_tokens, answer.usage.completion_tokens

    async def everything():
        async with server.async_client() as client:
            return await asyncio.gather(*(one(client, number) for number in range(1, 21)))

    figures = loop.run_until_complete(everything())
    assert figures == [(1000 + number, number) for number in range(1, 21)]


def is_estimated(usage):
    return (usage.model_extra or {}).get("estimated", False)
