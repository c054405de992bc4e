"""A run revision as its page shows it: rows of the database and bytes of the archive, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy.engine import Connection

from hydra_core.config.site import Site
from hydra_core.intake.block import Block
from hydra_core.intake.maps import StoredMap, read_maps
from hydra_core.report.views import Card, EvidenceLine, HeatMap, RunView
from hydra_core.stages.changes_view import revision_changes
from hydra_core.stages.context import RunContext, block_file, maps_file
from hydra_core.stages.model_words import right_in_test
from hydra_core.stages.wording import incident_view, shown_name, styles
from hydra_core.store.items import (
    EvidenceRow,
    ItemRow,
    VerdictRow,
    load_evidence,
    load_items,
    load_verdicts,
    run_incidents,
)
from hydra_core.store.labelbook import labels_for_images
from hydra_core.store.ledger import RevisionRow, revisions_of
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import load_judging_set, model_names

#: Units at the end of a condition's name; a single capital letter may as well name a detector.
_UNITS = frozenset(
    ["nA", "uA", "mA", "mV", "kV", "eV", "keV", "MeV", "GeV", "s", "ms", "us", "ns", "Hz", "kHz", "MHz", "mm", "cm"]
)


def run_view(connection: Connection, context: RunContext, revision: RevisionRow, block: Block) -> RunView:
    """Return everything that the page of a revision shows.

    Parameters
    ----------
    block
        The revision's block, open: cards read their images from it.
    """
    site = context.site
    items = load_items(connection, revision.id)
    verdicts = load_verdicts(connection, revision.id)
    evidence = load_evidence(connection, revision.id)
    chosen = load_judging_set(connection, revision.judging_set_id or 0)
    names = model_names(connection, {row.model_id for said in evidence.values() for row in said if row.model_id})
    maps = read_maps(maps_file(context, revision), revision.maps_sha) if revision.maps_sha else {}
    # Only of those whose heat maps are to be explained: a card of a model is a file to be read.
    explained = {verdicts[item.id].model_id for item in items if item.block_index in maps and item.id in verdicts}
    models = [entry.model for entry in chosen.models.values() if entry.model.id in explained]
    tested = {model.id: right_in_test(site, model) for model in models}
    labels: dict[tuple[int, str], str] = {}
    for plot_type_id in {item.plot_type_id for item in items}:
        hashes = [item.sha256 for item in items if item.sha256 and item.plot_type_id == plot_type_id]
        found = labels_for_images(connection, plot_type_id, hashes)
        labels.update({(plot_type_id, sha): name for sha, name in found.items()})
    cards = tuple(
        replace(
            _card(site, item, verdicts[item.id], evidence.get(item.id, []), block, names, maps, labels),
            tested=tested.get(verdicts[item.id].model_id or 0),
        )
        for item in items
        if item.id in verdicts
    )
    types = {row: key for key, row in all_plot_types(connection).items()}
    incidents = [
        incident_view(site, types[row.plot_type_id], row, page_of=revision.run)
        for row in run_incidents(connection, context.pass_row.id, revision.run)
    ]
    task = next((verdict.task for verdict in verdicts.values()), context.task)
    return RunView(
        pass_name=context.pass_row.name,
        run=revision.run,
        run_name=revision.run_name,
        revision=revision.revision,
        experiment=site.settings.site.experiment,
        made_at=revision.judged_at or revision.wanted_at,
        conditions=condition_words(revision.conditions),
        judging_set=chosen.number,
        code_version=next((verdict.code_version for verdict in verdicts.values()), ""),
        task=task,
        archive=str(block_file(context, revision).relative_to(site.root)),
        notes=(*revision.notes, *_changes(connection, context, revision, items, verdicts)),
        cards=cards,
        incidents=tuple(incidents),
        classes=styles(site, [card.class_name for card in cards if card.class_name]),
    )


def _changes(
    connection: Connection,
    context: RunContext,
    revision: RevisionRow,
    items: Sequence[ItemRow],
    verdicts: Mapping[int, VerdictRow],
) -> tuple[str, ...]:
    """Return what differs from the revision that people could read before; nothing for the first one."""
    earlier = [
        one
        for one in revisions_of(connection, context.pass_row.id, revision.run)
        if one.revision < revision.revision and one.reached("published")
    ]
    if not earlier:
        return ()
    before = load_items(connection, earlier[-1].id), load_verdicts(connection, earlier[-1].id)
    name = partial(shown_name, context.site)
    return revision_changes(before, (items, verdicts), earlier[-1].revision, name)


def condition_words(conditions: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return run conditions as (name, value) in words; nested values are left to the machine-readable files.

    Examples
    --------
    >>> condition_words({"beam_current_nA": 157.4, "target": "LH2"})
    (('beam current', '157.4 nA'), ('target', 'LH2'))
    """
    plain = {key: value for key, value in conditions.items() if isinstance(value, str | int | float)}
    return tuple(_condition(str(key), value) for key, value in sorted(plain.items()))


def _condition(key: str, value: str | float) -> tuple[str, str]:
    name, _, unit = key.rpartition("_")
    if name and unit in _UNITS and not isinstance(value, str | bool):
        return name.replace("_", " "), f"{value} {unit}"
    return key.replace("_", " "), str(value)


def _card(
    site: Site,
    item: ItemRow,
    verdict: VerdictRow,
    evidence: Sequence[EvidenceRow],
    block: Block,
    models: Mapping[int, str],
    maps: Mapping[int, tuple[StoredMap, ...]],
    labels: Mapping[tuple[int, str], str],
) -> Card:
    plot = site.plot_type(item.plot)
    probabilities: dict[str, float] = {}
    for row in evidence:
        probabilities.update(row.numbers.get("probabilities", {}))
    reasons = verdict.reasons
    if item.duplicate_of and verdict.state != "stuck":
        reasons = (*reasons, f"The same image as {item.duplicate_of}: it may have been copied.")
    if item.status == "ok" and item.reason:
        reasons = (*reasons, item.reason)
    return Card(
        plot=shown_name(site, item.plot),
        plot_slug=item.plot.slug,
        chunk=item.chunk,
        state=verdict.state,  # type: ignore[arg-type]
        class_name=verdict.class_name,
        severity=verdict.severity,  # type: ignore[arg-type]
        confidence=verdict.confidence,
        threshold=verdict.threshold,
        probabilities=tuple(sorted(probabilities.items(), key=lambda pair: -pair[1])),
        reasons=reasons,
        next_step=verdict.next_step,
        made_at=_source_time(block, item),
        model=models.get(verdict.model_id) if verdict.model_id else None,
        sha256=item.sha256,
        source=f"{item.source}: {item.member}" if item.member else item.source,
        width=item.width,
        height=item.height,
        image=partial(block.data, item.block_index) if block.has_image(item.block_index) else None,
        tombstone=item.tombstone,
        maps=tuple(HeatMap(found.class_name, found.kind, found.values) for found in maps.get(item.block_index, ())),
        label=labels.get((item.plot_type_id, item.sha256)) if item.sha256 else None,
        contact=plot.contact,
        description=plot.description,
        group=plot.group,
        evidence=tuple(_line(row) for row in evidence),
    )


def _source_time(block: Block, item: ItemRow) -> datetime | None:
    stamp = block.items[item.block_index].source_mtime_ns
    return datetime.fromtimestamp(stamp // 1_000_000_000, UTC) if stamp else None


def _line(row: EvidenceRow) -> EvidenceLine:
    numbers = {key: value for key, value in row.numbers.items() if isinstance(value, int | float)}
    numbers.update(row.numbers.get("probabilities", {}))
    return EvidenceLine(row.judge, row.status, row.sentence, tuple((key, float(v)) for key, v in numbers.items()))
