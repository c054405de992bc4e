"""A group with the mark of the convention is a histogram; nothing outside the file is ever followed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hydra_core.intake.histograms.content import ReadLimits
from hydra_core.intake.histograms.reader import FileContent
from tests.histogram_files import hdf5_histogram as put

Read = Callable[..., FileContent]


def test_a_histogram_is_read_with_its_titles_and_errors(tmp_path: Path, read: Read) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        put(file, "CDC/h", [1, 2], title="Hits", x_title="Wire", entries=7, variances=[4.0, 9.0], x_edges=[0, 1, 10])
        put(file, "CDC/m", [[1.0, 2, 3]], y_title="Ring", y_edges=[0, 1, 2, 4.0])
    content = read("f.h5")
    assert (content.problem, content.problems) == ("", ())
    h, m = content.histograms
    assert (h.path, h.class_name, h.hist.name, h.hist.title, h.hist.x.title) == (
        "CDC/h",
        "group",
        "CDC/h",
        "Hits",
        "Wire",
    )
    assert h.hist.values.tolist() == [1, 2]
    assert h.hist.x.edges.tolist() == [0, 1, 10]
    assert h.hist.entries == 7
    assert h.hist.variances is not None
    assert h.hist.variances.tolist() == [4, 9]
    assert m.hist.values.shape == (1, 3)
    assert m.hist.entries == 6
    assert m.hist.y is not None
    assert (m.hist.y.title, m.hist.y.edges.tolist()) == ("Ring", [0, 1, 2, 4])


def test_labels_name_the_bins(tmp_path: Path, read: Read) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        put(file, "h", [1, 2], x_labels=["a", "ä"])
    assert read("f.h5").histograms[0].hist.x.labels == ("a", "ä")


def test_an_efficiency_is_the_quotient_of_its_sums(tmp_path: Path, read: Read) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        put(file, "e", [9.0, 9.0], kind="efficiency", numerator=[1, 0], denominator=[4, 0])
    hist = read("f.h5").histograms[0].hist
    assert hist.kind == "efficiency"
    assert hist.values[0] == 0.25
    assert np.isnan(hist.values[1])
    assert hist.entries == 4
    assert hist.ratio is not None
    assert hist.ratio.squares is None


def test_a_profile_keeps_its_squares(tmp_path: Path, read: Read) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        put(file, "p", [0.0], kind="profile", numerator=[6.0], denominator=[2.0], squares=[20.0])
    hist = read("f.h5").histograms[0].hist
    assert (hist.kind, hist.values.tolist()) == ("profile", [3])
    assert hist.ratio is not None
    assert hist.ratio.squares is not None
    assert hist.ratio.squares.tolist() == [20]


def test_compressed_contents_are_read(tmp_path: Path, read: Read) -> None:
    values = np.arange(5000)
    with h5py.File(tmp_path / "f.h5", "w") as file:
        group = put(file, "h", values)
        del group["values"]
        group.create_dataset("values", data=values, compression="gzip", shuffle=True)
    assert read("f.h5").histograms[0].hist.values.tolist() == values.tolist()


def test_a_file_that_begins_with_a_block_of_the_user_is_read(tmp_path: Path, read: Read) -> None:
    with h5py.File(tmp_path / "f.h5", "w", userblock_size=1024) as file:
        put(file, "h", [1, 2])
    assert len(read("f.h5").histograms) == 1


def _no_values(group: h5py.Group) -> None:
    del group["values"]


def _set(name: str, value: Any) -> Callable[[h5py.Group], None]:
    def change(group: h5py.Group) -> None:
        if name in group:
            del group[name]
        group[name] = value

    return change


def _attribute(name: str, value: Any) -> Callable[[h5py.Group], None]:
    return lambda group: group.attrs.__setitem__(name, value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_no_values, "it has no values"),
        (_set("values", [1.0]), "contents of shape"),
        (_set("values", "text"), "values is no array"),
        (_set("values", ["a", "b"]), "values is not made of numbers"),
        (_set("values", np.zeros((2, 2, 2))), "values has 3 dimensions"),
        (_set("x_edges", [0.0, 0.0, 1.0]), "strictly increasing"),
        (_set("x_edges", h5py.SoftLink("/elsewhere")), "x_edges is a link"),
        (_set("values", h5py.ExternalLink("/etc/passwd", "/")), "values is a link"),
        (_set("x_labels", ["only one"]), "2 bins but 1 labels"),
        (_set("variances", [1.0]), "an array of shape"),
        (_set("numerator", [1.0, 1.0]), "it has no denominator"),
        (_attribute("hydra_histogram", 2), "its hydra_histogram is 2, this version reads 1"),
        (_attribute("hydra_histogram", "x"), "its hydra_histogram is x"),
        (_attribute("hydra_histogram", [1, 1]), "its hydra_histogram is [1 1]"),
        (_attribute("kind", "other"), "its kind is 'other'"),
        (_attribute("entries", "many"), "could not convert"),
    ],
)
def test_a_group_against_the_convention_is_a_problem_with_a_reason(
    tmp_path: Path, read: Read, change: Callable[[h5py.Group], None], reason: str
) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        change(put(file, "bad", [1, 2]))
        put(file, "good", [1, 2])
    content = read("f.h5")
    assert [one.path for one in content.histograms] == ["good"]
    assert [one.path for one in content.problems] == ["bad"]
    assert reason in content.problems[0].reason


def test_no_link_is_followed(tmp_path: Path, read: Read) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        put(file, "h", [1, 2])
    with h5py.File(tmp_path / "f.h5", "w") as file:
        put(file, "h", [1, 2])
        file["soft"] = h5py.SoftLink("/h")
        file["dangling"] = h5py.SoftLink("/nowhere")
        file["outside"] = h5py.ExternalLink("other.h5", "/h")
        file["circle"] = file["/"]
        file["again"] = file["h"]
    content = read("f.h5")
    assert len(content.histograms) == 1
    assert content.skipped == {"link": 5}
    assert content.problems == ()


def test_contents_in_another_file_are_not_read(tmp_path: Path, read: Read) -> None:
    (tmp_path / "raw").write_bytes(np.array([5.0, 6.0]).tobytes())
    with h5py.File(tmp_path / "f.h5", "w") as file:
        group = put(file, "raw", [1.0, 2.0])
        del group["values"]
        group.create_dataset("values", (2,), "f8", external=[(str(tmp_path / "raw"), 0, 16)])
        group = put(file, "virtual", [1.0, 2.0])
        del group["values"]
        layout = h5py.VirtualLayout((2,), "f8")
        layout[:] = h5py.VirtualSource("other.h5", "x", (2,))
        group.create_virtual_dataset("values", layout)
    content = read("f.h5")
    assert content.histograms == ()
    assert [one.reason for one in content.problems] == ["values lies outside the file"] * 2


def test_a_large_dataset_is_refused_before_it_is_read(tmp_path: Path, read: Read) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        group = put(file, "h", [1, 2])
        del group["values"]
        group.create_dataset("values", (1 << 40,), "f8", chunks=(1 << 20,))
    content = read("f.h5", limits=ReadLimits(max_bins=1000))
    assert content.problems[0].reason == f"it has {1 << 40} bins, more than the limit of 1000"


def test_patterns_choose_what_is_read(tmp_path: Path, read: Read) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        for name in ("a/x", "a/y", "b/x"):
            put(file, name, [1, 2])
    content = read("f.h5", take=("a/*",), leave=("*y",))
    assert [one.path for one in content.histograms] == ["a/x"]
    assert content.left == 2


def test_a_file_without_the_mark_says_what_it_holds(tmp_path: Path, read: Read) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["group/data"] = [1, 2]
        file["data"] = [1, 2]
    assert read("f.h5").problem == "it holds no histogram, only 2 dataset"


def test_a_cut_file_and_one_that_is_still_written_say_so(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "f.h5"
    with h5py.File(path, "w") as file:
        put(file, "h", np.arange(1000))
    path.write_bytes(path.read_bytes()[:-100])
    assert read("f.h5").problem == "it is cut: its end is missing"
    with h5py.File(tmp_path / "open.h5", "w", libver="latest") as file:
        put(file, "h", [1, 2])
        file.flush()
        assert read("open.h5").problem == "it was never closed by its producer, or is still being written"


def test_groups_very_deep_are_a_problem_not_a_crash(tmp_path: Path, read: Read) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        put(file, "/".join("x" * 60) + "/h", [1, 2])
        put(file, "z", [1, 2])
    content = read("f.h5")
    assert [one.path for one in content.histograms] == ["z"]
    assert "more than 32 groups deep" in content.problems[0].reason
