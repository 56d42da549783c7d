"""Strict checks of what the Responses API puts on the wire; as `shapes.py`."""

from collections import Counter

import openai.types.responses

from shapes import arguments_of, check_event, check_type, tool_ids

LAST_EVENTS = {"response.completed", "response.incomplete", "response.failed"}
# Codes of failed responses that clients act upon, beside those that the SDK knows.
FAILURES = {"context_length_exceeded", "insufficient_quota", "server_is_overloaded"}
FAILURES |= {"model_not_found"}
# Items that are calls, and where their arguments stand.
CALLS = {"function_call": "arguments", "custom_tool_call": "input"}


def whole_response(body):
    check_type(openai.types.responses.Response, body)
    assert body["object"] == "response"
    assert body["status"] in ("completed", "incomplete"), body["status"]
    tool_ids([item["call_id"] for item in body["output"] if item["type"] in CALLS])
    ids = [item["id"] for item in body["output"]]
    assert len(set(ids)) == len(ids), f"an item id twice: {ids}"
    for item in body["output"]:
        check_item(item, body["status"])
    check_usage(body["usage"])
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
        case "custom_tool_call":
            assert isinstance(item["input"], str)
        case "reasoning":
            assert isinstance(item["summary"], list)
        case other:
            raise AssertionError(f"an item of type {other}")


def check_usage(usage):
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"], usage
    assert "cached_tokens" in usage["input_tokens_details"]
    assert "reasoning_tokens" in usage["output_tokens_details"]


def streamed_response(events):
    """The response of a stream of named events that ended well."""
    check_events(events)
    last = events[-1]
    assert last["type"] in ("response.completed", "response.incomplete"), last
    assert last["type"] == f"response.{last['response']['status']}"
    items = Items()
    for event in events[2:-1]:
        items.take(event)
    whole = whole_response(last["response"])
    assert items.done == whole["output"], "the items of the stream are not those of its end"
    return whole


def check_events(events):
    """What also holds for a stream that fails."""
    for event in events:
        check_event(openai.types.responses.ResponseStreamEvent, in_known_words(event))
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


def in_known_words(event):
    """An event whose code of failure is put into a word of the SDK."""
    error = (event.get("response") or {}).get("error")
    if not error or error["code"] not in FAILURES:
        return event
    return {**event, "response": {**event["response"], "error": {**error, "code": "server_error"}}}


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
                values = [event.get(key) for key in ("text", "arguments", "input", "refusal")]
                assert (self._sum or "") in values, f"{self._sum!r} is not the sum: {event}"

    def _check_index(self, event, expected):
        index = event.get("content_index", event.get("summary_index"))
        assert index == expected, f"part {index} after {expected}"

    def _begin(self, item):
        assert self._open is None, "an item begins in another one"
        assert not any(item.get(name) for name in ("content", "summary", *CALLS.values())), item
        assert item.get("status", "in_progress") == "in_progress", item
        self._open, self._parts, self._sum = item, [], None

    def _end(self, item):
        assert (item["id"], item["type"]) == (self._open["id"], self._open["type"])
        if item["type"] in CALLS:
            assert item[CALLS[item["type"]]] == (self._sum or "")
        elif self._parts:
            assert self._parts in (item.get("content"), item.get("summary")), item
        self.done.append(item)
        self._open = None
