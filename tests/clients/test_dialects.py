"""What every dialect has to say in its own shape: text, reasoning, pictures, limits, figures."""

import asyncio

import pytest

import pictures
from dialects import Conversation, Speaker
from support import (
    THINKING_MODEL,
    expect_cancelled,
    fresh_tag,
    numbered,
    report,
    say,
    script,
    sim,
    stats,
    think,
)

UNICODE = "family 👩‍👩‍👧‍👦 flag 🇳🇴 你好 e\u0301 שלום \U0001f600 a\u2028b\u2029c\u0085d \U0010ffff"


def test_text(speaker):
    reply = Conversation(speaker).say("hello there")
    assert (reply.text, reply.finish, reply.calls) == ("echo: hello there", "stop", [])


@pytest.mark.parametrize("cuts", [sim("split", 1), sim("fragment", 1), sim("gzip"), ""])
def test_unicode_survives_any_cut(speaker, cuts):
    assert Conversation(speaker).say(script(cuts, say(UNICODE))).text == UNICODE


def test_a_thousand_pieces(speaker):
    prompt = script(sim("burst", 1000), sim("chunks", 1000))
    assert Conversation(speaker).say(prompt).text == numbered(1000)


def test_reasoning_is_apart_from_the_text(speaker):
    chat = Conversation(speaker, thinking=True)
    reply = chat.say(script(think("2 and 2 make " * 20), say("4")))
    assert (reply.reasoning, reply.text) == ("2 and 2 make " * 20, "4")


def test_reasoning_comes_back_with_the_history(speaker):
    chat = Conversation(speaker, thinking=True)
    chat.say(script(think("I keep [[mem K=a secret thought]]"), say("kept")))
    assert chat.say(sim("recall", "K")).text == "a secret thought"


def test_reasoning_between_texts(speaker):
    chat = Conversation(speaker, thinking=True)
    reply = chat.say(script(think("a"), say("one "), think("b"), say("two")))
    assert (reply.reasoning, reply.text) == ("ab", "one two")
    assert chat.say(say("next")).text == "next"


def test_pictures_reach_the_model(speaker):
    images = [pictures.png(16, 16), pictures.png(40, 30)]
    reply = Conversation(speaker).say(sim("report"), images)
    assert sorted(report(reply)["images"]) == sorted(len(image) for image in images)


def test_a_conversation_of_many_turns(speaker):
    chat = Conversation(speaker, system="Be brief. [[mem S=system]]")
    for number in range(8):
        assert chat.say(say(f"answer {number} [[mem A{number}=a{number}]]")).finish == "stop"
    keys = ["S", "A0", "A4", "A7"]
    assert chat.say(script(*(sim("recall", key) for key in keys))).text == "systema0a4a7"


def test_a_prompt_of_a_megabyte(raw_speaker):
    prompt = sim("report") + "0123456789 世界 😀\n" * 60_000
    assert report(Conversation(raw_speaker).say(prompt))["last_user_chars"] == len(prompt)


def test_the_model_is_the_one_that_was_asked_for(speaker):
    reply = Conversation(speaker, model=THINKING_MODEL).say("hello")
    assert reply.body["model"] == THINKING_MODEL


def test_figures_are_those_of_the_upstream(speaker):
    reply = Conversation(speaker).say(script(sim("usage", 1200, 30), say("counted")))
    assert reply.usage == (1200, 30)


def test_the_limit_of_tokens(speaker):
    chat = Conversation(speaker, **{speaker.dialect.limit: 16})
    reply = chat.say(sim("chunks", 300))
    assert reply.finish == "length"
    assert reply.text and numbered(300).startswith(reply.text)
    assert 0 < reply.usage[1] <= 16


def test_an_answer_below_the_limit_is_whole(speaker):
    chat = Conversation(speaker, **{speaker.dialect.limit: 1000})
    reply = chat.say(sim("chunks", 20))
    assert (reply.text, reply.finish) == (numbered(20), "stop")


def test_every_answer_has_an_id_of_its_own(speaker):
    chat = Conversation(speaker)
    replies = [chat.say("hello") for _ in range(3)]
    assert len({reply.body["id"] for reply in replies}) == 3
    assert len({reply.headers[speaker.dialect.request_id] for reply in replies}) == 3


def test_fields_without_effect_are_named(raw_speaker):
    chat = Conversation(raw_speaker, frobnicate=1)
    assert chat.say("hello").headers["x-ignored-fields"] == "frobnicate"


def test_the_headers_of_a_stream(raw_speaker):
    headers = Conversation(raw_speaker).say("hello").headers
    assert headers["content-type"].split(";")[0] == "text/event-stream"
    assert "no-cache" in headers["cache-control"]
    assert headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in headers


def test_fifty_streams_stay_apart(clients, dialect, loop):
    async def one(number):
        speaker = Speaker(dialect, "async-streamed", clients)
        text = script(sim("delay", "5ms"), sim("chunks", 10), say(f"stream {number}"))
        request = dialect.request(dialect.user(text), None, model=THINKING_MODEL)
        body, _ = await speaker.collect(request)
        assert dialect.reply(body).text == f"{numbered(10)}stream {number}"

    async def all_of_them():
        await asyncio.gather(*(one(number) for number in range(50)))

    loop.run_until_complete(all_of_them())


@pytest.mark.parametrize("after", [sim("hang"), sim("chunks", 3000)], ids=["silence", "pieces"])
def test_a_client_that_leaves_takes_its_call_along(server, clients, dialect, after):
    tag = fresh_tag()
    prompt = script(sim("tag", tag), sim("delay", "20ms"), sim("chunks", 3), after)
    request = {**dialect.request(dialect.user(prompt), None, model=THINKING_MODEL), "stream": True}
    with clients.raw.stream("POST", dialect.path, json=request) as answer:
        lines = answer.iter_lines()
        assert any("w1" in line for line in lines)
    expect_cancelled(server, tag)


def test_a_stream_that_was_read_is_not_cancelled(server, raw_speaker):
    tag = fresh_tag()
    Conversation(raw_speaker).say(script(sim("tag", tag), sim("chunks", 20)))
    counters = stats(server, tag)
    assert (counters["completed"], counters["cancelled"]) == (1, 0)
