"""How a TEfficiency is read: uproot stops at one of its members, which is not needed and can be stepped over."""

from __future__ import annotations

import struct
from typing import Any

from hydra_core.intake.histograms.objects import NotRead

_VERSION = 2
_TWO_NUMBERS = struct.Struct(">dd")
_NUMBER = struct.Struct(">d")
_WHOLE = struct.Struct(">i")


def efficiency_model() -> Any:
    """Return the class that reads a TEfficiency, for uproot's table of classes."""
    import uproot
    from uproot.deserialization import numbytes_version, read_object_any
    from uproot.models.TNamed import Model_TNamed

    def skip(chunk: Any, cursor: Any, context: Any) -> None:
        start = cursor.index
        length, _, _ = numbytes_version(chunk, cursor, context)
        if length is None:
            raise NotRead("a part of it does not say how long it is")
        cursor.move_to(start + length)

    class ModelTEfficiency(uproot.model.Model):  # type: ignore[misc]
        def read_members(self, chunk: Any, cursor: Any, context: Any, file: Any) -> None:
            if self._instance_version != _VERSION:
                raise NotRead(f"version {self._instance_version} of TEfficiency is not known")
            # In the order of the file: name and title, then line, area and marker, which are looks.
            self._bases.append(Model_TNamed.read(chunk, cursor, context, file, self._file, self._parent))
            for _ in ("TAttLine", "TAttFill", "TAttMarker"):
                skip(chunk, cursor, context)
            cursor.fields(chunk, _TWO_NUMBERS, context)
            # A vector of pairs whose form uproot does not know.
            skip(chunk, cursor, context)
            cursor.field(chunk, _NUMBER, context)
            for name in ("fFunctions", "fPassedHistogram", "fStatisticOption", "fTotalHistogram"):
                self._members[name] = (
                    cursor.field(chunk, _WHOLE, context)
                    if name == "fStatisticOption"
                    else read_object_any(chunk, cursor, context, file, self._file, self)
                )
            self._members["fWeight"] = cursor.field(chunk, _NUMBER, context)

    # The name by which uproot finds out what a model stands for.
    ModelTEfficiency.__name__ = ModelTEfficiency.__qualname__ = "Model_TEfficiency"
    return ModelTEfficiency
