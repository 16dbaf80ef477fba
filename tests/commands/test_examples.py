"""The job specs in examples/ do what their first line says."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def exec_example(run, name, tmp_path):
    job = run("bac-job", EXAMPLES / name)
    assert (job.status, job.stderr) == (0, "")
    done = run("bac-exec", "--results", tmp_path, input=job.stdout)
    assert done.status == 0, done.stderr
    return Path(done.records[0]["results"])


def test_inline_yaml_runs_wherever_its_line_goes(run, tmp_path):
    results = exec_example(run, "inline.yaml", tmp_path)
    assert (results / "stdout").read_text() == "hello from one file\n"


def test_uname_yaml_keeps_its_result(run, registry, tmp_path):
    assert registry == "localhost:5000"
    results = exec_example(run, "uname.yaml", tmp_path)
    assert (results / "outputs" / "machine").read_text() in ("x86_64\n", "aarch64\n")
