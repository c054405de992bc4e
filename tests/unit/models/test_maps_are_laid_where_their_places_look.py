from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.models.lazy import openvino
from hydra_core.models.places import Places, laid, places_of

SIDE = 48


def graph(*layers: tuple[str, int, int, str]) -> tuple[object, object]:
    """Return a parameter (n, SIDE, SIDE, 1) and the output of layers on it: kind, kernel, stride, padding."""
    ops = openvino().opset13
    image = ops.parameter([-1, SIDE, SIDE, 1], np.float32)
    x = ops.transpose(image, np.array([0, 3, 1, 2]))
    for kind, kernel, stride, padding in layers:
        square = {"strides": [stride] * 2, "pads_begin": [0, 0], "pads_end": [0, 0], "auto_pad": padding}
        if kind == "convolution":
            x = ops.convolution(x, np.ones((1, 1, kernel, kernel), np.float32), dilations=[1, 1], **square)
        elif kind == "mean":
            x = ops.avg_pool(x, kernel_shape=[kernel] * 2, exclude_pad=True, **square)
        else:
            x = ops.relu(x)
    return image, x.output(0)


@pytest.mark.parametrize(
    "layers",
    [
        [("convolution", 3, 2, "same_upper"), ("relu", 0, 0, ""), ("convolution", 3, 2, "same_upper")],
        [("convolution", 3, 2, "valid"), ("convolution", 3, 1, "valid"), ("mean", 3, 2, "valid")],
        [("convolution", 5, 1, "same_upper"), ("mean", 2, 2, "valid")],
    ],
)
def test_a_place_looks_at_the_middle_of_what_reaches_it(layers: list[tuple[str, int, int, str]]) -> None:
    image, stage = graph(*layers)
    rows, columns = places_of(stage, (SIDE, SIDE)) or (None, None)
    assert rows == columns
    assert rows is not None
    ov = openvino()
    compiled = ov.compile_model(ov.Model([ov.opset13.result(stage)], [image]), "CPU")
    # One picture for each row, all dark but for that row.
    pictures = np.repeat(np.eye(SIDE, dtype=np.float32)[:, :, None, None], SIDE, axis=2)
    reached = np.asarray(compiled(pictures)[0])[:, 0, :, 0]
    for place in range(1, reached.shape[1] - 1):
        pixels = np.flatnonzero(reached[:, place])
        if pixels[0] > 0 and pixels[-1] < SIDE - 1:
            assert (pixels[0] + pixels[-1]) / 2 == pytest.approx(rows.first + place * rows.step)


@given(
    count=st.integers(1, 20),
    side=st.integers(8, 300),
    first=st.floats(0, 20),
    step=st.floats(1, 40),
)
def test_what_is_laid_is_made_of_the_map_alone(count: int, side: int, first: float, step: float) -> None:
    matrix = laid(Places(first, step), count, side)
    assert matrix.shape == (2 * count, count)
    assert (matrix >= 0).all()
    assert matrix.sum(axis=1) == pytest.approx(1, abs=1e-5)
    # Further down the picture is never further up the map.
    assert (np.diff(matrix @ np.arange(count)) >= -1e-4).all()


def test_a_peak_is_drawn_where_its_place_looks() -> None:
    matrix = laid(Places(7, 8), 16, 128)
    drawn = matrix @ np.eye(16, dtype=np.float32)[5]
    # Place 5 looks at pixel 47; 32 tiles of 4 pixels each.
    assert set(np.flatnonzero(drawn == drawn.max())) <= {11, 12}


def test_a_graph_that_mixes_places_tells_nothing() -> None:
    ops = openvino().opset13
    image, stage = graph(("convolution", 3, 2, "same_upper"))
    mixed = ops.reshape(ops.reshape(stage, np.array([0, 24, 24]), special_zero=True), np.array([0, 1, 24, 24]), True)
    assert image is not None
    assert places_of(mixed.output(0), (SIDE, SIDE)) is None
