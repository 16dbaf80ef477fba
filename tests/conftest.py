"""Fixtures: the installed commands as processes, and the real things they talk to.

A test asks by name for the real things it needs (``docker``, ``registry``, ``emulated``, ``small_disk``, ``tool``)
and is skipped, with the reason, where one is missing. With BACTOOLS_TEST_REQUIRE_ALL=1 nothing may be skipped.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import components
import processes
import programs as compiler
import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from docker import DockerClient

# A busy machine is no fault of what is tested.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# Commands hear what a terminal would let them hear, also where nohup or cron runs the tests.
for heard in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(heard) == signal.SIG_IGN:
        signal.signal(heard, signal.SIG_DFL if heard == signal.SIGHUP else signal.default_int_handler)

STARTED = pytest.StashKey[float]()
FAULTS = pytest.StashKey["list[str]"]()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The HOME of every command that the test runs, and the folder it is run in."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def placed(home: Path, env: Mapping[str, str | None] | None, cwd: Path | str | None) -> dict[str, Any]:
    return {"env": processes.environment(home, env), "cwd": cwd or home}


@pytest.fixture
def private_umask() -> Iterator[None]:
    """Files that are made have no permission but their owner's."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def run(home: Path) -> Callable[..., processes.Completed]:
    """``run("bac-job", "docker", "alpine", input=b"", env={}, cwd=None, timeout=60)``."""

    def run(*words: str | Path, env: Any = None, cwd: Any = None, **options: Any) -> processes.Completed:
        return processes.complete(processes.installed(words), **placed(home, env, cwd), **options)

    return run


@pytest.fixture
def pty_run(home: Path) -> Callable[..., processes.Completed]:
    """As ``run``, on a terminal; ``input`` makes standard input a pipe; also ``columns=``, ``terminal_stderr=``."""

    def run(*words: str | Path, env: Any = None, cwd: Any = None, **options: Any) -> processes.Completed:
        return processes.complete_on_terminal(processes.installed(words), **placed(home, env, cwd), **options)

    return run


@pytest.fixture
def shell(home: Path) -> Callable[..., processes.Completed]:
    """``shell("bac-job … | bac-match …", input=b"", env={}, cwd=None, timeout=60)``: bash with ``pipefail``."""

    def run(script: str, *, env: Any = None, cwd: Any = None, **options: Any) -> processes.Completed:
        words = [components.program("bash"), "-o", "pipefail", "-c", script]
        return processes.complete(words, **placed(home, env, cwd), **options)

    return run


@pytest.fixture
def spawn(home: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """``spawn("bac-exec", input=None, env={}, cwd=None, stdout=…)``: a running Popen, dead after the test."""
    with ExitStack() as stack:

        def start(*words: str | Path, env: Any = None, cwd: Any = None, **options: Any) -> subprocess.Popen[bytes]:
            process = processes.background(processes.installed(words), **placed(home, env, cwd), **options)
            return stack.enter_context(process)

        yield start


@pytest.fixture(scope="session")
def docker() -> Iterator[DockerClient]:
    """A client of the Docker engine that the commands use."""
    client = components.engine()
    yield client
    client.close()


@pytest.fixture(scope="session")
def registry() -> str:
    """``localhost:5000``, which holds what tests/stack/images.py builds.

    busybox:multi, :list, :arm64, :amd64, :latest, :nested, :windows, :mislabelled (arm64's binary as linux/amd64) and
    :zstd; WebAssembly as hello:artifact, :compat (labelled linux/amd64), :runwasi and :legacy.
    """
    return components.registry()


@pytest.fixture(scope="session")
def emulated() -> None:
    """Containers for arm64 and arm/v7 run here."""
    components.emulation()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 1 MiB."""
    with components.tmpfs(tmp_path / "disk", size="1m") as folder:
        yield folder


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """``tool("jq")``: the path of a program."""
    return components.program


@pytest.fixture(scope="session")
def programs(tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of real ELF programs, by the names in tests/programs.py."""
    return compiler.compiled(tmp_path_factory.mktemp("programs"), tool)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STARTED] = time.time()
    config.stash[FAULTS] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a session that left a container behind, or that skipped what must not be skipped."""
    faults = session.config.stash[FAULTS]
    faults += [
        f"container left behind: {it}" for it in components.containers_left_behind(session.config.stash[STARTED])
    ]
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if components.REQUIRE_ALL and reporter is not None:
        faults += [f"skipped with BACTOOLS_TEST_REQUIRE_ALL=1: {it.nodeid}" for it in reporter.stats.get("skipped", ())]
    if faults and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for fault in config.stash[FAULTS]:
        terminalreporter.write_line(f"FAILED {fault}", red=True)
