"""Node ``classify``: look at every image of a run once and write down what the judges say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from hydra_core.base.names import PlotKey
from hydra_core.intake.block import Block
from hydra_core.intake.images import read_image
from hydra_core.intake.nodata import is_empty_plot
from hydra_core.models.pixels import model_input
from hydra_core.stages.context import Outcome, RunContext, block_file, current_revision
from hydra_core.stages.networks import open_network
from hydra_core.store.items import EvidenceRow, ItemRow, load_items, save_evidence
from hydra_core.store.ledger import RevisionRow
from hydra_core.store.registry import JudgingSetRow, load_judging_set
from hydra_core.store.session import reading, writing

#: Names of the judges whose evidence this stage writes.
CONTENT, CLASSIFIER = "content", "classifier"


def classify(context: RunContext) -> Outcome:
    """Judge the content and the class of each readable image of this job's plot types."""
    with reading(context.engine) as connection:
        revision = current_revision(connection, context, "chunked")
        items = load_items(connection, revision.id)
        chosen = load_judging_set(connection, revision.judging_set_id or 0)
    types = sorted({item.plot for item in items})
    mine = {plot for number, plot in enumerate(types) if number % context.shards == context.shard}
    rows = look(context, revision, [item for item in items if item.plot in mine], chosen)
    writing(context.engine, lambda connection: save_evidence(connection, rows))
    images = len({row.item_id for row in rows})
    models = sum(1 for plot in mine if plot in chosen.models)
    return Outcome(f"{context.name}: {images} images of {len(mine)} plot types, {models} models", images=images)


def look(
    context: RunContext, revision: RevisionRow, items: Sequence[ItemRow], chosen: JudgingSetRow
) -> list[EvidenceRow]:
    """Return the evidence of some items of a revision by a judging set; nothing is written."""
    readable = [item for item in items if item.status == "ok"]
    rows: list[EvidenceRow] = []
    with Block.open(block_file(context, revision), revision.block_sha) as block:
        for plot in sorted({item.plot for item in readable}):
            group = [item for item in readable if item.plot == plot]
            rows += _judge_type(context, block, plot, group, chosen)
    return rows


def _judge_type(
    context: RunContext, block: Block, plot: PlotKey, items: list[ItemRow], chosen: JudgingSetRow
) -> Iterable[EvidenceRow]:
    entry = chosen.models.get(plot)
    network = open_network(context.site, entry.model, context.threads) if entry else None
    inputs: list[NDArray[np.uint8]] = []
    asked: list[ItemRow] = []
    for item in items:
        pixels = read_image(block.data(item.block_index))
        content = is_empty_plot(pixels)
        yield EvidenceRow(
            item.id,
            CONTENT,
            "empty" if content.empty else "filled",
            content.sentence,
            {"ink": round(float(content.ink), 6)},
        )
        if entry is None or network is None:
            yield EvidenceRow(item.id, CLASSIFIER, "no_model", "No model judges this plot type.")
        else:
            inputs.append(model_input(pixels, network.size))
            asked.append(item)
    if entry is None or network is None or not asked:
        return
    found = network.predict(np.stack(inputs))
    for item, probabilities in zip(asked, found.probs, strict=True):
        named = {name: float(value) for name, value in zip(network.classes, probabilities, strict=True)}
        usable = all(np.isfinite(list(named.values())))
        yield EvidenceRow(
            item.id,
            CLASSIFIER,
            "ok" if usable else "unusable",
            f"{entry.model.name} says {max(named, key=lambda name: named[name])}."
            if usable
            else f"{entry.model.name} gave no usable numbers.",
            {"probabilities": {name: round(value, 6) for name, value in named.items()}} if usable else {},
            entry.model.id,
        )
