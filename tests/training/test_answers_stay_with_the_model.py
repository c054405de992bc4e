from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydra_core.base.errors import DataError
from hydra_core.base.files import sha256_bytes
from hydra_core.models import answers as module
from hydra_core.models.answers import Answers, answers_of, image_ids
from hydra_core.models.engine import load
from hydra_core.models.spec import ANSWERS_FILE
from hydra_core.models.thresholds import Policy, by_policy
from hydra_core.models.trusted import read_answers
from tests.forged_models import edit_card, put

pytestmark = pytest.mark.training


def some(n: int = 4, sides: tuple[int, ...] = (0, 0, 1, 1)) -> Answers:
    probs = np.tile(np.array([[0.75, 0.25]], np.float32), (n, 1))
    ids = image_ids([str(number) for number in range(n)])
    runs, truth = np.arange(n, dtype=np.int64), np.zeros(n, np.int16)
    return Answers(("Bad", "Good"), ids, runs, truth, np.array(sides, np.uint8), probs)


def arrays(of: Answers) -> dict[str, Any]:
    with np.load(io.BytesIO(of.to_bytes()), allow_pickle=False) as archive:
        return dict(archive)


def test_the_answers_of_a_training_are_those_of_its_engine(trained: Any) -> None:
    found = read_answers(trained.result.folder)
    card, sides = trained.result.card, trained.result.split.sides
    assert found is not None
    for side in ("validation", "test"):
        which = np.flatnonzero(sides == side)
        held = found.on(side)
        assert [bytes(row).hex() for row in held.images] == [sha256_bytes(trained.hashes[i].encode()) for i in which]
        assert held.runs.tolist() == [trained.groups[i] for i in which]
        assert [card.classes[c] for c in held.truth] == [trained.class_names[i] for i in which]
        engine = load(trained.result.folder, threads=1)
        assert np.allclose(engine.predict(trained.images[which]).probs, held.probs, atol=1e-4)


def test_a_policy_can_be_tried_without_training_again(trained: Any) -> None:
    found = read_answers(trained.result.folder)
    assert found is not None
    for name, kept in trained.result.card.thresholds.items():
        assert by_policy(found, name, Policy()) == kept


def test_what_was_written_is_read_again() -> None:
    again = answers_of(arrays(some()))
    assert again.classes == ("Bad", "Good")
    assert again.to_bytes() == some().to_bytes()
    assert (len(again.on("validation").truth), len(again.on("test").truth)) == (2, 2)
    assert len(answers_of(arrays(some(0, ()))).truth) == 0


def test_a_sha_stays_and_any_other_text_is_hashed() -> None:
    sha = sha256_bytes(b"plot")
    assert [bytes(row).hex() for row in image_ids([sha, "plot"])] == [sha, sha]


def test_of_too_many_answers_an_even_selection_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 51 * 10)
    kept = answers_of(arrays(some(100, (0,) * 100)))
    assert kept.runs.tolist() == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]


def changed(**values: Any) -> dict[str, Any]:
    return {**arrays(some()), **values}


@pytest.mark.parametrize(
    ("damaged", "cause"),
    [
        (changed(classes=np.array([1, 2])), "names no classes"),
        (changed(probs=np.ones((4, 2), np.float32)), "no probability"),
        (changed(probs=np.full((4, 2), np.nan, np.float32)), "no probability"),
        (changed(probs=np.tile(np.array([[-1.0, 2.0]], np.float32), (4, 1))), "no probability"),
        (changed(probs=np.ones((4, 2), np.float64) / 2), "probs is float64"),
        (changed(truth=np.full(4, 2, np.int16)), "true class"),
        (changed(truth=np.full(4, -1, np.int16)), "true class"),
        (changed(sides=np.full(4, 2, np.uint8)), "neither validation nor test"),
        (changed(images=np.zeros((4, 31), np.uint8)), "images is uint8"),
        (changed(runs=np.zeros(3, np.int64)), "runs is int64"),
    ],
)
def test_answers_that_cannot_be_are_refused(damaged: dict[str, Any], cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        answers_of(damaged)


def compressed(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    return stream.getvalue()


def pickled(_: bytes) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **{**arrays(some()), "runs": np.array([{}, {}, {}, {}], dtype=object)})
    return stream.getvalue()


@pytest.mark.parametrize(
    "damage",
    [compressed, pickled, lambda data: data[:-30], lambda _: b"", lambda _: some().to_bytes()],
    ids=["compressed", "pickled", "cut", "empty", "of other classes"],
)
def test_a_file_of_another_form_is_refused_though_its_hash_fits(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    put(folder, ANSWERS_FILE, damage((folder / ANSWERS_FILE).read_bytes()))
    with pytest.raises(DataError, match=r"answers\.npz"):
        read_answers(folder)
    with pytest.raises(DataError, match=r"answers\.npz"):
        load(folder, threads=1)


def test_an_altered_file_is_found(folder: Path) -> None:
    (folder / ANSWERS_FILE).write_bytes(some().to_bytes())
    with pytest.raises(DataError, match="SHA-256 differs"):
        read_answers(folder)


def test_a_model_without_answers_is_taken_as_it_is(folder: Path) -> None:
    (folder / ANSWERS_FILE).unlink()
    edit_card(folder, lambda card: card["files"].pop(ANSWERS_FILE))
    assert read_answers(folder) is None
    assert load(folder, threads=1).card is not None


def test_other_probabilities_are_of_the_same_images() -> None:
    half = some().with_probs(np.full((4, 2), 0.5))
    assert half.probs.dtype == np.float32
    assert np.array_equal(half.images, some().images)
    assert replace(half, probs=some().probs).to_bytes() == some().to_bytes()
