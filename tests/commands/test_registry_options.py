from __future__ import annotations

import pytest


@pytest.mark.parametrize("host", ["https://registry.lan", "registry.lan/team", "", "registry.lan:", "a b"])
def test_what_is_no_host_is_refused(run, host):
    done = run("bac-inspect", "--insecure-registry", host, "localhost:5000/x")
    assert done.status == 2
    assert "is not a host; write it as in a reference, as registry.lan:5000." in done.stderr


def test_an_authority_that_is_not_there_is_refused(run):
    done = run("bac-inspect", "--ca-file", "nosuch.pem", "localhost:5000/x")
    assert done.status == 2
    assert "nosuch.pem" in done.stderr


def test_a_mirror_of_this_user_is_asked(run, home, registry):
    folder = home / ".config/containers"
    folder.mkdir(parents=True)
    text = f'[[registry]]\nlocation = "hub.invalid"\n[[registry.mirror]]\nlocation = "{registry}"\n'
    (folder / "registries.conf").write_text(text, encoding="ascii")
    done = run("bac-inspect", "hub.invalid/busybox:multi")
    assert done.status == 0
    assert b'"reference":"hub.invalid/busybox:multi"' in done.stdout


def test_a_blocked_registry_is_not_asked(run, home):
    (home / "own.conf").write_text('[[registry]]\nprefix = "localhost:5000"\nblocked = true\n', encoding="ascii")
    done = run(
        "bac-inspect", "localhost:5000/busybox:multi", env={"CONTAINERS_REGISTRIES_CONF": str(home / "own.conf")}
    )
    assert done.status == 3
    assert "registries.conf blocks localhost:5000 [blocked]" in done.stderr
