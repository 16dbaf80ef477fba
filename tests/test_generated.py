"""What is generated is what its source says, is well formed, and is installed."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import house
import pytest

ROOT = Path(__file__).parents[1]
SHARE = Path(sysconfig.get_path("data")) / "share"
PAGES = [*(f"man1/{name}.1" for name in house.COMMANDS), "man5/bac-records.5", "man7/bactools.7"]
COMPLETIONS = [
    *(f"bash-completion/completions/{name}" for name in house.COMMANDS),
    *(f"zsh/site-functions/_{name}" for name in house.COMMANDS),
    *(f"fish/vendor_completions.d/{name}.fish" for name in house.COMMANDS),
]


def test_the_generated_files_are_up_to_date():
    completed = subprocess.run(
        [sys.executable, ROOT / "tools" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (completed.returncode, completed.stdout) == (0, "")


@pytest.mark.parametrize("page", PAGES)
def test_a_man_page_is_installed_and_clean(page, tool):
    path = SHARE / "man" / page
    lint = subprocess.run(
        [tool("mandoc"), "-T", "lint", "-W", "warning", path], capture_output=True, text=True, check=False
    )
    assert lint.stdout == ""
    assert path.stat().st_size > 500


@pytest.mark.parametrize("name", COMPLETIONS)
def test_a_completion_is_installed(name):
    assert (SHARE / name).stat().st_size > 100


@pytest.mark.parametrize("command", house.COMMANDS)
def test_bash_completes_an_option_without_starting_anything(command, tool):
    script = f"""
        PATH=/nonexistent
        source {SHARE}/bash-completion/completions/{command}
        COMP_WORDS=({command} --vers) COMP_CWORD=1
        _{command.replace("-", "_")}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    completed = subprocess.run([tool("bash"), "-c", script], capture_output=True, text=True, check=True)
    assert completed.stdout == "--version\n"


def test_bash_completes_the_values_of_an_option(tool):
    script = f"""
        source {SHARE}/bash-completion/completions/bac-match
        COMP_WORDS=(bac-match --format '') COMP_CWORD=2
        _bac_match
        echo "${{COMPREPLY[@]}}"
    """
    completed = subprocess.run([tool("bash"), "-c", script], capture_output=True, text=True, check=True)
    assert completed.stdout == "jsonl table\n"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("bac-job --entrypo", set()),
        ("bac-job -q docker --entrypo", {"--entrypoint"}),
        ("bac-job --platform linux/arm64 wasm --entry-po", {"--entry-point"}),
        ("bac-job docker wasm --entrypo", {"--entrypoint"}),
        ("bac-job -q doc", {"docker", "doc.yaml"}),
        ("bac-job docker busybox -- doc", {"doc.yaml"}),
        ("bac-job docker busybox -- --pla", set()),
        ("bac-job --format = j", {"jsonl"}),
        ("bac-job --format =", {"jsonl", "table"}),
        ("bac-match -- --expl", set()),
        ("bac-match --format = t", {"table"}),
    ],
)
def test_bash_completes_by_what_stands_before(words, offered, tool, home):
    (home / "doc.yaml").touch()
    command = words.split()[0]
    script = f"""
        source {ROOT}/completions/{command}.bash
        COMP_WORDS=({words}) COMP_CWORD={len(words.split()) - 1}
        _{command.replace("-", "_")}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    completed = subprocess.run([tool("bash"), "-c", script], capture_output=True, text=True, check=True, cwd=home)
    assert set(completed.stdout.split()) == offered


@pytest.mark.parametrize("command", house.COMMANDS)
def test_the_completions_parse(command, tool):
    subprocess.run([tool("shellcheck"), "-s", "bash", ROOT / "completions" / f"{command}.bash"], check=True)
    subprocess.run([tool("zsh"), "-n", ROOT / "completions" / f"_{command}"], check=True)
    subprocess.run([tool("fish"), "--no-execute", ROOT / "completions" / f"{command}.fish"], check=True)


def test_fish_completes_a_value(tool, home):
    script = f"source {ROOT}/completions/bac-match.fish; complete -C 'bac-match --format t'"
    environment = {**os.environ, "HOME": str(home)}
    completed = subprocess.run(
        [tool("fish"), "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert {line.split("\t")[0] for line in completed.stdout.splitlines()} == {"table"}
