from __future__ import annotations

import shutil
import sys
import types
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hydra_core.base.errors import ConfigError, DataError
from hydra_core.base.files import sha256_file
from hydra_core.models import keras_engine, precision
from hydra_core.models.arrays import Images
from hydra_core.models.calibration import tempered
from hydra_core.models.engine import load
from hydra_core.models.export import Exported, export
from hydra_core.models.gpu import GPU_BATCH
from hydra_core.models.keras_engine import DeviceError, KerasEngine, start
from hydra_core.models.lazy import tensorflow
from hydra_core.models.networks import build
from hydra_core.models.precision import engine_for, judge_of, near_a_decision
from hydra_core.models.spec import Calibration, ModelCard
from hydra_core.models.trusted import read_folder
from hydra_core.stages import networks
from hydra_core.stages.networks import open_network
from tests.decisions import decisions
from tests.forged_models import put, rehash
from tests.training.conftest import squares
from tests.training.test_bf16_decides_as_f32_does import hard_images

pytestmark = pytest.mark.training


def test_all_that_it_says_is_what_the_engine_says(trained: Any) -> None:
    images = hard_images(trained)
    trusted = read_folder(trained.result.folder)
    engine, keras = load(trained.result.folder, threads=1), start(trusted, threads=1)
    for some in (images, images[:1], images[: GPU_BATCH + 3], images[:0]):
        mine, theirs = keras.predict(some), engine.predict(some)
        for name in ("probs", "embed", "cam"):
            have, want = getattr(mine, name), getattr(theirs, name)
            assert (have.shape, have.dtype) == (want.shape, want.dtype)
            assert np.allclose(have, want, atol=1e-4 * max(1.0, float(np.abs(want).max(initial=0))))


@pytest.mark.parametrize("wish", ["f32", "bf16"])
@pytest.mark.parametrize("value", [0.3, 0.9])
def test_its_decisions_are_those_of_the_engine_in_f32(trained: Any, wish: Any, value: float) -> None:
    images = hard_images(trained)
    thresholds = dict.fromkeys(trained.result.card.classes, value)
    exact = load(trained.result.folder, threads=1).predict(images)
    trusted = read_folder(trained.result.folder, for_training=False)
    judge = judge_of(trusted, threads=1, wish=wish, thresholds=thresholds, engine="tensorflow")
    found, wanted = judge.predict(images), np.full(3, value)
    assert np.array_equal(decisions(found.probs, wanted), decisions(exact.probs, wanted))
    if wish == "bf16":
        assert 0 < judge.again < judge.judged == len(images)
        near = near_a_decision(found.probs, wanted)
        assert np.allclose(found.probs[near], exact.probs[near], atol=1e-4)
        assert np.abs(found.probs - exact.probs).max() > 1e-4


@pytest.mark.parametrize("wrong", [np.zeros((1, 16, 16, 3), np.uint8), np.zeros((1, 32, 32, 3), np.float32)])
def test_images_of_another_form_are_refused(trained: Any, wrong: Images) -> None:
    with pytest.raises(ValueError, match="must be uint8"):
        start(read_folder(trained.result.folder), threads=1, golden=1).predict(wrong)


def altered(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.visititems(lambda _, one: one.__setitem__(..., 1.1 * one[...]) if isinstance(one, h5py.Dataset) else None)


def test_altered_weights_are_refused_unopened_and_with_a_forged_hash_by_the_golden_batch(folder: Path) -> None:
    altered(folder / "model.weights.h5")
    with pytest.raises(DataError, match=r"weights\.h5 is not the file that was exported"):
        start(read_folder(folder, for_training=False), threads=1)
    rehash(folder, "model.weights.h5")
    with pytest.raises(DataError, match="golden batch in TensorFlow"):
        start(read_folder(folder), threads=1)


def test_weights_that_are_exchanged_after_the_folder_was_read_are_refused(folder: Path) -> None:
    trusted = read_folder(folder)
    altered(folder / "model.weights.h5")
    with pytest.raises(DataError, match="SHA-256"):
        start(trusted, threads=1)


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    other = build("compact", (32, 32), 3)
    other.save_weights(folder / "model.weights.h5")
    rehash(folder, "model.weights.h5")
    with pytest.raises(DataError, match="does not fit the network tiny"):
        start(read_folder(folder), threads=1)


def test_weights_that_point_outside_their_file_are_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "model.weights.h5", tmp_path / "elsewhere.h5")
    with h5py.File(folder / "model.weights.h5", "r+") as file:
        first = next(iter(file))
        del file[first]
        file[first] = h5py.ExternalLink(str(tmp_path / "elsewhere.h5"), f"/{first}")
    rehash(folder, "model.weights.h5")
    with pytest.raises(DataError, match="is a link"):
        start(read_folder(folder), threads=1)


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle"])
def test_weights_that_are_none_are_refused(folder: Path, content: bytes) -> None:
    put(folder, "model.weights.h5", content)
    with pytest.raises(DataError, match="does not fit"):
        start(read_folder(folder), threads=1)


def test_missing_weights_are_named(folder: Path) -> None:
    trusted = read_folder(folder)
    (folder / "model.weights.h5").unlink()
    with pytest.raises(DataError, match=r"model\.weights\.h5 is missing"):
        start(trusted, threads=1)


def whole(shape: tuple[int, int, int], n_classes: int) -> Any:
    """Return a site's network with a head of its own; it drops features while it trains."""
    _, keras = tensorflow()
    picture = keras.Input(shape)
    x = keras.layers.Conv2D(6, 5, strides=4, activation="relu")(keras.layers.Rescaling(1 / 255)(picture))
    x = keras.layers.Dropout(0.2)(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(picture, keras.layers.Dense(n_classes, activation="softmax")(x))


@pytest.fixture
def own_modules(monkeypatch: pytest.MonkeyPatch) -> str:
    module = types.ModuleType("networks_of_a_test")
    module.whole = whole  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "networks_of_a_test", module)
    return "networks_of_a_test:whole"


@pytest.mark.parametrize("network", ["tiny", "own"])
def test_a_temperature_that_was_fitted_is_honoured(
    trained: Any, network: str, own_modules: str, tmp_path: Path
) -> None:
    card, images = trained.result.card, trained.images[:12]
    module = own_modules if network == "own" else ""
    model = build(network, (32, 32), 3, module=module)
    plain = np.asarray(model(images.astype(np.float32))["probs"])

    def card_of(made: Exported) -> ModelCard:
        facts = card.training.model_copy(
            update={
                "head": "own" if network == "own" else "maps",
                "spec": trained.spec.model_copy(update={"network": network, "network_module": module}),
            }
        )
        told = {"network": network, "files": made.files, "golden": made.golden, "training": facts}
        told["calibration"] = Calibration(temperature=2.5, why_not="")
        return ModelCard.model_validate({**card.model_dump(), **told})

    export(model, images, tmp_path / "m", card_of, classes=card.classes, threads=1, temperature=2.5)
    found = start(read_folder(tmp_path / "m"), threads=1).predict(images)
    assert np.allclose(found.probs, tempered(plain, 2.5), atol=1e-5)
    assert not np.allclose(found.probs, plain, atol=1e-3)


def asked_for_auto(trained: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, engine: Any) -> list[str]:
    def failing(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(keras_engine, "start", failing)
    monkeypatch.setattr(precision, "sees_gpu", lambda: True)
    monkeypatch.setattr(precision, "gpus", lambda: 1)
    engine_for.cache_clear()
    lines: list[str] = []
    try:
        trusted = read_folder(trained.result.folder, for_training=False)
        judge = judge_of(trusted, threads=1, engine=engine, tell=lines.append)
        exact = load(trained.result.folder, threads=1).predict(trained.images)
        assert np.array_equal(judge.predict(trained.images).probs, exact.probs)
    finally:
        engine_for.cache_clear()
    return lines


@pytest.mark.parametrize(
    "error", [ConfigError("the network own cannot be imported"), DeviceError("TensorFlow cannot judge on this device")]
)
def test_what_tensorflow_cannot_judge_here_the_processor_judges_and_a_line_says_so(
    trained: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    (line,) = asked_for_auto(trained, monkeypatch, error, "auto")
    assert line == f"{error.args[0]}: the processor judges with it"
    with pytest.raises(type(error)):
        asked_for_auto(trained, monkeypatch, error, "tensorflow")


def test_a_damaged_model_is_not_passed_on_to_the_processor(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError):
        asked_for_auto(trained, monkeypatch, DataError("altered"), "auto")


def test_a_device_that_fails_is_told_in_a_sentence(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tf, _ = tensorflow()
    engine = start(read_folder(trained.result.folder), threads=1, golden=1)

    def full(_: Any) -> Any:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating a tensor\nand much more")

    monkeypatch.setattr(engine, "_ask", full)
    with pytest.raises(DeviceError, match=r"ResourceExhaustedError: OOM when allocating a tensor\n  next"):
        engine.predict(trained.images)


def test_answers_that_are_no_numbers_are_refused(trained: Any) -> None:
    card = trained.result.card
    model = build("tiny", card.size, len(card.classes))
    model.set_weights([np.full_like(one, np.nan) for one in model.get_weights()])
    with pytest.raises(DataError, match="not a number"):
        KerasEngine(model, card.size).predict(squares(3)[0])


class Place:
    """As much of a site as opening a network asks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def model_folder(self, *_: object) -> Path:
        return self.folder


def model_row(card_sha: str) -> Any:
    return types.SimpleNamespace(plot=None, name="m", card_sha=card_sha)


def test_a_network_is_opened_with_what_is_asked_for(trained: Any) -> None:
    folder = trained.result.folder
    row = model_row(sha256_file(folder / "model.json"))
    opened: Any = open_network(Place(folder), row, 1, engine="tensorflow")  # type: ignore[arg-type]
    exact = load(folder, threads=1).predict(trained.images)
    assert np.allclose(opened.predict(trained.images).probs, exact.probs, atol=1e-5)
    assert isinstance(opened.judge._exact(), KerasEngine)


def test_a_folder_that_the_database_does_not_know_is_refused_before_anything_of_it_is_computed_with(
    trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "judge_of", None)
    place: Any = Place(trained.result.folder)
    with pytest.raises(DataError, match="does not hold the model m that the database knows"):
        open_network(place, model_row("0" * 64), 1, engine="tensorflow")
