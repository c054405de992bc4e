"""``hydra try`` finds out by itself what the paths of a folder mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.errors import HydraError
from hydra_core.intake.guess import Layout, guess_layout
from hydra_core.intake.labels_csv import read_labels_csv
from hydra_core.intake.listing import read_listing, write_listing
from hydra_core.intake.naming import ParsedName, Unmatched, plot_name_problem
from hydra_core.intake.scan import scan


def guess(names: Sequence[str], folder: str = "plots", **how: object) -> Layout:
    return guess_layout([PurePosixPath(name) for name in names], folder, **how)  # type: ignore[arg-type]


def place(layout: Layout, path: str) -> tuple[int | None, str, int | None]:
    name = layout.assign(PurePosixPath(path))
    assert isinstance(name, ParsedName), name
    return name.run, name.plot.name, name.chunk


def test_the_default_rules_come_first() -> None:
    names = [
        f"RunPeriod-2026-01/ver01/Run{run:06d}/{plot}_{chunk:04d}.png"
        for run in (1, 2)
        for plot in "AB"
        for chunk in (1, 2)
    ]
    layout = guess([*names, "RunPeriod-2026-01/metadata.json"])
    assert layout.kind == "rules"
    assert place(layout, names[-1]) == (2, "B", 2)


def test_the_folder_s_own_name_may_be_the_run() -> None:
    assert place(guess(["CDC_0001.png", "trigger.png"], "Run050001"), "CDC_0001.png") == (50001, "CDC", 1)


def test_numbers_shared_by_folders_are_runs_and_folders_plot_types() -> None:
    layout = guess([f"{plot}/{run}.png" for plot in ("lms", "ped") for run in range(100, 110)])
    assert (layout.kind, place(layout, "ped/103.png")) == ("run-in-name", (103, "ped", None))


def test_names_shared_by_folders_are_plot_types_and_folders_runs() -> None:
    layout = guess([f"camp/{geometry}/{name}.png" for geometry in ("b10", "b9") for name in ("eta", "phi", "pt_0002")])
    assert layout.kind == "folder-is-run"
    assert place(layout, "camp/b9/eta.png") == (1, "eta", None)
    assert place(layout, "camp/b10/pt_0002.png") == (2, "pt", 2)


def test_chunks_of_several_plot_types_in_one_folder_are_one_run() -> None:
    layout = guess([f"{plot}_{chunk:04d}.png" for plot in "AB" for chunk in range(3)])
    assert (layout.kind, place(layout, "B_0002.png")) == ("one-run", (1, "B", 2))


def test_images_without_runs_are_cut_into_blocks_in_name_order() -> None:
    layout = guess([f"img{number}.png" for number in range(1, 121)], "flat")
    assert layout.kind == "blocks"
    assert place(layout, "img2.png") == (1, "flat", 2)
    assert place(layout, "img51.png") == (2, "flat", 1)
    assert place(layout, "img120.png") == (3, "flat", 20)
    assert place(guess([f"img{number}.png" for number in range(1, 121)], block=100), "img120.png")[0] == 2


def test_folders_are_plot_types_unless_the_labels_say_that_they_are_classes() -> None:
    names = [f"{kind}/{number}{kind}.png" for kind in ("Ring", "Spot") for number in range(30)]
    assert place(guess(names, "maps"), "Spot/3Spot.png") == (1, "Spot", 4)
    layout = guess(names, "maps", labels={name: name.split("/")[0] for name in names})
    assert layout.class_level == 0
    assert {name.plot.name for name in layout.names.values()} == {"maps"}
    assert {name.run for name in layout.names.values()} == {1, 2}
    assert len({(name.run, name.chunk) for name in layout.names.values()}) == 60


def test_a_plot_type_and_a_run_pattern_can_be_given() -> None:
    names = [f"day/shot-{number}-x_0003.png" for number in (7, 8)]
    layout = guess(names, run_pattern=r"shot-(\d+)", plot_type="camera")
    assert place(layout, names[1])[:2] == (8, "camera")
    one = guess(
        [f"a/{number}.png" for number in range(3)] + [f"b/x{number}.png" for number in range(3)], plot_type="all"
    )
    assert {name.plot.name for name in one.names.values()} == {"all"}
    assert len({(name.run, name.chunk) for name in one.names.values()}) == 6


def test_what_does_not_fit_is_left_out_with_a_reason_and_told() -> None:
    layout = guess([*(f"lms/run_{run}.png" for run in range(1, 20)), "lms/overview.png", "lms/.tmp.png", "runs.csv"])
    for name, words in (
        ("lms/overview.png", "does not fit"),
        ("lms/.tmp.png", "hidden"),
        ("runs.csv", "not an image"),
        ("late.png", "was not there"),
    ):
        found = layout.assign(PurePosixPath(name))
        assert isinstance(found, Unmatched)
        assert words in found.reason
    assert any("2 files left out" in line for line in layout.explain())


def test_the_explanation_names_the_rule_the_counts_an_example_and_the_flags() -> None:
    text = "\n".join(guess([f"lms/run_{run}.png" for run in (5, 6)]).explain())
    for words in (
        "naming rules",
        "2 images, 1 plot type, 2 runs (5 to 6)",
        "lms/run_5.png",
        "--plot-type",
        "--run-pattern",
        "--block",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"run_pattern": "("}, "regular expression"),
        ({"run_pattern": "x"}, "no group"),
        ({"run_pattern": "(zzz)"}, "no path"),
        ({"plot_type": " "}, "--plot-type"),
        ({"block": 0}, "--block"),
    ],
)
def test_a_flag_that_cannot_work_is_explained(how: dict[str, object], words: str) -> None:
    with pytest.raises(HydraError, match=words) as caught:
        guess(["a.png"], **how)
    assert caught.value.next_step


def test_a_folder_without_images_is_explained() -> None:
    with pytest.raises(HydraError, match="no PNG"):
        guess(["a.txt", "b.csv"])


@given(
    st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=12), min_size=1, max_size=8),
    st.text(max_size=12),
)
def test_any_names_get_a_place_or_a_reason(names: list[str], folder: str) -> None:
    paths = [PurePosixPath(f"{name}.png") for name in names]
    layout = guess_layout([*paths, PurePosixPath("sound.png")], folder)
    assert layout.explain()
    assert all(isinstance(layout.assign(path), ParsedName | Unmatched) for path in paths)
    for name in layout.names.values():
        assert name.run is not None
        assert name.run > 0
        assert plot_name_problem(name.plot.name) == ""


def test_a_layout_can_be_written_as_a_listing_and_scanned(tmp_path: Path) -> None:
    source = tmp_path / "maps"
    source.mkdir()
    names = [f"ä{number}.png" for number in range(7)]
    for name in names:
        (source / name).write_bytes(b"x")
    layout = guess(names, "maps", block=3)
    write_listing(tmp_path / "listing.jsonl", layout.names)
    listing = read_listing(tmp_path / "listing.jsonl")
    (source / "late.png").write_bytes(b"x")
    found = scan(source, listing)
    assert [len(run.files) for run in found.runs] == [3, 3, 1]
    assert [run.run_name for run in found.runs] == ["block 1", "block 2", "block 3"]
    assert [(file.relative, file.reason) for file in found.unmatched] == [
        ("late.png", "the listing does not name this file")
    ]
    assert scan(source, layout.assign).runs[0].files[0].parsed.plot.name == "maps"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1"),
        ('\n{"file": "a.png", "run": 0, "plot": "x"}', "line 2: run"),
        ('{"file": "../a.png", "run": 1, "plot": "x"}', "leaves"),
        ('{"file": "a.png", "run": 1, "plot": ""}', "empty"),
        ('{"file": "a.png", "plot": "x"}', "needs a run or a run_name"),
        ('{"file": "a.png", "run": 1, "plot": "x", "bogus": 1}', "bogus"),
        ("\udcff", "UTF-8"),
    ],
)
def test_a_bad_listing_is_explained(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "listing.jsonl"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(HydraError, match=words):
        read_listing(path)


def histograms(
    names: Sequence[str], folder: str = "files"
) -> tuple[str, list[tuple[int | None, str, str, int | None]]]:
    layout = guess(names, folder)
    found = [layout.names[PurePosixPath(name)] for name in names]
    assert all(name.reads == "histograms" for name in found)
    return layout.kind, [(name.run, name.run_name, name.plot.name, name.chunk) for name in found]


@pytest.mark.parametrize(
    ("names", "folder", "kind", "first"),
    [
        (["run_300366.root", "run_300367.root"], "root", "rules", (300366, "300366", "", None)),
        (["CalibResult_iter1.root"], "run23899", "rules", (23899, "23899", "CalibResult_iter1", None)),
        (["hd_root_050001_003.root", "hd_root_050002.root"], "x", "histograms-numbered", (50001, "050001", "", 3)),
        (["b/dirs-6.14.00.h5", "b/issue70.root"], "x", "histograms-items", (1, "b/dirs-6.14.00.h5", "", None)),
        (["a_10.root", "b_9.root"], "x", "histograms-items", (1, "a_10.root", "", None)),
    ],
)
def test_files_of_histograms_are_runs_by_number_or_by_name(
    names: list[str], folder: str, kind: str, first: tuple[int, str, str, int | None]
) -> None:
    found_kind, found = histograms(names, folder)
    assert (found_kind, found[0]) == (kind, first)


def test_files_of_one_run_in_several_folders_keep_their_histograms_apart() -> None:
    _, found = histograms(["lms/run_5.root", "ped/run_5.root"])
    assert [plot for _, _, plot, _ in found] == ["lms", "ped"]


def test_images_and_histograms_of_one_run_come_together() -> None:
    layout = guess(["Run5/a_1.png", "Run5/hd_root.root", "Run6/a_1.png"])
    assert (layout.kind, layout.histogram_kind) == ("rules", "rules")
    assert {name.run for name in layout.names.values()} == {5, 6}


def test_runs_that_are_merely_counted_are_not_mixed_up_with_others() -> None:
    layout = guess(["img1.png", "img2.png", "odd.root", "other.root"])
    assert [layout.names[PurePosixPath(name)].run for name in ("img1.png", "odd.root", "other.root")] == [1, 2, 3]
    layout = guess(["img1.png", "img2.png", "run_7.root"])
    assert [layout.names[PurePosixPath(name)].run for name in ("img1.png", "run_7.root")] == [8, 7]


def test_a_run_pattern_holds_for_files_of_histograms_as_well() -> None:
    layout = guess(["day/shot-7-x.root", "day/shot-8.png"], run_pattern=r"shot-(\d+)", plot_type="camera")
    assert place(layout, "day/shot-7-x.root")[:2] == (7, "")
    assert place(layout, "day/shot-8.png")[:2] == (8, "camera")


def test_the_explanation_counts_files_of_histograms() -> None:
    text = "\n".join(guess(["img1.png", "a.root", "b.h5"]).explain())
    assert "1 images, 1 plot type, 2 files of histograms, 3 runs (1 to 3)." in text
    assert "each file of histograms is a run of its own" in text


def test_a_listing_may_name_files_of_histograms_and_runs_without_numbers(tmp_path: Path) -> None:
    path = tmp_path / "listing.jsonl"
    path.write_text(
        '{"file": "a.root", "run_name": "first"}\n{"file": "b.root", "run": 2, "plot": "hd"}\n'
        '{"file": "Z\u00e4hler.png", "run": 2, "plot": "x"}\n',
        encoding="utf-8",
    )
    listing = read_listing(path)
    first, second = (listing(PurePosixPath(name)) for name in ("a.root", "b.root"))
    assert isinstance(first, ParsedName)
    assert isinstance(second, ParsedName)
    assert (first.run, first.run_name, first.plot.name, first.reads) == (None, "first", "", "histograms")
    assert (second.run, second.run_name, second.plot.name) == (2, "2", "hd")
    assert isinstance(listing(PurePosixPath("Za\u0308hler.png")), ParsedName)


def test_a_layout_of_histograms_can_be_written_as_a_listing(tmp_path: Path) -> None:
    layout = guess(["odd.root", "other.h5", "run_7_3.root"], "x")
    write_listing(tmp_path / "listing.jsonl", layout.names)
    names = read_listing(tmp_path / "listing.jsonl").names
    for path, name in layout.names.items():
        again = names[path]
        assert (again.run, again.run_name, again.plot, again.chunk, again.reads) == (
            name.run,
            name.run_name,
            name.plot,
            name.chunk,
            name.reads,
        )


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_a_labels_table_is_read_in_its_order(tmp_path: Path) -> None:
    path = table(tmp_path, 'size,file , label\n1,b/x.png,Bad\n2,"a,b.png", Good \n2,"a,b.png",Good\n', "utf-8-sig")
    assert read_labels_csv(path) == [("b/x.png", "Bad"), ("a,b.png", "Good")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "columns file and label"),
        ("name,label\na,b\n", "columns file and label"),
        ("file,label\n../x.png,Bad\n", "line 2.*leaves"),
        ("file,label\n/etc/passwd,Bad\n", "leaves"),
        ("file,label\nx.png\n", "label is empty"),
        ("file,label\n,Bad\n", "file is empty"),
        ("file,label\nx.png,=cmd|' /C calc'!A0\n", "formula"),
        ("file,label\nx.png,@SUM(1)\n", "formula"),
        ("file,label\nx.png," + "x" * 41 + "\n", "cannot be a class"),
        ("file,label\nx.png,Good\nx.png,Bad\n", "two labels"),
        ('file,label\n"x.png,Good\n', "not a table"),
    ],
)
def test_a_bad_labels_table_is_explained(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(HydraError, match=words) as caught:
        read_labels_csv(table(tmp_path, text))
    assert "labels.csv" in str(caught.value)
    assert caught.value.next_step


def test_a_labels_table_that_is_no_text_or_not_there_is_explained(tmp_path: Path) -> None:
    with pytest.raises(HydraError, match="UTF-8"):
        read_labels_csv(table(tmp_path, "file,label\nx.png,Zähler\n", "latin-1"))
    with pytest.raises(HydraError, match="cannot be read"):
        read_labels_csv(tmp_path / "none.csv")


def real(folder: Path) -> Layout:
    files = [PurePosixPath(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    table = folder / "labels.csv"
    # The table of one folder speaks of runs, not of files.
    by_file = table.exists() and table.read_text(encoding="utf-8").startswith("file,")
    return guess_layout(files, folder.name, labels=dict(read_labels_csv(table)) if by_file else None)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("folder", "kind", "plots", "runs", "class_level"),
    [
        ("csc_1d_runs", "rules", {""}, 360, None),
        ("halld_hallc_eic_histograms", "histograms-items", {""}, 16, None),
        ("root_corner_cases", "histograms-items", {""}, 50, None),
        ("chamber_2d_540", "histograms-items", {""}, 1, None),
        ("hallb_calorimeter_maps", "rules", {"lms_mean", "ped_sigma"}, 115, None),
        ("wafer_maps", "blocks", {"wafer_maps"}, 21, 0),
        ("spectrogram_plots", "blocks", {"spectrogram_1.0s"}, 1, 1),
        ("png_suite", "blocks", {"png_suite"}, 4, None),
    ],
)
def test_real_folders_are_understood(
    real_data: Path, folder: str, kind: str, plots: set[str], runs: int, class_level: int | None
) -> None:
    layout = real(real_data / folder)
    names = layout.names.values()
    assert (layout.kind, layout.class_level, layout.left_out) == (kind, class_level, {})
    assert {name.plot.name for name in names} == plots
    assert len({name.run for name in names}) == runs
    assert len({(name.run, name.plot, name.chunk) for name in names}) == len(names)
