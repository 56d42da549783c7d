"""Upstream streams that end as they should not: never a clean finish, and the gateway lives on."""

import os
import time

import openai
import pytest

from support import (
    MODEL,
    check_error_body,
    eventually,
    fresh_tag,
    post,
    quoted,
    say,
    script,
    sim,
    think,
    user,
)

# Ends in the middle of an answer: without an end frame, by a reset, with the connection.
FAULTS = ["noend", "drop", "cut"]


@pytest.mark.parametrize("fault", [*FAULTS, "empty"])
def test_before_output_it_is_an_error_status(ask, fault):
    reply = ask.attempt(sim(fault))
    assert isinstance(reply.error, openai.InternalServerError), repr(reply)
    assert reply.error.status_code in (500, 502, 503)
    check_error_body(reply.error.body)
    assert (reply.text, reply.finish) == ("", [])


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_pause_it_is_an_error_status(ask, fault):
    reply = ask.attempt(script(sim("wait", "200ms"), sim(fault)))
    assert isinstance(reply.error, openai.InternalServerError), repr(reply)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("pause", ["at-once", "later"])
def test_after_output_the_sdk_raises(ask_streamed, fault, pause):
    wait = [sim("wait", "150ms")] if pause == "later" else []
    reply = ask_streamed.attempt(script(say("half an ans"), *wait, sim(fault)))
    assert reply.text == "half an ans"
    assert reply.finish == []
    assert type(reply.error) is openai.APIError, repr(reply.error)
    check_error_body(reply.error.body)


@pytest.mark.parametrize("fault", FAULTS)
def test_after_reasoning_the_sdk_raises(ask_streamed, fault):
    reply = ask_streamed.attempt(script(think("half a thou"), sim("wait", "100ms"), sim(fault)))
    assert reply.reasoning == "half a thou"
    assert reply.finish == []
    assert isinstance(reply.error, openai.APIError)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_whole_answer_is_an_error_status(client, fault):
    with pytest.raises(openai.InternalServerError) as caught:
        prompt = script(say("half an ans"), sim(fault))
        client.chat.completions.create(model=MODEL, messages=[user(prompt)])
    assert caught.value.status_code in (500, 502, 503)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_bytes_of_a_broken_stream(server, fault):
    body = {"model": MODEL, "stream": True, "stream_options": {"include_usage": True}}
    answer = post(server, {**body, "messages": [user(script(sim("chunks", 50), sim(fault)))]})
    # The body itself ends in order, or httpx would have raised.
    assert answer.status_code == 200
    assert "[DONE]" not in answer.text
    assert '"finish_reason":"' not in answer.text
    assert answer.text.strip().split("\n")[-1].startswith('data: {"error":{')


@pytest.mark.parametrize("fault", FAULTS)
def test_a_frame_that_is_cut_in_its_middle(ask_streamed, fault):
    prompt = script(sim("fragment", 3), sim("chunks", 20), sim(fault))
    reply = ask_streamed.attempt(prompt)
    assert reply.finish == []
    assert isinstance(reply.error, openai.APIError)


@pytest.mark.parametrize("fault", [*FAULTS, "empty"])
def test_the_gateway_serves_on(ask, fault):
    for _ in range(3):
        ask.attempt(script(say("half"), sim(fault)) if fault != "empty" else sim(fault))
    assert ask(say("still here")).text == "still here"


def test_one_lost_connection_does_not_break_the_answers_beside_it(server):
    """Of `cut`: streams that share its connection may fail, but are told so; none hangs."""
    slow = script(sim("delay", "50ms"), sim("chunks", 20))
    with server.client() as client:
        beside = client.chat.completions.create(model=MODEL, messages=[user(slow)], stream=True)
        next(beside)
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model=MODEL, messages=[user(sim("cut"))])
        text, finish = "", None
        try:
            for chunk in beside:
                text += chunk.choices[0].delta.content or ""
                finish = chunk.choices[0].finish_reason or finish
        except openai.APIError:
            assert finish is None
        else:
            assert (text.count("w"), finish) == (20, "stop")


@pytest.mark.parametrize("fault", [*FAULTS, "hang"])
def test_no_worker_spins_after_a_fault(server, fault):
    if server.pid is None:
        pytest.skip("PID_AGENT and PID_CHAT are not set")
    tag = fresh_tag()
    prompt = script(sim("tag", tag), say("half"), sim(fault))
    with server.client(timeout=1) as client, pytest.raises(openai.APIError):
        for _ in client.chat.completions.create(model=MODEL, messages=[user(prompt)], stream=True):
            pass
    eventually(server, tag, 2, active=0)
    before = cpu_seconds(server.pid)
    time.sleep(0.6)
    used = cpu_seconds(server.pid) - before
    assert used < 0.2, f"{used:.2f} s of processor time while nothing happened"


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("kind", ["say", "think"])
def test_separators_survive_beside_a_fault(ask_streamed, kind):
    prompt = script(sim(kind, quoted("a\u2028b")), sim("wait", "50ms"), sim("drop"))
    reply = ask_streamed.attempt(prompt)
    assert reply.text + reply.reasoning == "a\u2028b"
    assert isinstance(reply.error, openai.APIError)
