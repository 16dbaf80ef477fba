"""What was wrong in something that people or servers wrote, gathered instead of ending at the first."""

from __future__ import annotations


class Mistakes:
    """What is wrong, in the order found, as texts that start with a path.

    ``lenient``: a field that no table has is passed over, as a reader of what a newer server writes has to.
    """

    def __init__(self, *, lenient: bool = False) -> None:
        self.lenient = lenient
        self.texts: list[str] = []

    def __len__(self) -> int:
        return len(self.texts)

    def append(self, text: str) -> None:
        """Add one."""
        self.texts.append(text)
