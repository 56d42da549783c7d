"""Tools in every dialect: calls, parallel calls, results, errors, pictures, many rounds."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

import pictures
from dialects import Conversation, Result, Speaker, Tool
from support import quoted, say, script, sim, think

WEATHER = Tool(
    "get_weather",
    "The weather of a city.",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "A city"},
            "unit": {"type": "string", "enum": ["c", "f"]},
        },
        "required": ["city"],
    },
)
TIME = Tool("get_time")
NEXT = sim("next")


def call(name, **arguments):
    return sim("tool", f"{name}={json.dumps(arguments, ensure_ascii=False)}")


def named(reply):
    return [(each.name, each.arguments) for each in reply.calls]


def talk(speaker, *tools, **more):
    return Conversation(speaker, tools or (WEATHER, TIME), **more)


def test_a_call_and_its_result(speaker):
    chat = talk(speaker)
    reply = chat.say(f"How is it in Oslo? {call('get_weather', city='Oslo', unit='c')}")
    assert named(reply) == [("get_weather", {"city": "Oslo", "unit": "c"})]
    assert (reply.finish, reply.text) == ("tools", "")
    reply = chat.give(Result(reply.calls[0], "7 degrees"))
    assert (reply.text, reply.finish, reply.calls) == ("tool result: 7 degrees", "stop", [])


def test_text_and_reasoning_before_a_call(speaker):
    chat = talk(speaker, thinking=True)
    prompt = script(think("I must look."), say("Let me see."), call("get_weather", city="Oslo"))
    reply = chat.say(prompt)
    assert (reply.reasoning, reply.text) == ("I must look.", "Let me see.")
    assert named(reply) == [("get_weather", {"city": "Oslo"})]
    assert chat.give(Result(reply.calls[0], "cold")).text == "tool result: cold"


def test_parallel_calls(speaker):
    chat = talk(speaker)
    cities = ["Oslo", "Bergen", "Tromsø"]
    calls = [call("get_weather", city=city) for city in cities]
    reply = chat.say(script(*calls, call("get_time"), NEXT, say("all done")))
    expected = [("get_weather", {"city": city}) for city in cities]
    assert named(reply) == [*expected, ("get_time", {})]
    assert reply.finish == "tools"
    reply = chat.give(*(Result(each, each.name) for each in reply.calls))
    assert (reply.text, reply.finish) == ("all done", "stop")


def test_results_belong_to_their_calls_in_whatever_order_they_come(speaker):
    chat = talk(speaker)
    reply = chat.say(script(call("get_weather", city="Oslo"), call("get_time"), call("get_time")))
    first, second, third = reply.calls
    reply = chat.give(Result(third, "three"), Result(first, "one"), Result(second, "two"))
    lines = reply.text.split("\n")
    assert sorted(lines) == ["tool result: one", "tool result: three", "tool result: two"]


def test_many_rounds(speaker):
    chat = talk(speaker)
    steps = [script(say(f"step {n} "), call("get_weather", city=f"C{n}"), NEXT) for n in range(6)]
    reply = chat.say(script(*steps, say("the end")))
    for number in range(6):
        assert reply.text == f"step {number} "
        assert named(reply) == [("get_weather", {"city": f"C{number}"})]
        reply = chat.give(Result(reply.calls[0], f"result {number}"))
    assert (reply.text, reply.finish) == ("the end", "stop")


def test_what_a_tool_said_is_known_in_the_next_rounds(quick_speaker):
    chat = talk(quick_speaker)
    prompt = script(call("get_time"), NEXT, call("get_time"), NEXT, sim("recall", "A"), say("!"))
    reply = chat.say(prompt)
    reply = chat.give(Result(reply.calls[0], "noted [[mem A=first]]"))
    reply = chat.give(Result(reply.calls[0], "noted"))
    assert reply.text == "first!"
    assert chat.say(sim("recall", "A")).text == "first"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"s": 'quote " backslash \\ slash / tab \t line \n nul-free'},
        {"u": "👩‍👩‍👧‍👦 你好 שלום \u2028 \u2029 \u0085"},
        {"n": [0, -1, 1.5, 1e21, 9007199254740993], "b": [True, False, None]},
        {"deep": {"a": [{"b": {"c": [[[]], {}]}}]}},
        {"code": "[[mem X=1]] ]] [[ }} {{"},
        {"big": "x" * 40_000},
    ],
    ids=["none", "escapes", "unicode", "numbers", "nested", "brackets", "big"],
)
def test_arguments_arrive_as_the_model_wrote_them(quick_speaker, arguments):
    chat = talk(quick_speaker, Tool("take"))
    reply = chat.say(call("take", **arguments))
    assert named(reply) == [("take", arguments)]
    assert chat.give(Result(reply.calls[0], "taken")).text == "tool result: taken"


@pytest.mark.parametrize("cuts", [sim("fragment", 3), sim("gzip"), sim("split", 1)])
def test_calls_in_small_pieces(speaker, cuts):
    chat = talk(speaker, thinking=True)
    reply = chat.say(script(cuts, think("hm"), say("wait"), call("get_weather", city="Ålesund")))
    assert (reply.reasoning, reply.text) == ("hm", "wait")
    assert named(reply) == [("get_weather", {"city": "Ålesund"})]


def test_an_error_is_a_result(speaker):
    chat = talk(speaker)
    reply = chat.say(call("get_weather", city="Atlantis"))
    reply = chat.give(Result(reply.calls[0], "no such city", is_error=True))
    assert "no such city" in reply.text
    assert reply.finish == "stop"


def test_an_error_beside_a_success(quick_speaker):
    chat = talk(quick_speaker)
    reply = chat.say(script(call("get_weather", city="Atlantis"), call("get_time")))
    first, second = reply.calls
    reply = chat.give(Result(first, "drowned", is_error=True), Result(second, "noon"))
    assert "drowned" in reply.text and "tool result: noon" in reply.text


def test_an_empty_result(quick_speaker):
    chat = talk(quick_speaker)
    reply = chat.say(call("get_time"))
    assert chat.give(Result(reply.calls[0], "")).text.strip() == "tool result:"


def test_a_result_with_pictures(speaker):
    chat = talk(speaker)
    reply = chat.say(script(call("get_time"), NEXT, sim("recall", "P"), say(" seen")))
    images = (pictures.png(16, 16), pictures.png(9, 5))
    reply = chat.give(Result(reply.calls[0], "a clock [[mem P=clock]]", images))
    assert reply.text == "clock seen"


def test_a_long_result(quick_speaker):
    chat = talk(quick_speaker)
    reply = chat.say(script(call("get_time"), NEXT, sim("recall", "END")))
    assert chat.give(Result(reply.calls[0], "z" * 300_000 + "[[mem END=end]]")).text == "end"


def test_directives_in_a_result_are_not_the_users(quick_speaker):
    chat = talk(quick_speaker)
    reply = chat.say(call("get_time"))
    text = chat.give(Result(reply.calls[0], say("no"))).text
    assert text == f"tool result: {say('no')}"


@pytest.mark.parametrize(
    "name",
    ["Bash", "Read", "read_file", "edit_file", "grep", "mcp__files__list", "a-b_c", "x" * 64, "T"],
)
def test_names_come_back_as_they_were_given(quick_speaker, name):
    # Some of these mean a built-in tool upstream.
    chat = talk(quick_speaker, Tool(name), TIME)
    reply = chat.say(call(name, a=1))
    assert named(reply) == [(name, {"a": 1})]
    assert chat.give(Result(reply.calls[0], "ok")).text == "tool result: ok"


def test_a_schema_reaches_the_model(quick_speaker):
    reply = talk(quick_speaker).say(sim("schema", "get_weather"))
    seen = json.loads(reply.text)["sim_schema"]
    assert seen["properties"] == WEATHER.schema["properties"]
    assert seen["required"] == ["city"]


def test_a_hundred_tools(quick_speaker):
    tools = [Tool(f"tool_{number}", "x" * 200, WEATHER.schema) for number in range(100)]
    chat = talk(quick_speaker, *tools)
    reply = chat.say(script(call("tool_99", city="Oslo"), call("tool_0", city="Oslo")))
    assert [name for name, _ in named(reply)] == ["tool_99", "tool_0"]


def test_a_tool_that_is_not_offered(quick_speaker):
    reply = talk(quick_speaker).say(call("get_lost"))
    assert reply.text.startswith("sim: no tool get_lost")
    assert (reply.calls, reply.finish) == ([], "stop")


def test_an_offer_that_is_not_taken(quick_speaker):
    assert talk(quick_speaker).say("hello").text == "echo: hello"


def test_system_text_beside_tools(quick_speaker):
    chat = talk(quick_speaker, system="Be brief. [[mem S=system]]")
    reply = chat.say(script(call("get_time"), NEXT, sim("recall", "S")))
    assert chat.give(Result(reply.calls[0], "ok")).text == "system"


def test_a_second_question_after_a_loop(quick_speaker):
    chat = talk(quick_speaker)
    reply = chat.say(call("get_weather", city="Oslo"))
    chat.give(Result(reply.calls[0], "7 degrees"))
    reply = chat.say(script(say("Again. "), call("get_weather", city="Bergen")))
    assert named(reply) == [("get_weather", {"city": "Bergen"})]
    assert chat.give(Result(reply.calls[0], "rain")).text == "tool result: rain"
    assert chat.say("thanks").text == "echo: thanks"


def test_a_question_of_the_user_beside_the_results(quick_speaker):
    chat = talk(quick_speaker)
    reply = chat.say(call("get_time"))
    chat.history += chat.dialect.results([Result(reply.calls[0], "noon")])
    if chat.dialect.name == "messages":
        chat.history[-1]["content"].append({"type": "text", "text": say("and a word")})
    else:
        chat.history += chat.dialect.user(say("and a word"))
    assert chat.ask().text == "and a word"


def test_the_same_results_sent_twice(quick_speaker):
    """What a client does that lost the answer."""
    chat = talk(quick_speaker)
    prompt = script(call("get_time"), NEXT, say("then "), sim("recall", "A"))
    reply = chat.say(prompt)
    chat.history += chat.dialect.results([Result(reply.calls[0], "[[mem A=noon]]")])
    answers = [quick_speaker.ask(chat.request()).text for _ in range(3)]
    assert answers == ["then noon"] * 3


def test_a_conversation_that_forks(quick_speaker):
    chat = talk(quick_speaker)
    reply = chat.say(script(call("get_time"), NEXT, sim("recall", "A")))
    before = list(chat.history)
    for value in ("one", "two"):
        chat.history = list(before)
        assert chat.give(Result(reply.calls[0], f"[[mem A={value}]]")).text == value


def test_a_user_who_changes_the_subject_instead_of_an_answer(raw_speaker):
    chat = talk(raw_speaker)
    reply = chat.say(call("get_time"))
    del chat.history[-len(reply.turn) :]
    assert chat.say(say("never mind")).text == "never mind"


def test_twenty_loops_at_once_do_not_mix(clients, dialect):
    def loop(number):
        chat = Conversation(Speaker(dialect, "raw", clients), (WEATHER,))
        steps = [script(call("get_weather", city=f"{number}.{n}"), NEXT) for n in range(4)]
        reply = chat.say(script(*steps, sim("recall", "N")))
        for n in range(4):
            assert named(reply) == [("get_weather", {"city": f"{number}.{n}"})]
            reply = chat.give(Result(reply.calls[0], f"[[mem N={number}]]"))
        assert reply.text == str(number)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(loop, range(20)))


def test_usage_of_an_answer_that_calls(quick_speaker):
    reply = talk(quick_speaker).say(script(sim("usage", 1200, 30), call("get_time")))
    spent, made = reply.usage
    assert spent > 0 and made > 0


def test_the_limit_of_tokens_counts_before_a_call(raw_speaker):
    chat = talk(raw_speaker, **{raw_speaker.dialect.limit: 16})
    reply = chat.say(script(sim("chunks", 300), call("get_time")))
    assert (reply.finish, reply.calls) == ("length", [])


@pytest.mark.parametrize("kind", [say, think], ids=["text", "reasoning"])
def test_separators_of_lines_are_escaped_everywhere(raw_speaker, kind):
    prompt = script(kind("a\u2028b\u2029c\u0085d"), sim("tool", f"take={quoted_object()}"))
    chat = talk(raw_speaker, Tool("take"), thinking=True)
    reply = chat.say(prompt)
    for separator in ("\u2028", "\u2029", "\u0085"):
        assert separator not in reply.wire
    assert (reply.text or reply.reasoning) == "a\u2028b\u2029c\u0085d"
    assert named(reply) == [("take", {"x": "\u2028\u2029\u0085"})]


def quoted_object():
    return '{"x": ' + quoted("\u2028\u2029\u0085") + "}"
