"""What the inputs of a job may bring, all together."""

import pytest

from bactools.core.budget import Budget
from bactools.core.errors import BacError


def test_inputs_share_one_limit():
    budget = Budget(10)
    budget.take(4)
    budget.take(6)
    with pytest.raises(BacError) as caught:
        budget.take(1)
    assert caught.value.code == "too_large"
    assert caught.value.message == "the inputs of the job are larger than 10 bytes together"


def test_what_is_refused_is_not_taken():
    budget = Budget(10)
    with pytest.raises(BacError):
        budget.take(11)
    assert budget.left == 10


def test_another_limit_than_that_of_all_inputs_is_told_in_its_own_words():
    with pytest.raises(BacError) as caught:
        Budget(10, "a module is larger than {} bytes", "Build it smaller.").take(11)
    assert (caught.value.message, caught.value.hint) == ("a module is larger than 10 bytes", "Build it smaller.")
