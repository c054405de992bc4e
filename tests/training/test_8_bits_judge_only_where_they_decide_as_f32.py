from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydra_core.base.errors import DataError
from hydra_core.models import int8, precision
from hydra_core.models.engine import load
from hydra_core.models.export import Exported, export
from hydra_core.models.int8 import LEAST_IMAGES, Answered, Trial, judged, make_int8
from hydra_core.models.lazy import openvino
from hydra_core.models.networks import build
from hydra_core.models.precision import open_judge
from hydra_core.models.quantise import quantise
from hydra_core.models.spec import INT8_BIN, INT8_XML, Int8, ModelCard
from hydra_core.models.split import SIDES
from hydra_core.models.train import train
from tests.decisions import decisions
from tests.forged_models import edit_card, flip_bit, put
from tests.training.conftest import squares

pytestmark = pytest.mark.training

HALF = np.full(3, 0.5)


@dataclass(frozen=True)
class Short:
    """A model with an 8-bit engine, images it never saw, and what its gate was asked."""

    folder: Path
    card: ModelCard
    images: np.ndarray
    trial: Trial


@pytest.fixture(scope="module")
def short(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Short:
    folder = tmp_path_factory.mktemp("short") / "m"
    base = trained.result.card
    model = build(base.network, base.size, len(base.classes))
    model.load_weights(trained.result.folder / "model.weights.h5")
    validation, test, new = (squares(180, seed=seed)[0] for seed in (21, 22, 23))
    trial = Trial(trained.images[:48], validation, test, HALF)

    def card_of(exported: Exported) -> ModelCard:
        values = {"files": exported.files, "golden": exported.golden, "int8": exported.int8}
        return ModelCard.model_validate({**base.model_dump(), **values})

    with pytest.MonkeyPatch.context() as patch:
        # Tiny as it is, it need not be faster; and the machine of the tests may lack VNNI.
        patch.setattr(int8, "WORTH", 0.0)
        patch.setattr(int8, "machine_has_vnni", lambda: True)
        card = export(model, validation[:64], folder, card_of, classes=base.classes, threads=1, trial=trial)
    return Short(folder, card, new, trial)


@pytest.fixture
def with_vnni(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "machine_has_vnni", lambda: True)
    monkeypatch.setattr(precision, "machine_has_bf16", lambda: False)


@pytest.fixture
def copy(short: Short, tmp_path: Path) -> Path:
    return Path(shutil.copytree(short.folder, tmp_path / "model"))


def test_an_engine_that_passes_lies_in_the_folder_and_the_card_says_what_was_seen(short: Short) -> None:
    found = short.card.int8
    assert found.why_not == ""
    assert found.images == 360
    assert 0 < found.drift < found.band
    assert 0 <= found.again < 1
    assert {INT8_XML, INT8_BIN} <= short.card.files.keys()
    assert (short.folder / INT8_BIN).stat().st_size < (short.folder / "engine.bin").stat().st_size
    assert "360 images" in found.told


@pytest.mark.usefixtures("with_vnni")
@pytest.mark.parametrize("wish", ["int8", "auto"])
@pytest.mark.parametrize("value", [0.5, 0.8])
def test_decisions_on_new_images_and_mixtures_are_those_of_f32(short: Short, wish: Any, value: float) -> None:
    shares = np.random.default_rng(5).uniform(0, 1, (len(short.images), 1, 1, 1))
    mixed = (shares * short.images + (1 - shares) * short.images[::-1]).astype(np.uint8)
    images = np.concatenate([short.images, mixed])
    exact = load(short.folder, threads=1).predict(images)
    judge = open_judge(short.folder, threads=1, wish=wish, thresholds=dict.fromkeys(short.card.classes, value))
    found = judge.predict(images)
    assert np.array_equal(decisions(found.probs, value), decisions(exact.probs, value))
    assert judge.judged == len(images)
    assert np.abs(found.probs - exact.probs).max() > 0


@pytest.mark.usefixtures("with_vnni")
def test_the_band_is_the_one_that_was_measured(copy: Path, short: Short) -> None:
    edit_card(copy, lambda card: card["int8"].update(band=20.0))
    judge = open_judge(copy, threads=1, wish="int8")
    judge.predict(short.images[:20])
    assert (judge.judged, judge.again) == (20, 20)


@pytest.mark.usefixtures("with_vnni")
def test_a_model_without_an_8_bit_engine_is_judged_in_f32(trained: Any) -> None:
    judge = open_judge(trained.result.folder, threads=1, wish="int8")
    exact = load(trained.result.folder, threads=1).predict(trained.images[:8])
    assert np.array_equal(judge.predict(trained.images[:8]).probs, exact.probs)
    with pytest.raises(ValueError, match="no 8-bit engine"):
        load(trained.result.folder, threads=1, precision="int8")


def spoiled(xml: Path, target: Path, images: np.ndarray) -> None:
    """Make an 8-bit engine that saw nothing but black: its ranges hold no plot."""
    quantise(xml, target, np.zeros_like(images))


def test_an_engine_that_decides_otherwise_is_refused_and_leaves_no_file(
    short: Short, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("engine.xml", "engine.bin"):
        shutil.copy(short.folder / name, tmp_path / name)
    monkeypatch.setattr(int8, "machine_has_vnni", lambda: True)
    monkeypatch.setattr(int8, "MARGIN", 0.1)
    found = make_int8(tmp_path, short.trial, threads=1, make=spoiled)
    assert "decisions differ" in found.why_not
    assert sorted(path.name for path in tmp_path.iterdir()) == ["engine.bin", "engine.xml"]


def test_a_spoiled_engine_with_the_full_margin_gains_nothing(
    short: Short, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("engine.xml", "engine.bin"):
        shutil.copy(short.folder / name, tmp_path / name)
    monkeypatch.setattr(int8, "machine_has_vnni", lambda: True)
    assert make_int8(tmp_path, short.trial, threads=1, make=spoiled).why_not


def test_a_network_of_one_layer_alone_is_refused_in_words(
    short: Short, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ov = openvino()
    ops = ov.opset13
    image = ops.parameter([-1, 32, 32, 3], np.float32, name="image")
    mean = ops.reduce_mean(image, ops.constant([1, 2]), False)
    probs = ops.softmax(ops.matmul(mean, ops.constant(np.eye(3, dtype=np.float32)), False, False), 1)
    for node, name in ((probs, "probs"), (mean, "embed"), (image, "cam")):
        node.output(0).set_names({name})
    ov.serialize(ov.Model([probs, mean, image], [image], "flat"), str(tmp_path / "engine.xml"))
    monkeypatch.setattr(int8, "machine_has_vnni", lambda: True)
    found = make_int8(tmp_path, short.trial, threads=1)
    assert found.told == "not used: it could not be made: it has no layer that could be computed in 8 bits"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["engine.bin", "engine.xml"]


def answers(n: int, drift: float, *, sure: float = 0.99) -> Answered:
    exact = np.full((n, 3), (1 - sure) / 2, np.float32)
    exact[:, 0] = sure
    moved = exact.copy()
    moved[0, 0] -= drift
    moved[0, 1] += drift
    return Answered(exact, moved)


def test_a_change_far_larger_than_on_the_other_side_is_found() -> None:
    found = judged(answers(200, 0.02), answers(200, 0.9), HALF, speed=4)
    assert found.why_not.startswith("1 of 400 decisions differ")
    assert judged(answers(200, 0.02), answers(200, 0.03), HALF, speed=4).why_not == ""


def test_what_is_judged_again_counts_against_the_gain() -> None:
    good = judged(answers(200, 0.02), answers(200, 0.02), HALF, speed=4)
    assert (good.again, good.why_not) == (0, "")
    assert good.faster == pytest.approx(4)
    close = judged(answers(200, 0.02, sure=0.51), answers(200, 0.02, sure=0.51), HALF, speed=4)
    assert close.again == 1
    assert "judged again" in close.why_not
    slow = judged(answers(200, 0.02), answers(200, 0.02), HALF, speed=1.2999).why_not
    assert slow.startswith("it is only 1.29 times as fast")
    assert slow.endswith("1.3 times would be worth it")


@pytest.mark.parametrize(("validation", "test"), [(LEAST_IMAGES, 40), (40, LEAST_IMAGES), (0, 0), (120, 120)])
def test_too_few_images_prove_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, validation: int, test: int
) -> None:
    monkeypatch.setattr(int8, "machine_has_vnni", lambda: True)
    some = [np.zeros((n, 8, 8, 3), np.uint8) for n in (4, validation, test)]
    found = make_int8(tmp_path, Trial(some[0], some[1], some[2], HALF), threads=1)
    assert f"{validation} validation and {test} test images are too few" in found.why_not
    assert not list(tmp_path.iterdir())


def test_a_training_without_vnni_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "machine_has_vnni", lambda: False)
    none = np.zeros((0, 8, 8, 3), np.uint8)
    assert "VNNI" in make_int8(tmp_path, Trial(none, none, none, HALF), threads=1).why_not


def test_a_training_that_was_asked_for_it_says_on_log_and_card_what_came_of_it(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8, "machine_has_vnni", lambda: True)
    monkeypatch.setattr(int8, "LEAST_IMAGES", 16)
    monkeypatch.setattr(int8, "LEAST_OF_A_SIDE", 8)
    spec = trained.spec.model_copy(update={"int8": True, "epochs": 1})
    lines: list[str] = []
    given = (trained.images, trained.class_names, trained.groups, trained.hashes)
    card = train(spec, *given, tmp_path / "m", lines.append, threads=1).card
    assert f"8 bits: {card.int8.told}" in lines
    assert card.int8.images == len(trained.result.split.sides[np.isin(trained.result.split.sides, SIDES[1:])])
    assert (INT8_XML in card.files) is (card.int8.why_not == "")


@pytest.mark.parametrize("name", [INT8_XML, INT8_BIN])
def test_one_changed_bit_is_found(copy: Path, name: str) -> None:
    flip_bit(copy, name)
    with pytest.raises(DataError, match=f"{name} .*SHA-256"):
        open_judge(copy, threads=1)


@pytest.mark.parametrize("name", [INT8_XML, INT8_BIN])
def test_a_missing_file_and_a_link_are_refused(copy: Path, name: str, tmp_path: Path) -> None:
    (copy / name).rename(tmp_path / name)
    with pytest.raises(DataError, match=name):
        open_judge(copy, threads=1)
    (copy / name).symlink_to(tmp_path / name)
    with pytest.raises(DataError, match=name):
        open_judge(copy, threads=1)


def test_files_in_8_bits_beside_a_card_that_knows_none_are_refused(copy: Path) -> None:
    edit_card(copy, lambda card: card.update(int8=Int8().model_dump()))
    with pytest.raises(DataError, match="files must be"):
        open_judge(copy, threads=1)
    edit_card(copy, lambda card: [card["files"].pop(name) for name in (INT8_XML, INT8_BIN)])
    with pytest.raises(DataError, match="does not belong"):
        open_judge(copy, threads=1)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b'type="Convolution" version="opset1"', b'type="Evil" version="extension"', "not one that comes with"),
        (b'type="SoftMax"', b'type="ReadValue"', "remembers earlier images"),
        (b'offset="0"', b'offset="99999999999"', "outside of engine-int8.bin"),
        (b"<net", b"<!DOCTYPE x><net", "no plain XML"),
    ],
)
def test_a_foreign_graph_is_refused_unread(copy: Path, old: bytes, new: bytes, told: str) -> None:
    data = (copy / INT8_XML).read_bytes()
    assert old in data
    put(copy, INT8_XML, data.replace(old, new))
    with pytest.raises(DataError, match=told):
        open_judge(copy, threads=1)


@pytest.mark.usefixtures("with_vnni")
def test_an_8_bit_engine_of_another_model_fails_the_golden_batch_and_f32_judges(copy: Path, short: Short) -> None:
    weights = np.frombuffer((copy / INT8_BIN).read_bytes(), np.int8).copy()
    weights[: len(weights) // 2] = np.roll(weights[: len(weights) // 2], 7)
    put(copy, INT8_BIN, weights.tobytes())
    exact = load(short.folder, threads=1).predict(short.images)
    judge = open_judge(copy, threads=1, wish="int8", golden=8)
    assert np.array_equal(decisions(judge.predict(short.images).probs, 0.5), decisions(exact.probs, 0.5))
    assert judge.judged == 0
