"""Where faults strike in a histogram whose hardware nobody described: a grid stands in for its boards."""

from __future__ import annotations

import numpy as np

from hydra_core.intake.histograms.histogram import BoolArray, Histogram

#: Rows and columns into which a map is cut, as boards cut a detector; a histogram of one dimension is cut into 12.
BOARDS_2D, BOARDS_1D = (4, 6), 12


def boards(hist: Histogram) -> int:
    """Return the number of boards of a histogram."""
    return BOARDS_2D[0] * BOARDS_2D[1] if hist.values.ndim == 2 else BOARDS_1D


def struck(hist: Histogram, scope: str, part: int) -> BoolArray:
    """Return True for the bins that a fault strikes.

    Parameters
    ----------
    scope
        Of `emulate.faults.FaultKind`: a ``board``, a ``sector`` (a strip of boards across a map, or three in a row),
        a ``pair`` of boards (a board and the one half the detector away), or ``all``.
    part
        Which board; counted on from the first one after the last.
    """
    cells = np.zeros(hist.values.shape, np.bool_)
    board = part % boards(hist)
    if scope == "all":
        cells[...] = True
    elif scope == "pair":
        cells |= struck(hist, "board", board) | struck(hist, "board", board + boards(hist) // 2)
    elif hist.values.ndim == 1:
        first, wide = (board // 3 * 3, 3) if scope == "sector" else (board, 1)
        cells[_stretch(hist.values.shape[0], BOARDS_1D, first, wide)] = True
    else:
        row, column = divmod(board, BOARDS_2D[1])
        across = slice(None) if scope == "sector" else _stretch(hist.values.shape[1], BOARDS_2D[1], column)
        cells[_stretch(hist.values.shape[0], BOARDS_2D[0], row), across] = True
    return cells


def _stretch(bins: int, parts: int, first: int, wide: int = 1) -> slice:
    return slice(first * bins // parts, (first + wide) * bins // parts)
