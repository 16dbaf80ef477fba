"""Ports that are chosen for containers: nobody listens at them, and no other run is given them."""

from __future__ import annotations

import socket

import pytest

from bactools.core.errors import BacError
from bactools.edges.docker_engine import free_ports


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """The only two ports that there are."""
    with free_ports.held(1) as (port,):
        monkeypatch.setattr(free_ports, "DYNAMIC", range(port, port + 2))
    return port, port + 1


def test_ports_are_held_for_one_run_at_a_time(pair: tuple[int, int]):
    with free_ports.held(1) as (one,), free_ports.held(1) as (other,):
        assert {one, other} == set(pair)
        with pytest.raises(BacError) as caught, free_ports.held(1):
            pass
    assert caught.value.code == "engine_failed"
    with free_ports.held(2) as again:
        assert set(again) == set(pair)


def test_a_port_that_somebody_listens_at_is_not_chosen(pair: tuple[int, int]):
    with socket.create_server(("127.0.0.1", pair[0])):
        for _ in range(8):
            with free_ports.held(1) as found:
                assert found == [pair[1]]


def test_a_port_that_the_job_names_itself_is_not_chosen(pair: tuple[int, int]):
    for _ in range(8):
        with free_ports.held(1, frozenset([pair[1]])) as found:
            assert found == [pair[0]]
