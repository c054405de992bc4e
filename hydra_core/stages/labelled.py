"""Labelled images on their way into a training: those of a plot type, from the archive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from hydra_core.config.site import Site
from hydra_core.intake.block import Block
from hydra_core.intake.images import read_image
from hydra_core.models.asked import InputSpec
from hydra_core.stages.gold import taught_and_gold
from hydra_core.stages.networks import network_input
from hydra_core.store.labelbook import LabelledImage
from hydra_core.store.ledger import all_passes

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class LabelledSet:
    """Labelled images that a network can be trained on; every row has one entry per image.

    Attributes
    ----------
    names
        What a person calls each image.
    classes, runs, hashes
        Its label, the number of its run, and the SHA-256 of its file.
    gold
        Whether it is of the gold set, which no network is trained, chosen or compared on here.
    fill
        Writes the images, as a network with this input takes them, into an array: uint8, shape (n, h, w, 3).
    picture
        Index -> the image as it is: uint8, shape (h, w, 3).
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    runs: tuple[int, ...]
    hashes: tuple[str, ...]
    gold: tuple[bool, ...]
    fill: Callable[[Pixels, InputSpec], None]
    picture: Callable[[int], Pixels]


def labelled_set(connection: Connection, site: Site, plot_type_id: int) -> LabelledSet:
    """Return the archived images of a plot type whose label names a class."""
    taught, golden = taught_and_gold(connection, plot_type_id)
    images = [*taught, *golden]
    passes = {row.id: row.name for row in all_passes(connection)}

    def picture(number: int) -> Pixels:
        image = images[number]
        path = site.archive_file(passes[image.pass_id], image.run, image.revision, image.generation)
        with Block.open(path) as block:
            return read_image(block.data(image.block_index))

    return LabelledSet(
        names=tuple(f"{passes[image.pass_id]}, run {image.run}" for image in images),
        classes=tuple(image.class_name for image in images),
        runs=tuple(image.run for image in images),
        hashes=tuple(image.image_sha for image in images),
        gold=(False,) * len(taught) + (True,) * len(golden),
        fill=lambda pixels, spec: fill(pixels, site, images, passes, spec),
        picture=picture,
    )


def fill(
    pixels: Pixels, site: Site, images: Sequence[LabelledImage], passes: Mapping[int, str], spec: InputSpec
) -> None:
    """Write archived images, as a network with this input takes them, into the first places of `pixels`.

    Parameters
    ----------
    pixels
        uint8, shape (n, h, w, 3), n at least the number of images.
    passes
        Names of the passes by their number in the database.
    """
    places: dict[tuple[int, int, int], list[int]] = {}
    for number, image in enumerate(images):
        places.setdefault((image.pass_id, image.run, image.revision), []).append(number)
    for (pass_id, run, revision), numbers in places.items():
        path = site.archive_file(passes[pass_id], run, revision, images[numbers[0]].generation)
        with Block.open(path) as block:
            for number in numbers:
                pixels[number] = network_input(block, images[number].block_index, spec)
