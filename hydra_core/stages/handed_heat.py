"""Handing heat maps from ``classify``, where the model is open, to ``heatmap``, which then need not open it.

What is handed over saves work and decides nothing: a file that is missing, damaged or made for other verdicts only
means that ``heatmap`` makes the maps itself. It lies in the run's staging folder and goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hydra_core.base.errors import DataError
from hydra_core.intake.maps import StoredMap, read_maps, write_maps
from hydra_core.stages.context import RunContext
from hydra_core.store.ledger import RevisionRow

#: The maps of one image, the one to be shown first at the beginning.
Heat = tuple[StoredMap, ...]

#: The kind that says where a plot differs from good ones; it names no class that the network gave.
RESIDUAL = "residual"


def hand_over(context: RunContext, revision: RevisionRow, heat: Mapping[int, Heat]) -> None:
    """Keep maps, by number of the item in its block, for the job that makes those of the whole run."""
    if heat and not revision.reached("archived"):
        write_maps(_folder(context, revision) / f"maps.{context.shard}.h5", heat, _made_for(revision))


def handed_over(context: RunContext, revision: RevisionRow) -> dict[int, Heat]:
    """Return the maps that were kept for this revision as it is judged now, by number of the item in its block."""
    found: dict[int, Heat] = {}
    for path in sorted(_folder(context, revision).glob("maps.*.h5")):
        try:
            found |= read_maps(path, attributes=_made_for(revision))
        except DataError:
            continue
    return found


def class_of(heat: Heat) -> str | None:
    """Return the class that maps were made for."""
    return next((one.class_name for one in heat if one.kind != RESIDUAL), None)


def _made_for(revision: RevisionRow) -> dict[str, str]:
    return {"block": revision.block_sha or "", "judging_set": str(revision.judging_set_id)}


def _folder(context: RunContext, revision: RevisionRow) -> Path:
    return context.site.staging(context.pass_row.name, revision.run, revision.revision)
