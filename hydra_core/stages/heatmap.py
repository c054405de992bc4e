"""Node ``heatmap``: why the network says so, and where the plot differs from good ones, for what needs a look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydra_core.intake.block import Block
from hydra_core.intake.maps import StoredMap, write_maps
from hydra_core.judge.rules import LOOK
from hydra_core.models.batches import read_ahead
from hydra_core.models.maps import class_map, contrast_map
from hydra_core.models.residual import GOOD
from hydra_core.stages.context import Outcome, RunContext, block_file, current_revision, maps_file
from hydra_core.stages.networks import Network, network_input, open_network
from hydra_core.store.items import ItemRow, load_items, load_verdicts
from hydra_core.store.ledger import update_revision
from hydra_core.store.registry import get_model
from hydra_core.store.session import reading, writing


@dataclass(frozen=True)
class _Asked:
    """One image, the class that it was given and the network that gave it."""

    item: ItemRow
    class_name: str
    network: Network


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

        def groups() -> Iterator[list[_Asked]]:
            for model_id, model in models.items():
                # In f32: maps are few, and they are looked at closely.
                network = open_network(context.site, model, context.threads)
                mine = (key for key in wanted if wanted[key] == model_id)
                yield [_Asked(items[key], verdicts[key].class_name or network.classes[0], network) for key in mine]

        def read(asked: _Asked) -> NDArray[np.uint8]:
            return network_input(block, asked.item.block_index, asked.network.input)

        for batch, images in read_ahead(groups(), read, threads=context.threads):
            network = batch[0].network
            cams = network.predict(images).cam
            differences = [None] * len(batch) if network.residual is None else network.residual.maps(images)
            for asked, cam, difference in zip(batch, cams, differences, strict=True):
                maps[asked.item.block_index] = list(_maps(asked, cam, difference))
    sha = write_maps(maps_file(context, revision), maps) if maps else None
    writing(context.engine, lambda connection: update_revision(connection, revision.id, maps_sha=sha))
    return Outcome(f"{context.name}: heat maps of {len(maps)} images", images=len(maps))


def _maps(
    asked: _Asked, cam: NDArray[np.floating[Any]], difference: NDArray[np.floating[Any]] | None
) -> Iterable[StoredMap]:
    name, classes = asked.class_name, asked.network.classes
    here = classes.index(name)
    # First, as pages show the first one: on planted faults it points far better than what follows.
    if difference is not None and difference.any():
        yield StoredMap(GOOD, "residual", difference.astype(np.float32))
    if asked.network.own_head:
        yield StoredMap(name, "active", class_map(cam, here))
    else:
        yield StoredMap(name, "cam", class_map(cam, here))
        if GOOD in classes and name != GOOD:
            yield StoredMap(name, "contrast", contrast_map(cam, here, classes.index(GOOD)))
