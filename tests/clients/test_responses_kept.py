"""Responses that the gateway keeps: to go on from, to read again, to delete, to cancel."""

import time

import openai
import pytest

import response_shapes
from support import MODEL, eventually, expect_cancelled, fresh_tag, say, script, sim, user

TOOL = {
    "type": "function",
    "name": "get_time",
    "parameters": {"type": "object", "properties": {}},
    "strict": False,
}
UNKNOWN = "resp_00000000000000000000000000000000"


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def create(request, client):
    def create(prompt, **fields):
        if not request.param:
            return client.responses.create(model=MODEL, input=prompt, **fields)
        *_, last = client.responses.create(model=MODEL, input=prompt, stream=True, **fields)
        return last.response

    return create


def test_going_on_from_a_response(create):
    first = create("Remember [[mem A=blue]]")
    second = create(say("yes [[mem B=sky]]"), previous_response_id=first.id)
    prompt = script(sim("recall", "A"), say(" "), sim("recall", "B"))
    third = create(prompt, previous_response_id=second.id)
    assert third.output_text == "blue sky"
    assert third.previous_response_id == second.id


def test_a_chain_may_fork(create):
    first = create("Remember [[mem A=blue]]")
    for number in (1, 2):
        prompt = script(sim("recall", "A"), say(f" {number}"))
        assert create(prompt, previous_response_id=first.id).output_text == f"blue {number}"


def test_instructions_are_not_carried_over(create):
    first = create("hello", instructions="[[mem I=old]]")
    second = create(sim("recall", "I"), previous_response_id=first.id)
    assert second.output_text == "recall I: not found"
    prompt = sim("recall", "I")
    third = create(prompt, previous_response_id=first.id, instructions="[[mem I=new]]")
    assert third.output_text == "new"


def test_results_alone_are_enough(create):
    calls = script(*(sim("tool", "get_time={}") for _ in range(2)))
    first = create(script(calls, sim("next"), sim("tool", "get_time={}")), tools=[TOOL])
    outputs = [
        {"type": "function_call_output", "call_id": item.call_id, "output": f"noon {number}"}
        for number, item in enumerate(first.output)
    ]
    second = create(outputs, previous_response_id=first.id, tools=[TOOL])
    (call,) = second.output
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "night"}
    third = create([output], previous_response_id=second.id, tools=[TOOL])
    assert third.output_text == "tool result: night"


@pytest.mark.parametrize("unknown", [UNKNOWN, "nonsense", "resp_x"])
def test_going_on_from_nothing(create, unknown):
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as caught:
        create("hello", previous_response_id=unknown)
    assert caught.value.code == "previous_response_not_found"
    assert caught.value.param == "previous_response_id"


def test_a_response_can_be_read_again(create, client):
    created = create(say("kept"), metadata={"a": "b"})
    again = client.responses.retrieve(created.id)
    assert again.to_dict(mode="json") == created.to_dict(mode="json")
    response_shapes.whole_response(again.to_dict(mode="json"))


def test_the_input_of_a_response_can_be_read(create, client):
    created = create([user("one"), user("two")])
    page = client.responses.input_items.list(created.id, order="asc")
    texts = [item.content[0].text for item in page]
    assert texts == ["one", "two"]
    assert all(item.id for item in page.data)
    newest = client.responses.input_items.list(created.id, limit=1)
    assert newest.data[0].content[0].text == "two"
    assert newest.has_more


def test_a_response_can_be_deleted(create, client, clients):
    created = create("hello")
    answer = clients.raw.delete(f"/v1/responses/{created.id}")
    assert answer.status_code == 200, answer.text
    deleted = answer.json()
    assert (deleted["id"], deleted["deleted"]) == (created.id, True)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(created.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.delete(created.id)
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)):
        create("and?", previous_response_id=created.id)


def test_a_response_that_nobody_wants_kept(create, client):
    created = create("hello", store=False)
    assert created.store is False
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(created.id)
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as caught:
        create("and?", previous_response_id=created.id)
    assert caught.value.code == "previous_response_not_found"


@pytest.mark.parametrize("unknown", [UNKNOWN, "nonsense"])
def test_what_was_never_there(client, unknown):
    for ask in (
        client.responses.retrieve,
        client.responses.delete,
        client.responses.cancel,
        client.responses.input_items.list,
    ):
        with pytest.raises(openai.NotFoundError) as caught:
            ask(unknown).to_dict()
        assert caught.value.message


def test_a_finished_response_cannot_be_cancelled(create, client):
    created = create("hello")
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.cancel(created.id)
    assert caught.value.message


def test_a_response_in_the_background(client):
    created = client.responses.create(model=MODEL, input=say("done"), background=True)
    assert created.status in ("queued", "in_progress", "completed")
    finished = eventually_ends(client, created.id)
    assert (finished.status, finished.output_text) == ("completed", "done")
    assert finished.background is True


def test_a_response_in_the_background_can_be_cancelled(server, client):
    tag = fresh_tag()
    slow = script(sim("tag", tag), sim("delay", "20ms"), sim("chunks", 3000))
    created = client.responses.create(model=MODEL, input=slow, background=True)
    assert created.status in ("queued", "in_progress")
    eventually(server, tag, 5, started=1)
    cancelled = client.responses.cancel(created.id)
    assert cancelled.status == "cancelled"
    assert client.responses.retrieve(created.id).status == "cancelled"
    assert client.responses.cancel(created.id).status == "cancelled"
    expect_cancelled(server, tag)


def test_a_response_in_the_background_that_fails(client):
    prompt = sim("error", "internal", '"boom"')
    created = client.responses.create(model=MODEL, input=prompt, background=True)
    finished = eventually_ends(client, created.id)
    assert finished.status == "failed"
    assert finished.error.code and finished.error.message


def eventually_ends(client, response_id):
    deadline = time.monotonic() + 10
    while True:
        response = client.responses.retrieve(response_id)
        if response.status not in ("queued", "in_progress"):
            return response
        assert time.monotonic() < deadline, response.status
        time.sleep(0.02)
