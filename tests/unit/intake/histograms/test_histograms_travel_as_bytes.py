"""A histogram comes out of its bytes as it went in; bytes that are none are refused, whatever they claim."""

from __future__ import annotations

import json
import math
import os
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hydra_core.base.errors import DataError
from hydra_core.intake.histograms import encode
from hydra_core.intake.histograms.collect import Collector
from hydra_core.intake.histograms.content import ReadLimits
from hydra_core.intake.histograms.encode import (
    decode_histogram,
    encode_histogram,
    pack_histogram,
    unpack_histogram,
)
from hydra_core.intake.histograms.frames import BadAnswer, FrameReader, Kind, TooMuch, write_frame, write_json
from hydra_core.intake.histograms.histogram import Axis, Geometry, Histogram, Ratio

TEXT = st.text(st.characters(codec=None), max_size=20)


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    """Draw an axis, of equal or other widths, with or without labels."""
    bins = draw(st.integers(1, 6))
    title = draw(TEXT)
    if draw(st.booleans()):
        return Axis.regular(bins, draw(st.floats(-1e6, 0)), draw(st.floats(1, 1e6)), title)
    widths = draw(st.lists(st.floats(0.001, 1e3), min_size=bins, max_size=bins))
    labels = tuple(draw(st.lists(TEXT, min_size=bins, max_size=bins))) if draw(st.booleans()) else None
    return Axis(np.concatenate([[0], np.cumsum(widths)]), title, labels)


@st.composite
def histograms(draw: st.DrawFn) -> Histogram:
    """Draw a histogram with any of its parts."""
    x, y = draw(axes()), draw(st.none() | axes())
    shape = (x.bins,) if y is None else (x.bins, y.bins)
    numbers = arrays.arrays(np.float64, shape)
    kind = draw(st.sampled_from(["counts", "profile", "efficiency"]))
    ratio = None if kind == "counts" else Ratio(draw(numbers), draw(numbers), draw(st.none() | numbers))
    return Histogram(
        draw(TEXT),
        draw(TEXT),
        x,
        y,
        draw(numbers),
        draw(st.floats()),
        mask=draw(st.none() | arrays.arrays(np.bool_, shape)),
        kind=kind,  # type: ignore[arg-type]
        variances=draw(st.none() | numbers),
        ratio=ratio,
    )


def _same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, (Axis, Histogram, Ratio)):
        return type(one) is type(other) and all(_same(value, vars(other)[key]) for key, value in vars(one).items())
    return one == other


@settings(max_examples=30)
@given(histograms())
def test_a_histogram_comes_back_as_it_was(hist: Histogram) -> None:
    data = encode_histogram(hist)
    assert _same(decode_histogram(data), hist)
    assert encode_histogram(decode_histogram(data)) == data
    assert _same(unpack_histogram(pack_histogram(hist)), hist)


@settings(max_examples=30)
@given(histograms(), st.data())
def test_changed_bytes_are_refused_or_a_histogram_still(hist: Histogram, data: st.DataObject) -> None:
    changed = bytearray(pack_histogram(hist))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert unpack_histogram(bytes(changed)).values.size < len(changed)
    except ValueError as error:
        assert str(error)  # noqa: PT017


@settings(max_examples=30)
@given(histograms(), st.data())
def test_cut_or_longer_bytes_are_refused(hist: Histogram, data: st.DataObject) -> None:
    whole = encode_histogram(hist)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    for wrong in (cut, whole + b"x"):
        with pytest.raises(DataError):
            decode_histogram(wrong)
    with pytest.raises(ValueError, match="as long as"):
        unpack_histogram(pack_histogram(hist) + bytes(8))


def _claiming(**changes: object) -> bytes:
    packed = pack_histogram(Histogram("h", "", Axis.regular(2, 0, 1), None, np.zeros(2), 0))
    line, _, body = packed.partition(b"\n")
    return json.dumps(json.loads(line) | changes).encode() + b"\n" + body


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": [1 << 60]},
        {"shape": [-2]},
        {"shape": []},
        {"shape": [1, 1, 2]},
        {"shape": 2},
        {"arrays": []},
        {"arrays": ["values", "values"]},
        {"arrays": ["other"]},
        {"x": {"title": "", "labels": None, "even": [1 << 60, 0, 1]}},
        {"x": {"title": "", "labels": ["a"], "even": [2, 0, 1]}},
        {"x": {"title": 5, "labels": None, "even": [2, 0, 1]}},
        {"x": None},
        {"y": {"title": "", "labels": None, "even": [2, 0, 1]}},
        {"kind": "other"},
        {"name": None},
        {"entries": "many"},
        {"entries": None},
    ],
)
def test_a_first_line_that_claims_too_much_is_refused(changes: dict[str, object]) -> None:
    assert unpack_histogram(_claiming()).values.tolist() == [0, 0]
    with pytest.raises(ValueError, match=r"."):
        unpack_histogram(_claiming(**changes))


def test_bytes_that_unpack_to_very_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "MAX_BYTES", 1 << 20)
    bomb = zlib.compress(b"{}\n" + bytes(2 << 20), 1)
    with pytest.raises(DataError, match="larger than allowed"):
        decode_histogram(bomb)


def test_a_geometry_is_not_stored() -> None:
    geometry = Geometry(np.zeros((2, 3, 2)), (0, 1), (0, 1))
    with pytest.raises(ValueError, match="geometry"):
        pack_histogram(Histogram("h", "", Axis.regular(2, 0, 1), None, np.zeros(2), 0, geometry=geometry))


@contextmanager
def _pipe(data: bytes, max_bytes: int = 1000) -> Iterator[FrameReader]:
    answers, theirs = os.pipe()
    try:
        os.write(theirs, data)
        os.close(theirs)
        yield FrameReader(answers, max_bytes)
    finally:
        os.close(answers)


def _soon() -> float:
    return time.monotonic() + 30


def test_frames_come_out_as_they_were_written_and_the_last_half_is_left() -> None:
    answers, theirs = os.pipe()
    write_frame(theirs, Kind.HISTOGRAM, b"abc")
    write_json(theirs, Kind.END, problem="")
    os.write(theirs, b"\0\0\0\x09\x07half")
    os.close(theirs)
    reader = FrameReader(answers, 1000)
    assert reader.next(_soon()) == (Kind.HISTOGRAM, b"abc")
    assert reader.next(_soon()) == (Kind.END, b'{"problem": ""}')
    assert reader.next(_soon()) is None
    os.close(answers)


def test_a_frame_that_claims_more_than_allowed_is_refused_at_once() -> None:
    with _pipe(struct.pack(">IB", 0xFFFFFFFF, Kind.END.value)) as reader, pytest.raises(TooMuch):
        reader.next(_soon())


def test_a_frame_of_an_unknown_kind_is_refused() -> None:
    with _pipe(struct.pack(">IB", 0, 99)) as reader, pytest.raises(BadAnswer):
        reader.next(_soon())


def test_a_frame_that_does_not_come_is_waited_for_so_long() -> None:
    answers, theirs = os.pipe()
    with pytest.raises(TimeoutError):
        FrameReader(answers, 1000).next(time.monotonic() + 0.01)
    os.close(theirs)
    os.close(answers)


@settings(max_examples=60)
@given(
    st.sampled_from(Kind),
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.integers() | TEXT,
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["path", "class_name", "index", "reason", "skipped", "left", "problem"]), inner
            )
        ),
    ).map(lambda found: json.dumps(found).encode()),
)
def test_any_answer_is_taken_or_refused(kind: Kind, content: bytes) -> None:
    collector = Collector(ReadLimits())
    try:
        collector.accept(kind, content)
    except BadAnswer as error:
        assert str(error)  # noqa: PT017
    assert all(text.isprintable() for text in collector.content().skipped)
