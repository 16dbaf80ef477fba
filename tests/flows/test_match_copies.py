"""Which lines are copied together: not too many, and not too long ones."""

import pytest

from bactools.flows.match_copies import PIECE, TOGETHER, together


@pytest.mark.parametrize(
    ("lengths", "added", "counts"),
    [
        ([], 0, []),
        ([100] * (2 * TOGETHER + 5), 500, [TOGETHER, TOGETHER, 5]),
        ([100] * 9, PIECE // 4, [3, 3, 3]),
        ([PIECE // 2] * 5, 0, [2, 2, 1]),
        ([10, 2 * PIECE, 10, 10], 0, [1, 1, 2]),
        ([1, 1], PIECE, [1, 1]),
    ],
)
def test_lines_are_copied_so_many_at_a_time(lengths, added, counts):
    found = [(number << 25 | length, number) for number, length in enumerate(lengths)]
    pieces = list(together(iter(found), lambda each: each[0], added))
    assert [len(piece) for piece in pieces] == counts
    assert [each for piece in pieces for each in piece] == found
