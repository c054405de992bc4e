"""What is told of an epoch of a training."""

from __future__ import annotations

from hydra_core.base.telling import EPOCH
from hydra_core.base.words import time_left
from hydra_core.models.spec import Epoch


def epoch_line(point: Epoch, epochs: int, seconds_left: float) -> str:
    """Return what is told of an epoch: its number, loss, result on the validation runs, and how long it may take."""
    judged = "no validation runs"
    if point.validation_accuracy is not None and point.validation_loss is not None:
        judged = f"validation accuracy {point.validation_accuracy:.3f}, loss {point.validation_loss:.3f}"
    left = "done" if seconds_left < 1 else time_left(seconds_left)
    return f"{EPOCH}{point.epoch}/{epochs}  {left}  loss {point.loss:.4f}  {judged}"
