from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from hydra_core.base.clock import now
from hydra_core.base.names import PlotKey
from hydra_core.cli.main import main
from hydra_core.config.load import load_site
from hydra_core.labels.request import write_request
from hydra_core.stages import retrain as retrain_stage
from hydra_core.stages.claiming import BeingTrainedError, claimed
from hydra_core.stages.retrain import DueType, retrain
from hydra_core.store.items import load_items
from hydra_core.store.ledger import newest_revision
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import ClaimRow, claim_training, finish_claim, newest_claim
from hydra_core.store.session import reading, writing
from tests.request_samples import take
from tests.small_deployment import STAGES, Deployment, a_plot

CDC = PlotKey("CDC", True)
RUN = 11
TRAINING = "\n[training]\nmin_labels = 4\nmin_new = 2\n"
#: What a living owner does, as far as others can see.
HOLD = """
import sys
from pathlib import Path
from hydra_core.base.errors import HydraError
from hydra_core.base.lock import alone
with alone(Path(sys.argv[1]), HydraError("busy", next_step="wait")):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def made(make: Callable[[str], Deployment]) -> Deployment:
    """Return an archived run of six plots, with a label for four of them."""
    found = make("site")
    folder = found.site.folder
    with (folder / "site.toml").open("a", encoding="utf-8") as file:
        file.write(TRAINING)
    found = replace(found, site=load_site(folder))
    for chunk in range(6):
        found.put(RUN, f"CDC_{chunk:04d}.png", a_plot(chunk))
    found.want(RUN)
    found.work(RUN, STAGES[:-1])
    label(found, 0, 1, 2, 3)
    return found


def label(made: Deployment, *chunks: int) -> None:
    """Give some plots a label."""
    with reading(made.engine) as connection:
        revision = newest_revision(connection, made.row.id, RUN)
        assert revision is not None
        items = load_items(connection, revision.id)
    labels = [(str(CDC), str(item.sha256), "Good") for item in items if item.chunk in chunks]
    assert [one.refused for one in take(made.site, made.engine, write_request("Ada", now(), labels))] == [""]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[DueType]:
    """Return what retrain tasks begin to train; none of it comes to an end."""
    found: list[DueType] = []

    def begin(_site: object, _engine: object, due: DueType, _progress: object, *, threads: int) -> str:
        found.append(due)
        return f"{due.plot} from {due.mark}"

    monkeypatch.setattr(retrain_stage, "train_type", begin)
    return found


def number(made: Deployment) -> int:
    with reading(made.engine) as connection:
        return all_plot_types(connection)[CDC]


def claim(made: Deployment) -> ClaimRow | None:
    kind = number(made)
    with reading(made.engine) as connection:
        return newest_claim(connection, kind)


@contextmanager
def living_owner(made: Deployment) -> Iterator[subprocess.Popen[str]]:
    lock = made.site.models / CDC.slug / ".training.lock"
    command = [sys.executable, "-c", HOLD, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        try:
            yield owner
        finally:
            owner.kill()


def test_while_its_owner_lives_nobody_else_begins_it_and_after_a_kill_anybody_does(
    made: Deployment, trained: list[DueType]
) -> None:
    kind, heard = number(made), list[str]()
    writing(made.engine, lambda connection: claim_training(connection, kind, 4, "p/v1/4"))
    with living_owner(made) as owner:
        assert retrain(made.context(RUN), heard.append).line == "no plot type is due for a training"
        assert heard == [f"{CDC} is being trained by another process"]
        assert claim(made) == ClaimRow(4, "p/v1/4", "running", "")
        assert not trained
        owner.kill()
        owner.wait()
        retrain(made.context(RUN), heard.append)
    assert [due.mark for due in trained] == [4]
    assert claim(made) == ClaimRow(4, f"p/v1/{RUN}", "running", "")


def test_one_that_was_cut_off_is_begun_from_the_labels_of_now(made: Deployment, trained: list[DueType]) -> None:
    kind = number(made)
    writing(made.engine, lambda connection: claim_training(connection, kind, 4, "p/v1/4"))
    label(made, 4)
    retrain(made.context(RUN), lambda _line: None)
    assert [due.mark for due in trained] == [5]
    writing(made.engine, lambda connection: finish_claim(connection, kind, 5, "done", "it is live", None))
    assert retrain(made.context(RUN), lambda _line: None).line == "no plot type is due for a training"


def test_one_that_is_done_is_not_done_again(made: Deployment) -> None:
    kind = number(made)
    with claimed(made.site, made.engine, CDC, kind, 4, "p/v1/4") as wanted:
        assert wanted
        writing(made.engine, lambda connection: finish_claim(connection, kind, 4, "done", "it is live", None))
    with claimed(made.site, made.engine, CDC, kind, 4, "by hand") as wanted:
        assert not wanted


def test_two_by_hand_at_once_do_not_meet(made: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    with living_owner(made):
        with (
            pytest.raises(BeingTrainedError, match="being trained by another process"),
            claimed(made.site, made.engine, CDC, number(made), 4, "by hand"),
        ):
            pytest.fail("it is held")
        assert main(["--site", str(made.site.folder), "train", "CDC"]) != 0
        assert "is being trained by another process" in capsys.readouterr().err
