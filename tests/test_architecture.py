"""The directions of the house: who may import whom, and who alone loads what is heavy."""

import house
import pytest

MODULES = dict(house.modules())
GRAPH = {name: [item for item in house.imports(path) if item in MODULES] for name, path in MODULES.items()}

MAY = {
    "core": {"core"},
    "edges": {"core"},
    "flows": {"core", "edges", "flows"},
    "cli": {"cli", "core"},
    "commands": {"cli", "core", "edges", "flows"},
}
SHARED = "cache hashing http lifeline messages modules private scratch signals trees unpacking"
SHARED_EDGES = {f"bactools.edges.{name}" for name in SHARED.split()}
HEAVY = ("docker", "wasmtime", "requests", "yaml", "tabulate", "boto3", "zstandard")
# what asks the world, the clock or the environment; io is not among it, for pyelftools reads bytes from an io.BytesIO
WORLD = {"os", "sys", "time", "socket", "subprocess", "tempfile", "shutil", "pathlib", "platform", "threading"}
WORLD |= {"signal", "http", "urllib.request", "random", "secrets", "getpass", "glob", "click", "logging", "asyncio"}


def room(name):
    return name.split(".")[1] if "." in name else ""


def chain(target):
    """How a command comes to import a module."""
    paths = [[name] for name in GRAPH if room(name) == "commands"]
    seen = set()
    while paths:
        path = paths.pop(0)
        if path[-1] == target:
            return " -> ".join(path)
        if path[-1] not in seen:
            seen.add(path[-1])
            paths += [[*path, item] for item in GRAPH[path[-1]]]
    return target


def allowed(name, item):
    if room(name) == "":
        return False
    if room(item) == "":
        return True
    if room(name) == "edges" and room(item) == "edges":
        if item == "bactools.edges":
            return True
        return name.split(".")[2] == item.split(".")[2] or item in SHARED_EDGES
    if room(name) == "commands" and room(item) == "commands":
        return item == "bactools.commands" or name.rpartition(".")[0] == item
    return room(item) in MAY[room(name)]


def test_every_import_follows_the_directions():
    wrong = [f"{chain(name)} -> {item}" for name in GRAPH for item in GRAPH[name] if not allowed(name, item)]
    assert wrong == []


@pytest.mark.parametrize("package", HEAVY)
def test_a_heavy_package_has_one_door(package):
    doors = [
        name for name, path in MODULES.items() if any(item.split(".")[0] == package for item in house.imports(path))
    ]
    assert len(doors) <= 1, doors


def test_the_core_asks_nothing_of_the_world():
    wrong = [
        f"{chain(name)} -> {item}"
        for name, path in MODULES.items()
        if room(name) == "core"
        for item in house.imports(path)
        if item in WORLD or item.split(".")[0] in WORLD
    ]
    assert wrong == []


def test_only_the_boundary_catches_everything():
    catchers = [
        name
        for name, path in MODULES.items()
        if "except Exception" in path.read_text(encoding="utf-8") or "except:" in path.read_text(encoding="utf-8")
    ]
    assert catchers == ["bactools.cli.boundary"]


def test_no_room_is_larger_than_300_lines_but_the_table_of_records():
    sizes = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in MODULES.items()}
    assert {name for name, size in sizes.items() if size > 300} <= {"bactools.core.records"}
