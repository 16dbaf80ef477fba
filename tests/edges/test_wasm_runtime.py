"""The WebAssembly engine: guests written by hand, run by the real wasmtime in processes of their own."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from processes import eventually

from bactools.core.errors import BacError
from bactools.core.wasm_features import FEATURES
from bactools.edges import wasm_runtime

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
EXAMPLES = HERE.parent.parent / "examples"
TIMEOUT = 60

# Writes 4 MiB to each of its streams, a piece at a time in turn.
BOTH = """
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start") (local $times i32)
    (memory.fill (i32.const 1024) (i32.const 0x78) (i32.const 65536))
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 65536))
    (loop $more
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $times (i32.add (local.get $times) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $times) (i32.const 64))))))
"""


class Ran(NamedTuple):
    ending: dict
    stdout: bytes
    stderr: bytes


def command(module, folder, wanted):
    return [sys.executable, "-W", "error", HERE / "wasm_runner.py", module, folder, json.dumps(wanted)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def guest(tmp_path):
    """``guest("exit3.wat", timeout=1)``: run a file of tests/data, or WebAssembly text or bytes."""

    def run(module, **wanted):
        words = command(placed(module, tmp_path), tmp_path, wanted)
        done = subprocess.run(words, stdout=subprocess.PIPE, timeout=TIMEOUT, check=True, stdin=subprocess.DEVNULL)
        streams = [Path(tmp_path, name) for name in ("stdout", "stderr")]
        return Ran(json.loads(done.stdout), *(path.read_bytes() if path.exists() else b"" for path in streams))

    return run


def placed(module, folder):
    if isinstance(module, Path):
        return module
    if isinstance(module, str) and module.endswith(".wat"):
        return DATA / module
    path = folder / ("module.wat" if isinstance(module, str) else "module.wasm")
    path.write_bytes(module.encode() if isinstance(module, str) else module)
    return path


@contextmanager
def busy(folder, module="spin.wat"):
    """A run whose guest has begun, and the process of its guest."""
    with subprocess.Popen(command(DATA / module, folder, {}), stdout=subprocess.PIPE) as process:
        try:
            printed = folder / "stdout"
            eventually(lambda: printed.exists() and printed.read_bytes().endswith(b"ing\n"))
            (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            yield process, int(child)
        finally:
            process.kill()


def ending(process):
    return json.loads(process.communicate(timeout=TIMEOUT)[0])


def gone(child):
    try:
        return ") Z " in Path(f"/proc/{child}/stat").read_text()
    except FileNotFoundError:
        return True


# Endings


def test_a_plain_return_is_exit_status_0(guest):
    ran = guest(EXAMPLES / "hello.wat", arguments=["wörld"])
    assert ran.stdout == "hello, wörld\n".encode()
    assert (ran.ending["status"], ran.ending["exit_code"], ran.ending["message"]) == ("completed", 0, None)
    assert ran.ending["cpu_seconds"] > 0
    assert ran.ending["peak_memory"] == 65536


@pytest.mark.parametrize(("status", "code"), [("3", 3), ("126", 126), ("255", 255), ("-1", 4294967295)])
def test_the_status_of_proc_exit_is_the_exit_code(guest, status, code):
    text = (DATA / "exit3.wat").read_text().replace("i32.const 3", f"i32.const {status}")
    ran = guest(text)
    assert (ran.ending["status"], ran.ending["exit_code"]) == ("failed", code)
    assert ran.ending["message"] == f"exit status {code}"


def test_proc_exit_with_0_completes(guest):
    ran = guest((DATA / "exit3.wat").read_text().replace("i32.const 3", "i32.const 0"))
    assert (ran.ending["status"], ran.ending["exit_code"]) == ("completed", 0)


def test_a_trap_is_a_failure_with_its_backtrace_behind_the_guests_own_words(guest):
    ran = guest("trap.wat")
    assert (ran.ending["status"], ran.ending["exit_code"]) == ("failed", 1)
    assert "unreachable" in ran.ending["message"]
    assert ran.stderr.startswith(b"before\n")
    assert b"broken" in ran.stderr


def test_a_trap_of_the_start_function_is_a_failure_of_the_job(guest):
    ran = guest('(module (memory (export "memory") 1) (func $s unreachable) (start $s) (func (export "_start")))')
    assert (ran.ending["status"], ran.ending["exit_code"]) == ("failed", 1)


def test_endless_recursion_is_a_trap(guest):
    ran = guest('(module (memory (export "memory") 1) (func $f (export "_start") (call $f)))')
    assert (ran.ending["status"], ran.ending["exit_code"]) == ("failed", 1)
    assert "stack" in ran.ending["message"]


@pytest.mark.parametrize("module", ["spin.wat", "sleep.wat"])
def test_a_timeout_ends_a_guest_that_computes_or_sleeps(guest, module):
    ran = guest(module, timeout=0.2)
    assert (ran.ending["status"], ran.ending["exit_code"]) == ("timeout", None)
    assert ran.ending["message"] == "stopped after its timeout of 0.2 seconds"
    assert ran.stdout.endswith(b"ing\n")


def test_the_timeout_counts_from_the_start_of_the_guest():
    program = (
        "import time; from bactools.core.running import Ending, Printing\n"
        "from bactools.edges.wasm_runtime import child, listening\n"
        "def work(started): time.sleep(1.5); started(); return Ending('completed', 0)\n"
        "print(child.supervise(work, Printing(print), listening.Watch(timeout=1)).status)"
    )
    assert subprocess.check_output([sys.executable, "-c", program], timeout=TIMEOUT) == b"completed\n"


def test_a_fault_of_the_engine_is_told_and_not_printed():
    program = (
        "from bactools.core.errors import BacError\nfrom bactools.core.running import Printing\n"
        "from bactools.edges.wasm_runtime import child, listening\n"
        "try: child.supervise(lambda started: 1 // 0, Printing(print), listening.Watch())\n"
        "except BacError as error: print(error.line())"
    )
    words = [sys.executable, "-c", program]
    told = subprocess.check_output(words, stderr=subprocess.STDOUT, timeout=TIMEOUT).decode()
    assert told == "running the module: ZeroDivisionError: integer division or modulo by zero [engine_failed]\n"


def test_a_guest_that_outlives_poll_2_may_run_for_years(guest):
    assert guest(EXAMPLES / "hello.wat", timeout=1e9).ending["status"] == "completed"


@pytest.mark.parametrize("module", ["spin.wat", "sleep.wat"])
@pytest.mark.parametrize(
    ("number", "interruption", "message"),
    [
        (signal.SIGINT, "KeyboardInterrupt()", "stopped by SIGINT"),
        (signal.SIGTERM, f"Terminated({signal.SIGTERM:d})", "stopped by SIGTERM"),
    ],
)
def test_a_signal_cancels_the_run_and_comes_back_with_it(tmp_path, module, number, interruption, message):
    with busy(tmp_path, module) as (process, child):
        process.send_signal(number)
        ended = ending(process)
    assert (ended["status"], ended["exit_code"]) == ("cancelled", None)
    assert (ended["interruption"], ended["message"]) == (interruption, message)
    assert gone(child)


def test_a_signal_to_the_whole_group_ends_the_run_once(tmp_path):
    with busy(tmp_path) as (process, child):
        os.kill(child, signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        assert ending(process)["status"] == "cancelled"


def test_a_guest_dies_with_its_parent_however_that_dies(tmp_path):
    with busy(tmp_path) as (process, child):
        process.kill()
        process.wait(TIMEOUT)
        eventually(lambda: gone(child))


def test_a_guest_that_somebody_kills_has_failed_and_the_signal_is_named(tmp_path):
    with busy(tmp_path) as (process, child):
        os.kill(child, signal.SIGKILL)
        ended = ending(process)
    assert (ended["status"], ended["exit_code"]) == ("failed", None)
    assert "signal 9" in ended["message"]


# Memory


def test_memory_beyond_the_limit_is_refused_to_the_guest(guest):
    ran = guest("hog.wat", memory=64 * 1024**2)
    assert ran.ending["status"] == "failed"
    assert ran.ending["peak_memory"] == 63 * 1024**2 + 65536
    assert "66125824 bytes of at most 67108864" in ran.ending["message"]


def test_a_module_larger_than_its_limit_is_out_of_memory_before_it_starts(guest):
    ran = guest("large.wat", memory=1024**2)
    assert ran.ending["status"] == "oom"
    assert ran.ending["message"] == "the module needs 67108864 bytes of memory to start; its limit is 1048576"


def test_a_module_may_have_exactly_its_limit(guest):
    assert guest("large.wat", memory=64 * 1024**2).ending["status"] == "completed"


GROWING = """
(module {items}
  (func (export "_start")
    (loop $more (br_if $more (i32.ne (i32.const -1) {grow})))))
"""


def test_several_memories_share_the_limit(guest):
    items = '(memory (export "a") 1) (memory (export "b") 1) (memory (export "c") 1) (memory (export "d") 1)'
    text = "".join(
        f"(loop $l{n} (br_if $l{n} (i32.ne (i32.const -1) (memory.grow {n} (i32.const 1)))))" for n in range(4)
    )
    ran = guest(f'(module {items} (func (export "_start") {text}))', memory=4 * 1024**2)
    assert (ran.ending["status"], ran.ending["peak_memory"]) == ("completed", 4 * 1024**2)


def test_memories_that_need_more_than_their_share_are_out_of_memory_before_they_start(guest):
    ran = guest('(module (memory 10) (memory 30) (func (export "_start")))', memory=40 * 65536)
    assert ran.ending["status"] == "oom"
    assert ran.ending["message"].endswith("needs 1966080 bytes of memory to start; its limit is 2621440, shared by 2")


def test_a_table_cannot_grow_past_a_sixteenth_of_the_memory(guest):
    size = "(if (i32.gt_u (table.size 0) (i32.const 8192)) (then unreachable))"
    text = GROWING.format(
        items='(memory (export "memory") 1) (table 1 funcref)', grow="(table.grow 0 (ref.null func) (i32.const 1))"
    )
    text = text.replace("(func (export", f'(func (export "check") {size}) (func (export')
    text = text.replace("(loop $more (br_if", "(loop $more (call 0) (br_if")
    assert guest(text, memory=1024**2).ending["status"] == "completed"


def test_values_of_the_collected_heap_share_the_limit(guest):
    text = """
    (module (memory (export "memory") 1) (type $a (array (mut i64)))
      (func (export "_start") (local $kept (ref null $a))
        (local.set $kept (array.new_default $a (i32.const 75000)))))
    """
    assert guest(text, memory=2 * 1024**2).ending["status"] == "completed"
    assert guest(text, memory=1024**2).ending["status"] == "failed"


def test_a_memory_exported_twice_is_counted_once(guest):
    ran = guest('(module (memory (export "memory") (export "other") 2) (func (export "_start")))')
    assert ran.ending["peak_memory"] == 2 * 65536


@pytest.mark.parametrize("memory", ["", "(memory 1)"])
def test_the_size_of_a_memory_that_is_not_exported_is_not_known(guest, memory):
    assert guest(f'(module {memory} (func (export "_start")))').ending["peak_memory"] is None


# What a guest sees


def test_arguments_environment_and_folders_reach_the_guest(guest, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    ran = guest(
        "surroundings.wat",
        arguments=["one", "", "zwö"],
        environment={"NAME": "a=b", "LEER": ""},
        mounts=[(str(tmp_path / "a"), "/inputs/", False), (str(tmp_path / "b"), "/outputs", True)],
    )
    arguments, environment, folders, rest = ran.stdout.decode().split("\n")
    assert arguments.split("\0") == ["", "one", "", "zwö", ""]
    assert environment.split("\0") == ["NAME=a=b", "LEER=", ""]
    assert folders.split("\0") == ["/inputs", "/outputs", "/", ""]
    assert rest == ""


def test_a_guest_sees_nothing_of_the_hosts_environment_and_files(guest):
    assert guest("surroundings.wat").stdout == b"\0\n\n\n"


def test_an_input_folder_can_be_read_and_not_written(guest, tmp_path):
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    (inputs / "name.txt").write_text("Ada\n")
    mounts = [(str(inputs), "/inputs", False)]
    assert guest("cat.wat", mounts=mounts).stdout == b"Ada\n"
    assert guest("write.wat", mounts=mounts).ending["status"] == "failed"
    assert [path.name for path in inputs.iterdir()] == ["name.txt"]


def test_an_output_folder_can_be_written(guest, tmp_path):
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    assert guest("write.wat", mounts=[(str(outputs), "/outputs", True)]).ending["status"] == "completed"
    assert (outputs / "result.txt").read_bytes() == b"done\n"


def test_a_link_out_of_a_folder_is_not_followed(guest, tmp_path):
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    (tmp_path / "secret").write_text("secret")
    (inputs / "name.txt").symlink_to(tmp_path / "secret")
    ran = guest("cat.wat", mounts=[(str(inputs), "/inputs", False)])
    assert ran.stdout == b""
    assert ran.ending["status"] == "failed"


def test_a_single_file_is_mounted_without_its_neighbours(guest, tmp_path):
    (tmp_path / "real.txt").write_text("Ada\n")
    (tmp_path / "link.txt").symlink_to("real.txt")
    (tmp_path / "temporary").mkdir()
    mounts = [(str(tmp_path / "link.txt"), "/inputs/name.txt", False)]
    assert guest("cat.wat", mounts=mounts).stdout == b"Ada\n"
    assert guest("surroundings.wat", mounts=mounts).stdout == b"\0\n\n/inputs\0/\0\n"
    assert guest("write.wat", mounts=mounts).ending["status"] == "failed"


def test_a_single_file_on_another_disk_is_copied(guest, small_disk):
    (small_disk / "name.txt").write_text("Ada\n")
    assert guest("cat.wat", mounts=[(str(small_disk / "name.txt"), "/in/name.txt", False)]).stdout == b"Ada\n"


def test_a_file_that_is_too_large_to_be_copied_tells_that_the_disk_is_full(guest, tmp_path, small_disk, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(small_disk))
    (tmp_path / "large").write_bytes(bytes(2 * 1024**2))
    ran = guest("cat.wat", mounts=[(str(tmp_path / "large"), "/in/large", False)])
    assert ran.ending["error"] == "unwritable_file"
    assert "No space left on device" in ran.ending["message"]


def test_a_writable_file_on_another_disk_is_refused(guest, small_disk):
    (small_disk / "name.txt").write_text("Ada\n")
    ran = guest("cat.wat", mounts=[(str(small_disk / "name.txt"), "/in/name.txt", True)])
    assert ran.ending["error"] == "unsupported"


def test_a_file_is_mounted_however_deep(guest, tmp_path):
    (tmp_path / "name.txt").write_text("Ada\n")
    ran = guest("exit3.wat", mounts=[(str(tmp_path / "name.txt"), "/d" * 1100 + "/name.txt", False)])
    assert ran.ending["exit_code"] == 3


def test_nothing_is_left_of_a_mounted_file(guest, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    (tmp_path / "name.txt").write_text("Ada\n")
    ran = guest("cat.wat", mounts=[(str(tmp_path / "name.txt"), "/inputs/name.txt", False)])
    assert ran.stdout == b"Ada\n"
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("other", ["/inputs/name.txt", "/inputs/name.txt/more"])
def test_a_file_cannot_share_its_place_in_the_guest(guest, tmp_path, other):
    (tmp_path / "file").touch()
    mounts = [(str(tmp_path / "file"), "/inputs/name.txt", False), (str(tmp_path / "file"), other, False)]
    ran = guest("cat.wat", mounts=mounts)
    assert ran.ending["error"] == "unsupported"
    assert "/inputs/name.txt" in ran.ending["message"]


def test_two_folders_cannot_share_their_place_in_the_guest(guest, tmp_path):
    ran = guest("cat.wat", mounts=[(str(tmp_path), "/inputs", False), (str(tmp_path), "/inputs/", True)])
    assert ran.ending["error"] == "unsupported"


def test_mounts_keep_their_order(guest, tmp_path):
    (tmp_path / "file").touch()
    mounts = [("file", "/one/file", False), ("", "/two", True), ("file", "/one/other", False), ("", "/three", False)]
    ran = guest("surroundings.wat", mounts=[(str(tmp_path / host), guest, mode) for host, guest, mode in mounts])
    assert ran.stdout == b"\0\n\n/one\0/two\0/three\0/\0\n"


def test_a_mount_that_is_not_there_is_named(guest, tmp_path):
    ran = guest("cat.wat", mounts=[(str(tmp_path / "none"), "/inputs", False)])
    assert ran.ending["error"] == "unreadable_file"
    assert str(tmp_path / "none") in ran.ending["message"]


def test_standard_input_is_empty(guest):
    text = (
        (DATA / "cat.wat").read_text().replace("(i32.load (i32.const 16)) (i32.const 0)", "(i32.const 0) (i32.const 0)")
    )
    ran = guest(
        text.replace("(i32.const 3)", "(i32.const 0)").replace(
            "(call $check (call $path_open", "(drop (call $path_open"
        )
    )
    assert (ran.ending["status"], ran.stdout) == ("completed", b"")


def test_all_that_a_guest_prints_is_kept(guest):
    assert guest("chatter.wat").stdout == b"x" * 16 * 1024**2


def refusing(module, error, timeout=TIMEOUT):
    """Run a module whose output is refused with an error, and print what comes of it and the processes left."""
    program = (
        "import os, sys; from pathlib import Path; from bactools.core.errors import BacError\n"
        "from bactools.core.running import Linked, Printing, Run\nfrom bactools.edges import wasm_runtime\n"
        f"def write(stream, data): raise {error}\n"
        f"module, wanted = Linked('m', sys.argv[1]), Run((), {{}}, (), timeout={timeout})\n"
        "try: print(wasm_runtime.run(module, wanted, Printing(write))[:4])\n"
        "except OSError as error: print(repr(error))\n"
        "print(Path(f'/proc/self/task/{os.getpid()}/children').read_text().split())"
    )
    return subprocess.check_output([sys.executable, "-c", program, DATA / module], timeout=TIMEOUT).decode()


@pytest.mark.parametrize("module", ["spin.wat", "sleep.wat", "chatter.wat"])
def test_output_that_cannot_be_kept_ends_the_guest_and_is_the_endings_interruption(module):
    told = refusing(module, "BacError('unwritable_file', 'full')")
    assert told == "('failed', None, 'full', BacError('full'))\n[]\n"


@pytest.mark.parametrize("module", ["spin.wat", "sleep.wat", "chatter.wat"])
def test_a_reader_that_has_gone_ends_the_guest_and_is_raised(module):
    assert refusing(module, "BrokenPipeError()") == "BrokenPipeError()\n[]\n"


def test_more_output_than_its_pipes_hold_does_not_hold_up_a_guest(guest):
    ran = guest(BOTH)
    assert ran.ending["status"] == "completed"
    assert (ran.stdout, ran.stderr) == (b"x" * 4 * 1024**2, b"x" * 4 * 1024**2)


def test_a_guest_that_never_stops_printing_is_stopped_after_its_timeout(guest):
    text = (DATA / "chatter.wat").read_text().replace("(i32.lt_u (local.get $times) (i32.const 256))", "(i32.const 1)")
    ran = guest(text, timeout=0.2)
    assert ran.ending["status"] == "timeout"
    assert set(ran.stdout) == {ord("x")}


# What cannot run


def test_a_module_without_start_is_refused_and_its_exports_named(guest):
    ran = guest("library.wat")
    assert ran.ending["error"] == "no_entrypoint"
    assert "_start" in ran.ending["message"]
    assert "tell" in ran.ending["message"]


def test_a_reactor_is_initialised_before_its_function_is_called(guest):
    assert guest("library.wat", entrypoint=["tell"]).ending["exit_code"] == 5


def test_an_entry_that_takes_parameters_is_refused(guest):
    assert guest("library.wat", entrypoint=["add"]).ending["error"] == "no_entrypoint"


@pytest.mark.parametrize(
    ("item", "named"),
    [
        ('(import "env" "shared" (memory 1 1 shared))', "env.shared"),
        ('(import "wasi" "thread-spawn" (func (param i32) (result i32)))', "wasi.thread-spawn"),
        ('(import "wasi_snapshot_preview1" "sock_open" (func))', "wasi_snapshot_preview1.sock_open"),
        ('(import "geo.wasm" "distance" (func))', "geo.wasm.distance"),
    ],
)
def test_an_import_that_the_engine_lacks_is_named_before_anything_runs(guest, item, named):
    ran = guest(f'(module {item} (func (export "_start")))')
    assert ran.ending["error"] == "unsupported"
    assert named in ran.ending["message"]


def test_an_import_of_the_wrong_type_does_not_start(guest):
    ran = guest('(module (import "wasi_snapshot_preview1" "fd_write" (func)) (func (export "_start")))')
    assert ran.ending["error"] == "not_started"
    assert "fd_write" in ran.ending["message"]


@pytest.mark.parametrize("module", [b"<!DOCTYPE html>", b"", b"\0asm\1\0\0\0\1", b"\0asm\x0d\0\1\0garbage"])
def test_bytes_that_are_no_module_are_refused(guest, module):
    assert guest(module).ending["error"] == "bad_module"


def test_a_module_that_does_not_validate_is_refused(guest):
    ran = guest('(module (func (export "_start") (i32.const 1)))')
    assert ran.ending["error"] == "bad_module"


def test_a_precompiled_module_is_not_trusted(guest):
    program = (
        "import sys, wasmtime; sys.stdout.buffer.write(wasmtime.Module(wasmtime.Engine(), '(module)').serialize())"
    )
    native = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True).stdout
    assert guest(native).ending["error"] == "unsupported"


# Components


def test_a_component_runs_its_wasi_cli_run(guest):
    ran = guest(EXAMPLES / "greet.wat")
    assert (ran.ending["status"], ran.ending["exit_code"]) == ("completed", 0)
    assert ran.stdout == b"hello from a component\n"


def test_a_component_that_fails_tells_only_that(guest):
    ran = guest("failure.wat")
    assert (ran.ending["status"], ran.ending["exit_code"]) == ("failed", 1)
    assert "WASI 0.2" in ran.ending["message"]


def test_a_component_may_name_another_function(guest):
    text = (DATA / "failure.wat").read_text().replace("wasi:cli/run@0.2.0", "own:jobs/work")
    assert guest(text).ending["error"] == "no_entrypoint"
    assert guest(text, entrypoint=["own:jobs/work#run"]).ending["exit_code"] == 1
    assert guest(text, entrypoint=["own:jobs/work#other"]).ending["error"] == "no_entrypoint"


def test_a_trap_of_a_component_is_a_failure(guest):
    ran = guest((DATA / "failure.wat").read_text().replace("(i32.const 1)))", "unreachable))"))
    assert (ran.ending["status"], ran.ending["exit_code"]) == ("failed", 1)
    assert "unreachable" in ran.ending["message"]
    assert b"backtrace" in ran.stderr


# Text


def test_text_becomes_binary():
    assert wasm_runtime.to_binary(b"(module)", "m.wat") == b"\0asm\1\0\0\0"


def test_an_error_in_text_is_one_line_with_its_place():
    with pytest.raises(BacError) as caught:
        wasm_runtime.to_binary(b"(module\n  (func i32.nonsense))", "m.wat")
    assert caught.value.code == "bad_module"
    assert caught.value.message.startswith("reading m.wat as WebAssembly text at line 2, column 9: ")


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"(module", b"<html>", b"\0"])
def test_what_is_no_text_is_refused(data):
    with pytest.raises(BacError) as caught:
        wasm_runtime.to_binary(data, "m.wat")
    assert caught.value.code == "bad_module"


# The engine's description

PROGRAMS = {
    "bulk-memory": "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)))",
    "exceptions": "(tag $t) (func (block $h (try_table (catch $t $h) (throw $t))))",
    "extended-const": "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
    "function-references": "(type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0)))",
    "gc": "(type $s (struct (field i32))) (func (drop (struct.new $s (i32.const 1))))",
    "memory64": "(memory i64 1)",
    "multi-memory": "(memory 1) (memory 1)",
    "multi-value": "(func (result i32 i32) (i32.const 1) (i32.const 2))",
    "mutable-globals": '(global (export "g") (mut i32) (i32.const 0))',
    "nontrapping-fptoint": "(func (drop (i32.trunc_sat_f32_s (f32.const 1))))",
    "reference-types": "(table 1 externref) (func (drop (table.get (i32.const 0))))",
    "relaxed-simd": "(func (drop (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0))))",
    "sign-ext": "(func (drop (i32.extend8_s (i32.const 1))))",
    "simd": "(func (drop (v128.const i64x2 0 0)))",
    "tail-call": "(func $f (return_call $f))",
    "wide-arithmetic": ("(func (result i64 i64) (i64.add128 (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1)))"),
    "custom-page-sizes": "(memory 1 (pagesize 1))",
    "stack-switching": "(type $f (func)) (type (cont $f))",
    "threads": "(memory 1 1 shared)",
}


@pytest.mark.parametrize("feature", PROGRAMS)
def test_the_engine_accepts_the_features_that_it_names_and_no_other(guest, feature):
    ended = guest(f'(module {PROGRAMS[feature]} (func (export "_start")))').ending
    described = feature in wasm_runtime.describe().features
    assert ("completed" if described else None) == ended.get("status"), ended


def test_every_feature_named_is_tried_and_spelled_as_the_reader_of_modules_spells_it():
    named = wasm_runtime.describe().features
    assert set(named) <= set(PROGRAMS)
    assert set(named) <= set(FEATURES)


def test_the_description_has_the_installed_version_and_both_generations():
    from importlib.metadata import version

    described = wasm_runtime.describe()
    assert described.version == version("wasmtime")
    assert described.platforms == ("wasm32/wasi", "wasm32/wasi/p2")


def test_describing_loads_neither_the_engine_nor_the_metadata_of_packages():
    program = (
        "import sys; from bactools.edges import wasm_runtime; wasm_runtime.describe();"
        "print({'wasmtime', 'importlib.metadata', 'ctypes'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", program]) == b"set()\n"


def test_every_function_of_preview_1_is_there():
    from bactools.core.wasi import PREVIEW1

    program = (
        "import sys, wasmtime as w; e = w.Engine(); l = w.Linker(e); l.define_wasi(); s = w.Store(e)\n"
        "for name in sys.argv[1:]: l.get(s, 'wasi_snapshot_preview1', name)"
    )
    subprocess.run([sys.executable, "-c", program, *PREVIEW1], check=True)
