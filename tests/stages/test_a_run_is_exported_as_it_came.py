from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.errors import DatabaseError, DataError, HydraError
from hydra_core.base.files import sha256_file
from hydra_core.base.names import PlotKey
from hydra_core.cli.main import main
from hydra_core.intake.block import BlockItem
from hydra_core.intake.histograms.histogram import Axis, Histogram, Ratio
from hydra_core.intake.histograms.reader import read_histograms, read_many
from hydra_core.intake.naming import ParsedName, parse_path
from hydra_core.stages.context import block_file
from hydra_core.stages.export import Names, export_run
from hydra_core.stages.export_bins import BinFiles
from hydra_core.stages.fsck import fsck
from hydra_core.stages.rebuild import rebuild
from hydra_core.store.items import bury_items, load_items
from hydra_core.store.ledger import newest_revision
from hydra_core.store.session import reading, writing
from tests.small_deployment import BEAM, Deployment, a_plot
from tests.store_samples import sqlite_copy

pytestmark = pytest.mark.stages

Make = Callable[[str], Deployment]


def manifest_of(out: Path) -> dict:
    return json.loads((out / "manifest.json").read_text(encoding="utf-8"))


def test_images_come_back_byte_for_byte_with_a_manifest_of_all(finished: Deployment, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = export_run(finished.context(BEAM), out)
    assert (done.revision, done.images, done.histograms, done.without) == (1, 4, 0, 2)
    told = manifest_of(out)
    assert (told["pass"], told["run"], told["revision"]) == ("p/v1", BEAM, 1)
    assert told["provenance"]["conditions"]["target"] == "LH2"
    assert told["block"]["sha256"] == sha256_file(finished.site.archive_file("p/v1", BEAM, 1))
    assert {item["status"] for item in told["items"]} == {"ok", "unreadable"}
    for item in told["items"]:
        if item["status"] != "ok":
            assert item["image"] is None
            assert item["reason"]
            continue
        source = finished.site.intake / item["source"]
        assert (out / item["image"]).read_bytes() == source.read_bytes()
        assert sha256_file(out / item["image"]) == item["sha256"] == item["source_sha256"]
        assert (out / item["image"]).stat().st_mtime_ns == source.stat().st_mtime_ns
    assert told["items"][4]["verdict"] == {"class": "NoData", "state": "no_data", "severity": 3}
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert files == {"manifest.json", *(item["image"] for item in told["items"] if item["image"])}


def test_what_is_exported_can_be_read_in_again(finished: Deployment, tmp_path: Path) -> None:
    export_run(finished.context(BEAM), tmp_path / "out")
    images = tmp_path / "out" / "images"
    for item in manifest_of(tmp_path / "out")["items"]:
        if item["image"]:
            found = parse_path(PurePosixPath(item["image"]).relative_to("images"))
            assert isinstance(found, ParsedName)
            assert (found.run, found.plot, found.chunk) == (BEAM, PlotKey(item["plot"], item["chunked"]), item["chunk"])
            assert (images.parent / item["image"]).is_file()


def test_plot_types_are_chosen_by_a_pattern(finished: Deployment, tmp_path: Path) -> None:
    assert export_run(finished.context(BEAM), tmp_path / "rich", plots="R?CH").images == 1
    assert {item["plot"] for item in manifest_of(tmp_path / "rich")["items"]} == {"RICH"}
    assert export_run(finished.context(BEAM), tmp_path / "none", plots="rich").images == 0


def test_an_earlier_revision_is_exported_as_it_was(finished: Deployment, tmp_path: Path) -> None:
    finished.put(BEAM, "CDC_0001.png", a_plot(9), second=5)
    finished.want(BEAM)
    finished.work(BEAM)
    assert export_run(finished.context(BEAM), tmp_path / "new").images == 5
    assert export_run(finished.context(BEAM), tmp_path / "old", revision=1).images == 4
    with pytest.raises(DatabaseError, match="has no revision 3"):
        export_run(finished.context(BEAM), tmp_path / "never", revision=3)
    assert not (tmp_path / "never").exists()


def test_a_deleted_image_has_its_sentence_and_no_file(finished: Deployment, tmp_path: Path) -> None:
    from hydra_core.intake.block import Block, write_block
    from hydra_core.stages.keeping import without
    from hydra_core.store.ledger import update_revision

    with reading(finished.engine) as connection:
        revision = newest_revision(connection, finished.row.id, BEAM)
        assert revision is not None
        first = load_items(connection, revision.id)[0]
    path = block_file(finished.context(BEAM), revision)
    with Block.open(path) as block:
        sha = write_block(path, without(block, {0: "grew old"}), block.attributes)
    writing(finished.engine, lambda connection: bury_items(connection, {first.id: "grew old"}))
    writing(finished.engine, lambda connection: update_revision(connection, revision.id, block_sha=sha))
    assert export_run(finished.context(BEAM), tmp_path / "out").without == 3
    entry = manifest_of(tmp_path / "out")["items"][0]
    assert (entry["status"], entry["tombstone"], entry["image"]) == ("ok", "grew old", None)


def test_nothing_is_written_over_and_a_damaged_block_leaves_nothing(finished: Deployment, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(HydraError, match="is there already"):
        export_run(finished.context(BEAM), out)
    path = finished.site.archive_file("p/v1", BEAM, 1)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"11-r1\.h5"):
        export_run(finished.context(BEAM), tmp_path / "other")
    assert [one.name for one in tmp_path.iterdir() if "other" in one.name] == []


def test_the_command_says_where_and_how_many(
    finished: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--site", str(finished.site.folder), "archive", "export", "p/v1", str(BEAM)]) == 0
    assert (tmp_path / "hydra-export-p_v1-11" / "manifest.json").is_file()
    assert "4 images, 0 histograms in hydra-export-p_v1-11" in capsys.readouterr().out


def an_item(plot: PlotKey, chunk: int | None) -> BlockItem:
    return BlockItem(plot, chunk, "ok")


HOSTILE = st.text(max_size=40) | st.sampled_from(["..", "../../x", "/etc/passwd", "a/../b", "CON", "a//b", ".", "-x"])


@given(st.lists(st.tuples(HOSTILE, st.none() | st.integers(0, 99999)), max_size=20, unique=True))
def test_hostile_names_stay_inside_and_no_two_meet(places: list[tuple[str, int | None]]) -> None:
    names = Names()
    found = [names.image(7, an_item(PlotKey(name, chunk is not None), chunk), b"\x89PNG....") for name, chunk in places]
    assert all(path.parts[:2] == ("images", "Run000007") and len(path.parts) > 2 for path in found)
    assert all(".." not in path.parts and not path.is_absolute() for path in found)
    assert len({str(path).casefold() for path in found}) == len(found)


_PART = st.from_regex(r"[A-Z][a-zA-Z0-9]{0,20}", fullmatch=True).filter(
    lambda part: not re.match(r"run|(con|prn|aux|nul|com[0-9]|lpt[0-9])$", part, re.IGNORECASE)
)


@given(st.lists(_PART, min_size=1, max_size=4), st.integers(0, 9999))
def test_harmless_names_are_read_back_as_they_were(parts: list[str], chunk: int) -> None:
    plot = PlotKey("/".join(parts), True)
    place = Names().image(121264, an_item(plot, chunk), b"\xff\xd8\xff")
    found = parse_path(place.relative_to("images"))
    assert isinstance(found, ParsedName)
    assert (found.run, found.plot, found.chunk) == (121264, plot, chunk)


def histograms() -> dict[tuple[str, int | None], Histogram]:
    rng = np.random.default_rng(1)
    x, y = Axis(np.array([0.0, 1.0, 3.0]), "t [ns]"), Axis.regular(3, 0, 1, "φ")
    sums = Ratio(rng.random(2) * 5, np.array([2.0, 0.0]), rng.random(2))
    return {
        ("CDC/straw", 0): Histogram("CDC/straw", "Straws", x, None, rng.random(2), 5.0, variances=rng.random(2)),
        ("CDC/straw", 1): Histogram("CDC/straw", "Straws", x, None, rng.random(2), 7.0),
        ("CDC", 0): Histogram("CDC", "Map", x, y, rng.random((2, 3)), 9.0),
        ("CDC/straw/values", 0): Histogram("CDC/straw/values", "", x, None, rng.random(2), 1.0),
        (".", 0): Histogram(".", "", Axis.named(("a", "µ")), None, rng.random(2), 1.0),
        ("../up", 0): Histogram("../up", "", x, None, rng.random(2), 1.0),
        ("mean", None): Histogram("mean", "", x, None, sums.quotient(), 2.0, kind="profile", ratio=sums),
    }


def test_bin_contents_are_read_back_by_our_own_reader(tmp_path: Path) -> None:
    written = histograms()
    with BinFiles(tmp_path) as bins:
        places = {key: bins.add(PlotKey(key[0], key[1] is not None), key[1], hist) for key, hist in written.items()}
    assert {file for file, _ in places.values()} == {"chunk_0000.h5", "chunk_0001.h5", "once_a_run.h5"}
    assert places["CDC/straw", 0] == ("chunk_0000.h5", "CDC/straw")
    assert len(set(places.values())) == len(places)
    files = sorted({file for file, _ in places.values()})
    contents = dict(zip(files, read_many(tmp_path, [(PurePosixPath(file), None) for file in files]), strict=True))
    assert [content.problem for content in contents.values()] == [""] * len(contents)
    for key, hist in written.items():
        file, group = places[key]
        found = next(one.hist for one in contents[file].histograms if one.path == group)
        assert np.array_equal(found.values, hist.values, equal_nan=True)
        assert np.array_equal(found.x.edges, hist.x.edges)
        assert (found.title, found.x.title, found.x.labels, found.kind, found.entries) == (
            hist.title,
            hist.x.title,
            hist.x.labels,
            hist.kind,
            hist.entries,
        )
        assert (found.y is None) == (hist.y is None)
        if hist.variances is not None:
            assert found.variances is not None
            assert np.array_equal(found.variances, hist.variances)
        if hist.ratio is not None:
            assert found.ratio is not None
            assert np.array_equal(found.ratio.numerator, hist.ratio.numerator)
            assert found.ratio.squares is not None


@given(st.lists(HOSTILE, max_size=12, unique=True))
def test_groups_of_hostile_names_do_not_meet(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    hist = Histogram("x", "\0\ud800", Axis.regular(2, 0, 1), None, np.zeros(2), 0.0)
    with BinFiles(tmp_path_factory.mktemp("bins")) as bins:
        found = [bins.add(PlotKey(name, True), 3, hist) for name in names]
    assert len(set(found)) == len(names)


def test_histograms_of_a_run_come_back_with_their_numbers(make: Make, tmp_path: Path) -> None:
    deployment = make("here")
    source = {key: hist for key, hist in histograms().items() if key == ("CDC", 0)}
    with BinFiles(tmp_path / "made") as bins:
        for (name, chunk), hist in source.items():
            bins.add(PlotKey(name, True), chunk, hist)
    deployment.put(BEAM, "hists_0000.h5", (tmp_path / "made" / "chunk_0000.h5").read_bytes())
    deployment.want(BEAM)
    deployment.work(BEAM)
    done = export_run(deployment.context(BEAM), tmp_path / "out")
    assert (done.images, done.histograms) == (1, 1)
    entry = next(item for item in manifest_of(tmp_path / "out")["items"] if item["histogram"])
    assert entry["plot"] == "hists/CDC"
    assert (tmp_path / "out" / entry["image"]).read_bytes().startswith(b"\x89PNG")
    folder, name = entry["histogram"]["file"].split("/")
    (found,) = read_histograms(tmp_path / "out" / folder, PurePosixPath(name)).histograms
    assert found.path == entry["histogram"]["group"] == "hists/CDC"
    assert np.array_equal(found.hist.values, source["CDC", 0].values)


@pytest.mark.real_data
def test_real_images_come_back_byte_for_byte_also_from_a_rebuilt_database(make: Make, tmp_path: Path) -> None:
    deployment = make("here")
    sources = sorted((Path(os.environ["HYDRA_REAL_DATA"]) / "png_suite").glob("*.png"))
    for source in sources:
        deployment.put(BEAM, source.name, source.read_bytes())
    deployment.want(BEAM)
    deployment.work(BEAM)
    done = export_run(deployment.context(BEAM), tmp_path / "out")
    # Two plot types are listed in plots.toml and missing.
    assert done.images + done.without == len(sources) + 2
    entries = manifest_of(tmp_path / "out")["items"]
    assert done.images > 100
    for item in entries:
        if item["image"]:
            assert (tmp_path / "out" / item["image"]).read_bytes() == (
                deployment.site.intake / item["source"]
            ).read_bytes()
    deployment.engine.dispose()
    for path in deployment.site.root.glob("hydra.sqlite*"):
        path.unlink()
    with sqlite_copy(deployment.site.root / "hydra.sqlite") as engine:
        renewed = replace(deployment, engine=engine)
        assert rebuild(renewed.site, engine, lambda _line: None).problems == ()
        export_run(renewed.context(BEAM), tmp_path / "again")
        assert manifest_of(tmp_path / "again")["items"] == entries
        assert fsck(renewed.site, engine).problems == ()
