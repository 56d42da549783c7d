"""The checkers of streams find what they are there for. Run at every start of `run.py`."""

import json
import unittest

import shapes
import watch

PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages?beta=true"}
PATHS["responses"] = "/v1/responses"


def chat():
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def chunk(delta, reason=None, **more):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return {**base, "choices": [choice], **more}

    def call(index, identifier, arguments):
        first = {"id": identifier, "type": "function"} if identifier else {}
        function = {"arguments": arguments, **({"name": "f"} if identifier else {})}
        return chunk({"tool_calls": [{"index": index, **first, "function": function}]})

    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hm."}),
        call(0, "a", '{"x"'),
        call(0, None, ":1}"),
        call(1, "b", "{}"),
        chunk({}, "tool_calls"),
        {**base, "choices": [], "usage": usage},
        None,
    ]


def messages():
    start = {"id": "m", "type": "message", "role": "assistant", "model": "x", "content": []}
    start["usage"] = {"input_tokens": 1, "output_tokens": 0}

    def delta(index, kind, **value):
        return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **value}}

    def block(index, kind, **value):
        content = {"type": kind, **value}
        return {"type": "content_block_start", "index": index, "content_block": content}

    return [
        {"type": "message_start", "message": start},
        block(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm."),
        delta(0, "signature_delta", signature="c2ln"),
        {"type": "content_block_stop", "index": 0},
        {"type": "ping"},
        block(1, "tool_use", id="toolu_1", name="f", input={}),
        delta(1, "input_json_delta", partial_json='{"x":1}'),
        {"type": "content_block_stop", "index": 1},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use", "stop_sequence": None},
            "usage": {"output_tokens": 3},
        },
        {"type": "message_stop"},
    ]


def responses():
    item = {"type": "function_call", "id": "f1", "call_id": "c1", "name": "f"}
    open_item = {**item, "arguments": "", "status": "in_progress"}
    whole = {**item, "arguments": '{"x":1}', "status": "completed"}
    place = {"output_index": 0, "item_id": "f1"}
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    end = {"id": "r", "status": "completed", "output": [whole], "usage": usage}
    arguments = "response.function_call_arguments"
    told = [
        {"type": "response.created", "response": {"id": "r", "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": open_item},
        {"type": f"{arguments}.delta", **place, "delta": '{"x"'},
        {"type": f"{arguments}.delta", **place, "delta": ":1}"},
        {"type": f"{arguments}.done", **place, "arguments": '{"x":1}'},
        {"type": "response.output_item.done", "output_index": 0, "item": whole},
        {"type": "response.completed", "response": end},
    ]
    return [{**data, "sequence_number": number} for number, data in enumerate(told)]


def faults_of(dialect, told, spoil=lambda body: body):
    """What the checker says about a stream of these events."""
    exchange = watch.Exchange("POST", PATHS[dialect], b"")
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    exchange.request = json.dumps(asked).encode()
    exchange.status, exchange.headers = 200, {"content-type": "text/event-stream"}
    body = ""
    for data in told:
        name = "" if dialect == "chat" else f"event: {data['type']}\n"
        text = "[DONE]" if data is None else json.dumps(data, ensure_ascii=False)
        body += f"{name}data: {text}\n\n"
    exchange.response = spoil(body).encode()
    return shapes.faults(exchange)


class Shapes(unittest.TestCase):
    def test_good_streams_have_no_fault(self):
        for dialect, told in (
            ("chat", chat()),
            ("messages", messages()),
            ("responses", responses()),
        ):
            self.assertEqual(faults_of(dialect, told), [], dialect)

    def test_every_lost_or_doubled_event_is_noticed(self):
        for dialect, told in (
            ("chat", chat()),
            ("messages", messages()),
            ("responses", responses()),
        ):
            for number, data in enumerate(told):
                # Text may be of any length, pings may come at any time.
                if data in (chat()[1], messages()[2], messages()[5]):
                    continue
                # Nothing but the arguments tells these apart from shorter ones.
                if data in (chat()[4], messages()[7]):
                    continue
                with self.subTest(dialect=dialect, number=number):
                    self.assertNotEqual(faults_of(dialect, told[:number] + told[number + 1 :]), [])
                if dialect == "messages" and number == 3:
                    continue
                with self.subTest(dialect=dialect, doubled=number):
                    self.assertNotEqual(faults_of(dialect, told[: number + 1] + told[number:]), [])

    def test_spoilt_bytes_are_noticed(self):
        spoilt = {
            "cut": lambda body: body[:-1],
            "no json": lambda body: body.replace("{", "", 1),
            "separator": lambda body: body.replace("Hm.", "Hm\u2028."),
        }
        for name, spoil in spoilt.items():
            with self.subTest(name):
                self.assertNotEqual(faults_of("chat", chat(), spoil), [])

    def test_errors_and_broken_connections_are_faults(self):
        exchange = watch.Exchange("POST", PATHS["responses"], b"{}")
        exchange.status, exchange.response = 400, b'{"error":{"message":"no"}}'
        self.assertIn("no", shapes.faults(exchange)[0])
        exchange.status, exchange.trouble = 200, "the client left early"
        self.assertIn("left early", shapes.faults(exchange)[0])
        exchange = watch.Exchange("HEAD", "/api/hello", b"")
        exchange.status = 404
        self.assertEqual(shapes.faults(exchange), [])
