"""Images of every kind become thumbnails, sprites, full images and overlays, or say why not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hydra_core.base.errors import HydraError
from hydra_core.report.pictures import SpriteSheet, heat_png, keep_full, read_picture


def encoded(image: Image.Image, form: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16", "I"])
def test_every_mode_becomes_a_colour_thumbnail_of_the_same_aspect(mode):
    image = Image.new("L", (800, 400), 128).convert(mode) if mode not in ("LA", "I;16") else None
    if mode == "LA":
        image = Image.new("LA", (800, 400), (10, 0))
    if mode == "I;16":
        image = Image.fromarray(np.full((400, 800), 30000, dtype=np.uint16))
    picture = read_picture(encoded(image, "TIFF" if mode == "I" else "PNG"))
    assert (picture.width, picture.height) == (800, 400)
    assert picture.thumb.size == (280, 140)
    assert picture.thumb.mode == "RGB"


def test_what_is_transparent_lies_on_white():
    thumb = read_picture(encoded(Image.new("RGBA", (10, 10), (255, 0, 0, 0)))).thumb
    assert thumb.getpixel((5, 5)) == (255, 255, 255)


def test_sixteen_bits_are_scaled_and_not_cut():
    thumb = read_picture(encoded(Image.fromarray(np.full((8, 8), 32768, dtype=np.uint16)))).thumb
    assert thumb.getpixel((4, 4))[0] == pytest.approx(128, abs=2)


@pytest.mark.parametrize(("size", "small"), [((100, 80), (100, 80)), ((100, 4000), (10, 420)), ((9000, 2), (280, 1))])
def test_a_thumbnail_is_never_enlarged_and_never_empty(size, small):
    assert read_picture(encoded(Image.new("RGB", size))).thumb.size == small


@given(st.binary(max_size=200))
def test_bytes_that_are_no_image_are_told_in_words(data):
    with pytest.raises(HydraError, match="cannot be read"):
        read_picture(data)


def test_a_cut_off_image_is_told_in_words(samples):
    whole = samples.simple(1)
    with pytest.raises(HydraError, match="cannot be read"):
        read_picture(whole[: len(whole) // 2])


@pytest.mark.parametrize(("form", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp"), ("BMP", "png")])
def test_full_images_keep_their_bytes_where_a_browser_can_show_them(tmp_path, form, suffix):
    data = encoded(Image.new("RGB", (20, 10), "navy"), form)
    href = keep_full(tmp_path, read_picture(data))
    assert href.endswith(f".{suffix}")
    assert ((tmp_path / href).read_bytes() == data) == (form != "BMP")


def test_a_full_image_is_written_once(tmp_path, samples):
    picture = read_picture(samples.simple(2))
    href = keep_full(tmp_path, picture)
    before = (tmp_path / href).stat().st_mtime_ns
    assert keep_full(tmp_path, picture) == href
    assert (tmp_path / href).stat().st_mtime_ns == before


def test_each_place_in_a_sprite_shows_its_own_thumbnail(tmp_path):
    sheet = SpriteSheet(tmp_path)
    colours = [(index * 2 % 256, 255 - index * 2 % 256, index % 7 * 30) for index in range(100)]
    places = [sheet.add(Image.new("RGB", (280 - index, 100 + index), colour)) for index, colour in enumerate(colours)]
    sheet.close()
    assert len(sheet.sizes) == 2
    sprites = [Image.open(tmp_path / f"sprite-{number}.webp").convert("RGB") for number in range(2)]
    assert [sprite.size for sprite in sprites] == sheet.sizes
    for place, colour in zip(places, colours, strict=True):
        sprite = sprites[place.sprite]
        middle = sprite.getpixel((place.x + place.width // 2, place.y + place.height // 2))
        assert np.abs(np.subtract(middle, colour)).max() < 24
        assert place.x + place.width <= sprite.width
        assert place.y + place.height <= sprite.height


def test_places_in_a_sprite_do_not_overlap(tmp_path):
    sheet = SpriteSheet(tmp_path)
    places = [sheet.add(Image.new("RGB", (280, 50 + index % 3 * 60))) for index in range(30)]
    taken = np.zeros((2000, 2600), dtype=int)
    for place in places:
        taken[place.y : place.y + place.height, place.x : place.x + place.width] += 1
    assert taken.max() == 1


def test_no_thumbnails_make_no_sprite(tmp_path):
    sheet = SpriteSheet(tmp_path)
    sheet.close()
    assert sheet.sizes == []
    assert list(tmp_path.iterdir()) == []


def test_a_heat_map_is_clear_where_the_model_did_not_look():
    values = np.array([[0.0, 1.0], [np.nan, np.inf]], dtype=np.float32)
    with Image.open(io.BytesIO(heat_png(values))) as image:
        alpha = np.asarray(image)[..., 3]
    assert alpha.tolist() == [[0, 255], [0, 255]]


def test_a_large_heat_map_is_reduced():
    with Image.open(io.BytesIO(heat_png(np.zeros((600, 900), dtype=np.float32)))) as image:
        assert max(image.size) == 256
