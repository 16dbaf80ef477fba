"""bac-exec with a real S3 service: inputs from it, results to it, and one that falls silent."""

from __future__ import annotations

import base64
import hashlib
import json
import signal
import tarfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import s3_server
import silent_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from processes import Completed

    Run = Callable[..., Completed]

DATA = Path(__file__).parent.parent / "data"
REGION = s3_server.REGION


def job(module: str, inputs: Any = (), **more: Any) -> bytes:
    """A job that runs a module of tests/data; ``inputs`` are pairs of a source and its target."""
    engine = {"Type": "wasm", "Params": {"EntryModule": "/m.wat"}}
    sources = [{"Target": "/m.wat", "Source": {"Type": "local", "Params": {"SourcePath": str(DATA / module)}}}]
    sources += [{"Target": target, "Source": {"Type": "s3", "Params": params}} for params, target in inputs]
    task = {"Name": "main", "Engine": engine, "InputSources": sources, **more}
    return json.dumps({"Name": "j", "Type": "batch", "Tasks": [task]}).encode()


class Bucket:
    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.s3 = s3_server.client(endpoint)
        self.s3.create_bucket(Bucket="bucket")

    def put(self, key: str, data: bytes) -> None:
        self.s3.put_object(Bucket="bucket", Key=key, Body=data)

    def get(self, key: str) -> bytes:
        data: bytes = self.s3.get_object(Bucket="bucket", Key=key)["Body"].read()
        return data

    def params(self, key: str, **more: Any) -> dict[str, Any]:
        return {"Bucket": "bucket", "Key": key, "Endpoint": self.endpoint, "Region": REGION, **more}


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with s3_server.serving() as url:
        made = Bucket(url)
        yield made
        made.s3.close()


def test_an_object_is_read_by_the_job(run: Run, bucket: Bucket):
    bucket.put("data/name.txt", b"from s3\n")
    work = job("cat.wat", inputs=[(bucket.params("data/name.txt"), "/in")])
    done = run("bac-exec", "-", input=work, env=s3_server.CREDENTIALS)
    (record,) = done.records
    assert (done.status, record["status"], record["stdout"]["tail"]) == (0, "completed", "from s3\n")


def test_a_prefix_is_read_by_the_job(run: Run, bucket: Bucket):
    for name in ("other.txt", "name.txt"):
        bucket.put(f"many/{name}", name.encode())
    work = job("cat.wat", inputs=[(bucket.params("many/*"), "/in")])
    (record,) = run("bac-exec", "-", input=work, env=s3_server.CREDENTIALS).records
    assert record["stdout"]["tail"] == "name.txt"


def test_a_wrong_checksum_is_refused_and_not_to_be_tried_again(run: Run, bucket: Bucket, home: Path):
    bucket.put("sum", b"right")
    wrong = base64.b64encode(hashlib.sha256(b"wrong").digest()).decode()
    work = job("cat.wat", inputs=[(bucket.params("sum", ChecksumSHA256=wrong), "/in")])
    done = run("bac-exec", "-", input=work, env=s3_server.CREDENTIALS)
    (record,) = done.records
    assert (done.status, record["code"], record["retryable"]) == (3, "bad_input", False)
    assert list(home.glob("job-*")) == []


def test_an_object_that_is_not_there_is_said(run: Run, bucket: Bucket):
    work = job("cat.wat", inputs=[(bucket.params("absent"), "/in")])
    (record,) = run("bac-exec", "-", input=work, env=s3_server.CREDENTIALS).records
    assert record["code"] == "not_found"
    assert s3_server.CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in json.dumps(record)


@pytest.mark.parametrize(("encoding", "end"), [("plain", "/"), ("gzip", ".tar.gz")])
def test_results_are_published_where_the_record_says(run: Run, bucket: Bucket, encoding: str, end: str):
    bucket.put("in/name.txt", b"published\n")
    publisher = {"Type": "s3", "Params": bucket.params(f"{encoding}/{{jobID}}", Encoding=encoding)}
    work = job("cat.wat", inputs=[(bucket.params("in/name.txt"), "/in")], Publisher=publisher)
    (record,) = run("bac-exec", "-", input=work, env=s3_server.CREDENTIALS).records
    told = record["published"]
    assert (told["Type"], told["Params"]["Key"]) == ("s3", f"{encoding}/{record['job']}{end}")
    if encoding == "plain":
        assert bucket.get(told["Params"]["Key"] + "stdout") == b"published\n"
    else:
        with tarfile.open(fileobj=BytesIO(bucket.get(told["Params"]["Key"]))) as packed:
            assert "stdout" in packed.getnames()


def test_results_that_cannot_be_published_stay(run: Run, bucket: Bucket):
    bucket.put("in/name.txt", b"kept\n")
    publisher = {"Type": "s3", "Params": {**bucket.params("k"), "Bucket": "no-such-bucket"}}
    work = job("cat.wat", inputs=[(bucket.params("in/name.txt"), "/in")], Publisher=publisher)
    done = run("bac-exec", "-", input=work, env=s3_server.CREDENTIALS)
    record, error = done.records
    assert (done.status, record["status"], record["published"], error["code"]) == (5, "completed", None, "not_found")
    assert (Path(record["results"]) / "stdout").read_bytes() == b"kept\n"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where commands put what they fetch."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def silent(server: silent_server.Silent, key: str) -> dict[str, Any]:
    return {"Bucket": "b", "Key": key, "Endpoint": server.url, "Region": REGION}


@pytest.mark.parametrize("key", ["one", "d/*"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait_and_leaves_a_record(spawn: Any, scratch: Path, key: str, number: signal.Signals):
    with silent_server.serving() as server:
        work = job("cat.wat", inputs=[(silent(server, key), "/in")])
        env = {**s3_server.CREDENTIALS, "TMPDIR": str(scratch)}
        process = spawn("bac-exec", "-", input=work, env=env)
        assert server.waiting.wait(60)
        process.send_signal(number)
        record = json.loads(process.communicate(timeout=40)[0])
    assert (record["kind"], record["status"]) == ("result", "cancelled")
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("key", ["one", "d/*"])
def test_the_total_timeout_goes_for_fetching(run: Run, scratch: Path, key: str):
    with silent_server.serving() as server:
        work = job("cat.wat", inputs=[(silent(server, key), "/in")], Timeouts={"TotalTimeout": 2})
        env = {**s3_server.CREDENTIALS, "TMPDIR": str(scratch)}
        (record,) = run("bac-exec", "-", input=work, env=env, timeout=40).records
    assert (record["status"], record["message"]) == (
        "timeout",
        "stopped after its total timeout of 2 s, before the job had started",
    )
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("encoding", ["plain", "gzip"])
def test_a_signal_ends_publishing_and_leaves_a_record(spawn: Any, encoding: str):
    with silent_server.serving() as server:
        publisher = {"Type": "s3", "Params": {**silent(server, "k"), "Encoding": encoding}}
        process = spawn("bac-exec", "-", input=job("exit3.wat", Publisher=publisher), env=s3_server.CREDENTIALS)
        assert server.waiting.wait(60)
        process.send_signal(signal.SIGTERM)
        record = json.loads(process.communicate(timeout=40)[0])
    assert (record["status"], record["exit_code"], record["published"]) == ("failed", 3, None)
    assert "a signal stopped its publishing" in record["message"]
    assert (Path(record["results"]) / "exitCode").read_bytes() == b"3"
