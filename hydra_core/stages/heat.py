"""Making the heat maps of images with an open model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hydra_core.intake.maps import StoredMap
from hydra_core.models.engine import Prediction
from hydra_core.models.evidence import class_weights
from hydra_core.models.maps import class_map, contrast_map, shown
from hydra_core.models.residual import GOOD
from hydra_core.stages.handed_heat import RESIDUAL, Heat
from hydra_core.stages.networks import Network


def heat_of(
    network: Network, images: NDArray[np.uint8], names: Sequence[str], found: Prediction | None = None
) -> list[Heat]:
    """Make the heat maps of images.

    Parameters
    ----------
    images
        uint8, shape (n, h, w, 3), as the network takes them; n >= 1.
    names
        The class that each image was given.
    found
        What the network said of them, where that is known; it is asked if that is needed.

    Returns
    -------
    list of tuple
        Of each image the maps, the one to be shown first at the beginning: where it differs from good plots, and why it
        is of its class rather than Good; why it is of its class where the latter is not to be had, or only coarsely.
    """
    classes = network.classes
    good = classes.index(GOOD) if GOOD in classes else None
    given = [classes.index(name) for name in names]
    weights = [class_weights(len(classes), k, good if k != good else None) for k in given]
    fine = network.evidence(images, np.stack(weights), found.stage if found is not None else None)
    coarse = [] if fine is not None else list((found or network.predict(images)).cam)
    differences = [None] * len(images) if network.residual is None else network.residual.maps(images)
    made: list[Heat] = []
    for number, (name, here, difference) in enumerate(zip(names, given, differences, strict=True)):
        maps = []
        # First, as pages show the first one: on planted faults it points far better than what follows.
        if difference is not None and difference.any():
            maps.append(StoredMap(GOOD, RESIDUAL, difference.astype(np.float32)))
        rather = good is not None and here != good
        if fine is not None:
            # Alone: a class map beside it is often brightest where the plot is sound.
            maps.append(StoredMap(name, "contrast" if rather else "cam", shown(fine[number])))
        elif network.own_head:
            maps.append(StoredMap(name, "active", class_map(coarse[number], here)))
        else:
            if rather:
                maps.append(StoredMap(name, "contrast", contrast_map(coarse[number], here, good or 0)))
            maps.append(StoredMap(name, "cam", class_map(coarse[number], here)))
        made.append(tuple(maps))
    return made
