"""Whatever bytes come in: pixels as a person would see them, or a sentence that says why not."""

from __future__ import annotations

import csv
import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from hydra_core.intake.images import ImageFacts, ImageLimits, Unreadable, inspect_image, read_image

Encode = Callable[..., bytes]
Chunk = Callable[[bytes, bytes], bytes]
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def refused(data: bytes, **limits: int) -> str:
    with pytest.raises(Unreadable) as caught:
        read_image(data, ImageLimits(**limits))
    return caught.value.reason


def outcome(data: bytes) -> np.ndarray | str:
    try:
        return read_image(data, ImageLimits(max_pixels=1_000_000))
    except Unreadable as problem:
        return problem.reason


def is_picture_or_sentence(result: np.ndarray | str) -> bool:
    if isinstance(result, str):
        return bool(result) and "\n" not in result
    return result.dtype == np.uint8 and result.ndim == 3 and result.shape[2] == 3


def ramp() -> np.ndarray:
    return np.arange(24 * 32 * 3, dtype=np.uint32).reshape(24, 32, 3).astype(np.uint8)


@pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), ("JPEG", {"quality": 95})])
def test_the_three_formats_are_known_by_content(encode: Encode, form: str, options: dict[str, object]) -> None:
    flat = np.full((24, 32, 3), (200, 30, 60), np.uint8)
    data = encode(flat, form, **options)
    assert inspect_image(data) == ImageFacts(form, 32, 24, "RGB")
    assert np.abs(read_image(data).astype(int) - flat).max() <= (4 if form == "JPEG" else 0)


def test_transparency_is_laid_on_white(encode: Encode) -> None:
    rgba = np.zeros((4, 6, 4), np.uint8)
    rgba[:, :3, 3] = 255
    rgba[:, 3, 3] = 128
    assert read_image(encode(rgba))[0].tolist() == [[0] * 3] * 3 + [[127] * 3] + [[255] * 3] * 2


def test_a_transparent_colour_is_white_in_grey_and_colour(chunk: Chunk) -> None:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 4, 0, 0, 0, 0))
    body = chunk(b"tRNS", b"\0\x03") + chunk(b"IDAT", zlib.compress(b"\0\x35")) + chunk(b"IEND", b"")
    assert read_image(SIGNATURE + head + body)[0].tolist() == [[255] * 3, [5 * 17] * 3]


def test_sixteen_bit_grey_is_scaled_not_cut(encode: Encode) -> None:
    wide = np.array([[0, 257, 32768, 65535]], np.uint16)
    assert read_image(encode(wide))[0, :, 0].tolist() == [0, 1, 128, 255]


def test_palette_bilevel_and_cmyk_are_shown_in_colour(encode: Encode) -> None:
    image = Image.fromarray(np.kron(np.array([[0, 255], [255, 0]], np.uint8), np.ones((8, 8), np.uint8)))
    for mode, form in (("P", "PNG"), ("1", "PNG"), ("CMYK", "JPEG")):
        pixels = read_image(encode(image.convert("RGB").convert(mode), form))
        assert pixels.shape == (16, 16, 3)
        assert pixels[0, 0].max() < 12
        assert pixels[0, 12].min() > 243


def test_of_an_animation_the_first_picture_is_shown(encode: Encode) -> None:
    red, blue = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    for form in ("PNG", "WEBP"):
        pixels = read_image(encode(red, form, save_all=True, append_images=[blue], lossless=True))
        assert pixels[0, 0].tolist() == [255, 0, 0] or pixels[0, 0, 0] > 250


def test_a_jpeg_is_turned_as_its_orientation_says(encode: Encode) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_image(encode(ramp(), "JPEG", exif=exif)).shape == (32, 24, 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"GIF89a", "a GIF"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"<svg xmlns='x'/>", "SVG"),
        (b"%PDF-1.4", "a PDF"),
        (b"\x89PNG\n\x1a\n", "damaged signature"),
        (SIGNATURE, "header"),
        (b"\xff\xd8\xff", "JPEG"),
        (b"RIFF\0\0\0\0WEBP", "WebP"),
        (b"root\0\0", "ROOT"),
        (b"\0" * 500, "unknown kind"),
    ],
)
def test_what_is_no_image_is_refused_in_words(data: bytes, words: str) -> None:
    assert words in refused(data)


def test_limits_are_kept_before_anything_is_decoded(encode: Encode, chunk: Chunk) -> None:
    data = encode(ramp())
    assert "bytes" in refused(data, max_bytes=len(data) - 1)
    assert "side" in refused(data, max_side=31)
    assert "pixels" in refused(data, max_pixels=32 * 24 - 1)
    assert "pixels" in refused(encode(ramp(), "WEBP"), max_pixels=32 * 24 - 1)
    assert "pixels" in refused(encode(ramp(), "JPEG"), max_pixels=32 * 24 - 1)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 1, 3, 0, 0, 0))
    bomb = (
        SIGNATURE + head + chunk(b"PLTE", b"\0\0\0") + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )
    assert "30000 x 30000" in refused(bomb)


def test_a_webp_canvas_is_checked_before_memory_is_taken() -> None:
    body = b"\x10\0\0\0" + (16383).to_bytes(3, "little") + (16383).to_bytes(3, "little")
    data = b"RIFF" + (4 + 8 + 10).to_bytes(4, "little") + b"WEBPVP8X" + (10).to_bytes(4, "little") + body
    assert "16384 x 16384" in refused(data)


def test_a_text_that_swells_costs_no_memory(encode: Encode) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("a", "x" * 60_000_000, zip=True)
    info.add_itxt("b", "y" * 60_000_000, zip=True)
    data = encode(ramp(), pnginfo=info)
    assert len(data) < 300_000
    tracemalloc.start()
    pixels = read_image(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(pixels, ramp())
    assert peak < 5_000_000


def test_a_jpeg_of_countless_scans_is_refused(encode: Encode) -> None:
    assert "scans" in refused(encode(ramp(), "JPEG") + b"\xff\xda" * 101)


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT", b"IEND", b"tEXt"])
def test_a_wrong_checksum_anywhere_is_refused(encode: Encode, kind: bytes) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("a", "b")
    data = bytearray(encode(ramp(), pnginfo=info))
    place = data.index(kind)
    length = int.from_bytes(data[place - 4 : place], "big")
    data[place + 4 + length] ^= 1
    assert "checksum" in refused(bytes(data))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_file_cut_at_any_per_cent_is_refused(encode: Encode, form: str) -> None:
    data = encode(3, form)
    for percent in range(100):
        assert refused(data[: len(data) * percent // 100])


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes_give_a_picture_or_a_reason(encode: Encode, form: str, places: list[tuple[float, int]]) -> None:
    data = bytearray(encode(4, form))
    for place, flip in places:
        data[int(place * len(data))] ^= flip
    assert is_picture_or_sentence(outcome(bytes(data)))


@settings(max_examples=150)
@given(st.binary(max_size=200), st.sampled_from([b"", SIGNATURE, b"\xff\xd8\xff\xe0", b"RIFF\xff\0\0\0WEBPVP8L"]))
def test_arbitrary_bytes_are_never_more_than_a_reason(data: bytes, start: bytes) -> None:
    assert is_picture_or_sentence(outcome(start + data))


def test_a_damaged_palette_picture_is_refused(encode: Encode, chunk: Chunk) -> None:
    data = encode(Image.new("P", (4, 4)))
    start = data.index(b"PLTE") - 4
    length = int.from_bytes(data[start : start + 4], "big") + 12
    assert "no palette" in refused(data[:start] + data[start + length :])
    assert "unknown or misplaced ABCD" in refused(data[:33] + chunk(b"ABCD", b"") + data[33:])


@pytest.mark.real_data
def test_every_picture_of_the_png_suite_is_shown_and_every_corrupt_one_refused(real_data: Path) -> None:
    folder = real_data / "png_suite"
    with (folder / "expected_pillow.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    wrong = []
    for row in rows:
        data = (folder / row["file"]).read_bytes()
        try:
            facts, shape = inspect_image(data), read_image(data).shape
        except Unreadable:
            readable = False
        else:
            readable = True
            wide, high = row["dims"].split("x")
            assert (facts.width, facts.height, facts.mode) == (int(wide), int(high), row["mode"])
            assert shape == (int(high), int(wide), 3)
        if readable == row["file"].startswith("x"):
            wrong.append(row["file"])
    assert len(rows) > 150
    assert wrong == []


@pytest.mark.real_data
def test_the_png_suite_without_transparency_looks_as_in_pillow(real_data: Path) -> None:
    for name in ("basn2c08", "basn3p04", "basi2c08", "basn0g08", "cs8n3p08"):
        data = (real_data / "png_suite" / f"{name}.png").read_bytes()
        assert np.array_equal(read_image(data), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
