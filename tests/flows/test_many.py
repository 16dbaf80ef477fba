from __future__ import annotations

from itertools import count
from threading import Barrier, Event, get_ident

import pytest

from bactools.flows.many import AHEAD, ordered

TIMEOUT = 30.0


def test_answers_come_in_the_order_of_the_questions():
    last_is_done = Event()

    def work(number):
        if number == 0:
            assert last_is_done.wait(TIMEOUT)
        if number == 19:
            last_is_done.set()
        return number * 2

    assert list(ordered(range(20), work, 4)) == list(range(0, 40, 2))


def test_as_many_as_asked_for_are_worked_on_at_once():
    meeting = Barrier(4)
    assert list(ordered(range(8), lambda _: meeting.wait(TIMEOUT) >= 0, 4)) == [True] * 8


def test_a_width_of_one_needs_no_thread():
    assert set(ordered(range(3), lambda _: get_ident(), 1)) == {get_ident()}


def test_what_is_no_work_needs_no_thread_and_keeps_its_place():
    found = list(ordered(range(6), lambda number: (number, get_ident()), 2, lambda number: number % 2 == 0))
    assert [number for number, _ in found] == list(range(6))
    assert {thread == get_ident() for number, thread in found if number % 2 == 0} == {False}
    assert {thread for number, thread in found if number % 2} == {get_ident()}


def test_an_answer_does_not_wait_for_the_next_question():
    first_was_answered = Event()

    def questions():
        yield 1
        assert first_was_answered.wait(TIMEOUT)
        yield 2

    found = ordered(questions(), lambda number: number, 8)
    assert next(found) == 1
    first_was_answered.set()
    assert list(found) == [2]


def test_no_more_questions_are_read_than_there_is_room_for():
    read = []

    def questions():
        for number in count():
            read.append(number)
            yield number

    found = ordered(questions(), lambda number: number, 2)
    for number in range(100):
        assert next(found) == number
        assert len(read) <= number + 2 * AHEAD + 2
    found.close()


@pytest.mark.parametrize("width", [1, 4])
def test_a_failing_source_is_raised_after_what_it_gave(width):
    def questions():
        yield from range(3)
        raise ValueError("no more")

    found = ordered(questions(), lambda number: number, width)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="no more"):
        next(found)


@pytest.mark.parametrize("width", [1, 4])
def test_a_failing_answer_is_raised_in_its_turn(width):
    found = ordered([1, 0, 1], lambda number: 1 // number, width)
    assert next(found) == 1
    with pytest.raises(ZeroDivisionError):
        next(found)


def test_who_stops_listening_does_not_wait():
    go_on = Event()

    def work(number):
        return number == 0 or go_on.wait(TIMEOUT)

    found = ordered(count(), work, 4)
    assert next(found) is True
    found.close()
    assert not go_on.is_set()
    go_on.set()


@pytest.mark.parametrize("width", [1, 4])
def test_no_question_has_no_answer(width):
    assert list(ordered([], lambda number: number, width)) == []
