"""What the intake tests share: small images, made here, and the folder of real data."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def real_data() -> Path:
    """Return the folder that HYDRA_REAL_DATA names; only for tests marked ``real_data``."""
    return Path(os.environ["HYDRA_REAL_DATA"])


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """Return a function that encodes an array, a seed, or a Pillow image."""

    def encoded(content: np.ndarray | Image.Image | int, form: str = "PNG", **options: object) -> bytes:
        if isinstance(content, int):
            content = np.random.default_rng(content).integers(0, 256, (24, 32, 3), dtype=np.uint8)
        image = content if isinstance(content, Image.Image) else Image.fromarray(content)
        stream = io.BytesIO()
        image.save(stream, form, **options)
        return stream.getvalue()

    return encoded


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Return a PNG chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.fixture
def chunk() -> Callable[[bytes, bytes], bytes]:
    """Return the maker of PNG chunks."""
    return png_chunk
