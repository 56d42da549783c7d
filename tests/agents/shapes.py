"""What a streamed answer must look like, whoever reads it: the contracts of the three dialects.

Clients forgive much, and not all of them the same; so every stream that passes is checked in full.
"""

import json
import re

import shapes_chat
import shapes_messages
import shapes_responses

DIALECTS = {
    "/v1/chat/completions": shapes_chat.faults,
    "/v1/messages": shapes_messages.faults,
    "/v1/responses": shapes_responses.faults,
}
# Asked for at a start, answered with 404 by design.
PROBES = {"/api/hello", "/"}


def faults(exchange):
    """What is wrong with an exchange, each in one line."""
    path = exchange.path.split("?")[0]
    if path in PROBES:
        return []
    if exchange.trouble is not None:
        return [f"{exchange}: {exchange.trouble}"]
    if not 200 <= exchange.status < 300:
        return [f"{exchange}: {exchange.response[:400].decode('utf-8', 'replace')}"]
    kind = exchange.headers.get("content-type", "")
    check = DIALECTS.get(path)
    if check is None or exchange.method != "POST":
        return []
    try:
        request = json.loads(exchange.request)
        if not kind.startswith("text/event-stream"):
            json.loads(exchange.response)
            streamed = request.get("stream") is True
            return [f"{exchange}: a stream was asked for, {kind} came"] if streamed else []
        found = check(request, events(exchange.response))
    except Exception as error:  # A stream that a checker cannot even walk through is a fault.
        found = [f"unreadable: {type(error).__name__}: {error}"]
    return [f"{exchange}: {text}" for text in found]


class Event:
    """One server-sent event: its name, if it has one, and its data."""

    def __init__(self, name, text):
        self.name, self.text = name, text
        self.data = None if text == "[DONE]" else json.loads(text)


def events(body):
    """Server-sent events, by the rules of the standard; comments are left out."""
    text = body.decode("utf-8")
    if re.search("[\u2028\u2029\u0085]", text):
        raise ValueError("a separator that some readers take for a line end is not escaped")
    if text and not text.endswith("\n\n"):
        raise ValueError("the stream stops within an event")
    found = []
    for block in text.split("\n\n"):
        name, data = None, []
        for line in block.split("\n"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif field:
                raise ValueError(f"an unknown field: {line[:80]}")
        if data:
            found.append(Event(name, "\n".join(data)))
    return found
