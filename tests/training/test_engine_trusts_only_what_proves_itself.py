from __future__ import annotations

import base64
import io
import json
import marshal
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hydra_core.base.errors import DataError
from hydra_core.models.engine import load
from hydra_core.models.precision import open_judge
from hydra_core.models.residual import fit_residual
from tests.forged_models import edit_card, flip_bit, put, rehash

pytestmark = pytest.mark.training

FILES = ("engine.xml", "engine.bin", "golden.npz", "residual.npz", "answers.npz", "model.weights.h5")


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


@pytest.mark.parametrize("name", FILES)
def test_one_changed_bit_in_any_file_is_found(folder: Path, name: str) -> None:
    flip_bit(folder, name)
    with pytest.raises(DataError, match="SHA-256") as caught:
        load(folder, threads=1)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", [*FILES, "model.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(DataError, match=name):
        load(folder, threads=1)


class Bomb:
    """Leaves a canary when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (Path.touch, (self.canary,))


def lambda_layer(canary: Path) -> bytes:
    """Return a ``.keras`` archive whose Lambda layer, if it were loaded, would leave a canary and climb out."""
    code = base64.b64encode(marshal.dumps(compile(f"open({str(canary)!r}, 'w')", "x", "eval"))).decode()
    config = {
        "class_name": "Functional",
        "config": {"layers": [{"class_name": "Lambda", "config": {"function": code}}]},
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("../../climbed", b"out")
        archive.writestr("model.weights.h5", b"")
    return stream.getvalue()


def legacy_h5(path: Path, canary: Path) -> bytes:
    """Return a legacy Keras file that points outside and holds a Lambda layer."""
    with h5py.File(path, "w") as file:
        file["outside"] = h5py.ExternalLink("/etc/passwd", "/")
        file.attrs["model_config"] = json.dumps({"class_name": "Lambda", "config": {"function": str(canary)}})
    return path.read_bytes()


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "extra.pkl", "._engine.xml", "libcustom.so"])
def test_a_foreign_file_is_named_and_never_opened(folder: Path, tmp_path: Path, name: str) -> None:
    canary = tmp_path / "canary"
    content = {
        "model.keras": lambda_layer(canary),
        "model.h5": legacy_h5(tmp_path / "legacy.h5", canary),
        "extra.pkl": pickle.dumps(Bomb(canary)),
    }
    (folder / name).write_bytes(content.get(name, b"x"))
    with pytest.raises(DataError, match="does not belong"):
        load(folder, threads=1)
    assert not canary.exists()
    assert not (tmp_path / "climbed").exists()


def test_weights_that_link_elsewhere_are_not_the_ones_that_were_exported(folder: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (folder / "model.weights.h5").write_bytes(legacy_h5(tmp_path / "legacy.h5", canary))
    with pytest.raises(DataError, match=r"model\.weights\.h5 is not the file"):
        load(folder, threads=1)
    # Jobs that judge have no use for them, whatever they hold.
    open_judge(folder, threads=1)
    # Even with a forged hash nobody opens them: judging does not need them.
    rehash(folder, "model.weights.h5")
    load(folder, threads=1)
    assert not canary.exists()


@pytest.mark.parametrize("name", [*FILES, "model.json"])
def test_a_link_is_no_model_file(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="not a plain file"):
        load(folder, threads=1)


@pytest.mark.parametrize("name", ["engine.xml", "model.json"])
def test_a_pipe_is_not_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(DataError, match="not a plain file"):
        load(folder, threads=1)


@pytest.mark.parametrize("name", [*FILES, "model.json"])
def test_a_huge_file_is_refused_unread(folder: Path, name: str) -> None:
    with (folder / name).open("wb") as stream:
        stream.truncate(5 << 30)
    with pytest.raises(DataError, match="more than any model of ours"):
        load(folder, threads=1)


@pytest.mark.parametrize("name", ["golden.npz", "residual.npz"])
def test_arrays_with_pickled_content_are_never_unpickled(folder: Path, tmp_path: Path, name: str) -> None:
    bomb = Bomb(tmp_path / "canary")
    for data in (pickle.dumps(bomb), b"", b"PK\x03\x04 torn"):
        put(folder, name, data)
        with pytest.raises(DataError, match=name):
            load(folder, threads=1)
    every = ("classes", "images", "probs", "embed", "cam", "residual", "mean", "components", "typical", "usual")
    np.savez(folder / name, **{key: np.array([bomb], dtype=object) for key in every})
    rehash(folder, name)
    with pytest.raises(DataError, match=name):
        load(folder, threads=1)
    assert not bomb.canary.exists()


def test_a_small_golden_batch_that_would_unpack_to_a_huge_one_is_refused(folder: Path) -> None:
    np.savez_compressed(folder / "golden.npz", images=np.zeros((8, 2048, 2048, 3), np.uint8))
    assert (folder / "golden.npz").stat().st_size < 1 << 20
    rehash(folder, "golden.npz")
    with pytest.raises(DataError, match="compressed"):
        load(folder, threads=1)


def test_a_golden_batch_that_claims_a_huge_shape_is_refused(folder: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)})
    with zipfile.ZipFile(folder / "golden.npz", "w") as archive:
        for name in ("classes", "images", "probs", "embed", "cam", "residual"):
            archive.writestr(f"{name}.npy", header.getvalue())
    rehash(folder, "golden.npz")
    with pytest.raises(DataError, match=r"golden\.npz cannot be read"):
        load(folder, threads=1)


def test_a_residual_that_is_another_one_fails_on_the_golden_batch(folder: Path, trained: Any) -> None:
    other = fit_residual(trained.images[::-1][:40])
    assert other is not None
    put(folder, "residual.npz", other.to_bytes())
    with pytest.raises(DataError, match="other residual on its golden batch"):
        load(folder, threads=1)


ENTITY = b'<?xml version="1.0"?><!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/passwd">]><net name="&x;" version="11"/>'
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE n [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><net name="&b;" version="11"/>'


@pytest.mark.parametrize("data", [ENTITY, LAUGHS, ENTITY.decode().encode("utf-16"), b"\x80\x04pickle"])
def test_an_engine_with_entities_or_in_disguise_is_refused(folder: Path, data: bytes) -> None:
    put(folder, "engine.xml", data)
    with pytest.raises(DataError, match="no plain XML"):
        load(folder, threads=1)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (b'version="opset1"', b'version="extension"', "not one that comes with the engine"),
        (b'type="ReLU"', b'type="ReadValue"', "remembers earlier images"),
        (b'offset="0"', b'offset="99999999999"', "outside of engine.bin"),
        (b'offset="0"', b'offset="-8"', "outside of engine.bin"),
        (b'offset="0"', b'offset="/etc/passwd"', "outside of engine.bin"),
    ],
)
def test_an_engine_with_a_foreign_layer_or_data_from_elsewhere_is_refused(
    folder: Path, old: bytes, new: bytes, word: str
) -> None:
    xml = (folder / "engine.xml").read_bytes()
    assert old in xml
    put(folder, "engine.xml", xml.replace(old, new, 1))
    with pytest.raises(DataError, match=word):
        load(folder, threads=1)


@pytest.mark.parametrize("golden", [None, 2])
def test_altered_weights_with_a_forged_hash_fail_on_all_golden_images_and_on_two(
    folder: Path, golden: int | None
) -> None:
    weights = np.frombuffer((folder / "engine.bin").read_bytes(), np.uint8).copy()
    floats = weights[: len(weights) // 4 * 4].view(np.float32)
    floats[floats != 0] *= 1.05
    put(folder, "engine.bin", weights.tobytes())
    with pytest.raises(DataError, match="golden batch"):
        load(folder, threads=1, golden=golden)


def test_weights_that_are_no_numbers_are_found(folder: Path) -> None:
    weights = np.frombuffer((folder / "engine.bin").read_bytes(), np.uint8).copy()
    weights[: len(weights) // 4 * 4].view(np.float32)[:] = np.nan
    put(folder, "engine.bin", weights.tobytes())
    with pytest.raises(DataError, match=r"not a number|knows|cannot be"):
        load(folder, threads=1)


@pytest.mark.parametrize("data", [b"", b"<net", b"<?xml version='1.0'?><net name='x' version='11'/>"])
def test_an_engine_that_cannot_be_read_is_named(folder: Path, data: bytes) -> None:
    put(folder, "engine.xml", data)
    with pytest.raises(DataError, match=r"engine\.xml"):
        load(folder, threads=1)


def test_a_card_with_another_number_of_classes_is_refused(folder: Path) -> None:
    def change(card: dict[str, Any]) -> None:
        card["classes"] = ["Dead", "Good"]
        card["thresholds"].pop("NoData")

    edit_card(folder, change)
    with pytest.raises(DataError, match="other classes"):
        load(folder, threads=1)


def test_an_engine_with_another_number_of_classes_is_refused(folder: Path) -> None:
    def change(card: dict[str, Any]) -> None:
        card["classes"] = ["Dead", "Good"]
        card["thresholds"].pop("NoData")
        card["files"].pop("answers.npz")

    edit_card(folder, change)
    (folder / "answers.npz").unlink()
    golden = dict(np.load(folder / "golden.npz"))
    np.savez(folder / "golden.npz", **{**golden, "classes": np.array(["Dead", "Good"])})
    rehash(folder, "golden.npz")
    with pytest.raises(DataError, match="knows 3 classes"):
        load(folder, threads=1)


def test_classes_in_another_order_are_refused(folder: Path) -> None:
    edit_card(folder, lambda card: card.update(classes=card["classes"][::-1]))
    with pytest.raises(DataError, match="other classes"):
        load(folder, threads=1)


def test_another_input_size_is_refused(folder: Path) -> None:
    edit_card(folder, lambda card: card.update(size=[64, 64]))
    with pytest.raises(DataError, match="images and outputs"):
        load(folder, threads=1)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"version": 1}, "version"),
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
