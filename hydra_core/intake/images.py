"""Encoded images → pixels, as a person would see them, within limits and never with a crash.

Accepted by content, not by name: PNG, JPEG, WebP. Transparency is laid on white; of an animation the first picture
counts; embedded colour profiles and gamma are not applied (plots are drawn for plain sRGB, and profiles differ
between producers of the same plot).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pydantic import BaseModel, ConfigDict, Field

from hydra_core.intake import png

Format = Literal["PNG", "JPEG", "WEBP"]
_KNOWN = {
    b"GIF8": "a GIF",
    b"%PDF": "a PDF",
    b"BM": "a BMP",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"root": "a ROOT file",
}
#: More progressive scans than any encoder writes, and few enough to decode in seconds.
_MAX_JPEG_SCANS = 100


class ImageLimits(BaseModel):
    """How large an image may be: bytes of the file, pixels and longest side of the picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_bytes: int = Field(default=32 * 1024 * 1024, gt=0)
    max_pixels: int = Field(default=40_000_000, gt=0, le=80_000_000)
    max_side: int = Field(default=20_000, gt=0)


class Unreadable(ValueError):  # noqa: N818  (it is the state of a card)
    """An image that cannot be shown; the reason becomes a card, so it is a plain sentence without paths."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class ImageFacts:
    """What the head of a file says: format, size in pixels, pixel mode in Pillow's words (``RGB``, ``I;16`` ...)."""

    format: Format
    width: int
    height: int
    mode: str


def inspect_image(data: bytes, limits: ImageLimits | None = None) -> ImageFacts:
    """Return the facts of an encoded image without decoding its pixels.

    Raises
    ------
    Unreadable
        When it is of no accepted format, over a limit, or damaged as far as its structure shows.
    """
    facts, _ = _open(data, limits or ImageLimits())
    return facts


def read_image(data: bytes, limits: ImageLimits | None = None) -> NDArray[np.uint8]:
    """Return the pixels of an encoded image: uint8, shape (height, width, 3), RGB on white.

    Raises
    ------
    Unreadable
        When it is of no accepted format, over a limit, cut or damaged.
    """
    return decode_image(data, limits)[1]


def decode_image(data: bytes, limits: ImageLimits | None = None) -> tuple[ImageFacts, NDArray[np.uint8]]:
    """Return the facts and the pixels (uint8, shape (height, width, 3)) of an encoded image.

    The shape may be turned against the facts where a camera's orientation mark says so.

    Raises
    ------
    Unreadable
        When it is of no accepted format, over a limit, cut or damaged.
    """
    facts, parts = _open(data, limits or ImageLimits())
    try:
        with Image.open(io.BytesIO(parts.picture if parts else data), formats=[facts.format]) as image:
            image.load()
            pixels = _pixels(image if parts else ImageOps.exif_transpose(image), parts)
    except Exception as error:  # a decoder's own defect must cost one card, not the run
        raise Unreadable(f"the {facts.format} picture cannot be decoded: {_first_words(error)}") from error
    return facts, pixels


def _open(data: bytes, limits: ImageLimits) -> tuple[ImageFacts, png.PngParts | None]:
    if not data:
        raise Unreadable("the file is empty (0 bytes)")
    if len(data) > limits.max_bytes:
        raise Unreadable(f"the file is larger than the limit of {limits.max_bytes} bytes")
    found = _format(data)
    if found == "WEBP":
        _within(*_webp_size(data), limits)
    parts = None
    try:
        if found == "PNG":
            header = png.read_header(data)
            _within(header.width, header.height, limits)
            parts = png.check_png(data)
        if found == "JPEG" and data.count(b"\xff\xda") > _MAX_JPEG_SCANS:
            raise Unreadable(f"the JPEG has more than {_MAX_JPEG_SCANS} scans")
        with Image.open(io.BytesIO(parts.picture if parts else data), formats=[found]) as image:
            width, height, mode = *image.size, image.mode
    except Unreadable:
        raise
    except png.PngError as error:
        raise Unreadable(str(error)) from error
    except Exception as error:  # as above
        raise Unreadable(f"the {found} head cannot be read: {_first_words(error)}") from error
    _within(width, height, limits)
    return ImageFacts(found, width, height, mode), parts


def _format(data: bytes) -> Format:
    if data.startswith(png.SIGNATURE):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    raise Unreadable(f"not an image: the content is {_looks_like(data)}, not PNG, JPEG or WebP")


def _looks_like(data: bytes) -> str:
    head = data[:256].lstrip().lower()
    if head.startswith((b"<!doctype", b"<html")):
        return "an HTML page"
    if head.startswith((b"<svg", b"<?xml")):
        return "an SVG or XML text"
    if b"PNG" in data[:6]:
        return "a PNG with a damaged signature"
    for start, words in _KNOWN.items():
        if data.startswith(start):
            return words
    return "of an unknown kind"


def _within(width: int, height: int, limits: ImageLimits) -> None:
    if max(width, height) > limits.max_side:
        raise Unreadable(f"the picture ({width} x {height}) has a side over the limit of {limits.max_side} pixels")
    if width * height > limits.max_pixels:
        raise Unreadable(f"the picture ({width} x {height}) has more pixels than the limit of {limits.max_pixels}")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return the canvas of a WebP file (RFC 9649); the decoder would reserve memory for it before we could ask."""
    if len(data) < 30:
        raise Unreadable("the WebP head is cut")
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise Unreadable("the file is cut: the WebP is shorter than its head says")
    kind, body = data[12:16], data[20:30]
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    raise Unreadable("the WebP head is damaged")


def _pixels(image: Image.Image, parts: png.PngParts | None) -> NDArray[np.uint8]:
    if image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.uint32)
        grey = ((wide * 255 + 32767) // 65535).astype(np.uint8)
        rgb = np.repeat(grey[:, :, None], 3, axis=2)
        if parts and parts.transparent:
            rgb[wide == parts.transparent[0]] = 255
        return rgb
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return _on_white(np.asarray(image.convert("RGBA")))
    rgb = np.array(image.convert("RGB"))
    if parts and parts.transparent:
        rgb[(rgb == np.array(_scaled(parts), dtype=np.uint8)).all(axis=2)] = 255
    return rgb


def _scaled(parts: png.PngParts) -> tuple[int, ...]:
    """Return the transparent sample value in 8 bits, as the decoder gives it (16-bit samples lose their low byte)."""
    values = parts.transparent or ()
    depth = parts.header.depth
    scaled = tuple((value >> 8 if depth == 16 else value * 255 // (2**depth - 1)) & 255 for value in values)
    return scaled * 3 if len(scaled) == 1 else scaled


def _on_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    alpha = rgba[:, :, 3:].astype(np.uint32)
    mixed: NDArray[np.uint8] = ((rgba[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return mixed


def _first_words(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "not enough memory"
    words = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
    return "the content is damaged" if "BytesIO" in words else words
