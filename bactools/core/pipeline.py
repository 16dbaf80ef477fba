"""The results of one job as an input of the next: where they were published, else their folder on this host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core import jobspec
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bactools.core.records import Result

TARGET = "/inputs"
"""Where the next job finds the results unless it says otherwise."""

PACKED = ".tar.gz"
"""The end of the key of results in S3 that are one packed file, which a source would not unpack."""


class Feed(NamedTuple):
    """Where result lines come from, and where the job finds what they stand for."""

    path: str
    target: str


def feed(text: str) -> Feed:
    """``FILE[:/TARGET]`` taken apart; a colon that no absolute path follows belongs to the file's name."""
    path, colon, target = text.rpartition(":")
    return Feed(path, target) if colon and path and target.startswith("/") else Feed(text, TARGET)


def fed(spec: Mapping[str, Any], result: Result, target: str) -> dict[str, Any]:
    """The canonical specification with the results of another job as one more input, at ``target``.

    Raises BacError ``no_results`` for a job that did not complete, ``bad_spec`` where ``target`` is taken.
    """
    task = spec["Tasks"][0]
    added = {"Source": _source(result), "Target": target}
    return jobspec.canonical(
        {**spec, "Tasks": [{**task, "InputSources": [*task.get("InputSources", ()), added]}, *spec["Tasks"][1:]]}
    )


def _source(result: Result) -> dict[str, Any]:
    if result.status != "completed":
        raise BacError(
            "no_results",
            f"the job {result.job} did not complete: {result.status}",
            hint="Only a completed job feeds the next one.",
        )
    published = result.published
    if isinstance(published, dict) and _is_a_folder(published):
        return published
    if not isinstance(result.results, str) or not result.results:
        raise BacError("no_results", f"the record of the job {result.job} names no results folder")
    return {"Type": "local", "Params": {"SourcePath": result.results}}


def _is_a_folder(published: Mapping[str, Any]) -> bool:
    """Whether a source of the same name brings published results back as the files that they are."""
    kind = str(published.get("Type", "")).lower()
    key = str((published.get("Params") or {}).get("Key", ""))
    return kind == "ipfs" or (kind == "s3" and not key.endswith(PACKED))
