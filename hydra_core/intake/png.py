"""The structure of a PNG file, checked before any decoder sees it (PNG specification, third edition, chapter 5).

A decoder that skips a wrong checksum shows a damaged plot as a good one; a compressed text chunk of some kB may swell
to GB. So every chunk is walked, every checksum compared, and only the chunks that make the picture are handed on.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
GREY, TRUECOLOUR, PALETTE = 0, 2, 3


class PngError(ValueError):
    """A PNG file breaks its own format; the message says where, in words."""


@dataclass(frozen=True)
class PngHeader:
    """The first chunk: size in pixels, bits a sample, colour type (0 grey, 2 colour, 3 palette, 4 and 6 with alpha)."""

    width: int
    height: int
    depth: int
    colour: int


@dataclass(frozen=True)
class PngParts:
    """A checked file: its header, the bare picture as a PNG of its own, and the transparent sample value if any."""

    header: PngHeader
    picture: bytes
    transparent: tuple[int, ...] | None


def read_header(data: bytes) -> PngHeader:
    """Return the header of a PNG file.

    Raises
    ------
    PngError
        When the file does not begin with a sound header.
    """
    if len(data) < 33 or data[8:16] != b"\0\0\0\x0dIHDR":
        raise PngError("the PNG header is cut or damaged")
    if zlib.crc32(data[12:29]) != int.from_bytes(data[29:33], "big"):
        raise PngError("the PNG header has a wrong checksum")
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", data[16:29])
    if not 0 < width < 2**31 or not 0 < height < 2**31:
        raise PngError(f"the PNG header gives an impossible size ({width} x {height})")
    if depth not in _DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise PngError(f"the PNG header gives an impossible format (colour type {colour}, {depth} bits)")
    return PngHeader(width, height, depth, colour)


def check_png(data: bytes) -> PngParts:
    """Walk all chunks of a PNG file and return what makes its picture.

    Of an animated PNG that is the default image. Bytes after the end chunk are ignored.

    Raises
    ------
    PngError
        When a chunk is cut, has a wrong checksum, is out of place or missing.
    """
    header = read_header(data)
    kept = [SIGNATURE, data[8:33]]
    position, seen_data, data_ended, palette = 33, False, False, False
    transparency: bytes | None = None
    while True:
        if position + 12 > len(data):
            raise PngError("the file is cut: the PNG end mark is missing")
        kind = data[position + 4 : position + 8]
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        name = kind.decode("ascii", "backslashreplace")
        if end > len(data):
            raise PngError(f"the file is cut inside its {name} chunk")
        if zlib.crc32(data[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise PngError(f"the {name} chunk has a wrong checksum: the file is damaged")
        whole, body = data[position:end], data[position + 8 : end - 4]
        position = end
        if kind == b"IEND":
            break
        if kind == b"IDAT":
            if data_ended:
                raise PngError("the PNG image data is torn apart by other chunks")
            seen_data = True
            kept.append(whole)
            continue
        data_ended = seen_data
        if kind == b"PLTE":
            if palette or seen_data or not body or len(body) % 3 or len(body) > 768:
                raise PngError("the PNG palette is damaged or out of place")
            palette = True
            kept.append(whole)
        elif kind == b"tRNS" and not seen_data:
            transparency = body
            if header.colour == PALETTE and palette:
                kept.append(whole)
        elif kind in _CRITICAL or not kind[0] & 0x20:
            raise PngError(f"the PNG holds an unknown or misplaced {name} chunk")
    if not seen_data:
        raise PngError("the PNG holds no image data")
    if header.colour == PALETTE and not palette:
        raise PngError("the PNG has no palette but needs one")
    return PngParts(header, b"".join([*kept, whole]), _transparent_value(header, transparency))


def _transparent_value(header: PngHeader, body: bytes | None) -> tuple[int, ...] | None:
    samples = {GREY: 1, TRUECOLOUR: 3}.get(header.colour)
    if body is None or samples is None:
        return None
    if len(body) != 2 * samples:
        raise PngError("the PNG transparency chunk is damaged")
    return struct.unpack(f">{samples}H", body)
