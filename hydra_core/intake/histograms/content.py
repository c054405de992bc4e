"""What was found in a histogram file, and how much a reader may spend on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from hydra_core.intake.histograms.histogram import Histogram


class ReadLimits(BaseModel):
    """How much time, memory and room one file may take.

    Parameters
    ----------
    seconds_per_file, seconds_per_object
        Time on the clock for the whole file, and for one object in it.
    memory_mb
        Memory in MB that the reading process may take beyond what it needs to start.
    max_bins
        The largest histogram that is kept, in bins without the flow bins.
    max_histograms
        How many histograms of one file are kept.
    max_file_bytes
        The largest file that is opened, in bytes.
    max_content_mb
        The room, in MB, that the contents of all histograms of one file may take together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds_per_file: float = Field(default=120, gt=0)
    seconds_per_object: float = Field(default=20, gt=0)
    memory_mb: int = Field(default=2048, gt=0)
    max_bins: int = Field(default=4_000_000, gt=0, le=5_000_000)
    max_histograms: int = Field(default=20_000, gt=0)
    max_file_bytes: int = Field(default=4 << 30, gt=0)
    max_content_mb: int = Field(default=1024, gt=0)


@dataclass(frozen=True)
class FoundHistogram:
    """A histogram and where it lies in its file.

    Parameters
    ----------
    path
        Folders and name joined by ``/``, without the cycle of ROOT; unique in the file. Equal to ``hist.name``.
    class_name
        Its class in ROOT (``TH2F``), ``group`` in HDF5.
    hist
        The histogram.
    """

    path: str
    class_name: str
    hist: Histogram


@dataclass(frozen=True)
class ObjectProblem:
    """An object of a file that could not be taken, and why; without `path` it is about the rest of the file."""

    path: str
    class_name: str
    reason: str


@dataclass(frozen=True)
class FileContent:
    """What one file gave.

    Parameters
    ----------
    sha256
        SHA-256 of the file as 64 hexadecimal digits; empty when it could not be read to its end.
    histograms
        What was read, in the order of the file.
    problems
        Histograms, folders and lists that could not be read.
    skipped
        How many objects were passed over because their class is none that is drawn, by class.
    left
        How many histograms the patterns leave.
    problem
        Empty, or why the file as a whole gave nothing.
    seconds
        Time that reading took.
    peak_mb
        The most memory that the reading process held at one time, in MB.
    """

    sha256: str = ""
    histograms: tuple[FoundHistogram, ...] = ()
    problems: tuple[ObjectProblem, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    left: int = 0
    problem: str = ""
    seconds: float = 0.0
    peak_mb: float = 0.0
