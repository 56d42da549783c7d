#!/usr/bin/env python3
"""Runs released command-line agents against the gateway: Claude Code, Codex, OpenCode and others.

Each works on files in a temporary folder, in several rounds of tool calls that the simulated
backend makes; its home is temporary too, and connected as `docs/clients.md` says, with the blocks
of that page. Agents are installed into `target/cli-clients`, at the versions pinned here. Prints a
table at the end; the exit code is 1 if anything failed.

    python3 tests/agents/run.py                          every agent, both flows, once
    python3 tests/agents/run.py --runs 20 --only codex   one agent, many times
    python3 tests/agents/run.py --flow chat              one upstream flow
"""

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

# Nothing is written beside the sources.
sys.dont_write_bytecode = True

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "target" / "cli-clients"
sys.path.insert(1, str(HERE.parent / "clients"))

import agents  # noqa: E402
import gateway  # noqa: E402
import install  # noqa: E402
import shapes  # noqa: E402
import snippets  # noqa: E402
import tools  # noqa: E402
import watch  # noqa: E402

# Ten times what the slowest agent needs on a busy machine with two cores.
LIMIT = 120


class Row:
    """A line of the table: one agent on one flow."""

    def __init__(self, agent, flow):
        self.agent, self.flow = agent, flow
        self.runs, self.passed, self.protocol, self.seconds = 0, 0, 0, 0.0

    def add(self, run):
        self.runs += 1
        self.passed += not (run.protocol or run.other)
        self.protocol += len(run.protocol)
        self.seconds += run.seconds


class Run:
    """What came of one run: faults of the protocol, other faults, and what to keep of it."""

    def __init__(self):
        self.protocol, self.other = [], []
        self.output, self.exchanges, self.seconds = "", [], 0.0


def main():
    # So that `finally` stops the gateways also then.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments = parse_arguments()
    chosen = [each for each in agents.AGENTS if arguments.only in (None, each.name)]
    flows = [flow for flow in gateway.FLOWS if arguments.flow in (None, flow)]
    own = unittest.TestLoader().loadTestsFromNames(["test_shapes", "test_snippets"])
    if not unittest.TextTestRunner().run(own).wasSuccessful():
        return 1
    gateways = []
    try:
        page = snippets.load(ROOT / "docs" / "clients.md")
        WORK.mkdir(parents=True, exist_ok=True)
        found = tools.binaries(HERE, WORK, {each.installer for each in chosen})
        key = f"sk-agents-{secrets.token_hex(8)}"
        for flow in flows:
            gateways.append(gateway.Gateway(find_binary(), flow, key, WORK))
            gateways[-1].wait()
        rows = run_all(arguments.runs, chosen, gateways, page, found)
    except (install.Problem, gateway.Problem, snippets.Problem) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    finally:
        gateway.stop(gateways)
    troubles = [f"{each.flow} flow: {line}" for each in gateways for line in each.troubles()]
    for line in troubles:
        print(f"error: gateway, {line}", file=sys.stderr)
    print_table(rows)
    return 0 if not troubles and all(row.passed == row.runs for row in rows) else 1


def parse_arguments():
    parser = argparse.ArgumentParser(description="Command-line agents against the gateway.")
    parser.add_argument("--runs", type=positive, default=1, metavar="N", help="of each; default 1")
    parser.add_argument("--only", choices=[each.name for each in agents.AGENTS])
    parser.add_argument("--flow", choices=gateway.FLOWS)
    return parser.parse_args()


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def find_binary():
    given = os.environ.get("CURSOR_API_BIN")
    binary = Path(given) if given else ROOT / "target" / "debug" / "cursor-api"
    if not binary.is_file():
        raise gateway.Problem(f"{binary} is missing: build it with `cargo build -p cli`")
    return binary.resolve()


def run_all(runs, chosen, gateways, page, found):
    trap, rows = watch.Trap(), []
    shutil.rmtree(WORK / "failures", ignore_errors=True)
    for each in gateways:
        front = watch.Watch(each.base_url)
        for agent in chosen:
            row = Row(agent, each.flow)
            rows.append(row)
            text = page[agent.section].filled(front.address, each.key)
            for number in range(1, runs + 1):
                result = run_once(agent, text, found[agent.installer], front, trap)
                row.add(result)
                if result.protocol or result.other:
                    report(row, number, result)
            print(f"{agent.name}, {each.flow} flow: {row.passed} of {row.runs} passed", flush=True)
    return rows


def run_once(agent, text, binaries, front, trap):
    result = Run()
    # Outside the checkout: agents look for projects and instructions in the folders above.
    with tempfile.TemporaryDirectory(prefix="cli-clients-") as folder:
        folder = Path(folder).resolve()
        home, work = folder / "home", folder / "work"
        for each in (home, work, folder / "tmp"):
            each.mkdir()
        agent.prepare(home, work)
        for name, content in text.files.items():
            file = home / name[2:] if name.startswith("~/") else work / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
        variables = environment(agent, folder, binaries, trap.address)
        variables["PROMPT"] = agent.prompt(work)
        front.take(), trap.take()
        began = time.monotonic()
        code, output, errors = execute(agent.script(text.script), work, variables)
        result.seconds = time.monotonic() - began
        result.output = f"{output}\n--- standard error, exit code {code}\n{errors}"
        result.exchanges = front.take()
        elsewhere = trap.take() + refused(folder, agent)
        result.other += [f"called elsewhere: {each}" for each in elsewhere]
        judge(agent, result, code, work, output)
    return result


def judge(agent, result, code, work, output):
    for exchange in result.exchanges:
        result.protocol += shapes.faults(exchange)
    asked = [each for each in result.exchanges if each.path.split("?")[0] == agent.path]
    if len(asked) != agent.calls:
        result.protocol.append(f"{len(asked)} requests instead of {agent.calls}")
    for line in result.output.splitlines():
        if any(words in line for words in agent.complaints):
            result.protocol.append(f"it complains: {line.strip()[:300]}")
    if code != 0:
        result.other.append("stopped: too slow" if code is None else f"exit code {code}")
    result.other += agent.faults(work, output)


def environment(agent, folder, binaries, trap):
    """Nothing of the machine but its programs; everything else leads into the folder."""
    home = folder / "home"
    found = {
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "NO_PROXY": gateway.NO_PROXY,
        "no_proxy": gateway.NO_PROXY,
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
    }
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        found[name] = found[name.lower()] = trap
    if agent.calls_home:
        found["NODE_OPTIONS"] = f"--require={HERE / 'loopback.cjs'}"
        found["REFUSED_HOSTS"] = str(folder / "refused")
    return found


def refused(folder, agent):
    """Hosts that were asked for in Node, beyond those that are known."""
    file = folder / "refused"
    names = file.read_text().split() if file.exists() else []
    return [name for name in names if name not in agent.calls_home]


def execute(script, folder, variables):
    """Runs a script to its end or its limit; gives exit code (None: too slow) and both outputs."""
    with subprocess.Popen(
        ["sh", "-eu", "-c", script],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        code = None
        try:
            output, errors = process.communicate(timeout=LIMIT)
            code = process.returncode
        except subprocess.TimeoutExpired:
            end(process)
            output, errors = process.communicate()
        finally:
            end(process)
    return code, output.decode("utf-8", "replace"), errors.decode("utf-8", "replace")


def end(process):
    """Also what the agent left running."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def report(row, number, result):
    """Says what went wrong and keeps the bytes."""
    folder = WORK / "failures" / f"{row.agent.name}-{row.flow}-{number}"
    folder.mkdir(parents=True)
    (folder / "output.txt").write_text(result.output, encoding="utf-8")
    faults = [f"protocol: {text}" for text in result.protocol] + result.other
    (folder / "faults.txt").write_text("\n".join(faults) + "\n", encoding="utf-8")
    for index, each in enumerate(result.exchanges):
        (folder / f"{index:02}-request.json").write_bytes(each.request)
        head = f"{each}\n{each.headers}\n\n".encode()
        (folder / f"{index:02}-response.txt").write_bytes(head + each.response)
    print(f"{row.agent.name}, {row.flow} flow, run {number}: see {folder}", file=sys.stderr)
    for text in faults[:10]:
        print(f"    {text[:500]}", file=sys.stderr, flush=True)


def print_table(rows):
    table = [("client", "flow", "runs", "passed", "protocol errors", "seconds")]
    for row in rows:
        mean = f"{row.seconds / row.runs:.1f}"
        numbers = (str(row.runs), str(row.passed), str(row.protocol), mean)
        table.append((row.agent.name, row.flow, *numbers))
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        words = [text.ljust(width) for text, width in zip(line[:2], widths[:2], strict=True)]
        words += [text.rjust(width) for text, width in zip(line[2:], widths[2:], strict=True)]
        print("  ".join(words))


if __name__ == "__main__":
    sys.exit(main())
