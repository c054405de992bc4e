"""``hydra label``: one label for one image, by itself or as an answer to a training report."""

from __future__ import annotations

import argparse
from typing import Any

from hydra_core.base.clock import now
from hydra_core.base.errors import HydraError
from hydra_core.base.plot_names import find_one
from hydra_core.cli.named_image import image_digits, named_image
from hydra_core.labels.request import write_request
from hydra_core.labels.send import send, sender
from hydra_core.stages.context import open_site
from hydra_core.stages.publish import publish_models
from hydra_core.store.labelbook import images_of_type
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.session import reading


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    label = commands.add_parser("label", help="give an image a class, by its SHA-256")
    label.add_argument("plot_type", metavar="PLOT_TYPE", help="NAME, NAME:chunks or NAME:run")
    label.add_argument("image", metavar="IMAGE", help="SHA-256 of the image, or its first 8 digits")
    label.add_argument("class_name", metavar="CLASS")
    label.add_argument("--report", metavar="MODEL", help="the label answers the training report of this model")
    label.add_argument("--who", help="who says so (default: the account)")
    label.add_argument("--comment", default="", help="why; kept with the request")
    label.set_defaults(command=_label)


def _label(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    with reading(engine) as connection:
        known = all_plot_types(connection)
        plot = find_one(given.plot_type, known)
        image = named_image(given.image, images_of_type(connection, known[plot], image_digits(given.image)))
    if image is None:
        raise HydraError(
            f"no image of {plot} has the SHA-256 {given.image}",
            next_step="take it from the card of the image, or from 'hydra ask'",
        )
    items = [(str(plot), image, given.class_name)]
    send(site, engine, write_request(given.who or sender(), now(), items, given.comment, given.report), "label")
    print(f"{plot} {image[:12]}: labelled {given.class_name}")
    if given.report and site.site_pages.is_dir():
        publish_models(site, engine)
    return 0
