"""How many jobs one reading of the nodes answers: as many as what is kept for them allows."""

import pytest

from bactools.core import lines
from bactools.flows.match_wishes import JOBS, KEPT, Wanted, Wishes


def jobs():
    """Jobs that each need something else."""
    for number in range(JOBS):
        wanted = b'{"engine":"docker","platforms":["linux/arm64","linux/amd64"],"resources":{"cpu":%d}}' % (number + 1)
        yield lines.read(b'{"kind":"job","v":1,"id":"j","spec":{"Count":2},"requires":%b}' % wanted, "here")


def taken(wishes, nodes):
    """How many jobs are taken in before the nodes are to be read."""
    wanted = Wanted(wishes, nodes)
    for line in jobs():
        wanted.add(line)
        if wanted.is_full():
            break
    return len(wanted.subjects)


@pytest.mark.parametrize(
    ("wishes", "nodes", "count"),
    [
        (Wishes(), 0, JOBS),
        (Wishes(), 10_000, KEPT // 10_000 + 1),
        (Wishes(limit=1), 10_000, JOBS),
        (Wishes(limit=1), 10_000_000, JOBS),
        (Wishes(by_count=True), 10_000, JOBS),
        (Wishes(per_platform=5), 10_000, JOBS),
        (Wishes(limit=5000), 10_000, KEPT // 5000 + 1),
        (Wishes(limit=5000, per_platform=2500), 10_000, KEPT // 5000 + 1),
        (Wishes(limit=20_000), 10_000, KEPT // 10_000 + 1),
        (Wishes(limit=1, explain=True), 10_000, KEPT // 10_000 + 1),
    ],
)
def test_so_many_different_jobs_are_answered_together(wishes, nodes, count):
    assert taken(wishes, nodes) == count


def test_jobs_that_need_the_same_keep_what_the_one_that_gets_most_does():
    line = next(jobs())
    wanted = Wanted(Wishes(by_count=True), 10)
    for count in (b"0", b"3", b"2"):
        wanted.add(line._replace(raw=line.raw.replace(b'"Count":2', b'"Count":' + count)))
    assert [question.most for question in wanted.questions] == [3]
