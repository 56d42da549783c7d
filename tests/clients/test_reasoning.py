"""Reasoning arrives as `reasoning_content`, apart from the text and in order."""

from support import MODEL, THINKING_MODEL, say, script, sim, spoken, think, user

LONG = "Let me see. " * 50


def test_reasoning_and_text(ask):
    reply = ask(script(think("2 and 2"), say("4")), model=THINKING_MODEL)
    assert (reply.reasoning, reply.text, reply.finish) == ("2 and 2", "4", ["stop"])


def test_long_reasoning_in_small_pieces(ask):
    reply = ask(script(sim("split", 2), think(LONG), say("done")), model=THINKING_MODEL)
    assert (reply.reasoning, reply.text) == (LONG, "done")


def test_models_that_reason_without_saying_so_in_their_name(ask):
    reply = ask(script(think("hmm"), say("yes")), model=MODEL)
    assert (reply.reasoning, reply.text) == ("hmm", "yes")


def test_reasoning_between_texts(ask):
    prompt = script(think("a"), say("one "), think("b"), say("two"))
    reply = ask(prompt, model=THINKING_MODEL)
    assert (reply.reasoning, reply.text) == ("ab", "one two")


def test_reasoning_comes_before_the_text_and_never_in_the_same_chunk(ask_streamed):
    prompt = script(sim("split", 3), think("first this"), say("then that"))
    reply = ask_streamed(prompt, model=THINKING_MODEL)
    deltas = [chunk.choices[0].delta for chunk in reply.chunks if chunk.choices]
    kinds = [
        ("reasoning" if getattr(delta, "reasoning_content", None) else "text", delta.content)
        for delta in deltas
        if spoken(delta)
    ]
    names = [name for name, _ in kinds]
    assert names == sorted(names), "reasoning after text"
    assert all(not content for name, content in kinds if name == "reasoning")


def test_chunks_of_text_do_not_mention_reasoning(ask_streamed):
    reply = ask_streamed(say("plain"))
    for chunk in reply.chunks:
        for choice in chunk.choices:
            assert "reasoning_content" not in (choice.delta.model_extra or {})


def test_an_answer_of_reasoning_alone(ask):
    # Whether that is an answer is the gateway's choice; it must not be a finished nothing.
    reply = ask.attempt(think("only thoughts"), model=THINKING_MODEL)
    if reply.error is None:
        assert (reply.reasoning, reply.text, reply.finish) == ("only thoughts", "", ["stop"])


def test_reasoning_may_come_back_with_the_history(ask):
    messages = [
        user("Think."),
        {"role": "assistant", "content": "I did.", "reasoning_content": "deeply"},
        user("[[mem KEY=v]]" + sim("recall", "KEY")),
    ]
    assert ask(messages, model=THINKING_MODEL).text == "v"


def test_finish_reason_after_reasoning_that_is_cut_off(ask):
    # Reasoning counts towards the limit, as it does at OpenAI.
    prompt = script(think(LONG), say("never said"))
    reply = ask(prompt, model=THINKING_MODEL, max_completion_tokens=10)
    assert reply.finish == ["length"]
    assert reply.text == ""
    assert LONG.startswith(reply.reasoning)
