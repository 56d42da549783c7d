"""The example script for inline completion, run as a user runs it, against the simulated service.

The suggestions are those of `crates/simulator/README.md`: a renaming goes on below the cursor, an
open bracket is closed, and `[[cpp: …]]` in the file says more.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support import CANCELLED_WITHIN, PATIENCE, eventually, fresh_tag

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "inline-completion.py"
SYNCED = re.compile(r"^  copy .*\n", re.MULTILINE)

RENAMED = """\
example.js:1:10
  @@ -2 +2 @@
  -let mean = sum / count;
  +let mean = total / count;
  then to example.js:4: print(sum, count);
example.js:4:19
  @@ -5 +5 @@
  -store(sum);
  +store(total);
example.js:5:14
  no suggestion

let total = read();
let mean = total / count;
print(mean);
print(sum, count);
store(total);
"""


def command(*arguments):
    return [sys.executable, str(SCRIPT), *(str(argument) for argument in arguments)]


def settings(server, **more):
    return os.environ | {"CURSOR_API_URL": server.origin, "CURSOR_API_KEY": server.key} | more


def run(server, *arguments, **more):
    environment = settings(server, **more)
    words = {"capture_output": True, "text": True, "timeout": PATIENCE, "env": environment}
    return subprocess.run(command(*arguments), **words)


def output(server, *arguments):
    ended = run(server, *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_a_renaming_goes_on_and_the_cursor_with_it(server):
    assert output(server) == RENAMED


def test_the_same_against_a_synced_copy(server):
    told = output(server, "--sync")
    assert SYNCED.sub("", told) == RENAMED
    assert SYNCED.findall(told) == [
        "  copy uploaded, version 1\n",
        "  copy changed, version 2: unspecified\n",
        "  copy changed, version 3: unspecified\n",
    ]


@pytest.mark.parametrize("more", [[], ["--sync"]], ids=["whole", "synced"])
def test_a_file_is_completed_and_written(server, tmp_path, more):
    file = tmp_path / "page.py"
    file.write_bytes("s = '👋' + f(\r\nx = 1\r\n".encode())
    # One column further than letters: the service counts UTF-16 units.
    output(server, file, 1, 13, "--most", 1, "--write", *more)
    assert file.read_bytes() == "s = '👋' + f()\r\nx = 1\r\n".encode()


def test_edits_that_follow_each_other(server, tmp_path):
    file = tmp_path / "page.py"
    # The second edit counts lines as if the first, which adds one, had been made.
    program = '# [[cpp: edit 2 "b\\nc"]] [[cpp: edit 4 "D"]]'
    file.write_text(f"{program}\na\nd\n")
    output(server, file, 1, 1, "--most", 1, "--write")
    assert file.read_text() == f"{program}\nb\nc\nD\n"


def test_no_suggestion_changes_nothing(server, tmp_path):
    file = tmp_path / "page.py"
    file.write_text("x = 1\n")
    assert output(server, file, 1, 6, "--write") == f"{file}:1:6\n  no suggestion\n"
    assert file.read_text() == "x = 1\n"


@pytest.mark.parametrize("when", ["error", "error-after 3"])
def test_of_an_answer_that_failed_nothing_is_used(server, tmp_path, when):
    file = tmp_path / "page.py"
    text = f'# [[cpp: edit 2 "y"]] [[cpp: {when} invalid_argument]]\nx\n'
    file.write_text(text)
    ended = run(server, file, 1, 1, "--write")
    assert ended.returncode == 1
    assert re.fullmatch(r"inline-completion: .+\n", ended.stderr), ended.stderr
    assert file.read_text() == text


def test_a_wrong_key_is_told(server):
    ended = run(server, CURSOR_API_KEY="wrong")
    assert (ended.returncode, ended.stdout) == (1, "example.js:1:10\n")
    assert "/cpp/stream: 401 " in ended.stderr


def test_whoever_leaves_cancels(server, tmp_path):
    tag = fresh_tag()
    file = tmp_path / "page.py"
    file.write_text(f'# [[cpp: edit 2 "y"]] [[cpp: tag {tag}]] [[cpp: hang 2]]\nx\n')
    with subprocess.Popen(
        command(file, 1, 1), env=settings(server), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        eventually(server, tag, PATIENCE, active=1)
        left = time.monotonic()
        process.send_signal(signal.SIGKILL)
    eventually(server, tag, CANCELLED_WITHIN, active=0, cancelled=1)
    assert time.monotonic() - left < CANCELLED_WITHIN
