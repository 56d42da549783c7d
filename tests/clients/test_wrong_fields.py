"""Requests that are wrong in one place: the place is named, in every dialect's own way."""

import re

import anthropic
import openai
import pytest

from dialects import Chat, Messages, Responses
from support import MODEL, user

IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
CALLED = {"type": "function", "id": "call_1", "function": {"name": "f", "arguments": "{}"}}
SOURCE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": 5}}
HELLO = [user("hello")]


def function(**more):
    return [{"type": "function", "function": {"name": "f", **more}}]


def answered(block):
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    return [user("x"), {"role": "assistant", "content": [call]}, user([block])]


def called(**more):
    call = {**CALLED, **more}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return [user("x"), message, {"role": "tool", "tool_call_id": "call_1", "content": "y"}]


# The part of the request that is wrong, and the path of what is wrong in it.
CHAT = [
    ({"tools": 5}, "tools"),
    ({"tools": [5]}, "tools[0]"),
    ({"tools": [{"type": "wizard"}]}, "tools[0].type"),
    ({"tools": [{"type": "function"}]}, "tools[0].function"),
    ({"tools": function(name=5)}, "tools[0].function.name"),
    ({"tools": function(parameters="x")}, "tools[0].function.parameters"),
    ({"tools": function(), "tool_choice": "maybe"}, "tool_choice"),
    ({"tools": function(), "tool_choice": 5}, "tool_choice"),
    ({"tools": function(), "parallel_tool_calls": "no"}, "parallel_tool_calls"),
    ({"messages": called(id=5)}, "messages[1].tool_calls[0].id"),
    (
        {"messages": called(function={"name": "f", "arguments": 5})},
        "messages[1].tool_calls[0].function.arguments",
    ),
    ({"response_format": "json"}, "response_format"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ({"reasoning_effort": 5}, "reasoning_effort"),
]
MESSAGES = [
    ({"model": None}, "model"),
    ({"model": 5}, "model"),
    ({"max_tokens": None}, "max_tokens"),
    ({"max_tokens": "x"}, "max_tokens"),
    ({"max_tokens": -1}, "max_tokens"),
    ({"messages": None}, "messages"),
    ({"messages": "x"}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": [5]}, "messages.0"),
    ({"messages": [{"content": "x"}]}, "messages.0.role"),
    ({"messages": [{"role": "wizard", "content": "x"}]}, "messages.0.role"),
    ({"messages": [{"role": "user"}]}, "messages.0.content"),
    ({"messages": [user(5)]}, "messages.0.content"),
    ({"messages": [user([5])]}, "messages.0.content.0"),
    ({"messages": [user([{"type": "wizard"}])]}, "messages.0.content.0"),
    ({"messages": [user([{"type": "text"}])]}, "messages.0.content.0"),
    ({"messages": [user([{"type": "text", "text": 5}])]}, "messages.0.content.0"),
    ({"messages": [user([IMAGE])]}, "messages.0.content.0"),
    ({"messages": [user([SOURCE])]}, "messages.0.content.0"),
    ({"messages": answered({"type": "tool_result"})}, "messages.2.content.0"),
    (
        {"messages": answered({"type": "tool_result", "tool_use_id": "toolu_2"})},
        "messages.2.content.0",
    ),
    ({"system": 5}, "system"),
    ({"system": [{"type": "image"}]}, "system.0"),
    ({"tools": "x"}, "tools"),
    ({"tools": [{"input_schema": {"type": "object"}}]}, "tools.0"),
    ({"tools": [{"name": "f"}]}, "tools.0"),
    ({"tools": [{"name": "f", "input_schema": 5}]}, "tools.0"),
    ({"tool_choice": "auto"}, "tool_choice"),
    ({"tool_choice": {"type": "maybe"}}, "tool_choice"),
    ({"thinking": 5}, "thinking"),
    ({"thinking": {"type": "enabled"}}, "thinking"),
    ({"thinking": {"type": "perhaps"}}, "thinking"),
    ({"stop_sequences": "x"}, "stop_sequences"),
    ({"stop_sequences": [5]}, "stop_sequences.0"),
    ({"stream": "yes"}, "stream"),
    ({"output_config": {"format": {"type": "xml"}}}, "output_config.format"),
]
RESPONSES = [
    ({"model": None}, "model"),
    ({"model": 5}, "model"),
    ({"input": 5}, "input"),
    ({"input": [5]}, "input[0]"),
    ({"input": [{"type": "wizard"}]}, "input[0].type"),
    ({"input": [{"role": "wizard", "content": "x"}]}, "input[0].role"),
    ({"input": [{"role": "user"}]}, "input[0].content"),
    ({"input": [user(5)]}, "input[0].content"),
    ({"input": [user([5])]}, "input[0].content[0]"),
    ({"input": [user([{"type": "wizard"}])]}, "input[0].content[0].type"),
    ({"input": [user([{"type": "input_text"}])]}, "input[0].content[0].text"),
    (
        {"input": [user([{"type": "input_image", "image_url": "nonsense"}])]},
        "input[0].content[0].image_url",
    ),
    ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
    (
        {"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": 5}]},
        "input[0].arguments",
    ),
    ({"instructions": 5}, "instructions"),
    ({"previous_response_id": 5}, "previous_response_id"),
    ({"tools": "x"}, "tools"),
    ({"tools": [{"type": "function"}]}, "tools[0].name"),
    ({"tools": [{"type": "wizard"}]}, "tools[0].type"),
    ({"tools": [{"type": "function", "name": "f", "parameters": 5}]}, "tools[0].parameters"),
    ({"tool_choice": "maybe"}, "tool_choice"),
    ({"text": 5}, "text"),
    ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
    ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
    ({"reasoning": "high"}, "reasoning"),
    ({"reasoning": {"effort": 5}}, "reasoning.effort"),
    ({"max_output_tokens": "x"}, "max_output_tokens"),
    ({"max_output_tokens": -1}, "max_output_tokens"),
    ({"store": "yes"}, "store"),
    ({"include": "x"}, "include"),
    ({"metadata": 5}, "metadata"),
    ({"stream": "yes"}, "stream"),
]
TABLE = [
    pytest.param(dialect, wrong, path, id=f"{dialect.name}-{number}-{path}")
    for dialect, cases in ((Chat, CHAT), (Messages, MESSAGES), (Responses, RESPONSES))
    for number, (wrong, path) in enumerate(cases)
]
GOOD = {
    Chat: {"model": MODEL, "messages": HELLO},
    Messages: {"model": MODEL, "max_tokens": 100, "messages": HELLO},
    Responses: {"model": MODEL, "input": "hello"},
}
NOT_JSON = {
    "empty": b"",
    "no-object": b"[]",
    "a-text": b'"x"',
    "cut": b'{"model":',
    "not-utf-8": b'{"model":"\xff"}',
    "two": b"{}{}",
    "deep": b"[" * 100_000,
}


def refused(clients, dialect, wrong, **more):
    """The error of a good request with a wrong part; `None` leaves a field out."""
    changed = {**GOOD[dialect], **wrong, **more}
    body = {name: value for name, value in changed.items() if value is not None}
    answer = clients.raw.post(dialect.path, json=body)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    return error


def check_names(dialect, error, path):
    if dialect is Messages:
        # There is no field for it; the real API begins its message with the path.
        message = re.sub(r"\[(\d+)\]", r".\1", error["message"])
        assert re.search(rf"(?<![\w.]){re.escape(path)}(?!\w)", message), message
    else:
        assert error["param"] == path, error


@pytest.mark.parametrize(("dialect", "wrong", "path"), TABLE)
def test_the_place_is_named(clients, dialect, wrong, path):
    check_names(dialect, refused(clients, dialect, wrong), path)
    if "stream" not in wrong:
        check_names(dialect, refused(clients, dialect, wrong, stream=True), path)


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens", "/v1/responses"])
def test_what_is_not_json(clients, path, body):
    headers = {"content-type": "application/json"}
    answer = clients.raw.post(path, content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"model": None}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": [user(5)]}, "messages.0.content"),
        ({"tools": [{"name": "f"}]}, "tools.0"),
    ],
)
def test_counting_tokens_names_the_place(clients, wrong, path):
    body = {"model": MODEL, "messages": HELLO, **wrong}
    body = {name: value for name, value in body.items() if value is not None}
    answer = clients.raw.post("/v1/messages/count_tokens", json=body)
    assert answer.status_code == 400, answer.text
    check_names(Messages, answer.json()["error"], path)


def test_the_sdks_show_the_place(clients):
    with pytest.raises(openai.BadRequestError) as caught:
        clients.blocking[openai].responses.create(model=MODEL, input=[user(5)])
    assert caught.value.param == "input[0].content"
    with pytest.raises(anthropic.BadRequestError) as caught:
        clients.blocking[anthropic].messages.create(model=MODEL, max_tokens=100, messages=[user(5)])
    assert caught.value.type == "invalid_request_error"
    assert "content" in caught.value.message
