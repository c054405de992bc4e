"""The heat maps that ``classify`` did not hand over: the models are opened for them once more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydra_core.intake.block import Block
from hydra_core.models.batches import read_ahead
from hydra_core.stages.context import RunContext, block_file
from hydra_core.stages.handed_heat import Heat
from hydra_core.stages.heat import heat_of
from hydra_core.stages.networks import Network, network_input, open_network
from hydra_core.store.items import ItemRow
from hydra_core.store.ledger import RevisionRow
from hydra_core.store.registry import ModelRow


@dataclass(frozen=True)
class Wanted:
    """One image, the class that it was given (None: no class of its model) and the model that gave it."""

    item: ItemRow
    class_name: str | None
    model: ModelRow


@dataclass(frozen=True)
class _Asked:
    """One image, the class that it was given and the network that gave it."""

    item: ItemRow
    class_name: str
    network: Network


def missing_heat(context: RunContext, revision: RevisionRow, wanted: Sequence[Wanted]) -> dict[int, Heat]:
    """Return the heat maps of images, by number of the item in its block."""
    made: dict[int, Heat] = {}
    with Block.open(block_file(context, revision), revision.block_sha) as block:

        def groups() -> Iterator[list[_Asked]]:
            for model in {one.model.id: one.model for one in wanted}.values():
                # In f32: maps are few, and they are looked at closely.
                network = open_network(context.site, model, context.threads)
                mine = (one for one in wanted if one.model.id == model.id)
                yield [_Asked(one.item, one.class_name or network.classes[0], network) for one in mine]

        def read(asked: _Asked) -> NDArray[np.uint8]:
            return network_input(block, asked.item.block_index, asked.network.input)

        for batch, images in read_ahead(groups(), read, threads=context.threads):
            network = batch[0].network
            heat = heat_of(network, images, [asked.class_name for asked in batch])
            made |= {asked.item.block_index: maps for asked, maps in zip(batch, heat, strict=True)}
    return made
