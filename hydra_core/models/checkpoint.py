"""Where a training stands after an epoch, kept beside the model's folder, so that a kill costs one epoch."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, ValidationError

from hydra_core.base.files import atomic_path
from hydra_core.models.arrays import AnyArray
from hydra_core.models.asked import Frozen
from hydra_core.models.spec import Epoch

_FILE, _PROGRESS = "state.npz", "progress"


class Progress(Frozen):
    """What is known of the epochs so far.

    Attributes
    ----------
    best
        Macro-F1 on the validation images and the negative loss there, of the best epoch.
    last_gain
        The last epoch that was worth while.
    seconds
        Spent on them, in all processes.
    """

    epoch: int = Field(default=0, ge=0)
    curve: tuple[Epoch, ...] = ()
    best: tuple[float, float] = (-1.0, 0.0)
    best_epoch: int = 0
    last_gain: int = 0
    seconds: float = 0.0
    stopped: bool = False


@dataclass(frozen=True)
class Checkpoint:
    """A place for the state of one training.

    Attributes
    ----------
    folder
        Made when first needed; whoever ends the training removes it.
    identity
        What the training is: the state of another one is not taken up.
    """

    folder: Path
    identity: str

    def save(self, progress: Progress, arrays: Mapping[str, Sequence[AnyArray]]) -> None:
        """Replace the state; a kill leaves the old one or the new one."""
        head = json.dumps({"identity": self.identity, _PROGRESS: progress.model_dump(mode="json")}).encode()
        named = {f"{kind}/{number}": one for kind, many in arrays.items() for number, one in enumerate(many)}
        with atomic_path(self.folder / _FILE) as temp, temp.open("wb") as stream:
            np.savez(stream, **{_PROGRESS: np.frombuffer(head, np.uint8)}, **named)

    def load(self) -> tuple[Progress, dict[str, list[AnyArray]]] | None:
        """Return the state that was saved last, or None where there is none of this training."""
        try:
            with (self.folder / _FILE).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                head: dict[str, Any] = json.loads(archive[_PROGRESS].tobytes())
                if head["identity"] != self.identity:
                    return None
                progress = Progress.model_validate(head[_PROGRESS])
                arrays: dict[str, list[AnyArray]] = {}
                for name in sorted(set(archive.files) - {_PROGRESS}, key=lambda name: int(name.partition("/")[2])):
                    arrays.setdefault(name.partition("/")[0], []).append(archive[name])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, ValidationError):
            return None
        return progress, arrays
