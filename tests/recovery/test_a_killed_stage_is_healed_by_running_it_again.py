from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Connection, Engine

from hydra_core.stages.fsck import fsck
from tests.small_deployment import BEAM, STAGES, Deployment

pytestmark = pytest.mark.recovery


class Killed(BaseException):
    """What a kill looks like from inside: no handler may take it for an error."""


def beforehand(_: Callable[..., Any]) -> Callable[..., Any]:
    def killed(*_arguments: Any, **_more: Any) -> Any:
        raise Killed

    return killed


def afterwards(real: Callable[..., Any]) -> Callable[..., Any]:
    def killed(*arguments: Any, **more: Any) -> Any:
        real(*arguments, **more)
        raise Killed

    return killed


def within(real: Callable[..., Any]) -> Callable[..., Any]:
    """Do the work of a transaction and be killed before it is kept."""

    def writing(engine: Engine, work: Callable[[Connection], Any], **more: Any) -> Any:
        return real(engine, afterwards(work), **more)

    return writing


#: Where a stage may be killed: number of the stage, module, function, when.
BOUNDARIES: list[tuple[int, str, str, Callable[[Callable[..., Any]], Callable[..., Any]]]] = [
    (0, "chunk_images", "collect_items", afterwards),
    (0, "chunk_images", "write_block", afterwards),
    (0, "chunk_images", "writing", within),
    (0, "chunk_images", "writing", afterwards),
    (1, "classify", "look", afterwards),
    (1, "classify", "writing", within),
    (1, "classify", "writing", afterwards),
    (2, "judge", "writing", beforehand),
    (2, "judge", "writing", within),
    (2, "judge", "writing", afterwards),
    (3, "heatmap", "keep_maps", beforehand),
    (3, "heatmap", "keep_maps", afterwards),
    (3, "wanted_maps", "writing", within),
    (4, "archive", "sha256_file", afterwards),
    (4, "archive", "_keep", afterwards),
    (4, "archive", "writing", within),
    (4, "archive", "writing", afterwards),
    (4, "archive", "remove_staging", beforehand),
    (5, "publish", "write_run_page", beforehand),
    (5, "publish", "write_run_page", afterwards),
    (5, "publish", "writing", within),
    (5, "publish", "writing", afterwards),
    (5, "publish", "publish_index", afterwards),
    (5, "publish", "publish_front", afterwards),
]


@pytest.mark.parametrize(
    ("stage", "module", "name", "when"), BOUNDARIES, ids=[f"{one[1]}-{one[2]}-{one[3].__name__}" for one in BOUNDARIES]
)
def test_a_kill_changes_nothing_in_the_end(
    after: Callable[[int, int], Deployment],
    stage: int,
    module: str,
    name: str,
    when: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> None:
    undisturbed = after(len(STAGES), len(STAGES))
    end = undisturbed.rows(), undisturbed.files()
    deployment = after(len(STAGES), stage)
    where = importlib.import_module(f"hydra_core.stages.{module}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, name, when(getattr(where, name)))
        with pytest.raises(Killed):
            deployment.work(BEAM, STAGES[stage : stage + 1])
    deployment.work(BEAM, STAGES[stage:])
    assert (deployment.rows(), deployment.files()) == end
    assert fsck(deployment.site, deployment.engine).problems == ()


def test_a_copy_that_fails_leaves_the_only_block_where_it_was(after: Callable[[int, int], Deployment]) -> None:
    deployment = after(0, 4)
    block = deployment.site.staging("p/v1", BEAM, 1) / "block.h5"
    data = block.read_bytes()

    def full(_source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "copyfile", full)
        with pytest.raises(OSError, match="No space left"):
            deployment.work(BEAM, STAGES[4:5])
    assert block.read_bytes() == data
    assert [path for path in (deployment.site.root / "archive").rglob("*") if path.is_file()] == []
    deployment.work(BEAM, STAGES[4:])
    assert fsck(deployment.site, deployment.engine).problems == ()
