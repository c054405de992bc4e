"""What ROOT keeps of a histogram is what comes out: bins, edges, labels, sums; every kind of name; the newest cycle."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

from hydra_core.intake.histograms.content import ReadLimits
from hydra_core.intake.histograms.reader import FileContent, Worker, read_histograms, read_many
from tests.histogram_files import EXPECTED, RootMaker, compare_with_uproot, forget_keys

Read = Callable[..., FileContent]


@pytest.mark.parametrize(
    ("dtype", "class_name"), [("i1", "TH1C"), ("i2", "TH1S"), ("i4", "TH1I"), ("f4", "TH1F"), ("f8", "TH1D")]
)
def test_bins_are_read_without_those_below_and_above(root: RootMaker, read: Read, dtype: str, class_name: str) -> None:
    axis = root.axis([0, 1, 10, 100], "Energy [MeV]")
    root.file({"h": root.th1(np.array([9, 1, 2, 3, 8], dtype=dtype), axis, title="Deposit")})
    content = read()
    (found,) = content.histograms
    assert (found.path, found.class_name, found.hist.name, found.hist.title) == ("h", class_name, "h", "Deposit")
    assert found.hist.values.tolist() == [1, 2, 3]
    assert found.hist.x.edges.tolist() == [0, 1, 10, 100]
    assert found.hist.x.title == "Energy [MeV]"
    assert found.hist.entries == 23
    assert (found.hist.y, found.hist.variances, found.hist.ratio, found.hist.kind) == (None, None, None, "counts")
    assert (content.problem, content.problems, content.left) == ("", (), 0)
    assert len(content.sha256) == 64
    assert content.peak_mb > 0


def test_the_first_index_of_a_map_is_x(root: RootMaker, read: Read) -> None:
    values = np.zeros((4, 5))  # two bins in y, three in x
    values[1, 1:4] = [1, 2, 3]
    values[2, 1:4] = [4, 5, 6]
    values[0, :] = values[:, 0] = 77
    root.file({"m": root.th2(values, root.axis([0, 1, 2, 3]), root.axis([0, 5, 20], name="yaxis"))})
    (found,) = read().histograms
    assert found.class_name == "TH2D"
    assert found.hist.values.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert found.hist.y is not None
    assert found.hist.y.edges.tolist() == [0, 5, 20]


def test_squared_errors_are_read_where_they_are_kept(root: RootMaker, read: Read) -> None:
    root.file({"h": root.th1([0.0, 4.0, 9.0, 0.0], squares=[0, 16, 81, 0])})
    variances = read().histograms[0].hist.variances
    assert variances is not None
    assert variances.tolist() == [16, 81]


def test_a_label_belongs_to_the_bin_of_its_number(root: RootMaker, read: Read) -> None:
    axis = root.axis([0, 1, 2, 3], labels={3: "third", 1: "first", 99: "no bin"})
    root.file({"h": root.th1([0.0, 5.0, 6.0, 7.0, 0.0], axis)})
    assert read().histograms[0].hist.x.labels == ("first", "", "third")


def test_a_profile_keeps_its_sums_and_is_nan_where_nothing_was_filled(root: RootMaker, read: Read) -> None:
    root.file({"p": root.profile([0, 6, 0, 0], [0, 2, 0, 0], [0, 20, 0, 0])})
    hist = read().histograms[0].hist
    assert hist.kind == "profile"
    assert hist.values[0] == 3
    assert np.isnan(hist.values[1])
    assert hist.ratio is not None
    assert hist.ratio.squares is not None
    assert (hist.ratio.numerator[0], hist.ratio.denominator[0], hist.ratio.squares[0]) == (6, 2, 20)
    # The spread is 20 / 2 - 3 * 3 = 1; the mean of two is known half as badly.
    assert hist.variances is not None
    assert hist.variances[0] == 0.5


def test_what_was_still_in_the_buffer_of_the_producer_is_filled(root: RootMaker, read: Read) -> None:
    buffer = np.array([3, 1.0, 0.5, 2.0, 1.5, 1.0, 99.0], dtype=">f8")
    root.file({"h": root.th1([0.0, 0.0, 0.0, 0.0], fBufferSize=len(buffer), fBuffer=buffer)})
    content = read()
    assert content.problem == ""
    assert content.histograms[0].hist.values.tolist() == [1, 2]


def test_contents_that_are_no_number_are_kept(root: RootMaker, read: Read) -> None:
    root.file({"h": root.th1([0, np.nan, np.inf, -np.inf, 0.0])})
    values = read().histograms[0].hist.values
    assert np.isnan(values[0])
    assert values[1:].tolist() == [np.inf, -np.inf]


def test_an_empty_histogram_is_read_too(root: RootMaker, read: Read) -> None:
    root.file({"h": root.th1(np.zeros(5))})
    content = read()
    assert content.problem == ""
    assert content.histograms[0].hist.entries == 0


def test_equal_names_in_different_folders_stay_apart(root: RootMaker, read: Read) -> None:
    root.file({"a/h": root.th1([0, 1.0, 0]), "b/h": root.th1([0, 2.0, 0]), "a/deep/er/h": root.th1([0, 3.0, 0])})
    found = {one.path: one.hist.values[0] for one in read().histograms}
    assert found == {"a/h": 1, "b/h": 2, "a/deep/er/h": 3}


def test_the_newest_cycle_of_a_name_counts(root: RootMaker, read: Read, tmp_path: Path) -> None:
    import uproot

    root.file({})
    with uproot.update(tmp_path / "file.root") as file:
        for value in (1.0, 2.0, 3.0):
            file["h"] = root.th1([0, value, 0])
    with uproot.open(tmp_path / "file.root") as file:
        assert len(file.keys()) > 1
    assert [(one.path, one.hist.values[0]) for one in read().histograms] == [("h", 3)]


@pytest.mark.parametrize("kind", ["TList", "THashList"])
def test_histograms_in_a_list_are_found_by_the_name_of_the_list(root: RootMaker, read: Read, kind: str) -> None:
    members = [root.th1([0, value, 0.0], name=name) for name, value in (("a", 1.0), ("b", 2.0), ("a", 3.0), ("", 4.0))]
    root.file({"folder/all": root.list_of(*members, kind=kind)})
    found = {one.path: one.hist.values[0] for one in read().histograms}
    assert found == {"folder/all/a": 1, "folder/all/b": 2, "folder/all/a#2": 3, "folder/all/unnamed": 4}


def test_lists_in_lists_and_other_things_in_them_are_looked_through(root: RootMaker, read: Read) -> None:
    from uproot.writing import identify

    inner = identify.to_TList([root.th1([0, 1.0, 0], name="h")], "inner")
    root.file({"all": root.list_of(inner, identify.to_TObjString("note"))})
    content = read()
    assert [one.path for one in content.histograms] == ["all/inner/h"]
    assert content.skipped == {"TObjString": 1}


@pytest.mark.parametrize("name", ["a/b", "a:b", "a->b", "a{b", "a#b", "a;b", "a;1", "a b", "a*b", "a\\b", ";;;", "..."])
def test_a_key_may_have_any_name(root: RootMaker, read: Read, tmp_path: Path, name: str) -> None:
    kept = b"@" * len(name)
    path = root.file({kept.decode(): root.th1([0, 1.0, 0])}, compression=None)
    path.write_bytes(path.read_bytes().replace(kept, name.encode()))
    content = read()
    assert content.problems == ()
    assert [(one.path, one.hist.values.tolist()) for one in content.histograms] == [(name, [1])]


def test_a_name_with_a_slash_is_told_from_a_folder(root: RootMaker, read: Read) -> None:
    path = root.file({"a/b": root.th1([0, 1.0, 0]), "@@@": root.th1([0, 2.0, 0])}, compression=None)
    path.write_bytes(path.read_bytes().replace(b"@@@", b"a/b"))
    assert sorted((one.path, one.hist.values[0]) for one in read().histograms) == [("a/b", 1), ("a/b#2", 2)]


def test_characters_that_cannot_be_seen_are_written_out(root: RootMaker, read: Read) -> None:
    path = root.file({"@@@": root.th1([0, 1.0, 0], title="two\nlines")}, compression=None)
    path.write_bytes(path.read_bytes().replace(b"@@@", b"a\x07\xb5"))
    (found,) = read().histograms
    assert found.path == "a\\x07µ"
    assert found.hist.title == "two lines"


def test_patterns_choose_what_is_read(root: RootMaker, read: Read) -> None:
    names = ("CDC/time/a", "CDC/time/b", "CDC/occupancy", "FDC/time")
    members = root.list_of(root.th1([0, 1.0, 0], name="x"), root.th1([0, 1.0, 0], name="time"))
    root.file({name: root.th1([0, 1.0, 0]) for name in names} | {"CDC/list": members})
    content = read(take=("CDC/*",), leave=("*/b", "*occ*"))
    assert [one.path for one in content.histograms] == ["CDC/time/a", "CDC/list/x", "CDC/list/time"]
    assert content.left == 3
    assert read(take=("*/time",)).left == 4
    assert read(take=("nothing",)).problem == "the patterns leave all of its 6 histograms"


def test_objects_that_are_not_drawn_are_counted_by_class(root: RootMaker, read: Read) -> None:
    root.file({"t": {"x": np.arange(3)}, "u": {"x": np.arange(3)}, "note": "text", "h3": np.histogramdd(np.eye(3))})
    content = read()
    assert content.skipped == {"ROOT::RNTuple": 2, "TH3D": 1, "TObjString": 1}
    assert content.problem == "it holds no histogram, only 2 ROOT::RNTuple, 1 TObjString, 1 TH3D"


def test_a_file_that_was_never_closed_is_told_from_an_empty_one(root: RootMaker, read: Read) -> None:
    path = root.file({})
    assert read().problem == "it holds no histogram and nothing else"
    root.file({"h": root.th1([0, 1.0, 0])})
    path.write_bytes(forget_keys(path.read_bytes()))
    assert read().problem == "it was never closed by its producer, or is still being written"


def test_objects_that_no_folder_knows_show_that_the_file_was_not_closed(root: RootMaker, read: Read) -> None:
    path = root.file({"h": root.th1([0, 1.0, 0])})
    path.write_bytes(forget_keys(path.read_bytes(), count_only=True))
    assert read().problem == "it was never closed by its producer, or is still being written"


def test_a_cut_file_says_how_much_is_there(root: RootMaker, read: Read) -> None:
    path = root.file({"h": root.th1(np.arange(500.0))})
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[: size // 2])
    assert read().problem == f"it is cut: {size // 2} of its {size} bytes are there"


def test_a_broken_object_leaves_the_others(root: RootMaker, read: Read) -> None:
    names = ("one", "two", "three")
    path = root.file(
        {name: root.th1(np.arange(9.0), name=name, title=f"the {name}") for name in names}, compression=None
    )
    data = path.read_bytes()
    # The title is in the head of the key, in the histogram, and once more among the keys.
    place = data.index(b"the two", data.index(b"the two") + 1)
    path.write_bytes(data[:place] + b"\xff" * 60 + data[place + 60 :])
    content = read()
    assert [one.path for one in content.histograms] == ["one", "three"]
    assert [(one.path, one.class_name) for one in content.problems] == [("two", "TH1D")]
    assert str(path) not in content.problems[0].reason
    assert "\n" not in content.problems[0].reason


@pytest.mark.parametrize(
    ("edges", "reason"), [([5, 5], "no range yet"), ([2, 1, 0], "strictly increasing"), ([0, np.nan, 2], "finite")]
)
def test_an_impossible_axis_is_a_problem_of_its_histogram(root: RootMaker, read: Read, edges: Any, reason: str) -> None:
    from uproot.writing import identify

    axis = identify.to_TAxis("xaxis", "", 1, *edges) if len(edges) == 2 else root.axis(edges)
    root.file({"bad": root.th1(np.zeros(len(edges) + 1), axis), "good": root.th1([0, 1.0, 0])})
    content = read()
    assert [one.path for one in content.histograms] == ["good"]
    assert reason in content.problems[0].reason


def test_a_histogram_with_too_many_bins_is_a_problem(root: RootMaker, read: Read) -> None:
    root.file({"large": root.th1(np.zeros(1002)), "small": root.th1(np.zeros(12))})
    content = read(limits=ReadLimits(max_bins=999))
    assert [one.path for one in content.histograms] == ["small"]
    assert content.problems[0].reason == "it has 1000 bins, more than the limit of 999"


def test_histograms_beyond_the_limit_are_counted(root: RootMaker, read: Read) -> None:
    root.file({f"h{number}": root.th1([0, 1.0, 0]) for number in range(5)})
    content = read(limits=ReadLimits(max_histograms=3))
    assert len(content.histograms) == 3
    assert [one.reason for one in content.problems] == ["2 more histograms were not read: the limit is 3 a file"]
    listed = root.list_of(*(root.th1([0, 1.0, 0], name=str(number)) for number in range(5)))
    root.file({"all": listed})
    content = read(limits=ReadLimits(max_histograms=3))
    assert len(content.histograms) == 3
    assert "more than 3 histograms" in content.problems[0].reason


def test_contents_that_take_too_much_room_are_cut_off(root: RootMaker, read: Read) -> None:
    root.file({f"h{number}": root.th1(np.random.default_rng(number).random(60_002)) for number in range(5)})
    content = read(limits=ReadLimits(max_content_mb=1))
    assert len(content.histograms) == 2
    assert content.problems[-1].reason == "the rest of the file was not read: its contents take more than 1 MB"


@pytest.mark.real_data
def test_real_files_give_what_uproot_finds_in_them(real_data: Path, worker: Worker) -> None:
    folder = real_data / "root_corner_cases"
    rows = list(csv.DictReader((folder / EXPECTED).read_text(encoding="utf-8").splitlines()))
    contents = read_many(folder, [(PurePosixPath(row["file"]), None) for row in rows], worker=worker)
    found = [compare_with_uproot(row, content) for row, content in zip(rows, contents, strict=True)]
    assert len(found) > 40
    assert [one for one in found if not one.is_explained] == []


@pytest.mark.real_data
def test_an_efficiency_of_a_real_file_is_passed_over_total(real_data: Path, read: Read, worker: Worker) -> None:
    folder = real_data / "root_corner_cases" / "scikit-hep-testdata"
    content = read_histograms(folder, PurePosixPath("uproot-issue38c.root"), worker=worker)
    found = {one.path: one.hist for one in content.histograms}
    efficiency = found["TEfficiencyName"]
    assert efficiency.kind == "efficiency"
    assert efficiency.ratio is not None
    assert efficiency.ratio.numerator.tolist() == found["h_num"].values.tolist()
    assert efficiency.ratio.denominator.tolist() == found["h_den"].values.tolist()
    filled = efficiency.ratio.denominator > 0
    assert set(efficiency.values[filled]) == {0.5}
    assert np.isnan(efficiency.values[~filled]).all()
