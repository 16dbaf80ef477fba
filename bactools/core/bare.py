"""The job that runs an image or a module just as it is: its default command, no inputs, no network."""

from __future__ import annotations

import posixpath
from typing import Any

from bactools.core import jobspec
from bactools.core.errors import BacError
from bactools.core.records import Image, Job, Module

MODULES = "/modules/"


def job(artifact: Image | Module) -> Job:
    """The job, already resolved to its artifact. Raises BacError ``unsupported`` for a module that is no file."""
    task: dict[str, Any] = {"Name": "main"}
    if isinstance(artifact, Image):
        task["Engine"] = {"Type": "docker", "Params": {"Image": artifact.reference}}
    else:
        task |= _module(artifact)
    found = jobspec.job(jobspec.canonical({"Type": "batch", "Tasks": [task]}))
    found.artifact = artifact
    if found.requires and isinstance(artifact, Module):
        found.requires.features = artifact.features
        found.requires.imports = artifact.imports
    return found


def _module(artifact: Module) -> dict[str, Any]:
    if not artifact.reference.startswith("/"):
        raise BacError(
            "unsupported",
            f"the module {artifact.reference} is not a file of this host",
            hint="Make a job of it with bac-job wasm.",
        )
    target = MODULES + posixpath.basename(artifact.reference)
    return {
        "Engine": {"Type": "wasm", "Params": {"EntryModule": target, "Entrypoint": jobspec.DEFAULT_ENTRYPOINT}},
        "InputSources": [{"Target": target, "Source": {"Type": "local", "Params": {"SourcePath": artifact.reference}}}],
    }
