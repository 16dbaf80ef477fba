from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from own_registry import own_registry

HTTP = {"requests", "urllib3", "http.client", "ssl", "bactools.edges.http", "bactools.edges.registry"}

LOADED = """
import json, sys
from bactools.commands.bac_inspect import command
command.main(sys.argv[1:], standalone_mode=False)
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def own(registry, tool, tmp_path_factory):
    with own_registry(tmp_path_factory.mktemp("registry"), tool, registry) as own:
        yield own


@pytest.fixture
def counted(own):
    """The registry, with no requests counted yet."""
    own.requests()
    return own


def cached_files(home, room):
    return list((home / ".cache" / "bactools" / room).iterdir())


def test_an_index_is_one_request_then_one_head_then_none_by_digest(run, counted):
    word = f"{counted.host}/busybox:multi"
    first = run("bac-inspect", word)
    assert (first.status, first.stderr) == (0, "")
    assert counted.requests() == ["GET /v2/busybox/manifests/multi"]
    assert run("bac-inspect", word).stdout == first.stdout
    assert counted.requests() == ["HEAD /v2/busybox/manifests/multi"]
    pinned = f"{counted.host}/busybox@{first.records[0]['digest']}"
    (record,) = run("bac-inspect", pinned).records
    assert record == {**first.records[0], "reference": pinned, "input": pinned}
    assert counted.requests() == []


def test_a_single_image_is_two_requests_then_one_head(run, counted):
    word = f"{counted.host}/busybox:arm64"
    first = run("bac-inspect", word)
    manifest, config = counted.requests()
    assert manifest == "GET /v2/busybox/manifests/arm64"
    assert config.startswith("GET /v2/busybox/blobs/sha256:")
    assert run("bac-inspect", word).stdout == first.stdout
    assert counted.requests() == ["HEAD /v2/busybox/manifests/arm64"]


def test_a_tag_is_believed_for_max_age_seconds(run, counted):
    word = f"{counted.host}/busybox:arm64"
    first = run("bac-inspect", "--max-age", "3600", word)
    assert len(counted.requests()) == 2
    assert run("bac-inspect", "--max-age", "3600", word).stdout == first.stdout
    assert counted.requests() == []


def test_without_the_cache_nothing_is_read_or_written(run, home, counted):
    word = f"{counted.host}/busybox:multi"
    for _ in range(2):
        assert run("bac-inspect", "--no-cache", word).status == 0
    assert counted.requests() == ["GET /v2/busybox/manifests/multi"] * 2
    assert not (home / ".cache").exists()
    run("bac-inspect", word)
    run("bac-inspect", "--no-cache", "--max-age", "3600", word)
    assert counted.requests() == ["GET /v2/busybox/manifests/multi"] * 2


def test_offline_is_answered_from_the_cache_alone(run, counted):
    word = f"{counted.host}/busybox:arm64"
    first = run("bac-inspect", word)
    counted.requests()
    assert run("bac-inspect", "--offline", word).stdout == first.stdout
    done = run("bac-inspect", "--offline", f"{counted.host}/busybox:multi")
    assert (done.status, done.records[0]["code"]) == (4, "not_cached")
    assert done.stderr == (
        f"bac-inspect: {counted.host}/busybox:multi is not in the cache. Run it once without --offline. [not_cached]\n"
    )
    assert counted.requests() == []


def test_offline_works_for_a_registry_that_is_gone(run, registry, tool, tmp_path):
    with own_registry(tmp_path, tool, registry) as short_lived:
        word = f"{short_lived.host}/busybox:arm64"
        first = run("bac-inspect", word)
    assert run("bac-inspect", "--offline", word).stdout == first.stdout
    assert run("bac-inspect", word).records[0]["code"] == "unreachable"


def test_a_job_offline_is_resolved_from_the_cache(run, counted):
    job = run("bac-job", "docker", f"{counted.host}/busybox:multi", "--", "true").stdout
    first = run("bac-inspect", input=job)
    counted.requests()
    assert run("bac-inspect", "--offline", input=job).stdout == first.stdout
    assert counted.requests() == []


def test_offline_and_no_cache_exclude_each_other(run):
    assert run("bac-inspect", "--offline", "--no-cache", "busybox").status == 2


def test_a_damaged_entry_is_fetched_again(run, home, counted):
    word = f"{counted.host}/busybox:multi"
    first = run("bac-inspect", word)
    (entry,) = cached_files(home, "content")
    entry.write_bytes(entry.read_bytes().replace(b"arm64", b"amd64"))
    counted.requests()
    for option in ("--max-age=3600", "--offline"):
        assert run("bac-inspect", option, word).stdout == first.stdout
    assert counted.requests() == ["GET /v2/busybox/manifests/multi"]


def test_a_cache_that_cannot_be_written_is_said_with_v_only(run, home, counted):
    (home / "file").write_bytes(b"")
    env = {"XDG_CACHE_HOME": str(home / "file")}
    word = f"{counted.host}/busybox:multi"
    done = run("bac-inspect", word, env=env)
    assert (done.status, done.stderr, len(done.records)) == (0, "", 1)
    done = run("bac-inspect", "-v", word, env=env)
    assert done.status == 0
    assert f"bac-inspect: cannot write to the cache in {home}/file/bactools: Not a directory\n" in done.stderr


def test_nothing_secret_is_kept(run, home, counted):
    login = {"auths": {counted.host: {"username": "ann", "password": "open sesame"}}}
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(json.dumps(login), encoding="ascii")
    run("bac-inspect", f"{counted.host}/busybox:arm64")
    files = [path for room in ("content", "notes") for path in cached_files(home, room)]
    assert len(files) == 4
    assert not any(b"sesame" in path.read_bytes() or b"ann" in path.name.encode() for path in files)


def test_a_cached_answer_loads_no_http(run, home, counted):
    word = f"{counted.host}/busybox:arm64"
    (record,) = run("bac-inspect", word).records
    pinned = f"{counted.host}/busybox@{record['digest']}"
    for arguments in (["--max-age", "3600", word], ["--offline", word], [pinned]):
        words = [sys.executable, "-c", LOADED, "-q", *arguments]
        env = {"HOME": str(home), "PATH": str(Path(sys.executable).parent)}
        done = subprocess.run(words, env=env, capture_output=True, check=True, timeout=60)
        found, loaded = map(json.loads, done.stdout.splitlines())
        assert found["digest"] == record["digest"]
        assert HTTP & set(loaded) == set()
        assert {"concurrent.futures", "pathlib"} & set(loaded) == set()
