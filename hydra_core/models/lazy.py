"""Heavy libraries, imported when first needed and without what they drag along."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hydra_core.base.importing import kept_for_good
from hydra_core.models.gpu import sees_gpu


@contextmanager
def hidden(*names: str) -> Iterator[None]:
    """Make ``import NAME`` fail inside the block, for packages that are not imported yet."""
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in absent:
            if sys.modules.get(name, name) is None:
                del sys.modules[name]


def tensorflow() -> tuple[Any, Any]:
    """Return the modules ``(tensorflow, keras)``.

    Keras imports scikit-learn, matplotlib and pandas when it finds them and needs none of them here: hiding them
    saves about 3 s. TensorFlow sees no GPU but one of this job, and takes of its memory only what it needs: other jobs
    may use the same card.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    if not sees_gpu():
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    with hidden("sklearn", "matplotlib", "pandas"), kept_for_good():
        return importlib.import_module("tensorflow"), importlib.import_module("keras")


def openvino() -> Any:
    """Return the module ``openvino``.

    Its usage reports go over the network already at import. They are optional to it, so they are hidden:
    a monitoring job speaks to nobody. So are its converters, which judging does not need: that halves its import.
    """
    with hidden("openvino_telemetry", "openvino.tools"), kept_for_good():
        return importlib.import_module("openvino")


def openvino_converter() -> Any:
    """Return OpenVINO's function ``convert_model``."""
    openvino()
    with hidden("openvino_telemetry"):
        return importlib.import_module("openvino.tools.ovc").convert_model
