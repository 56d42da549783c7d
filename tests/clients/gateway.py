"""Starts and stops the gateways that the tests talk to, for each upstream flow."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import threading

FLOWS = ("agent", "chat")
START_LIMIT = 30
STOP_LIMIT = 5

# Nothing of the machine's own settings reaches the gateways or turns clients to a proxy.
KEPT_OUT = ("DATA_DIR", "LOG_LEVEL", "LOG_FORMAT", "CURSOR_API_CONFIG")
NO_PROXY = "127.0.0.1,localhost"

SDK_SETTINGS = ("OPENAI_", "ANTHROPIC_", "LANGSMITH_", "LANGCHAIN_", "LOGFIRE_", "AI_")

# What a gateway says when it can be called.
LISTENING = r"(http://[0-9.:]+[0-9])\b"
# Switches the keeping of upstream streams between the requests of a tool loop off.
UNSUSPENDED = {"TOOLS_SUSPEND_TIMEOUT": "0"}

# A fault of the gateway itself, whatever the clients saw. Failed turns are logged below that.
TROUBLE = re.compile(r"panicked at|\bERROR\b")


class Problem(Exception):
    """A gateway cannot be started; said in one line."""


class Process:
    """One running `cursor-api`, of any command."""

    def __init__(self, binary, name, command, said, work, environment=None):
        """`said` finds in its output that it is ready, and what is to be known of it."""
        self.name = name
        self._said, self._heard = re.compile(said, re.DOTALL), None
        self._log_path = work / f"{name}.log"
        self._log = self._log_path.open("w", encoding="utf-8")
        self._ready = threading.Event()
        self._process = subprocess.Popen(
            [str(word) for word in (binary, *command)],
            cwd=work,
            env=clean_environment() | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            # Ctrl-C is for the driver, which then stops the gateways.
            start_new_session=True,
        )
        self._stopping = False
        threading.Thread(target=self._read_output, daemon=True).start()

    @property
    def pid(self):
        return self._process.pid

    def is_alive(self):
        return self._process.poll() is None

    def _read_output(self):
        """Finds what is to be known; reads on, so that nobody waits for a full pipe."""
        text = ""
        for line in self._process.stdout:
            if self._heard is None:
                text += line.decode("utf-8", "replace")
                self._heard = self._said.search(text)
                if self._heard:
                    self._ready.set()
        self._ready.set()

    def wait(self):
        """What it said when it was ready."""
        self._ready.wait(START_LIMIT)
        if self._heard is None:
            self._log.flush()
            log = self._log_path.read_text(encoding="utf-8", errors="replace").strip()
            raise Problem(f"`cursor-api` ({self.name}) did not start: {log[-500:] or 'silent'}")
        return self._heard

    def stop(self):
        self._stopping = self.is_alive()
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if not self.is_alive():
                break
            self._process.send_signal(sign)
            try:
                self._process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                continue
        self._log.close()

    def troubles(self):
        """What went wrong inside, after `stop`."""
        lines = self._log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [line.strip() for line in lines if TROUBLE.search(line)]
        if not self._stopping:
            found.append(f"ended by itself with code {self._process.returncode}")
        return found


def start_all(binary, work):
    """For each flow a gateway as it comes, and one that keeps no upstream stream open between
    the requests of a tool loop; ready to be called."""
    key = f"sk-clients-{secrets.token_hex(8)}"
    running = []

    def start(*arguments):
        running.append(Process(binary, *arguments))
        return running[-1]

    try:
        command = ["simulate", "--listen", "127.0.0.1:0"]
        backend = start("backend", command, r"(http://[^ \n]+)\n.*token: (\S+)\n", work).wait()
        for flow in FLOWS:
            for name, more in ((flow, {}), (f"{flow}-unsuspended", UNSUSPENDED)):
                # What an earlier run has kept is no concern of this one.
                data = work / f"{name}-data"
                shutil.rmtree(data, ignore_errors=True)
                settings = serve_environment(flow, key, *backend.groups(), data)
                start(name, ["serve"], LISTENING, work, settings | more)
        for process in running:
            process.wait()
    except BaseException:
        stop(running)
        raise
    return key, running


def serve_environment(flow, key, backend, token, data):
    return {
        "AUTH_TOKEN": key,
        "CURSOR_ACCOUNTS": f"clients={token}",
        "DATA_DIR": str(data),
        "HOST": "127.0.0.1",
        "PORT": "0",
        "LOG_LEVEL": "warn",
        # The backend makes its parallel calls at once; what is longer only makes the tests slower.
        "TOOLS_CALL_WINDOW": "30ms",
        "UPSTREAM_AGENT_URL": backend,
        "UPSTREAM_WEB_URL": backend,
        "UPSTREAM_API_URL": backend,
        "COMPLETION_ASIA_URL": backend,
        "COMPLETION_EU_URL": backend,
        "COMPLETION_US_URL": backend,
        "COMPLETION_CONFIG_URL": backend,
        "UPSTREAM_FLOW": flow,
    }


def stop(running):
    for process in running:
        process.stop()


def addresses(key, running):
    """What a test has to know, as environment variables."""
    found = {"KEY": key}
    for process in running:
        if process.name != "backend":
            suffix = process.name.replace("-", "_").upper()
            found[f"BASE_URL_{suffix}"] = f"{process.wait()[1]}/v1"
            found[f"PID_{suffix}"] = str(process.pid)
    return found


def environment(key, running):
    """The environment of a test runner."""
    found = clean_environment() | addresses(key, running)
    found |= {"NO_PROXY": NO_PROXY, "no_proxy": NO_PROXY, "PYTHONDONTWRITEBYTECODE": "1"}
    # The SDKs take defaults from these.
    return {name: value for name, value in found.items() if not name.startswith(SDK_SETTINGS)}


def clean_environment():
    return {name: value for name, value in os.environ.items() if name not in KEPT_OUT}
