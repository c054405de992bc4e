"""A lost database, built again from the files: blocks, pages, models and kept requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import DatabaseError, DataError
from hydra_core.base.files import sha256_file
from hydra_core.base.names import safe_join
from hydra_core.config.site import Site
from hydra_core.intake.block import Block, BlockItem
from hydra_core.intake.maps import read_maps
from hydra_core.judge.evidence import CLASSIFIER, CONTENT
from hydra_core.labels.inbox import receive_kept
from hydra_core.labels.request_kinds import ModelRequest
from hydra_core.stages.chunk_images import item_row
from hydra_core.stages.classify import look
from hydra_core.stages.context import RunContext, block_file
from hydra_core.stages.judge import derive, enter_verdicts
from hydra_core.stages.page_facts import page_cards, place_of
from hydra_core.stages.rebuild_learned import rebuild_learned
from hydra_core.stages.rebuild_models import rebuild_models
from hydra_core.stages.survey import EVERY, FoundRevision, Survey, survey
from hydra_core.store.directory import renew_directory, save_directory
from hydra_core.store.items import EvidenceRow, ItemRow, load_items, replace_items, save_evidence
from hydra_core.store.ledger import RevisionRow, all_passes, find_pass, revisions_of, update_revision
from hydra_core.store.registry import JudgingSetRow, load_judging_set, newest_judging_set
from hydra_core.store.restore import (
    content_of,
    judging_set_ids,
    restore_pass,
    restore_revision,
    unjudged_archived,
)
from hydra_core.store.session import reading, shown_url, writing

Progress = Callable[[str], None]
TASK = "rebuild-db"

#: What no file holds.
LOST = (
    "what each task cost: the Status page begins anew",
    "files that no naming rule took: 'hydra arrive PASS' with --all finds them again",
    "passes and runs of which nothing was archived: 'hydra pass create' and 'hydra arrive' bring them again",
    "when runs were asked for and handed over: the times are those of their pages, or else of their files",
    "rules of earlier judging sets: those of today stand in all; and sets, or thresholds, that no page shows",
    "which verdict an earlier version of the program or of a model gave, where no page tells its judging set",
    "which model another one replaced, and what models said of the gold set when they were made",
    "which class an image had when a model was trained on it: the label of now stands in",
    "what 'hydra db import-hydra' took over from another database: the same command brings it again",
    "trainings that were refused: they are tried again",
    "from whose account a request came, and the entries of refused ones: their files are in quarantine/",
)


@dataclass(frozen=True)
class Rebuilt:
    """What was entered, in words, and every file that could not be used."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]


def rebuild(site: Site, engine: Engine, progress: Progress) -> Rebuilt:
    """Fill an empty database; where it was stopped, the next call goes on.

    Every run revision whose block is whole is entered with its items, and judged again from its archived images, with
    the models that its page names. A file that cannot be used is named, and the others go on.

    Raises
    ------
    DatabaseError
        When the database holds something else than what a stopped call has entered.
    """
    with reading(engine) as connection:
        held, half_built = content_of(connection), unjudged_archived(connection)
    if held and not half_built:
        listed = ", ".join(f"{count} {name}" for name, count in held.items())
        raise DatabaseError(
            f"the database {shown_url(engine)} is not empty: it holds {listed}",
            next_step="put it aside, or name another one in site.toml; then 'hydra db upgrade', then this again",
        )
    if held:
        progress("the database is half built: going on")
    found = survey(site, progress)
    problems = list(found.problems)
    entered = _enter_all(site, engine, found, problems, progress)
    renew_directory(engine, site)
    notes, asked = _receive_all(site, engine, found, problems)
    notes += rebuild_models(site, engine, entered, found.models, asked, problems)
    notes += rebuild_learned(site, engine, problems)
    writing(engine, lambda connection: _give_sets(connection, entered))
    for number, one in enumerate(entered, start=1):
        _judge(site, engine, one, problems)
        if number % EVERY == 0 or number == len(entered):
            progress(f"{number} of {len(entered)} run revisions judged")
    return Rebuilt((*found.lines(), *notes), tuple(problems))


def _enter_all(
    site: Site, engine: Engine, found: Survey, problems: list[str], progress: Progress
) -> list[FoundRevision]:
    """Enter passes, runs, revisions and items; return the revisions whose block is whole."""
    newest = {one.file.pass_name: one for one in found.revisions}
    order = list(dict.fromkeys(one.file.pass_name for one in found.revisions))
    writing(engine, lambda connection: _enter_passes(connection, site, [newest[name] for name in order]))
    entered = []
    for number, one in enumerate(found.revisions, start=1):
        try:
            _enter_revision(site, engine, one, problems)
            entered.append(one)
        except DataError as error:
            problems.append(f"{one.name}: {error.cause}")
        if number % EVERY == 0 or number == len(found.revisions):
            progress(f"{number} of {len(found.revisions)} run revisions entered")
    return entered


def _enter_passes(connection: Connection, site: Site, newest: Iterable[FoundRevision]) -> None:
    for one in newest:
        origin = one.origin
        closed = safe_join(site.root / "passes", *origin.pass_name.split("/"), "CLOSED")
        restore_pass(
            connection,
            name=origin.pass_name,
            workflow=origin.workflow,
            runs=(origin.first_run, origin.last_run),
            source=str(site.root / origin.source),
            state="closed" if closed.exists() else "open",
            at=one.at,
        )
    save_directory(connection, site)


def _enter_revision(site: Site, engine: Engine, one: FoundRevision, problems: list[str]) -> None:
    origin = one.origin
    with reading(engine) as connection:
        row = find_pass(connection, origin.pass_name)
        if row is None:
            raise AssertionError(f"the pass {origin.pass_name} was not entered")
        if any(known.revision == origin.revision for known in revisions_of(connection, row.id, origin.run)):
            return
    sha = sha256_file(one.file.path)
    with Block.open(one.file.path) as block:
        # Every image is compared with its hash here, so that whatever is entered can be judged.
        items = [_checked(block, number) for number in range(len(block.items))]
    values: dict[str, Any] = {
        "fingerprint": origin.fingerprint,
        "state": "archived",
        "conditions": dict(origin.conditions),
        "notes": list(origin.notes),
        "block_sha": sha,
        "maps_sha": _maps(site, one, problems),
        "block_generation": one.file.generation,
        "item_count": len(items),
        "unreadable_count": sum(1 for item in items if item.status == "unreadable"),
        "wanted_at": one.at,
    }
    pass_id = row.id

    def enter(connection: Connection) -> None:
        revision_id = restore_revision(
            connection,
            pass_id,
            run=origin.run,
            name=origin.run_name,
            folder=origin.folder,
            revision=origin.revision,
            values=values,
        )
        replace_items(connection, revision_id, [item_row(number, item) for number, item in enumerate(items)])

    writing(engine, enter)


def _checked(block: Block, number: int) -> BlockItem:
    """Return an item with its image alone: what else the block holds of it is only compared."""
    block.histogram(number)
    return replace(block.whole(number), bins=b"", packed=b"")


def _maps(site: Site, one: FoundRevision, problems: list[str]) -> str | None:
    path = site.maps_file(one.file.pass_name, one.file.run, one.file.revision)
    if not path.exists():
        return None
    try:
        read_maps(path)
        return sha256_file(path)
    except DataError as error:
        problems.append(f"{one.name}: {error.cause}")
        return None


def _receive_all(
    site: Site, engine: Engine, found: Survey, problems: list[str]
) -> tuple[list[str], list[ModelRequest]]:
    """Enter the kept requests; return what they brought, in words, and those about models in their order."""
    received = receive_kept(site, engine, found.requests)
    problems += [f"request {one.file}: {one.refused}" for one in received if one.refused]
    taken = [one for one in received if not one.refused]
    asked = [one.request for one in taken if one.request is not None]
    counts = {
        name: sum(getattr(one, name) for one in taken) for name in ("labels", "decisions", "pins", "gold", "news")
    }
    line = (
        f"{len(taken)} kept requests: {counts['labels']} labels, {counts['decisions']} decisions about plot types, "
        f"{counts['pins']} pins, {counts['gold']} gold images, {counts['news']} news, {len(asked)} about models"
    )
    return [line], asked


def _give_sets(connection: Connection, revisions: Iterable[FoundRevision]) -> None:
    """Give each revision that is not judged yet the judging set that its page names, or else the one in force."""
    ids, newest = judging_set_ids(connection), newest_judging_set(connection)
    if newest is None:
        raise AssertionError("no judging set was made")
    passes = {row.name: row.id for row in all_passes(connection)}
    for one in revisions:
        number = one.page.judging_set if one.page is not None else 0
        for row in revisions_of(connection, passes[one.file.pass_name], one.file.run):
            if row.revision == one.file.revision and row.judged_at is None:
                update_revision(connection, row.id, judging_set_id=ids.get(number, newest.id))


def _judge(site: Site, engine: Engine, one: FoundRevision, problems: list[str]) -> None:
    with reading(engine) as connection:
        row = find_pass(connection, one.file.pass_name)
        known = revisions_of(connection, row.id, one.file.run) if row else []
        revision = next((found for found in known if found.revision == one.file.revision), None)
        if row is None or revision is None or revision.judged_at is not None or revision.judging_set_id is None:
            return
        items = load_items(connection, revision.id)
        chosen = load_judging_set(connection, revision.judging_set_id)
    context = RunContext(site, engine, row, one.file.run, TASK)
    try:
        rows = look(context, revision, items, chosen)
        told, silent = _of_buried(context, revision, items, chosen)
    except DataError as error:
        problems.append(f"{one.name}: {error.cause}")
        return
    rows += told
    evidence: dict[int, list[EvidenceRow]] = {}
    for found in rows:
        evidence.setdefault(found.item_id, []).append(found)

    def enter(connection: Connection) -> None:
        verdicts = [
            replace(verdict, reasons=(_NOT_KNOWN,), next_step="")
            if verdict.item_id in silent and verdict.state == "undetermined"
            else verdict
            for verdict in derive(connection, context, revision, evidence)
        ]
        save_evidence(connection, rows)
        enter_verdicts(connection, context, revision, verdicts, one.at)
        if one.page is not None:
            published = {"state": "published", "published_at": one.page.published_at}
            update_revision(connection, revision.id, **published)

    writing(engine, enter)


_NOT_KNOWN = "Its image has left the archive, and no page says what was said of it."


def _of_buried(
    context: RunContext, revision: RevisionRow, items: Iterable[ItemRow], chosen: JudgingSetRow
) -> tuple[list[EvidenceRow], set[int]]:
    """Return the evidence on images that have left the archive, as the page tells it; and the items it is silent on."""
    buried = [item for item in items if item.status == "ok" and item.tombstone]
    if not buried:
        return [], set()
    cards = page_cards(context.site, context.pass_row.name, revision.run, revision.revision)
    rows: list[EvidenceRow] = []
    silent: set[int] = set()
    with Block.open(block_file(context, revision)) as block:
        for item in buried:
            try:
                rows += _of_card(cards[place_of(item.plot, item.chunk)], item, chosen)
            except (KeyError, TypeError, ValueError, AttributeError):
                silent.add(item.id)
                content = block.items[item.block_index].content
                if content is not None:
                    status, ink = "empty" if content.empty else "filled", round(float(content.ink), 6)
                    rows.append(EvidenceRow(item.id, CONTENT, status, content.sentence, {"ink": ink}))
    return rows, silent


def _of_card(card: Mapping[str, Any], item: ItemRow, chosen: JudgingSetRow) -> list[EvidenceRow]:
    entry = chosen.models.get(item.plot)
    rows = []
    for line in card["evidence"]:
        judge, status, sentence = str(line["judge"]), str(line["status"]), str(line["sentence"])
        numbers: dict[str, Any] = {str(name): float(value) for name, value in line["numbers"].items()}
        if judge == CONTENT:
            rows.append(EvidenceRow(item.id, judge, status, sentence, numbers))
        elif judge == CLASSIFIER and status not in ("ok", "unusable"):
            rows.append(EvidenceRow(item.id, judge, status, sentence))
        elif judge == CLASSIFIER and entry is not None and card["model"] in (None, entry.model.name):
            kept = {"probabilities": numbers} if numbers else {}
            rows.append(EvidenceRow(item.id, judge, status, sentence, kept, entry.model.id))
    return rows
