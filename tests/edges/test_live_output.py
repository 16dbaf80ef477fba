"""Who reads along: is shown everything in order as long as there is time, and holds up nothing by stalling."""

from __future__ import annotations

import os
import socket
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from bactools.edges import results
from bactools.edges.docker_engine.patience import Expired, Patience, Stopped
from bactools.edges.results.live import BEHIND, Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

JOB = "j-0123abcd-933e-e445-4fc5-f287ef03669c"
MIB = 1024 * 1024


@pytest.fixture(params=[os.pipe, os.openpty, socket.socketpair])
def stalled(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """Both ends of what nobody reads: our reading one, and the one that is written to."""
    ends = request.param()
    if request.param is socket.socketpair:
        ends = tuple(each.detach() for each in ends)
    yield ends
    for each in ends:
        os.close(each)


def test_who_reads_nothing_holds_up_nothing_and_gets_no_flag(stalled: tuple[int, int]):
    with closing(Reader(stalled[1])) as reader:
        reader.take(b"x" * MIB, MIB)
        assert not reader.offer()
    assert os.get_blocking(stalled[1])


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for each in ends:
        os.close(each)


def test_who_stays_behind_is_shown_a_beginning_without_a_gap(pipe: tuple[int, int]):
    with closing(Reader(pipe[1])) as reader:
        shown, sent = b"", b""
        for number in range(64):
            piece = bytes([number]) * 65536
            sent += piece
            reader.take(piece, len(piece))
            reader.offer()
        shown += os.read(pipe[0], MIB)
        reader.take(b"too late", 8)
        assert reader.offer()
        os.set_blocking(pipe[0], False)
        with pytest.raises(BlockingIOError):
            os.read(pipe[0], MIB)
    assert shown == sent[: len(shown)]
    assert len(shown) <= BEHIND + 65536


def test_who_is_waited_for_is_shown_everything_of_both_streams_in_order(tmp_path: Path, pipe: tuple[int, int]):
    folder = results.create(tmp_path, JOB)
    shown, sent = b"", b""
    with closing(results.Recorder(folder, {"stdout": pipe[1], "stderr": pipe[1]})) as recorder:
        for number in range(40):
            for stream in results.STREAMS:
                piece = b"%s %d;" % (stream.encode(), number) * 5000
                recorder.write(stream, piece)
                sent += piece
                while recorder.show() is not None:
                    shown += os.read(pipe[0], 1000)
    os.set_blocking(pipe[0], False)
    shown += os.read(pipe[0], MIB)
    assert shown == sent


def test_lines_that_are_named_are_written_whole(tmp_path: Path, pipe: tuple[int, int]):
    folder = results.create(tmp_path, JOB)
    with closing(results.Recorder(folder, {"stdout": pipe[1]}, name="job")) as recorder:
        recorder.write("stdout", b"0123456789\n" * 10_000)
        assert recorder.show() is not None
        shown = os.read(pipe[0], MIB)
    assert set(shown.split(b"\n")) == {b"job stdout: 0123456789", b""}


def test_the_line_without_an_end_is_shown_last(tmp_path: Path, pipe: tuple[int, int]):
    with closing(results.Recorder(results.create(tmp_path, JOB), {"stdout": pipe[1]}, name="job")) as recorder:
        recorder.write("stdout", b"one\ntwo")
    assert os.read(pipe[0], MIB) == b"job stdout: one\njob stdout: two\n"


@pytest.mark.parametrize("await_", [Patience.await_readable, Patience.await_writable])
def test_time_is_up_also_where_there_is_always_something_to_do(
    pipe: tuple[int, int], await_: Callable[[Patience, int], None]
):
    os.write(pipe[1], b"x")
    descriptor = pipe[0] if await_ is Patience.await_readable else pipe[1]
    await_(Patience(time.monotonic() + 3600), descriptor)
    with pytest.raises(Expired):
        await_(Patience(time.monotonic()), descriptor)
    with pytest.raises(Stopped):
        await_(Patience(stop=pipe[0]), pipe[1])
