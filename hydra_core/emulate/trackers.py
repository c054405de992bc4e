"""Wire chambers of the demo experiment: a straw chamber in rings, drift chambers in sectors, a forward chamber."""

from __future__ import annotations

import numpy as np

from hydra_core.emulate.hardware import channel_gains, hardware_rng, part_gains, with_drift
from hydra_core.emulate.plots import DemoPlot, PartArray
from hydra_core.intake.histograms.draw import DrawScale
from hydra_core.intake.histograms.histogram import Axis, FloatArray, Geometry, Histogram

#: Straws in each ring of the straw chamber, from the inside.
STRAWS_IN_RING = (
    *(42, 42, 54, 54, 66, 66, 80, 80, 93, 93, 106, 106, 123, 123),
    *(135, 135, 146, 146, 158, 158, 170, 170, 182, 182, 197, 197, 209, 209),
)
_INNER_CM, _PITCH_CM = 10.0, 1.66
#: High-voltage boards in azimuth of each group of four rings.
_BOARDS_IN_GROUP = (3, 4, 5, 6, 8, 9, 10)


def _straws() -> tuple[Geometry, FloatArray, FloatArray, PartArray, PartArray]:
    polygons, radii, angles, boards, sectors = [], [], [], [], []
    first_board = 0
    for ring, straws in enumerate(STRAWS_IN_RING):
        inner = _INNER_CM + ring * _PITCH_CM
        outer = inner + _PITCH_CM
        width = 2 * np.pi / straws
        starts = np.arange(straws) * width + (ring % 2) * width / 2
        corners = np.stack([starts, starts, starts + width, starts + width], axis=1)
        reach = np.array([inner, outer, outer, inner])
        polygons.append(np.stack([reach * np.cos(corners), reach * np.sin(corners)], axis=2))
        middles = starts + width / 2
        radii.append(np.full(straws, (inner + outer) / 2))
        angles.append(middles)
        per_ring = _BOARDS_IN_GROUP[ring // 4]
        turns = np.mod(middles / (2 * np.pi) + 0.07 * (ring // 4), 1.0)
        boards.append(first_board + np.minimum((turns * per_ring).astype(np.int64), per_ring - 1))
        sectors.append((np.mod(middles / (2 * np.pi), 1.0) * 6).astype(np.int64))
        if ring % 4 == 3:
            first_board += per_ring
    turn = np.linspace(0, 2 * np.pi, 181)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    outermost = _INNER_CM + len(STRAWS_IN_RING) * _PITCH_CM
    geometry = Geometry(
        np.concatenate(polygons),
        (-60.0, 60.0),
        (-60.0, 60.0),
        "x [cm]",
        "y [cm]",
        (circle * (_INNER_CM - 0.3), circle * (outermost + 0.2)),
    )
    return geometry, np.concatenate(radii), np.concatenate(angles), np.concatenate(boards), np.concatenate(sectors)


def straw_chamber(name: str, title: str, top: float, slope: float) -> DemoPlot:
    """Return the occupancy of the straw chamber: 3,522 straws in 28 rings on 45 boards.

    Parameters
    ----------
    top
        Mean counts of a straw of the innermost ring.
    slope
        Power of the radius with which counts fall.
    """
    geometry, radii, angles, boards, sectors = _straws()
    ring = np.round((radii - _INNER_CM) / _PITCH_CM - 0.47).astype(np.int64)
    mean = top * (radii / radii.min()) ** -slope
    mean *= 1 + 0.05 * np.cos(angles - 0.7) + 0.02 * np.cos(2 * angles + 0.4)
    # Stereo rings see a longer path; the first and the last ring of a group sit at the edge of their field.
    mean *= np.where((ring // 4) % 2 == 1, 1.05, 1.0) * np.where(ring % 4 == 0, 0.97, 1.0)
    mean *= channel_gains(name, mean.shape, spread=0.045, dead=7, weak=9, hot=4) * part_gains(name, boards, 0.022)
    straws = Axis.regular(radii.size, 0, radii.size, "straw")
    frame = Histogram(name, title, straws, None, np.zeros(radii.size), 0.0, geometry=geometry)
    return DemoPlot(
        name=name,
        chunked=True,
        display=title,
        group="Straw chamber",
        contact="straw-chamber@demo.example",
        description="Hits in each straw, seen along the beam. A missing block of straws is a high-voltage board.",
        frame=frame,
        scale=DrawScale(colour=(0.0, 1.35 * top)),
        expected=with_drift(name, mean, boards, 0.02),
        parts={"board": boards, "sector": sectors},
        # Seen along the beam it is round: a board that fails looks alike wherever it sits.
        augment=("shift", "flip_x", "flip_y", "rotate90"),
    )


def drift_chamber(name: str, title: str, region: int, top: float) -> DemoPlot:
    """Return the occupancy of one drift chamber region: 112 wires in 6 layers of each of 6 sectors."""
    wires, rows = np.arange(112)[:, None] + 0.5, np.arange(36)[None, :]
    sector, layer = rows // 6, rows % 6
    first = 6.0 + 3.0 * region + 0.8 * layer
    rise = 1 / (1 + np.exp(-(wires - first) / 1.6))
    fall = np.exp(-(wires - first) / (34.0 + 6 * region + 1.5 * layer)) + 0.10
    end = 1 / (1 + np.exp((wires - 108 + 1.2 * layer) / 1.3))
    rng = hardware_rng(name)
    by_sector = 1 + rng.normal(0, 0.05, 6)[sector]
    mean = top * rise * fall * end * by_sector * np.where(layer % 2 == 1, 1.03, 1.0)
    boards: PartArray = np.broadcast_to((wires // 16).astype(np.int64) + 7 * (rows // 3), mean.shape)
    sectors: PartArray = np.broadcast_to(sector, mean.shape)
    mean = mean * channel_gains(name, mean.shape, spread=0.05, dead=22, weak=10, hot=6)
    mean = mean * part_gains(name, boards, 0.03)
    # One amplifier has been off since installation.
    first_wire, row = 8 * int(rng.integers(3, 11)), int(rng.integers(0, 36))
    mean[first_wire : first_wire + 8, row] = 0.0
    x, y = Axis.regular(112, 0.5, 112.5, "Wire"), Axis.regular(36, 0, 36, "6 x (sector - 1) + layer")
    return DemoPlot(
        name=name,
        chunked=True,
        display=title,
        group="Drift chambers",
        contact="drift-chambers@demo.example",
        description="Hits in each wire; six layers a sector from below. Steps in wire number are amplifier boards.",
        frame=Histogram(name, title, x, y, np.zeros((112, 36)), 0.0),
        scale=DrawScale(colour=(0.0, 1.25 * top)),
        expected=with_drift(name, mean, boards, 0.02),
        parts={"board": boards, "sector": sectors},
    )


def forward_chamber(name: str, title: str, top: float) -> DemoPlot:
    """Return the occupancy of the forward chambers: 96 wires in each of 24 planes, hottest about the beam."""
    wires, planes = np.arange(96)[:, None] + 0.5, np.arange(24)[None, :]
    middle = 48 + 1.5 * np.sin(planes * 1.1)
    away = np.abs(wires - middle)
    mean = top * (1 / (1 + (away / 9.0) ** 1.7) + 0.03) * (1 - 0.015 * planes)
    # The wires through the beam line are deadened.
    mean = np.where(away < 2.2, 0.16 * mean, mean)
    boards: PartArray = np.broadcast_to((wires // 24).astype(np.int64) + 4 * (planes // 2), mean.shape)
    sectors: PartArray = np.broadcast_to(planes // 6, mean.shape)
    mean = mean * channel_gains(name, mean.shape, spread=0.06, dead=14, weak=8, hot=4)
    mean = mean * part_gains(name, boards, 0.03)
    x, y = Axis.regular(96, 0.5, 96.5, "Wire"), Axis.regular(24, 0.5, 24.5, "Plane")
    return DemoPlot(
        name=name,
        chunked=True,
        display=title,
        group="Forward chambers",
        contact="forward-chambers@demo.example",
        description="Hits in each wire of each plane; the dark band in the middle is the deadened beam region.",
        frame=Histogram(name, title, x, y, np.zeros((96, 24)), 0.0),
        scale=DrawScale(colour=(0.0, 1.0 * top)),
        expected=with_drift(name, mean, boards, 0.02),
        parts={"board": boards, "sector": sectors},
    )
