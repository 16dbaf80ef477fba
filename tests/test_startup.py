"""A command pays only for what it uses: what may be loaded when there is nothing to do."""

import json
import subprocess
import sys

import house
import pytest

HEAVY = {"docker", "requests", "urllib3", "wasmtime", "yaml", "tabulate", "boto3", "asyncio", "importlib.metadata"}
# The records are needed as soon as there is one, and not before.
HEAVY_FOR_HELP = HEAVY | {"msgspec"}

SCRIPT = """
import json, os, sys
from importlib import import_module
command = import_module(sys.argv[1]).command
quiet = os.open(os.devnull, os.O_WRONLY)
kept = os.dup(1)
os.dup2(quiet, 1)
try:
    command.main(sys.argv[2:], standalone_mode=False)
except BaseException as error:
    ended = type(error).__name__
else:
    ended = "returned"
sys.stdout.flush()
os.dup2(kept, 1)
print(json.dumps([ended, sorted(sys.modules)]))
"""


def loaded(command, *arguments, input=b""):
    """How the command ended, and the modules that are loaded then."""
    module = f"bactools.commands.{command.replace('-', '_')}"
    words = [sys.executable, "-c", SCRIPT, module, *arguments]
    completed = subprocess.run(words, input=input, capture_output=True, check=True, timeout=60)
    ended, names = json.loads(completed.stdout)
    return ended, set(names)


@pytest.mark.parametrize("command", house.COMMANDS)
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_loads_nothing_heavy(command, option):
    ended, names = loaded(command, option)
    assert ended == "returned"
    assert names & HEAVY_FOR_HELP == set()


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("bac-inspect", ()),
        ("bac-match", ("platform:linux/amd64",)),
        ("bac-exec", ()),
        ("bac-job", ("-",)),
    ],
)
def test_an_empty_input_loads_nothing_heavy(command, arguments):
    ended, names = loaded(command, *arguments)
    assert ended == "BacError"
    assert names & HEAVY_FOR_HELP == set()


def test_matching_loads_neither_docker_nor_http_nor_wasmtime():
    image = b'{"kind":"image","v":1,"reference":"a","engine":"docker","platforms":[]}\n'
    ended, names = loaded("bac-match", "platform:linux/amd64", input=image)
    assert ended == "returned"
    assert names & HEAVY == set()
