"""What a block says of where it comes from: enough to build the ledger again from the archive alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hydra_core.base.errors import DataError

_KEY = "provenance"


@dataclass(frozen=True)
class Provenance:
    """A run revision as the ledger knows it.

    Attributes
    ----------
    pass_name, workflow, first_run, last_run
        The pass, its Cylc workflow, and the run numbers it spans.
    source
        The folder of its producers, relative to the data root where it lies in there.
    run, run_name, folder
        The cycle point, how people call the run, and where its files lie if they have no run number.
    fingerprint
        SHA-256 over the sources (see `scan.fingerprint`).
    code_version, style_version
        Of the program that read it, and of its drawing.
    """

    pass_name: str
    workflow: str
    first_run: int
    last_run: int
    source: str
    run: int
    run_name: str
    folder: str
    revision: int
    fingerprint: str
    code_version: str
    style_version: str
    conditions: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def attributes(self) -> dict[str, str]:
        """Return the form in which a block holds it."""
        return {_KEY: json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)}

    @classmethod
    def of(cls, attributes: Mapping[str, str]) -> Provenance:
        """Read it back from the attributes of a block.

        Raises
        ------
        DataError
            When it is not there, or of another form.
        """
        try:
            values = json.loads(attributes[_KEY])
            return cls(**{**values, "notes": tuple(values["notes"])})
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"the block does not say where it comes from: {error}", next_step="take the file from the backup"
            ) from error
