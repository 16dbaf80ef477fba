"""How much the inputs of one job may bring to this host, all of them together."""

from __future__ import annotations

from bactools.core.errors import BacError

JOB = "the inputs of the job are larger than {} bytes together"
HINT = "Ask for less, or raise this host's limit for inputs."


class Budget:
    """``limit`` bytes that the inputs of one job share; each piece is taken before it is written.

    ``message``, which names the limit at its {}, and ``hint`` are for when there is too much. For one thread at a time.
    """

    def __init__(self, limit: int, message: str = JOB, hint: str = HINT) -> None:
        self.limit = limit
        self.left = limit
        self._message = message
        self._hint = hint

    def take(self, count: int) -> None:
        """Take ``count`` bytes, as they are written here. Raises BacError ``too_large`` when so much is not left."""
        if count > self.left:
            raise BacError("too_large", self._message.format(self.limit), hint=self._hint)
        self.left -= count
