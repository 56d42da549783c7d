"""pydantic-ai: agents on the OpenAI models of both APIs, and on the Anthropic model."""

import json

import anthropic
import openai
import pytest
from pydantic import BaseModel
from pydantic_ai import (
    Agent,
    BinaryContent,
    ModelHTTPError,
    ModelRetry,
    NativeOutput,
    PromptedOutput,
    ToolOutput,
)
from pydantic_ai.messages import ThinkingPart, ToolCallPart
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

import pictures
from support import MODEL, THINKING_MODEL, numbered, say, script, sim, think

APIS = ("chat-completions", "responses", "anthropic")
NEXT = sim("next")


def make_model(api, clients, name=MODEL):
    if api == "anthropic":
        provider = AnthropicProvider(anthropic_client=clients.asynchronous[anthropic])
        # Unknown names are thought to be unable.
        profile = ModelProfile(supports_json_schema_output=True)
        return AnthropicModel(name, provider=provider, profile=profile)
    provider = OpenAIProvider(openai_client=clients.asynchronous[openai])
    kind = OpenAIResponsesModel if api == "responses" else OpenAIChatModel
    return kind(name, provider=provider)


@pytest.fixture(params=APIS)
def api(request):
    return request.param


@pytest.fixture
def model(api, clients):
    return make_model(api, clients)


def whole(loop, agent, prompt, **more):
    return loop.run_until_complete(agent.run(prompt, **more))


def streamed(loop, agent, prompt, **more):
    async def read():
        async with agent.run_stream(prompt, **more) as result:
            output = await result.get_output()
            return Finished(output, result.all_messages(), result.usage)

    return loop.run_until_complete(read())


class Finished:
    """A run that was streamed, with the face of one that was not."""

    def __init__(self, output, messages, usage):
        self.output, self._messages, self.usage = output, messages, usage

    def all_messages(self):
        return self._messages


@pytest.fixture(params=[whole, streamed], ids=lambda way: way.__name__)
def run(request, loop):
    def run(agent, prompt, **more):
        return request.param(loop, agent, prompt, **more)

    return run


def call(tool, /, **arguments):
    return sim("tool", f"{tool}={json.dumps(arguments)}")


def calls_of(result):
    parts = [part for message in result.all_messages() for part in message.parts]
    return [part.tool_name for part in parts if isinstance(part, ToolCallPart)]


def test_text(run, model):
    agent = Agent(model, instructions="Be brief. [[mem S=system]]")
    result = run(agent, script(say("hello "), sim("recall", "S")))
    assert result.output == "hello system"


def test_pieces(loop, model):
    async def read():
        async with Agent(model).run_stream(sim("chunks", 200)) as result:
            return [piece async for piece in result.stream_text(delta=True, debounce_by=None)]

    assert "".join(loop.run_until_complete(read())) == numbered(200)


def test_figures(run, model):
    result = run(Agent(model), script(sim("usage", 1200, 30), say("counted")))
    usage = result.usage
    assert (usage.input_tokens, usage.output_tokens) == (1200, 30)


def test_a_conversation(run, model):
    agent = Agent(model)
    first = run(agent, say("I choose [[mem K=seven]]"))
    again = run(agent, sim("recall", "K"), message_history=first.all_messages())
    assert again.output == "seven"


def weather_agent(model, **more):
    agent = Agent(model, **more)
    agent.asked = []

    @agent.tool_plain(retries=2)
    def get_weather(city: str) -> str:
        """The weather of a city."""
        agent.asked.append(city)
        if city == "Atlantis":
            raise ModelRetry("no such city")
        return f"rain in {city} [[mem {city}=wet]]"

    @agent.tool_plain
    def look() -> BinaryContent:
        """A picture."""
        return BinaryContent(pictures.png(16, 16), media_type="image/png")

    return agent


def test_tools_in_rounds(run, model):
    agent = weather_agent(model)
    steps = [script(call("get_weather", city=city), NEXT) for city in ("Oslo", "Bergen", "Bodø")]
    result = run(agent, script(*steps, sim("recall", "Bergen")))
    assert agent.asked == ["Oslo", "Bergen", "Bodø"]
    assert result.output == "wet"


def test_parallel_tools(run, model):
    agent = weather_agent(model)
    calls = [call("get_weather", city=city) for city in ("Oslo", "Bergen", "Bodø")]
    result = run(agent, script(think("hm"), *calls, NEXT, say("all wet")))
    assert sorted(agent.asked) == ["Bergen", "Bodø", "Oslo"]
    assert result.output == "all wet"
    assert calls_of(result) == ["get_weather"] * 3


def test_a_tool_that_wants_another_try(run, model):
    agent = weather_agent(model)
    first = script(call("get_weather", city="Atlantis"), NEXT)
    result = run(agent, script(first, call("get_weather", city="Oslo"), NEXT, say("found")))
    assert agent.asked == ["Atlantis", "Oslo"]
    assert result.output == "found"


def test_a_tool_that_shows_a_picture(run, model):
    result = run(weather_agent(model), script(call("look"), NEXT, say("seen")))
    assert result.output == "seen"


def test_a_picture(run, model):
    image = BinaryContent(pictures.png(16, 16), media_type="image/png")
    result = run(Agent(model), [sim("report"), image])
    assert json.loads(result.output)["sim_report"]["images"] == [len(image.data)]


class City(BaseModel):
    """A city."""

    name: str
    people: int


OSLO = City(name="Oslo", people=700_000)
OSLO_JSON = '{"name":"Oslo","people":700000}'


def test_output_by_a_tool(run, model):
    agent = Agent(model, output_type=ToolOutput(City, name="final_result"))
    assert run(agent, sim("tool", f"final_result={OSLO_JSON}")).output == OSLO


def test_output_by_one_of_several_tools(run, model):
    agent = Agent(
        model, output_type=[ToolOutput(City, name="city"), ToolOutput(int, name="number")]
    )
    assert run(agent, call("number", response=7)).output == 7
    assert run(agent, sim("tool", f"city={OSLO_JSON}")).output == OSLO


def test_output_by_a_tool_after_others(run, model):
    agent = weather_agent(model, output_type=City)
    prompt = script(call("get_weather", city="Oslo"), NEXT)
    result = run(agent, script(prompt, sim("tool", f"final_result={OSLO_JSON}")))
    assert (agent.asked, result.output) == (["Oslo"], OSLO)


def test_output_that_does_not_fit_is_asked_for_again(loop, model):
    agent = Agent(model, output_type=City, retries=1)
    wrong = call("final_result", name="Oslo", people="many")
    prompt = script(wrong, NEXT, sim("tool", f"final_result={OSLO_JSON}"))
    assert whole(loop, agent, prompt).output == OSLO


def test_output_of_the_model_itself(run, model):
    agent = Agent(model, output_type=NativeOutput(City))
    assert run(agent, say(OSLO_JSON)).output == OSLO


def test_output_by_words(run, model):
    agent = Agent(model, output_type=PromptedOutput(City))
    assert run(agent, say(OSLO_JSON)).output == OSLO


SETTINGS = {
    "responses": {"openai_reasoning_effort": "medium", "openai_reasoning_summary": "auto"},
    "anthropic": {"anthropic_thinking": {"type": "enabled", "budget_tokens": 2048}},
}


@pytest.mark.parametrize("api", SETTINGS)
def test_thinking_goes_round(run, api, clients):
    model = make_model(api, clients, THINKING_MODEL)
    agent = weather_agent(model, model_settings={"max_tokens": 4096, **SETTINGS[api]})
    first = script(think("deep [[mem K=kept]]"), call("get_weather", city="Oslo"))
    result = run(agent, script(first, NEXT, sim("recall", "K")))
    assert result.output == "kept"
    parts = [part for message in result.all_messages() for part in message.parts]
    (thought,) = [part for part in parts if isinstance(part, ThinkingPart)]
    assert thought.content == "deep [[mem K=kept]]"
    assert thought.signature or api == "responses"


@pytest.mark.parametrize(
    ("code", "status"), [("rate_limit", 429), ("invalid_argument", 400), ("context_length", 400)]
)
def test_errors_have_their_status(run, model, code, status):
    with pytest.raises(ModelHTTPError) as caught:
        run(Agent(model), sim("error", code))
    assert caught.value.status_code == status
