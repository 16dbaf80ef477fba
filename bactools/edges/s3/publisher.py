"""Publishes results to S3: as one tar.gz, or as an object for each file."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from bactools.core.errors import BacError
from bactools.edges import trees
from bactools.edges.s3 import client
from bactools.edges.s3.at_once import alone, each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bactools.core.placeholders import Placeholders
    from bactools.edges.s3.at_once import Going
    from bactools.edges.s3.client import Bucket, Stored

    Pack = Callable[[Path, IO[bytes], Callable[[str | None], None]], None]

SUFFIX = ".tar.gz"
MAX_FILES = 100_000
"""Files that are published one by one."""


class Destination(NamedTuple):
    """Where an ``s3`` publisher puts things, checked; ``key`` has its placeholders filled in."""

    bucket: str
    key: str
    region: str | None
    endpoint: str | None
    packed: bool

    def source(self, **found: str | None) -> dict[str, Any]:
        """Bacalhau's word for what was published, an ``s3`` source; what is not known is left out."""
        params = {"Bucket": self.bucket, "Key": self.key, "Region": self.region, "Endpoint": self.endpoint, **found}
        return {"Type": "s3", "Params": {name: value for name, value in params.items() if value}}


def destination(params: Mapping[str, Any], names: Placeholders) -> Destination:
    """What the parameters say: ``Bucket``, ``Key``, ``Region``, ``Endpoint``, ``Encoding`` gzip (default) or plain.

    Raises BacError ``bad_spec``.
    """
    texts = {name: params.get(name) or "" for name in ("Bucket", "Key", "Region", "Endpoint", "Encoding")}
    for name, text in texts.items():
        if not isinstance(text, str) or (not text and name in {"Bucket", "Key"}):
            raise BacError("bad_spec", f"an s3 publisher has no usable {name}")
    encoding = texts["Encoding"].lower() or "gzip"
    if encoding not in {"gzip", "plain"}:
        raise BacError("bad_spec", f"an s3 publisher has the Encoding {encoding!r}", hint="It may be gzip or plain.")
    end = SUFFIX if encoding == "gzip" else "/"
    key = names.fill(texts["Key"].removesuffix(end) + end)
    return Destination(texts["Bucket"], key, texts["Region"] or None, texts["Endpoint"] or None, encoding == "gzip")


def publish(
    params: Mapping[str, Any],
    folder: Path,
    names: Placeholders,
    pack: Pack,
    progress: Callable[[str | None], None],
) -> dict[str, Any]:
    """Publish a results folder and tell where, as Bacalhau's ``{"Type": "s3", "Params": {...}}``.

    ``pack`` writes a folder as a tar.gz to a file. The folder stays as it is. Raises BacError ``bad_spec``,
    ``unsupported`` (also without boto3), ``bad_config``, ``not_found``, ``unauthorized``, ``rate_limited``,
    ``unreachable``, ``timed_out``, ``unreadable_file``, ``unwritable_file``, or as ``pack``.
    """
    to = destination(params, names)
    try:
        with client.bucket(to.bucket, to.region, to.endpoint) as bucket:
            progress(f"publishing to s3://{to.bucket}/{to.key}")
            return _packed(to, folder, bucket, pack, progress) if to.packed else _plain(to, folder, bucket)
    finally:
        progress(None)


def _packed(
    to: Destination, folder: Path, bucket: Bucket, pack: Pack, progress: Callable[[str | None], None]
) -> dict[str, Any]:
    try:
        file = TemporaryFile(dir=folder.parent)  # noqa: SIM115 (closed below): has no name, so a killed run leaves none
    except OSError as error:
        raise BacError("unwritable_file", f"cannot pack {folder} beside itself: {error.strerror}") from error
    with file:
        pack(folder, file, progress)
        file.flush()
        number, doing = os.dup(file.fileno()), f"publishing to s3://{to.bucket}/{to.key}"
    progress(doing)
    stored = alone(doing, lambda going: _put(to.key, number, bucket, going))
    return to.source(ChecksumSHA256=stored.checksum, VersionID=stored.version)


def _plain(to: Destination, folder: Path, bucket: Bucket) -> dict[str, Any]:
    def upload(path: Path, going: Going) -> None:
        try:
            number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _unreadable(path, error) from error
        _put(to.key + path.relative_to(folder).as_posix(), number, bucket, going)

    each(f"publishing to s3://{to.bucket}/{to.key}", _files(folder), upload)
    return to.source()


def _put(key: str, number: int, bucket: Bucket, going: Going) -> Stored:
    """Upload an open file and close it: only who reads it knows when that is over."""
    try:
        return bucket.put(key, number, os.fstat(number).st_size, going)
    finally:
        os.close(number)


def _files(folder: Path) -> list[Path]:
    """The files below a folder, without what holds no data. Raises BacError for what cannot be an object."""
    found = []
    for entry in _inside(folder):
        path = Path(entry.path)
        if entry.is_symlink():
            hint = "Publish with the Encoding gzip, or let the job write files."
            raise BacError("unsupported", f"cannot publish {path} as an object: it is a link", hint=hint)
        if not entry.is_file():  # a device, pipe or socket
            continue
        if not _is_text(path):
            raise BacError("unsupported", f"cannot publish {path} as an object: its name is not UTF-8")
        found.append(path)
        if len(found) > MAX_FILES:
            hint = "Publish with the Encoding gzip."
            raise BacError("too_large", f"{folder} has more than {MAX_FILES} files", hint=hint)
    return found


def _inside(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        yield from (entry for entry in trees.inside(folder) if not entry.is_dir(follow_symlinks=False))
    except OSError as error:
        raise _unreadable(Path(error.filename or folder), error) from error


def _is_text(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _unreadable(path: Path, error: OSError) -> BacError:
    return BacError("unreadable_file", f"cannot publish {path}: {error.strerror}")
