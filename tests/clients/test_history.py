"""What came before the last message reaches the model: system text, turns, tools, roles."""

import openai
import pytest

from support import (
    MODEL,
    post,
    report,
    say,
    script,
    sim,
    streamed_text,
    system_and_user,
    user,
)

RECALL = sim("recall", "KEY")
WEATHER = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'},
}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def result(call_id, content):
    return {"role": "tool", "tool_call_id": call_id, "content": content}


@pytest.mark.parametrize("role", ["system", "developer"])
def test_system_text_reaches_the_model(ask, role):
    messages = system_and_user("You are terse. [[mem KEY=xyzzy 42]]", RECALL, role=role)
    assert ask(messages).text == "xyzzy 42"


def test_system_text_as_parts(ask):
    parts = [{"type": "text", "text": "Part one."}, {"type": "text", "text": "[[mem KEY=two]]"}]
    assert ask(system_and_user(parts, RECALL)).text == "two"


def test_several_system_messages(ask):
    messages = [
        {"role": "system", "content": "[[mem A=1]]"},
        {"role": "developer", "content": "[[mem B=2]]"},
        user(script(sim("recall", "A"), sim("recall", "B"))),
    ]
    assert ask(messages).text == "12"


def test_a_system_message_between_others(ask):
    messages = [
        user("first"),
        assistant("second"),
        {"role": "system", "content": "[[mem KEY=late]]"},
        user(RECALL),
    ]
    assert ask(messages).text == "late"


def test_long_system_text(ask):
    text = "Rule. " * 8000 + "[[mem KEY=end of rules]]"
    assert ask(system_and_user(text, RECALL)).text == "end of rules"


def test_directives_in_system_text_are_not_the_users(ask):
    messages = system_and_user(f"{say('wrong')} [[mem KEY=v]]", "hello")
    assert ask(messages).text == "echo: hello"


def test_an_earlier_user_message_reaches_the_model(ask):
    messages = [user("Remember [[mem KEY=blue]]"), assistant("I will."), user(RECALL)]
    assert ask(messages).text == "blue"


def test_an_earlier_answer_reaches_the_model(ask):
    messages = [user("Choose."), assistant("I choose [[mem KEY=seven]]"), user(RECALL)]
    assert ask(messages).text == "seven"


def test_a_long_conversation_keeps_its_turns(ask):
    messages = []
    for number in range(20):
        messages += [user(f"question {number} [[mem Q{number}=q{number}]]")]
        messages += [assistant(f"answer {number} [[mem A{number}=a{number}]]")]
    last = [sim("recall", f"{kind}{number}") for number in (0, 10, 19) for kind in "QA"]
    assert ask([*messages, user(script(*last))]).text == "q0a0q10a10q19a19"
    assert report(ask([*messages, user(sim("report"))]))["turns"] == 41


def test_only_the_last_program_is_played(ask):
    messages = [user(say("old")), assistant("old"), user(say("new"))]
    assert ask(messages).text == "new"


def test_two_user_messages_in_a_row(ask):
    messages = [user("[[mem KEY=first]]"), user(RECALL)]
    assert ask(messages).text == "first"


def test_a_conversation_that_ends_with_the_assistant(ask):
    # Clients that let the model go on where it stopped.
    reply = ask([user("Say it."), assistant("It is [[mem KEY=v]]")])
    assert reply.text.startswith("echo: Say it.")


def test_user_content_as_parts(ask):
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": say("from parts")}]
    assert ask([user(parts)]).text == "from parts"


def test_assistant_content_as_parts(ask):
    parts = [{"type": "text", "text": "I choose "}, {"type": "text", "text": "[[mem KEY=p]]"}]
    assert ask([user("Choose."), assistant(parts), user(RECALL)]).text == "p"


def test_a_tool_result_reaches_the_model(ask):
    messages = [
        user("What is the weather?"),
        assistant(None, tool_calls=[WEATHER]),
        result("call_1", "7 degrees [[mem KEY=cold]]"),
    ]
    assert ask(messages).text == "tool result: 7 degrees [[mem KEY=cold]]"
    assert ask([*messages, assistant("It is cold."), user(RECALL)]).text == "cold"


def test_a_finished_round_of_tools_counts_as_played(ask):
    messages = [
        user(script(sim("tool", 'get_weather={"city":"Oslo"}'), sim("next"), say("warm enough"))),
        assistant(None, tool_calls=[WEATHER]),
        result("call_1", "7 degrees"),
    ]
    assert ask(messages).text == "warm enough"


def test_parallel_tool_results_reach_the_model(ask):
    other = {**WEATHER, "id": "call_2", "function": {"name": "get_time", "arguments": "{}"}}
    messages = [
        user("What is it like?"),
        assistant("Let me see.", tool_calls=[WEATHER, other]),
        result("call_1", "7 degrees"),
        result("call_2", [{"type": "text", "text": "noon"}]),
    ]
    assert ask(messages).text == "tool result: 7 degrees\ntool result: noon"


def test_an_empty_tool_result(ask):
    messages = [user("Do it."), assistant("", tool_calls=[WEATHER]), result("call_1", "")]
    assert ask(messages).text == "tool result: "


def test_a_tool_result_without_its_call_is_refused(ask):
    with pytest.raises(openai.BadRequestError) as caught:
        ask([user("hi"), result("call_9", "x")])
    assert caught.value.param.startswith("messages[1]")


@pytest.mark.parametrize(("human", "ai"), [("human", "ai"), ("human", "assistant"), ("user", "ai")])
def test_role_aliases(server, human, ai):
    messages = [
        {"role": human, "content": "Remember [[mem A=1]]"},
        {"role": ai, "content": "Yes [[mem B=2]]"},
        {"role": human, "content": script(sim("recall", "A"), sim("recall", "B"))},
    ]
    body = {"model": MODEL, "messages": messages}
    answer = post(server, body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "12"
    answer = post(server, {**body, "stream": True})
    assert answer.status_code == 200, answer.text
    assert streamed_text(answer) == "12"


@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_role_is_refused(server, stream):
    messages = [user("hi"), {"role": "wizard", "content": "x"}]
    answer = post(server, {"model": MODEL, "messages": messages, "stream": stream})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "messages[1].role"


@pytest.mark.parametrize("size", [1_000_000, 3_000_000])
def test_a_huge_prompt_arrives_whole(ask, size):
    filler = "0123456789 abcdé 世界 😀\n"
    prompt = sim("report") + filler * (size // len(filler))
    seen = report(ask(prompt))
    assert seen["last_user_chars"] == len(prompt)


def test_a_huge_history_arrives_whole(ask):
    long = "lorem ipsum " * 40_000
    messages = [user(f"{long}[[mem A=1]]"), assistant(f"{long}[[mem B=2]]")]
    prompt = script(sim("recall", "A"), sim("recall", "B"))
    assert ask([*messages, user(prompt)]).text == "12"
