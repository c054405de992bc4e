"""Reading a model folder without trusting it: known plain files of sane size, their SHA-256, and nothing that runs."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from pydantic import ValidationError

from hydra_core.base.errors import DataError
from hydra_core.base.files import sha256_bytes, sha256_file
from hydra_core.models.answers import ANSWERS_ARRAYS, MOST_BYTES, Answers, answers_of
from hydra_core.models.arrays import AnyArray
from hydra_core.models.pixels import preprocessing_hash
from hydra_core.models.residual import RESIDUAL_ARRAYS, Residual, residual_of
from hydra_core.models.spec import ANSWERS_FILE, INT8_BIN, INT8_XML, RESIDUAL_FILE, ModelCard

MEND = "restore the folder from a backup, or train this plot type again"

#: What a network says of images, by name.
OUTPUTS = ("probs", "embed", "cam")

#: What an engine with maps at a finer stage gives besides: the features there, and the numbers that maps explain.
STAGE, SCORE = "stage", "score"

_MIB = 1 << 20
#: Largest size of each file in bytes: several times what our largest network needs.
LIMITS = {
    "model.json": 16 * _MIB,
    "engine.xml": 32 * _MIB,
    "golden.npz": 64 * _MIB,
    RESIDUAL_FILE: 8 * _MIB,
    ANSWERS_FILE: MOST_BYTES + _MIB,
    "engine.bin": 2048 * _MIB,
    INT8_XML: 32 * _MIB,
    INT8_BIN: 512 * _MIB,
    "model.weights.h5": 4096 * _MIB,
}

#: Layers whose answer would depend on what was asked before.
_WITH_MEMORY = {"Assign", "ReadValue"}


@dataclass(frozen=True)
class Trusted:
    """A model folder whose files are those that its card names.

    Attributes
    ----------
    identity
        SHA-256 of ``model.json``, which itself holds the hash of every other file.
    xml, weights
        The engine.
    golden
        Images and what was said of them at export, by name; ``residual`` and ``evidence`` where the model has them.
    int8
        The 8-bit engine and its weights, where the model has passed with them.
    """

    folder: Path
    card: ModelCard
    identity: str
    xml: bytes
    weights: bytes
    golden: dict[str, AnyArray]
    residual: Residual | None
    int8: tuple[bytes, bytes] | None = None

    def without_engines(self) -> Trusted:
        """Return it without the bytes of its engines, for those who keep it after they are started."""
        return replace(self, xml=b"", weights=b"", int8=None)


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
    data = _read(path)
    try:
        return ModelCard.model_validate_json(data), sha256_bytes(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        cause = f"{path} is no model card this version knows: {where}: {first['msg']}"
        raise DataError(cause, next_step=MEND) from error


def read_folder(folder: Path, *, for_training: bool = True) -> Trusted:
    """Read a model folder after checking everything in it that can be checked without running it.

    Parameters
    ----------
    folder
        As written by `export.export`.
    for_training
        Compare the hash of the training weights too. Judging has no use for them, and they are as large as the engine.

    Raises
    ------
    DataError
        When a file is missing, foreign, too large, a link or altered, when the model was made with another
        preprocessing, or when a file's content is not of the form that this program writes.
    """
    card, identity = read_card(folder)
    _check_listing(folder, card)
    content: dict[str, bytes] = {}
    for name in sorted(card.files):
        path = folder / name
        # The weights are for training only: they are hashed, never held, and never opened as HDF5.
        if name.endswith(".h5"):
            _check_plain(path)
            digest = sha256_file(path) if for_training else card.files[name]
        else:
            content[name] = _read(path)
            digest = sha256_bytes(content[name])
        if digest != card.files[name]:
            raise _altered(path)
    if card.preprocessing != preprocessing_hash(card.input):
        raise DataError(
            f"the model in {folder} was trained on images prepared in another way than this version does",
            next_step="train this plot type again",
        )
    _check_graph(folder / "engine.xml", content["engine.xml"], "engine.bin", len(content["engine.bin"]))
    int8 = (content[INT8_XML], content[INT8_BIN]) if INT8_XML in content else None
    if int8 is not None:
        _check_graph(folder / INT8_XML, int8[0], INT8_BIN, len(int8[1]))
    residual = _read_residual(folder / RESIDUAL_FILE, content[RESIDUAL_FILE]) if RESIDUAL_FILE in content else None
    if ANSWERS_FILE in content:
        _answers(folder / ANSWERS_FILE, content[ANSWERS_FILE], card)
    golden = _read_golden(folder / "golden.npz", content["golden.npz"], card, with_residual=residual is not None)
    return Trusted(folder, card, identity, content["engine.xml"], content["engine.bin"], golden, residual, int8)


def read_answers(folder: Path) -> Answers | None:
    """Read what a model said of its validation and test images, without loading the model.

    Returns
    -------
    Answers or None
        None for a model that keeps none.

    Raises
    ------
    DataError
        When the card or the file is missing, altered or not of the form that this program writes.
    """
    card, _ = read_card(folder)
    if ANSWERS_FILE not in card.files:
        return None
    path = folder / ANSWERS_FILE
    data = _read(path)
    if sha256_bytes(data) != card.files[ANSWERS_FILE]:
        raise _altered(path)
    return _answers(path, data, card)


def _answers(path: Path, data: bytes, card: ModelCard) -> Answers:
    try:
        answers = answers_of(_arrays(path, data, ANSWERS_ARRAYS))
    except ValueError as error:
        raise DataError(f"{path} cannot be used: {error}", next_step=MEND) from error
    if answers.classes != card.classes:
        raise DataError(f"{path} was made for other classes than model.json names", next_step=MEND)
    return answers


def _check_listing(folder: Path, card: ModelCard) -> None:
    expected = {*card.files, "model.json"}
    found = {path.name: path for path in folder.iterdir()}
    for name in sorted(found.keys() - expected):
        raise DataError(f"{found[name]} does not belong into a model folder", next_step="remove it, or restore it all")
    for name in sorted(expected):
        _check_plain(folder / name)


def _check_plain(path: Path) -> None:
    if path.is_symlink() or not path.is_file():
        raise DataError(f"{path} is missing or not a plain file", next_step=MEND)
    size = path.stat().st_size
    if size > LIMITS[path.name]:
        raise DataError(f"{path} has {size} bytes, more than any model of ours", next_step=MEND)


def _altered(path: Path) -> DataError:
    return DataError(f"{path} is not the file that was exported (SHA-256 differs)", next_step=MEND)


def _read(path: Path) -> bytes:
    _check_plain(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", next_step=MEND) from error


def _check_graph(path: Path, xml: bytes, beside: str, weights: int) -> None:
    """Refuse what no engine of ours holds: entities, other encodings, foreign layers, constants outside the weights."""
    problem = ""
    if b"\0" in xml or b"<!" in xml or not xml.lstrip().startswith((b"<?xml", b"<net")):
        problem = "it is no plain XML"
    else:
        try:
            # Without declarations (refused above) there is no entity to expand.
            root = ElementTree.fromstring(xml)  # noqa: S314
        except (ElementTree.ParseError, ValueError, LookupError) as error:
            problem = f"it is no XML: {error}"
        else:
            problem = _foreign_layer(root, beside, weights)
    if problem:
        raise DataError(f"{path} cannot be used: {problem}", next_step=MEND)


def _foreign_layer(root: ElementTree.Element, beside: str, weights: int) -> str:
    for layer in root.iter("layer"):
        kind, version = layer.get("type", ""), layer.get("version", "")
        if not re.fullmatch(r"opset\d{1,2}", version):
            return f"its layer {kind} is of {version or 'no set'}, not one that comes with the engine"
        if kind in _WITH_MEMORY:
            return f"its layer {kind} remembers earlier images"
        data = layer.find("data")
        if kind == "Const" and data is not None:
            numbers = [data.get("offset", "0"), data.get("size", "0")]
            if not all(re.fullmatch(r"\d{1,15}", number) for number in numbers) or sum(map(int, numbers)) > weights:
                return f"a constant lies outside of {beside}"
    return ""


def _arrays(path: Path, data: bytes, names: Sequence[str]) -> dict[str, AnyArray]:
    """Return arrays of an NPZ archive; nothing is unpickled and nothing is unpacked to more than the file holds."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # Ours are stored as they are, so a small file cannot become a large one in memory.
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError("it is compressed")
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except (ValueError, KeyError, OSError, EOFError, MemoryError, OverflowError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read: {error}", next_step=MEND) from error


def _read_residual(path: Path, data: bytes) -> Residual:
    try:
        return residual_of(_arrays(path, data, RESIDUAL_ARRAYS))
    except ValueError as error:
        raise DataError(f"{path} cannot be used: {error}", next_step=MEND) from error


def _read_golden(path: Path, data: bytes, card: ModelCard, *, with_residual: bool) -> dict[str, AnyArray]:
    told = (*OUTPUTS, *(["residual"] if with_residual else []), *(["evidence"] if card.golden.stage else []))
    golden = _arrays(path, data, ("classes", "images", *told))
    if golden.pop("classes").tolist() != list(card.classes):
        raise DataError(f"{path} was made for other classes than model.json names", next_step=MEND)
    n = card.golden.images
    images_fit = golden["images"].dtype == np.uint8 and golden["images"].shape == (n, *card.size, 3)
    if not images_fit or any(golden[name].ndim < 2 or len(golden[name]) != n for name in told):
        raise DataError(f"{path} does not hold the {n} images and outputs that model.json speaks of", next_step=MEND)
    return golden
