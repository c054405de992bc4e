from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from hydra_core.base.errors import DataError
from hydra_core.base.files import TEMP_PREFIX
from hydra_core.report.paths import revision_href
from hydra_core.stages.archive import archive
from hydra_core.stages.fsck import fsck
from hydra_core.stages.strangers import Strangers
from hydra_core.stages.verify import verify
from hydra_core.store.schema import Pass, Revision, Verdict
from hydra_core.store.session import writing
from tests.small_deployment import BEAM, DARK, Deployment

pytestmark = pytest.mark.faults
ARCHIVED = f"archive/p/v1/0/{BEAM}-r1.h5"
PAGE = f"site/passes/p/v1/runs/{BEAM}/r1"


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def card_lost(path: Path) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({"cards": record["cards"][:-1]}), encoding="utf-8")


def an_old_rest(path: Path) -> None:
    path.write_bytes(b"half")
    os.utime(path, (time.time() - 86_400,) * 2)


DAMAGE: list[tuple[str, Callable[[Path], object], str]] = [
    (ARCHIVED, flip, "its SHA-256 is not the one that was recorded"),
    (ARCHIVED, cut, "its SHA-256 is not the one that was recorded"),
    (ARCHIVED, Path.unlink, "cannot be opened"),
    (ARCHIVED, lambda path: path.write_bytes(b""), "no HDF5 file"),
    (PAGE, shutil.rmtree, "cannot be read"),
    (f"{PAGE}/index.html", Path.unlink, "is missing"),
    (f"{PAGE}/run.json", Path.unlink, "cannot be read"),
    (f"{PAGE}/run.json", lambda path: path.write_text("[1]", encoding="utf-8"), "cannot be read"),
    (f"{PAGE}/run.json", card_lost, "6 items, 5 cards on its page"),
    ("archive/p/v1/0/99-r1.h5", lambda path: path.write_bytes(b"x"), "no run revision knows it"),
    (f"archive/p/v1/0/{BEAM}-r1.maps.h5", lambda path: path.write_bytes(b"x"), "no run revision knows it"),
    (f"archive/p/v1/0/deeper-{BEAM}-r1.h5", lambda path: path.write_bytes(b"x"), "no run revision knows it"),
    ("archive/p/lonely.h5", lambda path: path.write_bytes(b"x"), "no run revision knows it"),
    (f"archive/{TEMP_PREFIX}abc", an_old_rest, "left over from an unfinished write"),
]


@pytest.mark.parametrize(("name", "damage", "words"), DAMAGE)
def test_each_kind_of_damage_is_named(
    finished: Deployment, name: str, damage: Callable[[Path], object], words: str
) -> None:
    damage(finished.site.root / name)
    problems = fsck(finished.site, finished.engine).problems
    assert len(problems) == 1
    assert words in problems[0]
    assert f"run {BEAM} r1" in problems[0] or str(finished.site.root / name) in problems[0]


def test_a_pass_that_is_named_like_a_folder_of_another_keeps_its_files(finished: Deployment) -> None:
    names = {"q": 1000, "q/1000": 0}
    known: dict[str, set[Path]] = {}
    for name, run in names.items():
        file = finished.site.archive_file(name, run, 1)
        page = finished.site.site_pages / revision_href(name, run, 1)
        known[name] = {file, page}
        for path in (file, page / "run.json"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    strangers = Strangers(finished.site)
    assert [sentence for name in names for sentence in strangers.of_pass(name, known[name])] == []
    found = list(strangers.elsewhere())
    assert found
    assert all("/p/v1/" in sentence for sentence in found)


def test_a_picture_that_a_page_shows_and_a_page_that_nobody_knows_are_named(finished: Deployment) -> None:
    cards = json.loads((finished.site.root / PAGE / "run.json").read_text(encoding="utf-8"))["cards"]
    image = next(card["image"] for card in cards if card["image"])
    (finished.site.root / PAGE / image).unlink()
    shutil.copytree(finished.site.root / PAGE, finished.site.root / PAGE / ".." / "r9")
    problems = fsck(finished.site, finished.engine).problems
    assert any(image in one and f"run {BEAM} r1" in one for one in problems)
    assert any("r9" in one and "knows it" in one for one in problems)


def test_a_verdict_that_is_gone_is_named(finished: Deployment) -> None:
    writing(
        finished.engine, lambda connection: connection.execute(sa.delete(Verdict).where(Verdict.state == "no_data"))
    )
    assert fsck(finished.site, finished.engine).problems == (f"p/v1 run {BEAM} r1: 6 items, 5 verdicts",)
    assert verify(finished.context(BEAM)).differences == ("CDC:chunks chunk 4: no verdict was written",)


def test_a_count_that_somebody_changed_is_named(finished: Deployment) -> None:
    writing(finished.engine, lambda connection: connection.execute(sa.update(Pass).values(run_count=99)))
    (problem,) = fsck(finished.site, finished.engine).problems
    assert problem.startswith("99 runs of the pass p/v1 are counted, ")


def test_a_temporary_file_of_a_task_at_work_is_no_damage(finished: Deployment) -> None:
    (finished.site.root / "archive" / f"{TEMP_PREFIX}abc").write_bytes(b"half")
    assert fsck(finished.site, finished.engine).problems == ()


def test_looking_changes_nothing(finished: Deployment) -> None:
    flip(finished.site.root / ARCHIVED)
    rows, files = finished.rows(), finished.files()
    fsck(finished.site, finished.engine)
    with pytest.raises(DataError, match="SHA-256"):
        verify(finished.context(BEAM))
    assert (finished.rows(), finished.files()) == (rows, files)


def test_a_damaged_block_is_not_archived(after: Callable[[int, int], Deployment]) -> None:
    deployment = after(0, 4)
    block = deployment.site.staging("p/v1", BEAM, 1) / "block.h5"
    flip(block)
    with pytest.raises(DataError, match="is not what chunk_images wrote"):
        archive(deployment.context(BEAM))
    assert block.exists()
    assert not (deployment.site.root / ARCHIVED).exists()
    block.unlink()
    with pytest.raises(DataError, match="is missing or damaged"):
        archive(deployment.context(BEAM))


@pytest.mark.parametrize("percent", range(0, 100, 9))
@pytest.mark.parametrize("recorded", [True, False])
def test_a_damaged_block_is_named_and_the_others_are_looked_at(
    finished: Deployment, percent: int, recorded: bool
) -> None:
    path = finished.site.root / ARCHIVED
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * percent // 100])
    page = finished.site.root / f"site/passes/p/v1/runs/{DARK}/r1/index.html"
    page.unlink()
    if not recorded:
        # As if it had been written so: what is in it must be noticed too.
        change = sa.update(Revision).where(Revision.fingerprint.is_not(None)).values(block_sha=None)
        writing(finished.engine, lambda connection: connection.execute(change))
    problems = fsck(finished.site, finished.engine).problems
    assert len(problems) == 2
    assert [str(path) in one for one in problems] == [True, False]
    assert str(page) in problems[1]
