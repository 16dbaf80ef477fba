"""Programs as a compiler makes them from C, and how they end, read, write and link."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import wasm_programs
from processes import eventually

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
TIMEOUT = 60


class Ran(NamedTuple):
    ending: dict
    stdout: bytes
    stderr: bytes


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """One cache for all tests of this file: each program is compiled once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def guest(tmp_path, kept, monkeypatch):
    """``guest("cat", arguments=["/inputs/a"])``: run a program of tests/data, or a file."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(kept))

    def run(program, **wanted):
        done = subprocess.run(command(program, tmp_path, wanted), stdout=subprocess.PIPE, timeout=TIMEOUT, check=True)
        streams = [tmp_path.joinpath(name).read_bytes() for name in ("stdout", "stderr")]
        return Ran(json.loads(done.stdout), *streams)

    return run


def command(program, folder, wanted):
    path = program if isinstance(program, Path) else placed(program, folder / f"{program}.wasm")
    return [sys.executable, "-W", "error", HERE / "wasm_runner.py", path, folder, json.dumps(wanted)]


def placed(program, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wasm_programs.compiled(program))
    return path


@pytest.fixture
def inputs(tmp_path):
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    (folder / "name.txt").write_text("Ada\n")
    (folder / "sub" / "other.txt").write_text("Grace\n")
    return folder


@pytest.mark.parametrize(("words", "status"), [((), 0), (("0",), 0), (("3",), 3), (("255",), 255)])
def test_the_status_of_a_program(guest, words, status):
    assert guest("status", arguments=words).ending["exit_code"] == status


@pytest.mark.parametrize("start", ["/", ""])
def test_files_are_read_by_their_targets_with_and_without_the_first_slash(guest, inputs, start):
    names = [f"{start}inputs/name.txt", f"{start}inputs/sub/other.txt"]
    assert guest("cat", arguments=names, mounts=[(str(inputs), "/inputs", False)]).stdout == b"Ada\nGrace\n"


def test_a_folder_is_listed(guest, inputs):
    ran = guest("listing", arguments=["/inputs", "inputs/sub"], mounts=[(str(inputs), "/inputs", False)])
    assert sorted(ran.stdout.split()) == [b"name.txt", b"other.txt", b"sub/"]


def test_what_is_not_mounted_is_not_there(guest, inputs):
    ran = guest("cat", arguments=["/etc/passwd"], mounts=[(str(inputs), "/inputs", False)])
    assert (ran.ending["exit_code"], ran.stdout) == (1, b"")
    assert ran.stderr.startswith(b"/etc/passwd: ")


def test_several_outputs_and_one_within_an_input_are_written(guest, inputs, tmp_path):
    for name in ("one", "two", "deep"):
        (tmp_path / name).mkdir()
    mounts = [(str(inputs), "/inputs", False), (str(tmp_path / "deep"), "/inputs/sub", True)]
    mounts += [(str(tmp_path / "one"), "/one", True), (str(tmp_path / "two"), "/two", True)]
    ran = guest("write", arguments=["/one/a", "1", "two/b", "2", "/inputs/sub/c", "3"], mounts=mounts)
    assert ran.ending["status"] == "completed", ran.stderr
    assert [(tmp_path / name).read_text() for name in ("one/a", "two/b", "deep/c")] == ["1", "2", "3"]


def listed(guest, mounts, *folders):
    """What a guest finds in each of these folders."""
    found = []
    for folder in folders:
        ran = guest("listing", arguments=[folder], mounts=mounts)
        assert ran.ending["status"] == "completed", ran.stderr
        found.append(" ".join(sorted(ran.stdout.decode().split())))
    return found


def test_every_folder_that_leads_to_a_mount_lists_it(guest, inputs, tmp_path):
    (tmp_path / "out").mkdir()
    mounts = [(str(inputs), "/a/b/c", False), (str(tmp_path / "out"), "/outputs", True), (str(inputs), "/a/d", False)]
    found = listed(guest, mounts, "/", ".", "/a", "a/b", "/a/b/c", "/outputs")
    assert found == ["a/ outputs/", "a/ outputs/", "b/ d/", "c/", "name.txt sub/", ""]


def test_a_folder_of_files_lists_the_mounts_beside_and_below_them(guest, inputs):
    name = str(inputs / "name.txt")
    mounts = [(str(inputs), "/in/dir", False), (name, "/in/one", False), (name, "/in/deep/two", False)]
    mounts.append((name, "/top", False))
    assert listed(guest, mounts, "/", "/in", "/in/deep") == ["in/ top", "deep/ dir/ one", "two"]
    assert guest("cat", arguments=["/in/deep/two", "in/one", "/top"], mounts=mounts).stdout == b"Ada\n" * 3


def test_an_input_lists_the_mounts_within_it(guest, inputs, tmp_path):
    (tmp_path / "out").mkdir()
    mounts = [
        (str(inputs), "/in", False),
        (str(tmp_path / "out"), "/in/new/out", True),
        (str(inputs), "/in/sub", False),
    ]
    assert listed(guest, mounts, "/in", "/in/new", "/in/sub") == ["name.txt new/ sub/", "out/", "name.txt sub/"]
    assert guest("write", arguments=["/in/new/out/a", "1"], mounts=mounts).ending["status"] == "completed"
    assert (tmp_path / "out" / "a").read_text() == "1"
    assert sorted(path.name for path in inputs.iterdir()) == ["name.txt", "sub"]


@pytest.mark.parametrize("place", ["/a", "/b", "/in/a", "/in/name.txt", "/in/sub/other.txt", "/in/one"])
def test_nothing_that_leads_to_mounts_or_shows_them_can_be_written(guest, inputs, tmp_path, place):
    (tmp_path / "out").mkdir()
    mounts = [(str(inputs), "/in", False), (str(inputs / "name.txt"), "/in/one", False)]
    mounts += [(str(tmp_path / "out"), "/b/out", True)]
    assert guest("write", arguments=[place, "x"], mounts=mounts).ending["exit_code"] == 1
    assert [path.read_text() for path in (inputs / "name.txt", inputs / "sub" / "other.txt")] == ["Ada\n", "Grace\n"]


def test_a_file_is_seen_within_an_input_folder_which_stays_as_it_is(guest, inputs, tmp_path):
    (tmp_path / "file").write_text("Eve\n")
    names = ["/in/name.txt", "/in/sub/two", "/in/new/three", "/in/sub/other.txt"]
    mounts = [(str(tmp_path / "file"), name, False) for name in names[:3]]
    mounts.insert(1, (str(inputs), "/in", False))
    assert guest("cat", arguments=names, mounts=mounts).stdout == b"Eve\nEve\nEve\nGrace\n"
    assert listed(guest, mounts, "/", "/in", "/in/sub") == ["in/", "name.txt new/ sub/", "other.txt two"]
    assert sorted(path.name for path in inputs.rglob("*")) == ["name.txt", "other.txt", "sub"]
    assert (inputs / "name.txt").read_text() == "Ada\n"


def test_a_file_is_not_put_behind_a_link_of_an_input(guest, inputs, tmp_path):
    (tmp_path / "away").mkdir()
    (inputs / "link").symlink_to(tmp_path / "away")
    mounts = [(str(inputs), "/in", False), (str(inputs / "name.txt"), "/in/link/two", False)]
    assert guest("cat", arguments=["/in/link/two"], mounts=mounts).ending["error"] == "unsupported"
    assert list((tmp_path / "away").iterdir()) == []


@pytest.mark.parametrize(
    ("folder_writable", "file_writable", "at"),
    [(True, False, "/in/two"), (True, True, "/in/two"), (False, True, "/in/two"), (False, False, "/in/sub")],
)
def test_a_file_that_a_folder_cannot_show_is_refused_by_its_name(guest, inputs, folder_writable, file_writable, at):
    mounts = [(str(inputs), "/in", folder_writable), (str(inputs / "name.txt"), at, file_writable)]
    ran = guest("cat", mounts=mounts)
    assert ran.ending["error"] == "unsupported"
    assert f"a mount at {at}: " in ran.ending["message"]
    assert str(inputs) not in ran.ending["message"]


def test_a_file_within_a_folder_of_another_disk_is_refused_by_its_name(guest, small_disk):
    (small_disk / "name.txt").write_text("Ada\n")
    mounts = [(str(small_disk), "/in", False), (str(small_disk / "name.txt"), "/in/two", False)]
    message = guest("cat", mounts=mounts).ending["message"]
    assert message == (
        "the module cannot have a mount at /in/two: it is a file, and the mount at /in cannot show it among its own"
    )


def test_the_folder_that_leads_to_mounts_is_locked_while_its_process_lives_and_gone_after(guest, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    mounts = [(str(scratch), "/in", False)]
    with subprocess.Popen(command("spin", tmp_path, {"mounts": mounts}), stdout=subprocess.PIPE) as process:
        eventually(lambda: (tmp_path / "stdout").exists() and (tmp_path / "stdout").read_bytes() == b"spinning\n")
        (folder,) = scratch.iterdir()
        held = is_locked(folder)
        process.kill()
    eventually(lambda: not is_locked(folder))
    assert (held, folder.name.startswith("bactools-run-")) == (True, True)
    shutil.rmtree(folder)
    assert listed(guest, mounts, "/") == ["in/"]
    assert list(scratch.iterdir()) == []


def is_locked(folder):
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(number)
    return False


def test_an_input_is_not_written(guest, inputs):
    ran = guest("write", arguments=["/inputs/name.txt", "x"], mounts=[(str(inputs), "/inputs", False)])
    assert ran.ending["exit_code"] == 1
    assert (inputs / "name.txt").read_text() == "Ada\n"


def test_arguments_and_variables(guest):
    ran = guest("surroundings", arguments=["zwö", ""], environment={"NAME": "a=b", "ÜBER": "ß"})
    assert ran.stdout.decode() == "[]\n[zwö]\n[]\nNAME=a=b\nÜBER=ß\n"


def test_a_program_that_takes_all_its_memory_tells_how_much_that_was(guest):
    ran = guest("hog", memory=16 * 1024**2)
    assert ran.stdout == b"15 MiB\n"
    assert (ran.ending["status"], ran.ending["exit_code"]) == ("failed", 1)
    assert ran.ending["message"].startswith("exit status 1; its memory was ")
    assert ran.ending["message"].endswith(" of at most 16777216")


def test_all_of_a_large_output_is_kept_on_both_streams(guest):
    ran = guest("flood", arguments=["8"])
    assert (ran.stdout, ran.stderr) == (b"x" * 8 * 1024**2, b"x" * 8 * 1024**2)


def test_a_trap_names_the_functions_that_led_to_it(guest):
    ran = guest("importer", modules=[("lib/answer.wasm", str(DATA / "broken.wat"))])
    assert ran.ending["message"] == "wasm trap: wasm `unreachable` instruction executed"
    assert b"!__original_main" in ran.stderr
    assert b"!answer" in ran.stderr


# Times


def test_the_timeout_ends_a_program(guest):
    ran = guest("spin", timeout=0.2)
    assert ran.ending["message"] == "stopped after its timeout of 0.2 seconds"
    assert ran.stdout == b"spinning\n"


def test_a_deadline_that_comes_before_the_timeout_is_the_one_that_counts(guest):
    import time

    ran = guest("spin", timeout=30, deadline=[time.monotonic(), 7])
    assert (ran.ending["status"], ran.ending["message"]) == ("timeout", "stopped after its total timeout of 7 seconds")


def test_a_run_is_stopped_when_its_descriptor_is_readable():
    reader, writer = os.pipe()
    os.set_inheritable(reader, True)
    try:
        os.write(writer, b"x")
        program = (
            "import sys; from bactools.core.running import Linked, Printing, Run\n"
            "from bactools.edges import wasm_runtime\n"
            "wanted = Run((), {}, (), stop=int(sys.argv[2]))\n"
            "print(wasm_runtime.run(Linked('m', sys.argv[1]), wanted, Printing(print))[:4])"
        )
        words = [sys.executable, "-c", program, DATA / "spin.wat", str(reader)]
        told = subprocess.check_output(words, pass_fds=[reader], timeout=TIMEOUT)
    finally:
        os.close(reader)
        os.close(writer)
    assert told == b"('cancelled', None, 'stopped by a signal to bac-exec', None)\n"


def test_several_threads_run_programs_at_once_and_each_ends_by_itself():
    program = (
        "import sys; from concurrent.futures import ThreadPoolExecutor as Pool\n"
        "from bactools.core.running import Linked, Printing, Run\nfrom bactools.edges import wasm_runtime\n"
        "silent = Printing(lambda *_: None)\n"
        "def run(each):\n"
        "    module, timeout = each\n"
        "    return wasm_runtime.run(Linked('m', module), Run((), {}, (), timeout=timeout), silent)\n"
        "jobs = [(sys.argv[1], 2)] * 2 + [(sys.argv[2], None)] * 8\n"
        "with Pool(4) as pool: print(sorted(ending.status for ending in pool.map(run, jobs)))"
    )
    words = [sys.executable, "-c", program, DATA / "spin.wat", DATA.parent.parent / "examples" / "hello.wat"]
    told = subprocess.check_output(words, timeout=TIMEOUT).decode()
    assert told == f"{['completed'] * 8 + ['timeout'] * 2}\n"


# Linking


def test_a_module_is_linked_with_one_among_the_inputs_whose_constructor_runs_first(guest, tmp_path):
    placed("library", tmp_path / "lib" / "answer.wasm")
    assert guest("importer", mounts=[(str(tmp_path / "lib"), "/lib", False)]).ending["exit_code"] == 42


@pytest.mark.parametrize("name", ["lib/answer.wasm", "/lib/answer.wasm"])
def test_a_module_is_linked_with_an_import_module(guest, tmp_path, name):
    library = placed("library", tmp_path / "kept.wasm")
    assert guest("importer", modules=[(name, str(library))]).ending["exit_code"] == 42


def test_modules_that_nobody_gives_are_named_and_nothing_runs(guest):
    ran = guest("importer", modules=[("lib/other.wasm", str(DATA / "exit3.wat"))])
    assert ran.ending["error"] == "unsupported"
    assert ran.ending["message"].startswith("the module imports lib/answer.wasm.answer, which neither")


def test_a_link_out_of_an_input_leads_to_no_module(guest, tmp_path):
    placed("library", tmp_path / "secret.wasm")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "answer.wasm").symlink_to(tmp_path / "secret.wasm")
    assert guest("importer", mounts=[(str(tmp_path / "lib"), "/lib", False)]).ending["error"] == "unsupported"


def test_an_output_gives_no_modules(guest, tmp_path):
    placed("library", tmp_path / "lib" / "answer.wasm")
    assert guest("importer", mounts=[(str(tmp_path / "lib"), "/lib", True)]).ending["error"] == "unsupported"


def test_linked_modules_share_the_memory(guest, tmp_path):
    library = placed("library", tmp_path / "kept.wasm")
    ran = guest("importer", modules=[("lib/answer.wasm", str(library))], memory=3 * 65536)
    assert ran.ending["status"] == "oom"
    assert ran.ending["message"].endswith("its limit is 196608, shared by 2")


def test_a_function_of_another_type_does_not_start(guest, tmp_path):
    other = tmp_path / "other.wat"
    other.write_text('(module (func (export "answer") (param i64)))')
    ran = guest("importer", modules=[("lib/answer.wasm", str(other))])
    assert ran.ending["error"] == "not_started"
    assert "answer" in ran.ending["message"]


# What the engine lacks


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('(module (memory 1 1 shared) (func (export "_start")))', "shared memory"),
        ('(module (import "wasi" "thread-spawn" (func)) (func (export "_start")))', "wasi.thread-spawn"),
        ('(component (import "wasi:cli/stdout@0.3.0" (instance)))', "WASI 0.3 (wasi:cli/stdout@0.3.0)"),
        (
            """(component (import "wasi:http/types@0.2.0" (instance))
              (instance $i) (export "wasi:cli/run@0.2.0" (instance $i)))""",
            "wasi:http/types@0.2.0",
        ),
    ],
)
def test_what_the_engine_lacks_is_refused_by_name(guest, tmp_path, text, named):
    module = tmp_path / "module.wat"
    module.write_text(text)
    ran = guest(module)
    assert ran.ending["error"] == "unsupported"
    assert named in ran.ending["message"]


def test_a_component_that_exits_tells_only_that_it_failed(guest):
    ran = guest(DATA / "quit.wat")
    assert (ran.ending["status"], ran.ending["exit_code"], ran.stdout) == ("failed", 1, b"going\n")
    assert ran.ending["message"] == "exit status 1, which is all that WASI 0.2 tells of a failure"


def test_a_module_of_another_digest_is_not_run(guest):
    ran = guest(DATA / "exit3.wat", digest=f"sha256:{'0' * 64}")
    assert ran.ending["error"] == "digest_mismatch"


@pytest.mark.parametrize("kind", ["folder", "pipe", "nothing"])
def test_a_module_that_is_no_file_is_refused(guest, tmp_path, kind):
    path = tmp_path / "module"
    {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "nothing": lambda: None}[kind]()
    assert guest(path).ending["error"] == "unreadable_file"


# Compiling


def test_ending_a_compilation_leaves_nothing_running(tmp_path, monkeypatch, large_module):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "bactools" / "compiled"
    with subprocess.Popen(command(large_module, tmp_path, {"timeout": 1}), stdout=subprocess.PIPE) as process:
        eventually((folder / "lock").exists)
        process.send_signal(signal.SIGINT)
        ended = json.loads(process.communicate(timeout=TIMEOUT)[0])
    assert (ended["status"], ended["message"]) == ("cancelled", "stopped by SIGINT")
    assert [path.name for path in folder.iterdir()] == ["lock"]


@pytest.fixture
def large_module(tmp_path):
    """A module that takes seconds to compile: functions without end of it."""
    body = "(i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.xor (local.get 0) (i32.const 7)))"
    for _ in range(6):
        body = f"(i32.add {body} {body})"
    functions = "".join(f"(func (param i32) (result i32) {body})" for _ in range(400))
    path = tmp_path / "large.wat"
    path.write_text(f'(module {functions} (func (export "_start")))')
    return path


def test_no_other_program_is_needed(guest, monkeypatch, tmp_path):
    shutil.copy(DATA / "exit3.wat", tmp_path / "m.wat")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert guest(tmp_path / "m.wat").ending["exit_code"] == 3
