from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydra_core.base.errors import DataError
from hydra_core.base.files import sha256_file
from hydra_core.models.engine import load


@pytest.fixture
def folder(trained: Any, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained.result.folder, tmp_path / "model"))


def edit_card(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    change(card)
    (folder / "model.json").write_text(json.dumps(card), encoding="utf-8")


def rehash(folder: Path, name: str) -> None:
    edit_card(folder, lambda card: card["files"].update({name: sha256_file(folder / name)}))  # type: ignore[attr-defined]


def flip_byte(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)


def test_outputs_fit_together(trained: Any) -> None:
    engine = load(trained.result.folder, threads=1)
    got = engine.predict(trained.images[:19])
    assert got.probs.shape == (19, 3)
    assert got.embed.shape == (19, 24)
    assert got.cam.shape == (19, 8, 8, 3)
    assert {a.dtype for a in (got.probs, got.embed, got.cam)} == {np.dtype(np.float32)}
    logits = got.cam.mean(axis=(1, 2))
    softmax = np.exp(logits - logits.max(1, keepdims=True))
    assert np.allclose(softmax / softmax.sum(1, keepdims=True), got.probs, atol=1e-5)
    one_by_one = np.concatenate([engine.predict(trained.images[i : i + 1]).probs for i in range(19)])
    assert np.allclose(one_by_one, got.probs, atol=1e-5)


def test_no_images_give_no_rows(trained: Any) -> None:
    got = load(trained.result.folder, threads=1).predict(trained.images[:0])
    assert (got.probs.shape, got.embed.shape, got.cam.shape) == ((0, 3), (0, 24), (0, 8, 8, 3))


@pytest.mark.parametrize("wrong", [np.zeros((1, 16, 16, 3), np.uint8), np.zeros((1, 32, 32, 3), np.float32)])
def test_images_of_another_form_are_refused(trained: Any, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="must be uint8"):
        load(trained.result.folder, threads=1).predict(wrong)


def test_half_precision_calls_the_same_classes(trained: Any) -> None:
    full = load(trained.result.folder, threads=1).predict(trained.images)
    half = load(trained.result.folder, threads=1, precision="bf16").predict(trained.images)
    sure = np.sort(full.probs, axis=1)[:, -1] - np.sort(full.probs, axis=1)[:, -2] > 0.3
    assert sure.any()
    assert np.array_equal(full.probs.argmax(1)[sure], half.probs.argmax(1)[sure])


@pytest.mark.parametrize("name", ["engine.xml", "engine.bin", "golden.npz", "model.weights.h5"])
def test_one_changed_bit_in_any_file_is_found(folder: Path, name: str) -> None:
    flip_byte(folder, name)
    with pytest.raises(DataError, match="SHA-256") as caught:
        load(folder, threads=1)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["engine.xml", "engine.bin", "golden.npz", "model.weights.h5", "model.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(DataError, match=name):
        load(folder, threads=1)


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "extra.pkl", "._engine.xml"])
def test_a_foreign_file_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"x")
    with pytest.raises(DataError, match="does not belong"):
        load(folder, threads=1)


def test_a_link_is_no_model_file(folder: Path, tmp_path: Path) -> None:
    (folder / "engine.bin").rename(tmp_path / "elsewhere")
    (folder / "engine.bin").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="not a plain file"):
        load(folder, threads=1)


def test_a_golden_batch_with_pickled_content_is_never_unpickled(folder: Path, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
            return (Path.touch, (tmp_path / "exploded",))

    for data in (pickle.dumps(Bomb()), b"", b"PK\x03\x04 torn"):
        (folder / "golden.npz").write_bytes(data)
        rehash(folder, "golden.npz")
        with pytest.raises(DataError, match=r"golden\.npz"):
            load(folder, threads=1)
    np.savez(folder / "golden.npz", images=np.array([Bomb()], dtype=object))
    rehash(folder, "golden.npz")
    with pytest.raises(DataError, match=r"golden\.npz"):
        load(folder, threads=1)
    assert not (tmp_path / "exploded").exists()


def test_altered_weights_with_a_forged_hash_fail_on_the_golden_batch(folder: Path) -> None:
    weights = np.frombuffer((folder / "engine.bin").read_bytes(), np.uint8).copy()
    floats = weights[: len(weights) // 4 * 4].view(np.float32)
    floats[floats != 0] *= 1.05
    (folder / "engine.bin").write_bytes(weights.tobytes())
    rehash(folder, "engine.bin")
    with pytest.raises(DataError, match="golden batch"):
        load(folder, threads=1)


def test_weights_that_are_no_numbers_are_found(folder: Path) -> None:
    weights = np.frombuffer((folder / "engine.bin").read_bytes(), np.uint8).copy()
    weights[: len(weights) // 4 * 4].view(np.float32)[:] = np.nan
    (folder / "engine.bin").write_bytes(weights.tobytes())
    rehash(folder, "engine.bin")
    with pytest.raises(DataError):
        load(folder, threads=1)


@pytest.mark.parametrize("data", [b"", b"<net", b"<?xml version='1.0'?><net name='x' version='11'/>"])
def test_an_engine_that_cannot_be_read_is_named(folder: Path, data: bytes) -> None:
    (folder / "engine.xml").write_bytes(data)
    rehash(folder, "engine.xml")
    with pytest.raises(DataError, match=r"engine\.xml"):
        load(folder, threads=1)


def test_a_card_with_another_number_of_classes_is_refused(folder: Path) -> None:
    def change(card: dict[str, object]) -> None:
        card["classes"] = ["Dead", "Good"]
        card["thresholds"].pop("NoData")  # type: ignore[attr-defined]

    edit_card(folder, change)
    with pytest.raises(DataError, match="3 classes"):
        load(folder, threads=1)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"version": 2}, "version"),
        ({"classes": ["a", "a"]}, "twice"),
        ({"files": {}}, "files must be"),
        ({"surprise": 1}, "surprise"),
        ({"preprocessing": "0" * 64}, "prepared in another way"),
        ({"golden": {"images": 8, "tolerance": 10.0, "parity": 0.0}}, "tolerance"),
    ],
)
def test_a_card_that_breaks_a_rule_is_refused(folder: Path, change: dict[str, object], word: str) -> None:
    edit_card(folder, lambda card: card.update(change))
    with pytest.raises(DataError, match=word):
        load(folder, threads=1)


def test_judging_needs_neither_tensorflow_nor_a_network_connection(trained: Any) -> None:
    code = (
        "import sys, pathlib; from hydra_core.models.engine import load; import hydra_core.models.maps\n"
        "assert 'openvino' not in sys.modules\n"
        f"load(pathlib.Path({str(trained.result.folder)!r}), threads=1)\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'matplotlib', 'openvino_telemetry'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
