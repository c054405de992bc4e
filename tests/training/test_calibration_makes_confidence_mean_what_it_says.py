from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.models import train as training
from hydra_core.models.calibration import MIN_ERRORS, MIN_IMAGES, fit_temperature, tempered
from hydra_core.models.devices import prepare
from hydra_core.models.engine import load, read_card
from hydra_core.models.export import PARITY, predict_keras, with_temperature
from hydra_core.models.figures import calibration_told, reliability_told
from hydra_core.models.intervals import calibration_error, reliability
from hydra_core.models.lazy import tensorflow
from hydra_core.models.networks import build
from hydra_core.models.spec import Calibration, ModelCard
from hydra_core.models.thresholds import Policy, by_policy
from hydra_core.models.train import train
from hydra_core.models.trusted import read_answers

pytestmark = pytest.mark.training


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def boasting(n: int, times: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities whose logits are `times` too large, and true classes that follow the honest ones."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, 3))
    honest = softmax(logits)
    truth = np.array([rng.choice(3, p=row) for row in honest])
    return softmax(times * logits).astype(np.float32), truth


@pytest.mark.parametrize("times", [0.5, 2.0, 4.0])
def test_the_temperature_takes_back_by_how_much_confidence_is_too_large(times: float) -> None:
    probs, truth = boasting(6000, times)
    temperature, why_not = fit_temperature(probs, truth)
    assert why_not == ""
    assert temperature == pytest.approx(times, rel=0.08)
    fresh, their_truth = boasting(6000, times, seed=2)
    right = fresh.argmax(1) == their_truth
    before = calibration_error(fresh.max(1), right)
    assert calibration_error(tempered(fresh, temperature).max(1), right) < before / 3


def test_no_other_temperature_makes_the_true_classes_likelier() -> None:
    probs, truth = boasting(400, 3.0)

    def loss(temperature: float) -> float:
        return float(-np.log(tempered(probs, temperature)[np.arange(400), truth]).mean())

    best, _ = fit_temperature(probs, truth)
    assert all(loss(best) <= loss(best * factor) for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0))


probabilities = st.lists(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3), min_size=1, max_size=30)


@given(made=probabilities, temperature=st.floats(0.1, 10))
def test_a_temperature_changes_no_class_and_leaves_probabilities(made: list[list[float]], temperature: float) -> None:
    probs = np.array(made, np.float64) + 1e-9
    probs = (probs / probs.sum(axis=1, keepdims=True)).astype(np.float32)
    found = tempered(probs, temperature)
    rows = np.arange(len(probs))
    # The likeliest class still has the largest probability, be it with one that was as likely but for rounding.
    assert np.array_equal(found[rows, probs.argmax(1)], found.max(axis=1))
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(tempered(probs, 1.0), probs)


def test_the_order_of_the_images_means_nothing() -> None:
    probs, truth = boasting(300, 2.0)
    order = np.random.default_rng(4).permutation(300)
    assert fit_temperature(probs, truth) == fit_temperature(probs[order], truth[order])


def test_too_few_images_or_errors_leave_confidence_as_it_is_and_say_so() -> None:
    probs, truth = boasting(MIN_IMAGES - 1, 2.0)
    assert fit_temperature(probs, truth) == (1.0, "49 validation images, 50 are needed")
    assert fit_temperature(np.zeros((0, 3), np.float32), np.zeros(0, int))[0] == 1.0
    probs, _ = boasting(200, 2.0)
    truth = probs.argmax(axis=1)
    truth[: MIN_ERRORS - 1] = (truth[: MIN_ERRORS - 1] + 1) % 3
    assert fit_temperature(probs, truth) == (1.0, "4 of 200 validation images are called wrong, 5 are needed")


def test_a_network_that_learned_nothing_has_no_temperature() -> None:
    rng = np.random.default_rng(3)
    probs = softmax(rng.normal(0, 3, (500, 3))).astype(np.float32)
    temperature, why_not = fit_temperature(probs, probs.argmin(axis=1))
    assert (temperature, why_not) == (1.0, "the best temperature would lie beyond 0.1 to 10")


def test_classes_that_rounding_would_exchange_have_no_temperature() -> None:
    probs, truth = boasting(300, 3.0)
    best = np.linspace(0.35, 0.45, 20, dtype=np.float32)
    close = np.stack([np.nextafter(best, np.float32(0)), best, 1 - 2 * best], axis=1)
    found, why_not = fit_temperature(np.concatenate([probs, close]), np.append(truth, [0] * 20))
    assert (found, why_not) == (1.0, "two classes are so close that rounding would change which one is called")


def whole(shape: tuple[int, int, int], classes: int) -> Any:
    """Return a site's own network that ends in probabilities."""
    _, keras = tensorflow()
    image = keras.Input(shape)
    features = keras.layers.Conv2D(6, 3, strides=2, activation="relu")(keras.layers.Rescaling(1 / 255)(image))
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    return keras.Model(image, keras.layers.Dense(classes, activation="softmax")(pooled))


@pytest.mark.parametrize("network", ["tiny", "own"])
def test_the_network_itself_is_brought_to_the_temperature(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("whole_networks")
    module.whole = whole  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "whole_networks", module)
    prepare(threads=1, seed=3)
    model = build(network, (16, 16), 3, module="whole_networks:whole")
    images = np.random.default_rng(0).integers(0, 255, (9, 16, 16, 3)).astype(np.uint8)
    before = predict_keras(model, images)
    after = predict_keras(with_temperature(model, 2.5), images)
    assert np.allclose(after.probs, tempered(before.probs, 2.5), atol=1e-5)
    assert not np.allclose(after.probs, before.probs, atol=1e-3)
    assert np.array_equal(after.embed, before.embed)
    if network == "tiny":
        # The maps stay the decision.
        assert np.allclose(softmax(after.cam.mean(axis=(1, 2))), after.probs, atol=1e-5)
    else:
        assert np.array_equal(after.cam, before.cam)


@pytest.mark.parametrize("network", ["tiny", "own"])
def test_a_calibrated_model_says_everywhere_what_its_engine_says(
    network: str, trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("whole_networks")
    module.whole = whole  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "whole_networks", module)
    monkeypatch.setattr(training, "fit_temperature", lambda *_: (3.0, ""))
    changes = {"epochs": 1, "min_steps": 2, "network": network, "network_module": "whole_networks:whole"}
    spec = trained.spec.model_copy(update={**changes, "thresholds": "recall", "recall": 0.5})
    args = (trained.images, trained.class_names, trained.groups, trained.hashes, tmp_path / "m", lambda _: None)
    result = train(spec, *args, threads=1)
    card, engine = result.card, load(tmp_path / "m", threads=1)
    answers = read_answers(tmp_path / "m")
    assert answers is not None
    assert card.calibration.temperature == 3
    assert card.golden.parity < PARITY
    # Thresholds are chosen on calibrated confidence, by the policy that was asked for.
    assert card.thresholds == {name: by_policy(answers, name, Policy("recall", 0.5)) for name in card.classes}
    test = np.flatnonzero(result.split.sides == "test")
    assert np.allclose(engine.predict(trained.images[test]).probs, answers.on("test").probs, atol=PARITY)
    # The weights that are kept are those of the exported network, for a site's own one those before its temperature.
    prepare(threads=1, seed=1)
    fresh = build(network, (32, 32), 3, module="whole_networks:whole")
    fresh.load_weights(tmp_path / "m" / "model.weights.h5")
    kept = predict_keras(fresh, trained.images[test]).probs
    kept = tempered(kept, 3.0) if network == "own" else kept
    assert np.allclose(kept, answers.on("test").probs, atol=PARITY)
    assert card.test is not None
    assert card.calibration.after == card.test.calibration_error
    assert card.calibration.before is not None


def test_a_training_says_whether_it_is_calibrated_and_why_not(trained: Any) -> None:
    found = trained.result.card.calibration
    assert (found.temperature, found.images, found.wrong) == (1, 16, 0)
    assert found.why_not == "16 validation images, 50 are needed"
    assert found.before == found.after
    assert "temperature 1: 16 validation images, 50 are needed" in trained.lines


def test_a_calibration_is_told_in_a_sentence(trained: Any) -> None:
    card = trained.result.card
    assert calibration_told(card) == "none: 16 validation images, 50 are needed"
    found = Calibration(temperature=1.618, why_not="", images=240, wrong=31, before=0.0812, after=0.0239)
    assert calibration_told(card.model_copy(update={"calibration": found})) == (
        "temperature 1.62, fitted on 240 validation images, 31 of them called wrong; "
        "calibration error on the test 0.081 before, 0.024 after"
    )
    untested = found.model_copy(update={"before": None, "after": None})
    assert calibration_told(card.model_copy(update={"calibration": untested})).endswith("31 of them called wrong")


def test_what_confidence_means_is_told_from_low_to_high(trained: Any) -> None:
    test = trained.result.card.test
    told = reliability_told(test)
    assert len(told) == len(test.reliability) >= 1
    assert sum(one.images for one in test.reliability) == test.n
    assert reliability_told(None) == ()


answered = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


@given(made=answered)
def test_bins_hold_every_image_once_and_confidence_rises(made: list[tuple[float, bool]]) -> None:
    confidence, right = np.array([row[0] for row in made]), np.array([row[1] for row in made])
    found = reliability(confidence, right)
    assert sum(one.images for one in found) == len(made)
    assert sum(one.right * one.images for one in found) == pytest.approx(right.sum())
    assert sum(one.confidence * one.images for one in found) == pytest.approx(confidence.sum())
    assert [one.confidence for one in found] == sorted(one.confidence for one in found)


def test_a_card_of_the_version_before_is_read_as_not_calibrated(trained: Any) -> None:
    card, _ = read_card(trained.result.folder)
    older = card.model_dump(mode="json")
    for name in ("calibration", "faults"):
        del older[name]
    older["version"] = 2
    for side in ("test", "validation"):
        del older[side]["reliability"]
    for name in ("thresholds", "false_alarms", "recall"):
        del older["training"]["spec"][name]
    found = ModelCard.model_validate(older)
    assert (found.version, found.calibration.temperature, found.faults) == (2, 1.0, ())
    assert "before there was calibration" in found.calibration.why_not
