"""The words in braces that Bacalhau fills in where results are published: ``{jobID}`` and its like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

EACH = "{executionID}"
"""The one word that differs between the executions of a job on one host."""

_WORD = re.compile(r"\{(jobID|executionID|nodeID|date|time)\}")


class Placeholders(NamedTuple):
    """What the words stand for in one run; ``moment`` is in the time zone of the node, as Bacalhau has it."""

    job: str
    execution: str
    node: str
    moment: datetime

    def fill(self, text: str) -> str:
        """The text with every word replaced; ``{date}`` is YYYYMMDD and ``{time}`` HHMMSS. Other braces stay."""
        values = {
            "jobID": self.job,
            "executionID": self.execution,
            "nodeID": self.node,
            "date": f"{self.moment:%Y%m%d}",
            "time": f"{self.moment:%H%M%S}",
        }
        return _WORD.sub(lambda found: values[found[1]], text)


def check_apart(publisher: Mapping[str, Any] | None, executions: int) -> None:
    """Refuse a job several of whose executions would publish to one key. Raises BacError ``bad_spec``."""
    if publisher is None or publisher["Type"] != "s3" or executions == 1:
        return
    if EACH not in publisher["Params"]["Key"]:
        message = f"the job's {executions} executions would publish over each other: its Key has no {EACH}"
        raise BacError("bad_spec", message, hint=f"Put {EACH} into the publisher's Key.")
