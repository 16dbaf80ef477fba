"""What the WebAssembly engine is found to run, and how that is kept: with the real engine, in a cache of the test's."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from bactools.core import wasm
from bactools.core.errors import BacError
from bactools.core.wasm_facts import WasmFacts
from bactools.core.wasm_features import FEATURES
from bactools.edges.wasm_runtime import facts, proposals
from bactools.edges.wasm_runtime.facts import describe

if TYPE_CHECKING:
    from pathlib import Path

# The proposals of WebAssembly 2.0 and 3.0, which every wasmtime that bactools takes has had on by default.
STANDARD = {
    "bulk-memory",
    "multi-value",
    "mutable-globals",
    "nontrapping-fptoint",
    "reference-types",
    "sign-ext",
    "simd",
}
STANDARD |= {"extended-const", "function-references", "gc", "memory64", "multi-memory", "relaxed-simd", "tail-call"}
NOT_THERE = {"stack-switching", "wasi-threads", "half-precision", "shared-everything-threads", "threads"}
# What the reader of modules does not see in them: it reads no bodies of functions, and takes imports as they are.
UNSEEN = {"bulk-memory", "half-precision", "nontrapping-fptoint", "relaxed-simd", "sign-ext", "simd", "tail-call"}
UNSEEN |= {"wasi-threads", "wide-arithmetic"}
DYING = "import os; os.abort()"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where what was found is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "bactools" / "engines"


@pytest.fixture
def kept(folder: Path) -> Path:
    """The file that a first description has left."""
    describe()
    [file] = folder.iterdir()
    return file


def test_the_engine_runs_both_generations_and_the_standard_s_proposals():
    found = describe()
    assert found.platforms == ("wasm32/wasi", "wasm32/wasi/p2")
    assert set(found.features) >= STANDARD
    assert not set(found.features) & NOT_THERE
    assert list(found.features) == sorted(found.features)
    assert found.memory == 4 * 1024**3


def test_every_proposal_is_tried_once():
    assert proposals.MODULES.keys() | proposals.BINARIES.keys() == set(FEATURES)
    assert not proposals.MODULES.keys() & proposals.BINARIES.keys()


@pytest.mark.parametrize("name", sorted({*FEATURES} - UNSEEN))
def test_a_trial_needs_the_proposal_that_it_is_for(name: str):
    _, data = proposals.program(name)
    assert name in wasm.read(data, name).features


def test_a_trial_runs_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(facts, "TRIAL", DYING)
    with pytest.raises(BacError) as caught:
        describe()
    assert (caught.value.code, caught.value.message) == (
        "engine_failed",
        "trying what the WebAssembly engine wasmtime runs: it ended with status -6",
    )


@pytest.mark.parametrize(
    "program", ["print('[]')", "print('x')", "print('{}')", 'print(\'{"platforms": [], "features": []}\')']
)
def test_an_engine_that_runs_nothing_has_failed(monkeypatch: pytest.MonkeyPatch, program: str):
    monkeypatch.setattr(facts, "TRIAL", program)
    with pytest.raises(BacError) as caught:
        describe()
    assert caught.value.code == "engine_failed"


def test_a_trial_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(facts, "TRIAL", "import time; time.sleep(600)")
    with pytest.raises(BacError) as caught:
        describe(timeout=0.1)
    assert caught.value.code == "timed_out"


def test_a_python_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(BacError) as caught:
        describe()
    assert caught.value.code == "engine_failed"


def test_nothing_of_the_working_directory_is_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("bactools", "wasmtime", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)", encoding="ascii")
    monkeypatch.chdir(tmp_path)
    assert describe().platforms


def test_what_was_found_is_found_again_without_a_trial(monkeypatch: pytest.MonkeyPatch, kept: Path):
    first = describe()
    monkeypatch.setattr(facts, "TRIAL", DYING)
    assert describe() == first
    assert isinstance(first, WasmFacts)
    assert first.features == tuple(json.loads(kept.read_bytes())["features"])


def test_what_is_kept_is_this_user_s_alone_and_whole(kept: Path):
    assert kept.name == f"wasmtime-{describe().version}-{facts.MACHINES[os.uname().machine]}.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert list(kept.parent.iterdir()) == [kept]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file, _: file.write_bytes(b""),
        lambda file, _: file.write_bytes(b"[" * 60_000),
        lambda file, _: file.write_bytes(b"\xff"),
        lambda file, told: file.write_text(json.dumps({**told, "features": ["flight"]})),
        lambda file, told: file.write_text(json.dumps({**told, "features": "simd"})),
        lambda file, told: file.write_text(json.dumps({**told, "platforms": ["linux/amd64"]})),
        lambda file, told: file.write_text(json.dumps({**told, "features": ["simd"], "key": "wasmtime 1.0"})),
        lambda file, told: file.write_text(json.dumps({**told, "features": ["simd"]}) + " " * facts.KEPT_LIMIT),
        lambda file, told: (file.write_text(json.dumps({**told, "features": ["simd"]})), file.chmod(0o666)),
        lambda file, _: (file.unlink(), os.mkfifo(file)),
        lambda file, _: (file.rename(f"{file}.moved"), file.symlink_to(f"{file}.moved")),
        lambda file, _: (file.unlink(), file.mkdir()),
    ],
)
def test_what_is_damaged_or_somebody_else_s_is_not_believed(kept: Path, spoil):
    first = describe()
    spoil(kept, json.loads(kept.read_bytes()))
    assert describe() == first


def test_what_was_spoiled_is_kept_anew(kept: Path):
    whole = kept.read_bytes()
    kept.write_bytes(b"{")
    describe()
    assert kept.read_bytes() == whole


def test_another_table_of_trials_is_tried(monkeypatch: pytest.MonkeyPatch, kept: Path):
    assert kept.exists()
    monkeypatch.setitem(proposals.MODULES, "flight", "(memory 1)")
    monkeypatch.setattr(facts, "TRIAL", DYING)
    with pytest.raises(BacError):
        describe()


@pytest.mark.parametrize("place", ["/proc/self", "/dev/null"])
def test_without_a_cache_that_can_be_written_it_is_tried_each_time(monkeypatch: pytest.MonkeyPatch, place: str):
    monkeypatch.setenv("XDG_CACHE_HOME", place)
    assert describe() == describe()


def test_a_user_without_a_home_tries_each_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    assert describe().platforms
