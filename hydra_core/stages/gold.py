"""The gold set of a plot type: labelled images that no model learns from, and by which all are compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy.engine import Connection

from hydra_core.config.plots import IGNORE
from hydra_core.store.kept import gold_images
from hydra_core.store.labelbook import LabelledImage, labelled_images

#: Largest part of a class, and of the runs, that is proposed or kept aside: what remains has to teach.
SHARE = 0.25
NEWEST = 0.15


def taught_and_gold(connection: Connection, plot_type_id: int) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Return the archived images of a plot type whose label names a class: those to learn from, and the gold set.

    What an image shows is what its label says now: who labels a gold image anew changes the truth by which all models
    are compared from then on.
    """
    images = [image for image in labelled_images(connection, plot_type_id) if image.class_name != IGNORE]
    golden = gold_images(connection, [image.image_sha for image in images])
    taught = [image for image in images if image.image_sha not in golden]
    return taught, [image for image in images if image.image_sha in golden]


def propose_gold(
    taught: Sequence[LabelledImage], gold: Sequence[LabelledImage], used: Collection[str], count: int
) -> list[LabelledImage]:
    """Return images that would make a good gold set together with those that are in it.

    Classes take turns, and within a class the runs, so that no class and no run rules. The newest runs are left for
    the test of the next model, and three quarters of each class for its training.

    Parameters
    ----------
    taught, gold
        As of `taught_and_gold`.
    used
        SHA-256 of the images that some model was trained or validated with: of those it would say what it was told.
    count
        How many images the gold set should have in the end.

    Returns
    -------
    list
        Images of `taught`, by class and run; fewer than asked for where there are no more.
    """
    newest = _newest_runs(taught)
    of_class: dict[str, dict[int, list[LabelledImage]]] = defaultdict(lambda: defaultdict(list))
    room: dict[str, int] = {}
    for name in sorted({image.class_name for image in taught}):
        here = [sum(image.class_name == name for image in images) for images in (taught, gold)]
        room[name] = int(SHARE * sum(here)) - here[1]
    held = {name: sum(image.class_name == name for image in gold) for name in room}
    for image in taught:
        if image.image_sha not in used and image.run not in newest:
            of_class[image.class_name][image.run].append(image)
    free = {name: _in_turn(of_run)[: max(0, room[name])] for name, of_run in of_class.items()}
    chosen: list[LabelledImage] = []
    while len(gold) + len(chosen) < count and any(free.values()):
        # The class of which the set would hold fewest is served first.
        name = min((name for name in free if free[name]), key=lambda one: (held[one], one))
        chosen.append(free[name].pop(0))
        held[name] += 1
    return sorted(chosen, key=lambda image: (image.class_name, image.run, image.image_sha))


def why_not_more(taught: Sequence[LabelledImage], found: Sequence[LabelledImage], used: Collection[str]) -> str:
    """Return why no further image can be proposed, in words.

    Parameters
    ----------
    taught, used
        As of `propose_gold`.
    found
        What it proposed.
    """
    newest, proposed = _newest_runs(taught), {image.image_sha for image in found}
    others = [image for image in taught if image.image_sha not in proposed]
    learned = sum(image.image_sha in used for image in others)
    late = sum(image.image_sha not in used and image.run in newest for image in others)
    needed = len(others) - learned - late
    counts = f"{learned} were learned from, {late} are of the newest runs"
    return f"of the others {counts} and {needed} are needed for the training"


def _newest_runs(taught: Sequence[LabelledImage]) -> set[int]:
    runs = sorted({image.run for image in taught})
    return set(runs[len(runs) - max(1, round(NEWEST * len(runs))) :]) if runs else set()


def _in_turn(of_run: dict[int, list[LabelledImage]]) -> list[LabelledImage]:
    """Return the images of one class so that each run comes once before any comes again."""
    ranked = [
        (turn, run, image)
        for run, images in of_run.items()
        for turn, image in enumerate(sorted(images, key=lambda one: one.image_sha))
    ]
    return [image for _, _, image in sorted(ranked, key=lambda one: one[:2])]
