"""Installs the pinned command-line agents into the build folder, once for each set of pins."""

import shutil
from pathlib import Path

import install

# Agents that bring their own executable put it in place by a script of their package. All other
# scripts stay switched off.
AFTERWARDS = (
    ("@anthropic-ai/claude-code", "install.cjs"),
    ("opencode-ai", "postinstall.mjs"),
)


def binaries(here, work, wanted):
    """The folder of executables for each installer in `wanted`: "node", "aider", "llm"."""
    found = {}
    for name in sorted(wanted):
        if name == "node":
            found[name] = _node(here / "node", work / "node")
        else:
            requirements = here / f"requirements-{name}.txt"
            found[name] = Path(install.python_packages(requirements, work / name)).parent
    return found


def _node(source, folder):
    node = install.program("node", "runs some of the agents")
    npm = install.program("npm", "installs the agents for Node")
    files = [source / "package.json", source / "package-lock.json"]
    pins = install.fingerprint(files, repr(AFTERWARDS))
    stamp = folder / "installed"
    if install.read(stamp) == pins:
        return folder / "node_modules" / ".bin"
    print("clients: installing the agents for Node, about a gigabyte", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in files:
        shutil.copy(file, folder)
    # Not `npm ci`: it insists on the packages for all other systems, which not every registry has.
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    install.call(command, cwd=folder)
    for package, script in AFTERWARDS:
        install.call([node, script], cwd=folder / "node_modules" / package)
    stamp.write_text(pins)
    return folder / "node_modules" / ".bin"
