"""Strict checks of what the three dialects put on the wire.

Every body and every event is checked twice: by the types of the official SDKs, which know what is
required and which words exist, and by the rules that types cannot say: order, indexes, sums. Each
function gives the finished answer as the API's own JSON, put together from the stream.
"""

import json
import re
from collections import Counter
from functools import cache
from typing import Annotated, get_args, get_origin

import anthropic.types
import openai.types.chat
import openai.types.responses
from pydantic import TypeAdapter

TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
STOP_REASONS = {"end_turn", "tool_use", "max_tokens", "stop_sequence", "refusal", "pause_turn"}
STOP_REASONS |= {"model_context_window_exceeded"}
LAST_EVENTS = {"response.completed", "response.incomplete", "response.failed"}


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


# Responses


def responses_whole(body):
    check_type(openai.types.responses.Response, body)
    assert body["object"] == "response"
    assert body["status"] in ("completed", "incomplete"), body["status"]
    tool_ids([item["call_id"] for item in body["output"] if item["type"] == "function_call"])
    ids = [item["id"] for item in body["output"]]
    assert len(set(ids)) == len(ids), f"an item id twice: {ids}"
    for item in body["output"]:
        check_item(item, body["status"])
    check_responses_usage(body["usage"])
    return body


def check_item(item, status):
    match item["type"]:
        case "message":
            assert item["role"] == "assistant"
            assert item["status"] in ("completed", status), item
            assert item["content"], "a message without parts"
        case "function_call":
            assert item["status"] == "completed", item
            arguments_of(item["arguments"])
        case "reasoning":
            assert isinstance(item["summary"], list)
        case other:
            raise AssertionError(f"an item of type {other}")


def check_responses_usage(usage):
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"], usage
    assert "cached_tokens" in usage["input_tokens_details"]
    assert "reasoning_tokens" in usage["output_tokens_details"]


def responses_stream(events):
    """The response of a stream of named events that ended well."""
    check_responses_events(events)
    last = events[-1]
    assert last["type"] in ("response.completed", "response.incomplete"), last
    assert last["type"] == f"response.{last['response']['status']}"
    items = Items()
    for event in events[2:-1]:
        items.take(event)
    whole = responses_whole(last["response"])
    assert items.done == whole["output"], "the items of the stream are not those of its end"
    return whole


def check_responses_events(events):
    """What also holds for a stream that fails."""
    for event in events:
        check_event(openai.types.responses.ResponseStreamEvent, event)
    numbers = [event["sequence_number"] for event in events]
    assert numbers == list(range(len(events))), f"sequence numbers {numbers}"
    first, second = events[:2]
    assert (first["type"], second["type"]) == ("response.created", "response.in_progress")
    assert (first["response"]["status"], first["response"]["output"]) == ("in_progress", [])
    ids = {event["response"]["id"] for event in events if "response" in event}
    assert len(ids) == 1, f"the id changes: {ids}"
    ends = Counter(event["type"] for event in events if event["type"] in LAST_EVENTS)
    assert ends.total() <= 1, ends
    assert not ends or events[-1]["type"] in ends, "events after the end"


class Items:
    """Output items as they grow; each ends as the sum of its pieces."""

    def __init__(self):
        self.done, self._open, self._parts, self._sum = [], None, [], None

    def take(self, event):
        kind = event["type"].removeprefix("response.")
        assert event["output_index"] == len(self.done), event
        if kind == "output_item.added":
            self._begin(event["item"])
            return
        assert self._open is not None, f"{kind} outside of an item"
        if kind == "output_item.done":
            self._end(event["item"])
            return
        assert event["item_id"] == self._open["id"], event
        name, _, step = kind.rpartition(".")
        match step:
            case "added":
                self._check_index(event, len(self._parts))
                assert self._sum is None, "a part begins in another one"
                self._sum = ""
            case "delta":
                self._sum = (self._sum or "") + event["delta"]
            case "done" if name.endswith("_part"):
                self._check_index(event, len(self._parts))
                assert event["part"].get("text", event["part"].get("refusal")) == self._sum, event
                self._parts.append(event["part"])
                self._sum = None
            case "done":
                values = [event.get(key) for key in ("text", "arguments", "refusal")]
                assert (self._sum or "") in values, f"{self._sum!r} is not the sum: {event}"

    def _check_index(self, event, expected):
        index = event.get("content_index", event.get("summary_index"))
        assert index == expected, f"part {index} after {expected}"

    def _begin(self, item):
        assert self._open is None, "an item begins in another one"
        assert not item.get("content") and not item.get("summary") and not item.get("arguments")
        assert item.get("status", "in_progress") == "in_progress", item
        self._open, self._parts, self._sum = item, [], None

    def _end(self, item):
        assert (item["id"], item["type"]) == (self._open["id"], self._open["type"])
        if item["type"] == "function_call":
            assert item["arguments"] == (self._sum or "")
        elif self._parts:
            assert self._parts in (item.get("content"), item.get("summary")), item
        self.done.append(item)
        self._open = None
