from __future__ import annotations

import pytest

from hydra_core.passes.learn import about_to_learn


@pytest.mark.parametrize(
    ("waiting", "done", "told"),
    [
        (["CDC:chunks", "RF:chunks"], 0, "training 1 of 2: CDC:chunks; then RF:chunks"),
        (["RF:chunks"], 1, "training 2 of 2: RF:chunks"),
        ([], 0, "labels in the inbox are taken in, then what they make due is trained"),
    ],
)
def test_the_number_of_a_training_is_told_with_those_that_follow(waiting: list[str], done: int, told: str) -> None:
    assert about_to_learn(waiting, done) == told
