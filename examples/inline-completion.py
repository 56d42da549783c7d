#!/usr/bin/env python3
"""Inline completion against a gateway, in a terminal. Needs Python 3.10 or newer and nothing else.

An editor would do what this does. It knows the file, the cursor and the last edits; it asks
`POST /cpp/stream`, shows what comes, and when the user accepts, makes the edits and goes where the
answer says the user will want to go next, to ask again there.

    inline-completion.py                   a small file of its own: a word was renamed in one line
    inline-completion.py FILE LINE COLUMN  what would come at this place, both counted from 1

    --old FILE  the text before the last edits, from which the service sees what the user is doing
    --sync      give the service a copy of the file and send it changes (/file/upload, /file/sync)
    --most N    accept at most N suggestions (default 10)
    --write     write the accepted text to FILE

The gateway is `CURSOR_API_URL` (default http://127.0.0.1:3000), the key `CURSOR_API_KEY`.
`cursor-api demo` starts one with a simulated service that needs no account.
"""

import argparse
import difflib
import hashlib
import http.cookiejar
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 30

# What there is to complete when no file is given. The user has renamed `sum` in the first line.
EXAMPLE_OLD = """let sum = read();
let mean = sum / count;
print(mean);
print(sum, count);
store(sum);
"""
EXAMPLE = EXAMPLE_OLD.replace("let sum", "let total", 1)


class Trouble(Exception):
    """Something to tell the user in one line."""


@dataclass
class Edit:
    """Lines `first` to `last`, from 1 and inclusive, become `text`."""

    first: int
    last: int
    remove_leading_eol: bool
    text: str = ""


@dataclass
class Suggestion:
    edits: list = field(default_factory=list)
    # Where the user will want to go next.
    prediction: dict | None = None


class Gateway:
    """The gateway's side for editors."""

    def __init__(self, url, key, client_key):
        self.url = url.rstrip("/").removesuffix("/v1")
        self.headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            # Whose copies of files are meant. An editor makes one once and keeps it to itself.
            "x-client-key": client_key,
        }
        # The service says by cookies which of its servers has the files.
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies)

    def post(self, path, body):
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, self.headers)
        try:
            return self.opener.open(request, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            raise Trouble(f"{path}: {error.code} {message_of(error.read())}") from None
        except OSError as error:
            raise Trouble(f"{self.url} cannot be reached: {error}") from None

    def call(self, path, body):
        with self.post(path, body) as answer:
            return json.load(answer)

    def events(self, body):
        """The events of a completion, as they come. Whoever stops reading cancels it."""
        ended = False
        with self.post("/cpp/stream", body) as answer:
            for line in answer:
                if line.startswith(b"data: "):
                    event = json.loads(line[6:])
                    ended = event["type"] == "stream_end"
                    yield event
        if not ended:
            raise Trouble("the answer was cut")


def message_of(body):
    try:
        return json.loads(body)["error"]["details"]["detail"]
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace")[:200]


class Document:
    """A file that is open in an editor."""

    def __init__(self, path, text, line, column):
        self.path, self.text = path, text
        # From 0; the column in UTF-16 units.
        self.line, self.column = line, column
        self.history, self.times = [], []
        # Of the service's copy; 0 is none.
        self.version = 0

    def lines(self):
        return self.text.split("\n")

    def note_edit(self, old, new):
        """Remembers a change as the service wants it: `N-|old line` and `N+|new line`."""
        told = ""
        before, after = old.split("\n"), new.split("\n")
        matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
        for kind, a, b, c, d in matcher.get_opcodes():
            if kind != "equal":
                told += "".join(f"{n + 1}-|{before[n]}\n" for n in range(a, b))
                told += "".join(f"{n + 1}+|{after[n]}\n" for n in range(c, d))
        if told:
            self.history.append(told)
            self.times.append(time.time() * 1000)

    def apply(self, edit):
        """Makes an edit. The lines of later edits are counted as if it had been made."""
        lines = self.lines()
        if not 1 <= edit.first <= len(lines) + 1 or edit.last < edit.first - 1:
            raise Trouble(f"an edit of lines {edit.first} to {edit.last} of {len(lines)}")
        text = edit.text.replace("\r\n", "\n")
        if edit.remove_leading_eol:
            text = text.removeprefix("\n")
        # No text at all deletes the lines.
        new = text.split("\n") if edit.text else []
        if "\r\n" in self.text:
            new = [line + "\r" for line in new]
            # The last line of a file has no end.
            if new and edit.last >= len(lines):
                new[-1] = new[-1].removesuffix("\r")
        lines[edit.first - 1 : edit.last] = new
        self.text = "\n".join(lines)

    def question(self, synced):
        now = time.time() * 1000
        cursor = {"line": self.line, "column": self.column}
        file = {
            "relative_workspace_path": self.path,
            "contents": "" if synced else self.text,
            "rely_on_filesync": synced,
            "cursor_position": cursor,
            "selection": {"start_position": cursor, "end_position": cursor},
            "total_number_of_lines": len(self.lines()),
            "language_id": Path(self.path).suffix.removeprefix("."),
            "line_ending": "\r\n" if "\r\n" in self.text else "\n",
        }
        if synced:
            file |= {"file_version": self.version, "sha_256_hash": sha256(self.text)}
        history = {
            "file_name": self.path,
            "diff_history": self.history,
            "diff_history_timestamps": self.times,
        }
        return {
            "current_file": file,
            "file_diff_histories": [history],
            "cpp_intent_info": {"source": "manual_trigger"},
            "client_time": now,
            "time_at_request_send": now,
        }


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def units(text):
    """How long JavaScript thinks a text is; so do the service's offsets."""
    return len(text.encode("utf-16-le")) // 2


def sync(gateway, document, old):
    """Brings the service's copy up to date: by the change if it has one, else by the whole file."""
    if document.version > 0 and send_change(gateway, document, old) == "unspecified":
        return
    document.version += 1
    body = {
        "uuid": document.path,
        "relative_workspace_path": document.path,
        "contents": document.text,
        "model_version": document.version,
        "sha256_hash": sha256(document.text),
    }
    outcome = gateway.call("/file/upload", body)["error"]
    if outcome != "unspecified":
        raise Trouble(f"/file/upload: {outcome}")
    print(f"  copy uploaded, version {document.version}")


def send_change(gateway, document, old):
    """One replaced piece: what is not the same at both ends. Offsets are of the old text."""
    new = document.text
    start = len(os.path.commonprefix([old, new]))
    end = len(os.path.commonprefix([old[start:][::-1], new[start:][::-1]]))
    removed, added = old[start : len(old) - end], new[start : len(new) - end]
    document.version += 1
    first, last = old[:start], old[: start + len(removed)]
    update = {
        "start_position": units(first),
        "end_position": units(last),
        "change_length": units(removed),
        "replaced_string": added,
        "range": {
            "start_line_number": first.count("\n") + 1,
            "start_column": units(first.rpartition("\n")[2]) + 1,
            "end_line_number_inclusive": last.count("\n") + 1,
            "end_column": units(last.rpartition("\n")[2]) + 1,
        },
    }
    change = {
        "model_version": document.version,
        "relative_workspace_path": document.path,
        "updates": [update],
        "expected_file_length": units(new),
    }
    body = {
        "uuid": document.path,
        "relative_workspace_path": document.path,
        "model_version": document.version,
        "filesync_updates": [change],
        "sha256_hash": sha256(new),
    }
    # `non_existant` and `hash_mismatch` both mean: upload it anew.
    outcome = gateway.call("/file/sync", body)["error"]
    print(f"  copy changed, version {document.version}: {outcome}")
    return outcome


def suggest(gateway, document, synced):
    suggestion, edit = Suggestion(), None
    for event in gateway.events(document.question(synced)):
        kind = event["type"]
        if kind == "range_replace":
            first, last = event["start_line_number"], event["end_line_number_inclusive"]
            edit = Edit(first, last, event.get("should_remove_leading_eol", False))
        elif kind == "text" and edit is not None:
            edit.text += event["text"]
        elif kind == "done_edit" and edit is not None:
            suggestion.edits.append(edit)
            edit = None
        elif kind == "cursor_prediction":
            suggestion.prediction = event
        elif kind == "error":
            # Nothing of an answer that failed may be used.
            raise Trouble(event["error"]["details"]["detail"])
    return suggestion


def accept(document, suggestion):
    old = document.text
    for edit in suggestion.edits:
        document.apply(edit)
        document.line = edit.first - 1
    document.line = min(document.line, len(document.lines()) - 1)
    document.note_edit(old, document.text)
    prediction = suggestion.prediction
    if prediction and prediction["relative_path"] == document.path:
        document.line = prediction["line_number_one_indexed"] - 1
    document.line = max(0, min(document.line, len(document.lines()) - 1))
    document.column = units(document.lines()[document.line].removesuffix("\r"))
    for line in difflib.unified_diff(old.split("\n"), document.text.split("\n"), n=0, lineterm=""):
        if not line.startswith(("---", "+++")):
            print(f"  {line}")
    if prediction:
        place = f"{prediction['relative_path']}:{prediction['line_number_one_indexed']}"
        print(f"  then to {place}: {prediction['expected_content']}")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage="%(prog)s"
    )
    parser.add_argument("file", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("line", nargs="?", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("column", nargs="?", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--old", help=argparse.SUPPRESS)
    parser.add_argument("--sync", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--most", type=int, default=10, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def read(path):
    # As it is: line endings count.
    return Path(path).read_bytes().decode("utf-8")


def open_document(arguments):
    if arguments.file is None:
        document = Document("example.js", EXAMPLE, 0, len("let total"))
        document.note_edit(EXAMPLE_OLD, EXAMPLE)
        return document
    line, column = arguments.line - 1, arguments.column - 1
    document = Document(arguments.file, read(arguments.file), line, column)
    lines = document.lines()
    if not 0 <= line < len(lines) or not 0 <= column <= len(lines[line]):
        raise Trouble(f"{arguments.file} has no place {arguments.line}:{arguments.column}")
    document.column = units(lines[line][:column])
    if arguments.old:
        document.note_edit(read(arguments.old), document.text)
    return document


def run(arguments):
    url = os.environ.get("CURSOR_API_URL", "http://127.0.0.1:3000")
    key = os.environ.get("CURSOR_API_KEY")
    if not key:
        raise Trouble("CURSOR_API_KEY is not set: the gateway's key")
    gateway = Gateway(url, key, secrets.token_hex(32))
    document = open_document(arguments)
    old = document.text
    for _ in range(arguments.most):
        if arguments.sync and (document.version == 0 or old != document.text):
            sync(gateway, document, old)
        old = document.text
        print(f"{document.path}:{document.line + 1}:{document.column + 1}")
        suggestion = suggest(gateway, document, arguments.sync)
        if not suggestion.edits:
            print("  no suggestion")
            break
        accept(document, suggestion)
    if arguments.write and arguments.file:
        Path(arguments.file).write_bytes(document.text.encode("utf-8"))
    elif not arguments.file:
        print(f"\n{document.text}", end="")


def main():
    try:
        run(parse_arguments())
    except Trouble as trouble:
        print(f"inline-completion: {trouble}", file=sys.stderr)
        return 1
    except (OSError, UnicodeDecodeError) as error:
        print(f"inline-completion: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
