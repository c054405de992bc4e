"""Whatever a file is called: no exception, nothing outside the source, no rule that never ends."""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hydra_core.intake.explain import explain_file, summarise
from hydra_core.intake.naming import Naming, ParsedName, Unmatched, file_plot, histogram_plot, parse_path
from hydra_core.intake.presets import PRESETS, preset_rules
from hydra_core.intake.scan import scan

STRANGE = ["..", ".", "/", "//", "-x", "\0", "\n", "\u202e", "\u200f", "\ud800", "a" * 300, "{0}", "%s", "$(id)"]
TWINS = ["Zähler", unicodedata.normalize("NFD", "Zähler"), "RICH", "Rich", "pipeline-{run}", "'; DROP TABLE x;.png"]
USUAL = ["Run1", "run_2", "5038", "x.png", "hd_root_7.root", "clas12mon_7_11-05-2018_09.41.07_PM", "pipelines"]
PARTS = st.sampled_from([*STRANGE, *TWINS, *USUAL, "hydra_7_page1_pad1_x.png"])
PATHS = st.lists(PARTS | st.text(max_size=20), max_size=6).map("/".join)
EVERY = Naming(preset_rules(list(PRESETS)))


@given(PATHS, st.sampled_from(sorted(PRESETS)))
def test_any_path_gets_a_name_or_a_reason(path: str, preset: str) -> None:
    relative = PurePosixPath(path)
    found = parse_path(relative, PRESETS[preset].rules)
    if isinstance(found, Unmatched):
        assert found.reason
        return
    assert ".." not in relative.parts
    assert not relative.is_absolute()
    assert found.run is None or 0 < found.run < 2**31
    assert 0 < len(found.run_name) <= 190
    for text in (found.run_name, found.plot.name, *found.facts.values()):
        assert unicodedata.normalize("NFC", text) == text
        assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)
    assert file_plot(found, relative).name
    assert histogram_plot(found, "a/b")


@given(PATHS)
def test_a_name_does_not_depend_on_how_its_letters_are_composed(path: str) -> None:
    # Of a letter alone the forms may differ in more than composition; those of whole words are what matters.
    one, other = (parse_path(PurePosixPath(unicodedata.normalize(form, path)), EVERY.rules) for form in ("NFC", "NFD"))
    if isinstance(one, ParsedName) and isinstance(other, ParsedName):
        assert (one.run, one.run_name, one.plot, one.chunk) == (other.run, other.run_name, other.plot, other.chunk)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PATHS)
def test_any_path_can_be_explained(tmp_path: Path, path: str) -> None:
    found = explain_file(tmp_path, PurePosixPath(path), EVERY)
    assert found.taken == isinstance(found.found, ParsedName)
    assert all(trial.outcome for trial in found.trials)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=5, unique=True))
def test_any_file_in_a_folder_is_taken_once_or_listed_with_a_reason(
    tmp_path_factory: pytest.TempPathFactory, names: list[bytes]
) -> None:
    root = tmp_path_factory.mktemp("source")
    (root / "Run5").mkdir()
    made = 0
    for name in names:
        if b"/" not in name and b"\0" not in name and name not in (b".", b"..", b"metadata.json"):
            Path(os.fsdecode(os.fsencode(root / "Run5") + b"/" + name)).write_bytes(b"x")
            made += 1
    found = scan(root)
    taken = [file.relative for run in found.runs for file in run.files]
    assert len(taken) + len(found.unmatched) == made
    for relative in taken:
        assert (root / relative).resolve().is_relative_to(root.resolve())
    assert all(file.reason and file.relative.encode() for file in found.unmatched)
    summarise(found)


def fastest(work: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


UNITS = ["a/", "1/", "run1/", "Run1/", "run1.", "1_", "-1", "1_1-1", "a-1_1", "_", ".", "ver1/", "x_ver", "images/"]
UNITS += ["RunPeriod-1/", "1x1/", "minQ2=1/", "pipelines/pipeline-1/", "hydra_1_", "page1_pad1_", "hd_root_1"]
UNITS += ["clas12mon_1_"]


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_no_path_keeps_a_rule_busy_for_long(preset: object) -> None:
    # A pattern that goes wrong is slower by as many powers of two as the path has characters.
    rules = PRESETS[preset.name].rules  # type: ignore[attr-defined]
    letters = "ab/c1_" * 170
    once = fastest(lambda: [ord(letter) for letter in letters])
    for unit in UNITS:
        for end in (".png", "!.png", ".pn", ".root", "/1.png"):
            text = (unit * 1000)[: 1000 - len(end)] + end
            text = "/".join(part[at : at + 200] for part in text.split("/") for at in range(0, len(part), 200))
            relative = PurePosixPath(text[:900] + end)
            assert fastest(lambda path=relative: parse_path(path, rules)) < 10_000 * once, (unit, end)  # type: ignore[misc]
