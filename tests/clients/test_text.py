"""Text: whole and streamed, in the exact shape of the API."""

import time

import pytest

from support import MODEL, PLAIN_MODEL, numbered, quoted, say, script, sim, user

LINE_ENDS = "one\ntwo\r\nthree\rfour\ttab \\ backslash \"quotes\" 'single' </script> &amp; \x01\x7f"


def test_a_plain_answer(ask):
    reply = ask("hello there")
    assert reply.text == "echo: hello there"
    assert reply.finish == ["stop"]
    assert reply.reasoning == ""


def test_ids_differ_between_answers_and_have_the_prefix_of_the_api(ask):
    ids = [ask("hello").id for _ in range(2)]
    assert all(each.startswith("chatcmpl-") for each in ids)
    assert ids[0] != ids[1]


def test_every_answer_has_a_request_id(ask):
    ids = [ask("hello").headers["x-request-id"] for _ in range(2)]
    assert all(ids)
    assert ids[0] != ids[1]


def test_a_long_answer_is_complete(ask):
    assert ask(sim("chunks", 3000)).text == numbered(3000)


def test_characters_that_need_escapes(ask):
    assert ask(say(LINE_ENDS)).text == LINE_ENDS


def test_a_prompt_with_characters_that_need_escapes(ask):
    prompt = LINE_ENDS.strip()
    assert ask(prompt).text == f"echo: {prompt}"


def test_the_body_of_a_whole_answer(server, client):
    before = int(time.time())
    completion = client.chat.completions.create(model=MODEL, messages=[user(say("hi"))])
    assert completion.object == "chat.completion"
    assert before - 1 <= completion.created <= time.time() + 1
    assert completion.model == MODEL
    (choice,) = completion.choices
    assert (choice.index, choice.finish_reason) == (0, "stop")
    message = choice.message
    assert (message.role, message.content, message.refusal) == ("assistant", "hi", None)
    assert not message.tool_calls
    assert not hasattr(message, "reasoning_content")
    assert completion._request_id


def test_the_model_is_the_one_that_was_asked_for(client):
    for model in (MODEL, PLAIN_MODEL):
        request = {"model": model, "messages": [user("hi")]}
        assert client.chat.completions.create(**request).model == model
        chunks = list(client.chat.completions.create(stream=True, **request))
        assert {chunk.model for chunk in chunks} == {model}


def test_no_usage_chunk_unless_asked_for(ask_streamed):
    reply = ask_streamed("hello", stream_options=None)
    assert all(chunk.choices for chunk in reply.chunks)
    assert all("usage" not in chunk.model_fields_set for chunk in reply.chunks)
    reply = ask_streamed("hello", stream_options={"include_usage": False})
    assert all(chunk.choices for chunk in reply.chunks)


def test_with_include_usage_every_chunk_has_the_field(ask_streamed):
    reply = ask_streamed("hello", stream_options={"include_usage": True})
    assert all("usage" in chunk.model_fields_set for chunk in reply.chunks)


def test_the_streaming_helper_of_the_sdk(client):
    with client.chat.completions.stream(
        model=MODEL,
        messages=[user(say("hello from afar"))],
        stream_options={"include_usage": True},
    ) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        completion = stream.get_final_completion()
    assert "".join(deltas) == "hello from afar"
    assert completion.choices[0].message.content == "hello from afar"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.total_tokens > 0


@pytest.mark.parametrize("size", [1, 2, 5, 40])
def test_pieces_of_any_size(ask, size):
    text = "The quick brown fox jumps over the lazy dog."
    assert ask(script(sim("split", size), say(text))).text == text


def test_pieces_arrive_as_the_backend_made_them_when_it_takes_its_time(ask_streamed):
    prompt = script(sim("split", 3), sim("delay", "100ms"), say("abcdefgh"))
    assert contents(ask_streamed(prompt)) == ["abc", "def", "gh"]


def test_pieces_that_are_ready_together_may_share_a_chunk(ask_streamed):
    pieces = contents(ask_streamed(script(sim("split", 3), say("abcdefgh"))))
    assert "".join(pieces) == "abcdefgh"
    assert all(pieces)


def contents(reply):
    """The text of each chunk that has some."""
    deltas = [chunk.choices[0].delta for chunk in reply.chunks if chunk.choices]
    return [delta.content for delta in deltas if delta.content]


def test_text_that_looks_like_an_error_is_still_text(ask):
    text = '{"error":{"message":"not one","type":"server_error"}}\n\ndata: [DONE]\n\n'
    assert ask(say(text)).text == text


def test_a_malformed_directive_is_quoted(ask):
    # Also says that prompts reach the backend as they are.
    assert ask("[[sim: frobnicate 1]]").text == "sim: bad directive: [[sim: frobnicate 1]]"
    assert ask(sim("say", quoted("a]]b"))).text == "a]]b"
