"""Inputs from S3: an object, or all below a prefix that the job's execution has a share in.

What arrives goes to the disk as it comes, and a connection that breaks off is taken up where it broke.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core import s3_select
from bactools.core.errors import BacError
from bactools.edges import trees
from bactools.edges.hashing import Sha256
from bactools.edges.s3 import client
from bactools.edges.s3.at_once import alone, each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bactools.core.budget import Budget
    from bactools.core.s3_select import Checksum, Object, Placed, Wanted
    from bactools.edges.s3.at_once import Going
    from bactools.edges.s3.client import Bucket

OBJECTS = "objects"
ATTEMPTS = 10
"""Times that an object is asked for, from where it broke off."""
USELESS = 2
"""Times in a row that it may break off before anything has come."""
MIB = 1024 * 1024
FILE_MODE = 0o644
FOLDER_MODE = 0o755
RESUMABLE = frozenset({"unreachable", "timed_out"})


def fetch(
    params: Mapping[str, Any],
    folder: Path,
    budget: Budget,
    progress: Callable[[str | None], None],
    partition: tuple[int, int],
) -> Path:
    """Put the objects that an input means into a new folder below ``folder``, and tell that folder.

    ``partition`` is the number of this execution, from 0, and how many there are. An object alone is in the folder
    too, by the end of its key, as Bacalhau has it. On an error nothing is left.

    Raises BacError ``bad_spec``, ``unsupported`` (also without boto3), ``bad_config``, ``bad_input``, ``too_large``,
    ``not_found``, ``unauthorized``, ``rate_limited``, ``unreachable``, ``timed_out``, ``file_changed``,
    ``digest_mismatch``, ``unwritable_file``; an object that has not its ``ChecksumSHA256`` is ``bad_input``.
    """
    what = s3_select.wanted(params)
    target = folder / OBJECTS
    with client.bucket(what.bucket, what.region, what.endpoint) as bucket:
        objects = alone(f"looking for {what}", lambda going: list(_objects(what, bucket, going)))
        found = list(s3_select.placed(what, s3_select.chosen(what, objects, partition)))
        for item in found:
            budget.take(item.object.size)
        copy = _Copy(what, bucket, target, progress)
        try:
            _make(target, exist_ok=False)
            each(f"fetching {what}", found, copy.fetch)
            target.chmod(FOLDER_MODE)
            for entry in trees.inside(target):
                if entry.is_dir(follow_symlinks=False):
                    Path(entry.path).chmod(FOLDER_MODE)
        except BaseException:
            trees.remove(target)
            raise
        finally:
            progress(None)
    return target


def _objects(what: Wanted, bucket: Bucket, going: Going) -> Iterator[Object]:
    if what.is_prefix:
        yield from bucket.listing(what.prefix, going)
        return
    head = bucket.head(what.key, what.version)
    if head.is_folder:  # some writers mark a folder by an object of this type; then what is below it is meant
        yield from bucket.listing(what.prefix, going)
        return
    if what.checksum and what.checksum.digest is None and head.checksum != what.checksum.text:
        raise _mismatch(str(what), head.checksum or "unknown", what.checksum)
    yield head.object


class _Sink(NamedTuple):
    number: int
    hash: Sha256 | None


class _Copy:
    """Objects on their way to a folder."""

    def __init__(self, what: Wanted, bucket: Bucket, target: Path, progress: Callable[[str | None], None]) -> None:
        self._what = what
        self._bucket = bucket
        self._target = target
        self._progress = progress
        self._lock = Lock()
        self._arrived = 0

    def fetch(self, item: Placed, going: Going) -> None:
        """Fetch one object, unless others have failed meanwhile. Raises BacError."""
        path = self._target / item.path
        _make(path.parent, exist_ok=True)
        checksum = self._what.checksum
        digest = checksum.digest if checksum else None
        try:
            number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
            os.fchmod(number, FILE_MODE)  # whatever the umask: a container's user need not be ours
        except OSError as error:
            raise _unwritable(path, error) from error
        with closing(Sha256()) as hashed:
            try:
                self._complete(item.object, _Sink(number, hashed if digest else None), going)
            finally:
                os.close(number)
            if checksum and digest and not going.stopped.is_set() and hashed.digest() != digest:
                raise _mismatch(str(self._what), hashed.digest().hex(), checksum)

    def _complete(self, item: Object, sink: _Sink, going: Going) -> None:
        done = useless = 0
        for _ in range(ATTEMPTS):
            before = done
            chunks = self._bucket.chunks(item, self._what.version, done)
            try:
                for chunk in chunks:
                    if going.stopped.is_set():
                        return
                    done += len(chunk)
                    going.moved(len(chunk))
                    self._keep(item, chunk, sink, done)
            except BacError as error:
                useless = 0 if done > before else useless + 1
                if error.code not in RESUMABLE or useless == USELESS or going.stopped.is_set():
                    raise
                failure = error
                continue
            if done < item.size:
                raise BacError("file_changed", f"s3://{self._what.bucket}/{item.key} is shorter than it was said to be")
            return
        raise failure

    def _keep(self, item: Object, chunk: bytes, sink: _Sink, done: int) -> None:
        if done > item.size:
            raise BacError("file_changed", f"s3://{self._what.bucket}/{item.key} is larger than it was said to be")
        view = memoryview(chunk)
        try:
            while view:
                view = view[os.write(sink.number, view) :]
        except OSError as error:
            raise _unwritable(self._target, error) from error
        if sink.hash:
            sink.hash.add(chunk)
        with self._lock:
            self._arrived += len(chunk)
            self._progress(f"fetching {self._what}: {self._arrived // MIB} MiB")


def _make(folder: Path, *, exist_ok: bool) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=exist_ok)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _mismatch(name: str, found: str, checksum: Checksum) -> BacError:
    hint = "Is it the object that the job was written for?"
    return BacError("bad_input", f"fetching {name}: its SHA-256 is {found}, not {checksum.text}", hint=hint)


def _unwritable(path: Path, error: OSError) -> BacError:
    return BacError("unwritable_file", f"cannot write an input from S3 to {path}: {error.strerror}")
