"""A histogram as bytes and back: how bin contents lie in a chunk block and travel from the reading process.

A line of JSON, a newline, then arrays of little-endian float64 one after the other in the order in which the line
lists them; in a block the whole is compressed with zlib. The line gives ``name``, ``title``, ``content_title``,
``kind``, ``entries``, ``shape``, the axes ``x`` and ``y`` (null, or ``title``, ``labels`` and ``even``: ``[bins, low,
high]`` of equal width, else null and the edges are an array ``x_edges``) and ``arrays``, the names of the arrays; each
has the shape of the contents, edges excepted.
"""

from __future__ import annotations

import json
import math
import zlib
from typing import Any

import numpy as np

from hydra_core.base.errors import DataError
from hydra_core.intake.histograms.histogram import Axis, FloatArray, Histogram, Ratio

#: A histogram larger than this, in bytes before compression, is refused when it is read.
MAX_BYTES = 1 << 28
_ARRAYS = ("values", "mask", "variances", "numerator", "denominator", "squares")
_KINDS = ("counts", "profile", "efficiency")


def encode_histogram(hist: Histogram) -> bytes:
    """Return a histogram as compressed bytes; equal histograms give equal bytes.

    Raises
    ------
    ValueError
        When it has a geometry: that belongs to the plot type, not to the contents.
    """
    return zlib.compress(pack_histogram(hist), 1)


def decode_histogram(data: bytes) -> Histogram:
    """Return the histogram that `encode_histogram` made bytes of.

    Raises
    ------
    DataError
        When the bytes are no such histogram, or larger than `MAX_BYTES`.
    """
    try:
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(data, MAX_BYTES)
        if unpacker.unconsumed_tail or unpacker.unused_data or not unpacker.eof:
            raise ValueError("it is cut, or larger than allowed")
        return unpack_histogram(plain)
    except (ValueError, zlib.error, MemoryError) as error:
        raise DataError(f"stored bin contents cannot be read: {error}", next_step="run `hydra fsck`") from error


def pack_histogram(hist: Histogram) -> bytes:
    """Return a histogram as bytes that are not compressed; raises as `encode_histogram`."""
    if hist.geometry is not None:
        raise ValueError(f"histogram {hist.name!r}: a geometry is not stored with contents")
    arrays: dict[str, FloatArray] = {"values": hist.values}
    axes: dict[str, Any] = {}
    for name, axis in (("x", hist.x), ("y", hist.y)):
        if axis is None:
            axes[name] = None
            continue
        even = bool((np.linspace(axis.low, axis.high, axis.bins + 1) == axis.edges).all())
        axes[name] = {
            "title": axis.title,
            "labels": axis.labels,
            "even": [axis.bins, axis.low, axis.high] if even else None,
        }
        if not even:
            arrays[f"{name}_edges"] = axis.edges
    if hist.mask is not None:
        arrays["mask"] = hist.mask.astype(np.float64)
    if hist.variances is not None:
        arrays["variances"] = hist.variances
    if hist.ratio is not None:
        arrays |= {"numerator": hist.ratio.numerator, "denominator": hist.ratio.denominator}
        if hist.ratio.squares is not None:
            arrays["squares"] = hist.ratio.squares
    head = {
        "name": hist.name,
        "title": hist.title,
        "content_title": hist.content_title,
        "kind": hist.kind,
        "entries": float(hist.entries),
        "shape": list(hist.values.shape),
        **axes,
        "arrays": list(arrays),
    }
    line = json.dumps(head, ensure_ascii=False, sort_keys=True).encode("utf-8", "backslashreplace")
    body = b"".join(np.ascontiguousarray(array, dtype="<f8").tobytes() for array in arrays.values())
    return line + b"\n" + body


def unpack_histogram(data: bytes) -> Histogram:
    """Return the histogram that `pack_histogram` made bytes of; nothing in the bytes is trusted.

    Raises
    ------
    ValueError
        When the bytes are no such histogram.
    """
    line, _, body = data.partition(b"\n")
    try:
        head = json.loads(line)
        shape, arrays = _arrays(head, body)
        ratio = None
        if "numerator" in arrays:
            ratio = Ratio(arrays["numerator"], arrays["denominator"], arrays.get("squares"))
        axes = [_axis(head["xy"[side]], bins, arrays.get(f"{'xy'[side]}_edges")) for side, bins in enumerate(shape)]
        if head["kind"] not in _KINDS:
            raise ValueError("its kind is not known")
        return Histogram(
            name=_text(head["name"]),
            title=_text(head["title"]),
            content_title=_text(head["content_title"]),
            x=axes[0],
            y=axes[1] if len(axes) > 1 else None,
            values=arrays["values"],
            entries=float(head["entries"]),
            mask=arrays["mask"] > 0 if "mask" in arrays else None,
            kind=head["kind"],
            variances=arrays.get("variances"),
            ratio=ratio,
        )
    except (KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"its first line is not as it should be ({type(error).__name__}: {error})") from error


def _arrays(head: dict[str, Any], body: bytes) -> tuple[tuple[int, ...], dict[str, FloatArray]]:
    shape = tuple(head["shape"])
    # Sizes are compared with the bytes that are there before anything is made of that size.
    if not 1 <= len(shape) <= 2 or not all(type(side) is int and 0 < side <= len(body) for side in shape):
        raise ValueError("its shape is not possible")
    wanted = dict.fromkeys(_ARRAYS, shape) | {f"{'xy'[side]}_edges": (bins + 1,) for side, bins in enumerate(shape)}
    names = head["arrays"]
    if len(set(names)) != len(names) or not set(names) <= set(wanted) or (len(shape) == 1) != (head["y"] is None):
        raise ValueError("its arrays are not those of a histogram")
    if sum(math.prod(wanted[name]) for name in names) * 8 != len(body):
        raise ValueError("it is not as long as it says")
    arrays: dict[str, FloatArray] = {}
    place = 0
    for name in names:
        count = math.prod(wanted[name])
        found = np.frombuffer(body, dtype="<f8", count=count, offset=place)
        arrays[name] = found.reshape(wanted[name]).astype(np.float64)
        place += count * 8
    return shape, arrays


def _axis(head: dict[str, Any], wanted: int, edges: FloatArray | None) -> Axis:
    labels = tuple(_text(label) for label in head["labels"]) if head["labels"] is not None else None
    if edges is None:
        bins, low, high = head["even"]
        if bins != wanted:
            raise ValueError("an axis has another number of bins than the contents")
        edges = np.linspace(float(low), float(high), wanted + 1)
    return Axis(edges, _text(head["title"]), labels)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is expected")
    return value
