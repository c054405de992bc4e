"""Whether this job has a GPU, found without importing anything heavy."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

#: Most images of a call on a GPU: enough to keep it at work; the largest network and input then need 1 to 2 GiB.
GPU_BATCH = 64

#: What a driver puts into /dev for each card; the last one is how Linux inside Windows shows all of them.
_CARD = re.compile(r"nvidia[0-9]+|dxg")

#: A card by number, or a card or a part of one by name.
_NAMED = re.compile(r"[0-9]+|(GPU|MIG)-.+")

#: By one of these Slurm tells a job that it was given cards.
_GIVEN = ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS_ON_NODE")


def sees_gpu(devices: Path = Path("/dev"), environment: Mapping[str, str] | None = None) -> bool:
    """Say whether this job has a GPU that TensorFlow could use.

    A card counts where its device is there, ``CUDA_VISIBLE_DEVICES`` does not hide it, and, in a Slurm job, Slurm gave
    one to the job: on many farms a job sees all cards of its machine, also those that others work on.

    Parameters
    ----------
    devices
        Folder of device nodes.
    environment
        Environment variables; those of this process where None.
    """
    told = os.environ if environment is None else environment
    try:
        cards = sum(1 for node in devices.iterdir() if _CARD.fullmatch(node.name))
    except OSError:
        return False
    if not cards:
        return False
    if "SLURM_JOB_ID" in told and not any(name in told for name in _GIVEN):
        return False
    visible = told.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return True
    # CUDA ends its list at the first name that means nothing, so the first one decides.
    first = visible.split(",")[0].strip()
    return _NAMED.fullmatch(first) is not None and (not first.isdecimal() or int(first) < cards)
