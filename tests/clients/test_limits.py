"""Where the client wants an answer to end: at a number of tokens, or at a stop text."""

import pytest

from support import CANCELLED_WITHIN, eventually, fresh_tag, numbered, say, script, sim

LIMITS = ["max_tokens", "max_completion_tokens"]


@pytest.mark.parametrize("field", LIMITS)
def test_an_answer_is_cut_at_its_limit(ask, field):
    reply = ask(sim("chunks", 200), **{field: 10})
    assert reply.finish == ["length"]
    assert numbered(200).startswith(reply.text)
    assert 10 <= len(reply.text) < len(numbered(30))
    assert 0 < reply.usage.completion_tokens <= 10


@pytest.mark.parametrize("field", LIMITS)
def test_an_answer_below_its_limit_is_whole(ask, field):
    reply = ask(sim("chunks", 20), **{field: 1000})
    assert (reply.text, reply.finish) == (numbered(20), ["stop"])


def test_the_smaller_limit_holds(ask):
    reply = ask(sim("chunks", 200), max_tokens=5, max_completion_tokens=100)
    assert reply.finish == ["length"]
    assert reply.usage.completion_tokens <= 5


def test_one_token(ask):
    reply = ask(say("hello world, how are you"), max_tokens=1)
    assert reply.finish == ["length"]
    assert reply.text
    assert "hello world, how are you".startswith(reply.text)


def test_pieces_do_not_change_where_an_answer_is_cut(ask):
    text = "Sphinx of black quartz, judge my vow. " * 10
    whole = ask(script(sim("split", 1000), say(text)), max_tokens=12)
    # With pauses, so that the pieces are not put together on the way.
    small = ask(script(sim("delay", "5ms"), sim("split", 1), say(text)), max_tokens=12)
    assert whole.finish == small.finish == ["length"]
    # An estimate by pieces may differ a little, but not by much.
    assert abs(len(whole.text) - len(small.text)) <= 12, (whole.text, small.text)


@pytest.mark.parametrize("stop", ["END", ["END"], ["never", "END", "neither"]])
def test_an_answer_ends_before_its_stop_text(ask, stop):
    reply = ask(say("abc END xyz"), stop=stop)
    assert (reply.text, reply.finish) == ("abc ", ["stop"])


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_stop_text_across_pieces(ask, size):
    reply = ask(script(sim("split", size), say("one two STOPPED three")), stop=["STOPPED"])
    assert (reply.text, reply.finish) == ("one two ", ["stop"])


def test_the_beginning_of_a_stop_text_is_not_swallowed(ask):
    text = "EN and ENDI and EN"
    reply = ask(script(sim("split", 1), say(text)), stop=["ENDING"])
    assert (reply.text, reply.finish) == (text, ["stop"])


def test_the_first_of_several_stop_texts(ask):
    reply = ask(script(sim("split", 2), say("a b c d e f")), stop=["e", "c", "d"])
    assert reply.text == "a b "


def test_a_stop_text_at_the_very_beginning(ask):
    reply = ask(say("END of it"), stop="END")
    assert (reply.text, reply.finish) == ("", ["stop"])


def test_a_stop_text_of_several_bytes(ask):
    prompt = script(sim("fragment", 3), sim("split", 1), say("你好,世界!再见"))
    reply = ask(prompt, stop=["世界"])
    assert reply.text == "你好,"


def test_a_stop_text_that_is_a_line(ask):
    reply = ask(say("first\nsecond\n\nthird"), stop="\n\n")
    assert reply.text == "first\nsecond"


def test_a_stop_text_that_overlaps_itself(ask):
    reply = ask(script(sim("split", 1), say("aaab aab")), stop=["aab"])
    assert reply.text == "a"


def test_no_stop_text_is_no_limit(ask):
    assert ask(say("abc END"), stop=None).text == "abc END"
    assert ask(say("abc END"), stop=[]).text == "abc END"


def test_the_limit_counts_before_the_stop_text(ask):
    reply = ask(sim("chunks", 100), max_tokens=5, stop=["w90"])
    assert reply.finish == ["length"]


@pytest.mark.parametrize("limit", [{"max_tokens": 5}, {"stop": ["w3"]}], ids=["tokens", "stop"])
def test_the_upstream_is_left_when_the_answer_has_ended(ask, limit):
    tag = fresh_tag()
    reply = ask(script(sim("tag", tag), sim("delay", "20ms"), sim("chunks", 1000)), **limit)
    assert reply.finish == ["length" if "max_tokens" in limit else "stop"]
    counters = eventually(ask.server, tag, CANCELLED_WITHIN, cancelled=1, active=0)
    assert counters["chunks"] < 100
