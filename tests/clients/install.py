"""Installs the pinned packages into the build folder, and only when the pins have changed."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

# Registries can be slow; a test run should not hang for ever on one.
LIMIT = 900


class Problem(Exception):
    """Something on this machine is missing or failed; said in one line."""


class Tools(NamedTuple):
    """What runs the tests."""

    python: Path
    node: str
    node_modules: Path


def everything(here, work):
    """The tools, installed if need be."""
    node = program("node", "runs the JavaScript client tests")
    npm = program("npm", "installs the client packages for Node")
    python = python_packages(here / "requirements.txt", work / "venv")
    modules = node_packages(npm, here / "node", work / "node")
    return Tools(python, node, modules)


def program(name, reason):
    path = shutil.which(name)
    if path is None:
        raise Problem(f"`{name}` is not installed: it {reason}")
    return path


def python_packages(requirements, venv):
    binaries = "Scripts" if os.name == "nt" else "bin"
    python = venv / binaries / "python"
    pins = fingerprint([requirements], sys.version)
    stamp = venv / "installed"
    if python.exists() and read(stamp) == pins:
        return python
    print("clients: installing Python packages", flush=True)
    shutil.rmtree(venv, ignore_errors=True)
    call([sys.executable, "-m", "venv", venv])
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    call([*pip, "install", "--requirement", requirements])
    stamp.write_text(pins)
    return python


def node_packages(npm, source, folder):
    files = [source / "package.json", source / "package-lock.json"]
    modules = folder / "node_modules"
    pins = fingerprint(files, "")
    stamp = folder / "installed"
    if modules.exists() and read(stamp) == pins:
        return modules
    print("clients: installing Node packages", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in files:
        shutil.copy(file, folder)
    call([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=folder)
    stamp.write_text(pins)
    return modules


def fingerprint(files, more):
    digest = hashlib.sha256(more.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def read(path):
    return path.read_text() if path.exists() else None


def call(command, cwd=None):
    command = [str(word) for word in command]
    try:
        subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, timeout=LIMIT, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise Problem(f"`{' '.join(command)}` failed: {error}") from error
