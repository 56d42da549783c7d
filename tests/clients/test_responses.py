"""The Responses API through the official SDK: forms of input, fields told back, helpers."""

import json

import openai
import pytest
from pydantic import BaseModel

import pictures
import response_shapes
from support import MODEL, THINKING_MODEL, numbered, report, say, script, sim, think, user

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
CALL = sim("tool", 'get_weather={"city":"Oslo"}')


@pytest.fixture(params=["whole", "streamed"])
def create(request, client):
    """Asks for a response, whole or streamed, and checks its shape."""

    def whole(prompt, **fields):
        response = client.responses.create(model=MODEL, input=prompt, **fields)
        response_shapes.whole_response(response.to_dict(mode="json"))
        return response

    def streamed(prompt, **fields):
        stream = client.responses.create(model=MODEL, input=prompt, stream=True, **fields)
        events = list(stream)
        response_shapes.streamed_response([event.to_dict(mode="json") for event in events])
        return events[-1].response

    return whole if request.param == "whole" else streamed


def message(role, content):
    return {"type": "message", "role": role, "content": content}


def test_a_string(create):
    assert create("hello").output_text == "echo: hello"


def test_parts(create):
    parts = [{"type": "input_text", "text": "one "}, {"type": "input_text", "text": say("parts")}]
    assert create([user(parts)]).output_text == "parts"


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructing_messages(create, role):
    items = [message(role, "[[mem K=told]]"), message("user", sim("recall", "K"))]
    assert create(items).output_text == "told"


def test_instructions(create):
    response = create(sim("recall", "K"), instructions="Be brief. [[mem K=brief]]")
    assert response.output_text == "brief"
    assert response.instructions == "Be brief. [[mem K=brief]]"


def test_no_instructions_but_a_field_for_them(create):
    assert create(say("fine"), instructions=None).output_text == "fine"


def test_an_answer_as_history(create):
    first = create(say("I choose [[mem K=seven]]"))
    items = [user("Choose."), *first.to_dict(mode="json")["output"], user(sim("recall", "K"))]
    assert create(items).output_text == "seven"


def test_an_answer_as_a_short_message(create):
    items = [user("Choose."), {"role": "assistant", "content": "[[mem K=v]]"}]
    assert create([*items, user(sim("recall", "K"))]).output_text == "v"


def test_an_answer_as_output_parts(create):
    parts = [{"type": "output_text", "text": "[[mem K=v]]", "annotations": []}]
    items = [user("Choose."), message("assistant", parts), user(sim("recall", "K"))]
    assert create(items).output_text == "v"


def test_pictures(create):
    image = pictures.png(16, 16)
    parts = [
        {"type": "input_text", "text": sim("report")},
        {"type": "input_image", "detail": "high", "image_url": pictures.data_uri(image)},
    ]
    response = create([user(parts)])
    assert json.loads(response.output_text)["sim_report"]["images"] == [len(image)]


def test_reasoning_with_a_summary(create):
    fields = {"reasoning": {"effort": "high", "summary": "auto"}}
    response = create(script(think("2 and 2"), say("4")), **fields)
    reasoning, answer = response.output
    assert (reasoning.type, answer.type) == ("reasoning", "message")
    assert "".join(part.text for part in reasoning.summary) == "2 and 2"
    assert response.output_text == "4"
    assert response.reasoning.effort == "high"


def test_reasoning_that_goes_back(create):
    fields = {
        "reasoning": {"effort": "medium", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }
    prompt = user(script(think("[[mem K=kept]]"), CALL, sim("next"), sim("recall", "K")))
    first = create([prompt], tools=[WEATHER], **fields)
    reasoning, call = first.output
    assert reasoning.encrypted_content
    items = [item.to_dict(mode="json") for item in first.output]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "7"}
    again = create([prompt, *items, result], tools=[WEATHER], **fields)
    assert again.output_text == "kept"


def test_reasoning_without_its_content_may_come_back(create):
    past = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": None}
    items = [user("hm?"), past, message("assistant", "yes"), user(say("fine"))]
    assert create(items, store=False).output_text == "fine"


def test_no_encrypted_content_unless_asked_for(create):
    response = create(script(think("x"), say("y")), reasoning={"summary": "auto"})
    assert response.output[0].encrypted_content is None


def test_fields_are_told_back(create):
    fields = {
        "metadata": {"run": "7"},
        "temperature": 0.5,
        "top_p": 0.9,
        "max_output_tokens": 500,
        "parallel_tool_calls": False,
        "tools": [WEATHER],
        "tool_choice": "auto",
        "prompt_cache_key": "key",
        "safety_identifier": "someone",
        "store": False,
    }
    response = create(say("ok"), **fields).to_dict(mode="json")
    for name, value in fields.items():
        assert response[name] == value, name
    assert response["error"] is None and response["incomplete_details"] is None
    assert response["status"] == "completed"


def test_defaults_are_told(create):
    response = create(say("ok"))
    assert (response.temperature, response.top_p) == (1, 1)
    assert (response.parallel_tool_calls, response.tool_choice, response.tools) == (
        True,
        "auto",
        [],
    )
    assert (response.truncation, response.background) == ("disabled", False)
    assert response.text.format.type == "text"
    assert response.created_at > 1_700_000_000


def test_a_cut_answer_is_incomplete(create):
    response = create(sim("chunks", 300), max_output_tokens=16)
    assert response.status == "incomplete"
    assert response.incomplete_details.reason == "max_output_tokens"
    assert numbered(300).startswith(response.output_text) and response.output_text
    assert response.output[-1].status == "incomplete"


def test_a_call(create):
    response = create(script(say("Let me see. "), CALL), tools=[WEATHER])
    text, call = response.output
    assert (text.type, call.type, call.status) == ("message", "function_call", "completed")
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Oslo"})
    assert response.output_text == "Let me see. "


def test_a_namespace_of_tools(create):
    """Codex offers the tools of each MCP server like this, and wants the call back like this."""
    inner = {"type": "function", "name": "list", "description": "x", "parameters": {}}
    space = {"type": "namespace", "name": "files", "description": "y", "tools": [inner]}
    offered = json.loads(create(sim("report"), tools=[space]).output_text)["sim_report"]["tools"]
    (name,) = [each for each in offered if "list" in each]
    prompt = user(sim("tool", f'{name}={{"a":1}}'))
    first = create([prompt], tools=[space])
    (call,) = [item.to_dict(mode="json") for item in first.output]
    assert (call["name"], call["namespace"]) == ("list", "files")
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "a b"}
    assert create([prompt, call, result], tools=[space]).output_text == "tool result: a b"


def test_a_tool_that_takes_plain_text(create):
    """What Codex applies its patches with."""
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}
    tool = {"type": "custom", "name": "apply_patch", "description": "x", "format": grammar}
    patch = '*** Begin Patch\n+ "quoted" \\ é 世界\u2028\n*** End Patch\n'
    prompt = user(sim("tool", f"apply_patch={json.dumps({'input': patch})}"))
    first = create([prompt], tools=[tool])
    (call,) = [item.to_dict(mode="json") for item in first.output]
    assert (call["type"], call["name"], call["input"]) == ("custom_tool_call", "apply_patch", patch)
    result = {"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "applied"}
    assert create([prompt, call, result], tools=[tool]).output_text == "tool result: applied"


def test_counting_the_tokens_of_a_request(client):
    def count(text, **fields):
        counted = client.responses.input_tokens.count(model=MODEL, input=text, **fields)
        assert counted.object == "response.input_tokens"
        return counted.input_tokens

    little = count("hello")
    assert 0 < little < count("hello " * 500)
    assert count("hello", instructions="Be brief. " * 100) > little
    assert count("hello", tools=[WEATHER]) > little


def test_a_tool_of_the_provider_is_no_error(create):
    response = create(say("ok"), tools=[WEATHER, {"type": "web_search"}])
    assert response.output_text == "ok"


class City(BaseModel):
    name: str
    people: int


OSLO = City(name="Oslo", people=700_000)


def test_a_parsed_response(client):
    response = client.responses.parse(
        model=MODEL, input=say('{"name":"Oslo","people":700000}'), text_format=City
    )
    assert response.output_parsed == OSLO
    assert response.text.format.type == "json_schema"
    assert response.text.format.name == "City"


def test_a_parsed_stream(client):
    prompt = say('{"name":"Oslo","people":700000}')
    with client.responses.stream(model=MODEL, input=prompt, text_format=City) as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert "".join(pieces) == '{"name":"Oslo","people":700000}'
    assert final.output_parsed == OSLO


def test_a_parsed_call(client):
    tool = openai.pydantic_function_tool(City, name="note")
    named = {"type": "function", **tool["function"]}
    prompt = sim("tool", 'note={"name":"Oslo","people":700000}')
    response = client.responses.parse(model=MODEL, input=prompt, tools=[named])
    assert response.output[0].parsed_arguments == {"name": "Oslo", "people": 700_000}


def test_the_schema_of_an_answer_is_told_to_the_model(create):
    schema = {"type": "object", "properties": {"[[mem S=seen]]": {"type": "string"}}}
    text = {"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": False}}
    prompt = script(say('{"x":"'), sim("recall", "S"), say('"}'))
    assert json.loads(create(prompt, text=text).output_text) == {"x": "seen"}


def test_any_json(create):
    response = create(say('{"a":1}'), text={"format": {"type": "json_object"}})
    assert json.loads(response.output_text) == {"a": 1}


def test_the_stream_helper_with_calls(client):
    prompt = script(think("hm"), CALL, sim("tool", 'get_weather={"city":"Bergen"}'))
    reasoning = {"summary": "auto"}
    with client.responses.stream(
        model=THINKING_MODEL, input=prompt, tools=[WEATHER], reasoning=reasoning
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_response()
    calls = [json.loads(item.arguments) for item in final.output if item.type == "function_call"]
    assert calls == [{"city": "Oslo"}, {"city": "Bergen"}]
    assert "response.function_call_arguments.delta" in kinds


def test_the_asynchronous_sdk(async_client, loop):
    async def ask():
        return await async_client.responses.create(model=MODEL, input=say("async"))

    assert loop.run_until_complete(ask()).output_text == "async"


def test_what_the_model_sees(create):
    class Reply:
        text = create([user("a"), message("assistant", "b"), user(sim("report"))]).output_text

    seen = report(Reply)
    assert (seen["model"], seen["turns"]) == (MODEL, 3)
