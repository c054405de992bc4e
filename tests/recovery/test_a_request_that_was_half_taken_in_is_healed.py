"""A request that was half taken in when its task was killed is taken in whole by the next one."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from hydra_core.config.site import Site
from hydra_core.labels import inbox
from hydra_core.labels.inbox import receive
from tests.request_samples import BY_KIND, EFFECTS, TOF, a_database, a_site, decision, decisions, left, take
from tests.store_samples import RICH

pytestmark = pytest.mark.recovery


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return a_site(tmp_path)


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    with a_database(site) as engine:
        yield engine


class Killed(BaseException):
    """What a kill looks like from inside."""


CIRCLE = decisions(decision(TOF, "rename", RICH), decision(RICH, "rename", TOF))
STEPS = ["check_request", "write_bytes", "save_request", "decide_types", "save_kept", "writing", "unlink"]


@pytest.mark.parametrize(
    "request_file",
    [
        *(BY_KIND[kind][0] for kind in ("plot_type", "pin", "gold", "promote")),
        decisions(decision(TOF, "rename", TOF)),
        CIRCLE,
    ],
    ids=["decided", "pinned", "gold", "promoted", "refused", "circle"],
)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_each_step_is_healed_by_the_next_call(
    site: Site, engine: Engine, step: str, when: str, request_file: bytes
) -> None:
    owner, name = (Path, "unlink") if step == "unlink" else (inbox, step)
    real = getattr(owner, name)

    def killed(*arguments: Any, **more: Any) -> Any:
        if when == "after":
            real(*arguments, **more)
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, killed)
        with contextlib.suppress(Killed):
            take(site, engine, request_file, effects=EFFECTS)
    receive(site, engine, EFFECTS)
    healed = left(site, engine)
    (site.inbox / "request.json").write_bytes(request_file)
    receive(site, engine, EFFECTS)
    assert left(site, engine) == healed
    assert healed == undisturbed(request_file)


@functools.cache
def undisturbed(request_file: bytes) -> tuple[Any, ...]:
    with TemporaryDirectory() as folder:
        site = a_site(Path(folder))
        with a_database(site) as engine:
            take(site, engine, request_file, effects=EFFECTS)
            return left(site, engine)
