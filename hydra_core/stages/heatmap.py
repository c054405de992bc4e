"""Node ``heatmap``: where a network looked, for every image that needs a person's look."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hydra_core.intake.block import Block
from hydra_core.intake.images import read_image
from hydra_core.intake.maps import StoredMap, write_maps
from hydra_core.judge.rules import LOOK
from hydra_core.models.maps import class_map, contrast_map
from hydra_core.models.pixels import model_input
from hydra_core.stages.context import Outcome, RunContext, block_file, current_revision, maps_file
from hydra_core.stages.networks import Network, open_network
from hydra_core.store.items import load_items, load_verdicts
from hydra_core.store.ledger import update_revision
from hydra_core.store.registry import get_model
from hydra_core.store.session import reading, writing


def heatmap(context: RunContext) -> Outcome:
    """Make the heat maps of a run's flagged images."""
    with reading(context.engine) as connection:
        revision = current_revision(connection, context, "judged")
        verdicts = load_verdicts(connection, revision.id)
        items = {item.id: item for item in load_items(connection, revision.id)}
        wanted = {
            key: verdict.model_id
            for key, verdict in verdicts.items()
            if verdict.severity >= LOOK and verdict.model_id is not None
        }
        models = {model_id: get_model(connection, model_id) for model_id in set(wanted.values())}
    maps: dict[int, list[StoredMap]] = {}
    with Block.open(block_file(context, revision), revision.block_sha) as block:
        for model_id, model in models.items():
            network = open_network(context.site, model, context.threads)
            asked = [items[key] for key in wanted if wanted[key] == model_id]
            inputs = [model_input(read_image(block.data(item.block_index)), network.size) for item in asked]
            found = network.predict(np.stack(inputs))
            for item, cam in zip(asked, found.cam, strict=True):
                name = verdicts[item.id].class_name or network.classes[0]
                maps[item.block_index] = list(_maps(network, cam, name))
    sha = write_maps(maps_file(context, revision), maps) if maps else None
    writing(context.engine, lambda connection: update_revision(connection, revision.id, maps_sha=sha))
    return Outcome(f"{context.name}: heat maps of {len(maps)} images", images=len(maps))


def _maps(network: Network, cam: NDArray[np.float32], name: str) -> Iterable[StoredMap]:
    here = network.classes.index(name)
    yield StoredMap(name, "cam", class_map(cam, here))
    if "Good" in network.classes and name != "Good":
        yield StoredMap(name, "contrast", contrast_map(cam, here, network.classes.index("Good")))
