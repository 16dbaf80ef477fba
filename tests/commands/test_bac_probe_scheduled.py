"""The systemd units, the crontab lines and the way to capture a host, as the man page of bac-probe prints them."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import components
import pytest
from processes import SCRIPTS

PAGE = (Path(__file__).parents[2] / "man" / "bac-probe.1").read_text(encoding="utf-8")
INSTALLED = "/usr/local/bin/bac-probe"
PLACES = {"/var/lib/bactools": "state", "/srv/fleet": "fleet"}


def blocks():
    """The indented blocks, as they are read."""
    found = re.findall(r"^\.nf\n\.RS 4\n(.*?)\.RE$", PAGE, re.DOTALL | re.MULTILINE)
    return [text.replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\") for text in found]


def block(word):
    [found] = [text for text in blocks() if word in text]
    return found


def crontab_lines():
    return [text.strip() for text in blocks() if re.match(r"(\S+ ){5}/", text)]


@pytest.fixture
def here(home):
    """A text of the page, with its places in a folder of the test's and the command where it is installed."""

    def moved(text: str) -> str:
        for place, name in PLACES.items():
            (home / name).mkdir(exist_ok=True)
            text = text.replace(place, str(home / name))
        return text.replace(INSTALLED, str(SCRIPTS / "bac-probe"))

    return moved


def test_systemd_finds_no_fault_with_the_units(home, here, tool):
    units = {"bac-probe.service": block("[Service]"), "bac-probe.timer": block("[Timer]")}
    for name, text in units.items():
        (home / name).write_text(here(text), encoding="utf-8")
    words = [tool("systemd-analyze"), "verify", "--man=no", *(str(home / name) for name in units)]
    checked = subprocess.run(words, capture_output=True, text=True, check=False)
    said = [line for line in checked.stderr.splitlines() if "bac-probe" in line]
    assert (checked.returncode, said) == (0, [])


def test_the_service_writes_the_file_and_then_says_by_its_status_that_nothing_changed(shell, home, here):
    service = block("[Service]")
    [line] = re.findall(r"^ExecStart=(.*)$", service, re.MULTILINE)
    [also] = re.findall(r"^SuccessExitStatus=(.*)$", service, re.MULTILINE)
    assert Path(shlex.split(line)[shlex.split(line).index("--output") + 1]).parent == Path("/var/lib/bactools")
    first, second = (shell(here(line)) for _ in range(2))
    assert (first.status, first.stdout, first.stderr) == (0, b"", "")
    assert (second.status, second.stdout, second.stderr) == (int(also), b"", "")
    assert (home / "state" / "node.jsonl").read_bytes().startswith(b'{"kind":"node"')


@pytest.mark.parametrize("line", crontab_lines())
def test_a_crontab_line_writes_a_node_and_no_mail(line, shell, home, here):
    *times, command = line.split(maxsplit=5)
    assert len(times) == 5
    assert "%" not in command  # cron makes line ends of these
    cron = {"PATH": "/usr/bin:/bin", "LANG": None, "XDG_CACHE_HOME": None}
    done = shell(f"sh -c {shlex.quote(here(command))}", env=cron)
    assert (done.status, done.stdout, done.stderr) == (0, b"", "")
    [file] = (home / "fleet").iterdir()
    assert file.read_bytes().count(b"\n") == 1


def test_there_are_crontab_lines():
    assert len(crontab_lines()) == 2


@pytest.mark.usefixtures("docker")
def test_a_host_that_was_captured_as_the_page_says_is_probed_as_itself(shell, run, tool):
    tool("curl")
    if components.ENGINE != "unix:///var/run/docker.sock":
        components.missing("the Docker engine is not behind its usual socket")
    captured = shell(f"sh -c {shlex.quote(block('mkdir -p host/docker'))}")
    assert (captured.status, captured.stderr) == (0, "")
    [copy] = run("bac-probe", "--root", "host").records
    [live] = run("bac-probe").records
    for name in ("id", "name", "os", "architecture", "variant", "page_size"):
        assert copy[name] == live[name]
    assert copy["resources"]["memory"] >= live["resources"]["memory"]
    assert [engine["engine"] for engine in copy["engines"]] == ["docker"]
    offered, proved = (
        {offer["platform"] for offer in node["engines"][0]["platforms"] if offer["how"] != "compatible"}
        for node in (copy, live)
    )
    assert offered == proved
    assert copy["engines"][0]["version"] == live["engines"][0]["version"]
    assert os.uname().nodename == copy["name"]
