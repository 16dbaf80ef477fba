"""bac-exec with WebAssembly: real modules, from the command line to the results folder."""

import os
import signal
from pathlib import Path

import pytest
from processes import eventually

DATA = Path(__file__).parent.parent / "data"
EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@pytest.fixture
def job(run):
    """``job("exit3.wat", "--memory", "1Mb")``: the inspected line of a job that runs a module."""

    def line(module, *words):
        path = module if isinstance(module, Path) else DATA / module
        flags, arguments = (words[: words.index("--")], words[words.index("--") :]) if "--" in words else (words, ())
        made = run("bac-job", "wasm", *flags, path, *arguments)
        assert made.status == 0, made.stderr
        inspected = run("bac-inspect", input=made.stdout)
        assert inspected.status == 0, inspected.stderr
        return inspected.stdout

    return line


@pytest.fixture
def execute(run, job, tmp_path):
    """``execute("exit3.wat", "--memory", "1Mb")``: the run, its one record and its results folder."""

    def execute(module, *words, options=()):
        done = run("bac-exec", "--results", tmp_path / "results", *options, input=job(module, *words))
        (record,) = done.records
        return done, record, Path(record["results"])

    return execute


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_pipe_of_the_readme(shell, tmp_path):
    done = shell(
        f"bac-job wasm {EXAMPLES}/hello.wat -- world | bac-inspect | bac-match <(bac-probe)"
        f" | bac-exec --results {tmp_path}/results"
    )
    assert done.status == 0, done.stderr
    (record,) = done.records
    assert (record["kind"], record["status"], record["exit_code"]) == ("result", "completed", 0)
    assert (record["engine"], record["platform"]) == ("wasm", "wasm32/wasi")
    assert record["stdout"] == {"bytes": 13, "tail": "hello, world\n", "truncated": False}
    assert files(Path(record["results"])) == {"stdout": b"hello, world\n", "stderr": b"", "exitCode": b"0"}


def test_a_component_runs(execute):
    done, record, folder = execute(EXAMPLES / "greet.wat")
    assert (done.status, record["status"], record["platform"]) == (0, "completed", "wasm32/wasi/p2")
    assert (folder / "stdout").read_bytes() == b"hello from a component\n"


def test_an_exit_status_is_kept_and_the_answer_is_no(execute):
    done, record, folder = execute("exit3.wat")
    assert (done.status, record["status"], record["exit_code"]) == (1, "failed", 3)
    assert (folder / "exitCode").read_bytes() == b"3"


def test_a_trap_keeps_what_was_printed_and_says_where(execute):
    done, record, folder = execute("trap.wat")
    assert (done.status, record["status"], record["exit_code"]) == (1, "failed", 1)
    assert "unreachable" in record["message"]
    assert (folder / "stderr").read_bytes().startswith(b"before\n")
    assert b"broken" in (folder / "stderr").read_bytes()


@pytest.mark.parametrize("module", ["spin.wat", "sleep.wat"])
def test_a_timeout_stops_the_guest_and_keeps_its_results(execute, module):
    done, record, folder = execute(module, options=("--timeout", "0.3"))
    assert (done.status, record["status"], record["exit_code"]) == (1, "timeout", None)
    assert "0.3 seconds" in record["message"]
    assert (folder / "stdout").read_bytes().endswith(b"ing\n")
    assert (folder / "exitCode").exists()


def test_a_module_larger_than_the_jobs_memory_is_out_of_memory(execute):
    done, record, _ = execute("large.wat", "--memory", "1Mb")
    assert (done.status, record["status"]) == (1, "oom")
    assert "67108864" in record["message"]


def test_arguments_and_environment_reach_the_guest(execute):
    _, _, folder = execute("surroundings.wat", "-e", "NAME=a=b", "--", "one", "zwö")
    arguments, environment, folders, _ = (folder / "stdout").read_text().split("\n")
    assert arguments == "\0one\0zwö\0"
    assert "NAME=a=b" in environment.split("\0")
    assert folders == "/outputs\0/\0"


@pytest.mark.parametrize(("source", "target"), [("data", "/inputs"), ("data/name.txt", "/inputs/name.txt")])
def test_an_input_is_read(execute, home, source, target):
    (home / "data").mkdir()
    (home / "data" / "name.txt").write_text("Ada\n")
    done, _, folder = execute("cat.wat", "-i", f"file://{home}/{source}:{target}")
    assert (done.status, (folder / "stdout").read_bytes()) == (0, b"Ada\n")


def test_an_input_is_not_written(execute, home):
    (home / "data").mkdir()
    done, record, _ = execute("write.wat", "-i", f"file://{home}/data:/inputs")
    assert (done.status, record["status"]) == (1, "failed")
    assert list((home / "data").iterdir()) == []


def test_outputs_are_there_when_none_is_declared(execute):
    _, _, folder = execute("write.wat")
    assert (folder / "outputs" / "result.txt").read_bytes() == b"done\n"


def test_a_declared_output_has_a_folder_of_its_name(execute):
    _, _, folder = execute("write.wat", "-o", "answer:/answer")
    assert (folder / "answer" / "result.txt").read_bytes() == b"done\n"
    assert not (folder / "outputs").exists()


def test_follow_shows_on_standard_error_what_the_job_prints(execute):
    done, _, folder = execute(EXAMPLES / "hello.wat", options=("--follow",))
    assert done.stderr == "hello\n"
    assert (folder / "stdout").read_bytes() == b"hello\n"


@pytest.mark.parametrize(
    ("module", "options", "status", "stdout"),
    [
        (EXAMPLES / "hello.wat", (), 0, b"hello\n"),
        ("exit3.wat", (), 3, b""),
        ("spin.wat", ("--timeout", "0.3"), 124, b"spinning\n"),
    ],
)
def test_passthrough_is_the_job_itself(run, job, tmp_path, module, options, status, stdout):
    done = run("bac-exec", "--passthrough", "--results", tmp_path, *options, input=job(module))
    assert (done.status, done.stdout) == (status, stdout)


def test_a_full_disk_ends_the_run_and_keeps_what_fits(run, job, small_disk):
    done = run("bac-exec", "--results", small_disk, input=job("chatter.wat"))
    (record,) = done.records
    folder = Path(record["results"])
    assert (done.status, record["status"], record["exit_code"]) == (4, "failed", None)
    assert "No space left on device" in record["message"]
    assert record["stdout"]["truncated"]
    assert done.stderr.endswith("[unwritable_file]\n")
    assert (folder / "stdout").stat().st_size > 512 * 1024
    assert set((folder / "stdout").read_bytes()) == {ord("x")}
    assert (folder / "exitCode").read_bytes() == b"-1"


def test_passthrough_ends_by_sigpipe_when_its_reader_has_gone(shell, job, home, tmp_path):
    endless = home / "endless.wat"
    text = (DATA / "chatter.wat").read_text()
    endless.write_text(text.replace("(i32.lt_u (local.get $times) (i32.const 256))", "(i32.const 1)"))
    done = shell(
        f"bac-exec --passthrough --results {tmp_path / 'results'} | head -c 9; echo ${{PIPESTATUS[0]}}",
        input=job(endless),
    )
    assert done.stdout == b"x" * 9 + b"141\n"


@pytest.mark.parametrize("option", ["--follow", "--passthrough"])
def test_a_signal_to_the_whole_group_is_what_ends_a_run_that_is_shown(spawn, job, tmp_path, option):
    words = ("bac-exec", option, "--results", tmp_path / "results")
    process = spawn(*words, input=job("spin.wat"))
    begun(process, tmp_path / "results")
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode in {143, -signal.SIGTERM}


def test_a_stream_is_shown_without_any_other_program(run, job, tmp_path):
    nothing = tmp_path / "bin"
    nothing.mkdir()
    line = job(EXAMPLES / "hello.wat")
    done = run("bac-exec", "--passthrough", "--results", tmp_path / "results", input=line, env={"PATH": str(nothing)})
    assert (done.status, done.stdout) == (0, b"hello\n")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_guest_and_the_record_is_written(spawn, job, tmp_path, number, status):
    process = spawn("bac-exec", "--results", tmp_path / "results", input=job("spin.wat"))
    guest = begun(process, tmp_path / "results")
    process.send_signal(number)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode in {status, -number}
    assert b'"status":"cancelled"' in stdout
    assert not running(guest)
    (folder,) = (tmp_path / "results").iterdir()
    assert (folder / "stdout").read_bytes() == b"spinning\n"
    assert (folder / "exitCode").exists()


def test_the_guest_dies_with_a_killed_bac_exec(spawn, job, tmp_path):
    process = spawn("bac-exec", "--results", tmp_path / "results", input=job("spin.wat"))
    guest = begun(process, tmp_path / "results")
    process.kill()
    process.wait(60)
    eventually(lambda: not running(guest))


def test_the_results_of_a_killed_bac_exec_are_ended_by_the_next(spawn, run, job, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    env = {"TMPDIR": str(temporary)}
    process = spawn("bac-exec", "--results", tmp_path / "results", input=job("spin.wat"), env=env)
    guest = begun(process, tmp_path / "results")
    process.kill()
    process.wait(60)
    eventually(lambda: not running(guest))
    (killed,) = (tmp_path / "results").iterdir()
    assert (killed / "outputs").stat().st_mode & 0o777 == 0o777
    assert not (killed / "exitCode").exists()
    assert run("bac-exec", "--results", tmp_path / "others", input=job(EXAMPLES / "hello.wat"), env=env).status == 0
    assert files(killed) == {"stdout": b"spinning\n", "stderr": b"", "exitCode": b"-1"}
    assert (killed / "outputs").stat().st_mode & 0o777 == 0o755
    assert list(temporary.iterdir()) == []


def begun(process, results):
    """The process of the guest, once it has printed."""
    eventually(lambda: any(path.read_bytes() == b"spinning\n" for path in results.glob("*/stdout")))
    (guest,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return guest


def running(process):
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False


def test_a_module_without_start_leaves_no_results(run, job, tmp_path):
    done = run("bac-exec", "--results", tmp_path / "results", input=job("library.wat"))
    (record,) = done.records
    assert (done.status, record["kind"], record["code"]) == (3, "error", "no_entrypoint")
    assert "_start" in record["message"]
    assert list((tmp_path / "results").glob("*")) == []


def test_a_module_may_start_elsewhere(execute):
    done, record, _ = execute("library.wat", "--entry-point", "tell")
    assert (done.status, record["exit_code"]) == (1, 5)


def test_a_module_that_changed_since_it_was_inspected_is_not_run(run, job, home):
    module = home / "job.wat"
    module.write_bytes((DATA / "exit3.wat").read_bytes())
    line = job(module)
    module.write_bytes((DATA / "spin.wat").read_bytes())
    done = run("bac-exec", input=line)
    (record,) = done.records
    assert (done.status, record["code"]) == (4, "digest_mismatch")


def test_two_runs_at_once_have_a_folder_each(spawn, job, tmp_path):
    line = job(EXAMPLES / "hello.wat")
    runs = [spawn("bac-exec", "--results", tmp_path / "results", input=line) for _ in range(3)]
    assert [process.wait(60) for process in runs] == [0, 0, 0]
    folders = list((tmp_path / "results").iterdir())
    assert [files(folder) for folder in folders] == [{"stdout": b"hello\n", "stderr": b"", "exitCode": b"0"}] * 3
