from __future__ import annotations

import numpy as np
import pytest

from hydra_core.models.asked import InputSpec, TrainSpec
from hydra_core.models.pictures import provider_of
from hydra_core.models.pixels import model_input
from hydra_core.models.train_on import Labelled, predicted, train_on

pytestmark = pytest.mark.training

TITLE = (0.0, 0.0, 1.0, 0.15)


def pictures(bad_titles: bool, n: int = 96) -> tuple[list[np.ndarray], list[str]]:
    """Plots 60 x 80 whose title tells the class, or, where the titles are exchanged, the wrong one."""
    rng = np.random.default_rng(n)
    names = [("Good", "Bad")[i % 2] for i in range(n)]
    made = []
    for name in names:
        plot = np.full((60, 80, 3), 255, np.uint8)
        plot[10:58, 2:78] = rng.integers(120, 180, (48, 76, 1))
        if name == "Bad":
            y, x = rng.integers(12, 40), rng.integers(6, 60)
            plot[y : y + 14, x : x + 14] = rng.integers(60, 120, (14, 14, 1))
        plot[2:7, 10:70] = (200, 0, 0) if (name == "Bad") == bad_titles else (0, 0, 200)
        made.append(plot)
    return made, names


@pytest.mark.parametrize("masked", [False, True])
def test_a_network_reads_the_title_unless_it_is_masked(masked: bool) -> None:
    seen = InputSpec(size=(30, 40), masks=(TITLE,) if masked else ())
    spec = TrainSpec(network="tiny", size=(30, 40), epochs=8, batch=8, min_steps=8, shift=0, near=0, learning_rate=0.01)
    plots, names = pictures(bad_titles=True)
    images = np.stack([model_input(plot, seen) for plot in plots])
    fitted = train_on(spec, Labelled(images, names, [i // 4 for i in range(96)]), tell=lambda _line: None)
    exchanged, truth = pictures(bad_titles=False, n=40)
    others = np.stack([model_input(plot, seen) for plot in exchanged])
    called = predicted(fitted.model, provider_of(others), np.arange(40)).probs.argmax(1)
    right = np.mean([fitted.classes[c] == name for c, name in zip(called, truth, strict=True)])
    assert right >= 0.9 if masked else right <= 0.3, right
