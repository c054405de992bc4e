from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.models import precision
from hydra_core.models.devices import has_vnni
from hydra_core.models.precision import log_odds, near_in_8_bits, precision_for, tensorflow_precision_for
from hydra_core.models.spec import Int8
from tests.decisions import decisions


@pytest.mark.parametrize(
    ("flags", "able"),
    [
        ({"avx2", "avx512f", "avx512_vnni"}, True),
        ({"avx2", "avx_vnni"}, True),
        ({"avx2", "avx512f", "avx512_bf16"}, False),
        ({"asimd", "bf16"}, False),
        (set(), False),
    ],
)
def test_a_processor_is_made_for_8_bits_by_its_flags(flags: set[str], able: bool) -> None:
    assert has_vnni(frozenset(flags)) is able


@pytest.mark.parametrize(
    ("wish", "bf16", "vnni", "passed", "used"),
    [
        ("auto", True, True, True, "bf16"),
        ("auto", False, True, True, "int8"),
        ("auto", False, True, False, "f32"),
        ("auto", False, False, True, "f32"),
        ("int8", True, True, True, "int8"),
        ("int8", True, True, False, "f32"),
        ("int8", False, False, True, "f32"),
        ("f32", True, True, True, "f32"),
        ("bf16", False, True, True, "bf16"),
    ],
)
def test_the_arithmetic_follows_wish_machine_and_model(
    monkeypatch: pytest.MonkeyPatch, wish: Any, bf16: bool, vnni: bool, passed: bool, used: str
) -> None:
    monkeypatch.setattr(precision, "machine_has_bf16", lambda: bf16)
    monkeypatch.setattr(precision, "machine_has_vnni", lambda: vnni)
    assert precision_for(wish, int8=passed) == used


def test_tensorflow_judges_in_f32_where_8_bits_are_wished_for() -> None:
    assert tensorflow_precision_for("int8") == "f32"


@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.integers(2, 5),
    wild=st.sampled_from([0.01, 0.3, 1.5]),
    sharp=st.floats(0.2, 12),
)
def test_what_is_not_near_cannot_be_decided_otherwise_by_a_change_of_log_odds(
    seed: int, classes: int, wild: float, sharp: float
) -> None:
    rng = np.random.default_rng(seed)
    logits = sharp * rng.normal(size=(200, classes))
    moved = logits + rng.uniform(-wild, wild, logits.shape)
    exact, quick = (np.exp(values) / np.exp(values).sum(axis=1, keepdims=True) for values in (logits, moved))
    thresholds = rng.uniform(0, 1, classes)
    drift = float(np.abs(log_odds(exact) - log_odds(quick)).max())
    near = near_in_8_bits(quick, thresholds, drift * (1 + 1e-9))
    assert np.array_equal(decisions(exact, thresholds)[~near], decisions(quick, thresholds)[~near])


def test_a_sure_answer_is_not_near_a_high_threshold() -> None:
    sure, unsure = np.array([[0.9999, 0.0001]]), np.array([[0.93, 0.07]])
    thresholds = np.array([0.9, 0.9])
    assert not near_in_8_bits(sure, thresholds, 1.0).any()
    assert near_in_8_bits(unsure, thresholds, 1.0).all()


def test_a_card_without_8_bits_says_why() -> None:
    assert Int8().told == "not used: the training was not asked for it"
    told = Int8(why_not="", images=400, drift=0.05, band=0.7, again=0.0125, faster=2.74).told
    assert told.startswith("2.7 times as fast as f32, with the 1.2% of 400 images")
