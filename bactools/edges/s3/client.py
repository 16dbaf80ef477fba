"""One bucket behind an S3 endpoint. The only importer of boto3, which comes with the extra ``s3``.

Credentials come from boto3's own chain (environment, profiles, roles) and are put into no message; nor is the text of
an answer: what failed is told by the HTTP status, the code of the S3 protocol and the type of boto3's exceptions.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core.errors import BacError
from bactools.core.s3_select import Object
from bactools.edges.http import is_address, shown
from bactools.edges.s3.slices import Slice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.edges.s3.at_once import Going

CONNECT_TIMEOUT = 10
READ_TIMEOUT = 60
"""Seconds that nothing may arrive."""
ATTEMPTS = 4
"""Times that a request is made before its failure counts, the last included."""
CONNECTIONS = 10
CHUNK = 128 * 1024
"""Bytes that are waited for at once."""
PART = 16 * 1024 * 1024
"""Bytes of a part of an object that is uploaded in parts."""
GRACE = 3.0
"""Seconds for the server to hear that an upload is given up."""
MAX_PARTS = 10_000
"""Parts of an object, S3's own limit."""
UNVERSIONED = "null"
"""What S3 calls the version of an object that has none."""
CHECKED = {"ChecksumAlgorithm": "SHA256"}

HINTS = {
    "unauthorized": "Check the credentials that boto3 finds (AWS_ACCESS_KEY_ID, AWS_PROFILE) and what they may do.",
    "not_found": "Check the bucket, the key, the version, and the Endpoint.",
    "unreachable": "Check the Endpoint and the network, or try again.",
    "file_changed": "Try again.",
}
STATUSES = {400: "bad_spec", 401: "unauthorized", 403: "unauthorized", 404: "not_found", 405: "not_found"}
STATUSES |= {412: "file_changed", 416: "file_changed", 429: "rate_limited", 503: "rate_limited"}
EXPIRED = frozenset({"ExpiredToken", "InvalidToken", "TokenRefreshRequired"})
OTHER_REGION = frozenset({"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"})
REDIRECTS = range(300, 400)
BAD_REQUEST = 400
_WORD = re.compile(r"[A-Za-z0-9.-]{1,64}")


class Head(NamedTuple):
    """What a bucket says of an object before it is fetched; ``checksum`` is its SHA-256 as S3 writes it."""

    object: Object
    checksum: str | None
    is_folder: bool


class Stored(NamedTuple):
    """What a bucket says of an object that it took; the checksum of one that came in parts is of their checksums."""

    version: str | None
    checksum: str | None


class Bucket:
    """A bucket. Threads may share it."""

    def __init__(self, name: str, client: Any, place: str) -> None:
        self._name = name
        self._client = client
        self._place = place

    def head(self, key: str, version: str | None = None) -> Head:
        """What there is at a key. Raises BacError ``not_found``, ``unauthorized``, ``unreachable``, …."""
        with _asking(f"looking at {self._url(key)}{self._place}"):
            found = self._client.head_object(**self._which(key, version), ChecksumMode="ENABLED")
        return Head(
            Object(key, int(found["ContentLength"]), found["ETag"]),
            found.get("ChecksumSHA256"),
            str(found.get("ContentType", "")).startswith("application/x-directory"),
        )

    def listing(self, prefix: str, going: Going) -> Iterator[Object]:
        """The objects whose keys start so, in the order of their keys. Raises BacError as ``head``."""
        with _asking(f"listing {self._url(prefix)}{self._place}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix)
            for page in pages:
                going.moved()
                for item in page.get("Contents", ()):
                    yield Object(item["Key"], int(item["Size"]), item["ETag"])

    def chunks(self, item: Object, version: str | None, start: int) -> Iterator[bytes]:
        """The bytes of an object from an offset on, as long as it is the same object.

        Raises BacError as ``head``, and ``file_changed`` for another object; while it is read, ``unreachable`` or
        ``timed_out`` when it breaks off.
        """
        doing = f"fetching {self._url(item.key)}{self._place}"
        wanted = {**self._which(item.key, version), **({"Range": f"bytes={start}-"} if start else {})}
        with _asking(doing):
            found = self._client.get_object(**wanted, IfMatch=item.etag)
        if start and not str(found.get("ContentRange", "")).startswith(f"bytes {start}-"):
            found["Body"].close()
            raise BacError("unreachable", f"{doing}: it broke off, and the server does not send the rest alone")
        return _read(found["Body"], doing)

    def put(self, key: str, number: int, size: int, going: Going) -> Stored:
        """Upload ``size`` bytes of an open file, its first ones; nothing of them is kept in memory.

        Raises BacError as ``head``, and ``file_changed`` when there are fewer.
        """
        with _asking(f"uploading to {self._url(key)}{self._place}"), _reading(key, number, size):
            if size <= PART:
                found = self._client.put_object(**self._which(key), Body=Slice(number, 0, size, going.moved), **CHECKED)
            else:
                found = self._put_in_parts(key, number, size, going)
        version = found.get("VersionId")
        return Stored(None if version == UNVERSIONED else version, found.get("ChecksumSHA256"))

    def _put_in_parts(self, key: str, file: int, size: int, going: Going) -> Any:
        which = self._which(key)
        step = max(PART, -(-size // MAX_PARTS))
        upload = {**which, "UploadId": self._client.create_multipart_upload(**which, **CHECKED)["UploadId"]}
        parts = []
        try:
            for number, start in enumerate(range(0, size, step), 1):
                if going.stopped.is_set():
                    raise BacError("timed_out", f"uploading to {self._url(key)}: it was given up")
                body = Slice(file, start, min(step, size - start), going.moved)
                found = self._client.upload_part(**upload, PartNumber=number, Body=body, **CHECKED)
                told = {name: found[name] for name in ("ETag", "ChecksumSHA256") if name in found}
                parts.append({"PartNumber": number, **told})
            return self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        except BaseException:
            telling = Thread(target=self._abort, args=(upload,), daemon=True)  # a silent server must not hold us up
            telling.start()
            telling.join(GRACE)
            raise

    def _abort(self, upload: dict[str, Any]) -> None:
        with suppress(BacError), _asking("giving up an upload"):
            self._client.abort_multipart_upload(**upload)

    def _url(self, key: str) -> str:
        return f"s3://{self._name}/{key}"

    def _which(self, key: str, version: str | None = None) -> dict[str, Any]:
        return {"Bucket": self._name, "Key": key, **({"VersionId": version} if version else {})}


@contextmanager
def bucket(name: str, region: str | None, endpoint: str | None) -> Iterator[Bucket]:
    """A bucket at ``endpoint``, else where boto3's configuration and ``region`` say.

    Raises BacError ``unsupported`` without boto3, ``bad_spec``, ``bad_config``.
    """
    check(endpoint)
    client = _client(f"preparing to use the bucket {name}", region, endpoint)
    try:
        yield Bucket(name, client, f" at {shown(endpoint)}" if endpoint else "")
    finally:
        client.close()


def check(endpoint: str | None) -> None:
    """Refuse what no request could be made with. Raises BacError ``unsupported`` without boto3, ``bad_spec``."""
    if find_spec("boto3") is None:
        hint = "python -m pip install 'bactools[s3]'"
        raise BacError("unsupported", "S3 needs boto3, which is not installed", hint=hint)
    if endpoint and not is_address(endpoint):
        message = f"the Endpoint {shown(endpoint)} is no http or https URL, or has a user"
        raise BacError("bad_spec", message, hint="It looks like https://s3.example.org:9000")


def _read(body: Any, doing: str) -> Iterator[bytes]:
    try:
        with _asking(doing):
            while chunk := body.read(CHUNK):
                yield chunk
    finally:
        body.close()


@contextmanager
def _reading(key: str, number: int, size: int) -> Iterator[None]:
    """Tell whether an upload failed because of its file. Raises BacError ``file_changed``, ``unreadable_file``."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (EOFError, OSError, BotoCoreError, ClientError) as error:
        if isinstance(error, EOFError) or os.fstat(number).st_size < size:
            message = f"what is uploaded to {key} became shorter meanwhile"
            raise BacError("file_changed", message, hint="Try again.") from error
        if isinstance(error, OSError):
            raise BacError("unreadable_file", f"uploading to {key}: {error.strerror}") from error
        raise


def _client(doing: str, region: str | None, endpoint: str | None) -> Any:
    from boto3.session import Session
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=CONNECTIONS,
        s3={"addressing_style": "path"} if endpoint else None,
    )
    with _asking(doing):
        return Session().client("s3", region_name=region, endpoint_url=endpoint, config=config)


@contextmanager
def _asking(doing: str) -> Iterator[None]:
    """What goes wrong between boto3 and a server, as BacError; ``doing`` begins the message."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _answered(doing, error.response) from error
    except (BotoCoreError, ValueError) as error:
        code, reason = _local(error)
        raise BacError(code, f"{doing}: {reason}", hint=HINTS.get(code)) from error


def _answered(doing: str, response: Any) -> BacError:
    told = response.get("ResponseMetadata", {})
    status = int(told.get("HTTPStatusCode") or 0)
    word = str(response.get("Error", {}).get("Code", ""))
    said = f"{status} {word}" if _WORD.fullmatch(word) and word != str(status) else str(status)
    region = told.get("HTTPHeaders", {}).get("x-amz-bucket-region", "")
    if word in OTHER_REGION or status in REDIRECTS or (status == BAD_REQUEST and region):
        hint = f"Set Region to {region}." if _WORD.fullmatch(region) else "Set Region to where the bucket is."
        return BacError("bad_spec", f"{doing}: the bucket is in another region ({said})", hint=hint)
    code = "unauthorized" if word in EXPIRED else STATUSES.get(status, "unreachable")
    return BacError(code, f"{doing}: the server answers {said}", hint=HINTS.get(code))


def _local(error: Exception) -> tuple[str, str]:
    """The code and the reason of a failure that was no answer."""
    from botocore import exceptions as of

    kinds: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
        ((of.NoCredentialsError,), "unauthorized", "boto3 finds no credentials"),
        ((of.PartialCredentialsError, of.CredentialRetrievalError), "unauthorized", "boto3 cannot get credentials"),
        ((of.SSOError, of.NoAuthTokenError, of.TokenRetrievalError), "unauthorized", "boto3 cannot get credentials"),
        ((of.FlexibleChecksumError, of.ChecksumError), "digest_mismatch", "the bytes do not have their checksum"),
        ((of.ReadTimeoutError, of.ConnectTimeoutError), "timed_out", "the server takes too long"),
        ((of.SSLError,), "unreachable", "the server has no certificate that is trusted here"),
        ((of.IncompleteReadError, of.ResponseStreamingError), "unreachable", "the server broke off"),
        ((of.HTTPClientError, of.ConnectionError), "unreachable", "the server does not answer"),
        ((of.ProfileNotFound, of.ConfigParseError, of.ConfigNotFound), "bad_config", "boto3's configuration is broken"),
        ((of.BaseEndpointResolverError,), "bad_config", "boto3 does not know where the bucket is"),
    )
    for types, code, reason in kinds:
        if isinstance(error, types):
            return code, reason
    return "bad_spec", f"boto3 refuses it ({type(error).__name__})"
