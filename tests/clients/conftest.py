"""The gateways under test, and the ways to ask them."""

import asyncio
import os
import time

import pytest

import dialects
from support import Ask, Clients, Server

FLOWS = tuple(os.environ.get("FLOWS", "agent,chat").split(","))
WAYS = ("whole", "streamed", "async-streamed")


def pytest_configure():
    needed = ("BASE_URL_AGENT", "BASE_URL_CHAT", "KEY")
    missing = [name for name in needed if not os.environ.get(name)]
    if missing:
        pytest.exit(f"{', '.join(missing)} not set: see tests/clients/README.md", returncode=2)


def make_server(flow):
    pid = os.environ.get(f"PID_{flow.upper()}")
    url = os.environ[f"BASE_URL_{flow.upper()}"]
    return Server(flow, url, os.environ["KEY"], int(pid) if pid else None)


@pytest.fixture(scope="session", params=FLOWS)
def server(request):
    """A gateway of each flow, with the model list of its backend."""
    server = make_server(request.param)
    wait_for_models(server)
    return server


def wait_for_models(server):
    """Until there is a model without eyes: the live list has one."""
    deadline = time.monotonic() + 15
    with server.raw() as client:
        while True:
            models = client.get("/v1/models").raise_for_status().json()["data"]
            if any(not model["supports_images"] for model in models):
                return
            assert time.monotonic() < deadline, "no live model list"
            time.sleep(0.1)


@pytest.fixture(scope="session")
def client(server):
    """The blocking SDK."""
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def async_client(server, loop):
    """The asynchronous SDK, for use on `loop`."""
    client = server.async_client()
    yield client
    loop.run_until_complete(client.close())


@pytest.fixture(params=WAYS)
def ask(request, server, client, async_client, loop):
    """Every way to ask for an answer, one after the other."""
    return make_ask(request.param, server, client, async_client, loop)


@pytest.fixture(params=[way for way in WAYS if way.endswith("streamed")])
def ask_streamed(request, server, client, async_client, loop):
    """The ways that stream."""
    return make_ask(request.param, server, client, async_client, loop)


def make_ask(way, server, client, async_client, loop):
    streamed = way.endswith("streamed")
    if way.startswith("async"):
        return Ask(server, streamed, None, async_client, loop)
    return Ask(server, streamed, client, None, None)


@pytest.fixture(scope="session")
def clients(server, loop):
    """Every client of one gateway."""
    clients = Clients.of(server, loop)
    yield clients
    clients.close()


@pytest.fixture(params=dialects.ALL, ids=lambda dialect: dialect.name)
def dialect(request):
    return request.param


@pytest.fixture(params=dialects.WAYS)
def speaker(request, dialect, clients):
    """Every dialect in every way, one after the other."""
    return dialects.Speaker(dialect, request.param, clients)


@pytest.fixture(params=["whole", "raw"])
def quick_speaker(request, dialect, clients):
    """Every dialect, whole by the SDK and streamed without it: where more would only take time."""
    return dialects.Speaker(dialect, request.param, clients)


@pytest.fixture
def raw_speaker(dialect, clients):
    """Every dialect, streamed and read without an SDK."""
    return dialects.Speaker(dialect, "raw", clients)
