"""Where an image, a module or a job can be, beside the registry's ordinary images and a module's file."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path

import pytest

HELLO = Path(__file__).parents[2] / "examples" / "hello.wat"
MODULE = b"\0asm\1\0\0\0"
ALL = ["linux/amd64", "linux/arm64", "linux/arm/v7"]


def platforms(record):
    return [entry["platform"] for entry in record["platforms"]]


def codes(completed):
    return [record.get("code", record["kind"]) for record in completed.records]


@pytest.fixture
def copy(tool, registry, home):
    """``copy("multi", "oci:layout:v1", "--all")``: an image of the registry where the commands run."""

    def copy(tag, target, *options):
        words = [tool("skopeo"), "copy", "-q", *options, "--src-tls-verify=false"]
        subprocess.run([*words, f"docker://{registry}/busybox:{tag}", target], cwd=home, check=True)

    return copy


@pytest.fixture
def inspect_one(run):
    def inspect_one(*words):
        done = run("bac-inspect", *words)
        assert (done.status, done.stderr) == (0, "")
        (record,) = done.records
        return record

    return inspect_one


def test_a_layout_in_a_folder(copy, inspect_one, home):
    copy("multi", "oci:layout:v1", "--all")
    record = inspect_one("oci:layout:v1")
    assert (record["input"], record["reference"]) == ("oci:layout:v1", f"oci:{home}/layout:v1")
    assert (record["source"], platforms(record)) == ("oci-layout", ALL)
    assert inspect_one("oci:layout")["digest"] == record["digest"]


def test_a_layout_in_an_archive_is_the_registrys_image(copy, inspect_one, registry):
    copy("multi", "oci-archive:image.tar", "--all")
    record = inspect_one("oci-archive:image.tar")
    original = inspect_one(f"{registry}/busybox:multi")
    assert record["source"] == "oci-archive"
    for field in ("digest", "mediaType", "platforms"):
        assert record[field] == original[field]


def test_every_image_of_a_saved_archive_is_a_record(run, copy, home):
    copy("amd64", "docker-archive:one.tar:app:1")
    copy("arm64", "docker-archive:two.tar:app:2")
    merge(home / "one.tar", home / "two.tar", home / "both.tar")
    done = run("bac-inspect", "docker-archive:both.tar")
    assert (done.status, codes(done)) == (0, ["image", "image"])
    assert [(record["reference"], platforms(record), record["digest"]) for record in done.records] == [
        (f"docker-archive:{home}/both.tar:docker.io/library/app:1", ["linux/amd64"], None),
        (f"docker-archive:{home}/both.tar:docker.io/library/app:2", ["linux/arm64"], None),
    ]
    for name in ("app:2", "@1"):
        (record,) = run("bac-inspect", f"docker-archive:both.tar:{name}").records
        assert platforms(record) == ["linux/arm64"]


def test_one_bad_image_of_an_archive_leaves_the_others(run, copy, home):
    copy("amd64", "docker-archive:one.tar:app:1")
    merge(home / "one.tar", home / "one.tar", home / "both.tar", broken=True)
    done = run("bac-inspect", "docker-archive:both.tar")
    assert (done.status, codes(done)) == (5, ["bad_manifest", "image"])
    assert done.records[0]["input"] == f"docker-archive:{home}/both.tar:docker.io/library/app:1"


def merge(first, second, into, *, broken=False):
    """One archive of the images of two."""
    import io
    import tarfile

    files, listed = {}, []
    for path in (first, second):
        with tarfile.open(path) as tar:
            for member in tar.getmembers():
                if member.isreg():
                    files[member.name] = tar.extractfile(member).read()
        listed += json.loads(files.pop("manifest.json"))
    if broken:
        listed[0]["Config"] = "missing.json"
    files["manifest.json"] = json.dumps(listed).encode()
    with tarfile.open(into, "w") as tar:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))


@pytest.mark.parametrize(
    ("word", "status", "code"),
    [
        ("oci:", 3, "bad_reference"),
        ("oci:x:", 3, "bad_reference"),
        ("oci:missing", 3, "unreadable_file"),
        ("oci-archive:missing.tar", 3, "unreadable_file"),
        ("docker-archive:/dev/zero", 3, "unreadable_file"),
        ("docker-archive:text", 3, "bad_manifest"),
        ("http://example.org/x.wasm", 3, "bad_reference"),
        ("https://user:word@example.org/x.wasm", 3, "bad_reference"),
        ("https://ghcr.io/owner/image", 3, "bad_reference"),
        ("http://127.0.0.1:1/x.wasm", 4, "unreachable"),
        ("missing.yaml", 3, "unreadable_file"),
        ("text.json", 3, "bad_document"),
        ("empty.yml", 3, "empty_input"),
        ("other.yaml", 3, "bad_spec"),
    ],
)
def test_a_place_that_holds_nothing_usable(run, home, word, status, code):
    (home / "text").write_text("hello\n", encoding="ascii")
    (home / "text.json").write_text("{ no", encoding="ascii")
    (home / "empty.yml").write_text("# nothing\n", encoding="ascii")
    (home / "other.yaml").write_text("a: b\n", encoding="ascii")
    done = run("bac-inspect", word)
    assert (done.status, codes(done)) == (status, [code])


@pytest.mark.parametrize(
    ("tag", "platform", "labelled"),
    [
        ("artifact", "wasm32/wasi/p2", None),
        ("compat", "wasm32/wasi", "linux/amd64"),
        ("runwasi", "wasm32/wasi", None),
        ("legacy", "wasm32/wasi", None),
    ],
)
def test_webassembly_in_a_registry_is_a_module_in_every_layout(inspect_one, registry, tag, platform, labelled):
    record = inspect_one(f"{registry}/hello:{tag}")
    assert (record["kind"], record["engine"], record["source"]) == ("module", "wasm", "registry")
    (entry,) = record["platforms"]
    assert (entry["platform"], entry.get("labelled")) == (platform, labelled)
    assert entry["digest"] == record["digest"]


def test_an_artifacts_imports_are_known_without_its_module(inspect_one, registry):
    record = inspect_one(f"{registry}/hello:artifact")
    assert record["imports"] == [{"module": "wasi:cli/environment@0.2.0", "name": "", "kind": "instance"}]
    assert (record["format"], record["exports"], len(record["layers"])) == ("component", [], 1)


@pytest.mark.parametrize(("generation", "status"), [("/p2", 0), ("", 1)])
def test_an_artifact_is_matched_by_its_generation(shell, registry, home, generation, status):
    node = {"kind": "node", "v": 1, "id": "n"}
    offer = {"platform": f"wasm32/wasi{generation}", "how": "native"}
    node["engines"] = [{"engine": "wasm", "platforms": [offer]}]
    (home / "nodes.jsonl").write_text(json.dumps(node) + "\n", encoding="ascii")
    done = shell(f"bac-inspect {registry}/hello:artifact | bac-match nodes.jsonl")
    assert done.status == status


def test_a_nested_index_is_followed(inspect_one, registry):
    assert platforms(inspect_one(f"{registry}/busybox:nested")) == ALL


def test_windows_entries_are_told_apart_by_their_version(inspect_one, registry):
    assert platforms(inspect_one(f"{registry}/busybox:windows")) == [
        "linux/amd64",
        "windows(10.0.20348.2700)/amd64",
        "windows(10.0.26100.1742)/amd64",
    ]


def test_precompiled_code_is_bound_to_a_version_and_a_target(inspect_one, home):
    import wasmtime

    engine = wasmtime.Engine()
    (home / "x.cwasm").write_bytes(wasmtime.Module(engine, MODULE).serialize())
    record = inspect_one("x.cwasm")
    assert (record["format"], record["platforms"]) == ("precompiled", [])
    built = record["precompiled"]
    assert built["runtime"] == "wasmtime"
    assert built["version"] == metadata.version("wasmtime").partition(".")[0]
    assert built["target"].endswith("-linux-gnu")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def files(tmp_path):
    """A folder, and the address that it is served under."""
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_module_at_a_url(inspect_one, files):
    folder, address = files
    (folder / "x.wasm").write_bytes(MODULE)
    record = inspect_one(f"{address}/x.wasm?token=secret")
    assert record["reference"] == record["input"] == f"{address}/x.wasm"
    assert record["digest"] == "sha256:" + hashlib.sha256(MODULE).hexdigest()
    assert platforms(record) == ["wasm32/wasi"]


def test_a_url_that_leads_to_nothing(run, files):
    _, address = files
    done = run("bac-inspect", f"{address}/x.wasm?token=secret")
    assert (done.status, codes(done)) == (4, ["not_found"])
    assert b"secret" not in done.stdout
    assert "secret" not in done.stderr


SPEC = "{{Name: {name}, Type: batch, Count: 1, Tasks: [{{Name: main, Engine: {engine}}}]}}\n"


def spec(name, image):
    return SPEC.format(name=name, engine=f'{{Type: docker, Params: {{Image: "{image}"}}}}')


def test_a_job_specification_is_the_job_completed(run, shell, registry, home):
    (home / "job.yaml").write_text(spec("x", f"{registry}/busybox:multi"), encoding="ascii")
    done = run("bac-inspect", "job.yaml")
    assert (done.status, codes(done)) == (0, ["job"])
    assert done.records[0]["requires"]["platforms"] == ALL
    assert done.stdout == shell("bac-job job.yaml | bac-inspect").stdout


def test_a_bad_job_of_several_leaves_the_others(run, registry, home):
    documents = [spec("x", f"{registry}/nosuch"), "a: b\n", spec("y", f"{registry}/busybox:arm64")]
    (home / "jobs.yml").write_text("---\n".join(documents), encoding="ascii")
    done = run("bac-inspect", "./jobs.yml")
    assert (done.status, codes(done)) == (5, ["not_found", "bad_spec", "job"])
    assert [record.get("input") for record in done.records[:2]] == [
        "document 1 of jobs.yml",
        "document 2 of jobs.yml",
    ]


def test_a_name_with_a_registry_is_an_image_whatever_its_suffix(run, registry):
    assert codes(run("bac-inspect", f"{registry}/app.json")) == ["not_found"]


@pytest.mark.usefixtures("docker")
def test_the_engine_is_where_docker_host_says(run, tmp_path):
    """As for podman, whose socket speaks Docker's API."""
    (tmp_path / "podman.sock").symlink_to("/var/run/docker.sock")
    word = "docker-daemon:localhost:5000/nosuch:1"
    there = run("bac-inspect", word, env={"DOCKER_HOST": f"unix://{tmp_path}/podman.sock"})
    assert codes(there) == ["not_found"]
    gone = run("bac-inspect", word, env={"DOCKER_HOST": f"unix://{tmp_path}/gone.sock"})
    assert codes(gone) == ["no_engine"]


def test_a_mislabelled_module_of_the_local_engine_is_known(docker, registry, inspect_one):
    name = f"{registry}/hello:compat"
    docker.images.pull(name)
    try:
        record = inspect_one(f"docker-daemon:{name}")
    finally:
        docker.images.remove(name)
    assert (record["kind"], record["source"]) == ("module", "daemon")
    assert record["platforms"] == [{"platform": "wasm32/wasi", "labelled": "linux/amd64"}]


def test_text_is_a_module_at_a_url_too(inspect_one, files):
    folder, address = files
    (folder / "hello.wat").write_bytes(HELLO.read_bytes())
    assert inspect_one(f"{address}/hello.wat")["format"] == "core"
