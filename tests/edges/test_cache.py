from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from scripted import Answer, serving

from bactools.core import reference
from bactools.core.errors import BacError
from bactools.core.freshness import Note, Rules
from bactools.edges import cache
from bactools.edges.cache import BLOCK, ENTRY_LIMIT, Cache
from bactools.edges.http import Client
from bactools.edges.private import TEMPORARY_AGE
from bactools.edges.registry.content import Repository
from bactools.edges.registry.login import Logins
from bactools.flows.cached import Cached

INDEX = "application/vnd.oci.image.index.v1+json"
BODY = b"some content"
DIGEST = "sha256:" + hashlib.sha256(BODY).hexdigest()
NOTE = Note("localhost:5000/app:1", DIGEST, INDEX, 1000.0)


@pytest.fixture
def kept(tmp_path):
    return Cache(str(tmp_path / "cache" / "bactools"))


def files(kept):
    return sorted(path for path in Path(kept.folder).rglob("*") if path.is_file())


def only_file(kept):
    (path,) = files(kept)
    return path


def test_what_was_kept_is_there(kept):
    kept.keep_content(DIGEST, BODY)
    kept.keep_note(NOTE)
    assert kept.content(DIGEST) == BODY
    assert kept.note(NOTE.reference) == NOTE
    assert kept.note("localhost:5000/app:2") is None
    assert kept.content("sha256:" + "0" * 64) is None


def test_content_is_named_by_its_digest_and_for_its_user_alone(kept):
    kept.keep_content(DIGEST, BODY)
    path = only_file(kept)
    assert path.name == DIGEST.replace(":", "-")
    assert path.read_bytes() == BODY
    assert path.stat().st_mode & 0o777 == 0o600
    assert [folder.stat().st_mode & 0o777 for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]


def test_a_sha512_digest_is_one_too(kept):
    digest = "sha512:" + hashlib.sha512(BODY).hexdigest()
    kept.keep_content(digest, BODY)
    assert kept.content(digest) == BODY


@pytest.mark.parametrize("damaged", [b"", BODY[:-1], BODY + b" ", b"Some content"])
def test_damaged_content_is_removed_and_not_there(kept, damaged):
    kept.keep_content(DIGEST, BODY)
    only_file(kept).write_bytes(damaged)
    assert kept.content(DIGEST) is None
    assert files(kept) == []


def test_a_damaged_note_is_removed_and_not_there(kept):
    kept.keep_note(NOTE)
    path = only_file(kept)
    path.write_bytes(path.read_bytes().replace(b"1000", b"9000"))
    assert kept.note(NOTE.reference) is None
    assert files(kept) == []


def test_a_link_in_the_place_of_a_file_is_not_followed(kept, tmp_path):
    kept.keep_content(DIGEST, BODY)
    path = only_file(kept)
    (tmp_path / "elsewhere").write_bytes(BODY)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    assert kept.content(DIGEST) is None


def test_content_over_the_limit_is_not_kept(kept):
    kept.keep_content(DIGEST, bytes(ENTRY_LIMIT + 1))
    assert files(kept) == []


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write_to_is_not_used(kept, mode):
    kept.keep_content(DIGEST, BODY)
    path = only_file(kept)
    path.parent.chmod(mode)
    assert kept.content(DIGEST) is None
    with pytest.raises(BacError) as caught:
        kept.keep_content(DIGEST, BODY)
    assert caught.value.code == "unwritable_file"
    assert "others may write to it" in caught.value.message
    assert only_file(kept) == path


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    kept = Cache(str(tmp_path / "file" / "bactools"))
    assert kept.content(DIGEST) is None
    with pytest.raises(BacError) as caught:
        kept.keep_content(DIGEST, BODY)
    assert caught.value.message == f"cannot write to the cache in {kept.folder}: Not a directory"


def test_a_full_disk_is_told_and_leaves_nothing_behind(small_disk):
    kept = Cache(str(small_disk / "bactools"))
    kept.keep_note(NOTE)
    with pytest.raises(BacError) as caught:
        kept.keep_content(DIGEST, bytes(2 * 1024 * 1024))
    assert caught.value.code == "unwritable_file"
    assert [path.parent.name for path in files(kept)] == ["notes"]


def test_a_disk_that_is_read_only_is_read(small_disk):
    kept = Cache(str(small_disk / "bactools"))
    kept.keep_content(DIGEST, BODY)
    os.utime(only_file(kept), (0, 0))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert kept.content(DIGEST) == BODY
    with pytest.raises(BacError) as caught:
        kept.keep_content(DIGEST, BODY)
    assert caught.value.message.endswith(": Read-only file system")


def digest_of(body):
    return "sha256:" + hashlib.sha256(body).hexdigest()


def test_however_much_is_written_the_size_is_bounded(tmp_path):
    kept = Cache(str(tmp_path / "bactools"), limit=100 * BLOCK)
    for number in range(1000):
        body = b"%d" % number
        kept.keep_content(digest_of(body), body)
    assert len(files(kept)) <= 150
    assert kept.content(digest_of(b"999")) == b"999"
    assert kept.content(digest_of(b"0")) is None


def test_what_was_used_last_stays(tmp_path):
    kept = Cache(str(tmp_path / "bactools"), limit=4 * BLOCK)
    bodies = [b"%d" % number for number in range(4)]
    for age, body in enumerate(bodies):
        kept.keep_content(digest_of(body), body)
        path = Path(kept.folder, "content", digest_of(body).replace(":", "-"))
        os.utime(path, (age, age))
    assert kept.content(digest_of(bodies[0])) == bodies[0]
    smaller = kept._replace(limit=3 * BLOCK)
    smaller.sweep()
    assert [smaller.content(digest_of(body)) is not None for body in bodies] == [True, False, False, True]


def test_what_a_killed_writer_left_is_not_read_and_goes_in_time(kept):
    kept.keep_content(DIGEST, BODY)
    path = only_file(kept)
    new, old = (path.with_name(f"{name}.tmp") for name in ("0123", "4567"))
    for left in (new, old):
        left.write_bytes(b"half")
    os.utime(old, (0, path.stat().st_mtime - TEMPORARY_AGE - 60))
    kept.sweep()
    assert set(files(kept)) == {path, new}
    assert kept.content(DIGEST) == BODY


WRITER = """
import sys
from bactools.core.freshness import Note
from bactools.core.digests import digest_of
from bactools.edges.cache import Cache
kept = Cache(sys.argv[1], limit=64 * 4096)
for round in range(100):
    for number in range(10):
        body = bytes([number]) * 10000
        digest = digest_of(body)
        kept.keep_content(digest, body)
        note = Note("localhost/app:%d" % number, digest, "type", 1.0)
        kept.keep_note(note)
        assert kept.content(digest) in (body, None)
        assert kept.note(note.reference) in (note, None)
    if round % 10 == 0:
        kept.sweep()
print("done")
"""


def test_many_processes_may_write_and_sweep_at_once(kept):
    words = [sys.executable, "-c", WRITER, kept.folder]
    writers = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [writer.communicate(timeout=60) for writer in writers] == [("done\n", "")] * 4
    assert [path for path in files(kept) if path.suffix == ".tmp"] == []


def test_a_writer_that_is_killed_leaves_nothing_half_written(kept):
    for _ in range(5):
        words = [sys.executable, "-c", WRITER.replace("print", "while True: pass #"), kept.folder]
        with subprocess.Popen(words) as writer:
            while not files(kept):
                assert writer.poll() is None
            writer.kill()
        for path in files(kept):
            if path.parent.name == "content" and path.suffix != ".tmp":
                assert digest_of(path.read_bytes()).replace(":", "-") == path.name
            path.unlink()


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"XDG_CACHE_HOME": "/x", "HOME": "/home/ann"}, "/x/bactools"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/home/ann"}, "/home/ann/.cache/bactools"),
        ({"XDG_CACHE_HOME": "", "HOME": "/home/ann"}, "/home/ann/.cache/bactools"),
        ({"HOME": "/home/ann"}, "/home/ann/.cache/bactools"),
        ({"HOME": "relative"}, None),
        ({}, None),
    ],
)
def test_the_folder_is_the_environments(monkeypatch, variables, folder):
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache.find() == (Cache(folder) if folder else None)


PATH = "/v2/app/manifests/1"
FIRST, SECOND = (json.dumps({"mediaType": INDEX, "manifests": [], "n": number}).encode() for number in (1, 2))


@pytest.fixture
def server():
    with serving() as script:
        yield script


@pytest.fixture
def place(server, kept):
    """``place(Rules(…))``: the repository ``app`` through the cache; ``place.faults`` are those that were told."""
    with closing(Client()) as client:
        named = reference.parse(f"{server.host}/app")
        repository = Repository(client, Logins(client, lambda _: None), named)

        def made(rules=Rules(), kept=kept):  # noqa: B008 (it is frozen)
            return Cached(kept, rules, named, lambda: repository, made.faults.append)

        made.faults = []
        yield made


def asked(server):
    """The methods and paths of the requests since the last time."""
    found = [(request.method, request.target) for request in server.requests]
    server.requests.clear()
    return found


def tagged(body, **headers):
    return Answer(body=body, headers={"Docker-Content-Digest": digest_of(body), "Content-Type": INDEX, **headers})


def test_a_tag_costs_one_head_and_follows_where_it_moves(server, place):
    server.answers = {PATH: tagged(FIRST)}
    found = place().manifest("1")
    assert found == (FIRST, INDEX, digest_of(FIRST))
    assert asked(server) == [("GET", PATH)]
    assert place().manifest("1") == found
    assert asked(server) == [("HEAD", PATH)]
    server.answers = {PATH: tagged(SECOND)}
    assert place().manifest("1").body == SECOND
    assert asked(server) == [("HEAD", PATH), ("GET", PATH)]


def test_a_digest_costs_nothing_once_it_was_seen_in_this_repository(server, place):
    server.answers = {PATH: tagged(FIRST)}
    found = place().manifest("1")
    asked(server)
    assert place().manifest(found.digest) == found
    assert asked(server) == []


def test_a_digest_that_only_another_repository_has_is_asked_for(server, place, kept):
    kept.keep_content(digest_of(FIRST), FIRST)
    with pytest.raises(BacError) as caught:
        place().manifest(digest_of(FIRST))
    assert caught.value.code == "not_found"
    assert asked(server) == [("GET", f"/v2/app/manifests/{digest_of(FIRST)}")]


def test_a_tag_is_believed_as_long_as_it_may(server, place, kept):
    server.answers = {PATH: tagged(FIRST)}
    place().manifest("1")
    asked(server)
    assert place(Rules(max_age=3600)).manifest("1").body == FIRST
    assert asked(server) == []
    note = kept.note(f"{server.host}/app:1")
    kept.keep_note(note._replace(confirmed=note.confirmed - 3601))
    assert place(Rules(max_age=3600)).manifest("1").body == FIRST
    assert asked(server) == [("HEAD", PATH)]
    assert place(Rules(max_age=3600)).manifest("1").body == FIRST
    assert asked(server) == []


@pytest.mark.parametrize("head", [Answer(405), Answer(200), Answer(200, headers={"Docker-Content-Digest": "sha256:0"})])
def test_where_head_tells_no_digest_the_tag_is_fetched(server, place, head):
    server.answers = {PATH: tagged(FIRST)}
    place().manifest("1")
    asked(server)
    server.answers = {f"GET {PATH}": tagged(FIRST), f"HEAD {PATH}": head}
    assert place().manifest("1").body == FIRST
    assert asked(server) == [("HEAD", PATH), ("GET", PATH)]


def test_a_tag_that_is_gone_is_not_found_whatever_the_cache_holds(server, place):
    server.answers = {PATH: tagged(FIRST)}
    place().manifest("1")
    server.answers = {}
    with pytest.raises(BacError) as caught:
        place().manifest("1")
    assert caught.value.code == "not_found"


def test_damaged_content_is_fetched_again(server, place, kept):
    server.answers = {PATH: tagged(FIRST), f"/v2/app/manifests/{digest_of(FIRST)}": tagged(FIRST)}
    place().manifest("1")
    asked(server)
    for target in ("1", digest_of(FIRST)):
        Path(kept.folder, "content", digest_of(FIRST).replace(":", "-")).write_bytes(SECOND)
        assert place(Rules(max_age=3600)).manifest(target).body == FIRST
        assert asked(server) == [("GET", f"/v2/app/manifests/{target}")]


def test_a_config_is_fetched_once(server, place):
    path = f"/v2/app/blobs/{DIGEST}"
    server.answers = {path: Answer(body=BODY)}
    assert [place().config(DIGEST).body for _ in range(2)] == [BODY, BODY]
    assert asked(server) == [("GET", path)]


def test_offline_is_answered_from_the_cache_or_not_at_all(server, place, kept):
    server.answers = {PATH: tagged(FIRST)}
    place().manifest("1")
    asked(server)
    note = kept.note(f"{server.host}/app:1")
    kept.keep_note(note._replace(confirmed=0.0))
    offline = place(Rules(offline=True))
    assert offline.manifest("1").body == FIRST
    for fetch, target in ((offline.manifest, "2"), (offline.manifest, DIGEST), (offline.config, DIGEST)):
        with pytest.raises(BacError) as caught:
            fetch(target)
        assert caught.value.code == "not_cached"
    assert asked(server) == []


def test_a_cache_that_cannot_be_written_is_a_fault_and_no_failure(server, place, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    server.answers = {PATH: tagged(FIRST)}
    assert place(kept=Cache(f"{tmp_path}/file/bactools")).manifest("1").body == FIRST
    assert [fault.code for fault in place.faults] == ["unwritable_file"]
