"""Scripted agents of fifty turns: thinking, text, parallel calls, pictures and errors.

One half of the runs goes to gateways that keep the upstream stream open between the turns, the
other half to gateways that may not, so that every turn is a conversation told anew. Each step of
the script quotes what a tool of the step before it said: nothing may get lost, doubled or mixed
up. Every stream is read without an SDK and checked in full.

`AGENT_RUNS=200` asks for that many runs instead of a few; a run is reproduced by its number.
"""

import itertools
import json
import os
import random

import httpx
import pytest

import dialects
import pictures
from conftest import FLOWS, make_server, wait_for_models
from dialects import Conversation, Result, Speaker, Tool
from support import PATIENCE, fresh_tag, say, script, sim, stats, think

TURNS = 50
MODES = ("resumed", "told-anew")
DIALECTS = (*dialects.ALL, dialects.KeptResponses)
COMBINATIONS = list(itertools.product(DIALECTS, ("agent", "chat"), MODES))
# One run of each combination, if nobody asks for more.
RUNS = max(int(os.environ.get("AGENT_RUNS", 0)), len(COMBINATIONS))

TOOLS = (
    Tool("Bash", "Runs a command.", {"type": "object", "properties": {"n": {"type": "integer"}}}),
    Tool("Read", "Reads a file."),
    Tool("mcp__files__search"),
    Tool("screenshot", "Shows the screen."),
)
ALPHABET = "abc xyz 0123 \n\t\"'\\{}[]<>&é世界😀\u2028\u0085"


def cases():
    """The runs, each with its number, in every combination in turn."""
    for number in range(RUNS):
        dialect, flow, mode = COMBINATIONS[number % len(COMBINATIONS)]
        if flow in FLOWS:
            yield pytest.param(
                number, dialect, flow, mode, id=f"{number}-{dialect.name}-{flow}-{mode}"
            )


class Step:
    """One turn of the script: what the model says, and what its tools will answer."""

    def __init__(self, chance, number):
        self.thought = self._text(chance, 60) if chance.random() < 0.6 else ""
        self.said = self._text(chance, 40) if chance.random() < 0.5 else ""
        self.calls = [
            (chance.choice(TOOLS).name, {"n": place, "text": self._text(chance, 30)})
            for place in range(chance.choice([1, 1, 1, 2, 3, 4]))
        ]
        self.answers = [
            (
                f"{self._text(chance, 80)}[[mem R{number}.{place}=r{number}.{place}]]",
                [pictures.png(8, 8)] if name == "screenshot" else [],
                chance.random() < 0.1,
            )
            for place, (name, _) in enumerate(self.calls)
        ]
        self.quoted = chance.randrange(len(self.calls))
        self.cuts = chance.choice(["", "", sim("split", 1), sim("fragment", 7), sim("split", 50)])

    @staticmethod
    def _text(chance, length):
        return "x" + "".join(chance.choices(ALPHABET, k=chance.randrange(length)))

    def script(self, tag, before):
        """The directives; `before` is what this step quotes of an earlier one."""
        parts = [sim("tag", tag), self.cuts]
        parts += [think(self.thought)] if self.thought else []
        parts += [sim("recall", before)] if before else []
        parts += [say(self.said)] if self.said else []
        for name, arguments in self.calls:
            parts.append(sim("tool", f"{name}={json.dumps(arguments, ensure_ascii=False)}"))
        return script(*parts, sim("next"))


class Plan:
    """The whole run, made of its number alone."""

    def __init__(self, number, turns=TURNS):
        self.chance = random.Random(number)
        self.steps = [Step(self.chance, place) for place in range(turns - 1)]

    def prompt(self, tag):
        scripts, before = [], None
        for place, step in enumerate(self.steps):
            scripts.append(step.script(tag, before))
            before = f"R{place}.{step.quoted}"
        end = script(sim("tag", tag), sim("recall", before), say(" and the end"))
        return script(*scripts, end)


@pytest.fixture(scope="module")
def gateways():
    """By flow and mode: the gateway and a client of it."""
    opened = {}
    for flow in FLOWS:
        for mode in MODES:
            name = flow if mode == "resumed" else f"{flow}_unsuspended"
            if f"BASE_URL_{name.upper()}" not in os.environ:
                pytest.skip(f"BASE_URL_{name.upper()} is not set")
            server = make_server(name)
            wait_for_models(server)
            opened[flow, mode] = server, server.raw(timeout=httpx.Timeout(PATIENCE))
    yield opened
    for _, client in opened.values():
        client.close()


class Line:
    """What a `Speaker` needs of its clients when it speaks without an SDK."""

    def __init__(self, raw):
        self.raw = raw


class Run:
    """One agent at work."""

    def __init__(self, plan, dialect, client):
        self.plan, self.tag = plan, fresh_tag()
        speaker = Speaker(dialect, "raw", Line(client))
        self.chat = Conversation(speaker, TOOLS, system="You are an agent.", thinking=True)

    def play(self, before_turn=lambda chat: None):
        """The whole script; every answer is the one that the plan expects."""
        chat, ids, before = self.chat, set(), ""
        chat.history += chat.dialect.user(self.plan.prompt(self.tag), [pictures.png(20, 20)])
        for place, step in enumerate(self.plan.steps):
            before_turn(chat)
            reply = chat.ask()
            self.check(reply, step, before, f"turn {place + 1}")
            assert ids.isdisjoint(each.id for each in reply.calls), "an id came again"
            ids.update(each.id for each in reply.calls)
            results = [
                Result(call, text, tuple(images), is_error)
                for call, (text, images, is_error) in zip(reply.calls, step.answers, strict=True)
            ]
            # Tools end when they end.
            self.plan.chance.shuffle(results)
            chat.history += chat.dialect.results(results)
            before = f"r{place}.{step.quoted}"
        reply = chat.ask()
        assert (reply.text, reply.calls) == (f"{before} and the end", [])
        assert reply.finish == "stop"

    @staticmethod
    def check(reply, step, before, where):
        assert reply.reasoning == step.thought, where
        assert reply.text == before + step.said, where
        assert [(each.name, each.arguments) for each in reply.calls] == step.calls, where
        assert reply.finish == "tools", where


@pytest.mark.parametrize(("number", "dialect", "flow", "mode"), list(cases()))
def test_an_agent_of_fifty_turns(gateways, number, dialect, flow, mode):
    server, client = gateways[flow, mode]
    run = Run(Plan(number), dialect, client)
    run.play()
    counters = stats(server, run.tag)
    assert (counters["active"], counters["failed"]) == (0, 0), counters
    if mode == "resumed":
        assert counters["started"] < TURNS, "no upstream stream was ever used again"
    else:
        assert counters["started"] == TURNS, counters


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("mode", MODES)
def test_an_agent_whose_connection_breaks_now_and_then(gateways, dialect, flow, mode):
    """The client asks the same again; nothing of the broken answer may stay behind."""
    _, client = gateways[flow, mode]
    plan = Plan(f"{dialect.name} {flow} {mode}", turns=12)

    def break_off(chat):
        if plan.chance.random() < 0.5:
            body = {**chat.request(), **dialect.streaming}
            with client.stream("POST", dialect.path, json=body) as answer:
                assert answer.status_code == 200
                next(answer.iter_lines())

    Run(plan, dialect, client).play(break_off)
