"""Deriving the verdicts of a run again, from its archived images, and comparing them with those that were written."""

from __future__ import annotations

from dataclasses import dataclass

import hydra_core
from hydra_core.base.errors import WorkflowError
from hydra_core.stages.classify import look
from hydra_core.stages.context import RunContext, current_revision
from hydra_core.stages.judge import derive
from hydra_core.store.items import EvidenceRow, VerdictRow, load_evidence, load_items, load_verdicts
from hydra_core.store.registry import load_judging_set
from hydra_core.store.session import reading

#: Two machines may round a probability differently; more than this is another answer.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Verification:
    """How many verdicts were derived again, and a sentence on each that came out differently."""

    checked: int
    differences: tuple[str, ...]
    note: str


def verify(context: RunContext) -> Verification:
    """Look at the archived images of a run again with its own judging set; nothing is written.

    Raises
    ------
    WorkflowError
        When the run has no verdicts yet.
    DataError
        When its archive, or a model, is not what was written.
    """
    with reading(context.engine) as connection:
        revision = current_revision(connection, context)
        if revision.judged_at is None or revision.judging_set_id is None:
            raise WorkflowError(
                f"{context.name} r{revision.revision} has not been judged yet", next_step="wait until its page is there"
            )
        items = load_items(connection, revision.id)
        written = load_verdicts(connection, revision.id)
        chosen = load_judging_set(connection, revision.judging_set_id)
        evidence: dict[int, list[EvidenceRow]] = {}
        for row in look(context, revision, items, chosen):
            evidence.setdefault(row.item_id, []).append(row)
        # Of an image that has left the archive the evidence is what there still is.
        buried = {item.id for item in items if item.tombstone}
        evidence |= {key: rows for key, rows in load_evidence(connection, revision.id).items() if key in buried}
        derived = {row.item_id: row for row in derive(connection, context, revision, evidence)}
    names = {item.id: f"{item.plot} chunk {item.chunk}" if item.chunk is not None else str(item.plot) for item in items}
    differences = [f"{names[key]}: no verdict was written" for key in derived if key not in written]
    for key, verdict in derived.items():
        if key in written and (change := _difference(written[key], verdict)):
            differences.append(f"{names[key]}: {change}")
    versions = sorted({verdict.code_version for verdict in written.values()} - {hydra_core.__version__})
    note = f"written by version {', '.join(versions)}, derived by {hydra_core.__version__}" if versions else ""
    return Verification(len(derived), tuple(differences), note)


def _difference(old: VerdictRow, new: VerdictRow) -> str:
    for name in ("state", "class_name", "severity", "model_id", "judging_set_id"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            return f"{name} was {before}, is {after}"
    for name in ("confidence", "threshold"):
        before, after = getattr(old, name), getattr(new, name)
        if (before is None) != (after is None) or (before is not None and abs(before - after) > TOLERANCE):
            return f"{name} was {before}, is {after}"
    return ""
