"""Many questions at once, answered in the order in which they were asked.

Knows nothing of what is asked. Reading ahead and working happen in threads, so that an answer is there for its reader
while the next question is still awaited; how far ahead is bounded, whatever the number of questions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from queue import SimpleQueue

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 8
"""Questions that may be under way, or answered and not yet passed on, for each thread."""


def ordered(
    questions: Iterable[T], work: Callable[[T], R], width: int, is_work: Callable[[T], bool] = lambda _: True
) -> Iterator[R]:
    """``work`` of each question, in order, up to ``width`` of them at a time in threads; with a width of 1 in none.

    A question for which ``is_work`` is false is answered in its turn, without a thread. Whoever stops listening
    is not kept waiting: what is under way is left to itself, and the rest is given up. Raises what ``work`` or
    ``questions`` raises, once everything before it was yielded.
    """
    if width == 1:
        yield from map(work, questions)
        return
    from concurrent.futures import ThreadPoolExecutor
    from functools import partial
    from queue import SimpleQueue
    from threading import Event, Semaphore

    promised: SimpleQueue[Callable[[], R] | None] = SimpleQueue()
    room = Semaphore(width * AHEAD)
    stopped = Event()
    reader, workers = ThreadPoolExecutor(1), ThreadPoolExecutor(width)

    def ask() -> None:
        try:
            for question in questions:
                room.acquire()
                if stopped.is_set():
                    return
                promised.put(workers.submit(work, question).result if is_work(question) else partial(work, question))
        finally:
            promised.put(None)

    try:
        asking = reader.submit(ask)
        while (answer := promised.get()) is not None:
            yield answer()
            room.release()
        asking.result()
    finally:
        stopped.set()
        room.release()
        for pool in (reader, workers):
            pool.shutdown(wait=False, cancel_futures=True)
