"""Every example of the README, the man pages and the help texts, typed into a shell.

``busybox`` alone is Docker Hub's in the documentation and the test registry's here; everything else is as printed.
"""

import importlib
import re
import shutil
from pathlib import Path

import house
import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TUTORIAL = (ROOT / "man" / "bactools.7").read_text(encoding="utf-8")
HUB = re.compile(r"(?<![\w/:.-])busybox(?![\w:/])")
HERE = "localhost:5000/busybox:multi"

# The answer is no, and that is what the example shows.
SAYS_NO = "platform:linux/riscv64"


def readme_blocks():
    """The README's shell blocks but the two that install."""
    blocks = re.findall(r"(<!-- \w+-command -->\n)?```sh\n(.*?)```", README, re.DOTALL)
    return [text for command, text in blocks if not command]


def tutorial_blocks():
    """The indented blocks of bactools(7), which read as one session."""
    blocks = re.findall(r"^\.nf\n\.RS 4\n(.*?)\.RE$", TUTORIAL, re.DOTALL | re.MULTILINE)
    return [text.replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\") for text in blocks]


def help_examples():
    """The examples that a command's help and man page show."""
    for name in house.COMMANDS:
        module = importlib.import_module(f"bactools.commands.{name.replace('-', '_')}")
        yield from module.command.examples


@pytest.fixture
def folder(home):
    """A folder with what the examples name: the project's examples, a fleet, a module and a job."""
    shutil.copytree(ROOT / "examples", home / "examples")
    shutil.copy(ROOT / "examples" / "hello.wat", home / "hello.wat")
    for name in ("job.yaml", "first.yaml", "second.yaml"):
        shutil.copy(ROOT / "examples" / "uname.yaml", home / name)
    return home


def needs(request, script):
    """Ask for the real things that a script uses."""
    for word, fixture in (("localhost:5000", "registry"), ("docker-daemon:", "docker"), ("bac-job docker", "docker")):
        if word in script:
            request.getfixturevalue(fixture)
    if "request.json" in script:
        request.getfixturevalue("registry")
        request.getfixturevalue("docker")
    if "linux/arm64" in script or "busybox:arm64" in script:
        request.getfixturevalue("emulated")
    if "docker-daemon:busybox" in script:
        image = request.getfixturevalue("docker").images.pull("localhost:5000/busybox", tag="amd64")
        image.tag("busybox", "latest")
    if "jq" in script:
        request.getfixturevalue("tool")("jq")


def check(request, shell, script):
    script = HUB.sub(HERE, script)
    needs(request, script)
    if "--node node.jsonl" in script:
        assert shell("cp nodes.jsonl node.jsonl").status == 0
    completed = shell(script)
    if SAYS_NO in script:
        assert completed.status == 1
        assert "0 of 1 node fits" in completed.stderr
    else:
        said = "hello\n" if "--follow" in script else ""
        told = completed.stderr.removesuffix(": 1 of 1 node fits\n").count("\n") if "--explain" in script else None
        assert completed.status == 0
        assert (
            told == 0 or completed.stderr == said or ("--dry-run" in script and "docker run --rm " in completed.stderr)
        )
    assert completed.stdout or script.endswith(">> nodes.jsonl") or "--probe" in script


@pytest.fixture
def fleet(shell, folder):
    """nodes.jsonl with this host in it, as it is when nothing else keeps it busy."""
    assert shell("bac-probe | jq -c 'del(.available)' >> nodes.jsonl").status == 0
    assert shell("bac-job job.yaml | jq '{Job: .spec}' > request.json").status == 0
    assert shell("bac-job wasm hello.wat > jobs.jsonl").status == 0
    return folder


@pytest.mark.parametrize("script", readme_blocks())
@pytest.mark.usefixtures("fleet")
def test_readme(request, shell, script):
    check(request, shell, script)


@pytest.mark.parametrize("script", tutorial_blocks())
@pytest.mark.usefixtures("fleet")
def test_tutorial(request, shell, script):
    check(request, shell, script)


@pytest.mark.parametrize("script", list(help_examples()))
@pytest.mark.usefixtures("fleet")
def test_help(request, shell, script):
    check(request, shell, script)


def test_there_are_examples_to_run():
    assert len(readme_blocks()) == 3
    assert len(tutorial_blocks()) == 7
    assert len(list(help_examples())) >= 12
