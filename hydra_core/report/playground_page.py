"""The page that puts networks beside each other: table, curves, confusions, and what they disagree on."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from hydra_core.base.errors import HydraError
from hydra_core.base.files import sha256_bytes, write_bytes
from hydra_core.intake.images import Unreadable
from hydra_core.models.comparison import HeldOut, Result, Row, disagreements, over_seeds
from hydra_core.models.figures import ENOUGH_RUNS
from hydra_core.models.spec import Epoch
from hydra_core.report.charts import Chart, lines
from hydra_core.report.rendering import render, write_if_changed
from hydra_core.report.words import count

#: Images that the page shows of those the networks disagree on.
MOST_SHOWN = 12

#: Colours of curves; from then on they come again, dashed.
COLOURS = 8

_SIDE = 280


@dataclass(frozen=True)
class PlaygroundView:
    """What the page shows.

    Attributes
    ----------
    title
        What the images are: a plot type, or a folder.
    refused
        (name, reason) of networks that could not be trained.
    names
        What people call each test image.
    sides
        Images on each side of the split.
    left_out
        Class -> why it does not take part.
    copies
        Images left out because an equal or nearly equal one lies on another side.
    waiting
        Networks that are not trained yet.
    """

    experiment: str
    title: str
    updated_at: datetime
    rows: tuple[Row, ...]
    refused: tuple[tuple[str, str], ...]
    test: HeldOut
    names: tuple[str, ...]
    sides: dict[str, int]
    left_out: dict[str, str]
    copies: int
    waiting: int


def headline(view: PlaygroundView) -> str:
    """Return which network did best, and how many of the others may be as good."""
    if not view.rows:
        return "No network has been trained yet." if view.waiting else "No network could be trained."
    if len(view.rows) == 1:
        return f"One network: macro-F1 {view.rows[0].metrics.macro_f1:.3f}."
    best = max(view.rows, key=lambda row: row.metrics.macro_f1)
    said = f"{best.name} has the highest macro-F1, {best.metrics.macro_f1:.3f}"
    level = sum(row.level for row in view.rows) - 1
    if not level:
        return f"Of {count(len(view.rows), 'network')} {said}."
    others = "another one" if level == 1 else f"{level} others"
    return f"Of {count(len(view.rows), 'network')} {said}; {others} may be as good."


def publish_playground(
    site: Path, href: str, view: PlaygroundView, picture: Callable[[int], npt.NDArray[np.uint8]]
) -> str:
    """Write the page and the pictures beside it; return its path relative to `site`.

    Parameters
    ----------
    site, href
        Root of static pages and the page's folder relative to it; empty where the page is the root, and then it names
        no other page.
    picture
        Number of a test image -> the image: uint8, shape (h, w, 3).
    """
    folder = site / href
    cases = [_case(folder, view, place, picture) for place in disagreements(_results(view.rows), MOST_SHOWN)]
    html = render(
        site,
        "playground.html",
        href,
        view=view,
        alone=not href,
        headline=headline(view),
        networks=[_network(number, row) for number, row in enumerate(view.rows)],
        groups=over_seeds(view.rows),
        judged=_chart(view.rows, lambda point: point.validation_macro_f1),
        loss=_chart(view.rows, lambda point: point.validation_loss),
        cases=cases,
        runs=len(set(view.test.runs)),
        few_runs=len(set(view.test.runs)) < ENOUGH_RUNS,
        found_problems=sorted(view.test.problems & set(view.test.truth)),
    )
    write_if_changed(folder / "index.html", html)
    shown = {case["image"] for case in cases}
    for path in (folder / "pictures").glob("*.webp"):
        if f"pictures/{path.name}" not in shown:
            path.unlink()
    return f"{href}/index.html" if href else "index.html"


def _results(rows: Sequence[Row]) -> list[Result]:
    return [row.result for row in rows]


def _network(number: int, row: Row) -> dict[str, Any]:
    spec = row.result.spec
    return {
        "it": row,
        "key": f"s{number % COLOURS}{' dashed' if number >= COLOURS else ''}",
        "anchor": f"network-{row.result.number}",
        "facts": (
            ("network", spec.network),
            ("input", f"{spec.size[0]} x {spec.size[1]} pixels (height x width)"),
            ("sampling", spec.sampling),
            ("seed", str(spec.seed)),
            ("epochs", f"{len(row.result.curve)} of at most {spec.epochs}, the best one is {row.result.best_epoch}"),
        ),
    }


def _chart(rows: Sequence[Row], value: Callable[[Epoch], float | None]) -> Chart | None:
    """Return a curve for each network over the images that it had been shown; None where nothing is known."""
    curves = []
    for row in rows:
        shown = np.cumsum([point.images for point in row.result.curve]).tolist()
        points = zip(shown, (value(point) for point in row.result.curve), strict=True)
        curves.append({at: one for at, one in points if one is not None})
    across = sorted(set().union(*curves))
    if not across:
        return None
    return lines([float(at) for at in across], [[curve.get(at, float("nan")) for at in across] for curve in curves])


def _case(
    folder: Path, view: PlaygroundView, place: int, picture: Callable[[int], npt.NDArray[np.uint8]]
) -> dict[str, Any]:
    truth = view.test.truth[place]
    answers = []
    for row in view.rows:
        called = row.result.classes[row.result.called[place]]
        answers.append((row.name, called, row.result.confidence[place], called == truth))
    image, wide = _written(folder, lambda: picture(place))
    return {
        "image": image,
        "small": wide < _SIDE // 2,
        "name": view.names[place],
        "truth": truth,
        "answers": answers,
        "right": sum(right for *_, right in answers),
    }


def _written(folder: Path, picture: Callable[[], npt.NDArray[np.uint8]]) -> tuple[str, int]:
    """Write an image in small beside the page; return its name there, empty where it cannot be read, and its width."""
    try:
        small = Image.fromarray(picture())
    except (Unreadable, HydraError, OSError):
        return "", 0
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    small.save(stream, "WEBP", quality=80)
    data = stream.getvalue()
    name = f"pictures/{sha256_bytes(data)[:32]}.webp"
    if not (folder / name).exists():
        write_bytes(folder / name, data)
    return name, small.width
