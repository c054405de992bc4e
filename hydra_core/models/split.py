"""Dealing labelled images to training, validation and test, whole runs at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hydra_core.models.arrays import Names

SIDES = ("train", "validation", "test")

#: Images that belong to no side: their class was dropped, or a copy of them lies on another side.
LEFT_OUT = "left out"


@dataclass(frozen=True)
class Split:
    """Who goes where.

    Attributes
    ----------
    sides
        One of `SIDES` or `LEFT_OUT` per image, as an array of str.
    classes
        The classes that remain, in alphabetical order.
    dropped
        Class -> why it does not take part.
    copies
        Number of images left out because an equal one lies on another side.
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
        Equal strings mean equal (or nearly equal) images. Copies on another side than the first are left out.
    min_examples
        A class with fewer images, or seen in fewer than two runs, is dropped.

    Raises
    ------
    ValueError
        When the lengths differ.
    """
    n = len(groups)
    if len(classes) != n or (hashes is not None and len(hashes) != n):
        raise ValueError("groups, classes and hashes must have one entry per image")
    dropped = _too_few(groups, classes, min_examples)
    kept = tuple(sorted(set(classes) - set(dropped)))
    content: dict[int, Counter[str]] = defaultdict(Counter)
    for group, name in zip(groups, classes, strict=True):
        if name not in dropped:
            content[group][name] += 1
    side_of = _deal(dict(content), kept, fractions, seed)
    sides = np.array(
        [LEFT_OUT if name in dropped else side_of[group] for group, name in zip(groups, classes, strict=True)],
        dtype=f"<U{max(map(len, (*SIDES, LEFT_OUT)))}",
    )
    copies = _leave_out_copies(sides, hashes) if hashes is not None else 0
    return Split(sides, kept, dropped, copies)


def _too_few(groups: Sequence[int], classes: Sequence[str], min_examples: int) -> dict[str, str]:
    images = Counter(classes)
    runs: dict[str, set[int]] = defaultdict(set)
    for group, name in zip(groups, classes, strict=True):
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
    newest_first = sorted(content, reverse=True)
    shuffled = [sorted(content)[i] for i in np.random.default_rng(seed).permutation(len(content))]
    for side, share, order in (("test", fractions[2], newest_first), ("validation", fractions[1], shuffled)):
        wanted = {name: share * total[name] for name in kept}
        room = 0.9 * share * total.total()
        given: Counter[str] = Counter()
        for name in sorted(kept, key=lambda c: (total[c], c)):
            # Every class is served once; more only while the side as a whole has not its share yet.
            while share > 0 and (not given[name] or (given[name] < 0.7 * wanted[name] and given.total() < room)):
                free = [g for g in order if content[g][name] and _may_leave_training(g, side_of, content)]
                if not free:
                    break
                rank = {g: i for i, g in enumerate(free)}
                best = min(free, key=lambda g: (_excess(content[g], given, wanted, total), rank[g]))
                side_of[best] = side
                given.update(content[best])
    return side_of


def _may_leave_training(group: int, side_of: dict[int, str], content: dict[int, Counter[str]]) -> bool:
    """Return whether `group` still trains, and training keeps another run of each of its classes."""
    if side_of[group] != "train":
        return False
    others = [g for g, side in side_of.items() if side == "train" and g != group]
    return all(any(content[g][name] for g in others) for name in content[group])


def _excess(extra: Counter[str], given: Counter[str], wanted: dict[str, float], total: Counter[str]) -> int:
    """Return by how much a side would overshoot, in quarters of a class; small differences leave the order alone."""
    over = sum(max(0.0, given[c] + k - 1.5 * max(1.0, wanted[c])) / total[c] for c, k in extra.items())
    return round(4 * over)


def _leave_out_copies(sides: Names, hashes: Sequence[str]) -> int:
    """Keep each image on one side only: in training if it is there, else in validation."""
    home: dict[str, str] = {}
    for side in SIDES:
        for i in np.flatnonzero(sides == side):
            home.setdefault(hashes[i], side)
    copies = [i for i in range(len(sides)) if sides[i] != LEFT_OUT and home[hashes[i]] != sides[i]]
    sides[copies] = LEFT_OUT
    return len(copies)
