"""S3 as a source of inputs and as a place for results."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import sys
import tarfile
import tracemalloc
from datetime import datetime, timezone
from io import BytesIO
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
import s3_server
import scripted
import silent_server
from scripted import DROP, Answer

from bactools.core.budget import Budget
from bactools.core.errors import BacError
from bactools.core.placeholders import Placeholders
from bactools.edges import alarm
from bactools.edges.publishers import tarballs
from bactools.edges.s3 import at_once, client, publisher, source
from bactools.edges.s3.at_once import Going

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT = 1 << 40
NAMES = Placeholders("j-1", "e-2", "n-3", datetime(2024, 2, 9, 7, 5, 3, tzinfo=timezone.utc))
NUMBERS = count()
TAG = {"ETag": '"e"', "Content-Type": "binary/octet-stream"}


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3_server.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(client, "ATTEMPTS", 1)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server.serving() as url:
        yield url


class Bucket:
    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.name = f"bucket-{next(NUMBERS)}"
        self.s3 = s3_server.client(endpoint)
        self.s3.create_bucket(Bucket=self.name)

    def put(self, **objects: bytes) -> None:
        for key, data in objects.items():
            self.s3.put_object(Bucket=self.name, Key=key, Body=data)

    def params(self, key: str, **more: Any) -> dict[str, Any]:
        return {"Bucket": self.name, "Key": key, "Endpoint": self.endpoint, "Region": s3_server.REGION, **more}

    def objects(self) -> dict[str, bytes]:
        found = self.s3.list_objects_v2(Bucket=self.name).get("Contents", ())
        return {it["Key"]: self.s3.get_object(Bucket=self.name, Key=it["Key"])["Body"].read() for it in found}


@pytest.fixture
def bucket(endpoint: str) -> Iterator[Bucket]:
    made = Bucket(endpoint)
    yield made
    made.s3.close()


def fetch(params: dict[str, Any], folder: Path, partition: tuple[int, int] = (0, 1), limit: int = LIMIT) -> Path:
    return source.fetch(params, folder, Budget(limit), lambda _: None, partition)


def refused(params: dict[str, Any], folder: Path, **options: Any) -> BacError:
    with pytest.raises(BacError) as caught:
        fetch(params, folder, **options)
    assert list(folder.iterdir()) == []
    assert "a-secret-of-a-test" not in caught.value.line()
    assert "AKIDOFATEST" not in caught.value.line()
    return caught.value


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_object_is_in_a_folder_under_the_end_of_its_key(bucket: Bucket, tmp_path: Path):
    bucket.put(**{"data/deep/a b+ü.txt": b"hello", "data/deep/a b+ü.txt2": b"not this"})
    assert files(fetch(bucket.params("data/deep/a b+ü.txt"), tmp_path)) == {"a b+ü.txt": b"hello"}


def test_a_prefix_brings_all_below_it(bucket: Bucket, tmp_path: Path):
    bucket.put(**{"d/x1": b"1", "d/x/2": b"2", "d/y": b"3", "d/x/": b"", "e": b"4", "d/x0": b""})
    assert files(fetch(bucket.params("d/x*"), tmp_path)) == {"x1": b"1", "x/2": b"2", "x0": b""}


def test_an_empty_key_means_the_whole_bucket(bucket: Bucket, tmp_path: Path):
    bucket.put(**{"d/x": b"1", "e": b"2"})
    assert files(fetch(bucket.params(""), tmp_path)) == {"d/x": b"1", "e": b"2"}


def test_a_filter_leaves_out_the_others(bucket: Bucket, tmp_path: Path):
    bucket.put(**{"d/a.csv": b"1", "d/a.txt": b"2"})
    assert files(fetch(bucket.params("d/", Filter=r"\.csv$"), tmp_path)) == {"a.csv": b"1"}


def test_a_listing_of_many_pages_is_read_to_its_end(bucket: Bucket, tmp_path: Path):
    bucket.put(**{f"d/{number:04}": b"x" for number in range(1003)})
    found = fetch(bucket.params("d/", Filter="000$|100"), tmp_path)
    assert sorted(files(found)) == ["0000", "0100", "1000", "1001", "1002"]


def test_every_execution_gets_its_share(bucket: Bucket, tmp_path: Path):
    bucket.put(**{f"d/{year}.csv": b"" for year in (2023, 2024, 2025)})
    params = bucket.params("d/", Partition={"Type": "date", "DateFormat": "2006"})
    shares = []
    for index in range(3):
        (tmp_path / str(index)).mkdir()
        shares.append(sorted(files(fetch(params, tmp_path / str(index), (index, 3)))))
    assert shares == [["2025.csv"], ["2023.csv"], ["2024.csv"]]


def test_an_older_version_can_be_asked_for(bucket: Bucket, tmp_path: Path):
    bucket.s3.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    old = bucket.s3.put_object(Bucket=bucket.name, Key="a", Body=b"old")["VersionId"]
    bucket.put(a=b"new")
    assert files(fetch(bucket.params("a", VersionID=old), tmp_path)) == {"a": b"old"}


@pytest.mark.parametrize("encode", [lambda digest: base64.b64encode(digest).decode(), bytes.hex])
def test_a_checksum_is_that_of_the_bytes(bucket: Bucket, tmp_path: Path, encode: Any):
    bucket.put(a=b"hello")
    right, wrong = (encode(hashlib.sha256(data).digest()) for data in (b"hello", b"other"))
    assert refused(bucket.params("a", ChecksumSHA256=wrong), tmp_path).code == "bad_input"
    assert files(fetch(bucket.params("a", ChecksumSHA256=right), tmp_path)) == {"a": b"hello"}


def test_what_is_not_there_is_not_found(bucket: Bucket, tmp_path: Path):
    error = refused(bucket.params("absent"), tmp_path)
    assert error.code == "not_found"
    assert f"s3://{bucket.name}/absent at http://127.0.0.1:" in error.message
    assert refused({**bucket.params("d/"), "Bucket": "no-such-bucket"}, tmp_path).code == "not_found"


def test_the_budget_is_kept_before_anything_is_fetched(bucket: Bucket, tmp_path: Path):
    bucket.put(**{"d/a": b"12345", "d/b": b"12345"})
    assert refused(bucket.params("d/"), tmp_path, limit=9).code == "too_large"
    assert len(files(fetch(bucket.params("d/"), tmp_path, limit=10))) == 2


def test_a_key_cannot_lead_out_of_the_folder(bucket: Bucket, tmp_path: Path):
    bucket.put(**{"d/../../../x": b"1"})
    assert refused(bucket.params("d/*"), tmp_path).code == "bad_input"


def test_a_full_disk_is_said(bucket: Bucket, small_disk: Path):
    bucket.put(**{"d/a": b"x" * (2 << 20), "d/b": b"x"})
    assert refused(bucket.params("d/a"), small_disk).code == "unwritable_file"
    assert refused(bucket.params("d/"), small_disk).code == "unwritable_file"


@pytest.mark.parametrize(
    "url", ["ftp://example.org", "http://", "no url", "http://user:word@127.0.0.1:1", "http://h:0x"]
)
def test_an_endpoint_is_a_url_without_a_user(tmp_path: Path, url: str):
    error = refused({"Bucket": "b", "Key": "a", "Endpoint": url}, tmp_path)
    assert error.code == "bad_spec"
    assert "word" not in error.line()


def test_nobody_listening_is_unreachable(tmp_path: Path):
    with scripted.serving() as server:
        gone = f"http://{server.host}"
    assert refused({"Bucket": "b", "Key": "a", "Endpoint": gone}, tmp_path).code == "unreachable"


def asked(server: scripted.Scripted, **more: Any) -> dict[str, Any]:
    return {"Bucket": "b", "Key": "a", "Endpoint": f"http://{server.host}", "Region": "us-east-1", **more}


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "unauthorized"), (403, "unauthorized"), (404, "not_found"), (429, "rate_limited"), (500, "unreachable")],
)
def test_a_status_tells_what_is_wrong(tmp_path: Path, status: int, code: str):
    with scripted.serving() as server:
        server.answers["/b/a"] = Answer(status)
        error = refused(asked(server), tmp_path)
    assert error.code == code
    assert str(status) in error.message


def test_a_bucket_of_another_region_names_it(tmp_path: Path):
    body = b"<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>"
    with scripted.serving() as server:
        server.answers["/b"] = Answer(301, body, {"x-amz-bucket-region": "eu-west-3"})
        error = refused(asked(server, Key="a/"), tmp_path)
    assert error.code == "bad_spec"
    assert error.hint == "Set Region to eu-west-3."


def test_an_answer_that_is_no_s3_is_an_error(tmp_path: Path):
    with scripted.serving() as server:
        server.answers["/b"] = Answer(200, b"<html>not a listing")
        assert refused(asked(server, Key="a/"), tmp_path).code in {"unreachable", "bad_spec"}


def test_no_credentials_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with scripted.serving() as server:
        error = refused(asked(server), tmp_path)
    assert error.code == "unauthorized"
    assert error.message.endswith("boto3 finds no credentials")


def test_an_unknown_profile_is_bad_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert refused({"Bucket": "b", "Key": "a"}, tmp_path).code == "bad_config"


def test_without_boto3_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    error = refused({"Bucket": "b", "Key": "a"}, tmp_path)
    assert (error.code, error.hint) == ("unsupported", "python -m pip install 'bactools[s3]'")


def head(size: int) -> Answer:
    return Answer(200, b"", {**TAG, "Content-Length": str(size)})


def test_what_breaks_off_is_taken_up_there(tmp_path: Path):
    data = bytes(range(256)) * 8192
    half = source.MIB
    with scripted.serving() as server:
        server.answers["HEAD /b/a"] = head(len(data))
        server.answers["GET /b/a"] = [
            Answer(200, data[:half], {**TAG, "Content-Length": str(len(data))}),
            Answer(206, data[half:], {**TAG, "Content-Range": f"bytes {half}-{len(data) - 1}/{len(data)}"}),
        ]
        digest = hashlib.sha256(data).hexdigest()
        assert files(fetch(asked(server, ChecksumSHA256=digest), tmp_path)) == {"a": data}


def test_a_server_that_begins_anew_is_not_mixed_up(tmp_path: Path):
    data = bytes(2 * source.MIB)
    with scripted.serving() as server:
        server.answers["HEAD /b/a"] = head(len(data))
        server.answers["GET /b/a"] = [
            Answer(200, data[: source.MIB], {**TAG, "Content-Length": str(len(data))}),
            Answer(200, data, TAG),
        ]
        assert refused(asked(server), tmp_path).code == "unreachable"


def test_a_server_that_always_closes_is_given_up(tmp_path: Path):
    with scripted.serving() as server:
        server.answers["HEAD /b/a"] = head(1000)
        server.answers["GET /b/a"] = Answer(200, b"", {**TAG, "Content-Length": "1000"})
        error = refused(asked(server), tmp_path)
        assert [each.method for each in server.requests] == ["HEAD", "GET", "GET"]
    assert error.code == "unreachable"
    assert error.message.endswith("the server broke off")


def test_a_server_that_closes_at_once_is_unreachable(tmp_path: Path):
    with scripted.serving() as server:
        server.answers["/b/a"] = DROP
        assert refused(asked(server), tmp_path).code == "unreachable"


@pytest.mark.parametrize("body", [b"short", b"longer than it was said"])
def test_an_object_that_has_another_size_now_has_changed(tmp_path: Path, body: bytes):
    with scripted.serving() as server:
        server.answers["HEAD /b/a"] = head(10)
        server.answers["GET /b/a"] = Answer(200, body, TAG)
        assert refused(asked(server), tmp_path).code == "file_changed"


def test_an_object_that_was_replaced_has_changed(tmp_path: Path):
    with scripted.serving() as server:
        server.answers["HEAD /b/a"] = head(10)
        server.answers["GET /b/a"] = Answer(412)
        assert refused(asked(server), tmp_path).code == "file_changed"


def test_one_failure_among_many_ends_them_all(tmp_path: Path):
    listing = "".join(f"<Contents><Key>d/{n}</Key><Size>4</Size><ETag>e</ETag></Contents>" for n in range(40))
    with scripted.serving() as server:
        server.answers["/b"] = Answer(200, f"<ListBucketResult>{listing}</ListBucketResult>".encode())
        server.answers.update({f"/b/d/{n}": Answer(200, b"data", TAG) for n in range(39)})
        server.answers["/b/d/39"] = Answer(403)
        assert refused(asked(server, Key="d/"), tmp_path).code == "unauthorized"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "job-1"
    (folder / "outputs" / "sub").mkdir(parents=True)
    (folder / "stdout").write_bytes(b"hello\n")
    (folder / "outputs" / "sub" / "ü").write_bytes(b"deep")
    (folder / "exitCode").write_bytes(b"0")
    return folder


def publish(params: dict[str, Any], folder: Path) -> dict[str, Any]:
    return publisher.publish(params, folder, NAMES, tarballs.pack, lambda _: None)


def unpublished(params: dict[str, Any], folder: Path) -> BacError:
    before = files(folder)
    with pytest.raises(BacError) as caught:
        publish(params, folder)
    assert files(folder) == before
    assert list(folder.parent.iterdir()) == [folder]
    return caught.value


def test_results_are_one_tarball_by_default(bucket: Bucket, results: Path):
    published = publish(bucket.params("runs/{jobID}/{executionID}"), results)
    data = bucket.objects()["runs/j-1/e-2.tar.gz"]
    checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert published == {"Type": "s3", "Params": bucket.params("runs/j-1/e-2.tar.gz", ChecksumSHA256=checksum)}
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        assert archive.getnames() == ["exitCode", "outputs", "outputs/sub", "outputs/sub/ü", "stdout"]
    assert list(results.parent.iterdir()) == [results]


def test_what_was_published_can_be_an_input(bucket: Bucket, results: Path, tmp_path: Path):
    (tmp_path / "in").mkdir()
    published = publish(bucket.params("r.tar.gz"), results)
    assert list(files(fetch(published["Params"], tmp_path / "in"))) == ["r.tar.gz"]


def test_a_large_tarball_goes_in_parts_and_comes_back(bucket: Bucket, results: Path, tmp_path: Path):
    (results / "outputs" / "large").write_bytes(os.urandom(client.PART + 1000))
    published = publish(bucket.params("large", Encoding="gzip"), results)
    assert bucket.s3.head_object(Bucket=bucket.name, Key="large.tar.gz")["ETag"].endswith('-2"')
    (tmp_path / "in").mkdir()
    with tarfile.open(fetch(published["Params"], tmp_path / "in") / "large.tar.gz") as archive:
        large = archive.extractfile("outputs/large")
        assert large is not None
        assert large.read() == (results / "outputs" / "large").read_bytes()


def test_a_checksum_of_parts_is_held_against_the_servers(tmp_path: Path):
    right, wrong = (base64.b64encode(bytes([number]) * 32).decode() + "-2" for number in (1, 2))
    with scripted.serving() as server:
        server.answers["HEAD /b/a"] = Answer(
            200, b"", {**TAG, "Content-Length": "4", "x-amz-checksum-sha256": right, "x-amz-checksum-type": "COMPOSITE"}
        )
        server.answers["GET /b/a"] = Answer(200, b"data", TAG)
        assert refused(asked(server, ChecksumSHA256=wrong), tmp_path).code == "bad_input"
        assert files(fetch(asked(server, ChecksumSHA256=right), tmp_path)) == {"a": b"data"}


def test_plain_results_are_an_object_a_file(bucket: Bucket, results: Path):
    published = publish(bucket.params("{date}/{time}", Encoding="plain"), results)
    assert published == {"Type": "s3", "Params": bucket.params("20240209/070503/")}
    start = "20240209/070503"
    assert bucket.objects() == {
        f"{start}/stdout": b"hello\n",
        f"{start}/exitCode": b"0",
        f"{start}/outputs/sub/ü": b"deep",
    }


def test_a_pipe_is_no_object_and_the_rest_is_published(bucket: Bucket, results: Path):
    os.mkfifo(results / "outputs" / "pipe")
    publish(bucket.params("p", Encoding="plain"), results)
    assert set(bucket.objects()) == {"p/stdout", "p/exitCode", "p/outputs/sub/ü"}


def test_a_version_is_told_where_there_are_any(bucket: Bucket, results: Path):
    bucket.s3.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    version = publish(bucket.params("r"), results)["Params"]["VersionID"]
    assert bucket.s3.head_object(Bucket=bucket.name, Key="r.tar.gz", VersionId=version)["ContentLength"] > 0


def test_a_link_cannot_be_an_object_and_is_not_followed(bucket: Bucket, results: Path):
    (results / "outputs" / "link").symlink_to("/etc/passwd")
    assert unpublished(bucket.params("r", Encoding="plain"), results).code == "unsupported"
    assert bucket.objects() == {}


def test_a_bucket_that_is_not_there_takes_nothing(bucket: Bucket, results: Path):
    params = {**bucket.params("r"), "Bucket": "no-such-bucket"}
    assert unpublished(params, results).code == "not_found"
    assert unpublished({**params, "Encoding": "plain"}, results).code == "not_found"


def test_a_bucket_that_may_not_be_written_is_said(results: Path, tmp_path: Path):
    with s3_server.serving(INITIAL_NO_AUTH_ACTION_COUNT="0") as strict:
        params = {"Bucket": "b", "Key": "r", "Endpoint": strict, "Region": "us-east-1"}
        assert unpublished(params, results).code == "unauthorized"
        (tmp_path / "in").mkdir()
        assert refused(params, tmp_path / "in").code == "unauthorized"
        assert refused({**params, "Key": "r/"}, tmp_path / "in").code == "unauthorized"


def test_an_upload_in_parts_that_fails_is_given_up(bucket: Bucket, tmp_path: Path):
    (tmp_path / "file").write_bytes(bytes(client.PART + 1))
    with (
        (tmp_path / "file").open("rb") as file,
        client.bucket(bucket.name, s3_server.REGION, bucket.endpoint) as place,
        pytest.raises(BacError) as caught,
    ):
        place.put("large", file.fileno(), client.PART + 2, Going())
    assert caught.value.code == "file_changed"
    assert "Uploads" not in bucket.s3.list_multipart_uploads(Bucket=bucket.name)


@pytest.mark.parametrize(
    "params", [{}, {"Bucket": "b"}, {"Bucket": "b", "Key": "k", "Encoding": "zip"}, {"Bucket": 1, "Key": "k"}]
)
def test_a_publisher_needs_a_bucket_and_a_key(results: Path, params: dict[str, Any]):
    assert unpublished(params, results).code == "bad_spec"


@pytest.mark.parametrize("key", ["one", "d/*"])
def test_a_clock_ends_the_wait_for_a_silent_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str):
    monkeypatch.setattr(at_once, "GRACE", 0.1)
    with silent_server.serving() as server, pytest.raises(alarm.Rung), alarm.ringing(0.5):
        fetch({"Bucket": "b", "Key": key, "Endpoint": server.url, "Region": "us-east-1"}, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["one", "d/*"])
def test_a_server_that_gives_no_mib_in_time_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str):
    monkeypatch.setattr(at_once, "GRACE", 0.1)
    monkeypatch.setattr(at_once, "PATIENCE", 0.5)
    with silent_server.serving() as server:
        error = refused({"Bucket": "b", "Key": key, "Endpoint": server.url, "Region": "us-east-1"}, tmp_path)
    assert error.code == "timed_out"
    assert "without a MiB" in error.message


@pytest.mark.parametrize("encoding", ["plain", "gzip"])
def test_a_server_that_takes_nothing_is_given_up(results: Path, monkeypatch: pytest.MonkeyPatch, encoding: str):
    monkeypatch.setattr(at_once, "GRACE", 0.1)
    monkeypatch.setattr(at_once, "PATIENCE", 0.5)
    with silent_server.serving() as server:
        params = {"Bucket": "b", "Key": "k", "Endpoint": server.url, "Region": "us-east-1", "Encoding": encoding}
        assert unpublished(params, results).code == "timed_out"


def test_uploads_are_not_held_in_memory(bucket: Bucket, results: Path):
    for number in range(4):
        (results / "outputs" / str(number)).write_bytes(bytes(client.PART + 1))
    publish(bucket.params("warm", Encoding="plain"), results)
    tracemalloc.start()
    try:
        publish(bucket.params("r", Encoding="plain"), results)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * client.PART


def test_whatever_the_umask_all_may_read_what_was_fetched(bucket: Bucket, tmp_path: Path):
    bucket.put(**{"d/x/y/z": b"1"})
    before = os.umask(0o077)
    try:
        found = fetch(bucket.params("d/*"), tmp_path)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (found, found / "x", found / "x/y", found / "x/y/z")]
    assert modes == [0o755, 0o755, 0o755, 0o644]
