"""Training in memory: images and labels in, a network and its answers out. Nothing is proven or written."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hydra_core.base.files import sha256_file
from hydra_core.base.telling import Tell
from hydra_core.models.arrays import Images, Ints
from hydra_core.models.asked import TrainSpec
from hydra_core.models.checkpoint import Checkpoint
from hydra_core.models.copies import structures
from hydra_core.models.devices import Chosen, arithmetic_for, prepare, strategy_here
from hydra_core.models.engine import Prediction
from hydra_core.models.export import predict_keras
from hydra_core.models.fit import NotFiniteError, Shown, fit
from hydra_core.models.networks import OWN_HEAD, build
from hydra_core.models.pictures import Provider, pieces, provider_of
from hydra_core.models.spec import Epoch, TrainingError
from hydra_core.models.split import GOLD, SIDES, Split, split_by_group


@dataclass(frozen=True)
class Labelled:
    """Labelled images; every row has one entry per image.

    Attributes
    ----------
    images
        uint8, shape (n, h, w, 3), as made by `pixels.model_input` for the specification's input: an array, one that
        is mapped from a file, or a function from indices to such an array.
    classes, runs
        Class name and run number.
    hashes
        Equal strings mean equal images; None: only nearly equal ones are looked for.
    emulated
        True where the fault is emulated; the run is the one from whose data the image was made.
    twins
        Images with the same entry, other than None, stay on one side.
    gold
        True for images of the gold set, which no side of the split holds.
    """

    images: Images | Provider
    classes: Sequence[str]
    runs: Sequence[int]
    hashes: Sequence[str] | None = None
    emulated: Sequence[bool] | None = None
    twins: Sequence[Hashable | None] | None = None
    gold: Sequence[bool] | None = None

    def __post_init__(self) -> None:
        n = len(self.classes)
        rows = (self.runs, self.hashes, self.emulated, self.twins, self.gold)
        if any(len(row) != n for row in rows if row is not None):
            raise ValueError("class_names, groups and hashes must have one entry per image")
        if isinstance(self.images, np.ndarray) and len(self.images) != n:
            raise ValueError(f"there are {len(self.images)} images and {n} class names")

    @property
    def provider(self) -> Provider:
        """Indices -> images."""
        return provider_of(self.images)

    def check(self, size: tuple[int, int]) -> None:
        """Raise ValueError where the images have not the form of a network's input (height, width)."""
        if not len(self.classes):
            return
        first = self.provider(np.arange(1))
        if first.dtype != np.uint8 or first.shape[1:] != (*size, 3):
            raise ValueError(f"images must be uint8 (n, {size[0]}, {size[1]}, 3), not {first.dtype} {first.shape}")


@dataclass(frozen=True)
class Fitted:
    """A trained network.

    Attributes
    ----------
    model
        Keras model of `networks.build` in float32.
    labels
        int, shape (n,): class index of each image, -1 where its class was left out.
    head
        ``maps``, or ``own`` for a site's whole network.
    answers
        What it says of the images of the sides ``validation`` and ``test`` that are not empty, in their order.
    seconds
        Of this process, answers included.
    """

    model: Any
    spec: TrainSpec
    split: Split
    labels: Ints
    curve: tuple[Epoch, ...]
    best_epoch: int
    arithmetic: Chosen
    replicas: int
    head: Literal["maps", "own"]
    answers: dict[str, Prediction]
    seconds: float

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the model's outputs."""
        return self.split.classes

    def side(self, name: str) -> Ints:
        """Return the indices of the images of a side."""
        return np.flatnonzero(self.split.sides == name)


def split_of(spec: TrainSpec, given: Labelled) -> Split:
    """Deal images to sides as the specification says; see `split.split_by_group`."""
    n = len(given.classes)
    return split_by_group(
        given.runs,
        given.classes,
        seed=spec.seed,
        fractions=spec.fractions,
        hashes=given.hashes,
        min_examples=spec.min_examples,
        run_block=spec.run_block,
        twins=given.twins,
        emulated=given.emulated,
        packed=structures(given.provider, n) if spec.near and n else None,
        near=spec.near,
        gold=given.gold,
    )


def train_on(
    spec: TrainSpec,
    given: Labelled,
    *,
    tell: Tell = print,
    threads: int = 1,
    split: Split | None = None,
    work: Path | None = None,
    identity: str = "",
) -> Fitted:
    """Train one network on labelled images.

    Parameters
    ----------
    tell
        Receives plain lines: the split, and one for each epoch.
    threads
        Cores to use; the same for every training of one process.
    split
        Who goes where; as `split_of` says where None. Give the same one to compare specifications.
    work
        Folder in which the state after each epoch is kept, so that a training that was killed goes on; none is kept
        where None. Whoever calls removes it in the end.
    identity
        What the training is: a state of another one in `work` is not taken up.

    Returns
    -------
    Fitted
        The same input gives the same weights, on the same kind of machine with as many cores.

    Raises
    ------
    TrainingError
        When the images cannot train a network, with what is missing.
    ConfigError
        When the network cannot be built.
    ValueError
        When the shapes do not fit together.
    """
    begun = time.monotonic()
    given.check(spec.size)
    split = split or split_of(spec, given)
    say_split(split, given.classes, tell)
    _refuse_hopeless(split, given)
    place = {name: number for number, name in enumerate(split.classes)}
    labels = np.array([place.get(name, -1) for name in given.classes])
    side = {name: np.flatnonzero(split.sides == name) for name in SIDES}
    shown = Shown(given.provider, labels, side["train"], side["validation"], place.get(spec.balance_to))
    for arithmetic in _in_turn(arithmetic_for(spec.arithmetic)):
        prepare(threads, spec.seed)
        strategy = strategy_here()
        replicas = int(strategy.num_replicas_in_sync)
        with strategy.scope():
            model = _built(spec, len(place), arithmetic)
        kept = Checkpoint(work, f"{identity} {arithmetic} {replicas}") if work is not None else None
        try:
            curve, best_epoch = fit(model, spec, shown, tell, strategy=strategy, checkpoint=kept)
            break
        except NotFiniteError:
            if arithmetic == "float32":
                raise
            tell("the loss is not a number in bfloat16: once more in float32")
    if arithmetic != "float32" or replicas > 1:
        trained, model = model, _built(spec, len(place), "float32")
        model.set_weights(trained.get_weights())
    answers = {name: predicted(model, given.provider, side[name]) for name in ("validation", "test") if len(side[name])}
    whole = any(layer.name == OWN_HEAD for layer in model.layers)
    return Fitted(
        model=model,
        spec=spec,
        split=split,
        labels=labels,
        curve=curve,
        best_epoch=best_epoch,
        arithmetic=arithmetic,
        replicas=replicas,
        head="own" if whole else "maps",
        answers=answers,
        seconds=round(time.monotonic() - begun, 1),
    )


def weights_hash(spec: TrainSpec) -> str:
    """Return the SHA-256 of the file that a training starts from, empty where it has fresh weights."""
    if not spec.weights:
        return ""
    try:
        return sha256_file(Path(spec.weights))
    except OSError as error:
        raise TrainingError(
            f"{spec.weights} cannot be read as weights: {error.strerror}", next_step="mend weights in site.toml"
        ) from error


def predicted(model: Any, images: Provider, which: Ints) -> Prediction:
    """Return what a Keras model says of some images (one or more), read piece by piece."""
    parts = [predict_keras(model, images(piece)) for piece in pieces(which)]
    return Prediction(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("probs", "embed", "cam")))


def say_split(split: Split, classes: Sequence[str], tell: Callable[[str], None]) -> None:
    """Tell what goes to which side, and what is left out and why."""
    for name, reason in split.dropped.items():
        tell(f"class {name} is left out: {reason}")
    if split.copies:
        tell(f"{split.copies} images are left out: an equal or nearly equal one lies on another side of the split")
    if kept := int((split.sides == GOLD).sum()):
        tell(f"gold: {kept} images, which no training sees")
    for name in SIDES:
        counts = Counter(classes[i] for i in np.flatnonzero(split.sides == name))
        told = ", ".join(f"{c} {counts[c]}" for c in split.classes)
        tell(f"{name}: {counts.total()} images ({told})")


def _built(spec: TrainSpec, n_classes: int, arithmetic: Chosen) -> Any:
    return build(
        spec.network,
        spec.size,
        n_classes,
        module=spec.network_module,
        weights=spec.weights,
        bn_momentum=spec.bn_momentum,
        arithmetic=arithmetic,
    )


def _in_turn(first: Chosen) -> tuple[Chosen, ...]:
    return (first,) if first == "float32" else (first, "float32")


def _refuse_hopeless(split: Split, given: Labelled) -> None:
    if len(split.classes) >= 2:
        return
    have = ", ".join(f"{name} ({count})" for name, count in sorted(Counter(given.classes).items())) or "none"
    why = "; ".join(f"{name}: {reason}" for name, reason in split.dropped.items())
    raise TrainingError(
        f"a network needs two classes or more, each seen in two runs; there are labels of {len(set(given.runs))} "
        f"run(s): {have}" + (f" ({why})" if why else ""),
        next_step="label more images of other runs, good ones and bad ones",
    )
