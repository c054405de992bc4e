"""How a model fared on the gold set, and how the live model of then, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.engine import Connection

from hydra_core.base.words import counted
from hydra_core.models.proof import measure
from hydra_core.models.split import GOLD
from hydra_core.store.predictions import NewPrediction, predictions_of
from hydra_core.store.registry import ModelRow, get_model


def gold_figures(connection: Connection, model: ModelRow) -> tuple[tuple[str, str], ...]:
    """Return how a model fared on the gold set when it was made, and the live model of then, as (name, words)."""
    said = predictions_of(connection, model.id, GOLD)
    if not said:
        return (("gold set", "none when it was made"),)
    rows = [("gold set", _fared(said))]
    if model.parent_id is not None:
        rival = get_model(connection, model.parent_id)
        mine = {one.image_sha: one.label for one in said}
        # What counts is what the labels said when the two were compared.
        its = [
            replace(one, label=mine[one.image_sha])
            for one in predictions_of(connection, rival.id, GOLD)
            if one.image_sha in mine
        ]
        if its:
            rows.append((f"gold set, {rival.name}", _fared(its)))
    return tuple(rows)


def _fared(said: Sequence[NewPrediction]) -> str:
    found = measure(
        [one.label for one in said],
        [one.class_name for one in said],
        sorted({one.class_name for one in said}),
    )
    recalls = [
        f"{name} {one.recall:.2f} of {one.support}"
        for name, one in sorted(found.per_class.items())
        if one.recall is not None
    ]
    return f"macro-F1 {found.macro_f1:.2f} on {counted(found.n, 'image')}; recall of {', '.join(recalls)}"
