"""Every function of the store, called as a task or a page calls it, in the middle of a fabricated history."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from importlib import import_module
from typing import Any

from sqlalchemy.engine import Connection

import hydra_core.store
from hydra_core.base.names import PlotKey
from hydra_core.store import (
    items,
    kept,
    labelbook,
    ledger,
    model_history,
    news,
    plot_types,
    predictions,
    registry,
    restore,
    summary,
    timings,
    training_reports,
)
from tests.bench import history_shape
from tests.bench.history_shape import PLACES, Size

#: The plot type that calls ask about, and how many runs those ask for that name several.
TYPE, SPAN = 7, 6


@dataclass(frozen=True)
class Middle:
    """A run in the middle of the judged part of a history, and what is known of it."""

    size: Size

    @cached_property
    def revision(self) -> int:
        """The revision, counted from 0: the only one of its run, as are those around it."""
        found = (self.size.first_judged + self.size.revisions) // 2
        turn = found % history_shape.TWICE_EVERY
        return found - turn + min(max(turn, SPAN), history_shape.TWICE_EVERY - SPAN) if self.size.revisions > 20 else 5

    @property
    def row(self) -> int:
        """The row of the revision."""
        return self.revision + 1

    @cached_property
    def place(self) -> tuple[int, int]:
        """The row of the pass and the run number."""
        return history_shape.pass_and_number(history_shape.run_of(self.revision))

    @property
    def pass_row(self) -> int:
        """The row of the pass."""
        return self.place[0]

    @property
    def pass_name(self) -> str:
        """The name of the pass."""
        return f"period-{self.pass_row:02d}/ver01"

    @property
    def run(self) -> int:
        """The run number."""
        return self.place[1]

    @property
    def newest(self) -> int:
        """The number of the newest run of all."""
        return history_shape.pass_and_number(self.size.runs - 1)[1]

    @property
    def runs(self) -> range:
        """Numbers of the runs around it."""
        return range(self.run - SPAN // 2, self.run + SPAN // 2)

    @property
    def rows(self) -> list[int]:
        """Rows of the revisions of these runs."""
        return [self.row + step for step in range(-(SPAN // 2), SPAN // 2)]

    def item(self, slot: int) -> int:
        """Return the row of an item."""
        return self.revision * PLACES + slot + 1

    @cached_property
    def hashes(self) -> list[str]:
        """The images of one plot type in this run, and its blank plot, which comes again and again."""
        first = self.revision * PLACES + history_shape.slot_of(TYPE, 0)
        return [key.hex() for key in history_shape.keys("image", first, 11) + history_shape.keys("blank", TYPE, 1)]

    @property
    def model(self) -> int:
        """The row of the model that judged this plot type."""
        return history_shape.model_id(TYPE, history_shape.version_of(self.size, self.revision))

    @property
    def judging_set(self) -> int:
        """The row of the judging set that judged this run."""
        return history_shape.judging_set_of(self.size, self.revision)

    @cached_property
    def requests(self) -> list[str]:
        """Hashes of request files that were received."""
        return [key.hex() for key in history_shape.keys("request", 0, 5)]


@dataclass(frozen=True)
class Call:
    """How a function is called.

    Attributes
    ----------
    grows
        Why its work grows with the history, where it does; it is then called in no nightly task.
    scans
        Why it reads a large table from end to end, where it does.
    slower
        Why it takes longer in a history of millions of images though its work is bounded.
    """

    work: Callable[[Connection, Middle], Any]
    grows: str = ""
    scans: str = ""
    slower: str = ""


_KEY = PlotKey(history_shape.plot_name(TYPE), True)
_RANGE = "hydra demo and hydra try, once when they have ended"
_LABELS = "a training reads the labels of its plot type"
_SURVEY = "retention and fsck look at every archived run"
_SPREAD = "images are entered by their hashes, each on a page of its own of two large indexes"
_PINS = "hydra pins lists every image that is kept"
_REBUILD = "hydra rebuild-db asks once whether the database is empty"
_MODEL = "a model's own training set, however long the history"


def _new_items(turn: int = 0) -> list[items.NewItem]:
    """Return a run of images that nobody has seen, as large as the others."""
    found = []
    for slot in range(PLACES):
        plot_type, chunk = history_shape.place(slot)
        key = history_shape.keys("other", (1 << 50) + turn * PLACES + slot, 1)[0].hex()
        plot = PlotKey(history_shape.plot_name(plot_type), plot_type <= history_shape.CHUNKED_TYPES)
        source = f"999999/{plot.name}_{slot:04d}.png"
        found.append(items.NewItem(plot, None if chunk < 0 else chunk, slot, "ok", "", key, "", source, 9000, 800, 600))
    return found


def _evidence(connection: Connection, at: Middle) -> None:
    rows = [row for found in items.load_evidence(connection, at.row).values() for row in found]
    items.save_evidence(connection, rows)


def _verdicts(connection: Connection, at: Middle) -> None:
    items.save_verdicts(connection, at.row, list(items.load_verdicts(connection, at.row).values()))


def _incidents(connection: Connection, at: Middle) -> None:
    rows = items.run_incidents(connection, at.pass_row, at.run)
    items.replace_incidents(connection, at.pass_row, {row.plot_type_id: (at.run, at.run) for row in rows}, rows)


def enter_run(connection: Connection, at: Middle, turn: int = 0) -> int:
    """Enter a whole run behind the last one: items, evidence and verdicts; return its revision."""
    number = history_shape.FIRST_RUN + at.size.passes * history_shape.RUNS_BETWEEN_PASSES - 1 - turn
    ledger.want_revision(connection, ledger.want_run(connection, at.size.passes, number, "new"), 1, "ab" * 32)
    row = ledger.newest_revision(connection, at.size.passes, number)
    assert row is not None
    items.replace_items(connection, row.id, _new_items(turn))
    ids = [item.id for item in items.load_items(connection, row.id)]
    said = [row for found in items.load_evidence(connection, at.row).values() for row in found]
    chosen = list(items.load_verdicts(connection, at.row).values())
    first = chosen[0].item_id
    items.save_evidence(connection, [_moved(one, ids[one.item_id - first]) for one in said])
    items.save_verdicts(connection, row.id, [_moved(one, ids[one.item_id - first]) for one in chosen])
    return row.id


def _moved(row: Any, item_id: int) -> Any:
    return type(row)(**{**vars(row), "item_id": item_id})


CALLS: dict[str, Call] = {
    "items.load_items": Call(lambda c, at: items.load_items(c, at.row)),
    "items.load_evidence": Call(lambda c, at: items.load_evidence(c, at.row)),
    "items.load_verdicts": Call(lambda c, at: items.load_verdicts(c, at.row)),
    "items.verdict_series": Call(lambda c, at: items.verdict_series(c, at.pass_row, TYPE, list(at.runs))),
    "items.neighbour_run, before": Call(lambda c, at: items.neighbour_run(c, at.pass_row, TYPE, at.run, later=False)),
    "items.neighbour_run, after": Call(lambda c, at: items.neighbour_run(c, at.pass_row, TYPE, at.run, later=True)),
    "items.judged_beside, before": Call(lambda c, at: items.judged_beside(c, at.pass_row, at.run, later=False)),
    "items.judged_beside, after": Call(lambda c, at: items.judged_beside(c, at.pass_row, at.run, later=True)),
    "items.run_series": Call(lambda c, at: items.run_series(c, at.pass_row, at.run)),
    "items.load_incidents": Call(lambda c, at: items.load_incidents(c, at.size.passes, since_run=at.newest - SPAN)),
    "items.run_incidents": Call(lambda c, at: items.run_incidents(c, at.pass_row, at.run)),
    "items.replace_items": Call(lambda c, at: items.replace_items(c, at.row, _new_items()), slower=_SPREAD),
    "items.bury_items": Call(lambda c, at: items.bury_items(c, {at.item(1): "gone"})),
    "items.save_evidence": Call(_evidence),
    "items.save_verdicts": Call(_verdicts),
    "items.replace_incidents": Call(_incidents),
    "kept.kept_images": Call(lambda c, at: kept.kept_images(c, at.hashes)),
    "kept.known_images": Call(lambda c, at: kept.known_images(c, at.hashes)),
    "kept.gold_images": Call(lambda c, at: kept.gold_images(c, at.hashes)),
    "kept.save_kept": Call(
        lambda c, at: kept.save_kept(c, [kept.NewKept("pin", at.hashes[0], True, "Ada", "good", at.size.end)])
    ),
    "kept.kept_places": Call(lambda c, _: kept.kept_places(c), grows=_PINS, scans=_PINS),
    "labelbook.known_requests": Call(lambda c, at: labelbook.known_requests(c, at.requests)),
    "labelbook.save_request": Call(
        lambda c, at: labelbook.save_request(
            c,
            labelbook.NewRequest(
                "cd" * 32, "label", "new.json", "Ada", "ada", at.size.end, at.size.end, "accepted", ""
            ),
            [labelbook.NewLabel(TYPE, sha, "Good", "Ada", at.size.end) for sha in at.hashes],
        )
    ),
    "labelbook.current_labels": Call(lambda c, _: labelbook.current_labels(c, TYPE), grows=_LABELS),
    "labelbook.labels_for_images": Call(
        lambda c, at: labelbook.labels_for_images(c, TYPE, at.hashes),
        slower="the blank plot of the type was labelled again and again",
    ),
    "labelbook.labelled_hashes": Call(lambda c, at: labelbook.labelled_hashes(c, at.hashes)),
    "labelbook.images_of_type": Call(lambda c, at: labelbook.images_of_type(c, TYPE, at.hashes[0][:12])),
    "labelbook.labelled_plot_types": Call(lambda c, _: labelbook.labelled_plot_types(c)),
    "labelbook.labelled_images": Call(lambda c, _: labelbook.labelled_images(c, TYPE), grows=_LABELS),
    "labelbook.label_count": Call(lambda c, _: labelbook.label_count(c, TYPE)),
    "labelbook.archived_label_count": Call(
        lambda c, _: labelbook.archived_label_count(c, TYPE), grows="once before a training"
    ),
    "labelbook.archived_label_count, at most": Call(lambda c, _: labelbook.archived_label_count(c, TYPE, at_most=5)),
    "labelbook.accepted_since": Call(
        lambda c, at: labelbook.accepted_since(c, "label", at.size.end + timedelta(days=1))
    ),
    "labelbook.agreement": Call(lambda c, at: labelbook.agreement(c, at.pass_row, list(at.runs))),
    "ledger.find_pass": Call(lambda c, at: ledger.find_pass(c, at.pass_name)),
    "ledger.get_pass": Call(lambda c, at: ledger.get_pass(c, at.pass_name)),
    "ledger.all_passes": Call(lambda c, _: ledger.all_passes(c)),
    "ledger.add_pass": Call(lambda c, _: ledger.add_pass(c, "new", "hydra/new", (1, 9), "incoming")),
    "ledger.lock_pass": Call(lambda c, at: ledger.lock_pass(c, at.pass_row)),
    "ledger.set_pass_state": Call(lambda c, at: ledger.set_pass_state(c, at.pass_row, "closed")),
    "ledger.want_run": Call(lambda c, at: ledger.want_run(c, at.pass_row, at.run, "again")),
    "ledger.find_run_entry": Call(lambda c, at: ledger.find_run_entry(c, at.pass_row, at.run)),
    "ledger.run_entries": Call(
        lambda c, at: ledger.run_entries(c, at.pass_row, names=list(map(str, at.runs)), numbers=at.runs)
    ),
    "ledger.free_numbers": Call(lambda c, at: ledger.free_numbers(c, at.pass_row)),
    "ledger.move_run": Call(lambda c, at: ledger.move_run(c, at.pass_row, at.run, "elsewhere")),
    "ledger.want_revision": Call(
        lambda c, at: ledger.want_revision(c, history_shape.run_of(at.revision) + 1, 9, "ab" * 32)
    ),
    "ledger.newest_revision": Call(lambda c, at: ledger.newest_revision(c, at.pass_row, at.run)),
    "ledger.revisions_of": Call(lambda c, at: ledger.revisions_of(c, at.pass_row, at.run)),
    "ledger.newest_revisions": Call(
        lambda c, at: ledger.newest_revisions(
            c, at.pass_row, first_run=at.runs[0], last_run=at.runs[-1], state="published"
        )
    ),
    "ledger.archived_before, one run": Call(lambda c, at: ledger.archived_before(c, at.pass_row, None, run=at.run)),
    "ledger.archived_before": Call(lambda c, at: ledger.archived_before(c, at.pass_row, at.size.end), grows=_SURVEY),
    "ledger.unfinished": Call(lambda c, at: ledger.unfinished(c, at.size.passes)),
    "ledger.count_runs": Call(lambda c, at: ledger.count_runs(c, at.pass_row)),
    "ledger.update_revision": Call(lambda c, at: ledger.update_revision(c, at.row, severity=1)),
    "ledger.update_revision, published": Call(lambda c, at: ledger.update_revision(c, at.row, state="published")),
    "ledger.handed_over": Call(lambda c, at: ledger.handed_over(c, at.pass_row, at.runs)),
    "model_history.sets_with": Call(
        lambda c, at: model_history.sets_with(c, at.model),
        grows="hydra models show, by hand: a row for each set that used the model",
    ),
    "model_history.live_before": Call(
        lambda c, at: model_history.live_before(c, TYPE, at.model), grows="by hand: every set that had the plot type"
    ),
    "model_history.live_models": Call(lambda c, _: model_history.live_models(c, TYPE)),
    "news.save_news": Call(
        lambda c, at: news.save_news(c, at.requests[0], [news.News("beam is back", "Ada", at.size.end, None)])
    ),
    "news.recent_news": Call(lambda c, _: news.recent_news(c)),
    "news.news_in_force": Call(lambda c, at: news.news_in_force(c, at.size.end)),
    "plot_types.plot_type_ids": Call(lambda c, _: plot_types.plot_type_ids(c, [_KEY])),
    "plot_types.all_plot_types": Call(lambda c, _: plot_types.all_plot_types(c)),
    "plot_types.known_types": Call(lambda c, _: plot_types.known_types(c)),
    "plot_types.decide_types": Call(
        lambda c, at: plot_types.decide_types(c, [plot_types.NewDecision(_KEY, "active", "Ada", at.size.end)])
    ),
    "plot_types.image_counts": Call(
        lambda c, _: plot_types.image_counts(c, [TYPE]), grows="hydra plots counts the images of every type, by hand"
    ),
    "plot_types.image_counts, at most": Call(lambda c, _: plot_types.image_counts(c, [TYPE], at_most=101)),
    "plot_types.newest_place": Call(lambda c, _: plot_types.newest_place(c, TYPE)),
    "predictions.predictions_of": Call(lambda c, at: predictions.predictions_of(c, at.model, "test"), grows=_MODEL),
    "registry.all_models": Call(lambda c, _: registry.all_models(c), grows="the page of all models"),
    "registry.model_names": Call(lambda c, at: registry.model_names(c, [at.model])),
    "registry.learned_images": Call(lambda c, _: registry.learned_images(c, TYPE), grows=_MODEL),
    "registry.find_model": Call(lambda c, _: registry.find_model(c, "CDC_plot_07-00")),
    "registry.get_model": Call(lambda c, at: registry.get_model(c, at.model)),
    "registry.live_model": Call(lambda c, _: registry.live_model(c, TYPE)),
    "registry.thresholds_of": Call(lambda c, at: registry.thresholds_of(c, at.model)),
    "registry.training_images": Call(lambda c, at: registry.training_images(c, at.model), grows=_MODEL),
    "registry.set_model_status": Call(lambda c, at: registry.set_model_status(c, at.model, "retired", "old")),
    "registry.load_judging_set": Call(lambda c, at: registry.load_judging_set(c, at.judging_set)),
    "registry.newest_judging_set": Call(lambda c, _: registry.newest_judging_set(c)),
    "registry.newest_claim": Call(lambda c, _: registry.newest_claim(c, TYPE)),
    "registry.claim_training": Call(lambda c, _: registry.claim_training(c, TYPE, 10**7, "me")),
    "registry.forget_claims": Call(lambda c, _: registry.forget_claims(c, TYPE)),
    "restore.content_of": Call(lambda c, _: restore.content_of(c), grows=_REBUILD, scans=_REBUILD),
    "restore.unjudged_archived": Call(lambda c, _: restore.unjudged_archived(c), grows=_REBUILD, scans=_REBUILD),
    "summary.state_counts": Call(lambda c, at: summary.state_counts(c, at.rows)),
    "summary.newest_runs": Call(lambda c, at: summary.newest_runs(c, at.pass_row, SPAN)),
    "summary.run_blocks": Call(lambda c, at: summary.run_blocks(c, at.pass_row, 10_000)),
    "summary.pass_counts": Call(lambda c, _: summary.pass_counts(c)),
    "summary.totals": Call(lambda c, at: summary.totals(c, at.pass_row), grows=_RANGE),
    "timings.save_timing": Call(
        lambda c, at: timings.save_timing(c, at.row, timings.Timing("judge", 1, 1.0, 1.0, 100.0, 9))
    ),
    "timings.timing_summaries": Call(lambda c, _: timings.timing_summaries(c, newest=9)),
    "timings.images_per_day": Call(lambda c, at: timings.images_per_day(c, at.size.end - timedelta(days=1))),
    "timings.save_unmatched": Call(lambda c, at: timings.save_unmatched(c, at.pass_row, [("strange.gif", "no rule")])),
    "timings.load_unmatched": Call(lambda c, _: timings.load_unmatched(c, limit=5)),
    "training_reports.answers_to": Call(lambda c, _: training_reports.answers_to(c, "CDC_plot_07-00"), grows=_MODEL),
    "training_reports.save_report": Call(lambda c, at: training_reports.save_report(c, at.model), grows=_MODEL),
    "training_reports.load_report": Call(lambda c, at: training_reports.load_report(c, at.model)),
    "training_reports.reported_models": Call(
        lambda c, _: training_reports.reported_models(c), grows="the page of all models"
    ),
    "training_reports.disagreements": Call(lambda c, at: training_reports.disagreements(c, at.model), grows=_MODEL),
    "training_reports.image_places": Call(lambda c, at: training_reports.image_places(c, TYPE, at.hashes)),
    "a whole run is entered": Call(enter_run, slower=_SPREAD),
}

#: Functions that nothing is to be asked about here, and why.
LEFT_OUT = {
    "counts": "fsck and hydra db upgrade compare every count with what is there",
    "directory": "tables as long as the files of a site: plot types, classes, groups and people",
    "earlier": "an import, once",
    "half_done": "upgrades, once a version",
    "dump": "backup and restore take the whole database",
    "half_restored": "backup and restore take the whole database",
    "upgrade": "upgrades, once a version",
    "upsert": "one statement, measured with the functions that use it",
    "session": "locks and versions: tables of one row",
    "restore.restore_pass": "rebuilding, by the keys that every run is entered by",
    "restore.restore_revision": "rebuilding, by the keys that every run is entered by",
    "restore.restore_model": "rebuilding, by the keys that every model is entered by",
    "restore.restore_training_images": "rebuilding, by the keys that every image of a training set is entered by",
    "restore.restore_judging_set": "rebuilding, by the keys that every judging set is entered by",
    "restore.judging_set_ids": "rebuilding, once",
    "registry.add_model": "inserts by key",
    "registry.add_threshold": "inserts by key",
    "registry.add_judging_set": "reads the newest set and the live models, then inserts",
    "registry.finish_claim": "changes one row by its key",
    "predictions.save_predictions": "inserts by key",
    "training_reports.save_answers": "inserts by key",
}


def store_functions() -> set[str]:
    """Return every public function of the store that works on a connection: ``module.function``."""
    found = set()
    for info in pkgutil.iter_modules(hydra_core.store.__path__):
        if info.ispkg:
            continue
        module = import_module(f"hydra_core.store.{info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            own = function.__module__ == module.__name__ and not name.startswith("_")
            if own and "connection" in inspect.signature(function).parameters:
                found.add(f"{info.name}.{name}")
    return found
