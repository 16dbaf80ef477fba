"""Errors: one line each, however long, odd or punctuated what they quote is."""

from bactools.core.errors import CODES, BacError, Status


def test_a_message_is_one_line_without_a_full_stop():
    error = BacError("unreachable", "fetching x:\n  no such host.", hint="Check the name.")
    assert error.line() == "fetching x: no such host. Check the name. [unreachable]"


def test_a_remark_has_the_hint_and_not_the_code():
    assert BacError("no_engine", "there is none", hint="Start it.").advice() == "there is none. Start it."
    assert BacError("no_engine", "there is none").advice() == "there is none"


def test_a_message_with_bytes_that_are_no_text_can_be_encoded():
    assert BacError("unreadable_file", "cannot read bad\udcff.yaml").message.encode() == rb"cannot read bad\udcff.yaml"


def test_every_code_ends_a_run_in_a_status_that_is_no_answer():
    assert {code.status for code in CODES.values()} <= {Status.INPUT, Status.WORLD, Status.USAGE}
