"""Networks tried on the labelled images of one plot type: nothing is entered anywhere, and no model goes live."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from hydra_core.base.clock import now
from hydra_core.base.errors import HydraError
from hydra_core.base.files import sha256_bytes, write_json
from hydra_core.base.lock import alone
from hydra_core.base.telling import EPOCH, Tell
from hydra_core.base.words import counted
from hydra_core.models.arrays import Images
from hydra_core.models.asked import InputSpec
from hydra_core.models.comparison import HeldOut, Result, Row, rows
from hydra_core.models.pictures import room_for
from hydra_core.models.pixels import preprocessing_hash
from hydra_core.models.spec import TrainingError, TrainSpec
from hydra_core.models.split import SIDES, Split
from hydra_core.models.train_on import Labelled, say_split, split_of
from hydra_core.report.playground_page import PlaygroundView, publish_playground
from hydra_core.stages.labelled import LabelledSet

#: What the networks of one comparison may differ in; everything else is the same for all.
CHOICES = ("network", "weights", "sampling", "size", "seed", "epochs")

#: What is decided only after a training, and makes no difference to it.
AFTERWARDS = ("thresholds", "false_alarms", "recall")

#: Beside the page: what is kept of each network, and the state of one that is being trained.
RESULTS, WORK = "results", "work"


@dataclass(frozen=True)
class Asked:
    """What is to be tried, every combination of it; what is empty is as `base` says."""

    networks: tuple[str, ...] = ()
    samplings: tuple[str, ...] = ()
    sizes: tuple[tuple[int, int], ...] = ()
    seeds: tuple[int, ...] = ()
    epochs: int | None = None


@dataclass(frozen=True)
class Place:
    """Where the page goes and what it says above the table.

    Attributes
    ----------
    site, href
        Root of static pages, and the page's folder relative to it; empty where the folder is the root.
    title
        What is compared: a plot type, or a folder.
    """

    site: Path
    href: str
    experiment: str
    title: str

    @property
    def folder(self) -> Path:
        """The page's folder."""
        return self.site / self.href


@dataclass(frozen=True)
class Played:
    """What came of it: the table, (name, reason) of those that could not be trained, and the page."""

    rows: tuple[Row, ...]
    refused: tuple[tuple[str, str], ...]
    page: Path


def combinations(base: TrainSpec, asked: Asked) -> Iterator[tuple[str, TrainSpec | str]]:
    """Yield every combination as (name, specification), or (name, reason) where it cannot be."""
    settings = base.model_dump()
    # Sizes change least often, since the images are read anew for each.
    for size, network, sampling, seed in itertools.product(
        dict.fromkeys(asked.sizes or (base.size,)),
        dict.fromkeys(asked.networks or (base.network,)),
        dict.fromkeys(asked.samplings or (base.sampling,)),
        dict.fromkeys(asked.seeds or (base.seed,)),
    ):
        changed = {
            "network": network,
            # Here every network is tried because it was asked for.
            "network_why": "",
            # A file of weights is for one network.
            "weights": base.weights if network == base.network else "",
            "sampling": sampling,
            "size": size,
            "seed": seed,
            "epochs": asked.epochs or base.epochs,
        }
        name = f"{network}, {size[0]} x {size[1]}, {sampling}, seed {seed}"
        try:
            yield name, TrainSpec.model_validate({**settings, **changed})
        except ValidationError as error:
            yield name, "; ".join(str(one["msg"]).removeprefix("Value error, ") for one in error.errors())


def play(
    images: LabelledSet,
    base: TrainSpec,
    asked: Asked,
    place: Place,
    *,
    problems: Iterable[str],
    threads: int,
    tell: Tell,
) -> Played:
    """Train every combination that was not trained before on one split of the images, and compare them.

    Each result is kept beside the page as soon as it is there, and the page is written anew after each.

    Parameters
    ----------
    base
        How the plot type is trained; it also says how images are dealt, so that no combination changes the split.
    problems
        Names of the classes that mean a problem.

    Raises
    ------
    TrainingError
        When the images leave no test, or fewer than two classes.
    HydraError
        When another playground writes to this place.
    """
    base = base.model_copy(update={name: TrainSpec.model_fields[name].default for name in AFTERWARDS})
    busy = HydraError(
        f"another playground writes to {place.folder}",
        next_step="wait for it, or choose another place with --out",
    )
    with ExitStack() as opened:
        opened.enter_context(alone(place.folder / ".playground.lock", busy))
        pixels = opened.enter_context(closing(_Pixels(images, place.folder / WORK)))
        split = _dealt(images, base, pixels)
        unheard = _once(tell)
        say_split(split, images.classes, unheard)
        bench = _Bench(images, split, _identity(images, base, split), place, frozenset(problems))
        results = _kept(place.folder / RESULTS, bench.identity, tell)
        refused: list[tuple[str, str]] = []
        wanted = list(combinations(base, asked))
        for position, (name, spec) in enumerate(wanted, start=1):
            bench.publish(results, refused, 1 + len(wanted) - position)
            if any(one.spec == spec for one in results):
                tell(f"{position} of {len(wanted)}: {name}: in the table already")
                continue
            tell(f"{position} of {len(wanted)}: {name}")
            try:
                number = 1 + max((one.number for one in results), default=0)
                results.append(_tried(bench, spec, pixels, number, threads, unheard))
            except HydraError as error:
                refused.append((name, error.cause))
                tell(f"it cannot be trained: {error.cause}")
        table = bench.publish(results, refused, 0)
    shutil.rmtree(place.folder / WORK, ignore_errors=True)
    return Played(table, tuple(refused), place.folder / "index.html")


@dataclass(frozen=True)
class _Bench:
    """What all networks of a comparison share."""

    images: LabelledSet
    split: Split
    identity: str
    place: Place
    problems: frozenset[str]

    def publish(self, results: list[Result], refused: list[tuple[str, str]], waiting: int) -> tuple[Row, ...]:
        """Write the page of the results so far; return its table."""
        tested = [number for number, side in enumerate(self.split.sides) if side == "test"]
        test = HeldOut(
            truth=tuple(self.images.classes[number] for number in tested),
            runs=tuple(self.images.runs[number] for number in tested),
            problems=self.problems,
        )
        table = rows(results, test)
        view = PlaygroundView(
            experiment=self.place.experiment,
            title=self.place.title,
            updated_at=now(),
            rows=table,
            refused=tuple(refused),
            test=test,
            names=tuple(self.images.names[number] for number in tested),
            sides={side: int((self.split.sides == side).sum()) for side in SIDES},
            left_out=self.split.dropped,
            copies=self.split.copies,
            waiting=waiting,
        )
        publish_playground(self.place.site, self.place.href, view, lambda number: self.images.picture(tested[number]))
        return table


class _Pixels:
    """The images in the form of one input at a time, read again only where the next one needs another form."""

    def __init__(self, images: LabelledSet, folder: Path) -> None:
        self._images, self._folder = images, folder
        self._room = ExitStack()
        self._held: tuple[InputSpec, Images] | None = None

    def of(self, spec: InputSpec) -> Images:
        """Return the images as a network with this input takes them: uint8, shape (n, h, w, 3)."""
        if self._held is None or self._held[0] != spec:
            self.close()
            pixels = self._room.enter_context(room_for(len(self._images.classes), spec.size, self._folder))
            self._images.fill(pixels, spec)
            self._held = spec, pixels
        return self._held[1]

    def close(self) -> None:
        self._held = None
        self._room.close()


def _labelled(images: LabelledSet, pixels: Images) -> Labelled:
    return Labelled(pixels, images.classes, images.runs, images.hashes, gold=images.gold)


def _dealt(images: LabelledSet, base: TrainSpec, pixels: _Pixels) -> Split:
    split = split_of(base, _labelled(images, pixels.of(base.input)))
    if len(split.classes) < 2 or not (split.sides == "test").any():
        given = f"{counted(len(images.classes), 'labelled image')} of {counted(len(set(images.runs)), 'run')}"
        raise TrainingError(
            f"{given} do not suffice to compare networks: {_lack(split)}",
            next_step="label more images of other runs, good ones and bad ones",
        )
    return split


def _lack(split: Split) -> str:
    if len(split.classes) >= 2:
        return "too few runs were labelled to keep one aside for a test"
    return "; ".join(f"{name}: {why}" for name, why in split.dropped.items()) or "two classes are needed"


def _identity(images: LabelledSet, base: TrainSpec, split: Split) -> str:
    shared = {name: value for name, value in base.model_dump(mode="json").items() if name not in CHOICES}
    told = [
        shared,
        preprocessing_hash(base.input),
        list(zip(images.hashes, images.classes, images.runs, split.sides.tolist(), strict=True)),
    ]
    return sha256_bytes(json.dumps(told, sort_keys=True).encode())


def _kept(folder: Path, identity: str, tell: Tell) -> list[Result]:
    """Return the results of earlier calls; those of other images, labels or settings are removed."""
    found, others = [], 0
    for path in sorted(folder.glob("*.json")):
        try:
            result = Result.model_validate_json(path.read_bytes())
        except ValidationError:
            result = None
        if result is not None and result.identity == identity:
            found.append(result)
        else:
            others += 1
            path.unlink()
    if others:
        tell(f"the labels, their split or the settings have changed: {counted(others, 'earlier result')} removed")
    return sorted(found, key=lambda one: one.number)


def _tried(bench: _Bench, spec: TrainSpec | str, pixels: _Pixels, number: int, threads: int, tell: Tell) -> Result:
    """Train one combination and keep its result."""
    from hydra_core.models.trial import try_network

    if isinstance(spec, str):
        raise TrainingError(spec)
    work = bench.place.folder / WORK
    result = try_network(
        spec,
        _labelled(bench.images, pixels.of(spec.input)),
        bench.split,
        identity=bench.identity,
        number=number,
        work=work,
        threads=threads,
        tell=tell,
    )
    write_json(bench.place.folder / RESULTS / f"{number:04d}.json", result.model_dump(mode="json"))
    return result


def _once(tell: Tell) -> Tell:
    """Return `tell` without what it told before of the split, which every training tells again."""
    heard: set[str] = set()

    def unheard(line: str) -> None:
        if line.startswith(EPOCH) or line not in heard:
            heard.add(line)
            tell(line)

    return unheard
