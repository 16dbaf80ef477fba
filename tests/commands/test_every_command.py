"""What holds for every command: help, version, schema, formats, usage, and how a process ends."""

import json
import os
import signal
import subprocess
from pathlib import Path

import house
import jsonschema
import pytest

import bactools

KINDS = {
    "bac-exec": {"Job", "Result", "Error"},
    "bac-inspect": {"Image", "Module", "Job", "Error"},
    "bac-job": {"Job", "Error"},
    "bac-match": {"Match", "Error"},
    "bac-probe": {"Node", "Error"},
}
FILTERS = [("bac-exec",), ("bac-inspect",), ("bac-job", "-"), ("bac-match", "platform:linux/amd64")]
WEATHER = b'{"v":1,  "kind":"weather", "rain":true}\n'

every_command = pytest.mark.parametrize("command", house.COMMANDS)
every_filter = pytest.mark.parametrize("words", FILTERS, ids=lambda words: words[0])


@every_command
def test_help_has_examples_and_exit_statuses_in_under_50_lines(run, command):
    completed = run(command, "--help")
    text = completed.stdout.decode()
    assert (completed.status, completed.stderr) == (0, "")
    assert f"Usage: {command} " in text
    assert "Examples:" in text
    assert f"0 yes, 1 no, 2 usage, 3 bad input, 4 world not available, 5 partial. More: man {command}" in text
    assert len(text.splitlines()) < 50


@every_command
def test_the_common_options_stand_last_and_in_one_order(run, command):
    text = run(command, "--help").stdout.decode()
    places = [
        text.index(f"{option} ") for option in ("--format", "--quiet", "--verbose", "--schema", "--version", "--help")
    ]
    assert places == sorted(places)


@every_command
def test_version_says_command_version_and_protocol(run, command):
    assert run(command, "--version").stdout.decode() == f"{command} {bactools.__version__} (protocol 1)\n"


@every_command
def test_schema_is_that_of_the_kinds_it_writes(run, command):
    schema = json.loads(run(command, "--schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert {entry["$ref"].rpartition("/")[2] for entry in schema["anyOf"]} == KINDS[command]


@every_command
def test_an_unknown_option_is_usage_and_one_line(run, command):
    completed = run(command, "--formt", "x")
    assert completed.status == 2
    assert completed.stderr.startswith(f"{command}: No such option")
    assert completed.stderr.endswith(f"Try '{command} --help'.\n")
    assert completed.stderr.count("\n") == 1


def test_the_format_variable_must_be_a_format(run):
    completed = run("bac-probe", env={"BACTOOLS_FORMAT": "xml"})
    assert completed.status == 2
    assert "BACTOOLS_FORMAT is 'xml'; it may be jsonl or table" in completed.stderr


def test_the_option_wins_over_the_variable_and_the_variable_over_the_terminal(run, pty_run):
    table = {"BACTOOLS_FORMAT": "table"}
    assert run("bac-probe", env=table).stdout.startswith(b"NODE ")
    assert run("bac-probe", "--format", "jsonl", env=table).stdout.startswith(b'{"kind":"node"')
    assert pty_run("bac-probe", env={"BACTOOLS_FORMAT": "jsonl"}).stdout.startswith(b'{"kind":"node"')
    assert pty_run("bac-probe").stdout.startswith(b"NODE ")


@every_filter
def test_an_unknown_kind_passes_byte_for_byte(run, words):
    completed = run(*words, input=WEATHER)
    assert completed.stdout == WEATHER
    assert completed.status == (3 if words[0] == "bac-match" else 0)  # 0 would say that a node fits


@every_filter
def test_an_error_record_passes_and_ends_in_status_5(run, words):
    error = b'{"kind":"error","v":1, "code":"not_found","message":"gone","later":1}\n'
    completed = run(*words, input=error)
    assert completed.stdout == error
    assert completed.status == 5


@every_filter
def test_an_unknown_major_version_is_refused(run, words):
    completed = run(*words, input=b'{"kind":"job","v":2,"id":"j"}\n')
    assert completed.status == 3
    assert "version 2; this bactools reads version 1" in completed.stderr


@every_filter
def test_an_empty_input_is_status_3_and_one_line(run, words):
    completed = run(*words, input=b"")
    assert (completed.status, completed.stdout) == (3, b"")
    assert completed.stderr.startswith(f"{words[0]}: ")
    assert completed.stderr.endswith("[empty_input]\n")
    assert completed.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [words for words in FILTERS if words != ("bac-job", "-")], ids=lambda words: words[0])
@pytest.mark.parametrize(
    "line", [b'{"kind":"job","v":1', b'{"kind":"job","v":1,"id":"\xff"}\n', b"<html>\n", b"[]\n"], ids=repr
)
def test_a_line_that_is_no_record_is_status_3_and_one_line(run, words, line):
    completed = run(*words, input=line)
    assert completed.status == 3
    assert "line 1 of standard input is not a record" in completed.stderr
    assert completed.stderr.count("\n") == 1


@every_filter
def test_a_bad_line_loses_nothing_that_came_before_it(run, words):
    completed = run(*words, input=WEATHER + b"{")
    assert completed.stdout == WEATHER
    assert completed.status == 3


@every_filter
def test_a_terminal_as_input_is_usage_and_does_not_wait(pty_run, words):
    completed = pty_run(*words)
    assert completed.status == 2
    assert "pipe records into standard input" in completed.stderr


@every_filter
def test_a_reader_that_has_gone_ends_it_by_sigpipe_without_a_word(spawn, words):
    reader, writer = os.pipe()
    os.close(reader)
    process = spawn(*words, input=WEATHER * 2, stdout=writer)
    os.close(writer)
    assert process.stderr.read() == b""
    assert process.wait(60) == -signal.SIGPIPE


@every_filter
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_waiting_for_input_ends_it_by_that_signal(spawn, words, number):
    process = spawn(*words, stdin=subprocess.PIPE)
    process.stdin.write(WEATHER)
    process.stdin.flush()
    assert process.stdout.readline() == WEATHER
    process.send_signal(number)
    assert process.wait(60) == -number
    assert process.stderr.read().strip() == b""  # after ^C on a terminal, a new line is welcome


def test_a_full_disk_under_standard_output_is_status_4(spawn):
    with Path("/dev/full").open("wb") as full:
        process = spawn("bac-probe", stdout=full)
    assert process.wait(60) == 4
    assert (
        process.stderr.read()
        == b"bac-probe: cannot write to standard output: No space left on device [unwritable_file]\n"
    )


def test_a_bug_is_status_70_and_one_line_and_a_traceback_only_on_request(run, tmp_path):
    broken = tmp_path / "sitecustomize.py"
    broken.write_text(
        "import bactools.cli.options as options\n"
        "def is_table(chosen):\n"
        "    raise ZeroDivisionError('x')\n"
        "options.is_table = is_table\n"
    )
    completed = run("bac-probe", env={"PYTHONPATH": str(tmp_path)})
    assert completed.status == 70
    assert completed.stderr == (
        "bac-probe: a bug in bactools: ZeroDivisionError: x. BACTOOLS_DEBUG=1 shows where; please report it.\n"
    )
    debugged = run("bac-probe", env={"PYTHONPATH": str(tmp_path), "BACTOOLS_DEBUG": "1"})
    assert debugged.status == 70
    assert debugged.stderr.startswith("Traceback (most recent call last):\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_where_python_drops_what_it_raises_is_heard_a_moment_later(spawn, tmp_path, number):
    deaf = tmp_path / "sitecustomize.py"
    deaf.write_text(
        "import signal, time, weakref\n"
        "import bactools.cli.options as options\n"
        "def is_table(chosen):\n"
        "    value = {1}\n"
        f"    noticed = weakref.ref(value, lambda _: signal.raise_signal({int(number)}))\n"
        "    del value\n"
        "    time.sleep(600)\n"
        "options.is_table = is_table\n"
    )
    process = spawn("bac-probe", env={"PYTHONPATH": str(tmp_path)})
    assert process.wait(60) == -number
    assert process.stderr.read().strip() == b""
