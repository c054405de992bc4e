"""Training reports: on which images a new model and the labels disagree, worst first, with the answers so far."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from hydra_core.base.errors import DataError
from hydra_core.base.plot_names import argument_of
from hydra_core.config.site import Site
from hydra_core.intake.block import Block
from hydra_core.report.paths import revision_href
from hydra_core.report.site_views import ReportCase, ReportView
from hydra_core.report.training_report_page import publish_report, report_href
from hydra_core.stages.wording import shown_name
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import ModelRow, all_models
from hydra_core.store.schema import ONCE_A_RUN
from hydra_core.store.training_reports import (
    Disagreement,
    ImagePlace,
    answers_to,
    disagreements,
    image_places,
    load_report,
    reported_models,
)

#: Images on the page of a report; the surest ones.
SHOWN = 200


@dataclass(frozen=True)
class Case:
    """A disagreement, as a page shows it, and where its image is."""

    view: ReportCase
    place: ImagePlace | None


def report_cases(connection: Connection, model: ModelRow, most: int | None = None) -> tuple[list[Case], int]:
    """Return the disagreements of a model, the surest first, and how many are left out.

    Parameters
    ----------
    most
        How many at most; None for all.
    """
    found = disagreements(connection, model.id)
    shown = found if most is None else found[:most]
    places = image_places(connection, model.plot_type_id, [one.image_sha for one in shown])
    answers = answers_to(connection, model.name)
    cases = []
    for one in shown:
        answer = answers.get(one.image_sha)
        said = ""
        if answer is not None:
            kept = "kept" if answer.class_name == one.label else "changed to"
            said = f"{answer.who}: {kept} {answer.class_name}"
        place = places.get(one.image_sha)
        cases.append(Case(_case(one, place, said), place))
    return cases, len(found) - len(shown)


def _case(one: Disagreement, place: ImagePlace | None, answer: str) -> ReportCase:
    words, page = "in no archived run", None
    if place is not None:
        words = f"run {place.run}" + (f", chunk {place.chunk}" if place.chunk != ONCE_A_RUN else "")
        page = f"{revision_href(place.pass_name, place.run, place.revision)}/index.html"
    return ReportCase(one.image_sha, words, page, one.side, one.label, one.class_name, one.confidence, answer)


def publish_reports(connection: Connection, site: Site) -> None:
    """Write the pages of training reports: those that are not there, and anew the newest one of each plot type.

    Answers to earlier reports stay in the database; their pages are left as they are.
    """
    reported = set(reported_models(connection))
    models = [model for model in all_models(connection) if model.id in reported]
    newest = {model.plot_type_id: model.id for model in sorted(models, key=lambda one: one.id)}
    for model in models:
        page = site.site_pages / report_href(model.plot.slug, model.name) / "index.html"
        if model.id == newest[model.plot_type_id] or not page.exists():
            _publish(connection, site, model)


def _publish(connection: Connection, site: Site, model: ModelRow) -> None:
    report = load_report(connection, model.id)
    if report is None:
        return
    cases, more = report_cases(connection, model, SHOWN)
    places = {case.view.image_sha: case.place for case in cases}
    view = ReportView(
        plot=shown_name(site, model.plot),
        plot_slug=model.plot.slug,
        plot_argument=argument_of(model.plot, all_plot_types(connection)),
        model=model.name,
        status=model.status,
        made_at=report.made_at,
        images=report.images,
        cases=tuple(case.view for case in cases),
        more=more,
        labels=site.label_names(model.plot),
    )
    publish_report(site.site_pages, view, lambda case: _image(site, places[case.image_sha]))


def _image(site: Site, place: ImagePlace | None) -> bytes | None:
    if place is None or place.tombstone:
        return None
    path = site.archive_file(place.pass_name, place.run, place.revision, place.generation)
    with suppress(DataError, FileNotFoundError), Block.open(path) as block:
        return block.whole(place.block_index).data or None
    return None
