from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydra_core.base.errors import HydraError
from hydra_core.config.groups import PlotGroup
from hydra_core.config.load import load_site
from hydra_core.config.plots import PlotClass, PlotType
from hydra_core.config.site import Person
from hydra_core.moving.foreign import name_of, words_of
from hydra_core.moving.site_files import SiteFiles, check_room, site_files, write_site_files

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
_NAME = _TEXT.map(lambda text: name_of(text, 40)).filter(lambda found: not found[1]).map(lambda found: found[0])
SITE = '[site]\nname = "a"\nexperiment = "A"\n[paths]\ndata_root = "data"\n'


@settings(max_examples=60)
@given(names=st.lists(_NAME, min_size=1, max_size=4, unique=True), text=_TEXT)
def test_any_name_and_any_words_come_back(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], text: str
) -> None:
    folder = tmp_path_factory.mktemp("site")
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    words = words_of(text)
    classes = [PlotClass(name=name, colour="#123456") for name in names if name != "Ignore"]
    plots = [
        PlotType(name=name, chunked=chunked, description=words, contact=words)
        for name in names
        for chunked in (True, False)
        if not name.endswith(":chunks")
    ]
    groups = [PlotGroup(name=names[0], plots=(f"{names[0]}:run",))]
    people = [Person(name=name, accounts=(name,), roles=()) for name in names]
    files = site_files(classes, plots, groups, people)
    check_room(folder, files)
    write_site_files(folder, files)
    site = load_site(folder)
    assert not classes or list(site.plots.classes) == classes
    assert list(site.plots.plots) == plots
    assert list(site.plots.groups) == groups
    assert list(site.people.people) == people


def _small() -> SiteFiles:
    return site_files([], [PlotType(name="CDC")], [], [])


def test_the_same_files_may_be_written_again(tmp_path: Path) -> None:
    write_site_files(tmp_path, _small())
    check_room(tmp_path, _small())
    write_site_files(tmp_path, _small())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["people.toml", "plots.toml"]


@pytest.mark.parametrize("there", [b"", b"[[plot]]\n", b"\xff\xfe"])
def test_other_files_are_left_alone(tmp_path: Path, there: bytes) -> None:
    (tmp_path / "people.toml").write_bytes(there)
    with pytest.raises(HydraError, match="is not overwritten"):
        check_room(tmp_path, _small())
    assert (tmp_path / "people.toml").read_bytes() == there


def test_a_file_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    plots = [PlotType(name=str(number), description="x" * 4000) for number in range(1100)]
    with pytest.raises(HydraError, match="would be larger than"):
        check_room(tmp_path, site_files([], plots, [], []))
