#!/usr/bin/env python3
"""Runs third-party clients against the gateway: official SDKs and frameworks, Python and Node.

Needs nothing but Python and Node: packages are installed into `target/clients`, at the versions
pinned here, and gateways are started for each upstream flow, with the backend that is built in.
The last line is `N passed, N failed, N skipped`, of both languages together.

    python3 tests/clients/run.py                             everything
    python3 tests/clients/run.py --python test_text.py -k unicode    only these, by pytest's rules
    python3 tests/clients/run.py --node cancel               only Node tests with such a name
    python3 tests/clients/run.py --serve                     only the gateways, until Ctrl-C
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Nothing is written beside the sources.
sys.dont_write_bytecode = True

import gateway  # noqa: E402
import install  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "target" / "clients"

# Several times what a busy machine with two cores needs.
PYTEST_LIMIT = 480
NODE_LIMIT = 180
# What each run that `AGENT_RUNS` asks for may take longer.
AGENT_RUN_LIMIT = 10

# Test runners that have not ended.
RUNNING = set()


class Tally:
    """Counts of tests, over several runners."""

    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def __add__(self, other):
        return Tally(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
        )

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def main():
    # So that `finally` stops the gateways also then.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments = parse_arguments()
    try:
        binary = find_binary()
        WORK.mkdir(parents=True, exist_ok=True)
        tools = install.everything(HERE, WORK)
        key, gateways = gateway.start_all(binary, WORK)
    except (install.Problem, gateway.Problem) as problem:
        print(f"error: {problem}", file=sys.stderr)
        print(Tally(failed=1))
        return 1
    try:
        if arguments.serve:
            return serve(key, gateways)
        total = run(arguments, tools, gateway.environment(key, gateways))
    finally:
        gateway.stop(gateways)
    total += Tally(failed=complain_of(gateways))
    print(total)
    return 0 if total.failed == 0 and total.passed > 0 else 1


def parse_arguments():
    parser = argparse.ArgumentParser(description="Third-party clients against the gateway.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--python", nargs=argparse.REMAINDER, metavar="PYTEST_ARGUMENT")
    what.add_argument("--node", metavar="NAME", help="part of a Node test's name")
    what.add_argument("--serve", action="store_true", help="only start the gateways")
    return parser.parse_args()


def find_binary():
    given = os.environ.get("CURSOR_API_BIN")
    binary = Path(given) if given else ROOT / "target" / "debug" / "cursor-api"
    if not binary.is_file():
        raise gateway.Problem(
            f"{binary} is missing: build it with `cargo build -p cli`, or name another one in "
            "CURSOR_API_BIN"
        )
    return binary.resolve()


def run(arguments, tools, environment):
    if arguments.python is not None:
        return run_pytest(tools, environment, arguments.python)
    if arguments.node is not None:
        return run_node(tools, environment, arguments.node)
    # Tests wait more than they work; those of one flow know nothing of the other's gateways.
    print(
        f"clients: testing the flows {' and '.join(gateway.FLOWS)}; results at their end",
        flush=True,
    )
    with ThreadPoolExecutor(len(gateway.FLOWS)) as pool:
        try:
            ended = pool.map(lambda flow: run_flow(tools, environment, flow), gateway.FLOWS)
            return sum(ended, Tally())
        except BaseException:
            for process in RUNNING:
                process.kill()
            raise


def run_flow(tools, environment, flow):
    """All tests of one flow. What they print comes at their end, in one piece."""
    path = fresh(WORK / f"{flow}-tests.log")
    environment = {**environment, "FLOWS": flow}
    with path.open("w") as output:
        total = run_pytest(tools, environment, [], output, flow)
        total += run_node(tools, environment, None, output, flow)
    print(path.read_text(errors="replace"), flush=True)
    return total


def serve(key, gateways):
    for name, value in gateway.addresses(key, gateways).items():
        print(f"export {name}={value}")
    print("# Ctrl-C stops them.", flush=True)
    try:
        while all(each.is_alive() for each in gateways):
            time.sleep(0.5)
    except KeyboardInterrupt:
        return 0
    return 1


def run_pytest(tools, environment, arguments, output=None, name="all"):
    report = fresh(WORK / f"pytest-{name}.xml")
    command = [tools.python, "-m", "pytest", "-q", f"--junitxml={report}", *arguments]
    limit = PYTEST_LIMIT + AGENT_RUN_LIMIT * int(environment.get("AGENT_RUNS", 0))
    finished = watch(command, HERE, environment, limit, output)
    if not report.exists():
        print(f"error: pytest wrote no report ({finished})", file=sys.stderr)
        return Tally(failed=1)
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in ElementTree.parse(report).iter("testsuite"):
        for name in counts:
            counts[name] += int(suite.get(name, 0))
    failed = counts["failures"] + counts["errors"]
    # A run that broke off after its last failing test still is a failed one.
    if finished != 0:
        failed = max(failed, 1)
    passed = counts["tests"] - counts["failures"] - counts["errors"] - counts["skipped"]
    return Tally(passed, failed, counts["skipped"])


def run_node(tools, environment, name, output=None, flow="all"):
    report = fresh(WORK / f"node-{flow}.tap")
    command = [tools.node, "--test", "--test-timeout=60000"]
    command += ["--test-reporter=spec", "--test-reporter-destination=stdout"]
    command += ["--test-reporter=tap", f"--test-reporter-destination={report}"]
    if name is not None:
        command.append(f"--test-name-pattern={name}")
    command += [str(path) for path in sorted((HERE / "node").glob("*.test.mjs"))]
    environment = {**environment, "CLIENT_MODULES": str(tools.node_modules)}
    finished = watch(command, HERE / "node", environment, NODE_LIMIT, output)
    text = report.read_text(errors="replace") if report.exists() else ""
    counts = {key: int(number) for key, number in re.findall(r"(?m)^# (\w+) (\d+)$", text)}
    if "pass" not in counts:
        print(f"error: node wrote no summary ({finished})", file=sys.stderr)
        return Tally(failed=1)
    failed = counts.get("fail", 0) + counts.get("cancelled", 0)
    if finished != 0:
        failed = max(failed, 1)
    # Tests left out by their name count as skipped for node, but nobody asked for them.
    skipped = 0 if name is not None else counts.get("skipped", 0)
    return Tally(counts["pass"], failed, skipped + counts.get("todo", 0))


def fresh(path):
    """A place for a report, without the one of an earlier run."""
    path.unlink(missing_ok=True)
    return path


def watch(command, folder, environment, limit, output):
    """Runs a program to its end or its limit; gives its exit code."""
    command = [str(word) for word in command]
    settings = {"env": environment, "stdin": subprocess.DEVNULL, "stdout": output}
    with subprocess.Popen(command, cwd=folder, **settings) as process:
        RUNNING.add(process)
        try:
            return process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            print(f"error: stopped after {limit} s: {' '.join(command)}", file=sys.stderr)
            process.kill()
            return process.wait()
        except BaseException:
            process.kill()
            raise
        finally:
            RUNNING.discard(process)


def complain_of(gateways):
    """What no client can see: a gateway that died or logged a fault of its own."""
    troubles = 0
    for each in gateways:
        for line in each.troubles():
            print(f"error: cursor-api ({each.name}): {line}", file=sys.stderr)
            troubles += 1
    return troubles


if __name__ == "__main__":
    sys.exit(main())
