"""Guests one after another in one process: each has its own streams, folders, memory and time, as if it were alone."""

import os
import resource
import signal
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from processes import eventually

from bactools.core.errors import BacError
from bactools.core.running import Linked, Mount, Printing, Run
from bactools.edges.wasm_runtime import Runtime

DATA = Path(__file__).parents[1] / "data"
HELLO = Path(__file__).parents[2] / "examples" / "hello.wat"
SAY = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "WORD")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 4))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""
GROW = """(module (memory (export "memory") 1)
  (func (export "_start") (drop (memory.grow (i32.const 63)))))"""


@pytest.fixture
def engine(tmp_path_factory):
    """``engine(module, run, printing)`` runs a module in a process that may have run others before."""
    with closing(Runtime()) as runtime:
        yield partial(run_by, runtime, tmp_path_factory)


def run_by(runtime, tmp_path_factory, module, wanted, printing):
    place = tmp_path_factory.mktemp("place") / "guest"
    return runtime.run(Linked(Path(module).name, str(module)), wanted, printing, place, print)


def done(engine, module, **wanted):
    """What a module printed on standard output, and its ending."""
    printed = []
    run = Run(**{"arguments": (), "environment": {}, "mounts": (), "timeout": 60, **wanted})
    ending = engine(module, run, Printing(lambda _, data: printed.append(data)))
    return b"".join(printed), ending


def children():
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()


def say(folder, word):
    path = folder / f"{word}.wat"
    path.write_text(SAY.replace("WORD", word), encoding="ascii")
    return path


def test_a_guest_that_completes_leaves_its_process_to_the_next(engine):
    assert done(engine, HELLO)[0] == b"hello\n"
    (first,) = children()
    assert done(engine, HELLO, arguments=("you",))[0] == b"hello, you\n"
    assert children() == [first]


def test_words_without_an_end_of_line_are_those_of_the_guest_that_said_them(engine, tmp_path):
    assert [done(engine, say(tmp_path, word))[0] for word in ("some", "more", "some")] == [b"some", b"more", b"some"]


def test_each_guest_has_its_own_arguments_environment_and_folders(engine, tmp_path):
    first = done(engine, DATA / "surroundings.wat", arguments=("a",), environment={"A": "1"}, mounts=())
    mounts = (Mount(str(tmp_path), "/there", writable=False),)
    second = done(engine, DATA / "surroundings.wat", mounts=mounts)
    assert (first[0], second[0]) == (b"\0a\0\nA=1\0\n\n", b"\0\n\n/there\0/\0\n")


def test_each_guest_has_its_own_limit_and_memory(engine, tmp_path):
    (tmp_path / "grow.wat").write_text(GROW, encoding="ascii")
    peaks = [done(engine, tmp_path / "grow.wat", memory=each)[1].peak_memory for each in (None, 2**20, None)]
    assert peaks == [64 * 65536, 65536, 64 * 65536]


@pytest.mark.parametrize(
    ("module", "status"), [("trap.wat", "failed"), ("exit3.wat", "failed"), ("spin.wat", "timeout")]
)
def test_after_any_other_ending_the_next_guest_has_a_new_process(engine, module, status):
    done(engine, HELLO)
    (first,) = children()
    assert done(engine, DATA / module, timeout=0.2)[1].status == status
    assert children() == []
    assert done(engine, HELLO)[0] == b"hello\n"
    assert children() != [first]


def test_after_a_module_that_cannot_run_the_next_one_does(engine, tmp_path):
    (tmp_path / "none.wat").write_text("(module)", encoding="ascii")
    done(engine, HELLO)
    with pytest.raises(BacError) as caught:
        done(engine, tmp_path / "none.wat")
    assert caught.value.code == "no_entrypoint"
    assert done(engine, HELLO)[0] == b"hello\n"


def test_a_process_that_was_killed_while_it_waited_is_replaced(engine):
    done(engine, HELLO)
    (waiting,) = children()
    os.kill(int(waiting), signal.SIGKILL)
    tasks = Path(f"/proc/{waiting}/task")
    eventually(lambda: [") Z " in (each / "stat").read_text("ascii") for each in tasks.iterdir()] == [True])
    assert done(engine, HELLO)[0] == b"hello\n"


def test_a_long_order_reaches_a_process_that_waits(engine):
    done(engine, HELLO)
    word = "w" * 50_000
    surroundings = {f"NAME{number}": word for number in range(20)}
    printed, ending = done(engine, HELLO, environment=surroundings)
    assert (printed, ending.status) == (b"hello\n", "completed")


def test_the_cpu_time_of_a_guest_is_its_own(engine):
    used = [done(engine, DATA / "chatter.wat")[1].cpu_seconds, done(engine, HELLO)[1].cpu_seconds]
    assert 0 < used[1] < used[0]


def test_descriptors_do_not_add_up(engine):
    done(engine, HELLO)
    (child,) = children()

    def held():
        return [len(list(Path(f"/proc/{process}/fd").iterdir())) for process in ("self", child)]

    before = held()
    for _ in range(5):
        done(engine, HELLO)
    eventually(lambda: held() == before)


def test_an_engine_that_was_got_ready_runs_the_first_guest(tmp_path_factory):
    with closing(Runtime()) as runtime:
        runtime.prepare()
        (child,) = children()
        assert done(partial(run_by, runtime, tmp_path_factory), HELLO)[0] == b"hello\n"
        assert children() == [child]
    assert children() == []


def test_a_guest_for_which_there_are_no_descriptors_is_refused(engine):
    done(engine, HELLO)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    try:
        for more in range(6):
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + more, limits[1]))
            with pytest.raises(BacError) as caught:
                done(engine, HELLO)
            assert caught.value.code == "engine_failed"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert done(engine, HELLO)[1].status == "completed"
