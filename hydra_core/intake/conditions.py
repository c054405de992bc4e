"""``metadata.json``: conditions that a producer writes beside its plots, valid for a folder and everything below it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hydra_core.intake.naming import METADATA_NAME
from hydra_core.intake.sources import SourceProblem, read_source

_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Conditions:
    """The merged values for one folder, and what was wrong with files that could not be used."""

    values: Mapping[str, Any]
    problems: tuple[str, ...] = ()


def conditions_for(root: Path, folder: PurePosixPath) -> Conditions:
    """Merge the ``metadata.json`` of `root` and of each folder on the way to `folder`; a deeper file wins, key by key.

    A file that cannot be used is left out and named in ``problems``: it never stops a run.

    Parameters
    ----------
    folder
        Relative path of the folder; ``PurePosixPath(".")`` is the root itself.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for relative in metadata_files(root, folder):
        try:
            values.update(_read(root, relative))
        except (ValueError, RecursionError) as error:
            problems.append(f"{relative} was not used: {_reason(error)}")
    return Conditions(values, tuple(problems))


def metadata_files(root: Path, folder: PurePosixPath) -> list[PurePosixPath]:
    """Return the ``metadata.json`` that hold for a folder, the outermost first, as paths below `root`."""
    places = [PurePosixPath(*folder.parts[:depth]) / METADATA_NAME for depth in range(len(folder.parts) + 1)]
    return [place for place in places if (root / place).is_symlink() or (root / place).exists()]


def _read(root: Path, relative: PurePosixPath) -> dict[str, Any]:
    text = read_source(root, relative, _MAX_BYTES).decode("utf-8-sig")
    value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    if not isinstance(value, dict):
        raise ValueError("it holds no JSON object")
    # A lone half of a surrogate pair is valid JSON, but no database and no page can hold it.
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {digits[:20]} is too large")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _reason(error: Exception) -> str:
    if isinstance(error, SourceProblem):
        return error.reason
    if isinstance(error, UnicodeError):
        return "it is not UTF-8 text"
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON (line {error.lineno}: {error.msg})"
    return "it is nested too deep" if isinstance(error, RecursionError) else str(error)
