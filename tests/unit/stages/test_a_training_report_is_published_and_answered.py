from __future__ import annotations

import re
import shlex

import pytest
import sqlalchemy as sa

from hydra_core.base.names import PlotKey
from hydra_core.cli.main import main
from hydra_core.stages.publish import publish_models
from hydra_core.store.labelbook import current_labels
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.predictions import NewPrediction, save_predictions
from hydra_core.store.registry import add_model
from hydra_core.store.schema import Item
from hydra_core.store.session import reading, writing
from hydra_core.store.training_reports import save_report
from tests.small_deployment import Deployment
from tests.store_samples import digest

CDC = PlotKey("CDC", True)
MODEL = "CDC~chunks-000003"


@pytest.fixture
def reported(finished: Deployment) -> Deployment:
    def enter(connection: sa.Connection) -> None:
        kind = all_plot_types(connection)[CDC]
        query = sa.select(Item.image_sha).where(Item.plot_type_id == kind, Item.status == "ok").distinct()
        images = sorted(sha for sha in connection.execute(query).scalars() if sha)
        said = [
            NewPrediction(sha, "test", "Good", "Bad" if number else "Good", 0.5 + number / 10, {})
            for number, sha in enumerate([*images, digest("gone")])
        ]
        model = add_model(connection, kind, MODEL, digest("card"), "tiny", [], []).id
        save_predictions(connection, model, said)
        save_report(connection, model)

    writing(finished.engine, enter)
    publish_models(finished.site, finished.engine)
    return finished


def test_the_page_shows_the_surest_first_with_its_image_and_links_from_the_library(reported: Deployment) -> None:
    (page,) = reported.site.site_pages.glob("library/*/*/index.html")
    html = page.read_text(encoding="utf-8")
    confidences = [float(found) for found in re.findall(r"</b> with ([0-9.]+)\.", html)]
    assert len(confidences) >= 2
    assert confidences == sorted(confidences, reverse=True)
    assert "in no archived run" in html
    assert "The image has left the archive." in html
    thumbnails = re.findall(r'<img src="([0-9a-f]+\.webp)"', html)
    assert len(thumbnails) == len(confidences) - 1
    assert all((page.parent / name).read_bytes()[8:12] == b"WEBP" for name in thumbnails)
    library = (reported.site.site_pages / "library.html").read_text(encoding="utf-8")
    assert f'href="{page.relative_to(reported.site.site_pages).as_posix()}"' in library
    for link in re.findall(r'<h3><a href="([^"]+)"', html):
        assert (page.parent / link).exists()


def test_the_command_on_the_page_answers_and_the_page_says_so(
    reported: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    (page,) = reported.site.site_pages.glob("library/*/*/index.html")
    before = {path.name: path.stat().st_mtime_ns for path in page.parent.glob("*.webp")}
    # Two commands an image, and the first image is in no run.
    command = re.findall(r'<code class="command">([^<]+)</code>', page.read_text(encoding="utf-8"))[3]
    words = shlex.split(command.replace("&#39;", "'").replace("&#34;", '"'))
    assert main([words[1], "--site", str(reported.site.folder), "--who", "Ada", *words[2:]]) == 0
    with reading(reported.engine) as connection:
        labels = current_labels(connection, all_plot_types(connection)[CDC])
    assert list(labels.values()) == ["Bad"]
    assert "Ada: changed to Bad" in page.read_text(encoding="utf-8")
    assert {path.name: path.stat().st_mtime_ns for path in page.parent.glob("*.webp")} == before
    capsys.readouterr()
    assert main(["--site", str(reported.site.folder), "models", "report", MODEL]) == 0
    listed = capsys.readouterr().out
    assert listed.count("Ada: changed to Bad") == 1
    assert len(listed.splitlines()) == len(re.findall("<article", page.read_text(encoding="utf-8"))) + 1


def test_a_model_without_predictions_has_no_report(finished: Deployment) -> None:
    publish_models(finished.site, finished.engine)
    assert not (finished.site.site_pages / "library").exists()
