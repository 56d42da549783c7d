"""Which tools the model may use, and how many at once; the form an answer must have."""

import json

import openai
import pytest
from openai.types import Completion
from pydantic import BaseModel

import shapes
from dialects import Chat, Conversation, Messages, Responses, Result, Tool
from support import MODEL, numbered, payloads, say, script, sim, user

TOOLS = (Tool("get_weather"), Tool("get_time"))
WEATHER, TIME = (sim("tool", f"{tool.name}={{}}") for tool in TOOLS)

NONE = {Messages: {"type": "none"}}
NEEDED = {Messages: {"type": "any"}}
NAMED = {
    Chat: {"type": "function", "function": {"name": "get_time"}},
    Messages: {"type": "tool", "name": "get_time"},
    Responses: {"type": "function", "name": "get_time"},
}
ALLOWED = {"mode": "auto", "tools": [{"type": "function", "name": "get_time"}]}
ALLOWED_CHAT = {
    "mode": "auto",
    "tools": [{"type": "function", "function": {"name": "get_time"}}],
}


def named(reply):
    return [call.name for call in reply.calls]


def choosing(speaker, choice):
    return Conversation(speaker, TOOLS, tool_choice=choice)


def test_no_tool_is_to_be_used(speaker):
    reply = choosing(speaker, NONE.get(speaker.dialect, "none")).say(WEATHER)
    assert (reply.calls, reply.finish) == ([], "stop")


def test_calls_of_earlier_turns_stay_when_no_tool_is_to_be_used(speaker):
    chat = Conversation(speaker, TOOLS)
    reply = chat.say(WEATHER)
    chat.history += chat.dialect.results([Result(reply.calls[0], "[[mem K=rain]]")])
    chat.history += chat.dialect.user(script(sim("recall", "K")))
    request = {**chat.request(), "tool_choice": NONE.get(speaker.dialect, "none")}
    assert speaker.ask(request).text == "rain"


def test_some_tool_has_to_be_used(speaker):
    reply = choosing(speaker, NEEDED.get(speaker.dialect, "required")).say(WEATHER)
    assert named(reply) == ["get_weather"]


def test_one_tool_has_to_be_used(speaker):
    chat = choosing(speaker, NAMED[speaker.dialect])
    assert named(chat.say(TIME)) == ["get_time"]


def test_no_other_tool_is_used_then(speaker):
    assert named(choosing(speaker, NAMED[speaker.dialect]).say(WEATHER)) == []


@pytest.mark.parametrize("dialect", [Chat, Responses], ids=lambda dialect: dialect.name)
def test_some_tools_are_allowed(speaker):
    choice = {"type": "allowed_tools", **ALLOWED}
    if speaker.dialect is Chat:
        choice = {"type": "allowed_tools", "allowed_tools": ALLOWED_CHAT}
    assert named(choosing(speaker, choice).say(TIME)) == ["get_time"]
    assert named(choosing(speaker, choice).say(WEATHER)) == []


def test_one_call_at_a_time(speaker):
    fields = {"parallel_tool_calls": False}
    if speaker.dialect is Messages:
        fields = {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    chat = Conversation(speaker, TOOLS, **fields)
    assert named(chat.say(script(WEATHER, TIME))) == ["get_weather"]


class City(BaseModel):
    """A city."""

    name: str
    people: int


OSLO = City(name="Oslo", people=700_000)
OSLO_JSON = '{"name":"Oslo","people":700000}'


def test_a_parsed_completion(client):
    answer = client.chat.completions.parse(
        model=MODEL, messages=[user(say(OSLO_JSON))], response_format=City
    )
    assert answer.choices[0].message.parsed == OSLO


def test_a_parsed_stream(client):
    with client.chat.completions.stream(
        model=MODEL, messages=[user(script(sim("split", 2), say(OSLO_JSON)))], response_format=City
    ) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.parsed == OSLO


def test_a_parsed_call(client):
    answer = client.chat.completions.parse(
        model=MODEL,
        messages=[user(sim("tool", f"City={OSLO_JSON}"))],
        tools=[openai.pydantic_function_tool(City)],
    )
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.parsed_arguments == OSLO


def test_streamed_calls_by_the_helper(client):
    prompt = script(say("Both. "), WEATHER, TIME)
    with client.chat.completions.stream(
        model=MODEL, messages=[user(prompt)], tools=[Chat.tool(tool) for tool in TOOLS]
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["get_weather", "get_time"]
    assert "tool_calls.function.arguments.done" in kinds


def test_a_tool_that_takes_plain_text(client):
    tool = {"type": "custom", "custom": {"name": "patch", "description": "x"}}
    messages = [user(sim("tool", 'patch={"input":"+ line\\n"}'))]
    answer = client.chat.completions.create(model=MODEL, messages=messages, tools=[tool])
    (call,) = answer.choices[0].message.tool_calls
    assert (call.type, call.custom.name, call.custom.input) == ("custom", "patch", "+ line\n")
    messages += [answer.choices[0].message, {"role": "tool", "tool_call_id": call.id}]
    messages[-1]["content"] = "applied"
    answer = client.chat.completions.create(model=MODEL, messages=messages, tools=[tool])
    assert answer.choices[0].message.content == "tool result: applied"


@pytest.mark.parametrize("strict", [True, False, None])
def test_the_schema_of_an_answer_is_told_to_the_model(ask, strict):
    schema = {"type": "object", "properties": {"[[mem S=seen]]": {"type": "string"}}}
    named_schema = {"name": "n", "schema": schema, "strict": strict}
    form = {"type": "json_schema", "json_schema": named_schema}
    prompt = script(say('{"x":"'), sim("recall", "S"), say('"}'))
    assert json.loads(ask(prompt, response_format=form).text) == {"x": "seen"}


def test_any_json(ask):
    reply = ask(say('{"a": [1, "b"]}'), response_format={"type": "json_object"})
    assert json.loads(reply.text) == {"a": [1, "b"]}


def test_plain_text_is_no_form(ask):
    assert ask(say("fine"), response_format={"type": "text"}).text == "fine"


class TestOlderCompletions:
    """The API before chat: a text goes on."""

    def test_a_prompt(self, client):
        answer = client.completions.create(model=MODEL, prompt="hello", max_tokens=500)
        shapes.check_type(Completion, answer.to_dict(mode="json"))
        (choice,) = answer.choices
        assert (choice.text, choice.finish_reason, choice.index) == ("echo: hello", "stop", 0)
        assert answer.object == "text_completion"
        total = answer.usage.prompt_tokens + answer.usage.completion_tokens
        assert answer.usage.total_tokens == total

    def test_a_stream(self, client):
        prompt = sim("chunks", 50)
        stream = client.completions.create(
            model=MODEL,
            prompt=prompt,
            max_tokens=5000,
            stream=True,
            stream_options={"include_usage": True},
        )
        *chunks, last = list(stream)
        assert "".join(chunk.choices[0].text for chunk in chunks) == numbered(50)
        finish = [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason]
        assert finish == ["stop"]
        assert last.choices == [] and last.usage.total_tokens > 0

    def test_the_bytes_of_a_stream(self, clients):
        body = {"model": MODEL, "prompt": say("one"), "max_tokens": 500, "stream": True}
        answer = clients.raw.post("/v1/completions", json=body)
        assert {chunk["object"] for chunk in payloads(answer)} == {"text_completion"}

    def test_a_limit(self, client):
        answer = client.completions.create(model=MODEL, prompt=sim("chunks", 300), max_tokens=10)
        (choice,) = answer.choices
        assert choice.finish_reason == "length"
        assert choice.text and numbered(300).startswith(choice.text)

    def test_a_stop_text(self, client):
        answer = client.completions.create(
            model=MODEL, prompt=say("abc END xyz"), max_tokens=500, stop=["END"]
        )
        assert (answer.choices[0].text, answer.choices[0].finish_reason) == ("abc ", "stop")

    def test_one_of_several_prompts_is_never_lost(self, client):
        prompts = [say("one"), say("two")]
        try:
            answer = client.completions.create(model=MODEL, prompt=prompts, max_tokens=500)
        except openai.BadRequestError as error:
            assert error.param == "prompt"
        else:
            assert [choice.text for choice in answer.choices] == ["one", "two"]

    def test_an_echo(self, client):
        prompt = f"[ {say('after')}"
        answer = client.completions.create(model=MODEL, prompt=prompt, max_tokens=500, echo=True)
        assert answer.choices[0].text == f"{prompt}after"

    def test_an_error(self, client):
        with pytest.raises(openai.RateLimitError):
            client.completions.create(model=MODEL, prompt=sim("error", "rate_limit"))
        with pytest.raises(openai.NotFoundError):
            client.completions.create(model="no-such-model-xyz", prompt="hello")
        with pytest.raises(openai.BadRequestError) as caught:
            client.completions.create(model=MODEL, prompt={"a": 1})
        assert caught.value.param == "prompt"

    def test_an_error_in_mid_stream(self, client):
        prompt = script(say("half an ans"), sim("error", "internal"))
        seen = []
        with pytest.raises(openai.APIError):
            seen.extend(
                client.completions.create(model=MODEL, prompt=prompt, max_tokens=500, stream=True)
            )
        assert all(chunk.choices[0].finish_reason is None for chunk in seen)
