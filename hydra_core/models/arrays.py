"""Names for the arrays that go in and out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: uint8; one image (h, w, 3) or many (n, h, w, 3).
Images = NDArray[np.uint8]
Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]
Names = NDArray[np.str_]
AnyArray = NDArray[Any]
