"""What a model is worth: confusion and scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hydra_core.base.files import sha256_bytes
from hydra_core.models.spec import ClassMetrics, Metrics


def measure(
    truth: Sequence[str], called: Sequence[str], classes: Sequence[str], image_hashes: Sequence[str] = ()
) -> Metrics:
    """Compare the called classes with the true ones.

    Parameters
    ----------
    truth, called
        Class names, one per image. A name outside `classes` gets its own row and column after them, so that a model
        that does not know a class pays for it.
    classes
        The model's classes in order.
    image_hashes
        SHA-256 of the images; `gate` compares two results only if both name the same images.

    Raises
    ------
    ValueError
        When the lengths differ.
    """
    if len(truth) != len(called) or (len(image_hashes) not in (0, len(truth))):
        raise ValueError("truth, called and image_hashes must have one entry per image")
    names = tuple(dict.fromkeys([*classes, *sorted({*truth, *called} - set(classes))]))
    place = {name: i for i, name in enumerate(names)}
    confusion = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(confusion, ([place[t] for t in truth], [place[c] for c in called]), 1)
    per_class: dict[str, ClassMetrics] = {}
    for name, i in place.items():
        hits, of_class, as_class = (int(v) for v in (confusion[i, i], confusion[i].sum(), confusion[:, i].sum()))
        per_class[name] = ClassMetrics(
            precision=hits / as_class if as_class else None,
            recall=hits / of_class if of_class else None,
            f1=2 * hits / (of_class + as_class) if of_class + as_class else None,
            support=of_class,
        )
    tested = [m.f1 for m in per_class.values() if m.support and m.f1 is not None]
    n = len(truth)
    return Metrics(
        classes=names,
        n=n,
        accuracy=float(np.trace(confusion)) / n if n else 0.0,
        macro_f1=min(1.0, float(np.mean(tested))) if tested else 0.0,
        per_class=per_class,
        confusion=tuple(tuple(int(v) for v in row) for row in confusion),
        images=sha256_bytes("\n".join(sorted(image_hashes)).encode()) if image_hashes else "",
    )
