"""Node ``heatmap``: why the network says so, and where the plot differs from good ones, for what needs a look.

The graph comes here only where ``classify`` has not made all these maps while its models were open.
"""

from __future__ import annotations

from hydra_core.stages.context import Outcome, RunContext, current_revision
from hydra_core.stages.wanted_maps import keep_maps, ready_maps, wanted_maps
from hydra_core.store.registry import get_model
from hydra_core.store.session import reading


def heatmap(context: RunContext) -> Outcome:
    """Bring together the heat maps of a run's flagged images: those that ``classify`` made, and the rest made here."""
    with reading(context.engine) as connection:
        revision = current_revision(connection, context, "judged")
        wanted = wanted_maps(connection, revision)
        models = {number: get_model(connection, number) for number in {one.model_id for one in wanted.values()}}
    heat = ready_maps(context, revision, wanted)
    missing = [one for number, one in wanted.items() if number not in heat]
    if missing:
        # What opens models is imported for them alone.
        from hydra_core.stages.missing_heat import Wanted, missing_heat

        asked = [Wanted(one.item, one.verdict.class_name, models[one.model_id]) for one in missing]
        heat |= missing_heat(context, revision, asked)
    keep_maps(context, revision, heat)
    return Outcome(f"{context.name}: heat maps of {len(heat)} images", images=len(heat))
