"""Words for a shell: what bash reads is what was written, on one line."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import shell_words

if TYPE_CHECKING:
    from collections.abc import Callable

# What is printed and must not be, what a shell takes to mean something, and digits, which would belong to an escape.
LETTERS = st.sampled_from("\n\t\r\x01\x1b\x7f\u200b\u2028é\udcff'\"\\$`!~#*017af ") | st.characters(
    codec="utf-8", exclude_characters="\0"
)


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("plain", "plain"),
        ("", "''"),
        ("it's", """'it'"'"'s'"""),
        ("echo one\necho 'two'", "$'echo one\\necho \\'two\\''"),
        ("a\tb\\", "$'a\\tb\\\\'"),
        ("\x1b1", "$'\\0331'"),
        ("\u200bé", "$'\\342\\200\\213é'"),
    ],
)
def test_a_word_is_written_so(word: str, written: str):
    assert shell_words.quote(word) == written


@given(st.lists(st.text(LETTERS), min_size=1))
def test_bash_reads_the_same_words_from_one_printable_line(tool: Callable[[str], str], words: list[str]):
    line = f"printf '%s\\0' {shell_words.join(words)}"
    assert line.isprintable()
    assert read(tool("bash"), line) == words


def read(shell: str, line: str) -> list[str]:
    done = subprocess.run([shell, "-c", line], stdout=subprocess.PIPE, check=True, timeout=60)
    return [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]]
