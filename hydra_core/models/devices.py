"""What a training computes on: cores, bfloat16 where it is built in, several GPUs where there are any."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from hydra_core.config.training import Arithmetic
from hydra_core.models.lazy import tensorflow
from hydra_core.models.spec import TrainingError

Chosen = Literal["float32", "mixed_bfloat16"]

#: A processor with one of these multiplies in bfloat16; without, bfloat16 is emulated and slower.
_BUILT_IN = {"avx512_bf16", "amx_bf16", "bf16"}

#: A processor with one of these multiplies numbers of 8 bits several times as fast as f32.
_VNNI = {"avx512_vnni", "avx_vnni"}

#: NVIDIA's compute capability from which on bfloat16 is built in.
_CAPABLE = (8, 0)


def prepare(threads: int, seed: int) -> None:
    """Fix the seeds and the cores of TensorFlow for this process; the same input then gives the same weights.

    Raises
    ------
    TrainingError
        When TensorFlow already runs with another number of cores.
    """
    tf, keras = tensorflow()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    use_cores(threads)


def use_cores(threads: int) -> None:
    """Give TensorFlow so many cores in this process.

    Raises
    ------
    TrainingError
        When TensorFlow already runs with another number of cores.
    """
    tf, _ = tensorflow()
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError as error:
            raise TrainingError(
                f"TensorFlow already runs in this process with another number of cores than {threads}",
                next_step="train one model per process, or all with the same number of cores",
            ) from error


def arithmetic_for(wanted: Arithmetic) -> Chosen:
    """Return what to compute in: for ``auto`` bfloat16 where the devices have it built in."""
    if wanted != "auto":
        return wanted
    tf, _ = tensorflow()
    cards = tf.config.list_physical_devices("GPU")
    if cards:
        details = (tf.config.experimental.get_device_details(card) for card in cards)
        fit = all(tuple(found.get("compute_capability", (0, 0))) >= _CAPABLE for found in details)
    else:
        fit = bool(_BUILT_IN & processor_flags())
    return "mixed_bfloat16" if fit else "float32"


def processor_flags(source: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Return what the processor can do, as Linux names it; nothing where that cannot be read."""
    try:
        lines = source.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(word for line in lines if line.lower().startswith(("flags", "features")) for word in line.split())


def has_vnni(flags: Collection[str]) -> bool:
    """Say whether a processor with these flags has instructions for networks in 8 bits built in."""
    return not _VNNI.isdisjoint(flags)


def gpus() -> int:
    """Return how many GPUs TensorFlow finds for this process."""
    tf, _ = tensorflow()
    return len(tf.config.list_physical_devices("GPU"))


def strategy_here() -> Any:
    """Return TensorFlow's strategy for this process: a mirrored one where it sees more than one GPU."""
    tf, _ = tensorflow()
    if gpus() > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()
