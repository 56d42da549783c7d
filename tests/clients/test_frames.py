"""How the upstream cuts and packs its frames changes nothing, and nothing is held back."""

import time

import pytest

from support import MODEL, THINKING_MODEL, numbered, say, script, sim, think, user

LONG = "The quick brown fox jumps over the lazy dog; 你好,世界 😀. " * 40


def test_a_thousand_small_frames(ask):
    assert ask(sim("chunks", 1000)).text == numbered(1000)


def test_a_thousand_small_frames_in_one_read(ask):
    assert ask(script(sim("burst", 1000), sim("chunks", 1000))).text == numbered(1000)


def test_a_burst_between_single_frames(ask):
    prompt = script(say("before "), sim("burst", 500), sim("chunks", 500), say("after"))
    assert ask(prompt).text == f"before {numbered(500)}after"


@pytest.mark.parametrize("size", [1, 3])
def test_frames_cut_into_pieces(ask, size):
    assert ask(script(sim("fragment", size), sim("chunks", 300))).text == numbered(300)


def test_compressed_frames(ask):
    assert ask(script(sim("gzip"), say(LONG))).text == LONG


def test_one_large_compressed_frame(ask):
    prompt = script(sim("gzip"), sim("split", 1_000_000), say(LONG * 20))
    assert ask(prompt).text == LONG * 20


def test_compressed_frames_cut_into_pieces(ask):
    prompt = script(sim("gzip"), sim("fragment", 3), sim("chunks", 200))
    assert ask(prompt).text == numbered(200)


def test_compressed_frames_after_plain_ones(ask):
    reply = ask(script(say("plain "), sim("gzip"), say(LONG)))
    assert reply.text == f"plain {LONG}"


def test_compressed_reasoning(ask):
    reply = ask(script(sim("gzip"), think(LONG), say("done")), model=THINKING_MODEL)
    assert (reply.reasoning, reply.text) == (LONG, "done")


def test_one_large_frame(ask):
    text = LONG * 100
    assert ask(script(sim("split", len(text)), say(text))).text == text


def test_heartbeats_before_the_answer(ask):
    assert ask(script(sim("heartbeats", "1s"), say("alive"))).text == "alive"


def test_the_first_piece_does_not_wait_for_the_second(client):
    prompt = script(say("a"), sim("wait", "2s"), say("b"))
    start = time.monotonic()
    arrivals = arrival_times(client, prompt, start)
    assert [text for text, _ in arrivals] == ["a", "b"]
    (_, first), (_, second) = arrivals
    assert first < 1, "held back"
    assert second - first > 1.5


def test_the_first_thought_does_not_wait_for_the_second(client):
    prompt = script(think("a"), sim("wait", "1s"), think("b"), say("c"))
    arrivals = arrival_times(client, prompt, time.monotonic())
    assert [text for text, _ in arrivals] == ["a", "b", "c"]
    assert arrivals[1][1] - arrivals[0][1] > 0.7


def test_every_piece_leaves_when_it_is_made(client):
    prompt = script(sim("delay", "150ms"), sim("chunks", 10))
    times = [at for _, at in arrival_times(client, prompt, time.monotonic())]
    assert len(times) == 10
    gaps = [after - before for before, after in zip(times, times[1:], strict=False)]
    # One slow moment of the machine is forgiven, a rhythm of pairs is not.
    assert sorted(gaps)[2] > 0.05, gaps


def test_a_stop_text_that_cannot_come_does_not_hold_text_back(client):
    prompt = script(say("abc"), sim("wait", "1s"), say("d"))
    arrivals = arrival_times(client, prompt, time.monotonic(), stop=["xyz"])
    assert arrivals[0][0] == "abc"
    assert arrivals[-1][1] - arrivals[0][1] > 0.7


def arrival_times(client, prompt, start, **fields):
    """Each piece, with the seconds since `start`."""
    stream = client.chat.completions.create(
        model=MODEL, messages=[user(prompt)], stream=True, **fields
    )
    seen = []
    for chunk in stream:
        delta = chunk.choices[0].delta
        text = delta.content or getattr(delta, "reasoning_content", None)
        if text:
            seen.append((text, time.monotonic() - start))
    return seen
