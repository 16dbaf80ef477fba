from __future__ import annotations

import json
import signal
import subprocess
from threading import Barrier, Event, Lock

import pytest
from bench import tags
from edges.scripted import Answer, serving
from own_registry import own_registry
from processes import TIMEOUT, eventually

INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = Answer(body=json.dumps({"mediaType": INDEX, "manifests": []}).encode(), headers={"Content-Type": INDEX})


@pytest.fixture(scope="module")
def images(registry, tool, tmp_path_factory):
    """Fifty different images of a real registry."""
    with own_registry(tmp_path_factory.mktemp("registry"), tool, registry) as own:
        yield tags.push(own.host, "busybox", "arm64", 50)


@pytest.fixture
def server():
    with serving() as script:
        yield script


def inputs(done):
    return [record["input"] for record in done.records]


def listed(home, words):
    (home / "list").write_text("".join(f"{word}\n" for word in words), encoding="ascii")
    return "@list"


def docker_job(image, id="j-1"):
    spec = {"Name": "t", "Type": "batch", "Count": 1, "Tasks": [{"Name": "main", "Engine": {"Type": "docker"}}]}
    spec["Tasks"][0]["Engine"]["Params"] = {"Image": image}
    return json.dumps({"kind": "job", "v": 1, "id": id, "spec": spec}).encode() + b"\n"


@pytest.mark.parametrize("width", ["1", "3", "8", "64"])
def test_fifty_images_are_told_in_their_order(run, home, images, width):
    done = run("bac-inspect", "-j", width, listed(home, images))
    assert (done.status, done.stderr) == (0, "")
    assert inputs(done) == images
    assert len({record["digest"] for record in done.records}) == 50
    assert {entry["platform"] for record in done.records for entry in record["platforms"]} == {"linux/arm64"}


def test_bad_references_are_records_among_the_good_ones(run, home, images):
    words = images[:]
    for place in (0, 7, 24, 52):
        words.insert(place, "Upper/Case" if place % 2 else images[0].replace("image-0", f"missing-{place}"))
    done = run("bac-inspect", listed(home, words))
    assert (done.status, done.stderr) == (5, "")
    assert inputs(done) == words
    codes = {place: record["code"] for place, record in enumerate(done.records) if record["kind"] == "error"}
    assert codes == {0: "not_found", 7: "bad_reference", 24: "not_found", 52: "not_found"}


def test_a_slow_image_keeps_its_place(run, server):
    rest_is_told = Event()

    def slow():
        assert rest_is_told.wait(TIMEOUT)
        return EMPTY

    def last():
        rest_is_told.set()
        return EMPTY

    words = [f"{server.host}/{name}:1" for name in ("slow", "a", "b", "last")]
    server.answers = dict.fromkeys(("/v2/a/manifests/1", "/v2/b/manifests/1"), EMPTY)
    server.answers |= {"/v2/slow/manifests/1": slow, "/v2/last/manifests/1": last}
    assert inputs(run("bac-inspect", "-j", "2", *words)) == words


class Meeting:
    """Answers that wait for each other, four at a time, and count how many of them there are at most."""

    def __init__(self):
        self.barrier = Barrier(4)
        self.lock = Lock()
        self.now = self.most = 0

    def __call__(self):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.barrier.wait(TIMEOUT)
        with self.lock:
            self.now -= 1
        return EMPTY


def test_j_is_how_many_are_asked_for_at_once(run, server):
    meeting = Meeting()
    words = [f"{server.host}/app:{number}" for number in range(12)]
    server.answers = {f"/v2/app/manifests/{number}": meeting for number in range(12)}
    assert inputs(run("bac-inspect", "-j", "4", *words)) == words
    assert meeting.most == 4


def test_jobs_and_other_lines_keep_their_order(run, images):
    other = b'{"kind":"node","v":1, "id":"n"}\n'
    lines = b"".join(docker_job(image, f"j-{number}") + other for number, image in enumerate(images))
    done = run("bac-inspect", input=lines)
    assert done.status == 0
    assert done.stdout.split(b"\n")[1::2] == [other[:-1]] * 50
    assert [record["id"] for record in done.records[::2]] == [f"j-{number}" for number in range(50)]
    assert {record["requires"]["platforms"][0] for record in done.records[::2]} == {"linux/arm64"}


def test_a_line_is_answered_before_the_next_one_is_there(spawn, images):
    process = spawn("bac-inspect", stdin=subprocess.PIPE)
    for number, image in enumerate(images[:3]):
        process.stdin.write(docker_job(image, f"j-{number}"))
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == f"j-{number}"
    process.stdin.close()
    assert process.wait(TIMEOUT) == 0


def test_a_bad_line_ends_the_run_after_what_came_before(run, images):
    done = run("bac-inspect", input=b"".join(map(docker_job, images[:20])) + b"{\n" + docker_job(images[20]))
    assert (done.status, len(done.records)) == (3, 20)
    assert done.stderr.endswith("[bad_line]\n")


@pytest.fixture
def hanging(server):
    """Twenty images that are never told, as long as the test runs."""
    over = Event()

    def never():
        over.wait(TIMEOUT)
        return EMPTY

    server.answers = {f"/v2/app/manifests/{number}": never for number in range(20)}
    yield [f"{server.host}/app:{number}" for number in range(20)]
    over.set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_for_nothing(spawn, server, hanging, number):
    process = spawn("bac-inspect", "-j", "4", *hanging)
    eventually(lambda: len(server.requests) == 4)
    process.send_signal(number)
    assert process.wait(TIMEOUT / 4) == -number
    assert (process.stdout.read(), process.stderr.read().strip()) == (b"", b"")
    assert len(server.requests) == 4


def test_a_reader_that_leaves_ends_it(shell, home, server, hanging):
    server.answers["/v2/app/manifests/0"] = server.answers["/v2/app/manifests/1"] = EMPTY
    done = shell(f"bac-inspect {listed(home, hanging)} | true; echo ${{PIPESTATUS[0]}}", timeout=TIMEOUT / 4)
    assert done.stdout == b"141\n"
    assert done.stderr == ""


def test_progress_is_shown_on_a_terminal_and_only_there(pty_run, run, home, images):
    words = ["bac-inspect", "--format", "jsonl", listed(home, images)]
    shown = pty_run(*words, terminal_stderr=True).stdout
    for number in (0, 1, 25, 50):
        assert b"%d of 50" % number in shown
    assert b"[" + b"." * 30 + b"] 0 of 50" in shown
    assert b"[" + b"#" * 30 + b"] 50 of 50" in shown
    records = [line.rpartition(b"\x1b[K")[2] for line in shown.split(b"\n") if b"{" in line]
    assert [json.loads(record)["input"] for record in records] == images
    assert b" of 50" not in pty_run(*words, "-q", terminal_stderr=True).stdout
    assert run(*words).stderr == ""
    assert b"inspecting" in pty_run("bac-inspect", images[0], terminal_stderr=True).stdout


def test_progress_through_jobs_has_no_end(pty_run, images):
    jobs = b"".join(map(docker_job, images[:5]))
    shown = pty_run("bac-inspect", "--format", "jsonl", input=jobs, terminal_stderr=True).stdout
    assert [number for number in range(7) if b"%d inspected" % number in shown] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("width", ["0", "-1", "1000", "x"])
def test_a_width_that_is_none_is_a_usage_error(run, width):
    assert run("bac-inspect", "-j", width, "busybox").status == 2
