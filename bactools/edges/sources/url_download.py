"""Inputs from a web server: Bacalhau's ``urlDownload``, a single file.

What arrives goes to the disk as it comes. A connection that breaks off is taken up where it broke, if the server can
send the rest of the very same file, and else from the start.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from bactools.core import download
from bactools.core.errors import BacError
from bactools.edges.hashing import Sha256
from bactools.edges.http import Client, RedirectError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from io import FileIO
    from pathlib import Path

    from bactools.core.budget import Budget
    from bactools.edges.http import Stream

ATTEMPTS = 4
"""How often the body may break off; each time whatever has arrived stays."""
MIB = 1024 * 1024
OK = 200
PARTIAL = 206
PART = ".part"
FILE_MODE = 0o644


class Wanted(NamedTuple):
    """The URL, and the SHA-256 that the file must have, if the job says."""

    url: str
    digest: bytes | None


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What an input's ``URL`` and ``ChecksumSHA256`` say. Raises BacError ``bad_spec``."""
    url = params.get("URL")
    checksum = params.get("ChecksumSHA256")
    if not isinstance(url, str) or not url:
        raise BacError("bad_spec", "a urlDownload input has no URL")
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise BacError("bad_spec", f"{shown(url)} is no URL: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise BacError("bad_spec", f"{shown(url)} is no http or https URL")
    if not parts.path.strip("/"):
        raise BacError("bad_spec", f"{shown(url)} names no file")
    if parts.username is not None:
        hint = "Fetch it yourself and use a local input."
        raise BacError("bad_spec", f"{shown(url)} comes with a user, who is sent to no server here", hint=hint)
    return Wanted(url, None if checksum is None else download.sha256(str(checksum)))


def fetch(
    params: Mapping[str, Any], folder: Path, budget: Budget, progress: Callable[[str | None], None], client: Client
) -> Path:
    """Put the file at ``URL`` into ``folder``, under the name that Bacalhau gives it, and tell where.

    On an error nothing is left in ``folder``. Raises BacError ``bad_spec``, ``bad_input`` (also for another checksum),
    ``too_large``, ``unsupported`` for a redirect that is not followed, ``not_found``, ``unreachable``, ``timed_out``,
    ``unauthorized``, ``rate_limited``, ``unwritable_file``.
    """
    what = wanted(params)
    part = folder / PART
    try:
        with part.open("xb", buffering=0) as file:
            with closing(_Copy(what, file, budget, progress)) as copy:
                name = copy.complete(client)
            os.fchmod(file.fileno(), FILE_MODE)  # whatever the umask: a container's user need not be ours
        target = folder / name
        part.rename(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BacError("unwritable_file", f"cannot keep {shown(what.url)} in {folder}: {error.strerror}") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        progress(None)
    return target


class _Copy:
    """One file on its way: what has arrived, and its digest so far. To be closed."""

    def __init__(self, what: Wanted, file: FileIO, budget: Budget, progress: Callable[[str | None], None]) -> None:
        self._what = what
        self._file = file
        self._budget = budget
        self._progress = progress
        self._hash = Sha256()
        self._arrived = 0
        self._taken = 0
        self._validator: str | None = None

    def close(self) -> None:
        """Nothing more will come."""
        self._hash.close()

    def complete(self, client: Client) -> str:
        """Fetch it all, and tell the file's name. Raises BacError."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                name = self._fetch(client)
            except RedirectError as error:
                message = f"fetching {shown(self._what.url)}: {error.message}"
                raise BacError("unsupported", message, hint="Name the URL that has the file.") from error
            except BacError as error:
                if not error.retryable or not self._arrived or attempt == ATTEMPTS:
                    raise
            else:
                self._check()
                return name
        raise AssertionError

    def _fetch(self, client: Client) -> str:
        resumed = self._arrived and self._validator
        headers = {"Range": f"bytes={self._arrived}-", "If-Range": self._validator or ""} if resumed else {}
        with client.stream(self._what.url, headers=headers) as answer:
            self._begin(answer)
            for chunk in answer.chunks:
                self._add(chunk)
        fallback = hashlib.sha256(self._what.url.encode()).hexdigest()[:32]
        return download.name(answer.url, answer.headers, redirected=answer.redirected, fallback=fallback)

    def _begin(self, answer: Stream) -> None:
        """Go on where the answer does. Raises BacError for an answer that is no file."""
        if answer.status == PARTIAL and download.starts_at(answer.headers) == self._arrived:
            return
        if answer.status != OK:
            raise download.refusal(answer.status, shown(self._what.url))
        self._file.seek(0)
        self._file.truncate()
        self._hash.close()
        self._hash = Sha256()
        self._arrived = 0
        self._validator = download.validator(answer.headers)

    def _add(self, chunk: bytes) -> None:
        self._arrived += len(chunk)
        if self._arrived > self._taken:  # what comes a second time was paid for the first time
            self._budget.take(self._arrived - self._taken)
            self._taken = self._arrived
        _write(self._file, chunk)
        if self._what.digest is not None:
            self._hash.add(chunk)
        self._progress(f"fetching {shown(self._what.url)}: {self._arrived // MIB} MiB")

    def _check(self) -> None:
        expected = self._what.digest
        if expected is not None and self._hash.digest() != expected:
            raise BacError(
                "bad_input",
                f"fetching {shown(self._what.url)}: its SHA-256 is {self._hash.digest().hex()}, not {expected.hex()}",
                hint="Is it the file that the job was written for?",
            )


def _write(file: FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
