"""The agents: what each is told to do, and what must be there afterwards.

The task is the same for all: write a file, change a word in it, look at it, count its lines. The
simulated model calls the agent's own tools for that, round by round; `aider`, which has none, gets
an edit as text.
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent

# Whatever may be spoilt on the way: quotes, a backslash, a character beyond ASCII, and one that
# some readers of streams take for the end of a line.
LINES = 'alpha\nbeta ☃ "q" \\ \u2028 end\n'
CHANGED = LINES.replace("beta", "gamma")
END = "all done"


class Agent(NamedTuple):
    """One command-line agent."""

    name: str
    section: str
    installer: str
    # Path of the requests, and how many of them the task takes; one more is a retry.
    path: str
    calls: int
    prompt: Callable[[Path], str]
    faults: Callable[[Path, str], list]
    prepare: Callable[[Path, Path], None] = lambda home, work: None
    # What the agent says when it was not content, beyond a wrong result.
    complaints: tuple = ()
    # Hosts that it asks for by no switch and through no proxy: only in Node can that be stopped.
    calls_home: tuple = ()
    # Changes the script of the documentation.
    script: Callable[[str], str] = lambda script: script


def tool(name, **arguments):
    return f"[[sim: tool {name}={json.dumps(arguments)}]]"


def program(*rounds):
    """A prompt whose n-th list of directives is the n-th answer."""
    steps = " [[sim: next]] ".join(" ".join(each) for each in rounds)
    return f"Work on the notes. {steps} [[sim: next]] [[sim: say {json.dumps(END)}]]"


THINK = '[[sim: think "First the file, ☃ then the rest."]]'
SAY = '[[sim: say "I write it down."]]'
COUNT = "wc -l < notes.txt | tr -d ' ' > lines.txt && cat lines.txt"


def done(work, output):
    """What every agent with tools leaves behind."""
    found = _file(work / "notes.txt", CHANGED) + _file(work / "lines.txt", "2\n")
    return found + _said(output)


def _file(path, wanted):
    text = path.read_text(encoding="utf-8") if path.exists() else None
    return [] if text == wanted else [f"{path.name} holds {text!r} instead of {wanted!r}"]


def _said(output):
    last = output.strip().splitlines()[-1:]
    return (
        []
        if last and last[0].strip().endswith(END)
        else [f"the last words are {last} and not {END}"]
    )


def _claude(work):
    file = str(work / "notes.txt")
    return program(
        [THINK, SAY, tool("Write", file_path=file, content=LINES)],
        [tool("Edit", file_path=file, old_string="beta", new_string="gamma")],
        [tool("Read", file_path=file), tool("Bash", command="echo one", description="Echo")],
        [tool("Bash", command=COUNT, description="Count")],
    )


def _codex(work):
    write = f"cat > notes.txt <<'END'\n{LINES}END"
    patch = f"apply_patch <<'END'\n{_patch()}END"
    return program(
        [THINK, SAY, tool("exec_command", cmd=write)],
        [tool("exec_command", cmd=patch)],
        [tool("exec_command", cmd="cat notes.txt"), tool("exec_command", cmd=COUNT)],
    )


def _codex_freeform(work):
    write = f"cat > notes.txt <<'END'\n{LINES}END"
    return program(
        [THINK, SAY, tool("exec_command", cmd=write)],
        [tool("apply_patch", input=_patch())],
        [tool("exec_command", cmd="cat notes.txt"), tool("exec_command", cmd=COUNT)],
    )


def _patch():
    before, after = LINES.split("\n")[1], CHANGED.split("\n")[1]
    change = f"*** Update File: notes.txt\n@@\n alpha\n-{before}\n+{after}\n"
    return f"*** Begin Patch\n{change}*** End Patch\n"


def _catalogue(home, work):
    """A model of the gateway as Codex describes models that it knows: with freeform patches."""
    (home / "models.json").write_text((HERE / "codex-models.json").read_text())


def _opencode(work):
    file = str(work / "notes.txt")
    return program(
        [THINK, SAY, tool("write", filePath=file, content=LINES)],
        [tool("edit", filePath=file, oldString="beta", newString="gamma")],
        [tool("read", filePath=file), tool("bash", command="echo one", description="Echo")],
        [tool("bash", command=COUNT, description="Count")],
    )


def _opencode_home(home, work):
    """As if its own package were installed, so that it does not ask the registry for it."""
    folder = home / ".config" / "opencode"
    (folder / "node_modules").mkdir(parents=True)
    packages = {"": {"dependencies": {"@opencode-ai/plugin": "*"}}}
    (folder / "package-lock.json").write_text(json.dumps({"packages": packages}))


def _continue(work):
    file = str(work / "notes.txt")
    edit = {"old_string": "beta", "new_string": "gamma"}
    return program(
        [THINK, SAY, tool("Write", filepath=file, content=LINES)],
        [tool("Read", filepath=file), tool("Bash", command="echo one")],
        [tool("MultiEdit", file_path=file, edits=[edit])],
        [tool("Bash", command=COUNT)],
    )


def _llm(work):
    file, counted = str(work / "notes.txt"), str(work / "lines.txt")
    return program(
        [THINK, SAY, tool("write_file", path=file, text=LINES)],
        [tool("replace", path=file, old="beta", new="gamma")],
        [tool("read_file", path=file), tool("write_file", path=counted, text="2\n")],
    )


# In text of its own, since aider takes that separator in a file for the end of a line.
AIDER_SAYS = "As ☃ \u2028 asked."


def _aider(work):
    edit = '<<<<<<< SEARCH\nbeta ☃ "q" \\\n=======\ngamma ☃ "q" \\\n>>>>>>> REPLACE'
    answer = f"{AIDER_SAYS}\n\nnotes.txt\n```\n{edit}\n```\n"
    return f"Change the notes. {THINK} [[sim: say {json.dumps(answer)}]]"


def _aider_home(home, work):
    (work / "notes.txt").write_text('alpha\nbeta ☃ "q" \\\n', encoding="utf-8")
    (home / ".gitconfig").write_text("[user]\nname = Nobody\nemail = nobody@example.org\n")
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "Begin"]):
        subprocess.run(["git", *command], cwd=work, env=_git(home), check=True)


def _aider_done(work, output):
    log = ["git", "log", "--format=%s", "-p", "-1"]
    told = subprocess.run(
        log, cwd=work, env=_git(work.parent / "home"), capture_output=True, text=True
    ).stdout
    found = _file(work / "notes.txt", 'alpha\ngamma ☃ "q" \\\n')
    # The simulated model answers the request for a commit message with the same text.
    if not told.startswith(AIDER_SAYS) or "\n+gamma" not in told:
        found.append(f"the last commit is {told[:300]!r}")
    return found


def _git(home):
    return {"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin"}


COMPLETIONS = "/v1/chat/completions"
AGENTS = (
    Agent(
        name="claude",
        section="Claude Code",
        installer="node",
        path="/v1/messages",
        calls=5,
        prompt=_claude,
        faults=done,
        complaints=("API Error",),
    ),
    Agent(
        name="codex",
        section="Codex",
        installer="node",
        path="/v1/responses",
        calls=4,
        prompt=_codex,
        faults=done,
        complaints=("ERROR", "stream disconnected", "Reconnecting", "unsupported call"),
    ),
    Agent(
        name="codex-freeform",
        section="Codex",
        installer="node",
        path="/v1/responses",
        calls=4,
        prompt=_codex_freeform,
        faults=done,
        prepare=_catalogue,
        complaints=("ERROR", "stream disconnected", "Reconnecting", "unsupported call"),
        script=lambda script: script.replace(
            "codex exec", 'codex exec -c model_catalog_json="$HOME/models.json"'
        ),
    ),
    Agent(
        name="opencode",
        section="OpenCode",
        installer="node",
        path=COMPLETIONS,
        # One of them asks for a title.
        calls=6,
        prompt=_opencode,
        faults=done,
        prepare=_opencode_home,
        complaints=("Error:", "error:"),
    ),
    Agent(
        name="continue",
        section="Continue",
        installer="node",
        path=COMPLETIONS,
        calls=5,
        prompt=_continue,
        faults=done,
        complaints=("Error",),
        calls_home=("api.continue.dev",),
    ),
    Agent(
        name="aider",
        section="aider",
        installer="aider",
        path=COMPLETIONS,
        calls=2,
        prompt=_aider,
        faults=_aider_done,
        prepare=_aider_home,
        complaints=("litellm.", "Retrying"),
    ),
    Agent(
        name="llm",
        section="llm",
        installer="llm",
        path=COMPLETIONS,
        calls=4,
        prompt=_llm,
        faults=done,
        complaints=("Error",),
    ),
)
