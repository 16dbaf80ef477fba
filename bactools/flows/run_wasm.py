"""Run a job's WebAssembly module: find its bytes, make sure they are those that were inspected, and run them."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bactools.core import wasm
from bactools.core.errors import BacError
from bactools.core.reference import digest_of
from bactools.edges import wasm_runtime
from bactools.edges.results import STDOUT
from bactools.flows import modules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bactools.core.jobspec import Task
    from bactools.core.running import Ending, Run
    from bactools.edges.results import Stream


def run_module(task: Task, digest: str | None, wanted: Run, folder: Path, live: Mapping[Stream, int]) -> Ending:
    """Run the module of a task, whose bytes have this digest, with its output in ``folder``.

    Raises BacError ``digest_mismatch``, or as reading and starting the module do.
    """
    loaded = modules.from_job(task, task.entry_module or "")
    if digest is not None and digest_of(loaded.data, like=digest) != digest:
        raise BacError(
            "digest_mismatch",
            f"the module {loaded.name} is not the one that was inspected: its digest is no longer {digest}",
            hint="Inspect the job again with bac-inspect.",
        )
    module = loaded.data
    if wasm.is_text(module):
        module = wasm_runtime.to_binary(module, loaded.name)
    with (
        _shown(folder / "stdout", live.get("stdout")) as stdout,
        _shown(folder / "stderr", live.get("stderr")) as stderr,
    ):
        return wasm_runtime.run(module, wanted, stdout, stderr)


@contextmanager
def _shown(path: Path, descriptor: int | None) -> Iterator[Path]:
    """Where to write so that it is kept in ``path`` and shown on one of our descriptors.

    It is tee that copies, because the engine forks and so wants no second thread here.
    Raises BrokenPipeError when whoever reads our standard output has gone.
    """
    if descriptor is None:
        yield path
        return
    import subprocess

    with subprocess.Popen(["tee", "-i", path], stdin=subprocess.PIPE, stdout=descriptor) as tee:  # noqa: S607
        assert tee.stdin is not None  # noqa: S101 (for the type checker)
        yield Path(f"/dev/fd/{tee.stdin.fileno()}")
        tee.stdin.close()
    if tee.returncode != 0 and descriptor == STDOUT:
        raise BrokenPipeError
