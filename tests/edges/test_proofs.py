"""Programs of every architecture, really executed, also against emulators that are broken.

Emulators are registered in a user namespace's own binfmt_misc (Linux 6.7), never in the machine's.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys

import components
import processes
import pytest

from bactools.core import platforms
from bactools.core.emulation import Outcome
from bactools.core.executables import ARCHITECTURES, program
from bactools.edges.host import proofs

OWN = platforms.parse(f"linux/{os.uname().machine}").architecture
EMULATORS = {
    "amd64": "x86_64",
    "386": "i386",
    "arm64": "aarch64",
    "mips64le": "mips64el",
    "mipsle": "mipsel",
    "loong64": "loongarch64",
}
REGISTER = "/proc/sys/fs/binfmt_misc/register"
PRIVATE = 'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc && exec "$@"'
FORBIDDING = "echo 2 > /proc/sys/vm/memfd_noexec"

SCRIPT = f"""
import json, signal, sys
from bactools.cli.boundary import STOPPING, stop
from bactools.edges.host import emulators, proofs
from bactools.edges.host.tree import Tree
for number in STOPPING:
    signal.signal(number, stop)
entries, architectures, timeout = json.loads(sys.argv[1])
for entry in entries:
    with open({REGISTER!r}, "w") as register:
        register.write(entry)
print(json.dumps([proofs.prove(architectures, timeout), emulators.read(Tree())]))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The temporary folder, which must be empty at the end."""
    path = tmp_path / "temporary"
    path.mkdir()
    monkeypatch.setenv("TMPDIR", str(path))
    yield path
    assert list(path.iterdir()) == []


@pytest.fixture
def private(tool):
    """The words before a command that has a binfmt_misc of its own, without entries."""
    words = [tool("unshare"), "--user", "--map-root-user", "--mount", "sh", "-c", PRIVATE, "sh"]
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        components.missing("a user namespace cannot have a binfmt_misc of its own here")
    return words


def entry(architecture, interpreter, flags=""):
    magic = "".join(f"\\x{byte:02x}" for byte in program(architecture)[:20])
    return f":mine-{architecture}:M:0:{magic}::{interpreter}:{flags}"


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def command(private, entries, architectures, timeout=30.0):
    return [*private, sys.executable, "-c", SCRIPT, json.dumps([entries, architectures, timeout])]


def proved(words):
    outcomes, entries = json.loads(subprocess.run(words, capture_output=True, check=True, timeout=60).stdout)
    return {name: Outcome(*outcome) for name, outcome in outcomes.items()}, entries


def is_gone(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_program_exits_with_status_0_on_its_architecture(architecture, tool, tmp_path):
    path = tmp_path / "program"
    path.write_bytes(program(architecture))
    path.chmod(0o755)
    emulator = tool(f"qemu-{EMULATORS.get(architecture, architecture)}-static")
    assert subprocess.run([emulator, str(path)], check=False, timeout=60).returncode == 0


@pytest.mark.usefixtures("folder")
def test_the_own_architecture_runs():
    assert proofs.prove([OWN], timeout=30) == {OWN: Outcome(True)}


@pytest.mark.usefixtures("folder", "emulated")
def test_emulated_architectures_run():
    found = proofs.prove([OWN, "arm64", "arm"], timeout=30)
    assert found == dict.fromkeys([OWN, "arm64", "arm"], Outcome(True))


def test_an_architecture_without_an_emulator_is_refused_by_the_kernel(private, folder):
    assert proved(command(private, [], [OWN, "s390x"])) == (
        {OWN: Outcome(True), "s390x": Outcome(False, errno.ENOEXEC)},
        {"status": "enabled\n"},
    )
    assert folder.exists()


@pytest.mark.usefixtures("folder")
def test_an_emulator_of_ones_own_runs_what_its_entry_takes(private, tool):
    emulator = tool("qemu-s390x-static")
    outcomes, entries = proved(command(private, [entry("s390x", emulator, "F")], [OWN, "s390x"]))
    assert outcomes["s390x"] == Outcome(True)
    assert entries["mine-s390x"].startswith(f"enabled\ninterpreter {emulator}\nflags: F\n")


@pytest.mark.usefixtures("folder")
def test_an_emulator_that_is_not_there_is_told_from_none(private):
    found, _ = proved(command(private, [entry("s390x", "/nowhere/emulator")], [OWN, "s390x"]))
    assert found["s390x"] == Outcome(False, errno.ENOENT)


@pytest.mark.usefixtures("folder")
def test_an_emulator_that_may_not_be_executed_is_told_from_a_host_that_executes_nothing(private, tmp_path):
    path = script(tmp_path / "emulator", "exit 0")
    path.chmod(0o644)
    found, _ = proved(command(private, [entry("s390x", path)], [OWN, "s390x"]))
    assert found == {OWN: Outcome(True), "s390x": Outcome(False, errno.EACCES)}


@pytest.mark.usefixtures("folder")
def test_the_emulator_of_another_architecture_fails(private, tool):
    emulator = tool("qemu-riscv64-static")
    found, _ = proved(command(private, [entry("s390x", emulator, "F")], [OWN, "s390x"]))
    assert found["s390x"] == Outcome(False)


@pytest.mark.usefixtures("folder")
def test_an_emulator_that_crashes_leaves_no_core_file(private, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    crash = script(tmp_path / "crash", "kill -SEGV $$")
    found, _ = proved(command(private, [entry("s390x", crash)], [OWN, "s390x"]))
    assert found["s390x"] == Outcome(False, signal=signal.SIGSEGV)
    assert {path.name for path in tmp_path.iterdir()} == {"crash", "temporary"}


@pytest.mark.usefixtures("folder")
def test_an_emulator_that_hangs_is_killed_with_what_it_started(private, tmp_path):
    numbers = tmp_path / "numbers"
    hang = script(tmp_path / "hang", f"sleep 1000 &\necho $$ $! > {numbers}.new\nmv {numbers}.new {numbers}\nwait")
    found, _ = proved(command(private, [entry("s390x", hang)], [OWN, "s390x"], timeout=1.0))
    assert found == {OWN: Outcome(True), "s390x": Outcome(False, errno.ETIMEDOUT)}
    for number in numbers.read_text().split():
        processes.eventually(lambda number=number: is_gone(int(number)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_what_was_started_and_removes_the_files(private, tmp_path, folder, number):
    child = tmp_path / "child"
    hang = script(tmp_path / "hang", f"echo $$ > {child}.new\nmv {child}.new {child}\nexec sleep 1000")
    words = command(private, [entry("s390x", hang)], [OWN, "s390x"], timeout=1000.0)
    with processes.background(words, env=dict(os.environ), cwd=tmp_path) as process:
        processes.eventually(child.exists)
        assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o700]
        process.send_signal(number)
        process.communicate(timeout=30)
    processes.eventually(lambda: is_gone(int(child.read_text())))


def test_where_the_temporary_folder_forbids_execution_memory_is_used(small_disk, monkeypatch, tool):
    subprocess.run([tool("mount"), "-o", "remount,noexec", str(small_disk)], check=True)
    monkeypatch.setenv("TMPDIR", str(small_disk))
    assert proofs.prove([OWN], timeout=30) == {OWN: Outcome(True)}
    assert list(small_disk.iterdir()) == []


@pytest.mark.usefixtures("emulated")
def test_an_emulator_finds_its_program_in_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    assert proofs.prove([OWN, "arm64"], timeout=30) == {OWN: Outcome(True), "arm64": Outcome(True)}


def test_a_full_disk_is_left_as_it_was(small_disk, monkeypatch):
    filler = small_disk / "filler"
    filler.write_bytes(bytes(1 << 20))
    assert os.statvfs(small_disk).f_bfree == 0
    monkeypatch.setenv("TMPDIR", str(small_disk))
    assert proofs.prove([OWN], timeout=30) == {OWN: Outcome(True)}
    assert list(small_disk.iterdir()) == [filler]


def test_where_nothing_may_be_executed_all_is_untried(small_disk, monkeypatch, tool):
    subprocess.run([tool("mount"), "-o", "remount,noexec", str(small_disk)], check=True)
    monkeypatch.setenv("TMPDIR", str(small_disk))
    words = [tool("unshare"), "--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c"]
    if subprocess.run([*words, FORBIDDING], capture_output=True, check=False).returncode:
        components.missing("this kernel cannot forbid to execute what is in memory")
    found = proved(command([*words, f'{FORBIDDING} && exec "$@"', "sh"], [], [OWN, "s390x"]))
    assert found[0] == dict.fromkeys([OWN, "s390x"], Outcome(False, untried=proofs.NOWHERE))
    assert list(small_disk.iterdir()) == []


@pytest.mark.usefixtures("folder")
def test_a_program_is_proved_also_where_the_end_of_children_is_ignored():
    code = (
        "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "from bactools.edges.host import proofs\n"
        f"print(proofs.prove([{OWN!r}], 30)[{OWN!r}].ran, signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN)\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60).stdout
    assert printed == b"True True\n"


@pytest.mark.usefixtures("folder")
def test_a_thread_that_cannot_hear_of_children_tells_nothing():
    code = (
        "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from bactools.edges.host import proofs\n"
        "with ThreadPoolExecutor(1) as pool:\n"
        f"    found = pool.submit(proofs.prove, [{OWN!r}], 30).result()\n"
        f"print(found[{OWN!r}].untried == proofs.UNHEARD)\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60).stdout
    assert printed == b"True\n"


def confined(tool, processes):
    """The words before a command that gets no more than so many processes, as a user who has none yet."""
    user = str(1_000_000_000 + os.getpid())
    own = [tool("setpriv"), "--reuid", user, "--regid", user, "--clear-groups"]
    reading = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    words = [*own, *reading, tool("prlimit"), f"--nproc={processes}:{processes}"]
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        components.missing("this user may not become another one")
    return words


def everything(words):
    return proved([*words, sys.executable, "-c", SCRIPT, json.dumps([[], ARCHITECTURES, 30.0])])[0]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("processes", [3, 4])
def test_with_room_for_one_emulator_all_programs_run_in_turn(tool, processes):
    assert everything(confined(tool, processes)) == everything([])


@pytest.mark.usefixtures("folder", "emulated")
def test_an_emulator_without_room_for_its_threads_is_untried(tool):
    untried = dict.fromkeys(["arm64", "arm"], Outcome(False, untried=proofs.CROWDED))
    assert everything(confined(tool, 2)) == {**everything([]), **untried}


@pytest.mark.usefixtures("folder")
def test_an_emulator_that_fails_is_run_again_alone(private, tmp_path):
    tries = tmp_path / "tries"
    emulator = script(tmp_path / "emulator", f"echo >> {tries}\n[ $(wc -l < {tries}) = 2 ]")
    found, _ = proved(command(private, [entry("s390x", emulator)], [OWN, "s390x"]))
    assert found["s390x"] == Outcome(True)


@pytest.mark.usefixtures("folder")
def test_without_room_for_a_process_all_is_untried(tool):
    found, _ = proved([*confined(tool, 1), sys.executable, "-c", SCRIPT, json.dumps([[], [OWN, "386"], 30.0])])
    assert found == dict.fromkeys([OWN, "386"], Outcome(False, untried=proofs.CROWDED))


@pytest.mark.usefixtures("folder")
def test_no_architecture_is_no_proof():
    assert proofs.prove([], timeout=30) == {}
