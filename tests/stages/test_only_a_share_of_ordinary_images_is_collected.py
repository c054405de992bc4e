from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from hydra_core.base.clock import now
from hydra_core.intake.block import Block
from hydra_core.labels.inbox import receive
from hydra_core.labels.request import write_request
from hydra_core.stages import archive as archive_stage
from hydra_core.stages.archive import archive
from hydra_core.stages.context import block_file
from hydra_core.stages.fsck import fsck
from hydra_core.stages.keeping import draw_of
from hydra_core.stages.publish import publish_run
from hydra_core.stages.verify import verify
from hydra_core.store.items import ItemRow, load_items
from hydra_core.store.ledger import newest_revision
from hydra_core.store.session import reading
from tests.colours import CDC, COLOURS, ORDINARY, go_live, judge_by_colour, play, plot
from tests.small_deployment import STAGES, Deployment

pytestmark = pytest.mark.stages

RUN = 21
Make = Callable[[str], Deployment]


@pytest.fixture(autouse=True)
def coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    judge_by_colour(monkeypatch)


def collecting(deployment: Deployment, share: float) -> Deployment:
    """Return the deployment with a share of CDC's ordinary images to be kept."""
    types = tuple(
        one.model_copy(update={"collect": share}) if one.key == CDC else one for one in deployment.site.plots.plots
    )
    plots = deployment.site.plots.model_copy(update={"plots": types})
    return replace(deployment, site=deployment.site.model_copy(update={"plots": plots}))


def archived(deployment: Deployment) -> tuple[list[ItemRow], dict[int | None, bool]]:
    """Return the items of CDC, and whether the archive holds the image of each chunk."""
    with reading(deployment.engine) as connection:
        revision = newest_revision(connection, deployment.row.id, RUN)
        assert revision is not None
        items = [item for item in load_items(connection, revision.id) if item.plot == CDC]
    with Block.open(block_file(deployment.context(RUN), revision), revision.block_sha) as block:
        return items, {item.chunk: block.has_image(item.block_index) for item in items}


def judged(make: Make, share: float) -> Deployment:
    """Return a deployment whose run waits for the archive."""
    deployment = collecting(make("here"), share)
    go_live(deployment, "by-colour")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Deployment, "work", lambda *_: None)
        play(deployment, [RUN])
    deployment.work(RUN, STAGES[:4])
    return deployment


def test_what_needs_a_look_is_collected_and_the_page_shows_everything(make: Make) -> None:
    deployment = judged(make, 0)
    deployment.work(RUN, STAGES[4:])
    items, held = archived(deployment)
    assert [chunk for chunk, there in held.items() if not there] == list(ORDINARY)
    assert {item.tombstone for item in items if not held[item.chunk]} == {
        "not collected: 0 % of the ordinary images of this plot type are kept"
    }
    page = deployment.site.site_pages / f"passes/p/v1/runs/{RUN}/r1"
    cards = json.loads((page / "run.json").read_text(encoding="utf-8"))["cards"]
    assert [card["absence"] for card in cards] == [None] * len(cards)
    assert not list((deployment.site.root / "staging").rglob("*.h5"))
    assert fsck(deployment.site, deployment.engine).problems == ()
    assert verify(deployment.context(RUN)).differences == ()


def test_the_share_is_drawn_from_the_images_themselves(make: Make) -> None:
    deployment = judged(make, 0.5)
    deployment.work(RUN, STAGES[4:])
    items, held = archived(deployment)
    assert [held[item.chunk] for item in items] == [
        item.chunk not in ORDINARY or draw_of(item.sha256 or "") < 0.5 for item in items
    ]


def test_a_whole_share_leaves_the_block_as_it_was(make: Make) -> None:
    deployment = judged(make, 1)
    staged = (deployment.site.staging("p/v1", RUN, 1) / "block.h5").read_bytes()
    deployment.work(RUN, STAGES[4:])
    assert deployment.site.archive_file("p/v1", RUN, 1).read_bytes() == staged


def test_a_label_that_comes_before_the_archive_keeps_its_image(make: Make) -> None:
    deployment = judged(make, 0)
    deployment.site.inbox.mkdir()
    with reading(deployment.engine) as connection:
        revision = newest_revision(connection, deployment.row.id, RUN)
        assert revision is not None
        image = next(item.sha256 for item in load_items(connection, revision.id) if item.chunk == ORDINARY[1])
    request = write_request("Ada", now(), [("CDC:chunks", image or "", "Good")])
    (deployment.site.inbox / "label.json").write_bytes(request)
    assert [one.labels for one in receive(deployment.site, deployment.engine)] == [1]
    deployment.work(RUN, STAGES[4:])
    assert [chunk for chunk, there in archived(deployment)[1].items() if there] == [1, 3, 4]


def test_images_that_two_chunks_share_stay_while_one_of_them_needs_a_look(make: Make) -> None:
    deployment = collecting(make("here"), 0)
    go_live(deployment, "by-colour")
    deployment.put(RUN, "metadata.json", b'{"beam_current_nA": 100}')
    for chunk in (0, 1):
        deployment.put(RUN, f"CDC_{chunk:04d}.png", plot(COLOURS[0], 5))
    deployment.want(RUN)
    deployment.work(RUN)
    # The second is the very same image, which is stuck; the first is ordinary.
    items, held = archived(deployment)
    assert held == {0: False, 1: True}
    with reading(deployment.engine) as connection:
        revision = newest_revision(connection, deployment.row.id, RUN)
        assert revision is not None
    with Block.open(block_file(deployment.context(RUN), revision)) as block:
        assert block.data(items[1].block_index) == plot(COLOURS[0], 5)
    assert fsck(deployment.site, deployment.engine).problems == ()


class Killed(BaseException):
    """What a kill looks like from inside."""


@pytest.mark.parametrize("name", ["_write_thinned", "writing"])
def test_an_archive_task_that_is_killed_is_healed_by_running_it_again(make: Make, name: str) -> None:
    deployment = judged(make, 0)
    real = getattr(archive_stage, name)

    def killed(*arguments: object, **more: object) -> None:
        real(*arguments, **more)
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive_stage, name, killed)
        with pytest.raises(Killed):
            archive(deployment.context(RUN))
    archive(deployment.context(RUN))
    # The page is still to be written from the block with all its images.
    assert (deployment.site.staging("p/v1", RUN, 1) / "block.h5").exists()
    publish_run(deployment.context(RUN))
    assert [chunk for chunk, there in archived(deployment)[1].items() if there] == [3, 4]
    page = deployment.site.site_pages / f"passes/p/v1/runs/{RUN}/r1"
    cards = json.loads((page / "run.json").read_text(encoding="utf-8"))["cards"]
    assert [card["absence"] for card in cards] == [None] * len(cards)
    assert fsck(deployment.site, deployment.engine).problems == ()
