"""bac-exec --dry-run: its line, pasted into bash, does what a run does, whatever the job's words and inputs are."""

from __future__ import annotations

import base64
import io
import json
import re
import tarfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import file_server
import ipfs_stack
import pytest
import s3_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker import DockerClient
    from processes import Completed

    Run = Callable[..., Completed]

MODULE = '(module (memory (export "memory") 1) (func (export "_start")))'
CALLER = '(module (import "lib.wasm" "f" (func $f)) (memory (export "memory") 1) (func (export "_start") (call $f)))'
LIBRARY = '(module (func (export "f")))'
BEFORE = re.compile(r"# first bring the \w+ input for '(?P<target>.*)' (?:in)?to the (?P<kind>[a-z ]+) (?P<place>/\S+)")
TELL = "cd /; find in | sort; find in -type f -exec cat {} +"


class Case(NamedTuple):
    """An input at /in: its source, the variables that fetching needs, and what the guest finds there, by its path."""

    source: dict[str, Any]
    env: dict[str, str]
    kind: str
    brought: dict[str, bytes]


def data_url(media_type: str, data: bytes) -> dict[str, Any]:
    return {"Type": "inline", "Params": {"URL": f"data:{media_type};base64,{base64.b64encode(data).decode()}"}}


def wasm_job(*sources: tuple[str, dict[str, Any]], entry: str = "/module", imports: tuple[str, ...] = ()) -> bytes:
    engine = {"Type": "wasm", "Params": {"EntryModule": entry, "ImportModules": list(imports)}}
    inputs = [{"Target": target, "Source": source} for target, source in sources]
    task = {"Name": "main", "Engine": engine, "InputSources": inputs}
    return json.dumps({"Type": "batch", "Tasks": [task]}).encode()


@pytest.fixture
def docker_job(docker: DockerClient, registry: str) -> Callable[..., bytes]:
    """``docker_job("echo $HOME", InputSources=[…])``: a specification that runs a script in busybox."""
    assert docker.ping()

    def make(script: str, **fields: Any) -> bytes:
        params = {"Image": f"{registry}/busybox:multi", "Entrypoint": ["sh"], "Parameters": ["-c", script]}
        task = {"Name": "main", "Engine": {"Type": "docker", "Params": params}, **fields}
        return json.dumps({"Type": "batch", "Tasks": [task]}).encode()

    return make


def test_words_on_several_lines_are_pasted_as_they_are(
    run: Run, shell: Run, home: Path, docker_job: Callable[..., bytes]
):
    folder = home / "two\nlines"
    folder.mkdir()
    (folder / "file").write_bytes(b"in it\n")
    source = {"Type": "local", "Params": {"SourcePath": str(folder)}}
    script = "echo one\necho \"$TABBED\" 'two'\ncat /in/file"
    spec = docker_job(script, Env={"TABBED": "a\tb\x1b[1m"}, InputSources=[{"Target": "/in", "Source": source}])
    told = run("bac-exec", "--dry-run", "--results", "the\nresults", "-", input=spec)
    assert all(line.isprintable() for line in told.stderr.splitlines())
    assert shell(told.stderr).stdout == b"one\na\tb\x1b[1m two\nin it\n"
    assert len(list(home.glob("the\nresults/job-*/outputs"))) == 1


def test_modules_are_found_with_and_without_their_slash(run: Run):
    caller, library = (data_url("application/wasm", text.encode()) for text in (CALLER, LIBRARY))
    spec = wasm_job(("module", caller), ("/lib.wasm", library), entry="/module", imports=("lib.wasm",))
    told = run("bac-exec", "--dry-run", "-", input=spec)
    (record,) = told.records
    assert (told.status, record["kind"]) == (0, "job")


@contextmanager
def inline_file(_: Path) -> Iterator[Case]:
    yield Case(data_url("text/plain", b"data\n"), {}, "file", {"": b"data\n"})


@contextmanager
def inline_folder(_: Path) -> Iterator[Case]:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as packed:
        entry = tarfile.TarInfo("sub/name.txt")
        entry.size = 5
        packed.addfile(entry, io.BytesIO(b"data\n"))
    yield Case(data_url("application/gzip", file.getvalue()), {}, "folder", {"sub/name.txt": b"data\n"})


@contextmanager
def download(_: Path) -> Iterator[Case]:
    with file_server.serving(b"data\n") as files:
        yield Case({"Type": "urlDownload", "Params": {"URL": files.url}}, {}, "folder", {"file.bin": b"data\n"})


@contextmanager
def s3(key: str, brought: dict[str, bytes]) -> Iterator[Case]:
    with s3_server.serving() as url:
        client = s3_server.client(url)
        client.create_bucket(Bucket="bucket")
        for name in ("many/name.txt", "many/sub/other.txt"):
            client.put_object(Bucket="bucket", Key=name, Body=b"data\n")
        client.close()
        params = {"Bucket": "bucket", "Key": key, "Endpoint": url, "Region": s3_server.REGION}
        yield Case({"Type": "s3", "Params": params}, s3_server.CREDENTIALS, "folder", brought)


def s3_object(_: Path) -> Any:
    return s3("many/name.txt", {"name.txt": b"data\n"})


def s3_prefix(_: Path) -> Any:
    return s3("many/*", {"name.txt": b"data\n", "sub/other.txt": b"data\n"})


@contextmanager
def ipfs(what: Path, kind: str, brought: dict[str, bytes]) -> Iterator[Case]:
    tree = ipfs_stack.packed(what, raw=kind == "file")
    with ipfs_stack.serving(ipfs_stack.OwnGateway(tree, cars=tree.car)) as gateway:
        source = {"Type": "ipfs", "Params": {"CID": str(tree.root)}}
        yield Case(source, {"BACTOOLS_IPFS_GATEWAY": gateway.url}, kind, brought)


def written(folder: Path) -> Path:
    (folder / "tree").mkdir()
    (folder / "tree" / "name.txt").write_bytes(b"data\n")
    return folder / "tree"


def ipfs_block(folder: Path) -> Any:
    return ipfs(written(folder) / "name.txt", "file", {"": b"data\n"})


def ipfs_file(folder: Path) -> Any:
    return ipfs(written(folder) / "name.txt", "file or folder", {"": b"data\n"})


def ipfs_folder(folder: Path) -> Any:
    return ipfs(written(folder), "file or folder", {"name.txt": b"data\n"})


CASES = [inline_file, inline_folder, download, s3_object, s3_prefix, ipfs_block, ipfs_file, ipfs_folder]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_an_input_that_would_be_fetched_is_where_a_run_has_it(
    run: Run, shell: Run, tmp_path: Path, docker_job: Callable[..., bytes], case: Callable[[Path], Any]
):
    with ExitStack() as stack:
        known: Case = stack.enter_context(case(tmp_path))
        spec = docker_job(TELL, InputSources=[{"Target": "/in", "Source": known.source}])
        told = run("bac-exec", "--dry-run", "-", input=spec, env=known.env)
        (record,) = run("bac-exec", "-", input=spec, env=known.env, cwd=tmp_path).records
    wanted = BEFORE.match(told.stderr)
    assert wanted
    assert (wanted["target"], wanted["kind"]) == ("/in", known.kind)
    for name, data in known.brought.items():
        path = Path(wanted["place"], name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert record["stdout"]["tail"].endswith("data\n")
    assert shell(told.stderr).stdout.decode() == record["stdout"]["tail"]


@pytest.mark.parametrize(
    ("source", "target", "mounted"),
    [
        (data_url("text/plain", b"data"), "/in/name.txt", "in::/in"),
        ({"Type": "urlDownload", "Params": {"URL": "http://127.0.0.1:9/name.txt"}}, "/in", "in::/in"),
        ({"Type": "s3", "Params": {"Bucket": "b", "Key": "name.txt"}}, "in", "in::/in"),
    ],
)
def test_wasmtime_mounts_the_folder_in_which_a_fetched_file_has_its_name(
    run: Run, home: Path, source: dict[str, Any], target: str, mounted: str
):
    spec = wasm_job(("/module", data_url("application/wasm", MODULE.encode())), (target, source))
    told = run("bac-exec", "--dry-run", "-", input=spec)
    words = told.records[0]["plan"]["command"]
    assert f"{home}/inputs/{mounted}" in words
    assert "keeps the name" not in told.stderr


def test_a_file_of_ipfs_that_is_there_by_now_is_mounted_as_one(run: Run, home: Path, tmp_path: Path):
    source = {"Type": "ipfs", "Params": {"CID": str(ipfs_stack.packed(written(tmp_path) / "name.txt").root)}}
    spec = wasm_job(("/module", data_url("application/wasm", MODULE.encode())), ("/in/name.txt", source))
    env = {"BACTOOLS_IPFS_GATEWAY": "http://127.0.0.1:9"}
    first = run("bac-exec", "--dry-run", "-", input=spec, env=env)
    assert "make this plan again" in first.stderr
    (home / "inputs" / "in").mkdir(parents=True)
    (home / "inputs" / "in" / "name.txt").touch()
    again = run("bac-exec", "--dry-run", "-", input=spec, env=env)
    assert f"{home}/inputs/in::/in" in again.records[0]["plan"]["command"]


def test_a_given_timeout_is_told_as_the_one_limit(run: Run):
    spec = json.loads(wasm_job(("/module", data_url("application/wasm", MODULE.encode()))))
    spec["Tasks"][0]["Timeouts"] = {"ExecutionTimeout": 5, "TotalTimeout": 9}
    limits = []
    for options in ((), ("--timeout", "1.5")):
        (record,) = run("bac-exec", "--dry-run", *options, "-", input=json.dumps(spec).encode()).records
        limits.append({name: record["plan"]["limits"].get(name) for name in ("timeout", "total_timeout")})
    assert limits == [{"timeout": 5, "total_timeout": 9}, {"timeout": None, "total_timeout": 1.5}]
