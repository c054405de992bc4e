from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.models.split import LEFT_OUT, SIDES, split_by_group

rows = st.lists(
    st.tuples(st.integers(-3, 12), st.sampled_from("abcd"), st.integers(0, 30).map(str)), min_size=0, max_size=80
)


@given(rows=rows, seed=st.integers(0, 2**31), least=st.integers(2, 8))
def test_no_run_and_no_image_is_on_two_sides(rows: list[tuple[int, str, str]], seed: int, least: int) -> None:
    groups, names, hashes = ([row[k] for row in rows] for k in range(3))
    split = split_by_group(groups, names, seed=seed, hashes=hashes, min_examples=least)
    assert len(split.sides) == len(rows)
    assert set(split.sides.tolist()) <= {*SIDES, LEFT_OUT}
    for key in (groups, hashes):
        where = defaultdict(set)
        for value, side in zip(key, split.sides.tolist(), strict=True):
            if side != LEFT_OUT:
                where[value].add(side)
        assert all(len(sides) == 1 for sides in where.values())
    trained = {name for name, side in zip(names, split.sides, strict=True) if side == "train"}
    assert trained == set(split.classes)
    assert set(split.classes) | set(split.dropped) == set(names)
    again = split_by_group(groups, names, seed=seed, hashes=hashes, min_examples=least)
    assert np.array_equal(again.sides, split.sides)


def test_every_class_reaches_every_side_when_runs_allow() -> None:
    groups = [run for run in range(20) for _ in range(10)]
    names = [("good" if i % 10 < 7 else "dead" if i % 10 < 9 else "hot") for i in range(200)]
    split = split_by_group(groups, names, seed=1)
    for side in SIDES:
        assert {n for n, s in zip(names, split.sides, strict=True) if s == side} == {"good", "dead", "hot"}
    assert split.sides.tolist().count("train") == 140
    assert split.sides.tolist().count("test") == 30


def test_test_takes_the_newest_runs() -> None:
    groups = [run for run in range(10) for _ in range(10)]
    names = ["good" if i % 2 else "bad" for i in range(100)]
    split = split_by_group(groups, names, seed=5, fractions=(0.6, 0.2, 0.2))
    assert {g for g, s in zip(groups, split.sides, strict=True) if s == "test"} == {8, 9}


def test_a_rare_class_reaches_the_test_side_though_its_runs_are_old() -> None:
    groups = [run for run in range(10) for _ in range(10)]
    names = ["good"] * 100
    for i in (0, 1, 2, 10, 11, 12, 20, 21, 22):
        names[i] = "dead"
    split = split_by_group(groups, names, seed=1)
    for side in SIDES:
        assert "dead" in {n for n, s in zip(names, split.sides, strict=True) if s == side}


def test_classes_with_too_few_images_or_one_run_are_dropped_with_a_reason() -> None:
    groups = [1, 1, 1, 2, 2, 2, 3, 3, 3, 3]
    names = ["a", "a", "b", "a", "b", "a", "c", "c", "c", "b"]
    split = split_by_group(groups, names, seed=1, min_examples=3)
    assert split.classes == ("a", "b")
    assert split.dropped == {"c": "all its images are of one run, two are needed"}
    assert split_by_group(groups, names, seed=1, min_examples=4).dropped == {
        "b": "3 images, 4 are needed",
        "c": "3 images, 4 are needed",
    }


def test_one_equal_image_in_all_runs_does_not_tie_all_runs_together() -> None:
    groups = [run for run in range(10) for _ in range(6)]
    names = ["empty" if i % 6 == 0 else "good" if i % 2 else "bad" for i in range(60)]
    hashes = ["blank" if name == "empty" else str(i) for i, name in enumerate(names)]
    split = split_by_group(groups, names, seed=1, hashes=hashes)
    assert {s for n, s in zip(names, split.sides, strict=True) if n == "empty"} == {"train", LEFT_OUT}
    assert {s for n, s in zip(names, split.sides, strict=True) if n == "good"} == set(SIDES)
    assert split.copies == split.sides.tolist().count(LEFT_OUT)


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one entry"):
        split_by_group([1, 2], ["a"], seed=1)
