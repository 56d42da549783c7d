"""Strict checks of what Chat Completions and Messages put on the wire.

Every body and every event is checked twice: by the types of the official SDKs, which know what is
required and which words exist, and by the rules that types cannot say: order, indexes, sums. Each
function gives the finished answer as the API's own JSON, put together from the stream. Responses
have theirs in `response_shapes.py`.
"""

import json
import re
from functools import cache
from typing import Annotated, get_args, get_origin

import anthropic.types
import openai.types.chat
from pydantic import TypeAdapter

TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
STOP_REASONS = {"end_turn", "tool_use", "max_tokens", "stop_sequence", "refusal", "pause_turn"}
STOP_REASONS |= {"model_context_window_exceeded"}


@cache
def known(kind):
    return TypeAdapter(kind)


def check_type(kind, data):
    """What the official SDK knows of a value; raises with the path of what is wrong."""
    known(kind).validate_python(data)


@cache
def members(union):
    """The types of a union, by the word in their field `type`."""
    (union, *_) = get_args(union) if get_origin(union) is Annotated else (union,)
    return {get_args(each.model_fields["type"].annotation)[0]: each for each in get_args(union)}


def check_event(union, event):
    """As `check_type`, for the one type of a union that an event says it is."""
    kinds = members(union)
    assert event["type"] in kinds, f"no such event: {event['type']}"
    check_type(kinds[event["type"]], event)


def server_sent_events(text):
    """The events of a stream as (name or None, data as text)."""
    found = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        name, data = None, []
        for line in block.split("\n"):
            if line.startswith("event:"):
                name = line.removeprefix("event:").strip()
            elif line.startswith("data:"):
                data.append(line.removeprefix("data:").removeprefix(" "))
            else:
                assert not line or line.startswith(":"), f"neither field nor comment: {line!r}"
        if data:
            found.append((name, "\n".join(data)))
        else:
            assert name is None, f"the event {name} has no data"
    return found


def named_events(text):
    """The events of a dialect that names them; the names are those in the data."""
    events = []
    for name, data in server_sent_events(text):
        if data == "[DONE]":
            continue
        event = json.loads(data)
        assert name == event["type"], f"event {name} carries {event['type']}"
        events.append(event)
    return events


def chat_chunks(text):
    """The chunks of a chat stream that ended well."""
    *events, last = server_sent_events(text)
    assert last == (None, "[DONE]"), last
    assert all(name is None for name, _ in events), "chat streams have no event names"
    return [json.loads(data) for _, data in events]


def tool_ids(ids):
    assert all(TOOL_ID.fullmatch(each) for each in ids), ids
    assert len(set(ids)) == len(ids), f"an id twice: {ids}"


def arguments_of(text):
    value = json.loads(text)
    assert isinstance(value, dict), f"arguments are no object: {text!r}"
    return value


# Chat Completions


def chat_whole(body):
    check_type(openai.types.chat.ChatCompletion, body)
    (choice,) = body["choices"]
    message = choice["message"]
    assert (choice["index"], message["role"]) == (0, "assistant")
    calls = message.get("tool_calls") or []
    check_chat_calls(calls, choice["finish_reason"])
    assert "content" in message, "content is required, if only null"
    assert message["content"] is not None or calls or message.get("refusal"), "says nothing"
    assert all("index" not in call for call in calls), "indexes belong into streams"
    check_chat_usage(body["usage"])
    return body


def check_chat_calls(calls, finish):
    tool_ids([call["id"] for call in calls])
    for call in calls:
        assert call["type"] == "function"
        assert call["function"]["name"]
        arguments_of(call["function"]["arguments"])
    if calls:
        assert finish == "tool_calls", finish
    else:
        assert finish in ("stop", "length", "content_filter"), finish


def check_chat_usage(usage):
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"], usage


def chat_stream(chunks):
    """The whole answer of a stream that asked for its usage."""
    for chunk in chunks:
        check_type(openai.types.chat.ChatCompletionChunk, chunk)
        assert chunk["object"] == "chat.completion.chunk"
    for name in ("id", "created", "model"):
        assert len({chunk[name] for chunk in chunks}) == 1, f"{name} changes"
    *chunks, last = chunks
    assert last["choices"] == [], "the usage chunk has choices"
    assert all(chunk.get("usage") is None for chunk in chunks), "usage before the end"
    choices = []
    for chunk in chunks:
        (choice,) = chunk["choices"]
        assert choice["index"] == 0
        choices.append(choice)
    first, *middle, end = choices
    assert first["delta"].get("role") == "assistant"
    assert not any("role" in choice["delta"] for choice in [*middle, end]), "the role is told again"
    assert all(choice.get("finish_reason") is None for choice in [first, *middle]), "finished early"
    assert end["finish_reason"], "the last chunk does not finish"
    message = {"role": "assistant", "content": None}
    calls = []
    for choice in choices:
        add_chat_delta(message, calls, choice["delta"])
    if calls:
        message["tool_calls"] = calls
    whole = {"index": 0, "message": message, "finish_reason": end["finish_reason"]}
    check_chat_calls(calls, end["finish_reason"])
    check_chat_usage(last["usage"])
    head = {name: last[name] for name in ("id", "created", "model")}
    return {**head, "object": "chat.completion", "choices": [whole], "usage": last["usage"]}


def add_chat_delta(message, calls, delta):
    for name in ("content", "reasoning_content", "refusal"):
        if delta.get(name):
            message[name] = (message.get(name) or "") + delta[name]
    if delta.get("reasoning_details"):
        message.setdefault("reasoning_details", []).extend(delta["reasoning_details"])
    for piece in delta.get("tool_calls") or []:
        index, function = piece["index"], piece.get("function") or {}
        if index == len(calls):
            assert piece["id"] and piece["type"] == "function" and function["name"], piece
            arguments = function.get("arguments") or ""
            named = {"name": function["name"], "arguments": arguments}
            calls.append({"id": piece["id"], "type": "function", "function": named})
            continue
        assert index == len(calls) - 1, f"call {index} after call {len(calls) - 1}"
        assert not any(piece.get(name) for name in ("id", "type")), f"told twice: {piece}"
        assert not function.get("name"), f"told twice: {piece}"
        calls[index]["function"]["arguments"] += function["arguments"]


# Messages


def messages_whole(body):
    check_type(anthropic.types.Message, body)
    assert body["id"].startswith("msg_"), body["id"]
    for block in body["content"]:
        check_block(block)
    check_stop(body, body["stop_reason"], body["stop_sequence"])
    return body


def check_block(block):
    match block["type"]:
        case "text":
            assert block["text"], "an empty text block cannot be sent back"
        case "thinking":
            assert isinstance(block["thinking"], str)
            assert isinstance(block["signature"], str) and block["signature"], "no signature"
        case "redacted_thinking":
            assert block["data"]
        case "tool_use":
            assert block["name"]
            assert isinstance(block["input"], dict)
        case other:
            raise AssertionError(f"a block of type {other}")


def check_stop(body, reason, sequence):
    calls = [block["id"] for block in body["content"] if block["type"] == "tool_use"]
    tool_ids(calls)
    assert reason in STOP_REASONS, reason
    assert (reason == "tool_use") == bool(calls), f"{reason} with {len(calls)} calls"
    assert (reason == "stop_sequence") == (sequence is not None), (reason, sequence)


DELTAS = {
    "text": {"text_delta": "text"},
    "thinking": {"thinking_delta": "thinking", "signature_delta": "signature"},
    "tool_use": {"input_json_delta": "partial_json"},
}


def messages_stream(events):
    """The message of a stream of named events that ended well."""
    events = [event for event in events if event["type"] != "ping"]
    for event in events:
        check_event(anthropic.types.RawMessageStreamEvent, event)
    start, *blocks, delta, stop = events
    assert start["type"] == "message_start", start
    assert (delta["type"], stop) == ("message_delta", {"type": "message_stop"}), (delta, stop)
    message = start["message"]
    check_type(anthropic.types.Message, message)
    assert message["id"].startswith("msg_"), message["id"]
    assert message["content"] == [], "content in message_start"
    assert message["stop_reason"] is None and message["stop_sequence"] is None
    content, open_block = [], None
    for event in blocks:
        if event["type"] == "content_block_start":
            assert open_block is None, "a block begins in another one"
            assert event["index"] == len(content), f"index {event['index']} after {len(content)}"
            open_block = begun_block(event["content_block"])
            continue
        assert open_block is not None, f"{event['type']} outside of a block"
        assert event["index"] == len(content), f"{event} in block {len(content)}"
        if event["type"] == "content_block_stop":
            content.append(ended_block(open_block))
            open_block = None
        else:
            assert event["type"] == "content_block_delta", event
            kind = DELTAS[open_block["type"]][event["delta"]["type"]]
            assert kind != "thinking" or not open_block["signature"], "thinking after its signature"
            open_block[kind] += event["delta"][kind]
    assert open_block is None, "a block without an end"
    usage = {**message["usage"], **{k: v for k, v in delta["usage"].items() if v is not None}}
    whole = {**message, "content": content, "usage": usage, **delta["delta"]}
    check_stop(whole, whole["stop_reason"], whole["stop_sequence"])
    return whole


def begun_block(block):
    match block["type"]:
        case "text":
            assert block["text"] == ""
        case "thinking":
            assert (block["thinking"], block["signature"]) == ("", "")
        case "tool_use":
            assert block["input"] == {}
            return {**block, "partial_json": ""}
    return dict(block)


def ended_block(block):
    if block["type"] == "tool_use":
        block["input"] = arguments_of(block.pop("partial_json") or "{}")
    check_block(block)
    return block
