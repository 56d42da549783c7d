"""Streams of Anthropic Messages."""

import json
import re

DELTAS = {
    "text": {"text_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
    "redacted_thinking": set(),
}
IDENTIFIER = re.compile(r"[a-zA-Z0-9_-]+")


def faults(_request, events):
    found = []
    for event in events:
        if event.data is None or event.name != event.data.get("type"):
            found.append(f"event `{event.name}` carries {event.text[:80]}")
    told = [event.data for event in events if event.data and event.data["type"] != "ping"]
    kinds = [data["type"] for data in told]
    if "error" in kinds:
        return [*found, f"an error in mid-stream: {told[kinds.index('error')]}"]
    if kinds[:1] != ["message_start"] or kinds[-2:] != ["message_delta", "message_stop"]:
        return [*found, f"begins {kinds[:1]}, ends {kinds[-2:]}"]
    message = told[0]["message"]
    for name in ("id", "model", "usage"):
        if not message.get(name):
            found.append(f"message_start has no {name}")
    if message["content"] != [] or message["role"] != "assistant" or message["type"] != "message":
        found.append(f"message_start is not an empty assistant message: {message}")
    more, used_tool = _of_blocks(told[1:-2])
    found += more
    end = told[-2]
    wanted = "tool_use" if used_tool else "end_turn"
    if end["delta"]["stop_reason"] != wanted:
        found.append(f"stop_reason {end['delta']['stop_reason']} instead of {wanted}")
    if not isinstance(end["usage"]["output_tokens"], int):
        found.append("message_delta has no output_tokens")
    return found


def _of_blocks(told):
    found, opened, block, ids = [], 0, None, []
    for data in told:
        kind = data["type"]
        if kind == "content_block_start":
            if block is not None or data["index"] != opened:
                found.append(f"block {data['index']} starts out of order")
            block = {**data["content_block"], "text_so_far": "", "signed": False}
            opened += 1
            if block["type"] == "tool_use":
                ids.append(block["id"])
                if not IDENTIFIER.fullmatch(block["id"]) or block["input"] != {}:
                    found.append(f"a tool block starts badly: {data}")
        elif block is None or data["index"] != opened - 1:
            found.append(f"{kind} outside its block")
        elif kind == "content_block_delta":
            delta = data["delta"]
            if delta["type"] not in DELTAS[block["type"]]:
                found.append(f"a {delta['type']} in a block of {block['type']}")
            block["text_so_far"] += delta.get("partial_json", "")
            block["signed"] |= bool(delta.get("signature"))
        elif kind == "content_block_stop":
            found += _of_end(block)
            block = None
        else:
            found.append(f"{kind} among the blocks")
    if block is not None:
        found.append("the last block is not stopped")
    if len(ids) != len(set(ids)):
        found.append(f"the same tool id twice: {ids}")
    return found, bool(ids)


def _of_end(block):
    if block["type"] == "tool_use":
        given = json.loads(block["text_so_far"] or "{}")
        return [] if isinstance(given, dict) else ["a tool input is no object"]
    if block["type"] == "thinking" and not (block["signed"] or block.get("signature")):
        return ["a thinking block without a signature"]
    return []
