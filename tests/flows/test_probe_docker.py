from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bactools.core.errors import BacError
from bactools.core.hostfile import Settings
from bactools.edges import host
from bactools.edges.host import proofs
from bactools.edges.host.tree import Tree
from bactools.edges.signals import INTERRUPTING
from bactools.flows.probe_docker import _asking, docker
from bactools.flows.probing import Clock, Probing


def blocked():
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_the_thread_that_asks_is_handed_no_signal_and_this_one_is():
    before = blocked()
    assert _asking(blocked).result(30) >= INTERRUPTING
    assert blocked() == before


def test_the_engine_is_asked_in_a_thread_that_ends_with_its_answer():
    thread = _asking(threading.current_thread).result(30)
    assert thread is not threading.current_thread()
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture
def no_thread(monkeypatch):
    def refused(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", refused)


@pytest.mark.usefixtures("no_thread")
def test_where_no_thread_is_to_be_had_the_engine_is_asked_all_the_same():
    assert _asking(threading.current_thread).result(0) is threading.current_thread()


@pytest.mark.usefixtures("no_thread")
def test_where_no_thread_is_to_be_had_an_engine_that_fails_is_that_error():
    def failing():
        raise BacError("no_engine", "gone")

    with pytest.raises(BacError, match="gone"):
        _asking(failing)


def test_no_program_is_run_for_an_engine_that_does_not_listen(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setattr(proofs, "prove", lambda *_: pytest.fail("programs were run"))
    probing = Probing(Tree(), host.read(tmp_path), Settings(), Clock(time.monotonic() + 30), deep=False, progress=print)
    with pytest.raises(BacError) as caught:
        docker(probing)
    assert caught.value.code == "no_engine"
