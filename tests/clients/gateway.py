"""Starts and stops the gateways that the tests talk to: one process for each upstream flow."""

import os
import re
import secrets
import signal
import subprocess
import threading

FLOWS = ("agent", "chat")
START_LIMIT = 30
STOP_LIMIT = 5

# Nothing of the machine's own settings reaches the gateways or turns clients to a proxy.
KEPT_OUT = ("DATA_DIR", "LOG_LEVEL", "LOG_FORMAT", "CURSOR_API_CONFIG")
NO_PROXY = "127.0.0.1,localhost"

# A fault of the gateway itself, whatever the clients saw. Failed turns are logged below that.
TROUBLE = re.compile(r"panicked at|\bERROR\b")


class Problem(Exception):
    """A gateway cannot be started; said in one line."""


class Gateway:
    """One running `cursor-api demo`."""

    def __init__(self, binary, flow, key, work):
        self.flow, self.key = flow, key
        self.base_url = None
        self._log_path = work / f"{flow}.log"
        self._log = self._log_path.open("w", encoding="utf-8")
        self._ready = threading.Event()
        command = [binary, "demo", "--listen", "127.0.0.1:0", "--key", key, "--flow", flow]
        self._process = subprocess.Popen(
            [str(word) for word in command],
            env=clean_environment(),
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
        """Finds the address; reads on, so that the gateway never waits for a full pipe."""
        for line in self._process.stdout:
            found = re.search(r"http://[^ ]+/v1", line.decode("utf-8", "replace"))
            if found and self.base_url is None:
                self.base_url = found[0].strip()
                self._ready.set()
        self._ready.set()

    def wait(self):
        self._ready.wait(START_LIMIT)
        if self.base_url is None:
            self._log.flush()
            log = self._log_path.read_text(encoding="utf-8", errors="replace").strip()
            raise Problem(f"the gateway ({self.flow} flow) did not start: {log[-500:] or 'silent'}")

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


def start_both(binary, work):
    """Both gateways, ready to be called."""
    key = f"sk-clients-{secrets.token_hex(8)}"
    gateways = []
    try:
        for flow in FLOWS:
            gateways.append(Gateway(binary, flow, key, work))
        for gateway in gateways:
            gateway.wait()
    except BaseException:
        stop(gateways)
        raise
    return gateways


def stop(gateways):
    for gateway in gateways:
        gateway.stop()


def addresses(gateways):
    """What a test has to know, as environment variables."""
    found = {"KEY": gateways[0].key}
    for gateway in gateways:
        found[f"BASE_URL_{gateway.flow.upper()}"] = gateway.base_url
        found[f"PID_{gateway.flow.upper()}"] = str(gateway.pid)
    return found


def environment(gateways):
    """The environment of a test runner."""
    found = clean_environment() | addresses(gateways)
    found |= {"NO_PROXY": NO_PROXY, "no_proxy": NO_PROXY, "PYTHONDONTWRITEBYTECODE": "1"}
    # The SDKs take defaults from these.
    return {name: value for name, value in found.items() if not name.startswith("OPENAI_")}


def clean_environment():
    return {name: value for name, value in os.environ.items() if name not in KEPT_OUT}
