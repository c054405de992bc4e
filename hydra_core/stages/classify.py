"""Node ``classify``: look at every image of a run once and write down what the judges say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydra_core.base.words import counted
from hydra_core.config.training import UNLEARNED_THRESHOLD
from hydra_core.intake.block import Block
from hydra_core.intake.images import read_image
from hydra_core.intake.nodata import is_empty_plot
from hydra_core.judge.evidence import CLASSIFIER, CONTENT, STANDING
from hydra_core.judge.rules import NO_DATA
from hydra_core.models.batches import read_ahead
from hydra_core.models.engine import Prediction
from hydra_core.models.precision import images_at_a_time
from hydra_core.stages.beam import had_beam
from hydra_core.stages.context import Outcome, RunContext, block_file, current_revision
from hydra_core.stages.handed_heat import Heat, hand_over
from hydra_core.stages.heat import heat_of
from hydra_core.stages.networks import Network, Shelf, network_input, open_network
from hydra_core.store.items import EvidenceRow, ItemRow, load_items, save_evidence
from hydra_core.store.ledger import RevisionRow
from hydra_core.store.registry import JudgingSetRow, ModelRow, SetModel, load_judging_set
from hydra_core.store.session import reading, writing


@dataclass(frozen=True)
class _Asked:
    """One image and the network that looks at it."""

    item: ItemRow
    model: ModelRow
    network: Network


def classify(context: RunContext) -> Outcome:
    """Judge the content and the class of each readable image of this job's plot types."""
    with reading(context.engine) as connection:
        revision = current_revision(connection, context, "chunked")
        items = load_items(connection, revision.id)
        chosen = load_judging_set(connection, revision.judging_set_id or 0)
    types = sorted({item.plot for item in items})
    mine = {plot for number, plot in enumerate(types) if number % context.shards == context.shard}
    besides = Besides()
    rows = look(context, revision, [item for item in items if item.plot in mine], chosen, besides)
    hand_over(context, revision, besides.heat)
    writing(context.engine, lambda connection: save_evidence(connection, rows))
    images = len({row.item_id for row in rows})
    models = counted(sum(1 for plot in mine if plot in chosen.models), "model")
    said = f"{counted(images, 'image')} of {counted(len(mine), 'plot type')}, {models}"
    ways = "".join(f", {number} judged in {way}" for way, number in sorted(besides.ways.items()))
    return Outcome(f"{context.name}: {said}{ways}", images=images)


@dataclass(frozen=True)
class Besides:
    """What looking at images gives besides evidence.

    Attributes
    ----------
    heat
        The heat maps of what will be flagged for what its model says, by number of the item in its block.
    ways
        How many images were judged in which way, as `Network.way` names it.
    """

    heat: dict[int, Heat] = field(default_factory=dict)
    ways: Counter[str] = field(default_factory=Counter)


def look(
    context: RunContext,
    revision: RevisionRow,
    items: Sequence[ItemRow],
    chosen: JudgingSetRow,
    besides: Besides | None = None,
) -> list[EvidenceRow]:
    """Return the evidence of some items of a revision by a judging set; nothing is written.

    Parameters
    ----------
    besides
        Receives what else is found; no heat maps are made where None.
    """
    readable = [item for item in items if item.has_image]
    rows: list[EvidenceRow] = []
    with Block.open(block_file(context, revision), revision.block_sha) as block:
        rows += [
            EvidenceRow(item.id, STANDING, "new", "Nobody had accepted this plot type when the run was read.")
            for item in items
            if block.items[item.block_index].held
        ]
        rows += [_content(block, item) for item in readable]
        rows += [
            EvidenceRow(item.id, CLASSIFIER, "no_model", "No model judges this plot type.")
            for item in readable
            if item.plot not in chosen.models
        ]
        heating = _Heating(revision, chosen, rows, None if besides is None else besides.heat)
        rows += _judged(context, block, readable, chosen, heating, (besides or Besides()).ways)
    return rows


def _content(block: Block, item: ItemRow) -> EvidenceRow:
    known = block.items[item.block_index].content
    content = known or is_empty_plot(read_image(block.data(item.block_index)))
    status = "empty" if content.empty else "filled"
    return EvidenceRow(item.id, CONTENT, status, content.sentence, {"ink": round(float(content.ink), 6)})


class _Heating:
    """Makes the heat maps of what will be flagged, while the model that flags it is open.

    What is flagged for other reasons than the answer of its model has none, or gets it from the job ``heatmap``.
    """

    def __init__(
        self,
        revision: RevisionRow,
        chosen: JudgingSetRow,
        rows: Sequence[EvidenceRow],
        heat: dict[int, Heat] | None,
    ) -> None:
        self._chosen, self._heat = chosen, heat
        #: Whether any map is to be made: without beam nobody is called.
        self.wanted = heat is not None and had_beam(revision.conditions, chosen.rules) is not False
        self._otherwise = {
            row.item_id for row in rows if row.judge == STANDING or (row.judge == CONTENT and row.status == "empty")
        }
        self._always = {*chosen.rules["problem"], NO_DATA}

    def take(self, batch: Sequence[_Asked], images: NDArray[np.uint8], found: Prediction) -> None:
        """Make the maps that one batch needs."""
        if self._heat is None or not self.wanted:
            return
        network = batch[0].network
        names = [network.classes[k] for k in found.probs.argmax(axis=1)]
        which = [k for k, asked in enumerate(batch) if self._flagged(asked.item, names[k], float(found.probs[k].max()))]
        if which:
            made = heat_of(network, images[which], [names[k] for k in which], found.part(which))
            self._heat |= {batch[k].item.block_index: maps for k, maps in zip(which, made, strict=True)}

    def _flagged(self, item: ItemRow, name: str, confidence: float) -> bool:
        if item.id in self._otherwise or item.duplicate_of:
            return False
        threshold = self._chosen.models[item.plot].thresholds.get(name, UNLEARNED_THRESHOLD)
        return name in self._always or confidence < threshold


def _judged(
    context: RunContext,
    block: Block,
    items: Sequence[ItemRow],
    chosen: JudgingSetRow,
    heating: _Heating,
    ways: Counter[str],
) -> Iterator[EvidenceRow]:
    """Yield what networks say, all plot types in one pass: the next images are read while these are judged."""
    inference = context.site.settings.inference

    def opened(entry: SetModel) -> Network:
        thresholds, wish = entry.thresholds, inference.precision
        return open_network(
            context.site, entry.model, context.threads, thresholds=thresholds, wish=wish, engine=inference.engine
        )

    shelf = Shelf(context.site, opened, inference.memory_mb << 20)

    def groups() -> Iterator[list[_Asked]]:
        for plot in sorted({item.plot for item in items} & chosen.models.keys()):
            entry = chosen.models[plot]
            network = shelf.network(entry)
            yield [_Asked(item, entry.model, network) for item in items if item.plot == plot]

    def read(asked: _Asked) -> NDArray[np.uint8]:
        return network_input(block, asked.item.block_index, asked.network.input)

    several = images_at_a_time(inference.engine)
    for batch, images in read_ahead(groups(), read, threads=context.threads, batch=several):
        network, model = batch[0].network, batch[0].model
        ways[network.way] += len(batch)
        found = network.predict(images, stage=heating.wanted)
        heating.take(batch, images, found)
        for asked, probabilities in zip(batch, found.probs, strict=True):
            yield _said(asked.item, model, network.classes, probabilities)


def _said(
    item: ItemRow, model: ModelRow, classes: Sequence[str], probabilities: NDArray[np.floating[Any]]
) -> EvidenceRow:
    named = {name: float(value) for name, value in zip(classes, probabilities, strict=True)}
    if not all(np.isfinite(list(named.values()))):
        return EvidenceRow(item.id, CLASSIFIER, "unusable", f"{model.name} gave no usable numbers.", {}, model.id)
    return EvidenceRow(
        item.id,
        CLASSIFIER,
        "ok",
        f"{model.name} says {max(named, key=lambda name: named[name])}.",
        {"probabilities": {name: round(value, 6) for name, value in named.items()}},
        model.id,
    )
