"""Results of a long measurement, kept part by part, so that one that was stopped goes on where it was."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from hydra_core.base.clock import now
from hydra_core.base.files import write_json
from hydra_core.models.networks import learning_rate_of

#: Folder of the kept results; a folder of the test run's own where it is not set.
KEEP = "HYDRA_BENCH_KEEP"
#: Set to 1: every part at a size that proves nothing, to find mistakes in minutes.
SMALL = "HYDRA_BENCH_SMALL"
#: What results were made with that do not say it.
EARLIER = "`compact` with a learning rate of 0.002, running statistics of batch normalisation"
_LIBRARIES = ("tensorflow", "keras", "openvino", "numpy", "pillow")


def small() -> bool:
    """Say whether only the code is to be tried."""
    return os.environ.get(SMALL, "") not in {"", "0"}


@dataclass(frozen=True)
class Kept:
    """A folder of results, one JSON file each; arrays beside them."""

    folder: Path

    def result(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return a kept result, or make it and keep it with what it cost and where it was made."""
        found = self.find(name)
        if found is not None:
            return found
        begun = time.process_time()
        made = {**make(), "made": str(now().date()), "machine": machine(), "defaults": defaults()}
        made["processor_seconds"] = round(time.process_time() - begun, 1)
        write_json(self.folder / f"{name}.json", made)
        return made

    def find(self, name: str) -> dict[str, Any] | None:
        """Return a kept result; None where there is none yet."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            return None
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def all(self, first: str) -> list[tuple[str, dict[str, Any]]]:
        """Return all kept results whose names begin so, by name."""
        names = sorted(path.stem for path in self.folder.glob(f"{first}*.json"))
        return [(name, found) for name in names if (found := self.find(name)) is not None]

    def arrays(self, name: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Return kept arrays, or make and keep them; plain numbers and strings alone."""
        folder = self.folder / name
        if not (folder / "whole").exists():
            folder.mkdir(parents=True, exist_ok=True)
            for key, values in make().items():
                np.save(folder / f"{key}.npy", values, allow_pickle=False)
            (folder / "whole").touch()
        return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in folder.glob("*.npy")}


def defaults() -> str:
    """Return what a training does unless it is told otherwise, as far as that has changed between measurements."""
    rate = learning_rate_of("compact")
    return f"`compact` with a learning rate of {rate:g}, batch normalisation counted anew for the weights that are kept"


def machine() -> str:
    """Return processor, cores, and what the libraries are."""
    name = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    found = []
    for library in _LIBRARIES:
        with suppress(PackageNotFoundError):
            found.append(f"{library} {version(library)}")
    return f"{os.cpu_count()} cores of {name}, Python {platform.python_version()}, {', '.join(found)}"
