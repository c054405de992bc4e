from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hydra_core.intake.maps import StoredMap, read_maps
from hydra_core.stages import classify as classify_stage
from hydra_core.stages import missing_heat as missing_stage
from hydra_core.stages import wanted_maps
from hydra_core.stages.archive import archive
from hydra_core.stages.chunk_images import chunk_images
from hydra_core.stages.classify import classify
from hydra_core.stages.context import maps_file
from hydra_core.stages.handed_heat import hand_over
from hydra_core.stages.heatmap import heatmap
from hydra_core.stages.judge import judge
from hydra_core.store.ledger import RevisionRow, newest_revision, update_revision
from hydra_core.store.session import reading, writing
from tests.colours import BAD, GOOD, UNSURE, ColourNetwork, colour_network, go_live, plot
from tests.small_deployment import BEAM, Deployment


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


COLOURS = {0: GOOD, 1: BAD, 2: UNSURE, 3: GOOD, 4: BAD}


@pytest.fixture
def network(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment with a live model."""
    monkeypatch.setattr(classify_stage, "open_network", colour_network)
    monkeypatch.setattr(missing_stage, "open_network", colour_network)
    go_live(deployment, "colours")
    return deployment


@pytest.fixture
def chunked(network: Deployment) -> Deployment:
    """A run of five coloured plots, three of which will be flagged, with beam."""
    fill(network, b'{"beam_current_nA": 100}')
    return network


def fill(deployment: Deployment, conditions: bytes) -> None:
    deployment.put(BEAM, "metadata.json", conditions)
    for chunk, colour in COLOURS.items():
        deployment.put(BEAM, f"CDC_{chunk:04d}.png", plot(colour, chunk))
    deployment.want(BEAM)
    chunk_images(deployment.context(BEAM))


def revision_of(deployment: Deployment) -> RevisionRow:
    with reading(deployment.engine) as connection:
        found = newest_revision(connection, deployment.row.id, BEAM)
    assert found is not None
    return found


def kept(deployment: Deployment) -> list[Path]:
    return sorted(maps_file(deployment.context(BEAM), revision_of(deployment)).parent.glob("maps.*.h5"))


def maps_of_the_run(deployment: Deployment) -> dict[int, tuple[StoredMap, ...]]:
    revision = revision_of(deployment)
    return read_maps(maps_file(deployment.context(BEAM), revision), revision.maps_sha)


def no_network(*_: Any, **__: Any) -> ColourNetwork:
    raise AssertionError("a model was opened")


def same(one: dict[int, tuple[StoredMap, ...]], other: dict[int, tuple[StoredMap, ...]]) -> bool:
    def plain(found: dict[int, tuple[StoredMap, ...]]) -> dict[int, list[Any]]:
        return {key: [(m.class_name, m.kind, m.values.tolist()) for m in maps] for key, maps in found.items()}

    return plain(one) == plain(other)


def test_what_the_model_flags_has_its_maps_before_it_is_judged(
    chunked: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = chunked.context(BEAM)
    classify(context)
    judge(context)
    monkeypatch.setattr(missing_stage, "open_network", no_network)
    assert heatmap(context).images == 3
    assert [[one.kind for one in maps] for maps in maps_of_the_run(chunked).values()] == [
        ["contrast", "cam"],
        # The one that it cannot tell is called Good: there is no contrast of Good with Good.
        ["cam"],
        ["contrast", "cam"],
    ]


def test_the_judge_keeps_maps_that_are_all_there_so_that_no_other_job_is_needed(chunked: Deployment) -> None:
    context = chunked.context(BEAM)
    classify(context)
    assert judge(context).outputs == ("flagged", "bad", "maps_ready")
    by_judge = maps_of_the_run(chunked)
    assert len(by_judge) == 3
    heatmap(context)
    assert same(maps_of_the_run(chunked), by_judge)


def test_the_log_says_in_which_way_images_were_judged(chunked: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    ways = iter(["int8", "f32"])

    class Changing(ColourNetwork):
        """A network that gives up 8 bits after its first batch."""

        @property
        def way(self) -> str:
            return next(ways)

    monkeypatch.setattr(classify_stage, "open_network", lambda *_, **__: Changing())
    monkeypatch.setattr(classify_stage, "images_at_a_time", lambda _engine: 3)
    line = classify(chunked.context(BEAM)).line
    assert line.endswith("1 model, 2 judged in f32, 3 judged in int8")


def test_the_judge_asks_for_maps_where_one_is_missing(chunked: Deployment) -> None:
    context = chunked.context(BEAM)
    classify(context)
    lose(*kept(chunked))
    assert judge(context).outputs == ("flagged", "bad", "maps_missing")
    assert revision_of(chunked).maps_sha is None


@pytest.mark.parametrize("name", ["keep_maps", "write_maps", "update_revision"])
def test_a_judge_that_is_killed_while_it_keeps_maps_keeps_them_when_run_again(
    chunked: Deployment, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    context = chunked.context(BEAM)
    classify(context)

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(wanted_maps, name, killed)
        with pytest.raises(Killed):
            judge(context)
    assert judge(context).outputs == ("flagged", "bad", "maps_ready")
    assert len(maps_of_the_run(chunked)) == 3


def test_no_map_is_missing_where_no_network_flagged_anything(deployment: Deployment, network: Deployment) -> None:
    fill(network, b'{"beam_current_nA": 0}')
    classify(network.context(BEAM))
    assert judge(network.context(BEAM)).outputs == ("clean", "good", "maps_ready")
    assert revision_of(deployment).maps_sha is None


def lose(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [lose, cut, empty])
def test_maps_that_are_missing_or_damaged_are_made_again(chunked: Deployment, damage: Callable[[Path], None]) -> None:
    context = chunked.context(BEAM)
    classify(context)
    judge(context)
    heatmap(context)
    whole = maps_of_the_run(chunked)
    damage(*kept(chunked))
    heatmap(context)
    assert same(maps_of_the_run(chunked), whole)


def test_maps_of_another_judging_set_are_not_used(chunked: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    context = chunked.context(BEAM)
    classify(context)
    number = go_live(chunked, "colours-2", day=4)
    writing(chunked.engine, lambda c: update_revision(c, revision_of(chunked).id, judging_set_id=number))
    judge(context)
    monkeypatch.setattr(missing_stage, "open_network", no_network)
    with pytest.raises(AssertionError, match="a model was opened"):
        heatmap(context)


def test_maps_of_another_class_than_the_verdict_are_made_again(chunked: Deployment) -> None:
    context = chunked.context(BEAM)
    classify(context)
    judge(context)
    heatmap(context)
    whole = maps_of_the_run(chunked)
    wrong = (StoredMap("Strange", "cam", np.ones((2, 2), np.float32)),)
    hand_over(context, revision_of(chunked), dict.fromkeys(whole, wrong))
    heatmap(context)
    assert same(maps_of_the_run(chunked), whole)


def test_each_part_of_a_run_hands_over_its_own_maps(chunked: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    context = chunked.context(BEAM)
    for shard in (1, 0):
        classify(replace(context, shard=shard, shards=2))
    judge(context)
    monkeypatch.setattr(missing_stage, "open_network", no_network)
    assert heatmap(context).images == 3


def test_nothing_is_made_for_a_run_without_beam(network: Deployment) -> None:
    fill(network, b'{"beam_current_nA": 0}')
    classify(network.context(BEAM))
    assert kept(network) == []


def test_nothing_is_left_behind_when_the_run_is_archived(chunked: Deployment) -> None:
    context = chunked.context(BEAM)
    for stage in (classify, judge, heatmap):
        stage(context)
    folder = kept(chunked)[0].parent
    archive(context)
    assert not folder.exists()
    assert len(maps_of_the_run(chunked)) == 3


def test_finer_maps_take_the_place_of_coarse_ones(chunked: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[list[float]]] = []

    @dataclass(frozen=True)
    class Fine(ColourNetwork):
        def evidence(
            self, images: NDArray[np.uint8], weights: NDArray[np.floating[Any]], *_: Any
        ) -> NDArray[np.float32]:
            asked.append(weights.tolist())
            made = np.full((len(images), 6, 8), -1, np.float32)
            made[:, 4, 5] = 3
            return made

    monkeypatch.setattr(classify_stage, "open_network", lambda *_, **__: Fine())
    context = chunked.context(BEAM)
    for stage in (classify, judge, heatmap):
        stage(context)
    kept_maps = list(maps_of_the_run(chunked).values())
    assert [[one.kind for one in maps] for maps in kept_maps] == [["contrast"], ["cam"], ["contrast"]]
    assert all(one.values.shape == (6, 8) for maps in kept_maps for one in maps)
    assert kept_maps[0][0].values.argmax() == 4 * 8 + 5
    # Bad rather than Good, and Good alone.
    assert asked == [[[-1, 1], [1, 0], [-1, 1]]]


def test_a_head_of_the_site_gets_maps_that_hold_for_the_class(
    chunked: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass(frozen=True)
    class Whole(ColourNetwork):
        own_head: bool = True

        def evidence(self, images: NDArray[np.uint8], *_: Any) -> NDArray[np.float32]:
            return np.ones((len(images), 6, 8), np.float32)

    monkeypatch.setattr(classify_stage, "open_network", lambda *_, **__: Whole())
    context = chunked.context(BEAM)
    for stage in (classify, judge, heatmap):
        stage(context)
    assert [[one.kind for one in maps] for maps in maps_of_the_run(chunked).values()] == [
        ["contrast"],
        ["cam"],
        ["contrast"],
    ]
