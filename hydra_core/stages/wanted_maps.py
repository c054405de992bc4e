"""Which images of a judged run are to have heat maps, which of these ``classify`` has made, and keeping them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from hydra_core.intake.maps import write_maps
from hydra_core.judge.rules import LOOK
from hydra_core.stages.context import RunContext, maps_file
from hydra_core.stages.handed_heat import Heat, class_of, handed_over
from hydra_core.store.items import ItemRow, VerdictRow, load_items, load_verdicts
from hydra_core.store.ledger import RevisionRow, update_revision
from hydra_core.store.session import writing


@dataclass(frozen=True)
class WantedMap:
    """An image that needs a look because of what a network said, its verdict, and the model that said so."""

    item: ItemRow
    verdict: VerdictRow
    model_id: int


def wanted_maps(connection: Connection, revision: RevisionRow) -> dict[int, WantedMap]:
    """Return the images of a judged revision that are to have heat maps, by number of the item in its block."""
    items = {item.id: item for item in load_items(connection, revision.id)}
    return {
        items[key].block_index: WantedMap(items[key], verdict, verdict.model_id)
        for key, verdict in load_verdicts(connection, revision.id).items()
        if verdict.severity >= LOOK and verdict.model_id is not None
    }


def ready_maps(context: RunContext, revision: RevisionRow, wanted: Mapping[int, WantedMap]) -> dict[int, Heat]:
    """Return the wanted maps that ``classify`` has handed over and that fit the verdicts, by number of the item."""
    handed = handed_over(context, revision)
    return {
        number: handed[number]
        for number, one in wanted.items()
        if number in handed and class_of(handed[number]) == one.verdict.class_name
    }


def keep_maps(context: RunContext, revision: RevisionRow, heat: Mapping[int, Heat]) -> None:
    """Make these the maps of a revision: the file first, then its hash in the database."""
    sha = write_maps(maps_file(context, revision), heat) if heat else None
    writing(context.engine, lambda connection: update_revision(connection, revision.id, maps_sha=sha))
