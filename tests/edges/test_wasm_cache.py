"""What is compiled is kept, and what is not ours or not whole is never loaded."""

import os
import subprocess
import sys
from pathlib import Path

import components
import pytest

from bactools.edges.wasm_runtime import compiled
from bactools.edges.wasm_runtime.compiled import Store

KEY, OTHER = "a" * 64, "b" * 64
CODE = b"code" * 1000
TIMEOUT = 60


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "bactools" / "compiled"))


def found(store, key=KEY):
    number = store.opened(key)
    if number is None:
        return None
    with os.fdopen(number, "rb") as stream:
        stream.seek(0)
        return stream.read()


def entry(store):
    (path,) = Path(store.folder).glob("*.native")
    return path


def test_what_is_kept_is_found_by_its_key_alone(store):
    assert found(store) is None
    store.keep(KEY, CODE)
    assert (found(store), found(store, OTHER)) == (CODE, None)


def test_the_folder_and_the_file_are_the_users_alone(store):
    store.keep(KEY, CODE)
    assert Path(store.folder).stat().st_mode & 0o777 == 0o700
    assert entry(store).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", [b"", CODE[:-1], CODE + b"x", b"evil" * 1000])
def test_a_damaged_entry_is_not_loaded_and_goes(store, damage):
    store.keep(KEY, CODE)
    entry(store).write_bytes(damage)
    assert found(store) is None
    assert list(Path(store.folder).iterdir()) == []


def test_an_entry_under_the_name_of_another_is_not_found_for_it(store):
    store.keep(KEY, b"for another module")
    path = entry(store)
    path.rename(path.with_name(path.name.replace(KEY, OTHER[:-1])))
    assert (found(store), found(store, OTHER)) == (None, None)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_an_entry_that_others_may_write_to_is_not_loaded(store, mode):
    store.keep(KEY, CODE)
    entry(store).chmod(mode)
    assert found(store) is None


@pytest.mark.parametrize("mode", [0o770, 0o755, 0o701, 0o777])
def test_a_folder_that_is_open_to_others_is_neither_read_nor_written(store, mode):
    store.keep(KEY, CODE)
    Path(store.folder).chmod(mode)
    assert found(store) is None
    store.keep(OTHER, CODE)
    assert len(list(Path(store.folder).iterdir())) == 1


@pytest.mark.parametrize("what", ["folder", "entry"])
def test_what_belongs_to_somebody_else_is_not_loaded(store, what):
    if os.geteuid() != 0:
        components.missing("only root gives files away")
    store.keep(KEY, CODE)
    os.chown(store.folder if what == "folder" else entry(store), 12345, 12345)
    assert found(store) is None


def test_a_link_is_not_followed(store, tmp_path):
    store.keep(KEY, CODE)
    path = entry(store)
    path.rename(tmp_path / path.name)
    path.symlink_to(tmp_path / path.name)
    assert found(store) is None
    Path(store.folder).rename(tmp_path / "elsewhere")
    Path(store.folder).symlink_to(tmp_path / "elsewhere")
    store.keep(OTHER, CODE)
    assert found(store, OTHER) is None


def test_what_was_not_used_for_longest_goes_when_there_is_too_much(store):
    small = Store(store.folder, limit=100)
    for number, key in enumerate((KEY, OTHER)):
        small.keep(key, bytes([number]) * 40)
        os.utime(next(path for path in Path(store.folder).iterdir() if path.name.startswith(key)), (number, number))
    small.keep("c" * 64, b"2" * 40)
    assert [found(small, key) for key in (KEY, OTHER, "c" * 64)] == [None, b"\x01" * 40, b"2" * 40]
    small.keep("d" * 64, b"3" * 51)
    assert found(small, "d" * 64) is None


def test_a_disk_that_is_full_keeps_nothing_and_harms_nothing(small_disk):
    store = Store(str(small_disk / "compiled"))
    store.keep(KEY, bytes(2 * 1024**2))
    assert list(Path(store.folder).iterdir()) == []


def test_what_killed_processes_left_behind_goes_after_an_hour(store):
    store.keep(KEY, CODE)
    left = [Path(store.folder, name) for name in ("x.tmp", "y.tmp", "z.tmp")]
    for path in left:
        path.touch()
    for path in left[:2]:
        os.utime(path, (0, 0))
    store.keep(OTHER, CODE)
    assert [path.exists() for path in left] == [False, False, True]


def test_the_lock_is_one_file_for_all_keys_and_stays(store):
    for key in (KEY, OTHER):
        with store.locked(key), store.locked("c" * 64):
            store.keep(key, CODE)
    lock = Path(store.folder, "lock")
    os.utime(lock, (0, 0))
    store.keep("c" * 64, CODE)
    assert [path.suffix for path in sorted(Path(store.folder).iterdir())] == [".native", ".native", ".native", ""]
    assert lock.stat().st_size == 0


def test_a_key_tells_modules_and_engines_apart():
    keys = {
        compiled.key(module, engine) for module in ("sha256:a", "sha256:b") for engine in ("wasmtime 1", "wasmtime 2")
    }
    assert len(keys) == 4


def test_a_key_tells_processors_apart(tmp_path, monkeypatch):
    keys = set()
    for flags in ("sse2", "sse2 avx2"):
        (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags : {flags}\nMHz : {len(keys)}\n\nprocessor : 1\n")
        monkeypatch.setattr(compiled, "CPUINFO", str(tmp_path / "cpuinfo"))
        keys.add(compiled.key("sha256:a", "wasmtime 1"))
    assert len(keys) == 2


# With the engine itself

PROGRAM = """
import sys
from bactools.core.running import Linked, Printing, Run
from bactools.edges import wasm_runtime
from bactools.edges.wasm_runtime import making
made = making.Maker._compiled
def counted(self, kind, data):
    with open(sys.argv[2], "a") as file:
        file.write("compiled\\n")
    return made(self, kind, data)
making.Maker._compiled = counted
print(wasm_runtime.run(Linked("m", sys.argv[1]), Run((), {}, ()), Printing(lambda *_: None)).exit_code)
"""


@pytest.fixture
def compilations(tmp_path, monkeypatch):
    """``compilations()``: run a module in a new process, and tell how often anything has been compiled so far."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    filling = "".join(f"(func (result i32) (i32.const {number}))" for number in range(300))
    (tmp_path / "m.wat").write_text(f'(module {filling} (func (export "_start")))')
    log = tmp_path / "log"

    def run():
        words = [sys.executable, "-c", PROGRAM, tmp_path / "m.wat", log]
        assert subprocess.check_output(words, timeout=TIMEOUT) == b"0\n"
        return len(log.read_text().splitlines()) if log.exists() else 0

    return run


def test_a_module_is_compiled_once(compilations):
    assert [compilations(), compilations(), compilations()] == [1, 1, 1]


def test_another_module_is_another_entry(compilations, tmp_path):
    compilations()
    text = (tmp_path / "m.wat").read_text()
    (tmp_path / "m.wat").write_text(text.replace("i32.const 7)", "i32.const 8)"))
    assert compilations() == 2


def test_a_poisoned_entry_is_compiled_again_and_mended(compilations, tmp_path):
    compilations()
    path = entry(Store(str(tmp_path / "bactools" / "compiled")))
    path.write_bytes(b"\x7fELF" + path.read_bytes()[4:-1] + b"?")
    assert [compilations(), compilations()] == [2, 2]


def test_whole_code_that_the_engine_refuses_is_compiled_again(compilations, tmp_path):
    compilations()
    store = Store(str(tmp_path / "bactools" / "compiled"))
    key = entry(store).name.partition("-")[0]
    entry(store).unlink()
    store.keep(key, b"no code of any engine")
    assert compilations() == 2


def test_a_module_runs_where_nothing_can_be_kept(compilations, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert [compilations(), compilations()] == [1, 2]


def test_of_two_processes_at_once_one_compiles(tmp_path, compilations):
    compilations()
    path = entry(Store(str(tmp_path / "bactools" / "compiled")))
    key = path.name.partition("-")[0]
    path.unlink()
    store = Store(str(tmp_path / "bactools" / "compiled"))
    words = [sys.executable, "-c", PROGRAM, tmp_path / "m.wat", tmp_path / "log"]
    with store.locked(key):
        processes = [subprocess.Popen(words, stdout=subprocess.PIPE) for _ in range(2)]
    told = [process.communicate(timeout=TIMEOUT)[0] for process in processes]
    assert told == [b"0\n", b"0\n"]
    assert len((tmp_path / "log").read_text().splitlines()) == 2
