"""Judging with an exported model, without the training framework.

A model folder is trusted only as far as it proves itself: known files, their SHA-256, and the outputs of its golden
batch. Nothing in it is ever unpickled or run as code.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from hydra_core.base.errors import DataError
from hydra_core.base.files import sha256_bytes, sha256_file
from hydra_core.models.arrays import AnyArray, Floats, Images
from hydra_core.models.lazy import openvino
from hydra_core.models.pixels import PREPROCESSING_HASH
from hydra_core.models.spec import MODEL_FILES, ModelCard

#: Images per call of the engine: larger batches gain nothing on a CPU and cost memory.
BATCH = 8

OUTPUTS = ("probs", "embed", "cam")

Precision = Literal["f32", "bf16"]

#: Largest change of a golden probability in bf16 against f32 (seen on trained networks: 0.06).
BF16_DRIFT = 0.15

_MEND = "restore the folder from a backup, or train this plot type again"


@dataclass(frozen=True)
class Prediction:
    """What a network says of n images.

    Attributes
    ----------
    probs
        float32 (n, c): probability of each class, in the order of the card's classes.
    embed
        float32 (n, d): the features before the decision.
    cam
        float32 (n, h', w', c): class maps; their mean over the area is the logit.
    """

    probs: Floats
    embed: Floats
    cam: Floats


class Engine:
    """A compiled network, ready to judge. Made by `load`.

    Attributes
    ----------
    card
        The model's card; None while a model is still being exported.
    identity
        SHA-256 of ``model.json``, which itself holds the hash of every other file.
    """

    def __init__(self, compiled: Any, size: tuple[int, int], card: ModelCard | None, identity: str) -> None:
        self._compiled = compiled
        self._size = size
        self.card = card
        self.identity = identity

    @classmethod
    def compile(
        cls,
        xml: bytes,
        weights: bytes,
        *,
        size: tuple[int, int],
        threads: int,
        precision: Precision = "f32",
        card: ModelCard | None = None,
        identity: str = "",
    ) -> Engine:
        """Compile an OpenVINO model from memory.

        Raises
        ------
        ValueError
            When its outputs are not the three of our networks.
        RuntimeError
            When OpenVINO cannot read it.
        """
        core = openvino().Core()
        options = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            # Pinned jobs of one node would sit on the same cores.
            "ENABLE_CPU_PINNING": False,
        }
        compiled = core.compile_model(core.read_model(model=xml, weights=weights), "CPU", options)
        names = {name for output in compiled.outputs for name in output.names}
        if not set(OUTPUTS) <= names or len(compiled.outputs) != len(OUTPUTS) or len(compiled.inputs) != 1:
            raise ValueError(f"its outputs are {', '.join(sorted(names)) or 'unnamed'}, not {', '.join(OUTPUTS)}")
        return cls(compiled, size, card, identity)

    def predict(self, images: Images) -> Prediction:
        """Judge images.

        Parameters
        ----------
        images
            uint8, shape (n, h, w, 3), as made by `pixels.model_input` for the card's size; n may be 0.

        Raises
        ------
        ValueError
            When `images` has another shape or type.
        DataError
            When the network answers with something that is not a number.
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (*self._size, 3):
            height, width = self._size
            raise ValueError(f"images must be uint8 (n, {height}, {width}, 3), not {images.dtype} {images.shape}")
        # One blank image stands in for none, to learn the shapes.
        padded = images if len(images) else np.zeros((1, *images.shape[1:]), np.uint8)
        parts: dict[str, list[Floats]] = {name: [] for name in OUTPUTS}
        for start in range(0, len(padded), BATCH):
            answer = self._compiled(padded[start : start + BATCH].astype(np.float32))
            for name in OUTPUTS:
                parts[name].append(np.array(answer[name], dtype=np.float32))
        probs, embed, cam = (np.concatenate(parts[name])[: len(images)] for name in OUTPUTS)
        if not (np.isfinite(probs).all() and np.isfinite(embed).all() and np.isfinite(cam).all()):
            raise DataError("the network answers with something that is not a number", next_step=_MEND)
        return Prediction(probs, embed, cam)


def read_card(folder: Path) -> tuple[ModelCard, str]:
    """Read ``model.json`` without loading the model.

    Returns
    -------
    tuple
        The card, and the model's identity (SHA-256 of the file).

    Raises
    ------
    DataError
        When the file is missing or not a card of this version.
    """
    path = folder / "model.json"
    try:
        data = path.read_bytes()
        return ModelCard.model_validate_json(data), sha256_bytes(data)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", next_step=_MEND) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        cause = f"{path} is no model card this version knows: {where}: {first['msg']}"
        raise DataError(cause, next_step=_MEND) from error


def load(folder: Path, *, threads: int, precision: Precision = "f32") -> Engine:
    """Load a model folder after checking everything in it.

    Parameters
    ----------
    folder
        As written by `export.export`.
    threads
        Cores this job was given.
    precision
        ``bf16`` is about twice as fast on CPUs that have it, and moves probabilities by up to 0.06.

    Raises
    ------
    DataError
        When a file is missing, foreign, a link or altered, when the model was made with another preprocessing, when
        classes and outputs do not match, or when the golden batch gives other outputs than at export.
    """
    card, identity = read_card(folder)
    _check_listing(folder)
    content: dict[str, bytes] = {}
    for name in MODEL_FILES:
        path = folder / name
        # The weights are for training only: they are hashed, never held.
        if name.endswith(".h5"):
            digest = sha256_file(path)
        else:
            content[name] = path.read_bytes()
            digest = sha256_bytes(content[name])
        if digest != card.files[name]:
            raise DataError(f"{path} is not the file that was exported (SHA-256 differs)", next_step=_MEND)
    if card.preprocessing != PREPROCESSING_HASH:
        raise DataError(
            f"the model in {folder} was trained on images prepared in another way than this version does",
            next_step="train this plot type again",
        )
    golden = _read_golden(folder / "golden.npz", content["golden.npz"], card)
    engine = _compile(folder, content, card, identity, threads, "f32")
    _check_golden(folder, engine, golden, card.golden.tolerance)
    if precision == "f32":
        return engine
    engine = _compile(folder, content, card, identity, threads, precision)
    _check_golden(folder, engine, {"images": golden["images"], "probs": golden["probs"]}, BF16_DRIFT)
    return engine


def _check_listing(folder: Path) -> None:
    expected = {*MODEL_FILES, "model.json"}
    found = {path.name: path for path in folder.iterdir()}
    for name in sorted(found.keys() - expected):
        raise DataError(f"{found[name]} does not belong into a model folder", next_step="remove it, or restore it all")
    for name in sorted(expected):
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise DataError(f"{path} is missing or not a plain file", next_step=_MEND)


def _read_golden(path: Path, data: bytes, card: ModelCard) -> dict[str, AnyArray]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            golden = {name: archive[name] for name in ("images", *OUTPUTS)}
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read: {error}", next_step=_MEND) from error
    n = card.golden.images
    images_fit = golden["images"].dtype == np.uint8 and golden["images"].shape == (n, *card.size, 3)
    if not images_fit or any(len(golden[name]) != n for name in OUTPUTS):
        raise DataError(f"{path} does not hold the {n} images and outputs that model.json speaks of", next_step=_MEND)
    return golden


def _compile(
    folder: Path, content: dict[str, bytes], card: ModelCard, identity: str, threads: int, precision: Precision
) -> Engine:
    try:
        return Engine.compile(
            content["engine.xml"],
            content["engine.bin"],
            size=card.size,
            threads=threads,
            precision=precision,
            card=card,
            identity=identity,
        )
    except (RuntimeError, ValueError) as error:
        raise DataError(f"{folder / 'engine.xml'} cannot be used: {error}", next_step=_MEND) from error


def _check_golden(folder: Path, engine: Engine, golden: dict[str, AnyArray], tolerance: float) -> None:
    try:
        got = engine.predict(golden["images"])
    except RuntimeError as error:
        raise DataError(f"{folder / 'engine.xml'} cannot be run: {error}", next_step=_MEND) from error
    classes = len(engine.card.classes) if engine.card else 0
    if got.probs.shape[1] != classes or got.cam.shape[3] != classes:
        raise DataError(
            f"{folder / 'engine.xml'} knows {got.probs.shape[1]} classes, model.json names {classes}", next_step=_MEND
        )
    for name in golden.keys() - {"images"}:
        want, have = golden[name], getattr(got, name)
        # Maps and features have no fixed scale, so their drift is taken against their own size.
        scale = 1.0 if name == "probs" else max(1.0, float(np.abs(want).max()))
        if want.shape != have.shape or not np.abs(want - have).max() <= tolerance * scale:
            raise DataError(
                f"the model in {folder} gives other {name} on its golden batch than at export",
                next_step="compare the versions of openvino; restore the folder or train this plot type again",
            )
