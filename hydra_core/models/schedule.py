"""How fast a network learns from step to step."""

from __future__ import annotations

import math


def rate_at(step: int, steps: int, peak: float) -> float:
    """Return the learning rate: a linear warm-up over the first tenth (50 steps at most), then a half cosine."""
    warm = max(1, min(50, steps // 10))
    return peak * min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / steps))


def average_decay(step: int, over: int) -> float:
    """Return how much of a running average over about `over` steps is kept at a step (from 0).

    Early on it averages over fewer steps, so that the first weights do not linger.
    """
    return min(1 - 1 / over, (1 + step) / (10 + step))
