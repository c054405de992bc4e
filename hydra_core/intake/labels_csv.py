"""A table of labels that somebody brings along: ``file,label`` with a header, other columns are ignored."""

from __future__ import annotations

import csv
import io
import unicodedata
from pathlib import Path, PurePosixPath

from hydra_core.base.errors import HydraError
from hydra_core.intake.naming import path_problem

_MAX_BYTES = 64 * 1024 * 1024
_MAX_LABEL = 40


def read_labels_csv(path: Path) -> list[tuple[str, str]]:
    """Return (relative path, class) for each file of a labels table, in the order of the table.

    A class that a spreadsheet would run as a formula (``=``, ``+``, ``-`` or ``@`` in front) is refused: class names
    travel into other tables.

    Raises
    ------
    HydraError
        Naming the file, the line and the cause: no UTF-8, no such columns, a path that leaves the folder, a class
        that cannot be a name, two classes for one file.
    """
    found: dict[str, str] = {}
    try:
        rows = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
        columns = [name.strip() for name in rows.fieldnames or ()]
        if "file" not in columns or "label" not in columns:
            raise _problem(
                path, 1, f"the header must hold the columns file and label, it holds {', '.join(columns) or 'none'}"
            )
        rows.fieldnames = columns
        for row in rows:
            file, label = _cell(row.get("file")), _cell(row.get("label"))
            if reason := _path_reason(file) or _label_reason(label):
                raise _problem(path, rows.line_num, reason)
            if found.setdefault(file, label) != label:
                raise _problem(path, rows.line_num, f"{file!r} has two labels: {found[file]!r} and {label!r}")
    except csv.Error as error:
        raise _problem(path, 0, f"not a table: {error}") from error
    return list(found.items())


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


def _problem(path: Path, line: int, cause: str) -> HydraError:
    place = f"{path}, line {line}" if line else f"{path}"
    return HydraError(
        f"the labels table {place}: {cause}",
        next_step="mend the table (UTF-8, header file,label) and run the command again",
    )
