from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.models.asked import TrainSpec
from hydra_core.models.sampling import class_weights, epoch_order

GOOD, BAD, RARE = 0, 1, 2
LABELS = np.array([GOOD] * 90 + [BAD] * 10)
SCHEMES = ("normal", "undersample", "oversample", "rotating")


def spec(sampling: str, **more: object) -> TrainSpec:
    return TrainSpec.model_validate({"batch": 10, "min_steps": 2, "sampling": sampling, **more})


def shown(sampling: str, epochs: int = 9, anchor: int | None = None) -> list[np.ndarray]:
    return [epoch_order(LABELS, spec(sampling), number, anchor=anchor) for number in range(1, epochs + 1)]


def test_normal_shows_every_image_once() -> None:
    assert all(sorted(epoch.tolist()) == list(range(100)) for epoch in shown("normal"))
    assert len({tuple(epoch) for epoch in shown("normal")}) == 9


def test_rotating_shows_classes_alike_and_all_good_images_before_one_again() -> None:
    epochs = shown("rotating")
    assert all(len(epoch) == 20 and (LABELS[epoch] == BAD).sum() == 10 for epoch in epochs)
    assert {int(i) for epoch in epochs for i in epoch} == set(range(100))


def test_undersample_shows_the_same_few_good_images_in_each_epoch() -> None:
    epochs = shown("undersample")
    assert all((LABELS[epoch] == BAD).sum() == 10 for epoch in epochs)
    assert len({int(i) for epoch in epochs for i in epoch}) == 20


def test_undersample_balances_to_the_anchor_and_draws_rarer_classes_again() -> None:
    labels = np.array([GOOD] * 90 + [BAD] * 20 + [RARE] * 5)
    order = epoch_order(labels, spec("undersample", min_steps=1), 1, anchor=BAD)
    assert Counter(labels[order].tolist()) == {GOOD: 20, BAD: 20, RARE: 20}
    assert {int(i) for i in order if labels[i] == RARE} == set(range(110, 115))
    assert Counter(labels[epoch_order(labels, spec("undersample", min_steps=1), 1)].tolist())[GOOD] in (6, 7)


def test_oversample_shows_every_class_as_often_as_the_largest() -> None:
    for epoch in shown("oversample"):
        assert set(epoch.tolist()) == set(range(100))
        assert Counter(LABELS[epoch].tolist()) == {GOOD: 90, BAD: 90}


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    sampling=st.sampled_from(SCHEMES),
    epoch=st.integers(1, 50),
    batch=st.integers(2, 20),
    least=st.integers(1, 10),
    anchor=st.none() | st.integers(0, 3),
)
def test_any_scheme_takes_whole_batches_and_the_least_steps_of_an_epoch(
    counts: list[int], sampling: str, epoch: int, batch: int, least: int, anchor: int | None
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    asked = spec(sampling, batch=batch, min_steps=least)
    order = epoch_order(labels, asked, epoch, anchor=anchor)
    assert len(order) % batch == 0
    assert len(order) >= batch * least
    assert set(labels[order].tolist()) <= set(range(len(counts)))
    assert np.array_equal(order, epoch_order(labels, asked, epoch, anchor=anchor))


@pytest.mark.parametrize(("sampling", "weights"), [("normal", (100 / 180, 5.0)), ("rotating", (1.0, 1.0))])
def test_balanced_weights_make_up_for_what_an_epoch_shows_rarely(sampling: str, weights: tuple[float, float]) -> None:
    found = class_weights(LABELS, spec(sampling, class_weights="balanced"), 2)
    assert found == pytest.approx(weights)
    assert class_weights(LABELS, spec(sampling), 2).tolist() == [1.0, 1.0]
