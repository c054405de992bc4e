"""A candidate proves itself on runs and gold images that it never saw, beside what the live model says of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import DataError
from hydra_core.config.site import Site
from hydra_core.models.arrays import Floats, Images, Ints
from hydra_core.models.asked import InputSpec
from hydra_core.models.engine import Prediction
from hydra_core.models.gate import Decision, gate
from hydra_core.models.paired import Calls, Paired, pair
from hydra_core.models.pictures import pieces
from hydra_core.models.proof import measure
from hydra_core.models.spec import ModelCard
from hydra_core.stages.labelled import fill
from hydra_core.stages.networks import open_network
from hydra_core.store.labelbook import LabelledImage
from hydra_core.store.ledger import all_passes
from hydra_core.store.predictions import NewPrediction
from hydra_core.store.registry import ModelRow, training_images
from hydra_core.store.session import reading

#: Why a model that was tested on nothing stays out.
UNTESTED = "too few runs were labelled to keep one aside for a test"

#: Gets numbers of images, shape (n,), and how a network takes a plot; returns uint8 of shape (n, h, w, 3).
Show = Callable[[Ints, InputSpec], Images]


@dataclass(frozen=True, eq=False)
class Contender:
    """A model that is asked: its classes in the order of its outputs, how it takes a plot, and what it says."""

    classes: tuple[str, ...]
    input: InputSpec
    predict: Callable[[Images], Prediction]


@dataclass(frozen=True)
class Proof:
    """Whether a candidate may go live, and what was said of which image on the way.

    Attributes
    ----------
    mine, rivals
        What the candidate, and the live model, said.
    """

    decision: Decision
    mine: tuple[NewPrediction, ...] = ()
    rivals: tuple[NewPrediction, ...] = ()


@dataclass
class Told:
    """Labelled images, how they are shown, and what models say of them: each is asked once of an image."""

    images: Sequence[LabelledImage]
    show: Show
    _answers: dict[Contender, dict[int, Floats]] = field(default_factory=dict)

    def probs(self, one: Contender, which: Sequence[int]) -> Floats:
        """Return what a model says of some images: float, shape (n, classes)."""
        known = self._answers.setdefault(one, {})
        for piece in pieces(np.array([number for number in which if number not in known], np.int64)):
            known |= dict(zip(piece.tolist(), one.predict(self.show(piece, one.input)).probs, strict=True))
        return np.array([known[number] for number in which]).reshape(len(which), len(one.classes))

    def paired(self, which: Sequence[int], mine: Contender, rival: Contender | None) -> Paired:
        """Measure a candidate, and the live model where there is one, on some images."""
        truth = [self.images[number].class_name for number in which]
        hashes = [self.images[number].image_sha for number in which]
        calls = self._calls(mine, which)
        if rival is None:
            return Paired(measure(truth, calls.called, calls.classes, hashes))
        runs = [self.images[number].run for number in which]
        return pair(truth, runs, hashes, calls, self._calls(rival, which))

    def predictions(self, one: Contender, which: Sequence[int], side: str) -> list[NewPrediction]:
        """Return what a model says of some images, in the form in which it is kept."""
        return [
            NewPrediction(
                image_sha=self.images[number].image_sha,
                side=side,
                label=self.images[number].class_name,
                class_name=one.classes[int(probs.argmax())],
                confidence=float(probs.max()),
                probs={name: float(value) for name, value in zip(one.classes, probs, strict=True)},
            )
            for number, probs in zip(which, self.probs(one, which), strict=True)
        ]

    def _calls(self, one: Contender, which: Sequence[int]) -> Calls:
        return Calls([one.classes[place] for place in self.probs(one, which).argmax(axis=1)], one.classes)


def from_archive(site: Site, engine: Engine, images: Sequence[LabelledImage]) -> Show:
    """Return a function that reads images from the archive, in whatever form a network takes them."""
    with reading(engine) as connection:
        passes = {row.id: row.name for row in all_passes(connection)}

    def show(which: Ints, spec: InputSpec) -> Images:
        pixels = np.zeros((len(which), *spec.size, 3), np.uint8)
        fill(pixels, site, [images[number] for number in which], passes, spec)
        return pixels

    return show


def taught_with(connection: Connection, model: ModelRow) -> set[str]:
    """Return the images that a model was trained on: of those it would say what it was told."""
    return {sha for sha, _, side in training_images(connection, model.id) if side == "train"}


def prove(
    site: Site,
    engine: Engine,
    card: ModelCard,
    candidate: Contender,
    live: ModelRow | None,
    told: Told,
    sides: Mapping[str, Sequence[int]],
    *,
    threads: int,
) -> Proof:
    """Ask the gate whether a candidate that was just trained may go live.

    Both models are asked the same images, each in the form that it takes; images that the live one was trained on are
    left out.

    Parameters
    ----------
    sides
        The numbers of the images of ``validation``, ``test`` and ``gold``.
    """
    mine = tuple(said for side, which in sides.items() for said in told.predictions(candidate, which, side))
    if card.test is None:
        return Proof(Decision(False, UNTESTED), mine)
    if live is None:
        gold = told.paired(sides["gold"], candidate, None) if len(sides["gold"]) else None
        return Proof(decide(site, card, Paired(card.test), gold), mine)
    try:
        network = open_network(site, live, threads)
    except DataError as error:
        return Proof(Decision(False, f"the live model cannot be compared: {error.cause}"), mine)
    rival = Contender(network.classes, network.input, network.predict)
    with reading(engine) as connection:
        seen = taught_with(connection, live)
    fair = {side: _without(told, sides[side], seen) for side in ("test", "gold")}
    unfair = [side for side in fair if len(sides[side]) and not fair[side]]
    rivals = tuple(told.predictions(rival, fair["gold"], "gold"))
    if unfair:
        reason = f"the live model was trained on every {unfair[0]} image, so the two cannot be compared"
        return Proof(Decision(False, reason), mine, rivals)
    newest = told.paired(fair["test"], candidate, rival)
    golden = told.paired(fair["gold"], candidate, rival) if fair["gold"] else None
    return Proof(decide(site, card, newest, golden), mine, rivals)


def pair_now(
    site: Site,
    engine: Engine,
    kind: str,
    images: Sequence[LabelledImage],
    asked: tuple[ModelRow, Contender],
    live: ModelRow | None,
) -> Paired | str:
    """Measure a model, and the live one, on the images that neither was trained on; or say why that cannot be.

    Parameters
    ----------
    kind, images
        What the images are, ``test`` or ``gold``, and which; not empty.
    asked
        The model that would go live.
    """
    model, candidate = asked
    told = Told(images, from_archive(site, engine, images))
    every = range(len(images))
    with reading(engine) as connection:
        seen = taught_with(connection, model)
        seen_live = taught_with(connection, live) if live is not None else set()
    if not _without(told, every, seen):
        return f"it was trained on every {kind} image, so nothing tells what it is worth"
    fair = _without(told, every, seen | seen_live)
    if not fair:
        return f"the live model was trained on every {kind} image, so the two cannot be compared"
    if live is None:
        return told.paired(fair, candidate, None)
    try:
        network = open_network(site, live, 1)
    except DataError as error:
        return f"the live model cannot be compared: {error.cause}"
    return told.paired(fair, candidate, Contender(network.classes, network.input, network.predict))


def decide(site: Site, card: ModelCard, newest: Paired, gold: Paired | None) -> Decision:
    """Ask the gate with the settings of a site."""
    settings = site.settings.training
    problems = [known.name for known in site.plots.classes if known.problem]
    return gate(
        newest,
        gold,
        knows=card.classes,
        problem_classes=problems if settings.problem_required else list(card.classes),
        floor=settings.min_macro_f1,
        emulated=card.training.emulated,
    )


def _without(told: Told, which: Sequence[int], seen: Collection[str]) -> list[int]:
    return [number for number in which if told.images[number].image_sha not in seen]
