"""What is known of a model, and how two models compare: the lines of ``hydra models show`` and ``compare``."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from hydra_core.base.errors import DataError, HydraError
from hydra_core.base.words import counted
from hydra_core.config.site import Site
from hydra_core.models.engine import read_card
from hydra_core.models.figures import calibration_told, faults_told, few_runs_told, figures, reliability_told
from hydra_core.models.spec import ModelCard
from hydra_core.stages.gold_words import gold_figures
from hydra_core.store.model_history import UsedIn, sets_with
from hydra_core.store.registry import ModelRow, thresholds_of

Rows = list[tuple[str, str]]


def model_facts(connection: Connection, site: Site, model: ModelRow) -> Rows:
    """Return what card and database say of a model, as (name, words).

    Raises
    ------
    DataError
        When its card cannot be read.
    """
    card = _card(site, model)
    facts = card.training
    rows: Rows = [
        ("model", model.name),
        ("plot type", str(model.plot)),
        ("is", f"{model.status}: {model.reason}" if model.reason else model.status),
        ("network", card.network),
        ("input", f"{card.size[1]} x {card.size[0]} pixels, {card.aspect}, {counted(len(card.masks), 'mask')}"),
        *((("why this network", facts.spec.network_why),) if facts.spec.network_why else ()),
        ("made", f"{model.made_at:%Y-%m-%d %H:%M} UTC, {facts.seconds:.0f} s on {counted(facts.threads, 'core')}"),
    ]
    for side, images in facts.images.items():
        runs = f" of {counted(len(facts.runs[side]), 'run')}" if side in facts.runs else ""
        rows.append((side, f"{counted(images, 'image')}{runs}"))
    if facts.emulated:
        rows.append(("emulated", ", ".join(f"{count} {name}" for name, count in sorted(facts.emulated.items()))))
    rows += [*figures(card.test), *few_runs_told(len(facts.runs.get("test", ())))]
    rows += [*reliability_told(card.test), ("calibration", calibration_told(card))]
    rows += faults_told(card)
    rows.append(("8 bits", card.int8.told))
    rows += gold_figures(connection, model)
    for name, found in sorted(thresholds_of(connection, model.id).items()):
        rows.append((f"{name} needs", f"{found.value:.2f}, {found.method}"))
    spans = _spans(sets_with(connection, model.id))
    rows += [("was live in", span) for span in spans] or [("was live in", "no judging set")]
    return rows


def right_in_test(site: Site, model: ModelRow) -> tuple[int, int] | None:
    """Return in how many of how many test images a model was right; None without a test, or without a readable card."""
    try:
        test = read_card(site.model_folder(model.plot, model.name))[0].test
    except DataError:
        return None
    return None if test is None else (round(test.accuracy * test.n), test.n)


def compare_models(site: Site, left: ModelRow, right: ModelRow) -> list[tuple[str, str, str]]:
    """Return the test figures of two models beside each other, as (name, left, right).

    Raises
    ------
    HydraError
        When they are one model, of two plot types, or were not tested on the same images.
    DataError
        When a card cannot be read.
    """
    if left.id == right.id or left.plot != right.plot:
        apart = (
            f"one is of {left.plot}, the other of {right.plot}" if left.id != right.id else "they are one and the same"
        )
        raise HydraError(
            f"{left.name} and {right.name} cannot be compared: {apart}",
            next_step="name two models of one plot type; 'hydra models' lists them",
        )
    cards = _card(site, left), _card(site, right)
    refusal = _apart(cards, (left, right))
    if refusal:
        raise HydraError(
            f"{left.name} and {right.name} cannot be compared: {refusal}",
            next_step="'hydra models show' gives the figures of each; train anew to test both on the newest runs",
        )
    mine, other = dict(figures(cards[0].test)), dict(figures(cards[1].test))
    return [(name, mine.get(name, "-"), other.get(name, "-")) for name in {**mine, **other}]


def _apart(cards: tuple[ModelCard, ModelCard], rows: tuple[ModelRow, ModelRow]) -> str:
    tests = [card.test for card in cards]
    for row, test in zip(rows, tests, strict=True):
        if test is None or not test.images:
            return f"{row.name} was never tested on runs of its own"
    if len({(test.images, test.n) for test in tests if test}) == 1:
        return ""
    told = [f"{counted(card.training.images.get('test', 0), 'image')} of runs {_runs(card)}" for card in cards]
    return f"they were tested on other images, one on {told[0]}, the other on {told[1]}"


def _runs(card: ModelCard) -> str:
    runs = card.training.runs.get("test", ())
    return f"{min(runs)} to {max(runs)}" if runs else "that are not named"


def _card(site: Site, model: ModelRow) -> ModelCard:
    return read_card(site.model_folder(model.plot, model.name))[0]


def _spans(sets: Sequence[UsedIn]) -> list[str]:
    """Return sets in words, those that follow each other as one."""
    spans: list[list[UsedIn]] = []
    for one in sets:
        if spans and spans[-1][-1].number + 1 == one.number:
            spans[-1].append(one)
        else:
            spans.append([one])
    return [
        f"judging set {span[0].number}"
        + (f" to {span[-1].number}" if len(span) > 1 else "")
        + f", from {span[0].made_at:%Y-%m-%d %H:%M} UTC: {span[0].reason}"
        for span in spans
    ]
