"""Publishing to a node that is not there, that refuses, and that lies; tests/edges/test_ipfs.py has a real one."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from bactools.core import car
from bactools.core.errors import BacError
from bactools.edges.publishers import ipfs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def quiet(_: str | None) -> None:
    pass


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A node that takes an upload whole and says this; its URL, and what it was sent."""
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            while size := int(self.rfile.readline(), 16):
                received.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", received
        finally:
            server.shutdown()
            thread.join()


def root(name: str, problem: str = "") -> bytes:
    return json.dumps({"Root": {"Cid": {"/": name}, "PinErrorMsg": problem}}).encode() + b"\n"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "job-1"
    (folder / "outputs").mkdir(parents=True)
    (folder / "stdout").write_bytes(b"hello\n")
    (folder / "outputs/link").symlink_to("../stdout")
    return folder


def refusal(folder: Path, url: str) -> BacError:
    with pytest.raises(BacError) as caught:
        ipfs.publish(folder, url, quiet)
    return caught.value


def test_the_node_is_sent_every_block_in_a_car_with_its_root(results: Path):
    name = ipfs.cid_of(results)
    with answering(200, root(str(name))) as (url, received):
        assert ipfs.publish(results, f"{url}/api/v0/", quiet) == str(name)
    head, _, rest = b"".join(received).partition(b"\r\n\r\n")
    file = rest.rpartition(b"\r\n--")[0]
    assert b'name="file"' in head
    assert file.startswith(car.header(name))
    blocks = [found for found, _ in car.blocks([file])]
    assert blocks[-1] == name
    assert len(blocks) == 4


def test_a_node_that_names_another_cid_is_found_out(results: Path):
    with answering(200, root("QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH")) as (url, _):
        assert refusal(results, url).code == "digest_mismatch"


@pytest.mark.parametrize("answer", [b"", b"nonsense", b"[]\n", b'{"Root":7}\n', b'{"Stats":{}}\n'])
def test_an_answer_without_a_root_is_an_error(results: Path, answer: bytes):
    with answering(200, answer) as (url, _):
        assert refusal(results, url).code == "engine_failed"


def test_what_cannot_be_pinned_is_an_error(results: Path):
    with answering(200, root(str(ipfs.cid_of(results)), "disk full")) as (url, _):
        error = refusal(results, url)
    assert error.code == "engine_failed"
    assert "disk full" in error.message


@pytest.mark.parametrize(
    ("status", "code"), [(403, "unauthorized"), (401, "unauthorized"), (500, "engine_failed"), (404, "engine_failed")]
)
def test_a_refusal_is_told_with_the_nodes_words(results: Path, status: int, code: str):
    with answering(status, b'{"Message":"not today","Code":0,"Type":"error"}') as (url, _):
        error = refusal(results, url)
    assert error.code == code
    assert f"HTTP status {status} (not today)" in error.message


def test_a_node_that_is_not_there_is_told(results: Path):
    assert refusal(results, "http://127.0.0.1:1").code == "unreachable"


def test_a_pipe_among_the_results_is_left_out(results: Path):
    without = ipfs.cid_of(results)
    os.mkfifo(results / "outputs/pipe")
    assert ipfs.cid_of(results) == without


def test_folders_without_end_are_refused(tmp_path: Path):
    folder = tmp_path
    for _ in range(130):
        folder /= "d"
        folder.mkdir()
    assert refusal(tmp_path, "http://127.0.0.1:1").code == "too_large"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path):
    assert refusal(tmp_path / "absent", "http://127.0.0.1:1").code == "unreadable_file"


def test_a_file_that_changes_between_the_readings_is_told(results: Path, monkeypatch: pytest.MonkeyPatch):
    before = ipfs.cid_of(results)
    (results / "stdout").write_bytes(b"changed\n")
    monkeypatch.setattr(ipfs, "cid_of", lambda _: before)
    with answering(200, b"") as (url, _):
        assert refusal(results, url).code == "file_changed"


def test_names_that_are_not_utf8_are_published(tmp_path: Path):
    (tmp_path / os.fsdecode(b"\xff")).write_bytes(b"")
    assert str(ipfs.cid_of(tmp_path)).startswith("Qm")
