"""The training report of a model: every image of which it and the labels say different things, and how to answer."""

from __future__ import annotations

import io
import shlex
from collections.abc import Callable
from pathlib import Path

from hydra_core.base.files import write_bytes
from hydra_core.base.names import slug
from hydra_core.report.lock import site_lock
from hydra_core.report.pictures import read_picture
from hydra_core.report.rendering import render, write_if_changed
from hydra_core.report.site_views import ReportCase, ReportView
from hydra_core.report.words import count

#: Bytes of the image of a case as it was archived; None where it has left the archive.
Find = Callable[[ReportCase], bytes | None]


def report_href(plot_slug: str, model: str) -> str:
    """Return the folder of a model's training report relative to the site."""
    return f"library/{plot_slug}/{slug(model)}"


def answer_command(plot: str, case: ReportCase, class_name: str, model: str) -> str:
    """Return the command, ready for a shell, that gives an image a class as the answer to a report."""
    options = shlex.join([f"--report={model}"])
    return f"hydra label {options} -- {shlex.join([plot, case.image_sha, class_name])}"


def report_headline(view: ReportView) -> str:
    """Return in words how often model and labels disagree."""
    found = len(view.cases) + view.more
    if not found:
        return f"The model and the labels agree on all of {count(view.images, 'image')}."
    answered = sum(1 for case in view.cases if case.answer)
    said = f"The model and the labels disagree on {found} of {count(view.images, 'image')}"
    return f"{said}; {answered} answered so far." if answered else f"{said}."


def publish_report(site: Path, view: ReportView, find: Find) -> str:
    """Write the page of a training report; thumbnails that are there already are not made again.

    Parameters
    ----------
    find
        Gives the bytes of an image that has no thumbnail yet.

    Returns
    -------
    str
        Path of the page relative to `site`.
    """
    href = report_href(view.plot_slug, view.model)
    folder = site / href
    cases = [
        {
            "it": case,
            "thumb": _thumb(folder, case, find),
            "keep": answer_command(view.plot_argument, case, case.label, view.model),
            "change": answer_command(view.plot_argument, case, case.says, view.model),
        }
        for case in view.cases
    ]
    html = render(site, "report.html", href, view=view, headline=report_headline(view), cases=cases)
    with site_lock(site):
        write_if_changed(folder / "index.html", html)
    return f"{href}/index.html"


def _thumb(folder: Path, case: ReportCase, find: Find) -> str | None:
    name = f"{case.image_sha[:16]}.webp"
    if (folder / name).exists():
        return name
    data = find(case)
    if data is None:
        return None
    stream = io.BytesIO()
    read_picture(data).thumb.save(stream, "WEBP", quality=60, method=4)
    write_bytes(folder / name, stream.getvalue())
    return name
