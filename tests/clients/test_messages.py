"""The official Anthropic SDK: thinking and its signatures, helpers, counting, models."""

import asyncio
import json
import time
from datetime import datetime

import anthropic
import anthropic.types
import pytest
from pydantic import BaseModel

import pictures
import shapes
from dialects import Messages
from support import (
    MODEL,
    PLAIN_MODEL,
    THINKING_MODEL,
    numbered,
    say,
    script,
    sim,
    think,
    user,
)

THINKING = {"type": "enabled", "budget_tokens": 2048}
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.fixture
def claude(clients):
    return clients.blocking[anthropic]


def request(*messages, **fields):
    messages = [user(each) if isinstance(each, str) else each for each in messages]
    return {"model": MODEL, "max_tokens": 64_000, "messages": messages, **fields}


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def test_thinking_has_a_signature_that_goes_back(claude):
    question = user(script(think("It is [[mem K=deep]]"), say("hm")))
    fields = {"model": THINKING_MODEL, "thinking": THINKING}
    answer = claude.messages.create(**request(question, **fields))
    thought, text = answer.content
    assert (thought.type, thought.thinking) == ("thinking", "It is [[mem K=deep]]")
    assert thought.signature
    back = {"role": "assistant", "content": answer.content}
    again = claude.messages.create(**request(question, back, sim("recall", "K"), **fields))
    assert text_of(again) == "deep"


def test_thinking_before_a_call_goes_back_with_its_result(claude):
    fields = {"model": THINKING_MODEL, "thinking": THINKING, "tools": [WEATHER]}
    call = sim("tool", 'get_weather={"city":"Oslo"}')
    question = user(script(think("look [[mem K=v]]"), call, sim("next"), sim("recall", "K")))
    answer = claude.messages.create(**request(question, **fields))
    assert [block.type for block in answer.content] == ["thinking", "tool_use"]
    result = {"type": "tool_result", "tool_use_id": answer.content[1].id, "content": "7"}
    history = [question, answer.to_param(), user([result])]
    assert text_of(claude.messages.create(**request(*history, **fields))) == "v"


def test_thinking_that_nobody_wants_is_not_shown(claude):
    fields = {"model": MODEL, "thinking": {"type": "disabled"}}
    prompt = script(think("hidden"), say("shown"))
    answer = claude.messages.create(**request(prompt, **fields))
    assert [block.type for block in answer.content] == ["text"]


def test_thinking_that_is_omitted_keeps_its_signature(claude):
    fields = {"model": THINKING_MODEL, "thinking": {"type": "adaptive", "display": "omitted"}}
    answer = claude.messages.create(**request(script(think("hidden"), say("shown")), **fields))
    thought, text = answer.content
    assert (thought.type, thought.thinking, text.text) == ("thinking", "", "shown")
    assert thought.signature


def test_redacted_thinking_may_come_back(claude):
    redacted = {"type": "redacted_thinking", "data": "b3BhcXVl"}
    past = {"role": "assistant", "content": [redacted, {"type": "text", "text": "yes"}]}
    fields = {"model": THINKING_MODEL, "thinking": THINKING}
    answer = claude.messages.create(**request("well?", past, say("fine"), **fields))
    assert text_of(answer) == "fine"


def test_the_stream_helper(claude):
    prompt = script(think("hm"), say("hello "), say("there"))
    fields = {"model": THINKING_MODEL, "thinking": THINKING}
    with claude.messages.stream(**request(prompt, **fields)) as stream:
        assert "".join(stream.text_stream) == "hello there"
        final = stream.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text"]
    assert final.content[0].signature
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens > 0


def test_the_stream_helper_with_calls(claude):
    calls = [sim("tool", f'get_weather={{"city":"{city}"}}') for city in ("Oslo", "Bergen")]
    with claude.messages.stream(**request(script(*calls), tools=[WEATHER])) as stream:
        seen = [event.type for event in stream]
        final = stream.get_final_message()
    assert [block.input["city"] for block in final.content] == ["Oslo", "Bergen"]
    assert final.stop_reason == "tool_use"
    assert "input_json" in seen


def test_the_tool_runner(claude):
    asked = []

    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """The weather of a city.

        Args:
            city: Its name.
        """
        asked.append(city)
        if city == "Atlantis":
            raise ValueError("no such city")
        return f"rain in {city}"

    rounds = ["Oslo", "Bergen", "Atlantis"]
    steps = [script(sim("tool", f'get_weather={{"city":"{c}"}}'), sim("next")) for c in rounds]
    runner = claude.beta.messages.tool_runner(
        **request(script(*steps, say("all rain"))), tools=[get_weather]
    )
    final = runner.until_done()
    assert asked == rounds
    assert text_of(final) == "all rain"


def test_a_thread_is_kept_or_refused(clients):
    """The tool runners of the SDKs hold the conversation on the server unless that is refused in
    these words; then they tell it anew each time."""
    body = request("Remember [[mem K=kept]]", thread={"type": "create"})
    created = clients.raw.post("/v1/messages?beta=true", json=body)
    known = created.json().get("id", "msg_unknown")
    thread = {"type": "continue", "previous_message_id": known}
    body = request(sim("recall", "K"), thread=thread)
    continued = clients.raw.post("/v1/messages?beta=true", json=body)
    for answer in (created, continued):
        if answer.status_code == 200:
            continue
        assert answer.status_code == 400, answer.text
        error = answer.json()["error"]
        assert error["type"] == "invalid_request_error"
        assert error["details"]["error_code"] == "thread_unsupported_request"
    if continued.status_code == 200:
        assert continued.json()["content"][0]["text"] == "kept"


def test_the_beta_path(claude):
    answer = claude.beta.messages.create(
        **request(say("beta")),
        betas=["interleaved-thinking-2025-05-14", "context-management-2025-06-27"],
        context_management={"edits": []},
    )
    assert text_of(answer) == "beta"


class City(BaseModel):
    name: str
    people: int


def test_a_parsed_answer(claude):
    answer = claude.messages.parse(
        **request(say('{"name":"Oslo","people":700000}')), output_format=City
    )
    assert answer.parsed_output == City(name="Oslo", people=700_000)


def test_a_parsed_stream(claude):
    prompt = say('{"name":"Oslo","people":700000}')
    with claude.messages.stream(**request(prompt), output_format=City) as stream:
        final = stream.get_final_message()
    assert final.parsed_output == City(name="Oslo", people=700_000)


def test_the_schema_of_an_answer_is_told_to_the_model(claude):
    """There is no field for it upstream, so it has to stand in the text that the model reads."""
    schema = {"type": "object", "properties": {"[[mem S=seen]]": {"type": "string"}}}
    config = {"format": {"type": "json_schema", "schema": schema}}
    prompt = script(say('{"x":"'), sim("recall", "S"), say('"}'))
    answer = claude.messages.create(**request(prompt, output_config=config))
    assert json.loads(text_of(answer)) == {"x": "seen"}


@pytest.mark.parametrize("stop", [["END"], ["never", "END"]])
@pytest.mark.parametrize("stream", [False, True])
def test_stop_sequences(claude, stop, stream):
    body = request(script(sim("split", 2), say("abc END xyz")), stop_sequences=stop)
    if stream:
        with claude.messages.stream(**body) as manager:
            answer = manager.get_final_message()
    else:
        answer = claude.messages.create(**body)
    assert text_of(answer) == "abc "
    assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "END")


def test_system_text_as_blocks(claude):
    system = [
        {"type": "text", "text": "[[mem A=1]]"},
        {"type": "text", "text": "[[mem B=2]]", "cache_control": {"type": "ephemeral"}},
    ]
    prompt = script(sim("recall", "A"), sim("recall", "B"))
    assert text_of(claude.messages.create(**request(prompt, system=system))) == "12"


def test_a_system_message_inside_the_messages(claude):
    late = {"role": "system", "content": "[[mem K=late]]"}
    past = {"role": "assistant", "content": "yes"}
    body = request("first", past, late, sim("recall", "K"))
    assert text_of(claude.messages.create(**body)) == "late"


def test_an_answer_that_is_begun_by_the_client(claude):
    body = request("Say it.", {"role": "assistant", "content": "It is ["})
    assert claude.messages.create(**body).stop_reason == "end_turn"


def test_a_document_is_read(claude):
    source = {"type": "text", "media_type": "text/plain", "data": "[[mem D=document]]"}
    parts = [{"type": "document", "source": source}, {"type": "text", "text": sim("recall", "D")}]
    assert text_of(claude.messages.create(**request(user(parts)))) == "document"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (pictures.png(8, 8), "image/png"),
        (pictures.jpeg(), "image/jpeg"),
        (pictures.WEBP, "image/webp"),
        (pictures.gif(), "image/gif"),
    ],
    ids=["png", "jpeg", "webp", "gif"],
)
def test_formats_of_pictures(claude, data, media_type):
    media = {"type": "base64", "media_type": media_type, "data": pictures.base64_text(data)}
    parts = [{"type": "image", "source": media}, {"type": "text", "text": sim("report")}]
    answer = claude.messages.create(**request(user(parts)))
    assert json.loads(text_of(answer))["sim_report"]["images"] == [len(data)]


def test_figures_of_a_stream_are_told_at_its_end(clients):
    body = request(script(sim("usage", 1200, 30), say("counted")), stream=True)
    events = shapes.named_events(clients.raw.post("/v1/messages", json=body).text)
    assert events[0]["message"]["usage"]["output_tokens"] <= 30
    assert events[-2]["usage"]["output_tokens"] == 30
    assert Messages.reply(shapes.messages_stream(events)).usage == (1200, 30)


def test_the_events_of_a_stream(clients):
    body = request(script(say("one")), stream=True)
    answer = clients.raw.post("/v1/messages", json=body)
    names = [name for name, _ in shapes.server_sent_events(answer.text) if name != "ping"]
    start, first, *deltas, last, end, stop = names
    assert (start, first) == ("message_start", "content_block_start")
    assert set(deltas) == {"content_block_delta"}
    assert (last, end, stop) == ("content_block_stop", "message_delta", "message_stop")
    assert "[DONE]" not in answer.text


def count(claude, *messages, **fields):
    messages = [user(each) if isinstance(each, str) else each for each in messages]
    return claude.messages.count_tokens(model=MODEL, messages=messages, **fields).input_tokens


def test_counting_tokens(claude):
    little = count(claude, "hello")
    assert 0 < little < 100
    assert count(claude, "hello " * 1000) > little + 500
    assert count(claude, "hello", system="Be brief. " * 100) > little + 100
    assert count(claude, "hello", tools=[WEATHER]) > little
    seen = [Messages.image(pictures.png(500, 500)), {"type": "text", "text": "hello"}]
    assert count(claude, user(seen)) >= little
    assert count(claude, "hello") == little


def test_counting_tokens_of_a_whole_conversation(claude):
    call = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}}
    thought = {"type": "thinking", "thinking": "hm " * 50, "signature": "c2ln"}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "7 degrees"}
    history = [user("Weather?"), {"role": "assistant", "content": [thought, call]}, user([result])]
    assert count(claude, *history, tools=[WEATHER], thinking=THINKING) > 20


def test_counting_tokens_on_the_beta_path(claude):
    counted = claude.beta.messages.count_tokens(model=MODEL, messages=[user("hello")])
    assert counted.input_tokens == count(claude, "hello")


def test_many_counts_at_once(clients):
    async def all_of_them():
        asked = [
            clients.asynchronous[anthropic].messages.count_tokens(
                model=MODEL, messages=[user("word " * (number + 1))]
            )
            for number in range(25)
        ]
        return [each.input_tokens for each in await asyncio.gather(*asked)]

    counts = clients.loop.run_until_complete(all_of_them())
    assert counts == sorted(counts) and counts[0] < counts[-1]


def test_the_list_of_models(claude):
    models = {model.id: model for model in claude.models.list(limit=1000)}
    assert {MODEL, PLAIN_MODEL, THINKING_MODEL} <= set(models)
    for model in models.values():
        shapes.check_type(anthropic.types.ModelInfo, model.to_dict(mode="json"))
        assert model.type == "model" and model.display_name
        assert isinstance(model.created_at, datetime)


def test_the_list_of_models_in_pages(claude):
    whole = [model.id for model in claude.models.list(limit=1000)]
    page = claude.models.list(limit=3)
    assert [model.id for model in page.data] == whole[:3]
    assert page.has_more and (page.first_id, page.last_id) == (whole[0], whole[2])
    assert [model.id for model in page] == whole
    later = claude.models.list(limit=1000, after_id=whole[1])
    assert [model.id for model in later.data] == whole[2:]
    earlier = claude.models.list(limit=2, before_id=whole[5])
    assert [model.id for model in earlier.data] == whole[3:5]
    assert not claude.models.list(limit=1000).has_more


def test_one_model(claude):
    model = claude.models.retrieve(THINKING_MODEL)
    shapes.check_type(anthropic.types.ModelInfo, model.to_dict(mode="json"))
    assert (model.id, model.type) == (THINKING_MODEL, "model")
    with pytest.raises(anthropic.NotFoundError) as caught:
        claude.models.retrieve("no-such-model-xyz")
    assert caught.value.type == "not_found_error"


def test_every_client_gets_the_list_in_its_own_shape(clients):
    plain = clients.raw.get("/v1/models").json()
    assert plain["object"] == "list"
    versioned = clients.raw.get("/v1/models", headers={"anthropic-version": "2023-06-01"}).json()
    assert {"data", "has_more", "first_id", "last_id"} <= set(versioned)
    assert {each["id"] for each in plain["data"]} >= {each["id"] for each in versioned["data"]}


def test_the_key_in_either_header(server):
    for headers in ({"x-api-key": server.key}, {"authorization": f"Bearer {server.key}"}):
        with server.raw(headers=headers) as raw:
            answer = raw.post("/v1/messages", json=request(say("in")))
        assert answer.json()["content"] == [{"type": "text", "text": "in"}], answer.text
    with server.anthropic(api_key=None, auth_token=server.key) as bearer:
        assert text_of(bearer.messages.create(**request(say("in")))) == "in"


def test_the_first_piece_comes_before_the_second_is_made(claude):
    prompt = script(say("a"), sim("wait", "1s"), say("b"))
    times = []
    with claude.messages.stream(**request(prompt)) as stream:
        times.extend(time.monotonic() for _ in stream.text_stream)
    assert times[-1] - times[0] > 0.8


def test_a_long_answer(claude):
    with claude.messages.stream(**request(sim("chunks", 2000))) as stream:
        assert stream.get_final_text() == numbered(2000)
