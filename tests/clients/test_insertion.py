"""Fill in the middle: the API before chat with a `suffix`, by the code completion service.

What the backend suggests stands in the text as `[[cpp: …]]` directives
(`crates/simulator/README.md`); a prompt that ends with an open bracket gets it closed.
"""

import time

import openai
import pytest
from openai.types.completion import Completion

import shapes
from support import MODEL, error_of, eventually, fresh_tag, quoted

CODE_MODEL = "fast"
PROMPT = "fn main() {\n    call("
SUFFIX = "\n}\n"


def cpp(*words):
    """One directive, in a comment of the file."""
    return f"// [[cpp: {' '.join(str(word) for word in words)}]]\n"


def inserting(text, *more):
    """A request whose suggestion is this text, at the cursor between its prompt and suffix."""
    head = "".join(more)
    # The prompt's own line is the last one, behind the directives.
    line = head.count("\n") + 2
    directive = cpp("edit", line, quoted(f"let a = {text};"))
    return {"prompt": f"{head}{directive}let a = ", "suffix": ";\n"}


@pytest.fixture(params=["whole", "streamed", "async-streamed"])
def insert(request, client, async_client, loop):
    """An insertion in every way to ask: its text and why it ended."""

    def whole(fields):
        (choice,) = client.completions.create(**fields).choices
        return choice.text, choice.finish_reason

    def streamed(fields):
        return joined(list(client.completions.create(stream=True, **fields)))

    def asynchronous(fields):
        async def collect():
            stream = await async_client.completions.create(stream=True, **fields)
            return [chunk async for chunk in stream]

        return joined(loop.run_until_complete(collect()))

    way = {"whole": whole, "streamed": streamed, "async-streamed": asynchronous}[request.param]
    return lambda **fields: way({"model": CODE_MODEL, **fields})


def joined(chunks):
    """Text and ending of a stream whose shape is checked."""
    for name in ("id", "created", "model", "object"):
        assert len({getattr(chunk, name) for chunk in chunks}) == 1, f"{name} changes"
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert {choice.index for choice in choices} == {0}
    endings = [choice.finish_reason for choice in choices if choice.finish_reason]
    assert len(endings) == 1 and choices[-1].finish_reason == endings[0]
    return "".join(choice.text for choice in choices), endings[0]


def test_what_stands_between_the_two_texts(insert):
    assert insert(prompt=PROMPT, suffix=SUFFIX) == (")", "stop")


def test_a_longer_text(insert):
    text = 'f("é👋 \\ quoted", [1, 2])'
    assert insert(**inserting(text)) == (text, "stop")


def test_several_lines(insert):
    text = "if x {\n    1\n} else {\n    2\n}"
    assert insert(**inserting(text)) == (text, "stop")


def test_no_suggestion_is_an_empty_text(insert):
    assert insert(prompt="fn main() {}\n", suffix="\n") == ("", "stop")
    assert insert(prompt=f"{cpp('none')}f(", suffix="\n") == ("", "stop")
    assert insert(prompt=f"{cpp('204')}f(", suffix="\n") == ("", "stop")


def test_an_edit_elsewhere_is_no_insertion(insert):
    prompt = f"{cpp('edit', 1, quoted('// another comment'))}let a = "
    assert insert(prompt=prompt, suffix=";\n") == ("", "stop")


@pytest.mark.parametrize("stop", ["END", ["END"], ["never", "END"]])
def test_it_ends_before_its_stop_text(insert, stop):
    assert insert(**inserting("abc END xyz"), stop=stop) == ("abc ", "stop")


def test_it_is_cut_at_its_limit(insert):
    text = "one(two, three, four) + " * 20 + "five"
    short, ending = insert(**inserting(text), max_tokens=10)
    assert ending == "length"
    assert text.startswith(short) and 0 < len(short) < len(text) // 4
    assert insert(**inserting(text), max_tokens=1000) == (text, "stop")


@pytest.mark.parametrize("model", [CODE_MODEL, "advanced", "auto", MODEL])
def test_the_model_is_the_one_that_was_asked_for(client, model):
    request = {"model": model, "prompt": PROMPT, "suffix": SUFFIX}
    answer = client.completions.create(**request)
    assert (answer.model, answer.choices[0].text) == (model, ")")
    chunks = list(client.completions.create(stream=True, **request))
    assert {chunk.model for chunk in chunks} == {model}


def test_an_empty_suffix_with_a_code_model_asks_for_code(insert):
    assert insert(prompt=PROMPT, suffix="") == (")", "stop")


def test_an_empty_suffix_with_a_chat_model_goes_on_with_the_text(client):
    request = {"model": MODEL, "prompt": "hello", "suffix": "", "max_tokens": 500}
    assert client.completions.create(**request).choices[0].text == "echo: hello"


def test_the_body_of_a_whole_answer(client):
    before = int(time.time())
    answer = client.completions.create(model=CODE_MODEL, prompt=PROMPT, suffix=SUFFIX)
    shapes.check_type(Completion, answer.to_dict(mode="json"))
    assert answer.object == "text_completion" and answer.id.startswith("cmpl-")
    assert before - 1 <= answer.created <= time.time() + 1
    (choice,) = answer.choices
    assert (choice.index, choice.finish_reason, choice.logprobs) == (0, "stop", None)
    usage = answer.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_usage_comes_last_in_a_stream_that_asks_for_it(client):
    request = {"model": CODE_MODEL, **inserting("value"), "stream": True}
    *chunks, last = client.completions.create(**request, stream_options={"include_usage": True})
    assert joined(chunks) == ("value", "stop")
    assert last.choices == [] and last.usage.total_tokens > 0
    assert all(chunk.usage is None for chunk in chunks)


def test_an_echo_of_the_prompt(insert):
    text, ending = insert(prompt=PROMPT, suffix=SUFFIX, echo=True)
    assert (text, ending) == (f"{PROMPT})", "stop")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("rate_limit", openai.RateLimitError),
        ("debounced", openai.RateLimitError),
        ("overloaded", openai.InternalServerError),
        ("internal", openai.InternalServerError),
        ("permission_denied", openai.PermissionDeniedError),
        ("invalid_argument", openai.BadRequestError),
        ("not_found", openai.NotFoundError),
    ],
)
def test_an_error_before_the_first_event_has_the_shape_of_the_api(client, clients, code, kind):
    request = {"model": CODE_MODEL, "prompt": f"{cpp('error', code)}f(", "suffix": "\n"}
    for stream in (False, True):
        with pytest.raises(kind) as caught:
            client.completions.create(**request, stream=stream)
        assert caught.value.request_id
    error = error_of(clients.raw.post("/v1/completions", json=request))
    assert error["message"] and "upstream account" not in error["message"], error


def test_an_error_in_mid_stream(client, clients):
    request = inserting("one", cpp("error-after", 5, "internal"))
    request = {"model": CODE_MODEL, **request}
    with pytest.raises(openai.InternalServerError):
        client.completions.create(**request)
    seen = []
    with pytest.raises(openai.APIError):
        seen.extend(client.completions.create(stream=True, **request))
    choices = [choice for chunk in seen for choice in chunk.choices]
    assert all(choice.finish_reason is None for choice in choices)
    answer = clients.raw.post("/v1/completions", json={**request, "stream": True})
    assert answer.status_code == 200
    assert '"error":{"message":' in answer.text.rsplit("data: ", 1)[-1], answer.text


def test_errors_of_the_request_name_their_field(client):
    request = {"model": CODE_MODEL, "prompt": PROMPT, "suffix": SUFFIX}
    with pytest.raises(openai.NotFoundError):
        client.completions.create(**(request | {"model": "no-such-model-xyz"}))
    for name, value in {"suffix": 7, "max_tokens": "many", "prompt": {"a": 1}}.items():
        with pytest.raises(openai.BadRequestError) as caught:
            client.completions.create(**(request | {name: value}))
        assert caught.value.param == name, caught.value


def test_without_a_key_there_is_no_insertion(server):
    with server.client(api_key="sk-wrong") as client:
        with pytest.raises(openai.AuthenticationError):
            client.completions.create(model=CODE_MODEL, prompt=PROMPT, suffix=SUFFIX)


def test_a_closed_stream_is_cancelled_upstream(server, client):
    tag = fresh_tag()
    hanging = inserting("one", cpp("tag", tag), cpp("hang", 9))
    del hanging["suffix"]
    # The first edit is told when it is done, so the reader has something.
    stream = client.completions.create(model=CODE_MODEL, suffix=";\n", stream=True, **hanging)
    stream.close()
    eventually(server, tag, 2, cancelled=1, active=0)
