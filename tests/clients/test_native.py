"""What the upstream asks of a client that has no workspace and no user: refused, and on it goes."""

import pytest

from support import quoted, say, script, sim, think

NATIVES = [
    "read",
    "write",
    "delete",
    "shell",
    "shell_stream",
    "grep",
    "ls",
    "diagnostics",
    "fetch",
    "background_shell",
]
QUERIES = ["web_search", "web_fetch", "question"]


@pytest.mark.parametrize("native", NATIVES)
def test_a_native_tool_is_refused(ask_streamed, native):
    reply = ask_streamed(script(say("Let me look. "), sim("native", native), say(" Done.")))
    before, refusal = reply.text.split(f"native {native}: ")
    assert before == "Let me look. "
    refusal = refusal.removesuffix(" Done.")
    # A reason for the model to go on without; nothing was run, nothing was found.
    assert len(refusal) > 10, reply.text
    assert not refusal.startswith(("ran ", "wrote ", "exit ")), refusal
    assert reply.finish == ["stop"]


@pytest.mark.parametrize("native", ["read", "shell", "shell_stream"])
def test_in_a_whole_answer(ask, native):
    reply = ask(script(sim("native", native), say(" Done.")))
    assert reply.text.startswith(f"native {native}: ")
    assert reply.text.endswith(" Done.")
    assert reply.finish == ["stop"]


def test_several_native_tools_in_one_answer(ask):
    prompt = script(*(sim("native", native) for native in NATIVES), say(" Done."))
    reply = ask(prompt)
    assert [native for native in NATIVES if f"native {native}: " in reply.text] == NATIVES
    assert reply.text.endswith(" Done.")


def test_clients_see_no_call_of_a_native_tool(ask_streamed):
    reply = ask_streamed(script(think("look"), sim("native", "read"), say("ok")))
    assert all(not choice.delta.tool_calls for c in reply.chunks for choice in c.choices)


@pytest.mark.parametrize("query", QUERIES)
def test_a_question_is_declined(ask, query):
    reply = ask(script(say("a "), sim("query", query), say(" b")))
    # The chat flow has no such questions.
    answer = "rejected" if ask.server.flow == "agent" else "not available"
    assert reply.text == f"a query {query}: {answer} b"


def test_unknown_messages_are_skipped(ask):
    reply = ask(script(say("a"), sim("unknown"), say("b"), sim("unknown"), say("c")))
    assert (reply.text, reply.finish) == ("abc", ["stop"])


def test_unknown_messages_before_any_text(ask):
    assert ask(script(sim("unknown"), say("a"))).text == "a"


def test_unknown_messages_in_fragments(ask):
    prompt = script(sim("fragment", 2), sim("unknown"), say("a"), sim("unknown"))
    assert ask(prompt).text == "a"


def test_a_tool_that_nobody_offers(ask):
    reply = ask(sim("tool", 'get_weather={"city":"Oslo"}'))
    assert reply.text.startswith("sim: no tool get_weather; offered:"), reply.text
    assert quoted("tool_calls") not in reply.text
    assert reply.finish == ["stop"]
