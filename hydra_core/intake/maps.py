"""Heat maps of one run revision in one sealed file, beside its block: float16, named by item number, class and kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydra_core.base.errors import DataError
from hydra_core.intake.container import Container, write_container

MAPS_FORMAT = "hydra-maps-1"


@dataclass(frozen=True)
class StoredMap:
    """One heat map: its class, its kind (``cam``, ``contrast`` ...), its values (float32, shape (h, w), finite)."""

    class_name: str
    kind: str
    values: NDArray[np.float32]


def write_maps(path: Path, maps: Mapping[int, Sequence[StoredMap]], attributes: Mapping[str, str] | None = None) -> str:
    """Write the maps of a block's items atomically (values rounded to float16) and return the SHA-256 of the file.

    Parameters
    ----------
    maps
        By number of the item in its block.

    Raises
    ------
    DataError
        When a map is not two-dimensional or holds NaN, infinity or numbers beyond float16.
    """
    entries: list[dict[str, Any]] = []
    blobs: list[bytes] = []
    for number in sorted(maps):
        for stored in maps[number]:
            with np.errstate(over="ignore"):
                values = np.ascontiguousarray(stored.values, dtype="<f2")
            if values.ndim != 2 or not np.isfinite(values).all():
                raise DataError(f"the {stored.kind} map of item {number} for {path} is not a finite (h, w) array")
            shape = [int(side) for side in values.shape]
            place = {"item": number, "class": stored.class_name, "kind": stored.kind}
            entries.append({**place, "shape": shape, "blob": len(blobs)})
            blobs.append(values.tobytes())
    return write_container(path, MAPS_FORMAT, {"attributes": dict(attributes or {})}, entries, blobs)


def read_maps(
    path: Path, sha256: str | None = None, attributes: Mapping[str, str] | None = None
) -> dict[int, tuple[StoredMap, ...]]:
    """Return all maps of a file by item number.

    Parameters
    ----------
    attributes
        What must have been written with them; anything where None.

    Raises
    ------
    DataError
        When the file is missing, cut, altered, holds no maps or was written with other attributes; the message names
        it.
    """
    found: dict[int, list[StoredMap]] = {}
    with Container(path, MAPS_FORMAT, sha256) as container:
        if attributes is not None and container.header.get("attributes") != dict(attributes):
            raise DataError(f"{path} was made for something else", next_step="run the stage that writes it again")
        try:
            for entry in container.entries:
                data = container.blob(entry["blob"])
                values = np.frombuffer(data, dtype="<f2").reshape(entry["shape"]).astype(np.float32)
                found.setdefault(int(entry["item"]), []).append(StoredMap(entry["class"], entry["kind"], values))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"the index of {path} has another form: {error}", next_step="run `hydra fsck`") from error
    return {number: tuple(stored) for number, stored in found.items()}
