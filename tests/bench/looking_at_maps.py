"""How well a heat map points at a place that is known, and whether two maps say the same."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hydra_core.models.evidence import class_weights
from tests.maps_of_images import maps_of_images

Box = tuple[float, float, float, float]


def stage_maps(model: Any, stage: Any, images: np.ndarray, which: int, against: int) -> np.ndarray:
    """Return the maps that the exported engine makes at a layer, laid over plots as jobs do: (n, h, w)."""
    with tempfile.TemporaryDirectory() as folder:
        maps = maps_of_images(model, stage, Path(folder))
    weights = np.tile(class_weights(int(model.output["probs"].shape[-1]), which, against), (len(images), 1))
    return maps.over_plots(images, weights)


def peak_inside(values: np.ndarray, box: Box) -> bool:
    """Say whether the largest value lies in the box, or so near that the map cannot tell."""
    height, width = values.shape
    row, column = np.unravel_index(values.argmax(), values.shape)
    x, y = (column + 0.5) / width, (row + 0.5) / height
    slack_x, slack_y = max(0.02, 0.5 / width), max(0.02, 0.5 / height)
    inside = box[0] - slack_x <= x <= box[2] + slack_x and box[1] - slack_y <= y <= box[3] + slack_y
    return bool(values.any() and inside)


def share_inside(values: np.ndarray, box: Box) -> float:
    """Return which part of the map's sum lies in the box, each value spread over its cell."""
    height, width = values.shape
    columns, rows = np.arange(width), np.arange(height)
    across = np.clip(np.minimum(box[2] * width, columns + 1) - np.maximum(box[0] * width, columns), 0, 1)
    down = np.clip(np.minimum(box[3] * height, rows + 1) - np.maximum(box[1] * height, rows), 0, 1)
    return float((values * down[:, None] * across).sum() / max(values.sum(), 1e-9))


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return the rank correlation of two maps of one shape."""
    ranks = [values.ravel().argsort().argsort() for values in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


def largest_group(failed: np.ndarray) -> np.ndarray:
    """Return the largest group of cells that lie at most one cell apart: bool, of the shape given."""
    left = {(int(row), int(column)) for row, column in np.argwhere(failed)}
    best: list[tuple[int, int]] = []
    while left:
        group = [left.pop()]
        for row, column in group:
            near = {(row + down, column + across) for down in range(-2, 3) for across in range(-2, 3)} & left
            left -= near
            group.extend(sorted(near))
        best = max(best, group, key=len)
    mask = np.zeros(failed.shape, np.bool_)
    if best:
        mask[tuple(np.array(best).T)] = True
    return mask


def on_defect(maps: list[np.ndarray], failed: list[np.ndarray]) -> list[float]:
    """Return how well maps lie on the largest group of failed dies.

    Returns
    -------
    list of float
        Share of maps whose peak's cell holds part of the defect; the share of cells that do, which a random peak would
        reach; the former for the map of another picture of the class; share of the map on the defect; the defect's
        share of the picture; the former for the map of another picture; the number of pictures.
    """
    rows = []
    masks = [largest_group(one) for one in failed]
    for number, (one, mask) in enumerate(zip(maps, masks, strict=True)):
        other = maps[(number + 1) % len(maps)]
        covered = _covered(mask, one.shape)
        held = covered > 0
        rows.append(
            (
                _peak_on(one, held),
                held.mean(),
                _peak_on(other, held),
                _share_on(one, covered),
                mask.mean(),
                _share_on(other, covered),
            )
        )
    return [float(value) for value in np.mean(rows, axis=0)] + [len(rows)]


def _covered(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return which part of each cell of a map a mask covers."""
    fine = np.repeat(np.repeat(mask, shape[0], axis=0), shape[1], axis=1)
    covered: np.ndarray = fine.reshape(shape[0], mask.shape[0], shape[1], mask.shape[1]).mean(axis=(1, 3))
    return covered


def _peak_on(values: np.ndarray, held: np.ndarray) -> bool:
    return bool(values.any() and held.ravel()[values.argmax()])


def _share_on(values: np.ndarray, covered: np.ndarray) -> float:
    return float((values * covered).sum() / max(float(values.sum()), 1e-9))


def overlay(image: np.ndarray, maps: dict[str, np.ndarray], path: Path) -> None:
    """Write a picture to look at: the plot, and beside it the plot in grey under each map in red."""
    height, width = image.shape[:2]
    grey = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2) * 0.7
    parts = [image.astype(np.float64)]
    for values in maps.values():
        wide = Image.fromarray(np.rint(255 * values).astype(np.uint8)).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        heat = np.asarray(wide, np.float64)[..., None] / 255
        parts.append(grey * (1 - heat) + np.array([255.0, 30.0, 0.0]) * heat)
    whole = np.concatenate(parts, axis=1).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(whole).resize((2 * whole.shape[1], 2 * height), Image.Resampling.NEAREST).save(path)
