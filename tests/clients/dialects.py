"""The three dialects behind one face, so that one test can speak each of them.

A `Conversation` grows by user messages, answers and tool results; every answer is checked by
`shapes.py` and goes back into the history exactly as it came.
"""

import inspect
import json
from dataclasses import dataclass, field

import anthropic
import openai

import pictures
import response_shapes
import shapes
from support import MODEL, THINKING_MODEL

MAX_TOKENS = 64_000


@dataclass(frozen=True)
class Tool:
    """A tool that the client runs."""

    name: str
    description: str = "Does what its name says."
    schema: dict = field(default_factory=lambda: {"type": "object", "properties": {}})


@dataclass(frozen=True)
class Call:
    id: str
    name: str
    arguments: dict


@dataclass(frozen=True)
class Result:
    """What a tool answered. `images` are PNG files."""

    call: Call
    text: str
    images: tuple = ()
    is_error: bool = False


@dataclass
class Reply:
    """An answer, in words that are the same for all dialects."""

    text: str
    reasoning: str
    calls: list
    # stop, tools, length, or the dialect's own word.
    finish: str
    # Tokens in and out.
    usage: tuple
    # What goes into the history.
    turn: list
    body: dict
    headers: dict = field(default_factory=dict)
    # The text of a stream, where no SDK stood between.
    wire: str = ""


class Chat:
    """OpenAI Chat Completions."""

    name, path, sdk = "chat-completions", "/v1/chat/completions", openai
    streaming = {"stream": True, "stream_options": {"include_usage": True}}
    thinking, limit, request_id = {"reasoning_effort": "medium"}, "max_tokens", "x-request-id"

    @staticmethod
    def tool(tool):
        function = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
        return {"type": "function", "function": function}

    @staticmethod
    def user(text, images=()):
        if not images:
            return [{"role": "user", "content": text}]
        parts = [{"type": "text", "text": text}, *map(pictures.part, images)]
        return [{"role": "user", "content": parts}]

    @classmethod
    def results(cls, results):
        # A tool message carries text alone; clients send pictures after it.
        messages, seen = [], []
        for each in results:
            content = f"Error: {each.text}" if each.is_error else each.text
            messages.append({"role": "tool", "tool_call_id": each.call.id, "content": content})
            seen += each.images
        return messages + (cls.user("The pictures of these results.", seen) if seen else [])

    @staticmethod
    def request(history, system, **fields):
        first = [{"role": "system", "content": system}] if system else []
        return {"messages": [*first, *history], **fields}

    @staticmethod
    def endpoint(client):
        return client.chat.completions

    @staticmethod
    def parse_whole(body):
        return shapes.chat_whole(body)

    @staticmethod
    def parse_events(chunks):
        return shapes.chat_stream(chunks)

    @staticmethod
    def parse_text(text):
        return shapes.chat_stream(shapes.chat_chunks(text))

    @staticmethod
    def reply(body):
        (choice,) = body["choices"]
        message, usage = choice["message"], body["usage"]
        calls = [
            Call(each["id"], each["function"]["name"], json.loads(each["function"]["arguments"]))
            for each in message.get("tool_calls") or []
        ]
        words = {"stop": "stop", "tool_calls": "tools", "length": "length"}
        return Reply(
            text=message.get("content") or "",
            reasoning=message.get("reasoning_content") or "",
            calls=calls,
            finish=words.get(choice["finish_reason"], choice["finish_reason"]),
            usage=(usage["prompt_tokens"], usage["completion_tokens"]),
            turn=[message],
            body=body,
        )


class Messages:
    """Anthropic Messages."""

    name, path, sdk = "messages", "/v1/messages", anthropic
    streaming = {"stream": True}
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 2048}}
    limit, request_id = "max_tokens", "request-id"

    @staticmethod
    def tool(tool):
        named = {"name": tool.name, "description": tool.description}
        return {**named, "input_schema": tool.schema}

    @staticmethod
    def image(data):
        media = {"type": "base64", "media_type": "image/png", "data": pictures.base64_text(data)}
        return {"type": "image", "source": media}

    @classmethod
    def parts(cls, text, images):
        return [{"type": "text", "text": text}, *map(cls.image, images)]

    @classmethod
    def user(cls, text, images=()):
        return [{"role": "user", "content": cls.parts(text, images) if images else text}]

    @classmethod
    def results(cls, results):
        blocks = []
        for each in results:
            content = cls.parts(each.text, each.images) if each.images else each.text
            block = {"type": "tool_result", "tool_use_id": each.call.id, "content": content}
            blocks.append({**block, "is_error": True} if each.is_error else block)
        return [{"role": "user", "content": blocks}]

    @staticmethod
    def request(history, system, **fields):
        more = {"system": system} if system else {}
        return {"max_tokens": MAX_TOKENS, "messages": history, **more, **fields}

    @staticmethod
    def endpoint(client):
        return client.messages

    @staticmethod
    def parse_whole(body):
        return shapes.messages_whole(body)

    @staticmethod
    def parse_events(events):
        return shapes.messages_stream(events)

    @staticmethod
    def parse_text(text):
        return shapes.messages_stream(shapes.named_events(text))

    @staticmethod
    def reply(body):
        content, usage = body["content"], body["usage"]

        def joined(kind):
            return "".join(block[kind] for block in content if block["type"] == kind)

        words = {"end_turn": "stop", "tool_use": "tools", "max_tokens": "length"}
        cached = sum(usage.get(f"cache_{kind}_input_tokens") or 0 for kind in ("read", "creation"))
        return Reply(
            text=joined("text"),
            reasoning=joined("thinking"),
            calls=[
                Call(block["id"], block["name"], block["input"])
                for block in content
                if block["type"] == "tool_use"
            ],
            finish=words.get(body["stop_reason"], body["stop_reason"]),
            usage=(usage["input_tokens"] + cached, usage["output_tokens"]),
            turn=[{"role": "assistant", "content": content}],
            body=body,
        )


class Responses:
    """OpenAI Responses, with the history in every request."""

    name, path, sdk = "responses", "/v1/responses", openai
    streaming = {"stream": True}
    thinking = {"reasoning": {"effort": "medium", "summary": "auto"}}
    limit, request_id = "max_output_tokens", "x-request-id"

    @staticmethod
    def tool(tool):
        named = {"type": "function", "name": tool.name, "description": tool.description}
        return {**named, "parameters": tool.schema, "strict": False}

    @staticmethod
    def image(data):
        return {"type": "input_image", "detail": "auto", "image_url": pictures.data_uri(data)}

    @classmethod
    def parts(cls, text, images):
        return [{"type": "input_text", "text": text}, *map(cls.image, images)]

    @classmethod
    def user(cls, text, images=()):
        return [{"role": "user", "content": cls.parts(text, images) if images else text}]

    @classmethod
    def results(cls, results):
        items = []
        for each in results:
            text = f"Error: {each.text}" if each.is_error else each.text
            output = cls.parts(text, each.images) if each.images else text
            item = {"type": "function_call_output", "call_id": each.call.id, "output": output}
            items.append(item)
        return items

    @staticmethod
    def request(history, system, **fields):
        more = {"instructions": system} if system else {}
        return {"input": history, **more, **fields}

    @staticmethod
    def endpoint(client):
        return client.responses

    @staticmethod
    def parse_whole(body):
        return response_shapes.whole_response(body)

    @staticmethod
    def parse_events(events):
        return response_shapes.streamed_response(events)

    @staticmethod
    def parse_text(text):
        return response_shapes.streamed_response(shapes.named_events(text))

    @staticmethod
    def reply(body):
        output, usage = body["output"], body["usage"]
        parts = [part for item in output for part in item.get("content") or []]
        thoughts = [part for item in output for part in item.get("summary") or []]
        thoughts += [part for part in parts if part["type"] == "reasoning_text"]
        calls = [
            Call(item["call_id"], item["name"], json.loads(item["arguments"]))
            for item in output
            if item["type"] == "function_call"
        ]
        finish = "tools" if calls else "stop"
        if body["status"] == "incomplete":
            reason = body["incomplete_details"]["reason"]
            finish = {"max_output_tokens": "length"}.get(reason, reason)
        return Reply(
            text="".join(part["text"] for part in parts if part["type"] == "output_text"),
            reasoning="".join(part["text"] for part in thoughts),
            calls=calls,
            finish=finish,
            usage=(usage["input_tokens"], usage["output_tokens"]),
            turn=list(output),
            body=body,
        )


class KeptResponses(Responses):
    """OpenAI Responses, with the history at the server: only what is new is sent."""

    name = "kept-responses"


ALL = (Chat, Messages, Responses)


class Conversation:
    """A growing conversation in one dialect, asked for in one way (`Speaker`)."""

    def __init__(self, speaker, tools=(), system=None, model=MODEL, thinking=False, **fields):
        self.dialect, self.model = speaker.dialect, model
        self.history = []
        self._speaker, self._system, self._fields = speaker, system, fields
        if thinking:
            self.model, self._fields = THINKING_MODEL, {**self.dialect.thinking, **self._fields}
        if tools:
            named = [self.dialect.tool(tool) for tool in tools]
            self._fields = {"tools": named, **self._fields}

    def request(self):
        return self.dialect.request(self.history, self._system, model=self.model, **self._fields)

    def say(self, text, images=()):
        """A user message; gives the answer to it."""
        self.history += self.dialect.user(text, images)
        return self.ask()

    def give(self, *results):
        """The results of the calls of the last answer; gives the answer to them."""
        self.history += self.dialect.results(results)
        return self.ask()

    def ask(self):
        reply = self._speaker.ask(self.request())
        if self.dialect is KeptResponses:
            self.history = []
            self._fields = {**self._fields, "previous_response_id": reply.body["id"]}
        else:
            self.history += reply.turn
        return reply


class Speaker:
    """One dialect, asked for in one way: `whole`, `streamed`, `async-streamed`, or `raw`, which is
    a stream without any SDK."""

    def __init__(self, dialect, way, clients):
        self.dialect, self.way, self._clients = dialect, way, clients

    def ask(self, request):
        if self.way == "raw":
            return self._raw(request)
        ask = {"whole": self._whole, "streamed": self._streamed}.get(self.way, self._collected)
        body, headers = ask(request)
        reply = self.dialect.reply(body)
        reply.headers = headers
        return reply

    @property
    def _sdk(self):
        return self._clients.blocking[self.dialect.sdk]

    def _whole(self, request):
        answer = self.dialect.endpoint(self._sdk).with_raw_response.create(**request)
        return self.dialect.parse_whole(answer.parse().to_dict(mode="json")), answer.headers

    def _streamed(self, request):
        request = {**request, **self.dialect.streaming}
        answer = self.dialect.endpoint(self._sdk).with_raw_response.create(**request)
        events = [event.to_dict(mode="json") for event in answer.parse()]
        return self.dialect.parse_events(events), answer.headers

    def _collected(self, request):
        return self._clients.loop.run_until_complete(self.collect(request))

    async def collect(self, request):
        """An answer of the asynchronous SDK: its body and its headers."""
        request = {**request, **self.dialect.streaming}
        client = self._clients.asynchronous[self.dialect.sdk]
        answer = await self.dialect.endpoint(client).with_raw_response.create(**request)
        stream = answer.parse()
        stream = await stream if inspect.isawaitable(stream) else stream
        events = [event.to_dict(mode="json") async for event in stream]
        return self.dialect.parse_events(events), answer.headers

    def _raw(self, request):
        request = {**request, **self.dialect.streaming}
        answer = self._clients.raw.post(self.dialect.path, json=request)
        assert answer.status_code == 200, answer.text
        reply = self.dialect.reply(self.dialect.parse_text(answer.text))
        reply.headers, reply.wire = answer.headers, answer.text
        return reply


WAYS = ("whole", "streamed", "async-streamed", "raw")
