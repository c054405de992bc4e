"""A table of labels that somebody brings along: ``file,label`` with a header, and ``run`` where runs are known."""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hydra_core.base.errors import HydraError
from hydra_core.intake.naming import path_problem

_MAX_BYTES = 64 * 1024 * 1024
_MAX_LABEL = 40
_MAX_RUN = 80


@dataclass(frozen=True)
class LabelledFile:
    """A line of the table.

    Attributes
    ----------
    file
        Path relative to a folder; it does not leave it.
    run
        The run as it is written, empty where none is.
    """

    file: str
    label: str
    run: str


def read_labels_csv(path: Path) -> list[tuple[str, str]]:
    """Return (relative path, class) for each file of a labels table, in the order of the table.

    Raises
    ------
    HydraError
        See `read_labelled_files`.
    """
    return [(one.file, one.label) for one in read_labelled_files(path)]


def read_labelled_files(path: Path) -> list[LabelledFile]:
    """Return what a labels table says of each file, in the order of the table.

    A class that a spreadsheet would run as a formula (``=``, ``+``, ``-`` or ``@`` in front) is refused: class names
    travel into other tables.

    Raises
    ------
    HydraError
        Naming the file, the line and the cause: no UTF-8, no such columns, a path that leaves the folder, a class
        that cannot be a name, two classes or two runs for one file.
    """
    found: dict[str, LabelledFile] = {}
    try:
        rows = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
        columns = [name.strip() for name in rows.fieldnames or ()]
        if "file" not in columns or "label" not in columns:
            raise _problem(
                path, 1, f"the header must hold the columns file and label, it holds {', '.join(columns) or 'none'}"
            )
        rows.fieldnames = columns
        for row in rows:
            file, label, run = (_cell(row.get(name)) for name in ("file", "label", "run"))
            if reason := _path_reason(file) or _label_reason(label) or _run_reason(run):
                raise _problem(path, rows.line_num, reason)
            one = found.setdefault(file, LabelledFile(file, label, run))
            if one.label != label:
                raise _problem(path, rows.line_num, f"{file!r} has two labels: {one.label!r} and {label!r}")
            if one.run != run:
                raise _problem(path, rows.line_num, f"{file!r} has two runs: {one.run!r} and {run!r}")
    except csv.Error as error:
        raise _problem(path, 0, f"not a table: {error}") from error
    return list(found.values())


def _cell(value: object) -> str:
    return unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else ""


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise _problem(path, 0, f"cannot be read ({error.strerror})") from error
    if len(data) > _MAX_BYTES:
        raise _problem(path, 0, f"larger than the limit of {_MAX_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _problem(path, 0, f"not UTF-8 text (byte {error.start})") from error


def _path_reason(file: str) -> str:
    if not file:
        return "the column file is empty"
    problem = path_problem(PurePosixPath(file))
    return f"{file[:100]!r} cannot be used as a path: {problem}" if problem else ""


def _label_reason(label: str) -> str:
    if not label:
        return "the column label is empty"
    if len(label) > _MAX_LABEL or not label.isprintable():
        return f"{label[:60]!r} cannot be a class: at most {_MAX_LABEL} printable characters"
    if label[0] in "=+-@":
        return f"{label!r} cannot be a class: a spreadsheet would run what begins with {label[0]!r} as a formula"
    return ""


def _run_reason(run: str) -> str:
    if len(run) > _MAX_RUN or not run.isprintable():
        return f"{run[:60]!r} cannot be a run: at most {_MAX_RUN} printable characters"
    return ""


def _problem(path: Path, line: int, cause: str) -> HydraError:
    place = f"{path}, line {line}" if line else f"{path}"
    return HydraError(
        f"the labels table {place}: {cause}",
        next_step="mend the table (UTF-8, header file,label) and run the command again",
    )
