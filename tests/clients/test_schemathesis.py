"""Requests made by schemathesis from the description of the API, against a gateway of its own.

Every operation gets its example, and bodies that are made up: such as are described, and such as
are not. The gateway has to answer all of them as described, and never with a fault of its own. A
502, 503, 504 or 529 is none: it tells that the accounts, which some of these requests take away,
cannot serve. The settings file is changed once, by the example: it is this gateway's own, and no
request knows the hash that it has then.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

import gateway

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-schemathesis-0123456789abcdef"
# More is for those who look for something.
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "4"))
SEED = os.environ.get("SCHEMATHESIS_SEED", "1")
LIMIT = 150


CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    ]
)

SETTINGS = f"""
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "502", "503", "504", "529"]

# Of a file that is not there yet.
[[operations]]
include-path = "/config/set"
parameters = {{ "header.x-config-hash" = "{hashlib.sha256().hexdigest()}" }}
"""


def binary():
    given = os.environ.get("CURSOR_API_BIN")
    return Path(given).resolve() if given else ROOT / "target" / "debug" / "cursor-api"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A gateway with a backend, data and settings that nobody else uses: its address and folder."""
    work = tmp_path_factory.mktemp("schemathesis")
    running = []

    def start(*arguments):
        running.append(gateway.Process(binary(), *arguments))
        return running[-1].wait()

    try:
        command = ["simulate", "--listen", "127.0.0.1:0"]
        backend = start("backend", command, r"(http://[^ \n]+)\n.*token: (\S+)\n", work)
        settings = gateway.serve_environment("agent", KEY, *backend.groups(), work / "data")
        yield start("gateway", ["serve"], gateway.LISTENING, work, settings)[1], work
    finally:
        gateway.stop(running)
    troubles = [trouble for process in running for trouble in process.troubles()]
    assert not troubles


def test_the_description_is_openapi(served):
    origin, _ = served
    document = httpx.get(f"{origin}/openapi.json", trust_env=False).raise_for_status().json()
    errors = list(OpenAPIV31SpecValidator(document).iter_errors())
    assert not errors, errors[0]


@pytest.mark.timeout(LIMIT + 10)
def test_every_operation_answers_as_described(served, tmp_path):
    origin, work = served
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(SETTINGS)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", settings, "run"]
    command += [f"{origin}/openapi.json", "--header", f"Authorization: Bearer {KEY}"]
    command += ["--checks", CHECKS, "--phases", "examples,fuzzing"]
    command += ["--max-examples", str(EXAMPLES), "--seed", SEED, "--workers", "2"]
    command += ["--suppress-health-check", "all", "--warnings", "off", "--no-color"]
    command += ["--request-timeout", "20", "--continue-on-failure"]
    command += ["--generation-database", "none", "--no-shrink"]
    environment = os.environ | {"NO_PROXY": gateway.NO_PROXY, "no_proxy": gateway.NO_PROXY}
    ended = subprocess.run(
        [str(word) for word in command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert ended.returncode == 0, ended.stdout[-12000:] + ended.stderr[-2000:]
    # The example was not only understood.
    assert "level" in (work / "config.toml").read_text()
