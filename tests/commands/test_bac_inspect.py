from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from file_server import serving

EXAMPLES = Path(__file__).parents[2] / "examples"
HEAD = b"\0asm\1\0\0\0"


def section(number, body):
    return bytes([number, len(body)]) + body


def text(value):
    return bytes([len(value)]) + value.encode()


def module(*imports, pages=2):
    """A module with functions of no arguments imported by (module, name), and a memory."""
    found = b"".join(text(module) + text(name) + b"\0\0" for module, name in imports)
    return (
        HEAD
        + section(1, b"\1\x60\0\0")
        + section(2, bytes([len(imports)]) + found)
        + section(5, b"\1\0" + bytes([pages]))
    )


def job_line(engine, inputs=(), *, meta=None, **more):
    spec = {
        "Name": "test",
        "Type": "batch",
        "Count": 1,
        "Meta": meta or {},
        "Tasks": [{"Name": "main", "Engine": engine, "InputSources": list(inputs)}],
    }
    return json.dumps({"kind": "job", "v": 1, "id": "j-1", "spec": spec, **more}).encode() + b"\n"


def docker_job(image, **more):
    return job_line({"Type": "docker", "Params": {"Image": image}}, **more)


def wasm_job(*inputs, imports=(), **more):
    params = {"EntryModule": "main.wasm", "ImportModules": list(imports)}
    return job_line({"Type": "wasm", "Params": params}, inputs, **more)


def local(path, target="main.wasm"):
    return {"Target": target, "Source": {"Type": "local", "Params": {"SourcePath": str(path)}}}


def codes(completed):
    return [record.get("code", record["kind"]) for record in completed.records]


def test_an_image_is_told_with_every_platform(run, registry):
    done = run("bac-inspect", f"{registry}/busybox:multi")
    assert (done.status, done.stderr) == (0, "")
    (record,) = done.records
    assert record["kind"] == "image"
    assert record["reference"] == record["input"] == "localhost:5000/busybox:multi"
    assert record["source"] == "registry"
    assert record["mediaType"] == "application/vnd.oci.image.index.v1+json"
    assert [entry["platform"] for entry in record["platforms"]] == ["linux/amd64", "linux/arm64", "linux/arm/v7"]
    assert record["platforms"][1]["variant"] == "v8"


def test_a_tag_is_latest_unless_it_is_given(run, registry):
    (record,) = run("bac-inspect", f"{registry}/busybox").records
    assert (record["input"], record["reference"]) == ("localhost:5000/busybox", "localhost:5000/busybox:latest")


def test_references_are_answered_in_order_and_a_bad_one_is_a_record(run, registry, tmp_path):
    (tmp_path / "list").write_text(f"# images\n{registry}/busybox:arm64\n\n{registry}/nosuch\n", encoding="ascii")
    done = run(
        "bac-inspect", f"{registry}/busybox:multi", "Upper/Case", f"@{tmp_path}/list", f"{registry}/busybox:list"
    )
    assert codes(done) == ["image", "bad_reference", "image", "not_found", "image"]
    assert (done.status, done.stderr) == (5, "")
    assert [record["input"] for record in done.records] == [
        "localhost:5000/busybox:multi",
        "Upper/Case",
        "localhost:5000/busybox:arm64",
        "localhost:5000/nosuch",
        "localhost:5000/busybox:list",
    ]


@pytest.mark.parametrize(
    ("word", "status", "code"),
    [
        ("UPPER", 3, "bad_reference"),
        ("docker://alpine", 3, "bad_reference"),
        ("docker-daemon:", 3, "bad_reference"),
        ("127.0.0.1:1/app", 4, "unreachable"),
        ("./missing", 3, "unreadable_file"),
        ("missing.wasm", 3, "unreadable_file"),
        (".", 3, "bad_reference"),
        ("./", 3, "unreadable_file"),
        ("/dev/zero", 3, "unreadable_file"),
        ("./page.wasm", 3, "bad_module"),
        ("https://[/x.wasm", 3, "bad_reference"),
        ("https://127.0.0.1/app", 3, "bad_reference"),
        ("docker-daemon:\u00e9", 3, "bad_reference"),
    ],
)
def test_when_everything_fails_so_does_the_run(run, home, word, status, code):
    (home / "page.wasm").write_text("<!doctype html><title>404</title>\n", encoding="ascii")
    done = run("bac-inspect", word)
    assert (done.status, codes(done)) == (status, [code])
    assert done.stderr.startswith("bac-inspect: ")
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith(f"[{code}]\n")


@pytest.mark.parametrize("word", ["https://me:S3CRET@127.0.0.1/app", "https://127.0.0.1/get?m=x.wasm&sig=S3CRET"])
def test_a_secret_in_a_url_is_not_repeated(run, word):
    done = run("bac-inspect", word)
    assert done.status == 3
    assert b"S3CRET" not in done.stdout
    assert "S3CRET" not in done.stderr


def test_a_layout_below_a_folder_with_a_colon_is_refused_and_not_looked_for_elsewhere(run, home):
    folder = home / "a:b"
    folder.mkdir()
    done = run("bac-inspect", "oci:layout", cwd=folder)
    assert (done.status, codes(done)) == (3, ["bad_reference"])
    assert "its path has a colon" in done.stderr


def test_an_image_that_does_not_exist(run, registry):
    done = run("bac-inspect", f"{registry}/nosuch:1")
    assert done.status == 4
    assert done.stderr == (
        "bac-inspect: inspecting localhost:5000/nosuch:1: the registry does not have it. "
        "Check the name and the tag. [not_found]\n"
    )


def test_a_module_is_told_with_what_it_needs(run, home):
    data = module(("wasi_snapshot_preview1", "sched_yield"))
    (home / "main.wasm").write_bytes(data)
    done = run("bac-inspect", "main.wasm")
    assert (done.status, done.stderr) == (0, "")
    (record,) = done.records
    assert record == {
        "kind": "module",
        "v": 1,
        "reference": str(home / "main.wasm"),
        "input": "main.wasm",
        "digest": "sha256:" + hashlib.sha256(data).hexdigest(),
        "engine": "wasm",
        "platforms": [{"platform": "wasm32/wasi"}],
        "format": "core",
        "features": [],
        "imports": [{"module": "wasi_snapshot_preview1", "name": "sched_yield", "kind": "func"}],
        "exports": [],
        "memory": {"min": 2, "max": None, "shared": False, "index": "i32"},
        "size": len(data),
    }


def test_text_is_read_as_a_module_under_its_own_digest(run):
    source = EXAMPLES / "hello.wat"
    (record,) = run("bac-inspect", source.as_uri()).records
    assert record["format"] == "core"
    assert record["platforms"] == [{"platform": "wasm32/wasi"}]
    assert record["digest"] == "sha256:" + hashlib.sha256(source.read_bytes()).hexdigest()


def test_a_name_with_a_registry_is_an_image_whatever_its_suffix(run, registry):
    assert codes(run("bac-inspect", f"{registry}/app.wasm")) == ["not_found"]


def test_a_docker_job_gets_platforms_and_artifact(run, registry):
    done = run("bac-inspect", input=docker_job(f"{registry}/busybox:multi"))
    assert (done.status, done.stderr) == (0, "")
    (record,) = done.records
    assert record["requires"]["engine"] == "docker"
    assert record["requires"]["platforms"] == ["linux/amd64", "linux/arm64", "linux/arm/v7"]
    assert record["artifact"]["kind"] == "image"
    assert record["artifact"]["digest"] == run("bac-inspect", f"{registry}/busybox:multi").records[0]["digest"]


def test_inspecting_twice_is_inspecting_once(run, registry):
    once = run("bac-inspect", input=docker_job(f"{registry}/busybox:multi")).stdout
    assert run("bac-inspect", input=once).stdout == once


def test_a_jobs_other_bytes_stay_as_they_were(run, registry):
    own = b'{"b": 1.0, "a": 1e2, "\\u00e9": [ ]}'
    given = docker_job(f"{registry}/busybox:multi", requires={"engine": "docker", "declared": []})
    given = given.replace(b'"kind"', b'"future": ' + own + b', "kind"').replace(
        b'"declared"', b'"later": ' + own + b', "declared"'
    )
    done = run("bac-inspect", input=given)
    assert b'"future":' + own in done.stdout
    assert b'"later":' + own in done.stdout
    assert done.records[0]["requires"]["platforms"] == ["linux/amd64", "linux/arm64", "linux/arm/v7"]


def test_other_lines_pass_byte_for_byte(run):
    lines = b'{"v":1,  "kind":"tomorrow", "x":1.0}\n{"kind":"node","v":1,"id":"n"}\n'
    done = run("bac-inspect", input=lines)
    assert (done.status, done.stdout) == (0, lines)


def test_an_error_from_before_is_passed_on_and_remembered(run):
    line = b'{"kind":"error","v":1,"code":"not_found","message":"x"}\n'
    done = run("bac-inspect", input=line)
    assert (done.status, done.stdout) == (5, line)


def test_operands_and_records_can_be_mixed(run, registry):
    line = b'{"kind":"node","v":1,"id":"n"}\n'
    done = run("bac-inspect", f"{registry}/busybox:arm64", "-", input=line)
    assert codes(done) == ["image", "node"]
    done = run("bac-inspect", "@-", input=f"{registry}/busybox:arm64\n".encode())
    assert codes(done) == ["image"]
    assert run("bac-inspect", "-", "@-", input=line).status == 2


def test_declared_platforms_that_the_image_offers_are_kept_beside_those(run, registry):
    line = docker_job(f"{registry}/busybox:multi", requires={"engine": "docker", "declared": ["linux/arm64/v9"]})
    (record,) = run("bac-inspect", input=line).records
    assert record["requires"]["declared"] == ["linux/arm64/v9"]
    assert record["requires"]["platforms"] == ["linux/amd64", "linux/arm64", "linux/arm/v7"]


def test_declared_platforms_that_the_image_lacks_are_an_error_that_names_both(run, registry):
    line = docker_job(f"{registry}/busybox:multi", requires={"engine": "docker", "declared": ["linux/riscv64"]})
    done = run("bac-inspect", input=line)
    assert (done.status, codes(done)) == (3, ["platforms_disjoint"])
    assert "the job accepts linux/riscv64 and its artifact offers linux/amd64, linux/arm64, linux/arm/v7" in done.stderr


def test_a_wasm_job_gets_what_its_module_needs(run, tmp_path):
    (tmp_path / "x.wasm").write_bytes(module(("wasi_snapshot_preview1", "sched_yield")))
    (record,) = run("bac-inspect", input=wasm_job(local(tmp_path / "x.wasm"))).records
    requires = record["requires"]
    assert requires["platforms"] == ["wasm32/wasi"]
    assert requires["imports"] == [{"module": "wasi_snapshot_preview1", "name": "sched_yield", "kind": "func"}]
    assert requires["memory_min"] == 2 * 65536
    assert record["artifact"]["reference"] == str(tmp_path / "x.wasm")


def test_an_inline_module_is_read_from_the_line(run):
    data = module()
    url = "data:application/wasm;base64," + base64.b64encode(data).decode()
    source = {"Target": "main.wasm", "Source": {"Type": "inline", "Params": {"URL": url}}}
    (record,) = run("bac-inspect", input=wasm_job(source)).records
    assert record["artifact"]["digest"] == "sha256:" + hashlib.sha256(data).hexdigest()
    assert record["artifact"]["reference"] == "inline:main.wasm"


def test_an_import_module_gives_the_imports_of_its_name_and_has_its_own(run, tmp_path):
    (tmp_path / "main.wasm").write_bytes(module(("geo.wasm", "f"), ("env", "g")))
    (tmp_path / "geo.wasm").write_bytes(module(("other", "h")))
    line = wasm_job(local(tmp_path / "main.wasm"), local(tmp_path / "geo.wasm", "geo.wasm"), imports=["geo.wasm"])
    (record,) = run("bac-inspect", input=line).records
    assert [(each["module"], each["name"]) for each in record["requires"]["imports"]] == [("env", "g"), ("other", "h")]


def test_a_folder_stands_for_the_one_module_in_it(run, tmp_path):
    (tmp_path / "x.wasm").write_bytes(module())
    (tmp_path / "README").write_text("", encoding="ascii")
    (record,) = run("bac-inspect", input=wasm_job(local(tmp_path))).records
    assert record["artifact"]["reference"] == str(tmp_path / "x.wasm")
    (tmp_path / "y.wasm").write_bytes(module())
    assert codes(run("bac-inspect", input=wasm_job(local(tmp_path)))) == ["unreadable_file"]


def test_a_module_from_elsewhere_is_fetched_to_be_looked_at(run):
    with serving(module(("env", "g"))) as files:
        source = {"Type": "urlDownload", "Params": {"URL": files.url}}
        (record,) = run("bac-inspect", input=wasm_job({"Target": "main.wasm", "Source": source})).records
    assert record["requires"]["imports"] == [{"module": "env", "name": "g", "kind": "func"}]
    assert record["requires"]["platforms"] == ["wasm32/wasi"]


def test_a_bad_job_is_a_record_and_the_rest_goes_on(run, registry):
    lines = docker_job(f"{registry}/nosuch") + docker_job(f"{registry}/busybox:arm64") + b'{"kind":"job","v":1}\n'
    done = run("bac-inspect", input=lines)
    assert codes(done) == ["not_found", "job", "bad_record"]
    assert done.records[0]["input"] == "line 1 of standard input"
    assert (done.status, done.stderr) == (5, "")


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (b"", "empty_input"),
        (b"\n\n", "empty_input"),
        (b"{\n", "bad_line"),
        (b'{"kind":"job","v":1,"id":"\xff"}\n', "bad_line"),
        (b'{"kind":"job","v":2}\n', "unknown_version"),
    ],
)
def test_what_is_no_record_ends_the_run(run, lines, code):
    done = run("bac-inspect", input=lines)
    assert (done.status, done.stdout) == (3, b"")
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith(f"[{code}]\n")


def test_a_terminal_is_not_waited_for(pty_run):
    done = pty_run("bac-inspect")
    assert done.status == 2


def test_a_table_on_a_terminal_has_the_same_records(pty_run, registry):
    done = pty_run("bac-inspect", f"{registry}/busybox:multi", columns=200)
    assert done.status == 0
    assert b"linux/amd64, linux/arm64, linux/arm/v7" in done.stdout


@pytest.fixture
def only_here(docker, registry):
    """An image that the engine holds under a name which its registry does not have."""
    name = f"{registry}/only-here:1"
    docker.images.pull(f"{registry}/busybox", tag="amd64").tag(name)
    yield name
    docker.images.remove(name)


def test_an_image_of_the_local_engine(run, docker, only_here):
    done = run("bac-inspect", f"docker-daemon:{only_here}")
    (record,) = done.records
    assert (record["source"], record["reference"]) == ("daemon", "localhost:5000/only-here:1")
    held = docker.images.get(only_here).id
    assert record["platforms"] == [{"platform": "linux/amd64", "os": "linux", "architecture": "amd64", "digest": held}]


def test_an_image_id_of_the_local_engine(run, docker, only_here):
    image_id = docker.images.get(only_here).id
    for word in (image_id, image_id.removeprefix("sha256:")[:12]):
        (record,) = run("bac-inspect", f"docker-daemon:{word}").records
        assert (record["reference"], record["source"]) == (word, "daemon")


@pytest.mark.usefixtures("docker")
def test_an_image_that_the_local_engine_does_not_have(run):
    done = run("bac-inspect", "docker-daemon:localhost:5000/nosuch:1")
    assert (done.status, codes(done)) == (4, ["not_found"])


def test_a_jobs_image_that_only_the_local_engine_has_is_used_and_said(run, only_here):
    done = run("bac-inspect", input=docker_job(only_here))
    (record,) = done.records
    assert record["artifact"]["source"] == "daemon"
    assert record["requires"]["platforms"] == ["linux/amd64"]
    assert done.stderr == (
        "bac-inspect: localhost:5000/only-here:1: not to be had from its registry; this is the local engine's copy\n"
    )


def test_without_an_engine_the_registrys_own_error_is_told(run, registry):
    done = run("bac-inspect", input=docker_job(f"{registry}/nosuch"), env={"DOCKER_HOST": "unix:///nosuch.sock"})
    assert (done.status, codes(done)) == (4, ["not_found"])
