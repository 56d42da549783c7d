"""Errors of the Messages and Responses APIs, case by case, in the shape of each.

What holds for Chat Completions stands in `test_errors.py`, `test_late_errors.py` and
`test_requests.py`; cases of all three dialects are here.
"""

import anthropic
import httpx
import openai
import pytest

import response_shapes
import shapes
from dialects import Messages, Responses
from errors import ANTHROPIC_TYPES, EXPECTED, anthropic_class_for, class_for
from support import MODEL, check_error_body, fresh_tag, quoted, say, script, sim, stats, think

NEW = (Messages, Responses)
FAULTS = ["noend", "drop", "cut"]
COUNT = "/v1/messages/count_tokens"


@pytest.fixture(params=NEW, ids=lambda dialect: dialect.name)
def api(request):
    """The dialects that have no tests of errors of their own."""
    return request.param


def statuses(api, code):
    return EXPECTED[code] | (
        {529} if api is Messages and code in ("overloaded", "unavailable") else set()
    )


def body_for(api, prompt, **fields):
    return {**api.request(api.user(prompt), None, model=MODEL), **fields}


def sdk_error(api, clients, prompt, stream, **fields):
    """What the SDK raises for a request, before or after its first event."""
    body = body_for(api, prompt, stream=stream, **fields)
    with pytest.raises((openai.APIError, anthropic.APIError)) as caught:
        answer = api.endpoint(clients.blocking[api.sdk]).create(**body)
        if stream:
            list(answer)
    return caught.value


def check_error(api, answer):
    """The error of a plain answer; its shape is that of the API."""
    assert answer.headers["content-type"].startswith("application/json"), answer.headers
    assert answer.headers[api.request_id]
    body = answer.json()
    if api is Messages:
        return check_anthropic_error(body)
    assert list(body) == ["error"], body
    check_error_body(body["error"])
    return body["error"]


def check_anthropic_error(body):
    assert body["type"] == "error"
    assert set(body) <= {"type", "error", "request_id"}, body
    assert isinstance(body["error"]["message"], str) and body["error"]["message"]
    return body["error"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("code", EXPECTED)
def test_before_output_it_is_a_status_and_a_class(api, clients, code, stream):
    error = sdk_error(api, clients, sim("error", code, quoted("boom")), stream)
    assert error.status_code in statuses(api, code), error
    assert error.request_id
    if api is Messages:
        assert type(error) is anthropic_class_for(error.status_code)
        assert error.type in ANTHROPIC_TYPES[error.status_code], (error.status_code, error.type)
        check_anthropic_error(error.body)
        assert error.body["request_id"] == error.request_id
    else:
        assert type(error) is class_for(error.status_code)
        check_error_body(error.body)


@pytest.mark.parametrize("code", EXPECTED)
def test_a_whole_answer_that_breaks_off_is_an_error_too(api, clients, code):
    error = sdk_error(api, clients, script(say("half"), sim("error", code)), False)
    assert error.status_code in statuses(api, code), error
    assert "half" not in error.response.text


def test_a_prompt_that_is_too_long(clients, dialect):
    body = body_for(dialect, sim("error", "context_length"))
    answer = clients.raw.post(dialect.path, json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    if dialect is Messages:
        # Clients compact the conversation when they read these words.
        assert error["message"].startswith("prompt is too long")
    else:
        assert error["code"] == "context_length_exceeded"


def test_an_outdated_client(clients, dialect):
    """The gateway's own version is at fault, not the request."""
    answer = clients.raw.post(dialect.path, json=body_for(dialect, sim("error", "outdated")))
    assert answer.status_code in (500, 502, 503), answer.text
    kind = answer.json()["error"]["type"]
    assert kind == ("api_error" if dialect is Messages else "server_error")


@pytest.mark.parametrize(("code", "seconds"), [("rate_limit", 7), ("unavailable", 3)])
def test_the_pause_is_told(api, clients, code, seconds):
    for stream in (False, True):
        error = sdk_error(api, clients, sim("error", code, f"retry={seconds}"), stream)
        assert error.response.headers["retry-after"] == str(seconds)


def test_the_sdk_waits_as_long_as_it_is_told(server):
    tag = fresh_tag()
    prompt = script(sim("tag", tag), sim("error", "rate_limit", "retry=1"))
    with server.anthropic(max_retries=1) as client, pytest.raises(anthropic.RateLimitError):
        client.messages.create(**body_for(Messages, prompt))
    assert stats(server, tag)["failed"] == 2


def read(api, clients, prompt, **fields):
    body = body_for(api, prompt, stream=True, **fields)
    answer = clients.raw.post(api.path, json=body)
    assert answer.status_code == 200, answer.text
    return shapes.named_events(answer.text)


def check_broken(api, events, text):
    """A stream that began well and says that it failed."""
    if api is Messages:
        *begun, last = events
        assert last["type"] == "error", last
        check_anthropic_error(last)
        kinds = [event["type"] for event in begun]
        assert "message_stop" not in kinds and "message_delta" not in kinds, kinds
        deltas = [event["delta"] for event in begun if event["type"] == "content_block_delta"]
    else:
        response_shapes.check_events([event for event in events if event["type"] != "error"])
        kinds = [event["type"] for event in events]
        assert "response.completed" not in kinds and "response.incomplete" not in kinds, kinds
        assert kinds[-1] in ("response.failed", "error"), kinds[-1]
        if kinds[-1] == "response.failed":
            response = events[-1]["response"]
            assert response["status"] == "failed"
            assert response["error"]["code"] and response["error"]["message"]
        deltas = [
            {"text": event["delta"]}
            for event in events
            if event["type"] == "response.output_text.delta"
        ]
    assert "".join(delta.get("text", "") for delta in deltas) == text


@pytest.mark.parametrize("code", EXPECTED)
def test_a_stream_that_fails_does_not_look_finished(api, clients, code):
    prompt = script(say("half an ans"), sim("error", code, quoted("boom")))
    check_broken(api, read(api, clients, prompt), "half an ans")


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("rate_limit", "rate_limit_exceeded"),
        ("usage_limit", "insufficient_quota"),
        ("context_length", "context_length_exceeded"),
        ("internal", "server_error"),
    ],
)
def test_a_response_says_why_it_failed(clients, code, word):
    """Codex chooses by these words whether it tries again."""
    events = read(Responses, clients, script(say("half"), sim("error", code)))
    assert events[-1]["response"]["error"]["code"] == word


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("pause", ["", sim("wait", "100ms")], ids=["at-once", "later"])
def test_a_stream_that_is_cut_does_not_look_finished(api, clients, fault, pause):
    prompt = script(say("half an ans"), pause, sim(fault))
    check_broken(api, read(api, clients, prompt), "half an ans")


def test_a_stream_that_fails_while_it_thinks(api, clients):
    events = read(api, clients, script(think("half"), sim("drop")), **api.thinking)
    check_broken(api, events, "")


@pytest.mark.parametrize("fault", [*FAULTS, "empty"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_fault_before_output_is_a_status(api, clients, fault, stream):
    error = sdk_error(api, clients, sim(fault), stream)
    assert error.status_code in (500, 502, 503)


@pytest.mark.parametrize("code", ["internal", "overloaded", "rate_limit"])
def test_the_sdk_raises_in_mid_stream(clients, code):
    prompt = script(say("half an ans"), sim("error", code))
    body = body_for(Messages, prompt, stream=True)
    seen = []
    with pytest.raises(anthropic.APIStatusError) as caught:
        seen.extend(clients.blocking[anthropic].messages.create(**body))
    assert caught.value.type in set().union(*(ANTHROPIC_TYPES[s] for s in statuses(Messages, code)))
    assert "message_stop" not in {event.type for event in seen}


def test_the_sdk_shows_a_failed_response(clients):
    prompt = script(say("half an ans"), sim("error", "internal"))
    body = body_for(Responses, prompt, stream=True)
    seen = []
    try:
        seen.extend(clients.blocking[openai].responses.create(**body))
    except openai.APIError as error:
        check_error_body(error.body)
    else:
        assert seen[-1].type == "response.failed"
        assert seen[-1].response.error.message


@pytest.mark.parametrize("path", ["/v1/messages", COUNT, "/v1/responses", "/v1/completions"])
@pytest.mark.parametrize("key", [None, "sk-wrong"], ids=["missing", "wrong"])
def test_a_key_that_does_not_fit(server, path, key):
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=server.origin, trust_env=False, verify=False) as raw:
        # The key comes before the body.
        answer = raw.post(path, content=b"\xff{{{ garbage", headers=headers)
    assert answer.status_code == 401
    api = Messages if path.startswith("/v1/messages") else Responses
    error = check_error(api, answer)
    if api is Messages:
        assert error["type"] == "authentication_error"
    else:
        assert error["code"] == "invalid_api_key"
    assert server.key not in answer.text


def test_the_sdk_knows_a_wrong_key(server):
    body = body_for(Messages, "hello")
    with server.anthropic(api_key="sk-wrong") as client:
        with pytest.raises(anthropic.AuthenticationError) as caught:
            client.messages.create(**body)
        assert caught.value.type == "authentication_error"
        with pytest.raises(anthropic.AuthenticationError), client.messages.stream(**body):
            pass
        with pytest.raises(anthropic.AuthenticationError):
            client.models.list()


def test_a_model_that_does_not_exist(api, clients):
    for stream in (False, True):
        error = sdk_error(api, clients, "hello", stream, model="no-such-model-xyz")
        assert error.status_code == 404
        if api is Messages:
            assert error.type == "not_found_error"
        else:
            assert error.code == "model_not_found"
        assert "no-such-model-xyz" in error.message


def test_tokens_of_a_model_that_does_not_exist(clients):
    with pytest.raises(anthropic.NotFoundError):
        clients.blocking[anthropic].messages.count_tokens(
            model="no-such-model-xyz", messages=Messages.user("hello")
        )


def test_a_body_that_is_too_large(api, clients):
    answer = clients.raw.post(api.path, json=body_for(api, "x" * 34_000_000))
    assert answer.status_code == 413
    error = check_error(api, answer)
    if api is Messages:
        assert error["type"] == "request_too_large"
    else:
        assert error["code"] == "request_too_large"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_wrong_method(api, clients, method):
    answer = clients.raw.request(method, api.path)
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]
    check_error(api, answer)


@pytest.mark.parametrize("path", ["/v1/messages/x", "/v1/messages/batches", "/v1/responses/x/y"])
def test_an_unknown_path(clients, path):
    answer = clients.raw.post(path, json={})
    assert answer.status_code == 404
    api = Messages if path.startswith("/v1/messages") else Responses
    check_error(api, answer)


def test_an_error_in_the_language_of_the_client(clients):
    english = {"accept-language": "en-GB"}
    answer = clients.raw.post("/v1/messages", json={"model": MODEL}, headers=english)
    assert answer.json()["error"]["message"].isascii()


def test_one_failure_after_the_other_harms_nobody(api, clients):
    for code in EXPECTED:
        clients.raw.post(api.path, json=body_for(api, sim("error", code)))
        clients.raw.post(api.path, json=body_for(api, script(say("x"), sim("drop")), stream=True))
    answer = clients.raw.post(api.path, json=body_for(api, say("still here")))
    assert api.reply(api.parse_whole(answer.json())).text == "still here"
