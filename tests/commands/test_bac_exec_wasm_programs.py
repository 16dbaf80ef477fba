"""bac-exec with programs compiled from C: linked modules, kept compilations, jobs as users of Bacalhau write them."""

import fcntl
import json
import re
from pathlib import Path

import pytest
import wasm_programs
from processes import TIMEOUT, background, environment, eventually, installed, outcome, terminal

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def program(home):
    """``program("cat")``: the path of a compiled program of tests/data."""

    def place(name):
        path = home / f"{name}.wasm"
        path.write_bytes(wasm_programs.compiled(name))
        return path

    return place


@pytest.fixture
def execute(run, home):
    """``execute(engine, inputs)``: run a job of these parameters of its engine and these inputs, path by target."""

    def execute(engine, inputs, **task):
        sources = [
            {"Source": {"Type": "local", "Params": {"SourcePath": str(path)}}, "Target": target}
            for target, path in inputs.items()
        ]
        whole = {"Name": "main", "Engine": {"Type": "wasm", "Params": engine}, "InputSources": sources, **task}
        job = {"Name": "test", "Type": "batch", "Count": 1, "Tasks": [whole]}
        (home / "job.json").write_text(json.dumps(job))
        done = run("bac-exec", "job.json", "--results", home / "results")
        (record,) = done.records
        return done, record

    return execute


def printed(record):
    return Path(record["results"], "stdout").read_bytes()


def test_a_job_is_linked_with_its_import_module(execute, program):
    engine = {"EntryModule": "/main.wasm", "Entrypoint": "_start", "ImportModules": ["/lib/answer.wasm"]}
    done, record = execute(engine, {"/main.wasm": program("importer"), "/lib/answer.wasm": program("library")})
    assert (done.status, record["status"], record["exit_code"]) == (1, "failed", 42)


def test_an_import_module_that_gives_nothing_wanted_is_refused_and_leaves_no_results(execute, program, home):
    engine = {"EntryModule": "/main.wasm", "Entrypoint": "_start", "ImportModules": ["/lib/other.wasm"]}
    done, record = execute(engine, {"/main.wasm": program("importer"), "/lib/other.wasm": program("library")})
    assert (done.status, record["kind"]) == (3, "error")
    assert "lib/answer.wasm" in record["message"]
    assert list((home / "results").glob("*")) == []


def test_a_folder_with_one_module_is_that_module(execute, program, home):
    (home / "modules").mkdir()
    program("status").rename(home / "modules" / "status.wasm")
    engine = {"EntryModule": "/modules", "Entrypoint": "_start", "Parameters": ["5"]}
    _, record = execute(engine, {"/modules": home / "modules"})
    assert record["exit_code"] == 5


def test_the_older_way_of_writing_a_job(run, program, home):
    def source(path):
        return {"Source": {"Type": "localDirectory", "Params": {"SourcePath": str(path)}}, "Target": f"/{path.name}"}

    params = {"EntryModule": source(program("surroundings")), "EntryPoint": "_start", "Parameters": ["one"]}
    params["EnvironmentVariables"] = {"NAME": "value"}
    task = {"Name": "main", "Engine": {"Type": "wasm", "Params": params}}
    (home / "job.json").write_text(json.dumps({"Name": "old", "Type": "batch", "Count": 1, "Tasks": [task]}))
    done = run("bac-exec", "job.json", "--results", home / "results")
    (record,) = done.records
    lines = printed(record).decode().splitlines()
    assert lines[:2] == ["[]", "[one]"]
    assert "NAME=value" in lines
    assert any(line.startswith("BACALHAU_JOB_ID=j-") for line in lines)


def test_inputs_are_listed_and_outputs_kept_by_their_names(execute, program, home):
    (home / "data").mkdir()
    (home / "data" / "a").touch()
    inputs = {"/main.wasm": program("listing"), "/inputs": home / "data"}
    _, record = execute({"EntryModule": "/main.wasm", "Entrypoint": "_start", "Parameters": ["inputs"]}, inputs)
    assert printed(record) == b"a\n"
    inputs["/main.wasm"] = program("write")
    words = ["/one/a", "1", "/two/b", "2"]
    outputs = [{"Name": "one", "Path": "/one"}, {"Name": "two", "Path": "/two"}]
    engine = {"EntryModule": "/main.wasm", "Entrypoint": "_start", "Parameters": words}
    _, record = execute(engine, inputs, ResultPaths=outputs, Publisher={"Type": "local"})
    assert [Path(record["results"], name).read_text() for name in ("one/a", "two/b")] == ["1", "2"]


def test_outputs_that_fill_the_disk_are_kept_as_partial(execute, program, home, small_disk):
    (home / "results").symlink_to(small_disk)
    engine = {"EntryModule": "/m.wasm", "Entrypoint": "_start", "Parameters": ["/outputs/big", "x" * 2 * 1024 * 1024]}
    done, record = execute(engine, {"/m.wasm": program("write")})
    folder = Path(record["results"])
    assert (done.status, record["status"], record["exit_code"]) == (4, "failed", None)
    assert "No space left on device; its outputs are partial" in record["message"]
    assert (folder / "outputs" / "big").stat().st_size > 512 * 1024
    assert (folder / "exitCode").read_text() == "-1"


def test_a_component_says_that_its_exit_code_is_not_known(execute):
    _, record = execute({"EntryModule": "/quit.wat", "Entrypoint": "_start"}, {"/quit.wat": DATA / "quit.wat"})
    assert (record["status"], record["exit_code"], printed(record)) == ("failed", 1, b"going\n")
    assert "all that WASI 0.2 tells" in record["message"]


def test_what_is_compiled_is_kept_in_a_private_folder_of_the_users_cache(execute, program, home):
    execute({"EntryModule": "/m.wasm", "Entrypoint": "_start"}, {"/m.wasm": program("status")})
    folder = home / ".cache" / "bactools" / "compiled"
    assert folder.stat().st_mode & 0o777 == 0o700
    (entry,) = (path for path in folder.iterdir() if path.name != "lock")
    before = entry.stat()
    execute({"EntryModule": "/m.wasm", "Entrypoint": "_start"}, {"/m.wasm": program("status")})
    assert [path.stat().st_ino for path in folder.iterdir() if path.name != "lock"] == [before.st_ino]


def test_a_terminal_is_told_of_a_module_that_takes_long_to_compile(run, program, home):
    job = run("bac-job", "wasm", program("status")).stdout
    folder = home / ".cache" / "bactools" / "compiled"
    folder.mkdir(0o700, parents=True)
    words, place = installed(("bac-exec", "--format", "jsonl")), {"env": environment(home), "cwd": home}
    # Somebody else is compiling it: that takes as long as it takes the terminal to be told, and no longer.
    with (folder / "lock").open("wb") as lock, terminal() as (theirs, shown):
        fcntl.lockf(lock, fcntl.LOCK_EX)
        with background(words, job, **place, stderr=theirs) as process:
            eventually(lambda: b"compiling" in shown)
            fcntl.lockf(lock, fcntl.LOCK_UN)
            stdout, _ = outcome(process, None, TIMEOUT)
    assert json.loads(stdout)["status"] == "completed"
    # the line is taken away again
    assert re.search(rb"\r\x1b\[Kcompiling the module /modules/status\.wasm: [1-9]\d* s\r\x1b\[K$", shown)


def test_out_of_memory_tells_the_limit(execute, program):
    _, record = execute(
        {"EntryModule": "/m.wasm", "Entrypoint": "_start"}, {"/m.wasm": program("hog")}, Resources={"Memory": "16MiB"}
    )
    assert printed(record) == b"15 MiB\n"
    assert record["message"].endswith(" of at most 16777216")
