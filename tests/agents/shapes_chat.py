"""Streams of OpenAI Chat Completions."""

import json


def faults(request, events):
    found = []
    if not events or events[-1].data is not None:
        return ["the last event is not [DONE]"]
    if any(event.name is not None for event in events):
        found.append("there are `event:` lines")
    chunks = [event.data for event in events[:-1]]
    if any(chunk is None for chunk in chunks):
        return [*found, "more than one [DONE]"]
    if any("error" in chunk for chunk in chunks):
        return [*found, f"an error in mid-stream: {chunks[-1]}"]
    for name in ("id", "model", "created", "object"):
        values = {chunk.get(name) for chunk in chunks}
        if len(values) != 1:
            found.append(f"`{name}` changes: {values}")
    found += _of_choices([chunk for chunk in chunks if chunk.get("choices")])
    return found + _of_usage(request, chunks)


def _of_choices(chunks):
    found, calls, reason = [], {}, None
    for number, chunk in enumerate(chunks):
        if len(chunk["choices"]) != 1 or chunk["choices"][0]["index"] != 0:
            found.append(f"not one choice 0: {chunk}")
        choice = chunk["choices"][0]
        delta = choice["delta"]
        if reason is not None:
            found.append(f"a chunk after the finish_reason: {chunk}")
        if ("role" in delta) != (number == 0):
            found.append(f"the role stands in chunk {number}, or not in the first")
        for call in delta.get("tool_calls") or []:
            found += _of_call(call, calls)
        reason = choice.get("finish_reason") or reason
    for index, call in calls.items():
        if not isinstance(json.loads(call["arguments"]), dict):
            found.append(f"the arguments of call {index} are no object")
    wanted = "tool_calls" if calls else "stop"
    if reason != wanted:
        found.append(f"finish_reason {reason} instead of {wanted}")
    ids = [call["id"] for call in calls.values()]
    if len(ids) != len(set(ids)):
        found.append(f"the same call id twice: {ids}")
    return found


def _of_call(call, calls):
    index, function = call["index"], call["function"]
    if index in calls:
        calls[index]["arguments"] += function["arguments"]
        again = [name for name in ("id", "type") if name in call]
        again += ["name"] if "name" in function else []
        return [f"call {index} says {again} again"] if again else []
    calls[index] = {"id": call["id"], "arguments": function.get("arguments", "")}
    found = [] if index == len(calls) - 1 else [f"call indexes jump to {index}"]
    if call["type"] != "function" or not function["name"]:
        found.append(f"call {index} has no type or no name")
    return found


def _of_usage(request, chunks):
    asked = (request.get("stream_options") or {}).get("include_usage") is True
    with_usage = [chunk for chunk in chunks if chunk.get("usage") is not None]
    if not asked:
        return ["usage, though nobody asked for it"] if with_usage else []
    if len(with_usage) != 1 or with_usage[0] is not chunks[-1] or chunks[-1]["choices"]:
        return ["the usage does not stand alone in the last chunk"]
    usage = with_usage[0]["usage"]
    total = usage["prompt_tokens"] + usage["completion_tokens"]
    return [] if usage["total_tokens"] == total else [f"the usage does not add up: {usage}"]
