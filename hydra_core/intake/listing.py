"""A listing: a JSON-lines file that says run, plot type and chunk of every file, for sources whose names do not.

One line a file: ``{"file": "a/b.png", "run": 7, "plot": "CDC_occupancy", "chunk": 3}``; ``chunk`` may be null or
absent (once a run). ``run_name`` is what people see; without ``run`` it alone tells runs apart. For a file of
histograms (known by its ending) ``plot`` is what comes before their names, and may be empty or absent.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hydra_core.base.errors import HydraError
from hydra_core.base.files import write_text
from hydra_core.base.names import PlotKey
from hydra_core.intake.naming import (
    MAX_NUMBER,
    ParsedName,
    Unmatched,
    path_problem,
    plot_name_problem,
    reads_of,
)

_RULE = "listing"


class ListingLine(BaseModel):
    """One file of a listing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    file: str
    run: Annotated[int | None, Field(ge=1, le=MAX_NUMBER)] = None
    plot: str = ""
    chunk: Annotated[int | None, Field(ge=0, le=MAX_NUMBER)] = None
    run_name: Annotated[str, Field(max_length=190)] = ""

    @model_validator(mode="after")
    def _names_a_run(self) -> ListingLine:
        if self.run is None and not self.run_name.strip():
            raise ValueError("it needs a run or a run_name")
        return self


class Listing:
    """What a listing says, as a function from relative paths to names (see `scan.scan`)."""

    def __init__(self, names: Mapping[PurePosixPath, ParsedName]) -> None:
        self.names = names

    def __call__(self, relative: PurePosixPath) -> ParsedName | Unmatched:
        """Return the name of a file, or that the listing does not hold it."""
        composed = PurePosixPath(unicodedata.normalize("NFC", str(relative)))
        return self.names.get(relative) or self.names.get(composed) or Unmatched("the listing does not name this file")


def read_listing(path: Path) -> Listing:
    """Return what a listing says.

    Raises
    ------
    HydraError
        Naming the file, the line and the cause.
    """
    names: dict[PurePosixPath, ParsedName] = {}
    number = 0
    try:
        with path.open(encoding="utf-8") as stream:
            for text in stream:
                number += 1
                if text.strip():
                    line = ListingLine.model_validate_json(text)
                    names[_path(line)] = _named(line)
    except OSError as error:
        raise _problem(path, 0, f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise _problem(path, number + 1, "not UTF-8 text") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _problem(path, number, f"{'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg']}") from error
    except ValueError as error:
        raise _problem(path, number, str(error)) from error
    return Listing(names)


def write_listing(path: Path, names: Mapping[PurePosixPath, ParsedName]) -> None:
    """Write a listing that `read_listing` gives back, atomically."""
    lines = []
    for file, name in sorted(names.items()):
        line = {
            "file": str(file),
            "run": name.run,
            "plot": name.plot.name,
            "chunk": name.chunk,
            "run_name": name.run_name,
        }
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    write_text(path, "".join(lines))


def _named(line: ListingLine) -> ParsedName:
    plot = PlotKey(unicodedata.normalize("NFC", line.plot), line.chunk is not None)
    run_name = unicodedata.normalize("NFC", line.run_name.strip()) or str(line.run)
    reads = reads_of(PurePosixPath(line.file)) or "images"
    return ParsedName(line.run, run_name, plot, None, line.chunk, None, None, _RULE, reads)


def _path(line: ListingLine) -> PurePosixPath:
    path = PurePosixPath(line.file)
    optional = not line.plot and reads_of(path) == "histograms"
    if problem := path_problem(path) or ("" if optional else plot_name_problem(line.plot)):
        raise ValueError(problem)
    return path


def _problem(path: Path, line: int, cause: str) -> HydraError:
    place = f"{path}, line {line}" if line else f"{path}"
    return HydraError(
        f"the listing {place}: {cause}", next_step="mend the listing (docs/reference: [intake] listing) and try again"
    )
