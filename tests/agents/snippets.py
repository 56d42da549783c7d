"""The blocks of `docs/clients.md`: what a reader copies is what runs.

In the section of a client, a block of `sh` is a part of its script, in the order of the text; a
block after `<!-- file: PATH -->` is that file, or is added to it. Other blocks are for readers.
"""

import re
from typing import NamedTuple

# What a reader replaces, too.
BASE = "http://127.0.0.1:3000"
KEY = "choose-a-long-secret"

HEADING = re.compile(r"##\s+(.+)")
FILE = re.compile(r"<!-- file: (\S+) -->")
FENCE = re.compile(r"```(\w*)")


class Problem(Exception):
    """The page does not say what it should; in one line."""


class Snippets(NamedTuple):
    """What one section says."""

    files: dict
    script: str

    def filled(self, base, key):
        """With the address and the key of a running gateway."""

        def fill(text):
            return text.replace(BASE, base).replace(KEY, key)

        files = {path: fill(text) for path, text in self.files.items()}
        return Snippets(files, fill(self.script))


def load(page):
    """The sections of the page by their headings."""
    sections, heading, file, block = {}, None, None, None
    for line in page.read_text(encoding="utf-8").splitlines():
        if block is not None:
            if line.startswith("```"):
                sections.setdefault(heading, []).append(block)
                block, file = None, None
            else:
                block[2].append(line)
        elif found := FENCE.match(line):
            block = (found[1], file, [])
        elif found := HEADING.match(line):
            heading = found[1].strip()
        elif found := FILE.match(line):
            file = found[1]
    return {heading: _of_blocks(heading, blocks) for heading, blocks in sections.items()}


def _of_blocks(heading, blocks):
    files, script = {}, []
    for language, file, lines in blocks:
        text = "\n".join(lines) + "\n"
        if file is not None:
            files[file] = files[file] + "\n" + text if file in files else text
        elif language == "sh":
            script.append(text)
    everything = "".join(script) + "".join(files.values())
    for needed in (BASE, KEY, "$PROMPT"):
        if needed not in everything:
            raise Problem(f"docs/clients.md: the section {heading} never says {needed}")
    return Snippets(files, "".join(script))
