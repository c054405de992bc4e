"""Node ``judge``: the one place where verdicts are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

import hydra_core
from hydra_core.base.clock import now
from hydra_core.base.words import counted
from hydra_core.judge.evidence import CLASSIFIER, CONTENT, STANDING, Classification, Content, ItemEvidence
from hydra_core.judge.rules import LOOK, PROBLEM, judge_item
from hydra_core.stages.beam import had_beam
from hydra_core.stages.context import Outcome, RunContext, current_revision
from hydra_core.stages.renew_incidents import renew_incidents
from hydra_core.store.items import (
    EvidenceRow,
    ItemRow,
    VerdictRow,
    load_evidence,
    load_items,
    save_verdicts,
)
from hydra_core.store.labelbook import archived_label_count
from hydra_core.store.ledger import RevisionRow, lock_pass, revisions_of, update_revision
from hydra_core.store.registry import JudgingSetRow, load_judging_set
from hydra_core.store.session import reading, writing


def judge(context: RunContext) -> Outcome:
    """Turn the evidence of a run into verdicts and incidents."""
    with reading(context.engine) as connection:
        revision = current_revision(connection, context, "chunked")
        verdicts = derive(connection, context, revision, load_evidence(connection, revision.id))
    flagged = sum(1 for verdict in verdicts if verdict.severity >= LOOK)
    worst = max((verdict.severity for verdict in verdicts), default=0)
    writing(context.engine, lambda connection: enter_verdicts(connection, context, revision, verdicts, now()))
    with_image = any(verdict.state not in ("missing", "unreadable") for verdict in verdicts)
    quality = "bad" if worst >= PROBLEM else "good" if with_image else "no_data"
    by_networks = any(verdict.severity >= LOOK and verdict.model_id is not None for verdict in verdicts)
    maps = "maps_missing" if by_networks and not _maps_are_ready(context, revision) else "maps_ready"
    said = f"{counted(len(verdicts), 'plot')} judged, {flagged} to look at ({quality})"
    outputs = ("flagged" if flagged else "clean", quality, maps)
    return Outcome(f"{context.name} r{revision.revision}: {said}", outputs, len(verdicts))


def _maps_are_ready(context: RunContext, revision: RevisionRow) -> bool:
    """Keep the heat maps of what is flagged if ``classify`` has made them all; say whether it has."""
    # What reads maps is imported only where there may be some.
    from hydra_core.stages.wanted_maps import keep_maps, ready_maps, wanted_maps

    with reading(context.engine) as connection:
        wanted = wanted_maps(connection, revision)
    heat = ready_maps(context, revision, wanted)
    if len(heat) < len(wanted):
        return False
    keep_maps(context, revision, heat)
    return True


def enter_verdicts(
    connection: Connection, context: RunContext, revision: RevisionRow, verdicts: Sequence[VerdictRow], at: datetime
) -> None:
    """Make these the verdicts of a revision, judged at that instant, and renew every incident that they touch."""
    lock_pass(connection, context.pass_row.id)
    save_verdicts(connection, revision.id, verdicts)
    values: dict[str, Any] = {
        "flagged_count": sum(1 for verdict in verdicts if verdict.severity >= LOOK),
        "severity": max((one.severity for one in verdicts), default=_severity_of_nothing(connection, revision)),
        "judged_at": at,
    }
    if not revision.reached("judged"):
        values["state"] = "judged"
    update_revision(connection, revision.id, **values)
    # Also the plot types that only an earlier revision had: their incidents here are over.
    types = {
        item.plot_type_id
        for row in revisions_of(connection, context.pass_row.id, context.run)
        for item in load_items(connection, row.id)
    }
    renew_incidents(connection, context.pass_row.id, context.run, types)


def _severity_of_nothing(connection: Connection, revision: RevisionRow) -> int:
    """Return how much a run without any plot asks for a look: as an empty plot does, not at all without beam."""
    rules = load_judging_set(connection, revision.judging_set_id or 0).rules
    return 0 if had_beam(revision.conditions, rules) is False else LOOK


def derive(
    connection: Connection, context: RunContext, revision: RevisionRow, evidence: Mapping[int, Sequence[EvidenceRow]]
) -> list[VerdictRow]:
    """Return the verdicts that evidence (by item) leads to; nothing is written."""
    items = load_items(connection, revision.id)
    chosen = load_judging_set(connection, revision.judging_set_id or 0)
    beam = had_beam(revision.conditions, chosen.rules)
    needed = context.site.settings.training.min_labels
    labels = {
        kind: archived_label_count(connection, kind, at_most=needed) for kind in {item.plot_type_id for item in items}
    }
    found = []
    for item in items:
        said = {row.judge: row for row in evidence.get(item.id, [])}
        known = _evidence(context, item, said, chosen, beam, labels[item.plot_type_id])
        result = judge_item(known)
        used = known.classification is not None and result.confidence is not None
        found.append(
            VerdictRow(
                item_id=item.id,
                class_name=result.class_name,
                state=result.state,
                severity=result.severity,
                confidence=result.confidence,
                threshold=result.threshold,
                reasons=result.reasons,
                next_step=result.next_step,
                judging_set_id=chosen.id,
                model_id=said[CLASSIFIER].model_id if used else None,
                code_version=hydra_core.__version__,
                task=context.task,
                made_at=now(),
            )
        )
    return found


def _evidence(
    context: RunContext,
    item: ItemRow,
    said: Mapping[str, EvidenceRow],
    chosen: JudgingSetRow,
    beam: bool | None,
    labels: int,
) -> ItemEvidence:
    content = said.get(CONTENT)
    classifier = said.get(CLASSIFIER)
    classification = None
    if classifier is not None and classifier.status in ("ok", "unusable"):
        entry = chosen.models[item.plot]
        classification = Classification(
            dict(classifier.numbers.get("probabilities", {})), dict(entry.thresholds), entry.model.name
        )
    return ItemEvidence(
        status=item.status,  # type: ignore[arg-type]
        reason=f"{item.source}: {item.reason}" if item.source else item.reason,
        duplicate_of=item.duplicate_of,
        held=STANDING in said,
        beam=beam,
        content=Content(content.status == "empty", float(content.numbers["ink"]), content.sentence)
        if content
        else None,
        classification=classification,
        labels_waiting=labels,
        labels_needed=context.site.settings.training.min_labels,
        problem_classes=frozenset(chosen.rules["problem"]),
        normal_classes=frozenset(chosen.rules["normal"]),
    )
