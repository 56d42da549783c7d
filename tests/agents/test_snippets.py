"""The page for readers and the agents here are about the same things. Run at every start of
`run.py`."""

import json
import re
import unittest
from pathlib import Path

import agents
import snippets

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "clients.md"
PACKAGES = {
    "@anthropic-ai/claude-code": "Claude Code",
    "@openai/codex": "Codex",
    "opencode-ai": "OpenCode",
    "@continuedev/cli": "Continue",
    "aider-chat": "aider",
    "llm": "llm",
}


def pins():
    found = dict(json.loads((HERE / "node" / "package.json").read_text())["dependencies"])
    for file in HERE.glob("requirements-*.txt"):
        found |= re.findall(r"(?m)^([\w.-]+)==(\S+)", file.read_text())
    return {section: found[package] for package, section in PACKAGES.items()}


class Page(unittest.TestCase):
    def test_the_versions_named_are_those_that_run(self):
        text = PAGE.read_text(encoding="utf-8")
        table = dict(re.findall(r"(?m)^\| \[(.+?)\]\(#.+?\) \| (\S+) \|", text))
        self.assertEqual(table, pins())

    def test_every_agent_has_a_section_and_every_section_an_agent(self):
        self.assertEqual(set(snippets.load(PAGE)), {each.section for each in agents.AGENTS})

    def test_nothing_of_the_placeholders_is_left(self):
        for heading, section in snippets.load(PAGE).items():
            filled = section.filled("http://127.0.0.1:1", "sk-1")
            text = filled.script + "".join(filled.files.values())
            for placeholder in (snippets.BASE, snippets.KEY):
                self.assertNotIn(placeholder, text, heading)

    def test_blocks_of_one_file_are_added_up(self):
        config = snippets.load(PAGE)["Codex"].files["~/.codex/config.toml"]
        self.assertLess(config.index("[model_providers.gateway]"), config.index("[features]"))
