"""How far a run has come, as one line of text; ``Output.progress`` shows it on a terminal and nowhere else."""

from __future__ import annotations

WIDTH = 30
"""Characters of the bar."""


def line(done: int, total: int | None) -> str:
    """A bar and numbers; for a single thing only that it is under way, and no bar where nobody knows the total."""
    if total == 1:
        return "inspecting"
    if not total:
        return f"{done} inspected"
    filled = WIDTH * min(done, total) // total
    return f"[{'#' * filled}{'.' * (WIDTH - filled)}] {done} of {total}"
