"""Images on their way to pages: thumbnails in sprites, full images named by content, heat maps as overlays."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from hydra_core.base.errors import HydraError
from hydra_core.base.files import sha256_bytes, write_bytes
from hydra_core.report.views import HeatMap

THUMB_WIDTH = 280
_THUMB_HEIGHT = 420
_COLUMNS = 8
#: A decoded sprite stays near 30 MB, and far from the 16,383 pixels that WebP allows.
_PER_SPRITE = 96
_GAP = 2
_QUALITY = 60
#: Formats a browser shows as they are; anything else is written again as PNG.
_SHOWN = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
_MAP_SIDE = 256
#: From nothing to strong (value, red, green, blue): yellow, orange, magenta; seen on white paper and on dark maps.
_HEAT = np.array([[0.0, 255, 221, 87], [0.45, 255, 128, 60], [0.75, 235, 40, 140], [1.0, 200, 0, 190]])


@dataclass(frozen=True)
class Thumb:
    """A place in a sprite, in pixels."""

    sprite: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Picture:
    """An image that was read: its size in pixels, its thumbnail and its encoded bytes."""

    width: int
    height: int
    thumb: Image.Image
    data: bytes
    suffix: str

    @property
    def href(self) -> str:
        """Path of the full image relative to the site, named by content."""
        sha = sha256_bytes(self.data)
        return f"images/{sha[:2]}/{sha}.{self.suffix}"


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        numbers = np.asarray(image, dtype=np.float64)
        top = 65535.0 if image.mode.startswith("I;16") else max(float(numbers.max(initial=0)), 1.0)
        return Image.fromarray((np.clip(numbers / top, 0, 1) * 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(paper, layer).convert("RGB")
    return image.convert("RGB")


def read_picture(data: bytes) -> Picture:
    """Decode an archived image and make its thumbnail (at most 280 x 420 pixels, true aspect, never enlarged).

    Raises
    ------
    HydraError
        When the bytes are not an image.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            suffix = _SHOWN.get(image.format or "")
            image.load()
            full = _on_white(image)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise HydraError(f"the archived image cannot be read: {error}", next_step="run hydra fsck") from error
    if suffix is None:
        stream = io.BytesIO()
        full.save(stream, "PNG")
        data, suffix = stream.getvalue(), "png"
    scale = min(THUMB_WIDTH / full.width, _THUMB_HEIGHT / full.height, 1.0)
    small = (max(1, round(full.width * scale)), max(1, round(full.height * scale)))
    thumb = full if small == full.size else full.resize(small, Image.Resampling.LANCZOS)
    return Picture(full.width, full.height, thumb, data, suffix)


def keep_full(site: Path, picture: Picture) -> str:
    """Write a full image once for all revisions that show it; return its path relative to the site."""
    target = site / picture.href
    if not target.exists():
        write_bytes(target, picture.data)
    return picture.href


class SpriteSheet:
    """Thumbnails in a few WebP files of rows of eight; a file is written as soon as it is full."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: list[tuple[int, int, Image.Image]] = []
        self._row_top = self._row_height = 0
        self.sizes: list[tuple[int, int]] = []

    def add(self, thumb: Image.Image) -> Thumb:
        """Give `thumb` the next place."""
        column = len(self._waiting) % _COLUMNS
        if column == 0 and self._waiting:
            self._row_top += self._row_height + _GAP
            self._row_height = 0
        self._row_height = max(self._row_height, thumb.height)
        place = Thumb(len(self.sizes), column * (THUMB_WIDTH + _GAP), self._row_top, thumb.width, thumb.height)
        self._waiting.append((place.x, place.y, thumb))
        if len(self._waiting) == _PER_SPRITE:
            self.close()
        return place

    def close(self) -> None:
        """Write what is waiting."""
        if not self._waiting:
            return
        width = max(x + thumb.width for x, _, thumb in self._waiting)
        height = self._row_top + self._row_height
        sheet = Image.new("RGB", (width, height), "white")
        for x, y, thumb in self._waiting:
            sheet.paste(thumb, (x, y))
        sheet.save(self._folder / f"sprite-{len(self.sizes)}.webp", "WEBP", quality=_QUALITY, method=4)
        self.sizes.append((width, height))
        self._waiting.clear()
        self._row_top = self._row_height = 0


def heat_png(values: npt.NDArray[np.floating[Any]]) -> bytes:
    """Return a heat map as PNG with transparency: nothing where the model did not look.

    Parameters
    ----------
    values
        Shape (h, w), 0..1; what is not finite counts as 0, sides above 256 are reduced.
    """
    clipped = np.clip(np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    colours = [np.interp(clipped, _HEAT[:, 0], _HEAT[:, channel]) for channel in (1, 2, 3)]
    pixels = np.stack([*colours, 255.0 * np.sqrt(clipped)], axis=-1).round().astype(np.uint8)
    image = Image.fromarray(pixels)
    image.thumbnail((_MAP_SIDE, _MAP_SIDE), Image.Resampling.BILINEAR)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def write_maps(folder: Path, number: int, maps: Sequence[HeatMap]) -> tuple[str, ...]:
    """Write the heat maps of card `number` below `folder`; return their names relative to it."""
    names = tuple(f"maps/{number}-{position}.png" for position in range(len(maps)))
    for name, heat in zip(names, maps, strict=True):
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(heat_png(heat.values))
    return names
