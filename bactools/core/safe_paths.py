"""Names that come from outside (tar members, S3 keys, UnixFS entries) -> paths that stay in the folder they are for.

A path here is a relative one of plain names with ``/`` between them, fit to be joined to a folder. That the folders on
its way are no links is for who writes: to make each of them, and each file, anew (``O_EXCL``).
"""

from __future__ import annotations

from unicodedata import normalize

from bactools.core.errors import BacError, encodable

MAX_NAME = 255
"""Bytes of one name: NAME_MAX of the kernel's file systems."""
MAX_PATH = 4000
"""Bytes of a path, which leaves little of PATH_MAX (4096) to the folder it is put into."""
UP = ".."
SHOWN = 80


def member(name: str) -> str:
    """The path of a name: without empty parts and ``.``, which change nothing.

    Raises BacError ``bad_input`` for one that is absolute, has ``..``, NUL or nothing in it, or is too long.
    """
    if name.startswith("/"):
        raise _refused(name, "it is absolute")
    if "\0" in name or not _is_writable(name):
        raise _refused(name, "it has a NUL or half a character in it")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if UP in parts:
        raise _refused(name, "it has .. in it")
    if not parts:
        raise _refused(name, "it names nothing")
    if any(_length(part) > MAX_NAME for part in parts) or _length("/".join(parts)) > MAX_PATH:
        raise _refused(name, "it is too long")
    return "/".join(parts)


def entry(name: str) -> str:
    """A name that is to be one part of a path, without any ``/``. Raises as ``member``."""
    if "/" in name or name == ".":
        raise _refused(name, "it is no plain name")
    return member(name)


def link_target(path: str, target: str) -> str:
    """The target of a symbolic link at ``path``, unchanged, when following it cannot leave the folder of ``path``.

    Upward steps may only come first: after a name, which may be a link too, it would not be known from where they go.
    Raises BacError ``bad_input``.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = next((count for count, part in enumerate(parts) if part != UP), len(parts))
    plain = bool(target) and not target.startswith("/") and "\0" not in target and _is_writable(target)
    if not plain or _length(target) > MAX_PATH or up > path.count("/") or UP in parts[up:]:
        raise _refused(path, f"it is a link to {_shown(target)}, which may be outside")
    return target


class CaseClash:
    """Finds paths that become one where a file system does not tell upper from lower case, nor forms of Unicode."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def check(self, path: str) -> None:
        """Remember a path. Raises BacError ``bad_input`` when an earlier, different one would be the same file."""
        earlier = self._seen.setdefault(normalize("NFC", normalize("NFC", path).casefold()), path)
        if earlier != path:
            raise _refused(path, f"it differs from {_shown(earlier)} in nothing that every file system tells apart")


def _is_writable(text: str) -> bool:
    """Whether the operating system can be given a name: lone halves of UTF-16 pairs have no bytes."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _length(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def _shown(name: str) -> str:
    return repr(encodable(name if len(name) <= SHOWN else name[:SHOWN] + "…"))


def _refused(name: str, reason: str) -> BacError:
    return BacError("bad_input", f"the name {_shown(name)} in an input is refused: {reason}")
