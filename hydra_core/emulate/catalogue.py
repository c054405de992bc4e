"""The plot types of the demo experiment, in the order in which a larger demo takes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from hydra_core.base.errors import HydraError
from hydra_core.emulate import calorimeters, spectra, trackers
from hydra_core.emulate.plots import DemoPlot
from hydra_core.intake.histograms.histogram import Axis

_HELICITY = {
    "Clock +": 5200.0,
    "Clock -": 5190.0,
    "Faraday +": 3900.0,
    "Faraday -": 3880.0,
    "Lucite +": 3100.0,
    "Lucite -": 3090.0,
    "BPM x": 2450.0,
    "BPM y": 2300.0,
    "Halo up": 640.0,
    "Halo down": 590.0,
    "Trigger +": 4300.0,
    "Trigger -": 4285.0,
}
_TRIGGERS = {
    "Electron": 4600.0,
    "Photon": 3300.0,
    "Pair": 1500.0,
    "Two track": 2600.0,
    "FCAL sum": 3900.0,
    "BCAL sum": 3500.0,
    "Muon": 420.0,
    "LED": 300.0,
    "Random": 1000.0,
}
_TIME = "Time difference [ns]"
_ENERGY = "Energy [MeV]"


def _time(name: str, title: str, group: str, half: float, width: float, top: float, tail: float) -> DemoPlot:
    axis = Axis.regular(160, -half, half, _TIME)
    return spectra.time_peak(name, title, group, axis, width=width, top=top, tail=tail, tail_ns=3.5 * width)


def _energy(name: str, title: str, group: str, high: float, peak: float, top: float) -> DemoPlot:
    axis = Axis.regular(140, 0, high, _ENERGY)
    return spectra.energy_spectrum(name, title, group, axis, peak=peak, top=top, fall=0.45 * peak)


_CHUNKED: dict[str, Callable[[str], DemoPlot]] = {
    "CDC_occupancy": lambda name: trackers.straw_chamber(name, "CDC occupancy", 260.0, 0.62),
    "RF_timing": lambda name: spectra.time_peak(
        name,
        "RF - vertex time",
        "Timing",
        Axis.regular(200, -2.004, 2.004, "RF - vertex time [ns]"),
        width=0.21,
        top=1150.0,
        flat=0.035,
    ),
    "DC_occupancy": lambda name: trackers.drift_chamber(name, "DC occupancy, region 1", 1, 320.0),
    "ECAL_occupancy": lambda name: calorimeters.crystal_calorimeter(name, "ECAL hits", 1500.0),
    "FCAL_occupancy": lambda name: calorimeters.block_calorimeter(name, "FCAL occupancy", 59, 4.0, 900.0),
    "FTOF_tdcOccupancy": lambda name: calorimeters.counter_times(
        name, "FTOF TDC occupancy", "Time of flight", 62, 260.0
    ),
    "TOF_time": lambda name: spectra.time_peak(
        name,
        "TOF time - start time",
        "Time of flight",
        Axis.regular(220, -12, 30, "TOF - start time [ns]"),
        width=0.75,
        top=5200.0,
        tail=0.12,
        tail_ns=5.2,
        flat=0.0022,
        log=True,
    ),
    "HEL_scalers": lambda name: spectra.bars(name, "Helicity scalers", "Helicity", _HELICITY, ("Clock +", "Clock -")),
    "BCAL_occupancy": lambda name: calorimeters.barrel_calorimeter(name, "BCAL occupancy", 340.0),
    "FDC_occupancy": lambda name: trackers.forward_chamber(name, "FDC occupancy", 420.0),
    "TAGH_occupancy": lambda name: spectra.tagger(name, "TAGH occupancy", 224, 1800.0),
    "TRIG_bits": lambda name: spectra.bars(name, "Trigger bits", "Trigger", _TRIGGERS, ("LED", "Random")),
    "ST_time": lambda name: _time(name, "Start counter - RF time", "Start counter", 10.0, 0.55, 1500.0, 0.06),
    "BCAL_time": lambda name: _time(name, "BCAL - RF time", "Barrel calorimeter", 12.0, 0.8, 1900.0, 0.15),
    "ECAL_energy": lambda name: _energy(
        name, "ECAL energy, minimum ionising", "Electromagnetic calorimeter", 120.0, 38.0, 1300.0
    ),
    "CCAL_occupancy": lambda name: calorimeters.block_calorimeter(name, "CCAL occupancy", 13, 2.05, 1600.0),
    "DC_occupancy_R2": lambda name: trackers.drift_chamber(name, "DC occupancy, region 2", 2, 260.0),
    "DC_occupancy_R3": lambda name: trackers.drift_chamber(name, "DC occupancy, region 3", 3, 210.0),
    "CTOF_tdcOccupancy": lambda name: calorimeters.counter_times(
        name, "CTOF TDC occupancy", "Central time of flight", 48, 200.0
    ),
    "CDC_lateHits": lambda name: trackers.straw_chamber(name, "CDC hits after 1 us", 75.0, 0.35),
    "FCAL_time": lambda name: _time(name, "FCAL - RF time", "Forward calorimeter", 16.0, 1.1, 1700.0, 0.10),
    "FTOF_energy": lambda name: _energy(name, "FTOF energy", "Time of flight", 32.0, 10.5, 1600.0),
    "TAGM_occupancy": lambda name: spectra.tagger(name, "TAGM occupancy", 102, 1500.0),
    "TAGH_time": lambda name: _time(name, "TAGH - RF time", "Photon tagger", 8.0, 0.42, 1400.0, 0.03),
}
_ONCE: dict[str, Callable[[str], DemoPlot]] = {
    "Kinematics": lambda name: spectra.kinematics(name, "Scattered electrons: Q² and x", 1500.0),
}

#: Most chunked plot types that a demo can have.
MAX_PLOT_TYPES = len(_CHUNKED)


@lru_cache(maxsize=64)
def demo_plot(name: str) -> DemoPlot:
    """Return a plot type of the demo experiment.

    Raises
    ------
    KeyError
        When the demo has none of that name.
    """
    return (_CHUNKED if name in _CHUNKED else _ONCE)[name](name)


def demo_names(plot_types: int) -> tuple[str, ...]:
    """Return the names of the first `plot_types` chunked types, then of those drawn once a run.

    Raises
    ------
    HydraError
        When there are not so many.
    """
    if not 1 <= plot_types <= MAX_PLOT_TYPES:
        raise HydraError(
            f"the demo has 1 to {MAX_PLOT_TYPES} plot types, not {plot_types}",
            next_step=f"give --plot-types a number from 1 to {MAX_PLOT_TYPES}",
        )
    return (*list(_CHUNKED)[:plot_types], *_ONCE)
