"""What a container wrote belongs to the caller, whoever the image ran as, and what a killed run left is cleared."""

from __future__ import annotations

import grp
import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import busybox
import components
import pytest
from busybox import left_behind, wanted
from processes import eventually

from bactools.core.leftovers import LABEL, Owner
from bactools.core.running import Ending, Mount
from bactools.edges import results
from bactools.edges.docker_engine import client, containers, leftovers, ownership

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker import DockerClient

ENGINE = client.address()
EVERYTHING = r"""
cd /out
mkdir -p open/deep closed/deeper 'odd name'
echo data > open/deep/file
ln open/deep/file hard
ln -s /etc/passwd link
ln -s /etc open/folder
echo secret > closed/deeper/secret
echo last > "odd name/$(printf '\377\n')"
mkfifo fifo
chmod 600 closed/deeper/secret
chmod 700 closed/deeper closed
chmod 4755 open/deep/file
chown -R 33:33 open
chmod 700 /out
chown 34:34 /out
"""


def written(folder: Path) -> set[tuple[int, int]]:
    """The users and groups that anything in a folder belongs to."""
    found = [folder, *(Path(top, name) for top, folders, files in os.walk(folder) for name in (*folders, *files))]
    return {(path.lstat().st_uid, path.lstat().st_gid) for path in found}


def check_whole(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == {"open", "closed", "odd name", "hard", "link", "fifo"}
    assert (folder / "open" / "deep" / "file").read_text("ascii") == "data\n"
    assert (folder / "hard").samefile(folder / "open" / "deep" / "file")
    assert (folder / "link").readlink() == Path("/etc/passwd")
    assert (folder / "closed" / "deeper" / "secret").read_text("ascii") == "secret\n"
    assert [os.fsencode(path.name) for path in (folder / "odd name").iterdir()] == [b"\xff"]
    assert stat.S_IMODE((folder / "closed").stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "closed" / "deeper" / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "open" / "deep" / "file").stat().st_mode) == 0o755  # and may not become another user


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def test_to_root_belongs_all_that_any_user_wrote(docker: DockerClient, registry: str, output: Path):
    if os.geteuid() != 0:
        components.missing("this test must run as root")
    passwd = Path("/etc/passwd").stat().st_uid
    mounts = (Mount(str(output), "/out", writable=True, output=True),)
    ending = busybox.run(docker, busybox.image(registry), wanted("sh", "-c", EVERYTHING, mounts=mounts))
    assert ending == Ending("completed", 0)
    assert written(output) == {(os.geteuid(), os.getegid())}
    assert Path("/etc/passwd").stat().st_uid == passwd
    check_whole(output)


def test_what_is_no_output_keeps_its_owner(docker: DockerClient, registry: str, output: Path):
    mounts = (Mount(str(output), "/in", writable=True),)
    command = "echo x > /in/file; chown 33:33 /in/file"
    assert busybox.run(docker, busybox.image(registry), wanted("sh", "-c", command, mounts=mounts)).exit_code == 0
    assert (output / "file").stat().st_uid == 33


# As a user without privileges, in the same process: what it needs may be readable to root alone.
UNPRIVILEGED = """
import json, os, sys
sys.path[:0] = json.loads(sys.argv[1])
import docker, busybox, tarfile, encodings.idna
from bactools.core.running import Mount
from bactools.edges import results
from bactools.edges.docker_engine import client, ownership
registry, folder, group, script, program = json.loads(sys.argv[2])
def run(engine, name, script):
    os.mkdir(f"{folder}/{name}"); os.chmod(f"{folder}/{name}", 0o777)
    mounts = (Mount(f"{folder}/{name}", "/out", writable=True, output=True),)
    return busybox.run(engine, image, busybox.wanted(*script, mounts=mounts))
image = busybox.image(registry)
engine = client.connect()
run(engine, "warm", ["sh", "-c", "echo > /out/file"])
ownership._identity(engine)
engine.close()
os.setgroups([group]); os.setresgid(12345, 12345, 12345); os.setresuid(12345, 12345, 12345)
exec(program)
engine = client.connect()
ending = run(engine, "own", ["sh", "-c", script])
engine.close()
print(json.dumps([ending.status, ending.exit_code, ending.warnings]))
"""


@pytest.fixture
def unprivileged(docker: DockerClient, registry: str) -> Iterator[Callable[..., Any]]:
    """``unprivileged(script)``: how the script ended for a member of the engine's group, and its output's folder."""
    if os.geteuid() != 0 or not ENGINE.startswith("unix://"):
        components.missing("this test must run as root beside the engine's socket")
    group = Path(ENGINE.removeprefix("unix://")).stat().st_gid
    assert docker.ping()
    assert grp.getgrgid(group)
    with tempfile.TemporaryDirectory(prefix="bactools-files-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        os.chown(folder, 12345, 12345)

        def run(script: str, program: str = "") -> tuple[Any, Path]:
            places = [str(Path(busybox.__file__).parent), *sys.path]
            words = [json.dumps(places), json.dumps([registry, name, group, script, program])]
            ran = subprocess.run(
                [sys.executable, "-c", UNPRIVILEGED, *words], capture_output=True, text=True, check=False
            )
            assert ran.returncode == 0, ran.stderr
            return json.loads(ran.stdout), folder / "own"

        yield run


def test_to_a_member_of_the_engines_group_belongs_all_that_any_user_wrote(unprivileged: Callable[..., Any]):
    ended, folder = unprivileged(EVERYTHING)
    assert ended == ["completed", 0, []]
    assert written(folder) == {(12345, 12345)}
    assert Path("/etc/passwd").stat().st_uid == 0
    check_whole(folder)


@pytest.mark.parametrize("mode", ["0", "555"])
def test_what_a_job_closed_to_everybody_is_given_away_too(unprivileged: Callable[..., Any], mode: str):
    ended, folder = unprivileged(f"cd /out; mkdir -p a/b; echo x > a/b/file; chmod {mode} a/b a .")
    assert ended == ["completed", 0, []]
    assert written(folder) == {(12345, 12345)}
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_more_files_than_fit_in_one_archive_are_given_away(unprivileged: Callable[..., Any]):
    script = "cd /out; for i in $(seq 25); do mkdir $i; chmod 700 $i; echo $i > $i/file; done"
    ended, folder = unprivileged(script, "ownership.BATCH = 7")
    assert ended == ["completed", 0, []]
    assert written(folder) == {(12345, 12345)}
    assert len(list(folder.glob("*/file"))) == 25


def test_what_cannot_be_given_away_is_said(unprivileged: Callable[..., Any]):
    program = "from bactools.core.errors import BacError\ndef refuse(*_): raise BacError('engine_failed', 'no')\n"
    ended, folder = unprivileged("echo > /out/file", f"{program}ownership._through_engine = refuse")
    assert ended == ["completed", 0, [f"what the job wrote to {folder} belongs to another user: no"]]


# bac-exec's own part, to be killed while its container runs.
VICTIM = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
import busybox
from bactools.edges.docker_engine import client
busybox.run(client.connect(), busybox.image(sys.argv[2], sys.argv[3]), busybox.wanted("sleep", "600"))
"""


@pytest.fixture
def victim(docker: DockerClient, registry: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a running container of the job j-victim."""
    places = json.dumps([str(Path(busybox.__file__).parent), *sys.path])
    with subprocess.Popen([sys.executable, "-c", VICTIM, places, registry, "j-victim"]) as process:
        try:
            eventually(lambda: docker.api.containers(filters={"label": "bactools=j-victim"}))
            yield process
        finally:
            process.kill()
            for each in left_behind(docker, "j-victim"):
                docker.api.remove_container(each, force=True)


def test_what_a_killed_process_left_is_cleared_by_the_next(docker: DockerClient, victim: subprocess.Popen[bytes]):
    assert leftovers.clear_left(docker) == ()
    assert len(left_behind(docker, "j-victim")) == 1
    victim.kill()
    victim.wait()
    assert leftovers.clear_left(docker) == ("j-victim",)
    assert left_behind(docker, "j-victim") == []
    assert leftovers.clear_left(docker) == ()


@pytest.fixture
def labelled(docker: DockerClient, registry: str) -> Iterator[Callable[[str], str]]:
    """``labelled(owner)``: a container that was never started, with this label."""
    busybox.run(docker, busybox.image(registry), wanted("true"))
    made: list[str] = []

    def make(owner: str) -> str:
        image = busybox.image(registry)
        options = image.options(wanted("true"))
        options = options._replace(labels={**options.labels, LABEL: owner})
        made.append(docker.api.create_container(**containers.configuration(docker, options))["Id"])
        return made[-1]

    yield make
    for each in set(made) & set(left_behind(docker)):
        docker.api.remove_container(each, force=True)


@pytest.mark.parametrize("owner", ["nobody", "", str(Owner("another-host", 1, 1))])
def test_what_may_be_anothers_is_left_alone(docker: DockerClient, labelled: Callable[[str], str], owner: str):
    container = labelled(owner)
    assert leftovers.clear_left(docker) == ()
    assert container in left_behind(docker)


def test_what_another_host_left_long_ago_is_cleared(
    docker: DockerClient, labelled: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
):
    container = labelled(str(Owner("another-host", 1, 1)))
    later = leftovers.time.time() + 3700
    monkeypatch.setattr(leftovers.time, "time", lambda: later)
    assert leftovers.clear_left(docker) == (busybox.JOB,)
    assert container not in left_behind(docker)


@pytest.fixture
def of_an_earlier_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Owner]:
    """A process of this machine, which may have had no id, before it was last started."""
    (tmp_path / "machine-id").write_text("0123456789abcdef" * 2 + "\n", "ascii")
    monkeypatch.setattr(leftovers, "MACHINE_ID", tmp_path / "machine-id")
    leftovers._owner.cache_clear()
    machine, _, processes = leftovers.this_process().place.split(".")
    yield Owner(f"{machine}.an-earlier-start.{processes}", 1, 1)
    leftovers._owner.cache_clear()


def test_what_was_left_before_the_machine_was_restarted_is_ended_by_the_next(
    docker: DockerClient, registry: str, tmp_path: Path, of_an_earlier_start: Owner, monkeypatch: pytest.MonkeyPatch
):
    folder = results.create(tmp_path, "j-earlier")
    mounts = (Mount(str(results.output(folder, "outputs")), "/out", writable=True, output=True),)
    image = busybox.image(registry, "j-earlier")
    busybox.run(docker, image, wanted("true"))
    asked = wanted("sh", "-c", "echo partial > /out/file; chown 33:33 /out /out/file; sleep 600", mounts=mounts)
    with monkeypatch.context() as patch:
        patch.setattr(containers, "this_process", lambda: of_an_earlier_start)
        container = containers._create(docker, image.options(asked), str(folder))
    try:
        docker.api.start(container)
        eventually(lambda: (folder / "outputs").stat().st_uid == 33)
        assert "j-earlier" not in leftovers.clear_left(docker, results.seal_left)
        docker.api.kill(container)
        docker.api.wait(container)
        assert "j-earlier" in leftovers.clear_left(docker, results.seal_left)
        assert left_behind(docker, "j-earlier") == []
    finally:
        for each in left_behind(docker, "j-earlier"):
            docker.api.remove_container(each, force=True)
    assert written(folder) == {(os.geteuid(), os.getegid())}
    assert (folder / "outputs").stat().st_mode & 0o777 == 0o755
    assert (folder / "outputs" / "file").read_text("ascii") == "partial\n"
    assert sorted(path.name for path in folder.iterdir()) == ["exitCode", "outputs", "stderr", "stdout"]
    assert (folder / "exitCode").read_text("ascii") == "-1"


def test_a_reader_of_closed_folders_is_told_nothing_of_them(output: Path):
    assert list(ownership._foreign(str(output))) == []
