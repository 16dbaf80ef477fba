"""One deadline for a whole exchange with the engine, however it is stretched.

The SDK's own limit starts anew with every byte, and there is none for a name to be resolved. What is being done
cannot be stopped: it is left alone with its connection, in a thread of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def within(seconds: float, exchange: Callable[[], T]) -> T:
    """What ``exchange`` returns or raises, waited for no longer than that. Raises TimeoutError."""
    from concurrent.futures import ThreadPoolExecutor
    from concurrent.futures import TimeoutError as NotDone

    pool = ThreadPoolExecutor(1)
    try:
        answer = pool.submit(exchange)
    except RuntimeError:  # this user may start no more threads
        return exchange()
    try:
        return answer.result(seconds)
    except NotDone as error:  # no TimeoutError before Python 3.11
        raise TimeoutError from error
    finally:
        pool.shutdown(wait=False)
