from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.models.copies import near, structure, structures
from hydra_core.models.pictures import provider_of
from hydra_core.models.split import LEFT_OUT, SIDES, split_by_group

SHARE = 0.01


def plot(seed: int, size: int = 64) -> np.ndarray:
    """Cells of many shades, as an occupancy map has them."""
    cells = np.random.default_rng(seed).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    return np.repeat(np.repeat(cells, size // 16, 0), size // 16, 1)


def packed(*images: np.ndarray) -> np.ndarray:
    return np.packbits(np.stack([structure(image) for image in images]), axis=1)


def test_a_plot_with_a_speck_is_a_copy_and_another_plot_is_not() -> None:
    speck = plot(1).copy()
    speck[30:32, 30:32] = 255
    found = near(packed(plot(1))[0], packed(plot(1), speck, plot(2)), SHARE)
    assert found.tolist() == [True, True, False]


def test_a_plot_at_which_a_tenth_has_changed_is_no_copy() -> None:
    changed = plot(1).copy()
    changed[:, :8] = 255
    assert not near(packed(plot(1))[0], packed(changed), SHARE)[0]


def test_flat_images_have_no_structure_and_are_copies_of_each_other() -> None:
    white, grey = np.full((64, 64, 3), 255, np.uint8), np.full((64, 64, 3), 128, np.uint8)
    assert not structure(white).any()
    assert near(packed(white)[0], packed(grey, plot(1)), SHARE).tolist() == [True, False]


def test_structures_of_many_are_those_of_each() -> None:
    images = np.stack([plot(seed) for seed in range(5)])
    assert np.array_equal(structures(provider_of(images), 5), packed(*images))


#: Structures near each other and far away: few distinct rows, each with some bits turned.
bits = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(-3, 12), st.sampled_from("abc"), st.integers(0, 40)),
    max_size=60,
)


def _rows(drawn: list[tuple[int, int, int, str, int]]) -> np.ndarray:
    made = np.zeros((len(drawn), 2048), np.bool_)
    for row, (base, turned, *_rest) in zip(made, drawn, strict=True):
        row[:] = np.random.default_rng(base).random(2048) < 0.05 * (base + 1)
        row[:turned] ^= True
    return np.packbits(made, axis=1) if len(made) else np.zeros((0, 256), np.uint8)


@given(drawn=bits, seed=st.integers(0, 2**31), block=st.integers(1, 4), emulating=st.integers(0, 2**20))
def test_no_run_no_copy_no_near_copy_and_no_twin_is_on_two_sides(
    drawn: list[tuple[int, int, int, str, int]], seed: int, block: int, emulating: int
) -> None:
    groups, names = [row[2] for row in drawn], [row[3] for row in drawn]
    hashes = [f"{row[0]} {row[1]}" for row in drawn]
    twins = [row[4] if row[4] > 30 else None for row in drawn]
    emulated = [bool(emulating >> (number % 20) & 1) for number in range(len(drawn))]
    rows = _rows(drawn)
    split = split_by_group(
        groups,
        names,
        seed=seed,
        hashes=hashes,
        min_examples=2,
        run_block=block,
        twins=twins,
        emulated=emulated,
        packed=rows,
        near=SHARE,
    )
    sides = split.sides.tolist()
    dealt = [i for i, side in enumerate(sides) if side != LEFT_OUT]
    for key in (
        groups,
        [group // block for group in groups],
        hashes,
        [t if t is not None else -1 - i for i, t in enumerate(twins)],
    ):
        where = defaultdict(set)
        for i in dealt:
            where[key[i]].add(sides[i])
        assert all(len(found) == 1 for found in where.values())
    for i in dealt:
        close = near(rows[i], rows[dealt], SHARE)
        assert {sides[j] for j, is_near in zip(dealt, close, strict=True) if is_near} == {sides[i]}
    assert all(sides[i] in ("train", LEFT_OUT) for i, made in enumerate(emulated) if made)
    assert {names[i] for i in dealt if sides[i] == "train"} == set(split.classes)
    assert set(split.classes) | set(split.dropped) == set(names)
    assert set(sides) <= {*SIDES, LEFT_OUT}


def test_a_class_may_come_from_emulation_alone_and_is_tested_on_nothing() -> None:
    groups = [run for run in range(12) for _ in range(6)]
    names = ["Bad" if i % 6 == 5 else "Good" if i % 2 else "NoData" for i in range(72)]
    emulated = [name == "Bad" for name in names]
    split = split_by_group(groups, names, seed=1, emulated=emulated)
    of_bad = {side for name, side in zip(names, split.sides.tolist(), strict=True) if name == "Bad"}
    assert of_bad == {"train", LEFT_OUT}
    assert split.classes == ("Bad", "Good", "NoData")
    tested = {groups[i] for i in np.flatnonzero(split.sides == "test")}
    assert all(groups[i] not in tested for i in np.flatnonzero(split.sides == "train"))


def test_a_class_whose_emulated_images_all_come_from_test_runs_is_left_out_and_said() -> None:
    groups = [run for run in range(10) for _ in range(6)] + [8, 9] * 4
    names = ["Good" if i % 2 else "NoData" for i in range(60)] + ["Bad"] * 8
    split = split_by_group(groups, names, seed=1, fractions=(0.6, 0.2, 0.2), emulated=[n == "Bad" for n in names])
    assert split.classes == ("Good", "NoData")
    assert split.dropped == {"Bad": "all its images are emulated from runs that are kept for tests"}


def test_neighbouring_runs_go_together_where_blocks_are_asked_for() -> None:
    groups = [run for run in range(40) for _ in range(3)]
    names = ["good" if i % 3 else "bad" for i in range(120)]
    split = split_by_group(groups, names, seed=3, run_block=10)
    for side in SIDES:
        runs = {groups[i] for i in np.flatnonzero(split.sides == side)}
        assert len(runs) == 10 * len({run // 10 for run in runs})
