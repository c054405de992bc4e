"""Judging with TensorFlow itself, for machines with a GPU: the network is built anew and given the stored weights.

No stored model is ever loaded: layers come from our own builder, by the names in the card, and the file of weights
gives numbers alone. It is read once, compared with the card's SHA-256, and what was compared is what is used.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from hydra_core.base.errors import DataError, HydraError
from hydra_core.base.files import sha256_bytes
from hydra_core.models.arrays import Images
from hydra_core.models.devices import use_cores
from hydra_core.models.engine import Precision, Prediction, bf16_drift, check_images, differs, numbers_alone
from hydra_core.models.export import with_temperature
from hydra_core.models.gpu import GPU_BATCH
from hydra_core.models.lazy import tensorflow
from hydra_core.models.networks import build
from hydra_core.models.trusted import LIMITS, MEND, OUTPUTS, Trusted

_WEIGHTS = "model.weights.h5"
_BUILT = {"f32": "float32", "bf16": "mixed_bfloat16"}


class DeviceError(HydraError):
    """A GPU fails, or has not enough memory."""


class KerasEngine:
    """A network in TensorFlow, ready to judge. Made by `start`."""

    def __init__(self, model: Any, size: tuple[int, int]) -> None:
        tf, _ = tensorflow()
        # Some cards compute f32 with 10 bits unless they are told not to, and would fail the golden batch.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        picture = tf.TensorSpec((None, *size, 3), tf.uint8)

        @tf.function(input_signature=[picture], autograph=False)  # type: ignore[untyped-decorator]
        def ask(batch: Any) -> Any:
            return model(tf.cast(batch, tf.float32), training=False)

        self._ask, self._size, self._failed = ask, size, tf.errors.OpError

    def predict(self, images: Images, *, stage: bool = False) -> Prediction:  # noqa: ARG002
        """Judge images, up to 64 at a time; parameters and errors as of `engine.Engine.predict`.

        The features from which finer maps are made are not given, whatever `stage` says: OpenVINO makes these maps.

        Raises
        ------
        DeviceError
            When the device fails, or has not enough memory.
        """
        check_images(images, self._size)
        firsts = range(0, max(1, len(images)), GPU_BATCH)
        parts = [self._answer(images[first : first + GPU_BATCH]) for first in firsts]
        return numbers_alone(Prediction(*(np.concatenate(values) for values in zip(*parts, strict=True))))

    def _answer(self, images: Images) -> tuple[Any, ...]:
        # A GPU looks for the quickest way anew for each number of images, so only powers of two are asked for.
        room = 1 << (len(images) - 1).bit_length() if len(images) else 1
        padded = np.concatenate([images, np.zeros((room - len(images), *images.shape[1:]), np.uint8)])
        try:
            answer = self._ask(padded)
        except self._failed as error:
            raise DeviceError(
                f"TensorFlow cannot judge on this device: {type(error).__name__}: {_first_line(error.message)}",
                next_step='let fewer jobs share the GPU, or write engine = "openvino" under [inference] in site.toml',
            ) from error
        return tuple(np.asarray(answer[name], dtype=np.float32)[: len(images)] for name in OUTPUTS)


def start(trusted: Trusted, *, threads: int, precision: Precision = "f32", golden: int | None = None) -> KerasEngine:
    """Build the network of a trusted folder, give it its weights and let it prove itself.

    Parameters
    ----------
    trusted
        Of `trusted.read_folder`; the file of weights is compared with the card here.
    threads
        Cores this job was given.
    precision
        ``bf16``: the body computes in bfloat16; weights, class maps and probabilities are f32.
    golden
        How many images of the golden batch are judged again; all where None.

    Raises
    ------
    DataError
        When the weights are missing, altered or of another network, or when the golden batch gives other outputs
        than at export.
    ConfigError
        When the network cannot be built here, as one of a site whose package is not installed.
    DeviceError
        When the device fails, or has not enough memory.
    """
    use_cores(threads)
    engine = KerasEngine(_model(trusted, precision), trusted.card.size)
    _check_golden(trusted, engine, precision, golden)
    return engine


def _model(trusted: Trusted, precision: Precision) -> Any:
    card = trusted.card
    path = trusted.folder / _WEIGHTS
    if path.is_symlink() or not path.is_file() or path.stat().st_size > LIMITS[_WEIGHTS]:
        raise DataError(f"{path} is missing, or no plain file of sane size", next_step=MEND)
    data = path.read_bytes()
    if sha256_bytes(data) != card.files[_WEIGHTS]:
        raise DataError(f"{path} is not the file that was exported (SHA-256 differs)", next_step=MEND)
    model = build(
        card.network,
        card.size,
        len(card.classes),
        module=card.training.spec.network_module,
        arithmetic=_BUILT[precision],
    )
    if card.training.head == "own":
        # Elsewhere the temperature is in the weights.
        model = with_temperature(model, card.calibration.temperature)
    with tempfile.TemporaryDirectory() as place:
        # Keras reads by path alone, and the file in the folder may be another one by now.
        copy = Path(place) / _WEIGHTS
        copy.write_bytes(data)
        _fill(model, copy, path)
    return model


def _fill(model: Any, copy: Path, named: Path) -> None:
    import h5py

    links: list[str] = []

    def look(name: str, link: Any) -> None:
        if not isinstance(link, h5py.HardLink):
            links.append(name)

    try:
        with h5py.File(copy, "r") as file:
            file.visititems_links(look)
        if links:
            raise ValueError(f"{links[0]} is a link")
        with warnings.catch_warnings():
            # Keras only warns of some layers that the file lacks, and leaves them as they were.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(copy)
    except (ValueError, KeyError, OSError, UserWarning) as error:
        raise DataError(
            f"{named} does not fit the network {model.name}: {_first_line(error)}", next_step=MEND
        ) from error


def _first_line(told: object) -> str:
    return next(iter(str(told).strip().splitlines()), "no reason is given")


def _check_golden(trusted: Trusted, engine: KerasEngine, precision: Precision, golden: int | None) -> None:
    card = trusted.card
    told = {name: values[:golden] for name, values in trusted.golden.items()}
    got = engine.predict(told["images"])
    # Maps and features move more in bf16, and decide nothing.
    names, tolerance = (OUTPUTS, card.golden.tolerance) if precision == "f32" else (("probs",), bf16_drift(card))
    for name in names:
        if differs(name, getattr(got, name), told[name], tolerance):
            raise DataError(
                f"the model in {trusted.folder} gives other {name} on its golden batch in TensorFlow than at export",
                next_step="compare the versions of tensorflow; restore the folder or train this plot type again",
            )
