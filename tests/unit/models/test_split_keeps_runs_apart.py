from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.models.copies import structures
from hydra_core.models.split import GOLD, LEFT_OUT, SIDES, split_by_group

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


gold_rows = st.lists(
    st.tuples(
        st.integers(0, 12), st.sampled_from("abc"), st.integers(0, 30).map(str), st.sampled_from([None, *range(6)]),
        st.booleans(),
    ),
    max_size=80,
)  # fmt: skip


@given(rows=gold_rows, seed=st.integers(0, 2**31))
def test_no_gold_image_no_copy_and_no_twin_of_one_is_on_a_side(
    rows: list[tuple[int, str, str, int | None, bool]], seed: int
) -> None:
    groups, names, hashes, twins, gold = ([row[k] for row in rows] for k in range(5))
    split = split_by_group(groups, names, seed=seed, hashes=hashes, twins=twins, gold=gold, min_examples=2)
    sides = split.sides.tolist()
    assert [side == GOLD for side in sides] == gold
    golden = {("image", key) for key, chosen in zip(hashes, gold, strict=True) if chosen}
    golden |= {("twin", key) for key, chosen in zip(twins, gold, strict=True) if chosen and key is not None}
    for sha, twin, side in zip(hashes, twins, sides, strict=True):
        if ("image", sha) in golden or ("twin", twin) in golden:
            assert side in (GOLD, LEFT_OUT)
    assert {name for name, side in zip(names, sides, strict=True) if side == "train"} == set(split.classes)


def test_images_that_nearly_equal_a_gold_one_are_left_out() -> None:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (40, 64, 64, 3)).astype(np.uint8)
    images[1] = images[0]
    images[1, :2, :2] = 0
    packed = structures(lambda which: images[which], 40)
    names = ["good" if i % 2 else "bad" for i in range(40)]
    gold = [i == 0 for i in range(40)]
    runs = [i // 4 for i in range(40)]
    split = split_by_group(runs, names, seed=1, packed=packed, near=0.01, gold=gold)
    assert split.sides[:3].tolist() == [GOLD, LEFT_OUT, "train"]
    assert split.copies == 1


def test_the_rest_is_dealt_as_if_the_gold_images_were_not_there() -> None:
    groups = [run for run in range(20) for _ in range(10)]
    names = ["good" if i % 2 else "bad" for i in range(200)]
    gold = [i % 10 < 2 for i in range(200)]
    whole = split_by_group(groups, names, seed=3, gold=gold)
    rest = [i for i in range(200) if not gold[i]]
    without = split_by_group([groups[i] for i in rest], [names[i] for i in rest], seed=3)
    assert whole.sides[rest].tolist() == without.sides.tolist()
    assert whole.classes == ("bad", "good")


def test_a_class_that_is_all_gold_is_not_learned_and_stays_gold() -> None:
    groups = [run for run in range(10) for _ in range(4)]
    names = [("a", "b", "c", "a")[i % 4] for i in range(40)]
    split = split_by_group(groups, names, seed=1, gold=[name == "c" for name in names])
    assert split.classes == ("a", "b")
    assert split.dropped == {}
    assert split.sides.tolist().count(GOLD) == 10
