"""The script of the demo: what fails in the first runs, and how it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydra_core.emulate.catalogue import demo_plot


@dataclass(frozen=True)
class Scripted:
    """A fault of the script; `chunks` are those of 1 to 6 that have it, repeated every 6 chunks."""

    plot: str
    fault: str
    chunks: tuple[int, ...] = ()
    amount: float | None = None
    part: int | None = None


@dataclass(frozen=True)
class Chapter:
    """What one run brings."""

    faults: tuple[Scripted, ...] = ()
    beam: bool = True
    images: bool = True


_CDC, _RF, _DC, _ECAL = "CDC_occupancy", "RF_timing", "DC_occupancy", "ECAL_occupancy"
_FCAL, _FTOF, _TOF, _HEL = "FCAL_occupancy", "FTOF_tdcOccupancy", "TOF_time", "HEL_scalers"
_ALL = (1, 2, 3, 4, 5, 6)


def _boards_trip(turn: int) -> tuple[Scripted, ...]:
    """Return four chunks of the CDC, each with another board gone, at 30 percent, or on the cable of a second one."""
    first = (1, 3, 2)[turn % 3]
    return tuple(
        Scripted(
            _CDC,
            ("dead_board", "swapped_cable", "dead_board", "board_at_30_percent")[place],
            (first + place,),
            part=(7 * turn + 12 * place) % 48,
        )
        for place in range(4)
    )


#: Runs 0 to 10 are history (7 arrives late), the last three are fresh: boards and shifts that no model has seen.
#: In history another board of the CDC fails in each chunk: a network learns from many places what that looks like.
STORY: tuple[Chapter, ...] = (
    Chapter(_boards_trip(0)),
    Chapter(
        (
            *_boards_trip(1),
            Scripted(_RF, "shifted_peak", (1, 2, 3), 0.15),
            Scripted(_TOF, "truncated_png", (2,)),
        )
    ),
    Chapter(
        (
            *_boards_trip(2),
            Scripted(_RF, "doubled_peak", (4, 5), 0.22),
            Scripted(_DC, "dead_board", (3, 4, 5, 6)),
            Scripted(_HEL, "zero_byte", (5,)),
        )
    ),
    Chapter(beam=False),
    Chapter(
        (
            *_boards_trip(3),
            Scripted(_RF, "shifted_peak", (1, 2), -0.18),
            Scripted(_ECAL, "low_gain", (3, 5, 6)),
        )
    ),
    Chapter(images=False),
    Chapter(
        (
            *_boards_trip(5),
            Scripted(_CDC, "dead_sector", (1,), part=2),
            Scripted(_RF, "noise", (1, 2, 3), 0.22),
            Scripted(_ECAL, "duplicate", (4,)),
            Scripted(_FTOF, "shifted_peak", (2, 3, 4), 0.16),
        )
    ),
    Chapter((Scripted(_FCAL, "dead_sector", (4, 5, 6)),)),
    Chapter(
        (
            *_boards_trip(4),
            Scripted(_RF, "doubled_peak", (5, 6), -0.2),
            Scripted(_FCAL, "dead_board", (1, 2, 3)),
            Scripted(_HEL, "hot_channel", (4,), 1.25),
        )
    ),
    Chapter(
        (
            *_boards_trip(6),
            Scripted(_RF, "shifted_peak", (4, 5, 6), 0.24),
            Scripted(_DC, "dead_sector", (2,), part=3),
            Scripted(_TOF, "doubled_peak", (5, 6), 0.16),
            Scripted("Kinematics", "low_gain", (), 0.2),
        )
    ),
    Chapter(beam=False),
    Chapter(
        (
            Scripted(_CDC, "dead_board", (3, 4, 5, 6), part=27),
            Scripted(_RF, "shifted_peak", (2, 3, 4), -0.26),
            Scripted(_FTOF, "dead_board", (4, 5, 6)),
        )
    ),
    Chapter(
        (
            Scripted(_CDC, "swapped_cable", _ALL, part=34),
            Scripted(_RF, "doubled_peak", (3, 4), 0.28),
            Scripted(_DC, "empty_with_beam", (2, 3)),
            Scripted(_FCAL, "hot_channel", (5,)),
            Scripted(_TOF, "duplicate", (6,)),
        )
    ),
    Chapter(
        (
            Scripted(_CDC, "dead_board", (1, 2), part=5),
            Scripted(_CDC, "board_at_30_percent", (5, 6), part=41),
            Scripted(_RF, "noise", (5, 6), 0.28),
            Scripted(_ECAL, "dead_board", (3, 4)),
            Scripted("Kinematics", "noise", (), 0.02),
        )
    ),
)
CYCLE = len(STORY)
_SCRIPTED_TYPES = frozenset(fault.plot for chapter in STORY for fault in chapter.faults)
_EVERY = 5


def planted_elsewhere(index: int, names: Sequence[str]) -> tuple[Scripted, ...]:
    """Return the faults of plot types that the script does not name: one of their kind every fifth run.

    Parameters
    ----------
    index
        Place of the run in the list.
    names
        Plot types of the demo, in the catalogue's order.
    """
    chosen = []
    for place, name in enumerate(names):
        if name in _SCRIPTED_TYPES or (index + 2 * place) % _EVERY != 4:
            continue
        kinds = suited_faults(name)
        fault = kinds[(index // _EVERY + place) % len(kinds)]
        chosen.append(Scripted(name, fault, (3, 4, 5)[: 1 + (index + place) % 3]))
    return tuple(chosen)


def suited_faults(name: str) -> tuple[str, ...]:
    """Return the detector faults that can happen to a plot type, without those of the beam."""
    plot = demo_plot(name)
    if "board" in plot.parts:
        return ("dead_board", "board_at_30_percent", "dead_sector", "hot_channel", "empty_with_beam")
    if plot.frame.x.labels is not None:
        return ("hot_channel", "low_gain", "empty_with_beam")
    if "energy" in name:
        return ("low_gain_spectrum", "noise", "empty_with_beam")
    return ("shifted_peak", "doubled_peak", "noise", "empty_with_beam")
