"""Job specifications in a file, as the job lines that bac-job makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bactools.core import lines
from bactools.core.errors import BacError
from bactools.core.lines import Line
from bactools.edges import documents
from bactools.flows import jobs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def job_lines(path: Path) -> Iterator[Line | BacError]:
    """Each job of a YAML or JSON file; of several the failure of one stands in its place.

    Raises BacError ``empty_input``, ``unreadable_file``, ``bad_document``, ``too_large`` or ``bad_spec``.
    """
    name = str(path)
    found = documents.read(documents.regular_file(name))
    if not found:
        raise BacError("empty_input", f"{name} held no job", hint="Write a Bacalhau job spec into it.", input=name)
    for number, document in enumerate(found, 1):
        where = name if len(found) == 1 else f"document {number} of {name}"
        try:
            yield Line(lines.encode(jobs.job(document, ())), "job", where)
        except BacError as error:
            error.message = f"{where}: {error.message}"
            error.input = where
            yield error
