"""Streams of OpenAI Responses."""

import json

# Deltas, the event that closes them, and the field in which it repeats the whole.
CLOSED_BY = {
    "response.output_text.delta": ("response.output_text.done", "text"),
    "response.function_call_arguments.delta": (
        "response.function_call_arguments.done",
        "arguments",
    ),
    "response.custom_tool_call_input.delta": ("response.custom_tool_call_input.done", "input"),
    "response.reasoning_summary_text.delta": ("response.reasoning_summary_text.done", "text"),
    "response.reasoning_text.delta": ("response.reasoning_text.done", "text"),
}
CLOSING = {done: (delta, field) for delta, (done, field) in CLOSED_BY.items()}


def faults(_request, events):
    found, told = [], []
    for event in events:
        if event.data is None:
            found.append("a [DONE], which this dialect does not have")
            continue
        told.append(event.data)
        if event.name != event.data.get("type"):
            found.append(f"event `{event.name}` carries {event.text[:80]}")
    kinds = [data["type"] for data in told]
    if kinds[:1] != ["response.created"] or kinds[-1:] != ["response.completed"]:
        return [*found, f"begins {kinds[:1]}, ends {kinds[-1:]}: {str(told[-1:])[:300]}"]
    if [data["sequence_number"] for data in told] != list(range(len(told))):
        found.append("sequence_number does not count from 0 without gaps")
    if len({told[0]["response"]["id"], told[-1]["response"]["id"]}) != 1:
        found.append("the id of the response changes")
    return found + _of_items(told) + _of_end(told[-1]["response"])


def _of_items(told):
    found, opened, done, texts = [], {}, {}, {}
    for data in told:
        kind, index = data["type"], data.get("output_index")
        if kind == "response.output_item.added":
            if index != len(opened):
                found.append(f"item {index} is added out of order")
            opened[index] = data["item"]
        elif kind == "response.output_item.done":
            done[index] = data["item"]
            before = opened.get(index, {})
            if any(before.get(name) != data["item"].get(name) for name in ("id", "type")):
                found.append(f"item {index} is done as another than was added")
        elif index is not None and (index not in opened or index in done):
            found.append(f"{kind} for item {index}, which is not open")
        elif "item_id" in data and data["item_id"] != opened[index]["id"]:
            found.append(f"{kind} names item {data['item_id']}")
        place = (kind, index, data.get("content_index", data.get("summary_index")))
        if kind in CLOSED_BY:
            texts[place] = texts.get(place, "") + data["delta"]
        elif kind in CLOSING:
            delta, field = CLOSING[kind]
            if texts.get((delta, *place[1:]), "") != data[field]:
                found.append(f"{kind} repeats another text than the deltas of item {index}")
    if sorted(opened) != sorted(done):
        found.append(f"items {sorted(opened)} were added, {sorted(done)} done")
    if [done[index] for index in sorted(done)] != told[-1]["response"]["output"]:
        found.append("the completed response has other items than were told")
    for item in done.values():
        if item["type"] == "function_call" and not isinstance(json.loads(item["arguments"]), dict):
            found.append(f"the arguments of {item['name']} are no object")
    calls = [item["call_id"] for item in done.values() if "call_id" in item]
    if len(calls) != len(set(calls)):
        found.append(f"the same call id twice: {calls}")
    return found


def _of_end(response):
    usage = response.get("usage")
    if response["status"] != "completed" or usage is None:
        return [f"completed with status {response['status']} and usage {usage}"]
    if usage["total_tokens"] != usage["input_tokens"] + usage["output_tokens"]:
        return [f"the usage does not add up: {usage}"]
    return []
