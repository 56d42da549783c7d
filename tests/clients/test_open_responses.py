"""The Open Responses specification (openresponses.org, version 2026-04-24).

Its acceptance tests are no package that could be installed, so that their published checks stand
here: the same requests over HTTP, each answer and each event held against the required fields of
the specification. Those over WebSocket are for servers that offer it.
"""

import json

import pytest

import pictures
import shapes
from support import MODEL, THINKING_MODEL, say, sim, think

NULL = type(None)
NUMBER = (int, float)

# Field: its types. All of these are required.
RESPONSE = {
    "id": str,
    "object": str,
    "created_at": int,
    "completed_at": (int, NULL),
    "status": str,
    "incomplete_details": (dict, NULL),
    "model": str,
    "previous_response_id": (str, NULL),
    "instructions": (str, NULL),
    "output": list,
    "error": (dict, NULL),
    "tools": list,
    "tool_choice": (str, dict),
    "truncation": str,
    "parallel_tool_calls": bool,
    "text": dict,
    "top_p": NUMBER,
    "presence_penalty": NUMBER,
    "frequency_penalty": NUMBER,
    "top_logprobs": int,
    "temperature": NUMBER,
    "reasoning": (dict, NULL),
    "usage": (dict, NULL),
    "max_output_tokens": (int, NULL),
    "max_tool_calls": (int, NULL),
    "store": bool,
    "background": bool,
    "service_tier": str,
    "metadata": (dict, NULL),
    "safety_identifier": (str, NULL),
    "prompt_cache_key": (str, NULL),
}
USAGE = {
    "input_tokens": int,
    "output_tokens": int,
    "total_tokens": int,
    "input_tokens_details": dict,
    "output_tokens_details": dict,
}
ITEMS = {
    "message": {"id": str, "status": str, "role": str, "content": list},
    "function_call": {"id": str, "call_id": str, "name": str, "arguments": str, "status": str},
    "reasoning": {"id": str, "summary": list},
    "compaction": {"id": str, "encrypted_content": str},
}
PARTS = {
    "input_text": {"text": str},
    "output_text": {"text": str, "annotations": list},
    "summary_text": {"text": str},
    "reasoning_text": {"text": str},
    "refusal": {"refusal": str},
}
TOOL = {"type": str, "name": str, "description": (str, NULL), "parameters": (dict, NULL)}
TOOL |= {"strict": (bool, NULL)}
WHOLE = {"response": dict}
ITEM = {"output_index": int, "item": dict}
WHERE = {"item_id": str, "output_index": int}
PART = {**WHERE, "content_index": int}
SUMMARY = {**WHERE, "summary_index": int}
EVENTS = {
    "response.created": WHOLE,
    "response.queued": WHOLE,
    "response.in_progress": WHOLE,
    "response.completed": WHOLE,
    "response.failed": WHOLE,
    "response.incomplete": WHOLE,
    "response.output_item.added": ITEM,
    "response.output_item.done": ITEM,
    "response.content_part.added": {**PART, "part": dict},
    "response.content_part.done": {**PART, "part": dict},
    "response.output_text.delta": {**PART, "delta": str},
    "response.output_text.done": {**PART, "text": str},
    "response.refusal.delta": {**PART, "delta": str},
    "response.refusal.done": {**PART, "refusal": str},
    "response.reasoning_summary_part.added": {**SUMMARY, "part": dict},
    "response.reasoning_summary_part.done": {**SUMMARY, "part": dict},
    "response.reasoning_summary_text.delta": {**SUMMARY, "delta": str},
    "response.reasoning_summary_text.done": {**SUMMARY, "text": str},
    "response.function_call_arguments.delta": {**WHERE, "delta": str},
    "response.function_call_arguments.done": {**WHERE, "arguments": str},
}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather for a location",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
    },
}
CALL = sim("tool", 'get_weather={"location":"San Francisco, CA"}')


def check_fields(value, required, where):
    for name, kinds in required.items():
        assert name in value, f"{where}.{name} is missing"
        right = isinstance(value[name], kinds)
        # Python takes True for a number.
        if isinstance(value[name], bool):
            right = kinds is bool or (isinstance(kinds, tuple) and bool in kinds)
        assert right, f"{where}.{name} is {value[name]!r}"


def check_response(response):
    check_fields(response, RESPONSE, "response")
    assert response["object"] == "response"
    assert response["truncation"] in ("auto", "disabled")
    assert response["text"]["format"]["type"] in ("text", "json_object", "json_schema")
    if response["usage"] is not None:
        check_fields(response["usage"], USAGE, "usage")
        assert isinstance(response["usage"]["input_tokens_details"]["cached_tokens"], int)
        assert isinstance(response["usage"]["output_tokens_details"]["reasoning_tokens"], int)
    if response["reasoning"] is not None:
        nullable = (str, NULL)
        check_fields(response["reasoning"], {"effort": nullable, "summary": nullable}, "reasoning")
    if isinstance(response["tool_choice"], str):
        assert response["tool_choice"] in ("none", "auto", "required")
    for tool in response["tools"]:
        check_fields(tool, TOOL, "tool")
    for item in response["output"]:
        check_item(item)


def check_item(item):
    check_fields(item, ITEMS[item["type"]], item["type"])
    if "status" in item:
        assert item["status"] in ("in_progress", "completed", "incomplete")
    if item["type"] == "message":
        assert item["role"] in ("user", "assistant", "system", "developer")
        assert item.get("phase", "final_answer") in ("commentary", "final_answer")
    for part in [*item.get("content", []), *item.get("summary", [])]:
        check_part(part)


def check_part(part):
    check_fields(part, PARTS[part["type"]], part["type"])


def check_event(event):
    kind = event["type"]
    assert kind in EVENTS, f"an event that is not in the specification: {kind}"
    check_fields(event, {"sequence_number": int, **EVENTS[kind]}, kind)
    if "response" in event:
        check_response(event["response"])
    if "item" in event:
        check_item(event["item"])
    if "part" in event:
        check_part(event["part"])


@pytest.fixture
def post(clients):
    def post(**body):
        body = {"model": MODEL, "stream": False, **body}
        return clients.raw.post("/v1/responses", json=body)

    return post


def whole(answer):
    assert answer.status_code == 200, answer.text
    response = answer.json()
    check_response(response)
    assert response["status"] == "completed"
    assert response["output"], "no output"
    return response


def streamed(answer):
    assert answer.status_code == 200, answer.text
    events = shapes.named_events(answer.text)
    for event in events:
        check_event(event)
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["status"] == "completed"
    return events


def message(role, content, **more):
    return {"type": "message", "role": role, "content": content, **more}


def test_a_text(post):
    whole(post(input=[message("user", "Say hello in exactly 3 words.")]))


def test_phases_of_the_assistant_are_accepted(post):
    items = [
        message("user", "Look it up."),
        message("assistant", "I am looking.", phase="commentary"),
        message("assistant", "It is 7.", phase="final_answer"),
        message("user", "Are you sure?"),
    ]
    response = whole(post(input=items))
    assert all(item["type"] == "message" for item in response["output"])


def test_a_stream(post):
    events = streamed(post(stream=True, input=[message("user", "Count from 1 to 5.")]))
    kinds = [event["type"] for event in events]
    assert kinds[0] == "response.created"
    assert "response.output_text.delta" in kinds


def test_a_system_message(post):
    items = [message("system", "You are a pirate."), message("user", "Say hello.")]
    whole(post(input=items))


def test_a_call(post):
    response = whole(post(input=[message("user", CALL)], tools=[WEATHER]))
    assert any(item["type"] == "function_call" for item in response["output"])


def test_a_streamed_call(post):
    events = streamed(post(stream=True, input=[message("user", CALL)], tools=[WEATHER]))
    kinds = {event["type"] for event in events}
    assert {"response.function_call_arguments.delta"} <= kinds
    assert {"response.function_call_arguments.done"} <= kinds
    for kind in ("added", "done"):
        items = [e["item"] for e in events if e["type"] == f"response.output_item.{kind}"]
        assert any(item["type"] == "function_call" for item in items)


def test_a_picture(post):
    parts = [
        {"type": "input_text", "text": "What do you see in this image?"},
        {"type": "input_image", "image_url": pictures.data_uri(pictures.png(32, 32))},
    ]
    whole(post(input=[message("user", parts)]))


def test_a_conversation(post):
    items = [
        message("user", "My name is Alice. [[mem N=Alice]]"),
        message("assistant", "Hello Alice! How can I help you today?"),
        message("user", f"What is my name? {sim('recall', 'N')}"),
    ]
    response = whole(post(input=items))
    assert response["output"][-1]["content"][0]["text"] == "Alice"


@pytest.mark.parametrize("stream", [False, True])
def test_reasoning(post, stream):
    fields = {"reasoning": {"effort": "high", "summary": "detailed"}, "model": THINKING_MODEL}
    answer = post(stream=stream, input=f"{think('hm')} {say('yes')}", **fields)
    response = streamed(answer)[-1]["response"] if stream else whole(answer)
    assert [item["type"] for item in response["output"]] == ["reasoning", "message"]


def test_a_response_that_was_cut(post):
    answer = post(stream=True, input=sim("chunks", 300), max_output_tokens=16)
    events = shapes.named_events(answer.text)
    for event in events:
        check_event(event)
    assert events[-1]["type"] == "response.incomplete"
    assert events[-1]["response"]["incomplete_details"]["reason"] == "max_output_tokens"


def test_a_response_that_failed(post):
    answer = post(stream=True, input=f"{say('half')} {sim('error', 'internal')}")
    events = shapes.named_events(answer.text)
    failed = [event for event in events if event["type"] == "response.failed"]
    for event in failed:
        check_event(event)
        assert {"code", "message"} <= set(event["response"]["error"])
    assert failed or events[-1]["type"] == "error"


def test_going_on(post):
    first = whole(post(input="Remember [[mem A=1]]"))
    second = whole(post(input=sim("recall", "A"), previous_response_id=first["id"]))
    assert second["output"][0]["content"][0]["text"] == "1"
    assert second["previous_response_id"] == first["id"]


def test_every_field_of_a_tool_is_told_back(post):
    bare = {"type": "function", "name": "bare"}
    response = whole(post(input="hello", tools=[WEATHER, bare]))
    assert [tool["name"] for tool in response["tools"]] == ["get_weather", "bare"]
    assert response["tools"][0]["parameters"] == WEATHER["parameters"]


def test_an_error_has_the_shape_of_the_specification(post):
    answer = post(input=7)
    assert answer.status_code == 400
    error = answer.json()["error"]
    check_fields(
        error, {"message": str, "type": str, "param": (str, NULL), "code": (str, NULL)}, ""
    )
    assert json.dumps(error["param"]) == '"input"'


def test_a_conversation_is_compacted(clients):
    items = [
        message("user", "Create a landing page. [[mem P=landing page]]"),
        message("assistant", "Here it is."),
    ]
    body = {"model": MODEL, "input": items, "prompt_cache_key": "compact"}
    answer = clients.raw.post("/v1/responses/compact", json=body)
    assert answer.status_code == 200, answer.text
    compacted = answer.json()
    required = {"id": str, "object": str, "output": list, "created_at": int, "usage": dict}
    check_fields(compacted, required, "compaction")
    assert compacted["object"] == "response.compaction"
    for item in compacted["output"]:
        check_item(item)
    follow_up = [*compacted["output"], message("user", say("fine"))]
    answer = clients.raw.post("/v1/responses", json={"model": MODEL, "input": follow_up})
    assert whole(answer)["output"][0]["content"][0]["text"] == "fine"


def test_a_compaction_needs_a_model(clients):
    answer = clients.raw.post("/v1/responses/compact", json={"input": "hello"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == "model"
