"""Node ``heatmap``: why the network says so, and where the plot differs from good ones, for what needs a look."""

from __future__ import annotations

from hydra_core.intake.maps import write_maps
from hydra_core.judge.rules import LOOK
from hydra_core.stages.context import Outcome, RunContext, current_revision, maps_file
from hydra_core.stages.handed_heat import class_of, handed_over
from hydra_core.store.items import load_items, load_verdicts
from hydra_core.store.ledger import update_revision
from hydra_core.store.registry import get_model
from hydra_core.store.session import reading, writing


def heatmap(context: RunContext) -> Outcome:
    """Bring together the heat maps of a run's flagged images: those that ``classify`` made, and the rest made here."""
    with reading(context.engine) as connection:
        revision = current_revision(connection, context, "judged")
        verdicts = load_verdicts(connection, revision.id)
        items = {item.id: item for item in load_items(connection, revision.id)}
        flagged = {
            key: verdict
            for key, verdict in verdicts.items()
            if verdict.severity >= LOOK and verdict.model_id is not None
        }
        models = {number: get_model(connection, number) for number in {one.model_id or 0 for one in flagged.values()}}
    ready = handed_over(context, revision)
    heat = {
        number: ready[number]
        for key, verdict in flagged.items()
        if (number := items[key].block_index) in ready and class_of(ready[number]) == verdict.class_name
    }
    missing = {key: verdict for key, verdict in flagged.items() if items[key].block_index not in heat}
    if missing:
        # What opens models is imported for them alone: mostly there is nothing to make.
        from hydra_core.stages.missing_heat import Wanted, missing_heat

        wanted = [Wanted(items[key], one.class_name, models[one.model_id or 0]) for key, one in missing.items()]
        heat |= missing_heat(context, revision, wanted)
    sha = write_maps(maps_file(context, revision), heat) if heat else None
    writing(context.engine, lambda connection: update_revision(connection, revision.id, maps_sha=sha))
    return Outcome(f"{context.name}: heat maps of {len(heat)} images", images=len(heat))
