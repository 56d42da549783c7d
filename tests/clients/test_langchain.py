"""LangChain: its OpenAI models on both of that provider's APIs, and its Anthropic model."""

import json

import anthropic
import openai
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field

import pictures
from support import MODEL, PATIENCE, THINKING_MODEL, numbered, say, script, sim, think

APIS = ("chat-completions", "responses", "anthropic")
NEXT = sim("next")


def make_model(api, server, name=MODEL, **more):
    settings = {"model": name, "api_key": server.key, "max_retries": 0, "timeout": PATIENCE, **more}
    if api == "anthropic":
        return ChatAnthropic(base_url=server.origin, max_tokens=4096, **settings)
    responses = api == "responses"
    settings = {"stream_usage": True, **settings}
    return ChatOpenAI(base_url=server.base_url, use_responses_api=responses, **settings)


@pytest.fixture(scope="session", params=APIS)
def api(request):
    return request.param


@pytest.fixture(scope="session")
def model(api, server):
    return make_model(api, server)


def whole(model, messages):
    return model.invoke(messages)


def streamed(model, messages):
    total = None
    for chunk in model.stream(messages):
        total = chunk if total is None else total + chunk
    return total


@pytest.fixture(params=[whole, streamed], ids=lambda way: way.__name__)
def ask(request):
    return request.param


@tool
def get_weather(city: str, days: int = 1) -> str:
    """The weather of a city."""
    return f"rain in {city} for {days} days"


@tool
def get_time() -> str:
    """The time."""
    return "noon"


TOOLS = {each.name: each for each in (get_weather, get_time)}


def call(name, **arguments):
    return sim("tool", f"{name}={json.dumps(arguments)}")


def run_tools(answer):
    return [TOOLS[each["name"]].invoke(each) for each in answer.tool_calls]


def test_text(model, ask):
    answer = ask(model, "hello")
    assert answer.text == "echo: hello"
    assert answer.usage_metadata["output_tokens"] > 0
    total = answer.usage_metadata["input_tokens"] + answer.usage_metadata["output_tokens"]
    assert answer.usage_metadata["total_tokens"] == total


def test_a_long_stream_in_pieces(model):
    pieces = [chunk.text for chunk in model.stream(sim("chunks", 300))]
    assert "".join(pieces) == numbered(300)


def test_asynchronously(api, server, loop):
    model = make_model(api, server)

    async def ask():
        whole = await model.ainvoke(say("one"))
        pieces = [chunk.text async for chunk in model.astream(say("two"))]
        return whole.text, "".join(pieces)

    assert loop.run_until_complete(ask()) == ("one", "two")


def test_a_conversation(model, ask):
    messages = [
        SystemMessage("[[mem S=system]]"),
        HumanMessage("[[mem U=user]]"),
        AIMessage("[[mem A=assistant]]"),
        HumanMessage(script(sim("recall", "S"), sim("recall", "U"), sim("recall", "A"))),
    ]
    assert ask(model, messages).text == "systemuserassistant"


def test_a_picture(model, ask):
    image = pictures.png(16, 16)
    block = {"type": "image", "base64": pictures.base64_text(image), "mime_type": "image/png"}
    parts = [{"type": "text", "text": sim("report")}, block]
    answer = ask(model, [HumanMessage(parts)])
    assert json.loads(answer.text)["sim_report"]["images"] == [len(image)]


def test_calls_in_rounds(model, ask):
    bound = model.bind_tools(list(TOOLS.values()))
    steps = [script(call("get_weather", city=city, days=2), NEXT) for city in ("Oslo", "Bergen")]
    messages = [HumanMessage(script(*steps, call("get_time"), NEXT, say("done")))]
    seen = []
    for _ in range(3):
        answer = ask(bound, messages)
        seen += [(each["name"], each["args"]) for each in answer.tool_calls]
        messages += [answer, *run_tools(answer)]
    oslo, bergen, time = seen
    assert oslo == ("get_weather", {"city": "Oslo", "days": 2})
    assert bergen == ("get_weather", {"city": "Bergen", "days": 2})
    assert time == ("get_time", {})
    assert ask(bound, messages).text == "done"


def test_parallel_calls(model, ask):
    bound = model.bind_tools(list(TOOLS.values()))
    prompt = script(say("Both. "), call("get_weather", city="Oslo"), call("get_time"))
    messages = [HumanMessage(prompt)]
    answer = ask(bound, messages)
    assert [each["name"] for each in answer.tool_calls] == ["get_weather", "get_time"]
    assert answer.text == "Both. "
    results = run_tools(answer)
    text = ask(bound, [*messages, answer, *results]).text
    assert text == "tool result: rain in Oslo for 1 days\ntool result: noon"


def test_a_failed_tool(model, ask):
    bound = model.bind_tools([get_weather])
    messages = [HumanMessage(call("get_weather", city="Atlantis"))]
    answer = ask(bound, messages)
    failed = ToolMessage("it sank", tool_call_id=answer.tool_calls[0]["id"], status="error")
    assert "it sank" in ask(bound, [*messages, answer, failed]).text


@pytest.mark.parametrize("api", ["responses", "anthropic"])
def test_a_tool_that_shows_a_picture(server, api, ask):
    bound = make_model(api, server).bind_tools([get_time])
    messages = [HumanMessage(script(call("get_time"), NEXT, sim("recall", "K")))]
    answer = ask(bound, messages)
    data = pictures.base64_text(pictures.png(16, 16))
    parts = [
        {"type": "text", "text": "a clock [[mem K=seen]]"},
        {"type": "image", "base64": data, "mime_type": "image/png"},
    ]
    shown = ToolMessage(parts, tool_call_id=answer.tool_calls[0]["id"])
    assert ask(bound, [*messages, answer, shown]).text == "seen"


@pytest.mark.parametrize("choice", ["any", "get_weather"])
def test_a_choice_of_tools(model, ask, choice):
    bound = model.bind_tools([get_weather, get_time], tool_choice=choice)
    answer = ask(bound, call("get_weather", city="Oslo"))
    assert [each["name"] for each in answer.tool_calls] == ["get_weather"]


class City(BaseModel):
    """A city."""

    name: str = Field(description="Its name")
    people: int


OSLO = City(name="Oslo", people=700_000)
OSLO_JSON = '{"name":"Oslo","people":700000}'


def test_structured_output_by_a_call(model):
    structured = model.with_structured_output(City, method="function_calling")
    assert structured.invoke(sim("tool", f"City={OSLO_JSON}")) == OSLO


def test_structured_output_by_a_schema(model):
    structured = model.with_structured_output(City, method="json_schema")
    assert structured.invoke(say(OSLO_JSON)) == OSLO


@pytest.mark.parametrize("api", ["chat-completions", "responses"])
def test_structured_output_by_json(server, api):
    structured = make_model(api, server).with_structured_output(City, method="json_mode")
    assert structured.invoke(f"as json {say(OSLO_JSON)}") == OSLO


def test_structured_output_that_is_streamed(model):
    structured = model.with_structured_output(City, method="json_schema")
    *_, last = structured.stream(script(sim("split", 3), say(OSLO_JSON)))
    assert last == OSLO


def test_structured_output_beside_what_was_said(model):
    structured = model.with_structured_output(City, method="json_schema", include_raw=True)
    answer = structured.invoke(say(OSLO_JSON))
    assert (answer["parsed"], answer["parsing_error"]) == (OSLO, None)
    assert answer["raw"].text == OSLO_JSON


THINKING = {
    "responses": {"reasoning": {"effort": "medium", "summary": "auto"}},
    "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 2048}},
}


@pytest.mark.parametrize("api", THINKING)
def test_reasoning_goes_round(server, api, ask):
    model = make_model(api, server, THINKING_MODEL, **THINKING[api]).bind_tools([get_time])
    first = script(think("deep [[mem K=kept]]"), call("get_time"))
    messages = [HumanMessage(script(first, NEXT, sim("recall", "K")))]
    answer = ask(model, messages)
    (thought,) = [each for each in answer.content_blocks if each["type"] == "reasoning"]
    assert thought["reasoning"] == "deep [[mem K=kept]]"
    assert ask(model, [*messages, answer, *run_tools(answer)]).text == "kept"


@pytest.mark.parametrize("fails", ["rate_limit", "internal", "invalid_argument"])
def test_errors_are_those_of_the_sdks(api, model, ask, fails):
    names = {"rate_limit": "RateLimit", "internal": "InternalServer"}
    kind = f"{names.get(fails, 'BadRequest')}Error"
    sdk = anthropic if api == "anthropic" else openai
    with pytest.raises(getattr(sdk, kind)):
        ask(model, sim("error", fails))


def test_an_error_in_mid_stream(api, model):
    kinds = (openai.APIError, anthropic.APIError, ValueError)
    text = ""
    with pytest.raises(kinds):
        for chunk in model.stream(script(say("half"), sim("error", "internal"))):
            text += chunk.text
    assert text == "half"


def test_counting_tokens(server):
    model = make_model("anthropic", server)
    assert 0 < model.get_num_tokens_from_messages([HumanMessage("hello")]) < 100
