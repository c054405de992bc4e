"""An image as a person names it: by its SHA-256, or by the first digits that tables print."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hydra_core.base.errors import HydraError

#: The fewest digits of a hash that name an image.
FEWEST = 8
_DIGITS = re.compile(rf"[0-9a-f]{{{FEWEST},64}}\Z")


def image_digits(text: str) -> str:
    """Return the digits by which a text names an image, in small letters.

    Raises
    ------
    HydraError
        When it is neither a SHA-256 nor the beginning of one.
    """
    digits = text.lower()
    if not _DIGITS.match(digits):
        raise HydraError(
            f"{text!r} is no SHA-256 of an image, nor its first digits",
            next_step=f"give {FEWEST} digits or more (0 to 9, a to f), as tables and the cards of images show them",
        )
    return digits


def named_image(text: str, among: Iterable[str]) -> str | None:
    """Return the one SHA-256 of `among` that a text names; None where it names none of them.

    Raises
    ------
    HydraError
        When it is not the beginning of a SHA-256, or that of several.
    """
    digits = image_digits(text)
    fitting = [sha for sha in among if sha.startswith(digits)]
    if len(fitting) > 1:
        raise HydraError(f"{text} names {len(fitting)} images", next_step="give more digits of the SHA-256")
    return fitting[0] if fitting else None
