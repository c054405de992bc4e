"""Dealing labelled images to training, validation and test, whole runs at a time, around those of a gold set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from hydra_core.models.arrays import Bools, Images, Names
from hydra_core.models.copies import leave_out_copies

SIDES = ("train", "validation", "test")

#: Images of a gold set: they stay the same from training to training, and no training sees them.
GOLD = "gold"

#: Images that belong to no side: their class was dropped, a copy of them lies on another side, or they are emulated
#: from a run that does not train.
LEFT_OUT = "left out"

_REST = "rest"


@dataclass(frozen=True)
class Split:
    """Who goes where.

    Attributes
    ----------
    sides
        One of `SIDES`, `GOLD` or `LEFT_OUT` per image, as an array of str.
    classes
        The classes that remain, in alphabetical order.
    dropped
        Class -> why it does not take part.
    copies
        Number of images left out because an equal or nearly equal one lies on another side.
    """

    sides: Names
    classes: tuple[str, ...]
    dropped: dict[str, str]
    copies: int


def split_by_group(
    groups: Sequence[int],
    classes: Sequence[str],
    *,
    seed: int,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    hashes: Sequence[str] | None = None,
    min_examples: int = 6,
    run_block: int = 1,
    twins: Sequence[Hashable | None] | None = None,
    emulated: Sequence[bool] | None = None,
    packed: Images | None = None,
    near: float = 0.0,
    gold: Sequence[bool] | None = None,
) -> Split:
    """Deal images to sides so that no run, and no image that two runs share, is on two sides.

    Rare classes are served first. Test takes the newest runs (the largest numbers) where it can, since a model is for
    runs to come; validation draws among the others by `seed`; training keeps every class. With few runs a side may
    lack a class, or validation may be empty: training goes first, then test.

    Parameters
    ----------
    groups, classes
        Run number and class name of each image.
    fractions
        Wanted shares of training, validation and test.
    hashes
        Equal strings mean equal images. Copies on another side than the first are left out.
    min_examples
        A class with fewer images, or seen in fewer than two runs, is dropped.
    run_block
        Runs whose numbers share the same multiple of this go together.
    twins
        Images with the same entry, other than None, go together, and with them all images of their runs.
    emulated
        True for images whose fault is emulated; their run is the one from whose data they were made. They only ever
        train, and only where their run trains; they stand for a class of which there is no other example.
    packed, near
        Structures of the images and the share of `copies.near`; without them only equal images count as copies.
    gold
        True for images of the gold set. They are a side of their own, whatever their class, and what is equal, nearly
        equal or a twin of one of them is left out; other images of their runs are dealt as if they were not there.

    Raises
    ------
    ValueError
        When the lengths differ.
    """
    n = len(groups)
    if any(len(given) != n for given in (classes, hashes, twins, emulated, packed, gold) if given is not None):
        raise ValueError("groups, classes, hashes, twins, emulated, packed and gold must have one entry per image")
    sides, copies = _around_gold(n, gold, twins, hashes, packed, near)
    rest = sides == _REST
    made = np.zeros(n, np.bool_) if emulated is None else np.asarray(emulated, np.bool_)
    together = _together([int(group) // run_block for group in groups], twins)
    dropped = _too_few(together, classes, rest, min_examples)
    kept = tuple(sorted({name for name, free in zip(classes, rest, strict=True) if free} - set(dropped)))
    content: dict[int, Counter[str]] = defaultdict(Counter)
    for group, name, emulation, free in zip(together, classes, made, rest, strict=True):
        if free and name not in dropped and not emulation:
            content[group][name] += 1
    side_of = _deal(dict(content), kept, fractions, seed)
    for i in np.flatnonzero(rest):
        side = side_of.get(together[i], "train")
        sides[i] = LEFT_OUT if classes[i] in dropped else _allowed(side, emulated=bool(made[i]))
    if hashes is not None or packed is not None:
        copies += leave_out_copies(sides, SIDES, LEFT_OUT, hashes, packed, near)
    lost = _without_training(sides, classes, kept)
    sides[[name in lost and side != GOLD for name, side in zip(classes, sides, strict=True)]] = LEFT_OUT
    return Split(sides, tuple(name for name in kept if name not in lost), dropped | lost, copies)


def _around_gold(
    n: int,
    gold: Sequence[bool] | None,
    twins: Sequence[Hashable | None] | None,
    hashes: Sequence[str] | None,
    packed: Images | None,
    near: float,
) -> tuple[Names, int]:
    """Return `GOLD`, `LEFT_OUT` for what is too close to a gold image, or `_REST`; and how many copies there were."""
    sides = np.full(n, _REST, dtype=f"<U{max(map(len, (*SIDES, GOLD, LEFT_OUT)))}")
    if gold is None or not any(gold):
        return sides, 0
    chosen = np.asarray(gold, np.bool_)
    sides[chosen] = GOLD
    if twins is not None:
        close = {twin for twin, of_gold in zip(twins, chosen, strict=True) if of_gold and twin is not None}
        sides[[twin in close and not of_gold for twin, of_gold in zip(twins, chosen, strict=True)]] = LEFT_OUT
    if hashes is None and packed is None:
        return sides, 0
    return sides, leave_out_copies(sides, (GOLD, _REST), LEFT_OUT, hashes, packed, near)


def _allowed(side: str, *, emulated: bool) -> str:
    return LEFT_OUT if emulated and side != "train" else side


def _together(blocks: list[int], twins: Sequence[Hashable | None] | None) -> list[int]:
    """Return for each image the first of the blocks that go together with its own."""
    above = {block: block for block in blocks}

    def top(block: int) -> int:
        while above[block] != block:
            above[block] = block = above[above[block]]
        return block

    first: dict[Hashable, int] = {}
    for block, twin in zip(blocks, twins if twins is not None else [None] * len(blocks), strict=True):
        if twin is not None:
            one, other = top(block), top(first.setdefault(twin, block))
            # As old as its oldest run: what goes together is not newer than what is known of it.
            above[max(one, other)] = min(one, other)
    return [top(block) for block in blocks]


def _without_training(sides: Names, classes: Sequence[str], kept: tuple[str, ...]) -> dict[str, str]:
    """Return the classes of which no image trains: all of them are emulated, from runs that do not train."""
    trained = {name for name, side in zip(classes, sides, strict=True) if side == "train"}
    reason = "all its images are emulated from runs that are kept for tests"
    return {name: reason for name in kept if name not in trained}


def _too_few(groups: Sequence[int], classes: Sequence[str], rest: Bools, min_examples: int) -> dict[str, str]:
    images: Counter[str] = Counter()
    runs: dict[str, set[int]] = defaultdict(set)
    for group, name, free in zip(groups, classes, rest, strict=True):
        if free:
            images[name] += 1
            runs[name].add(group)
    dropped = {}
    for name in sorted(images):
        if images[name] < min_examples:
            dropped[name] = f"{images[name]} images, {min_examples} are needed"
        elif len(runs[name]) < 2:
            dropped[name] = "all its images are of one run, two are needed"
    return dropped


def _deal(
    content: dict[int, Counter[str]], kept: tuple[str, ...], fractions: tuple[float, float, float], seed: int
) -> dict[int, str]:
    """Give every run a side: first test, then validation, served class by class from the rarest; the rest trains."""
    total: Counter[str] = Counter()
    for counts in content.values():
        total.update(counts)
    side_of = dict.fromkeys(sorted(content), "train")
    training = Counter(name for counts in content.values() for name in counts)
    newest_first = sorted(content, reverse=True)
    shuffled = [sorted(content)[i] for i in np.random.default_rng(seed).permutation(len(content))]
    for side, share, order in (("test", fractions[2], newest_first), ("validation", fractions[1], shuffled)):
        wanted = {name: share * total[name] for name in kept}
        room = 0.9 * share * total.total()
        given: Counter[str] = Counter()
        for name in sorted(kept, key=lambda c: (total[c], c)):
            # Every class is served once; more only while the side as a whole has not its share yet.
            while share > 0 and (not given[name] or (given[name] < 0.7 * wanted[name] and given.total() < room)):
                at_hand = (g for g in order if side_of[g] == "train" and content[g][name])
                free = [g for g in at_hand if _spared(content[g], training)]
                if not free:
                    break
                rank = {g: i for i, g in enumerate(free)}
                best = min(free, key=lambda g: (_excess(content[g], given, wanted, total), rank[g]))
                side_of[best] = side
                training.subtract(content[best].keys())
                given.update(content[best])
    return side_of


def _spared(counts: Counter[str], training: Counter[str]) -> bool:
    """Return whether training keeps another run of each class of a run."""
    return all(training[name] > 1 for name in counts)


def _excess(extra: Counter[str], given: Counter[str], wanted: dict[str, float], total: Counter[str]) -> int:
    """Return by how much a side would overshoot, in quarters of a class; small differences leave the order alone."""
    over = sum(max(0.0, given[c] + k - 1.5 * max(1.0, wanted[c])) / total[c] for c, k in extra.items())
    return round(4 * over)
